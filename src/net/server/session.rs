//! Engine.IO sessions: the transport in use, the packets that wait for the client, and the memory held for it.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use socketioxide_core::Sid;
use socketioxide_core::parser::ParserState;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::net::server::budget::{Admission, Charge, Share};
use crate::net::server::event::{Client, DisconnectReason, Transport};
use crate::net::server::peer::Peer;
use crate::net::server::queue::{Item, Queue};

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
    /// The id that the client was given. It opens the session to whoever knows it.
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

struct Unfinished {
    charge: Charge,
    since: Instant,
    transport: usize,
}

/// The result of adding to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// The message is in the queue, and the sender should wait before the next.
    Crowded,
    /// The message is not in the queue.
    Full,
    /// The session has ended.
    Ended,
}

/// The next thing to do for a transport.
pub(super) enum Next {
    Send(Vec<Item>),
    /// The session has ended for this reason, and all that was to be sent before has been.
    End(DisconnectReason),
    /// The connection is to be dropped at once.
    Cut,
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

/// Sending.
impl Session {
    /// Adds a message for the client.
    pub(super) fn push(&self, item: Item) -> Pushed {
        let mut state = self.state();
        if state.ended.is_some() {
            return Pushed::Ended;
        }
        if !state.queue.push(item, self.max_queue) {
            return Pushed::Full;
        }
        state.waiting_since.get_or_insert_with(Instant::now);
        let crowded = state.queue.size() > self.max_queue / 2;
        drop(state);
        self.transport.wake();
        if crowded { Pushed::Crowded } else { Pushed::Queued }
    }

    /// True if so much waits that nothing should be added.
    pub(super) fn is_crowded(&self) -> bool {
        let state = self.state();
        state.ended.is_none() && state.queue.size() > self.max_queue / 2
    }

    /// Takes items of about so many bytes to send, or the news that the session has ended.
    pub(super) fn poll_next(&self, cx: &Context<'_>, max: usize) -> Poll<Next> {
        self.transport.register(cx.waker());
        let mut state = self.state();
        if state.is_cut {
            return Poll::Ready(Next::Cut);
        }
        if state.queue.is_empty() {
            return state.ended.map_or(Poll::Pending, |reason| Poll::Ready(Next::End(reason)));
        }
        let was_crowded = state.queue.size() > self.max_queue / 2;
        let items = state.queue.take(max);
        if state.queue.is_empty() {
            state.waiting_since = None;
        }
        if was_crowded && state.queue.size() <= self.max_queue / 2 {
            self.drained.notify_waiters();
        }
        Poll::Ready(Next::Send(items))
    }

    /// Registers the transport for news while it is busy sending. Returns true if it is to be dropped.
    pub(super) fn poll_cut(&self, cx: &Context<'_>) -> bool {
        self.transport.register(cx.waker());
        self.state().is_cut
    }

    pub(super) fn set_in_hand(&self, bytes: usize) {
        self.in_hand.store(bytes, Ordering::Relaxed);
    }

    /// The bytes held for this session, and since when.
    pub(super) fn held(&self) -> (usize, Option<Instant>) {
        let state = self.state();
        let unfinished = state.unfinished.as_ref();
        let bytes = state.queue.size() + unfinished.map_or(0, |unfinished| unfinished.charge.bytes());
        let since = [state.waiting_since, unfinished.map(|unfinished| unfinished.since)].into_iter().flatten().min();
        (bytes + self.in_hand.load(Ordering::Relaxed), since)
    }
}

/// Receiving.
impl Session {
    /// Says how many bytes of an incomplete message or body the transport holds.
    pub(super) fn hold(&self, bytes: usize) {
        let mut state = self.state();
        let attachments = state.attachments;
        self.account(&mut state, bytes, attachments);
    }

    /// Says that so many bytes more are held of an event that lacks attachments.
    pub(super) fn hold_attachments(&self, bytes: usize) {
        let mut state = self.state();
        state.attachments += bytes;
        self.account_attachments(&mut state);
    }

    /// Says that an event is complete.
    pub(super) fn release_attachments(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.attachments) > 0 {
            self.account_attachments(&mut state);
        }
    }

    fn account_attachments(&self, state: &mut State) {
        let transport = state.unfinished.as_ref().map_or(0, |unfinished| unfinished.transport);
        self.account(state, transport, state.attachments);
    }

    fn account(&self, state: &mut State, transport: usize, attachments: usize) {
        let bytes = transport + attachments;
        if bytes == 0 || state.ended.is_some() {
            state.unfinished = None;
            return;
        }
        if let Some(unfinished) = &mut state.unfinished {
            unfinished.transport = transport;
            unfinished.charge.set(bytes);
            return;
        }
        state.unfinished = Some(Unfinished { charge: self.share().charge(bytes), since: Instant::now(), transport });
        self.changed.notify_one();
    }

