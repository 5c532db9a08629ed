//! What is around that which is judged: who issued it, what is trusted, what time it is.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::issuance;
use super::subject::{Role, Subject, oid};
use crate::key::sha256;
use crate::name::Canonical;
use crate::report::finding::Audience;

/// How many CAs there may be between a certificate and its root.
const LONGEST_PATH: usize = 8;

/// How many certificates of one name are tried as the issuer of one other.
const CANDIDATES: usize = 8;

/// CA certificates by which others are judged: whose they are, whether they end after their issuer.
#[derive(Debug, Default)]
pub struct Issuers {
    by_name: HashMap<Canonical, Vec<Issuer>>,
    anchors: HashSet<[u8; 32]>,
}

/// Where a CA's certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read, as any other.
    Read,
    /// The system's root store, where somebody on this system put it.
    AddedAnchor,
    /// The system's root store, as its vendor delivers it.
    PublicAnchor,
}

/// What is kept of a CA's certificate.
#[derive(Debug)]
struct Issuer {
    der: Vec<u8>,
    is_public: bool,
}

/// What the rules look at of it.
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
        let Some(name) = subject.subject.and_then(|name| Canonical::of(name.raw)) else { return };
        let is_public = origin == Origin::PublicAnchor && has_country(&subject) || is_marked_public(&subject);
        let of_this_name = self.by_name.entry(name).or_default();
        match of_this_name.iter_mut().find(|other| other.der == der) {
            Some(known) => known.is_public |= is_public,
            None => of_this_name.push(Issuer { der: der.to_vec(), is_public }),
        }
    }

    /// Who signed it.
    fn of<'s>(&'s self, subject: &Subject<'_>) -> Option<(&'s Issuer, Subject<'s>)> {
        let name = Canonical::of(subject.issuer?.raw)?;
        let candidates = self.by_name.get(&name)?.iter().take(CANDIDATES);
        let mut candidates = candidates.filter_map(|issuer| Some((issuer, Subject::certificate(&issuer.der).ok()?)));
        candidates.find(|(_, issuer)| {
            // A signature of a kind that is not checked here is believed by the names.
            issuer.key.as_ref().is_some_and(|key| subject.is_signed_by(key.spki.raw).unwrap_or(true))
        })
    }

    fn is_anchor(&self, der: &[u8]) -> bool {
        self.anchors.contains(&sha256(der))
    }
}

/// The CA/Browser Forum has public CAs name their country; those that developers' tools make name none.
fn has_country(subject: &Subject<'_>) -> bool {
    let attributes = subject.subject.map(super::attributes::all).unwrap_or_default();
    attributes.iter().any(|(kind, _)| *kind == [0x55, 4, 6])
}

/// What public CAs alone put into certificates: proofs that they were logged, the CA/Browser Forum's policies.
fn is_marked_public(subject: &Subject<'_>) -> bool {
    let is_logged = [oid::SCTS, oid::CT_POISON].iter().any(|kind| subject.extension(kind).is_some());
    is_logged || issuance::has_reserved_policy(subject)
}

/// What is around one subject.
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
        let is_its_own = || subject.key.as_ref().and_then(|key| subject.is_signed_by(key.spki.raw)) != Some(false);
        let is_self_signed = is_certificate && subject.is_self_issued() && is_its_own();
        let issuer = if is_self_signed { None } else { issuers.of(subject) };
        let audience = audience(subject, issuers, is_self_signed, issuer.as_ref());
        let facts = issuer.and_then(|(issuer, parsed)| {
            let not_after = parsed.times.last()?.at;
            // The identifier borrows from what is kept, not from what was just parsed.
            let key_id = Subject::certificate(&issuer.der).ok().and_then(|issuer| issuer.key_id());
            Some(IssuerFacts { not_after, key_id })
        });
        Self {
            now,
            audience,
            is_self_signed,
            is_self_signed_ca: is_self_signed && subject.role == Role::Ca,
            is_anchor: is_certificate && issuers.is_anchor(subject.der),
            issuer: facts,
        }
    }
}

/// By whose rules: a public root's above it, what only public CAs write in it, else a private CA's or its own.
fn audience(
    subject: &Subject<'_>,
    issuers: &Issuers,
    is_self_signed: bool,
    issuer: Option<&(&Issuer, Subject<'_>)>,
) -> Audience {
    let is_public_root = || {
        let name = subject.subject.and_then(|name| Canonical::of(name.raw));
        let same = name.and_then(|name| issuers.by_name.get(&name)).into_iter().flatten();
        same.into_iter().any(|known| known.is_public && known.der == subject.der)
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
