//! The clients of a namespace, and the rooms that they are in.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use socketioxide_core::Sid;

use crate::net::server::redis::Selection;
use crate::net::server::session::Session;

/// The most rooms of all clients together, each counted for each client in it.
const MAX_MEMBERSHIPS: usize = 65_536;

/// The clients of a namespace.
pub(super) struct Namespace {
    pub(super) name: &'static str,
    members: RwLock<Members>,
}

#[derive(Default)]
pub(super) struct Members {
    pub(super) clients: HashMap<Sid, Member>,
    pub(super) rooms: HashMap<String, HashSet<Sid>>,
    /// The rooms of all clients together, each counted for each client in it.
    memberships: usize,
}

pub(super) struct Member {
    pub(super) session: Arc<Session>,
    pub(super) rooms: HashSet<String>,
}

impl Member {
    pub(super) fn new(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session), rooms: HashSet::new() }
    }
}

impl Namespace {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, members: RwLock::default() }
    }

    pub(super) fn forget(&self, session: &Session) {
        let mut members = self.members_mut();
        let Some(member) = members.clients.remove(&session.id()) else { return };
        for room in member.rooms {
            members.leave(session.id(), &room);
        }
    }

    pub(super) fn members(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn members_mut(&self) -> RwLockWriteGuard<'_, Members> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    pub(super) fn join(&mut self, id: Sid, room: &str, max_rooms: usize) -> bool {
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

    pub(super) fn leave(&mut self, id: Sid, room: &str) {
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

impl Members {
    /// Decides whether a client is in a room; each is in one of its own, as with Node.
    pub(super) fn has_room(&self, room: &str) -> bool {
        self.rooms.contains_key(room) || self.by_id(room).is_some()
    }

    /// The clients that something is for, each once.
    pub(super) fn select(&self, to: &Selection) -> Vec<(Sid, &Member)> {
        let is_meant = |id: Sid| !to.except.iter().any(|room| self.is_in(id, room));
        if to.rooms.is_empty() {
            return self.clients.iter().map(|(id, member)| (*id, member)).filter(|(id, _)| is_meant(*id)).collect();
        }
        let mut seen = HashSet::new();
        let in_rooms = to.rooms.iter().flat_map(|room| {
            let own = self.by_id(room);
            self.rooms.get(room).into_iter().flatten().copied().chain(own)
        });
        let once = in_rooms.filter(|id| (to.rooms.len() == 1 || seen.insert(*id)) && is_meant(*id));
        once.filter_map(|id| Some((id, self.clients.get(&id)?))).collect()
    }

    fn is_in(&self, id: Sid, room: &str) -> bool {
        self.rooms.get(room).is_some_and(|room| room.contains(&id)) || id.as_str() == room
    }

    /// The client with this id, unless there is a room of that name.
    fn by_id(&self, room: &str) -> Option<Sid> {
        let id: Sid = room.parse().ok().filter(|id| self.clients.contains_key(id))?;
        (!self.rooms.get(room).is_some_and(|room| room.contains(&id))).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::server::Limits;
    use crate::net::server::budget::Budget;
    use crate::net::server::event::Transport;
    use crate::net::server::peer::Peer;
    use crate::net::server::session::Protocol;

    fn session() -> Arc<Session> {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let peer = Peer::new(address, None, None);
        let admission = Budget::new(Limits::default()).share(address.ip()).admit().unwrap();
        Arc::new(Session::new(admission, peer, Transport::Polling, Protocol::Four, 1000))
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
