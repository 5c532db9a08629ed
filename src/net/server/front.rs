//! The door that each request comes through: proxies in front are believed or not, hosts checked, and https enforced.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, UPGRADE, X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS,
    X_XSS_PROTECTION,
};
use axum::http::{Method, Request, Response, StatusCode, Uri, Version};
use tokio::time::Instant;

use crate::net::server::authority::is_authority;
use crate::net::server::config;
use crate::net::server::event::{Event, Observer};
use crate::net::server::forwarded;
use crate::net::server::peer::Peer;

const TEXT: &str = "text/plain; charset=utf-8";

/// The door of one server.
pub(super) struct Front {
    config: config::Front,
    observer: Observer,
    is_draining: AtomicBool,
    redirects: Redirects,
}

impl Front {
    pub(super) fn new(config: config::Front, observer: Observer) -> Self {
        Self { config, observer, is_draining: AtomicBool::new(false), redirects: Redirects::default() }
    }

    pub(super) fn config(&self) -> &config::Front {
        &self.config
    }

    /// Says from now on that this server is not ready for new clients.
    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
        (self.observer)(&Event::Draining(self.config.drain));
    }

    /// Decides who sent a request. What proxies wrote into its head is taken out, and the host that was believed put in.
    /// With an application, the paths of the server's health are the application's, except for those who are sent to https.
    ///
    /// # Errors
    ///
    /// The answer to a request that gets no further.
    pub(super) fn admit<B>(
        &self,
        request: &mut Request<B>,
        peer: Peer,
        is_ours: bool,
    ) -> Result<Peer, Box<Response<Body>>> {
        let other_end = peer.address;
        if !has_one_host(request) {
            return Err(Box::new(text(StatusCode::BAD_REQUEST, "A request names one host.\n")));
        }
        let forwarded = forwarded::take(request.headers_mut(), other_end.ip(), &self.config.trusted);
        if let Some(host) = &forwarded.host {
            ask(request, host);
        }
        let peer = peer.forwarding(&forwarded);
        let is_sent_away = self.config.enforces_https && !peer.is_secure;
        if (is_ours || is_sent_away)
            && let Some(answer) = self.health(request.method(), request.uri().path())
        {
            return Err(Box::new(answer));
        }
        if is_sent_away {
            let is_trusted = self.config.trusted.contains(other_end.ip());
            if (forwarded.is_claimed_secure || (is_trusted && forwarded.is_secure.is_none()))
                && self.redirects.is_loop(peer.address, request.uri())
            {
                let is_claimed = forwarded.is_claimed_secure;
                (self.observer)(&Event::RedirectLoop { peer: other_end, is_claimed });
            }
            return Err(Box::new(to_https(request)));
        }
        Ok(peer)
    }

    /// Answers `/healthz` and `/readyz`, which are never redirected.
    pub(super) fn health(&self, method: &Method, path: &str) -> Option<Response<Body>> {
        let is_ready = match path {
            "/healthz" => true,
            "/readyz" => !self.is_draining.load(Ordering::Relaxed),
            _ => return None,
        };
        let mut answer = match (method, is_ready) {
            (&Method::GET | &Method::HEAD, true) => text(StatusCode::OK, "ok\n"),
            (&Method::GET | &Method::HEAD, false) => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
            _ => text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n"),
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    /// Adds to an answer the headers about https for browsers, and those about the end for balancers.
    pub(super) fn mark(&self, headers: &mut HeaderMap, is_secure: bool, http2: bool) {
        // Over http the header means nothing (RFC 6797 section 7.2).
        if let Some(span) = self.config.hsts.filter(|_| is_secure)
            && let Ok(value) = format!("max-age={}", span.as_secs()).try_into()
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, value);
        }
        if !http2 && self.is_draining.load(Ordering::Relaxed) && !headers.contains_key(CONNECTION) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// The headers that npm's `helmet` sets, except for those that a page of ours or of a person's own sets itself.
///
/// Engine.IO's answers have none of them: with Node, Socket.IO answers before helmet is asked, and pages of other origins
/// load the client library from here.
pub(super) fn protect(headers: &mut HeaderMap, is_ours: bool) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "SAMEORIGIN"),
        (X_DNS_PREFETCH_CONTROL, "off"),
        (X_XSS_PROTECTION, "0"),
        (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
        (HeaderName::from_static("x-download-options"), "noopen"),
        (HeaderName::from_static("origin-agent-cluster"), "?1"),
    ];
    // A person's own page may be made to be loaded by others.
    let ours = [
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed.into_iter().chain(ours.into_iter().filter(|_| is_ours)) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Returns true if a request names a host once, as it must (RFC 9112 section 3.2), also beside a target that names one; over
/// HTTP/1.0 it need not.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).into_iter();
    let (first, second) = (hosts.next(), hosts.next());
    let is_good = |host: &HeaderValue| host.to_str().is_ok_and(is_authority);
    match (first, second) {
        (Some(host), None) => is_good(host),
        (None, None) => match request.version() {
            Version::HTTP_11 => false,
            Version::HTTP_2 => request.uri().authority().is_some(),
            _ => true,
        },
        _ => false,
    }
}

