//! What the `gen-` commands made.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::{Certificate, PublicKey};

/// A file written, or that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct File {
    /// What it holds.
    pub kind: FileKind,
    /// Where it is; `-` for standard output. What is not UTF-8 in it is replaced by U+FFFD.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// What a file holds.
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
    /// A key with its certificates.
    Pkcs12,
}

impl FileKind {
    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::EncryptedPrivateKey => "encrypted private key",
            Self::Csr => "certification request",
            Self::Certificate => "certificate",
            Self::Pkcs12 => "PKCS#12, key and certificate",
        }
    }
}

/// What `gen-key` made.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenKey {
    /// The key's file.
    pub files: Vec<File>,
    /// Whether they were written; false for a dry run.
    pub written: bool,
    /// The key.
    pub public_key: PublicKey,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
}

/// What `gen-csr` made.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenCsr {
    /// The request's file.
    pub files: Vec<File>,
    /// Whether they were written; false for a dry run.
    pub written: bool,
    /// The subject asked for, as an RFC 4514 string.
    pub subject: String,
    /// The names asked for, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// The key it is for.
    pub public_key: PublicKey,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
    /// What some clients will not like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub warnings: Vec<String>,
}

/// What `gen-cert` made, or left as it was.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GenCert {
    /// The files; none when nothing needed to be made.
    pub files: Vec<File>,
    /// Whether they were written; false for a dry run, or when the certificate still fits (`--renew`).
    pub written: bool,
    /// Why a certificate that was there was made anew (`--renew`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed_because: Option<String>,
    /// The certificate.
    pub certificate: Certificate,
    /// How many certificates its file holds.
    pub chain_length: usize,
    /// What was done that was not asked for in so many words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// What some clients will not like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub warnings: Vec<String>,
}
