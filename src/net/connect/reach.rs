//! Names and connections: which addresses a URL leads to, and which of them answers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::address::Address;
use super::handshake::{closed_at_once, is_reset};
use super::run::{Found, Run};
use crate::base::files;
use crate::judge::report::connect::LayerName;
use crate::net::client::dial::with_port;
use crate::net::client::{Dialer, Proxy, Undialed};
use crate::net::probe::{EndpointHost, is_temporary};

/// Limit on a look at another address, which serves the hint alone.
const GLANCE: Duration = Duration::from_millis(150);

/// The addresses of a server: one that accepts connections, and the others.
pub(super) struct Reached {
    pub(super) dialer: Dialer,
    /// The first connection.
    pub(super) tcp: TcpStream,
    pub(super) others: Vec<SocketAddr>,
}

impl Run<'_> {
    /// Warns about faults of the URL itself.
    pub(super) fn before(&mut self, address: &Address) {
        if !address.is_secure
            && let Some(top) = address.preloaded()
        {
            let host = &address.endpoint.host;
            let message =
                format!("browsers force https for every name below .{top}, so {host} is never asked in plain HTTP");
            self.warn(Found::new("hsts-preloaded", message).sent(address.origin()));
        }
    }

    /// Finds the addresses, and connects to the first that answers.
    pub(super) async fn reach(&mut self, address: &Address) -> Result<Reached, Found> {
        let addresses = self.look_up(address).await?;
        self.passed(LayerName::Dns, None, addresses.iter().map(|one| one.ip().to_string()).collect());
        let mut failures: Vec<(SocketAddr, Undialed)> = Vec::new();
        let until = Instant::now() + self.options.timeout;
        for (index, one) in addresses.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
            let dialer = Dialer {
                address: *one,
                authority: address.authority(),
                tls: None,
                proxy: self.options.proxy.clone(),
                from: None,
                limit: share,
            };
            match dialer.tcp().await {
                Ok(tcp) => {
                    self.passed(LayerName::Tcp, Some(format!("connected to {one}")), vec![one.to_string()]);
                    let others = addresses.iter().copied().filter(|other| other != one).collect();
                    let dialer = Dialer { limit: self.options.timeout, ..dialer };
                    return Ok(Reached { dialer, tcp, others });
                }
                Err(failure) => failures.push((*one, failure)),
            }
        }
        Err(self.unreached(address, failures).await)
    }

    async fn look_up(&self, address: &Address) -> Result<Vec<SocketAddr>, Found> {
        if let Some(proxy) = &self.options.proxy {
            if proxy.scheme != "http" {
                let message = format!("HTTPS_PROXY names a proxy of {}://, and only http:// is spoken", proxy.scheme);
                let hint = "name the proxy's port for HTTP, as in HTTPS_PROXY=http://proxy:3128, or put the host into NO_PROXY";
                return Err(Found::new("proxy-refused", message).hint(hint));
            }
            let found = lookup_host(&proxy.authority).await;
            let found = found.map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            let message = format!("the proxy {} of HTTPS_PROXY has no address", proxy.authority);
            let hint = "correct the proxy's host in HTTPS_PROXY, or put the server's host into NO_PROXY";
            return if found.is_empty() { Err(Found::new("proxy-refused", message).hint(hint)) } else { Ok(found) };
        }
        let (host, port) = (&address.endpoint.host, address.endpoint.port);
        let name = match host {
            EndpointHost::Address(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
            EndpointHost::Zoned(ip, zone) => format!("{ip}%{zone}"),
            EndpointHost::Name(name) => name.clone(),
        };
        let given: Vec<_> = self.options.resolve.iter().filter(|one| one.0 == name && one.1 == port).collect();
        if !given.is_empty() {
            return Ok(given.into_iter().map(|one| SocketAddr::new(one.2, port)).collect());
        }
        // RFC 6761 section 6.3: names below localhost are this machine, as browsers have it.
        if name.ends_with(".localhost") {
            let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            return Ok(loopback.map(|ip| SocketAddr::new(ip, port)).to_vec());
        }
        let resolvers = resolvers();
        let resolver =
            if resolvers.is_empty() { "the resolver".to_owned() } else { format!("the resolver {resolvers}") };
        let sent = format!("a query for the addresses of {name}, to {resolver}");
        let silent = format!("{resolver} does not answer for {name}");
        match timeout(self.options.timeout, lookup_host((name.as_str(), port))).await {
            Err(_) => Err(Found::new("dns-timeout", silent).sent(sent).received("nothing")),
            Ok(Err(error)) => {
                let (code, message) = if is_temporary(&error) {
                    ("dns-timeout", silent)
                } else {
                    ("name-not-found", format!("the resolver knows no address for {name}"))
                };
                Err(Found::new(code, message).sent(sent).received(error.to_string()))
            }
            Ok(Ok(found)) => {
                let mut addresses: Vec<SocketAddr> = Vec::new();
                for one in found {
                    if !addresses.contains(&one) {
                        addresses.push(one);
                    }
                }
                let none =
                    || Found::new("name-not-found", format!("the resolver knows no address for {name}")).sent(sent);
                if addresses.is_empty() { Err(none()) } else { Ok(addresses) }
            }
        }
    }

    /// The cause of a server that no address leads to.
    async fn unreached(&self, address: &Address, failures: Vec<(SocketAddr, Undialed)>) -> Found {
        let tried: Vec<_> = failures.iter().map(|(one, failure)| format!("{one}: {}", words(failure))).collect();
        let tried = tried.join("; ");
        let sent = format!("SYN to {}", failures.iter().map(|(one, _)| one.to_string()).collect::<Vec<_>>().join(", "));
        if let Some(proxy) = &self.options.proxy {
            return not_passed(proxy, address, &failures).received(tried);
        }
        let is = |kind: io::ErrorKind| {
            failures.iter().any(|(_, failure)| matches!(failure, Undialed::Tcp(error) if error.kind() == kind))
        };
        let endpoint = &address.endpoint;
        if is(io::ErrorKind::ConnectionRefused) {
            let found = Found::new("refused", format!("nothing listens on {endpoint}")).sent(sent).received(tried);
            return match self.elsewhere(address, &failures).await {
                Some(other) => {
                    let hint = format!(
                        "something listens on {other}: connect there, or let the server listen on the address that the URL names"
                    );
                    found.hint(hint)
                }
                None => found,
            };
        }
        // A reset may come before the connection is even known to stand.
        if failures.iter().any(|(_, failure)| is_reset(failure)) {
            return closed_at_once(&address.authority()).sent(sent).received(tried);
        }
        if failures.iter().all(|(_, failure)| matches!(failure, Undialed::TcpTimeout)) {
            let message =
                format!("{endpoint} does not answer: no connection within {} s", self.options.timeout.as_secs_f32());
            return Found::new("connect-timeout", message).sent(sent).received(tried);
        }
        Found::new("unreachable", format!("{endpoint} cannot be reached")).sent(sent).received(tried)
    }

    /// Another address of this machine on which something listens at the port.
    async fn elsewhere(&self, address: &Address, failures: &[(SocketAddr, Undialed)]) -> Option<SocketAddr> {
        if !address.is_loopback() {
            return None;
        }
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let others = loopback.map(|ip| SocketAddr::new(ip, address.endpoint.port));
        for other in others.into_iter().filter(|other| failures.iter().all(|(tried, _)| tried != other)) {
            if listens(other).await {
                return Some(other);
            }
        }
        None
    }
}

