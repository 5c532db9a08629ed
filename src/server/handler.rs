//! Ties an application to socketioxide, without spawning anything.
//!
//! socketioxide runs each handler that is an `async` function as its own task, and so lets one event overtake another.
//! Its handler traits are public, though: these run what they have to do at once, in the order of the packets.

use std::fmt::Display;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::{ConnectHandler, DisconnectHandler, FromMessageParts, MessageHandler, Value};
use socketioxide::socket::{DisconnectReason, Socket};
use socketioxide::{SendError, SocketError};

use crate::server::args::Incoming;
use crate::server::session::Session;

/// What a namespace does for its clients.
pub(super) trait Application: Clone + Send + Sync + 'static {
    /// Is called when a client has joined; `auth` is the JSON object it came with.
    fn greet(&self, client: &Client<'_>, auth: &RawValue);

    /// Is called for each event, in order.
    fn receive(&self, client: &Client<'_>, event: &Incoming<'_>, ack: Ack);
}

/// A client in a namespace.
pub(super) struct Client<'a> {
    pub(super) socket: &'a Arc<Socket>,
    pub(super) session: &'a Arc<Session>,
    namespace: &'static str,
}

impl Client<'_> {
    /// Emits to this client.
    pub(super) fn emit<T: Serialize + ?Sized>(&self, event: &str, data: &T) {
        self.emit_to(self.socket, event, data);
    }

    /// Emits to a client of the same namespace. One whose queue is full is cut off, since it would miss the event.
    pub(super) fn emit_to<T: Serialize + ?Sized>(&self, socket: &Socket, event: &str, data: &T) {
        self.check(socket, &socket.emit(event, data));
    }

    fn check(&self, socket: &Socket, sent: &Result<(), SendError>) {
        if let Err(SendError::Socket(SocketError::InternalChannelFull)) = sent
            && let Some(session) = Session::of(socket)
        {
            session.overflow(self.namespace);
        }
    }
}

/// The acknowledgement that an event asked for, if it did.
pub(super) struct Ack(Option<AckSender>);

impl Ack {
    /// Acknowledges with `data`, or emits it as `event` when no acknowledgement is asked for.
    pub(super) fn send_or_emit<T: Serialize + ?Sized>(self, client: &Client<'_>, event: &str, data: &T) {
        if self.0.is_some() {
            self.send(client, data);
        } else {
            client.emit(event, data);
        }
    }

    /// Acknowledges, if asked to.
    pub(super) fn send<T: Serialize + ?Sized>(self, client: &Client<'_>, data: &T) {
        if let Some(sender) = self.0 {
            client.check(client.socket, &sender.send(data));
        }
    }
}

/// An application in its namespace.
#[derive(Debug, Clone)]
pub(super) struct Namespace<A> {
    name: &'static str,
    app: A,
}

impl<A: Application> Namespace<A> {
    pub(super) fn new(name: &'static str, app: A) -> Self {
        Self { name, app }
    }

    fn client<'a>(&self, socket: &'a Arc<Socket>) -> Option<Client<'a>> {
        Some(Client { socket, session: Session::of(socket)?, namespace: self.name })
    }

    fn receive(&self, client: &Client<'_>, mut value: Value, ack_id: Option<i64>) {
        let Ok(sender) = AckSender::from_message_parts(client.socket, &mut value, &ack_id);
        match Incoming::read(&value) {
            Some(event) => self.app.receive(client, &event, Ack(ack_id.map(|_| sender))),
            None => client.session.reject(),
        }
    }
}

/// Tells these implementations of socketioxide's traits from those for functions.
#[derive(Debug)]
pub(super) struct Direct;

impl<A: Application> ConnectHandler<LocalAdapter, Direct> for Namespace<A> {
    fn call(&self, socket: Arc<Socket>, auth: Option<Value>) {
        let Some(client) = self.client(&socket) else { return };
        if !client.session.joined(self.name) {
            return;
        }
        if let Some(auth) = read_auth(auth.as_ref()) {
            self.app.greet(&client, auth);
        }
        while let Some((value, ack_id)) = client.session.next_early(self.name) {
            self.receive(&client, value, ack_id);
        }
    }

    /// Listens before the client is told that it is connected: its first event may be here at once.
    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>> {
        let Some(session) = Session::of(&socket) else {
            return Box::pin(ready(Err(Box::new("no session") as _)));
        };
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

impl<A: Application> MessageHandler<LocalAdapter, Direct> for Namespace<A> {
    fn call(&self, socket: Arc<Socket>, value: Value, ack_id: Option<i64>) {
        let Some(client) = self.client(&socket) else { return };
        if let Some((value, ack_id)) = client.session.keep_early(self.name, (value, ack_id)) {
            self.receive(&client, value, ack_id);
        }
    }
}

impl<A: Application> DisconnectHandler<LocalAdapter, Direct> for Namespace<A> {
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
