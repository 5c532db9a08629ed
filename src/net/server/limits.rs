//! Limits of clients, and their defaults.

use std::time::Duration;

/// Limits per client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time for a TLS handshake, the wait for its first byte included; 10 s.
    pub handshake: Duration,
    /// The time for a request's head, including the wait for its first octet; 10 s.
    pub header: Duration,
    /// The time for a request's body; 20 s. Answers take as long as they take: a poll waits for the next event.
    pub body: Duration,
    /// The time for clients to leave when the server stops; 5 s.
    pub shutdown: Duration,
    /// The largest WebSocket message and the largest polling body that is taken, in bytes; 1,000,000, as in Node.
    pub max_payload: u64,
    /// The bytes of packets that may wait for one client, beside those that it is being sent. It is disconnected rather
    /// than missing one beyond; 2 MiB.
    pub max_queue: usize,
    /// The time that a client may take nothing of the octets sent; 20 s.
    pub write: Duration,
    /// The connections in all, WebSockets among them; beyond, 503. No limit by default: the connection that has been idle
    /// longest makes room.
    pub max_connections: usize,
    /// The connections of one network, WebSockets among them; beyond, 429. Clients that a trusted proxy names are counted by
    /// their sessions and requests. No limit by default.
    pub max_connections_per_client: usize,
    /// The TLS handshakes under way. Beyond, the oldest makes room if it is slow. No limit by default.
    pub max_handshakes: usize,
    /// The messages that a session may send in a second. No limit by default.
    pub max_events: usize,
    /// The Socket.IO sessions of one network, an IPv4 address or an IPv6 /64; 4,096.
    pub max_sessions_per_client: usize,
    /// The Socket.IO sessions in all; 8,192.
    pub max_sessions: usize,
    /// The bytes of unread and unfinished messages that may be held for one network; 32 MiB.
    pub max_memory_per_client: usize,
    /// The bytes of unread and unfinished messages that may be held in all; 64 MiB.
    pub max_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            body: Duration::from_secs(20),
            shutdown: Duration::from_secs(5),
            max_payload: 1_000_000,
            max_queue: 2 << 20,
            write: Duration::from_secs(20),
            max_connections: usize::MAX,
            max_connections_per_client: usize::MAX,
            max_handshakes: usize::MAX,
            max_events: usize::MAX,
            max_sessions_per_client: 4096,
            max_sessions: 8192,
            max_memory_per_client: 32 << 20,
            max_memory: 64 << 20,
        }
    }
}
