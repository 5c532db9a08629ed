//! Connects to a server, shakes hands, and reports the certificates presented. Never judges.

mod endpoint;
mod error;
pub(crate) mod first;
mod starttls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, PeerIncompatible};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

pub use self::endpoint::{Endpoint, EndpointHost, NoEndpoint};
pub use self::error::Error;
use self::first::Remembering;
pub(crate) use self::starttls::{Refusal, Said};
pub use self::starttls::{Starttls, UnknownStarttls};
use crate::encoding::container::encrypted::Rounds;
use crate::encoding::container::{Content, Found};
use crate::judge::inspect::{self, Inspected};
use crate::judge::report::remote::Remote;
use crate::net::tls::{self, Listening};

/// Default time for all steps of asking a server: longer than a slow server's handshake,
/// shorter than a person's patience.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The protocols offered, as a browser does.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Options for asking a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server name to send in place of the endpoint's host.
    pub server_name: Option<String>,
    /// Time limit for all steps together.
    pub timeout: Duration,
    /// The protocol in whose words TLS is begun; `None` where TLS comes first.
    pub starttls: Option<Starttls>,
}

impl Default for Options {
    fn default() -> Self {
        Self { server_name: None, timeout: DEFAULT_TIMEOUT, starttls: None }
    }
}

/// Certificates and facts that a server presented.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Its certificates, in the order sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// Facts about the connection.
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

/// Asks a server.
///
/// A name that is still being looked up when the time is over holds up a runtime that waits for its threads: end that with
/// [`shutdown_background`](tokio::runtime::Runtime::shutdown_background).
///
/// # Errors
///
/// Which step failed, and why.
///
/// # Example
///
/// ```no_run
/// use secure_io::inspect;
/// use secure_io::probe::{self, Options};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let presented = probe::ask(&"localhost:3000".parse()?, &Options::default()).await?;
/// let leaf = presented.chain.first().ok_or("no certificate")?;
/// println!("{} until {}", inspect::certificate(leaf)?.subject, inspect::certificate(leaf)?.not_after);
/// # Ok(())
/// # }
/// ```
pub async fn ask(endpoint: &Endpoint, options: &Options) -> Result<Presented, Error> {
    Asking::new(endpoint, options)?.run().await
}

