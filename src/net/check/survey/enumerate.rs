//! Versions and suites: offer everything, note the choice, offer the rest.

use std::collections::BTreeMap;
use std::pin::pin;

use crate::net::check::flight::Params;
use crate::net::check::group::Group;
use crate::net::check::hello::Hello;
use crate::net::check::prober::{Answer, Prober};
use crate::net::check::suite::Suite;
use crate::net::check::version::Version;

/// Suites in one hello: servers exist that refuse to read more than 128.
const IN_ONE_HELLO: usize = 120;

/// Suites in one hello to a server that does not answer a longer one.
const IN_SMALL_HELLO: usize = 24;

/// A server's answers to hellos of one version.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) is_offered: bool,
    /// The suites, in the server's order if there is one.
    pub(crate) suites: Vec<Suite>,
    /// The side whose order decides; `None` with one suite.
    pub(crate) order: Option<Order>,
    /// The last answer, which is no hello of the version.
    pub(crate) refusal: Answer,
    /// Groups of the key exchange as they were seen.
    pub(crate) params: Vec<Params>,
    /// The certificates that came in the clear.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) asks_certificate: bool,
    /// The server reads small hellos only.
    pub(crate) is_small: bool,
}

/// The side whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Server,
    Client,
}

impl Order {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// Asks for all versions side by side.
///
/// A server of another protocol may wait for the rest of what it takes for a line when it gets an old hello: if it
/// answers those of today in its own words, the old ones are not waited for.
pub(super) async fn versions(prober: &Prober, server_name: Option<&str>) -> BTreeMap<Version, Offer> {
    let of = |version| offer(prober, version, server_name);
    let mut today = pin!(async { tokio::join!(of(Version::Tls12), of(Version::Tls13)) });
    let mut old =
        pin!(async { tokio::join!(of(Version::Ssl2), of(Version::Ssl3), of(Version::Tls10), of(Version::Tls11)) });
    let ((ssl2, ssl3, tls10, tls11), (tls12, tls13)) = tokio::select! {
        today = &mut today => match &today {
            (newer, newest) if newer.is_of_another_protocol() && newest.is_of_another_protocol() => {
                let same = || newest.clone();
                ((same(), same(), same(), same()), today)
            }
            _ => (old.await, today),
        },
        old = &mut old => (old, today.await),
    };
    Version::ALL.into_iter().zip([ssl2, ssl3, tls10, tls11, tls12, tls13]).collect()
}

impl Offer {
    fn new() -> Self {
        Self {
            is_offered: false,
            suites: Vec::new(),
            order: None,
            refusal: Answer::Closed,
            params: Vec::new(),
            chain: Vec::new(),
            asks_certificate: false,
            is_small: false,
        }
    }

    /// Decides whether what came back is no TLS.
    fn is_of_another_protocol(&self) -> bool {
        !self.is_offered && matches!(self.refusal, Answer::NotTls(_))
    }

    /// Takes an answer; returns the suite that was chosen.
    fn take(&mut self, answer: Answer, version: Version, among: &[Suite]) -> Option<Suite> {
        let chosen = answer.hello().filter(|(_, hello)| hello.version == version.number()).map(|(flight, hello)| {
            self.params.extend(flight.key_exchange);
            self.asks_certificate |= flight.asks_certificate;
            if self.chain.is_empty() {
                self.chain.clone_from(&flight.chain);
            }
            hello.suite
        });
        if let Some(suite) = chosen.filter(|suite| among.contains(suite)) {
            self.is_offered = true;
            self.suites.push(suite);
            return Some(suite);
        }
        // A ServerHello of another version refuses this one.
        self.refusal = if matches!(answer, Answer::Hello(..)) { Answer::Alert(70) } else { answer };
        None
    }
}

async fn offer(prober: &Prober, version: Version, server_name: Option<&str>) -> Offer {
    let mut offer = Offer::new();
    let hello = Hello::of(version, server_name);
    if version == Version::Ssl2 {
        offer.refusal = prober.ask(&hello).await;
        offer.is_offered = offer.refusal == Answer::Ssl2;
        return offer;
    }
    for chunk in hello.suites.chunks(IN_ONE_HELLO) {
        rest(prober, &mut offer, &hello, chunk).await;
        // What is no TLS for some suites is none for others, and a server that breaks down over it would hide that.
        if !offer.is_offered && matches!(offer.refusal, Answer::Alert(70) | Answer::NotTls(_)) {
            break;
        }
    }
    if !offer.is_offered && !matches!(offer.refusal, Answer::Alert(_) | Answer::NotTls(_) | Answer::Unreachable(_)) {
        small(prober, &mut offer, &hello).await;
    }
    if let [_, _, ..] = offer.suites.as_slice() {
        offer.order = order(prober, version, &hello, &offer).await;
    }
    offer
}

/// Offers suites until the server wants none of those left.
async fn rest(prober: &Prober, offer: &mut Offer, hello: &Hello, suites: &[Suite]) {
    let mut left = suites.to_vec();
    while !left.is_empty() {
        let answer = prober.ask(&Hello { suites: left.clone(), ..hello.clone() }).await;
        match offer.take(answer, hello.version, &left) {
            Some(chosen) => left.retain(|suite| *suite != chosen),
            None => break,
        }
    }
}

/// Asks a server that closes the connection on a hello of ordinary size with short ones.
async fn small(prober: &Prober, offer: &mut Offer, hello: &Hello) {
    let hello = Hello { groups: Group::COMMON.to_vec(), ..hello.clone() };
    for chunk in hello.suites.chunks(IN_SMALL_HELLO).take(3) {
        rest(prober, offer, &hello, chunk).await;
        if !offer.is_offered && matches!(offer.refusal, Answer::Alert(70) | Answer::TimedOut) {
            break;
        }
    }
    offer.is_small = offer.is_offered;
}

/// Offers the suites that the server has in two orders.
async fn order(prober: &Prober, version: Version, hello: &Hello, offer: &Offer) -> Option<Order> {
    let mut suites = offer.suites.clone();
    suites.truncate(IN_SMALL_HELLO);
    let forward = prober.ask(&Hello { suites: suites.clone(), ..hello.clone() }).await;
    suites.reverse();
    let backward = prober.ask(&Hello { suites, ..hello.clone() }).await;
    let chosen = |answer: &Answer| {
        answer.hello().filter(|(_, hello)| hello.version == version.number()).map(|(_, hello)| hello.suite)
    };
    let (forward, backward) = chosen(&forward).zip(chosen(&backward))?;
    Some(if forward == backward { Order::Server } else { Order::Client })
}
