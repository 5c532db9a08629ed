//! The extensions that decide about a path (RFC 5280 section 4.2.1): the first fault of them that keeps a certificate
//! off every path.

use super::fault::Fault;
use crate::encoding::asn1::{self, Reader, der};
use crate::judge::report::verdict::Code;
use crate::x509::certificate::Certificate;
use crate::x509::extension::{DistributionPoint, Extension, ExtensionValue, KeyUsage, PointName, id};
use crate::x509::name::{GeneralName, GeneralNames};
use crate::x509::policy;

/// Extensions about policies, which webpki does not read.
const POLICIES: [&[u8]; 4] =
    [id::CERTIFICATE_POLICIES, id::POLICY_MAPPINGS, id::POLICY_CONSTRAINTS, id::INHIBIT_ANY_POLICY];

/// A certificate's extensions about policies: the last arc of each one's type, and its value.
pub(super) fn policies<'c, 'a>(certificate: &'c Certificate<'a>) -> impl Iterator<Item = (u8, &'c Extension<'a>)> {
    let all = certificate.extensions().iter().filter(|extension| POLICIES.contains(&extension.id));
    all.filter_map(|extension| Some((*extension.id.last()?, extension)))
}

/// Finds the first fault of a certificate's extensions.
pub(super) fn fault(certificate: &Certificate<'_>) -> Option<Fault> {
    let extensions = certificate.extensions();
    if let Some(error) = extensions.fault() {
        return Some(Fault::malformed(error.to_string()));
    }
    let mut seen = Vec::new();
    let fault = extensions.entries.iter().find_map(|entry| match entry {
        Ok(extension) => {
            let is_twice = seen.contains(&extension.id);
            seen.push(extension.id);
            fault_of(extension, is_twice)
        }
        Err(unreadable) => Some(Fault::malformed(unreadable.error.to_string())),
    });
    fault.or_else(|| contradiction(certificate))
}

fn fault_of(extension: &Extension<'_>, is_twice: bool) -> Option<Fault> {
    if !matches!(extension.critical.map(|critical| critical.content), None | Some([0 | 0xff])) {
        return Some(Fault::malformed("an extension's critical is no DER BOOLEAN"));
    }
    if is_twice {
        let message = format!("its extension {} stands there twice (RFC 5280 section 4.2)", extension.name());
        return Some(Fault::malformed(message));
    }
    if let Err(error) = check_der(extension) {
        return Some(Fault::malformed(format!("its extension {}: {error}", extension.name())));
    }
    match is_fit(extension) {
        Some(false) => Some(Fault::malformed(format!("its extension {} is malformed", extension.name()))),
        None if extension.is_critical() => {
            let message =
                format!("its extension {} is critical and not understood (RFC 5280 section 4.2)", extension.name());
            Some(Fault::new(Code::UnknownCriticalExtension, message))
        }
        Some(true) | None => None,
    }
}

/// Decides whether the value of an extension that counts is as RFC 5280 has it; `None` for all others, and for those
/// that must not be critical and are.
fn is_fit(extension: &Extension<'_>) -> Option<bool> {
    let may_be_critical = matches!(
        extension.id,
        id::KEY_USAGE
            | id::SUBJECT_ALT_NAME
            | id::BASIC_CONSTRAINTS
            | id::NAME_CONSTRAINTS
            | id::CRL_DISTRIBUTION_POINTS
            | id::EXT_KEY_USAGE
    );
    if POLICIES.contains(&extension.id) {
        let number = extension.id.last().copied().unwrap_or_default();
        return Some(policy::check_extension(number, extension.octets).is_ok());
    }
    if extension.is_critical() && !may_be_critical {
        return None;
    }
    Some(match &extension.value {
        Ok(ExtensionValue::KeyUsage(usage)) => !usage.is_empty(),
        Ok(ExtensionValue::BasicConstraints(_) | ExtensionValue::SubjectKeyId(_)) => true,
        Ok(ExtensionValue::SubjectAltName(names) | ExtensionValue::IssuerAltName(names)) => names.check().is_ok(),
        Ok(ExtensionValue::NameConstraints(constraints)) => {
            !constraints.is_empty() && !constraints.has_empty_list && constraints.check_form().is_ok()
        }
        Ok(ExtensionValue::CrlDistributionPoints(points)) => points.iter().all(is_point),
        Ok(ExtensionValue::ExtKeyUsage(usage)) => !usage.0.is_empty(),
        Ok(ExtensionValue::AuthorityKeyId(id)) => {
            let is_number = |serial: &[u8]| !serial.is_empty() && der::significant(serial).len() == serial.len();
            id.issuer.as_ref().is_none_or(|names| names.check().is_ok()) && id.serial.is_none_or(is_number)
        }
        Ok(ExtensionValue::AuthorityInfoAccess(access)) => {
            !access.0.is_empty() && access.0.iter().all(|access| access.location.name.is_ok())
        }
        Err(_) if counts(extension.id) => false,
        // Others, and those of CRLs, which mean nothing in a certificate.
        Ok(_) | Err(_) => return None,
    })
}

