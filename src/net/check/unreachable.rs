//! Servers that cannot be audited: nothing listens, or the server speaks no TLS.

use std::io;
use std::time::Duration;

use super::hello::Hello;
use super::http;
use super::prober::{Answer, Prober, shown};
use super::survey::Facts;
use super::version::Version;
use crate::judge::report::check::{Evidence, Finding};
use crate::judge::report::finding::Severity;
use crate::judge::report::remote::Cause;
use crate::net::probe::{Error, NoEndpoint, Said, Starttls};

/// The time for which a silent connection is watched: a port forwarder without a server closes it.
const WATCHED: Duration = Duration::from_millis(300);

fn finding(layer: &str, id: &str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding {
        severity: Severity::Error,
        layer: layer.to_owned(),
        id: id.to_owned(),
        message: message.into(),
        certificate: None,
        evidence: None,
        hint: hint.into(),
        source: "what the system or the server answered".to_owned(),
        reference: format!("docs/failures/{id}.md"),
    }
}

/// The findings about servers that cannot be audited: id and title.
pub const UNREACHABLE: &[(&str, &str)] = &[
    ("bad-url", "the URL cannot be used"),
    ("name-not-found", "the name has no address"),
    ("dns-timeout", "the resolver does not answer"),
    ("refused", "nothing listens"),
    ("connect-timeout", "no connection in time"),
    ("unreachable", "no way to the host"),
    ("plain-http", "the port speaks plain HTTP"),
    ("not-tls", "another protocol is spoken"),
    ("closed-at-once", "the connection is closed before a word"),
    ("tls-timeout", "the ClientHello is not answered"),
    ("tls-reset", "the connection ends after the ClientHello"),
];

/// A server that does not begin TLS.
pub(super) fn starttls(protocol: Starttls, error: &io::Error) -> Finding {
    let message = format!("the server does not begin TLS by STARTTLS of {protocol}: {error}");
    let said = error.get_ref().and_then(|inner| inner.downcast_ref::<Said>());
    let hint = match said.and_then(|said| said.speaks) {
        Some(other) => format!("the server speaks {other}: name that with --starttls {other}"),
        None => "look whether TLS is configured there, and whether --starttls names the protocol".to_owned(),
    };
    finding("tls", "not-tls", message, hint)
}

/// A server that says nothing before TLS begins.
pub(super) fn no_words(protocol: Starttls, limit: Duration) -> Finding {
    let message =
        format!("the server accepts the connection and says nothing in {protocol} within {} s", limit.as_secs_f32());
    let hint = format!("{}; some mail servers greet late: --timeout 60s", protocol.silence());
    finding("tls", "tls-timeout", message, hint)
}

/// An invalid server name.
pub(super) fn name(error: &NoEndpoint) -> Finding {
    finding("address", "bad-url", error.to_string(), "write it as in `https://localhost:3000`")
}

/// No connection.
pub(super) fn probe(error: &Error) -> Finding {
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let hint = match error {
        Error::Unresolved { .. } => "use a name below .localhost, or put the name into /etc/hosts".to_owned(),
        Error::ResolverTimedOut { .. } | Error::ResolverSilent { .. } => {
            "look at the network and its resolver, or name an address".to_owned()
        }
        Error::Refused { elsewhere: Some(address), .. } => {
            format!("a server listens on {address}: name that address, or let the server listen on both")
        }
        Error::Refused { .. } => "start the server, or name the port that it listens on".to_owned(),
        Error::ConnectTimedOut { .. } => {
            "look for a firewall, and whether the container's port is published".to_owned()
        }
        Error::Name(_) => "write it as in `https://localhost:3000`".to_owned(),
        _ => "look at the network, the VPN and the firewall".to_owned(),
    };
    let Cause { layer, code } = error.cause();
    finding(layer, code, message, hint)
}

