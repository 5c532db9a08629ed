//! Conversion of items found in a source into items of a report.

use super::certificate::bare_key;
use super::{Error, Facts, certificate, crl, encrypted_private_key, ocsp_response, private_key, request};
use crate::encoding::asn1::oid;
use crate::encoding::container::encrypted::Rounds;
use crate::encoding::container::{self, Content, Found, KeyFormat, encrypted, jks, pkcs7, pkcs12};
use crate::judge::report::item::{
    EncryptedKey, Entry, Item, JavaKeystore, Pkcs7, Pkcs12, Place, PrivateKey, Problem, Unknown,
};
use zeroize::Zeroizing;

/// An item, and the contents behind it.
#[derive(Debug)]
pub struct Inspected {
    /// Item of the report.
    pub item: Item,
    /// Contents behind the item and, in order, behind the items within it. `None` for an error.
    pub contents: Vec<Option<Content>>,
}

impl Inspected {
    /// Returns the facts that relate the item and those within it to others; in the order of `contents`.
    #[must_use]
    pub fn facts(&self) -> Vec<Facts> {
        let mut facts = Vec::new();
        let mut contents = self.contents.iter();
        collect(&self.item, &(self.item.place().index + 1).to_string(), &mut contents, &mut facts);
        facts
    }
}

impl Inspected {
    /// Returns the items within, if the item is a container.
    #[must_use]
    pub fn within(self) -> Vec<Self> {
        let mut contents = self.contents.into_iter().skip(1);
        let inner = self.item.into_items().into_iter().map(|item| {
            let count = size(&item);
            Self { contents: contents.by_ref().take(count).collect(), item }
        });
        inner.collect()
    }
}

/// Counts an item and its members.
fn size(item: &Item) -> usize {
    1 + item.items().iter().map(size).sum::<usize>()
}

fn collect<'a>(
    item: &Item,
    number: &str,
    contents: &mut impl Iterator<Item = &'a Option<Content>>,
    facts: &mut Vec<Facts>,
) {
    let content = contents.next().and_then(Option::as_ref);
    facts.push(Facts::of(item, content, number.to_owned()));
    for (index, inner) in item.items().iter().enumerate() {
        collect(inner, &format!("{number}.{}", index + 1), contents, facts);
    }
}

/// Describes an item; [`Item::Error`] if it is malformed. A passphrase opens encrypted content
/// as long as the total cost for one source stays within its limit.
#[must_use]
pub fn item(found: Found, source: &str, passphrase: Option<&str>, rounds: &Rounds) -> Inspected {
    let Found { index, line, label, content } = found;
    let place = Place { source: source.to_owned(), index, line, label: None, friendly_name: None, connection: None };
    match content {
        Ok(content) => Opener { passphrase, rounds }.item(content, label, place),
        Err(error) => problem(place, with_cause(&error)),
    }
}

/// An error and its cause, in one line.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source().map(ToString::to_string) {
        Some(cause) if !error.to_string().contains(&cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

fn problem(place: Place, message: String) -> Inspected {
    let content = Problem { message, cause: None, hint: None };
    Inspected { item: Item::Error(Entry { place, content }), contents: vec![None] }
}

struct Opener<'a> {
    passphrase: Option<&'a str>,
    rounds: &'a Rounds,
}

