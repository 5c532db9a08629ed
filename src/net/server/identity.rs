//! The certificate that a client has shown.

use rustls::ServerConnection;
use serde::Serialize;

use crate::judge::inspect;

/// A client by its certificate, which was verified in the handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// The subject, in RFC 4514 form.
    pub subject: String,
    /// The issuer, likewise.
    pub issuer: String,
    /// The entries of the subjectAltName, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// The serial number in hex.
    pub serial: String,
    /// The certificate's SHA-256 fingerprint in hex.
    pub sha256_fingerprint: String,
}

impl Identity {
    /// The identity of a client that has shown a certificate.
    pub(super) fn of(tls: &ServerConnection) -> Option<Self> {
        let certificate = inspect::certificate(tls.peer_certificates()?.first()?).ok()?;
        Some(Self {
            subject: certificate.subject,
            issuer: certificate.issuer,
            subject_alt_names: certificate.subject_alt_names,
            serial: certificate.serial,
            sha256_fingerprint: certificate.sha256_fingerprint,
        })
    }

    /// The name to call the client by: its subject, else its first subjectAltName, else its fingerprint.
    #[must_use]
    pub fn name(&self) -> &str {
        if !self.subject.is_empty() {
            return &self.subject;
        }
        self.subject_alt_names.first().unwrap_or(&self.sha256_fingerprint)
    }
}
