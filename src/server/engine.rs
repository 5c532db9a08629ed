//! Engine.IO requests, made fit for engineioxide, which queues packets and keeps heartbeats.
//!
//! What is done here, in front of it, is what its public interface leaves open and Node's server does:
//!
//! - A client gets no ping before the first interval is over. engineioxide pings at once, so that ping is fetched and
//!   answered before the client hears of its session.
//! - Every session is opened as a polling one, for only those can be fetched from. A client that wants a WebSocket is
//!   then upgraded before it hears of that, too.
//! - A probe that is given up leaves the session to polling: the engine is not told of an upgrade until it is complete.
//! - The id that opens a session is not the one that Socket.IO shows to others.
//! - A body that drips in is given up, a cancelled poll ends its session, and errors are worded as in Node.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socketioxide::service::SocketIoService;
use socketioxide_core::Sid;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};
use tungstenite::handshake::derive_accept_key;

use crate::server::event::{Observer, Transport};
use crate::server::probe::Probe;
use crate::server::relay::Relay;
use crate::server::session::{Peer, Session, Sessions};
use crate::server::wire::{BURST, Frames, SERVER_CLOSE, Tls, Wire, text_frame};
use crate::server::{Limits, Timing};

/// Engine.IO for one server.
pub(super) struct Engine {
    service: SocketIoService<Nothing, Relay>,
    sessions: Sessions,
    timing: Timing,
    limits: Limits,
    frames: Frames,
    observer: Observer,
}

