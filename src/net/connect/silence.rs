//! Requests that get no answer of HTTP: time-outs, connections that are closed, and other protocols.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::asked::Asked;
use super::handshake::{client_certificate, closed_at_once, closes_at_once, is_about_client_certificate, server_name};
use super::refusal::{self, elsewhere, plain_websocket};
use super::run::{Found, Run};
use crate::net::check::glance;
use crate::net::client::{Dialer, Unanswered};
use crate::net::probe::protocol;
use crate::net::tls;
use crate::x509::name::escape_unprintable;

/// The time that a look may take, which is for the cause alone.
const LOOK: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// The cause of a request that got no answer of HTTP.
    pub(super) async fn unanswered_request(&self, asked: &Asked<'_>, unanswered: Unanswered) -> Found {
        let authority = asked.address.authority();
        let shown = asked.listening.map(tls::Listening::shown).filter(|shown| shown.client_certificate_requested);
        match (unanswered, shown) {
            (Unanswered::Timeout, _) => self.silent(asked).await,
            (Unanswered::Broken { error, alert, .. }, Some(shown)) if alert.is_none_or(is_about_client_certificate) => {
                client_certificate(&authority, self.options.identity.is_some(), &shown).received(error)
            }
            (Unanswered::Broken { error, first, .. }, _) if !asked.address.is_secure => {
                no_http(&asked.server.dialer, &first, error).await
            }
            (Unanswered::Broken { error, .. }, _) => no_http_over_tls(&asked.server.dialer, error).await,
            (Unanswered::Dial(failure), _) => {
                Found::new("refused", format!("{authority} accepted one connection, and no second: {failure:?}"))
            }
        }
    }

    /// The cause of a request that is not answered in time.
    async fn silent(&self, asked: &Asked<'_>) -> Found {
        if let Some(found) = plain_websocket(asked.server, refusal::LOOK).await {
            return found.exit(1);
        }
        let (authority, seconds) = (asked.address.authority(), self.options.timeout.as_secs_f32());
        let message = format!("{authority} does not answer the request within {seconds} s");
        let found = Found::new("http-timeout", message).received("nothing");
        match elsewhere(asked.server).await {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}

/// The cause of a connection in the clear on which no HTTP came.
async fn no_http(dialer: &Dialer, first: &[u8], error: String) -> Found {
    let authority = &dialer.authority;
    let tls_on_plain_url = |message: String, received: &str| {
        Found::new("tls-on-plain-url", message)
            .received(received)
            .hint(format!("use https:// or wss:// in the URL: https://{authority}"))
    };
    match first.first() {
        Some(0x15 | 0x16) => {
            tls_on_plain_url(format!("{authority} speaks TLS, and the URL is of plain HTTP"), "a record of TLS")
        }
        Some(_) if is_http2(first) => http2_only(authority).received("a SETTINGS frame of HTTP/2"),
        Some(_) => {
            let name = protocol(first).unwrap_or("something else");
            let code = if name == "plain HTTP" { "not-engine-io" } else { "not-tls" };
            Found::new(code, format!("{authority} does not speak HTTP but {name}")).received(line(first)).exit(2)
        }
        None if glance::speaks_tls(dialer.address, server_name(dialer), LOOK).await => {
            let message = format!("{authority} speaks TLS, and closes the connection at a request in plain HTTP");
            tls_on_plain_url(message, &error)
        }
        None if closes_at_once(dialer).await => closed_at_once(authority),
        None => closed_at_request(authority, error),
    }
}

/// The cause of a connection of TLS on which no HTTP came.
async fn no_http_over_tls(dialer: &Dialer, error: String) -> Found {
    let authority = &dialer.authority;
    let first = said(dialer).await;
    if is_http2(&first) || first.is_empty() && speaks_only_http2(dialer).await {
        return http2_only(authority).received(error);
    }
    match protocol(&first) {
        None => closed_at_request(authority, error),
        Some("plain HTTP") => Found::new("not-engine-io", format!("{authority} answers in HTTP that cannot be read"))
            .received(line(&first))
            .exit(1),
        Some(name) => {
            let message = format!("{authority} speaks {name} over TLS, and not HTTP");
            Found::new("not-engine-io", message)
                .received(line(&first))
                .exit(2)
                .hint("another service listens on this port: name the right port")
        }
    }
}

fn http2_only(authority: &str) -> Found {
    Found::new("http2-only", format!("{authority} does not answer in HTTP/1.1: it speaks only HTTP/2"))
}

fn closed_at_request(authority: &str, error: String) -> Found {
    let message = format!("{authority} accepts the connection, and closes it at the request");
    let hint = "look at what is behind it: a proxy closes where it has no server for the request (its upstream's address and \
                port, its log; nginx does so by return 444), and an app that throws in the handshake does, too";
    Found::new("bad-gateway", message).received(error).exit(2).hint(hint)
}

/// Decides whether octets begin with a SETTINGS frame (RFC 9113 section 6.5).
fn is_http2(first: &[u8]) -> bool {
    matches!(first, [0, _, _, 4, _, 0, 0, 0, 0, ..])
}

fn line(first: &[u8]) -> String {
    let text = String::from_utf8_lossy(first.get(..first.len().min(80)).unwrap_or_default());
    escape_unprintable(text.lines().next().unwrap_or_default())
}

/// Returns the first octets of a server after a request.
async fn said(dialer: &Dialer) -> Vec<u8> {
    let asking = async {
        let (mut stream, _) = dialer.dial().await.ok()?;
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", dialer.authority);
        // What cannot be written may still be answered.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.flush().await;
        let mut read = vec![0; 256];
        let length = stream.read(&mut read).await.ok()?;
        read.truncate(length);
        Some(read)
    };
    timeout_at(Instant::now() + LOOK, asking).await.ok().flatten().unwrap_or_default()
}

/// Decides whether a server agrees to h2 and not to http/1.1.
async fn speaks_only_http2(dialer: &Dialer) -> bool {
    let chosen = async |protocol: &'static [u8]| {
        let listening = tls::danger_speaking(&[protocol], None, None).ok()?;
        let tls = dialer.tls.as_ref().map(|(_, name)| (listening, name.clone()));
        let (stream, _) = Dialer { tls, limit: LOOK.min(dialer.limit), ..dialer.clone() }.dial().await.ok()?;
        stream.tls()?.alpn_protocol().map(<[u8]>::to_vec)
    };
    chosen(b"http/1.1").await.is_none() && chosen(b"h2").await.as_deref() == Some(b"h2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_of_http_2_is_known() {
        assert!(is_http2(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03"));
        assert!(!is_http2(b"HTTP/1.1 400") && !is_http2(b"") && !is_http2(b"* OK IMAP4rev1"));
    }
}
