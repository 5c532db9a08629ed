//! Public keys checked: whether one can be a key of its kind at all, and whether clients accept it.

use std::borrow::Cow;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use num_bigint::BigUint;

use super::{PublicKey, pss};
use crate::base::words::counted;
use crate::encoding::asn1::{self, Value, bit_length, der, oid, tag};

/// A fault of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The octets are not a key of its kind: no private key exists for it, or readers disagree about its value.
    Malformed(Cow<'static, str>),
    /// A key that clients do not accept: too small, too large, or of another kind.
    Unaccepted(String),
}

/// Fewest and most bits of an RSA modulus that clients accept: CA/Browser Forum 6.1.5, and the limits of BoringSSL,
/// Go and aws-lc-rs.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// Most bits of an RSA exponent: verifying takes as many squarings, and OpenSSL takes no more of large keys.
const EXPONENT_BITS: u32 = 64;

/// Checks a subjectPublicKeyInfo (RFC 3279 section 2.3, RFC 4055 section 1.2, RFC 5480, RFC 8410, RFC 9881).
///
/// # Errors
///
/// The first [`Flaw`].
pub fn check(spki: &[u8]) -> Result<(), Flaw> {
    let spki = asn1::only(spki, tag::SEQUENCE, "subjectPublicKeyInfo")?;
    let mut fields = spki.reader();
    let mut algorithm = fields.tagged(tag::SEQUENCE, "the key's algorithm")?.reader();
    let id = algorithm.tagged(tag::OID, "the key's algorithm")?.content;
    let parameters = if algorithm.is_empty() { None } else { Some(algorithm.value("the key's parameters")?) };
    algorithm.finish("the key's algorithm")?;
    let bits = fields.tagged(tag::BIT_STRING, "subjectPublicKey")?;
    fields.finish("subjectPublicKey")?;
    let Some((0, key)) = bits.content.split_first() else {
        return malformed("its public key is not made of whole octets");
    };
    match id {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => match parameters.map(|value| (value.tag, value.content)) {
            Some((tag::NULL, [])) => rsa(key),
            _ => malformed("its RSA key's parameters are not NULL (RFC 4055 section 1.2)"),
        },
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => match parameters.map(pss::Parameters::read) {
            Some(Err(pss::Refused::Malformed(error))) => Err(error.into()),
            Some(Err(pss::Refused::Unsupported(what))) => Err(Flaw::Unaccepted(format!("its key is for {what} alone"))),
            Some(Ok(_)) | None => rsa(key),
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => ec(spki, parameters, key),
        [0x2b, 0x65, 0x70] => bare(parameters, "Ed25519").and_then(|()| ed25519(key)),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, kind @ 17..=19] => {
            bare(parameters, "ML-DSA").and_then(|()| ml_dsa(*kind, key))
        }
        id => Err(Flaw::Unaccepted(format!("its public key is of a kind that is not accepted ({})", kind(spki, id)))),
    }
}

fn malformed(message: &'static str) -> Result<(), Flaw> {
    Err(Flaw::Malformed(message.into()))
}

impl From<asn1::Error> for Flaw {
    fn from(error: asn1::Error) -> Self {
        Self::Malformed(error.to_string().into())
    }
}

fn kind(spki: Value<'_>, id: &[u8]) -> String {
    let name = PublicKey::of(spki.raw).to_string();
    if name.is_empty() { oid::name_or_dotted(&oid::dotted(id)) } else { name }
}

fn bare(parameters: Option<Value<'_>>, name: &str) -> Result<(), Flaw> {
    match parameters {
        None => Ok(()),
        Some(_) => Err(Flaw::Malformed(format!("its {name} key has parameters, where none may be").into())),
    }
}

