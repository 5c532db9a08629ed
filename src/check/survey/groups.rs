//! Groups of the key exchange, found as the suites are.

use std::collections::BTreeMap;

use super::enumerate::Offer;
use crate::check::flight::Params;
use crate::check::group::Group;
use crate::check::hello::Hello;
use crate::check::prober::{Answer, Prober};
use crate::check::suite::{KeyExchange, Suite};
use crate::check::version::Version;

/// The curves that certificates of servers are on.
const OF_CERTIFICATES: [Group; 3] = [Group(23), Group(24), Group(25)];

/// All groups that the server agrees to, in the order in which it chose them.
pub(super) async fn all(prober: &Prober, server_name: Option<&str>, versions: &BTreeMap<Version, Offer>) -> Vec<Group> {
    let (mut found, older) = tokio::join!(tls13(prober, server_name, versions), older(prober, server_name, versions));
    found.extend(older);
    let mut seen = Vec::new();
    found.retain(|group| {
        !seen.contains(group) && {
            seen.push(*group);
            true
        }
    });
    found
}

async fn tls13(prober: &Prober, server_name: Option<&str>, versions: &BTreeMap<Version, Offer>) -> Vec<Group> {
    let Some(offer) = versions.get(&Version::Tls13).filter(|offer| offer.is_offered) else { return Vec::new() };
    let hello = Hello { suites: offer.suites.clone(), ..Hello::of(Version::Tls13, server_name) };
    enumerate(prober, hello, &[], |answer| answer.hello().and_then(|(_, hello)| hello.group())).await
}

async fn older(prober: &Prober, server_name: Option<&str>, versions: &BTreeMap<Version, Offer>) -> Vec<Group> {
    let is_ecdhe = |suite: &Suite| suite.key_exchange() == KeyExchange::Ecdhe;
    let newest =
        versions.iter().rev().find(|(version, offer)| **version <= Version::Tls12 && offer.suites.iter().any(is_ecdhe));
    let Some((version, offer)) = newest else { return Vec::new() };
    let suites: Vec<_> = offer.suites.iter().copied().filter(is_ecdhe).collect();
    // A server whose certificate is on a curve that the hello does not name refuses the hello for that.
    let needs_curve = suites.iter().all(|suite| suite.name().contains("ECDSA"));
    let kept: &[Group] = if needs_curve { &OF_CERTIFICATES } else { &[] };
    let hello = Hello { suites, ..Hello::of(*version, server_name) };
    enumerate(prober, hello, kept, |answer| match answer.hello()?.0.key_exchange? {
        Params::Curve(group) => Some(group),
        Params::Dh(_) => None,
    })
    .await
}

/// Offers groups until the server wants none of those left; those to be kept go to the end instead of away.
async fn enumerate(
    prober: &Prober,
    mut hello: Hello,
    kept: &[Group],
    chosen: impl Fn(&Answer) -> Option<Group>,
) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    while !hello.groups.is_empty() {
        let answer = prober.ask(&hello).await;
        let Some(group) = chosen(&answer).filter(|group| hello.groups.contains(group) && !found.contains(group)) else {
            break;
        };
        found.push(group);
        hello.groups.retain(|other| *other != group);
        if kept.contains(&group) {
            hello.groups.push(group);
        }
    }
    found
}
