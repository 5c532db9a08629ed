//! Asks a server by hellos for its versions, suites and groups, and records the facts. Never judges.

mod behaviour;
mod enumerate;
mod groups;

use std::collections::BTreeMap;

pub(super) use self::behaviour::Behaviour;
pub(super) use self::enumerate::Offer;
use super::flight::Params;
use super::group::Group;
use super::prober::{Answer, Prober};
use super::suite::{KeyExchange, Suite};
use super::version::Version;

/// Facts about a server found by hellos.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The answer to each version.
    pub(super) versions: BTreeMap<Version, Offer>,
    /// Groups in TLS 1.3 and below it.
    pub(super) groups: Vec<Group>,
    pub(super) behaviour: Behaviour,
}

impl Facts {
    /// Asks all there is to ask.
    pub(super) async fn gather(prober: &Prober, server_name: Option<&str>) -> Self {
        let versions = enumerate::versions(prober, server_name).await;
        if versions.values().all(|offer| !offer.is_offered) {
            return Self { versions, groups: Vec::new(), behaviour: Behaviour::default() };
        }
        let (groups, behaviour) = tokio::join!(
            groups::all(prober, server_name, &versions),
            behaviour::Behaviour::observe(prober, server_name, &versions),
        );
        Self { versions, groups, behaviour }
    }

    /// Versions that the server speaks, the oldest first.
    pub(super) fn offered(&self) -> impl DoubleEndedIterator<Item = Version> + '_ {
        self.versions.iter().filter(|(_, offer)| offer.is_offered).map(|(version, _)| *version)
    }

    pub(super) fn offers(&self, version: Version) -> bool {
        self.versions.get(&version).is_some_and(|offer| offer.is_offered)
    }

    /// Versions about which nothing is known, because no answer could be read.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (Version, &Answer)> + '_ {
        let unread = |offer: &&Offer| !offer.is_offered && !offer.refusal.is_refusal();
        self.versions.iter().filter(move |(_, offer)| unread(offer)).map(|(version, offer)| (*version, &offer.refusal))
    }

    /// All suites with the versions that have them.
    pub(super) fn suites(&self) -> impl Iterator<Item = (Version, Suite)> + '_ {
        self.versions.iter().flat_map(|(version, offer)| offer.suites.iter().map(|suite| (*version, *suite)))
    }

    /// The first suites, by name, that something holds for.
    pub(super) fn suites_that(&self, holds: impl Fn(Version, Suite) -> bool) -> Vec<Suite> {
        let mut found: Vec<_> =
            self.suites().filter(|(version, suite)| holds(*version, *suite)).map(|(_, suite)| suite).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The bits of the smallest prime of a finite field that was seen.
    pub(super) fn dh_bits(&self) -> Option<u32> {
        let params = self.versions.values().flat_map(|offer| &offer.params);
        params.filter_map(|params| if let Params::Dh(bits) = params { Some(*bits) } else { None }).min()
    }

    /// The chain that came in the clear, for servers that speak nothing newer than TLS 1.2.
    pub(super) fn clear_chain(&self) -> Option<&[Vec<u8>]> {
        let chains = self.versions.values().rev().map(|offer| offer.chain.as_slice());
        chains.into_iter().find(|chain| !chain.is_empty())
    }

    /// Decides whether clients of today connect: TLS 1.3, or TLS 1.2 with ECDHE and an AEAD.
    pub(super) fn has_modern(&self) -> bool {
        let is_modern = |suite: Suite| suite.key_exchange() == KeyExchange::Ecdhe && suite.is_aead();
        self.offers(Version::Tls13)
            || self.suites().any(|(version, suite)| version == Version::Tls12 && is_modern(suite))
    }

    /// The newest version below TLS 1.3.
    pub(super) fn newest_clear(&self) -> Option<Version> {
        self.offered().rev().find(|version| *version <= Version::Tls12)
    }
}
