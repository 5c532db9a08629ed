//! Items that `inspect` found.

use std::borrow::Cow;
use std::fmt::{self, Debug, Formatter};

use serde::{Serialize, Serializer};

use super::extension::{Attribute, Extension};
use super::finding::Lint;
use super::remote::{Cause, Remote};
use super::{Certificate, PublicKey, Time};
use crate::encoding::asn1;
use crate::x509::crl;

/// One thing found, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Item {
    /// A certificate.
    Certificate(Box<Entry<Certificate>>),
    /// A certification request (PKCS#10).
    Csr(Box<Entry<Csr>>),
    /// A certificate revocation list.
    Crl(Box<Entry<Crl>>),
    /// A private key.
    PrivateKey(Entry<PrivateKey>),
    /// A private key under a passphrase.
    EncryptedPrivateKey(Entry<EncryptedKey>),
    /// A public key on its own.
    PublicKey(Entry<BareKey>),
    /// A PKCS#7 (CMS) message, and its items.
    Pkcs7(Entry<Pkcs7>),
    /// A PKCS#12 store, and its items.
    Pkcs12(Entry<Pkcs12>),
    /// Java's own keystore (JKS or JCEKS), and its items.
    JavaKeystore(Entry<JavaKeystore>),
    /// An OCSP response.
    OcspResponse(Entry<OcspResponse>),
    /// Something else.
    Unknown(Entry<Unknown>),
    /// Something that cannot be read.
    Error(Entry<Problem>),
}

/// Lends the fields that entries of all kinds share.
macro_rules! of_any_kind {
    ($item:expr, $entry:ident => $value:expr) => {
        match $item {
            Item::Certificate($entry) => $value,
            Item::Csr($entry) => $value,
            Item::Crl($entry) => $value,
            Item::PrivateKey($entry) => $value,
            Item::EncryptedPrivateKey($entry) => $value,
            Item::PublicKey($entry) => $value,
            Item::Pkcs7($entry) => $value,
            Item::Pkcs12($entry) => $value,
            Item::JavaKeystore($entry) => $value,
            Item::OcspResponse($entry) => $value,
            Item::Unknown($entry) => $value,
            Item::Error($entry) => $value,
        }
    };
}

impl Item {
    /// Returns the place where the item was found.
    #[must_use]
    pub fn place(&self) -> &Place {
        of_any_kind!(self, entry => &entry.place)
    }

    /// Says how the server that showed it was asked.
    pub fn set_connection(&mut self, connection: Remote) {
        let place = of_any_kind!(self, entry => &mut entry.place);
        place.connection = Some(Box::new(connection));
    }

    /// Returns the items within, if the item is a container.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Pkcs7(entry) => &entry.content.items,
            Self::Pkcs12(entry) => &entry.content.items,
            Self::JavaKeystore(entry) => &entry.content.items,
            _ => &[],
        }
    }

    /// As [`items`](Self::items), to change.
    pub(crate) fn items_mut(&mut self) -> &mut [Self] {
        match self {
            Self::Pkcs7(entry) => &mut entry.content.items,
            Self::Pkcs12(entry) => &mut entry.content.items,
            Self::JavaKeystore(entry) => &mut entry.content.items,
            _ => &mut [],
        }
    }

    /// As [`items`](Self::items), to keep.
    #[must_use]
    pub fn into_items(self) -> Vec<Self> {
        match self {
            Self::Pkcs7(entry) => entry.content.items,
            Self::Pkcs12(entry) => entry.content.items,
            Self::JavaKeystore(entry) => entry.content.items,
            _ => Vec::new(),
        }
    }
}

/// An item with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entry<T> {
    /// Place where the item was found.
    #[serde(flatten)]
    pub place: Place,
    /// The item itself.
    #[serde(flatten)]
    pub content: T,
}

