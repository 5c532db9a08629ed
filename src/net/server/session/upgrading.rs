//! The way from polling to a WebSocket.

use super::Session;
use crate::net::server::event::Transport;
use crate::net::server::peer::Peer;

impl Session {
    /// Starts a probe for an upgrade, unless one is under way or done.
    pub(in crate::net::server) fn start_probe(&self) -> bool {
        let mut state = self.state();
        let free = state.transport == Transport::Polling && !state.probing && state.ended.is_none();
        state.probing |= free;
        free
    }

    pub(in crate::net::server) fn give_up_probe(&self) {
        self.state().probing = false;
    }

    /// Moves the session to the WebSocket that was probed. Returns the namespaces it is in.
    pub(in crate::net::server) fn upgrade(&self, peer: Peer) -> Vec<&'static str> {
        let mut state = self.state();
        (state.probing, state.transport, state.peer) = (false, Transport::WebSocket, peer);
        self.probed.notify_waiters();
        state.joined.clone()
    }

    /// Begins a poll. Returns whether a WebSocket is being probed; nothing if another poll is under way.
    pub(in crate::net::server) fn start_poll(&self) -> Option<bool> {
        let mut state = self.state();
        (!std::mem::replace(&mut state.polling, true)).then_some(state.probing)
    }

    pub(in crate::net::server) fn end_poll(&self) {
        self.state().polling = false;
    }

    pub(in crate::net::server) fn is_polled(&self) -> bool {
        self.state().polling
    }
}
