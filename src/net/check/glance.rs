//! Short looks for `connect`, by hellos of our own: is TLS spoken, an old version, and which suites.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::flight::{Params, ServerHello};
use super::group::Group;
use super::hello::Hello;
use super::prober::{Answer, Prober};
use super::suite::{KeyExchange, Suite};
use super::version::Version;

/// Suites that are asked for: enough to tell which clients connect.
const MOST: usize = 6;

/// The suites of TLS 1.2 that a server takes, as far as they tell which clients connect.
#[derive(Debug, Clone, Default)]
pub(in crate::net) struct Taken {
    suites: Vec<Suite>,
    curves: Vec<Group>,
}

/// Decides whether a server answers a hello of TLS, if only with an alert.
pub(in crate::net) async fn speaks_tls(address: SocketAddr, server_name: Option<&str>, limit: Duration) -> bool {
    let prober = Prober::new(address, limit, Instant::now() + limit);
    matches!(prober.ask(&Hello::of(Version::Tls12, server_name)).await, Answer::Hello(..) | Answer::Alert(_))
}

/// Decides whether a server answers a hello of TLS 1.1 or older with a ServerHello.
pub(in crate::net) async fn answers_old_tls(address: SocketAddr, server_name: Option<&str>, limit: Duration) -> bool {
    let prober = Prober::new(address, limit, Instant::now() + limit);
    for version in [Version::Tls11, Version::Tls10, Version::Ssl3] {
        if prober.ask(&Hello::of(version, server_name)).await.hello().is_some() {
            return true;
        }
    }
    false
}

/// Asks a server which suites and curves of TLS 1.2 it takes, down to the oldest.
pub(in crate::net) async fn taken(address: SocketAddr, server_name: Option<&str>, limit: Duration) -> Taken {
    let prober = Prober::new(address, limit, Instant::now() + limit);
    let mut hello = Hello::of(Version::Tls12, server_name);
    hello.suites.retain(|suite| !suite.is_null() && !suite.is_anonymous() && !suite.is_export());
    // A server without an order of its own takes the first, and what clients of today have is asked for first.
    hello.suites.sort_by_key(|suite| (suite.key_exchange() != KeyExchange::Ecdhe, !suite.is_aead()));
    let mut taken = Taken::default();
    while taken.suites.len() < MOST {
        let answer = prober.ask(&hello).await;
        let is_asked = |one: &ServerHello| one.version == Version::Tls12.number() && hello.suites.contains(&one.suite);
        let Some((flight, chosen)) = answer.hello().filter(|(_, one)| is_asked(one)) else { break };
        if let Some(Params::Curve(group)) = flight.key_exchange
            && !taken.curves.contains(&group)
        {
            taken.curves.push(group);
        }
        taken.suites.push(chosen.suite);
        hello.suites.retain(|suite| *suite != chosen.suite);
    }
    taken
}

impl Taken {
    /// The suites by name, as in `TLS_RSA_WITH_AES_128_GCM_SHA256`; none if the server takes none.
    pub(in crate::net) fn suites(&self) -> Vec<String> {
        self.suites.iter().map(ToString::to_string).collect()
    }

    /// The curves by name, if the server takes suites of today and none of the curves that clients have in common.
    pub(in crate::net) fn odd_curves(&self) -> Option<Vec<String>> {
        let is_modern = |suite: &Suite| suite.key_exchange() == KeyExchange::Ecdhe && suite.is_aead();
        let is_odd = !self.curves.is_empty() && !self.curves.iter().any(|curve| Group::COMMON.contains(curve));
        (is_odd && self.suites.iter().any(is_modern)).then(|| self.curves.iter().map(ToString::to_string).collect())
    }

    /// Clients that connect all the same, and those that do not, by what they offer.
    pub(in crate::net) fn clients(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        const COMMON: &[u16] = &[29, 23, 24];
        const OPENSSLS: &[u16] = &[29, 23, 24, 25, 30];
        const ALL: [Client; 7] = [
            ("browsers", is_browsers, COMMON),
            ("node", is_openssls, OPENSSLS),
            ("curl", is_openssls, OPENSSLS),
            ("openssl", is_openssls, OPENSSLS),
            // Python leaves RSA key exchange and SHA-1 out (ssl.create_default_context).
            ("python", is_pythons, OPENSSLS),
            ("rustls", |suite| suite.key_exchange() == KeyExchange::Ecdhe && suite.is_aead(), COMMON),
            ("go", |suite| suite.key_exchange() == KeyExchange::Ecdhe && is_aes(suite), &[29, 23, 24, 25]),
        ];
        let connects = |takes: fn(Suite) -> bool, curves: &[u16]| {
            let has_curve = self.curves.is_empty() || self.curves.iter().any(|curve| curves.contains(&curve.0));
            self.suites.iter().any(|suite| takes(*suite) && (has_curve || suite.key_exchange() != KeyExchange::Ecdhe))
        };
        let (accepted, refused): (Vec<_>, Vec<_>) =
            ALL.into_iter().partition(|(_, takes, curves)| connects(*takes, curves));
        let names = |all: Vec<(&'static str, _, _)>| all.into_iter().map(|(name, ..)| name).collect();
        (names(accepted), names(refused))
    }
}

/// A client: its name, the suites that it takes, and its curves.
type Client = (&'static str, fn(Suite) -> bool, &'static [u16]);

fn is_browsers(suite: Suite) -> bool {
    matches!(suite.key_exchange(), KeyExchange::Ecdhe | KeyExchange::Rsa) && is_aes(suite)
}

fn is_pythons(suite: Suite) -> bool {
    suite.has_forward_secrecy() && is_aes(suite) && !suite.name().ends_with("_SHA")
}

fn is_openssls(suite: Suite) -> bool {
    let is_known = matches!(suite.key_exchange(), KeyExchange::Ecdhe | KeyExchange::Dhe | KeyExchange::Rsa);
    is_known && (is_aes(suite) || suite.name().contains("CHACHA20"))
}

fn is_aes(suite: Suite) -> bool {
    suite.name().contains("_AES_") && !suite.name().contains("_CCM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_suites() {
        let clients = |number: u16| {
            let (accepted, _) = Taken { suites: vec![Suite(number)], curves: Vec::new() }.clients();
            accepted.join(" ")
        };
        // TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256.
        assert_eq!(clients(0x009c), "browsers node curl openssl");
        assert_eq!(clients(0xc013), "browsers node curl openssl go");
        assert_eq!(clients(0x009e), "node curl openssl python");
        assert_eq!(clients(0xc02f), "browsers node curl openssl python rustls go");
        assert_eq!(Taken::default().clients().0, Vec::<&str>::new());
        let odd = Taken { suites: vec![Suite(0xc02f)], curves: vec![Group(25)] };
        assert_eq!(odd.odd_curves(), Some(vec!["secp521r1".to_owned()]));
        assert_eq!(odd.clients().0.join(" "), "node curl openssl python go");
    }
}
