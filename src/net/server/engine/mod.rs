//! Engine.IO 4, and 3 where that is allowed: sessions over long-polling and WebSocket, as Node's server keeps them.
//!
//! - Everything that waits for a client is bounded by bytes, and so is everything that all clients together make the
//!   server hold: see [`super::queue`] and [`super::budget`].
//! - A client that sends faster than it, or those it sends to, can read is read from more slowly.
//! - The id that opens a session is not the one that Socket.IO shows to others.
//! - A body that drips in is given up, a cancelled poll ends its session, and errors are worded as in Node.

mod compression;
mod keeper;
mod others;
pub(crate) mod payload;
mod request;
pub(super) mod three;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming as Upload;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use self::compression::Encoding;
use self::payload::{Answer, Form, Packets, Payload, Polling, Received};
use self::request::{Query, Refusal, accept_key, text};
use crate::net::server::budget::{Budget, Charge, Exceeded, Share};
use crate::net::server::event::{DisconnectReason, Event, Observer, Refused, Transport};
use crate::net::server::namespace::{Crowd, SocketIo};
use crate::net::server::origin::Access;
use crate::net::server::patient::Patient;
use crate::net::server::peer::Peer;
use crate::net::server::queue::{Item, Packet};
use crate::net::server::session::{Next, Protocol, Pushed, Session};
use crate::net::server::sessions::{Found, HEAVY, Sessions};
use crate::net::server::websocket::{Frames, WebSocket, wait_for_room};
use crate::net::server::{Limits, Timing};

/// A wait before more is taken from a client.
pub(super) type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Bytes taken from one client at a stretch: the messages of its events are then sent on before queues fill.
pub(super) const BURST: usize = 16 * 1024;

/// The time that a client is held back for others to read its messages.
const PATIENCE: Duration = Duration::from_millis(20);

/// The time that a polling client is held back to fetch the answers to its own events.
const OWN_PATIENCE: Duration = Duration::from_secs(5);

/// Engine.IO for one server.
pub(super) struct Engine {
    me: Weak<Self>,
    io: SocketIo,
    sessions: Sessions,
    budget: Arc<Budget>,
    timing: Timing,
    limits: Limits,
    frames: Frames,
    allows_three: bool,
    observer: Observer,
    /// True once a client has asked for a session that is not here.
    is_split: AtomicBool,
    /// The long answers that are compressed at a time.
    compressing: Arc<Semaphore>,
}

impl Engine {
    pub(super) fn new(
        io: SocketIo,
        timing: Timing,
        limits: Limits,
        frames: Frames,
        allows_three: bool,
        observer: Observer,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            io,
            sessions: Sessions::default(),
            budget: Budget::new(limits),
            timing,
            limits,
            frames,
            allows_three,
            observer,
            is_split: AtomicBool::new(false),
            compressing: Arc::new(Semaphore::new(1)),
        })
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn observe(&self, event: &Event) {
        (self.observer)(event);
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers a request to `/socket.io/` from a page that may have been refused.
    pub(super) async fn respond(
        self: &Arc<Self>,
        request: Request<Upload>,
        peer: Peer,
        access: &Access,
    ) -> Response<Body> {
        if let Some(origin) = access.refused() {
            self.refused(&peer, Refused::ForeignOrigin(origin));
            if request.method() != Method::OPTIONS {
                let mut response = Refusal::ForeignOrigin.into_response();
                access.mark(response.headers_mut());
                return response;
            }
        }
        if request.method() == Method::OPTIONS {
            return access.preflight(request.headers());
        }
        let mut response = self.dispatch(request, peer).await.unwrap_or_else(Refusal::into_response);
        access.mark(response.headers_mut());
        response
    }

    async fn dispatch(self: &Arc<Self>, request: Request<Upload>, peer: Peer) -> Result<Response<Body>, Refusal> {
        let query = Query::of(request.uri());
        let transport = query.transport.ok_or(Refusal::UnknownTransport)?;
        let session = match query.sid {
            Some(sid) => Some(self.find(sid, &peer)?),
            None if request.method() != Method::GET => return Err(Refusal::BadHandshakeMethod),
            None if !self.speaks(query.protocol) => {
                self.refused(&peer, Refused::Protocol(query.protocol.map(str::to_owned)));
                return Err(Refusal::UnsupportedProtocol);
            }
            None => None,
        };
        let protocol = match query.protocol {
            Some("3") => Protocol::Three { takes_bytes: !query.wants_base64 },
            _ => Protocol::Four,
        };
        match (transport, session, request.method()) {
            (Transport::WebSocket, session, &Method::GET) => self.upgrade(request, peer, protocol, session),
            (_, Some(session), _) if session.transport() == Transport::WebSocket => Err(Refusal::BadRequest),
            (Transport::Polling, None, &Method::GET) => {
                let session = self.open(peer, Transport::Polling, protocol)?;
                let greeting = self.open_packet(&session, "\"websocket\"");
                Ok(text(if protocol.is_three() { three::write_one(&greeting) } else { greeting }))
            }
            (Transport::Polling, Some(session), &Method::GET) => {
                let encoding = Encoding::preferred(request.headers());
                // Its head need not be kept while the poll waits.
                drop(request);
                self.poll(session, encoding).await
            }
            (Transport::Polling, Some(session), &Method::POST) => self.receive(&session, request).await,
            _ => Err(Refusal::BadRequest),
        }
    }

    fn speaks(&self, protocol: Option<&str>) -> bool {
        protocol == Some("4") || (protocol == Some("3") && self.allows_three)
    }

    fn find(&self, sid: &str, peer: &Peer) -> Result<Arc<Session>, Refusal> {
        match self.sessions.find(sid) {
            Found::Open(session) => Ok(session),
            Found::Ended | Found::NoId => Err(Refusal::UnknownSession),
            Found::Elsewhere => {
                if !self.is_split.swap(true, Ordering::Relaxed) {
                    (self.observer)(&Event::NotSticky { peer: peer.address });
                }
                Err(Refusal::ForeignSession)
            }
        }
    }

    fn refused(&self, peer: &Peer, reason: Refused) {
        (self.observer)(&Event::Refused { peer: peer.address, reason });
    }
}