/// Decides whether a hello without a name gets an answer.
async fn speaks_without_name(prober: &Prober) -> bool {
    let (newer, older) = (Hello::of(Version::Tls13, None), Hello::of(Version::Tls12, None));
    let (newer, older) = tokio::join!(prober.ask(&newer), prober.ask(&older));
    newer.hello().is_some() || older.hello().is_some()
}

/// Says why a server that accepts connections speaks no version of TLS.
pub(super) async fn handshake(facts: &Facts, prober: &Prober, named: bool) -> Finding {
    let refusals: Vec<_> = facts.versions.values().map(|offer| &offer.refusal).collect();
    let banner =
        refusals.iter().find_map(|answer| if let Answer::NotTls(octets) = answer { Some(octets) } else { None });
    let is_http = |octets: &[u8]| octets.starts_with(b"HTTP/") || octets.starts_with(b"<");
    let answers_in_http = banner.is_some_and(|banner| is_http(banner));
    let silent = if answers_in_http { None } else { prober.watch(WATCHED).await };
    // nginx answers plain HTTP on a port of TLS: who answers a hello with an alert speaks TLS.
    let speaks_tls = refusals.iter().any(|answer| matches!(answer, Answer::Alert(_)));
    let plain = match silent {
        None if !answers_in_http && !speaks_tls => prober.say(http::request("localhost").as_bytes()).await,
        _ => Vec::new(),
    };
    let received = banner
        .map_or_else(|| refusals.last().map_or_else(String::new, |answer| answer.words()), |octets| shown(octets));
    let is_named = named && refusals.iter().any(|answer| answer.is_refusal());
    let knows_others = is_named && silent.is_none() && banner.is_none() && speaks_without_name(prober).await;
    let sent = "ClientHello of each version, SSL 2.0 to TLS 1.3";
    let found = match silent {
        _ if is_http(&plain) || answers_in_http => finding(
            "tls",
            "plain-http",
            "the port speaks plain HTTP, not TLS",
            "use http:// or ws://, or let the https server be the one that listens on this port",
        ),
        Some(said) if !said.is_empty() => finding(
            "tls",
            "not-tls",
            format!("another protocol is spoken here: the server begins with {}", shown(&said)),
            "name the port of HTTPS",
        ),
        Some(_) if banner.is_none() => finding(
            "tls",
            "closed-at-once",
            "the connection is accepted and closed at once: nothing is behind the port",
            "a port forwarder (Docker, ssh -L, kubectl) without a server: let the server listen on 0.0.0.0 in the container",
        ),
        _ if banner.is_some() => {
            finding("tls", "not-tls", format!("what comes back is no TLS: {received}"), "name the port of HTTPS")
        }
        _ if refusals.iter().any(|answer| matches!(answer, Answer::Unreachable(_))) => finding(
            "tcp",
            "refused",
            "the server accepted one connection and refuses others: it has broken down, or takes one at a time",
            "look at the server's log, and start it again",
        ),
        _ if refusals.iter().all(|answer| matches!(answer, Answer::TimedOut)) => finding(
            "tls",
            "tls-timeout",
            "no ClientHello is answered",
            "the server hangs, or is none of TLS: try http://",
        ),
        _ if knows_others || refusals.iter().any(|answer| matches!(answer, Answer::Alert(112))) => finding(
            "tls",
            "unknown-server-name",
            "the server refuses the name that was sent",
            "send another with --server-name, or add the name to the server",
        ),
        _ if refusals.iter().any(|answer| matches!(answer, Answer::Alert(_))) => finding(
            "tls",
            "no-common-suite",
            "the server refuses each version with all its suites: it has no certificate, or knows no host of this name",
            "look at the server's log; try another name with --server-name",
        ),
        _ => finding(
            "tls",
            "tls-reset",
            "the connection ends after the ClientHello",
            "look for a middlebox or firewall that minds the server name; try another with --server-name",
        ),
    };
    Finding { evidence: Some(Evidence { sent: sent.to_owned(), received }), ..found }
}
