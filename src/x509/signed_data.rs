//! The outer structure of certificates, requests and CRLs, read: `SEQUENCE { tbs, algorithm, signature }`
//! (RFC 5280 section 4.1.1, RFC 2986 section 4.2).

use crate::encoding::asn1::{Error, Reader, Value, tag};
use crate::x509::key::{self, AlgorithmIdentifier};

/// A signed structure, in place.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// All octets that were given, those behind the structure included.
    pub der: &'a [u8],
    /// The structure.
    pub whole: Value<'a>,
    /// The signed part (tbs).
    pub content: Value<'a>,
    /// The signature's algorithm.
    pub algorithm: AlgorithmIdentifier<'a>,
    /// The signature, a BIT STRING.
    pub signature: Value<'a>,
    /// Octets behind the structure or behind the signature, which do not belong there.
    pub excess: Option<Error>,
}

impl<'a> SignedData<'a> {
    /// Reads the structure; `field` and `content` are the standard's names of it and of its signed part.
    pub(crate) fn read(der: &'a [u8], field: &'static str, content: &'static str) -> Result<Self, Error> {
        let mut outer = Reader::new(der);
        let whole = outer.tagged(tag::SEQUENCE, field)?;
        let behind = outer.finish(field).err();
        // Octets behind the structure say more than a field that is not there.
        let blame = |error| behind.clone().unwrap_or(error);
        let mut reader = whole.reader();
        let content = reader.tagged(tag::SEQUENCE, content).map_err(blame)?;
        let algorithm = reader.tagged(tag::SEQUENCE, "signatureAlgorithm").map_err(blame)?;
        let signature = reader.tagged(tag::BIT_STRING, "signatureValue").map_err(blame)?;
        let algorithm = AlgorithmIdentifier::read(algorithm);
        let excess = behind.or_else(|| reader.finish("signatureValue").err());
        Ok(Self { der, whole, content, algorithm, signature, excess })
    }

    /// Counts the octets that do not belong there.
    #[must_use]
    pub fn excess_octets(&self) -> usize {
        let inside = [self.content.raw, self.algorithm.value.raw, self.signature.raw].map(<[u8]>::len);
        let behind = self.der.len().saturating_sub(self.whole.raw.len());
        behind + self.whole.content.len().saturating_sub(inside.iter().sum())
    }

    /// The signature's octets; `None` if they are not whole.
    #[must_use]
    pub fn whole_octets(&self) -> Option<&'a [u8]> {
        match self.signature.content.split_first() {
            None => Some(&[]),
            Some((0, octets)) => Some(octets),
            Some(_) => None,
        }
    }

    /// Returns true if the signature verifies with the key of a subjectPublicKeyInfo; `None` if that cannot be checked
    /// here.
    #[must_use]
    pub fn is_signed_by(&self, spki: &[u8]) -> Option<bool> {
        let signature = self.signature.bits().unwrap_or_default();
        match key::verify_signature(spki, self.algorithm.value.raw, self.content.raw, signature) {
            Ok(()) => Some(true),
            Err(key::Error::BadSignature) => Some(false),
            Err(_) => None,
        }
    }
}
