//! Remedies for refusals.

use super::certificate::Certificate;
use super::fault::Rejection;
use super::{Host, Request};
use crate::judge::report::verdict::Code;
use crate::x509::extension::KeyUsage;

/// Names that are listed before the rest is counted.
const NAMES: usize = 8;

/// Names the hosts that a certificate is for.
pub(super) fn other_names(leaf: &Certificate, host: &Host) -> String {
    let (names, more) = leaf.name_texts(NAMES);
    let names = match (&names[..], more) {
        ([], _) => "no name at all: it has no subjectAltName, and the commonName does not count".to_owned(),
        ([one], 0) => one.clone(),
        ([names @ .., last], 0) => format!("{} and {last}", names.join(", ")),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    };
    format!("it is for {names}; you asked for {host} (RFC 9525 section 6)")
}

/// Advice on a refusal, in words: it names no command and no flag, which are the command line's to add.
pub(super) fn of(
    rejection: &Rejection,
    blamed: &Certificate,
    leaf: &Certificate,
    request: &Request<'_>,
) -> Option<String> {
    let is_leaf = rejection.index == 0;
    Some(match rejection.code {
        Code::Expired if is_leaf => "have it issued again by its issuer".to_owned(),
        Code::Expired => "renew this CA's certificate, and send or trust the new one".to_owned(),
        Code::NotYetValid => "look whether the clock is right here and where it was issued".to_owned(),
        Code::UnknownIssuer => unknown_issuer(blamed, leaf, request),
        Code::SelfSigned if is_leaf => "trust it, or have one issued by a CA that clients trust".to_owned(),
        Code::SelfSigned => "trust this root, if it is the right one".to_owned(),
        Code::HostMismatch => "have one issued for that host as well".to_owned(),
        Code::WrongPurpose if is_leaf && !leaf.extensions().may(KeyUsage::DIGITAL_SIGNATURE) => {
            "have it issued with digitalSignature in its keyUsage".to_owned()
        }
        Code::WrongPurpose if is_leaf => "have it issued with the extKeyUsage that it is used for".to_owned(),
        Code::CaAsLeaf => {
            "have one issued that is no CA, with basicConstraints CA:FALSE; rustls clients refuse a CA in a \
                           server's place, openssl and browsers do not"
                .to_owned()
        }
        Code::NotACa => "have it signed by a CA: basicConstraints with cA, and keyUsage with keyCertSign".to_owned(),
        Code::KeyMismatch => "find the key it was issued for, or have one issued for this key".to_owned(),
        Code::WeakSignature => "have it issued again with SHA-256".to_owned(),
        Code::WeakKey => "make a new key, as EC P-256, and have a certificate issued for it".to_owned(),
        Code::Revoked => "make a new key and have a new certificate issued".to_owned(),
        // Without CRLs it is the local CA's record that cannot be read.
        Code::RevocationUnknown if request.crls.is_empty() => "put the damaged line right, or take it out".to_owned(),
        Code::RevocationUnknown => "give the CRL of each issuer on the path".to_owned(),
        Code::CrlInvalid => "fetch or issue a current CRL".to_owned(),
        Code::Version => "have it issued again as version 3".to_owned(),
        _ => return None,
    })
}

fn unknown_issuer(blamed: &Certificate, leaf: &Certificate, request: &Request<'_>) -> String {
    let issuer = &blamed.link().issuer;
    if request.anchors.contains(leaf) {
        "it is trusted itself, but not signed by itself: trust the CA that issued it, as clients need that one"
            .to_owned()
    } else if request.presented.is_empty() {
        format!(
            "if `{issuer}` is a root, trust it; if it is an intermediate, put it behind the certificate, as a server has to send it"
        )
    } else {
        format!("trust `{issuer}` if it is a root; else put it into the chain")
    }
}
