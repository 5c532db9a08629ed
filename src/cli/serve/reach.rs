//! The addresses by which `serve` is reached, and what people have to know of them.

use std::env;
use std::net::{IpAddr, SocketAddr};

use secure_io::ca::env::quote_sh;

use crate::cli::output::Output;

/// The names and addresses that clients are shown a certificate for.
pub(super) struct Covered {
    /// Those of the certificate.
    pub(super) names: Vec<String>,
    /// True if the local CA issues for others.
    pub(super) issues: bool,
    /// True if hosts on the command line change the certificate.
    pub(super) is_made: bool,
}

/// A server's URL; an IPv6 address as host is in brackets.
pub(super) fn url(host: &str, port: u16) -> String {
    match port {
        443 => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    }
}

/// An address as a URL's host.
pub(super) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// Warns of another program at the other address of `localhost`.
pub(super) fn warn_of_other_server(ours: SocketAddr, other: Option<SocketAddr>, out: &mut Output) {
    let Some(other) = other else { return };
    let first = if other.is_ipv6() { ", and browsers try that address first" } else { "" };
    out.warning(format!("another program listens on {other}: `localhost` may lead there{first}"));
    let here = if ours.ip().is_unspecified() { "127.0.0.1".to_owned() } else { host(ours.ip()) };
    out.hint(format!("this server is at {}; or take another port with `--port`", url(&here, ours.port())));
}

/// Says by which URLs other machines reach a server that listens on all addresses.
pub(super) fn say_network(ours: SocketAddr, covered: &Covered, out: &mut Output) {
    if !ours.ip().is_unspecified() {
        return;
    }
    let addresses = network_addresses(ours.is_ipv6());
    if addresses.is_empty() {
        return;
    }
    let urls: Vec<_> = addresses.iter().map(|address| url(&host(*address), ours.port())).collect();
    out.note(format!("other machines reach it at {}", urls.join(" and ")));
    let missing = addresses.iter().map(ToString::to_string).filter(|address| !covered.names.contains(address));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() || covered.issues {
        return;
    }
    out.warning(format!("the certificate is not for {}: clients refuse it there", missing.join(" and ")));
    if covered.is_made {
        let arguments: Vec<_> = env::args().skip(1).map(|argument| quote_sh(&argument)).collect();
        let hosts = if covered.names.is_empty() { String::new() } else { format!(" {}", covered.names.join(" ")) };
        let hosts = if arguments.len() > 1 && has_hosts(&arguments, &covered.names) { String::new() } else { hosts };
        out.hint(format!("have one made for it: `secure-io {}{hosts} {}`", arguments.join(" "), missing.join(" ")));
    }
}

fn has_hosts(arguments: &[String], names: &[String]) -> bool {
    names.iter().any(|name| arguments.contains(name))
}

/// The addresses of this machine that other machines may reach.
fn network_addresses(with_ipv6: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .filter(|address| address.is_ipv4() || with_ipv6)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
