//! Flags of `serve`, `proxy` and `run` about limits, metrics and the log.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use secure_io::server::{Limits, Metrics, Observer};
use tokio::net::TcpListener;

use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Limits of clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Limits and metrics")]
pub(crate) struct LimitArgs {
    /// Connections in all, WebSockets among them; beyond, clients get 503
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Connections of one client, an IPv4 address or an IPv6 /64; beyond, it gets 429
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_client: Option<u32>,
    /// TLS handshakes at a time; beyond, the oldest makes room if its client is slow
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_handshakes: Option<u32>,
    /// Answer Prometheus at http://ADDRESS/metrics
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Form of the log's lines
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// Form of the log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A sentence each
    #[default]
    Text,
    /// A JSON object each
    Json,
}

impl LimitArgs {
    pub(crate) fn apply(&self, limits: &mut Limits) {
        limits.max_connections = count(self.max_connections);
        limits.max_connections_per_client = count(self.max_connections_per_client);
        limits.max_handshakes = count(self.max_handshakes);
    }
}

/// Limits of Socket.IO's messages.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits and metrics")]
pub(super) struct MessageArgs {
    /// Bytes of a message or a polling body; beyond, the client is disconnected
    #[arg(long, value_name = "BYTES", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    max_payload: u64,
    /// Messages that a client may send in a second; beyond, it is disconnected
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_events: Option<u32>,
}

impl MessageArgs {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.max_events = count(self.max_events);
        limits.max_payload = self.max_payload;
    }
}

fn count(count: Option<u32>) -> usize {
    count.map_or(usize::MAX, |count| count as usize)
}

/// Serves figures, and returns the observer that counts them.
pub(crate) async fn measured(
    address: SocketAddr,
    metrics: Metrics,
    observer: Observer,
    out: &mut Output,
) -> Result<Observer, Failure> {
    let unable = |error: io::Error| Failure::message(format!("cannot listen on {address} for --metrics: {error}"));
    let listener = TcpListener::bind(address).await.map_err(unable)?;
    out.note(format!("metrics are at http://{}/metrics", listener.local_addr().map_err(unable)?));
    let metrics = Arc::new(metrics);
    let observer = metrics.counting(observer);
    tokio::spawn(metrics.serve(listener));
    Ok(observer)
}
