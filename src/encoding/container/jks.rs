//! Content of Java's own keystores, JKS and JCEKS (`sun.security.provider.JavaKeyStore` and
//! `com.sun.crypto.provider.JceKeyStore` of OpenJDK say how they are written).

use sha1::{Digest, Sha1};

use super::encrypted::{Error, Secret};
use super::pkcs12::Bag;
use super::{Content, KeyFormat};
use crate::base::octets::Octets;
use crate::encoding::asn1;

/// More entries than any store has.
const ENTRY_LIMIT: u32 = 100_000;

/// The first octets of a store.
const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
const JCEKS: &[u8] = &[0xce, 0xce, 0xce, 0xce];

/// Sun's words between password and store, against pre-images.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// Octets of the digest at the end.
const DIGEST: usize = 20;

/// A keystore that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// `JKS` or `JCEKS`.
    pub format: &'static str,
    /// True if the password is that of the store, which is unchanged then.
    pub is_verified: bool,
    /// Keys, each before its chain, and trusted certificates. Keys are still under their own passwords.
    pub bags: Vec<Bag>,
}

/// Decides whether octets begin as a keystore of a version that is read here.
pub(super) fn is_store(octets: &[u8]) -> bool {
    matches!(octets.split_at_checked(4), Some((JKS | JCEKS, [0, 0, 0, 1 | 2, ..])))
}

/// Reads a keystore. Its certificates are in the clear; a password is only needed to tell that nobody has changed them,
/// and for its keys.
///
/// # Errors
///
/// [`Error::Malformed`]; [`Error::UnknownCipher`] for a store with secret keys, which are Java objects.
pub fn open(octets: &[u8], password: Option<&str>) -> Result<Opened, Error> {
    let malformed = |reason| Error::from(asn1::Error::new("keystore", reason));
    let (content, digest) = octets.split_last_chunk::<DIGEST>().ok_or_else(|| malformed("is cut short"))?;
    let mut store = Store { octets: Octets(content), has_types: true, bags: Vec::new() };
    let (format, count) = store.head().ok_or_else(|| malformed("is cut short"))?;
    if count > ENTRY_LIMIT {
        return Err(malformed("has too many entries"));
    }
    for _ in 0..count {
        match store.entry() {
            Some(Entry::Read) => {}
            Some(Entry::Secret) => return Err(Error::UnknownCipher { cipher: "a secret key of JCEKS".to_owned() }),
            None => return Err(malformed("is damaged or cut short")),
        }
    }
    if !store.octets.is_empty() {
        return Err(malformed("is followed by other octets"));
    }
    let is_verified = password.is_some_and(|password| {
        let secret = Secret::new(password);
        let hash = Sha1::new().chain_update(secret.utf16_unended()).chain_update(WHITENER).chain_update(content);
        hash.finalize()[..] == digest[..]
    });
    Ok(Opened { format, is_verified, bags: store.bags })
}

struct Store<'a> {
    octets: Octets<'a>,
    /// Version 1 names no types of certificates: all are X.509.
    has_types: bool,
    bags: Vec<Bag>,
}

enum Entry {
    Read,
    /// The end of the structure is unknown.
    Secret,
}

impl Store<'_> {
    fn number(&mut self) -> Option<u32> {
        self.octets.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The format, and the number of entries.
    fn head(&mut self) -> Option<(&'static str, u32)> {
        let format = if self.octets.take(4)? == JKS { "JKS" } else { "JCEKS" };
        self.has_types = self.number()? == 2;
        Some((format, self.number()?))
    }

    fn entry(&mut self) -> Option<Entry> {
        let kind = self.number()?;
        let alias = String::from_utf8_lossy(self.octets.vector(2)?).into_owned();
        self.octets.number64()?;
        match kind {
            1 => {
                let der = self.octets.vector(4)?.to_vec();
                let key = Content::EncryptedPrivateKey { format: KeyFormat::Pkcs8, der, dek_info: None };
                self.bags.push(Bag { friendly_name: Some(alias.clone()), local_key_id: None, content: key });
                for _ in 0..self.number()? {
                    self.certificate(&alias)?;
                }
            }
            2 => self.certificate(&alias)?,
            3 => return Some(Entry::Secret),
            _ => return None,
        }
        Some(Entry::Read)
    }

    fn certificate(&mut self, alias: &str) -> Option<()> {
        if self.has_types {
            self.octets.vector(2)?;
        }
        let content = Content::Certificate(self.octets.vector(4)?.to_vec());
        self.bags.push(Bag { friendly_name: Some(alias.to_owned()), local_key_id: None, content });
        Some(())
    }
}
