//! Hosts, address and port of a server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hosts, address and port of a server.
#[derive(Clone, clap::Args)]
pub(crate) struct ListenArgs {
    /// Hosts the certificate is to be for [default: localhost 127.0.0.1 ::1]
    #[arg(value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// Address to listen on [default: 127.0.0.1, and ::1 where there is one]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(crate) addr: Option<IpAddr>,
    /// Port to listen on, 0 for one that is free
    #[arg(long, short, value_name = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
}

impl ListenArgs {
    /// The address to listen on.
    pub(crate) fn address(&self) -> IpAddr {
        self.addr.unwrap_or(Ipv4Addr::LOCALHOST.into())
    }

    /// A second address to listen on: `localhost` is both, and means this server on all addresses, too.
    pub(crate) fn also(&self) -> Option<IpAddr> {
        let is_localhost = self.addr.is_none_or(|address| address == Ipv4Addr::UNSPECIFIED);
        is_localhost.then(|| Ipv6Addr::LOCALHOST.into())
    }
}

pub(crate) fn parse_address(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_err(|_| "an IP address is needed: 127.0.0.1, 0.0.0.0 for all, ::1".to_owned())
}
