//! Connects to a server, shakes hands, and tells what it presented. Never judges.

mod endpoint;
mod first;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, PeerIncompatible};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

pub use self::endpoint::{Endpoint, EndpointHost, NoEndpoint};
use self::first::Remembering;
use crate::container::encrypted::Rounds;
use crate::container::{Content, Found};
use crate::inspect::{self, Inspected};
use crate::report::remote::Remote;
use crate::tls::{self, Listening};

/// How long asking a server may take unless told otherwise, all steps together: longer than a slow server's handshake,
/// shorter than a person's patience.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The protocols offered, as a browser does.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host's name has no address.
    #[error("no address is known for `{host}`")]
    Unresolved {
        /// The host.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing listens there.
    #[error("nothing listens on {endpoint}")]
    Refused {
        /// The server.
        endpoint: String,
    },
    /// It cannot be reached.
    #[error("cannot connect to {endpoint}")]
    Unreachable {
        /// The server.
        endpoint: String,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("{endpoint} did not answer within {} s", limit.as_secs_f32())]
    TimedOut {
        /// The server.
        endpoint: String,
        /// The time it had.
        limit: Duration,
    },
    /// It speaks something else.
    #[error("{endpoint} speaks {protocol}, not TLS")]
    NotTls {
        /// The server.
        endpoint: String,
        /// What it speaks, as far as its first words tell.
        protocol: &'static str,
    },
    /// It ends the connection.
    #[error("{endpoint} closes the connection during the TLS handshake")]
    Closed {
        /// The server.
        endpoint: String,
    },
    /// It speaks versions of TLS that nobody accepts any more.
    #[error("{endpoint} speaks no TLS 1.2 or 1.3, and clients of today nothing older")]
    OldTls {
        /// The server.
        endpoint: String,
    },
    /// It knows no host of the name that was sent.
    #[error("{endpoint} knows no host of the name that was sent")]
    UnknownName {
        /// The server.
        endpoint: String,
    },
    /// It refuses what was offered.
    #[error("{endpoint} and this program have no cipher suite, group or signature in common")]
    NothingInCommon {
        /// The server.
        endpoint: String,
    },
    /// The handshake fails otherwise.
    #[error("the TLS handshake with {endpoint} fails")]
    Handshake {
        /// The server.
        endpoint: String,
        /// What rustls said.
        source: io::Error,
    },
    /// The name to send is none.
    #[error(transparent)]
    Name(#[from] NoEndpoint),
    /// No configuration or no runtime.
    #[error("cannot prepare a connection")]
    Setup {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How to ask.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server name to send in place of the endpoint's host.
    pub server_name: Option<String>,
    /// How long all may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { server_name: None, timeout: DEFAULT_TIMEOUT }
    }
}

/// What a server presented.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Its certificates, in the order sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// How the connection was made.
    pub remote: Remote,
}

impl Presented {
    /// The certificates as items, how the connection was made with the first.
    #[must_use]
    pub fn inspected(self, source: &str) -> Vec<Inspected> {
        let found = self.chain.iter().enumerate().map(|(index, der)| Found {
            index,
            line: None,
            label: None,
            content: Ok(Content::Certificate(der.to_vec())),
        });
        let mut items: Vec<_> = found.map(|found| inspect::item(found, source, None, &Rounds::default())).collect();
        if let Some(first) = items.first_mut() {
            first.item.set_connection(self.remote);
        }
        items
    }
}

/// Asks a server. It blocks until the answer is there or the time is over.
///
/// # Errors
///
/// Which step failed, and why.
pub fn ask(endpoint: &Endpoint, options: &Options) -> Result<Presented, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::Setup { source: Box::new(source) })?;
    let asked = runtime.block_on(Asking::new(endpoint, options)?.run());
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    asked
}

/// Connects to the first address of a server that answers.
///
/// # Errors
///
/// As [`ask`].
pub(crate) async fn connect(endpoint: &Endpoint, options: &Options) -> Result<(TcpStream, SocketAddr), Error> {
    Asking::new(endpoint, options)?.connect().await
}

