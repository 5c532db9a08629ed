//! Public keys of every kind, described (RFC 5280 section 4.1.2.7, RFC 3279, RFC 8410).

use std::fmt;

use serde::Serialize;

use super::{EC, ED25519, RSA};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Reader, Value, bit_length, oid, tag};

/// A public key's kind and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// `EC`, `RSA`, `RSA-PSS`, `Ed25519`, `Ed448`, `X25519`, `X448`, `DSA`, `DH`, or another name; a dotted OID if its
    /// name is unknown here.
    pub algorithm: String,
    /// The curve's NIST name, as in `P-256`; its own name or dotted OID if it has no NIST name; `explicit` if its
    /// numbers are given instead of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<String>,
    /// The size of the RSA modulus, of the DSA or DH prime, or of the curve's field, in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// The RSA public exponent, when it is not 65537.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponent: Option<String>,
}

impl fmt::Display for PublicKey {
    /// As in `EC P-256`, `RSA 2048` or `Ed25519`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        match (&self.curve, self.bits) {
            (Some(curve), _) => write!(f, " {curve}"),
            (None, Some(bits)) if matches!(self.algorithm.as_str(), "RSA" | "RSA-PSS" | "DSA" | "DH") => {
                write!(f, " {bits}")
            }
            _ => Ok(()),
        }
    }
}

/// The fields of a subjectPublicKeyInfo.
struct Fields<'a> {
    algorithm: String,
    parameters: Option<Value<'a>>,
    key: &'a [u8],
}

impl<'a> Fields<'a> {
    fn parse(spki: &'a [u8]) -> Option<Self> {
        let mut reader = asn1::only(spki, tag::SEQUENCE, "subjectPublicKeyInfo").ok()?.reader();
        let mut identifier = reader.tagged(tag::SEQUENCE, "algorithm").ok()?.reader();
        let algorithm = identifier.tagged(tag::OID, "algorithm").ok()?.oid();
        let parameters = identifier.value("parameters").ok();
        let key = reader.tagged(tag::BIT_STRING, "subjectPublicKey").ok()?.bits()?;
        Some(Self { algorithm, parameters, key })
    }
}

/// Describes the key in a DER subjectPublicKeyInfo.
#[must_use]
pub fn public_key(spki: &[u8]) -> PublicKey {
    let Some(fields) = Fields::parse(spki) else {
        return PublicKey { algorithm: "unknown".to_owned(), curve: None, bits: None, exponent: None };
    };
    describe(&fields.algorithm, fields.parameters, fields.key)
}

/// Describes the key of an algorithm, its parameters and the key's octets.
#[must_use]
pub fn describe(algorithm: &str, parameters: Option<Value<'_>>, key: &[u8]) -> PublicKey {
    let (mut curve, mut bits, mut exponent) = (None, None, None);
    match algorithm {
        RSA | RSA_PSS => {
            if let Some((modulus, e)) = rsa_numbers(key) {
                bits = Some(bit_length(modulus));
                exponent = unusual_exponent(e);
            }
        }
        EC => {
            if let Some(parameters) = parameters {
                (curve, bits) = curve_of(parameters);
            }
        }
        DSA | DH | DHX => bits = parameters.and_then(|numbers| numbers.reader().value("p").ok()).map(prime_bits),
        ED25519 | X25519 => bits = Some(256),
        ED448 => bits = Some(456),
        X448 => bits = Some(448),
        _ => {}
    }
    let name = key_name(algorithm).or_else(|| oid::name(algorithm)).unwrap_or(algorithm);
    PublicKey { algorithm: name.to_owned(), curve, bits, exponent }
}

fn prime_bits(prime: Value<'_>) -> u32 {
    bit_length(prime.content)
}

/// The modulus and exponent of an RSAPublicKey.
pub(super) fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut numbers = Reader::new(key).tagged(tag::SEQUENCE, "RSAPublicKey").ok()?.reader();
    let modulus = numbers.tagged(tag::INTEGER, "modulus").ok()?;
    Some((modulus.content, numbers.tagged(tag::INTEGER, "publicExponent").ok()?.content))
}

fn unusual_exponent(octets: &[u8]) -> Option<String> {
    let significant = octets.iter().skip_while(|octet| **octet == 0);
    let number = (significant.clone().count() <= 8)
        .then(|| significant.fold(0, |number, octet| number << 8 | u64::from(*octet)));
    match number {
        Some(65537) => None,
        Some(number) => Some(number.to_string()),
        None => Some(format!("0x{}", hex(octets))),
    }
}