/// Decides whether an extension counts for a path.
fn counts(id: &[u8]) -> bool {
    matches!(id, [0x55, 0x1d, 14 | 15 | 17..=19 | 30 | 31 | 35 | 37] | id::AUTHORITY_INFO_ACCESS)
}

/// Decides whether a distribution point is one: its names are, and its reasons are DER.
fn is_point(point: &DistributionPoint<'_>) -> bool {
    let are_names = |names: &GeneralNames<'_>| names.check().is_ok();
    let is_place = match &point.name {
        Some(PointName::Full(names)) => are_names(names),
        Some(PointName::Relative(..)) | None => true,
    };
    is_place && point.reasons.is_none_or(|reasons| reasons.is_der) && point.crl_issuer.as_ref().is_none_or(are_names)
}

/// Decides whether a DistributionPointName says where a CRL is: by an RDN, or by names that are each a URI or a
/// directory's.
pub(super) fn is_place(name: &PointName<'_>) -> bool {
    match name {
        PointName::Full(names) => {
            names.iter().all(|name| matches!(name, GeneralName::Uri(_) | GeneralName::Directory(_)))
        }
        PointName::Relative(..) => true,
    }
}

/// Finds extensions that contradict each other (RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.10).
fn contradiction(certificate: &Certificate<'_>) -> Option<Fault> {
    let extensions = certificate.extensions();
    if certificate.is_ca() {
        return None;
    }
    let message = if extensions.key_usage().is_some_and(|usage| usage.has(KeyUsage::KEY_CERT_SIGN)) {
        "its keyUsage has keyCertSign, though its basicConstraints do not say that it is a CA (RFC 5280 section 4.2.1.3)"
    } else if extensions.name_constraints().is_some() {
        "it has name constraints, though it is no CA (RFC 5280 section 4.2.1.10)"
    } else {
        return None;
    };
    Some(Fault::malformed(message))
}

/// Checks that the value of an extension under id-ce or id-pe is DER. Private extensions may have any content.
fn check_der(extension: &Extension<'_>) -> Result<(), asn1::Error> {
    if !matches!(extension.id, [0x55, 0x1d, _] | [0x2b, 6, 1, 5, 5, 7, 1, _]) {
        return Ok(());
    }
    let mut reader = Reader::new(extension.octets);
    asn1::der::check(reader.value("its value")?, "its value")?;
    reader.finish("its value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::tag;
    use crate::encoding::asn1::write::{sequence, tlv};

    /// Each part of a distribution point is looked at (RFC 5280 section 4.2.1.13).
    #[test]
    fn a_distribution_point_is_good_in_all_its_parts() {
        let name = |uri: &[u8]| tlv(tag::constructed(0), &[&tlv(tag::constructed(0), &[uri])]);
        let (good, bad) = (tlv(0x86, &[b"http://a.test/crl"]), tlv(0x89, &[b"no kind of name"]));
        let (full, bad_name) = (name(&good), name(&bad));
        let issuer = |name: &[u8]| tlv(tag::constructed(2), &[name]);
        let reasons = |bits: u8| tlv(tag::context(1), &[&[5, bits]]);
        let relative = tlv(
            tag::constructed(0),
            &[&tlv(tag::constructed(1), &[&sequence(&[&[6, 3, 0x55, 4, 3], &[12, 1, b'a']])])],
        );
        for (parts, is_good) in [
            (vec![&full], true),
            (vec![&relative], true),
            (vec![&full, &reasons(0x60), &issuer(&good)], true),
            (vec![&bad_name], false),
            (vec![&full, &reasons(0x61)], false),
            (vec![&issuer(&bad)], false),
        ] {
            let parts: Vec<_> = parts.into_iter().map(Vec::as_slice).collect();
            let octets = sequence(&[&sequence(&parts)]);
            let points = DistributionPoint::read_all(&octets).unwrap();
            assert_eq!(points.iter().all(is_point), is_good, "{octets:02x?}");
        }
    }
}
