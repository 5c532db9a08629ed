//! What webpki refuses though it is valid, and what it refuses alone.

use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, Error};

use super::certificate::Certificate;
use super::path::Rejection;
use super::{Purpose, Request};
use crate::constraints;
use crate::inspect;
use crate::report::verdict::Code;

/// Whether a path that the own search found valid is one that webpki is known to refuse for what is no fault:
///
/// - names that are equal only after RFC 5280 section 7.1's normalisation,
/// - self-issued intermediates, which neither path lengths nor name constraints count (sections 6.1.3 b, 6.1.4 l),
/// - name constraints on other names than dNSName and iPAddress,
/// - critical extensions about policies, unique identifiers, and times before 1970, which it does not read,
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
        || is_leaf_a_ca && request.purpose == Purpose::Any
        || matches!(error, Error::MaximumSignatureChecksExceeded | Error::MaximumPathBuildCallsExceeded)
}

/// Whether it has what webpki does not read.
fn is_unread(certificate: &Certificate) -> bool {
    let parts = &certificate.parts;
    parts.has_unique_id || parts.extensions.has_critical_policies || parts.not_before < 0
}

/// Whether webpki can read the certificate, or it is known why it cannot and another reader can.
fn is_readable(certificate: &Certificate) -> bool {
    let der = CertificateDer::from(certificate.der());
    match EndEntityCert::try_from(&der) {
        Ok(_) => true,
        Err(_) => is_unread(certificate) && inspect::parse(certificate.der()).is_ok(),
    }
}

fn has_other_constraints(certificate: &Certificate) -> bool {
    if !certificate.parts.extensions.has_name_constraints {
        return false;
    }
    let Ok(parsed) = inspect::parse(certificate.der()) else { return false };
    matches!(constraints::of_certificate(&parsed), Ok(Some(constraints)) if constraints.has_other_kinds())
}

/// What webpki refuses and the own search does not.
pub(super) fn rejection(error: &Error) -> Rejection {
    let code = match error {
        Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => Code::ChainTooComplex,
        Error::NameConstraintViolation | Error::UnsupportedNameType => Code::NameConstraint,
        Error::PathLenConstraintViolated => Code::PathTooLong,
        Error::RequiredEkuNotFoundContext(_) => Code::WrongPurpose,
        Error::UnsupportedCriticalExtension => Code::UnknownCriticalExtension,
        Error::InvalidSignatureForPublicKey => Code::BadSignature,
        Error::UnknownIssuer => Code::UnknownIssuer,
        _ => Code::Malformed,
    };
    Rejection::new(code, 0, format!("rustls refuses it: {error}"))
}
