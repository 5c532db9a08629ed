//! Keys and certificates from one kind of file to another: PEM, DER, PKCS#12, PKCS#7.
//!
//! [`Bundle`] puts them in order: each key before its certificate, each certificate before that of its issuer.
//! [`Bundle::write`] encodes them, or names the parts that the format cannot hold.

mod order;
mod part;

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use self::order::{Order, is_key_of};
pub use self::part::{Input, Part, PartKind};
use crate::base::words::{counted, first_few};
use crate::encoding::container::{self, Pkcs12Ciphers, StoreEntry};
use crate::judge::report::converted::{ConvertFormat, Converted, ConvertedKind};

/// Reason why nothing was converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing to convert.
    #[error("there is nothing to convert")]
    Nothing,
    /// An item that cannot be read.
    #[error("{place} cannot be read: {message}")]
    Unreadable {
        /// File and number of the item.
        place: String,
        /// The reason.
        message: String,
    },
    /// An item that stays closed.
    #[error("{place} is encrypted{}", problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default())]
    Locked {
        /// File and number of the item.
        place: String,
        /// The reason why the given passphrase fails.
        problem: Option<String>,
    },
    /// A private key that has no form in PKCS#8 here.
    #[error("{place} is a private key of a kind that is not converted here ({kind})")]
    UnusableKey {
        /// File and number of the item.
        place: String,
        /// Kind of the key.
        kind: String,
    },
    /// Items of kinds for which the format has no place.
    #[error("{} holds no {what}: {}", format.words(), first_few(places, 3))]
    CannotHold {
        /// The format.
        format: ConvertFormat,
        /// The kind of the first of them.
        what: &'static str,
        /// Files and numbers of the items.
        places: Vec<String>,
        /// True if there are others, which the format holds.
        holds_others: bool,
    },
    /// More than one item for a format that holds one.
    #[error("DER holds one item, and there are {}: {}", places.len(), first_few(places, 4))]
    Several {
        /// Files and numbers of the items.
        places: Vec<String>,
        /// A number that only one of them has, as in `1.2`; none if each file has the same numbers.
        number: Option<String>,
    },
    /// A key for PKCS#12 without a certificate.
    #[error("no certificate belongs to the private key of {key}")]
    NoCertificate {
        /// File and number of the key.
        key: String,
        /// The key.
        ours: String,
        /// The certificates, with their keys.
        theirs: Vec<String>,
    },
    /// A key or a certificate that cannot be encoded.
    #[error(transparent)]
    Container(#[from] container::Error),
}

/// Settings of the output.
#[derive(Debug)]
pub struct Form<'a> {
    /// The format.
    pub format: ConvertFormat,
    /// PKCS#7: DER in place of PEM.
    pub is_der: bool,
    /// PEM and DER: the passphrase for private keys. PKCS#12: its password.
    pub passphrase: Option<&'a str>,
    /// PKCS#12: its ciphers.
    pub ciphers: Pkcs12Ciphers,
    /// PKCS#12: the name of the first entry in place of its own.
    pub alias: Option<&'a str>,
}

/// The written parts.
pub struct Written {
    /// The content of the file.
    pub octets: Zeroizing<Vec<u8>>,
    /// True if a private key is among the parts.
    pub is_secret: bool,
    /// The items, in their order.
    pub items: Vec<Converted>,
}

/// Items to convert, in order, each once.
#[derive(Debug)]
pub struct Bundle {
    parts: Vec<Part>,
    order: Order,
}

impl Bundle {
    /// Puts items in order; containers are taken apart.
    ///
    /// # Errors
    ///
    /// [`Error::Nothing`], [`Error::Unreadable`], [`Error::Locked`], [`Error::UnusableKey`].
    pub fn new(items: Vec<Input>) -> Result<Self, Error> {
        let (parts, facts) = part::parts(items)?;
        if parts.is_empty() {
            return Err(Error::Nothing);
        }
        Ok(Self { order: Order::of(&parts, &facts), parts })
    }

