//! Relations between items: keys with certificates, certificates with their issuers.

use std::collections::{HashMap, HashSet};

use crate::encoding::container::Content;
use crate::judge::report::relation::{Chain, Links, Relations};
use crate::x509::certificate::Certificate;
use crate::x509::crl::Crl;
use crate::x509::key::spki_sha256;
use crate::x509::name::Canonical;
use crate::x509::signed_data::SignedData;

/// Signatures that are checked at most: thousands of look-alike issuers must not take minutes.
const SIGNATURES: usize = 10_000;

/// Values of an item that are kept since it was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits {
    /// The SHA-256 of the subjectPublicKeyInfo of its key.
    pub(super) key: Option<[u8; 32]>,
    /// True for a certificate that is signed with its own key.
    pub(super) is_self_signed: bool,
}

impl Traits {
    pub(super) fn of_key(spki: &[u8]) -> Self {
        Self { key: Some(spki_sha256(spki)), is_self_signed: false }
    }
}

/// Facts about an item that relate it to others.
#[derive(Debug)]
pub struct Facts {
    source: String,
    /// Its number in its source, as in `2` or `1.2` within a container.
    number: String,
    key: Option<[u8; 32]>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Certificate(Box<Names>),
    Request,
    Crl(Box<Names>),
    PrivateKey,
    PublicKey,
    Other,
}

/// A certificate's or CRL's names, and the values needed to check its signature.
#[derive(Debug)]
struct Names {
    /// `None` if it is not a Name, and then equal to no other name.
    subject: Option<Canonical>,
    issuer: Option<Canonical>,
    issuer_text: String,
    is_self_signed: bool,
    spki: Vec<u8>,
    der: Vec<u8>,
    is_crl: bool,
}

impl Names {
    fn of_certificate(certificate: &Certificate<'_>, is_self_signed: bool) -> Self {
        Self {
            subject: certificate.subject.canonical().cloned(),
            issuer: certificate.issuer.canonical().cloned(),
            issuer_text: certificate.issuer.text(),
            is_self_signed,
            spki: certificate.key.as_raw().to_vec(),
            der: certificate.der().to_vec(),
            is_crl: false,
        }
    }

    fn of_crl(crl: &Crl<'_>) -> Self {
        Self {
            subject: None,
            issuer: crl.issuer.canonical().cloned(),
            issuer_text: crl.issuer.text(),
            is_self_signed: false,
            spki: Vec::new(),
            der: crl.signed.der.to_vec(),
            is_crl: true,
        }
    }

    fn is_signed_by(&self, issuer: &Self) -> bool {
        let field = if self.is_crl { "the CRL" } else { "the certificate" };
        // A signature of a kind that is not checked here is believed by the names.
        SignedData::read(&self.der, field, "the signed part")
            .is_ok_and(|signed| signed.is_signed_by(&issuer.spki).unwrap_or(true))
    }
}

impl Facts {
    /// Collects the facts of an item from the content behind it.
    pub(super) fn new(source: &str, number: String, content: Option<&Content>, traits: &Traits) -> Self {
        let kind = match content {
            Some(Content::Certificate(der)) => Certificate::read(der).map_or(Kind::Other, |certificate| {
                Kind::Certificate(Names::of_certificate(&certificate, traits.is_self_signed).into())
            }),
            Some(Content::Crl(der)) => Crl::read(der).map_or(Kind::Other, |crl| Kind::Crl(Names::of_crl(&crl).into())),
            Some(Content::Request(_)) => Kind::Request,
            Some(Content::PrivateKey { .. } | Content::EncryptedPrivateKey { .. }) => Kind::PrivateKey,
            Some(Content::PublicKey(_)) => Kind::PublicKey,
            _ => Kind::Other,
        };
        Self { source: source.to_owned(), number, key: traits.key, kind }
    }

    fn names(&self) -> Option<&Names> {
        match &self.kind {
            Kind::Certificate(names) | Kind::Crl(names) => Some(names),
            _ => None,
        }
    }

    fn certificate(&self) -> Option<&Names> {
        if let Kind::Certificate(names) = &self.kind { Some(names) } else { None }
    }
}

/// All facts, indexed so that related items can be found.
pub struct Related<'a> {
    facts: &'a [Facts],
    /// Number of items of each source.
    sizes: HashMap<&'a str, usize>,
    /// For each item the certificates that issued it.
    issuers: Vec<Vec<usize>>,
}

impl<'a> Related<'a> {
    /// Finds the issuer of each item.
    #[must_use]
    pub fn new(facts: &'a [Facts]) -> Self {
        let mut sizes = HashMap::new();
        for one in facts {
            *sizes.entry(one.source.as_str()).or_default() += 1;
        }
        Self { facts, sizes, issuers: issuers(facts) }
    }

