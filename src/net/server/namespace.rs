//! Socket.IO: namespaces, rooms, events and acknowledgements, in the order of the packets.

mod members;
mod others;

use std::cell::RefCell;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{ParseConfig, ParseError};
use socketioxide_core::{Str, Value};

use self::members::{Member, Namespace};
pub(super) use self::others::Question;
use crate::net::server::args::Event;
use crate::net::server::event::{self, DisconnectReason, Observer};
pub(super) use crate::net::server::parser::Incoming;
use crate::net::server::parser::Parser;
use crate::net::server::queue::{Item, Message};
use crate::net::server::redis::Link;
use crate::net::server::session::{Pushed, Session};

/// The most attachments of one event.
const MAX_ATTACHMENTS: usize = 1000;

/// The application in a namespace.
pub(super) trait Application: Send + Sync + 'static {
    /// Is called when a client has joined; `auth` is the JSON object it came with.
    fn greet(&self, client: &Client<'_>, auth: &RawValue);

    /// Is called for each event, in order.
    fn receive(&self, client: &Client<'_>, event: &Event<'_>, ack: Ack);
}

/// Socket.IO for one server.
pub(super) struct SocketIo {
    app: Box<dyn Application>,
    namespaces: Vec<Namespace>,
    parser: Parser,
    parsing: ParseConfig,
    observer: Observer,
    /// The other servers with clients in these namespaces.
    link: Option<Arc<Link>>,
}

