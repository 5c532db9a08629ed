//! The way in for another application than this server's own.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::Incoming;

use crate::net::server::peer::Peer;
use crate::net::server::places::Place;

/// Answers the requests of a server's clients.
///
/// The headers by which proxies describe a client have been taken out of the request. Those of a trusted proxy are in the
/// [`Requester`].
pub trait Handler: fmt::Debug + Send + Sync {
    /// Answers a request. The request is abandoned when the future is dropped.
    fn respond(
        &self,
        request: Request<Incoming>,
        from: Requester,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
}

/// The client of a request, as far as it is believed; counts among the open connections as long as this is held.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Requester {
    /// Its address; port 0 if unknown behind a proxy.
    pub address: SocketAddr,
    /// True if it came by https or wss.
    pub is_secure: bool,
    /// The address as X-Forwarded-For has it.
    pub(in crate::net) field: HeaderValue,
    _place: Option<Arc<Place>>,
}

impl From<Peer> for Requester {
    fn from(peer: Peer) -> Self {
        Self { address: peer.address, is_secure: peer.is_secure, field: peer.field, _place: peer.place }
    }
}