/// Connects to the first address of a server that answers.
///
/// # Errors
///
/// As [`ask`].
pub(crate) async fn connect(endpoint: &Endpoint, options: &Options) -> Result<(TcpStream, SocketAddr), Error> {
    Asking::new(endpoint, options)?.connect().await
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
        let (mut tcp, address) = self.connect().await?;
        // Nagle's algorithm would only make it slower.
        tcp.set_nodelay(true).ok();
        if let Some(protocol) = self.options.starttls {
            let begun = timeout_at(self.deadline, protocol.begin(&mut tcp, &self.host())).await;
            begun
                .map_err(|_elapsed| self.no_words(protocol))?
                .map_err(|refusal| self.no_starttls(protocol, refusal))?;
        }
        match self.shake_hands(tcp, address).await {
            Err(Error::Closed { endpoint }) if closes_at_once(address).await => Err(Error::ClosedAtOnce { endpoint }),
            other => other,
        }
    }

    /// The host, as a protocol names it.
    fn host(&self) -> String {
        match &self.server_name {
            ServerName::DnsName(name) => name.as_ref().to_owned(),
            _ => self.endpoint.host.to_string().trim_matches(['[', ']']).to_owned(),
        }
    }

    fn no_starttls(&self, protocol: Starttls, refusal: Refusal) -> Error {
        let (answer, speaks) = match refusal {
            Refusal::Broken(error) => (format!("the connection ends ({error})"), None),
            Refusal::Said(said) => (said.to_string(), said.speaks),
        };
        Error::NoStarttls { endpoint: self.endpoint.to_string(), protocol, answer, speaks }
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), Error> {
        let addresses = self.resolve().await?;
        let (mut refused, mut failed) = (Vec::new(), None);
        for (index, address) in addresses.iter().enumerate() {
            // Each address gets its share of the time that is left.
            let left = self.deadline.saturating_duration_since(Instant::now());
            let others = u32::try_from(addresses.len() - index).unwrap_or(1);
            match timeout_at(Instant::now() + left / others, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok((tcp, *address)),
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => refused.push(*address),
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(_) => {}
            }
        }
        let endpoint = self.endpoint.to_string();
        Err(match failed {
            _ if !refused.is_empty() => {
                let elsewhere = self.elsewhere(&refused).await;
                Error::Refused { endpoint, tried: refused, elsewhere }
            }
            None => Error::ConnectTimedOut { endpoint, limit: self.options.timeout },
            Some(source) => Error::Unreachable { endpoint, source },
        })
    }

    /// The other loopback address, if something listens there: a server may be bound to `::1` alone.
    async fn elsewhere(&self, refused: &[SocketAddr]) -> Option<SocketAddr> {
        let [address] = refused else { return None };
        let other = match address.ip() {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => IpAddr::from(Ipv6Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST) => IpAddr::from(Ipv4Addr::LOCALHOST),
            _ => return None,
        };
        let other = SocketAddr::new(other, address.port());
        let connected = timeout_at(self.deadline, TcpStream::connect(other)).await;
        connected.ok()?.ok().map(|_tcp| other)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Error> {
        let name = match &self.endpoint.host {
            EndpointHost::Address(address) => return Ok(vec![SocketAddr::new(*address, self.endpoint.port)]),
            // The system knows its zones by their names and numbers.
            EndpointHost::Zoned(address, zone) => &format!("{address}%{zone}"),
            EndpointHost::Name(name) => name,
        };
        // RFC 6761 section 6.3: names below localhost are this machine, as browsers have it; many a system does not know.
        let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let loopback = loopback.map(|address: IpAddr| SocketAddr::new(address, self.endpoint.port));
        if name.ends_with(".localhost") {
            return Ok(loopback.to_vec());
        }
        let found = timeout_at(self.deadline, tokio::net::lookup_host((name.as_str(), self.endpoint.port))).await;
        match found {
            Err(_) => Err(Error::ResolverTimedOut { host: name.clone(), limit: self.options.timeout }),
            Ok(Err(source)) if is_temporary(&source) => Err(Error::ResolverSilent { host: name.clone(), source }),
            Ok(Err(source)) => Err(Error::Unresolved { host: name.clone(), source }),
            Ok(Ok(found)) => {
                let mut addresses: Vec<_> = found.collect();
                // Many a hosts file has localhost for one family alone.
                if name == "localhost" {
                    let others = loopback.into_iter().filter(|address| !addresses.contains(address));
                    addresses.extend(others.collect::<Vec<_>>());
                }
                Ok(addresses)
            }
        }
    }

    async fn shake_hands(&self, tcp: TcpStream, address: SocketAddr) -> Result<Presented, Error> {
        let listening = tls::danger_listening(&ALPN).map_err(|source| Error::Setup { source: Box::new(source) })?;
        let connector = TlsConnector::from(listening.config.clone());
        let (stream, first) = Remembering::new(tcp);
        match timeout_at(self.deadline, connector.connect(self.server_name.clone(), stream)).await {
            Ok(Ok(stream)) => Ok(self.presented(stream.get_ref().1, &listening, address)),
            Ok(Err(error)) => Err(self.failed(error, &first.octets(), listening.shown().client_certificate_requested)),
            Err(_) => Err(match protocol(&first.octets()) {
                Some(protocol) => Error::NotTls { endpoint: self.endpoint.to_string(), protocol },
                None => self.silent(),
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
            ocsp: (!shown.ocsp.is_empty()).then(|| crate::judge::inspect::stapled(&shown.ocsp)),
        };
        Presented { chain: chain.iter().map(|der| der.clone().into_owned()).collect(), remote }
    }

    fn no_words(&self, protocol: Starttls) -> Error {
        let endpoint = self.endpoint.to_string();
        Error::StarttlsTimedOut { endpoint, protocol, limit: self.options.timeout }
    }

    fn silent(&self) -> Error {
        Error::HelloTimedOut { endpoint: self.endpoint.to_string(), limit: self.options.timeout }
    }

    /// Says why a handshake failed, by how the other side began to speak, by what rustls makes of it, and by whether a
    /// client certificate was asked for.
    fn failed(&self, error: io::Error, first: &[u8], asks_certificate: bool) -> Error {
        let endpoint = self.endpoint.to_string();
        if let Some(protocol) = protocol(first) {
            return Error::NotTls { endpoint, protocol };
        }
        let is_closed = |kind| matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            // In TLS 1.2 the server ends the handshake itself, with whatever alert, or none.
            Some(rustls::Error::AlertReceived(_)) if asks_certificate => Error::CertificateRequired { endpoint },
            None if asks_certificate && is_closed(error.kind()) => Error::CertificateRequired { endpoint },
            Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                Error::NoProtocolInCommon { endpoint }
            }
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

/// How long a connection on which nothing is said is watched: a port forwarder without a server closes it by itself.
const WATCHED: Duration = Duration::from_millis(300);

/// Decides whether connections are closed although nothing was said.
async fn closes_at_once(address: SocketAddr) -> bool {
    let watched = async {
        let mut tcp = TcpStream::connect(address).await?;
        tcp.read(&mut [0]).await
    };
    // A reset is an end as well.
    timeout_at(Instant::now() + WATCHED, watched).await.is_ok_and(|read| !matches!(read, Ok(1..)))
}

/// The end of a span from now; of one beyond all measure, a year from now.
fn deadline(span: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(span).unwrap_or_else(|| now + Duration::from_hours(24 * 365))
}

/// Returns true if a certificate's RSA key is too small for aws-lc-rs to verify a signature; the key may still be
/// sound.
fn is_small_rsa(der: &[u8]) -> bool {
    inspect::parse(der).is_ok_and(|leaf| leaf.key.key.rsa().is_some_and(|numbers| numbers.bits() < 2048))
}

/// Names the protocol of a greeting that is not TLS; `None` for TLS, or for silence.
pub(in crate::net) fn protocol(first: &[u8]) -> Option<&'static str> {
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

/// Decides whether the error of a look-up blames the resolver (`EAI_AGAIN`), and not the name.
pub(in crate::net) fn is_temporary(error: &io::Error) -> bool {
    error.to_string().contains("Temporary failure")
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
