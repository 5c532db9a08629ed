//! One TCP connection: told apart by its first byte, then TLS, then HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::{Accepted, ClientHello};
use rustls::{CipherSuite, PeerIncompatible, ProtocolVersion, ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::StartHandshake;

use crate::server::event::{DisconnectReason, Event};
use crate::server::handshake::HandshakeError;
use crate::server::hello::{self, HANDSHAKE_RECORD};
use crate::server::patient::{Patient, is_impatience};
use crate::server::plaintext;
use crate::server::routes::Site;
use crate::server::session::Peer;
use crate::server::websocket::Tls;

/// The largest head of a request that is read, as in Node.
const MAX_HEAD: u16 = 16 * 1024;

/// The most requests at a time over one HTTP/2 connection, the least that RFC 9113 section 6.5.2 recommends.
const MAX_STREAMS: u32 = 100;

/// The most of an answer that waits inside an HTTP/2 connection.
const STREAM_BUFFER: usize = 16 * 1024;

/// The ciphertext that waits in memory for a client that does not read.
const TLS_BUFFER: usize = 32 * 1024;

/// Serves a connection to its end, or until HTTP hands it over to a WebSocket.
pub(super) async fn serve(site: Arc<Site>, tcp: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<()>) {
    // Without it, what is written in two steps waits for the acknowledgement of the first.
    tcp.set_nodelay(true).ok();
    let opened = tokio::select! {
        opened = open(&site, tcp) => opened,
        _ = stopping.changed() => return,
    };
    match opened {
        Ok(Opened::Tls(tls)) => serve_tls(site, *tls, peer, stopping).await,
        Ok(Opened::Http(tcp)) => {
            site.observe(&Event::Plaintext { peer });
            plaintext::answer(tcp, site.limits().header).await;
        }
        Err(error) => site.observe(&Event::HandshakeFailed { peer, error }),
    }
}

/// What a connection turns out to be.
enum Opened {
    Tls(Box<Tls>),
    Http(TcpStream),
}

async fn open(site: &Site, mut tcp: TcpStream) -> Result<Opened, HandshakeError> {
    let mut has_spoken = false;
    let opened = async {
        let mut first = [0];
        // A probe of the port may end with a reset, too.
        if tcp.peek(&mut first).await.unwrap_or(0) == 0 {
            return Err(HandshakeError::Silent);
        }
        has_spoken = true;
        match first {
            [HANDSHAKE_RECORD] => {
                let hello = hello::read(&mut tcp).await?;
                shake_hands(site, tcp, hello).await
            }
            [b'A'..=b'Z'] => Ok(Opened::Http(tcp)),
            // The length of an SSL 2.0 hello has its first bit set.
            [0x80..=0xff] => hello::read_ssl2(&mut tcp).await.map(|never| match never {}),
            _ => Err(HandshakeError::NeitherTlsNorHttp),
        }
    };
    let in_time = timeout(site.limits().handshake, opened).await;
    in_time.unwrap_or_else(|_| Err(if has_spoken { HandshakeError::TimedOut } else { HandshakeError::Silent }))
}

/// Goes on with the certificate for what the client asks for.
async fn shake_hands(site: &Site, tcp: TcpStream, hello: Accepted) -> Result<Opened, HandshakeError> {
    let called = tcp.local_addr().map_err(HandshakeError::Broken)?.ip();
    let name = hello.client_hello().server_name().map(str::to_owned);
    let config = site.tls().choose(name.as_deref(), called).await;
    let has_suite = has_suite(&hello.client_hello(), &config);
    match StartHandshake::from_parts(hello, tcp).into_stream(config).await.map_err(HandshakeError::from) {
        Ok(tls) => Ok(Opened::Tls(Box::new(tls))),
        Err(HandshakeError::Tls(rustls::Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon,
        ))) if !has_suite => Err(HandshakeError::NoSuite),
        Err(HandshakeError::Tls(rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon))) => {
            Err(HandshakeError::NoSuiteForKey)
        }
        Err(error) => Err(error),
    }
}

/// Decides whether the client offers a cipher suite of ours, be it for another kind of key.
fn has_suite(hello: &ClientHello<'_>, config: &ServerConfig) -> bool {
    let ours = &config.crypto_provider().cipher_suites;
    ours.iter().any(|ours| hello.cipher_suites().contains(&ours.suite()))
}

async fn serve_tls(site: Arc<Site>, mut tls: Tls, address: SocketAddr, stopping: watch::Receiver<()>) {
    let peer = peer(address, tls.get_ref().1);
    tls.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
    let tls = Patient::new(tls, site.limits().write);
    if peer.http2 {
        serve_http2(site, tls, peer, stopping).await;
    } else {
        serve_http1(site, tls, peer, stopping).await;
    }
}

fn peer(address: SocketAddr, tls: &ServerConnection) -> Peer {
    Peer {
        address,
        tls_version: tls.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
        cipher_suite: tls.negotiated_cipher_suite().map_or(CipherSuite::Unknown(0), |suite| suite.suite()),
        http2: tls.alpn_protocol() == Some(b"h2"),
    }
}

async fn serve_http1(site: Arc<Site>, tls: Patient, peer: Peer, mut stopping: watch::Receiver<()>) {
    let header_deadline = site.limits().header;
    let service = service_fn(|request: Request<Incoming>| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.respond(request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_deadline)
        .max_header_size(MAX_HEAD.into())
        .serve_connection(TokioIo::new(tls), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // How it ends otherwise says nothing that its requests have not said.
        ended = connection.as_mut() => if ended.is_err_and(|error| is_impatience(&error)) {
            site.observe(&does_not_read(peer));
        },
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}

fn does_not_read(peer: Peer) -> Event {
    Event::Dropped { peer: peer.address, reason: DisconnectReason::Overflowed }
}

async fn serve_http2(site: Arc<Site>, tls: Patient, peer: Peer, mut stopping: watch::Receiver<()>) {
    let limits = *site.limits();
    let (spoken, outbox) = (Arc::new(Notify::new()), Arc::new(site.outboxes().open()));
    let service = service_fn(|request: Request<Incoming>| {
        spoken.notify_one();
        let (site, outbox) = (Arc::clone(&site), Arc::clone(&outbox));
        async move { Ok::<_, Infallible>(outbox.count(site.respond(request, peer).await)) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header)
        .keep_alive_timeout(limits.header)
        .max_header_list_size(MAX_HEAD.into())
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(STREAM_BUFFER)
        .serve_connection(TokioIo::new(tls), service);
    let mut connection = pin!(connection);
    // Its keep-alive begins with the client's preface, which may never come.
    tokio::select! {
        _ = connection.as_mut() => return,
        spoken = timeout(limits.header, spoken.notified()) => if spoken.is_err() { return },
        _ = stopping.changed() => return,
    }
    tokio::select! {
        ended = connection.as_mut() => if ended.is_err_and(|error| is_impatience(&error)) {
            site.observe(&does_not_read(peer));
        },
        // Its answers wait for a window.
        () = outbox.stalled(limits.write) => site.observe(&does_not_read(peer)),
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}
