//! A client's body on its way to a server: held back while the client waits for word from the server, and watched for a
//! fault of the client's.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::task::AtomicWaker;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::net::proxy::headers;

/// The time after which a body is sent to a server that says nothing of `100 Continue`, as clients do.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state of a request's body, shared with whoever passes the request on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    is_open: AtomicBool,
    is_broken: AtomicBool,
    waker: AtomicWaker,
}

impl Progress {
    /// Lets the body pass: the server wants it.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Returns true if the client did not send the body as it should.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }
}

/// A part of a body without what a client may not say behind it, either: by trailers it would describe itself as a proxy does.
fn passable(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            headers::remove_forwarding(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

/// The body.
pub(super) struct RequestBody {
    body: Incoming,
    progress: Arc<Progress>,
    /// The end of the wait for the server's word.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    /// With `is_held`, the body waits until [`Progress::open`] is called, or for a second.
    pub(super) fn new(body: Incoming, is_held: bool) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        let deadline = is_held.then(|| Box::pin(sleep(PATIENCE)));
        (Self { body, progress: Arc::clone(&progress), deadline }, progress)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(deadline) = &mut self.deadline {
            let is_over = deadline.as_mut().poll(cx).is_ready();
            self.progress.waker.register(cx.waker());
            if !is_over && !self.progress.is_open.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            // With the first octets that are asked for, the server tells the client to go on.
            self.deadline = None;
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match polled {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(passable(frame)))),
            Poll::Ready(Some(Err(error))) => {
                self.progress.is_broken.store(true, Ordering::Release);
                Poll::Ready(Some(Err(error)))
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
