//! Whole connections, by rustls: the encrypted part of TLS 1.3, resumption, early data, and a request of HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::http::{self, Page, Response};
use super::prober::{self, Opening};
use super::websocket::Idle;
use super::websocket::{self, WebSocket};
use crate::net::tls;

/// The longest answer of HTTP that is read.
const LONGEST: usize = 512 * 1024;

/// The wait for an answer of HTTP: `openssl s_server` never gives one.
const HTTP_LIMIT: Duration = Duration::from_millis(1_500);

/// The wait for the first page of a server that has answered at Socket.IO's path.
const PATIENCE: Duration = Duration::from_millis(500);

/// The wait for tickets on a connection without a request.
const TICKETS: Duration = Duration::from_millis(100);

/// Reason why a request has no answer.
#[derive(Debug)]
enum NoAnswer {
    Broken(io::Error),
    Closed,
    Silent,
}

/// Facts found by whole connections.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Session {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The reason why no connection came about.
    pub(super) failure: Option<String>,
    /// The protocol chosen for `http/1.1` alone, and for `h2` before `http/1.1`; `None` where the server chose none.
    pub(super) alpn_http1: Option<String>,
    pub(super) alpn_both: Option<String>,
    /// `http/1.1` alone is refused.
    pub(super) refuses_http1: bool,
    /// HTTP/1.1 is spoken although no protocol was chosen, as by HAProxy.
    pub(super) speaks_http1: bool,
    pub(super) asks_certificate: bool,
    /// The connection is ended because no client certificate came.
    pub(super) needs_certificate: bool,
    pub(super) key_proven: Option<bool>,
    /// The stapled OCSP response.
    pub(super) ocsp: Vec<u8>,
    pub(super) is_resumed: Option<bool>,
    pub(super) takes_early_data: bool,
    pub(super) response: Option<Response>,
    /// The page behind that head, as far as read.
    pub(super) body: Vec<u8>,
    /// The reason why no answer of HTTP was read.
    pub(super) no_response: Option<String>,
    /// The request got neither an answer nor an end.
    pub(super) is_silent: bool,
    /// The answer to the request that opens a session of Engine.IO by polling.
    pub(super) polling: Option<Page>,
}

/// The server's address and the settings of a connection.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) address: SocketAddr,
    pub(super) server_name: &'a ServerName<'static>,
    /// As in the request's Host.
    pub(super) authority: &'a str,
    pub(super) limit: Duration,
    /// The words in the clear behind which TLS begins; HTTP is not spoken there.
    pub(super) opening: Option<&'a Opening>,
    /// The server offers nothing but HTTP/2, by which it is asked then.
    pub(super) is_http2: bool,
}

