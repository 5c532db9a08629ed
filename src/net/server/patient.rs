//! A connection whose client has to take something of its answer within a time, and gets the answer even if it is still
//! sending when the connection is closed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::net::server::interim::Interim;
use crate::net::server::stream::Stream;

/// A connection that fails to write with [`io::ErrorKind::TimedOut`] after a wait for the client.
pub(super) struct Patient {
    stream: Stream,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Interim answers, which go in front of the next write.
    interim: Option<Interim>,
    /// The part that has not been written.
    ahead: Vec<u8>,
    /// True while octets of an answer wait to be written: nothing may come between them.
    is_writing: bool,
    /// True if the connection is closed for writing.
    is_closed: bool,
    ending: Option<Arc<Ending>>,
    lingering: Option<Lingering>,
}

/// Decides how a client is listened to after the end of its connection, as long as the connection lasts.
#[derive(Debug, Default)]
pub(super) struct Ending(AtomicU8);

impl Ending {
    /// For a moment at least: the client may be in the middle of a head or a body.
    const PATIENTLY: u8 = 0;
    /// If something has come already.
    const IF_IT_SENDS: u8 = 1;
    const NOT_AT_ALL: u8 = 2;

    /// A request is being answered.
    pub(super) fn request(&self, has_body: bool) {
        self.0.store(if has_body { Self::PATIENTLY } else { Self::IF_IT_SENDS }, Ordering::Relaxed);
    }

    /// Nothing that comes is forgotten, or there would be no end of it.
    pub(super) fn abrupt(&self) {
        self.0.store(Self::NOT_AT_ALL, Ordering::Relaxed);
    }
}

/// The time that a client is listened to after the end: a connection that is closed with octets unread is reset, and the
/// client may lose the answer with it (RFC 9112 section 9.6).
struct Lingering {
    until: Instant,
    left: usize,
    pause: Pin<Box<Sleep>>,
}

/// The longest time, and the most octets.
const LINGER: Duration = Duration::from_secs(5);
const LINGERING_OCTETS: usize = 2 << 20;

/// The longest time without an octet, before the first one and after it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_secs(1);

impl Patient {
    pub(super) fn new(stream: Stream, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            deadline: None,
            interim: None,
            ahead: Vec::new(),
            is_writing: false,
            is_closed: false,
            ending: None,
            lingering: None,
        }
    }

    /// The same connection, with interim answers of the application.
    pub(super) fn with_interim(self, interim: Interim) -> Self {
        Self { interim: Some(interim), ..self }
    }

    /// The same connection, listened to after its end.
    pub(super) fn ending(self, ending: Arc<Ending>) -> Self {
        Self { ending: Some(ending), ..self }
    }

    /// Reads what the client still sends, and forgets it.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let how = self.ending.as_ref().map_or(Ending::NOT_AT_ALL, |ending| ending.0.load(Ordering::Relaxed));
        if how == Ending::NOT_AT_ALL {
            return Poll::Ready(());
        }
        let Lingering { until, left, pause } = self.lingering.get_or_insert_with(|| {
            let now = Instant::now();
            Lingering { until: now + LINGER, left: LINGERING_OCTETS, pause: Box::pin(sleep_until(now + FIRST_PAUSE)) }
        });
        let mut octets = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut octets);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let now = Instant::now();
                    *left = left.saturating_sub(buffer.filled().len());
                    if now >= *until || *left == 0 {
                        return Poll::Ready(());
                    }
                    pause.as_mut().reset((now + PAUSE).min(*until));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if how == Ending::IF_IT_SENDS && *left == LINGERING_OCTETS => return Poll::Ready(()),
                Poll::Pending => return pause.as_mut().poll(cx),
            }
        }
    }

    pub(super) fn into_inner(self) -> Stream {
        self.stream
    }

    /// Writes the interim answers that are there.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(interim) = &self.interim
            && !self.is_writing
            && let Some(octets) = interim.take(cx)
        {
            self.ahead.extend(octets);
        }
        while !self.ahead.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.ahead))?;
            self.ahead.drain(..count);
            if self.ahead.is_empty() {
                return Pin::new(&mut self.stream).poll_flush(cx);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Starts, ends or watches the wait, by the result of a write.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
        deadline.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.interim.is_some() {
            // A fault of writing is seen when the answer is written.
            let _ = self.poll_interim(cx);
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match self.poll_interim(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.stream).poll_write(cx, bytes),
            ahead => ahead.map_ok(|()| 0),
        };
        self.is_writing = written.is_pending();
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match self.poll_interim(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.stream).poll_write_vectored(cx, bytes),
            ahead => ahead.map_ok(|()| 0),
        };
        self.is_writing = written.is_pending();
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closed {
            let closed = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.watch(cx, closed))?;
            self.is_closed = true;
        }
        self.poll_linger(cx).map(Ok)
    }
}

/// Decides whether an error comes from a client that took nothing for too long.
pub(super) fn is_impatience(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::TimedOut)
}
