//! Answers of HTTP that open no session: redirects, refusals, and servers of something else.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Address;
use super::asked::Asked;
use super::handshake::server_name;
use super::run::{Found, Run};
use crate::net::check::{glance, limiter};
use crate::net::client::answer::NotOpen;
use crate::net::client::{Answer, Answered, Dialer, Lost, Request, Server, Session, Transport, opened, websocket};
use crate::net::engine_io::Packet;

/// Redirects to the same server that are followed.
const MOST_REDIRECTS: usize = 6;

/// The time that a look may take, which is for the cause alone.
pub(super) const LOOK: Duration = Duration::from_millis(400);

/// A look at a server that answers quickly: so many times what its last answer took, and no shorter than this.
const QUICK: u32 = 10;
const SHORTEST_LOOK: Duration = Duration::from_millis(150);

/// Socket.IO's path unless it is told otherwise.
const USUAL_PATH: &str = "/socket.io/";

impl Run<'_> {
    /// The cause of an answer that opens no session.
    pub(super) async fn refused(&self, asked: &Asked<'_>, not: NotOpen, answer: &Answer) -> Found {
        let (address, server) = (asked.address, asked.server);
        let found = Found::new(not.code, not.message).received(answer.words()).exit(1);
        match not.code {
            "redirected" => redirected(address, server, answer).await,
            "tls-on-plain-url" => {
                found.exit(2).hint(format!("use https:// or wss:// in the URL: https://{}", server.dialer.authority))
            }
            // nginx has no other use for 503 than its limits, and maintenance.
            "unavailable" if limiter::is_nginxs_own(answer.field("server"), &answer.text()) => match passing(server)
                .await
            {
                Some(how) => {
                    let message = format!("503, and {how}: nginx limits how many requests a client may make");
                    Found { code: "rate-limited", message, ..found }
                }
                None => found.hint(
                    "nginx itself answers 503, which it does for limit_req and limit_conn, or by return 503: exempt \
                     /socket.io/ from the limit, or end the maintenance",
                ),
            },
            "not-engine-io" | "http-not-found" => {
                // An Engine.IO of another path leaves the handshake unanswered for a second.
                let quick = (self.round_trip * QUICK).clamp(SHORTEST_LOOK, LOOK);
                let limit = if self.round_trip.is_zero() { LOOK } else { quick };
                if let Some(plain) = plain_websocket(server, limit).await {
                    return plain.exit(1);
                }
                match elsewhere(server).await {
                    Some(hint) => found.hint(hint),
                    None => match status_hint(answer.status.as_u16()) {
                        Some(hint) => found.hint(hint),
                        None => found,
                    },
                }
            }
            _ => found,
        }
    }
}

/// The address of this machine from which another client would come to a server on it.
const OTHER_CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 83, 73, 79));

/// Decides whether a server that answers 503 lets another client through, or this one a second later; says which.
async fn passing(server: &Server) -> Option<&'static str> {
    let is_let_through = async |dialer: &Dialer| matches!(server.opening().send(dialer).await, Ok(Answered::Answer(later)) if later.status.as_u16() != 503);
    // Limits are by the client's address, and this machine has many on its loopback interface.
    let is_near = server.dialer.address.ip().is_loopback() && server.dialer.address.is_ipv4();
    if is_near && is_let_through(&Dialer { from: Some(OTHER_CLIENT), ..server.dialer.clone() }).await {
        return Some("from another address not");
    }
    sleep(limiter::PAUSE).await;
    is_let_through(&server.dialer).await.then_some("a second later not any more")
}

/// A fix for a status that says more than that there is no Engine.IO.
const fn status_hint(status: u16) -> Option<&'static str> {
    Some(match status {
        414 | 431 => {
            "the head of the request is too large for the server: send fewer cookies and shorter fields (Node: \
             --max-http-header-size; nginx: large_client_header_buffers)"
        }
        500 => "the server fails with an error of its own: look at its log",
        505 => "the server or a proxy does not take HTTP/1.1, which WebSockets need",
        _ => return None,
    })
}

/// The cause of a server that opens WebSockets at the path and speaks no Engine.IO over them.
pub(super) async fn plain_websocket(server: &Server, limit: Duration) -> Option<Found> {
    let target = server.target(Transport::WebSocket, None);
    let mut server = server.clone();
    server.dialer.limit = limit.min(server.dialer.limit);
    server.trace = None;
    let socket = websocket::open(&server.dialer, &target, server.fields.clone()).await.ok()?;
    let first = match Session::websocket(server, socket).await {
        Ok(_) => return None,
        Err(Lost::Malformed(text)) if text.starts_with("0{") => return None,
        Err(Lost::Malformed(text)) => format!("HTTP 101, then {text}"),
        Err(_) => "HTTP 101".to_owned(),
    };
    Some(plain(first))
}

/// The finding about a plain WebSocket server.
pub(super) fn plain(received: String) -> Found {
    let message = "a plain WebSocket server answers at this path, not Socket.IO";
    let hint = "a plain WebSocket server (ws) needs a plain WebSocket client, not socket.io-client; Socket.IO beside it \
                has to be attached to the same http(s) server, and may have another path: --path";
    Found::new("not-engine-io", message).received(received).hint(hint)
}

/// A hint if Socket.IO answers at its usual path, and another was asked for.
pub(super) async fn elsewhere(server: &Server) -> Option<String> {
    if server.path == USUAL_PATH {
        return None;
    }
    let mut usual = Server { path: USUAL_PATH.to_owned(), trace: None, ..server.clone() };
    usual.dialer.limit = LOOK.min(server.dialer.limit);
    let Ok(Answered::Answer(answer)) = usual.opening().send(&usual.dialer).await else { return None };
    opened(&answer).is_ok().then(|| {
        format!("Socket.IO answers at {USUAL_PATH}, and not at {}: leave --path away, or let path be the same on both sides", server.path)
    })
}

