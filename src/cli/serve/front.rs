//! Flags of `serve`, `proxy` and `run` about the way from clients to the server: proxies in front of it, and https.

use std::time::Duration;

use secure_io::server::{Front, Trusted};
use secure_io::validity;

use crate::cli::failure::Failure;

/// The way from clients to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Behind a balancer")]
pub(crate) struct FrontArgs {
    /// Believe what this proxy says of its clients (X-Forwarded-For, -Proto and -Host, Forwarded); an address or a
    /// network as 10.0.0.0/8; can be repeated
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = parse_network)]
    trusted_proxy: Vec<String>,
    /// Expect a header of the PROXY protocol, version 1 or 2, from each trusted proxy
    #[arg(long, requires = "trusted_proxy")]
    proxy_protocol: bool,
    /// Send clients that come by http to https, except for /healthz and /readyz
    #[arg(long)]
    enforce_https: bool,
    /// Have browsers use https alone for so long: they do so for all ports of the host, localhost's too
    #[arg(long, value_name = "SPAN", num_args = 0..=1, require_equals = true, default_missing_value = "365d", value_parser = parse_span)]
    hsts: Option<Duration>,
}

/// The end of a server behind a balancer.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Behind a balancer")]
pub(super) struct DrainArgs {
    /// Serve on for so long when asked to stop, with 503 at /readyz, so that a balancer can take this server out
    #[arg(long, value_name = "SPAN", default_value = "0s", hide_default_value = true, value_parser = parse_drain)]
    pub(super) drain: Duration,
}

impl FrontArgs {
    /// The way of clients who come by TLS.
    pub(crate) fn front(&self) -> Result<Front, Failure> {
        let mut trusted = Trusted::default();
        for network in &self.trusted_proxy {
            trusted.allow(network).map_err(|error| Failure::message(error.to_string()))?;
        }
        Ok(Front {
            is_plain: false,
            trusted,
            has_proxy_header: self.proxy_protocol,
            enforces_https: self.enforce_https,
            hsts: self.hsts,
            drain: Duration::ZERO,
        })
    }
}

fn parse_network(text: &str) -> Result<String, String> {
    Trusted::default().allow(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn parse_span(text: &str) -> Result<Duration, String> {
    validity::parse_span(text).map_err(|error| error.to_string())
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s") { Ok(Duration::ZERO) } else { parse_span(text) }
}
