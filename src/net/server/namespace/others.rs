//! The clients of this server as other servers see them.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::json;
use socketioxide_core::Value;
use socketioxide_core::packet::Packet;

use super::members::Namespace;
use super::{Ack, Client, Crowd, SocketIo, push};
use crate::net::server::args;
use crate::net::server::budget::Share;
use crate::net::server::event::{self, DisconnectReason};
use crate::net::server::queue::{Item, Message};
use crate::net::server::redis::Selection;
use crate::net::server::session::{Pushed, Session};

/// A question to other servers, whose answers a client waits for.
pub(in crate::net::server) struct Question {
    pub(in crate::net::server) namespace: &'static str,
    pub(in crate::net::server) rooms: Vec<String>,
    /// The ids of this server's clients.
    ids: Vec<String>,
    acknowledgement: i64,
}

/// A client's queue that is full.
pub(in crate::net::server) struct Full;

impl Client<'_> {
    /// Acknowledges with the ids of the clients in a room, or in the namespace, whichever server they are on.
    pub(in crate::net::server) fn acknowledge_ids(&self, room: Option<&str>, ack: Ack) {
        let Some(acknowledgement) = ack.0 else { return };
        let to = Selection { rooms: room.map(str::to_owned).into_iter().collect(), ..Selection::default() };
        let ids = self.namespace.ids(&to);
        if self.link.is_some() {
            let question = Question { namespace: self.namespace.name, rooms: to.rooms, ids, acknowledgement };
            self.crowd.borrow_mut().questions.push(question);
        } else {
            ack.send(self, args::acknowledgement(&json!(ids).to_string()));
        }
    }
}

impl SocketIo {
    fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.name == name)
    }

    /// Decides whether one of this server's clients is in a room.
    pub(in crate::net::server) fn has_room(&self, namespace: &str, room: &str) -> bool {
        self.namespace(namespace).is_some_and(|namespace| namespace.members().has_room(room))
    }

    /// Sends an event of another server to those that it is for.
    pub(in crate::net::server) fn deliver(
        &self,
        namespace: &str,
        event: Value,
        to: &Selection,
        share: &Arc<Share>,
    ) -> Crowd {
        let Some(namespace) = self.namespace(namespace) else { return Crowd::default() };
        let message = Message::new(self.parser.encode(Packet::event(namespace.name, event)), share);
        let crowd = RefCell::new(Crowd::default());
        for (_, member) in namespace.members().select(to) {
            push(&member.session, &message, &crowd);
        }
        crowd.into_inner()
    }

    /// Answers a client who waits for other servers.
    ///
    /// # Errors
    ///
    /// If the client's queue is full.
    pub(in crate::net::server) fn answer(
        &self,
        session: &Arc<Session>,
        question: Question,
        others: Vec<String>,
    ) -> Result<(), Full> {
        let mut ids = question.ids;
        ids.extend(others);
        let arguments = args::acknowledgement(&json!(ids).to_string());
        let packet = Packet::ack(question.namespace, arguments, question.acknowledgement);
        let message = Message::new(self.parser.encode(packet), session.share());
        if session.push(Item::Message(message)) == Pushed::Full { Err(Full) } else { Ok(()) }
    }

    /// The ids of clients.
    pub(in crate::net::server) fn ids(&self, namespace: &str, to: &Selection) -> Vec<String> {
        self.namespace(namespace).map(|namespace| namespace.ids(to)).unwrap_or_default()
    }

    /// Clients with the rooms that they are in.
    pub(in crate::net::server) fn clients(&self, namespace: &str, to: &Selection) -> Vec<(event::Client, Vec<String>)> {
        let Some(namespace) = self.namespace(namespace) else { return Vec::new() };
        let members = namespace.members();
        let of = |(id, member): (socketioxide_core::Sid, &super::members::Member)| {
            let rooms = std::iter::once(id.to_string()).chain(member.rooms.iter().cloned());
            (member.session.client(namespace.name), rooms.collect())
        };
        members.select(to).into_iter().map(of).collect()
    }

    /// The rooms that clients are in.
    pub(in crate::net::server) fn rooms(&self, namespace: &str) -> Vec<String> {
        let Some(namespace) = self.namespace(namespace) else { return Vec::new() };
        let members = namespace.members();
        let own = members.clients.keys().map(ToString::to_string);
        own.chain(members.rooms.keys().cloned()).collect()
    }

    /// Puts clients into rooms.
    pub(in crate::net::server) fn join(&self, namespace: &str, to: &Selection, rooms: &[String]) {
        let Some(namespace) = self.namespace(namespace) else { return };
        let mut members = namespace.members_mut();
        let ids: Vec<_> = members.select(to).into_iter().map(|(id, _)| id).collect();
        for (id, room) in ids.into_iter().flat_map(|id| rooms.iter().map(move |room| (id, room))) {
            members.join(id, room, usize::MAX);
        }
    }

    /// Takes clients out of rooms.
    pub(in crate::net::server) fn leave_rooms(&self, namespace: &str, to: &Selection, rooms: &[String]) {
        let Some(namespace) = self.namespace(namespace) else { return };
        let mut members = namespace.members_mut();
        let ids: Vec<_> = members.select(to).into_iter().map(|(id, _)| id).collect();
        for (id, room) in ids.into_iter().flat_map(|id| rooms.iter().map(move |room| (id, room))) {
            members.leave(id, room);
        }
    }

    /// The sessions of clients.
    pub(in crate::net::server) fn sessions(&self, namespace: &str, to: &Selection) -> Vec<Arc<Session>> {
        let Some(namespace) = self.namespace(namespace) else { return Vec::new() };
        namespace.members().select(to).into_iter().map(|(_, member)| Arc::clone(&member.session)).collect()
    }

    /// Takes a client out of a namespace, and tells it so.
    pub(in crate::net::server) fn dismiss(&self, session: &Arc<Session>, namespace: &str) {
        let Some(namespace) = self.namespace(namespace) else { return };
        self.client(session, namespace).send(Packet::disconnect(namespace.name));
        self.leave(session, namespace, DisconnectReason::ByServer);
    }
}

impl Namespace {
    fn ids(&self, to: &Selection) -> Vec<String> {
        self.members().select(to).into_iter().map(|(id, _)| id.to_string()).collect()
    }
}
