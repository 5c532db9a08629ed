//! Signatures, by the algorithms that webpki takes.

use webpki::ALL_VERIFICATION_ALGS;

use crate::asn1::{self, oid, tag};
use crate::key;

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It was not made with this key.
    Bad,
    /// An algorithm that is not accepted, by its name.
    Algorithm(String),
}

/// Checks that what is signed, with an AlgorithmIdentifier's content and a signature, was signed with this key.
pub(super) fn verify((message, identifier, signature): (&[u8], &[u8], &[u8]), spki: &[u8]) -> Result<(), Fault> {
    let (key_identifier, key) = parse(spki).ok_or(Fault::Bad)?;
    let of_this_kind =
        || ALL_VERIFICATION_ALGS.iter().filter(|algorithm| algorithm.signature_alg_id().as_ref() == identifier);
    if of_this_kind().next().is_none() {
        return Err(Fault::Algorithm(name(identifier)));
    }
    let mut fitting = of_this_kind().filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key_identifier);
    let is_good = fitting.any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok());
    if is_good { Ok(()) } else { Err(Fault::Bad) }
}

/// The content of a key's AlgorithmIdentifier, and its octets.
fn parse(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = asn1::only(spki, tag::SEQUENCE, "").ok()?.reader();
    let identifier = fields.tagged(tag::SEQUENCE, "").ok()?.content;
    let (0, key) =
        fields.tagged(tag::BIT_STRING, "").ok()?.content.split_first().map(|(unused, key)| (*unused, key))?
    else {
        return None;
    };
    Some((identifier, key))
}

fn name(identifier: &[u8]) -> String {
    let id = asn1::Reader::new(identifier).tagged(tag::OID, "").map(|id| oid::dotted(id.content));
    let id = id.unwrap_or_default();
    key::signature_name(&id).map_or(id, str::to_owned)
}
