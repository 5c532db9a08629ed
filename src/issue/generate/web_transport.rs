//! Certificates that a page names by their hash (WebTransport section 8.3, `serverCertificateHashes`).
//!
//! Browsers accept them from anybody, and therefore for a short time only: 14 days from notBefore to notAfter, and no
//! RSA key; Chromium wants ECDSA over P-256.

use time::{Duration, OffsetDateTime};

use super::{CertificateSpec, Error};
use crate::base::validity::BACKDATE;
use crate::x509::key::{self, Algorithm, PrivateKey};

/// The longest lifetime that a browser accepts.
const LIFETIME: Duration = Duration::days(14);

impl CertificateSpec {
    /// The same for at most 14 days, from notBefore on.
    ///
    /// # Errors
    ///
    /// [`Error::WebTransport`] if a longer lifetime was asked for.
    pub fn for_web_transport(self, now: OffsetDateTime) -> Result<Self, Error> {
        let not_before = self.not_before.unwrap_or(now - BACKDATE);
        let asked = self.days.map(|days| not_before + Duration::days(days.into()));
        let not_after = self.not_after.or(asked).unwrap_or(not_before + LIFETIME - Duration::SECOND);
        if not_after - not_before > LIFETIME {
            let days = (not_after - not_before).whole_days();
            return Err(Error::WebTransport { reason: format!("lives 14 days at most, not {days}") });
        }
        Ok(Self { not_before: Some(not_before), not_after: Some(not_after), days: None, ..self })
    }
}

/// Refuses a key that Chromium does not accept for a certificate named by its hash.
///
/// # Errors
///
/// [`Error::WebTransport`].
pub fn check_web_transport_key(key: &PrivateKey) -> Result<(), Error> {
    if key.is(Algorithm::EcdsaP256) {
        return Ok(());
    }
    Err(Error::WebTransport { reason: format!("has an EC P-256 key, not {}", key.public_key()) })
}

/// The hash of a certificate, in base64.
#[must_use]
pub fn server_certificate_hash(der: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(key::sha256(der))
}
