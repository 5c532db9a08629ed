//! Socket.IO: namespaces, rooms, events and acknowledgements, in the order of the packets.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::body::Bytes;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParseError};
use socketioxide_core::{Sid, Str, Value};
use socketioxide_parser_common::CommonParser;

use crate::net::server::args::Event;
use crate::net::server::event::{self, DisconnectReason, Observer};
use crate::net::server::queue::{Item, Message};
use crate::net::server::session::{Pushed, Session};

/// The most attachments of one event.
const MAX_ATTACHMENTS: usize = 1000;

/// The most rooms of all clients together, each counted for each client in it.
const MAX_MEMBERSHIPS: usize = 65_536;

/// The application in a namespace.
pub(super) trait Application: Send + Sync + 'static {
    /// Is called when a client has joined; `auth` is the JSON object it came with.
    fn greet(&self, client: &Client<'_>, auth: &RawValue);

    /// Is called for each event, in order.
    fn receive(&self, client: &Client<'_>, event: &Event<'_>, ack: Ack);
}

/// The payload of an Engine.IO message.
pub(super) enum Incoming {
    Text(Str),
    Binary(Bytes),
}

/// Socket.IO for one server.
pub(super) struct SocketIo {
    app: Box<dyn Application>,
    namespaces: Vec<Namespace>,
    parsing: ParseConfig,
    observer: Observer,
}

