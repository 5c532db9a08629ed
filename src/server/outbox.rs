//! Answers that a client has not taken in full: a window of HTTP/2 that stays shut holds them.
//!
//! An answer costs memory until the last of its body has been sent. The wait has a limit in time for each connection,
//! and the number of such answers one in all.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The most unfinished answers of all connections together.
pub(super) const MAX_UNFINISHED: usize = 4096;

/// The connections that have answers to give.
#[derive(Default)]
pub(super) struct Outboxes {
    open: Mutex<HashMap<u64, Arc<Outbox>>>,
    next: AtomicU64,
    unfinished: Arc<AtomicUsize>,
}

impl Outboxes {
    /// An outbox for a new connection.
    pub(super) fn open(self: &Arc<Self>) -> Handle {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let outbox = Arc::new(Outbox::new(&self.unfinished));
        self.map().insert(id, Arc::clone(&outbox));
        Handle { id, outbox, all: Arc::clone(self) }
    }

    /// Cuts off the connection with most unfinished answers, if there are more of them in all than there may be.
    fn relieve(&self) {
        if self.unfinished.load(Ordering::Relaxed) > MAX_UNFINISHED
            && let Some(outbox) = self.map().values().max_by_key(|outbox| outbox.weight())
        {
            outbox.cut();
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u64, Arc<Outbox>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among the outboxes, given up when this is dropped.
pub(super) struct Handle {
    id: u64,
    outbox: Arc<Outbox>,
    all: Arc<Outboxes>,
}

impl Handle {
    /// Counts an answer until its body has been sent.
    pub(super) fn count(&self, response: Response<Body>) -> Response<Body> {
        if response.body().is_end_stream() {
            return response;
        }
        self.outbox.begin();
        self.all.relieve();
        let unfinished = Arc::new(Unfinished(Arc::clone(&self.outbox)));
        response.map(|body| Body::new(Counted { body, rest: Bytes::new(), unfinished }))
    }

    /// Waits until the client has taken nothing of its answers for so long, or is cut off for having too many.
    pub(super) async fn stalled(&self, limit: Duration) {
        self.outbox.stalled(limit).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.all.map().remove(&self.id);
    }
}

/// The unfinished answers of one connection.
struct Outbox {
    state: Mutex<State>,
    changed: Notify,
    /// The unfinished answers of all connections.
    total: Arc<AtomicUsize>,
}

struct State {
    unfinished: usize,
    progress: Instant,
    is_cut: bool,
}

impl Outbox {
    fn new(total: &Arc<AtomicUsize>) -> Self {
        let state = State { unfinished: 0, progress: Instant::now(), is_cut: false };
        Self { state: Mutex::new(state), changed: Notify::new(), total: Arc::clone(total) }
    }

    /// Adds an answer.
    fn begin(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        state.unfinished += 1;
        if state.unfinished == 1 {
            state.progress = Instant::now();
            self.changed.notify_one();
        }
    }

    /// The unfinished answers, as long as the connection is not being ended because of them.
    fn weight(&self) -> usize {
        let state = self.state();
        if state.is_cut { 0 } else { state.unfinished }
    }

    fn progressed(&self) {
        self.state().progress = Instant::now();
    }

    fn finish(&self) {
        self.total.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.state();
        state.unfinished -= 1;
        state.progress = Instant::now();
    }

    fn cut(&self) {
        self.state().is_cut = true;
        self.changed.notify_one();
    }

    async fn stalled(&self, limit: Duration) {
        loop {
            let deadline = {
                let state = self.state();
                if state.is_cut {
                    return;
                }
                (state.unfinished > 0).then(|| state.progress + limit)
            };
            match deadline {
                None => self.changed.notified().await,
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(deadline) => {}
                },
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes that are given out at a time, so that a slow client is seen to go on.
const PIECE: usize = 16 * 1024;

/// An answer that is unfinished until this is dropped.
struct Unfinished(Arc<Outbox>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// A body that is counted among its connection's as long as it, or a piece of it, waits.
struct Counted {
    body: Body,
    rest: Bytes,
    unfinished: Arc<Unfinished>,
}

/// Part of a body. HTTP/2 drops it when the client's window has let it through.
struct Piece {
    bytes: Bytes,
    unfinished: Arc<Unfinished>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.unfinished.0.progressed();
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = Piece { bytes: self.rest.split_to(length), unfinished: Arc::clone(&self.unfinished) };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let exact = self.body.size_hint().exact();
        exact.map_or_else(SizeHint::default, |body| SizeHint::with_exact(body + self.rest.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    fn answer() -> Response<Body> {
        Response::new("text".into())
    }

    #[tokio::test]
    async fn answers_that_nobody_takes_are_waited_for_so_long() {
        let handle = Arc::new(Outboxes::default()).open();
        let limit = Duration::from_millis(50);
        let start = Instant::now();
        let (one, other) = (handle.count(answer()), handle.count(answer()));
        assert_eq!(one.into_body().collect().await.unwrap().to_bytes(), "text");
        assert!(handle.stalled(limit).now_or_never().is_none());
        handle.stalled(limit).await;
        assert!(start.elapsed() >= limit);
        // A piece that was given out has not been sent.
        let mut body = other.into_body();
        let piece = body.frame().await;
        drop(body);
        handle.stalled(limit).await;
        drop(piece);
        assert!(handle.stalled(limit).now_or_never().is_none());
        // An empty answer holds nothing.
        let _empty = handle.count(Response::new(Body::empty()));
        assert!(handle.stalled(Duration::ZERO).now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_connection_with_most_unfinished_answers_is_cut_off_beyond_the_limit() {
        let all = Arc::new(Outboxes::default());
        let (greedy, modest) = (all.open(), all.open());
        let limit = Duration::from_secs(20);
        let held: Vec<_> = (0..MAX_UNFINISHED - 10).map(|_| greedy.count(answer())).collect();
        assert!(greedy.stalled(limit).now_or_never().is_none());
        let more: Vec<_> = (0..11).map(|_| modest.count(answer())).collect();
        assert!(greedy.stalled(limit).now_or_never().is_some());
        assert!(modest.stalled(limit).now_or_never().is_none());
        drop((held, more, greedy));
        assert_eq!(all.map().len(), 1);
    }
}
