//! Signatures, by the algorithms that webpki takes, and RSASSA-PSS of all salts and keys.

use rustls::pki_types::SignatureVerificationAlgorithm;
use webpki::ALL_VERIFICATION_ALGS;

use crate::encoding::asn1::{self, oid, tag};
use crate::x509::key::{self, pss};

/// Reason why a signature does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The signature was not made with this key.
    Bad,
    /// An algorithm that is not accepted, by its name.
    Algorithm(String),
}

/// Checks that the signed octets, with an AlgorithmIdentifier's content and a signature, were signed with this key.
pub(super) fn verify((message, identifier, signature): (&[u8], &[u8], &[u8]), spki: &[u8]) -> Result<(), Fault> {
    let (key_identifier, key) = key::spki_parts(spki).ok_or(Fault::Bad)?;
    if pss::is(identifier) {
        return match pss::verify(identifier, (key_identifier, key), message, signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::Bad),
            Err(pss::Refused::Unsupported(name)) => Err(Fault::Algorithm(name)),
            Err(pss::Refused::Malformed(error)) => Err(Fault::Algorithm(format!("RSASSA-PSS ({error})"))),
        };
    }
    let of_this_kind =
        || ALL_VERIFICATION_ALGS.iter().filter(|algorithm| algorithm.signature_alg_id().as_ref() == identifier);
    if of_this_kind().next().is_none() {
        return Err(Fault::Algorithm(name(identifier)));
    }
    let mut fitting = of_this_kind().filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key_identifier);
    let is_good = fitting.any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok());
    if is_good { Ok(()) } else { Err(Fault::Bad) }
}

/// Decides whether a signature is one that webpki has no algorithm for: RSASSA-PSS by such a key, or with such a salt.
pub(super) fn is_beyond_webpki(identifier: &[u8], spki: &[u8]) -> bool {
    let key_identifier = key::spki_parts(spki).map(|(identifier, _)| identifier);
    let fits = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == identifier
            && Some(algorithm.public_key_alg_id().as_ref()) == key_identifier
    };
    pss::is(identifier) && !ALL_VERIFICATION_ALGS.iter().any(fits)
}

fn name(identifier: &[u8]) -> String {
    let id = asn1::Reader::new(identifier).tagged(tag::OID, "").map(|id| oid::dotted(id.content));
    let id = id.unwrap_or_default();
    key::signature_name(&id).map_or(id, str::to_owned)
}
