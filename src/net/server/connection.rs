//! One TCP connection: its first byte shows the protocol; then TLS, then HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, Version};
use futures_util::TryFutureExt;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::{Accepted, ClientHello};
use rustls::{PeerIncompatible, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use crate::net::server::connections::{Cut, Handle};
use crate::net::server::event::{DisconnectReason, Event};
use crate::net::server::handshake::HandshakeError;
use crate::net::server::hello::{self, HANDSHAKE_RECORD};
use crate::net::server::interim::Interim;
use crate::net::server::patient::{Ending, Patient, is_impatience};
use crate::net::server::peer::Peer;
use crate::net::server::plaintext;
use crate::net::server::proxy_header::{self, ProxyHeaderError, SIGNATURE};
use crate::net::server::routes::Site;
use crate::net::server::stream::Stream;
use crate::net::tls::Challenges;

/// The largest head of a request that is read, as in Node.
const MAX_HEAD: usize = 16 * 1024;

/// The same in front of an application, as in nginx: the cookies of all ports of `localhost` come together.
const MAX_APPLICATION_HEAD: usize = 32 * 1024;

/// The most fields in a head, and in front of an application, where it is nginx's limit.
const MAX_FIELDS: usize = 100;
pub(in crate::net) const MAX_APPLICATION_FIELDS: usize = 1000;

/// The most requests at a time over one HTTP/2 connection, the least that RFC 9113 section 6.5.2 recommends.
const MAX_STREAMS: u32 = 100;

/// The most of an answer that waits inside an HTTP/2 connection.
const STREAM_BUFFER: usize = 16 * 1024;

/// The ciphertext that waits in memory for a client that does not read.
const TLS_BUFFER: usize = 32 * 1024;

/// Serves a connection to its end, or until a WebSocket takes it over.
pub(super) async fn serve(site: Arc<Site>, tcp: TcpStream, peer: SocketAddr, stopping: watch::Receiver<()>) {
    let (handle, is_crowded) = site.connections().open();
    if is_crowded {
        site.observe(&Event::Crowded);
    }
    let handle = Arc::new(handle);
    site.observe(&Event::Opened);
    tokio::select! {
        () = serve_open(Arc::clone(&site), tcp, peer, Arc::clone(&handle), stopping) => {}
        cut = handle.cut(site.limits().write) => if cut == Cut::Unread {
            site.observe(&does_not_read(peer));
        },
    }
    site.observe(&Event::Closed);
}

async fn serve_open(
    site: Arc<Site>,
    mut tcp: TcpStream,
    other_end: SocketAddr,
    handle: Arc<Handle>,
    mut stopping: watch::Receiver<()>,
) {
    let accepted = Instant::now();
    // Without it, what is written in two steps waits for the acknowledgement of the first.
    tcp.set_nodelay(true).ok();
    let named = tokio::select! {
        named = client(&site, &mut tcp, other_end) => named,
        _ = stopping.changed() => return,
    };
    let (peer, through) = match named {
        Ok(named) => named,
        Err(error) => return site.observe(&Event::ProxyHeader { peer: other_end, error }),
    };
    let is_proxy = through.is_none() && site.front().config().trusted.contains(peer.ip());
    let (place, over) = site.places().connection((!is_proxy).then_some(peer.ip()));
    if over.is_some() && site.places().is_flooded() {
        return;
    }
    let opened = tokio::select! {
        opened = open(&site, tcp) => opened,
        _ = stopping.changed() => return,
    };
    match opened {
        Ok(Opened::Tls(mut tls)) => {
            let mut client = Peer::new(peer, through, Some(tls.get_ref().1));
            (client.place, client.over) = (Some(place), over);
            if let Some(version) = client.version() {
                site.observe(&Event::Secured { version, after: accepted.elapsed() });
            }
            tls.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
            serve_stream(site, Stream::Tls(tls), client, handle, stopping).await;
        }
        Ok(Opened::Plain(tcp)) => {
            let mut client = Peer::new(peer, through, None);
            (client.place, client.over) = (Some(place), over);
            serve_stream(site, Stream::Plain(tcp), client, handle, stopping).await;
        }
        Ok(Opened::Http(tcp)) => {
            if plaintext::answer(tcp, &site).await {
                site.observe(&Event::Plaintext { peer });
            }
        }
        Ok(Opened::Challenge) => {}
        Ok(Opened::ProxyHeader) => {
            let is_second = demands_header(&site, other_end.ip());
            let second = ProxyHeaderError::Malformed("a second one follows");
            let error = if is_second { second } else { ProxyHeaderError::NotBelieved };
            site.observe(&Event::ProxyHeader { peer: other_end, error });
        }
        Err(error) => site.observe(&Event::HandshakeFailed { peer, error }),
    }
}

/// The client's address, and that of the trusted proxy that has named it.
async fn client(
    site: &Site,
    tcp: &mut TcpStream,
    other_end: SocketAddr,
) -> Result<(SocketAddr, Option<SocketAddr>), ProxyHeaderError> {
    let other_end = SocketAddr::new(other_end.ip().to_canonical(), other_end.port());
    if !demands_header(site, other_end.ip()) {
        return Ok((other_end, None));
    }
    let read = timeout(site.limits().handshake, proxy_header::read(tcp)).await;
    let client = read.unwrap_or(Err(ProxyHeaderError::TimedOut))?;
    Ok(client.map_or((other_end, None), |client| (client, Some(other_end))))
}

/// Returns true for a trusted proxy whose connections have to begin with a header.
fn demands_header(site: &Site, other_end: IpAddr) -> bool {
    let front = site.front().config();
    front.has_proxy_header && front.trusted.contains(other_end)
}

/// Protocol of a connection, as its first octets show.
enum Opened {
    Tls(Box<TlsStream<TcpStream>>),
    /// HTTP, where TLS ends in front of this server.
    Plain(TcpStream),
    /// HTTP, where TLS is spoken.
    Http(TcpStream),
    /// A header of the PROXY protocol that nobody asked for.
    ProxyHeader,
    /// The connection of a CA, which has seen the challenge.
    Challenge,
}

async fn open(site: &Site, mut tcp: TcpStream) -> Result<Opened, HandshakeError> {
    let mut has_spoken = false;
    let opened = async {
        let mut start = [0; SIGNATURE.len()];
        // A probe of the port may end with a reset, too.
        let length = tcp.peek(&mut start).await.unwrap_or(0);
        let Some((&first, _)) = start.get(..length).and_then(<[u8]>::split_first) else {
            return Err(HandshakeError::Silent);
        };
        has_spoken = true;
        let front = site.front().config();
        match first {
            _ if proxy_header::is_begun(&start) => Ok(Opened::ProxyHeader),
            HANDSHAKE_RECORD if front.is_plain => Err(HandshakeError::TlsInFront),
            _ if front.is_plain => Ok(Opened::Plain(tcp)),
            // The door sends it to https, except for those who ask for the server's health.
            b'A'..=b'Z' if front.enforces_https => Ok(Opened::Plain(tcp)),
            HANDSHAKE_RECORD => {
                let hello = hello::read(&mut tcp).await?;
                let Some(underway) = site.handshakes().begin() else { return Err(HandshakeError::TooMany) };
                tokio::select! {
                    opened = shake_hands(site, tcp, hello) => opened,
                    () = underway.cut() => Err(HandshakeError::TooMany),
                }
            }
            b'A'..=b'Z' => Ok(Opened::Http(tcp)),
            // The length of an SSL 2.0 hello has its first bit set.
            0x80..=0xff => hello::read_ssl2(&mut tcp).await.map(|never| match never {}),
            _ => Err(HandshakeError::NeitherTlsNorHttp),
        }
    };
    let in_time = timeout(site.limits().handshake, opened).await;
    in_time.unwrap_or_else(|_| Err(if has_spoken { HandshakeError::TimedOut } else { HandshakeError::Silent }))
}

/// Continues with the certificate for the requested name.
async fn shake_hands(site: &Site, tcp: TcpStream, hello: Accepted) -> Result<Opened, HandshakeError> {
    if let Some(config) = challenge(site, &hello.client_hello()) {
        let mut tls = StartHandshake::from_parts(hello, tcp).into_stream(config).await.map_err(HandshakeError::from)?;
        // The handshake was all (RFC 8737 section 3).
        tls.shutdown().await.ok();
        return Ok(Opened::Challenge);
    }
    let called = tcp.local_addr().map_err(HandshakeError::Broken)?.ip();
    let name = hello.client_hello().server_name().map(str::to_owned);
    let tls = Arc::clone(&site.shown().tls);
    let config = tls.choose(name.as_deref(), called).await;
    let has_suite = has_suite(&hello.client_hello(), &config);
    let is_modern = tls.is_modern();
    match StartHandshake::from_parts(hello, tcp).into_stream(config).await.map_err(HandshakeError::from) {
        Ok(tls) => Ok(Opened::Tls(Box::new(tls))),
        Err(HandshakeError::Tls(rustls::Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ))) if is_modern => Err(HandshakeError::NoTls13),
        Err(HandshakeError::Tls(rustls::Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon,
        ))) if !has_suite => Err(HandshakeError::NoSuite),
        Err(HandshakeError::Tls(rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon))) => {
            Err(HandshakeError::NoSuiteForKey)
        }
        Err(error) => Err(error),
    }
}