/// RSAPublicKey (RFC 8017 section A.1.1).
fn rsa(key: &[u8]) -> Result<(), Flaw> {
    let mut numbers = asn1::only(key, tag::SEQUENCE, "the RSA key")?.reader();
    let modulus = numbers.tagged(tag::INTEGER, "the RSA key's modulus")?;
    let exponent = numbers.tagged(tag::INTEGER, "the RSA key's exponent")?;
    numbers.finish("the RSA key")?;
    der::check(asn1::only(key, tag::SEQUENCE, "the RSA key")?, "the RSA key")?;
    let is_negative = |number: Value<'_>| number.content.first().is_some_and(|first| first & 0x80 != 0);
    let is_even = |number: Value<'_>| number.content.last().is_none_or(|last| last & 1 == 0);
    if is_negative(modulus) || is_negative(exponent) {
        return malformed("its RSA key has a negative number");
    }
    if is_even(modulus) || is_even(exponent) || exponent.content == [1] {
        return malformed("its RSA key's modulus or exponent is even, or its exponent 1: it is no RSA key");
    }
    let (length, exponent) = (bit_length(modulus.content), bit_length(exponent.content));
    let least = RSA_BITS.start();
    let unaccepted = if length < *least {
        format!("its RSA key has {}, and {least} are the least that is safe", counted(length, "bit"))
    } else if length > *RSA_BITS.end() {
        format!("its RSA key has {length} bits, and clients accept {} at most", RSA_BITS.end())
    } else if !length.is_multiple_of(8) {
        format!("its RSA key has {length} bits, which is no multiple of 8")
    } else if exponent > EXPONENT_BITS {
        format!("its RSA key's exponent has {exponent} bits, and clients accept {EXPONENT_BITS} at most")
    } else {
        return Ok(());
    };
    Err(Flaw::Unaccepted(unaccepted))
}

