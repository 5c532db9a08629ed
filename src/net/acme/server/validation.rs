//! Validation: the server connects to a host and sees that it is the client's (RFC 8555 section 8, RFC 8737, RFC 8738).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::jws::brief;
use super::orders::Method;
use super::problem::{Kind, Problem};
use crate::judge::inspect;
use crate::net::tls::{self, ACME_IDENTIFIER_OID, ACME_TLS, sent_name};
use crate::x509::key::sha256;
use crate::x509::name::SubjectAltName;

/// Time for one attempt.
const LIMIT: Duration = Duration::from_secs(10);

/// Waits before the first and the later attempts: a client may say that it is ready a moment before it is.
const ATTEMPTS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_millis(2500)];

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// The longest answer that is read: a key authorization has 87 octets.
const LONGEST: usize = 4096;

/// The addresses of hosts.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The port of HTTP-01: 80 unless clients cannot have it.
    pub http_port: u16,
    /// The port of TLS-ALPN-01: 443 unless clients cannot have it.
    pub tls_port: u16,
    /// Addresses of names, before any other place is asked.
    pub resolve: HashMap<String, IpAddr>,
}

impl Default for Reach {
    fn default() -> Self {
        Self { http_port: 80, tls_port: 443, resolve: HashMap::new() }
    }
}

/// A challenge to be checked.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) name: SubjectAltName,
    pub(super) method: Method,
    pub(super) token: String,
    /// Token and thumbprint of the account's key.
    pub(super) authorization: String,
    /// The address that the order came from.
    pub(super) from: IpAddr,
}

impl Reach {
    /// Validates a challenge, on a few attempts.
    pub(super) async fn validate(&self, task: &Task) -> Result<(), Problem> {
        let mut result = Ok(());
        for wait in ATTEMPTS {
            tokio::time::sleep(wait).await;
            result = self.attempt(task).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    async fn attempt(&self, task: &Task) -> Result<(), Problem> {
        let mut telling: Option<Problem> = None;
        for address in self.addresses(task).await {
            let attempt = async {
                match task.method {
                    Method::Http01 => self.http(task, address).await,
                    Method::TlsAlpn01 => self.tls(task, address).await,
                }
            };
            let late = |_elapsed| {
                let port = if task.method == Method::Http01 { self.http_port } else { self.tls_port };
                let address = SocketAddr::new(address, port);
                Err(Problem::new(Kind::Connection, format!("no answer from {address} within {} s", LIMIT.as_secs())))
            };
            match timeout(LIMIT, attempt).await.unwrap_or_else(late) {
                Ok(()) => return Ok(()),
                // An address that answers wrongly says more than one that does not answer.
                Err(problem) if telling.as_ref().is_none_or(|telling| telling.kind == Kind::Connection) => {
                    if telling.is_none() || problem.kind != Kind::Connection {
                        telling = Some(problem);
                    }
                }
                Err(_) => {}
            }
        }
        let none = || Problem::new(Kind::Connection, format!("{} has no address", task.name.value()));
        Err(telling.unwrap_or_else(none))
    }

    /// The addresses of a host: those told to the server, loopback for `localhost` and what is below it, the resolver's;
    /// for a name that it does not know, where the order came from.
    async fn addresses(&self, task: &Task) -> Vec<IpAddr> {
        const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let name = match &task.name {
            SubjectAltName::Ip(address) => return vec![*address],
            name => name.value(),
        };
        if let Some(told) = self.resolve.get(&name) {
            return vec![*told];
        }
        if name == "localhost" || name.ends_with(".localhost") {
            return LOOPBACK.to_vec();
        }
        let found = timeout(LIMIT, tokio::net::lookup_host((name.as_str(), 0))).await;
        let found: Vec<_> = found.ok().and_then(Result::ok).into_iter().flatten().map(|address| address.ip()).collect();
        if found.is_empty() { vec![task.from] } else { found }
    }

    async fn http(&self, task: &Task, address: IpAddr) -> Result<(), Problem> {
        let address = SocketAddr::new(address, self.http_port);
        let host = match &task.name {
            SubjectAltName::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            name => name.value(),
        };
        let authority = if self.http_port == 80 { host.clone() } else { format!("{host}:{}", self.http_port) };
        let mut path = format!("/.well-known/acme-challenge/{}", task.token);
        for _ in 0..=REDIRECTS {
            let (status, location, body) = get(address, &authority, &path).await?;
            let wrong = |what: String| Problem::unauthorized(format!("http://{authority}{path} at {address} {what}"));
            if status.is_redirection() {
                let to = location.unwrap_or_default();
                // Elsewhere, the file would show nothing about this host.
                path = on_the_same_host(&to, &host, self.http_port)
                    .ok_or_else(|| wrong(format!("redirects to `{}`, which is not followed", brief(&to))))?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(wrong(format!("answers with the status {status}")));
            }
            if String::from_utf8_lossy(&body).trim_end() != task.authorization {
                let begin = brief(&String::from_utf8_lossy(&body));
                let problem = wrong(format!("is not the expected key authorization, but begins with `{begin}`"));
                return Err(Problem { kind: Kind::IncorrectResponse, status: 403, ..problem });
            }
            return Ok(());
        }
        Err(Problem::new(Kind::Connection, format!("{authority} redirects more than {REDIRECTS} times")))
    }

    async fn tls(&self, task: &Task, address: IpAddr) -> Result<(), Problem> {
        let address = SocketAddr::new(address, self.tls_port);
        let fault = |kind, what: String| Problem::new(kind, format!("{} at {address} {what}", task.name.value()));
        let tcp = TcpStream::connect(address).await.map_err(|error| refused(address, &error))?;
        let config = tls::danger_listening(&[ACME_TLS]).map_err(|error| Problem::internal(&error))?;
        let name = ServerName::try_from(sent_name(&task.name))
            .map_err(|error| fault(Kind::Tls, format!("cannot be sent as a server name: {error}")))?;
        let connected = TlsConnector::from(config.config.clone()).connect(name, tcp).await;
        let stream = connected.map_err(|error| fault(Kind::Tls, format!("does not speak TLS for ACME: {error}")))?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(ACME_TLS) {
            return Err(fault(Kind::Unauthorized, "does not choose the protocol acme-tls/1".to_owned()));
        }
        let leaf = session.peer_certificates().and_then(|chain| chain.first());
        let leaf = leaf.ok_or_else(|| fault(Kind::Tls, "shows no certificate".to_owned()))?;
        match why_not(leaf, task) {
            None => Ok(()),
            Some(reason) => Err(Problem {
                kind: Kind::IncorrectResponse,
                status: 403,
                ..fault(Kind::IncorrectResponse, format!("shows a certificate that {reason}"))
            }),
        }
    }
}

/// Judges a challenge's certificate (RFC 8737 section 3); returns its fault.
fn why_not(leaf: &[u8], task: &Task) -> Option<String> {
    let Ok(certificate) = inspect::parse(leaf) else { return Some("cannot be read".to_owned()) };
    let Ok(report) = inspect::certificate(leaf) else { return Some("cannot be read".to_owned()) };
    if report.subject_alt_names != [task.name.to_string()] {
        return Some(format!("is for {}, not for it alone", brief(&report.subject_alt_names.join(", "))));
    }
    let extension = certificate.extensions().iter().find(|extension| extension.dotted_id() == ACME_IDENTIFIER_OID);
    let Some(extension) = extension.filter(|extension| extension.is_critical()) else {
        return Some("lacks the critical extension acmeIdentifier".to_owned());
    };
    let expected = [&[0x04, 0x20][..], &sha256(task.authorization.as_bytes())].concat();
    (extension.octets != expected).then(|| "holds another key authorization".to_owned())
}

/// The path of a redirect that stays on the host and port.
fn on_the_same_host(location: &str, host: &str, port: u16) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    let is_here = match (uri.scheme_str(), uri.host()) {
        (None, None) => location.starts_with('/') && !location.starts_with("//"),
        (Some("http"), Some(to)) => to.eq_ignore_ascii_case(host) && uri.port_u16().unwrap_or(80) == port,
        _ => false,
    };
    is_here.then(|| uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string))
}

