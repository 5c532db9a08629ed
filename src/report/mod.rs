//! What we can say about keys, certificates and connections, as plain serialisable data.
//!
//! The JSON of these types is the contract of `--json`: keys are snake_case, times RFC 3339 UTC, digests and serial
//! numbers lower-case hex without colons, absent things left out. Fields are only ever added.

pub mod ca;
pub mod check;
pub mod extension;
pub mod finding;
pub mod fixtures;
pub mod item;
pub mod made;
pub mod relation;
pub mod remote;
#[cfg(test)]
mod schema;
pub mod text;
pub mod trust;
pub mod verdict;
pub mod view;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use self::extension::Extension;
use self::finding::Lint;

/// A certificate's fields, as [RFC 5280 section 4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1) names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Certificate {
    /// 1, 2 or 3 (the encoded value plus one).
    pub version: u32,
    /// The serial number's octets in lower-case hex, a leading zero octet included.
    pub serial: String,
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The issuer as an RFC 4514 string.
    pub issuer: String,
    /// First second of the validity, RFC 3339 UTC.
    pub not_before: String,
    /// Last second of the validity (inclusive), RFC 3339 UTC.
    pub not_after: String,
    /// The subjectAltName entries, each with its kind: `DNS:`, `IP:`, `email:`, `URI:`, `dirName:`, `otherName:`, `RID:`.
    pub subject_alt_names: Vec<String>,
    /// The subject's public key.
    pub public_key: PublicKey,
    /// The signature algorithm's name, as in `ecdsa-with-SHA256`; its dotted OID when it has none here.
    pub signature_algorithm: String,
    /// basicConstraints' cA.
    pub is_ca: bool,
    /// basicConstraints' pathLenConstraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_len: Option<u32>,
    /// keyUsage's bits by their RFC 5280 names.
    pub key_usage: Vec<Cow<'static, str>>,
    /// extKeyUsage's purposes by their RFC 5280 names, dotted OIDs when unknown.
    pub extended_key_usage: Vec<Cow<'static, str>>,
    /// The subject key identifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_key_id: Option<String>,
    /// The authority key identifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    /// SHA-256 over the whole DER certificate, in hex.
    pub sha256_fingerprint: String,
    /// SHA-1 over the whole DER certificate, in hex.
    pub sha1_fingerprint: String,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
    /// Subject equals issuer, and the signature verifies with the certificate's own key.
    pub self_signed: bool,
    /// issuerUniqueID, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_unique_id: Option<String>,
    /// subjectUniqueID, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_unique_id: Option<String>,
    /// Its extensions, in their order, those summed up above included.
    pub extensions: Vec<Extension>,
    /// How it differs from what the standard has it be. For people: the words may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// What `--lint` found.
    #[serde(flatten)]
    pub lint: Option<Lint>,
}

/// A public key's kind and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// `EC`, `RSA`, `RSA-PSS`, `Ed25519`, `Ed448`, `X25519`, `X448`, `DSA`, `DH`, or another name; a dotted OID when it
    /// has none here.
    pub algorithm: String,
    /// The curve's NIST name, as in `P-256`; its own name or dotted OID when it has none; `explicit` when its numbers
    /// are given instead of a name.
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

/// How one TLS connection was agreed, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Connection {
    /// `TLSv1.3` or `TLSv1.2`.
    pub tls_version: String,
    /// The cipher suite's IANA name, as in `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The application protocol agreed by ALPN: `http/1.1` or `h2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}
