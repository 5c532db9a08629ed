//! The addresses by which `serve` is reached, with notes about them.

use std::net::{IpAddr, SocketAddr};

use crate::cli::command_line::CommandLine;
use crate::cli::network;
use crate::cli::output::Output;

/// The names and addresses that clients are shown a certificate for.
pub(super) struct Covered {
    /// Those of the certificate.
    pub(super) names: Vec<String>,
    /// True if the local CA issues for others.
    pub(super) issues: bool,
    /// True if hosts were typed; `None` if the certificate is that of a file, which hosts do not change.
    pub(super) hosts_typed: Option<bool>,
    /// True if nobody is shown a certificate.
    pub(super) is_plain: bool,
}

impl Covered {
    pub(super) fn scheme(&self) -> &'static str {
        if self.is_plain { "http" } else { "https" }
    }
}

/// A server's URL; an IPv6 address as host is in brackets.
pub(super) fn url(scheme: &str, host: &str, port: u16) -> String {
    match (scheme, port) {
        ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
        (_, port) => format!("{scheme}://{host}:{port}"),
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
pub(super) fn warn_of_other_server(ours: SocketAddr, other: Option<SocketAddr>, scheme: &str, out: &mut Output) {
    let Some(other) = other else { return };
    let first = if other.is_ipv6() { ", and browsers try that address first" } else { "" };
    out.warning(format!("another program listens on {other}: `localhost` may lead there{first}"));
    let here = if ours.ip().is_unspecified() { "127.0.0.1".to_owned() } else { host(ours.ip()) };
    out.hint(format!("this server is at {}; --port takes another port", url(scheme, &here, ours.port())));
}

/// Says by which URLs other machines reach a server that listens on all addresses.
pub(super) fn say_network(ours: SocketAddr, covered: &Covered, out: &mut Output) {
    if !ours.ip().is_unspecified() {
        return;
    }
    let addresses = network::addresses(ours.is_ipv6());
    if addresses.is_empty() {
        return;
    }
    let urls: Vec<_> = addresses.iter().map(|address| url(covered.scheme(), &host(*address), ours.port())).collect();
    out.note(format!("phones and other machines reach it at {}", urls.join(" and ")));
    if covered.issues && !covered.is_plain {
        let command = CommandLine::ours("ca share").carrying_ca_dir();
        out.hint(format!("a phone has to trust the local CA first: `{command}`"));
    }
    let missing = addresses.iter().map(ToString::to_string).filter(|address| !covered.names.contains(address));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() || covered.issues || covered.is_plain {
        return;
    }
    out.warning(format!("the certificate is not for {}: clients refuse it there", missing.join(" and ")));
    if let Some(hosts_typed) = covered.hosts_typed {
        let hosts = covered.names.iter().filter(|_| !hosts_typed);
        let command = CommandLine::typed().args(hosts.chain(&missing));
        out.hint(format!("have one made for it: `{command}`"));
    }
}
