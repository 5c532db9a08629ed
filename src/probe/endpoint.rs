//! Where a server is: what people type, taken apart.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use rustls::pki_types::ServerName;

/// A server: its host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name in A-labels, or an address.
    pub host: EndpointHost,
    /// The port; 443 unless said.
    pub port: u16,
}

/// A server's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointHost {
    /// A domain name, in lower-case A-labels.
    Name(String),
    /// An address.
    Address(IpAddr),
    /// An address of IPv6 and the zone in which it is reached, as in `fe80::1%eth0` (RFC 4007 section 11).
    Zoned(Ipv6Addr, String),
}

/// Why something typed is no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not a server: {reason}")]
pub struct NoEndpoint {
    /// What was typed.
    pub input: String,
    /// The fault.
    pub reason: &'static str,
}

impl Endpoint {
    /// Whether something typed can only be a server: it begins with a scheme of TLS, or is a host with a port.
    #[must_use]
    pub fn is_meant(input: &str) -> bool {
        let is_port = |port: &str| !port.is_empty() && port.len() < 6 && port.bytes().all(|byte| byte.is_ascii_digit());
        let has_port = input.rsplit_once(':').is_some_and(|(host, port)| is_port(port) && !host.is_empty());
        scheme(input).is_some() || (has_port && !input.contains(['/', '\\']) && Self::from_str(input).is_ok())
    }

    /// The name to send and to match certificates against.
    ///
    /// # Errors
    ///
    /// When the host is no name that TLS knows.
    pub fn server_name(&self) -> Result<ServerName<'static>, NoEndpoint> {
        match &self.host {
            EndpointHost::Address(address) => Ok(ServerName::IpAddress((*address).into())),
            // The zone means something on this machine alone.
            EndpointHost::Zoned(address, _) => Ok(ServerName::IpAddress(IpAddr::from(*address).into())),
            EndpointHost::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| NoEndpoint { input: name.clone(), reason: "it is no host name" }),
        }
    }
}

/// What follows `https://` or `wss://`.
fn scheme(input: &str) -> Option<&str> {
    let (scheme, rest) = input.split_once("://")?;
    ["https", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    /// Reads `https://host[:port][/…]`, `wss://…`, `host:port`, `host`; addresses of IPv6 in brackets.
    fn from_str(input: &str) -> Result<Self, NoEndpoint> {
        let fail = |reason| NoEndpoint { input: input.to_owned(), reason };
        let rest = match (scheme(input), input.contains("://")) {
            (Some(rest), _) => rest,
            (None, true) => return Err(fail("only https:// and wss:// speak TLS")),
            (None, false) => input,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(fail("it has a user name in it"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) => {
                let host = bracketed(address).ok_or_else(|| fail("in the brackets is no IPv6 address"))?;
                let port = match port.strip_prefix(':') {
                    None if !port.is_empty() => return Err(fail("something follows the bracket")),
                    port => port,
                };
                (host, port)
            }
            None if bracketed(authority).is_some() => {
                return Err(fail("an IPv6 address stands in brackets, as in `[::1]:443`"));
            }
            None => {
                let (host, port) =
                    authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
                (host_of(host).ok_or_else(|| fail("it has no host that can be looked up"))?, port)
            }
        };
        let port = port.map_or(Ok(443), str::parse).ok().filter(|port| *port != 0);
        Ok(Self { host, port: port.ok_or_else(|| fail("its port is not one of 1 to 65535"))? })
    }
}

/// An address of IPv6, perhaps with a zone behind `%25` (RFC 6874) or, as people write it, behind `%`.
fn bracketed(text: &str) -> Option<EndpointHost> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().ok().map(|address: Ipv6Addr| EndpointHost::Address(address.into()));
    };
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    let is_zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let address = address.parse().ok().filter(|_| is_zone)?;
    Some(EndpointHost::Zoned(address, zone.to_owned()))
}

fn host_of(host: &str) -> Option<EndpointHost> {
    if let Ok(address) = host.parse() {
        return Some(EndpointHost::Address(address));
    }
    let name = idna::domain_to_ascii(host.strip_suffix('.').unwrap_or(host)).ok()?;
    let is_name = ServerName::try_from(name.as_str()).is_ok_and(|name| matches!(name, ServerName::DnsName(_)));
    is_name.then_some(EndpointHost::Name(name))
}

impl fmt::Display for Endpoint {
    /// As in `localhost:3000` or `[::1]:443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for EndpointHost {
    /// As in a URL: addresses of IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Zoned(address, zone) => write!(f, "[{address}%25{zone}]"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_taken_apart() {
        for (input, expected) in [
            ("https://localhost", "localhost:443"),
            ("HTTPS://App.Test:3000/path?q#f", "app.test:3000"),
            ("wss://bücher.test/socket.io/", "xn--bcher-kva.test:443"),
            ("localhost:3000", "localhost:3000"),
            ("127.0.0.1:8443", "127.0.0.1:8443"),
            ("https://[::1]:3000/", "[::1]:3000"),
            ("[::1]", "[::1]:443"),
            ("https://[fe80::1%25eth0]:3000/", "[fe80::1%25eth0]:3000"),
            ("[fe80::1%eth0]:3000", "[fe80::1%25eth0]:3000"),
            ("example.com.", "example.com:443"),
        ] {
            assert_eq!(input.parse::<Endpoint>().map(|endpoint| endpoint.to_string()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_server_says_why() {
        for (input, reason) in [
            ("http://localhost:3000", "only https:// and wss:// speak TLS"),
            ("https://", "it has no host that can be looked up"),
            ("localhost:99999", "its port is not one of 1 to 65535"),
            ("localhost:0", "its port is not one of 1 to 65535"),
            ("::1", "an IPv6 address stands in brackets, as in `[::1]:443`"),
            ("[x]:1", "in the brackets is no IPv6 address"),
            ("[fe80::1%]:1", "in the brackets is no IPv6 address"),
            ("[127.0.0.1%eth0]:1", "in the brackets is no IPv6 address"),
            ("fe80::1%eth0", "an IPv6 address stands in brackets, as in `[::1]:443`"),
            ("https://me@host", "it has a user name in it"),
            ("a b:443", "it has no host that can be looked up"),
        ] {
            assert_eq!(input.parse::<Endpoint>().map_err(|error| error.reason), Err(reason), "{input}");
        }
    }

    #[test]
    fn files_are_not_taken_for_servers() {
        for file in ["server.pem", "C:\\certs\\a.pem", "certs/a:443", "a.pem:", "-", "localhost"] {
            assert!(!Endpoint::is_meant(file), "{file}");
        }
        for server in ["localhost:3000", "https://x", "wss://x/", "[::1]:443"] {
            assert!(Endpoint::is_meant(server), "{server}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(input in "\\PC{0,40}") {
            let _ = Endpoint::is_meant(&input);
        }
    }
}
