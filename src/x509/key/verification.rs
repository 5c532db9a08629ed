//! Signatures checked.

use aws_lc_rs::signature::{self, VerificationAlgorithm};
use der::Decode;
use der::asn1::{Any, ObjectIdentifier};

use super::{EC, ED25519, Error, RSA, Spki, odd_rsa, pss, signature_name};
use crate::encoding::asn1::{self, tag};

/// Checks a signature made with the key of `spki`; `identifier` is the DER AlgorithmIdentifier it was made with.
///
/// SHA-1 is accepted: the caller decides what it means.
///
/// # Errors
///
/// [`Error::BadSignature`], [`Error::UnknownSignature`], [`Error::PublicKey`].
pub fn verify_signature(spki: &[u8], identifier: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
    let content = asn1::only(identifier, tag::SEQUENCE, "").map(|identifier| identifier.content).unwrap_or_default();
    if pss::is(content) {
        let key = spki_parts(spki).ok_or(Error::PublicKey)?;
        return match pss::verify(content, key, message, signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::BadSignature),
            Err(pss::Refused::Unsupported(name)) => Err(Error::UnknownSignature { name }),
            Err(pss::Refused::Malformed(_)) => Err(Error::UnknownSignature { name: "RSASSA-PSS".to_owned() }),
        };
    }
    let spki = Spki::parse(spki).ok_or(Error::PublicKey)?;
    let fields = Vec::<Any>::from_der(identifier).unwrap_or_default();
    let oid = fields.first().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    let oid = oid.map(|oid| oid.to_string()).unwrap_or_default();
    let unknown = || Error::UnknownSignature { name: signature_name(&oid).unwrap_or(&oid).to_owned() };
    if spki.rsa_bits().is_some_and(|bits| odd_rsa::is_odd(bits, &oid)) {
        let is_good = odd_rsa::verify(&spki.key, &oid, message, signature).ok_or_else(unknown)?;
        return if is_good { Ok(()) } else { Err(Error::BadSignature) };
    }
    let algorithm = verification_algorithm(&spki, &oid).ok_or_else(unknown)?;
    let key = signature::UnparsedPublicKey::new(algorithm, &spki.key);
    key.verify(message, signature).map_err(|_| Error::BadSignature)
}

/// The content of a subjectPublicKeyInfo's AlgorithmIdentifier, and the key's octets; `None` if malformed, and
/// for a key whose length is not a whole number of octets.
pub(crate) fn spki_parts(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = asn1::only(spki, tag::SEQUENCE, "").ok()?.reader();
    let identifier = fields.tagged(tag::SEQUENCE, "").ok()?.content;
    let bits = fields.tagged(tag::BIT_STRING, "").ok()?.content;
    Some((identifier, bits.strip_prefix(&[0])?))
}

fn verification_algorithm(spki: &Spki, oid: &str) -> Option<&'static dyn VerificationAlgorithm> {
    use aws_lc_rs::signature as s;
    let curve = spki.curve();
    Some(match (spki.algorithm.as_str(), curve.as_deref().unwrap_or_default(), oid) {
        (RSA, _, "1.2.840.113549.1.1.5") => &s::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (RSA, _, "1.2.840.113549.1.1.11") => &s::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (RSA, _, "1.2.840.113549.1.1.12") => &s::RSA_PKCS1_2048_8192_SHA384,
        (RSA, _, "1.2.840.113549.1.1.13") => &s::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (EC, "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.2") => &s::ECDSA_P256_SHA256_ASN1,
        (EC, "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.3") => &s::ECDSA_P256_SHA384_ASN1,
        (EC, "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.4") => &s::ECDSA_P256_SHA512_ASN1,
        (EC, "1.3.132.0.34", "1.2.840.10045.4.3.2") => &s::ECDSA_P384_SHA256_ASN1,
        (EC, "1.3.132.0.34", "1.2.840.10045.4.3.3") => &s::ECDSA_P384_SHA384_ASN1,
        (EC, "1.3.132.0.34", "1.2.840.10045.4.3.4") => &s::ECDSA_P384_SHA512_ASN1,
        (EC, "1.3.132.0.35", "1.2.840.10045.4.3.2") => &s::ECDSA_P521_SHA256_ASN1,
        (EC, "1.3.132.0.35", "1.2.840.10045.4.3.3") => &s::ECDSA_P521_SHA384_ASN1,
        (EC, "1.3.132.0.35", "1.2.840.10045.4.3.4") => &s::ECDSA_P521_SHA512_ASN1,
        (ED25519, _, ED25519) => &s::ED25519,
        _ => return None,
    })
}