impl Engine {
    pub(super) fn new(
        service: SocketIoService<Nothing, Relay>,
        timing: Timing,
        limits: Limits,
        frames: Frames,
        observer: Observer,
    ) -> Self {
        Self { service, sessions: Sessions::default(), timing, limits, frames, observer }
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Answers a request to `/socket.io/`.
    pub(super) async fn respond(self: &Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        self.dispatch(request, peer).await.unwrap_or_else(Refusal::into_response)
    }

    async fn dispatch(self: &Arc<Self>, request: Request<Incoming>, peer: Peer) -> Result<Response<Body>, Refusal> {
        let query = Query::of(request.uri());
        let transport = query.transport.ok_or(Refusal::UnknownTransport)?;
        let session = match query.sid {
            Some(token) => Some(self.sessions.find(token).ok_or(Refusal::UnknownSession)?),
            None if request.method() != Method::GET => return Err(Refusal::BadHandshakeMethod),
            None if query.protocol != Some("4") => return Err(Refusal::UnsupportedProtocol),
            None => None,
        };
        match (transport, session, request.method()) {
            (Transport::WebSocket, session, &Method::GET) => self.upgrade(request, peer, session),
            (_, Some(session), _) if session.transport() == Transport::WebSocket => Err(Refusal::BadRequest),
            (Transport::Polling, None, &Method::GET) => self.open_polling(peer).await,
            (Transport::Polling, Some(session), &Method::GET) => self.poll(&session).await,
            (Transport::Polling, Some(session), &Method::POST) => self.receive(&session, request).await,
            _ => Err(Refusal::BadRequest),
        }
    }

    async fn open_polling(self: &Arc<Self>, peer: Peer) -> Result<Response<Body>, Refusal> {
        let session = self.open(peer, Transport::Polling).await.ok_or(Refusal::BadRequest)?;
        Ok(text(self.open_packet(&session, "\"websocket\"")))
    }

    /// Opens a session, and does with its first ping as a client would.
    async fn open(self: &Arc<Self>, peer: Peer, transport: Transport) -> Option<Arc<Session>> {
        #[derive(serde::Deserialize)]
        struct Handshake {
            sid: Sid,
        }
        let session = Arc::new(Session::new(Arc::downgrade(self), self.observer.clone(), peer, transport));
        let mut request = Request::new(Full::default());
        *request.uri_mut() = Uri::from_static("/socket.io/?EIO=4&transport=polling");
        request.extensions_mut().insert(Arc::clone(&session));
        let opened = self.ask(request).await;
        let Handshake { sid } = serde_json::from_slice(opened.body.get(1..)?).ok()?;
        session.set_id(sid);
        self.sessions.remember(&session);
        self.fetch(&session).await;
        self.push(&session, Bytes::from_static(b"3")).await;
        Some(session)
    }

    fn open_packet(&self, session: &Session, upgrades: &str) -> String {
        let Timing { ping_interval, ping_timeout, .. } = self.timing;
        format!(
            r#"0{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            session.token(),
            ping_interval.as_millis(),
            ping_timeout.as_millis(),
            self.limits.max_payload
        )
    }

    /// Answers a poll with what is queued, or what comes first.
    async fn poll(&self, session: &Arc<Session>) -> Result<Response<Body>, Refusal> {
        let poll = session.poll();
        let reply = tokio::select! {
            biased;
            reply = self.fetch(session) => reply,
            () = poll.released() => Reply::noop(),
        };
        if !poll.answered() && reply.body == NOOP {
            return Err(Refusal::BadRequest);
        }
        reply.accepted()?;
        Ok(text(self.with_rest(session, reply.body)))
    }

    /// Adds what the engine holds back because of `max_payload`, which only limits what clients send: after an upgrade
    /// it would be lost.
    fn with_rest(&self, session: &Session, first: Bytes) -> Bytes {
        let mut payload = Vec::new();
        while payload.len() < MAX_POLL
            && first != NOOP
            && let Some(Reply { status: StatusCode::OK, body }) = self.fetch(session).now_or_never()
            && !body.is_empty()
        {
            if payload.is_empty() {
                payload.extend_from_slice(&first);
            }
            payload.push(SEPARATOR);
            payload.extend_from_slice(&body);
        }
        if payload.is_empty() { first } else { payload.into() }
    }

    /// Takes in what a client posts.
    async fn receive(
        self: &Arc<Self>,
        session: &Arc<Session>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let payload = self.read_body(request.into_body()).await?;
        if payload == CLOSE && !session.is_polled() {
            // The poll before it may still be on its way, over another connection.
            sleep(OVERTAKING).await;
        }
        let reply = if payload.len() > BURST {
            let (engine, session) = (Arc::clone(self), Arc::clone(session));
            // As a task, for the client may not wait for the answer.
            tokio::spawn(async move { engine.push_in_parts(&session, payload).await }).await.ok()
        } else {
            Some(self.push(session, payload).await)
        };
        let reply = reply.ok_or(Refusal::BadRequest)?;
        if let Err(refusal) = reply.accepted() {
            session.reject();
            return Err(refusal);
        }
        Ok(text(reply.body))
    }

    /// Hands a large payload over bit by bit, to let others send on what its events put into their queues.
    async fn push_in_parts(&self, session: &Session, mut payload: Bytes) -> Reply {
        loop {
            let part = take_part(&mut payload);
            let reply = self.push(session, part).await;
            if payload.is_empty() || reply.accepted().is_err() {
                return reply;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Reads a whole body. One that is too large is read on for a while, so that the client sees the answer.
    async fn read_body(&self, mut body: Incoming) -> Result<Bytes, Refusal> {
        let max = usize::try_from(self.limits.max_payload).unwrap_or(usize::MAX);
        let read = async {
            let mut whole = Vec::new();
            let mut length = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.map_err(|_| Refusal::BadRequest)?.into_data().unwrap_or_default();
                length += data.len();
                if length > max.saturating_mul(MAX_OVERRUN) {
                    break;
                }
                if length <= max {
                    whole.extend_from_slice(&data);
                }
            }
            if length > max { Err(Refusal::TooLarge) } else { Ok(whole.into()) }
        };
        timeout(self.limits.body, read).await.unwrap_or(Err(Refusal::TooSlow))
    }

    /// Ends a polling session as its client would.
    pub(super) async fn close(&self, session: &Session) {
        self.push(session, Bytes::from_static(CLOSE)).await;
    }

    async fn fetch(&self, session: &Session) -> Reply {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = uri(session, Transport::Polling);
        self.ask(request).await
    }

    async fn push(&self, session: &Session, payload: Bytes) -> Reply {
        let mut request = Request::new(Full::new(payload));
        *request.uri_mut() = uri(session, Transport::Polling);
        *request.method_mut() = Method::POST;
        self.ask(request).await
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Reply {
        let Ok(response) = self.service.call(request).await;
        let status = response.status();
        let Ok(body) = response.into_body().collect().await;
        Reply { status, body: body.to_bytes() }
    }

    /// Agrees to a WebSocket, and attaches it to its session when HTTP has let go of the connection.
    fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        peer: Peer,
        session: Option<Arc<Session>>,
    ) -> Result<Response<Body>, Refusal> {
        let accept = accept_key(request.headers()).ok_or(Refusal::BadRequest)?;
        let upgraded = hyper::upgrade::on(&mut request);
        let (engine, purpose) = (Arc::clone(self), Purpose::of(session));
        tokio::spawn(async move {
            if let Ok(upgraded) = upgraded.await {
                engine.attach(upgraded, peer, purpose).await;
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().extend([
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ]);
        Ok(response)
    }

    async fn attach(self: Arc<Self>, upgraded: Upgraded, peer: Peer, purpose: Purpose) {
        let Ok(parts) = upgraded.downcast::<TokioIo<Tls>>() else { return };
        let (mut tls, mut received) = (parts.io.into_inner(), parts.read_buf.to_vec());
        let (session, greeting) = match purpose {
            Purpose::Open => {
                let Some(session) = self.open(peer, Transport::WebSocket).await else { return };
                let greeting = text_frame(&self.open_packet(&session, ""));
                (session, greeting)
            }
            Purpose::Probe(probe) => match probe.complete(&mut tls, &mut received, peer).await {
                Some(session) => (session, Vec::new()),
                None => return dismiss(tls).await,
            },
            Purpose::Nothing => return dismiss(tls).await,
        };
        let mut request = Request::new(());
        *request.uri_mut() = uri(&session, Transport::WebSocket);
        let wire = Wire::new(tls, session, &received, greeting, self.frames);
        // It answers at once, having spawned what serves the connection.
        self.service.call((wire, request)).await.ok();
    }
}

/// What a WebSocket is for.
enum Purpose {
    /// A new session.
    Open,
    /// The upgrade of a session.
    Probe(Probe),
    /// A second upgrade of a session, which does not get far.
    Nothing,
}

impl Purpose {
    fn of(session: Option<Arc<Session>>) -> Self {
        match session {
            None => Self::Open,
            Some(session) => Probe::start(session).map_or(Self::Nothing, Self::Probe),
        }
    }
}

/// The most that is put into the answer to one poll, as long as it comes in smaller pieces.
const MAX_POLL: usize = 16 << 20;

/// How many times the allowed length of a body is read before the connection is given up.
const MAX_OVERRUN: usize = 4;

/// Between the packets of a polling payload.
const SEPARATOR: u8 = 0x1e;

const NOOP: &[u8] = b"6";

const CLOSE: &[u8] = b"1";

/// How far apart requests over two connections may be that were sent together.
const OVERTAKING: Duration = Duration::from_millis(20);

/// Takes packets from the front of a payload until they are a [`BURST`].
fn take_part(payload: &mut Bytes) -> Bytes {
    let Some(end) = payload.iter().skip(BURST).position(|byte| *byte == SEPARATOR) else {
        return std::mem::take(payload);
    };
    let part = payload.split_to(BURST + end);
    *payload = payload.slice(1..);
    part
}

/// Closes a WebSocket that is not wanted.
async fn dismiss(mut tls: Tls) {
    if tls.write_all(SERVER_CLOSE).await.is_ok() {
        tls.shutdown().await.ok();
    }
}

/// The address of a session in the engine. Nothing of the client's own request is kept: its headers would hold on to
/// the whole buffer they were read into.
fn uri(session: &Session, transport: Transport) -> Uri {
    let id = session.id().map(|id| id.to_string()).unwrap_or_default();
    let uri = format!("/socket.io/?EIO=4&transport={}&sid={id}", transport.name());
    uri.parse().expect("ids are made of characters that URIs may have")
}

/// Checks a WebSocket's opening handshake, [RFC 6455 section 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1).
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: HeaderName, token: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let complete = has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| complete)?;
    derive_accept_key(key.as_bytes()).try_into().ok()
}

fn text(body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    response
}

/// What the engine answers.
struct Reply {
    status: StatusCode,
    body: Bytes,
}

impl Reply {
    fn noop() -> Self {
        Self { status: StatusCode::OK, body: Bytes::from_static(NOOP) }
    }

    fn accepted(&self) -> Result<(), Refusal> {
        match self.status {
            StatusCode::OK => Ok(()),
            StatusCode::PAYLOAD_TOO_LARGE => Err(Refusal::TooLarge),
            _ if self.body.starts_with(br#"{"code":"1""#) => Err(Refusal::UnknownSession),
            _ => Err(Refusal::BadRequest),
        }
    }
}

/// The parameters of an Engine.IO request.
struct Query<'a> {
    protocol: Option<&'a str>,
    transport: Option<Transport>,
    sid: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn of(uri: &'a Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let value = |name| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let transport = match value("transport") {
            Some("polling") => Some(Transport::Polling),
            Some("websocket") => Some(Transport::WebSocket),
            _ => None,
        };
        Self { protocol: value("EIO"), transport, sid: value("sid") }
    }
}

/// Why a request is refused, in the words and with the codes of Node's server.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    UnknownTransport,
    UnknownSession,
    BadHandshakeMethod,
    BadRequest,
    UnsupportedProtocol,
    TooLarge,
    TooSlow,
}

impl Refusal {
    fn into_response(self) -> Response<Body> {
        let (status, json) = match self {
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, r#"{"code":0,"message":"Transport unknown"}"#),
            Self::UnknownSession => (StatusCode::BAD_REQUEST, r#"{"code":1,"message":"Session ID unknown"}"#),
            Self::BadHandshakeMethod => (StatusCode::BAD_REQUEST, r#"{"code":2,"message":"Bad handshake method"}"#),
            Self::BadRequest => (StatusCode::BAD_REQUEST, r#"{"code":3,"message":"Bad request"}"#),
            Self::UnsupportedProtocol => {
                (StatusCode::BAD_REQUEST, r#"{"code":5,"message":"Unsupported protocol version"}"#)
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, ""),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, ""),
        };
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        if !json.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        response
    }
}

/// What the engine would ask about paths that are not its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nothing;

impl Service<Request<Full<Bytes>>> for Nothing {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn call(&self, _: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(Full::default())))
    }
}
