//! Engine.IO sessions: the transport in use, the packets that wait for the client, and the memory held for it.

mod ending;
mod receiving;
mod sending;
mod upgrading;

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::task::AtomicWaker;
use socketioxide_core::Sid;
use socketioxide_core::parser::ParserState;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::receiving::Unfinished;
pub(super) use self::sending::{Next, Pushed, wait_for_room};
use crate::net::server::budget::{Admission, Share};
use crate::net::server::event::{Client, DisconnectReason, Transport};
use crate::net::server::peer::Peer;
use crate::net::server::queue::Queue;

/// The version of Engine.IO that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Four,
    /// That of Socket.IO 2; whether payloads may hold bytes as they are.
    Three {
        takes_bytes: bool,
    },
}

impl Protocol {
    pub(super) fn is_three(self) -> bool {
        matches!(self, Self::Three { .. })
    }
}

/// One Engine.IO session.
pub(super) struct Session {
    /// The id that the client was given, which opens the session to whoever knows that id.
    sid: Sid,
    /// The Socket.IO id, which others may be shown.
    id: Sid,
    protocol: Protocol,
    max_queue: usize,
    admission: Admission,
    state: Mutex<State>,
    /// The size of the messages that its transport is sending now.
    in_hand: AtomicUsize,
    /// Wakes the one transport that sends: a WebSocket or a poll.
    transport: AtomicWaker,
    /// Wakes senders when this client has room again.
    pub(super) drained: Notify,
    /// Lets go of a pending poll during an upgrade.
    pub(super) probed: Notify,
    /// Tells the task that keeps the session's deadlines of a change.
    pub(super) changed: Notify,
    /// Wakes tasks that wait for the WebSocket to be closed.
    closed: Notify,
    /// The event whose attachments have not all come.
    pub(super) parser: ParserState,
}

#[expect(clippy::struct_excessive_bools, reason = "what goes on at the same time, each by itself")]
struct State {
    peer: Peer,
    transport: Transport,
    probing: bool,
    polling: bool,
    posting: bool,
    queue: Queue,
    /// The time since when something has been waiting in the queue.
    waiting_since: Option<Instant>,
    /// The bytes of a message, or of its attachments, that is not complete.
    unfinished: Option<Unfinished>,
    attachments: usize,
    /// The time of a ping that has not been answered.
    pinged: Option<Instant>,
    /// The messages since a time, within a second of it.
    messages: (usize, Instant),
    joined: Vec<&'static str>,
    has_joined: bool,
    ended: Option<DisconnectReason>,
    is_cut: bool,
    has_websocket: bool,
}

impl Session {
    pub(super) fn new(
        admission: Admission,
        peer: Peer,
        transport: Transport,
        protocol: Protocol,
        max_queue: usize,
    ) -> Self {
        let state = State {
            peer,
            transport,
            probing: false,
            polling: false,
            posting: false,
            queue: Queue::default(),
            waiting_since: None,
            unfinished: None,
            attachments: 0,
            pinged: None,
            messages: (0, Instant::now()),
            joined: Vec::new(),
            has_joined: false,
            ended: None,
            is_cut: false,
            has_websocket: false,
        };
        Self {
            sid: Sid::new(),
            id: Sid::new(),
            protocol,
            max_queue,
            admission,
            state: Mutex::new(state),
            in_hand: AtomicUsize::new(0),
            transport: AtomicWaker::new(),
            drained: Notify::new(),
            probed: Notify::new(),
            changed: Notify::new(),
            closed: Notify::new(),
            parser: ParserState::default(),
        }
    }

    pub(super) fn sid(&self) -> Sid {
        self.sid
    }

    pub(super) fn id(&self) -> Sid {
        self.id
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn share(&self) -> &Arc<Share> {
        self.admission.share()
    }

    pub(super) fn transport(&self) -> Transport {
        self.state().transport
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.state().peer.address
    }

    /// The other end of the connection in use.
    pub(super) fn peer(&self) -> Peer {
        self.state().peer.clone()
    }

    /// The client in the observer's form.
    pub(super) fn client(&self, namespace: &'static str) -> Client {
        self.client_in(&self.state(), namespace)
    }

    fn client_in(&self, state: &State, namespace: &'static str) -> Client {
        Client {
            id: self.id.to_string(),
            namespace,
            peer: state.peer.address,
            through: state.peer.through,
            is_secure: state.peer.is_secure,
            identity: state.peer.identity.clone(),
            transport: state.transport,
            connection: state.peer.report(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Namespaces.
impl Session {
    /// Says that the client joins a namespace, and announces it before anything can end the session. Returns false if
    /// the client is in it already, or gone.
    pub(super) fn join(&self, namespace: &'static str, announce: impl FnOnce(Client)) -> bool {
        let mut state = self.state();
        if state.ended.is_some() || state.joined.contains(&namespace) {
            return false;
        }
        state.joined.push(namespace);
        state.has_joined = true;
        announce(self.client_in(&state, namespace));
        true
    }

    /// Says that the client has left a namespace. Returns false for a client that was not there.
    pub(super) fn leave(&self, namespace: &'static str) -> bool {
        let mut state = self.state();
        let before = state.joined.len();
        state.joined.retain(|joined| *joined != namespace);
        state.joined.len() < before
    }

    pub(super) fn is_in(&self, namespace: &'static str) -> bool {
        self.state().joined.contains(&namespace)
    }

    /// True if the client has ever joined a namespace.
    pub(super) fn has_joined(&self) -> bool {
        self.state().has_joined
    }
}
