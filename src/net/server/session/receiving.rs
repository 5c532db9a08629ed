//! Packets from the client: what is incomplete, how many there are, and whether pings are answered.

use std::time::Duration;

use tokio::time::Instant;

use super::{Session, State};
use crate::net::server::budget::Charge;

/// The bytes of what is not complete.
pub(super) struct Unfinished {
    pub(super) charge: Charge,
    pub(super) since: Instant,
    transport: usize,
}

impl Session {
    /// Says how many bytes of an incomplete message or body the transport holds.
    pub(in crate::net::server) fn hold(&self, bytes: usize) {
        let mut state = self.state();
        let attachments = state.attachments;
        self.account(&mut state, bytes, attachments);
    }

    /// Says that so many bytes more are held of an event that lacks attachments.
    pub(in crate::net::server) fn hold_attachments(&self, bytes: usize) {
        let mut state = self.state();
        state.attachments += bytes;
        self.account_attachments(&mut state);
    }

    /// Says that an event is complete.
    pub(in crate::net::server) fn release_attachments(&self) {
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
    pub(in crate::net::server) fn unfinished_since(&self) -> Option<Instant> {
        self.state().unfinished.as_ref().map(|unfinished| unfinished.since)
    }

    /// Begins to read a body. Returns false if another one is being read, which Node calls an overlap.
    pub(in crate::net::server) fn start_post(&self) -> bool {
        !std::mem::replace(&mut self.state().posting, true)
    }

    pub(in crate::net::server) fn end_post(&self) {
        self.state().posting = false;
    }

    /// Counts a message. Returns false if there are more in a second than there may be.
    pub(in crate::net::server) fn count_message(&self, max: usize) -> bool {
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
    pub(in crate::net::server) fn pinged(&self) {
        self.state().pinged = Some(Instant::now());
    }

    /// Says that the client is there. Returns the time since the ping that it has answered.
    pub(in crate::net::server) fn ponged(&self) -> Option<Duration> {
        let pinged = self.state().pinged.take()?;
        self.changed.notify_one();
        Some(pinged.elapsed())
    }

    pub(in crate::net::server) fn awaits_pong(&self) -> bool {
        self.state().pinged.is_some()
    }
}
