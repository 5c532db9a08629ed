//! Connects to one address of a server: TCP, perhaps through a proxy, and TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use crate::net::probe::first::{First, Remembering};
use crate::net::tls::Listening;

/// The longest head of a proxy's answer that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// The way of each connection of a client.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    /// The server's address, or the proxy's.
    pub(crate) address: SocketAddr,
    /// The server as in `localhost:3000`: for the Host field, and for a proxy.
    pub(crate) authority: String,
    /// TLS to speak, and the name to send.
    pub(crate) tls: Option<(Listening, ServerName<'static>)>,
    /// The proxy between, with its credentials in Base64.
    pub(crate) proxy: Option<Proxy>,
    /// The address to connect from, if not the system's choice.
    pub(crate) from: Option<IpAddr>,
    /// Limit on each step.
    pub(crate) limit: Duration,
}

/// A proxy of HTTP to which CONNECT is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// As in `proxy.test:3128`.
    pub authority: String,
    /// `user:password` in Base64.
    pub credentials: Option<String>,
    /// The scheme of its URL; nothing but `http` is spoken.
    pub scheme: String,
}

/// Reason why there is no connection.
#[derive(Debug)]
pub(crate) enum Undialed {
    /// TCP failed.
    Tcp(io::Error),
    TcpTimeout,
    /// The proxy said no, or nothing that can be read: its status line.
    Proxy(String),
    /// TLS failed after these first octets of the server.
    Tls {
        error: io::Error,
        first: Vec<u8>,
    },
    /// The hello got no answer but these octets.
    TlsTimeout {
        first: Vec<u8>,
    },
}

impl Dialer {
    /// Connects.
    pub(crate) async fn dial(&self) -> Result<(Stream, First), Undialed> {
        let tcp = self.tcp().await?;
        self.over(tcp).await
    }

    /// Connects TCP alone, and through the proxy if there is one.
    pub(crate) async fn tcp(&self) -> Result<TcpStream, Undialed> {
        let until = Instant::now() + self.limit;
        let connected = timeout_at(until, self.connect()).await;
        let mut tcp = connected.map_err(|_elapsed| Undialed::TcpTimeout)?.map_err(Undialed::Tcp)?;
        // Nagle's algorithm would only make it slower.
        tcp.set_nodelay(true).ok();
        if let Some(proxy) = &self.proxy {
            let said = timeout_at(until, proxy.pass(&mut tcp, &self.authority)).await;
            said.unwrap_or_else(|_| Err(Undialed::Proxy("no answer".to_owned())))?;
        }
        Ok(tcp)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let Some(from) = self.from else { return TcpStream::connect(self.address).await };
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(from, 0))?;
        socket.connect(self.address).await
    }

    /// Speaks TLS over a connection, if TLS is wanted.
    pub(crate) async fn over(&self, tcp: TcpStream) -> Result<(Stream, First), Undialed> {
        let (stream, first) = Remembering::new(tcp);
        let Some((listening, name)) = &self.tls else { return Ok((Stream::Plain(stream), first)) };
        let connecting = TlsConnector::from(listening.config.clone()).connect(name.clone(), stream);
        match timeout_at(Instant::now() + self.limit, connecting).await {
            Ok(Ok(stream)) => Ok((Stream::Tls(Box::new(stream)), first)),
            Ok(Err(error)) => Err(Undialed::Tls { error, first: first.octets() }),
            Err(_) => Err(Undialed::TlsTimeout { first: first.octets() }),
        }
    }
}

impl Proxy {
    /// Has the proxy connect to a server (RFC 9110 section 9.3.6).
    async fn pass(&self, tcp: &mut TcpStream, authority: &str) -> Result<(), Undialed> {
        let credentials = self.credentials.as_ref();
        let credentials =
            credentials.map(|basic| format!("Proxy-Authorization: Basic {basic}\r\n")).unwrap_or_default();
        let target = with_port(authority);
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
        let talking = |error: io::Error| Undialed::Proxy(error.to_string());
        tcp.write_all(request.as_bytes()).await.map_err(talking)?;
        let mut head = Vec::new();
        // Octet by octet, because what follows the head is the server's.
        while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
            match tcp.read_u8().await {
                Ok(octet) => head.push(octet),
                Err(_) if head.is_empty() => return Err(Undialed::Proxy("it closes the connection".to_owned())),
                Err(_) => break,
            }
        }
        let line = String::from_utf8_lossy(&head);
        let line = line.lines().next().unwrap_or_default();
        let status = line.split(' ').nth(1).unwrap_or_default();
        if line.starts_with("HTTP/") && status.starts_with('2') {
            return Ok(());
        }
        Err(Undialed::Proxy(line.chars().take(100).collect()))
    }
}

/// The authority with its port, which CONNECT wants: proxies refuse it without.
pub(crate) fn with_port(authority: &str) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { authority.to_owned() } else { format!("{authority}:443") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_get_the_usual_port() {
        for (authority, expected) in [("app.test", "app.test:443"), ("[::1]", "[::1]:443"), ("[::1]:80", "[::1]:80")] {
            assert_eq!(with_port(authority), expected);
        }
    }
}
