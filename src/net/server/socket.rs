//! The demo application: the events of a client of `/`.
//!
//! | event | arguments | effect |
//! |---|---|---|
//! | `echo` | any | emitted back, or acknowledged with the arguments when that is asked for |
//! | `broadcast` | any | emitted to everyone in the namespace, the sender too |
//! | `join` | room | joins; acknowledged with `true`, or `false` for a name or a number of rooms beyond the limits |
//! | `leave` | room | leaves; acknowledged with `true` |
//! | `room` | room, any | emitted, the room's name included, to everyone who has joined the room |
//! | `sockets` | room, or none | acknowledged with the ids of the clients in the room, or in the namespace |
//! | `tls` | none | acknowledged with what the server sees of this connection |
//! | `whoami` | none | acknowledged with the client's address, its host, and whether it came securely |
//!
//! `broadcast` and `room` are acknowledged with the number of clients of this server that they went to. With `--redis`
//! they go to those of other servers, too, and `sockets` names those as well. As with Node's `io.to(room)`, one
//! does not have to be in a room to send to it, and gets its own message only when one is. Arguments travel as they
//! came, binary attachments included.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::judge::report;
use crate::net::server::args::{self, Event};
use crate::net::server::identity::Identity;
use crate::net::server::namespace::{Ack, Application, Client};

/// The first message to each client, as the event `message`; a JSON string.
const WELCOME: &str = "\"Welcome to the secure server!\"";

/// The most rooms one client may be in.
const MAX_ROOMS: usize = 64;

/// The longest name of a room, in bytes.
const MAX_ROOM_NAME: usize = 128;

/// The demo application.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demo;

impl Application for Demo {
    fn greet(&self, client: &Client<'_>, _: &RawValue) {
        client.emit(args::event("message", WELCOME));
    }

    fn receive(&self, client: &Client<'_>, event: &Event<'_>, ack: Ack) {
        let room = event.subject.as_deref().filter(|room| !room.is_empty());
        match &*event.name {
            "echo" if ack.is_wanted() => ack.send(client, event.arguments()),
            "echo" => client.emit(event.again()),
            "broadcast" => acknowledge(client, ack, &client.emit_to_all(event.again())),
            "join" => acknowledge(client, ack, &room.is_some_and(|room| join(client, room))),
            "leave" => acknowledge(client, ack, &room.is_some_and(|room| leave(client, room))),
            "room" => acknowledge(client, ack, &room.map_or(0, |room| client.emit_to_room(room, event.again()))),
            "sockets" => client.acknowledge_ids(room, ack),
            "tls" => acknowledge(client, ack, &Seen::of(client)),
            "whoami" => acknowledge(client, ack, &Whoami::of(client)),
            _ => {}
        }
    }
}

fn acknowledge(client: &Client<'_>, ack: Ack, result: &impl Serialize) {
    if let Ok(json) = serde_json::to_string(result) {
        ack.send(client, args::acknowledgement(&json));
    }
}

fn join(client: &Client<'_>, room: &str) -> bool {
    room.len() <= MAX_ROOM_NAME && client.join(room, MAX_ROOMS)
}

fn leave(client: &Client<'_>, room: &str) -> bool {
    client.leave(room);
    true
}

/// The TLS of the connection, if TLS ends at this server.
#[derive(Serialize)]
struct Seen {
    #[serde(flatten)]
    connection: Option<report::Connection>,
    transport: &'static str,
}

impl Seen {
    fn of(client: &Client<'_>) -> Self {
        Self { connection: client.session.peer().report(), transport: client.session.transport().name() }
    }
}

/// The client, as far as believed.
#[derive(Serialize)]
struct Whoami {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The trusted proxy in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<String>,
    secure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    transport: &'static str,
    /// Absent if TLS ends in front of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<report::Connection>,
    /// Absent if the client has shown none to this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<Identity>,
}

impl Whoami {
    fn of(client: &Client<'_>) -> Self {
        let peer = client.session.peer();
        Self {
            address: peer.address.ip().to_canonical().to_string(),
            port: Some(peer.address.port()).filter(|port| *port != 0),
            through: peer.through.map(|through| through.ip().to_canonical().to_string()),
            secure: peer.is_secure,
            host: peer.host.as_deref().map(str::to_owned),
            transport: client.session.transport().name(),
            tls: peer.report(),
            client_certificate: peer.identity.as_deref().cloned(),
        }
    }
}
