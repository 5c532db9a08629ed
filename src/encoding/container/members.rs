//! The certificates, CRLs and keys of a file for commands that need one kind, those in PKCS#7 and PKCS#12 included.

use zeroize::Zeroizing;

use super::encrypted::{self, Rounds};
use super::pkcs12::Bag;
use super::{Content, Error, FileType, jks, pkcs7, pkcs12, stream};

/// A passphrase that is asked for once at most, and only on demand.
pub(super) struct Passphrase<F> {
    ask: Option<F>,
    given: Option<Zeroizing<String>>,
}

impl<F, E> Passphrase<F>
where
    F: FnOnce() -> Result<Option<Zeroizing<String>>, E>,
{
    pub(super) const fn new(ask: F) -> Self {
        Self { ask: Some(ask), given: None }
    }

    pub(super) fn get(&mut self) -> Result<Option<&str>, E> {
        if let Some(ask) = self.ask.take() {
            self.given = ask()?;
        }
        Ok(self.given.as_ref().map(|passphrase| passphrase.as_str()))
    }
}

/// Everything in a file that `pick` takes, at least one; or what was there instead. A broken block matters only when it
/// has a label of the `kind` asked for, or none, or when there is nothing else. A container that cannot be opened may
/// hold what was asked for.
pub(super) fn all<T, F, E>(
    bytes: &[u8],
    wanted: &'static str,
    kind: &str,
    passphrase: &mut Passphrase<F>,
    pick: impl Fn(Content) -> Result<T, Content>,
) -> Result<Vec<T>, E>
where
    F: FnOnce() -> Result<Option<Zeroizing<String>>, E>,
    E: From<Error>,
{
    let (mut picked, mut others) = (Vec::new(), Vec::new());
    let (mut unlabelled, mut broken) = (None, None);
    let rounds = Rounds::default();
    for found in stream(bytes) {
        let found = found?;
        match found.content {
            Ok(content @ (Content::Pkcs7(_) | Content::Pkcs12(_) | Content::JavaKeystore(_))) => {
                let name = content.describe(None);
                let before = picked.len();
                for member in within(content, passphrase, &rounds)? {
                    match pick(member) {
                        Ok(member) => picked.push(member),
                        Err(member) => others.push(format!("{} in {name}", member.describe(None))),
                    }
                }
                if picked.len() == before {
                    others.push(name);
                }
            }
            Ok(content) => match pick(content) {
                Ok(content) => picked.push(content),
                Err(content) => others.push(content.describe(found.label.as_deref())),
            },
            // What is lost may be what was asked for.
            Err(error) if found.label.as_ref().is_some_and(|label| label.ends_with(kind)) => return Err(error.into()),
            Err(error) if found.label.is_none() => unlabelled = unlabelled.or(Some(error)),
            Err(error) => broken = broken.or(Some(error)),
        }
    }
    if !picked.is_empty() {
        return unlabelled.map_or(Ok(picked), |error| Err(error.into()));
    }
    match unlabelled.or(broken) {
        // What is like nothing in particular is better called not what was asked for.
        Some(Error::Nothing { found: FileType::Text | FileType::Binary }) => {
            Err(Error::Missing { wanted, found: others }.into())
        }
        Some(error) if others.is_empty() => Err(error.into()),
        _ => Err(Error::Missing { wanted, found: others }.into()),
    }
}

/// The contents of a container.
fn within<F, E>(content: Content, passphrase: &mut Passphrase<F>, rounds: &Rounds) -> Result<Vec<Content>, E>
where
    F: FnOnce() -> Result<Option<Zeroizing<String>>, E>,
    E: From<Error>,
{
    match content {
        Content::Pkcs7(octets) => Ok(pkcs7::open(&octets).map_err(|source| Error::Pkcs7 { source })?.contents),
        Content::Pkcs12(octets) => {
            let opened = match pkcs12::open(&octets, None, rounds) {
                Err(encrypted::Error::PassphraseNeeded) => {
                    let given = passphrase.get()?.ok_or(Error::StorePasswordNeeded)?;
                    pkcs12::open(&octets, Some(given), &Rounds::default())
                }
                opened => opened,
            };
            let bags = opened.map_err(|error| match error {
                encrypted::Error::PassphraseNeeded => Error::StorePasswordNeeded,
                encrypted::Error::WrongPassphrase => Error::WrongStorePassword,
                source => Error::Pkcs12 { source },
            })?;
            Ok(in_order(bags))
        }
        // Its certificates are in the clear, and its keys are opened like all that are encrypted.
        Content::JavaKeystore(octets) => {
            let opened = jks::open(&octets, None).map_err(|source| Error::JavaKeystore { source })?;
            Ok(opened.bags.into_iter().map(|bag| bag.content).collect())
        }
        content => Ok(vec![content]),
    }
}

/// The contents of a store, a key's own certificate before those of its issuers.
fn in_order(mut bags: Vec<Bag>) -> Vec<Content> {
    let is_key = |bag: &&Bag| matches!(bag.content, Content::PrivateKey { .. } | Content::EncryptedPrivateKey { .. });
    let ids: Vec<_> = bags.iter().filter(is_key).filter_map(|bag| bag.local_key_id.clone()).collect();
    bags.sort_by_key(|bag| !bag.local_key_id.as_ref().is_some_and(|id| ids.contains(id)));
    bags.into_iter().map(|bag| bag.content).collect()
}
