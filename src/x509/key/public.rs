//! Public keys of every kind (RFC 5280 section 4.1.2.7, RFC 3279, RFC 8410), read once.

use std::borrow::Cow;
use std::fmt;

use super::{AlgorithmIdentifier, RSA_PSS};
use crate::encoding::asn1::{self, Error, Reader, Value, bit_length, oid, tag};

/// A subjectPublicKeyInfo, in place.
#[derive(Debug, Clone)]
pub struct SubjectPublicKeyInfo<'a> {
    /// As it is encoded.
    pub value: Value<'a>,
    /// Its algorithm; `None` if that cannot be read.
    pub algorithm: Option<AlgorithmIdentifier<'a>>,
    /// subjectPublicKey's octets; empty if they cannot be read.
    pub octets: &'a [u8],
    /// The key.
    pub key: PublicKey<'a>,
}

impl<'a> SubjectPublicKeyInfo<'a> {
    /// Reads one, as far as it can be read.
    #[must_use]
    pub fn read(value: Value<'a>) -> Self {
        let mut fields = value.reader();
        let algorithm = fields.tagged(tag::SEQUENCE, "algorithm").ok().map(AlgorithmIdentifier::read);
        let octets = fields.tagged(tag::BIT_STRING, "subjectPublicKey").ok().and_then(|bits| bits.bits());
        let key = match (&algorithm, octets) {
            (Some(AlgorithmIdentifier { id: Some(id), parameters, .. }), Some(octets)) => {
                PublicKey::read(id, *parameters, octets)
            }
            _ => PublicKey::Unreadable,
        };
        Self { value, algorithm, octets: octets.unwrap_or_default(), key }
    }

    /// Reads one from its DER.
    ///
    /// # Errors
    ///
    /// If the value is not a SEQUENCE.
    pub fn from_der(spki: &'a [u8]) -> Result<Self, Error> {
        asn1::only(spki, tag::SEQUENCE, "subjectPublicKeyInfo").map(Self::read)
    }

    /// All octets.
    #[must_use]
    pub const fn as_raw(&self) -> &'a [u8] {
        self.value.raw
    }

    /// The algorithm's parameters.
    #[must_use]
    pub fn parameters(&self) -> Option<Value<'a>> {
        self.algorithm.as_ref()?.parameters
    }
}

