//! One thing to convert.

use rustls::pki_types::PrivateKeyDer;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::Error;
use crate::encoding::container::{self, Content, KeyFormat};
use crate::judge::inspect::{Facts, Inspected};
use crate::judge::report::PublicKey;
use crate::judge::report::converted::{Converted, ConvertedKind};
use crate::judge::report::item::Item;
use crate::x509::key;

/// An item to convert, or a container of items.
#[derive(Debug)]
pub struct Input {
    /// The item.
    pub inspected: Inspected,
    /// The number of the container around the part.
    pub within: Option<String>,
}

/// One thing to convert: a key in PKCS#8, or the DER of something else.
pub struct Part {
    place: String,
    friendly_name: Option<String>,
    der: Zeroizing<Vec<u8>>,
    kind: PartKind,
}

/// The kind of a part, with its details.
#[derive(Debug)]
#[non_exhaustive]
pub enum PartKind {
    /// A private key.
    PrivateKey {
        /// Its public half.
        public_key: PublicKey,
        /// The pin of its public half.
        spki_sha256: Option<String>,
    },
    /// A certificate.
    Certificate(Box<crate::judge::report::Certificate>),
    /// A certification request.
    Csr,
    /// A CRL.
    Crl,
    /// A public key on its own.
    PublicKey,
    /// Something else, under its PEM label.
    Other {
        /// The label.
        label: String,
    },
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, friendly_name, der: _, kind } = self;
        f.debug_struct("Part")
            .field("place", place)
            .field("friendly_name", friendly_name)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}

/// Takes containers apart. Copies of an item are left out, and so are the parameters that OpenSSL writes before an EC
/// key, which names its curve itself.
pub(super) fn parts(items: Vec<Input>) -> Result<(Vec<Part>, Vec<Facts>), Error> {
    let (mut parts, mut facts): (Vec<Part>, Vec<Facts>) = (Vec::new(), Vec::new());
    for (inspected, number) in items.into_iter().flat_map(|input| flat(input.inspected, input.within.as_deref())) {
        let mut own = inspected.facts();
        let Some(part) = part(inspected, &number)? else { continue };
        if parts.iter().any(|other| other.is_copy_of(&part)) {
            continue;
        }
        parts.push(part);
        facts.push(own.swap_remove(0));
    }
    Ok((parts, facts))
}

/// An item, or the items of a container, each with its number.
fn flat(inspected: Inspected, within: Option<&str>) -> Vec<(Inspected, String)> {
    let index = (inspected.item.place().index + 1).to_string();
    let is_refused = matches!(&inspected.item, Item::JavaKeystore(entry) if entry.content.problem.is_some());
    let number = within.map_or_else(|| index.clone(), |outer| format!("{outer}.{index}"));
    if inspected.item.items().is_empty() || is_refused {
        return vec![(inspected, number)];
    }
    inspected.within().into_iter().flat_map(|inner| flat(inner, Some(&number))).collect()
}

fn part(inspected: Inspected, number: &str) -> Result<Option<Part>, Error> {
    let place = format!("{} #{number}", inspected.item.place().source);
    let friendly_name = inspected.item.place().friendly_name.clone();
    let (item, content) = inspected.into_parts();
    let (kind, der) = match (item, content) {
        (Item::Error(entry), _) => return Err(Error::Unreadable { place, message: entry.content.message }),
        (Item::EncryptedPrivateKey(entry), _) => {
            return Err(Error::Locked { place, problem: entry.content.problem });
        }
        (Item::Pkcs12(entry), _) if entry.content.locked => {
            return Err(Error::Locked { place, problem: entry.content.problem });
        }
        (Item::JavaKeystore(entry), _) => match entry.content.problem {
            Some(message) => return Err(Error::Unreadable { place, message }),
            None => return Ok(None),
        },
        (Item::PrivateKey(entry), Some(Content::PrivateKey { format, der })) => {
            let key = entry.content;
            let Some(pkcs8) = pkcs8(format, &der) else {
                return Err(Error::UnusableKey { place, kind: format!("{}, {}", key.format, key.public_key) });
            };
            (PartKind::PrivateKey { public_key: key.public_key, spki_sha256: key.spki_sha256 }, pkcs8)
        }
        (Item::Certificate(entry), Some(Content::Certificate(der))) => {
            (PartKind::Certificate(Box::new(entry.content)), der.into())
        }
        (_, Some(Content::Request(der))) => (PartKind::Csr, der.into()),
        (_, Some(Content::Crl(der))) => (PartKind::Crl, der.into()),
        (_, Some(Content::PublicKey(der))) => (PartKind::PublicKey, der.into()),
        (_, Some(Content::OcspResponse(der))) => (PartKind::Other { label: "OCSP RESPONSE".to_owned() }, der.into()),
        (_, Some(Content::Parameters { kind: "EC", .. })) => return Ok(None),
        (_, Some(Content::Parameters { kind, der })) => {
            (PartKind::Other { label: format!("{kind} PARAMETERS") }, der.into())
        }
        (Item::Unknown(entry), Some(Content::Unknown(der))) => match entry.place.label {
            Some(label) => (PartKind::Other { label }, der.into()),
            None => return Err(Error::Unreadable { place, message: "it is nothing known here".to_owned() }),
        },
        // An empty container.
        _ => return Ok(None),
    };
    Ok(Some(Part { place, friendly_name, der, kind }))
}

