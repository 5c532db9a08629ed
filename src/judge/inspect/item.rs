//! Conversion of items found in a source into items of a report.

use super::certificate::bare_key;
use super::relations::Traits;
use super::{Error, Facts, certificate, ocsp_response, private_key, request};
use crate::encoding::asn1::oid;
use crate::encoding::container::encrypted::Rounds;
use crate::encoding::container::{self, Content, Found, KeyFormat, encrypted, jks, pkcs7, pkcs12};
use crate::judge::report::item::{
    EncryptedKey, Entry, Item, JavaKeystore, Pkcs7, Pkcs12, Place, PrivateKey, Problem, Unknown,
};
use crate::x509::key::spki_sha256;
use crate::x509::request::CertificationRequest;
use zeroize::Zeroizing;

/// An item of the report, with the content that it was made from.
#[derive(Debug)]
pub struct Inspected {
    /// Item of the report.
    pub item: Item,
    behind: Behind,
}

/// Contents behind an item: a tree, as the report's items are.
#[derive(Debug, Default)]
struct Behind {
    /// Absent for an error.
    content: Option<Content>,
    traits: Traits,
    within: Vec<Behind>,
}

impl Inspected {
    fn new(item: Item, content: Content, traits: Traits) -> Self {
        Self { item, behind: Behind { content: Some(content), traits, within: Vec::new() } }
    }

    /// The content behind the item; `None` for an error.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        self.behind.content.as_ref()
    }

    /// The item and the content behind it.
    #[must_use]
    pub fn into_parts(self) -> (Item, Option<Content>) {
        (self.item, self.behind.content)
    }

    /// Takes the contents away, which nothing more is to be worked out from.
    #[must_use]
    pub fn without_contents(self) -> Self {
        Self { behind: Behind::default(), ..self }
    }

    /// Returns the facts that relate the item and those within it to others, the item's own first.
    #[must_use]
    pub fn facts(&self) -> Vec<Facts> {
        let (mut facts, source) = (Vec::new(), self.item.place().source.as_str());
        self.behind.collect(source, (self.item.place().index + 1).to_string(), &mut facts);
        facts
    }

    /// Returns the items within, if the item is a container.
    #[must_use]
    pub fn within(self) -> Vec<Self> {
        let inner = self.item.into_items().into_iter().zip(self.behind.within);
        inner.map(|(item, behind)| Self { item, behind }).collect()
    }

    /// Visits the item and those within it, each with its content.
    pub fn visit(&mut self, visitor: &mut impl FnMut(&mut Item, Option<&Content>)) {
        self.behind.visit(&mut self.item, visitor);
    }

    /// The contents of the item and of those within it.
    pub fn contents(&self) -> impl Iterator<Item = &Content> {
        let mut left = vec![&self.behind];
        let each = std::iter::from_fn(move || {
            let next = left.pop()?;
            left.extend(next.within.iter().rev());
            Some(next.content.as_ref())
        });
        each.flatten()
    }
}

impl Behind {
    fn collect(&self, source: &str, number: String, facts: &mut Vec<Facts>) {
        let within = self.within.iter().enumerate().map(|(index, inner)| (format!("{number}.{}", index + 1), inner));
        let within: Vec<_> = within.collect();
        facts.push(Facts::new(source, number, self.content.as_ref(), &self.traits));
        for (number, inner) in within {
            inner.collect(source, number, facts);
        }
    }

    fn visit(&self, item: &mut Item, visitor: &mut impl FnMut(&mut Item, Option<&Content>)) {
        visitor(item, self.content.as_ref());
        for (item, inner) in item.items_mut().iter_mut().zip(&self.within) {
            inner.visit(item, visitor);
        }
    }
}

