//! The byte stream on which the engine speaks WebSocket.
//!
//! The engine is handed each WebSocket as the upgrade of a polling session, whether the client began with polling or
//! not: see [`super::engine`]. So its side of the stream begins with the two frames of an upgrade that has gone well,
//! and its answer to the first of them is kept from the client, which gets a greeting in its place.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::server::session::Session;

/// The connection beneath everything.
pub(super) type Tls = TlsStream<TcpStream>;

/// `2probe` and `5` as a client sends them, the mask all zero.
const UPGRADE: &[u8] = b"\x81\x86\0\0\0\x002probe\x81\x81\0\0\0\x005";

/// A client's close frame without a status.
const CLIENT_CLOSE: &[u8] = b"\x88\x80\0\0\0\0";

/// The server's.
pub(super) const SERVER_CLOSE: &[u8] = b"\x88\x00";

/// How much is taken from one client at a stretch: what its events put into queues is then sent on before they fill.
pub(super) const BURST: usize = 16 * 1024;

/// Ends a [`Wire`] from outside the tasks that use it.
#[derive(Debug, Default)]
pub(super) struct Valve {
    closed: AtomicBool,
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Valve {
    /// Ends the stream as a client would, with a close frame that the engine answers.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// Ends it both ways, whoever waits for what.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.writer.wake();
        self.close();
    }
}

/// A client's WebSocket, after its HTTP handshake.
pub(super) struct Wire {
    tls: Tls,
    session: Arc<Session>,
    /// What the engine reads before anything that is still to come.
    incoming: Bytes,
    /// What the client gets in place of the engine's first frame.
    greeting: Option<Bytes>,
    frames: Frames,
    closed: bool,
    /// How much has been read since there was last nothing to read.
    burst: usize,
}

/// How frames are put into TLS records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// As many as are ready.
    Together,
    /// One in each, as Node's server does.
    Apart,
}

impl Wire {
    /// `received` is what the client has sent already, `greeting` what it is to get first.
    pub(super) fn new(tls: Tls, session: Arc<Session>, received: &[u8], greeting: Vec<u8>, frames: Frames) -> Self {
        let incoming = Bytes::from([UPGRADE, received].concat());
        Self { tls, session, incoming, greeting: Some(greeting.into()), frames, closed: false, burst: 0 }
    }

    fn poll_closing(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            self.closed = true;
            put(buffer, CLIENT_CLOSE);
        }
        Poll::Ready(Ok(()))
    }

    /// What comes of a write that cannot go on.
    fn poll_cut<T>(&self, cx: &Context<'_>) -> Poll<io::Result<T>> {
        self.session.valve.writer.register(cx.waker());
        if self.session.valve.cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Pending
    }

    fn poll_greeting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(greeting) = &mut self.greeting {
            if greeting.is_empty() {
                self.greeting = None;
                break;
            }
            let written = ready!(Pin::new(&mut self.tls).poll_write(cx, greeting))?;
            drop(greeting.split_to(written));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.incoming.is_empty() {
            let length = self.incoming.len().min(buffer.remaining());
            buffer.put_slice(&self.incoming.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if self.session.valve.closed.load(Ordering::Acquire) {
            return self.poll_closing(buffer);
        }
        if self.burst >= BURST {
            self.burst = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tls).poll_read(cx, buffer);
        self.burst += buffer.filled().len() - before;
        if read.is_pending() {
            self.burst = 0;
            self.session.valve.reader.register(cx.waker());
            if self.session.valve.closed.load(Ordering::Acquire) {
                return self.poll_closing(buffer);
            }
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let written = if self.greeting.is_some() {
            self.poll_greeting(cx).map_ok(|()| buffer.len())
        } else {
            let record = match self.frames {
                Frames::Together => buffer,
                Frames::Apart => first_frame(buffer),
            };
            Pin::new(&mut self.tls).poll_write(cx, record)
        };
        if written.is_pending() { self.poll_cut(cx) } else { written }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.tls).poll_flush(cx);
        if flushed.is_pending() { self.poll_cut(cx) } else { flushed }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}

fn put(buffer: &mut ReadBuf<'_>, bytes: &[u8]) {
    let length = bytes.len().min(buffer.remaining());
    buffer.put_slice(&bytes[..length]);
}

/// A text frame as a server sends it.
pub(super) fn text_frame(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut frame = match length {
        0..126 => vec![0x81, length.to_le_bytes()[0]],
        126..65_536 => [&[0x81, 126], &length.to_be_bytes()[size_of::<usize>() - 2..]].concat(),
        _ => [&[0x81, 127], &(length as u64).to_be_bytes()[..]].concat(),
    };
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The first of a server's frames in a buffer; all of the buffer when what begins there is no whole frame.
fn first_frame(buffer: &[u8]) -> &[u8] {
    let length = match buffer {
        [_, length @ 0..126, ..] => 2 + usize::from(*length),
        [_, 126, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => buffer.len(),
    };
    buffer.get(..length).unwrap_or(buffer)
}
