//! Clients: HTTP/1.1 and HTTP/2, WebSocket, and Engine.IO sessions over either.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::fixture::{CERTIFIED, PATIENCE};

pub(crate) type Tls = TlsStream<TcpStream>;

/// Connects, offering these protocols.
pub(crate) async fn tls(address: SocketAddr, alpn: &[&str]) -> Tls {
    try_tls(address, alpn).await.unwrap()
}

pub(crate) async fn try_tls(address: SocketAddr, alpn: &[&str]) -> std::io::Result<Tls> {
    handshake(TcpStream::connect(address).await?, alpn).await
}

/// Speaks TLS over a connection that is there.
pub(crate) async fn tls_over(tcp: TcpStream) -> Tls {
    handshake(tcp, &["http/1.1"]).await.unwrap()
}

static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFIED.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let versions = builder.with_safe_default_protocol_versions().unwrap();
    versions.with_root_certificates(roots).with_no_client_auth()
});

/// A client's side of a handshake, without a connection.
pub(crate) fn client_connection() -> rustls::ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    rustls::ClientConnection::new(Arc::new(CONFIG.clone()), name).unwrap()
}

async fn handshake(tcp: TcpStream, alpn: &[&str]) -> std::io::Result<Tls> {
    let mut config = CONFIG.clone();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// An HTTP connection.
pub(crate) enum Http {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Http {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let io = TokioIo::new(tls(address, &["http/1.1"]).await);
        let (sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self::One(sender)
    }

    pub(crate) async fn connect_http2(address: SocketAddr) -> Self {
        let tls = tls(address, &["h2", "http/1.1"]).await;
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        Self::Two(sender)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    pub(crate) async fn send(&mut self, request: hyper::http::request::Builder, body: impl Into<Bytes>) -> Answer {
        self.try_send(request, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &mut self,
        request: hyper::http::request::Builder,
        body: impl Into<Bytes>,
    ) -> hyper::Result<Answer> {
        let mut request = request.body(Full::new(body.into())).unwrap();
        let answer = async {
            let response = match self {
                Self::One(sender) => {
                    request.headers_mut().insert("host", "localhost:3000".parse().unwrap());
                    sender.ready().await?;
                    sender.send_request(request).await?
                }
                Self::Two(sender) => {
                    let path = request.uri().path_and_query().unwrap().clone();
                    *request.uri_mut() = format!("https://localhost:3000{path}").parse().unwrap();
                    sender.send_request(request).await?
                }
            };
            whole(response).await
        };
        timeout(PATIENCE, answer).await.expect("no answer")
    }
}

async fn whole(response: Response<hyper::body::Incoming>) -> hyper::Result<Answer> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// A WebSocket that carries Engine.IO packets. Pings are answered.
pub(crate) struct Channel(WebSocketStream<Tls>);

impl Channel {
    /// Opens a WebSocket at `/socket.io/` with these parameters.
    pub(crate) async fn connect(address: SocketAddr, query: &str) -> tungstenite::Result<Self> {
        let url = format!("wss://localhost:3000/socket.io/?{query}");
        let (socket, _) = tokio_tungstenite::client_async(url, tls(address, &["http/1.1"]).await).await?;
        Ok(Self(socket))
    }

    /// A session whose open packet is read.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut channel = Self::connect(address, "EIO=4&transport=websocket").await.unwrap();
        assert!(channel.next().await.starts_with("0{"));
        channel
    }

    /// A client of `/` that has read the first event.
    pub(crate) async fn join(address: SocketAddr) -> Self {
        let mut channel = Self::open(address).await;
        channel.send("40").await;
        assert!(channel.next().await.starts_with("40{\"sid\":"));
        assert!(channel.next().await.starts_with("42[\""));
        channel
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.unwrap();
    }

    /// Sends a packet that the server may refuse, with the connection, before all of it is written.
    pub(crate) async fn send_too_much(&mut self, packet: &str) {
        let _ = self.0.send(Message::text(packet)).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// Puts a packet into the next write, which [`Channel::send`] or [`Channel::flush`] makes.
    pub(crate) async fn feed(&mut self, packet: String) {
        self.0.feed(Message::text(packet)).await.unwrap();
    }

    pub(crate) async fn flush(&mut self) {
        self.0.flush().await.unwrap();
    }

    /// The next packet that is no ping; a binary one as its bytes in decimal.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Message::Text(text)) if text == "2" => self.send("3").await,
                Some(Message::Text(text)) => return text.to_string(),
                Some(Message::Binary(bytes)) => return format!("{:?}", &bytes[..]),
                other => panic!("{other:?} instead of a packet"),
            }
        }
    }

    /// The next message, pings left alone; `None` when the connection has ended.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.0.next()).await.expect("nothing came").and_then(Result::ok)
    }

    /// The messages until the connection ends.
    pub(crate) async fn rest(&mut self) -> Vec<Message> {
        let mut rest = Vec::new();
        while let Some(message) = self.message().await {
            rest.push(message);
        }
        rest
    }

    pub(crate) fn split(self) -> (Sender, Receiver) {
        let (sender, receiver) = self.0.split();
        (Sender(sender), Receiver(receiver))
    }
}

