//! What [the protocol's test suite](https://github.com/socketio/socket.io-protocol#test-suite) expects of a server, in
//! the namespaces `/` and `/custom`.
//!
//! A client is sent `auth` with what it came with. `message` is answered by `message-back`, and `message-with-ack`
//! acknowledged, with the same arguments.

use serde_json::value::RawValue;

use crate::server::args::{self, Event};
use crate::server::namespace::{Ack, Application, Client};

/// The application for the test suite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conformance;

impl Application for Conformance {
    fn greet(&self, client: &Client<'_>, auth: &RawValue) {
        client.emit(args::event("auth", auth.get()));
    }

    fn receive(&self, client: &Client<'_>, event: &Event<'_>, ack: Ack) {
        match &*event.name {
            "message" => client.emit(event.renamed("message-back")),
            "message-with-ack" => ack.send(client, event.arguments()),
            _ => {}
        }
    }
}
