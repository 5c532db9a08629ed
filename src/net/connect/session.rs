//! HTTP, Engine.IO's session, the upgrade, and the namespace.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue, ORIGIN};
use tokio::time::{Instant, timeout, timeout_at};

use super::address::Address;
use super::asked::Asked;
use super::loss::{lost, not_upgraded};
use super::reach::Reached;
use super::refusal::{LOOK, plain_websocket, trace_open};
use super::run::{Found, Run};
use crate::judge::report::connect::LayerName;
use crate::net::client::http::fields;
use crate::net::client::stream::Stream;
use crate::net::client::{
    Answered, Dialer, Incoming, Kind, Lost, NotUpgraded, Server, Session, Socket, Transport, opened,
};
use crate::net::probe::first::First;

/// A server closes the connection at a CONNECT that it cannot read.
const OTHER_PARSER: &str = "the server cannot read the CONNECT, or the app ends the connection: look at its log, and \
    whether it has a parser of its own (parser: require('socket.io-msgpack-parser')), which the client needs as well";

/// The time in which an upgrade is answered: one that is swallowed leaves the session on polling.
const UPGRADE: Duration = Duration::from_secs(2);

/// The time for which an answer is waited for before something else is tried beside it.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(250);

impl Run<'_> {
    /// Opens a session and joins the namespace.
    pub(super) async fn session(&mut self, address: &Address, reached: Reached) -> Result<Socket, Found> {
        let others = self.others(address, &reached.dialer, reached.others.clone());
        let (dialer, stream, first, listening) = if address.is_secure {
            let (dialer, stream, first, listening) = self.secure(address, reached, &others).await?;
            (dialer, stream, first, Some(listening))
        } else {
            self.passed(LayerName::Tls, Some("none: the URL is of plain HTTP".to_owned()), Vec::new());
            let Reached { dialer, tcp, .. } = reached;
            let (stream, first) = dialer
                .over(tcp)
                .await
                .map_err(|failure| Found::new("closed-at-once", format!("the connection is lost: {failure:?}")))?;
            (dialer, stream, first, None)
        };
        let server = self.server(address, dialer)?;
        let asked = Asked { address, server: &server, listening: listening.as_ref(), others: &others };
        let opened = match self.open(&asked, stream, &first).await {
            Ok(opened) => opened,
            Err(found) => {
                self.compare_answers(&asked).await;
                return Err(found);
            }
        };
        let (mut socket, not_upgraded) = self.upgraded(opened).await?;
        let joined = self.join(address, &mut socket).await;
        match (joined, not_upgraded) {
            // A second WebSocket server throws when both take the same connection, and Node ends.
            (Err(_), Some(found)) if server.dialer.tcp().await.is_err() => {
                let message = format!("{}, and is gone after that", found.message);
                return Err(Found { message, ..found });
            }
            (joined, not_upgraded) => {
                if let Some(found) = not_upgraded {
                    self.warn(found);
                }
                joined?;
            }
        }
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
    async fn open(&mut self, asked: &Asked<'_>, stream: Stream, first: &First) -> Result<Session, Found> {
        let server = asked.server;
        if self.options.transport == Some(Transport::WebSocket) {
            let session = self.open_websocket(asked).await?;
            self.look_at_forwarded(asked.address.is_secure, server);
            return Ok(session);
        }
        let request = server.opening();
        let line = request.line();
        let limit = server.dialer.limit;
        let began = Instant::now();
        let mut asking = Box::pin(request.over(stream, &server.dialer.authority, limit, || first.octets()));
        let answered = match timeout(IMPATIENCE.min(limit / 2), &mut asking).await {
            Ok(answered) => answered,
            // Where nothing but a WebSocket server listens, a request is never answered.
            Err(_) => match plain_websocket(server, LOOK).await {
                Some(found) => return Err(found.exit(1).sent(line)),
                None => asking.await,
            },
        };
        let answer = match answered {
            Ok(Answered::Answer(answer) | Answered::Switched(answer, ..)) => answer,
            Err(unanswered) => return Err(self.unanswered_request(asked, unanswered).await.sent(line)),
        };
        self.round_trip = began.elapsed();
        let (open, rest) = match opened(&answer) {
            Ok(opened) => opened,
            Err(not) => return Err(self.refused(asked, not, &answer).await.sent(line)),
        };
        self.passed(LayerName::Http, Some(format!("HTTP {}", answer.status)), Vec::new());
        self.judge_origin(asked.address, &answer, server.dialer.address.ip());
        self.judge_hsts(asked.address, &answer);
        trace_open(server, &answer);
        let mut session = Session::polling(server.clone(), open, rest);
        self.transport = Some(Transport::Polling.name());
        self.keep(&mut session, &answer, asked.others).await?;
        self.look_at_forwarded(asked.address.is_secure, server);
        self.passed(LayerName::EngineIo, Some(format!("session {}", session.open.sid)), Vec::new());
        Ok(session)
    }

    /// Upgrades to a WebSocket if the server offers that; the cause is given out if that fails.
    async fn upgraded(&mut self, mut session: Session) -> Result<(Socket, Option<Found>), Found> {
        let mut not = None;
        let is_offered = session.open.upgrades.iter().any(|one| one == "websocket");
        let is_polling = session.transport() == Transport::Polling;
        if is_polling && is_offered && self.options.transport.is_none() {
            // A slow network had all of its steps by now, and the upgrade has fewer.
            let patience = UPGRADE.max(self.elapsed() * 4);
            match session.upgrade(patience).await {
                Ok(()) => {
                    self.is_upgraded = true;
                    self.transport = Some(Transport::WebSocket.name());
                    self.passed(LayerName::Upgrade, Some("upgraded to a WebSocket".to_owned()), Vec::new());
                }
                Err(NotUpgraded::Session(failure)) => return Err(lost(&failure, Instant::now())),
                Err(failure) => {
                    let target = session.server.target(Transport::WebSocket, Some(&session.open.sid));
                    let found = not_upgraded(&failure).sent(format!("GET {target} HTTP/1.1, Upgrade: websocket"));
                    not = Some(found);
                    self.passed(LayerName::Upgrade, Some("failed: it stays on polling".to_owned()), Vec::new());
                }
            }
        } else if is_polling {
            let detail = if is_offered { "not wanted" } else { "not offered by the server" };
            self.passed(LayerName::Upgrade, Some(detail.to_owned()), Vec::new());
        }
        Ok((Socket::new(session), not))
    }

    /// Joins the namespace.
    async fn join(&mut self, address: &Address, socket: &mut Socket) -> Result<(), Found> {
        let namespace = address.namespace.as_str();
        let auth = self.options.auth.clone();
        let sent = format!("CONNECT {namespace}");
        let (heard, began) = (Instant::now(), Instant::now());
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
                Ok(Err(failure)) => {
                    let found = lost(&failure, heard).sent(sent);
                    let is_parser = found.code == "server-disconnect" && !matches!(failure, Lost::Ended);
                    return Err(if is_parser { found.hint(OTHER_PARSER) } else { found });
                }
                Ok(Ok(incoming)) => incoming,
            };
            let Incoming::Message(message) = incoming else { continue };
            match message.kind {
                Kind::Connect if message.namespace == namespace && message.data.is_none() => {
                    let message = "the server lets the client in without a session of Socket.IO: it speaks Engine.IO 3, which is \
                                   Socket.IO 2";
                    return Err(Found::new("eio-version-3", message)
                        .sent(sent)
                        .received(format!("CONNECT {namespace}")));
                }
                Kind::Connect if message.namespace == namespace => {
                    self.round_trip = began.elapsed();
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

pub(super) fn connect_error(namespace: &str, data: &str) -> Found {
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
