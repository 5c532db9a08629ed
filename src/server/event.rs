//! What the server tells its observer; it prints nothing itself.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::handshake::HandshakeError;
use crate::report;

/// Is called with each event, from whichever task it happens in: it must not block for long.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that happened to the server or one of its clients.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A client joined a namespace.
    Connected(Client),
    /// A client that is in a namespace moved from polling to WebSocket.
    Upgraded(Client),
    /// A client left a namespace; told once for each [`Event::Connected`].
    Disconnected(Client, DisconnectReason),
    /// A client that did not read has filled its queue, and is cut off before it misses an event.
    Overflowed(Client),
    /// A connection ended before TLS was agreed: a timeout, an alert such as a client's distrust, or no TLS at all.
    HandshakeFailed {
        /// Who it was.
        peer: SocketAddr,
        /// Why.
        error: HandshakeError,
    },
    /// Somebody spoke plain HTTP to the TLS port, and was told where to go.
    Plaintext {
        /// Who it was.
        peer: SocketAddr,
    },
    /// No connection can be accepted, as when all descriptors are in use: told once, then tried every `pause`.
    AcceptPaused {
        /// What the system said.
        error: io::Error,
        /// The time between attempts.
        pause: Duration,
    },
    /// Connections are accepted again.
    AcceptResumed,
}

/// A client in a namespace, as it is connected at the time of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// Its Socket.IO id, which other clients may be told.
    pub id: String,
    /// The namespace, `/` for the main one.
    pub namespace: &'static str,
    /// The other end of the TCP connection.
    pub peer: SocketAddr,
    /// How its packets travel.
    pub transport: Transport,
    /// What TLS agreed on.
    pub connection: report::Connection,
}

/// How Engine.IO packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The name the protocol has for it: `polling` or `websocket`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// Why a client is no longer in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// It left the namespace.
    ClientLeft,
    /// It closed the connection.
    ClientClosed,
    /// The connection broke.
    ConnectionLost,
    /// It did not answer a ping in time.
    HeartbeatMissed,
    /// It sent what is not the protocol.
    Malformed,
    /// It did not read, and its queue was full.
    Overflowed,
    /// The server stops.
    ServerStopping,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientLeft => "the client left the namespace",
            Self::ClientClosed => "the client closed the connection",
            Self::ConnectionLost => "the connection was lost",
            Self::HeartbeatMissed => "the client did not answer a ping in time",
            Self::Malformed => "the client sent a malformed packet",
            Self::Overflowed => "the client did not read what was sent to it",
            Self::ServerStopping => "the server is stopping",
        })
    }
}

impl From<socketioxide::socket::DisconnectReason> for DisconnectReason {
    fn from(reason: socketioxide::socket::DisconnectReason) -> Self {
        use socketioxide::socket::DisconnectReason as Theirs;
        match reason {
            Theirs::ClientNSDisconnect | Theirs::ServerNSDisconnect => Self::ClientLeft,
            Theirs::TransportClose => Self::ClientClosed,
            Theirs::TransportError => Self::ConnectionLost,
            Theirs::HeartbeatTimeout => Self::HeartbeatMissed,
            Theirs::PacketParsingError | Theirs::MultipleHttpPollingError => Self::Malformed,
            Theirs::ClosingServer => Self::ServerStopping,
        }
    }
}
