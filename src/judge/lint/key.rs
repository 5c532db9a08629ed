//! The key of a subjectPublicKeyInfo, taken apart.

use num_bigint::BigUint;

use crate::encoding::asn1::{Reader, Value, bit_length, tag};
use crate::judge::report;
use crate::x509::key;

/// A subjectPublicKeyInfo.
#[derive(Debug)]
pub(super) struct Key<'a> {
    pub(super) spki: Value<'a>,
    pub(super) parameters: Option<Value<'a>>,
    /// subjectPublicKey's octets.
    pub(super) octets: &'a [u8],
    pub(super) described: report::PublicKey,
    pub(super) rsa: Option<Rsa<'a>>,
}

/// An RSAPublicKey.
#[derive(Debug)]
pub(super) struct Rsa<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

impl<'a> Key<'a> {
    pub(super) fn of(spki: Value<'a>) -> Self {
        let mut reader = spki.reader();
        let algorithm = reader.tagged(tag::SEQUENCE, "algorithm").ok();
        let parameters = algorithm.and_then(|algorithm| {
            let mut fields = algorithm.reader();
            fields.value("algorithm").ok()?;
            fields.value("parameters").ok()
        });
        let octets = reader.tagged(tag::BIT_STRING, "subjectPublicKey").ok().and_then(|bits| bits.bits());
        let octets = octets.unwrap_or_default();
        let described = key::public_key(spki.raw);
        let rsa = described.algorithm.starts_with("RSA").then(|| Rsa::of(octets)).flatten();
        Self { spki, parameters, octets, described, rsa }
    }

    pub(super) fn is_rsa(&self) -> bool {
        self.described.algorithm.starts_with("RSA")
    }

    pub(super) fn is_ec(&self) -> bool {
        self.described.algorithm == "EC"
    }
}

impl<'a> Rsa<'a> {
    fn of(octets: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::new(octets).tagged(tag::SEQUENCE, "RSAPublicKey").ok()?.reader();
        let modulus = fields.tagged(tag::INTEGER, "modulus").ok()?.content;
        Some(Self { modulus, exponent: fields.tagged(tag::INTEGER, "publicExponent").ok()?.content })
    }

    pub(super) fn bits(&self) -> u32 {
        bit_length(self.modulus)
    }

    pub(super) fn number(&self) -> BigUint {
        BigUint::from_bytes_be(self.modulus)
    }

    /// The remainder of the modulus divided by a small number.
    pub(super) fn modulo(&self, divisor: u32) -> u32 {
        let divisor = u64::from(divisor.max(1));
        let rest = self.modulus.iter().fold(0, |rest, octet| (rest << 8 | u64::from(*octet)) % divisor);
        u32::try_from(rest).unwrap_or(u32::MAX)
    }
}