/// A public key, by its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey<'a> {
    /// RSA; `None` if the numbers cannot be read.
    Rsa(Option<RsaNumbers<'a>>),
    /// RSA for RSASSA-PSS signatures alone.
    RsaPss(Option<RsaNumbers<'a>>),
    /// A point on a curve.
    Ec(Curve<'a>),
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// X25519.
    X25519,
    /// X448.
    X448,
    /// DSA, and the bits of its prime.
    Dsa(Option<u32>),
    /// Diffie-Hellman, and the bits of its prime.
    Dh(Option<u32>),
    /// Any other, by the content octets of its algorithm's identifier.
    Other(&'a [u8]),
    /// Something that is no subjectPublicKeyInfo.
    Unreadable,
}

/// The numbers of an RSAPublicKey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RsaNumbers<'a> {
    /// The modulus, most significant octet first.
    pub modulus: &'a [u8],
    /// publicExponent.
    pub exponent: &'a [u8],
}

impl<'a> RsaNumbers<'a> {
    pub(super) fn read(key: &'a [u8]) -> Option<Self> {
        let mut numbers = Reader::new(key).tagged(tag::SEQUENCE, "RSAPublicKey").ok()?.reader();
        let modulus = numbers.tagged(tag::INTEGER, "modulus").ok()?.content;
        Some(Self { modulus, exponent: numbers.tagged(tag::INTEGER, "publicExponent").ok()?.content })
    }

    /// The bits of the modulus.
    #[must_use]
    pub fn bits(&self) -> u32 {
        bit_length(self.modulus)
    }

    /// The exponent, when it has 64 bits at most.
    #[must_use]
    pub fn small_exponent(&self) -> Option<u64> {
        let number = || self.exponent.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        (bit_length(self.exponent) <= 64).then(number)
    }
}

/// The curve of an EC key (RFC 5480 section 2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve<'a> {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
    /// Any other with a name, by the content octets of its identifier.
    Named(&'a [u8]),
    /// A curve whose numbers are spelled out, and the bits of its field.
    Explicit(Option<u32>),
    /// A curve that nothing tells of.
    Absent,
}

impl<'a> Curve<'a> {
    fn read(parameters: Option<Value<'a>>) -> Self {
        match parameters.map(|value| (value, value.tag, value.content)) {
            Some((_, tag::OID, [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])) => Self::P256,
            Some((_, tag::OID, [0x2b, 0x81, 4, 0, 34])) => Self::P384,
            Some((_, tag::OID, [0x2b, 0x81, 4, 0, 35])) => Self::P521,
            Some((_, tag::OID, id)) => Self::Named(id),
            Some((value, tag::SEQUENCE, _)) => Self::Explicit(explicit_field_bits(value)),
            _ => Self::Absent,
        }
    }

    /// The curve's NIST name, as in `P-256`; its own name or identifier in dots if it has no NIST name; `explicit`.
    #[must_use]
    pub fn name(self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::P256 => "P-256".into(),
            Self::P384 => "P-384".into(),
            Self::P521 => "P-521".into(),
            Self::Named(id) => {
                let dotted = oid::dotted(id);
                curve_name(&dotted).map_or(Cow::Owned(dotted), |(name, _)| Cow::Borrowed(name))
            }
            Self::Explicit(_) => "explicit".into(),
            Self::Absent => return None,
        })
    }

    /// The bits of the curve's field.
    #[must_use]
    pub fn bits(self) -> Option<u32> {
        match self {
            Self::P256 => Some(256),
            Self::P384 => Some(384),
            Self::P521 => Some(521),
            Self::Named(id) => curve_name(&oid::dotted(id)).map(|(_, bits)| bits),
            Self::Explicit(bits) => bits,
            Self::Absent => None,
        }
    }
}

impl<'a> PublicKey<'a> {
    /// Reads the key of an algorithm, from its parameters and its octets.
    pub(crate) fn read(id: &'a [u8], parameters: Option<Value<'a>>, octets: &'a [u8]) -> Self {
        let prime_bits = || Some(bit_length(parameters?.reader().value("p").ok()?.content));
        match id {
            super::id::RSA => Self::Rsa(RsaNumbers::read(octets)),
            super::id::RSA_PSS => Self::RsaPss(RsaNumbers::read(octets)),
            super::id::EC => Self::Ec(Curve::read(parameters)),
            super::id::ED25519 => Self::Ed25519,
            [0x2b, 0x65, 0x71] => Self::Ed448,
            [0x2b, 0x65, 0x6e] => Self::X25519,
            [0x2b, 0x65, 0x6f] => Self::X448,
            [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => Self::Dsa(prime_bits()),
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1] | [0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1] => {
                Self::Dh(prime_bits())
            }
            other => Self::Other(other),
        }
    }

    /// Reads the key in a DER subjectPublicKeyInfo.
    #[must_use]
    pub fn of(spki: &'a [u8]) -> Self {
        SubjectPublicKeyInfo::from_der(spki).map_or(Self::Unreadable, |spki| spki.key)
    }