fn pkcs8(format: KeyFormat, der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key: PrivateKeyDer<'_> = match format {
        KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(der.into()),
        KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(der.into()),
        KeyFormat::Sec1 => PrivateKeyDer::Sec1(der.into()),
        KeyFormat::Dsa | KeyFormat::OpenSsh => return None,
    };
    key::to_pkcs8(&key)
}

impl Part {
    /// File and number: `server.p12 #1.2`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// PKCS#8 of a private key, the DER of other items.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn kind(&self) -> ConvertedKind {
        match &self.kind {
            PartKind::PrivateKey { .. } => ConvertedKind::PrivateKey,
            PartKind::Certificate(_) => ConvertedKind::Certificate,
            PartKind::Csr => ConvertedKind::Csr,
            PartKind::Crl => ConvertedKind::Crl,
            PartKind::PublicKey => ConvertedKind::PublicKey,
            PartKind::Other { .. } => ConvertedKind::Other,
        }
    }

    pub(super) fn spki_sha256(&self) -> Option<&str> {
        match &self.kind {
            PartKind::PrivateKey { spki_sha256, .. } => spki_sha256.as_deref(),
            PartKind::Certificate(certificate) => Some(&certificate.spki_sha256),
            _ => None,
        }
    }

    pub(super) fn not_after(&self) -> Option<OffsetDateTime> {
        let PartKind::Certificate(certificate) = &self.kind else { return None };
        Some(certificate.not_after.0)
    }

    /// The first name that a certificate is for, or its subject.
    pub(super) fn first_name(&self) -> Option<&str> {
        let PartKind::Certificate(certificate) = &self.kind else { return None };
        let name = certificate.subject_alt_names.first().and_then(|name| name.split_once(':')).map(|(_, name)| name);
        Some(name.unwrap_or(&certificate.subject))
    }

    /// The key in words, with its pin.
    pub(super) fn key_text(&self) -> String {
        let key = match &self.kind {
            PartKind::PrivateKey { public_key, .. } => public_key,
            PartKind::Certificate(certificate) => &certificate.public_key,
            _ => return String::new(),
        };
        let pin = self.spki_sha256().and_then(|pin| pin.get(..16)).unwrap_or("unknown");
        format!("{key} (spki sha256 {pin}…)")
    }

    /// The number of the item within its file, as in `1.2`.
    pub(super) fn number(&self) -> &str {
        self.place.rsplit_once('#').map_or(self.place.as_str(), |(_, number)| number)
    }

    /// The item in words, with its place.
    pub(super) fn described(&self) -> String {
        format!("{} ({})", self.kind().words(), self.place)
    }

    fn is_copy_of(&self, other: &Self) -> bool {
        let is_same_key = self.kind() == ConvertedKind::PrivateKey
            && self.spki_sha256().is_some()
            && self.spki_sha256() == other.spki_sha256();
        self.kind() == other.kind() && (self.der == other.der || is_same_key)
    }

    /// The label of its PEM and the octets, those of a private key under a passphrase if there is one.
    pub(super) fn block(&self, passphrase: Option<&str>) -> Result<(&str, Zeroizing<Vec<u8>>), Error> {
        let label = match (&self.kind, passphrase) {
            (PartKind::PrivateKey { .. }, Some(passphrase)) => {
                return Ok(("ENCRYPTED PRIVATE KEY", container::encrypt_key(&self.der, passphrase)?));
            }
            (PartKind::PrivateKey { .. }, None) => "PRIVATE KEY",
            (PartKind::Certificate(_), _) => "CERTIFICATE",
            (PartKind::Csr, _) => "CERTIFICATE REQUEST",
            (PartKind::Crl, _) => "X509 CRL",
            (PartKind::PublicKey, _) => "PUBLIC KEY",
            (PartKind::Other { label }, _) => label,
        };
        Ok((label, self.der.clone()))
    }

    pub(super) fn pem(&self, passphrase: Option<&str>) -> Result<Zeroizing<String>, Error> {
        let (label, der) = self.block(passphrase)?;
        Ok(container::pem(label, &der)?)
    }

    /// The item for the report.
    pub(super) fn converted(&self, alias: Option<String>) -> Converted {
        let certificate = if let PartKind::Certificate(certificate) = &self.kind { Some(certificate) } else { None };
        let public_key = match &self.kind {
            PartKind::PrivateKey { public_key, .. } => Some(public_key.clone()),
            _ => None,
        };
        Converted {
            kind: self.kind(),
            from: self.place.clone(),
            alias,
            subject: certificate.map(|certificate| certificate.subject.clone()),
            subject_alt_names: certificate.map(|certificate| certificate.subject_alt_names.clone()).unwrap_or_default(),
            not_after: certificate.map(|certificate| certificate.not_after.to_string()),
            sha256_fingerprint: certificate.map(|certificate| certificate.sha256_fingerprint.clone()),
            public_key,
            spki_sha256: self.spki_sha256().map(str::to_owned),
        }
    }
}
