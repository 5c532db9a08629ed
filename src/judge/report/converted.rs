//! Report of `convert`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::PublicKey;
use super::text::plain_names;

/// A format to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ConvertFormat {
    /// PEM, one block after the other.
    Pem,
    /// DER of one item.
    Der,
    /// PKCS#12.
    P12,
    /// PKCS#7 of certificates and CRLs.
    P7b,
}

impl ConvertFormat {
    /// Names the format in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Der => "DER",
            Self::P12 => "PKCS#12",
            Self::P7b => "PKCS#7",
        }
    }

    /// The usual ending of a file's name, which is the format's name on the command line, too.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Der => "der",
            Self::P12 => "p12",
            Self::P7b => "p7b",
        }
    }
}

/// Kind of a converted item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ConvertedKind {
    /// A private key.
    PrivateKey,
    /// A certificate.
    Certificate,
    /// A certification request.
    Csr,
    /// A CRL.
    Crl,
    /// A public key on its own.
    PublicKey,
    /// Something else.
    Other,
}

impl ConvertedKind {
    /// Names the kind in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::Certificate => "certificate",
            Self::Csr => "certification request",
            Self::Crl => "CRL",
            Self::PublicKey => "public key",
            Self::Other => "other item",
        }
    }
}

/// Report of `convert`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Convert {
    /// Path of the file; `-` for standard output.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The format of the file.
    pub format: ConvertFormat,
    /// True if the file was written; false for a dry run.
    pub written: bool,
    /// True if private keys are under a passphrase or password.
    pub encrypted: bool,
    /// The items, in the order in which they are in the file.
    pub items: Vec<Converted>,
}

/// An item that was converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Converted {
    /// Its kind.
    pub kind: ConvertedKind,
    /// The file it comes from, and its number there.
    pub from: String,
    /// Its name in a PKCS#12 file (friendlyName, Java's alias).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Of a certificate: its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of a certificate: its names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub subject_alt_names: Vec<String>,
    /// Of a certificate: the last second of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// Of a certificate: SHA-256 over its DER, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256_fingerprint: Option<String>,
    /// Of a private key: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spki_sha256: Option<String>,
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl Convert {
    /// The file, and one line per item.
    #[must_use]
    pub fn text(&self) -> String {
        let verb = if self.written { "Wrote" } else { "Would write" };
        let mut text = format!("{verb} {} to {}\n", self.format.words(), shown(&self.path));
        let described: Vec<_> = self.items.iter().map(Converted::text).collect();
        let width = described.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        for (item, described) in self.items.iter().zip(described) {
            let alias = item.alias.as_ref().map(|alias| format!(", as `{alias}`")).unwrap_or_default();
            let _ = writeln!(text, "  {described:width$}  from {}{alias}", item.from);
        }
        text
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard output".to_owned() } else { path.display().to_string() }
}

impl Converted {
    fn text(&self) -> String {
        let words = self.kind.words();
        match (&self.subject, &self.public_key) {
            (Some(_), _) if !self.subject_alt_names.is_empty() => {
                format!("{words} of {}", plain_names(&self.subject_alt_names))
            }
            (Some(subject), _) => format!("{words} of {subject}"),
            (None, Some(key)) => format!("{words}, {key}"),
            (None, None) => words.to_owned(),
        }
    }
}
