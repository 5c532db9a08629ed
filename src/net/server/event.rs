//! Events that the server reports to its observer; the server itself prints nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::handshake::HandshakeError;
use super::identity::Identity;
use super::proxy_header::ProxyHeaderError;
use super::redis::RedisError;
use crate::judge::report;

/// Called with each event, in the task in which the event happens: must not block for long.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that happened to the server or one of its clients.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A client joined a namespace.
    Connected(Client),
    /// A client that is in a namespace moved from polling to WebSocket.
    Upgraded(Client),
    /// A client left a namespace; reported once for each [`Event::Connected`].
    Disconnected(Client, DisconnectReason),
    /// A client that did not read has filled its queue, and is cut off before it misses an event.
    Overflowed(Client),
    /// A session was ended before its client had joined a namespace.
    Dropped {
        /// The client's address.
        peer: SocketAddr,
        /// The reason for the end.
        reason: DisconnectReason,
    },
    /// A request to open a session, or to use one, was refused.
    Refused {
        /// The client's address.
        peer: SocketAddr,
        /// The reason for the refusal.
        reason: Refused,
    },
    /// A client asked for a namespace that does not exist.
    UnknownNamespace {
        /// The client's address.
        peer: SocketAddr,
        /// The namespace, as the client wrote it.
        namespace: String,
    },
    /// A connection ended before TLS was agreed: a timeout, an alert such as a client's distrust, or no TLS at all.
    HandshakeFailed {
        /// Address of the client.
        peer: SocketAddr,
        /// Reason for the failure.
        error: HandshakeError,
    },
    /// A trusted proxy did not say who its client is, or another machine said so, and the connection was closed.
    ProxyHeader {
        /// Address of the proxy or the other machine.
        peer: SocketAddr,
        /// Reason for the failure.
        error: ProxyHeaderError,
    },
    /// A client is redirected to https again and again, because this server does not learn that it came by https.
    RedirectLoop {
        /// The other end of the connection, which is the proxy in front of this server.
        peer: SocketAddr,
        /// True if the proxy says that its client came by https, and is not trusted; false if it says nothing.
        is_claimed: bool,
    },
    /// A client asked for a session that another server has, or that is older than this server. Reported once.
    NotSticky {
        /// The client's address.
        peer: SocketAddr,
    },
    /// A file of the served folder was asked for and not handed out.
    Withheld {
        /// The client's address.
        peer: SocketAddr,
        /// The path of the URL, as the client wrote it.
        path: String,
        /// The reason.
        reason: Withheld,
    },
    /// A connection was accepted.
    Opened,
    /// A connection has ended, or was handed over to a WebSocket.
    Closed,
    /// A TLS handshake has succeeded.
    Secured {
        /// `TLSv1.3` or `TLSv1.2`.
        version: String,
        /// The time since the connection was accepted.
        after: Duration,
    },
    /// A Socket.IO client has sent a message, which was handled.
    Received {
        /// Its size in bytes.
        bytes: usize,
        /// The time until it was handled: until what it brings about was in the queues of those who receive it.
        time: Duration,
    },
    /// So many bytes were sent to a Socket.IO client.
    Sent(usize),
    /// A client has answered a ping after so long.
    RoundTrip(Duration),
    /// An event was sent to other servers through Redis.
    Published {
        /// Its size in bytes, as it was sent.
        bytes: usize,
    },
    /// An event of another server was heard through Redis, and is passed on to clients.
    Heard {
        /// Its size in bytes, as it came.
        bytes: usize,
    },
    /// The number of servers that share clients through Redis, this one among them; reported every few seconds.
    RedisServers(usize),
    /// Redis is not reached any more: events stay on the server that they were sent to. Reported once.
    RedisLost {
        /// The address, without user and password.
        address: String,
        /// The reason.
        error: RedisError,
    },
    /// Redis is reached again.
    RedisBack {
        /// The events that other servers have missed.
        missed: u64,
        /// The time that it was away.
        away: Duration,
    },
    /// Other servers send more than this one can pass on, and events are left out. Not reported again before it has caught
    /// up.
    RedisBehind,
    /// Other certificates are shown from now on.
    Replaced {
        /// The certificate of most clients.
        certificate: Box<report::Certificate>,
    },
    /// The server is about to stop: it says so to those who ask whether it is ready, and serves on for this long.
    Draining(Duration),
    /// A client spoke plain HTTP to the TLS port, and got the https:// address.
    Plaintext {
        /// Address of the client.
        peer: SocketAddr,
    },
    /// No connection can be accepted, as when all descriptors are in use. Accepting is tried again every `pause`;
    /// further failures are not reported before [`Event::AcceptResumed`].
    AcceptPaused {
        /// Error from the operating system.
        error: io::Error,
        /// The time between attempts.
        pause: Duration,
    },
    /// There are as many connections as there may be: from now on the one that has been idle longest is closed for each
    /// new one. Not reported again before there have been half as many.
    Crowded,
    /// Connections have been accepted for a while without a failure.
    AcceptResumed,
}

