//! Figures of a running server for Prometheus, in OpenMetrics' text.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::net::server::event::{Event, Observer, Refused};

/// Figures of a server, counted from its events.
pub struct Metrics {
    registry: Registry,
    connections: Gauge,
    accepted: Counter,
    clients: Family<TransportLabel, Gauge>,
    handshakes: Family<HandshakeLabel, Counter>,
    events: Counter,
    refused: Family<ReasonLabel, Counter>,
    disconnected: Family<ReasonLabel, Counter>,
    expiry: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabel {
    version: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

impl Metrics {
    /// Figures for a server whose certificate ends at this time, in seconds since 1970.
    #[must_use]
    pub fn new(not_after: Option<i64>) -> Self {
        let mut registry = Registry::with_prefix("secure_io");
        let metrics = Self {
            connections: Gauge::default(),
            accepted: Counter::default(),
            clients: Family::default(),
            handshakes: Family::default(),
            events: Counter::default(),
            refused: Family::default(),
            disconnected: Family::default(),
            expiry: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("connections", "Open connections, WebSockets not among them", metrics.connections.clone());
        registry.register("connections_accepted", "Connections since the start", metrics.accepted.clone());
        registry.register("clients", "Socket.IO clients in namespaces", metrics.clients.clone());
        registry.register("handshakes", "TLS handshakes by version and result", metrics.handshakes.clone());
        registry.register("events", "Messages from Socket.IO clients", metrics.events.clone());
        registry.register("refused", "Refused requests", metrics.refused.clone());
        registry.register("disconnected", "Clients that left a namespace", metrics.disconnected.clone());
        if let Some(not_after) = not_after {
            metrics.expiry.set(not_after);
            let help = "End of the certificate, seconds since 1970";
            registry.register("certificate_not_after_seconds", help, metrics.expiry.clone());
        }
        Self { registry, ..metrics }
    }

    /// An observer that counts events and passes them on.
    #[must_use]
    pub fn counting(self: &Arc<Self>, observer: Observer) -> Observer {
        let metrics = Arc::clone(self);
        Arc::new(move |event| {
            metrics.count(event);
            observer(event);
        })
    }

    fn count(&self, event: &Event) {
        let reason = |reason: String| ReasonLabel { reason };
        let clients = |transport| self.clients.get_or_create_owned(&TransportLabel { transport });
        match event {
            Event::Opened => {
                self.accepted.inc();
                self.connections.inc();
            }
            Event::Closed => {
                self.connections.dec();
            }
            Event::Received => {
                self.events.inc();
            }
            Event::Secured { version } => {
                let label = HandshakeLabel { version: version.clone(), result: "ok" };
                self.handshakes.get_or_create(&label).inc();
            }
            Event::HandshakeFailed { error, .. } => {
                let label = HandshakeLabel { version: "none".to_owned(), result: error.code() };
                self.handshakes.get_or_create(&label).inc();
            }
            Event::Connected(client) => {
                clients(client.transport.name()).inc();
            }
            Event::Upgraded(client) => {
                clients("polling").dec();
                clients(client.transport.name()).inc();
            }
            Event::Disconnected(client, why) => {
                clients(client.transport.name()).dec();
                self.disconnected.get_or_create(&reason(why.to_string())).inc();
            }
            Event::Replaced { certificate } => {
                if let Ok(end) = OffsetDateTime::parse(&certificate.not_after, &Rfc3339) {
                    self.expiry.set(end.unix_timestamp());
                }
            }
            Event::Refused { reason: why, .. } => {
                self.refused.get_or_create(&reason(refusal(why).to_owned())).inc();
            }
            _ => {}
        }
    }

    /// Answers requests for the figures, for ever.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((tcp, _)) = listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            let metrics = Arc::clone(&self);
            tokio::spawn(async move {
                let _place = place;
                let service = service_fn(|request: Request<Incoming>| {
                    let answer = metrics.answer(request.uri().path());
                    async move { Ok::<_, std::convert::Infallible>(answer) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(LIMIT)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(tcp), service);
                timeout(LIMIT, connection).await.ok();
            });
        }
    }

    fn answer(&self, path: &str) -> Response<Body> {
        let mut encoded = String::new();
        let mut response = if path != "/metrics" {
            let mut response = Response::new(Body::from("The figures are at /metrics.\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        } else if text::encode(&mut encoded, &self.registry).is_ok() {
            Response::new(Body::from(encoded))
        } else {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        };
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

/// Limit on connections for figures: few programs ask.
const CONNECTIONS: usize = 16;

/// The time for one of them.
const LIMIT: Duration = Duration::from_secs(10);

/// A wait when the system has run out of a resource.
const PAUSE: Duration = Duration::from_millis(100);

fn refusal(reason: &Refused) -> &'static str {
    match reason {
        Refused::Protocol(_) => "protocol",
        Refused::ForeignOrigin(_) => "origin",
        Refused::TooManySessions => "sessions",
        Refused::TooMuchMemory => "memory",
        Refused::TooManyConnections { .. } => "connections",
    }
}
