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
pub(super) mod packet;
pub(crate) mod payload;
mod polling;
mod request;
pub(super) mod three;
mod upgrade;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming as Upload;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::compression::Encoding;
use self::packet::Received;
use self::request::{Query, Refusal, text};
use crate::net::server::budget::{Budget, Exceeded, Share};
use crate::net::server::event::{DisconnectReason, Event, Observer, Refused, Transport};
use crate::net::server::namespace::{Crowd, SocketIo};
use crate::net::server::origin::Access;
use crate::net::server::peer::Peer;
use crate::net::server::queue::{Item, Packet};
use crate::net::server::session::{Protocol, Pushed, Session, wait_for_room};
use crate::net::server::sessions::{Found, HEAVY, Sessions};
use crate::net::server::websocket::writer::Frames;
use crate::net::server::{Limits, Timing};

/// A wait before more is taken from a client.
pub(super) type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Bytes taken from one client at a stretch: the messages of its events are then sent on before queues fill.
pub(super) const BURST: usize = 16 * 1024;

/// The time that a client is held back for others to read its messages.
const PATIENCE: Duration = Duration::from_millis(20);

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