    /// Encodes the items.
    ///
    /// # Errors
    ///
    /// An error for parts that the format cannot hold, and [`Error::Container`].
    pub fn write(&self, form: &Form<'_>) -> Result<Written, Error> {
        match form.format {
            ConvertFormat::Pem => self.pem(form.passphrase),
            ConvertFormat::Der => self.der(form.passphrase),
            ConvertFormat::P12 => self.pkcs12(form),
            ConvertFormat::P7b => self.pkcs7(form.is_der),
        }
    }

    fn pem(&self, passphrase: Option<&str>) -> Result<Written, Error> {
        let mut octets = Zeroizing::new(Vec::new());
        for part in self.in_order() {
            octets.extend_from_slice(part.pem(passphrase)?.as_bytes());
        }
        Ok(self.written(octets, self.in_order().map(|part| part.converted(None))))
    }

    fn der(&self, passphrase: Option<&str>) -> Result<Written, Error> {
        let all: Vec<_> = self.in_order().collect();
        let [part] = all[..] else {
            let numbers: Vec<_> = all.iter().map(|part| part.number()).collect();
            let is_alone = |number: &&&str| numbers.iter().filter(|other| other == number).count() == 1;
            let number = numbers.iter().find(is_alone).map(|number| (*number).to_owned());
            return Err(Error::Several { places: all.iter().map(|part| part.described()).collect(), number });
        };
        let (_, octets) = part.block(passphrase)?;
        Ok(self.written(octets, [part.converted(None)]))
    }

    fn pkcs7(&self, is_der: bool) -> Result<Written, Error> {
        let is_held = |kind| matches!(kind, ConvertedKind::Certificate | ConvertedKind::Crl);
        self.check_holds(ConvertFormat::P7b, is_held)?;
        let of = |kind| self.in_order().filter(move |part| part.kind() == kind).map(Part::der).collect::<Vec<_>>();
        let der = container::pkcs7_of(&of(ConvertedKind::Certificate), &of(ConvertedKind::Crl));
        let octets = if is_der { der } else { container::pem("PKCS7", &der)?.as_bytes().to_vec() };
        let octets = Zeroizing::new(octets);
        Ok(self.written(octets, self.in_order().map(|part| part.converted(None))))
    }

    fn pkcs12(&self, form: &Form<'_>) -> Result<Written, Error> {
        let is_held = |kind| matches!(kind, ConvertedKind::Certificate | ConvertedKind::PrivateKey);
        self.check_holds(ConvertFormat::P12, is_held)?;
        let mut store = Store { bundle: self, alias: form.alias, entries: Vec::new(), items: Vec::new() };
        let mut left: Vec<usize> = self.order.parts.clone();
        for key in self.order.parts.iter().filter(|index| self.is(**index, ConvertedKind::PrivateKey)) {
            let chain = self.chain_of(*key)?;
            left.retain(|index| index != key && !chain.contains(index));
            store.key(*key, &chain);
        }
        for index in left {
            store.certificate(index);
        }
        let password = form.passphrase.unwrap_or_default();
        let octets = container::pkcs12_store(&store.entries, password, form.ciphers)?;
        Ok(self.written(octets, store.items))
    }

    /// The certificate of a key, and its issuers.
    fn chain_of(&self, key: usize) -> Result<Vec<usize>, Error> {
        let certificates =
            || self.order.parts.iter().copied().filter(|index| self.is(*index, ConvertedKind::Certificate));
        let Some(key) = self.parts.get(key) else { return Ok(Vec::new()) };
        let own = certificates().filter(|index| self.parts.get(*index).is_some_and(|part| is_key_of(key, part)));
        // Of a renewed certificate and the one before it, the newer.
        match own.max_by_key(|index| self.parts.get(*index).and_then(Part::not_after)) {
            Some(leaf) => Ok(self.order.path(leaf)),
            None => Err(Error::NoCertificate {
                key: key.place().to_owned(),
                ours: key.key_text(),
                theirs: certificates()
                    .filter_map(|index| self.parts.get(index))
                    .map(|part| format!("{}: {}", part.place(), part.key_text()))
                    .collect(),
            }),
        }
    }