impl Place<'_> {
    /// Connects three times: for the request, for resumption, and for ALPN.
    pub(super) async fn visit(&self) -> Session {
        let mut session = Session::default();
        let (of_http1, of_both): (&[&[u8]], &[&[u8]]) =
            if self.opening.is_some() { (&[], &[]) } else { (&[b"http/1.1"], &[b"h2", b"http/1.1"]) };
        let (Ok(http1), Ok(both)) = (tls::danger_listening(of_http1), tls::danger_listening(of_both)) else {
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
                if self.opening.is_some() {
                    drain(stream).await;
                } else if session.is_http2_only() {
                    Box::pin(self.try_http1(stream, &mut session)).await;
                } else {
                    self.request(stream, &mut session).await;
                }
                self.resume(&http1.with_early_data(), &mut session).await;
            }
            Err(error) => {
                session.refuses_http1 = session.alpn_both.as_deref() == Some("h2");
                session.no_response = Some(format!("no connection for HTTP/1.1: {}", words(&error)));
            }
        }
        if session.is_http2_only() {
            Box::pin(self.request_by_http2(&mut session)).await;
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
        self.connect_with(config, |_| ()).await
    }

    /// Connects; `see` is shown the connection before its handshake.
    async fn connect_with(
        &self,
        config: &std::sync::Arc<ClientConfig>,
        see: impl FnOnce(&mut rustls::ClientConnection),
    ) -> io::Result<TlsStream<TcpStream>> {
        let connecting = async {
            let tcp = prober::connect(self.address, self.opening).await?;
            TlsConnector::from(config.clone()).connect_with(self.server_name.clone(), tcp, see).await
        };
        let connected = timeout_at(Instant::now() + self.limit, connecting).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn request(&self, stream: TlsStream<TcpStream>, session: &mut Session) {
        let polling = http::Request::polling(4);
        // Many a server of Socket.IO has no other handler, and never answers a request of the first page.
        let polling = timeout_at(Instant::now() + HTTP_LIMIT, self.ask(&polling));
        let first = first_page();
        let (mut answering, mut polling) = (pin!(self.exchange(stream, &first)), pin!(polling));
        let answer = tokio::select! {
            answer = &mut answering => {
                session.polling = polling.await.ok().flatten();
                answer
            }
            polled = &mut polling => {
                session.polling = polled.ok().flatten();
                match session.polling {
                    Some(_) => timeout(PATIENCE, answering).await.unwrap_or(Err(NoAnswer::Silent)),
                    None => answering.await,
                }
            }
        };
        match answer {
            Ok(page) => {
                session.response = Some(page.response);
                session.body = page.body;
            }
            Err(NoAnswer::Broken(error)) => {
                session.needs_certificate = is_certificate_required(&error);
                session.no_response = Some(words(&error));
            }
            Err(NoAnswer::Closed) => {
                session.no_response = Some("the server closes the connection without an answer of HTTP".to_owned());
            }
            Err(NoAnswer::Silent) => {
                session.is_silent = true;
                session.no_response = Some(match session.polling {
                    Some(_) => {
                        "GET / is not answered, as by a server that has no handler beside Socket.IO's".to_owned()
                    }
                    None => format!("no answer of HTTP within {} s", HTTP_LIMIT.as_secs_f32()),
                });
            }
        }
    }

    /// Asks in HTTP/1.1 although that was not chosen; what comes counts if it is an answer to the request.
    async fn try_http1(&self, stream: TlsStream<TcpStream>, session: &mut Session) {
        let mut tried = session.clone();
        self.request(stream, &mut tried).await;
        tried.speaks_http1 = tried.is_answered();
        if tried.speaks_http1 {
            *session = tried;
        }
    }

    async fn request_by_http2(&self, session: &mut Session) {
        let place = Place { is_http2: true, ..*self };
        let (polling, page) = (http::Request::polling(4), first_page());
        let (polling, page) = tokio::join!(place.ask(&polling), place.ask(&page));
        session.polling = polling;
        if let Some(page) = page {
            session.response = Some(page.response);
            session.body = page.body;
        }
    }

    /// Sends a request over a connection of its own.
    pub(super) async fn ask(&self, request: &http::Request) -> Option<Page> {
        if self.is_http2 {
            return self.ask_by_http2(request).await;
        }
        let listening = tls::danger_listening(&[b"http/1.1"]).ok()?;
        let stream = self.connect(&listening.config).await.ok()?;
        self.exchange(stream, request).await.ok()
    }

    #[cfg(feature = "serve")]
    async fn ask_by_http2(&self, request: &http::Request) -> Option<Page> {
        let listening = tls::danger_listening(&[b"h2"]).ok()?;
        let stream = self.connect(&listening.config).await.ok()?;
        let answer = super::http2::exchange(stream, request, self.authority, LONGEST);
        timeout_at(Instant::now() + HTTP_LIMIT.min(self.limit), answer).await.ok().flatten()
    }

    /// Without the server's crates, HTTP/2 is not spoken.
    #[cfg(not(feature = "serve"))]
    #[expect(clippy::unused_async, reason = "the other one waits")]
    async fn ask_by_http2(&self, _: &http::Request) -> Option<Page> {
        None
    }

    /// Asks for a WebSocket, and waits for the first message of the server.
    pub(super) async fn websocket(&self, request: &http::Request, patience: Duration) -> WebSocket {
        let Ok(listening) = tls::danger_listening(&[b"http/1.1"]) else { return WebSocket::Silent };
        let Ok(mut stream) = self.connect(&listening.config).await else { return WebSocket::Silent };
        let mut received = Vec::new();
        let until = Instant::now() + patience;
        let talking = async {
            stream.write_all(&request.octets(self.authority)).await?;
            stream.flush().await?;
            while !websocket::is_told(&received) && read_more(&mut stream, &mut received).await? {}
            Ok::<_, io::Error>(())
        };
        let is_over = timeout_at(until, talking).await.is_ok();
        WebSocket::read(&received, is_over)
    }

    /// Opens a WebSocket and says nothing until the server pings, or `patience` is over.
    pub(super) async fn idle(&self, request: &http::Request, patience: Duration) -> Idle {
        let started = Instant::now();
        let Ok(listening) = tls::danger_listening(&[b"http/1.1"]) else { return Idle::Silent(Duration::ZERO) };
        let Ok(mut stream) = self.connect(&listening.config).await else { return Idle::Silent(Duration::ZERO) };
        let mut received = Vec::new();
        let talking = async {
            stream.write_all(&request.octets(self.authority)).await?;
            stream.flush().await?;
            // Engine.IO's ping is the text `2`; a server of WebSockets may ping as well.
            while !received.ends_with(b"\x81\x012") && !received.ends_with(&[0x89, 0]) {
                if !read_more(&mut stream, &mut received).await? {
                    return Ok(false);
                }
            }
            Ok::<_, io::Error>(true)
        };
        match timeout_at(started + patience, talking).await {
            Ok(Ok(true)) => Idle::Heartbeat,
            Ok(Ok(false) | Err(_)) => Idle::Cut(started.elapsed()),
            Err(_) => Idle::Silent(started.elapsed()),
        }
    }

    async fn exchange(&self, mut stream: TlsStream<TcpStream>, request: &http::Request) -> Result<Page, NoAnswer> {
        let until = Instant::now() + HTTP_LIMIT.min(self.limit);
        let mut received = Vec::new();
        let talking = async {
            stream.write_all(&request.octets(self.authority)).await?;
            stream.flush().await?;
            while received.len() < LONGEST
                && !Page::is_whole(&received)
                && read_more(&mut stream, &mut received).await?
            {}
            let _ = stream.shutdown().await;
            Ok::<_, io::Error>(())
        };
        let ended = timeout_at(until, talking).await;
        match (Page::read(&received), ended) {
            (Some(page), _) => Ok(page),
            (None, Ok(Err(error))) => Err(NoAnswer::Broken(error)),
            (None, Ok(Ok(()))) => Err(NoAnswer::Closed),
            (None, Err(_)) => Err(NoAnswer::Silent),
        }
    }

    async fn resume(&self, config: &std::sync::Arc<ClientConfig>, session: &mut Session) {
        let mut offers_early = false;
        let see = |connection: &mut rustls::ClientConnection| offers_early = connection.early_data().is_some();
        if let Ok(stream) = self.connect_with(config, see).await {
            let connection = stream.get_ref().1;
            session.is_resumed = Some(connection.handshake_kind() == Some(HandshakeKind::Resumed));
            session.takes_early_data = connection.is_early_data_accepted();
        }
        session.takes_early_data &= offers_early;
    }
}

