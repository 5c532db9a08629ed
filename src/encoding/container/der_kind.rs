//! Kinds of DER and BER structures by their outer kind: the tags of the first values.

use der::asn1::{Any, ObjectIdentifier};
use der::{Encode, Tag};
use zeroize::Zeroizing;

use super::{Content, KeyFormat};
use crate::encoding::asn1::{Reader, Value, bit_length, tag};

/// Kind of a structure by its outer kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DerKind {
    Certificate,
    Request,
    Crl,
    PrivateKey(KeyFormat),
    EncryptedPrivateKey,
    PublicKey,
    /// PKCS#1's, which is the inside of a subjectPublicKeyInfo.
    RsaPublicKey,
    Parameters(&'static str),
    Pkcs7,
    Pkcs12,
    OcspResponse,
}

/// 1.2.840.113549.1.7, encoded: the types of PKCS#7's content.
const PKCS7: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7];
/// 1.2.840.113549.1.9.16.1, encoded: the types of content that S/MIME added.
const SMIME_CONTENT: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1];
/// 1.2.840.10045.1, encoded: the kinds of fields that curves are over.
const FIELD_TYPE: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 1];

impl DerKind {
    /// DER of this kind.
    pub(super) fn content(self, der: Vec<u8>) -> Content {
        match self {
            Self::Certificate => Content::Certificate(der),
            Self::Request => Content::Request(der),
            Self::Crl => Content::Crl(der),
            Self::PrivateKey(format) => Content::PrivateKey { format, der: Zeroizing::new(der) },
            Self::EncryptedPrivateKey => Content::EncryptedPrivateKey { format: KeyFormat::Pkcs8, der, dek_info: None },
            Self::PublicKey => Content::PublicKey(der),
            Self::RsaPublicKey => Content::PublicKey(in_spki(&der).unwrap_or(der)),
            Self::Parameters(kind) => Content::Parameters { kind, der },
            Self::Pkcs7 => Content::Pkcs7(der),
            Self::Pkcs12 => Content::Pkcs12(der),
            Self::OcspResponse => Content::OcspResponse(der),
        }
    }

    /// The kind of the first structure in the octets; `None` if unknown.
    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        if octets.first() == Some(&tag::OID) {
            return Reader::new(octets).value("curve").is_ok().then_some(Self::Parameters("EC"));
        }
        let mut content = content(octets)?;
        match content.peek()? {
            tag::SEQUENCE => signed_or_keyed(content),
            tag::INTEGER => {
                let first = content.value("version").ok()?;
                numbered(first, content)
            }
            tag::OID => {
                let oid = content.value("contentType").ok()?.content;
                let is_content = content.is_empty() || content.peek() == Some(tag::constructed(0));
                ((oid.starts_with(&PKCS7) || oid.starts_with(&SMIME_CONTENT)) && is_content).then_some(Self::Pkcs7)
            }
            tag::ENUMERATED => {
                let status = content.value("responseStatus").ok()?;
                let is_whole = content.is_empty() || content.peek() == Some(tag::constructed(0));
                (is_whole && matches!(status.small(), Some(0..=6))).then_some(Self::OcspResponse)
            }
            _ => None,
        }
    }

    /// Returns true if a label for one kind may also stand for the other.
    pub(super) fn is_akin(self, other: Self) -> bool {
        use DerKind::{EncryptedPrivateKey, Parameters, PrivateKey, PublicKey, RsaPublicKey};
        match (self, other) {
            (PrivateKey(_) | EncryptedPrivateKey, PrivateKey(_) | EncryptedPrivateKey)
            | (PublicKey | RsaPublicKey, PublicKey | RsaPublicKey)
            | (Parameters(_), Parameters(_)) => true,
            _ => self == other,
        }
    }

    /// In words, with an article.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::Request => "a certification request (CSR)",
            Self::Crl => "a certificate revocation list (CRL)",
            Self::PrivateKey(_) => "a private key",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::PublicKey | Self::RsaPublicKey => "a public key",
            Self::Parameters("DH") => "DH parameters",
            Self::Parameters("DSA") => "DSA parameters",
            Self::Parameters(_) => "EC parameters",
            Self::Pkcs7 => "a PKCS#7 bundle",
            Self::Pkcs12 => "a PKCS#12 file",
            Self::OcspResponse => "an OCSP response",
        }
    }
}

/// Returns the content of an outer SEQUENCE of definite or indefinite length.
fn content(octets: &[u8]) -> Option<Reader<'_>> {
    match octets {
        [tag::SEQUENCE, 0x80, rest @ ..] => Some(Reader::new(rest)),
        _ => Some(Reader::new(octets).tagged(tag::SEQUENCE, "structure").ok()?.reader()),
    }
}

