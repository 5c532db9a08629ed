//! Configuration of a server, and its defaults.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::judge::report;
use crate::net::server::handler::Handler;
use crate::net::server::limits::Limits;
use crate::net::server::origin::Origins;
use crate::net::server::parser::Parser;
use crate::net::server::redis::Redis;
use crate::net::server::trusted::Trusted;
use crate::net::tls::{ByName, Challenges};

/// Configuration of a server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The address to listen on: `127.0.0.1` unless changed, which only this machine can reach.
    pub address: IpAddr,
    /// A second address to listen on, on the same port, as far as it can be had: `::1`, which `localhost` means to
    /// some clients alone. `None` by default.
    pub also: Option<IpAddr>,
    /// The port; 0 takes any that is free. 3000 unless changed, as in the Socket.IO tutorials.
    pub port: u16,
    /// The certificates, and which client is shown which.
    pub tls: Arc<ByName>,
    /// The certificate of most clients, as the demo page shows it.
    pub certificate: report::Certificate,
    /// Application for Socket.IO clients.
    pub app: App,
    /// The encoding of Socket.IO's packets.
    pub parser: Parser,
    /// True if clients of Engine.IO 3, which is Socket.IO 2, are served as well; false by default.
    pub allow_eio3: bool,
    /// The protocol's times.
    pub timing: Timing,
    /// Limits per client.
    pub limits: Limits,
    /// The way from clients to this server.
    pub front: Front,
    /// The pages of other origins that may use Socket.IO.
    pub origins: Origins,
    /// The Redis through which servers share their clients.
    pub redis: Option<Redis>,
    /// A folder to serve in place of the demo page.
    pub static_dir: Option<PathBuf>,
    /// A test PKI whose certificates are shown by server name: an index of them is served at every other name.
    pub fixtures: Option<Arc<report::fixtures::Expected>>,
    /// A Socket.IO client library to serve at `/socket.io/socket.io.js` and `.min.js`, in place of the built-in one.
    pub client_js: Option<Vec<u8>>,
    /// Answers all requests in place of this server's own pages and Socket.IO.
    pub handler: Option<Arc<dyn Handler>>,
    /// Challenges of a CA, which are answered before a client is asked for a certificate.
    pub challenges: Option<Arc<Challenges>>,
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
            parser: Parser::default(),
            allow_eio3: false,
            timing: Timing::default(),
            limits: Limits::default(),
            front: Front::default(),
            origins: Origins::default(),
            redis: None,
            static_dir: None,
            fixtures: None,
            client_js: None,
            handler: None,
            challenges: None,
        }
    }
}

/// Application for Socket.IO clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum App {
    /// A welcome, and events to try things with.
    #[default]
    Demo,
    /// The application that socketio/socket.io-protocol's test suite expects.
    Conformance,
}

/// The protocol's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From one ping to the next; 25 s, as in Node.
    pub ping_interval: Duration,
    /// Time a client has to answer a ping; 20 s, as in Node.
    pub ping_timeout: Duration,
    /// Time a client has to join a namespace; 45 s, as in Node.
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

/// The way from clients to this server: proxies in front of it, and whether clients have to come by https.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Front {
    /// True if this server speaks plain HTTP, because TLS ends in front of it.
    pub is_plain: bool,
    /// The proxies that are believed about the clients that they forward.
    pub trusted: Trusted,
    /// True if each connection of a trusted proxy begins with a header of the PROXY protocol.
    pub has_proxy_header: bool,
    /// True if clients that came by http are sent to https.
    pub enforces_https: bool,
    /// The time for which browsers are to use https alone (RFC 6797). `None` says nothing to them.
    pub hsts: Option<Duration>,
    /// The time for which a server that is to stop serves on, so that balancers can take it out. Zero by default.
    pub drain: Duration,
}