/// The status that a stapled OCSP response gives, as in [`crate::report::remote::Ocsp`].
pub(crate) fn ocsp_status(der: &[u8]) -> String {
    crate::inspect::stapled(der).status
}

struct Asking<'a> {
    endpoint: &'a Endpoint,
    options: &'a Options,
    server_name: ServerName<'static>,
    deadline: Instant,
}

impl<'a> Asking<'a> {
    fn new(endpoint: &'a Endpoint, options: &'a Options) -> Result<Self, Error> {
        let named = options.server_name.as_deref().map(str::parse::<Endpoint>).transpose()?;
        let server_name = named.as_ref().unwrap_or(endpoint).server_name()?;
        Ok(Self { endpoint, options, server_name, deadline: deadline(options.timeout) })
    }

    async fn run(&self) -> Result<Presented, Error> {
        let (tcp, address) = self.connect().await?;
        // Nagle's algorithm would only make it slower.
        tcp.set_nodelay(true).ok();
        self.shake_hands(tcp, address).await
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), Error> {
        let addresses = self.resolve().await?;
        let mut failed = None;
        for (index, address) in addresses.iter().enumerate() {
            // Each address gets its share of the time that is left.
            let left = self.deadline.saturating_duration_since(Instant::now());
            let others = u32::try_from(addresses.len() - index).unwrap_or(1);
            match timeout_at(Instant::now() + left / others, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok((tcp, *address)),
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(_) => {}
            }
        }
        let endpoint = self.endpoint.to_string();
        Err(match failed {
            None => self.timed_out(),
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => Error::Refused { endpoint },
            Some(source) => Error::Unreachable { endpoint, source },
        })
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Error> {
        let name = match &self.endpoint.host {
            EndpointHost::Address(address) => return Ok(vec![SocketAddr::new(*address, self.endpoint.port)]),
            // The system knows its zones by their names and numbers.
            EndpointHost::Zoned(address, zone) => &format!("{address}%{zone}"),
            EndpointHost::Name(name) => name,
        };
        // RFC 6761 section 6.3: names below localhost are this machine, as browsers have it; many a system does not know.
        if name.ends_with(".localhost") {
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(loopback.map(|address: IpAddr| SocketAddr::new(address, self.endpoint.port)).to_vec());
        }
        let found = timeout_at(self.deadline, tokio::net::lookup_host((name.as_str(), self.endpoint.port))).await;
        match found {
            Err(_) => Err(self.timed_out()),
            Ok(Err(source)) => Err(Error::Unresolved { host: name.clone(), source }),
            Ok(Ok(addresses)) => Ok(addresses.collect()),
        }
    }

    async fn shake_hands(&self, tcp: TcpStream, address: SocketAddr) -> Result<Presented, Error> {
        let listening = tls::danger_listening(&ALPN).map_err(|source| Error::Setup { source: Box::new(source) })?;
        let connector = TlsConnector::from(listening.config.clone());
        let (stream, first) = Remembering::new(tcp);
        match timeout_at(self.deadline, connector.connect(self.server_name.clone(), stream)).await {
            Ok(Ok(stream)) => Ok(self.presented(stream.get_ref().1, &listening, address)),
            Ok(Err(error)) => Err(self.failed(error, &first.octets())),
            Err(_) => Err(match protocol(&first.octets()) {
                Some(protocol) => Error::NotTls { endpoint: self.endpoint.to_string(), protocol },
                None => self.timed_out(),
            }),
        }
    }

    fn presented(&self, tls: &rustls::ClientConnection, listening: &Listening, address: SocketAddr) -> Presented {
        let shown = listening.shown();
        let alpn = tls.alpn_protocol().map(String::from_utf8_lossy);
        let connection = tls::describe(
            tls.protocol_version().unwrap_or(rustls::ProtocolVersion::Unknown(0)),
            tls.negotiated_cipher_suite().map_or(rustls::CipherSuite::Unknown(0), |suite| suite.suite()),
            alpn.as_deref(),
        );
        let server_name = match &self.server_name {
            ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
            _ => None,
        };
        let chain = tls.peer_certificates().unwrap_or_default();
        let is_small = shown.key_proven == Some(false) && chain.first().is_some_and(|leaf| is_small_rsa(leaf));
        let remote = Remote {
            address: address.to_string(),
            server_name,
            connection,
            key_exchange: tls.negotiated_key_exchange_group().map(|group| tls::group_name(group.name())),
            client_certificate_requested: shown.client_certificate_requested,
            key_proven: shown.key_proven.filter(|_| !is_small),
            ocsp: (!shown.ocsp.is_empty()).then(|| crate::inspect::stapled(&shown.ocsp)),
        };
        Presented { chain: chain.iter().map(|der| der.clone().into_owned()).collect(), remote }
    }

    fn timed_out(&self) -> Error {
        Error::TimedOut { endpoint: self.endpoint.to_string(), limit: self.options.timeout }
    }

    /// Says why a handshake failed, by how the other side began to speak and by what rustls makes of it.
    fn failed(&self, error: io::Error, first: &[u8]) -> Error {
        let endpoint = self.endpoint.to_string();
        if let Some(protocol) = protocol(first) {
            return Error::NotTls { endpoint, protocol };
        }
        let is_closed = |kind| matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(
                rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
                | rustls::Error::PeerIncompatible(
                    PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                    | PeerIncompatible::ServerDoesNotSupportTls12Or13,
                ),
            ) => Error::OldTls { endpoint },
            Some(rustls::Error::AlertReceived(AlertDescription::UnrecognisedName)) => Error::UnknownName { endpoint },
            Some(rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            )) => Error::NothingInCommon { endpoint },
            None if is_closed(error.kind()) => Error::Closed { endpoint },
            _ => Error::Handshake { endpoint, source: error },
        }
    }
}

