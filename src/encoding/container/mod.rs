//! PEM and DER, read and written: finds the items in a file, and names the actual content if the expected content is
//! missing.
//!
//! [`chunks`] splits a source of any length, [`Chunk::into_found`] decodes a part of it, [`stream`] and [`find`] do both.
//! Label and outer kind alone decide an item's kind; its reader checks the content.
//!
//! The one module that uses rustls-pemfile.
//!
//! # Example
//!
//! ```
//! use secure_io::{container, generate, validity};
//!
//! let (_, chain) = generate::self_signed(&generate::CertificateSpec::default(), validity::now())?;
//! let pem = container::pem("CERTIFICATE", &chain[0])?;
//! assert_eq!(container::certificates(pem.as_bytes())?, chain);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bare;
mod base64;
pub mod ber;
mod decode;
mod der_kind;
pub mod encrypted;
mod file_type;
mod flaw;
mod found;
mod gap;
pub mod jks;
mod lines;
mod marker;
mod members;
mod pem;
mod piece;
pub mod pkcs12;
pub mod pkcs7;
mod source;
mod stream;
mod write;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use self::der_kind::DerKind;
use self::members::Passphrase;
use crate::base::files::READ_LIMIT;
use crate::base::words::counted;

pub use self::file_type::FileType;
pub use self::found::{Content, Found, KeyFormat};
pub(crate) use self::pkcs12::write::{Named, Protection, Writer};
pub use self::pkcs12::write::{Pkcs12Ciphers, StoreEntry, pkcs12, pkcs12_store};
pub use self::stream::{Chunk, Chunks, chunks, find, stream};
pub use self::write::{encrypt_key, pem, pkcs7_of};

pub use self::base64::Fault as Base64Fault;

