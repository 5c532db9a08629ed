//! Messages that wait to be published, bounded by bytes. While Redis is away, messages are counted as missed.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::net::server::budget::Charge;

/// The bytes that may wait.
const MAX: usize = 8 << 20;

/// The bytes, and the messages, that are sent at a time.
const BATCH: usize = 256 * 1024;
const BATCH_MESSAGES: usize = 256;

/// Memory of a message beside its content.
const OVERHEAD: usize = 128;

/// A message on its way to Redis.
pub(super) struct Outgoing {
    pub(super) channel: String,
    pub(super) content: Vec<u8>,
    /// Held for the client that sent it, if one did.
    pub(super) _charge: Option<Charge>,
}

impl Outgoing {
    fn size(&self) -> usize {
        self.channel.len() + self.content.len() + OVERHEAD
    }
}

/// The queue of one server.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    news: Notify,
    drained: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Outgoing>,
    bytes: usize,
    is_open: bool,
    missed: u64,
}

impl Outbox {
    /// True if messages get out.
    pub(super) fn is_open(&self) -> bool {
        self.state().is_open
    }

    /// Counts a message that does not get out.
    pub(super) fn miss(&self) {
        self.state().missed += 1;
    }

    /// Adds a message, or counts it as missed. Returns true if so much waits that its sender had better wait.
    pub(super) fn push(&self, message: Outgoing) -> bool {
        let mut state = self.state();
        let bytes = state.bytes + message.size();
        if !state.is_open || (bytes > MAX && !state.waiting.is_empty()) {
            state.missed += 1;
            return state.is_open;
        }
        state.bytes = bytes;
        state.waiting.push_back(message);
        let is_crowded = bytes > MAX / 2;
        drop(state);
        self.news.notify_one();
        is_crowded
    }

    /// Waits for messages, and takes some.
    pub(super) async fn next(&self) -> Vec<Outgoing> {
        loop {
            let news = self.news.notified();
            let taken = self.take();
            if !taken.is_empty() {
                return taken;
            }
            news.await;
        }
    }

    fn take(&self) -> Vec<Outgoing> {
        let mut state = self.state();
        let was_crowded = state.bytes > MAX / 2;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH
            && taken.len() < BATCH_MESSAGES
            && let Some(message) = state.waiting.pop_front()
        {
            bytes += message.size();
            taken.push(message);
        }
        state.bytes -= bytes;
        if was_crowded && state.bytes <= MAX / 2 {
            self.drained.notify_waiters();
        }
        if !state.waiting.is_empty() {
            self.news.notify_one();
        }
        taken
    }

    /// Waits for room, for a while at most.
    pub(super) async fn wait_for_room(&self, patience: Duration) {
        let mut drained = pin!(self.drained.notified());
        drained.as_mut().enable();
        if self.state().bytes > MAX / 2 {
            timeout(patience, drained).await.ok();
        }
    }

    /// Lets messages out from now on. Returns how many were missed before.
    pub(super) fn open(&self) -> u64 {
        let mut state = self.state();
        state.is_open = true;
        std::mem::take(&mut state.missed)
    }

    /// Lets none out from now on; those that wait, and these many, are missed.
    pub(super) fn close(&self, lost: usize) {
        let mut state = self.state();
        let waiting = std::mem::take(&mut state.waiting);
        (state.is_open, state.bytes) = (false, 0);
        state.missed += (waiting.len() + lost) as u64;
        drop(state);
        self.drained.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Outgoing {
        Outgoing { channel: String::new(), content: vec![0; length], _charge: None }
    }

    #[tokio::test]
    async fn what_does_not_get_out_is_counted_and_order_is_kept() {
        let outbox = Outbox::default();
        assert!(!outbox.push(message(1)));
        assert_eq!(outbox.open(), 1);
        for length in 0..10 {
            assert!(!outbox.push(message(length)));
        }
        let lengths: Vec<_> = outbox.next().await.iter().map(|message| message.content.len()).collect();
        assert_eq!(lengths, (0..10).collect::<Vec<_>>());
        assert!(outbox.push(message(MAX / 2)));
        assert!(outbox.push(message(MAX)), "over the limit");
        outbox.wait_for_room(Duration::from_millis(10)).await;
        outbox.close(3);
        assert_eq!(outbox.open(), 1 + 1 + 3);
    }
}