/// The end of a span from now; of one beyond all measure, a year from now.
fn deadline(span: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(span).unwrap_or_else(|| now + Duration::from_hours(24 * 365))
}

/// Whether a certificate's RSA key is too small for aws-lc-rs to check anything with, which is not to say that it is wrong.
fn is_small_rsa(der: &[u8]) -> bool {
    let bits = |certificate: &crate::report::Certificate| certificate.public_key.bits.unwrap_or(u32::MAX);
    inspect::certificate(der).is_ok_and(|leaf| leaf.public_key.algorithm.starts_with("RSA") && bits(&leaf) < 2048)
}

/// What a greeting that is no TLS is of; `None` for TLS, or for silence.
fn protocol(first: &[u8]) -> Option<&'static str> {
    const GREETINGS: [(&[u8], &str); 8] = [
        (b"HTTP/", "plain HTTP"),
        (b"<!DOCTYPE", "plain HTTP"),
        (b"<html", "plain HTTP"),
        (b"SSH-", "SSH"),
        (b"220", "SMTP or FTP"),
        (b"* OK", "IMAP"),
        (b"+OK", "POP3"),
        (b"-ERR", "Redis or POP3"),
    ];
    /// A TLS record begins with its type: an alert or a handshake.
    const RECORDS: [u8; 2] = [0x15, 0x16];
    let known = GREETINGS.iter().find(|(greeting, _)| first.starts_with(greeting)).map(|(_, name)| *name);
    let other = || first.first().is_some_and(|first| !RECORDS.contains(first)).then_some("something else");
    known.or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_tell_what_is_spoken() {
        assert_eq!(protocol(b"HTTP/1.1 400 Bad Request\r\n"), Some("plain HTTP"));
        assert_eq!(protocol(b"SSH-2.0-OpenSSH_9.2p1"), Some("SSH"));
        assert_eq!(protocol(b"220 mail.example ESMTP"), Some("SMTP or FTP"));
        assert_eq!(protocol(b"\x00\x01"), Some("something else"));
        assert_eq!(protocol(&[0x15, 3, 3, 0, 2, 2, 40]), None);
        assert_eq!(protocol(b""), None);
    }
}