/// Describes an item; [`Item::Error`] if malformed. A passphrase opens encrypted content
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
    Inspected { item: Item::Error(Entry { place, content }), behind: Behind::default() }
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
        let (mut items, mut within) = (Vec::new(), Vec::new());
        for (index, (friendly_name, content)) in members.enumerate() {
            let place =
                Place { source: source.to_owned(), index, line: None, label: None, friendly_name, connection: None };
            let inspected = self.single(content, None, place);
            items.push(inspected.item);
            within.push(inspected.behind);
        }
        let behind = Behind { content: Some(content), traits: Traits::default(), within };
        Inspected { item: item(items), behind }
    }

    fn single(&self, content: Content, label: Option<String>, place: Place) -> Inspected {
        match described(&content, label, place.clone()) {
            Ok((Item::EncryptedPrivateKey(entry), traits)) => self.key(entry, content, traits),
            Ok((item, traits)) => Inspected::new(item, content, traits),
            Err(error) => problem(place, error.to_string()),
        }
    }

    /// An encrypted key, opened if there is a passphrase that does.
    fn key(&self, mut entry: Entry<EncryptedKey>, content: Content, traits: Traits) -> Inspected {
        match self.passphrase.map(|passphrase| opened(&content, passphrase, self.rounds)) {
            Some(Ok((format, der))) => {
                let place = entry.place;
                match private_key::read(format, &der) {
                    Ok((key, traits)) => {
                        let content = PrivateKey { was_encrypted: true, ..key };
                        let item = Item::PrivateKey(Entry { place, content });
                        Inspected::new(item, Content::PrivateKey { format, der }, traits)
                    }
                    Err(error) => problem(place, error.to_string()),
                }
            }
            Some(Err(error)) => {
                entry.content.problem = Some(with_cause(&error));
                Inspected::new(Item::EncryptedPrivateKey(entry), content, traits)
            }
            None => Inspected::new(Item::EncryptedPrivateKey(entry), content, traits),
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

/// Reads a content, and describes it last.
fn described(content: &Content, label: Option<String>, place: Place) -> Result<(Item, Traits), Error> {
    let other = |item| Ok((item, Traits::default()));
    match content {
        Content::Certificate(der) => {
            let read = super::parse(der)?;
            let is_self_signed = certificate::is_self_signed(&read);
            let traits = Traits { key: Some(spki_sha256(read.key.as_raw())), is_self_signed };
            let content = certificate::described(&read, is_self_signed);
            Ok((Item::Certificate(Box::new(Entry { place, content })), traits))
        }
        Content::Request(der) => {
            let read = CertificationRequest::parse(der).map_err(Error::Request)?;
            let content = request::described(&read);
            Ok((Item::Csr(Box::new(Entry { place, content })), Traits::of_key(read.key.as_raw())))
        }
        Content::Crl(der) => other(Item::Crl(Box::new(Entry { place, content: super::crl(der)? }))),
        Content::PrivateKey { format, der } => {
            let (content, traits) = private_key::read(*format, der)?;
            Ok((Item::PrivateKey(Entry { place, content }), traits))
        }
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            let (content, traits) = private_key::read_encrypted(*format, der, dek_info.as_deref())?;
            Ok((Item::EncryptedPrivateKey(Entry { place, content }), traits))
        }
        Content::PublicKey(der) => {
            let content = bare_key(der)?;
            Ok((Item::PublicKey(Entry { place, content }), Traits::of_key(der)))
        }
        Content::Pkcs7(_) => {
            let content = Pkcs7 { content_type: None, notes: Vec::new(), items: Vec::new() };
            other(Item::Pkcs7(Entry { place, content }))
        }
        Content::Pkcs12(_) => {
            let content = Pkcs12 { locked: true, problem: None, items: Vec::new() };
            other(Item::Pkcs12(Entry { place, content }))
        }
        Content::JavaKeystore(octets) => other(unknown(place, "a Java keystore".to_owned(), octets, label)),
        Content::Parameters { kind, der } => other(unknown(place, format!("{kind} parameters"), der, label)),
        Content::OcspResponse(der) => other(Item::OcspResponse(Entry { place, content: ocsp_response(der)? })),
        Content::Unknown(der) => other(unknown(place, "not known here".to_owned(), der, label)),
    }
}

fn unknown(place: Place, description: String, der: &[u8], label: Option<String>) -> Item {
    Item::Unknown(Entry { place: Place { label, ..place }, content: Unknown { description, size: der.len() } })
}
