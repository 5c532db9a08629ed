//! Whole connections, by rustls: what TLS 1.3 encrypts, resumption, early data, and a request of HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::http::Response;
use crate::tls;

/// The longest answer of HTTP that is read.
const LONGEST: usize = 128 * 1024;

/// How long an answer of HTTP is waited for: `openssl s_server` never gives one.
const HTTP_LIMIT: Duration = Duration::from_millis(1_500);

/// What whole connections tell.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Session {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Why no connection came about.
    pub(super) failure: Option<String>,
    /// The protocol chosen for `http/1.1` alone, and for `h2` before `http/1.1`; `None` where the server chose none.
    pub(super) alpn_http1: Option<String>,
    pub(super) alpn_both: Option<String>,
    /// `http/1.1` alone is refused.
    pub(super) refuses_http1: bool,
    pub(super) asks_certificate: bool,
    /// The connection is ended because no client certificate came.
    pub(super) needs_certificate: bool,
    pub(super) key_proven: Option<bool>,
    /// The stapled OCSP response.
    pub(super) ocsp: Vec<u8>,
    pub(super) is_resumed: Option<bool>,
    pub(super) takes_early_data: bool,
    pub(super) response: Option<Response>,
    /// Why no answer of HTTP was read.
    pub(super) no_response: Option<String>,
}

/// Where and how to connect.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) address: SocketAddr,
    pub(super) server_name: &'a ServerName<'static>,
    /// As in the request's Host.
    pub(super) authority: &'a str,
    pub(super) limit: Duration,
}

impl Place<'_> {
    /// Connects three times: for the request, for resumption, and for ALPN.
    pub(super) async fn visit(&self) -> Session {
        let mut session = Session::default();
        let (Ok(http1), Ok(both)) =
            (tls::danger_listening(&[b"http/1.1"]), tls::danger_listening(&[b"h2", b"http/1.1"]))
        else {
            session.failure = Some("no configuration of TLS".to_owned());
            return session;
        };
        match self.connect(&both.config).await {
            Ok(stream) => {
                session.take(&stream);
                session.alpn_both = alpn(&stream);
            }
            Err(error) => session.failure = Some(words(&error)),
        }
        match self.connect(&http1.config).await {
            Ok(stream) => {
                session.failure = None;
                session.take(&stream);
                session.alpn_http1 = alpn(&stream);
                self.request(stream, &mut session).await;
                self.resume(&http1.with_early_data(), &mut session).await;
            }
            Err(error) => {
                session.refuses_http1 = session.alpn_both.as_deref() == Some("h2");
                session.no_response = Some(format!("no connection for HTTP/1.1: {}", words(&error)));
            }
        }
        for shown in [both.shown(), http1.shown()] {
            session.asks_certificate |= shown.client_certificate_requested;
            session.key_proven = session.key_proven.or(shown.key_proven);
            if !shown.ocsp.is_empty() {
                session.ocsp = shown.ocsp;
            }
        }
        session
    }

    async fn connect(&self, config: &std::sync::Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let connecting = async {
            let tcp = TcpStream::connect(self.address).await?;
            tcp.set_nodelay(true).ok();
            TlsConnector::from(config.clone()).connect(self.server_name.clone(), tcp).await
        };
        let connected = timeout_at(Instant::now() + self.limit, connecting).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn request(&self, stream: TlsStream<TcpStream>, session: &mut Session) {
        let until = Instant::now() + HTTP_LIMIT.min(self.limit);
        let mut received = Vec::new();
        let ended = timeout_at(until, exchange(stream, self.authority, &mut received)).await;
        session.response = Response::read(&received);
        if session.response.is_some() {
            return;
        }
        session.no_response = Some(match &ended {
            Ok(Err(error)) => {
                session.needs_certificate = is_certificate_required(error);
                words(error)
            }
            Ok(Ok(())) => "the server closes the connection without an answer of HTTP".to_owned(),
            Err(_) => format!("no answer of HTTP within {} s", HTTP_LIMIT.as_secs_f32()),
        });
    }

    async fn resume(&self, config: &std::sync::Arc<ClientConfig>, session: &mut Session) {
        let mut offers_early = false;
        let connecting = async {
            let tcp = TcpStream::connect(self.address).await?;
            tcp.set_nodelay(true).ok();
            let connector = TlsConnector::from(config.clone());
            let see = |connection: &mut rustls::ClientConnection| offers_early = connection.early_data().is_some();
            connector.connect_with(self.server_name.clone(), tcp, see).await
        };
        if let Ok(Ok(stream)) = timeout_at(Instant::now() + self.limit, connecting).await {
            let connection = stream.get_ref().1;
            session.is_resumed = Some(connection.handshake_kind() == Some(HandshakeKind::Resumed));
            session.takes_early_data = connection.is_early_data_accepted();
        }
        session.takes_early_data &= offers_early;
    }
}

impl Session {
    fn take(&mut self, stream: &TlsStream<TcpStream>) {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        self.chain = chain.iter().map(|der| der.clone().into_owned()).collect();
    }
}

/// Decides whether an error says that a client certificate is needed.
fn is_certificate_required(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)))
}

fn alpn(stream: &TlsStream<TcpStream>) -> Option<String> {
    stream.get_ref().1.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned())
}

/// An error of rustls in its words, another in the system's.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        _ => error.to_string(),
    }
}

async fn exchange(mut stream: TlsStream<TcpStream>, authority: &str, received: &mut Vec<u8>) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: secure-io/{version}\r\nAccept: text/html,*/*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut buffer = vec![0; 16_384];
    while received.len() < LONGEST && !Response::is_whole(received) {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        received.extend_from_slice(buffer.get(..length).unwrap_or_default());
    }
    let _ = stream.shutdown().await;
    Ok(())
}
