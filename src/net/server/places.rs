//! The connections and handshakes that clients may have, each network by itself and all together.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::net::server::budget::network;

/// Places for connections.
pub(super) struct Places {
    max: usize,
    max_per_client: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    networks: HashMap<IpAddr, usize>,
}

/// The limit that a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Client,
    Total,
}

/// A place, given back when this is dropped.
pub(super) struct Place {
    network: Option<IpAddr>,
    in_total: bool,
    all: Arc<Places>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("network", &self.network).finish_non_exhaustive()
    }
}

impl Places {
    pub(super) fn new(max: usize, max_per_client: usize) -> Arc<Self> {
        Arc::new(Self { max, max_per_client, taken: Mutex::default() })
    }

    /// Counts a connection, and its client unless that is a proxy. Beyond a limit it is counted all the same, as long as
    /// it is told of it.
    pub(super) fn connection(self: &Arc<Self>, client: Option<IpAddr>) -> (Arc<Place>, Option<Over>) {
        let network = client.map(network);
        let mut taken = self.taken();
        taken.total += 1;
        let is_full = taken.total > self.max;
        let over = network.is_some_and(|network| taken.count(network) > self.max_per_client);
        drop(taken);
        let place = Place { network, in_total: true, all: Arc::clone(self) };
        (Arc::new(place), if over { Some(Over::Client) } else { is_full.then_some(Over::Total) })
    }

    /// Counts a request or a session of a client that a proxy has named. Returns `None` if there are too many.
    pub(super) fn forwarded(self: &Arc<Self>, client: IpAddr) -> Option<Arc<Place>> {
        let network = network(client);
        let is_over = self.taken().count(network) > self.max_per_client;
        let place = Arc::new(Place { network: Some(network), in_total: false, all: Arc::clone(self) });
        (!is_over).then_some(place)
    }

    /// Returns true if so many connections are over the limit that the next is not worth an answer.
    pub(super) fn is_flooded(&self) -> bool {
        self.taken().total > self.max.saturating_add(ANSWERED)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn count(&mut self, network: IpAddr) -> usize {
        let count = self.networks.entry(network).or_default();
        *count += 1;
        *count
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.taken();
        taken.total -= usize::from(self.in_total);
        if let Some(network) = self.network
            && let Some(count) = taken.networks.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                taken.networks.remove(&network);
            }
        }
    }
}

/// The connections over the limit that get an answer at a time; further ones are closed.
const ANSWERED: usize = 128;

/// The handshakes under way.
pub(super) struct Handshakes {
    max: usize,
    open: Mutex<VecDeque<Arc<Handshake>>>,
}

/// A handshake under way.
pub(super) struct Handshake {
    since: Instant,
    cut: Notify,
}

/// The time after which a handshake counts as one that its client does not go on with.
const SLOW: Duration = Duration::from_secs(1);

impl Handshakes {
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Mutex::default() }
    }

    /// Begins a handshake. Where there are as many as there may be, the oldest makes room, if its client is slow; otherwise
    /// there is no room.
    pub(super) fn begin(&self) -> Option<Underway<'_>> {
        let mut open = self.open();
        if open.len() >= self.max {
            let oldest = open.front().filter(|oldest| oldest.since.elapsed() > SLOW)?;
            oldest.cut.notify_one();
            open.pop_front();
        }
        let handshake = Arc::new(Handshake { since: Instant::now(), cut: Notify::new() });
        open.push_back(Arc::clone(&handshake));
        Some(Underway { handshake, all: self })
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<Arc<Handshake>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handshake that is counted until this is dropped.
pub(super) struct Underway<'a> {
    handshake: Arc<Handshake>,
    all: &'a Handshakes,
}

impl Underway<'_> {
    /// Waits until the handshake has to make room.
    pub(super) async fn cut(&self) {
        self.handshake.cut.notified().await;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.all.open().retain(|one| !Arc::ptr_eq(one, &self.handshake));
    }
}
