//! Verdict of `verify`, and the codes of all refusals.

use serde::{Deserialize, Serialize};

use super::remote::{Cause, Remote};
use super::trust::StoreKind;

/// Reason for a refusal: the codes of `verify --json` and of a test PKI's `expected.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Code {
    /// After notAfter.
    Expired,
    /// Before notBefore.
    NotYetValid,
    /// No path to a trust anchor.
    UnknownIssuer,
    /// Signed by itself, and no trust anchor.
    SelfSigned,
    /// A signature that does not verify.
    BadSignature,
    /// The server name is not among its subjectAltNames.
    HostMismatch,
    /// keyUsage or extKeyUsage are for something else.
    WrongPurpose,
    /// An issuer on the path that is no CA.
    NotACa,
    /// More intermediates than a pathLenConstraint allows.
    PathTooLong,
    /// A name outside an issuer's name constraints.
    NameConstraint,
    /// A critical extension that is not understood.
    UnknownCriticalExtension,
    /// On its issuer's CRL.
    Revoked,
    /// CRLs are given, but no CRL covers the certificate.
    RevocationUnknown,
    /// A CRL that is stale, unsigned or cannot be used.
    CrlInvalid,
    /// The private key is another certificate's.
    KeyMismatch,
    /// A signature algorithm that is no longer safe.
    WeakSignature,
    /// A key that is too small, or of a kind that is not accepted.
    WeakKey,
    /// The certificate violates RFC 5280.
    Malformed,
    /// Not version 3.
    Version,
    /// A CA certificate in a server's place.
    CaAsLeaf,
    /// More candidates than a verifier tries.
    ChainTooComplex,
}

impl Code {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 21] = [
        Self::Expired,
        Self::NotYetValid,
        Self::UnknownIssuer,
        Self::SelfSigned,
        Self::BadSignature,
        Self::HostMismatch,
        Self::WrongPurpose,
        Self::NotACa,
        Self::PathTooLong,
        Self::NameConstraint,
        Self::UnknownCriticalExtension,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::CrlInvalid,
        Self::KeyMismatch,
        Self::WeakSignature,
        Self::WeakKey,
        Self::Malformed,
        Self::Version,
        Self::CaAsLeaf,
        Self::ChainTooComplex,
    ];

    /// As in JSON: `not-yet-valid`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::UnknownIssuer => "unknown-issuer",
            Self::SelfSigned => "self-signed",
            Self::BadSignature => "bad-signature",
            Self::HostMismatch => "host-mismatch",
            Self::WrongPurpose => "wrong-purpose",
            Self::NotACa => "not-a-ca",
            Self::PathTooLong => "path-too-long",
            Self::NameConstraint => "name-constraint",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::CrlInvalid => "crl-invalid",
            Self::KeyMismatch => "key-mismatch",
            Self::WeakSignature => "weak-signature",
            Self::WeakKey => "weak-key",
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::CaAsLeaf => "ca-as-leaf",
            Self::ChainTooComplex => "chain-too-complex",
        }
    }
}

/// Document that `verify --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// The request's own name for itself, in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<serde_json::Value>,
    /// The file, or the server, that the certificate came from; absent in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// True if clients should accept the certificate.
    pub valid: bool,
    /// The first reason that matters, when they should not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Reason>,
    /// The name of the certificate that is the host asked for, or stands for it, with its kind: `DNS:*.app.test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_name: Option<String>,
    /// Last second of the certificate's validity (inclusive), RFC 3339 UTC; absent when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// The path, from the certificate to the trust anchor; as far as there is one when it is not valid.
    pub chain: Vec<Link>,
    /// Origin of the trust anchor, if the certificate is valid. Absent in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
    /// Properties that clients accept but a CA may not issue: refusals under `--strict`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub warnings: Vec<Warning>,
    /// Connection over which a server sent the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Box<Remote>>,
}

/// Origin of a trust anchor, and who else trusts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Anchor {
    /// The origin.
    pub source: AnchorSource,
    /// The stores of this machine that trust it; not asked if it is from a file that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_by: Option<Vec<TrustingStore>>,
}

/// The origin of a trust anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum AnchorSource {
    /// A file that was named with `--trust`.
    File,
    /// The system's roots.
    System,
    /// The local CA's root, which `verify` trusts even if no store does.
    LocalCa,
}

/// A store that trusts a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrustingStore {
    /// Its kind.
    pub store: StoreKind,
    /// Name of the store, as in `Firefox default-release`.
    pub name: String,
}

/// Document that `verify --json` prints when a server cannot be asked, with exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unasked {
    /// False: nothing was judged.
    pub valid: bool,
    /// Why the server could not be asked.
    pub error: Obstacle,
    /// Empty.
    pub chain: Vec<Link>,
}

/// Why a server could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Obstacle {
    /// The layer and the code.
    #[serde(flatten)]
    pub cause: Cause,
    /// For people: the words may change.
    pub message: String,
    /// Remedy. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Either document of `verify --json`, for its schema.
#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum Answer {
    /// The verdict.
    Verdict(Verdict),
    /// The reason why there is no verdict.
    Unasked(Unasked),
}

/// Reason for a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// For programs.
    pub code: Code,
    /// For people: the fault of `certificate`. The words may change.
    pub message: String,
    /// The subject of the certificate on the path that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Remedy. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Something odd about a certificate that is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Warning {
    /// The code that it is refused with under `--strict`.
    pub code: Code,
    /// For people: the deviation. The words may change.
    pub message: String,
    /// The certificate's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A certificate on a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// The first names with their kinds, if the subject is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub subject_alt_names: Vec<String>,
    /// Its issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// SHA-256 over its DER, in hex.
    pub sha256_fingerprint: String,
}

impl Reason {
    /// A reason that is about no certificate of a path.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), certificate: None, hint: None }
    }
}

impl Verdict {
    /// A refusal without a path.
    #[must_use]
    pub fn no(reason: Reason) -> Self {
        Self { error: Some(reason), ..Self::default() }
    }
}

impl Unasked {
    /// The document for a server that could not be asked.
    #[must_use]
    pub fn new(cause: Cause, message: String, hint: Option<String>) -> Self {
        Self { valid: false, error: Obstacle { cause, message, hint }, chain: Vec::new() }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_json_what_they_are_called() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
    }
}