pub(crate) struct Sender(futures_util::stream::SplitSink<WebSocketStream<Tls>, Message>);

impl Sender {
    pub(crate) async fn send(&mut self, packet: String) {
        self.0.send(Message::text(packet)).await.unwrap();
    }
}

pub(crate) struct Receiver(futures_util::stream::SplitStream<WebSocketStream<Tls>>);

impl Receiver {
    /// The next packet, pings left out and unanswered.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("nothing came");
            match message.expect("the end").unwrap() {
                Message::Text(text) if text == "2" => {}
                Message::Text(text) => return text.to_string(),
                other => panic!("{other:?} instead of a packet"),
            }
        }
    }
}

/// A long-polling session. Pings are answered.
pub(crate) struct Polling {
    pub(crate) http: Http,
    address: SocketAddr,
    pub(crate) path: String,
    received: VecDeque<String>,
}

impl Polling {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_over(Http::connect(address).await, address).await
    }

    pub(crate) async fn open_over(mut http: Http, address: SocketAddr) -> Self {
        let answer = http.get("/socket.io/?EIO=4&transport=polling").await;
        assert_eq!(answer.status, 200);
        let handshake: serde_json::Value = serde_json::from_str(&answer.text()[1..]).unwrap();
        let sid = handshake["sid"].as_str().unwrap();
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        Self { http, address, path, received: VecDeque::new() }
    }

    /// A client of `/` that has read the first event.
    pub(crate) async fn join(address: SocketAddr) -> Self {
        let mut session = Self::open(address).await;
        session.send("40").await;
        assert!(session.next().await.starts_with("40{\"sid\":"));
        assert!(session.next().await.starts_with("42[\""));
        session
    }

    pub(crate) fn websocket_query(&self) -> String {
        let query = self.path.split_once('?').unwrap().1;
        query.replace("polling", "websocket")
    }

    /// Another connection, to post on while a poll waits.
    pub(crate) async fn second(&self) -> Http {
        Http::connect(self.address).await
    }

    pub(crate) async fn poll(&mut self) -> Answer {
        self.http.get(&self.path).await
    }

    pub(crate) async fn post(&mut self, payload: impl Into<Bytes>) -> Answer {
        self.http.send(Request::post(&self.path), payload).await
    }

    pub(crate) async fn send(&mut self, payload: impl Into<Bytes>) {
        let answer = self.post(payload).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }

    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.received.pop_front() {
                Some(packet) if packet == "2" => self.send("3").await,
                Some(packet) => return packet,
                None => {
                    let answer = self.poll().await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    self.received.extend(answer.text().split('\x1e').map(str::to_owned));
                }
            }
        }
    }

    /// Polls until the server no longer knows the session.
    pub(crate) async fn closed(&mut self) {
        loop {
            match self.poll().await.status {
                200 => {}
                status => return assert_eq!(status, 400),
            }
        }
    }
}
