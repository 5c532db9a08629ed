//! DER to report; never judges.
//!
//! Deviations are tolerated and reported in `notes`, an unreadable extension is shown with the reason,
//! and only data without the structure of its kind is refused.
//!
//! # Example
//!
//! ```
//! use secure_io::{generate, inspect, validity};
//!
//! let (_, chain) = generate::self_signed(&generate::CertificateSpec::default(), validity::now())?;
//! let report = inspect::certificate(&chain[0])?;
//! assert!(report.self_signed && report.not_after.0 > validity::now());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificate;
mod crl;
mod extension;
mod item;
mod ocsp;
mod private_key;
mod relations;
mod request;
#[cfg(test)]
mod tests;

pub use self::certificate::{certificate, is_self_signed};
pub use self::crl::crl;
pub use self::extension::extension_error;
pub use self::item::{Inspected, item};
pub use self::ocsp::{ocsp_response, stapled};
pub use self::private_key::{encrypted_private_key, private_key};
pub use self::relations::{Facts, Related};
pub use self::request::request;
use crate::encoding::asn1;
use crate::x509::certificate::Certificate;

/// Reason why the bytes are not the expected structure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a certificate.
    #[error("it is not a certificate (RFC 5280 section 4.1): {reason}")]
    Malformed {
        /// Error from the parser.
        reason: String,
    },
    /// Not a certification request.
    #[error("it is not a certification request (RFC 2986): {0}")]
    Request(#[source] asn1::Error),
    /// Not a CRL.
    #[error("it is not a certificate revocation list (RFC 5280 section 5.1): {0}")]
    Crl(#[source] asn1::Error),
    /// Not an OCSP response.
    #[error("it is not an OCSP response (RFC 6960 section 4.2.1): {0}")]
    Ocsp(#[source] asn1::Error),
    /// Not a private key.
    #[error("it is not a private key: {0}")]
    PrivateKey(#[source] asn1::Error),
    /// Not a public key.
    #[error("it is not a public key (RFC 5280 section 4.1.2.7): {0}")]
    PublicKey(#[source] asn1::Error),
}

/// Reads a certificate.
///
/// # Errors
///
/// [`Error::Malformed`] for octets of another structure, and for trailing ones.
pub fn parse(der: &[u8]) -> Result<Certificate<'_>, Error> {
    Certificate::parse(der).map_err(|error| Error::Malformed { reason: error.to_string() })
}