/// Replaces the host of a request.
fn ask<B>(request: &mut Request<B>, host: &str) {
    let Ok(value) = HeaderValue::from_str(host) else { return };
    request.headers_mut().insert(HOST, value);
    if request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
    }
}

/// Sends a client to https. Only what can be asked again is redirected: a body has gone in the clear already, and
/// browsers follow no redirect of a WebSocket.
fn to_https<B>(request: &Request<B>) -> Response<Body> {
    let is_repeatable = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_repeatable || request.headers().contains_key(UPGRADE) {
        return text(StatusCode::FORBIDDEN, "This server is used over https:// or wss:// only.\n");
    }
    let asked = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let host = asked.or_else(|| Some(request.headers().get(HOST)?.to_str().ok()?.to_owned()));
    let Some(host) = host.filter(|host| is_authority(host)) else {
        return text(StatusCode::BAD_REQUEST, "A request names one host.\n");
    };
    let host = host.strip_suffix(":80").unwrap_or(&host);
    // Browsers read a backslash as a slash.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).replace('\\', "%5C");
    let path = if path.starts_with('/') { &path } else { "/" };
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "This server is used over https://.\n");
    if let Ok(location) = HeaderValue::from_str(&format!("https://{host}{path}")) {
        answer.headers_mut().insert(LOCATION, location);
    }
    // A browser would keep the redirect for good, and with it away from whatever has the port next.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer of text to a request that gets no further.
pub(super) fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static(TEXT)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
    }
    answer
}

/// The redirects of the last while, to notice that they lead nowhere.
#[derive(Default)]
struct Redirects {
    recent: Mutex<VecDeque<(SocketAddr, Uri, Instant)>>,
    is_told: AtomicBool,
}

/// The number of redirects of one client to the same place that are a loop.
const LOOP: usize = 3;

/// The time in which they happen. People who load a page again are slower.
const LOOP_SPAN: Duration = Duration::from_secs(10);

/// The redirects that are remembered.
const REDIRECTS: usize = 64;

/// The longest URL that is remembered.
const LONGEST_URL: usize = 1024;

impl Redirects {
    /// Counts a redirect. Returns true once, when a client was sent to the same place again and again.
    fn is_loop(&self, client: SocketAddr, uri: &Uri) -> bool {
        if self.is_told.load(Ordering::Relaxed)
            || uri.path_and_query().is_some_and(|path| path.as_str().len() > LONGEST_URL)
        {
            return false;
        }
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(_, _, time)| now - *time < LOOP_SPAN);
        recent.truncate(REDIRECTS - 1);
        recent.push_front((client, uri.clone(), now));
        let same = recent.iter().filter(|(other, place, _)| other.ip() == client.ip() && place == uri).count();
        same >= LOOP && !self.is_told.swap(true, Ordering::Relaxed)
    }
}
