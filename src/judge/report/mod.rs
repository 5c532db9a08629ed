//! Facts about keys, certificates and connections, as plain serialisable data.
//!
//! The JSON of these types is the contract of `--json`: keys are snake_case, times RFC 3339 UTC, digests and serial
//! numbers lower-case hex without colons, absent things left out. Fields are only ever added.
//!
//! ```
//! use secure_io::{generate, inspect, validity};
//!
//! let (_, chain) = generate::self_signed(&generate::CertificateSpec::default(), validity::now())?;
//! let certificate = inspect::certificate(&chain[0])?;
//! let json = serde_json::to_value(&certificate)?;
//! assert_eq!(json["subject"], "CN=localhost");
//! assert_eq!(json["not_after"], validity::rfc3339(certificate.not_after.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ca;
pub mod check;
pub mod connect;
pub mod converted;
pub mod difference;
pub mod doctor;
pub mod extension;
pub mod finding;
pub mod fingerprint;
pub mod fixtures;
pub mod item;
pub mod made;
mod public_key;
pub mod relation;
pub mod remote;
pub mod running;
pub mod text;
mod time;
pub mod trust;
pub mod verdict;
pub mod view;
pub mod watch;

use std::borrow::Cow;

use serde::Serialize;

use self::extension::Extension;
use self::finding::Lint;
pub use self::public_key::PublicKey;
pub use self::time::Time;

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
    pub not_before: Time,
    /// Last second of the validity (inclusive), RFC 3339 UTC.
    pub not_after: Time,
    /// The subjectAltName entries, each with its kind: `DNS:`, `IP:`, `email:`, `URI:`, `dirName:`, `otherName:`,
    /// `RID:`.
    pub subject_alt_names: Vec<String>,
    /// The subject's public key.
    pub public_key: PublicKey,
    /// The signature algorithm's name, as in `ecdsa-with-SHA256`; its dotted OID if its name is unknown here.
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
    /// Deviations from the standard. For people: the words may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// Findings of `--lint`.
    #[serde(flatten)]
    pub lint: Option<Lint>,
}

impl Certificate {
    /// Decides whether keyUsage has this bit, by its RFC 5280 name.
    pub(crate) fn has_usage(&self, name: &str) -> bool {
        self.key_usage.iter().any(|usage| usage == name)
    }

    /// Decides whether the certificate says that it signs others, with keyUsage's keyCertSign. A cA bit alone says less:
    /// `openssl req -x509` sets it for everybody, without a keyUsage.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        self.has_usage("keyCertSign")
    }
}

/// Result of a TLS handshake, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Connection {
    /// `TLSv1.3` or `TLSv1.2`.
    pub tls_version: String,
    /// The cipher suite's IANA name, as in `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The group of the key exchange, as in `X25519MLKEM768`. Of servers that were asked, it stands beside the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<String>,
    /// The application protocol agreed by ALPN: `http/1.1` or `h2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}
