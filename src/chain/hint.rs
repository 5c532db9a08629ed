//! What a person can do about a refusal.

use super::certificate::Certificate;
use super::extension::DIGITAL_SIGNATURE;
use super::path::Rejection;
use super::{Host, Request, host};
use crate::report::verdict::Code;

/// Names that are listed before the rest is counted.
const NAMES: usize = 8;

/// Says whom a certificate is for instead.
pub(super) fn other_names(leaf: &Certificate, host: &Host) -> String {
    let (names, more) = host::texts(leaf, NAMES);
    let names = match (&names[..], more) {
        ([], _) => "no name at all: it has no subjectAltName, and the commonName does not count".to_owned(),
        ([one], 0) => one.clone(),
        ([names @ .., last], 0) => format!("{} and {last}", names.join(", ")),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    };
    format!("it is for {names}; you asked for {host} (RFC 9525 section 6)")
}

/// The mend, where there is one.
pub(super) fn of(
    rejection: &Rejection,
    blamed: &Certificate,
    leaf: &Certificate,
    request: &Request<'_>,
) -> Option<String> {
    let is_leaf = rejection.index == 0;
    let host = || request.host.map_or_else(|| "HOST".to_owned(), ToString::to_string);
    Some(match rejection.code {
        Code::Expired if is_leaf => format!("renew it, as with `secure-io gen-cert --force {}`", host()),
        Code::Expired => "renew this CA's certificate, and send or trust the new one".to_owned(),
        Code::NotYetValid => "look whether the clock is right here and where it was issued".to_owned(),
        Code::UnknownIssuer => unknown_issuer(blamed, leaf, request),
        Code::SelfSigned if is_leaf => format!(
            "trust it with `--trust FILE`, or have one signed by a CA that clients trust: `secure-io gen-cert --ca {}`",
            host()
        ),
        Code::SelfSigned => "trust this root with `--trust FILE`".to_owned(),
        Code::HostMismatch => format!("issue one for it: `secure-io gen-cert {}`", host()),
        Code::WrongPurpose if is_leaf && !leaf.parts.extensions.may(DIGITAL_SIGNATURE) => {
            format!("issue it with digitalSignature in its keyUsage: `secure-io gen-cert {}`", host())
        }
        Code::WrongPurpose if is_leaf => {
            "issue it with the right extKeyUsage: `secure-io gen-cert --purpose server|client|both`".to_owned()
        }
        Code::CaAsLeaf => format!(
            "make one that is no CA: `secure-io gen-cert {}`, or `openssl req -x509 -addext basicConstraints=critical,CA:FALSE …`; rustls clients refuse a CA in a server's place, openssl and browsers do not",
            host()
        ),
        Code::NotACa => "have it signed by a CA: basicConstraints with cA, and keyUsage with keyCertSign".to_owned(),
        Code::KeyMismatch => {
            "find the key it was issued for, or issue again: `secure-io gen-cert --key FILE …`".to_owned()
        }
        Code::WeakSignature => "have it issued again with SHA-256".to_owned(),
        Code::WeakKey => {
            "make a new key, `secure-io gen-key --algorithm ecdsa-p256`, and have a certificate issued for it"
                .to_owned()
        }
        Code::Revoked => "make a new key and have a new certificate issued".to_owned(),
        Code::RevocationUnknown => "give the CRL of each issuer on the path with `--crl FILE`".to_owned(),
        Code::CrlInvalid => "fetch or issue a current CRL (`secure-io ca crl` for the local CA)".to_owned(),
        Code::Version => format!("issue it anew as version 3: `secure-io gen-cert {}`", host()),
        _ => return None,
    })
}

fn unknown_issuer(blamed: &Certificate, leaf: &Certificate, request: &Request<'_>) -> String {
    if request.anchors.contains(leaf) {
        "it is trusted itself, but not signed by itself: trust the CA that issued it, as clients need that one"
            .to_owned()
    } else if request.presented.is_empty() {
        format!(
            "the server sends no intermediate: append `{}` to the certificate file, or name it with `--untrusted FILE`; if it is the root, trust it with `--trust FILE`",
            blamed.link().issuer
        )
    } else {
        format!("add `{}` to the chain, or trust it with `--trust FILE` if it is the root", blamed.link().issuer)
    }
}