/// The answer to a CA that validates the name it sends.
fn challenge(site: &Site, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
    let challenges = site.challenges().filter(|_| Challenges::is_asked(hello))?;
    challenges.find(hello.server_name()?)
}

/// Decides whether the client offers a cipher suite of ours, be it for another kind of key.
fn has_suite(hello: &ClientHello<'_>, config: &ServerConfig) -> bool {
    let ours = &config.crypto_provider().cipher_suites;
    ours.iter().any(|ours| hello.cipher_suites().contains(&ours.suite()))
}

async fn serve_stream(site: Arc<Site>, stream: Stream, peer: Peer, handle: Arc<Handle>, stopping: watch::Receiver<()>) {
    let stream = Patient::new(stream, site.limits().write);
    if peer.http2 {
        serve_http2(site, stream, peer, handle, stopping).await;
    } else {
        serve_http1(site, stream, peer, handle, stopping).await;
    }
}

/// Marks the answer to a request whose body is malformed: nothing more is read after it.
#[derive(Debug, Clone, Copy)]
pub(in crate::net) struct Malformed;

/// The largest head of a request, and the most fields in it.
fn max_head(site: &Site) -> (usize, usize) {
    match site.handler() {
        Some(_) => (MAX_APPLICATION_HEAD, MAX_APPLICATION_FIELDS),
        None => (MAX_HEAD, MAX_FIELDS),
    }
}

