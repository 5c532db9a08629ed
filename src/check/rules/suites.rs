//! Cipher suites and groups.

use super::{Audit, Hit};
use crate::check::group::Group;
use crate::check::suite::{KeyExchange, Suite};
use crate::check::version::Version;

/// Names shown of a list.
const SHOWN: usize = 4;

/// The names of the first few, and how many more there are.
fn names<T: ToString>(all: &[T]) -> String {
    let shown: Vec<_> = all.iter().take(SHOWN).map(T::to_string).collect();
    let more = all.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn suites(audit: &Audit<'_>, message: &str, holds: impl Fn(Suite) -> bool) -> Option<Hit> {
    let found = audit.facts.suites_that(|_, suite| holds(suite));
    (!found.is_empty()).then(|| {
        let hello = format!("ClientHello that offers {} alone", if found.len() == 1 { "it" } else { "them" });
        Hit::new(format!("{message}: {}", names(&found)), hello, "ServerHello that chooses one of these")
    })
}

pub(super) fn null(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "suites that encrypt nothing are offered", Suite::is_null)
}

pub(super) fn anonymous(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "suites without a certificate are offered, so that anybody can stand in between", Suite::is_anonymous)
}

pub(super) fn export(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "export suites are offered, which are broken in hours", Suite::is_export)
}

pub(super) fn weak(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "suites of 40 or 56 bit are offered", |suite| (1..112).contains(&suite.bits()) && !suite.is_export())
}

pub(super) fn rc4(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "RC4 is offered", |suite| suite.is_rc4() && !suite.is_export())
}

pub(super) fn small_blocks(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "ciphers with blocks of 64 bit are offered", |suite| suite.has_small_blocks() && suite.bits() >= 112)
}

pub(super) fn rsa_key_exchange(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "RSA key exchange is offered: whoever gets the key reads recorded sessions", |suite| {
        suite.key_exchange() == KeyExchange::Rsa && !suite.is_export()
    })
}

pub(super) fn cbc(audit: &Audit<'_>) -> Option<Hit> {
    suites(audit, "suites with CBC are offered", |suite| suite.is_cbc() && suite.bits() >= 128)
}

pub(super) fn no_common(audit: &Audit<'_>) -> Option<Hit> {
    let found = audit.facts.suites_that(|version, _| version == Version::Tls12);
    let is_so = audit.facts.offers(Version::Tls12) && !audit.facts.has_modern();
    is_so.then(|| {
        let message = "TLS 1.2 has no suite with ECDHE and an AEAD: rustls and other clients of today do not connect";
        let hello = "ClientHello of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305";
        Hit::new(message, hello, format!("refused; the server has {}", names(&found)))
    })
}

/// The suite that a browser gets, below TLS 1.3 if that is not offered.
fn for_browsers(audit: &Audit<'_>, message: &str, is_good: impl Fn(Suite) -> bool) -> Option<Hit> {
    if audit.facts.offers(Version::Tls13) || audit.facts.offered().next().is_none() {
        return None;
    }
    let hello = "ClientHello with the suites of a browser";
    match audit.facts.behaviour.modern {
        Some(suite) => (!is_good(suite)).then(|| Hit::new(message, hello, format!("ServerHello, {suite}"))),
        None => (!audit.facts.suites().any(|(_, suite)| is_good(suite))).then(|| Hit::new(message, hello, "refused")),
    }
}

pub(super) fn no_forward_secrecy(audit: &Audit<'_>) -> Option<Hit> {
    let message = "browsers get no forward secrecy: whoever gets the key reads recorded sessions";
    for_browsers(audit, message, Suite::has_forward_secrecy)
}

pub(super) fn no_aead(audit: &Audit<'_>) -> Option<Hit> {
    for_browsers(audit, "browsers get no AEAD suite", Suite::is_aead)
}

fn dh(audit: &Audit<'_>, range: std::ops::Range<u32>, harm: &str) -> Option<Hit> {
    let bits = audit.facts.dh_bits().filter(|bits| range.contains(bits))?;
    let message = format!("the Diffie-Hellman prime has {bits} bit: {harm}");
    Some(Hit::new(message, "ClientHello with DHE suites", format!("ServerKeyExchange with a prime of {bits} bit")))
}

pub(super) fn weak_dh(audit: &Audit<'_>) -> Option<Hit> {
    dh(audit, 0..1_024, "sessions can be decrypted (Logjam)")
}

pub(super) fn small_dh(audit: &Audit<'_>) -> Option<Hit> {
    dh(audit, 1_024..2_048, "within reach of large attackers (Logjam)")
}

pub(super) fn weak_group(audit: &Audit<'_>) -> Option<Hit> {
    let is_weak = |group: &Group| group.rsa_bits().is_some_and(|bits| bits < 2_048);
    let found: Vec<_> = audit.facts.groups.iter().copied().filter(is_weak).collect();
    (!found.is_empty()).then(|| {
        let message = format!("curves of less than 224 bit are offered: {}", names(&found));
        Hit::new(message, "ClientHello with these groups", "key exchange with one of these")
    })
}

pub(super) fn no_post_quantum(audit: &Audit<'_>) -> Option<Hit> {
    let groups = &audit.facts.groups;
    let is_missing = audit.facts.offers(Version::Tls13) && !groups.iter().any(|group| group.is_post_quantum());
    is_missing.then(|| {
        let message = "no group with ML-KEM is offered: sessions recorded today can be read with a quantum computer";
        Hit::new(message, "ClientHello with all groups", format!("chosen: {}", names(groups)))
    })
}
