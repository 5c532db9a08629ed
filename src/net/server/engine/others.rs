//! Messages of other servers for this server's clients.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::json;

use crate::net::server::budget::Share;
use crate::net::server::engine::Engine;
use crate::net::server::event::{DisconnectReason, Event};
use crate::net::server::namespace::{Crowd, Question};
use crate::net::server::redis::{
    Channel, Incoming, Link, Opened, Request, Response, Selection, read_event, read_request,
};
use crate::net::server::session::Session;

/// The network that events of other servers are charged to.
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Types of answers; the others have none.
const CLIENT_COUNT: u8 = 8;

impl Engine {
    /// Shares clients with other servers until this one has ended.
    pub(in crate::net::server) async fn share(self: Arc<Self>, link: Arc<Link>, opened: Opened) {
        let engine = Arc::downgrade(&self);
        drop(self);
        let hear =
            |link: &Link, incoming: &Incoming| engine.upgrade().inspect(|engine| engine.hear(link, incoming)).is_some();
        link.run(opened, hear).await;
    }

    /// Takes in a message of a channel.
    fn hear(&self, link: &Link, incoming: &Incoming) {
        let Ok(channel) = str::from_utf8(&incoming.channel) else { return };
        match link.channel(channel) {
            Some(Channel::Events { namespace, room }) if !link.is_own(&incoming.content) => {
                self.hear_event(link, namespace, room, &incoming.content);
            }
            Some(Channel::Requests { namespace }) => self.hear_request(link, namespace, &incoming.content),
            Some(Channel::Responses) => link.answered(&incoming.content),
            _ => {}
        }
    }

    fn hear_event(&self, link: &Link, namespace: &str, room: Option<&str>, content: &[u8]) {
        // Most rooms are on other servers.
        if room.is_some_and(|room| !self.io.has_room(namespace, room)) {
            return;
        }
        let Some(heard) = read_event(content).filter(|heard| heard.namespace == namespace) else { return };
        link.observe(&Event::Heard { bytes: content.len() });
        let share = self.budget.share(OTHERS);
        let crowd = self.io.deliver(namespace, heard.event, &heard.to, &share);
        self.settle_others(crowd, &share);
    }

    fn hear_request(&self, link: &Link, namespace: &str, content: &[u8]) {
        let Some(asked) = read_request(content) else { return };
        let id = asked.id.unwrap_or_default();
        if link.has_asked(&id) {
            return;
        }
        let io = &self.io;
        let response = match asked.request {
            Request::Sockets(to) => {
                let ids = io.ids(namespace, &to).into_iter().map(Into::into).collect();
                Response { sockets: Some(ids), ..Response::default() }
            }
            Request::Fetch(to) => {
                let clients = io.clients(namespace, &to).into_iter().map(|(client, rooms)| {
                    let handshake = json!({
                        "headers": {}, "query": {}, "auth": {}, "xdomain": false, "time": "", "issued": 0, "url": "",
                        "address": client.peer.ip().to_string(), "secure": client.is_secure,
                    });
                    json!({ "id": client.id, "handshake": handshake, "rooms": rooms, "data": {} })
                });
                Response { sockets: Some(clients.collect()), ..Response::default() }
            }
            Request::Rooms => Response { rooms: Some(io.rooms(namespace)), ..Response::default() },
            Request::Join(to, rooms) => {
                io.join(namespace, &to, &rooms);
                Response::default()
            }
            Request::Leave(to, rooms) => {
                io.leave_rooms(namespace, &to, &rooms);
                Response::default()
            }
            Request::Disconnect(to, is_closed) => {
                self.disconnect(namespace, &to, is_closed);
                Response::default()
            }
            Request::Emit(to, event) => {
                let share = self.budget.share(OTHERS);
                self.settle_others(io.deliver(namespace, event, &to, &share), &share);
                // Clients of this server are not asked to acknowledge.
                Response { kind: Some(CLIENT_COUNT), client_count: Some(0), ..Response::default() }
            }
        };
        if !id.is_empty() {
            link.respond(namespace, &Response { request_id: id, ..response });
        }
    }

    /// Sees to those whose queues other servers' events have filled. Those servers cannot be slowed down.
    fn settle_others(&self, crowd: Crowd, share: &Arc<Share>) {
        for session in crowd.full {
            self.end(&session, DisconnectReason::Overflowed);
        }
        self.relieve(share);
    }

    /// Disconnects clients because another server says so.
    fn disconnect(&self, namespace: &str, to: &Selection, is_closed: bool) {
        for session in self.io.sessions(namespace, to) {
            if is_closed {
                self.end(&session, DisconnectReason::ByServer);
            } else {
                self.io.dismiss(&session, namespace);
            }
        }
    }

    /// Asks other servers for their clients, and answers the client who asked.
    pub(super) fn ask(&self, session: &Arc<Session>, question: Question) {
        let (Some(link), Some(engine)) = (self.io.link().cloned(), self.me.upgrade()) else { return };
        let session = Arc::clone(session);
        tokio::spawn(async move {
            let others = link.others(question.namespace, &question.rooms).await;
            if engine.io.answer(&session, question, others).is_err() {
                engine.end(&session, DisconnectReason::Overflowed);
            }
        });
    }
}