    fn in_order(&self) -> impl Iterator<Item = &Part> {
        self.order.parts.iter().filter_map(|index| self.parts.get(*index))
    }

    fn is(&self, index: usize, kind: ConvertedKind) -> bool {
        self.parts.get(index).is_some_and(|part| part.kind() == kind)
    }

    fn check_holds(&self, format: ConvertFormat, is_held: impl Fn(ConvertedKind) -> bool) -> Result<(), Error> {
        let mut others = self.in_order().filter(|part| !is_held(part.kind()));
        let Some(first) = others.next() else { return Ok(()) };
        let rest = others.filter(|part| part.kind() == first.kind());
        let places = std::iter::once(first).chain(rest).map(|part| part.place().to_owned()).collect();
        let holds_others = self.parts.iter().any(|part| is_held(part.kind()));
        Err(Error::CannotHold { format, what: first.kind().words(), places, holds_others })
    }

    fn written(&self, octets: Zeroizing<Vec<u8>>, items: impl IntoIterator<Item = Converted>) -> Written {
        Written { octets, is_secret: self.has_key(), items: items.into_iter().collect() }
    }

    /// Returns true if a private key is among the items.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.parts.iter().any(|part| part.kind() == ConvertedKind::PrivateKey)
    }

    /// The items in one line: `1 private key and 2 certificates`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut counts: Vec<(ConvertedKind, usize)> = Vec::new();
        for part in self.in_order() {
            match counts.iter_mut().find(|(kind, _)| *kind == part.kind()) {
                Some((_, count)) => *count += 1,
                None => counts.push((part.kind(), 1)),
            }
        }
        let words: Vec<_> = counts.iter().map(|(kind, count)| counted(*count, kind.words())).collect();
        words.join(" and ")
    }
}

/// The entries of a PKCS#12 file.
struct Store<'a> {
    bundle: &'a Bundle,
    /// The name asked for, until used.
    alias: Option<&'a str>,
    entries: Vec<StoreEntry<'a>>,
    items: Vec<Converted>,
}

impl Store<'_> {
    fn key(&mut self, key: usize, chain: &[usize]) {
        let bundle = self.bundle;
        let Some(part) = bundle.parts.get(key) else { return };
        let chain: Vec<&Part> = chain.iter().filter_map(|index| bundle.parts.get(*index)).collect();
        let own = part.friendly_name().or_else(|| chain.first()?.friendly_name());
        let alias = self.name(own.or_else(|| chain.first()?.first_name()));
        self.items.push(part.converted(Some(alias.clone())));
        self.items.extend(chain.iter().map(|part| part.converted(None)));
        let chain = chain.iter().map(|part| CertificateDer::from(part.der())).collect();
        self.entries.push(StoreEntry { alias, pkcs8: Some(part.der()), chain });
    }

    fn certificate(&mut self, index: usize) {
        let Some(part) = self.bundle.parts.get(index) else { return };
        let alias = self.name(part.friendly_name().or_else(|| part.first_name()));
        self.items.push(part.converted(Some(alias.clone())));
        self.entries.push(StoreEntry { alias, pkcs8: None, chain: vec![CertificateDer::from(part.der())] });
    }

    /// A name that no other entry has: Java's aliases do not differ by case alone.
    fn name(&mut self, own: Option<&str>) -> String {
        let wanted = self.alias.or(own.filter(|name| !name.is_empty())).unwrap_or("1");
        let is_taken = |name: &str| self.entries.iter().any(|entry| entry.alias.to_lowercase() == name.to_lowercase());
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }
}
