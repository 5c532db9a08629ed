//! TLS in front of other servers: a [`Handler`] of the server that passes requests on.
//!
//! [`Proxy`] is given to [`Config::handler`](crate::server::Config::handler). Its [`Routes`] can be changed while it
//! runs. Bodies are streamed both ways, and an answer that the server cuts short is cut short for the client.

mod answer;
mod headers;
mod heard;
mod pool;
mod request_body;
mod routes;
mod target;
mod trust;
mod tunnel;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;

pub use self::routes::{Route, Routes};
pub use self::target::{Target, TargetError};
pub use self::trust::Trust;

use self::pool::{NotOpened, Pool};
use self::request_body::RequestBody;
use self::trust::Distrust;
use crate::net::server::{Handler, Interim, MAX_APPLICATION_FIELDS, Malformed, Requester};

/// The most times that a request comes through.
const MAX_HOPS: u32 = 5;

/// Called with each event, in the task in which the event happens: must not block for long.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that went wrong with a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A server did not answer.
    Unreachable {
        /// The server.
        target: Target,
        /// The reason, as a clause.
        reason: String,
    },
    /// A server that speaks https is not spoken to, because its certificate is refused or its TLS fails.
    Distrusted {
        /// The server.
        target: Target,
        /// The code of the reason, as `verify` and `connect` have it.
        code: &'static str,
        /// The reason, as a clause.
        reason: String,
    },
    /// A dev server refuses the host that the client asked for.
    HostBlocked {
        /// The server.
        target: Target,
        /// The host.
        host: String,
    },
    /// A server would bind browsers to https for all ports of `localhost`; the field was taken out. Reported once.
    Pins {
        /// The server.
        target: Target,
    },
    /// A request came back again and again, and was refused: the server behind calls the proxy.
    Loop {
        /// The host that was asked for.
        host: String,
    },
}

/// Passes requests on to the servers of its routes.
#[derive(Clone)]
pub struct Proxy {
    routes: Arc<Routes>,
    pool: Arc<Pool>,
    upstream_host: Option<Arc<str>>,
    trust: Option<Trust>,
    observer: Observer,
    has_pinned: Arc<AtomicBool>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy to these routes. With an upstream host, servers are sent that one in place of the client's.
    #[must_use]
    pub fn new(routes: Arc<Routes>, upstream_host: Option<&str>, observer: Observer) -> Self {
        let upstream_host = upstream_host.map(Arc::from);
        Self { routes, pool: Arc::default(), upstream_host, trust: None, observer, has_pinned: Arc::default() }
    }

