//! AlgorithmIdentifiers (RFC 5280 section 4.1.1.2), and the signature algorithms among them.

use std::borrow::Cow;

use super::{ED25519, RSA_PSS};
use crate::encoding::asn1::{Value, oid, tag};

/// Algorithms of keys by the content octets of their identifiers.
pub(crate) mod id {
    pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(crate) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(crate) const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
}

/// Names of signature algorithms by OID, as OpenSSL prints them.
#[must_use]
pub fn signature_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        RSA_PSS => "rsassaPss",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.10040.4.3" => "dsa-with-SHA1",
        "2.16.840.1.101.3.4.3.2" => "dsa-with-SHA256",
        ED25519 => "ED25519",
        "1.3.101.113" => "ED448",
        oid => return oid::name(oid),
    })
}

/// An AlgorithmIdentifier, in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmIdentifier<'a> {
    /// As it is encoded.
    pub value: Value<'a>,
    /// The content octets of the algorithm's identifier; `None` if there is none.
    pub id: Option<&'a [u8]>,
    /// The parameters, as far as they can be told apart.
    pub parameters: Option<Value<'a>>,
}

impl<'a> AlgorithmIdentifier<'a> {
    /// Reads one, as far as it can be read.
    #[must_use]
    pub fn read(value: Value<'a>) -> Self {
        let mut fields = value.reader();
        let id = fields.tagged(tag::OID, "algorithm").ok().map(|id| id.content);
        let parameters = id.and_then(|_| fields.value("parameters").ok());
        Self { value, id, parameters }
    }

    /// The algorithm's identifier in dots; empty if there is none.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.id.map(oid::dotted).unwrap_or_default()
    }

    /// The signature algorithm's name, as in `ecdsa-with-SHA256`; its identifier in dots if its name is unknown here.
    #[must_use]
    pub fn signature_name(&self) -> Cow<'static, str> {
        let dotted = self.dotted();
        signature_name(&dotted).map_or(Cow::Owned(dotted), Cow::Borrowed)
    }

    /// The signature algorithm.
    #[must_use]
    pub fn signature(&self) -> SignatureAlgorithm {
        self.id.map_or(SignatureAlgorithm::Other, SignatureAlgorithm::of)
    }
}

/// A signature algorithm, by the key that it is for and its hash; `None` for a hash that is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    Rsa(Option<Hash>),
    /// RSASSA-PSS, whose hash is a parameter.
    RsaPss,
    /// ECDSA.
    Ecdsa(Option<Hash>),
    /// DSA.
    Dsa(Option<Hash>),
    /// Ed25519 or Ed448.
    EdDsa,
    /// Any other.
    Other,
}

/// A hash of a signature algorithm.
#[expect(missing_docs, reason = "the hashes' names")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Md2,
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// SHA-2 as NIST and ANSI number its sizes.
    const fn sha2(number: u8) -> Self {
        match number {
            1 => Self::Sha224,
            2 => Self::Sha256,
            3 => Self::Sha384,
            _ => Self::Sha512,
        }
    }
}

impl SignatureAlgorithm {
    fn of(id: &[u8]) -> Self {
        match id {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => Self::RsaPss,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, kind] => Self::Rsa(match kind {
                2 => Some(Hash::Md2),
                3 => Some(Hash::Md4),
                4 => Some(Hash::Md5),
                5 => Some(Hash::Sha1),
                11 => Some(Hash::Sha256),
                12 => Some(Hash::Sha384),
                13 => Some(Hash::Sha512),
                14 => Some(Hash::Sha224),
                _ => None,
            }),
            // OIW's sha1WithRSASignature.
            [0x2b, 14, 3, 2, 29] => Self::Rsa(Some(Hash::Sha1)),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Self::Ecdsa(Some(Hash::Sha1)),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, kind @ 1..=4] => Self::Ecdsa(Some(Hash::sha2(*kind))),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, ..] => Self::Ecdsa(None),
            [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => Self::Dsa(Some(Hash::Sha1)),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, kind @ 1..=4] => Self::Dsa(Some(Hash::sha2(*kind))),
            [0x2b, 0x65, 0x70 | 0x71] => Self::EdDsa,
            _ => Self::Other,
        }
    }

    /// The hash.
    #[must_use]
    pub const fn hash(self) -> Option<Hash> {
        match self {
            Self::Rsa(hash) | Self::Ecdsa(hash) | Self::Dsa(hash) => hash,
            Self::RsaPss | Self::EdDsa | Self::Other => None,
        }
    }

    /// Returns true if the hash is one for which other content of the same hash can be made.
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self.hash(), Some(Hash::Md2 | Hash::Md4 | Hash::Md5 | Hash::Sha1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3279, RFC 4055, RFC 5758 and RFC 8410; OIW's identifier is still in old roots.
    #[test]
    fn each_signature_algorithm_is_known_by_its_identifier() {
        use SignatureAlgorithm::{Dsa, Ecdsa, EdDsa, Other, Rsa, RsaPss};
        for (dotted, algorithm, is_weak) in [
            ("1.2.840.113549.1.1.2", Rsa(Some(Hash::Md2)), true),
            ("1.2.840.113549.1.1.3", Rsa(Some(Hash::Md4)), true),
            ("1.2.840.113549.1.1.4", Rsa(Some(Hash::Md5)), true),
            ("1.2.840.113549.1.1.5", Rsa(Some(Hash::Sha1)), true),
            ("1.3.14.3.2.29", Rsa(Some(Hash::Sha1)), true),
            ("1.2.840.113549.1.1.10", RsaPss, false),
            ("1.2.840.113549.1.1.11", Rsa(Some(Hash::Sha256)), false),
            ("1.2.840.113549.1.1.12", Rsa(Some(Hash::Sha384)), false),
            ("1.2.840.113549.1.1.13", Rsa(Some(Hash::Sha512)), false),
            ("1.2.840.113549.1.1.14", Rsa(Some(Hash::Sha224)), false),
            ("1.2.840.113549.1.1.99", Rsa(None), false),
            ("1.2.840.10045.4.1", Ecdsa(Some(Hash::Sha1)), true),
            ("1.2.840.10045.4.2", Ecdsa(None), false),
            ("1.2.840.10045.4.3.1", Ecdsa(Some(Hash::Sha224)), false),
            ("1.2.840.10045.4.3.2", Ecdsa(Some(Hash::Sha256)), false),
            ("1.2.840.10045.4.3.3", Ecdsa(Some(Hash::Sha384)), false),
            ("1.2.840.10045.4.3.4", Ecdsa(Some(Hash::Sha512)), false),
            ("1.2.840.10040.4.3", Dsa(Some(Hash::Sha1)), true),
            ("2.16.840.1.101.3.4.3.2", Dsa(Some(Hash::Sha256)), false),
            ("1.3.101.112", EdDsa, false),
            ("1.3.101.113", EdDsa, false),
            ("1.3.101.110", Other, false),
        ] {
            let id = der::asn1::ObjectIdentifier::new_unwrap(dotted);
            let found = SignatureAlgorithm::of(id.as_bytes());
            assert_eq!((found, found.is_weak()), (algorithm, is_weak), "{dotted}");
        }
    }
}
