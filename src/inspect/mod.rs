//! DER to report; never judges.
//!
//! What is odd is read all the same and said in `notes`, an extension that cannot be read is shown with the reason,
//! and only what has not the structure of its kind is refused.

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

use x509_parser::prelude::{FromDer, X509Certificate};

pub use self::certificate::certificate;
pub use self::crl::crl;
pub use self::extension::extension_error;
pub use self::item::{Inspected, item};
pub use self::ocsp::{ocsp_response, stapled};
pub use self::private_key::{encrypted_private_key, private_key};
pub use self::relations::{Facts, Related};
pub use self::request::request;
use crate::asn1;
use crate::words::counted;

/// Why the bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a certificate.
    #[error("it is not a certificate (RFC 5280 section 4.1): {reason}")]
    Malformed {
        /// What the parser said.
        reason: String,
    },
    /// Something behind the certificate.
    #[error("the certificate is followed by {}", counted(*count, "octet"))]
    TrailingData {
        /// How many.
        count: usize,
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

/// Parses a certificate that must be all there is, for those who judge it.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::TrailingData`].
pub fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(Error::TrailingData { count: rest.len() }),
        Err(error) => Err(Error::Malformed { reason: error.to_string() }),
    }
}