    /// The algorithm's name, as in `EC`; its identifier in dots if its name is unknown here.
    #[must_use]
    pub fn algorithm(&self) -> Cow<'static, str> {
        match self {
            Self::Rsa(_) => "RSA".into(),
            Self::RsaPss(_) => "RSA-PSS".into(),
            Self::Ec(_) => "EC".into(),
            Self::Ed25519 => "Ed25519".into(),
            Self::Ed448 => "Ed448".into(),
            Self::X25519 => "X25519".into(),
            Self::X448 => "X448".into(),
            Self::Dsa(_) => "DSA".into(),
            Self::Dh(_) => "DH".into(),
            Self::Other(id) => {
                let dotted = oid::dotted(id);
                oid::name(&dotted).map_or(Cow::Owned(dotted), Cow::Borrowed)
            }
            Self::Unreadable => "unknown".into(),
        }
    }

    /// The size of the RSA modulus, of the DSA or DH prime, or of the curve's field, in bits.
    #[must_use]
    pub fn bits(&self) -> Option<u32> {
        match self {
            Self::Rsa(numbers) | Self::RsaPss(numbers) => numbers.as_ref().map(RsaNumbers::bits),
            Self::Ec(curve) => curve.bits(),
            Self::Ed25519 | Self::X25519 => Some(256),
            Self::Ed448 => Some(456),
            Self::X448 => Some(448),
            Self::Dsa(bits) | Self::Dh(bits) => *bits,
            Self::Other(_) | Self::Unreadable => None,
        }
    }

    /// The strength in bits of an RSA key ([NIST SP 800-57 part 1](https://doi.org/10.6028/NIST.SP.800-57pt1r5), table
    /// 2).
    #[must_use]
    pub fn strength(&self) -> Option<u32> {
        match self {
            Self::Rsa(_) | Self::RsaPss(_) | Self::Dsa(_) => self.bits(),
            Self::Ed25519 => Some(3_072),
            Self::Ed448 => Some(7_680),
            Self::Ec(curve) => Some(match curve.bits()? {
                ..160 => 512,
                160..224 => 1_024,
                224..256 => 2_048,
                256..384 => 3_072,
                384..512 => 7_680,
                _ => 15_360,
            }),
            _ => None,
        }
    }

    /// The curve of an EC key.
    #[must_use]
    pub const fn curve(&self) -> Option<Curve<'a>> {
        if let Self::Ec(curve) = self { Some(*curve) } else { None }
    }

    /// The numbers of an RSA key, for RSASSA-PSS alone or not, if they can be read.
    #[must_use]
    pub const fn rsa(&self) -> Option<&RsaNumbers<'a>> {
        match self {
            Self::Rsa(numbers) | Self::RsaPss(numbers) => numbers.as_ref(),
            _ => None,
        }
    }

    /// Returns true for an RSA key that can also be encrypted to, one that is not for RSASSA-PSS alone.
    #[must_use]
    pub const fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

impl fmt::Display for PublicKey<'_> {
    /// As in `EC P-256`, `RSA 2048` or `Ed25519`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm())?;
        match self {
            Self::Ec(curve) => curve.name().map_or(Ok(()), |name| write!(f, " {name}")),
            Self::Rsa(_) | Self::RsaPss(_) | Self::Dsa(_) | Self::Dh(_) => {
                self.bits().map_or(Ok(()), |bits| write!(f, " {bits}"))
            }
            _ => Ok(()),
        }
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

const DSA: &str = "1.2.840.10040.4.1";
const DH: &str = "1.2.840.113549.1.3.1";
const DHX: &str = "1.2.840.10046.2.1";
const X25519: &str = "1.3.101.110";
const X448: &str = "1.3.101.111";
const ED448: &str = "1.3.101.113";

/// Names by OID of the public key algorithms that are known by name alone.
pub(super) fn key_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        RSA_PSS => "RSA-PSS",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-57 part 1, table 2; curves too short for it count less than any RSA key of today.
    #[test]
    fn a_curves_strength_is_that_of_an_rsa_key() {
        let steps = [
            (112, 512),
            (159, 512),
            (160, 1_024),
            (223, 1_024),
            (224, 2_048),
            (255, 2_048),
            (256, 3_072),
            (383, 3_072),
            (384, 7_680),
            (511, 7_680),
            (512, 15_360),
            (521, 15_360),
        ];
        for (bits, strength) in steps {
            assert_eq!(PublicKey::Ec(Curve::Explicit(Some(bits))).strength(), Some(strength), "{bits}");
        }
        assert_eq!(PublicKey::Ec(Curve::Absent).strength(), None);
        assert_eq!(PublicKey::Ed25519.strength(), Some(3_072));
        assert_eq!(PublicKey::Ed448.strength(), Some(7_680));
        assert_eq!(PublicKey::X25519.strength(), None, "it signs nothing");
    }
}
