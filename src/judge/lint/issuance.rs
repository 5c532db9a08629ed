//! Rules for public CAs' server certificates: policies, revocation pointers, signed certificate timestamps.

use time::Duration;

use super::subject::Subject;
use super::{Messages, when};
use crate::encoding::asn1::tag;
use crate::x509::extension::{Access, Extension, PointName, id};
use crate::x509::name::{Entry, GeneralName};
use crate::x509::policy;

/// The CA/Browser Forum's: domain, organization, individual validated; extended validation.
const RESERVED_POLICIES: [&[u8]; 4] = [
    &[0x67, 0x81, 0x0c, 1, 2, 1],
    &[0x67, 0x81, 0x0c, 1, 2, 2],
    &[0x67, 0x81, 0x0c, 1, 2, 3],
    &[0x67, 0x81, 0x0c, 1, 1],
];

/// A certificate that lives so long at most needs no word on revocation.
const SHORT_LIVED: Duration = Duration::days(7);

pub(super) fn has_reserved_policy(subject: &Subject<'_>) -> bool {
    let Some(extension) = subject.extension(id::CERTIFICATE_POLICIES) else { return false };
    policy::policies(extension.octets).flatten().any(|policy| RESERVED_POLICIES.contains(&policy.id))
}

pub(super) fn policy_missing(subject: &Subject<'_>) -> Messages {
    when(!has_reserved_policy(subject), || {
        "certificatePolicies lack the CA/Browser Forum's word on how it was validated".to_owned()
    })
}

/// authorityInfoAccess: the places of a method.
fn access<'s, 'a>(subject: &'s Subject<'a>, method: &'s [u8]) -> Vec<&'s Entry<'a>> {
    subject.extensions().authority_info_access().into_iter().flat_map(|access| access.of(method)).collect()
}

pub(super) fn revocation_missing(subject: &Subject<'_>) -> Messages {
    let is_short = match subject.times[..] {
        [begin, end] => end.at - begin.at < SHORT_LIVED,
        _ => false,
    };
    let tells = subject.extension(id::CRL_DISTRIBUTION_POINTS).is_some() || !access(subject, Access::OCSP).is_empty();
    when(!is_short && !tells, || "it names neither a CRL nor an OCSP responder".to_owned())
}

pub(super) fn aia_missing(subject: &Subject<'_>) -> Messages {
    when(access(subject, Access::CA_ISSUERS).is_empty(), || {
        "authorityInfoAccess does not name its issuer's file".to_owned()
    })
}

/// Over https a client would need a certificate to check a certificate.
pub(super) fn aia_not_http(subject: &Subject<'_>) -> Messages {
    let places = [access(subject, Access::OCSP), access(subject, Access::CA_ISSUERS)].concat();
    let is_plain = |place: &&Entry<'_>| matches!(&place.name, Ok(GeneralName::Uri(uri)) if starts_with_http(uri));
    when(!places.iter().all(is_plain), || "authorityInfoAccess names a place that is no http:// URI".to_owned())
}

fn starts_with_http(octets: &[u8]) -> bool {
    octets.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http://"))
}

pub(super) fn crl_not_http(subject: &Subject<'_>) -> Messages {
    let is_wrong = subject.extensions().distribution_points().iter().any(|point| match &point.name {
        Some(PointName::Full(names)) => {
            names.iter().any(|name| matches!(name, GeneralName::Uri(uri) if !starts_with_http(uri)))
        }
        _ => false,
    });
    when(is_wrong, || "cRLDistributionPoints name a place that is no http:// URI".to_owned())
}

pub(super) fn sct_missing(subject: &Subject<'_>) -> Messages {
    let count = subject.extension(id::TIMESTAMPS).map_or(0, count_scts);
    when(subject.extension(id::CT_POISON).is_none() && count < 2, || {
        format!("it has {count} signed certificate timestamps, and Chrome and Apple want two at least")
    })
}

/// RFC 6962 section 3.3: an OCTET STRING with a list of 16-bit lengths and timestamps.
fn count_scts(extension: &Extension<'_>) -> usize {
    let list = crate::encoding::asn1::only(extension.octets, tag::OCTET_STRING, "SCTs").map(|list| list.content);
    let mut rest = list.ok().and_then(|list| list.get(2..)).unwrap_or_default();
    let mut count = 0;
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let Some(behind) = behind.get(usize::from(u16::from_be_bytes(*length))..) else { break };
        rest = behind;
        count += 1;
    }
    count
}
