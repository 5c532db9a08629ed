//! Servers behind another: `3000`, `host:3000`, `http://host:3000`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A server that speaks HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    host: String,
    port: u16,
}

/// A text that names no such server.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no server to send requests to: {reason}")]
pub struct BadUpstream {
    text: String,
    reason: &'static str,
}

impl Upstream {
    /// The host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True if the host can be the name of a Kubernetes Service, with or without its namespace.
    pub(super) fn is_service(&self) -> bool {
        let is_label = |label: &str| label.starts_with(|c: char| c.is_ascii_lowercase()) && !label.contains('_');
        self.host != "localhost" && self.host.split('.').count() == 1 && is_label(&self.host)
    }

    /// The same server from a container on this machine.
    pub(super) fn seen_from_container(&self) -> Self {
        let host = if self.is_here() { "host.docker.internal".to_owned() } else { self.host.clone() };
        Self { host, port: self.port }
    }

    /// True if the host is the machine itself.
    pub(super) fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Upstream {
    /// As `host:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => write!(f, "[{address}]:{}", self.port),
            Err(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for Upstream {
    type Err = BadUpstream;

    fn from_str(text: &str) -> Result<Self, BadUpstream> {
        let bad = |reason| BadUpstream { text: text.to_owned(), reason };
        let rest = match text.split_once("://") {
            Some(("http" | "ws", rest)) => rest.strip_suffix('/').unwrap_or(rest),
            Some(("https" | "wss", _)) => return Err(bad("TLS ends before it, so it is asked by http://")),
            Some(_) => return Err(bad("it is neither a port nor http://host:port")),
            None => text,
        };
        if let Ok(port) = rest.parse::<u16>() {
            return if port == 0 {
                Err(bad("port 0 is none"))
            } else {
                Ok(Self { host: "127.0.0.1".to_owned(), port })
            };
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| bad("its port is no number"))?)
            }
            _ if text.contains("://") => (rest, 80),
            _ => return Err(bad("it has no port")),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
                && !name.starts_with('-')
        };
        match bare {
            Some(address) if address.parse::<Ipv6Addr>().is_ok() => Ok(Self { host: address.to_owned(), port }),
            None if is_name(host) => Ok(Self { host: host.to_owned(), port }),
            _ if host.contains('/') => Err(bad("it is a server that is named, without a path")),
            _ => Err(bad("its host is neither a name nor an address")),
        }
        .and_then(|upstream| if upstream.port == 0 { Err(bad("port 0 is none")) } else { Ok(upstream) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Upstream>().map(|upstream| upstream.to_string());
        for (text, expected) in [
            ("3000", "127.0.0.1:3000"),
            ("app:3000", "app:3000"),
            ("http://app.test", "app.test:80"),
            ("http://localhost:3001/", "localhost:3001"),
            ("[::1]:3000", "[::1]:3000"),
            ("http://[::1]:3000", "[::1]:3000"),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "0",
            "app",
            "https://app:1",
            "app:x",
            "app:0",
            "http://a/b:1",
            "a;b:1",
            "http://",
            "::1:3000",
            "ftp://a",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
