//! The way in for another application than this server's own.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;

/// Answers the requests of a server's clients.
pub trait Handler: fmt::Debug + Send + Sync {
    /// Answers a request from a client at this address. The request is abandoned when the future is dropped.
    fn respond(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
}