impl SocketIo {
    pub(super) fn new(
        app: Box<dyn Application>,
        names: &[&'static str],
        max_attachments_size: usize,
        observer: Observer,
    ) -> Self {
        let parsing = ParseConfig {
            max_incoming_binaries: MAX_ATTACHMENTS,
            max_incoming_binary_buf_size: max_attachments_size,
            ..ParseConfig::default()
        };
        Self { app, namespaces: names.iter().map(|name| Namespace::new(name)).collect(), parsing, observer }
    }

    /// Takes a message from a client. Returns those who were sent something and have little room left.
    ///
    /// # Errors
    ///
    /// The reason why the session is to be ended.
    pub(super) fn receive(&self, session: &Arc<Session>, incoming: Incoming) -> Result<Crowd, DisconnectReason> {
        let size = match &incoming {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(bytes) => bytes.len(),
        };
        let decoded = match incoming {
            Incoming::Text(text) => CommonParser.decode_str(&self.parsing, &session.parser, text),
            Incoming::Binary(bytes) => CommonParser.decode_bin(&self.parsing, &session.parser, bytes),
        };
        let packet = match decoded {
            Ok(packet) => packet,
            Err(ParseError::NeedsMoreBinaryData) => {
                session.hold_attachments(size + ATTACHMENT);
                return Ok(Crowd::default());
            }
            Err(ParseError::UnexpectedBinaryPacket) if !session.has_joined() => {
                return Err(DisconnectReason::OtherParser);
            }
            Err(ParseError::AttachmentsTooHeavy { .. } | ParseError::TooManyAttachments { .. }) => {
                return Err(DisconnectReason::TooLarge);
            }
            Err(_) => return Err(DisconnectReason::Malformed),
        };
        session.release_attachments();
        self.handle(session, packet)
    }

    fn handle(&self, session: &Arc<Session>, packet: Packet) -> Result<Crowd, DisconnectReason> {
        let namespace = self.namespaces.iter().find(|namespace| packet.ns == namespace.name);
        if let PacketData::Connect(auth) = packet.inner {
            return match namespace {
                Some(namespace) => self.connect(session, namespace, auth.as_ref()),
                None => Ok(self.refuse(session, packet.ns)),
            };
        }
        let namespace =
            namespace.filter(|namespace| session.is_in(namespace.name)).ok_or(DisconnectReason::Malformed)?;
        let client = Client::new(session, namespace);
        match packet.inner {
            PacketData::Event(value, ack) | PacketData::BinaryEvent(value, ack) => {
                let event = Event::read(&value).ok_or(DisconnectReason::Malformed)?;
                self.app.receive(&client, &event, Ack(ack));
            }
            PacketData::Disconnect => self.leave(session, namespace, DisconnectReason::ClientLeft),
            // None was asked for, so it acknowledges nothing.
            PacketData::EventAck(value, _) | PacketData::BinaryAck(value, _) if is_array(&value) => {}
            _ => return Err(DisconnectReason::Malformed),
        }
        Ok(client.crowd.into_inner())
    }

    fn connect(
        &self,
        session: &Arc<Session>,
        namespace: &Namespace,
        auth: Option<&Value>,
    ) -> Result<Crowd, DisconnectReason> {
        let auth = read_auth(auth).ok_or(DisconnectReason::Malformed)?;
        let announce = |client| (self.observer)(&event::Event::Connected(client));
        if !session.join(namespace.name, announce) {
            return Err(DisconnectReason::Malformed);
        }
        let client = Client::new(session, namespace);
        let connected = Value::Str(format!("{{\"sid\":\"{}\"}}", session.id()).into(), None);
        client.send(Packet::connect(namespace.name, Some(connected)));
        namespace.members_mut().clients.insert(session.id(), Member::new(session));
        if session.ended().is_some() {
            // What ended it may have come before it was a member.
            namespace.forget(session);
        }
        self.app.greet(&client, auth);
        Ok(client.crowd.into_inner())
    }

    /// Tells a client that there is no such namespace.
    fn refuse(&self, session: &Arc<Session>, namespace: Str) -> Crowd {
        let peer = session.address();
        (self.observer)(&event::Event::UnknownNamespace { peer, namespace: namespace.to_string() });
        let crowd = RefCell::new(Crowd::default());
        let refusal = CommonParser.encode(Packet::connect_error(namespace, "Invalid namespace"));
        push(session, &Message::new(refusal, session.share()), &crowd);
        crowd.into_inner()
    }

    fn leave(&self, session: &Arc<Session>, namespace: &Namespace, reason: DisconnectReason) {
        let client = session.client(namespace.name);
        if session.leave(namespace.name) {
            namespace.forget(session);
            (self.observer)(&event::Event::Disconnected(client, reason));
        }
    }

    /// Takes a session that has ended out of the namespaces that it was in.
    pub(super) fn forget(&self, session: &Arc<Session>, joined: &[&'static str], reason: DisconnectReason) {
        for namespace in self.namespaces.iter().filter(|namespace| joined.contains(&namespace.name)) {
            namespace.forget(session);
            (self.observer)(&event::Event::Disconnected(session.client(namespace.name), reason));
        }
    }
}

/// Memory of an attachment beside its bytes.
const ATTACHMENT: usize = 64;

/// Reads the `auth` of a CONNECT: an object, or nothing, which stands for an empty object.
fn read_auth(auth: Option<&Value>) -> Option<&RawValue> {
    let text = match auth {
        None => "{}",
        Some(Value::Str(text, _)) => text,
        Some(Value::Bytes(_)) => return None,
    };
    serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'))
}

fn is_array(value: &Value) -> bool {
    value.as_str().is_some_and(|text| serde_json::from_str::<Vec<IgnoredAny>>(text).is_ok())
}

/// Those to whom a client's message went and whose queues are filling.
#[derive(Default)]
pub(super) struct Crowd {
    /// They have little room left.
    pub(super) crowded: Vec<Arc<Session>>,
    /// They have none, and miss the message.
    pub(super) full: Vec<Arc<Session>>,
}

fn push(session: &Arc<Session>, message: &Arc<Message>, crowd: &RefCell<Crowd>) {
    match session.push(Item::Message(Arc::clone(message))) {
        Pushed::Queued | Pushed::Ended => {}
        Pushed::Crowded => crowd.borrow_mut().crowded.push(Arc::clone(session)),
        Pushed::Full => crowd.borrow_mut().full.push(Arc::clone(session)),
    }
}

/// A client in a namespace whose packet is being handled.
pub(super) struct Client<'a> {
    pub(super) session: &'a Arc<Session>,
    namespace: &'a Namespace,
    crowd: RefCell<Crowd>,
}

impl<'a> Client<'a> {
    fn new(session: &'a Arc<Session>, namespace: &'a Namespace) -> Self {
        Self { session, namespace, crowd: RefCell::default() }
    }

    /// Emits to this client.
    pub(super) fn emit(&self, event: Value) {
        self.send(Packet::event(self.namespace.name, event));
    }

    /// Emits to all in the namespace, this client among them. Returns how many there are.
    pub(super) fn emit_to_all(&self, event: Value) -> usize {
        let message = self.message(Packet::event(self.namespace.name, event));
        let members = self.namespace.members();
        for member in members.clients.values() {
            push(&member.session, &message, &self.crowd);
        }
        members.clients.len()
    }

