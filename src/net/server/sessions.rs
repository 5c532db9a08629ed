//! The open Engine.IO sessions of a server, and the ids of those that have just ended.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socketioxide_core::Sid;
use tokio::time::Instant;

use crate::net::server::session::Session;

/// The ids of ended sessions that are remembered.
const REMEMBERED: usize = 1024;

/// The open sessions by the ids that open them.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<Sid, Arc<Session>>>,
    ended: Mutex<VecDeque<Sid>>,
}

/// The result of a search for a session.
pub(super) enum Found {
    Open(Arc<Session>),
    /// The session was here, and has ended.
    Ended,
    /// The id is not one of ours.
    NoId,
    /// The session was opened by another server, or before this one was started.
    Elsewhere,
}

impl Sessions {
    pub(super) fn remember(&self, session: &Arc<Session>) {
        self.map().insert(session.sid(), Arc::clone(session));
    }

    pub(super) fn find(&self, sid: &str) -> Found {
        let Ok(sid) = sid.parse::<Sid>() else { return Found::NoId };
        match self.map().get(&sid) {
            Some(session) => Found::Open(Arc::clone(session)),
            None if self.ended().contains(&sid) => Found::Ended,
            None => Found::Elsewhere,
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.map().values().cloned().collect()
    }

    pub(super) fn forget(&self, session: &Session) {
        self.map().remove(&session.sid());
        let mut ended = self.ended();
        ended.truncate(REMEMBERED - 1);
        ended.push_front(session.sid());
    }

    /// The session to end when memory is short: the one that holds most, among those older than a moment.
    pub(super) fn heaviest(&self, is_candidate: impl Fn(&Session) -> bool) -> Option<(Arc<Session>, usize)> {
        let now = Instant::now();
        let weigh = |session: &Session| {
            let (bytes, since) = session.held();
            let is_old = since.is_some_and(|since| now - since > A_WHILE);
            (is_old && bytes >= HEAVY, bytes)
        };
        let map = self.map();
        let candidates = map.values().filter(|session| is_candidate(session));
        let (session, (_, bytes)) =
            candidates.map(|session| (session, weigh(session))).max_by_key(|(_, weight)| *weight)?;
        Some((Arc::clone(session), bytes))
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, VecDeque<Sid>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time after which an unfinished or unread message looks abandoned.
const A_WHILE: Duration = Duration::from_secs(1);

/// The bytes from which on a session is worth ending for its memory.
pub(super) const HEAVY: usize = 64 * 1024;
