//! Connections to servers that wait for the next request.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::net::proxy::target::Target;

/// The time that a connection waits: Node closes those that are idle for 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// The most connections to one server that wait.
const WAITING: usize = 64;

/// The most of a head or a body that waits inside a connection.
const BUFFER: usize = 64 * 1024;

type Waiting = HashMap<Target, Vec<(SendRequest<Body>, Instant)>>;

#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Waiting>);

impl Pool {
    /// Takes the connection that has waited least.
    pub(super) fn take(&self, target: &Target) -> Option<SendRequest<Body>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = waiting.get_mut(target)?;
        connections.retain(|(connection, since)| since.elapsed() < IDLE && !connection.is_closed());
        connections.pop().map(|(connection, _)| connection)
    }

    /// Opens a connection, which is driven by a task of its own and ends with its sender.
    pub(super) async fn open(target: &Target) -> io::Result<SendRequest<Body>> {
        let stream = target.connect().await?;
        let handshake = http1::Builder::new().max_buf_size(BUFFER).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }

    /// Keeps a connection once its answer has been read in full.
    pub(super) fn keep(self: &Arc<Self>, target: Target, mut connection: SendRequest<Body>) {
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            if connection.ready().await.is_err() {
                return;
            }
            let mut waiting = pool.0.lock().unwrap_or_else(PoisonError::into_inner);
            let connections = waiting.entry(target).or_default();
            connections.retain(|(connection, since)| since.elapsed() < IDLE && !connection.is_closed());
            if connections.len() < WAITING {
                connections.push((connection, Instant::now()));
            }
        });
    }
}
