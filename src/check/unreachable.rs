//! Servers that cannot be audited: nothing listens, or what does speaks no TLS.

use std::io;
use std::time::Duration;

use super::prober::{Answer, Prober, shown};
use super::survey::Facts;
use crate::probe::{Error, NoEndpoint};
use crate::report::check::{Evidence, Finding};
use crate::report::finding::Severity;

/// How long a connection on which nothing was said is watched: a port forwarder without a server closes it by itself.
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

/// No runtime.
pub(super) fn setup(error: &io::Error) -> Finding {
    finding(
        "tcp",
        "unreachable",
        format!("cannot prepare a connection: {error}"),
        "try again when the system has resources",
    )
}

/// A server name that is none.
pub(super) fn name(error: &NoEndpoint) -> Finding {
    finding("address", "bad-url", error.to_string(), "write it as in `https://localhost:3000`")
}

/// No connection.
pub(super) fn probe(error: &Error) -> Finding {
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let (layer, id, hint) = match error {
        Error::Unresolved { .. } => {
            ("dns", "name-not-found", "use a name below .localhost, or put the name into /etc/hosts")
        }
        Error::Refused { .. } => ("tcp", "refused", "start the server, or name the port that it listens on"),
        Error::TimedOut { .. } => {
            ("tcp", "connect-timeout", "look for a firewall, and whether the container's port is published")
        }
        Error::Name(_) => ("address", "bad-url", "write it as in `https://localhost:3000`"),
        _ => ("tcp", "unreachable", "look at the network, the VPN and the firewall"),
    };
    finding(layer, id, message, hint)
}

/// Says why a server that accepts connections speaks no version of TLS.
pub(super) async fn handshake(facts: &Facts, prober: &Prober) -> Finding {
    let refusals: Vec<_> = facts.versions.values().map(|offer| &offer.refusal).collect();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let silent = prober.watch(WATCHED).await;
    let plain = if silent.is_some() { Vec::new() } else { prober.say(request).await };
    let banner =
        refusals.iter().find_map(|answer| if let Answer::NotTls(octets) = answer { Some(octets) } else { None });
    let received = banner
        .map_or_else(|| refusals.last().map_or_else(String::new, |answer| answer.words()), |octets| shown(octets));
    let is_http = |octets: &[u8]| octets.starts_with(b"HTTP/") || octets.starts_with(b"<");
    let sent = "ClientHello of each version, SSL 2.0 to TLS 1.3";
    let found = match silent {
        _ if is_http(&plain) || banner.is_some_and(|banner| is_http(banner)) => finding(
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
        Some(_) => finding(
            "tls",
            "closed-at-once",
            "the connection is accepted and closed at once: nothing is behind the port",
            "a port forwarder (Docker, ssh -L, kubectl) without a server: let the server listen on 0.0.0.0 in the container",
        ),
        None if banner.is_some() => {
            finding("tls", "not-tls", format!("what comes back is no TLS: {received}"), "name the port of HTTPS")
        }
        None if refusals.iter().any(|answer| matches!(answer, Answer::Unreachable(_))) => finding(
            "tcp",
            "refused",
            "the server accepted one connection and refuses others: it has broken down, or takes one at a time",
            "look at the server's log, and start it again",
        ),
        None if refusals.iter().all(|answer| matches!(answer, Answer::TimedOut)) => finding(
            "tls",
            "tls-timeout",
            "no ClientHello is answered",
            "the server hangs, or is none of TLS: try http://",
        ),
        None if refusals.iter().any(|answer| matches!(answer, Answer::Alert(112))) => finding(
            "tls",
            "unknown-server-name",
            "the server refuses the name that was sent",
            "send another with --server-name, or add the name to the server",
        ),
        None if refusals.iter().any(|answer| matches!(answer, Answer::Alert(_))) => finding(
            "tls",
            "no-common-suite",
            "the server refuses each version with all its suites: it has no certificate, or knows no host of this name",
            "look at the server's log; try another name with --server-name",
        ),
        None => finding(
            "tls",
            "tls-reset",
            "the connection ends after the ClientHello",
            "look for a middlebox or firewall that minds the server name; try another with --server-name",
        ),
    };
    Finding { evidence: Some(Evidence { sent: sent.to_owned(), received }), ..found }
}