/// The cause of a proxy that does not connect to the server.
fn not_passed(proxy: &Proxy, address: &Address, failures: &[(SocketAddr, Undialed)]) -> Found {
    const OWN: &str = "socket.io-client does not use these variables: in Node pass an agent (https-proxy-agent)";
    let (name, host, target) = (&proxy.authority, &address.endpoint.host, with_port(&address.authority()));
    let said =
        failures.iter().find_map(|(_, failure)| if let Undialed::Proxy(said) = failure { Some(said) } else { None });
    let status = said.filter(|said| said.starts_with("HTTP/")).and_then(|said| said.split(' ').nth(1));
    let around = format!("NO_PROXY={host} goes around it");
    let (what, fix) = match (said, status) {
        (_, Some("407")) if proxy.credentials.is_some() => (
            "refuses the credentials that it has there".to_owned(),
            format!(
                "correct user and password in HTTPS_PROXY, other characters than letters and digits as %40; {around}"
            ),
        ),
        (_, Some("407")) => (
            "wants credentials".to_owned(),
            format!("give them, as in HTTPS_PROXY=http://USER:PASSWORD@{name}; {around}"),
        ),
        (_, Some("403" | "405")) => (
            format!("does not allow connections to {target}"),
            format!("have it allow that host and port; if the host is reached without it, {around}"),
        ),
        (_, Some(_)) => (
            format!("does not connect to {target}"),
            format!("look whether the proxy reaches that host and port; if the host is reached without it, {around}"),
        ),
        (Some(said), None) => (
            format!("does not answer as a proxy of HTTP does: {said}"),
            format!("name the proxy's port for HTTP in HTTPS_PROXY; {around}"),
        ),
        (None, None) => ("cannot be reached".to_owned(), format!("start the proxy, or correct HTTPS_PROXY; {around}")),
    };
    Found::new("proxy-refused", format!("the proxy {name} of HTTPS_PROXY {what}"))
        .sent(format!("CONNECT {target}"))
        .hint(format!("{fix}. {OWN}"))
}

/// The resolvers that the system is told to ask, as in `127.0.0.53, 192.0.2.1`; empty where that is not in a file.
fn resolvers() -> String {
    let file = files::read(Path::new("/etc/resolv.conf")).map(|read| read.to_vec()).unwrap_or_default();
    let text = String::from_utf8_lossy(&file);
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).map(str::trim);
    servers.take(3).collect::<Vec<_>>().join(", ")
}

/// Decides whether something accepts connections at an address.
pub(super) async fn listens(address: SocketAddr) -> bool {
    let until = Instant::now() + GLANCE;
    timeout_at(until, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
}

/// A failure in a few words.
fn words(failure: &Undialed) -> String {
    match failure {
        Undialed::Tcp(error) | Undialed::Tls { error, .. } => error.to_string(),
        Undialed::TcpTimeout => "no answer".to_owned(),
        Undialed::Proxy(line) => line.clone(),
        Undialed::TlsTimeout { .. } => "no answer to the ClientHello".to_owned(),
    }
}
