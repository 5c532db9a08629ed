//! `connect`: a Socket.IO client that says at which layer a connection fails, why, and what fixes it.
//!
//! The layers are passed from the bottom up: `address` reads the URL, `reach` finds addresses and connects,
//! `secure` shakes hands and judges the certificates, `session` opens Engine.IO's session and joins the namespace
//! (`direct` without polling), `talk` sends and receives events. Beside them, `sticky` looks at other connections,
//! `forwarded` at X-Forwarded-Proto, and `origin` judges as a browser's page would.
//!
//! Each failure is one of the `causes`, found by `handshake`, `silence` (no answer of HTTP), `refusal` (an unwanted
//! answer) and `loss` (a session that ends).

#![expect(clippy::result_large_err, reason = "a run has one failure, and it holds what the report says")]

mod address;
mod asked;
mod causes;
mod direct;
mod forwarded;
mod handshake;
mod loss;
mod origin;
mod reach;
mod refusal;
mod run;
mod secure;
mod session;
mod silence;
mod sticky;
mod talk;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::KeyLog;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::value::RawValue;
use tokio::sync::mpsc::Receiver;

pub use self::causes::Cause;
use self::run::Run;
use crate::judge::report::connect::Document;
pub use crate::net::check::Known;
pub use crate::net::client::{Proxy, Transport};

/// Settings of a run.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options<'a> {
    /// The path of Engine.IO, as in `/socket.io/`.
    pub path: String,
    /// More of the query, as in `token=1&room=2`, escaped.
    pub query: String,
    /// Header fields of each request, names and values.
    pub fields: Vec<(String, String)>,
    /// JSON for the namespace's `auth`.
    pub auth: Option<Box<RawValue>>,
    /// The only transport to use.
    pub transport: Option<Transport>,
    /// The origin of the browser's page for which to judge, as in `https://app.test`.
    pub origin: Option<String>,
    /// A client certificate, its chain and its key.
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    /// The server name to send and to match in place of the host.
    pub server_name: Option<String>,
    /// Addresses of hosts and ports that are not looked up.
    pub resolve: Vec<(String, u16, IpAddr)>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Limit on each step.
    pub timeout: Duration,
    /// The time to listen for events; for ever if absent.
    pub duration: Option<Duration>,
    /// The number of events to wait for.
    pub count: Option<u64>,
    /// Give out each packet.
    pub frames: bool,
    /// Connect again when the connection is lost.
    pub reconnect: bool,
    /// A person gives the orders: an acknowledgement that does not come is a warning, and the end of the orders is the
    /// end of the run, whatever its limits.
    pub interactive: bool,
    /// A proxy of HTTP between.
    pub proxy: Option<Proxy>,
    /// The log of the connections' secrets.
    pub key_log: Option<Arc<dyn KeyLog>>,
    /// The trust anchors.
    pub known: Known<'a>,
}

/// An event to emit.
#[derive(Debug, Clone)]
pub struct Emit {
    /// Its name.
    pub event: String,
    /// The array of name and arguments, as JSON; an attachment is `{"_placeholder":true,"num":N}`.
    pub content: Box<RawValue>,
    /// The attachments.
    pub attachments: Vec<Vec<u8>>,
    /// Wait for an acknowledgement.
    pub is_acknowledged: bool,
}

/// Something to do while connected.
#[derive(Debug, Clone)]
pub enum Order {
    /// Emit an event.
    Emit(Emit),
    /// Join another namespace, and emit there from then on.
    Join(String),
}

/// Connects to the server of a URL, does what comes from `orders`, and reports to `sink`; returns the exit status.
///
/// The run ends when a limit of the options is reached; without one, when `orders` has ended and nothing has come for a
/// moment.
pub async fn connect(
    url: &str,
    options: &Options<'_>,
    orders: Receiver<Order>,
    sink: &mut (dyn FnMut(Document) + Send),
) -> u8 {
    Run::new(options, sink).all(url, orders).await
}