/// `SEQUENCE { SEQUENCE, .. }`: something signed, or an algorithm and a key.
fn signed_or_keyed(mut content: Reader<'_>) -> Option<DerKind> {
    let inner = content.value("content").ok()?;
    match (content.peek()?, inner.reader().peek()?) {
        (tag::SEQUENCE, _) => {
            content.value("signatureAlgorithm").ok()?;
            (content.peek() == Some(tag::BIT_STRING)).then(|| signed(inner)).flatten()
        }
        (tag::BIT_STRING, tag::OID) => Some(DerKind::PublicKey),
        (tag::OCTET_STRING, tag::OID) => Some(DerKind::EncryptedPrivateKey),
        _ => None,
    }
}

const EXPLICIT_0: u8 = tag::constructed(0);

fn signed(inner: Value<'_>) -> Option<DerKind> {
    let mut fields = inner.reader();
    let mut next = || fields.value("field").ok().map(|value| value.tag);
    match (next()?, next()?) {
        (EXPLICIT_0, tag::INTEGER) => Some(DerKind::Certificate),
        (tag::INTEGER, tag::SEQUENCE) => match (next()?, next(), next()) {
            (tag::SEQUENCE, Some(tag::SEQUENCE), Some(tag::SEQUENCE)) => Some(DerKind::Certificate),
            (tag::SEQUENCE, Some(tag::UTC_TIME | tag::GENERALIZED_TIME), _) => Some(DerKind::Crl),
            (tag::SEQUENCE, None | Some(EXPLICIT_0), None) => Some(DerKind::Request),
            _ => None,
        },
        (tag::SEQUENCE, tag::SEQUENCE) => {
            matches!(next()?, tag::UTC_TIME | tag::GENERALIZED_TIME).then_some(DerKind::Crl)
        }
        _ => None,
    }
}

/// `SEQUENCE { INTEGER, .. }`: a version and a key, or the numbers of one.
fn numbered(first: Value<'_>, mut rest: Reader<'_>) -> Option<DerKind> {
    match rest.peek()? {
        tag::SEQUENCE if first.small() == Some(3) && is_pkcs7_ahead(rest.rest()) => Some(DerKind::Pkcs12),
        tag::SEQUENCE => {
            let second = rest.value("algorithm").ok()?;
            match rest.peek()? {
                tag::OCTET_STRING => Some(DerKind::PrivateKey(KeyFormat::Pkcs8)),
                tag::SEQUENCE => is_field(second).then_some(DerKind::Parameters("EC")),
                _ => None,
            }
        }
        tag::OCTET_STRING => (first.small() == Some(1)).then_some(DerKind::PrivateKey(KeyFormat::Sec1)),
        tag::INTEGER => numbers(first, rest),
        _ => None,
    }
}

/// Returns true if a SEQUENCE, of definite length or not, begins with one of PKCS#7's types.
fn is_pkcs7_ahead(octets: &[u8]) -> bool {
    let near = octets.get(..octets.len().min(18)).unwrap_or_default();
    near.windows(PKCS7.len()).any(|window| window == PKCS7)
}

fn is_field(value: Value<'_>) -> bool {
    value.reader().tagged(tag::OID, "fieldType").is_ok_and(|oid| oid.content.starts_with(&FIELD_TYPE))
}

/// A SEQUENCE of numbers alone: the kind follows from their count and lengths.
fn numbers(first: Value<'_>, mut rest: Reader<'_>) -> Option<DerKind> {
    let second = rest.value("number").ok()?;
    let mut count = 2;
    while rest.peek() == Some(tag::INTEGER) && count < 9 {
        rest.value("number").ok()?;
        count += 1;
    }
    let is_version = matches!(first.small(), Some(0 | 1));
    match count {
        9.. if is_version => Some(DerKind::PrivateKey(KeyFormat::Pkcs1)),
        6 if is_version && rest.is_empty() => Some(DerKind::PrivateKey(KeyFormat::Dsa)),
        _ if bit_length(first.content) < 256 => None,
        3 if (160..=256).contains(&bit_length(second.content)) => Some(DerKind::Parameters("DSA")),
        // Exponents are odd; generators are mostly 2 and 5, or as long as the prime.
        2 if second.small().is_some_and(|exponent| exponent % 2 == 1 && exponent != 5) => Some(DerKind::RsaPublicKey),
        2..=5 => Some(DerKind::Parameters("DH")),
        _ => None,
    }
}

/// An RSAPublicKey in a subjectPublicKeyInfo (RFC 3279 section 2.3.1).
fn in_spki(key: &[u8]) -> Option<Vec<u8>> {
    let algorithm = vec![Any::from(ObjectIdentifier::new("1.2.840.113549.1.1.1").ok()?), Any::null()];
    let bits = Any::new(Tag::BitString, [&[0], key].concat()).ok()?;
    vec![Any::encode_from(&algorithm).ok()?, bits].to_der().ok()
}
