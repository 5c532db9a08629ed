//! The servers behind the proxy, and connections to them.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::proxy::heard::Heard;

/// The time for a connection to a server.
const CONNECT: Duration = Duration::from_secs(5);

/// A server behind the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// HTTP at a host, an IPv6 address without brackets, and a port. `localhost` is dialled on 127.0.0.1 and ::1.
    Http {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// HTTPS at a host and a port, likewise.
    Https {
        /// The host, which its certificate has to name.
        host: String,
        /// The port.
        port: u16,
    },
    /// HTTP over a Unix socket.
    Unix(PathBuf),
}

/// Reason why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A URL with another scheme than `http` and `https`.
    #[error("targets speak http or https, and `{0}` does not")]
    Scheme(String),
    /// A URL with a path, which is the client's to name.
    #[error("a target is a server without a path, as in http://localhost:5173")]
    HasPath,
    /// Something else.
    #[error("a port, http://HOST:PORT, https://HOST:PORT or unix:PATH is needed")]
    Malformed,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(TargetError::Malformed) } else { Ok(Self::Unix(path.into())) };
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let port = text.parse().ok().filter(|port| *port != 0).ok_or(TargetError::Malformed)?;
            return Ok(Self::Http { host: "localhost".to_owned(), port });
        }
        let (is_https, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(TargetError::Scheme(text.to_owned())),
            None => (false, text),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            return Err(TargetError::HasPath);
        }
        let authority: hyper::http::uri::Authority = authority.parse().map_err(|_| TargetError::Malformed)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(TargetError::Malformed);
        }
        // A port that is none, as 70000, is not read as one.
        let port = match authority.as_str().get(authority.host().len()..) {
            Some("") if is_https => 443,
            Some("") => 80,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(TargetError::Malformed)?,
        };
        Ok(if is_https { Self::Https { host, port } } else { Self::Http { host, port } })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { host, port } | Self::Https { host, port } => {
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{}://{open}{host}{close}:{port}", self.scheme())
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A connection to a server.
pub(super) trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

impl Target {
    /// The scheme of the URLs by which the server knows itself.
    pub(super) fn scheme(&self) -> &'static str {
        if matches!(self, Self::Https { .. }) { "https" } else { "http" }
    }

    /// The host that a server is asked for by those who name none.
    pub(super) fn authority(&self) -> String {
        let url = self.to_string();
        url.split_once("://").map_or("localhost", |(_, authority)| authority).to_owned()
    }

    /// Connects, to `localhost` on whichever of its two addresses listens.
    pub(super) async fn connect(&self) -> io::Result<Pin<Box<dyn Io>>> {
        let connected = timeout(CONNECT, self.dial()).await;
        connected.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 seconds")))
    }

    async fn dial(&self) -> io::Result<Pin<Box<dyn Io>>> {
        let tcp = match self {
            Self::Http { host, port } | Self::Https { host, port } if host == "localhost" => {
                match TcpStream::connect(("127.0.0.1", *port)).await {
                    Ok(tcp) => tcp,
                    Err(first) => TcpStream::connect((Ipv6Addr::LOCALHOST, *port)).await.map_err(|_| first)?,
                }
            }
            Self::Http { host, port } | Self::Https { host, port } => {
                TcpStream::connect((host.as_str(), *port)).await?
            }
            #[cfg(unix)]
            Self::Unix(path) => return Ok(Box::pin(Heard::new(tokio::net::UnixStream::connect(path).await?))),
            #[cfg(not(unix))]
            Self::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        tcp.set_nodelay(true)?;
        Ok(Box::pin(Heard::new(tcp)))
    }

    /// Returns true if a URL with this authority leads to this server.
    pub(super) fn is_at(&self, authority: &str) -> bool {
        let (Self::Http { host, port } | Self::Https { host, port }) = self else { return false };
        let default_port = if matches!(self, Self::Https { .. }) { 443 } else { 80 };
        let (name, named_port) = match authority.rsplit_once(':') {
            Some((name, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => (name, digits.parse().ok()),
            _ => (authority, Some(default_port)),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let is_local = |host: &str| ["localhost", "127.0.0.1", "::1", "0.0.0.0"].contains(&host);
        named_port == Some(*port) && (name.eq_ignore_ascii_case(host) || (is_local(name) && is_local(host)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_people_write_them() {
        for (text, read) in [
            ("5173", "http://localhost:5173"),
            ("localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
            ("http://[::1]:81", "http://[::1]:81"),
            ("http://app.test", "http://app.test:80"),
            ("https://app.test", "https://app.test:443"),
            ("https://[::1]:8443/", "https://[::1]:8443"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(text.parse::<Target>().map(|target| target.to_string()).as_deref(), Ok(read), "{text}");
        }
        for text in [
            "",
            "0",
            "70000",
            "ftp://app.test",
            "http://a/b",
            "http://me@a",
            "unix:",
            "a b",
            "localhost:70000",
            "localhost:",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_redirect_to_any_name_of_this_machine_is_to_the_server() {
        let target: Target = "5173".parse().unwrap();
        assert!(target.is_at("127.0.0.1:5173") && target.is_at("[::1]:5173") && target.is_at("LOCALHOST:5173"));
        assert!(!target.is_at("localhost") && !target.is_at("app.test:5173") && !target.is_at("localhost:5174"));
    }
}
