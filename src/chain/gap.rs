//! What webpki refuses though it is valid, and what it refuses alone.

use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, Error};

use super::certificate::Certificate;
use super::path::Rejection;
use super::{Purpose, Request, signature};
use crate::constraints::NameConstraints;
use crate::report::verdict::Code;

/// Whether a path that the own search found valid is one that webpki is known to refuse for what is no fault:
///
/// - names that are equal only after RFC 5280 section 7.1's normalisation,
/// - self-issued intermediates, which neither path lengths nor name constraints count (sections 6.1.3 b, 6.1.4 l),
/// - name constraints on other names than dNSName and iPAddress,
/// - critical extensions about policies, unique identifiers, and times before 1970, which it does not read,
/// - certificates, and parts of them, of more than 64 KiB, and a pathLenConstraint above 255,
/// - RSASSA-PSS signatures by keys that are for RSASSA-PSS alone, or with a salt of another length than the hash,
/// - trust anchors that it cannot read: of version 2, or for one of the reasons above,
/// - a CA as end-entity, when any purpose will do,
/// - a path among so many others that it gave up.
///
/// In everything else webpki's word stands.
pub(super) fn is_known(path: &[&Certificate], request: &Request<'_>, error: &Error) -> bool {
    let below_anchor = path.split_last().map_or(path, |(_, below)| below);
    if !below_anchor.iter().all(|certificate| is_readable(certificate)) {
        return false;
    }
    let is_leaf_a_ca = path.first().is_some_and(|leaf| leaf.parts.extensions.is_ca());
    below_anchor.iter().any(|certificate| is_unread(certificate))
        || below_anchor.iter().skip(1).any(|certificate| certificate.is_self_issued())
        || path.windows(2).any(|pair| matches!(pair, [certificate, issuer] if certificate.issuer() != issuer.subject()))
        || path.iter().skip(1).any(|certificate| has_other_constraints(certificate))
        || path.windows(2).any(is_signed_beyond)
        || path.last().is_some_and(|anchor| anchor.is_old() || is_unread(anchor))
        || is_leaf_a_ca && request.purpose == Purpose::Any
        || matches!(error, Error::MaximumSignatureChecksExceeded | Error::MaximumPathBuildCallsExceeded)
}

/// Whether it has what webpki does not read.
fn is_unread(certificate: &Certificate) -> bool {
    let parts = &certificate.parts;
    let path_len = parts.extensions.basic_constraints.and_then(|(_, path_len)| path_len);
    parts.has_unique_id
        || parts.extensions.has_critical_policies
        || parts.not_before < 0
        || certificate.der().len() > LONGEST
        || path_len.is_some_and(|limit| limit > u32::from(u8::MAX))
}

/// Octets of the longest value that webpki reads, but for the header: it takes no length of more than two octets.
const LONGEST: usize = 0xffff;

fn is_signed_beyond(pair: &[&Certificate]) -> bool {
    matches!(pair, [certificate, issuer] if signature::is_beyond_webpki(certificate.signed().1, issuer.spki()))
}

/// Decides whether webpki can read the certificate, or it is known why it cannot.
fn is_readable(certificate: &Certificate) -> bool {
    is_unread(certificate) || EndEntityCert::try_from(&CertificateDer::from(certificate.der())).is_ok()
}

fn has_other_constraints(certificate: &Certificate) -> bool {
    let value = certificate.parts.extensions.name_constraints.as_ref().map(|span| certificate.at(span));
    value.is_some_and(|value| NameConstraints::parse(value).is_ok_and(|constraints| constraints.has_other_kinds()))
}

/// What webpki refuses and the own search does not.
pub(super) fn rejection(error: &Error) -> Rejection {
    let (code, reason) = match error {
        Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => {
            (Code::ChainTooComplex, "more paths or names would have to be tried than rustls clients try")
        }
        Error::NameConstraintViolation | Error::UnsupportedNameType => {
            (Code::NameConstraint, "rustls clients refuse one of its names for the name constraints above it")
        }
        Error::PathLenConstraintViolated => {
            (Code::PathTooLong, "rustls clients count more intermediates than a pathLenConstraint allows")
        }
        Error::RequiredEkuNotFoundContext(_) => (
            Code::WrongPurpose,
            "rustls clients find that its extKeyUsage, or that of a CA above it, lacks the purpose",
        ),
        Error::UnsupportedCriticalExtension => (
            Code::UnknownCriticalExtension,
            "it, or a CA above it, has a critical extension that rustls clients do not understand",
        ),
        Error::InvalidSignatureForPublicKey => {
            (Code::BadSignature, "rustls clients find that a signature on its path is wrong")
        }
        Error::UnknownIssuer => (Code::UnknownIssuer, "rustls clients find no path from it to what is trusted"),
        _ => (Code::Malformed, "rustls clients cannot read it, or a CA's certificate above it"),
    };
    Rejection::new(code, 0, reason)
}
