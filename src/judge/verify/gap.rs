//! Differences between webpki and RFC 5280: valid paths that webpki refuses, and refusals that only webpki makes.

use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, Error};

use super::certificate::Certificate;
use super::fault::Rejection;
use super::{Purpose, Request, extension, signature};
use crate::judge::report::verdict::Code;
use crate::x509::constraints::NameConstraints;

/// Returns true if webpki is known to refuse a path that our own search found valid, for a reason that is no fault:
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
    let is_leaf_a_ca = path.first().is_some_and(|leaf| leaf.is_ca());
    below_anchor.iter().any(|certificate| is_unread(certificate))
        || below_anchor.iter().skip(1).any(|certificate| certificate.is_self_issued())
        || path.windows(2).any(|pair| matches!(pair, [certificate, issuer] if certificate.issuer() != issuer.subject()))
        || path.iter().skip(1).any(|certificate| has_other_constraints(certificate))
        || path.windows(2).any(is_signed_beyond)
        || path.last().is_some_and(|anchor| anchor.is_old() || is_unread(anchor))
        || is_leaf_a_ca && request.purpose == Purpose::Any
        || matches!(error, Error::MaximumSignatureChecksExceeded | Error::MaximumPathBuildCallsExceeded)
}

/// Returns true if the certificate has a field that webpki does not read.
fn is_unread(certificate: &Certificate) -> bool {
    let read = certificate.read();
    let path_len = read.extensions().basic_constraints().and_then(|constraints| constraints.path_len);
    read.issuer_unique_id.is_some()
        || read.subject_unique_id.is_some()
        || extension::policies(read).any(|(_, extension)| extension.is_critical())
        || certificate.times().0 < 0
        || certificate.der().len() > LONGEST
        || path_len.is_some_and(|limit| limit > u32::from(u8::MAX))
}

/// Octets of the longest value that webpki reads, but for the header: it takes no length of more than two octets.
const LONGEST: usize = 0xffff;

fn is_signed_beyond(pair: &[&Certificate]) -> bool {
    matches!(pair, [certificate, issuer] if signature::is_beyond_webpki(certificate.signed().1, issuer.spki()))
}

/// Decides whether webpki can read the certificate, or the reason why not is known.
fn is_readable(certificate: &Certificate) -> bool {
    is_unread(certificate) || EndEntityCert::try_from(&CertificateDer::from(certificate.der())).is_ok()
}

fn has_other_constraints(certificate: &Certificate) -> bool {
    certificate.extensions().name_constraints().is_some_and(NameConstraints::has_other_kinds)
}

/// Turns a refusal that only webpki makes into a rejection.
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

#[cfg(test)]
mod tests {
    use webpki::{KeyUsage, RequiredEkuNotFoundContext};

    use super::*;

    /// A refusal by rustls says what is wrong; `malformed` is left for what is.
    #[test]
    fn each_refusal_has_its_code() {
        let usage = RequiredEkuNotFoundContext { required: KeyUsage::server_auth(), present: Vec::new() };
        for (error, code) in [
            (Error::MaximumPathDepthExceeded, Code::ChainTooComplex),
            (Error::MaximumSignatureChecksExceeded, Code::ChainTooComplex),
            (Error::MaximumPathBuildCallsExceeded, Code::ChainTooComplex),
            (Error::MaximumNameConstraintComparisonsExceeded, Code::ChainTooComplex),
            (Error::NameConstraintViolation, Code::NameConstraint),
            (Error::UnsupportedNameType, Code::NameConstraint),
            (Error::PathLenConstraintViolated, Code::PathTooLong),
            (Error::RequiredEkuNotFoundContext(usage), Code::WrongPurpose),
            (Error::UnsupportedCriticalExtension, Code::UnknownCriticalExtension),
            (Error::InvalidSignatureForPublicKey, Code::BadSignature),
            (Error::UnknownIssuer, Code::UnknownIssuer),
            (Error::BadDer, Code::Malformed),
        ] {
            assert_eq!(rejection(&error).code, code, "{error}");
        }
    }
}
