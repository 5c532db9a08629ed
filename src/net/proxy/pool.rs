//! Connections to servers that wait for the next request.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use crate::net::proxy::target::{Io, Target};
use crate::net::proxy::trust::{Distrust, Trust};
use crate::net::server::MAX_APPLICATION_FIELDS;

/// The time that a connection waits: Node closes those that are idle for 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// The most connections to one server that wait, or carry the rest of an answer.
const WAITING: usize = 256;

/// The most of a head or a body that waits inside a connection.
const BUFFER: usize = 64 * 1024;

/// The time for a TLS handshake with a server.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The connections of one server, in the order in which they were given back.
type Waiting = VecDeque<(SendRequest<Body>, Instant)>;

#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<HashMap<Target, Waiting>>);

/// Reason why a server cannot be spoken to.
#[derive(Debug)]
pub(super) enum NotOpened {
    Unreachable(String),
    Distrusted(Distrust),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl Pool {
    /// Takes the connection that was used last, of those whose answer has been read in full.
    pub(super) fn take(&self, target: &Target) -> Option<SendRequest<Body>> {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.get_mut(target)?;
        while waiting.front().is_some_and(|(_, since)| now - *since >= IDLE) {
            waiting.pop_front();
        }
        let newest = waiting.iter().rposition(|(connection, _)| connection.is_ready())?;
        waiting.remove(newest).map(|(connection, _)| connection)
    }

    /// Opens a connection, which is driven by a task of its own and ends with its sender.
    ///
    /// A server that speaks https is sent `name`, and has to show a certificate for it.
    pub(super) async fn open(target: &Target, name: Option<(&str, &Trust)>) -> Result<SendRequest<Body>, NotOpened> {
        let mut stream = target.connect().await?;
        if let Some((name, trust)) = name {
            let secured = timeout(HANDSHAKE, trust.connect(name, stream)).await;
            let secured = secured.map_err(|_late| io::Error::other("it does not answer in the TLS handshake"))?;
            stream = Box::pin(secured.map_err(NotOpened::Distrusted)?) as std::pin::Pin<Box<dyn Io>>;
        }
        let handshake = http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_headers(MAX_APPLICATION_FIELDS)
            // RFC 9112 section 5.1: a proxy removes the space before the colon.
            .allow_spaces_after_header_name_in_responses(true)
            // RFC 9112 section 5.2: it joins the lines of a folded field.
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }

    /// Keeps a connection for the next request, which gets it once the answer has been read in full.
    pub(super) fn keep(&self, target: Target, connection: SendRequest<Body>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.entry(target).or_default();
        if waiting.len() >= WAITING {
            waiting.retain(|(connection, _)| !connection.is_closed());
        }
        if waiting.len() < WAITING {
            waiting.push_back((connection, Instant::now()));
        }
    }
}