/// Sessions.
impl Engine {
    fn open(self: &Arc<Self>, peer: Peer, transport: Transport, protocol: Protocol) -> Result<Arc<Session>, Refusal> {
        let share = self.budget.share(peer.address.ip());
        let Some(admission) = share.admit() else {
            self.refused(&peer, Refused::TooManySessions);
            return Err(Refusal::Full);
        };
        self.relieve(&share);
        if share.is_exceeded().is_some() {
            self.refused(&peer, Refused::TooMuchMemory);
            return Err(Refusal::Full);
        }
        let session = Arc::new(Session::new(admission, peer, transport, protocol, self.limits.max_queue));
        self.sessions.remember(&session);
        if protocol.is_three()
            && let Ok(crowd) = self.io.connect_unasked(&session)
        {
            self.settle(&session, crowd);
        }
        tokio::spawn(keeper::keep(Arc::downgrade(self), Arc::clone(&session)));
        Ok(session)
    }

    fn open_packet(&self, session: &Session, upgrades: &str) -> String {
        let Timing { ping_interval, ping_timeout, .. } = self.timing;
        format!(
            r#"0{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            session.sid(),
            ping_interval.as_millis(),
            ping_timeout.as_millis(),
            self.limits.max_payload
        )
    }

    /// Takes a packet from a client. Returns a wait that the client is held back for.
    pub(super) fn take(&self, session: &Arc<Session>, packet: Result<Received, DisconnectReason>) -> Option<Wait> {
        let taken = match packet {
            Ok(Received::Message(incoming)) => {
                let (start, bytes) = (Instant::now(), incoming.len());
                let received = if session.count_message(self.limits.max_events) {
                    self.io.receive(session, incoming)
                } else {
                    Err(DisconnectReason::TooManyEvents)
                };
                (self.observer)(&Event::Received { bytes, time: start.elapsed() });
                received
            }
            Ok(Received::Pong) => {
                if let Some(time) = session.ponged() {
                    (self.observer)(&Event::RoundTrip(time));
                }
                return None;
            }
            Ok(Received::Ping(text)) => {
                session.ponged();
                let pong = Packet::Text([b"3", text.as_bytes()].concat().into());
                match session.push(Item::Pong(pong)) {
                    Pushed::Full => Err(DisconnectReason::Overflowed),
                    _ => return None,
                }
            }
            Ok(Received::Close) => Err(DisconnectReason::ClientClosed),
            Err(reason) => Err(reason),
        };
        match taken {
            Ok(crowd) => self.settle(session, crowd),
            Err(reason) => {
                self.end(session, reason);
                None
            }
        }
    }