/// The cause of a redirect.
async fn redirected(address: &Address, server: &Server, answer: &Answer) -> Found {
    let location = answer.field("location").unwrap_or("nowhere");
    let status = answer.status.as_u16();
    let authority = &server.dialer.authority;
    let found = |code, message: String| Found::new(code, message).received(answer.words()).exit(1);
    if !address.is_secure && location.starts_with(&format!("https://{authority}/")) {
        return if glance::speaks_tls(server.dialer.address, server_name(&server.dialer), LOOK).await {
            let message = format!("{authority} speaks TLS, and redirects plain HTTP to https on the same port");
            found("tls-on-plain-url", message)
                .exit(2)
                .hint(format!("use https:// or wss:// in the URL: https://{authority}"))
        } else {
            let message =
                format!("{authority} redirects plain HTTP to https on the same port, and speaks no TLS there");
            found("redirected", message)
                .hint("let it redirect to the port of TLS, and connect there with https:// or wss://")
        };
    }
    if !is_loop(address, server, location).await {
        return found("redirected", format!("the request is redirected ({status}) to {location}"));
    }
    let message = format!("the request is redirected ({status}) in a circle, by way of {location}");
    let found = found("redirect-loop", message);
    if passes_as_secure(server).await {
        let hint = "with X-Forwarded-Proto: https it is answered: the app thinks that the request came by http. Let the proxy \
                    in front of it send that field (nginx: proxy_set_header X-Forwarded-Proto $scheme; HAProxy: http-request \
                    set-header X-Forwarded-Proto https if { ssl_fc }), and the app believe it from the proxy alone \
                    (Express: app.set('trust proxy', 'loopback'))";
        return found.hint(hint);
    }
    found
}

/// Follows redirects to the same server, as polling clients do, and decides whether they lead back to the first URL.
async fn is_loop(address: &Address, server: &Server, location: &str) -> bool {
    let mut seen = vec![server.target(Transport::Polling, None)];
    let mut next = same_server(address, &seen, location);
    let until = Instant::now() + server.dialer.limit;
    while let Some(target) = next {
        if seen.first() == Some(&target) {
            return true;
        }
        if seen.contains(&target) || seen.len() > MOST_REDIRECTS {
            return false;
        }
        let request = Request::get(target.clone(), server.fields.clone());
        seen.push(target);
        let Ok(Ok(Answered::Answer(answer))) = timeout_at(until, request.send(&server.dialer)).await else {
            return false;
        };
        let is_redirect = answer.status.is_redirection();
        next = answer.field("location").filter(|_| is_redirect).and_then(|to| same_server(address, &seen, to));
    }
    false
}

/// The path and query of a location on the same server.
fn same_server(address: &Address, seen: &[String], location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    if let Some(rest) = location.strip_prefix(&address.origin()) {
        return match rest.chars().next() {
            None => Some("/".to_owned()),
            Some('/') => Some(rest.to_owned()),
            Some('?') => Some(format!("/{rest}")),
            Some(_) => None,
        };
    }
    if location.starts_with("//") || location.contains("://") {
        return None;
    }
    if location.starts_with('/') {
        return Some(location.to_owned());
    }
    let base = seen.last().map(|last| last.split('?').next().unwrap_or_default()).unwrap_or_default();
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{folder}/{location}"))
}

/// Decides whether a request that is redirected is answered when it says to have come by https.
async fn passes_as_secure(server: &Server) -> bool {
    let mut request = server.opening();
    request.fields.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static("https"));
    let until = Instant::now() + LOOK;
    let answered = timeout_at(until, request.send(&server.dialer)).await;
    matches!(answered, Ok(Ok(Answered::Answer(answer))) if !answer.status.is_redirection())
}

/// The outcome of polling.
pub(super) enum Polled {
    /// A session, which is left alone.
    Open,
    /// An answer that opens none.
    Not(NotOpen, Answer),
    /// No answer.
    Nothing,
}

impl Polled {
    /// Decides whether this is Engine.IO, by a session or by a refusal of its own.
    pub(super) fn is_engine_io(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Not(not, _) => not.code.starts_with("eio-"),
            Self::Nothing => false,
        }
    }
}

/// Asks for a session by polling, to see whether the WebSocket alone fails.
pub(super) async fn polled(server: &Server) -> Polled {
    let mut server = server.clone();
    server.dialer.limit = LOOK.max(server.dialer.limit / 2).min(server.dialer.limit);
    match server.opening().send(&server.dialer).await {
        Ok(Answered::Answer(answer)) => match opened(&answer) {
            Ok(_) => Polled::Open,
            Err(not) => Polled::Not(not, answer),
        },
        _ => Polled::Nothing,
    }
}

/// The opening packet as it is traced.
pub(super) fn trace_open(server: &Server, answer: &Answer) {
    if let Some(trace) = &server.trace {
        trace(false, &Packet::Open(answer.text().trim_start_matches('0').to_owned()).text(), Transport::Polling);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_on_the_same_server_are_found() {
        let address = Address::read("https://localhost:3000").unwrap();
        let seen = ["/socket.io/?EIO=4".to_owned()];
        for (location, expected) in [
            ("https://localhost:3000/a?b", Some("/a?b")),
            ("https://localhost:3000", Some("/")),
            ("https://localhost:30001/a", None),
            ("https://other.test/a", None),
            ("//other.test/a", None),
            ("/login#top", Some("/login")),
            ("login", Some("/socket.io/login")),
        ] {
            assert_eq!(same_server(&address, &seen, location).as_deref(), expected, "{location}");
        }
    }
}
