//! An HTTPS server that speaks Socket.IO, as Node's does: what it promises its clients is written in each module.
//!
//! [`Server::bind`] takes the port, [`Server::run`] serves until it is told to stop. Nothing is printed: an
//! [`Observer`] hears of what happens.

mod args;
mod budget;
mod client_js;
mod conformance;
mod connection;
mod connections;
mod engine;
mod event;
mod fixture_index;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod hello;
mod namespace;
mod origin;
mod page;
mod patient;
mod plaintext;
mod queue;
mod routes;
mod session;
mod socket;
mod websocket;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

pub use self::event::{Client, DisconnectReason, Event, Observer, Refused, Transport};
pub use self::handshake::HandshakeError;
pub use self::origin::{OriginError, Origins};

use self::engine::Engine;
use self::namespace::SocketIo;
use self::routes::Site;
use self::websocket::Frames;
use crate::report;
use crate::tls::ByName;

/// What a server serves, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The address to listen on: `127.0.0.1` unless changed, which only this machine can reach.
    pub address: IpAddr,
    /// A second address to listen on, on the same port, as far as it can be had: `::1`, which `localhost` means to
    /// some clients alone. None unless changed.
    pub also: Option<IpAddr>,
    /// The port; 0 takes any that is free. 3000 unless changed, as in the Socket.IO tutorials.
    pub port: u16,
    /// The certificates, and which client is shown which.
    pub tls: Arc<ByName>,
    /// The certificate of most clients, as the demo page shows it.
    pub certificate: report::Certificate,
    /// What to do with Socket.IO clients.
    pub app: App,
    /// The protocol's times.
    pub timing: Timing,
    /// What one client may take up.
    pub limits: Limits,
    /// The pages of other origins that may use Socket.IO.
    pub origins: Origins,
    /// A folder to serve in place of the demo page.
    pub static_dir: Option<PathBuf>,
    /// A test PKI whose certificates are shown by server name: an index of them is served at every other name.
    pub fixtures: Option<Arc<report::fixtures::Expected>>,
    /// A Socket.IO client library to serve at `/socket.io/socket.io.js` and `.min.js`, in place of the built-in one.
    pub client_js: Option<Vec<u8>>,
}

impl Config {
    /// The defaults, for a certificate.
    #[must_use]
    pub fn new(tls: Arc<ByName>, certificate: report::Certificate) -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            also: None,
            port: 3000,
            tls,
            certificate,
            app: App::default(),
            timing: Timing::default(),
            limits: Limits::default(),
            origins: Origins::default(),
            static_dir: None,
            fixtures: None,
            client_js: None,
        }
    }
}

/// What to do with Socket.IO clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum App {
    /// A welcome, and events to try things with.
    #[default]
    Demo,
    /// What socketio/socket.io-protocol's test suite expects.
    Conformance,
}

/// The protocol's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From one ping to the next; 25 s, as in Node.
    pub ping_interval: Duration,
    /// How long a client may take to answer one; 20 s, as in Node.
    pub ping_timeout: Duration,
    /// How long it may take to join a namespace; 45 s, as in Node.
    pub connect_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
        }
    }
}

/// What one client may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time for a TLS handshake, the wait for its first byte included; 10 s.
    pub handshake: Duration,
    /// The time for a request's head, the wait for it included; 10 s.
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
    /// The time that a client may take nothing of what it is being sent; 20 s.
    pub write: Duration,
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
            max_sessions_per_client: 4096,
            max_sessions: 8192,
            max_memory_per_client: 32 << 20,
            max_memory: 64 << 20,
        }
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens there.
    #[error("{address} is in use")]
    PortInUse {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system keeps the port for privileged programs.
    #[error("port {} needs privileges", address.port())]
    PrivilegedPort {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address is not one of this machine's.
    #[error("{} is not an address of this machine", address.ip())]
    AddressNotAvailable {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    fn listening(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { address, source },
            io::ErrorKind::PermissionDenied => Self::PrivilegedPort { address, source },
            io::ErrorKind::AddrNotAvailable => Self::AddressNotAvailable { address, source },
            _ => Self::Listen { address, source },
        }
    }
}

/// How long to wait before accepting again, when the system has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The time without a failure after which the lack is over: at the limit of descriptors, each connection that ends lets
/// one more in.
const RECOVERY: Duration = Duration::from_secs(10);

/// A server that has its port.
pub struct Server {
    listener: TcpListener,
    also: Option<TcpListener>,
    address: SocketAddr,
    elsewhere: Option<SocketAddr>,
    site: Arc<Site>,
    observer: Observer,
    shutdown: Duration,
}

impl Server {
    /// Takes the port. Clients can connect from then on, and wait until [`Server::run`] is polled.
    ///
    /// # Errors
    ///
    /// When the port cannot be had; see [`Error`].
    pub async fn bind(config: Config, observer: Observer) -> Result<Self, Error> {
        let Listening { listener, also, address, other_server } = Listening::take(&config).await?;
        let shutdown = config.limits.shutdown;
        let engine = engine(&config, &observer);
        let site = Arc::new(Site::new(config, engine, Arc::clone(&observer)));
        Ok(Self { listener, also, address, elsewhere: other_server, site, observer, shutdown })
    }

    /// The address it listens on, with the port that was taken when 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The other address of `localhost` with the same port, where another program listens: some clients go there.
    #[must_use]
    pub fn other_server(&self) -> Option<SocketAddr> {
        self.elsewhere
    }

    /// Serves until `shutdown` is ready, then says goodbye to all clients, which may take [`Limits::shutdown`].
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, also, site, observer, shutdown: deadline, .. } = self;
        let (stop, stopping) = watch::channel(());
        // As a task, it shares a thread with the connections rather than waking another for each.
        let accepting = Accepting { listener, also, observer, failed: None };
        let accepting = tokio::spawn(accepting.run(Arc::clone(&site), stopping));
        shutdown.await;
        stop.send_replace(());
        let connections = accepting.await.unwrap_or_default();
        close(&site, connections, deadline).await;
    }
}