    /// Returns the certificates that issued an item, by name and signature.
    #[must_use]
    pub fn issuers_of(&self, index: usize) -> &[usize] {
        self.issuers.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    /// Computes the relations of each item.
    #[must_use]
    pub fn relations(&self) -> Relations {
        let mut by_key: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (index, one) in self.facts.iter().enumerate() {
            if let Some(key) = one.key {
                by_key.entry(key).or_default().push(index);
            }
        }
        let mut seen: HashMap<&[u8], usize> = HashMap::new();
        let links = self.facts.iter().enumerate().map(|(index, one)| {
            let issuers = self.issuers_of(index);
            let same_key = one.key.and_then(|key| by_key.get(&key));
            let partners = same_key.into_iter().flatten().filter(|other| belong(one, self.facts.get(**other)));
            let first = one.certificate().map(|names| *seen.entry(&names.der).or_insert(index));
            Links {
                issuers: issuers.iter().map(|issuer| self.reference(index, *issuer)).collect(),
                is_issuer_missing: issuers.is_empty() && one.names().is_some_and(|names| !names.is_self_signed),
                partners: partners.map(|other| self.reference(index, *other)).collect(),
                same_as: first.filter(|first| *first != index).map(|first| self.reference(index, first)),
            }
        });
        Relations { links: links.collect() }
    }

    /// Names one item as seen from another: `#2` in the same source, else its source, with its number there unless
    /// it is not alone.
    fn reference(&self, from: usize, to: usize) -> String {
        let (Some(from), Some(to)) = (self.facts.get(from), self.facts.get(to)) else { return String::new() };
        match self.sizes.get(to.source.as_str()) {
            _ if from.source == to.source => format!("#{}", to.number),
            Some(1) => to.source.clone(),
            _ => format!("{} #{}", to.source, to.number),
        }
    }

    /// The chain that a source's certificates are; `None` when they are not one, or there is only one of them.
    #[must_use]
    pub fn chain(&self, source: &str) -> Option<Chain> {
        let members: Vec<usize> = (0..self.facts.len())
            .filter(|index| {
                self.facts.get(*index).is_some_and(|one| one.source == source && one.certificate().is_some())
            })
            .collect();
        let issuer_of = |index: usize| {
            let issuers = self.issuers_of(index);
            issuers.iter().copied().find(|issuer| members.contains(issuer) && *issuer != index)
        };
        if !(2..=32).contains(&members.len()) {
            return None;
        }
        let above: HashSet<usize> = members.iter().filter_map(|index| issuer_of(*index)).collect();
        let mut ends = members.iter().copied().filter(|index| !above.contains(index));
        let (mut at, None) = (ends.next()?, ends.next()) else { return None };
        let mut path = vec![at];
        while let Some(issuer) = issuer_of(at).filter(|issuer| !path.contains(issuer)) {
            path.push(issuer);
            at = issuer;
        }
        if path.len() != members.len() {
            return None;
        }
        let number = |index: &usize| self.facts.get(*index).map(|one| one.number.clone()).unwrap_or_default();
        let numbers = path.iter().map(number).collect();
        let top = self.facts.get(at)?.certificate()?;
        let above = (!top.is_self_signed).then(|| top.issuer_text.clone());
        Some(Chain { numbers, is_in_order: path == members, above })
    }
}

/// Returns true if two items of the same key belong together: a private key and something for it, or a bare public
/// key and anything.
fn belong(one: &Facts, other: Option<&Facts>) -> bool {
    let Some(other) = other else { return false };
    let is_private = |facts: &Facts| matches!(facts.kind, Kind::PrivateKey);
    let is_bare = |facts: &Facts| matches!(facts.kind, Kind::PublicKey);
    is_private(one) != is_private(other) || is_bare(one) != is_bare(other)
}

fn issuers(facts: &[Facts]) -> Vec<Vec<usize>> {
    let mut by_subject: HashMap<&Canonical, Vec<usize>> = HashMap::new();
    for (index, one) in facts.iter().enumerate() {
        if let Some(subject) = one.certificate().and_then(|names| names.subject.as_ref()) {
            by_subject.entry(subject).or_default().push(index);
        }
    }
    let mut budget = SIGNATURES;
    let mut known: HashMap<(&[u8], &[u8]), bool> = HashMap::new();
    let issuers = facts.iter().map(|one| {
        let Some(names) = one.names().filter(|names| !names.is_self_signed) else { return Vec::new() };
        let candidates = names.issuer.as_ref().and_then(|issuer| by_subject.get(issuer));
        let candidates = candidates.map(Vec::as_slice).unwrap_or_default();
        let is_issuer = |candidate: &usize| {
            let Some(issuer) = facts.get(*candidate).and_then(Facts::certificate) else { return false };
            *known.entry((&names.der, &issuer.spki)).or_insert_with(|| {
                budget = budget.saturating_sub(1);
                budget > 0 && names.is_signed_by(issuer)
            })
        };
        candidates.iter().copied().filter(is_issuer).collect()
    });
    issuers.collect()
}
