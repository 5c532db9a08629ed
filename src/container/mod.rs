//! PEM and DER in and out: finds the items in what a file holds, and says what was found when it is not what was
//! asked for.
//!
//! [`chunks`] splits a source of any length, [`Chunk::into_found`] decodes a part of it, [`stream`] and [`find`] do both.
//! What is found is told apart by label and outer shape alone; whether it is sound is the reader's to see.
//!
//! The one module that uses rustls-pemfile.

mod bare;
mod base64;
pub mod ber;
mod decode;
pub mod encrypted;
mod found;
mod guess;
mod pem;
pub mod pkcs12;
pub mod pkcs7;
mod shape;
mod source;
mod stream;
mod write;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use self::shape::Shape;
use crate::files::READ_LIMIT;
use crate::words::counted;

pub use self::found::{Content, Found, KeyFormat};
pub use self::guess::Guess;
pub use self::stream::{Chunk, Chunks, chunks, find, stream};
pub use self::write::{Pkcs12Ciphers, encrypt_key, pem, pkcs12};

/// Why the bytes could not be read as what they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing of the kind asked for.
    #[error("{}", missing(wanted, found))]
    Missing {
        /// What was asked for, with its article: `a certificate`.
        wanted: &'static str,
        /// What was there instead, in order.
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
        /// What is wrong.
        reason: &'static str,
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
        /// What it holds, with its article: `a private key`.
        holds: &'static str,
    },
    /// Neither PEM nor DER.
    #[error("{}{found}", if *found == Guess::Empty { "it is " } else { "there is neither PEM nor DER in it: it is " })]
    Nothing {
        /// What it looks like.
        found: Guess,
    },
    /// DER that is not there to its end.
    #[error("it looks like DER, but {reason}")]
    Cut {
        /// What is wrong.
        reason: String,
    },
    /// DER of something else.
    #[error("it is DER, but of nothing that is known here")]
    UnknownStructure,
    /// Octets behind DER.
    #[error("the DER is followed by {} of nothing known here", counted(*count, "octet"))]
    TrailingOctets {
        /// How many.
        count: usize,
    },
    /// The source could not be read.
    #[error("it cannot be read")]
    Read {
        /// The system's reason.
        source: std::io::Error,
    },
    /// A source that goes on without anything in it.
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
    /// An encrypted key that is not what the standard has it be.
    #[error("the private key is damaged")]
    Damaged {
        /// What is wrong.
        source: crate::asn1::Error,
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
        /// What was to be written.
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

/// The certificates in a file, in order; at least one.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::Block`] and the like when one of them is broken.
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    all(bytes, "a certificate", "CERTIFICATE", |content| match content {
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
    all(bytes, "a certificate revocation list (CRL)", "CRL", |content| match content {
        Content::Crl(der) => Ok(der.into()),
        other => Err(other),
    })
}

/// The first certification request in a file, as DER.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::Block`] and the like when it is broken.
pub fn request(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let requests = all(bytes, "a certification request (CSR)", "CERTIFICATE REQUEST", |content| match content {
        Content::Request(der) => Ok(der),
        other => Err(other),
    });
    Ok(requests?.swap_remove(0))
}

/// The first private key in a file; an encrypted one is opened with what `passphrase` gives when it is needed.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::PassphraseNeeded`] when `passphrase` gives none,
/// [`Error::WrongPassphrase`], [`Error::UnknownCipher`], [`Error::Block`] and the like when it is broken.
pub fn private_key<E: From<Error>>(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Option<Zeroizing<String>>, E>,
) -> Result<PrivateKeyDer<'static>, E> {
    if let Some(key) = plain_key(bytes) {
        return Ok(key);
    }
    let keys = all(bytes, "a private key", "PRIVATE KEY", |content| match content {
        Content::PrivateKey { .. } | Content::EncryptedPrivateKey { .. } => Ok(content),
        other => Err(other),
    });
    match keys?.swap_remove(0) {
        Content::PrivateKey { format, der } => Ok(in_rustls(format, &der).ok_or(Error::UnusableFormat { format })?),
        Content::EncryptedPrivateKey { format: format @ KeyFormat::OpenSsh, .. } => {
            Err(Error::UnusableFormat { format }.into())
        }
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            let passphrase = passphrase()?.ok_or(Error::PassphraseNeeded)?;
            let opened =
                encrypted::private_key(format, &der, dek_info.as_deref(), &passphrase, &encrypted::Rounds::default())
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
    (Shape::of(key.secret_der()) == Some(Shape::PrivateKey(format))).then_some(key)
}

/// Everything in a file that `pick` takes, at least one; or what was there instead. A block that is broken matters only
/// when it has a label of the `kind` asked for, or when there is nothing else.
fn all<T>(
    bytes: &[u8],
    wanted: &'static str,
    kind: &str,
    pick: impl Fn(Content) -> Result<T, Content>,
) -> Result<Vec<T>, Error> {
    let (mut picked, mut others, mut broken) = (Vec::new(), Vec::new(), None);
    for found in stream(bytes) {
        let found = found?;
        match found.content.map(&pick) {
            Ok(Ok(content)) => picked.push(content),
            Ok(Err(content)) => others.push(content.describe(found.label.as_deref())),
            Err(error) if found.label.is_some_and(|label| label.ends_with(kind)) => return Err(error),
            Err(error) => broken = broken.or(Some(error)),
        }
    }
    match broken {
        _ if !picked.is_empty() => Ok(picked),
        // What is like nothing in particular is better called not what was asked for.
        Some(Error::Nothing { found: Guess::Text | Guess::Binary }) => Err(Error::Missing { wanted, found: others }),
        Some(error) if others.is_empty() => Err(error),
        _ => Err(Error::Missing { wanted, found: others }),
    }
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
