//! The demo application: what a client of `/` can do.
//!
//! | event | arguments | effect |
//! |---|---|---|
//! | `echo` | any | emitted back, or acknowledged with the arguments when that is asked for |
//! | `broadcast` | any | emitted to everyone in the namespace, the sender too |
//! | `join` | room | joins; acknowledged with `true`, or `false` for a name or a number of rooms beyond the limits |
//! | `leave` | room | leaves; acknowledged with `true` |
//! | `room` | room, any | emitted, the room's name included, to everyone who has joined the room |
//! | `tls` | none | acknowledged with what the server sees of this connection |
//!
//! `broadcast` and `room` are acknowledged with the number of clients they went to. As with Node's `io.to(room)`, one
//! does not have to be in a room to send to it, and gets its own message only when one is. Arguments travel as they
//! came, binary attachments included.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::extract::SocketRef;

use crate::report;
use crate::server::args::Incoming;
use crate::server::handler::{Ack, Application, Client};

/// What each client is told first, as the event `message`.
const WELCOME: &str = "Welcome to the secure server!";

/// The most rooms one client may be in.
const MAX_ROOMS: usize = 64;

/// The longest name of a room, in bytes.
const MAX_ROOM_NAME: usize = 128;

/// The demo application.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demo;

impl Application for Demo {
    fn greet(&self, client: &Client<'_>, _: &RawValue) {
        client.emit("message", WELCOME);
    }

    fn receive(&self, client: &Client<'_>, event: &Incoming<'_>, ack: Ack) {
        let room = || event.args.first_text().filter(|room| !room.is_empty()).map(std::borrow::Cow::into_owned);
        match &*event.name {
            "echo" => ack.send_or_emit(client, "echo", &event.args),
            "broadcast" => ack.send(client, &broadcast(client, event)),
            "join" => ack.send(client, &room().is_some_and(|room| join(client, room))),
            "leave" => ack.send(client, &room().is_some_and(|room| leave(client, room))),
            "room" => ack.send(client, &room().map_or(0, |room| send_to_room(client, room, event))),
            "tls" => ack.send_or_emit(client, "tls", &Seen::of(client)),
            _ => {}
        }
    }
}

fn broadcast(client: &Client<'_>, event: &Incoming<'_>) -> usize {
    let mut everyone = client.socket.broadcast().sockets();
    everyone.push(SocketRef::from(Arc::clone(client.socket)));
    emit_to_all(client, &everyone, event)
}

fn join(client: &Client<'_>, room: String) -> bool {
    let rooms = client.socket.rooms();
    let allowed = room.len() <= MAX_ROOM_NAME && (rooms.len() < MAX_ROOMS || rooms.contains(&room.as_str().into()));
    if allowed {
        client.socket.join(room);
    }
    allowed
}

fn leave(client: &Client<'_>, room: String) -> bool {
    client.socket.leave(room);
    true
}

fn send_to_room(client: &Client<'_>, room: String, event: &Incoming<'_>) -> usize {
    emit_to_all(client, &client.socket.within(room).sockets(), event)
}

fn emit_to_all(client: &Client<'_>, sockets: &[SocketRef], event: &Incoming<'_>) -> usize {
    for socket in sockets {
        client.emit_to(socket, &event.name, &event.args);
    }
    sockets.len()
}

/// What the server sees of a client's connection.
#[derive(Serialize)]
struct Seen {
    #[serde(flatten)]
    connection: report::Connection,
    transport: &'static str,
}

impl Seen {
    fn of(client: &Client<'_>) -> Self {
        Self { connection: client.session.connection(), transport: client.session.transport().name() }
    }
}
