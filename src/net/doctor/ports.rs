//! Servers on the usual ports of this machine, and their certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use time::OffsetDateTime;

use super::{Remedy, Seen};
use crate::base::validity::distance;
use crate::judge::inspect;
use crate::judge::report::doctor::{Area, State};
use crate::judge::report::text::certificate_names;
use crate::net::probe::{self, Endpoint, EndpointHost, Options};

/// The ports of development servers.
pub const PORTS: [u16; 14] = [443, 3000, 3001, 3443, 4200, 4321, 5000, 5173, 8000, 8080, 8443, 8888, 9000, 9443];

/// Longer than a server on this machine takes to show its certificate.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The answer of one address of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Nothing,
    /// A server listens and speaks something else, or does not answer.
    Other(String),
    Tls {
        fingerprint: String,
        names: String,
        not_after: OffsetDateTime,
        is_for_localhost: bool,
    },
}

/// Asks the usual ports on both loopback addresses.
pub async fn ports(ports: &[u16], now: OffsetDateTime) -> Vec<Seen> {
    let ask = |address: IpAddr, port: u16| tokio::spawn(answer(address, port));
    let asking: Vec<_> = ports
        .iter()
        .map(|port| (*port, ask(Ipv4Addr::LOCALHOST.into(), *port), ask(Ipv6Addr::LOCALHOST.into(), *port)))
        .collect();
    let mut asked = Vec::new();
    for (port, v4, v6) in asking {
        asked.push((port, v4.await.unwrap_or(Answer::Nothing), v6.await.unwrap_or(Answer::Nothing)));
    }
    let mut all: Vec<Seen> = asked.iter().filter_map(|(port, v4, v6)| judged(*port, v4, v6, now)).collect();
    if all.is_empty() {
        let listed: Vec<_> = ports.iter().map(u16::to_string).collect();
        all.push(Seen::new(Area::Ports, State::Ok, "servers", format!("nothing listens on {}", listed.join(", "))));
    }
    all
}

async fn answer(address: IpAddr, port: u16) -> Answer {
    let endpoint = Endpoint { host: EndpointHost::Address(address), port };
    let options = Options { server_name: Some("localhost".to_owned()), timeout: PATIENCE, ..Options::default() };
    match probe::ask(&endpoint, &options).await {
        Ok(presented) => {
            let Some(leaf) = presented.chain.first().and_then(|leaf| inspect::certificate(leaf).ok()) else {
                return Answer::Other("speaks TLS with a certificate that cannot be read".to_owned());
            };
            Answer::Tls {
                is_for_localhost: leaf.subject_alt_names.iter().any(|name| name == "DNS:localhost"),
                names: certificate_names(&leaf),
                not_after: leaf.not_after.0,
                fingerprint: leaf.sha256_fingerprint,
            }
        }
        Err(probe::Error::NotTls { protocol, .. }) => Answer::Other(format!("speaks {protocol}, not TLS")),
        Err(probe::Error::HelloTimedOut { .. }) => Answer::Other("listens, and does not answer to TLS".to_owned()),
        Err(probe::Error::Closed { .. } | probe::Error::ClosedAtOnce { .. }) => {
            Answer::Other("listens, and hangs up on TLS".to_owned())
        }
        Err(
            probe::Error::OldTls { .. }
            | probe::Error::UnknownName { .. }
            | probe::Error::CertificateRequired { .. }
            | probe::Error::NoProtocolInCommon { .. }
            | probe::Error::NothingInCommon { .. }
            | probe::Error::Handshake { .. },
        ) => Answer::Other("speaks TLS, and the handshake fails".to_owned()),
        Err(_) => Answer::Nothing,
    }
}

fn judged(port: u16, v4: &Answer, v6: &Answer, now: OffsetDateTime) -> Option<Seen> {
    let seen = |state, message: String| Seen::new(Area::Ports, state, format!("localhost:{port}"), message);
    let (one, where_) = match (v4, v6) {
        (Answer::Nothing, Answer::Nothing) => return None,
        (Answer::Nothing, one) => (one, " (on ::1 alone)"),
        (one, Answer::Nothing) => (one, ""),
        (one, other) if is_same(one, other) => (one, ""),
        (one, other) => {
            let message = format!("two servers: on 127.0.0.1 one {}, on [::1] one {}", words(one), words(other));
            return Some(seen(State::Trouble, message).advised("stop one: browsers choose between them by address"));
        }
    };
    let Answer::Tls { names, not_after, is_for_localhost, .. } = one else {
        return Some(seen(State::Note, format!("{}{where_}", words(one))));
    };
    let left = distance(*not_after, now);
    if *not_after < now {
        let message = format!("shows a certificate for {names} that expired {left}{where_}");
        return Some(seen(State::Trouble, message).with(Remedy::Check(port)));
    }
    let message = format!("shows a certificate for {names}, which expires {left}{where_}");
    let state = if *is_for_localhost { State::Ok } else { State::Note };
    Some(seen(state, message))
}

fn is_same(one: &Answer, other: &Answer) -> bool {
    match (one, other) {
        (Answer::Tls { fingerprint: one, .. }, Answer::Tls { fingerprint: other, .. }) => one == other,
        (Answer::Other(_), Answer::Other(_)) => true,
        _ => false,
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Nothing => "that is silent".to_owned(),
        Answer::Other(what) => what.clone(),
        Answer::Tls { names, .. } => format!("shows a certificate for {names}"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn tls(fingerprint: &str, not_after: OffsetDateTime) -> Answer {
        let (fingerprint, names) = (fingerprint.to_owned(), "localhost".to_owned());
        Answer::Tls { fingerprint, names, not_after, is_for_localhost: true }
    }

    /// Vite on ::1 and another server on 127.0.0.1 looked like one server that changes its mind.
    #[test]
    fn two_servers_on_one_port_are_trouble() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let state = |v4: &Answer, v6: &Answer| judged(3000, v4, v6, now).map(|seen| seen.observation.state);
        let (a, b) = (tls("a", datetime!(1970-02-01 0:00 UTC)), tls("b", datetime!(1970-02-01 0:00 UTC)));
        assert_eq!(state(&a, &a), Some(State::Ok));
        assert_eq!(state(&a, &b), Some(State::Trouble));
        assert_eq!(state(&a, &Answer::Other("speaks plain HTTP, not TLS".to_owned())), Some(State::Trouble));
        assert_eq!(state(&tls("a", datetime!(1969-12-01 0:00 UTC)), &Answer::Nothing), Some(State::Trouble));
        assert_eq!(state(&Answer::Nothing, &Answer::Nothing), None);
    }
}
