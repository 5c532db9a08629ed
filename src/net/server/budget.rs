//! The memory and the sessions that clients may have, each network by itself and all together.
//!
//! A [`Charge`] stands for bytes that the server holds for a client. What is shared by many receivers, an encoded
//! broadcast, is charged once, to its sender's network.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::net::server::Limits;

/// Memory and sessions in use.
pub(super) struct Budget {
    limits: Limits,
    total: Usage,
    networks: Mutex<HashMap<IpAddr, Weak<Share>>>,
}

#[derive(Default)]
struct Usage {
    memory: AtomicUsize,
    sessions: AtomicUsize,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, total: Usage::default(), networks: Mutex::default() })
    }

    /// The share of the network that an address belongs to.
    pub(super) fn share(self: &Arc<Self>, address: IpAddr) -> Arc<Share> {
        let network = network(address);
        let mut networks = self.networks();
        if let Some(share) = networks.get(&network).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Share { network, usage: Usage::default(), budget: Arc::clone(self) });
        networks.insert(network, Arc::downgrade(&share));
        share
    }

    /// The bytes held for all clients.
    pub(super) fn memory(&self) -> usize {
        self.total.memory.load(Ordering::Relaxed)
    }

    fn networks(&self) -> MutexGuard<'_, HashMap<IpAddr, Weak<Share>>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network that is counted as one client: an IPv4 address, or the /64 that an IPv6 host is given.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A network's part of the budget.
pub(super) struct Share {
    network: IpAddr,
    usage: Usage,
    budget: Arc<Budget>,
}

impl Share {
    /// Counts a session in. Returns `None` if the network or all clients together have as many as they may.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Admission> {
        let limits = &self.budget.limits;
        let take = |usage: &Usage, max| {
            let raise = |sessions| (sessions < max).then_some(sessions + 1);
            usage.sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise).is_ok()
        };
        if !take(&self.usage, limits.max_sessions_per_client) {
            return None;
        }
        // Gives the session back to the network if there is no room in all.
        let admission = Admission { share: Arc::clone(self), in_total: take(&self.budget.total, limits.max_sessions) };
        admission.in_total.then_some(admission)
    }

    /// Charges for bytes, whether they are within the budget or not; [`Share::is_exceeded`] decides what follows.
    pub(super) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        let mut charge = Charge { share: Arc::clone(self), bytes: 0 };
        charge.set(bytes);
        charge
    }

    /// Decides which budget is used up: the network's, that of all clients, or neither.
    pub(super) fn is_exceeded(&self) -> Option<Exceeded> {
        let limits = &self.budget.limits;
        if self.usage.memory.load(Ordering::Relaxed) > limits.max_memory_per_client {
            return Some(Exceeded::Network);
        }
        (self.budget.memory() > limits.max_memory).then_some(Exceeded::Total)
    }

    fn usages(&self) -> [&Usage; 2] {
        [&self.usage, &self.budget.total]
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut networks = self.budget.networks();
        // Another share may have taken the place in the meantime.
        if networks.get(&self.network).is_some_and(|share| share.strong_count() == 0) {
            networks.remove(&self.network);
        }
    }
}

/// The budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Network,
    Total,
}

/// A session that is counted.
pub(super) struct Admission {
    share: Arc<Share>,
    in_total: bool,
}

impl Admission {
    pub(super) fn share(&self) -> &Arc<Share> {
        &self.share
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.share.usage.sessions.fetch_sub(1, Ordering::Relaxed);
        if self.in_total {
            self.share.budget.total.sessions.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Bytes that are held for a client until this is dropped.
pub(super) struct Charge {
    share: Arc<Share>,
    bytes: usize,
}

impl Charge {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the number of bytes that are held.
    pub(super) fn set(&mut self, bytes: usize) {
        for usage in self.share.usages() {
            if bytes >= self.bytes {
                usage.memory.fetch_add(bytes - self.bytes, Ordering::Relaxed);
            } else {
                usage.memory.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            }
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Arc<Budget> {
        Budget::new(Limits {
            max_sessions: 3,
            max_sessions_per_client: 2,
            max_memory: 300,
            max_memory_per_client: 200,
            ..Limits::default()
        })
    }

    fn share(budget: &Arc<Budget>, address: &str) -> Arc<Share> {
        budget.share(address.parse().unwrap())
    }

    #[test]
    fn sessions_are_counted_by_network_and_in_all() {
        let budget = budget();
        let (ann, ben) = (share(&budget, "192.0.2.1"), share(&budget, "192.0.2.2"));
        let sessions = [ann.admit().unwrap(), ann.admit().unwrap()];
        assert!(ann.admit().is_none());
        let third = ben.admit().unwrap();
        assert!(ben.admit().is_none());
        drop(sessions);
        let again = [ben.admit().unwrap(), ann.admit().unwrap()];
        assert!(ann.admit().is_none());
        drop((third, again));
        assert_eq!(budget.total.sessions.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn memory_is_given_back_when_a_charge_is_dropped() {
        let budget = budget();
        let (ann, ben) = (share(&budget, "192.0.2.1"), share(&budget, "192.0.2.2"));
        let mut charge = ann.charge(150);
        assert_eq!(ann.is_exceeded(), None);
        charge.set(201);
        assert_eq!((ann.is_exceeded(), ben.is_exceeded()), (Some(Exceeded::Network), None));
        let other = ben.charge(100);
        assert_eq!(ben.is_exceeded(), Some(Exceeded::Total));
        drop(charge);
        assert_eq!((ben.is_exceeded(), budget.memory()), (None, 100));
        drop(other);
        assert_eq!(budget.memory(), 0);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_is_forgotten_when_it_has_left() {
        let budget = budget();
        let one = share(&budget, "2001:db8::1");
        assert!(Arc::ptr_eq(&one, &share(&budget, "2001:db8::2:1")));
        assert!(!Arc::ptr_eq(&one, &share(&budget, "2001:db8:0:1::1")));
        assert!(Arc::ptr_eq(&share(&budget, "192.0.2.1"), &share(&budget, "192.0.2.1")));
        let mapped = share(&budget, "::ffff:192.0.2.9");
        assert!(Arc::ptr_eq(&mapped, &share(&budget, "192.0.2.9")));
        drop((one, mapped));
        assert!(budget.networks().is_empty());
    }
}