fn refused(address: SocketAddr, error: &std::io::Error) -> Problem {
    Problem::new(Kind::Connection, format!("cannot connect to {address}: {error}"))
}

async fn get(address: SocketAddr, authority: &str, path: &str) -> Result<(StatusCode, Option<String>, Bytes), Problem> {
    let broken =
        |error: &dyn std::fmt::Display| Problem::new(Kind::Connection, format!("no HTTP from {address}: {error}"));
    let tcp = TcpStream::connect(address).await.map_err(|error| refused(address, &error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.map_err(|error| broken(&error))?;
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("secure-io/", env!("CARGO_PKG_VERSION"), " ACME validation"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    // Dropped at the end, the connection is closed.
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if status != StatusCode::OK {
            return Ok((status, location, Bytes::new()));
        }
        let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(|error| broken(&error))?;
        Ok((status, location, body.to_bytes()))
    };
    let mut exchange = std::pin::pin!(exchange);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answer = &mut exchange => answer,
        _ = &mut connection => exchange.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server connects to no other host than the one that is to be validated.
    #[test]
    fn redirects_stay_on_the_host() {
        let path = |location: &str| on_the_same_host(location, "a.test", 5002);
        assert_eq!(path("/x?y").as_deref(), Some("/x?y"));
        assert_eq!(path("http://A.test:5002/x").as_deref(), Some("/x"));
        for location in ["http://a.test/x", "http://b.test:5002/x", "https://a.test:5002/x", "//b.test/x", "x", ""] {
            assert_eq!(path(location), None, "{location}");
        }
    }
}