/// ECPoint on a named curve (RFC 5480 section 2): uncompressed, or compressed, which clients may accept.
fn ec(spki: Value<'_>, parameters: Option<Value<'_>>, key: &[u8]) -> Result<(), Flaw> {
    let Some(parameters) = parameters else { return malformed("its EC key names no curve (RFC 5480 section 2.1.1)") };
    let (algorithm, field): (&'static dyn VerificationAlgorithm, usize) = match (parameters.tag, parameters.content) {
        (tag::OID, [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) => (&signature::ECDSA_P256_SHA256_ASN1, 32),
        (tag::OID, [0x2b, 0x81, 4, 0, 34]) => (&signature::ECDSA_P384_SHA384_ASN1, 48),
        (tag::OID, [0x2b, 0x81, 4, 0, 35]) => (&signature::ECDSA_P521_SHA512_ASN1, 66),
        (tag::OID, _) => {
            return Err(Flaw::Unaccepted(format!("its key's curve is not accepted ({})", PublicKey::of(spki.raw))));
        }
        (tag::SEQUENCE, _) => {
            let message = "its key's curve is not named, but given in numbers (RFC 5480 section 2.1.1)";
            return Err(Flaw::Unaccepted(message.to_owned()));
        }
        _ => return malformed("its EC key leaves its curve open (RFC 5480 section 2.1.1)"),
    };
    match (key.first(), key.len()) {
        (Some(4), length) if length == 1 + 2 * field => {}
        (Some(2 | 3), length) if length == 1 + field => {}
        (Some(0), 1) => return malformed("its EC key is the point at infinity (RFC 5480 section 2.2)"),
        (Some(6 | 7), _) => return malformed("its EC key is in the hybrid form (RFC 5480 section 2.2)"),
        _ => return malformed("its EC key has not the length of a point on its curve (RFC 5480 section 2.2)"),
    }
    match ParsedPublicKey::new(algorithm, key) {
        Ok(_) => Ok(()),
        Err(_) => malformed("its EC key is no point on its curve"),
    }
}

/// Decodes a point of Ed25519 by RFC 8032 section 5.1.3, and refuses small-order points, under which any message
/// verifies.
fn ed25519(key: &[u8]) -> Result<(), Flaw> {
    /// The y coordinate of two points of order 8; that of the other two is its negative.
    const ORDER_8: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let Ok(mut octets) = <[u8; 32]>::try_from(key) else {
        return malformed("its Ed25519 key has not 32 octets (RFC 8410 section 4)");
    };
    octets[31] &= 0x7f;
    let one = BigUint::from(1_u32);
    let prime = (&one << 255_u32) - 19_u32;
    let y = BigUint::from_bytes_le(&octets);
    if y >= prime || !is_on_edwards25519(&y, &prime) {
        return malformed("its Ed25519 key is no point on the curve (RFC 8032 section 5.1.3)");
    }
    let order_8 = BigUint::from_bytes_le(&ORDER_8);
    let is_small = [BigUint::ZERO, one.clone(), &prime - one, &prime - &order_8, order_8].contains(&y);
    if is_small { malformed("its Ed25519 key is a point of small order, with which anybody can sign") } else { Ok(()) }
}

/// Decides whether -x² + y² = 1 + dx²y² has a solution: x² = (y² - 1) / (dy² + 1) is a square when the product of the
/// two is one.
fn is_on_edwards25519(y: &BigUint, prime: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let inverse = BigUint::from(121_666_u32).modpow(&(prime - 2_u32), prime);
    let d = (prime - 121_665_u32) * inverse % prime;
    let squared = y * y % prime;
    let product = (&squared + prime - &one) * (d * &squared + &one) % prime;
    let symbol = product.modpow(&((prime - &one) >> 1_u32), prime);
    symbol == one || symbol == BigUint::ZERO
}

/// ML-DSA-44, -65 and -87 by the last arc of their identifiers (RFC 9881 section 4).
fn ml_dsa(kind: u8, key: &[u8]) -> Result<(), Flaw> {
    let length = match kind {
        17 => 1312,
        18 => 1952,
        _ => 2592,
    };
    if key.len() == length {
        Ok(())
    } else {
        malformed("its ML-DSA key has not the length of its kind (RFC 9881 section 4)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::write::{sequence, tlv};

    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    const NULL: &[u8] = &[5, 0];

    fn spki(id: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
        sequence(&[&sequence(&[&tlv(tag::OID, &[id]), parameters]), &tlv(tag::BIT_STRING, &[&[0], key])])
    }

    fn said(spki: &[u8]) -> String {
        match check(spki) {
            Ok(()) => "good".to_owned(),
            Err(Flaw::Malformed(message)) => format!("malformed: {message}"),
            Err(Flaw::Unaccepted(message)) => format!("unaccepted: {message}"),
        }
    }

    /// A point off the curve in a leaf was never looked at.
    #[test]
    fn points_that_are_none_are_malformed() {
        let key = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::EcdsaP256).unwrap();
        let good = key.spki().split_at(key.spki().len() - 65).1;
        let of = |point: &[u8]| said(&spki(EC, &tlv(tag::OID, &[P256]), point));
        assert_eq!(of(good), "good");
        let (x, y) = good[1..].split_at(32);
        let compressed = [&[2 | y[31] & 1], x].concat();
        assert_eq!(of(&compressed), "good", "RFC 5480 section 2.2 leaves it to the reader");
        let mut off = good.to_vec();
        off[64] ^= 1;
        assert_eq!(of(&off), "malformed: its EC key is no point on its curve");
        let above = [&[4][..], &[0xff; 64]].concat();
        assert_eq!(of(&above), "malformed: its EC key is no point on its curve");
        let hybrid = [&[6 | y[31] & 1], x, y].concat();
        assert_eq!(of(&hybrid), "malformed: its EC key is in the hybrid form (RFC 5480 section 2.2)");
        assert_eq!(of(&[0]), "malformed: its EC key is the point at infinity (RFC 5480 section 2.2)");
        let length = "malformed: its EC key has not the length of a point on its curve (RFC 5480 section 2.2)";
        for wrong in [&good[..64], &[good, &[0]].concat(), &[&[2], x, &[0]].concat(), &[&[5], x, y].concat(), &[], x] {
            assert_eq!(of(wrong), length, "{wrong:x?}");
        }
        let not_named = said(&spki(EC, NULL, good));
        assert_eq!(not_named, "malformed: its EC key leaves its curve open (RFC 5480 section 2.1.1)");
        assert_eq!(said(&spki(EC, &[], good)), "malformed: its EC key names no curve (RFC 5480 section 2.1.1)");
        let p384 = tlv(tag::OID, &[&[0x2b, 0x81, 4, 0, 34]]);
        assert_eq!(said(&spki(EC, &p384, good)), length);
        let explicit = said(&spki(EC, &[0x30, 0], good));
        assert!(explicit.starts_with("unaccepted: its key's curve is not named"), "{explicit}");
    }

    /// An exponent of -3 and a modulus of 100,000 bits were once valid.
    #[test]
    fn rsa_numbers_that_cannot_be_are_malformed() {
        let of = |modulus: &[u8], exponent: &[u8]| {
            let key = sequence(&[&tlv(tag::INTEGER, &[modulus]), &tlv(tag::INTEGER, &[exponent])]);
            said(&spki(RSA, NULL, &key))
        };
        let modulus = |bits: usize| [&[0][..], &[0xa5; 8192 * 2][..bits / 8 - 1], &[0xa5]].concat();
        let good = modulus(2048);
        for exponent in [
            &[1, 0, 1][..],
            &[3],
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(of(&good, exponent), "good");
        }
        assert_eq!(of(&modulus(8192), &[3]), "good");
        let negative = "malformed: its RSA key has a negative number";
        assert_eq!(of(&good[1..], &[3]), negative);
        assert_eq!(of(&good, &[0xfd]), negative);
        let even = "malformed: its RSA key's modulus or exponent is even, or its exponent 1: it is no RSA key";
        for exponent in [&[0][..], &[1], &[2], &[1, 0, 0]] {
            assert_eq!(of(&good, exponent), even);
        }
        let half = [&good[..256], &[0xa4]].concat();
        assert_eq!(of(&half, &[3]), even);
        assert_eq!(of(&[0], &[3]), even);
        let padded = "malformed: the RSA key is not DER: an INTEGER has octets that it does not need";
        assert_eq!(of(&[&[0][..], &good].concat(), &[3]), padded);
        assert_eq!(of(&good, &[0, 3]), padded);
        assert_eq!(of(&good, &[]), "malformed: the RSA key is not DER: an INTEGER is empty");
        assert!(of(&modulus(1024), &[3]).starts_with("unaccepted: its RSA key has 1024 bits"));
        assert!(of(&modulus(8200), &[3]).starts_with("unaccepted: its RSA key has 8200 bits, and clients accept 8192"));
        assert!(of(&modulus(100_000), &[3]).starts_with("unaccepted: its RSA key has 100000 bits"));
        let odd = [&[0x01][..], &good[1..]].concat();
        assert!(of(&odd, &[3]).starts_with("unaccepted: its RSA key has 2049 bits, which is no multiple"));
        let exponent = [&[1][..], &[0; 7], &[1]].concat();
        assert!(of(&good, &exponent).starts_with("unaccepted: its RSA key's exponent has 65 bits"));
        let numbers = [tlv(tag::INTEGER, &[&good]), tlv(tag::INTEGER, &[&[3]])];
        let three = sequence(&[&numbers[0], &numbers[1], &[2, 1, 3]]);
        assert!(said(&spki(RSA, NULL, &three)).starts_with("malformed: the RSA key is followed"));
        let key = sequence(&[&numbers[0], &numbers[1]]);
        let followed = [&key[..], &[0]].concat();
        assert!(said(&spki(RSA, NULL, &followed)).starts_with("malformed: the RSA key is followed"));
        for parameters in [&[][..], &[5, 1, 0], &[6, 1, 0x2a], &[0x30, 0]] {
            let expected = "malformed: its RSA key's parameters are not NULL (RFC 4055 section 1.2)";
            assert_eq!(said(&spki(RSA, parameters, &key)), expected);
        }
        assert_eq!(said(&spki(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], &[], &key)), "good");
    }

    #[test]
    fn keys_of_wrong_lengths_are_malformed() {
        let of = |key: &[u8]| said(&spki(ED25519, &[], key));
        let key = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::Ed25519).unwrap();
        let good = key.spki().split_at(key.spki().len() - 32).1;
        assert_eq!(of(good), "good");
        for wrong in [&good[..31], &[good, &[0]].concat(), &[]] {
            assert_eq!(of(wrong), "malformed: its Ed25519 key has not 32 octets (RFC 8410 section 4)");
        }
        let none = "malformed: its Ed25519 key is no point on the curve (RFC 8032 section 5.1.3)";
        assert_eq!(of(&[7; 32]), none);
        assert_eq!(of(&[0xff; 32]), none, "not below the prime");
        let mut one = [0; 32];
        one[0] = 1;
        let small = "malformed: its Ed25519 key is a point of small order, with which anybody can sign";
        assert_eq!(of(&one), small);
        assert_eq!(of(&[0; 32]), small);
        let with_null = said(&spki(ED25519, NULL, good));
        assert_eq!(with_null, "malformed: its Ed25519 key has parameters, where none may be");
        let ml_dsa = |kind, length| said(&spki(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, kind], &[], &vec![1; length]));
        for (kind, length) in [(17, 1312), (18, 1952), (19, 2592)] {
            assert_eq!(ml_dsa(kind, length), "good");
            assert!(ml_dsa(kind, length - 1).starts_with("malformed"), "{kind}");
        }
    }

    #[test]
    fn the_bit_string_is_whole_octets_and_the_last_field() {
        let key = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::EcdsaP256).unwrap();
        let mut spki = key.spki().to_vec();
        assert_eq!(said(&spki), "good");
        let unused = spki.len() - 66;
        spki[unused] = 1;
        assert_eq!(said(&spki), "malformed: its public key is not made of whole octets");
        let more = sequence(&[asn1::only(key.spki(), tag::SEQUENCE, "").unwrap().content, NULL]);
        assert!(said(&more).starts_with("malformed: subjectPublicKey is followed"), "{}", said(&more));
        assert!(said(&[0x30, 0]).starts_with("malformed: the key's algorithm is missing"));
    }
}
