//! The clients, and the server behind: the least that either can be, so that it is the proxy which is measured.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::side::Running;
use crate::unchecked;

const CLIENTS: usize = 50;

const HTTP2_CONNECTIONS: usize = 10;

const STREAMS: usize = 10;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n\r\nthe quick brown fox jumps over";

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";

const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A text frame of 40 octets, masked with zeros: it comes back as it is.
const FRAME: [u8; 46] = {
    let mut frame = [b'x'; 46];
    frame[0] = 0x81;
    frame[1] = 0x80 | 0x28;
    let mut at = 2;
    while at < 6 {
        frame[at] = 0;
        at += 1;
    }
    frame
};

/// A kind of load.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    Http1,
    Http2,
    Echo { depth: usize },
}

/// Starts a server that gives one answer to all requests, and echoes what comes over a WebSocket.
pub(crate) async fn server_behind() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // It shares the clients' core.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = listener.into_std().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((tcp, _)) = listener.accept().await {
                tcp.set_nodelay(true).unwrap();
                tokio::spawn(serve(tcp));
            }
        });
    });
    address
}

async fn serve(mut tcp: TcpStream) {
    let (mut buffer, mut is_upgraded) = (vec![0; 16 * 1024], false);
    loop {
        let Ok(count @ 1..) = tcp.read(&mut buffer).await else { return };
        let octets = &buffer[..count];
        let answer = if is_upgraded {
            octets
        } else {
            // A request of these clients comes in one piece.
            is_upgraded = octets.windows(9).any(|part| part.eq_ignore_ascii_case(b"websocket"));
            if is_upgraded { UPGRADED } else { ANSWER }
        };
        if tcp.write_all(answer).await.is_err() {
            return;
        }
    }
}

impl Load {
    /// Puts it on a proxy for a while. Returns the proxy's processor time for each operation, in microseconds.
    pub(crate) async fn run(self, proxy: &Running, span: Duration) -> f64 {
        let done = Rc::new(Cell::new(0_u32));
        let actors = LocalSet::new();
        let address = proxy.address;
        // Handshakes are not counted.
        let start = Rc::new(Cell::new(None::<Instant>));
        let is_running = {
            let start = Rc::clone(&start);
            move || start.get().is_none_or(|start| start.elapsed() < span)
        };
        let connections = if matches!(self, Self::Http2) { HTTP2_CONNECTIONS } else { CLIENTS };
        for _ in 0..connections {
            let (done, is_running) = (Rc::clone(&done), is_running.clone());
            match self {
                Self::Http2 => {
                    let io = TokioIo::new(connect(address, b"h2").await);
                    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
                    tokio::spawn(connection);
                    for _ in 0..STREAMS {
                        let (mut sender, done, is_running) = (sender.clone(), Rc::clone(&done), is_running.clone());
                        actors.spawn_local(async move {
                            while is_running() {
                                let request = Request::get("https://localhost/").body(Body::empty()).unwrap();
                                let answer = sender.send_request(request).await.unwrap();
                                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 30);
                                done.set(done.get() + 1);
                            }
                        });
                    }
                }
                Self::Http1 => {
                    let mut tls = connect(address, b"http/1.1").await;
                    actors.spawn_local(async move {
                        let mut buffer = vec![0; 4096];
                        while is_running() {
                            tls.write_all(REQUEST).await.unwrap();
                            let mut filled = 0;
                            while !buffer[..filled].ends_with(b"fox jumps over") {
                                let count = tls.read(&mut buffer[filled..]).await.unwrap();
                                assert!(count > 0, "the proxy ends the connection");
                                filled += count;
                            }
                            done.set(done.get() + 1);
                        }
                    });
                }
                Self::Echo { depth } => {
                    let mut tls = connect(address, b"http/1.1").await;
                    tls.write_all(UPGRADE).await.unwrap();
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(tls.read_u8().await.unwrap());
                    }
                    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
                    actors.spawn_local(async move {
                        let frames = FRAME.repeat(depth);
                        let mut buffer = vec![0; frames.len()];
                        while is_running() {
                            tls.write_all(&frames).await.unwrap();
                            tls.read_exact(&mut buffer).await.unwrap();
                            done.set(done.get() + u32::try_from(depth).unwrap());
                        }
                    });
                }
            }
        }
        let (before, first) = (proxy.processor_time(), done.get());
        start.set(Some(Instant::now()));
        actors.await;
        (proxy.processor_time() - before) / f64::from(done.get() - first)
    }
}

async fn connect(address: SocketAddr, protocol: &[u8]) -> TlsStream<TcpStream> {
    static CONFIG: LazyLock<ClientConfig> = LazyLock::new(unchecked::config);
    let mut config = CONFIG.clone();
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
}