    /// The same, with trust in servers that speak https. Without it, none of those is spoken to.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust: Some(trust), ..self }
    }

    async fn pass(self, mut request: Request<Incoming>, from: Requester) -> Response<Body> {
        let Passable { host, hops, target } = match self.examine(&request) {
            Ok(passable) => passable,
            Err(refusal) => return *refusal,
        };
        let is_page = request.method() == Method::GET && answer::wants_html(request.headers());
        let upgrading = headers::is_websocket(&request).then(|| hyper::upgrade::on(&mut request));
        let interim = request.extensions_mut().remove::<Interim>();
        let is_held = headers::waits_for_continue(&request);
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from(path);
        parts.version = Version::HTTP_11;
        headers::to_server(&mut parts.headers, &host, &from, &target, self.upstream_host.as_deref());
        parts.headers.insert(headers::HOPS, hops.into());
        if upgrading.is_some() {
            mark_upgrade(&mut parts.headers);
        }
        mark_body(&parts.method, &mut parts.headers, body.is_end_stream());
        let can_repeat = parts.method.is_idempotent() && body.is_end_stream();
        let (body, progress) = RequestBody::new(body, is_held);
        let body = if can_repeat { Body::empty() } else { Body::new(body) };
        let mut request = Request::from_parts(parts, body);
        let opening = Arc::clone(&progress);
        if is_held || interim.is_some() {
            hyper::ext::on_informational(&mut request, move |answer| match &interim {
                _ if answer.status() == StatusCode::CONTINUE => opening.open(),
                Some(interim) => {
                    let mut fields = answer.headers().clone();
                    headers::remove_hop_by_hop(&mut fields);
                    fields.remove(CONTENT_LENGTH);
                    interim.send(answer.status(), &fields);
                }
                None => {}
            });
        }
        let (mut response, connection) = match self.send(&target, request, can_repeat).await {
            Ok(answered) => answered,
            Err(_) if progress.is_broken() => {
                let text = "The request's body is cut short or malformed.\n";
                let mut response = answer::plain(StatusCode::BAD_REQUEST, text);
                response.extensions_mut().insert(Malformed);
                return response;
            }
            Err(failure) => return self.unanswered(target, failure, is_page),
        };
        if headers::is_coded(response.headers()) {
            let reason = "its answer has a transfer coding other than chunked".to_owned();
            return self.unanswered(target, NotOpened::Unreachable(reason), is_page);
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let agrees = headers::agrees_to_websocket(response.headers());
            let Some(upgrading) = upgrading.filter(|_| agrees) else {
                return answer::unreachable(&target, "it changes the protocol unasked", false);
            };
            let server = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                if let (Ok(client), Ok(server)) = tokio::join!(upgrading, server) {
                    tunnel::run(client, server).await;
                }
                drop(from);
            });
        } else {
            self.pool.keep(target.clone(), connection);
        }
        self.answer(response, host, target)
    }

    /// Decides which server a request is for.
    ///
    /// # Errors
    ///
    /// The answer to a request that is not passed on.
    fn examine(&self, request: &Request<Incoming>) -> Result<Passable, Box<Response<Body>>> {
        let refuse = |status, text| Err(Box::new(answer::plain(status, text)));
        if request.method() == Method::CONNECT || headers::is_ambiguous(request.headers()) {
            return Err(Box::new(answer::last(request.version(), "This request is not passed on.\n")));
        }
        if let Some(status) = headers::too_long(request) {
            return refuse(status, "A line of the request's head is longer than 16 KiB.\n");
        }
        let Some(host) = headers::host(request) else {
            return Err(Box::new(answer::last(request.version(), "A request names one host.\n")));
        };
        let hops = request.headers().get(headers::HOPS).and_then(|hops| hops.to_str().ok()?.parse::<u32>().ok());
        let hops = hops.unwrap_or(0).saturating_add(1);
        if hops > MAX_HOPS {
            (self.observer)(&Event::Loop { host: text(&host).to_owned() });
            return refuse(StatusCode::LOOP_DETECTED, "The server behind this proxy calls the proxy.\n");
        }
        match self.routes.find(bare(text(&host)), request.uri().path()) {
            Some(target) => Ok(Passable { host, hops, target }),
            None => refuse(StatusCode::NOT_FOUND, "No server is behind this proxy for this host and path.\n"),
        }
    }

    /// The answer in place of a server's that there is not.
    fn unanswered(&self, target: Target, failure: NotOpened, is_page: bool) -> Response<Body> {
        match failure {
            NotOpened::Unreachable(reason) => {
                let page = answer::unreachable(&target, &reason, is_page);
                (self.observer)(&Event::Unreachable { target, reason });
                page
            }
            NotOpened::Distrusted(distrust) => {
                let page = answer::distrusted(&target, &distrust, is_page);
                let Distrust { code, reason, .. } = distrust;
                (self.observer)(&Event::Distrusted { target, code, reason });
                page
            }
        }
    }

    /// A server's answer, for the client.
    fn answer(&self, response: Response<Incoming>, host: HeaderValue, target: Target) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        parts.version = Version::HTTP_11;
        headers::to_client(&mut parts.headers, text(&host), &target, self.upstream_host.as_deref());
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            mark_upgrade(&mut parts.headers);
            return Response::from_parts(parts, Body::empty());
        }
        if parts.headers.contains_key(STRICT_TRANSPORT_SECURITY) && bare(text(&host)).eq_ignore_ascii_case("localhost")
        {
            parts.headers.remove(STRICT_TRANSPORT_SECURITY);
            self.tell_of_pin(&target);
        }
        let observer = Arc::clone(&self.observer);
        let tell = move || observer(&Event::HostBlocked { target, host: text(&host).to_owned() });
        let body = answer::look_for_blocked_host(parts.status, body, tell);
        Response::from_parts(parts, body)
    }

    fn tell_of_pin(&self, target: &Target) {
        if !self.has_pinned.swap(true, Ordering::Relaxed) {
            (self.observer)(&Event::Pins { target: target.clone() });
        }
    }

    /// Sends a request over a connection that waits, or else over a new one; again, when the connection turns out to have
    /// ended.
    ///
    /// A request that must not be sent twice (RFC 9110 section 9.2.2) gets a new connection in place of one that waits, which
    /// the server may be about to close.
    async fn send(
        &self,
        target: &Target,
        mut request: Request<Body>,
        can_repeat: bool,
    ) -> Result<(Response<Incoming>, SendRequest<Body>), NotOpened> {
        if let Some(mut connection) = self.pool.take(target)
            && can_repeat
            && connection.ready().await.is_ok()
        {
            let again = clone(&request);
            match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(_ended) => request = again,
            }
        }
        // Boxed, so that the many requests over a connection that waits do not carry the state of a TLS handshake.
        let mut connection = Box::pin(Pool::open(target, self.tls(target)?)).await?;
        let response = connection.send_request(request).await;
        Ok((response.map_err(|error| NotOpened::Unreachable(reason(&error)))?, connection))
    }

    /// The name that a server has to prove, if it speaks https.
    fn tls<'a>(&'a self, target: &'a Target) -> Result<Option<(&'a str, &'a Trust)>, NotOpened> {
        let Target::Https { host, .. } = target else { return Ok(None) };
        let Some(trust) = &self.trust else {
            return Err(NotOpened::Unreachable("nothing is trusted to vouch for it".to_owned()));
        };
        // A server that is named by its address is known by the host that it is asked for.
        let asked = self.upstream_host.as_deref().filter(|_| host.parse::<IpAddr>().is_ok());
        Ok(Some((asked.map_or(host, |asked| asked.rsplit_once(':').map_or(asked, |(name, _)| name)), trust)))
    }
}