impl SocketIo {
    pub(super) fn new(
        app: Box<dyn Application>,
        names: &[&'static str],
        parser: Parser,
        max_attachments_size: usize,
        link: Option<Arc<Link>>,
        observer: Observer,
    ) -> Self {
        let parsing = ParseConfig {
            max_incoming_binaries: MAX_ATTACHMENTS,
            max_incoming_binary_buf_size: max_attachments_size,
            ..ParseConfig::default()
        };
        Self {
            app,
            namespaces: names.iter().map(|name| Namespace::new(name)).collect(),
            parser,
            parsing,
            observer,
            link,
        }
    }

    /// Takes a message from a client. Returns those who were sent something and have little room left.
    ///
    /// # Errors
    ///
    /// The reason why the session is to be ended.
    pub(super) fn receive(&self, session: &Arc<Session>, incoming: Incoming) -> Result<Crowd, DisconnectReason> {
        let size = incoming.len();
        let packet = match self.parser.decode(&self.parsing, &session.parser, incoming) {
            Ok(packet) => packet,
            Err(ParseError::NeedsMoreBinaryData) => {
                session.hold_attachments(size + ATTACHMENT);
                return Ok(Crowd::default());
            }
            Err(ParseError::UnexpectedBinaryPacket | ParseError::UnexpectedStringPacket) if !session.has_joined() => {
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
        // Clients of Socket.IO 2 put a query behind the name.
        let name = packet.ns.split_once('?').map_or(&*packet.ns, |(name, _)| name);
        let namespace = self.namespaces.iter().find(|namespace| name == namespace.name);
        if let PacketData::Connect(auth) = packet.inner {
            return match namespace {
                Some(namespace) => self.connect(session, namespace, auth.as_ref()),
                None => Ok(self.refuse(session, Str::copy_from_slice(name))),
            };
        }
        let namespace =
            namespace.filter(|namespace| session.is_in(namespace.name)).ok_or(DisconnectReason::Malformed)?;
        let client = self.client(session, namespace);
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

    /// Lets a client of Socket.IO 2 join the main namespace, which it does not ask for.
    ///
    /// # Errors
    ///
    /// If the session has ended.
    pub(super) fn connect_unasked(&self, session: &Arc<Session>) -> Result<Crowd, DisconnectReason> {
        let main = self.namespaces.first().ok_or(DisconnectReason::Malformed)?;
        self.connect(session, main, None)
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
        let client = self.client(session, namespace);
        let is_three = session.protocol().is_three();
        let connected = || Value::Str(format!("{{\"sid\":\"{}\"}}", session.id()).into(), None);
        client.send(Packet::connect(namespace.name, (!is_three).then(connected)));
        namespace.members_mut().clients.insert(session.id(), Member::new(session));
        if session.ended().is_some() {
            // What ended it may have come before it was a member.
            namespace.forget(session);
        }
        self.app.greet(&client, auth);
        Ok(client.crowd.into_inner())
    }

    fn client<'a>(&'a self, session: &'a Arc<Session>, namespace: &'a Namespace) -> Client<'a> {
        Client { session, namespace, parser: self.parser, link: self.link.as_ref(), crowd: RefCell::default() }
    }

    pub(super) fn link(&self) -> Option<&Arc<Link>> {
        self.link.as_ref()
    }

    /// Tells a client that there is no such namespace.
    fn refuse(&self, session: &Arc<Session>, namespace: Str) -> Crowd {
        let peer = session.address();
        (self.observer)(&event::Event::UnknownNamespace { peer, namespace: namespace.to_string() });
        let crowd = RefCell::new(Crowd::default());
        let refusal = match (self.parser, session.protocol().is_three()) {
            // Socket.IO 2 has a string where an object came to be.
            (Parser::Common, true) => Value::Str(format!("4{namespace},\"Invalid namespace\"").into(), None),
            _ => self.parser.encode(Packet::connect_error(namespace, "Invalid namespace")),
        };
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
        Some(Value::Str(text, _)) if &**text == "null" => "{}",
        Some(Value::Str(text, _)) => text,
        Some(Value::Bytes(_)) => return None,
    };
    serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'))
}

fn is_array(value: &Value) -> bool {
    value.as_str().is_some_and(|text| serde_json::from_str::<Vec<IgnoredAny>>(text).is_ok())
}

/// Those to whom a client's message went and whose queues are filling, and what is to be done besides.
#[derive(Default)]
pub(super) struct Crowd {
    /// They have little room left.
    pub(super) crowded: Vec<Arc<Session>>,
    /// They have none, and miss the message.
    pub(super) full: Vec<Arc<Session>>,
    /// Much waits to be sent to other servers.
    pub(super) is_link_crowded: bool,
    /// A question to other servers.
    pub(super) questions: Vec<Question>,
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
    parser: Parser,
    link: Option<&'a Arc<Link>>,
    crowd: RefCell<Crowd>,
}

impl Client<'_> {
    /// Emits to this client.
    pub(super) fn emit(&self, event: Value) {
        self.send(Packet::event(self.namespace.name, event));
    }

    /// Emits to all in the namespace, this client among them. Returns how many there are on this server.
    pub(super) fn emit_to_all(&self, event: Value) -> usize {
        self.emit_to_others(&[], &event);
        let message = self.message(Packet::event(self.namespace.name, event));
        let members = self.namespace.members();
        for member in members.clients.values() {
            push(&member.session, &message, &self.crowd);
        }
        members.clients.len()
    }

    /// Emits to all in a room, whether this client is among them or not. Returns how many there are on this server.
    pub(super) fn emit_to_room(&self, room: &str, event: Value) -> usize {
        self.emit_to_others(&[room], &event);
        let members = self.namespace.members();
        let Some(room) = members.rooms.get(room) else { return 0 };
        let message = self.message(Packet::event(self.namespace.name, event));
        for member in room.iter().filter_map(|id| members.clients.get(id)) {
            push(&member.session, &message, &self.crowd);
        }
        room.len()
    }

    /// Sends an event to the clients of other servers.
    fn emit_to_others(&self, rooms: &[&str], event: &Value) {
        if let Some(link) = self.link
            && link.emit(self.namespace.name, rooms, event, self.session.share())
        {
            self.crowd.borrow_mut().is_link_crowded = true;
        }
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
        Message::new(self.parser.encode(packet), self.session.share())
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