/// The port, taken.
struct Listening {
    listener: TcpListener,
    also: Option<TcpListener>,
    address: SocketAddr,
    other_server: Option<SocketAddr>,
}

/// Ports that are tried, where any will do, until one is free on both addresses of `localhost`.
const PORTS_TRIED: usize = 16;

impl Listening {
    async fn take(config: &Config) -> Result<Self, Error> {
        let mut taken = Self::once(config).await?;
        for _ in 1..PORTS_TRIED {
            if config.port != 0 || taken.other_server.is_none() {
                break;
            }
            taken = Self::once(config).await?;
        }
        Ok(taken)
    }

    async fn once(config: &Config) -> Result<Self, Error> {
        let asked = SocketAddr::new(config.address, config.port);
        let failed = |source| Error::listening(asked, source);
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let Some(beside) = config.also.or_else(|| other_loopback(config.address)) else {
            return Ok(Self { listener, also: None, address, other_server: None });
        };
        let beside = SocketAddr::new(beside, address.port());
        let (also, other_server) = match TcpListener::bind(beside).await {
            Ok(also) => (config.also.and(Some(also)), None),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => (None, Some(beside)),
            // A machine may be without IPv6.
            Err(_) => (None, None),
        };
        Ok(Self { listener, also, address, other_server })
    }
}

/// The other address of `localhost`, for an address that is one of the two or both of one family.
fn other_loopback(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) if v4 == Ipv4Addr::LOCALHOST || v4.is_unspecified() => Some(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V6(v6) if v6 == Ipv6Addr::LOCALHOST => Some(Ipv4Addr::LOCALHOST.into()),
        _ => None,
    }
}

/// Builds the Socket.IO side.
fn engine(config: &Config, observer: &Observer) -> Arc<Engine> {
    let Config { timing, limits, app, .. } = *config;
    let (app, namespaces, frames): (Box<dyn namespace::Application>, _, _) = match app {
        App::Demo => (Box::new(socket::Demo), &["/"][..], Frames::Together),
        App::Conformance => (Box::new(conformance::Conformance), &["/", "/custom"][..], Frames::Apart),
    };
    let io = SocketIo::new(app, namespaces, MAX_ATTACHMENTS_SIZE, Arc::clone(observer));
    Engine::new(io, timing, limits, frames, Arc::clone(observer))
}

/// The bytes of all attachments of one event.
const MAX_ATTACHMENTS_SIZE: usize = 10_000_000;

/// Says goodbye: a close packet and frame to each client, the rest of their answers to requests under way.
async fn close(site: &Site, mut connections: JoinSet<()>, deadline: Duration) {
    let engine = site.engine();
    let sessions = engine.sessions().all();
    for session in &sessions {
        engine.end(session, DisconnectReason::ServerStopping);
    }
    let goodbye = async {
        while connections.join_next().await.is_some() {}
        for session in &sessions {
            session.gone().await;
        }
    };
    if timeout(deadline, goodbye).await.is_err() {
        for session in sessions {
            session.cut();
        }
    }
}

/// The accept loop, which outlasts a lack of descriptors or memory.
struct Accepting {
    listener: TcpListener,
    also: Option<TcpListener>,
    observer: Observer,
    /// The time of the last failure, until the lack is over.
    failed: Option<Instant>,
}

impl Accepting {
    /// Accepts until the server stops, or is dropped. Returns the connections that are still there.
    async fn run(mut self, site: Arc<Site>, mut stopping: watch::Receiver<()>) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let connected = stopping.clone();
        loop {
            tokio::select! {
                (tcp, peer) = self.next() => {
                    connections.spawn(connection::serve(Arc::clone(&site), tcp, peer, connected.clone()));
                }
                Some(_) = connections.join_next() => {}
                _ = stopping.changed() => return connections,
            }
        }
    }

    async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(accepted) = accept(self.also.as_ref()), if self.also.is_some() => accepted,
            };
            match accepted {
                Ok(accepted) => {
                    if self.failed.take_if(|failed| failed.elapsed() > RECOVERY).is_some() {
                        (self.observer)(&Event::AcceptResumed);
                    }
                    return accepted;
                }
                Err(error) if is_peers_fault(&error) => {}
                Err(error) => {
                    if self.failed.replace(Instant::now()).is_none() {
                        (self.observer)(&Event::AcceptPaused { error, pause: ACCEPT_PAUSE });
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    Some(listener?.accept().await)
}

/// Whether only this one connection is lost.
fn is_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
