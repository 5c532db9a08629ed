//! Versions of the protocol.

use super::{Audit, Hit};
use crate::check::version::Version;

fn offered(audit: &Audit<'_>, version: Version, harm: &str) -> Option<Hit> {
    let offer = audit.facts.versions.get(&version).filter(|offer| offer.is_offered)?;
    let suite = offer.suites.first().map(|suite| format!(", {suite}")).unwrap_or_default();
    Some(Hit::new(
        format!("{version} is offered: {harm}"),
        format!("ClientHello of {version}"),
        format!("ServerHello, {version}{suite}"),
    ))
}

pub(super) fn ssl2(audit: &Audit<'_>) -> Option<Hit> {
    offered(audit, Version::Ssl2, "whoever is in between reads along (DROWN)")
}

pub(super) fn ssl3(audit: &Audit<'_>) -> Option<Hit> {
    offered(audit, Version::Ssl3, "whoever is in between reads cookies (POODLE)")
}

pub(super) fn tls10(audit: &Audit<'_>) -> Option<Hit> {
    offered(audit, Version::Tls10, "no browser speaks it any more")
}

pub(super) fn tls11(audit: &Audit<'_>) -> Option<Hit> {
    offered(audit, Version::Tls11, "no browser speaks it any more")
}

/// The answer to the hello of a version.
fn answer(audit: &Audit<'_>, version: Version) -> String {
    audit.facts.versions.get(&version).map_or_else(|| "nothing".to_owned(), |offer| offer.refusal.words())
}

pub(super) fn old_tls(audit: &Audit<'_>) -> Option<Hit> {
    let best = audit.facts.offered().next_back().filter(|best| *best < Version::Tls12)?;
    Some(Hit::new(
        format!("the server speaks nothing newer than {best}: browsers, Node and rustls do not connect"),
        "ClientHello of TLS 1.2",
        answer(audit, Version::Tls12),
    ))
}

pub(super) fn no_tls13(audit: &Audit<'_>) -> Option<Hit> {
    let refused = audit.facts.versions.get(&Version::Tls13).is_some_and(|offer| offer.refusal.is_refusal());
    let is_missing = !audit.facts.offers(Version::Tls13) && audit.facts.offers(Version::Tls12) && refused;
    is_missing.then(|| {
        let message = "TLS 1.3 is not offered: handshakes take longer, and the grade is A- at best";
        Hit::new(message, "ClientHello of TLS 1.3", answer(audit, Version::Tls13))
    })
}