/// Place where an item was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Place {
    /// The file or server; `-` for standard input.
    pub source: String,
    /// Its position among the items found there, from 0; within a container, among the container's items.
    pub index: usize,
    /// The line of its BEGIN, from 1; absent when it is not PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The label of its BEGIN, when that is not the usual one for its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its name in a PKCS#12 store (friendlyName).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Connection over which a server sent the item; given with the first of its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Box<Remote>>,
}

impl Place {
    /// The place of a source's first item.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let source = source.to_owned();
        Self { source, index: 0, line: None, label: None, friendly_name: None, connection: None }
    }
}

/// A certification request (RFC 2986).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Csr {
    /// 1 (the encoded value plus one).
    pub version: u32,
    /// The subject asked for, as an RFC 4514 string.
    pub subject: String,
    /// The subjectAltName entries asked for, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// The key it is for.
    pub public_key: PublicKey,
    /// The signature algorithm's name; its dotted OID if its name is unknown here.
    pub signature_algorithm: String,
    /// True if the request is signed with its own key; absent if that cannot be checked here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_valid: Option<bool>,
    /// basicConstraints' cA, as asked for.
    pub is_ca: bool,
    /// keyUsage's bits asked for, by their RFC 5280 names.
    pub key_usage: Vec<Cow<'static, str>>,
    /// extKeyUsage's purposes asked for, by their names, dotted OIDs when unknown.
    pub extended_key_usage: Vec<Cow<'static, str>>,
    /// The password by which the certificate may be revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge_password: Option<String>,
    /// SHA-256 over the whole DER request, in hex.
    pub sha256_fingerprint: String,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
    /// The extensions asked for, in their order.
    pub extensions: Vec<Extension>,
    /// The other attributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub attributes: Vec<Attribute>,
    /// Deviations from the standard. For people: the words may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// Findings of `--lint`.
    #[serde(flatten)]
    pub lint: Option<Lint>,
}

/// A certificate revocation list (RFC 5280 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Crl {
    /// 1 or 2 (the encoded value plus one).
    pub version: u32,
    /// Its issuer as an RFC 4514 string.
    pub issuer: String,
    /// Time of issue, RFC 3339 UTC.
    pub this_update: Time,
    /// By when there will be a newer one, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Time>,
    /// The signature algorithm's name; its dotted OID if its name is unknown here.
    pub signature_algorithm: String,
    /// cRLNumber, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl_number: Option<String>,
    /// The number of the CRL that this one only adds to, in hex (deltaCRLIndicator).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_of: Option<String>,
    /// The authority key identifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    /// SHA-256 over the whole DER CRL, in hex.
    pub sha256_fingerprint: String,
    /// Its extensions, in their order.
    pub extensions: Vec<Extension>,
    /// Number of revoked certificates.
    pub revoked_count: usize,
    /// The certificates on it.
    #[cfg_attr(test, schemars(with = "Vec<Revoked>"))]
    pub revoked: RevokedList,
    /// Deviations from the standard. For people: the words may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// Findings of `--lint`.
    #[serde(flatten)]
    pub lint: Option<Lint>,
}

/// The certificates on a CRL, which may be millions: the list keeps their DER, and describes each when it is asked for.
#[derive(Clone)]
pub struct RevokedList {
    der: Vec<u8>,
    count: usize,
    describe: Describe,
}

/// Describes an entry.
type Describe = fn(&crl::Entry<'_>) -> Result<Revoked, asn1::Error>;

impl RevokedList {
    /// Takes the entries of a CRL.
    ///
    /// # Errors
    ///
    /// The first entry that cannot be described.
    pub(crate) fn new(entries: crl::Entries<'_>, describe: Describe) -> Result<Self, asn1::Error> {
        let (der, mut count) = (entries.der().to_vec(), 0);
        for entry in entries {
            describe(&entry?)?;
            count += 1;
        }
        Ok(Self { der, count, describe })
    }

    /// Number of the certificates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns true if no certificate is on the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The certificates, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = Revoked> {
        crl::Entries::of(&self.der).filter_map(|entry| (self.describe)(&entry.ok()?).ok())
    }
}

