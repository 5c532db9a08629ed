//! Engine.IO sessions, with what the engine does not keep: who is there, over what, and how to end it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rustls::{CipherSuite, ProtocolVersion};
use socketioxide_core::{Sid, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::report;
use crate::server::engine::Engine;
use crate::server::event::{Client, DisconnectReason, Event, Observer, Transport};
use crate::server::relay::Socket;
use crate::server::wire::Valve;
use crate::tls;

/// How long a poll is held back while a WebSocket is being probed; Node's server looks as often.
const PROBE_HOLD: Duration = Duration::from_millis(100);

/// The other end of a TLS connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) tls_version: ProtocolVersion,
    pub(super) cipher_suite: CipherSuite,
    pub(super) http2: bool,
}

impl Peer {
    pub(super) fn report(&self) -> report::Connection {
        tls::describe(self.tls_version, self.cipher_suite, Some(if self.http2 { "h2" } else { "http/1.1" }))
    }
}

/// One Engine.IO session.
///
/// The engine holds it as an extension of the request that opened the session, so it lives as long as the engine's own
/// half does.
pub(super) struct Session {
    /// The id the client was given. It opens the session to whoever has it, so it is not the engine's: socketioxide
    /// makes that one the Socket.IO id, which is shown to others.
    token: Sid,
    id: OnceLock<Sid>,
    engine: Weak<Engine>,
    observer: Observer,
    state: Mutex<State>,
    probed: Notify,
    pub(super) valve: Valve,
}

struct State {
    peer: Peer,
    transport: Transport,
    probing: bool,
    polled: bool,
    joined: Vec<Joined>,
    /// Why we ended it; the engine only sees its connection close.
    ended: Option<DisconnectReason>,
}

struct Joined {
    namespace: &'static str,
    announced: bool,
    /// Events that came before the client was greeted: the packet that tells it to go ahead leaves earlier.
    early: Option<VecDeque<Early>>,
}

/// An event as socketioxide hands it over, with the number of its acknowledgement.
pub(super) type Early = (Value, Option<i64>);

impl State {
    fn of(&mut self, namespace: &'static str) -> Option<&mut Joined> {
        self.joined.iter_mut().find(|joined| joined.namespace == namespace)
    }
}

impl Session {
    pub(super) fn new(engine: Weak<Engine>, observer: Observer, peer: Peer, transport: Transport) -> Self {
        let state = State { peer, transport, probing: false, polled: false, joined: Vec::new(), ended: None };
        Self {
            token: Sid::new(),
            id: OnceLock::new(),
            engine,
            observer,
            state: Mutex::new(state),
            probed: Notify::new(),
            valve: Valve::default(),
        }
    }

    /// Finds a Socket.IO client's session.
    pub(super) fn of(socket: &Socket) -> Option<&Arc<Self>> {
        socket.req_parts().extensions.get()
    }

    pub(super) fn token(&self) -> Sid {
        self.token
    }

    /// The engine's id for it, once it has one.
    pub(super) fn id(&self) -> Option<Sid> {
        self.id.get().copied()
    }

    pub(super) fn set_id(&self, id: Sid) {
        self.id.set(id).ok();
    }

    pub(super) fn transport(&self) -> Transport {
        self.state().transport
    }

    /// What TLS agreed on for the connection in use.
    pub(super) fn connection(&self) -> report::Connection {
        self.state().peer.report()
    }

    /// Says that a client is about to join a namespace: it may be gone again before it has.
    pub(super) fn joining(&self, namespace: &'static str) {
        let mut state = self.state();
        state.joined.retain(|joined| joined.namespace != namespace);
        state.joined.push(Joined { namespace, announced: false, early: Some(VecDeque::new()) });
    }

    /// Says that a client has joined. Returns false when it is gone already.
    pub(super) fn joined(&self, namespace: &'static str) -> bool {
        let mut state = self.state();
        let client = self.client(&state, namespace);
        let Some(joined) = state.of(namespace) else {
            return false;
        };
        joined.announced = true;
        (self.observer)(&Event::Connected(client));
        true
    }

    /// Keeps an event until the client is greeted; gives it back when it has been.
    pub(super) fn keep_early(&self, namespace: &'static str, event: Early) -> Option<Early> {
        let mut state = self.state();
        let Some(early) = state.of(namespace).and_then(|joined| joined.early.as_mut()) else {
            return Some(event);
        };
        early.push_back(event);
        None
    }

    /// Takes the next kept event; from `None` on, none is kept.
    pub(super) fn next_early(&self, namespace: &'static str) -> Option<Early> {
        let mut state = self.state();
        let joined = state.of(namespace)?;
        let next = joined.early.as_mut()?.pop_front();
        if next.is_none() {
            joined.early = None;
        }
        next
    }

