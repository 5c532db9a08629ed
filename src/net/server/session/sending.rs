//! Packets for the client: the queue, and the transport that empties it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Session;
use crate::net::server::event::DisconnectReason;
use crate::net::server::queue::Item;

/// The result of adding to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::net::server) enum Pushed {
    Queued,
    /// The message is in the queue, and the sender should wait before the next.
    Crowded,
    /// The message is not in the queue.
    Full,
    /// The session has ended.
    Ended,
}

/// The next thing to do for a transport.
pub(in crate::net::server) enum Next {
    Send(Vec<Item>),
    /// The session has ended for this reason, and all that was to be sent before has been.
    End(DisconnectReason),
    /// The connection is to be dropped at once.
    Cut,
}

impl Session {
    /// Adds a message for the client.
    pub(in crate::net::server) fn push(&self, item: Item) -> Pushed {
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
    pub(in crate::net::server) fn is_crowded(&self) -> bool {
        let state = self.state();
        state.ended.is_none() && state.queue.size() > self.max_queue / 2
    }

    /// Takes items of about so many bytes to send, or the news that the session has ended.
    pub(in crate::net::server) fn poll_next(&self, cx: &Context<'_>, max: usize) -> Poll<Next> {
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

    /// Registers a transport that is busy sending for news. Returns true for one that has to be dropped.
    pub(in crate::net::server) fn poll_cut(&self, cx: &Context<'_>) -> bool {
        self.transport.register(cx.waker());
        self.state().is_cut
    }

    pub(in crate::net::server) fn set_in_hand(&self, bytes: usize) {
        self.in_hand.store(bytes, Ordering::Relaxed);
    }

    /// The bytes held for this session, and since when.
    pub(in crate::net::server) fn held(&self) -> (usize, Option<Instant>) {
        let state = self.state();
        let unfinished = state.unfinished.as_ref();
        let bytes = state.queue.size() + unfinished.map_or(0, |unfinished| unfinished.charge.bytes());
        let since = [state.waiting_since, unfinished.map(|unfinished| unfinished.since)].into_iter().flatten().min();
        (bytes + self.in_hand.load(Ordering::Relaxed), since)
    }
}

/// Waits for a while, or until all have room again.
pub(in crate::net::server) async fn wait_for_room(crowd: Vec<Arc<Session>>, patience: Duration) {
    let drained = async {
        for session in crowd {
            let mut drained = Box::pin(session.drained.notified());
            drained.as_mut().enable();
            while session.is_crowded() {
                drained.as_mut().await;
                drained.set(session.drained.notified());
                drained.as_mut().enable();
            }
        }
    };
    tokio::select! {
        () = drained => {}
        () = sleep(patience) => {}
    }
}