/// A request that may be passed on.
struct Passable {
    host: HeaderValue,
    hops: u32,
    target: Target,
}

/// Asks for a WebSocket, or agrees to one.
fn mark_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Says where a request's body ends if nothing else says so.
///
/// A method that has a body has an empty one (RFC 9110 section 8.6), which over HTTP/2 nobody needs to say. hyper sends no
/// body with GET and HEAD unless its fields announce one.
fn mark_body(method: &Method, headers: &mut HeaderMap, is_empty: bool) {
    if is_empty && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
    } else if !is_empty && !headers.contains_key(CONTENT_LENGTH) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// A copy of a request without a body.
fn clone(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    copy
}

fn reason(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "it closed the connection without an answer".to_owned();
    }
    if error.is_parse_too_large() {
        return format!("the head of its answer is too large, or has more than {MAX_APPLICATION_FIELDS} fields");
    }
    if error.is_parse() {
        return format!(
            "its answer is malformed or is not HTTP; a server that speaks TLS is named by https:// ({error})"
        );
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A host, which was found to be text.
fn text(host: &HeaderValue) -> &str {
    host.to_str().unwrap_or_default()
}

/// A host without its port and without the dot of the DNS root.
fn bare(host: &str) -> &str {
    let end = host.rfind(':').filter(|colon| !host.get(*colon..).is_some_and(|rest| rest.contains(']')));
    let name = host.get(..end.unwrap_or(host.len())).unwrap_or(host);
    name.strip_suffix('.').unwrap_or(name)
}

impl Handler for Proxy {
    fn respond(
        &self,
        request: Request<Incoming>,
        from: Requester,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(self.clone().pass(request, from))
    }
}
