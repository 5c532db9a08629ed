//! A stream that remembers the first octets from the other side, so that a protocol other than TLS can be named.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Enough of a greeting to recognise the protocol.
const REMEMBERED: usize = 256;

/// The first octets that came, shared with the reader of the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct First(Arc<Mutex<Vec<u8>>>);

impl First {
    pub(crate) fn octets(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, octets: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = REMEMBERED.saturating_sub(first.len());
        first.extend(octets.iter().take(room));
    }
}

/// A TCP stream whose first octets are remembered.
pub(crate) struct Remembering {
    tcp: TcpStream,
    first: First,
}

impl Remembering {
    pub(crate) fn new(tcp: TcpStream) -> (Self, First) {
        let first = First::default();
        (Self { tcp, first: first.clone() }, first)
    }
}

impl AsyncRead for Remembering {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.first.push(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for Remembering {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