impl Session {
    /// Decides whether the server speaks HTTP/2 and not HTTP/1.1.
    pub(super) fn is_http2_only(&self) -> bool {
        let is_chosen = self.alpn_http1.as_deref() == Some("http/1.1");
        self.alpn_both.as_deref() == Some("h2") && !is_chosen && !self.speaks_http1
    }

    /// Decides whether an answer is one to the request; Node's HTTP/2 server answers 403 for want of ALPN.
    fn is_answered(&self) -> bool {
        let is_refusal =
            |response: &Response, body: &[u8]| response.status == 403 && String::from_utf8_lossy(body).contains("ALPN");
        let by_page = self.response.as_ref().is_some_and(|response| !is_refusal(response, &self.body));
        by_page || self.polling.as_ref().is_some_and(|page| !is_refusal(&page.response, &page.body))
    }

    /// An answer of HTTP and the line of its request: the first page's or, if that is missing, Socket.IO's path's.
    pub(super) fn head(&self) -> Option<(&'static str, &Response)> {
        let page = self.response.as_ref().map(|response| ("GET / over TLS", response));
        page.or_else(|| Some(("GET /socket.io/ over TLS", &self.polling.as_ref()?.response)))
    }

    /// Decides whether anything answered in HTTP.
    pub(super) fn speaks_http(&self) -> bool {
        self.response.is_some() || self.polling.is_some()
    }

    /// Decides whether the answer is a page that a browser shows.
    pub(super) fn is_page(&self) -> bool {
        let is_html =
            |response: &Response| response.value("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        self.response.as_ref().is_some_and(|response| response.status < 300 && is_html(response))
    }

    fn take(&mut self, stream: &TlsStream<TcpStream>) {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        self.chain = chain.iter().map(|der| der.clone().into_owned()).collect();
    }
}

/// The request of a site's first page.
fn first_page() -> http::Request {
    http::Request::get("/").field("Accept", "text/html,*/*")
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

/// Reads the octets at hand; false at the end.
async fn read_more(stream: &mut TlsStream<TcpStream>, received: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = vec![0; 16_384];
    let length = stream.read(&mut buffer).await?;
    received.extend_from_slice(buffer.get(..length).unwrap_or_default());
    Ok(length > 0)
}

/// Reads until the server says something, so that its tickets have come, and ends the connection.
async fn drain(mut stream: TlsStream<TcpStream>) {
    let _ = timeout_at(Instant::now() + TICKETS, stream.read(&mut [0; 256])).await;
    let _ = stream.shutdown().await;
}
