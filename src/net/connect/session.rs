//! HTTP, Engine.IO's session, the upgrade, and the namespace.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue, ORIGIN};
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::reach::Reached;
use super::run::{Found, Run};
use super::secure::{client_certificate, is_about_client_certificate};
use crate::judge::report::connect::LayerName;
use crate::net::client::http::fields;
use crate::net::client::stream::Stream;
use crate::net::client::{
    Answer, Answered, Dialer, Incoming, Kind, Lost, NoWebSocket, NotUpgraded, Request, Server, Session, Socket,
    Transport, Unanswered, answer, opened, websocket,
};
use crate::net::engine_io::Packet;
use crate::net::probe::protocol;
use crate::net::tls::Listening;

/// Requests by which a session is looked for on other connections.
const LOOKS: usize = 4;

impl Run<'_> {
    /// Opens a session and joins the namespace.
    pub(super) async fn session(&mut self, address: &Address, reached: Reached) -> Result<Socket, Found> {
        let mut socket = if address.is_secure {
            let (dialer, stream, first, listening) = self.secure(address, reached).await?;
            let server = self.server(address, dialer)?;
            let opened = self.open(address, &server, stream, &|| first.octets(), Some(&listening)).await?;
            self.upgraded(opened).await?
        } else {
            self.passed(LayerName::Tls, Some("none: the URL is of plain HTTP".to_owned()), Vec::new());
            let Reached { dialer, tcp, .. } = reached;
            let (stream, first) = dialer
                .over(tcp)
                .await
                .map_err(|failure| Found::new("closed-at-once", format!("the connection is lost: {failure:?}")))?;
            let server = self.server(address, dialer)?;
            let opened = self.open(address, &server, stream, &|| first.octets(), None).await?;
            self.upgraded(opened).await?
        };
        self.join(address, &mut socket).await?;
        Ok(socket)
    }

    fn server(&self, address: &Address, dialer: Dialer) -> Result<Server, Found> {
        let pairs = self.options.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut all: HeaderMap =
            fields(pairs).ok_or_else(|| Found::new("bad-url", "a header field given is not one of HTTP"))?;
        if let Some(origin) = &self.options.origin
            && let Ok(origin) = HeaderValue::from_str(origin)
        {
            all.insert(ORIGIN, origin);
        }
        let query: Vec<_> =
            [address.query.as_str(), self.options.query.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        Ok(Server { dialer, path: self.options.path.clone(), query: query.join("&"), fields: all, trace: self.trace() })
    }

    /// Sends the first request over the first connection: by polling or, if only that is wanted, for a WebSocket.
    async fn open(
        &mut self,
        address: &Address,
        server: &Server,
        stream: Stream,
        first: &(dyn Fn() -> Vec<u8> + Sync),
        listening: Option<&Listening>,
    ) -> Result<Session, Found> {
        if self.options.transport == Some(Transport::WebSocket) {
            return self.open_websocket(address, server, listening).await;
        }
        let request = server.opening();
        let line = request.line();
        let limit = server.dialer.limit;
        let answered = request.over(stream, &server.dialer.authority, limit, first).await;
        let answer = match answered {
            Ok(Answered::Answer(answer) | Answered::Switched(answer, ..)) => answer,
            Err(unanswered) => return Err(self.unanswered_request(address, unanswered, listening).sent(line)),
        };
        let (open, rest) = match opened(&answer) {
            Ok(opened) => opened,
            Err(not) => return Err(refused(address, server, not.code, not.message, &answer).sent(line)),
        };
        self.passed(LayerName::Http, Some(format!("HTTP {}", answer.status)), Vec::new());
        self.judge_origin(address, &answer, server.dialer.address.ip());
        self.judge_hsts(address, &answer);
        if let Some(trace) = &server.trace {
            trace(false, &Packet::Open(answer.text().trim_start_matches('0').to_owned()).text(), Transport::Polling);
        }
        let mut session = Session::polling(server.clone(), open, rest);
        self.transport = Some(Transport::Polling.name());
        self.keep(&mut session, &answer).await?;
        self.passed(LayerName::EngineIo, Some(format!("session {}", session.open.sid)), Vec::new());
        Ok(session)
    }

    async fn open_websocket(
        &mut self,
        address: &Address,
        server: &Server,
        listening: Option<&Listening>,
    ) -> Result<Session, Found> {
        let target = server.target(Transport::WebSocket, None);
        let line = format!("GET {target} HTTP/1.1, Upgrade: websocket");
        let socket = match websocket::open(&server.dialer, &target, server.fields.clone()).await {
            Ok(socket) => socket,
            Err(NoWebSocket::Unanswered(Unanswered::Timeout)) => {
                return Err(Found::new("upgrade-timeout", "the WebSocket's handshake is not answered").sent(line));
            }
            Err(NoWebSocket::Unanswered(unanswered)) => {
                return Err(self.unanswered_request(address, unanswered, listening).sent(line));
            }
            Err(NoWebSocket::WrongAccept(answer)) => {
                let message = "the server answers 101, but its Sec-WebSocket-Accept is not the one for the key";
                return Err(Found::new("upgrade-refused", message).sent(line).received(answer.words()));
            }
            Err(NoWebSocket::Refused(answer)) => {
                return Err(self.no_websocket(address, server, &answer).await.sent(line));
            }
        };
        self.passed(LayerName::Http, Some("HTTP 101".to_owned()), Vec::new());
        self.transport = Some(Transport::WebSocket.name());
        match Session::websocket(server.clone(), socket).await {
            Ok(session) => {
                self.passed(LayerName::EngineIo, Some(format!("session {}", session.open.sid)), Vec::new());
                self.passed(LayerName::Upgrade, Some("opened as a WebSocket".to_owned()), Vec::new());
                Ok(session)
            }
            Err(Lost::Malformed(text)) => {
                let code = if text.starts_with('0') { "eio-version-3" } else { "not-engine-io" };
                Err(Found::new(code, "the WebSocket does not begin with Engine.IO's open packet").received(text))
            }
            Err(Lost::NoFrames(error)) => {
                let message = "the server answers 101, and then sends bytes that are no frames of WebSocket";
                Err(Found::new("upgrade-broken", message).sent(line).received(error))
            }
            Err(Lost::Timeout) => {
                let message =
                    "the WebSocket is open, and nothing comes: it is not Socket.IO, or something swallows the frames";
                Err(Found::new("not-engine-io", message).sent(line).received("nothing"))
            }
            Err(lost) => Err(Found::new("upgrade-broken", "the WebSocket ends as soon as it is open")
                .sent(line)
                .received(words(&lost))),
        }
    }

    /// The cause of an answer to a WebSocket's handshake that does not switch.
    ///
    /// Polling tells whether the handshake alone is refused. A server that has no polling says nothing by refusing that.
    async fn no_websocket(&self, address: &Address, server: &Server, answer: &Answer) -> Found {
        let polled = match server.opening().send(&server.dialer).await {
            Ok(Answered::Answer(polled)) => opened(&polled).map(drop).map_err(|not| (not, polled)),
            _ => Ok(()),
        };
        let not = answer::refusal(answer);
        match polled {
            Err((by_polling, polled)) if by_polling.code != "eio-transport-unknown" => {
                refused(address, server, by_polling.code, by_polling.message, &polled)
            }
            Ok(()) if answer.status.as_u16() == 200 || not.code == "eio-bad-request" => {
                let message = "the Upgrade header did not arrive: the server took the handshake for a plain request";
                Found::new("upgrade-dropped", message).received(answer.words())
            }
            Ok(()) => {
                let message = format!("the server answers {} in place of 101", answer.status);
                Found::new("upgrade-refused", message).received(answer.words())
            }
            Err(_) => refused(address, server, not.code, not.message, answer),
        }
    }

    /// The cause of a request that got no answer of HTTP.
    fn unanswered_request(&self, address: &Address, unanswered: Unanswered, listening: Option<&Listening>) -> Found {
        let authority = address.authority();
        let has_identity = self.options.identity.is_some();
        let is_requested = listening.is_some_and(|listening| listening.shown().client_certificate_requested);
        match unanswered {
            Unanswered::Timeout => {
                let seconds = self.options.timeout.as_secs_f32();
                Found::new("http-timeout", format!("{authority} does not answer the request within {seconds} s"))
                    .received("nothing")
            }
            Unanswered::Broken { error, alert, .. }
                if is_requested && alert.is_none_or(is_about_client_certificate) =>
            {
                client_certificate(&authority, has_identity).received(error)
            }
            Unanswered::Broken { error, first, .. } if !address.is_secure => match first.first() {
                Some(0x15 | 0x16) => {
                    Found::new("tls-on-plain-url", format!("{authority} speaks TLS, and the URL is of plain HTTP"))
                        .received("a record of TLS")
                        .hint(format!("use https:// or wss:// in the URL: https://{authority}"))
                }
                Some(_) => {
                    let name = protocol(&first).unwrap_or("something else");
                    let banner = String::from_utf8_lossy(&first).lines().next().unwrap_or_default().to_owned();
                    let code = if name == "plain HTTP" { "not-engine-io" } else { "not-tls" };
                    Found::new(code, format!("{authority} does not speak HTTP but {name}")).received(banner)
                }
                None => Found::new(
                    "tls-on-plain-url",
                    format!("{authority} closes the connection at the request in plain HTTP, as a TLS server may"),
                )
                .received(error),
            },
            Unanswered::Broken { error, .. } => {
                let is_h2 = error.contains("invalid HTTP version") || error.contains("parsed");
                let (code, message) = if is_h2 {
                    ("http2-only", format!("{authority} does not answer in HTTP/1.1: it may speak only HTTP/2"))
                } else {
                    ("bad-gateway", format!("{authority} accepts TLS, and closes the connection at the request"))
                };
                Found::new(code, message).received(error)
            }
            Unanswered::Dial(failure) => {
                Found::new("refused", format!("{authority} accepted one connection, and no second: {failure:?}"))
            }
        }
    }

    /// Looks whether the session is known on other connections, and keeps to a server by cookies if that is what it
    /// takes.
    async fn keep(&mut self, session: &mut Session, answer: &Answer) -> Result<(), Found> {
        let server = session.server.clone();
        let mut unknown = None;
        for _ in 0..2 {
            match session.send(&[Packet::Pong(String::new())]).await {
                Err(Lost::Refused(answer)) if is_unknown(&answer) => unknown = Some(answer),
                _ => {}
            }
        }
        let Some(refusal) = unknown else { return Ok(()) };
        let sent = format!("POST {}", server.target(Transport::Polling, Some(&session.open.sid)));
        if let Some(cookies) = answer.cookies() {
            session.server = server.with_cookies(&cookies);
            let mut is_known = true;
            for _ in 0..LOOKS {
                is_known &= !matches!(session.send(&[Packet::Pong(String::new())]).await, Err(Lost::Refused(answer)) if is_unknown(&answer));
            }
            if is_known {
                let message = "the session is known only to requests with the load balancer's cookie, which Node's client does not keep";
                self.warn(Found::new("sticky-by-cookie", message).sent(sent).received(refusal.words()));
                return Ok(());
            }
            session.server = server;
        }
        let mut known = 0;
        for _ in 0..LOOKS {
            known += usize::from(session.send(&[Packet::Pong(String::new())]).await.is_ok());
        }
        Err(if known > 0 {
            let message = "the session is known on some connections and not on others: requests go to different servers";
            Found::new("not-sticky", message)
        } else if self.another_answers(&session.server).await {
            let message = "the session that was just opened is unknown to the next request, and others open: requests go to different servers";
            Found::new("not-sticky", message)
        } else {
            Found::new("eio-session-unknown", "the session that was just opened is unknown to the next request")
        }
        .sent(sent)
        .received(refusal.words()))
    }

    /// Decides whether a session is known to one of the next requests, when two servers take turns.
    async fn another_answers(&self, server: &Server) -> bool {
        for _ in 0..2 {
            let Ok(Answered::Answer(answer)) = server.opening().send(&server.dialer).await else { return false };
            let Ok((open, rest)) = opened(&answer) else { return false };
            let mut session = Session::polling(server.clone(), open, rest);
            // A request in between changes whose turn it is.
            let _ = Request::get(server.path.clone(), server.fields.clone()).send(&server.dialer).await;
            if session.send(&[Packet::Pong(String::new())]).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Upgrades to a WebSocket if the server offers that.
    async fn upgraded(&mut self, mut session: Session) -> Result<Socket, Found> {
        let is_offered = session.open.upgrades.iter().any(|one| one == "websocket");
        let is_polling = session.transport() == Transport::Polling;
        if is_polling && is_offered && self.options.transport.is_none() {
            match session.upgrade().await {
                Ok(()) => {
                    self.is_upgraded = true;
                    self.transport = Some(Transport::WebSocket.name());
                    self.passed(LayerName::Upgrade, Some("upgraded to a WebSocket".to_owned()), Vec::new());
                }
                Err(NotUpgraded::Session(failure)) => return Err(lost(&failure, Instant::now())),
                Err(failure) => {
                    let target = session.server.target(Transport::WebSocket, Some(&session.open.sid));
                    let found = not_upgraded(&failure).sent(format!("GET {target} HTTP/1.1, Upgrade: websocket"));
                    self.warn(found);
                    self.passed(LayerName::Upgrade, Some("failed: it stays on polling".to_owned()), Vec::new());
                }
            }
        } else if is_polling {
            let detail = if is_offered { "not wanted" } else { "not offered by the server" };
            self.passed(LayerName::Upgrade, Some(detail.to_owned()), Vec::new());
        }
        Ok(Socket::new(session))
    }

    /// Joins the namespace.
    async fn join(&mut self, address: &Address, socket: &mut Socket) -> Result<(), Found> {
        let namespace = address.namespace.as_str();
        let auth = self.options.auth.clone();
        let sent = format!("CONNECT {namespace}");
        let heard = Instant::now();
        socket.join(namespace, auth).await.map_err(|failure| lost(&failure, heard).sent(sent.clone()))?;
        let until = Instant::now() + self.options.timeout;
        loop {
            let incoming = match timeout_at(until, socket.next()).await {
                Err(_) => {
                    let seconds = self.options.timeout.as_secs_f32();
                    let message = format!(
                        "the server does not answer the CONNECT to the namespace {namespace} within {seconds} s"
                    );
                    return Err(Found::new("namespace-timeout", message).sent(sent).received("nothing"));
                }
                Ok(Err(failure)) => return Err(lost(&failure, heard).sent(sent)),
                Ok(Ok(incoming)) => incoming,
            };
            let Incoming::Message(message) = incoming else { continue };
            match message.kind {
                Kind::Connect if message.namespace == namespace => {
                    self.is_connected = true;
                    self.passed(LayerName::Namespace, Some(format!("joined {namespace}")), Vec::new());
                    self.flush();
                    return Ok(());
                }
                Kind::ConnectError => {
                    let data = message.data.as_ref().map_or("{}", |data| data.get()).to_owned();
                    return Err(connect_error(namespace, &data).sent(sent));
                }
                _ => {}
            }
        }
    }
}

/// The cause of an answer that opens no session.
fn refused(address: &Address, server: &Server, code: &'static str, message: String, answer: &Answer) -> Found {
    let found =
        |code, message: String| Found { is_answered: true, ..Found::new(code, message).received(answer.words()) };
    if code != "redirected" {
        let mut found = found(code, message);
        if code == "tls-on-plain-url" {
            found.is_answered = false;
            found.hint = Some(format!("use https:// or wss:// in the URL: https://{}", server.dialer.authority));
        }
        return found;
    }
    let location = answer.field("location").unwrap_or_default();
    let own = format!("{}{}", address.origin(), server.target(Transport::Polling, None));
    let is_same = |location: &str| location == own || location == server.target(Transport::Polling, None);
    if !address.is_secure && location.starts_with(&format!("https://{}/", server.dialer.authority)) {
        let message =
            format!("{} speaks TLS, and redirects plain HTTP to https on the same port", server.dialer.authority);
        return Found::new("tls-on-plain-url", message)
            .received(answer.words())
            .hint(format!("use https:// or wss:// in the URL: https://{}", server.dialer.authority));
    }
    if is_same(location) {
        return found(
            "redirect-loop",
            format!("the request is redirected ({}) to its own URL", answer.status.as_u16()),
        );
    }
    found(code, message)
}

/// The cause of a session that was lost.
pub(super) fn lost(lost: &Lost, heard: Instant) -> Found {
    let silent = heard.elapsed();
    match lost {
        Lost::Refused(answer) if answer.status.as_u16() == 413 => {
            let is_own = answer.body.is_empty() && answer.field("server").is_none();
            let code = if is_own { "frame-too-large" } else { "body-too-large" };
            Found::new(code, "what was sent is larger than the server takes: it answers 413").received(answer.words())
        }
        Lost::Refused(answer) if is_unknown(answer) => {
            Found::new("eio-session-unknown", "the server no longer knows the session").received(answer.words())
        }
        Lost::Refused(answer) => {
            let not = answer::refusal(answer);
            Found { is_answered: true, ..Found::new(not.code, not.message).received(answer.words()) }
        }
        Lost::Closed(Some(1009), reason) => Found::new(
            "frame-too-large",
            "what was sent is larger than the server takes: it closes the WebSocket with 1009",
        )
        .received(format!("close 1009 {reason}")),
        Lost::Ended => {
            Found::new("server-disconnect", "the server ends the session").received("Engine.IO's close packet")
        }
        Lost::Closed(..) | Lost::Cut(_) | Lost::Unanswered(_) if silent > Duration::from_millis(500) => {
            let message = format!(
                "the connection is cut {:.1} s after the last byte, before the heartbeat",
                silent.as_secs_f32()
            );
            Found::new("closed-idle", message).received(words(lost))
        }
        Lost::Timeout => {
            Found::new("ping-timeout", "no ping comes within pingInterval and pingTimeout").received("nothing")
        }
        Lost::Malformed(text) => {
            Found::new("not-engine-io", "what comes is no packet of Engine.IO").received(text.clone())
        }
        Lost::NoFrames(text) => {
            Found::new("upgrade-broken", "what comes are no frames of WebSocket").received(text.clone())
        }
        _ => Found::new("server-disconnect", "the server closes the connection").received(words(lost)),
    }
}

/// Decides whether an answer is Engine.IO's for a session that it does not know.
fn is_unknown(answer: &Answer) -> bool {
    answer.status.as_u16() == 400 && matches!(answer::engine_code(answer), Some((1, _)))
}

fn connect_error(namespace: &str, data: &str) -> Found {
    let value: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    let message = value.get("message").and_then(serde_json::Value::as_str).or(value.as_str()).unwrap_or(data);
    let received = format!("CONNECT_ERROR {data}");
    if message == "Invalid namespace" {
        return Found::new("namespace-unknown", format!("the server has no namespace {namespace}")).received(received);
    }
    let more = value.get("data").map(|data| format!(" ({data})")).unwrap_or_default();
    Found::new("connect-refused", format!("the server refuses the namespace {namespace}: {message}{more}"))
        .received(received)
}

fn not_upgraded(failure: &NotUpgraded) -> Found {
    match failure {
        NotUpgraded::Handshake(NoWebSocket::Refused(answer)) => {
            let is_dropped = answer.status.as_u16() == 200 || matches!(answer::engine_code(answer), Some((3, _)));
            if is_dropped {
                let message = "the Upgrade header did not arrive: the server took the handshake for a plain request";
                Found::new("upgrade-dropped", message).received(answer.words())
            } else {
                Found::new(
                    "upgrade-refused",
                    format!("the handshake of the WebSocket is answered with {}", answer.status),
                )
                .received(answer.words())
            }
        }
        NotUpgraded::Handshake(NoWebSocket::WrongAccept(answer)) => Found::new(
            "upgrade-refused",
            "the server answers 101, but its Sec-WebSocket-Accept is not the one for the key",
        )
        .received(answer.words()),
        NotUpgraded::Handshake(NoWebSocket::Unanswered(Unanswered::Timeout)) => {
            Found::new("upgrade-timeout", "the handshake of the WebSocket is not answered").received("nothing")
        }
        NotUpgraded::Handshake(NoWebSocket::Unanswered(unanswered)) => {
            Found::new("upgrade-refused", "the connection is closed at the handshake of the WebSocket")
                .received(format!("{unanswered:?}"))
        }
        NotUpgraded::Probe(Lost::Timeout) => {
            Found::new("upgrade-timeout", "the probe over the WebSocket is not answered").received("nothing")
        }
        NotUpgraded::Probe(lost) | NotUpgraded::Session(lost) => {
            let message = "the server answers 101, and then not with the frames of Engine.IO";
            Found::new("upgrade-broken", message).received(words(lost))
        }
    }
}

/// A loss in a few words.
pub(super) fn words(lost: &Lost) -> String {
    match lost {
        Lost::Closed(Some(code), reason) if reason.is_empty() => format!("close {code}"),
        Lost::Closed(Some(code), reason) => format!("close {code}: {reason}"),
        Lost::Closed(None, _) => "the connection is closed".to_owned(),
        Lost::Cut(words) | Lost::NoFrames(words) | Lost::Malformed(words) => words.clone(),
        Lost::Refused(answer) => answer.words(),
        Lost::Unanswered(Unanswered::Broken { error, .. }) => error.clone(),
        Lost::Unanswered(_) | Lost::Timeout => "nothing".to_owned(),
        Lost::Ended => "Engine.IO's close packet".to_owned(),
    }
}
