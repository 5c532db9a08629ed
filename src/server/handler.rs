//! Ties an application to socketioxide, without spawning anything.
//!
//! socketioxide runs each handler that is an `async` function as its own task, and so lets one event overtake another.
//! Its handler traits are public, though: these run what they have to do at once, in the order of the packets.

use std::fmt::Display;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use serde_json::value::RawValue;
use socketioxide::handler::{ConnectHandler, DisconnectHandler, MessageHandler};
use socketioxide::socket::DisconnectReason;
use socketioxide_core::packet::Packet;
use socketioxide_core::{Sid, Value};

use crate::server::args::Event;
use crate::server::relay::{Place, Relay, Socket};
use crate::server::session::Session;

/// What a namespace does for its clients.
pub(super) trait Application: Clone + Send + Sync + 'static {
    /// Is called when a client has joined; `auth` is the JSON object it came with.
    fn greet(&self, client: &Client<'_>, auth: &RawValue);

    /// Is called for each event, in order.
    fn receive(&self, client: &Client<'_>, event: &Event<'_>, ack: Ack);
}

/// A client in a namespace.
pub(super) struct Client<'a> {
    pub(super) socket: &'a Arc<Socket>,
    pub(super) session: &'a Arc<Session>,
    namespace: &'static str,
    relay: Arc<Relay>,
}

impl Client<'_> {
    /// Emits to this client.
    pub(super) fn emit(&self, event: Value) {
        self.send(self.socket.id, self.packet(event));
    }

    /// Emits to all in the namespace, this client among them. Returns how many there are.
    pub(super) fn emit_to_all(&self, event: Value) -> usize {
        self.send_to(&self.relay.everyone(), &self.packet(event))
    }

    /// Emits to all in a room, whether this client is among them or not. Returns how many there are.
    pub(super) fn emit_to_room(&self, room: String, event: Value) -> usize {
        self.send_to(&self.relay.room(room), &self.packet(event))
    }

    fn packet(&self, event: Value) -> Packet {
        Packet::event(self.namespace, event)
    }

    fn send_to(&self, clients: &[Sid], packet: &Packet) -> usize {
        for client in clients {
            self.send(*client, packet.clone());
        }
        clients.len()
    }

    /// Sends to a client of the namespace. One whose queue is full is cut off, for it misses the packet.
    fn send(&self, client: Sid, packet: Packet) {
        if !self.relay.send(client, packet)
            && let Some(socket) = self.socket.broadcast().get_socket(client)
            && let Some(session) = Session::of(&socket)
        {
            session.overflow(self.namespace);
        }
    }
}

/// The acknowledgement that an event asked for, if it did.
pub(super) struct Ack(Option<i64>);

impl Ack {
    pub(super) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Acknowledges, if asked to.
    pub(super) fn send(self, client: &Client<'_>, arguments: Value) {
        if let Some(number) = self.0 {
            client.send(client.socket.id, Packet::ack(client.namespace, arguments, number));
        }
    }
}

/// An application in its namespace.
#[derive(Clone)]
pub(super) struct Namespace<A> {
    name: &'static str,
    app: A,
    place: Place,
}

impl<A: Application> Namespace<A> {
    pub(super) fn new(name: &'static str, app: A, place: Place) -> Self {
        Self { name, app, place }
    }

    fn client<'a>(&self, socket: &'a Arc<Socket>) -> Option<Client<'a>> {
        let relay = self.place.get().and_then(Weak::upgrade)?;
        Some(Client { socket, session: Session::of(socket)?, namespace: self.name, relay })
    }

    fn receive(&self, client: &Client<'_>, value: &Value, ack: Option<i64>) {
        match Event::read(value) {
            Some(event) => self.app.receive(client, &event, Ack(ack)),
            None => client.session.reject(),
        }
    }
}

/// Tells these implementations of socketioxide's traits from those for functions.
#[derive(Debug)]
pub(super) struct Direct;

impl<A: Application> ConnectHandler<Relay, Direct> for Namespace<A> {
    fn call(&self, socket: Arc<Socket>, auth: Option<Value>) {
        let Some(client) = self.client(&socket) else { return };
        if !client.session.joined(self.name) {
            return;
        }
        if let Some(auth) = read_auth(auth.as_ref()) {
            self.app.greet(&client, auth);
        }
        while let Some((value, ack)) = client.session.next_early(self.name) {
            self.receive(&client, &value, ack);
        }
    }

    /// Listens before the client is told that it is connected: its first event may be here at once.
    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>> {
        let Some(session) = Session::of(&socket) else { return Box::pin(ready(Err(Box::new("no session") as _))) };
        if read_auth(auth.as_ref()).is_none() {
            session.reject();
            return Box::pin(ready(Err(Box::new("invalid payload") as _)));
        }
        session.joining(self.name);
        socket.on_fallback(self.clone());
        socket.on_disconnect(self.clone());
        Box::pin(ready(Ok(())))
    }
}

impl<A: Application> MessageHandler<Relay, Direct> for Namespace<A> {
    fn call(&self, socket: Arc<Socket>, value: Value, ack: Option<i64>) {
        let Some(client) = self.client(&socket) else { return };
        if let Some((value, ack)) = client.session.keep_early(self.name, (value, ack)) {
            self.receive(&client, &value, ack);
        }
    }
}

impl<A: Application> DisconnectHandler<Relay, Direct> for Namespace<A> {
    fn call_with_defer(&self, socket: Arc<Socket>, reason: DisconnectReason, defer: fn(Arc<Socket>)) {
        defer(Arc::clone(&socket));
        if let Some(session) = Session::of(&socket) {
            session.left(self.name, reason.into());
        }
    }
}

/// Reads what a client sent with its wish to join: an object, or nothing, which is as good as an empty one.
fn read_auth(auth: Option<&Value>) -> Option<&RawValue> {
    let text = match auth {
        None => "{}",
        Some(Value::Str(text, _)) => text,
        Some(Value::Bytes(_)) => return None,
    };
    serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'))
}