    /// The time since when a message has been incomplete.
    pub(super) fn unfinished_since(&self) -> Option<Instant> {
        self.state().unfinished.as_ref().map(|unfinished| unfinished.since)
    }

    /// Begins to read a body. Returns false if another one is being read, which Node calls an overlap.
    pub(super) fn start_post(&self) -> bool {
        !std::mem::replace(&mut self.state().posting, true)
    }

    pub(super) fn end_post(&self) {
        self.state().posting = false;
    }

    /// Counts a message. Returns false if there are more in a second than there may be.
    pub(super) fn count_message(&self, max: usize) -> bool {
        if max == usize::MAX {
            return true;
        }
        let mut state = self.state();
        if state.messages.1.elapsed() >= Duration::from_secs(1) {
            state.messages = (0, Instant::now());
        }
        state.messages.0 += 1;
        state.messages.0 <= max
    }

    /// Says that a ping is on its way.
    pub(super) fn pinged(&self) {
        self.state().pinged = Some(Instant::now());
    }

    /// Says that the client is there. Returns the time since the ping that it has answered.
    pub(super) fn ponged(&self) -> Option<Duration> {
        let pinged = self.state().pinged.take()?;
        self.changed.notify_one();
        Some(pinged.elapsed())
    }

    pub(super) fn awaits_pong(&self) -> bool {
        self.state().pinged.is_some()
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

    /// Says that the client has left a namespace. Returns false if it was not in it.
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

/// Upgrades.
impl Session {
    /// Starts a probe for an upgrade, unless one is under way or done.
    pub(super) fn start_probe(&self) -> bool {
        let mut state = self.state();
        let free = state.transport == Transport::Polling && !state.probing && state.ended.is_none();
        state.probing |= free;
        free
    }

    pub(super) fn give_up_probe(&self) {
        self.state().probing = false;
    }

    /// Moves the session to the WebSocket that was probed. Returns the namespaces it is in.
    pub(super) fn upgrade(&self, peer: Peer) -> Vec<&'static str> {
        let mut state = self.state();
        (state.probing, state.transport, state.peer) = (false, Transport::WebSocket, peer);
        self.probed.notify_waiters();
        state.joined.clone()
    }

    /// Begins a poll. Returns whether a WebSocket is being probed; nothing if another poll is under way.
    pub(super) fn start_poll(&self) -> Option<bool> {
        let mut state = self.state();
        (!std::mem::replace(&mut state.polling, true)).then_some(state.probing)
    }

    pub(super) fn end_poll(&self) {
        self.state().polling = false;
    }

    pub(super) fn is_polled(&self) -> bool {
        self.state().polling
    }
}

/// The end.
impl Session {
    /// Ends the session. Returns the namespaces that the client was in; nothing if it had ended before.
    pub(super) fn end(&self, reason: DisconnectReason) -> Option<Vec<&'static str>> {
        let mut state = self.state();
        if state.ended.is_some() {
            return None;
        }
        state.ended = Some(reason);
        state.unfinished = None;
        match reason {
            // Its transport waits for a client that does not read.
            DisconnectReason::Overflowed | DisconnectReason::OverBudget => {
                state.is_cut = true;
                state.queue.clear();
            }
            DisconnectReason::ConnectionLost | DisconnectReason::ClientClosed => state.queue.clear(),
            _ => {}
        }
        let joined = std::mem::take(&mut state.joined);
        drop(state);
        self.news();
        Some(joined)
    }

    /// Drops the connection, whatever still waits.
    pub(super) fn cut(&self) {
        let mut state = self.state();
        state.is_cut = true;
        state.queue.clear();
        drop(state);
        self.news();
    }

    /// Says whether a WebSocket carries the session's packets.
    pub(super) fn set_websocket(&self, is_open: bool) {
        self.state().has_websocket = is_open;
        if !is_open {
            self.closed.notify_waiters();
        }
    }

    /// Waits until the client has been sent the end.
    pub(super) async fn gone(&self) {
        loop {
            let mut closed = pin!(self.closed.notified());
            closed.as_mut().enable();
            if !self.state().has_websocket {
                return;
            }
            closed.await;
        }
    }

    /// Waits until the session has ended.
    pub(super) async fn until_ended(&self) {
        loop {
            let mut news = pin!(self.drained.notified());
            news.as_mut().enable();
            if self.ended().is_some() {
                return;
            }
            news.await;
        }
    }

    pub(super) fn ended(&self) -> Option<DisconnectReason> {
        self.state().ended
    }

    fn news(&self) {
        self.transport.wake();
        self.drained.notify_waiters();
        self.changed.notify_one();
    }
}
