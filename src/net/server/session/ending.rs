//! The end of a session.

use std::pin::pin;

use super::Session;
use crate::net::server::event::DisconnectReason;

impl Session {
    /// Ends the session. Returns the namespaces that the client was in; nothing if it had ended before.
    pub(in crate::net::server) fn end(&self, reason: DisconnectReason) -> Option<Vec<&'static str>> {
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
    pub(in crate::net::server) fn cut(&self) {
        let mut state = self.state();
        state.is_cut = true;
        state.queue.clear();
        drop(state);
        self.news();
    }

    /// Says whether a WebSocket carries the session's packets.
    pub(in crate::net::server) fn set_websocket(&self, is_open: bool) {
        self.state().has_websocket = is_open;
        if !is_open {
            self.closed.notify_waiters();
        }
    }

    /// Waits until the client has been sent the end.
    pub(in crate::net::server) async fn gone(&self) {
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
    pub(in crate::net::server) async fn until_ended(&self) {
        loop {
            let mut news = pin!(self.drained.notified());
            news.as_mut().enable();
            if self.ended().is_some() {
                return;
            }
            news.await;
        }
    }

    pub(in crate::net::server) fn ended(&self) -> Option<DisconnectReason> {
        self.state().ended
    }

    fn news(&self) {
        self.transport.wake();
        self.drained.notify_waiters();
        self.changed.notify_one();
    }
}
