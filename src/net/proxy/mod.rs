//! TLS in front of other servers: a [`Handler`] of the server that passes requests on.
//!
//! [`Proxy`] is given to [`Config::handler`](crate::server::Config::handler). Its [`Routes`] can be changed while it
//! runs. Bodies are streamed both ways, and an answer that the server cuts short is cut short for the client.

mod answer;
mod headers;
mod pool;
mod routes;
mod target;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue, UPGRADE};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Method, Request, Response, StatusCode, Version, request};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;

pub use self::routes::{Route, Routes};
pub use self::target::{Target, TargetError};

use self::pool::Pool;
use crate::net::server::Handler;

/// The most times that a request comes through.
const MAX_HOPS: u32 = 5;

/// Is called with each event, from whichever task it happens in: it must not block for long.
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
    /// A dev server refuses the host that the client asked for.
    HostBlocked {
        /// The server.
        target: Target,
        /// The host.
        host: String,
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
    observer: Observer,
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
        Self { routes, pool: Arc::default(), upstream_host: upstream_host.map(Arc::from), observer }
    }

    async fn pass(self, mut request: Request<Incoming>, client: SocketAddr) -> Response<Body> {
        let method = request.method().clone();
        if method == Method::CONNECT || headers::is_ambiguous(request.headers()) {
            return answer::plain(StatusCode::BAD_REQUEST, "This request is not passed on.\n");
        }
        let Some(host) = headers::host(&request) else {
            return answer::plain(StatusCode::BAD_REQUEST, "A request names one host.\n");
        };
        let hops = request.headers().get(headers::HOPS).and_then(|hops| hops.to_str().ok()?.parse::<u32>().ok());
        let hops = hops.unwrap_or(0).saturating_add(1);
        if hops > MAX_HOPS {
            (self.observer)(&Event::Loop { host });
            return answer::plain(StatusCode::LOOP_DETECTED, "The server behind this proxy calls the proxy.\n");
        }
        let Some(target) = self.routes.find(&bare(&host), request.uri().path()) else {
            return answer::plain(StatusCode::NOT_FOUND, "No server is behind this proxy for this host and path.\n");
        };
        let wants_html = answer::wants_html(request.headers());
        let upgrading = headers::is_websocket(&request).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from(path);
        parts.version = Version::HTTP_11;
        headers::to_server(&mut parts.headers, &host, client, self.upstream_host.as_deref());
        parts.headers.insert(headers::HOPS, hops.into());
        if upgrading.is_some() {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        let (mut response, connection) = match self.send(&target, parts, body).await {
            Ok(answered) => answered,
            Err(reason) => {
                let page = answer::unreachable(&target, &reason, wants_html && method == Method::GET);
                (self.observer)(&Event::Unreachable { target, reason });
                return page;
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(upgrading) = upgrading else {
                return answer::unreachable(&target, "it changes the protocol unasked", false);
            };
            let server = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                if let (Ok(client), Ok(server)) = tokio::join!(upgrading, server) {
                    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                    // How a tunnel ends, both of its ends see.
                    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
                }
            });
        } else {
            self.pool.keep(target.clone(), connection);
        }
        let (mut parts, body) = response.into_parts();
        let is_tunnel = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        parts.version = Version::HTTP_11;
        headers::to_client(&mut parts.headers, &host, &target, self.upstream_host.as_deref());
        if is_tunnel {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            return Response::from_parts(parts, Body::empty());
        }
        let (body, is_blocked) = answer::look_for_blocked_host(parts.status, body).await;
        if is_blocked {
            (self.observer)(&Event::HostBlocked { target, host });
        }
        Response::from_parts(parts, body)
    }

    /// Sends a request over a connection that waits, or else over a new one. A request that the server has not seen, or
    /// one without effects, is sent again when the connection turns out to have ended.
    async fn send(
        &self,
        target: &Target,
        parts: request::Parts,
        body: Incoming,
    ) -> Result<(Response<Incoming>, SendRequest<Body>), String> {
        let again = (parts.method.is_idempotent() && body.is_end_stream()).then(|| parts.clone());
        let mut request = Request::from_parts(parts, Body::new(body));
        if let Some(mut connection) = self.pool.take(target)
            && connection.ready().await.is_ok()
        {
            match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut failed) => match (failed.take_message(), again) {
                    (Some(unsent), _) => request = unsent,
                    (None, Some(parts)) => request = Request::from_parts(parts, Body::empty()),
                    (None, None) => return Err(reason(failed.error())),
                },
            }
        }
        let mut connection = Pool::open(target).await.map_err(|error| error.to_string())?;
        let response = connection.send_request(request).await.map_err(|error| reason(&error))?;
        Ok((response, connection))
    }
}

fn reason(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "it closed the connection without an answer".to_owned();
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A host without its port, in lower case.
fn bare(host: &str) -> String {
    let end = host.rfind(':').filter(|colon| !host.get(*colon..).is_some_and(|rest| rest.contains(']')));
    host.get(..end.unwrap_or(host.len())).unwrap_or(host).to_ascii_lowercase()
}

impl Handler for Proxy {
    fn respond(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(self.clone().pass(request, client))
    }
}