/// Answers a request, and counts the answer as its connection's.
async fn respond(
    site: Arc<Site>,
    handle: Arc<Handle>,
    mut request: Request<Incoming>,
    peer: Peer,
    interim: Option<Interim>,
) -> Result<Response<Body>, Infallible> {
    let under_way = handle.request();
    if let Some(interim) = interim.filter(|_| request.version() == Version::HTTP_11) {
        request.extensions_mut().insert(interim);
    }
    let has_application = site.handler().is_some();
    let response = site.respond(request, peer).await;
    // An event stream may be silent for hours, so that its answer is not one that the client does not take.
    Ok(if has_application { under_way.hold(response) } else { handle.count(response) })
}

async fn serve_http1(
    site: Arc<Site>,
    stream: Patient,
    peer: Peer,
    handle: Arc<Handle>,
    mut stopping: watch::Receiver<()>,
) {
    let address = peer.address;
    // Only an application has any.
    let interim = site.handler().map(|_| Interim::default());
    let stream = match &interim {
        Some(interim) => stream.with_interim(interim.clone()),
        None => stream,
    };
    let ending = Arc::new(Ending::default());
    let stream = stream.ending(Arc::clone(&ending));
    let service = service_fn(|request: Request<Incoming>| {
        ending.request(!request.body().is_end_stream());
        let response = respond(Arc::clone(&site), Arc::clone(&handle), request, peer.clone(), interim.clone());
        // What comes after another protocol was agreed to is not to be forgotten, and of a malformed body there is no end.
        response.inspect_ok(|response| {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS
                || response.extensions().get::<Malformed>().is_some()
            {
                ending.abrupt();
            }
        })
    });
    let (head, fields) = max_head(&site);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(site.limits().header)
        .max_header_size(head)
        .max_headers(fields)
        // An answer waits there, too.
        .max_buf_size(2 * head)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => tell(&site, address, ended),
        _ = stopping.changed() => {
            ending.abrupt();
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}

/// Tells the observer of a client that has stopped to read. How a connection ends otherwise says nothing that its
/// requests have not said.
fn tell(site: &Site, peer: SocketAddr, ended: hyper::Result<()>) {
    if ended.is_err_and(|error| is_impatience(&error)) {
        site.observe(&does_not_read(peer));
    }
}

fn does_not_read(peer: SocketAddr) -> Event {
    Event::Dropped { peer, reason: DisconnectReason::Overflowed }
}

async fn serve_http2(
    site: Arc<Site>,
    stream: Patient,
    peer: Peer,
    handle: Arc<Handle>,
    mut stopping: watch::Receiver<()>,
) {
    let limits = *site.limits();
    let spoken = Arc::new(Notify::new());
    let address = peer.address;
    let service = service_fn(|request| {
        spoken.notify_one();
        respond(Arc::clone(&site), Arc::clone(&handle), request, peer.clone(), None)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header)
        .keep_alive_timeout(limits.header)
        .max_header_list_size(u32::try_from(max_head(&site).0).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(STREAM_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // Its keep-alive begins with the client's preface, which may never come.
    tokio::select! {
        _ = connection.as_mut() => return,
        spoken = timeout(limits.header, spoken.notified()) => if spoken.is_err() { return },
        _ = stopping.changed() => return,
    }
    tokio::select! {
        ended = connection.as_mut() => tell(&site, address, ended),
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}
