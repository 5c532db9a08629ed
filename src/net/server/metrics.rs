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
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
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
    bytes: Family<DirectionLabel, Counter>,
    handshake_seconds: Histogram,
    event_seconds: Histogram,
    round_trip_seconds: Histogram,
    refused: Family<ReasonLabel, Counter>,
    disconnected: Family<ReasonLabel, Counter>,
    redis: RedisFigures,
    expiry: Gauge,
}

/// Figures of the link to other servers.
#[derive(Default)]
struct RedisFigures {
    up: Gauge,
    servers: Gauge,
    published: Counter,
    heard: Counter,
    missed: Counter,
    outages: Counter,
}

impl RedisFigures {
    fn register(&self, registry: &mut Registry) {
        let mut counter = |name, help, counter: &Counter| registry.register(name, help, counter.clone());
        counter("redis_published", "Events sent to other servers through Redis", &self.published);
        counter("redis_received", "Events of other servers passed on to clients", &self.heard);
        counter("redis_missed", "Events that other servers missed while Redis was away", &self.missed);
        counter("redis_outages", "Times that Redis was lost", &self.outages);
        registry.register("redis_up", "1 while Redis is reached", self.up.clone());
        registry.register("redis_servers", "Servers that share clients, this one among them", self.servers.clone());
    }

    fn count(&self, event: &Event) {
        match event {
            Event::Published { .. } => {
                self.published.inc();
            }
            Event::Heard { .. } => {
                self.heard.inc();
            }
            Event::RedisServers(servers) => {
                self.up.set(1);
                self.servers.set(i64::try_from(*servers).unwrap_or(i64::MAX));
            }
            Event::RedisLost { .. } => {
                self.up.set(0);
                self.servers.set(1);
                self.outages.inc();
            }
            Event::RedisBack { missed, .. } => {
                self.up.set(1);
                self.missed.inc_by(*missed);
            }
            _ => {}
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabel {
    direction: &'static str,
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
    /// Figures for a server whose certificate ends at this time, in seconds since 1970, and whether it shares clients through
    /// Redis.
    #[must_use]
    pub fn new(not_after: Option<i64>, has_redis: bool) -> Self {
        let mut registry = Registry::with_prefix("secure_io");
        let metrics = Self {
            connections: Gauge::default(),
            accepted: Counter::default(),
            clients: Family::default(),
            handshakes: Family::default(),
            events: Counter::default(),
            bytes: Family::default(),
            // Seconds: of networks, and of work.
            handshake_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            event_seconds: Histogram::new(exponential_buckets(0.000_01, 4.0, 8)),
            round_trip_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
            refused: Family::default(),
            disconnected: Family::default(),
            redis: RedisFigures::default(),
            expiry: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("connections", "Open connections, WebSockets not among them", metrics.connections.clone());
        registry.register("connections_accepted", "Connections since the start", metrics.accepted.clone());
        registry.register("clients", "Socket.IO clients in namespaces", metrics.clients.clone());
        registry.register("handshakes", "TLS handshakes by version and result", metrics.handshakes.clone());
        registry.register("events", "Messages from Socket.IO clients", metrics.events.clone());
        let bytes = "Bytes of Socket.IO clients' messages, in and out";
        registry.register("bytes", bytes, metrics.bytes.clone());
        let mut seconds = |name, help, figure: &Histogram| registry.register(name, help, figure.clone());
        seconds("handshake_seconds", "From a connection to the end of its TLS handshake", &metrics.handshake_seconds);
        let event = "From a message to its effects in the queues of those who receive them";
        seconds("event_seconds", event, &metrics.event_seconds);
        seconds("round_trip_seconds", "From a ping to its answer", &metrics.round_trip_seconds);
        registry.register("refused", "Refused requests", metrics.refused.clone());
        registry.register("disconnected", "Clients that left a namespace", metrics.disconnected.clone());
        if has_redis {
            metrics.redis.register(&mut registry);
        }
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
            Event::Received { bytes, time } => {
                self.events.inc();
                self.pass("in", *bytes);
                self.event_seconds.observe(time.as_secs_f64());
            }
            Event::Sent(bytes) => self.pass("out", *bytes),
            Event::RoundTrip(time) => self.round_trip_seconds.observe(time.as_secs_f64()),
            Event::Secured { version, after } => {
                self.handshake_seconds.observe(after.as_secs_f64());
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
                self.expiry.set(certificate.not_after.0.unix_timestamp());
            }
            Event::Refused { reason: why, .. } => {
                self.refused.get_or_create(&reason(refusal(why).to_owned())).inc();
            }
            other => self.redis.count(other),
        }
    }

    fn pass(&self, direction: &'static str, bytes: usize) {
        self.bytes.get_or_create(&DirectionLabel { direction }).inc_by(bytes as u64);
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