    /// Emits to all in a room, whether this client is among them or not. Returns how many there are.
    pub(super) fn emit_to_room(&self, room: &str, event: Value) -> usize {
        let message = self.message(Packet::event(self.namespace.name, event));
        let members = self.namespace.members();
        let Some(room) = members.rooms.get(room) else { return 0 };
        for member in room.iter().filter_map(|id| members.clients.get(id)) {
            push(&member.session, &message, &self.crowd);
        }
        room.len()
    }

    /// Puts the client into a room, unless the client is in too many. Returns true if the client is in the room.
    pub(super) fn join(&self, room: &str, max_rooms: usize) -> bool {
        self.namespace.members_mut().join(self.session.id(), room, max_rooms)
    }

    pub(super) fn leave(&self, room: &str) {
        self.namespace.members_mut().leave(self.session.id(), room);
    }

    fn send(&self, packet: Packet) {
        push(self.session, &self.message(packet), &self.crowd);
    }

    /// Encodes a packet, once for all receivers.
    fn message(&self, packet: Packet) -> Arc<Message> {
        Message::new(CommonParser.encode(packet), self.session.share())
    }
}

/// The acknowledgement that an event asked for, if any.
pub(super) struct Ack(Option<i64>);

impl Ack {
    pub(super) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Acknowledges, if asked to.
    pub(super) fn send(self, client: &Client<'_>, arguments: Value) {
        if let Some(number) = self.0 {
            client.send(Packet::ack(client.namespace.name, arguments, number));
        }
    }
}

/// The clients of a namespace.
struct Namespace {
    name: &'static str,
    members: RwLock<Members>,
}

#[derive(Default)]
struct Members {
    clients: HashMap<Sid, Member>,
    rooms: HashMap<String, HashSet<Sid>>,
    /// The rooms of all clients together, each counted for each client in it.
    memberships: usize,
}

struct Member {
    session: Arc<Session>,
    rooms: HashSet<String>,
}

impl Member {
    fn new(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session), rooms: HashSet::new() }
    }
}

impl Namespace {
    fn new(name: &'static str) -> Self {
        Self { name, members: RwLock::default() }
    }

    fn forget(&self, session: &Session) {
        let mut members = self.members_mut();
        let Some(member) = members.clients.remove(&session.id()) else { return };
        for room in member.rooms {
            members.leave(session.id(), &room);
        }
    }

    fn members(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn members_mut(&self) -> RwLockWriteGuard<'_, Members> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn join(&mut self, id: Sid, room: &str, max_rooms: usize) -> bool {
        let Some(member) = self.clients.get_mut(&id) else { return false };
        if member.rooms.contains(room) {
            return true;
        }
        if member.rooms.len() >= max_rooms || self.memberships >= MAX_MEMBERSHIPS {
            return false;
        }
        member.rooms.insert(room.to_owned());
        self.memberships += 1;
        self.rooms.entry(room.to_owned()).or_default().insert(id);
        true
    }

    fn leave(&mut self, id: Sid, room: &str) {
        if let Some(member) = self.clients.get_mut(&id) {
            member.rooms.remove(room);
        }
        if let Some(members) = self.rooms.get_mut(room) {
            self.memberships -= usize::from(members.remove(&id));
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::server::Limits;
    use crate::net::server::budget::Budget;
    use crate::net::server::event::Transport;
    use crate::net::server::peer::Peer;

    fn session() -> Arc<Session> {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let peer = Peer::new(address, None, None);
        let admission = Budget::new(Limits::default()).share(address.ip()).admit().unwrap();
        Arc::new(Session::new(admission, peer, Transport::Polling, 1000))
    }

    #[test]
    fn rooms_of_all_clients_together_have_a_limit() {
        let namespace = Namespace::new("/");
        let (ann, ben) = (session(), session());
        for session in [&ann, &ben] {
            namespace.members_mut().clients.insert(session.id(), Member::new(session));
        }
        let join = |session: &Session, room: &str| namespace.members_mut().join(session.id(), room, usize::MAX);
        assert!((0..MAX_MEMBERSHIPS).all(|room| join(&ann, &room.to_string())));
        assert!(join(&ann, "7"), "again");
        assert!(!join(&ben, "7"));
        namespace.members_mut().leave(ann.id(), "8");
        namespace.members_mut().leave(ann.id(), "8");
        assert!(join(&ben, "7"));
        assert!(!join(&ben, "9"));
        namespace.forget(&ann);
        assert_eq!(namespace.members().memberships, 1);
        namespace.forget(&ben);
        assert_eq!(namespace.members().memberships, 0);
        assert!(namespace.members().rooms.is_empty());
    }
}