impl Opener<'_> {
    fn item(&self, content: Content, label: Option<String>, place: Place) -> Inspected {
        match &content {
            Content::Pkcs7(octets) => match pkcs7::open(octets) {
                Ok(opened) => self.pkcs7(label, place, content, opened),
                Err(error) => problem(place, with_cause(&error)),
            },
            Content::Pkcs12(octets) => {
                let opened = pkcs12::open(octets, self.passphrase, self.rounds);
                self.pkcs12(place, content, opened)
            }
            Content::JavaKeystore(octets) => match jks::open(octets, self.passphrase) {
                Ok(opened) => self.java_keystore(place, content, opened),
                Err(error) => problem(place, format!("the Java keystore cannot be read: {error}")),
            },
            _ => self.single(content, label, place),
        }
    }

    fn java_keystore(&self, place: Place, content: Content, opened: jks::Opened) -> Inspected {
        let (format, verified) = (opened.format.into(), opened.is_verified);
        let is_wrong = self.passphrase.is_some() && !verified;
        let problem = is_wrong.then(|| "the passphrase is not its password, or somebody has changed it".to_owned());
        let members = opened.bags.into_iter().map(|bag| (bag.friendly_name, bag.content));
        self.container(content, &place.source.clone(), members, |items| {
            Item::JavaKeystore(Entry { place, content: JavaKeystore { format, verified, problem, items } })
        })
    }

    fn pkcs7(&self, label: Option<String>, place: Place, content: Content, opened: pkcs7::Opened) -> Inspected {
        let content_type = Some(oid::name_or_dotted(&opened.content_type).into());
        let label = label.filter(|label| label.ends_with("CERTIFICATE"));
        let notes = label.iter().map(|label| format!("its PEM label is {label}: it should be PKCS7")).collect();
        let members = opened.contents.into_iter().map(|content| (None, content));
        self.container(content, &place.source.clone(), members, |items| {
            let place = Place { label, ..place };
            Item::Pkcs7(Entry { place, content: Pkcs7 { content_type, notes, items } })
        })
    }

    fn pkcs12(&self, place: Place, content: Content, opened: Result<Vec<pkcs12::Bag>, encrypted::Error>) -> Inspected {
        let (bags, problem) = match opened {
            Ok(bags) => (Some(bags), None),
            Err(encrypted::Error::PassphraseNeeded) => (None, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let locked = bags.is_none();
        let members = bags.unwrap_or_default().into_iter().map(|bag| (bag.friendly_name, bag.content));
        self.container(content, &place.source.clone(), members, |items| {
            Item::Pkcs12(Entry { place, content: Pkcs12 { locked, problem, items } })
        })
    }

    /// A container and its items.
    fn container(
        &self,
        content: Content,
        source: &str,
        members: impl Iterator<Item = (Option<String>, Content)>,
        item: impl FnOnce(Vec<Item>) -> Item,
    ) -> Inspected {
        let (mut items, mut contents) = (Vec::new(), vec![Some(content)]);
        for (index, (friendly_name, content)) in members.enumerate() {
            let place =
                Place { source: source.to_owned(), index, line: None, label: None, friendly_name, connection: None };
            let inspected = self.single(content, None, place);
            items.push(inspected.item);
            contents.extend(inspected.contents);
        }
        Inspected { item: item(items), contents }
    }

    fn single(&self, content: Content, label: Option<String>, place: Place) -> Inspected {
        match described(&content, label, place.clone()) {
            Ok(Item::EncryptedPrivateKey(entry)) => self.key(entry, content),
            Ok(item) => Inspected { item, contents: vec![Some(content)] },
            Err(error) => problem(place, error.to_string()),
        }
    }

    /// An encrypted key, opened if there is a passphrase that does.
    fn key(&self, mut entry: Entry<EncryptedKey>, content: Content) -> Inspected {
        match self.passphrase.map(|passphrase| opened(&content, passphrase, self.rounds)) {
            Some(Ok((format, der))) => {
                let place = entry.place;
                match private_key(format, &der) {
                    Ok(key) => {
                        let content = PrivateKey { was_encrypted: true, ..key };
                        let item = Item::PrivateKey(Entry { place, content });
                        Inspected { item, contents: vec![Some(Content::PrivateKey { format, der })] }
                    }
                    Err(error) => problem(place, error.to_string()),
                }
            }
            Some(Err(error)) => {
                entry.content.problem = Some(with_cause(&error));
                Inspected { item: Item::EncryptedPrivateKey(entry), contents: vec![Some(content)] }
            }
            None => Inspected { item: Item::EncryptedPrivateKey(entry), contents: vec![Some(content)] },
        }
    }
}

/// The key under a passphrase.
fn opened(
    content: &Content,
    passphrase: &str,
    rounds: &Rounds,
) -> Result<(KeyFormat, Zeroizing<Vec<u8>>), container::Error> {
    match content {
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            Ok((*format, encrypted::private_key(*format, der, dek_info.as_deref(), passphrase, rounds)?))
        }
        _ => Err(container::Error::UnknownCipher { cipher: "no key".to_owned() }),
    }
}

fn described(content: &Content, label: Option<String>, place: Place) -> Result<Item, Error> {
    Ok(match content {
        Content::Certificate(der) => Item::Certificate(Box::new(Entry { place, content: certificate(der)? })),
        Content::Request(der) => Item::Csr(Box::new(Entry { place, content: request(der)? })),
        Content::Crl(der) => Item::Crl(Box::new(Entry { place, content: crl(der)? })),
        Content::PrivateKey { format, der } => Item::PrivateKey(Entry { place, content: private_key(*format, der)? }),
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            let content = encrypted_private_key(*format, der, dek_info.as_deref())?;
            Item::EncryptedPrivateKey(Entry { place, content })
        }
        Content::PublicKey(der) => Item::PublicKey(Entry { place, content: bare_key(der)? }),
        Content::Pkcs7(_) => {
            Item::Pkcs7(Entry { place, content: Pkcs7 { content_type: None, notes: Vec::new(), items: Vec::new() } })
        }
        Content::Pkcs12(_) => {
            Item::Pkcs12(Entry { place, content: Pkcs12 { locked: true, problem: None, items: Vec::new() } })
        }
        Content::JavaKeystore(octets) => unknown(place, "a Java keystore".to_owned(), octets, label),
        Content::Parameters { kind, der } => unknown(place, format!("{kind} parameters"), der, label),
        Content::OcspResponse(der) => Item::OcspResponse(Entry { place, content: ocsp_response(der)? }),
        Content::Unknown(der) => unknown(place, "not known here".to_owned(), der, label),
    })
}

fn unknown(place: Place, description: String, der: &[u8], label: Option<String>) -> Item {
    Item::Unknown(Entry { place: Place { label, ..place }, content: Unknown { description, size: der.len() } })
}
