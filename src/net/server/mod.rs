//! An HTTPS server that speaks Socket.IO as Node's server does; each module documents its promises to clients.
//!
//! [`Server::bind`] takes the port, [`Server::run`] serves until stopped. Nothing is printed: an
//! [`Observer`] receives the events.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use secure_io::credentials::Credentials;
//! use secure_io::generate::CertificateSpec;
//! use secure_io::server::{Config, Server};
//! use secure_io::tls::ByName;
//! use secure_io::validity;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::self_signed(&CertificateSpec::default(), validity::now())?;
//! let (chain, key) = credentials.parts();
//! let config = Config::new(Arc::new(ByName::new(chain, key)?), credentials.report()?);
//! let server = Server::bind(config, Arc::new(|event| println!("{event:?}"))).await?;
//! println!("https://localhost:{}", server.local_addr().port());
//! server.run(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod alert;
mod args;
mod authority;
mod budget;
mod certificates;
mod client_js;
mod config;
mod conformance;
mod connection;
mod connections;
mod engine;
mod event;
mod fixture_index;
mod forwarded;
mod front;
#[doc(hidden)]
pub mod fuzz;
mod handler;
mod handshake;
mod header;
mod hello;
mod identity;
mod interim;
mod limits;
mod listening;
mod metrics;
mod msgpack;
mod namespace;
mod origin;
mod own_page;
mod page;
mod parser;
mod patient;
mod peer;
mod places;
mod plaintext;
mod proxy_header;
mod queue;
mod redis;
mod routes;
mod session;
mod sessions;
mod socket;
mod stream;
mod trusted;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub(crate) use self::authority::is_authority;
pub use self::certificates::Certificates;
pub use self::config::{App, Config, Front, Timing};
pub(in crate::net) use self::connection::{MAX_APPLICATION_FIELDS, Malformed};
pub use self::event::{Client, DisconnectReason, Event, Observer, Refused, Transport, Withheld};
pub(crate) use self::forwarded::is_forwarding;
pub use self::handler::{Handler, Requester};
pub use self::handshake::HandshakeError;
pub use self::identity::Identity;
pub use self::interim::Interim;
pub use self::limits::Limits;
pub use self::listening::Error;
pub use self::metrics::Metrics;
pub use self::origin::{OriginError, Origins};
pub use self::parser::Parser;
pub use self::proxy_header::ProxyHeaderError;
pub use self::redis::{Redis, RedisError, RedisUrlError};
pub use self::trusted::{NetworkError, Trusted};

use self::engine::Engine;
use self::listening::{Accepting, Listening};
use self::namespace::SocketIo;
use self::redis::{Link, Opened};
use self::routes::Site;
use self::websocket::writer::Frames;

/// A server that has its port.
pub struct Server {
    listener: TcpListener,
    also: Option<TcpListener>,
    address: SocketAddr,
    elsewhere: Option<SocketAddr>,
    link: Option<(Arc<Link>, Opened)>,
    site: Arc<Site>,
    observer: Observer,
    shutdown: Duration,
}

impl Server {
    /// Takes the port. Clients can connect from then on, and wait until [`Server::run`] is polled.
    ///
    /// # Errors
    ///
    /// If the port cannot be had, or Redis cannot be used; see [`Error`].
    pub async fn bind(config: Config, observer: Observer) -> Result<Self, Error> {
        let Listening { listener, also, address, other_server } = Listening::take(&config).await?;
        let shutdown = config.limits.shutdown;
        let link = link(&config, &observer).await?;
        let engine = engine(&config, link.as_ref().map(|(link, _)| Arc::clone(link)), &observer);
        let site = Arc::new(Site::new(config, engine, Arc::clone(&observer)));
        Ok(Self { listener, also, address, elsewhere: other_server, link, site, observer, shutdown })
    }

    /// The address of the listener, with the port that was taken for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The other address of `localhost` with the same port, where another program listens: some clients go there.
    #[must_use]
    pub fn other_server(&self) -> Option<SocketAddr> {
        self.elsewhere
    }

    /// The certificates that the server shows, which can be replaced while the server runs.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        self.site.certificates().clone()
    }

    /// Serves until `shutdown` is ready, and for [`Front::drain`] beyond; then says goodbye to all clients, which may
    /// take [`Limits::shutdown`].
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, also, link, site, observer, shutdown: deadline, .. } = self;
        let (stop, stopping) = watch::channel(());
        // As a task, it shares a thread with the connections rather than waking another for each.
        let accepting = Accepting { listener, also, observer, failed: None };
        let accepting = tokio::spawn(accepting.run(Arc::clone(&site), stopping));
        let sharing = link.map(|(link, opened)| Task(tokio::spawn(Arc::clone(site.engine()).share(link, opened))));
        shutdown.await;
        let drain = site.front().config().drain;
        if !drain.is_zero() {
            site.front().drain();
            sleep(drain).await;
        }
        stop.send_replace(());
        let connections = accepting.await.unwrap_or_default();
        close(&site, connections, deadline).await;
        drop(sharing);
    }
}

/// A task that ends when this is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to Redis, if one is named.
async fn link(config: &Config, observer: &Observer) -> Result<Option<(Arc<Link>, Opened)>, Error> {
    let Some(redis) = &config.redis else { return Ok(None) };
    let link = Link::new(redis.clone(), namespaces(config.app), Arc::clone(observer));
    match link.open().await {
        Ok(opened) => Ok(Some((link, opened))),
        Err(reason) => Err(Error::Redis { address: redis.to_string(), reason }),
    }
}

fn namespaces(app: App) -> &'static [&'static str] {
    match app {
        App::Demo => &["/"],
        App::Conformance => &["/", "/custom"],
    }
}

/// Builds the Socket.IO side.
fn engine(config: &Config, link: Option<Arc<Link>>, observer: &Observer) -> Arc<Engine> {
    let Config { timing, limits, app, parser, allow_eio3, .. } = *config;
    let namespaces = namespaces(app);
    let (app, frames): (Box<dyn namespace::Application>, _) = match app {
        App::Demo => (Box::new(socket::Demo), Frames::Together),
        App::Conformance => (Box::new(conformance::Conformance), Frames::Apart),
    };
    let io = SocketIo::new(app, namespaces, parser, MAX_ATTACHMENTS_SIZE, link, Arc::clone(observer));
    Engine::new(io, timing, limits, frames, allow_eio3, Arc::clone(observer))
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