/// Reason why the bytes could not be read as the expected content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing of the kind asked for.
    #[error("{}", missing(wanted, found))]
    Missing {
        /// Expected content, with its article: `a certificate`.
        wanted: &'static str,
        /// Content found instead, in order.
        found: Vec<String>,
    },
    /// A PEM block that is broken.
    #[error("PEM block {ordinal} (line {line}, {label}) {reason}")]
    Block {
        /// Its place among the blocks, from 1.
        ordinal: usize,
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Its label.
        label: String,
        /// Fault in words.
        reason: &'static str,
    },
    /// A PEM block whose text is not base64.
    #[error("PEM block {ordinal} (line {line}, {label}) is not base64: {fault}")]
    NotBase64 {
        /// Its place among the blocks, from 1.
        ordinal: usize,
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Its label.
        label: String,
        /// The first fault in it.
        fault: Base64Fault,
    },
    /// A PEM block that holds something else than its label says.
    #[error("PEM block {ordinal} (line {line}, {label}) holds {holds}, which is not what its label says")]
    Mislabelled {
        /// Its place among the blocks, from 1.
        ordinal: usize,
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Its label.
        label: String,
        /// Content of the file, with its article: `a private key`.
        holds: &'static str,
    },
    /// Neither PEM nor DER.
    #[error("{}{found}", if *found == FileType::Empty { "it is " } else { "there is neither PEM nor DER in it: it is " })]
    Nothing {
        /// Likely kind of the file.
        found: FileType,
    },
    /// DER that is not there to its end.
    #[error("it looks like DER, but {reason}")]
    Cut {
        /// Fault in words.
        reason: String,
    },
    /// DER of something else.
    #[error("it is DER, but of nothing that is known here")]
    UnknownStructure,
    /// Octets behind DER.
    #[error("the DER is followed by {} of nothing known here", counted(*count, "octet"))]
    TrailingOctets {
        /// Number of items.
        count: usize,
    },
    /// Octets in a PEM block behind the structure that its label promises.
    #[error("PEM block {ordinal} (line {line}, {label}) holds {count} octets more, which are nothing known here")]
    TrailingInBlock {
        /// Its place among the blocks, from 1.
        ordinal: usize,
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Its label.
        label: String,
        /// The number of octets.
        count: usize,
    },
    /// Octets before, between or behind the structures that were read.
    #[error("{count} octets from line {line} on are neither text nor DER of anything known here")]
    Garbage {
        /// The number of octets.
        count: usize,
        /// The line that they begin on, from 1.
        line: usize,
    },
    /// The source could not be read.
    #[error("it cannot be read")]
    Read {
        /// The system's reason.
        source: std::io::Error,
    },
    /// A source that goes on without a structure.
    #[error("more than {} MiB of it are neither PEM nor DER", READ_LIMIT >> 20)]
    TooLong,
    /// A source of broken blocks.
    #[error("too many of its PEM blocks are broken")]
    TooManyBroken,
    /// An encrypted key, and no passphrase.
    #[error("the private key is encrypted")]
    PassphraseNeeded,
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
    /// A passphrase that would take minutes or gigabytes to try.
    #[error("the private key's passphrase is hashed at a cost beyond all measure")]
    TooCostly,
    /// A cipher that is not read here.
    #[error("the private key is encrypted in a way that is not read here ({cipher})")]
    UnknownCipher {
        /// Its name or OID.
        cipher: String,
    },
    /// An encrypted key that violates its standard.
    #[error("the private key is damaged")]
    Damaged {
        /// Cause of the error.
        source: crate::encoding::asn1::Error,
    },
    /// A PKCS#12 file under a password, and no password.
    #[error("the PKCS#12 file is under a password")]
    StorePasswordNeeded,
    /// The password does not open the PKCS#12 file.
    #[error("the password does not open the PKCS#12 file")]
    WrongStorePassword,
    /// A PKCS#12 file that cannot be opened.
    #[error("the PKCS#12 file cannot be opened")]
    Pkcs12 {
        /// The fault.
        source: encrypted::Error,
    },
    /// A Java keystore that cannot be read.
    #[error("the Java keystore cannot be read")]
    JavaKeystore {
        /// The fault.
        source: encrypted::Error,
    },
    /// A PKCS#7 bundle that cannot be read.
    #[error("the PKCS#7 bundle cannot be read")]
    Pkcs7 {
        /// The fault.
        source: pkcs7::Error,
    },
    /// A private key in a form that TLS has no use for.
    #[error("it holds {} private key, which is of no use here", if *format == KeyFormat::Dsa { "a DSA" } else { "an OpenSSH" })]
    UnusableFormat {
        /// The form.
        format: KeyFormat,
    },
    /// Writing failed.
    #[error("cannot encode the {what}")]
    Encode {
        /// Content that was to be written.
        what: &'static str,
        /// The encoder's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn missing(wanted: &str, found: &[String]) -> String {
    match found {
        [] => format!("there is neither PEM nor DER of {wanted} in it"),
        [one] => format!("it holds {one}, not {wanted}"),
        [first, rest @ ..] => format!("it holds {first} and {} more, but not {wanted}", rest.len()),
    }
}

impl Error {
    /// True if a passphrase is missing.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::PassphraseNeeded | Self::StorePasswordNeeded)
    }
}

/// The certificates in a file, in order; at least one. Those in PKCS#7 count, and those in PKCS#12 without a password.
///
/// # Errors
///
/// [`Error::Missing`] if the file has none, [`Error::Block`] and similar if one of them is malformed,
/// [`Error::StorePasswordNeeded`].
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    certificates_with(bytes, || Ok(None))
}

/// The certificates in a file, as [`certificates`]; `passphrase` is asked to open PKCS#12.
///
/// # Errors
///
/// As [`certificates`], and [`Error::WrongStorePassword`].
pub fn certificates_with<E: From<Error>>(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Option<Zeroizing<String>>, E>,
) -> Result<Vec<CertificateDer<'static>>, E> {
    let mut passphrase = Passphrase::new(passphrase);
    members::all(bytes, "a certificate", "CERTIFICATE", &mut passphrase, |content| match content {
        Content::Certificate(der) => Ok(der.into()),
        other => Err(other),
    })
}

/// The certificate revocation lists in a file, in order; at least one.
///
/// # Errors
///
/// As [`certificates`].
pub fn crls(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let wanted = "a certificate revocation list (CRL)";
    members::all(bytes, wanted, "CRL", &mut Passphrase::new(|| Ok(None)), |content| match content {
        Content::Crl(der) => Ok(der.into()),
        other => Err(other),
    })
}