    /// Handles receivers whose queues are full, or filling, and questions to other servers.
    fn settle(&self, sender: &Arc<Session>, crowd: Crowd) -> Option<Wait> {
        for session in crowd.full {
            self.end(&session, DisconnectReason::Overflowed);
        }
        self.relieve(sender.share());
        for question in crowd.questions {
            self.ask(sender, question);
        }
        let link = self.io.link().filter(|_| crowd.is_link_crowded).cloned();
        let crowded = crowd.crowded;
        if crowded.is_empty() && link.is_none() {
            return None;
        }
        Some(Box::pin(async move {
            wait_for_room(crowded, PATIENCE).await;
            if let Some(link) = link {
                link.wait_for_room(PATIENCE).await;
            }
        }))
    }

    /// Ends a session if more memory is held than may be: one of the network's if that is what holds it.
    pub(super) fn relieve(&self, share: &Arc<Share>) {
        let Some(exceeded) = share.is_exceeded() else { return };
        let of_network = |other: &Session| Arc::ptr_eq(other.share(), share);
        let heaviest = match exceeded {
            Exceeded::Network => self.sessions.heaviest(of_network).filter(|(_, bytes)| *bytes >= HEAVY),
            Exceeded::Total => None,
        };
        // What a network has sent may be held by others who do not read.
        if let Some((victim, _)) = heaviest.or_else(|| self.sessions.heaviest(|_| true)) {
            self.end(&victim, DisconnectReason::OverBudget);
        }
    }

    /// Ends a session, whatever its transport, unless it has ended.
    pub(super) fn end(&self, session: &Arc<Session>, reason: DisconnectReason) {
        let Some(joined) = session.end(reason) else { return };
        self.sessions.forget(session);
        match joined.first() {
            Some(namespace) if reason == DisconnectReason::Overflowed => {
                (self.observer)(&Event::Overflowed(session.client(namespace)));
            }
            None if reason.is_notable() => (self.observer)(&Event::Dropped { peer: session.address(), reason }),
            _ => {}
        }
        self.io.forget(session, &joined, reason);
    }
}

