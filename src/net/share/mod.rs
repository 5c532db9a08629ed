//! The local CA's root for phones: a page on the local network, for a short time.
//!
//! It is served over plain HTTP, because the phone trusts nothing of ours yet; the page shows the fingerprint to compare.
//! Nothing else is served, and no key is at hand here.

mod page;
mod qr;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::judge::report::ca::Authority;

pub use self::page::fingerprint;
pub use self::qr::{QrCode, QrError};

/// Everything that is served.
#[derive(Debug)]
pub struct Shared {
    /// The CA, as the page describes it.
    pub authority: Authority,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
    /// The root's certificate, PEM.
    pub pem: String,
    /// The root as a configuration profile for Apple's devices.
    pub profile: String,
    /// URL of the page.
    pub url: String,
}

/// Time limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The whole time, if nobody downloads the root.
    pub unused: Duration,
    /// Time from the first complete download: browsers ask twice, and a second phone may be near.
    pub after_download: Duration,
}

/// An event while the page is served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody opened the page.
    Opened {
        /// Address of the client.
        client: SocketAddr,
    },
    /// Somebody downloaded the root completely.
    Downloaded {
        /// Name of the file.
        file: &'static str,
        /// Address of the client.
        client: SocketAddr,
    },
    /// Nobody has opened the page for a minute.
    Nobody,
}

/// Serves the page until its time is over; returns true if somebody downloaded the root.
///
/// # Errors
///
/// If connections can no longer be accepted.
pub async fn run(
    listener: TcpListener,
    shared: Shared,
    limits: Limits,
    mut observe: impl FnMut(Event),
) -> io::Result<bool> {
    let (sender, mut events) = mpsc::channel(CONNECTIONS);
    let accepting = accept(listener, Arc::new(shared), sender);
    tokio::pin!(accepting);
    let start = Instant::now();
    let (mut end, mut was_opened, mut was_downloaded) = (start + limits.unused, false, false);
    loop {
        tokio::select! {
            error = &mut accepting => return Err(error),
            () = sleep_until(end) => return Ok(was_downloaded),
            () = sleep_until(start + QUIET), if !was_opened => {
                was_opened = true;
                observe(Event::Nobody);
            }
            Some(event) = events.recv() => {
                was_opened = true;
                if matches!(event, Event::Downloaded { .. }) && !was_downloaded {
                    was_downloaded = true;
                    end = Instant::now() + limits.after_download;
                }
                observe(event);
            }
        }
    }
}

/// The time after which it is said that nobody has come.
const QUIET: Duration = Duration::from_mins(1);

/// The connections at a time.
const CONNECTIONS: usize = 32;

/// The time for one of them.
const LIMIT: Duration = Duration::from_secs(20);

/// A wait when the system has run out of a resource.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections; ends when there are no events to report any more.
async fn accept(listener: TcpListener, shared: Arc<Shared>, events: mpsc::Sender<Event>) -> io::Error {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = match Arc::clone(&places).acquire_owned().await {
            Ok(place) => place,
            Err(error) => return io::Error::other(error),
        };
        let Ok((tcp, client)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let (shared, events) = (Arc::clone(&shared), events.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Some(event) = timeout(LIMIT, serve(tcp, client, &shared)).await.ok().flatten() {
                let _ = events.send(event).await;
            }
        });
    }
}

/// Answers the one request of a connection; returns the event, if the answer was sent completely.
async fn serve(tcp: TcpStream, client: SocketAddr, shared: &Shared) -> Option<Event> {
    let answered = OnceLock::new();
    let service = service_fn(|request: Request<Incoming>| {
        let (response, event) = answer(&request, client, shared);
        if let Some(event) = event {
            let _ = answered.set(event);
        }
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(tcp), service);
    connection.await.ok()?;
    answered.into_inner()
}

/// The files, each with its path and type.
const PROFILE: (&str, &str) = ("/root.mobileconfig", "application/x-apple-aspen-config");
const CERTIFICATE: (&str, &str) = ("/root.crt", "application/x-x509-ca-cert");
const PEM: (&str, &str) = ("/root.pem", "application/x-pem-file");

/// An answer, and the event to report once the answer has been sent.
fn answer(request: &Request<Incoming>, client: SocketAddr, shared: &Shared) -> (Response<Body>, Option<Event>) {
    let is_get = request.method() == Method::GET;
    if !is_get && request.method() != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return (response, None);
    }
    let downloaded =
        |file: &'static str| is_get.then(|| Event::Downloaded { file: file.trim_start_matches('/'), client });
    match request.uri().path() {
        "/" => {
            let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
            match page::render(shared, agent) {
                Ok(page) => (content(page.into(), "text/html; charset=utf-8"), Some(Event::Opened { client })),
                Err(_) => (text(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made\n"), None),
            }
        }
        path if path == PROFILE.0 => (content(shared.profile.clone().into(), PROFILE.1), downloaded(PROFILE.0)),
        path if path == CERTIFICATE.0 => {
            // Android opens no certificate: it is saved, and then chosen in the settings.
            let mut response = content(shared.root.clone().into(), CERTIFICATE.1);
            let name = HeaderValue::from_static("attachment; filename=\"secure-io-root.crt\"");
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
            (response, downloaded(CERTIFICATE.0))
        }
        path if path == PEM.0 => (content(shared.pem.clone().into(), PEM.1), downloaded(PEM.0)),
        _ => (text(StatusCode::NOT_FOUND, "The root is at /\n"), None),
    }
}

fn content(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// The page has a style sheet in it, and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = content(text.into(), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}