/// The curve that EC parameters name or spell out (RFC 5480 section 2.1.1), and the size of its field.
fn curve_of(parameters: Value<'_>) -> (Option<String>, Option<u32>) {
    match parameters.tag {
        tag::OID => {
            let oid = parameters.oid();
            let known = curve_name(&oid);
            (Some(known.map_or(oid, |(name, _)| name.to_owned())), known.map(|(_, bits)| bits))
        }
        tag::SEQUENCE => (Some("explicit".to_owned()), explicit_field_bits(parameters)),
        _ => (None, None),
    }
}

/// The prime of a prime field, or the degree of a binary one (RFC 3279 section 2.3.5).
fn explicit_field_bits(parameters: Value<'_>) -> Option<u32> {
    let mut reader = parameters.reader();
    reader.tagged(tag::INTEGER, "version").ok()?;
    let mut field = reader.tagged(tag::SEQUENCE, "fieldID").ok()?.reader();
    field.tagged(tag::OID, "fieldType").ok()?;
    let size = field.value("parameters").ok()?;
    match size.tag {
        tag::INTEGER => Some(bit_length(size.content)),
        tag::SEQUENCE => size.reader().tagged(tag::INTEGER, "m").ok()?.small(),
        _ => None,
    }
}

pub(super) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const DSA: &str = "1.2.840.10040.4.1";
const DH: &str = "1.2.840.113549.1.3.1";
const DHX: &str = "1.2.840.10046.2.1";
const X25519: &str = "1.3.101.110";
const X448: &str = "1.3.101.111";
const ED448: &str = "1.3.101.113";

/// Names of public key algorithms by OID.
pub(super) fn key_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        RSA => "RSA",
        RSA_PSS => "RSA-PSS",
        EC => "EC",
        ED25519 => "Ed25519",
        ED448 => "Ed448",
        X25519 => "X25519",
        X448 => "X448",
        DSA => "DSA",
        DH | DHX => "DH",
        _ => return None,
    })
}

/// Names and field sizes of curves by OID.
pub(super) fn curve_name(oid: &str) -> Option<(&'static str, u32)> {
    CURVES.iter().find(|(known, ..)| *known == oid).map(|(_, name, bits)| (*name, *bits))
}

const CURVES: [(&str, &str, u32); 38] = [
    ("1.2.840.10045.3.1.7", "P-256", 256),
    ("1.3.132.0.34", "P-384", 384),
    ("1.3.132.0.35", "P-521", 521),
    ("1.3.132.0.33", "P-224", 224),
    ("1.2.840.10045.3.1.1", "P-192", 192),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.132.0.32", "secp224k1", 224),
    ("1.3.132.0.31", "secp192k1", 192),
    ("1.3.132.0.30", "secp160r2", 160),
    ("1.3.132.0.8", "secp160r1", 160),
    ("1.3.132.0.9", "secp160k1", 160),
    ("1.3.132.0.28", "secp128r1", 128),
    ("1.3.132.0.6", "secp112r1", 112),
    ("1.3.132.0.1", "sect163k1", 163),
    ("1.3.132.0.15", "sect163r2", 163),
    ("1.3.132.0.26", "sect233k1", 233),
    ("1.3.132.0.27", "sect233r1", 233),
    ("1.3.132.0.16", "sect283k1", 283),
    ("1.3.132.0.17", "sect283r1", 283),
    ("1.3.132.0.36", "sect409k1", 409),
    ("1.3.132.0.37", "sect409r1", 409),
    ("1.3.132.0.38", "sect571k1", 571),
    ("1.3.132.0.39", "sect571r1", 571),
    ("1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1", 160),
    ("1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1", 192),
    ("1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1", 224),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1", 320),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
    ("1.3.36.3.3.2.8.1.1.2", "brainpoolP160t1", 160),
    ("1.3.36.3.3.2.8.1.1.4", "brainpoolP192t1", 192),
    ("1.3.36.3.3.2.8.1.1.6", "brainpoolP224t1", 224),
    ("1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1", 256),
    ("1.3.36.3.3.2.8.1.1.10", "brainpoolP320t1", 320),
    ("1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1", 384),
    ("1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1", 512),
    ("1.2.156.10197.1.301", "SM2", 256),
];