/// Long-polling.
impl Engine {
    /// Answers a poll with the queued messages, or the first to come.
    async fn poll(
        self: &Arc<Self>,
        session: Arc<Session>,
        encoding: Option<Encoding>,
    ) -> Result<Response<Body>, Refusal> {
        let Some(is_probing) = session.start_poll() else {
            self.end(&session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        };
        let engine = Arc::clone(self);
        let mut polling = Polling::new(Arc::clone(&session), move |session| {
            engine.end(session, DisconnectReason::ConnectionLost);
        });
        let mut released = pin!(session.probed.notified());
        released.as_mut().enable();
        let next = tokio::select! {
            biased;
            next = poll_fn(|cx| session.poll_next(cx, MAX_POLL)) => next,
            () = released => Next::Send(vec![Item::Noop]),
            () = sleep(PROBE_HOLD), if is_probing => Next::Send(vec![Item::Noop]),
        };
        let items = match next {
            Next::Send(items) => {
                let is_noop = matches!(items[..], [Item::Noop]);
                if is_noop && is_probing && session.transport() == Transport::WebSocket {
                    // It came too late: the client has upgraded.
                    polling.answered();
                    return Err(Refusal::BadRequest);
                }
                items
            }
            Next::End(DisconnectReason::ClientClosed) => vec![Item::Noop],
            Next::End(_) => vec![Item::Close],
            Next::Cut => {
                polling.answered();
                return Err(Refusal::UnknownSession);
            }
        };
        session.set_in_hand(items.iter().map(Item::size).sum());
        Ok(self.answer(&session, Payload::new(items), polling, encoding).await)
    }

    async fn answer(
        &self,
        session: &Session,
        payload: Payload,
        polling: Polling,
        encoding: Option<Encoding>,
    ) -> Response<Body> {
        (self.observer)(&Event::Sent(payload.len()));
        if let Protocol::Three { takes_bytes } = session.protocol() {
            let (whole, is_binary) = payload.three(takes_bytes);
            let charge = session.share().charge(whole.len());
            let mut response = text(Body::new(Answer::whole(whole.into(), charge, polling)));
            if is_binary {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
            }
            return response;
        }
        let length = payload.len();
        let Some(encoding) = encoding.filter(|_| length >= compression::THRESHOLD) else {
            return text(Body::new(Answer::new(payload, polling)));
        };
        let compressed = if length < compression::LONG {
            encoding.compress(&payload.to_bytes())
        } else if let Ok(permit) = Arc::clone(&self.compressing).try_acquire_owned() {
            let whole = payload.to_bytes();
            let compressed = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                encoding.compress(&whole)
            });
            compressed.await.ok().flatten()
        } else {
            // Others' long answers have the processor; this one goes as it is.
            None
        };
        let Some(compressed) = compressed else { return text(Body::new(Answer::new(payload, polling))) };
        let charge = session.share().charge(compressed.len());
        let mut response = text(Body::new(Answer::whole(compressed.into(), charge, polling)));
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        response
    }

    /// Takes in a client's POST.
    async fn receive(
        self: &Arc<Self>,
        session: &Arc<Session>,
        request: Request<Upload>,
    ) -> Result<Response<Body>, Refusal> {
        let is_binary = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == OCTETS);
        let body = request.into_body();
        if !session.start_post() {
            self.end(session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        }
        let posting = Posting(Arc::clone(session));
        let payload = self.read_body(session, body).await.inspect_err(|refusal| {
            if matches!(refusal, Refusal::TooLarge) {
                self.end(session, DisconnectReason::TooLarge);
            }
        })?;
        let form = match (session.protocol(), is_binary) {
            (Protocol::Four, _) => Form::Four,
            (Protocol::Three { .. }, false) => Form::ThreeText,
            (Protocol::Three { .. }, true) => Form::ThreeBytes,
        };
        if (payload == CLOSE || payload == CLOSE_OF_THREE) && !session.is_polled() {
            // The poll before it may still be on its way, over another connection.
            sleep(OVERTAKING).await;
        }
        let Some(mut packets) = Packets::new(payload, form) else {
            self.end(session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        };
        session.hold(0);
        match self.take_some(session, &mut packets) {
            Taken::All(wait) => {
                drop(posting);
                if let Some(wait) = wait {
                    wait.await;
                }
            }
            Taken::Some(wait) => {
                let (engine, session) = (Arc::clone(self), Arc::clone(session));
                let charge = session.share().charge(packets.len());
                // As a task, for the client may not wait for the answer.
                let rest =
                    tokio::spawn(async move { engine.take_rest(&session, packets, charge, wait, posting).await });
                rest.await.map_err(|_| Refusal::BadRequest)??;
            }
            Taken::Refused => return Err(Refusal::BadRequest),
        }
        Ok(text("ok"))
    }

    async fn take_rest(
        &self,
        session: &Arc<Session>,
        mut packets: Packets,
        _charge: Charge,
        mut wait: Option<Wait>,
        _posting: Posting,
    ) -> Result<(), Refusal> {
        loop {
            match wait.take() {
                Some(wait) => wait.await,
                None => tokio::task::yield_now().await,
            }
            if session.is_crowded() {
                wait_for_room(vec![Arc::clone(session)], OWN_PATIENCE).await;
            }
            match self.take_some(session, &mut packets) {
                Taken::All(_) => return Ok(()),
                Taken::Some(more) => wait = more,
                Taken::Refused => return Err(Refusal::BadRequest),
            }
        }
    }

    /// Takes packets from a payload until they are a [`BURST`], or somebody's queue is filling.
    fn take_some(&self, session: &Arc<Session>, packets: &mut Packets) -> Taken {
        let start = packets.offset();
        while let Some(packet) = packets.next() {
            let is_close = matches!(packet, Ok(Received::Close));
            let wait = self.take(session, packet);
            if is_close {
                return Taken::All(None);
            }
            if session.ended().is_some() {
                return Taken::Refused;
            }
            if packets.is_done() {
                return Taken::All(wait);
            }
            if wait.is_some() || packets.offset() - start > BURST {
                return Taken::Some(wait);
            }
        }
        Taken::All(None)
    }

    /// Reads a whole body. One that is too large is read on for a while, so that the client sees the answer.
    async fn read_body(&self, session: &Session, mut body: Upload) -> Result<Vec<u8>, Refusal> {
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
                if length > max {
                    whole = Vec::new();
                    continue;
                }
                whole.extend_from_slice(&data);
                session.hold(whole.capacity());
                self.relieve(session.share());
            }
            if length > max { Err(Refusal::TooLarge) } else { Ok(whole) }
        };
        tokio::select! {
            read = timeout(self.limits.body, read) => read.unwrap_or(Err(Refusal::TooSlow)),
            // Whatever has come is let go of.
            () = session.until_ended() => Err(Refusal::BadRequest),
        }
    }
}

