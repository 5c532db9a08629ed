//! Items found in a source, in order, each with its place.

use zeroize::Zeroizing;

use super::Error;

/// One thing found in a source.
#[derive(Debug)]
pub struct Found {
    /// Its position among the items of the source, from 0.
    pub index: usize,
    /// The first line, from 1; `None` for a file other than text.
    pub line: Option<usize>,
    /// The label of its BEGIN; `None` unless PEM.
    pub label: Option<String>,
    /// The content, or the reason why the content is unreadable.
    pub content: Result<Content, Error>,
}

/// An item by its kind, as label and outer kind indicate; the DER may still be malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A certificate's DER, without OpenSSL's suffix of a `TRUSTED CERTIFICATE`.
    Certificate(Vec<u8>),
    /// A certification request's DER (PKCS#10).
    Request(Vec<u8>),
    /// A certificate revocation list's DER.
    Crl(Vec<u8>),
    /// A private key.
    PrivateKey {
        /// Encoding of the key.
        format: KeyFormat,
        /// Its DER; the decoded body of an OpenSSH key.
        der: Zeroizing<Vec<u8>>,
    },
    /// A private key under a passphrase.
    EncryptedPrivateKey {
        /// Encoding of the key.
        format: KeyFormat,
        /// PKCS#8: the DER of its EncryptedPrivateKeyInfo; old PEM: the ciphertext; OpenSSH: the decoded body.
        der: Vec<u8>,
        /// The `DEK-Info` of old PEM files.
        dek_info: Option<String>,
    },
    /// A subjectPublicKeyInfo's DER; a bare RSAPublicKey (PKCS#1) is put into one.
    PublicKey(Vec<u8>),
    /// DH, DSA or EC parameters.
    Parameters {
        /// `DH`, `DSA` or `EC`.
        kind: &'static str,
        /// Their DER.
        der: Vec<u8>,
    },
    /// A PKCS#7 (CMS) ContentInfo, DER or BER.
    Pkcs7(Vec<u8>),
    /// A PKCS#12 PFX, DER or BER.
    Pkcs12(Vec<u8>),
    /// Java's own keystore (JKS or JCEKS).
    JavaKeystore(Vec<u8>),
    /// An OCSP response's DER (RFC 6960).
    OcspResponse(Vec<u8>),
    /// Something else, under its PEM label.
    Unknown(Vec<u8>),
}

impl Content {
    /// Describes the content with its article, for messages; unknown content goes by its label.
    #[must_use]
    pub fn describe(&self, label: Option<&str>) -> String {
        match self {
            Self::Certificate(_) => "a certificate".to_owned(),
            Self::Request(_) => "a certification request (CSR)".to_owned(),
            Self::Crl(_) => "a certificate revocation list (CRL)".to_owned(),
            Self::PrivateKey { .. } => "a private key".to_owned(),
            Self::EncryptedPrivateKey { .. } => "an encrypted private key".to_owned(),
            Self::PublicKey(_) => "a public key".to_owned(),
            Self::Parameters { kind, .. } => format!("{kind} parameters"),
            Self::Pkcs7(_) => "a PKCS#7 bundle".to_owned(),
            Self::Pkcs12(_) => "a PKCS#12 file".to_owned(),
            Self::JavaKeystore(_) => "a Java keystore".to_owned(),
            Self::OcspResponse(_) => "an OCSP response".to_owned(),
            Self::Unknown(_) => format!("a `{}`", label.unwrap_or("structure")),
        }
    }
}

/// Encoding of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFormat {
    /// RFC 5958 (RFC 5208).
    Pkcs8,
    /// RFC 8017 appendix A.1.2: RSA.
    Pkcs1,
    /// RFC 5915: EC.
    Sec1,
    /// OpenSSL's own for DSA.
    Dsa,
    /// OpenSSH's own.
    OpenSsh,
}