    pub(super) fn left(&self, namespace: &'static str, reason: DisconnectReason) {
        let mut state = self.state();
        let Some(at) = state.joined.iter().position(|joined| joined.namespace == namespace) else {
            return;
        };
        let announced = state.joined.swap_remove(at).announced;
        if announced {
            let reason = state.ended.unwrap_or(reason);
            (self.observer)(&Event::Disconnected(self.client(&state, namespace), reason));
        }
    }

    /// Starts a probe for an upgrade, unless one is under way or done.
    pub(super) fn start_probe(&self) -> bool {
        let mut state = self.state();
        let free = state.transport == Transport::Polling && !state.probing;
        state.probing |= free;
        free
    }

    /// Lets go of a pending poll: the client waits for its end before it upgrades.
    pub(super) fn release_poll(&self) {
        self.probed.notify_waiters();
    }

    pub(super) fn give_up_probe(&self) {
        self.state().probing = false;
    }

    /// Says that the client has moved to the WebSocket it probed.
    pub(super) fn upgraded(&self, peer: Peer) {
        let mut state = self.state();
        (state.probing, state.transport, state.peer) = (false, Transport::WebSocket, peer);
        self.probed.notify_waiters();
        for joined in state.joined.iter().filter(|joined| joined.announced) {
            (self.observer)(&Event::Upgraded(self.client(&state, joined.namespace)));
        }
    }

    /// Says that a poll begins. It ends when what is returned is dropped.
    pub(super) fn poll(self: &Arc<Self>) -> Poll<'_> {
        let mut state = self.state();
        state.polled = true;
        Poll { session: self, probing: state.probing, answered: false }
    }

    pub(super) fn is_polled(&self) -> bool {
        self.state().polled
    }

    /// Ends the session because of what the client sent.
    pub(super) fn reject(self: &Arc<Self>) {
        self.end(DisconnectReason::Malformed);
    }

    /// Ends the session because the client's queue is full.
    pub(super) fn overflow(self: &Arc<Self>, namespace: &'static str) {
        if self.end(DisconnectReason::Overflowed) {
            // Its writer waits for a client that does not read.
            self.valve.cut();
            (self.observer)(&Event::Overflowed(self.client(&self.state(), namespace)));
        }
    }

    /// Ends the session, whatever its transport. Returns false when that was done before.
    pub(super) fn end(self: &Arc<Self>, reason: DisconnectReason) -> bool {
        let transport = {
            let mut state = self.state();
            if state.ended.is_some() {
                return false;
            }
            state.ended = Some(reason);
            state.transport
        };
        // Also for one that is polling now: it may be about to upgrade.
        self.valve.close();
        if transport == Transport::Polling
            && let Some(engine) = self.engine.upgrade()
        {
            let session = Arc::clone(self);
            tokio::spawn(async move { engine.close(&session).await });
        }
        true
    }

    /// Reports as left whoever has joined: for a server that stops.
    pub(super) fn dismiss(&self) {
        let namespaces: Vec<_> = self.state().joined.iter().map(|joined| joined.namespace).collect();
        for namespace in namespaces {
            self.left(namespace, DisconnectReason::ServerStopping);
        }
    }

    fn client(&self, state: &State, namespace: &'static str) -> Client {
        Client {
            id: self.id().map(|id| id.to_string()).unwrap_or_default(),
            namespace,
            peer: state.peer.address,
            transport: state.transport,
            connection: state.peer.report(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poll that waits for its answer.
pub(super) struct Poll<'a> {
    session: &'a Arc<Session>,
    /// Whether it came while a WebSocket was being probed.
    probing: bool,
    answered: bool,
}

impl Poll<'_> {
    /// Waits until the poll is to be answered with nothing, because of a probe.
    pub(super) async fn released(&self) {
        let released = self.session.probed.notified();
        if self.probing {
            timeout(PROBE_HOLD, released).await.ok();
        } else {
            released.await;
        }
    }

    /// Says that it has an answer. Returns false when that comes too late: the client has upgraded.
    pub(super) fn answered(mut self) -> bool {
        self.answered = true;
        !self.probing || self.session.transport() == Transport::Polling
    }
}

impl Drop for Poll<'_> {
    /// Ends the session when nobody waits for the answer any more: what it would have held would be lost.
    fn drop(&mut self) {
        self.session.state().polled = false;
        if !self.answered {
            self.session.end(DisconnectReason::ConnectionLost);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.sessions().forget(self.token);
        }
    }
}

/// The open sessions by their tokens.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Sid, Weak<Session>>>);

impl Sessions {
    pub(super) fn remember(&self, session: &Arc<Session>) {
        self.map().insert(session.token, Arc::downgrade(session));
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        let token: Sid = token.parse().ok()?;
        self.map().get(&token)?.upgrade()
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.map().values().filter_map(Weak::upgrade).collect()
    }

    fn forget(&self, token: Sid) {
        self.map().remove(&token);
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Sid, Weak<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