/// WebSocket.
impl Engine {
    /// Agrees to a WebSocket, and attaches it to its session when HTTP has let go of the connection.
    fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Upload>,
        peer: Peer,
        protocol: Protocol,
        session: Option<Arc<Session>>,
    ) -> Result<Response<Body>, Refusal> {
        let accept = accept_key(request.headers()).ok_or(Refusal::BadRequest)?;
        let purpose = match session {
            None => Purpose::Open(self.open(peer.clone(), Transport::WebSocket, protocol)?),
            Some(session) => Probe::start(session).map_or(Purpose::Nothing, Purpose::Probe),
        };
        let upgraded = hyper::upgrade::on(&mut request);
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            match upgraded.await {
                Ok(upgraded) => engine.attach(upgraded, peer, purpose).await,
                Err(_) => engine.abandon(purpose),
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

    fn abandon(&self, purpose: Purpose) {
        if let Purpose::Open(session) = purpose {
            self.end(&session, DisconnectReason::ConnectionLost);
        }
    }

    async fn attach(self: Arc<Self>, upgraded: Upgraded, peer: Peer, purpose: Purpose) {
        let Ok(parts) = upgraded.downcast::<TokioIo<Patient>>() else { return self.abandon(purpose) };
        let max = usize::try_from(self.limits.max_payload).unwrap_or(usize::MAX);
        let mut socket = WebSocket::new(parts.io.into_inner().into_inner(), &parts.read_buf, max, self.frames);
        if purpose.protocol().is_some_and(Protocol::is_three) {
            socket.speak_three();
        }
        let session = match purpose {
            Purpose::Open(session) => {
                let greeting = self.open_packet(&session, "");
                if !matches!(timeout(self.limits.write, socket.send_text(&greeting)).await, Ok(Ok(()))) {
                    return self.end(&session, DisconnectReason::ConnectionLost);
                }
                session
            }
            Purpose::Probe(probe) => {
                let upgrades = socket.probe(&probe.0).await;
                let session = Arc::clone(&probe.0);
                if upgrades && session.ended().is_none() {
                    for namespace in session.upgrade(peer) {
                        (self.observer)(&Event::Upgraded(session.client(namespace)));
                    }
                    session
                } else {
                    return socket.dismiss().await;
                }
            }
            Purpose::Nothing => return socket.dismiss().await,
        };
        session.set_websocket(true);
        socket.run(self, Arc::clone(&session)).await;
        session.set_websocket(false);
    }
}

/// The purpose of a WebSocket.
enum Purpose {
    /// A new session.
    Open(Arc<Session>),
    /// The upgrade of a session.
    Probe(Probe),
    /// A second upgrade of a session, which does not get far.
    Nothing,
}

impl Purpose {
    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Open(session) | Self::Probe(Probe(session)) => Some(session.protocol()),
            Self::Nothing => None,
        }
    }
}

/// A probe under way, which is over when this is dropped.
struct Probe(Arc<Session>);

impl Probe {
    fn start(session: Arc<Session>) -> Option<Self> {
        session.start_probe().then_some(Self(session))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.give_up_probe();
    }
}

/// A body under way, which is over when this is dropped.
struct Posting(Arc<Session>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.hold(0);
        self.0.end_post();
    }
}

/// The progress of taking in a payload.
enum Taken {
    /// To its end.
    All(Option<Wait>),
    /// Others come first.
    Some(Option<Wait>),
    /// The session has ended because of it.
    Refused,
}

/// The most that is put into the answer to one poll.
const MAX_POLL: usize = 1 << 20;

/// Multiple of the allowed length of a body that is read before the connection is given up.
const MAX_OVERRUN: usize = 4;

const CLOSE: &[u8] = b"1";
const CLOSE_OF_THREE: &[u8] = b"1:1";

/// The type of bodies with bytes, in Engine.IO 3.
const OCTETS: &str = "application/octet-stream";

/// The distance between requests over two connections that were sent together.
const OVERTAKING: Duration = Duration::from_millis(20);

/// The time for which a poll is held back while a WebSocket is being probed; Node's server looks as often.
const PROBE_HOLD: Duration = Duration::from_millis(100);