impl Debug for RevokedList {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for RevokedList {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for RevokedList {}

impl Serialize for RevokedList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Revoked {
    /// The serial number's octets in lower-case hex.
    pub serial: String,
    /// Time of revocation, RFC 3339 UTC.
    pub revoked_at: Time,
    /// Reason for revocation, by its name in RFC 5280.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// From when on the key is suspected, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_since: Option<String>,
    /// Issuer of the certificate, if other than the CRL's issuer or that of the entry before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub certificate_issuer: Vec<String>,
    /// Other extensions of the entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub extensions: Vec<Extension>,
}

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrivateKey {
    /// Encoding of the key: `PKCS#8`, `PKCS#1`, `SEC1`, `DSA` or `OpenSSH`.
    pub format: Cow<'static, str>,
    /// The public key that belongs to it.
    pub public_key: PublicKey,
    /// SHA-256 over that key's DER subjectPublicKeyInfo, in hex: the pin. Absent when it cannot be worked out here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spki_sha256: Option<String>,
    /// True if the key was encrypted with a passphrase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    pub was_encrypted: bool,
}

/// A private key under a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EncryptedKey {
    /// Encoding of the key: `PKCS#8`, `PEM` (the traditional form) or `OpenSSH`.
    pub format: Cow<'static, str>,
    /// Encryption, as in `PBES2, PBKDF2 with hmacWithSHA256, AES-256-CBC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The public key that belongs to it; OpenSSH alone leaves it readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// SHA-256 over that key's DER subjectPublicKeyInfo, in hex: the pin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spki_sha256: Option<String>,
    /// Reason why the given passphrase does not open the key. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A public key on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BareKey {
    /// The key.
    pub public_key: PublicKey,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex: the pin.
    pub spki_sha256: String,
}

/// A PKCS#7 (CMS) message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pkcs7 {
    /// Its content type: `signedData` holds certificates and CRLs, others hold neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Cow<'static, str>>,
    /// Deviations from the standard. For people: the words may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
    /// Items in the container.
    pub items: Vec<Item>,
}

/// A PKCS#12 store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pkcs12 {
    /// True if the container needs a password that was not given; its items are unknown then.
    pub locked: bool,
    /// Reason why the given password does not open the container. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Items in the container.
    pub items: Vec<Item>,
}

/// Java's own keystore. Its certificates are in the clear; a password tells whether somebody has changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct JavaKeystore {
    /// `JKS` or `JCEKS`.
    pub format: Cow<'static, str>,
    /// True if the password that was given is that of the store, which nobody has changed then.
    pub verified: bool,
    /// Reason why the given password is not that of the store. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Items in the store.
    pub items: Vec<Item>,
}

/// An OCSP response (RFC 6960), its signature unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OcspResponse {
    /// Its own status by RFC 6960's name: `successful`, or why it holds no answers, as in `tryLater`.
    pub status: Cow<'static, str>,
    /// The responder: its subject as an RFC 4514 string, or the SHA-1 hash of its key in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responder: Option<String>,
    /// Time of the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub produced_at: Option<Time>,
    /// The answers, one for each certificate that was asked about.
    pub answers: Vec<OcspAnswer>,
    /// The number of certificates that the responder sent along; their contents are not shown.
    pub certificate_count: usize,
}

/// The answer of an OCSP response about one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OcspAnswer {
    /// The serial number's octets in lower-case hex.
    pub serial: String,
    /// `good`, `revoked` or `unknown`.
    pub status: Cow<'static, str>,
    /// Time of the certificate's revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// Time at which that was known to be so.
    pub this_update: Time,
    /// Time by which a newer answer will be available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Time>,
}

/// Data of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unknown {
    /// Best description of the item.
    pub description: String,
    /// Size in octets.
    pub size: usize,
}

/// Something that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Fault in words. For people: the words may change.
    pub message: String,
    /// The layer and the code of the cause, for a server that could not be asked.
    #[serde(flatten)]
    pub cause: Option<Cause>,
    /// Remedy, for a server that could not be asked. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
