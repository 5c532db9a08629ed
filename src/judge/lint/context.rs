//! Context of a lint run: known issuers, trust anchors, audience, current time.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::issuance;
use super::subject::{Role, Subject};
use crate::judge::report::finding::Audience;
use crate::x509::extension::id;
use crate::x509::key::sha256;
use crate::x509::name::{Canonical, Name};

/// Largest number of CAs between a certificate and its root.
const LONGEST_PATH: usize = 8;

/// Largest number of certificates with the same name that are tried as a certificate's issuer.
const CANDIDATES: usize = 8;

/// CA certificates by which others are judged: whose they are, whether they end after their issuer.
#[derive(Debug, Default)]
pub struct Issuers {
    by_name: HashMap<Canonical, Vec<Issuer>>,
    anchors: HashSet<[u8; 32]>,
}

/// Origin of a CA's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read, as any other.
    Read,
    /// The system's root store, where somebody on this system put it.
    AddedAnchor,
    /// The system's root store, as its vendor delivers it.
    PublicAnchor,
}

/// Facts kept about a CA's certificate.
#[derive(Debug)]
struct Issuer {
    der: Vec<u8>,
    is_public: bool,
}

/// Facts about an issuer that the rules need.
#[derive(Debug, Clone, Copy)]
pub(super) struct IssuerFacts<'a> {
    pub(super) not_after: OffsetDateTime,
    pub(super) key_id: Option<&'a [u8]>,
}

impl Issuers {
    /// Adds a certificate. One that cannot be read, or is no CA's, issues nothing; a trust anchor is remembered as one.
    pub fn add(&mut self, der: &[u8], origin: Origin) {
        if origin != Origin::Read {
            self.anchors.insert(sha256(der));
        }
        let Ok(subject) = Subject::certificate(der) else { return };
        if subject.role != Role::Ca && origin == Origin::Read {
            return;
        }
        let Some(name) = subject.subject.as_ref().and_then(Name::canonical).cloned() else { return };
        let is_public = origin == Origin::PublicAnchor && has_country(&subject) || is_marked_public(&subject);
        let of_this_name = self.by_name.entry(name).or_default();
        match of_this_name.iter_mut().find(|other| other.der == der) {
            Some(known) => known.is_public |= is_public,
            None => of_this_name.push(Issuer { der: der.to_vec(), is_public }),
        }
    }

    /// Finds the issuer that signed the subject.
    fn of<'s>(&'s self, subject: &Subject<'_>) -> Option<(&'s Issuer, Subject<'s>)> {
        let name = subject.issuer.as_ref()?.canonical()?;
        let candidates = self.by_name.get(name)?.iter().take(CANDIDATES);
        let mut candidates = candidates.filter_map(|issuer| Some((issuer, Subject::certificate(&issuer.der).ok()?)));
        candidates.find(|(_, issuer)| {
            // A signature of a kind that is not checked here is believed by the names.
            issuer.key.as_ref().is_some_and(|key| subject.signed.is_signed_by(key.as_raw()).unwrap_or(true))
        })
    }

    fn is_anchor(&self, der: &[u8]) -> bool {
        self.anchors.contains(&sha256(der))
    }
}

/// The CA/Browser Forum requires public CAs to name their country; developers' tools leave it out.
fn has_country(subject: &Subject<'_>) -> bool {
    let attributes = subject.subject.as_ref().map(super::attributes::all).unwrap_or_default();
    attributes.iter().any(|attribute| attribute.kind.content == [0x55, 4, 6])
}

/// Recognises certificates of public CAs by their signed certificate timestamps and CA/Browser Forum policies.
fn is_marked_public(subject: &Subject<'_>) -> bool {
    let is_logged = [id::TIMESTAMPS, id::CT_POISON].iter().any(|kind| subject.extension(kind).is_some());
    is_logged || issuance::has_reserved_policy(subject)
}

/// Context of one subject.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) now: OffsetDateTime,
    pub(super) audience: Audience,
    pub(super) is_self_signed: bool,
    pub(super) is_self_signed_ca: bool,
    /// In the system's root store.
    pub(super) is_anchor: bool,
    pub(super) issuer: Option<IssuerFacts<'a>>,
}

impl<'a> Context<'a> {
    pub(super) fn of(subject: &Subject<'_>, issuers: &'a Issuers, now: OffsetDateTime) -> Self {
        let is_certificate = subject.is_certificate();
        // A signature of a kind that is not checked here is believed by the names.
        let is_its_own = || subject.is_signed_by_itself() != Some(false);
        let is_self_signed = is_certificate && subject.is_self_issued() && is_its_own();
        let issuer = if is_self_signed { None } else { issuers.of(subject) };
        let audience = audience(subject, issuers, is_self_signed, issuer.as_ref());
        let facts = issuer
            .and_then(|(_, parsed)| Some(IssuerFacts { not_after: parsed.times.last()?.at, key_id: parsed.key_id() }));
        Self {
            now,
            audience,
            is_self_signed,
            is_self_signed_ca: is_self_signed && subject.role == Role::Ca,
            is_anchor: is_certificate && issuers.is_anchor(subject.signed.der),
            issuer: facts,
        }
    }
}

/// Decides whose rules apply: a public CA's if a public root is above or the marks of a public CA are present, else a
/// private CA's.
fn audience(
    subject: &Subject<'_>,
    issuers: &Issuers,
    is_self_signed: bool,
    issuer: Option<&(&Issuer, Subject<'_>)>,
) -> Audience {
    let is_public_root = || {
        let name = subject.subject.as_ref().and_then(Name::canonical);
        let same = name.and_then(|name| issuers.by_name.get(name)).into_iter().flatten();
        same.into_iter().any(|known| known.is_public && known.der == subject.signed.der)
    };
    if is_marked_public(subject)
        || subject.is_certificate() && is_public_root()
        || issuer.is_some_and(|issuer| issuer.0.is_public || has_public_issuer(&issuer.1, issuers))
    {
        return Audience::Public;
    }
    if is_self_signed { Audience::SelfSigned } else { Audience::Private }
}

fn has_public_issuer(subject: &Subject<'_>, issuers: &Issuers) -> bool {
    let mut found = issuers.of(subject);
    for _ in 0..LONGEST_PATH {
        match found {
            Some((issuer, _)) if issuer.is_public => return true,
            Some((_, issuer)) if !issuer.is_self_issued() => found = issuers.of(&issuer),
            _ => return false,
        }
    }
    false
}