/// The first certification request in a file, as DER.
///
/// # Errors
///
/// [`Error::Missing`] if the file has none, [`Error::Block`] and similar if malformed.
pub fn request(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let (wanted, kind) = ("a certification request (CSR)", "CERTIFICATE REQUEST");
    let requests = members::all(bytes, wanted, kind, &mut Passphrase::new(|| Ok(None)), |content| match content {
        Content::Request(der) => Ok(der),
        other => Err(other),
    });
    requests.map(|mut requests: Vec<_>| requests.swap_remove(0))
}

/// The first private key in a file, or in a PKCS#12 in it; an encrypted one is opened with what `passphrase` gives
/// if needed.
///
/// # Errors
///
/// [`Error::Missing`] if the file has none, [`Error::PassphraseNeeded`] if `passphrase` returns none,
/// [`Error::WrongPassphrase`], [`Error::UnknownCipher`], [`Error::Block`] and similar if malformed.
pub fn private_key<E: From<Error>>(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Option<Zeroizing<String>>, E>,
) -> Result<PrivateKeyDer<'static>, E> {
    if let Some(key) = plain_key(bytes) {
        return Ok(key);
    }
    let mut passphrase = Passphrase::new(passphrase);
    let mut keys = members::all(bytes, "a private key", "PRIVATE KEY", &mut passphrase, |content| match content {
        Content::PrivateKey { .. } | Content::EncryptedPrivateKey { .. } => Ok(content),
        other => Err(other),
    })?;
    match keys.swap_remove(0) {
        Content::PrivateKey { format, der } => Ok(in_rustls(format, &der).ok_or(Error::UnusableFormat { format })?),
        Content::EncryptedPrivateKey { format: format @ KeyFormat::OpenSsh, .. } => {
            Err(Error::UnusableFormat { format }.into())
        }
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            let passphrase = passphrase.get()?.ok_or(Error::PassphraseNeeded)?;
            let opened =
                encrypted::private_key(format, &der, dek_info.as_deref(), passphrase, &encrypted::Rounds::default())
                    .map_err(Error::from)?;
            Ok(in_rustls(format, &opened).ok_or(Error::UnusableFormat { format })?)
        }
        _ => Err(Error::Missing { wanted: "a private key", found: Vec::new() }.into()),
    }
}

/// The first key of a file without encrypted ones, read as by every user of rustls.
fn plain_key(bytes: &[u8]) -> Option<PrivateKeyDer<'static>> {
    if memchr::memmem::find(bytes, b"ENCRYPTED").is_some() {
        return None;
    }
    let key = rustls_pemfile::private_key(&mut &*bytes).ok()??;
    let format = match &key {
        PrivateKeyDer::Pkcs1(_) => KeyFormat::Pkcs1,
        PrivateKeyDer::Sec1(_) => KeyFormat::Sec1,
        _ => KeyFormat::Pkcs8,
    };
    (DerKind::of(key.secret_der()) == Some(DerKind::PrivateKey(format))).then_some(key)
}

/// A key for rustls; `None` for a form that TLS has no use for.
fn in_rustls(format: KeyFormat, der: &[u8]) -> Option<PrivateKeyDer<'static>> {
    Some(match format {
        KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(der.to_vec().into()),
        KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(der.to_vec().into()),
        KeyFormat::Sec1 => PrivateKeyDer::Sec1(der.to_vec().into()),
        KeyFormat::Dsa | KeyFormat::OpenSsh => return None,
    })
}

impl From<encrypted::Error> for Error {
    fn from(error: encrypted::Error) -> Self {
        match error {
            encrypted::Error::PassphraseNeeded => Self::PassphraseNeeded,
            encrypted::Error::WrongPassphrase => Self::WrongPassphrase,
            encrypted::Error::TooCostly => Self::TooCostly,
            encrypted::Error::UnknownCipher { cipher } => Self::UnknownCipher { cipher },
            encrypted::Error::Malformed(source) => Self::Damaged { source },
        }
    }
}

#[cfg(test)]
mod tests;
