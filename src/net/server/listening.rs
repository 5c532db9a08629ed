//! The port: taken on both addresses of `localhost`, and accepted from as long as the server runs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::net::server::config::Config;
use crate::net::server::connection;
use crate::net::server::event::{Event, Observer};
use crate::net::server::redis::RedisError;
use crate::net::server::routes::Site;

/// Reason why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens there.
    #[error("{address} is in use")]
    PortInUse {
        /// The address.
        address: SocketAddr,
        /// Error from the operating system.
        source: io::Error,
    },
    /// The system keeps the port for privileged programs.
    #[error("port {} needs privileges", address.port())]
    PrivilegedPort {
        /// The address.
        address: SocketAddr,
        /// Error from the operating system.
        source: io::Error,
    },
    /// The address is not one of this machine's.
    #[error("{} is not an address of this machine", address.ip())]
    AddressNotAvailable {
        /// The address.
        address: SocketAddr,
        /// Error from the operating system.
        source: io::Error,
    },
    /// The Redis through which servers share their clients cannot be used.
    #[error("cannot use {address}: {reason}")]
    Redis {
        /// Its address, without user and password.
        address: String,
        /// Reason why it cannot.
        reason: RedisError,
    },
    /// Another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Error from the operating system.
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

/// The port, taken.
pub(super) struct Listening {
    pub(super) listener: TcpListener,
    pub(super) also: Option<TcpListener>,
    pub(super) address: SocketAddr,
    pub(super) other_server: Option<SocketAddr>,
}

/// Ports that are tried, where any will do, until one is free on both addresses of `localhost`.
const PORTS_TRIED: usize = 16;

impl Listening {
    pub(super) async fn take(config: &Config) -> Result<Self, Error> {
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

/// Pause before accepting again when the system has run out of a resource.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The time without a failure after which the lack is over: at the limit of descriptors, each connection that ends lets
/// one more in.
const RECOVERY: Duration = Duration::from_secs(10);

/// The accept loop, which outlasts a lack of descriptors or memory.
pub(super) struct Accepting {
    pub(super) listener: TcpListener,
    pub(super) also: Option<TcpListener>,
    pub(super) observer: Observer,
    /// The time of the last failure, until the lack is over.
    pub(super) failed: Option<Instant>,
}

impl Accepting {
    /// Accepts until the server stops, or is dropped. Returns the connections that are still there.
    pub(super) async fn run(mut self, site: Arc<Site>, mut stopping: watch::Receiver<()>) -> JoinSet<()> {
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

/// Returns true if the error concerns only this one connection.
fn is_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