/// The reason why a file of a served folder is not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withheld {
    /// The file, or a folder above it, has a name that begins with a dot.
    DotFile,
    /// The file is a link that leaves the folder.
    Outside,
    /// The file holds a private key.
    PrivateKey,
}

/// The reason why a request is refused before there is a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The client speaks another version of Engine.IO, which is given if the client named it.
    Protocol(Option<String>),
    /// The request comes from a page that may not use this server; the page's origin as the browser wrote it.
    ForeignOrigin(String),
    /// There are as many sessions as there may be, of this client's network or in all.
    TooManySessions,
    /// There are as many connections as there may be.
    TooManyConnections {
        /// True if they are those of the client's network, false if they are all.
        of_client: bool,
    },
    /// As much memory is held as may be, for this client's network or in all.
    TooMuchMemory,
}

/// A client in a namespace, as it is connected at the time of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// Its Socket.IO id, which other clients may learn.
    pub id: String,
    /// The namespace, `/` for the main one.
    pub namespace: &'static str,
    /// Its address, as far as believed; port 0 if unknown behind a proxy.
    pub peer: SocketAddr,
    /// The trusted proxy in between.
    pub through: Option<SocketAddr>,
    /// True for https and wss.
    pub is_secure: bool,
    /// The client certificate that was accepted.
    pub identity: Option<Arc<Identity>>,
    /// Transport of the packets.
    pub transport: Transport,
    /// Result of the TLS handshake; `None` if TLS ends in front of this server.
    pub connection: Option<report::Connection>,
}

/// Transport of Engine.IO packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The protocol's name for the transport: `polling` or `websocket`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// Reason why a client left a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left the namespace.
    ClientLeft,
    /// The client closed the connection.
    ClientClosed,
    /// The connection broke.
    ConnectionLost,
    /// The client did not answer a ping in time.
    HeartbeatMissed,
    /// The client violated the protocol.
    Malformed,
    /// The client sent a message over the limit.
    TooLarge,
    /// The client sent packets of another parser than Socket.IO's own.
    OtherParser,
    /// The client sent more messages in a second than the limit allows.
    TooManyEvents,
    /// The client left a message, or an event's attachments, incomplete for too long.
    Unfinished,
    /// The client joined no namespace in time.
    NothingJoined,
    /// The client did not read, and its queue was full.
    Overflowed,
    /// The client held the most memory when all that clients may use was used up.
    OverBudget,
    /// Another server has disconnected it.
    ByServer,
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
            Self::TooLarge => "the client sent a message over the limit",
            Self::TooManyEvents => "the client sent more events in a second than it may",
            Self::OtherParser => "the client uses another parser than Socket.IO's own",
            Self::Unfinished => "the client left a message incomplete",
            Self::NothingJoined => "the client joined no namespace",
            Self::Overflowed => "the client did not read what was sent to it",
            Self::OverBudget => "the client held too much of the server's memory",
            Self::ByServer => "another server disconnected the client",
            Self::ServerStopping => "the server is stopping",
        })
    }
}

impl DisconnectReason {
    /// True if the observer learns of the end of a session that joined no namespace.
    pub(super) fn is_notable(self) -> bool {
        !matches!(
            self,
            Self::ClientLeft
                | Self::ClientClosed
                | Self::ConnectionLost
                | Self::HeartbeatMissed
                | Self::NothingJoined
                | Self::ServerStopping
        )
    }
}
