//! Reports of the `gen-` commands.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::{Certificate, PublicKey};

/// A file written, or that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct File {
    /// Kind of content.
    pub kind: FileKind,
    /// Path of the file; `-` for standard output. Octets that are not UTF-8 are replaced by U+FFFD.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Kind of content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FileKind {
    /// A private key, PKCS#8.
    PrivateKey,
    /// The same under a passphrase.
    EncryptedPrivateKey,
    /// A certification request.
    Csr,
    /// A certificate and those above it but the root, leaf first.
    Certificate,
    /// The certificate of the root that a private CA was made with (`--like`).
    Root,
    /// A key with its certificates.
    Pkcs12,
}

impl FileKind {
    /// Names the kind in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::EncryptedPrivateKey => "encrypted private key",
            Self::Csr => "certification request",
            Self::Certificate => "certificate",
            Self::Root => "the root to trust in tests",
            Self::Pkcs12 => "PKCS#12, key and certificate",
        }
    }
}

/// Report of `gen-key`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenKey {
    /// The key's file.
    pub files: Vec<File>,
    /// True if the files were written; false for a dry run.
    pub written: bool,
    /// The key.
    pub public_key: PublicKey,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
}

/// Report of `gen-csr`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenCsr {
    /// The request's file.
    pub files: Vec<File>,
    /// True if the files were written; false for a dry run.
    pub written: bool,
    /// The subject asked for, as an RFC 4514 string.
    pub subject: String,
    /// The names asked for, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// The key it is for.
    pub public_key: PublicKey,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
    /// Properties that some clients refuse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub warnings: Vec<String>,
}

/// Report of `gen-cert`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenCert {
    /// The files; empty if nothing had to be made.
    pub files: Vec<File>,
    /// True if the files were written; false for a dry run, or if the certificate still fits (`--renew`).
    pub written: bool,
    /// Reason why an existing certificate was replaced (`--renew`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed_because: Option<String>,
    /// With `--webtransport`: SHA-256 over the DER certificate, in base64, for `serverCertificateHashes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate_hash: Option<String>,
    /// The certificate.
    pub certificate: Certificate,
    /// Number of certificates in the file.
    pub chain_length: usize,
    /// Decisions that the user did not ask for explicitly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// Properties that some clients refuse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub warnings: Vec<String>,
}
