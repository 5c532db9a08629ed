//! The open HTTP connections, bounded in number, and their answers that clients have not taken in full.
//!
//! Beyond a number of connections, the one that has been idle longest makes room for a new one. An answer costs memory
//! until the last of its body has been sent, which a client can put off: by not reading, or by a window of HTTP/2 that
//! stays shut. The wait has a limit in time for each connection, and the number of such answers one in all.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The most connections, as long as some of them are idle. WebSockets are not among them: sessions have a limit of
/// their own.
pub(super) const MAX_CONNECTIONS: usize = 4096;

/// The most unfinished answers of all connections together.
pub(super) const MAX_UNFINISHED: usize = 1024;

/// The open connections.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    unfinished: Arc<AtomicUsize>,
    is_crowded: AtomicBool,
}

impl Connections {
    /// A place for a new connection. Returns true beside it if this is the first for which another had to go.
    pub(super) fn open(self: &Arc<Self>) -> (Handle, bool) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(&self.unfinished));
        let mut map = self.map();
        let mut is_first = false;
        if map.len() < MAX_CONNECTIONS / 2 {
            self.is_crowded.store(false, Ordering::Relaxed);
        } else if map.len() >= MAX_CONNECTIONS
            && let Some((_, idle)) =
                map.values().filter_map(|one| Some((one.idle_since()?, one))).min_by_key(|(since, _)| *since)
        {
            idle.cut(Cut::Idle);
            is_first = !self.is_crowded.swap(true, Ordering::Relaxed);
        }
        map.insert(id, Arc::clone(&connection));
        drop(map);
        (Handle { id, connection, all: Arc::clone(self) }, is_first)
    }

    /// Cuts off a connection whose answers are not taken, if there are more of them in all than there may be.
    fn relieve(&self) {
        if self.unfinished.load(Ordering::Relaxed) > MAX_UNFINISHED
            && let Some((_, connection)) =
                self.map().values().filter_map(|one| Some((one.weight()?, one))).max_by_key(|(weight, _)| *weight)
        {
            connection.cut(Cut::Unread);
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reason for which a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Another connection needs its place.
    Idle,
    /// The client does not take its answers.
    Unread,
}

/// A connection's place, given up when this is dropped.
pub(super) struct Handle {
    id: u64,
    connection: Arc<Connection>,
    all: Arc<Connections>,
}

impl Handle {
    /// Says that a request is being worked on until the result is dropped.
    pub(super) fn request(&self) -> Request {
        self.connection.state().requests += 1;
        Request(Arc::clone(&self.connection))
    }

    /// Counts an answer until its body has been sent.
    pub(super) fn count(&self, response: Response<Body>) -> Response<Body> {
        if response.body().is_end_stream() {
            return response;
        }
        self.connection.begin();
        self.all.relieve();
        let unfinished = Arc::new(Unfinished(Arc::clone(&self.connection)));
        response.map(|body| Body::new(Counted { body, rest: Bytes::new(), unfinished }))
    }

    /// Waits until the connection is to be ended: to make room, or for answers of which nothing was taken for so long.
    pub(super) async fn cut(&self, limit: Duration) -> Cut {
        self.connection.until_cut(limit).await
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.all.map().remove(&self.id);
    }
}

/// A request under way.
pub(super) struct Request(Arc<Connection>);

impl Request {
    /// Keeps the request under way until the body of its answer has been sent.
    pub(super) fn hold(self, response: Response<Body>) -> Response<Body> {
        if response.body().is_end_stream() {
            return response;
        }
        response.map(|body| Body::new(Held { body, _request: self }))
    }
}

/// A body during which its request is under way.
struct Held {
    body: Body,
    _request: Request,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        state.progress = Instant::now();
    }
}

/// One connection.
struct Connection {
    state: Mutex<State>,
    changed: Notify,
    /// The unfinished answers of all connections.
    total: Arc<AtomicUsize>,
}

struct State {
    requests: usize,
    unfinished: usize,
    /// The time of the last request or piece of an answer.
    progress: Instant,
    cut: Option<Cut>,
}

/// The time after which an answer that has not gone on counts as one that the client does not take.
const A_WHILE: Duration = Duration::from_secs(1);

/// The unfinished answers of one connection that are too many, however young.
const MANY: usize = 64;

impl Connection {
    fn new(total: &Arc<AtomicUsize>) -> Self {
        let state = State { requests: 0, unfinished: 0, progress: Instant::now(), cut: None };
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

    /// The time since when nothing has been going on.
    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.requests == 0 && state.unfinished == 0 && state.cut.is_none()).then_some(state.progress)
    }

    /// The unfinished answers, if they are reason enough to end the connection.
    fn weight(&self) -> Option<usize> {
        let state = self.state();
        let is_heavy = state.unfinished >= MANY || (state.unfinished > 0 && state.progress.elapsed() > A_WHILE);
        (is_heavy && state.cut.is_none()).then_some(state.unfinished)
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

    fn cut(&self, cut: Cut) {
        self.state().cut = Some(cut);
        self.changed.notify_one();
    }

    async fn until_cut(&self, limit: Duration) -> Cut {
        loop {
            let deadline = {
                let state = self.state();
                if let Some(cut) = state.cut {
                    return cut;
                }
                (state.unfinished > 0).then(|| state.progress + limit)
            };
            match deadline {
                None => self.changed.notified().await,
                Some(deadline) if deadline <= Instant::now() => return Cut::Unread,
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
struct Unfinished(Arc<Connection>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// A body that is counted among its connection's as long as any piece of the body waits.
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

    const LIMIT: Duration = Duration::from_secs(20);

    fn answer() -> Response<Body> {
        Response::new("text".into())
    }

    #[tokio::test]
    async fn answers_that_nobody_takes_are_waited_for_so_long() {
        let (handle, _) = Arc::new(Connections::default()).open();
        let limit = Duration::from_millis(50);
        let start = Instant::now();
        let (one, other) = (handle.count(answer()), handle.count(answer()));
        assert_eq!(one.into_body().collect().await.unwrap().to_bytes(), "text");
        assert!(handle.cut(limit).now_or_never().is_none());
        assert_eq!(handle.cut(limit).await, Cut::Unread);
        assert!(start.elapsed() >= limit);
        // A piece that was given out has not been sent.
        let mut body = other.into_body();
        let piece = body.frame().await;
        drop(body);
        assert_eq!(handle.cut(limit).await, Cut::Unread);
        drop(piece);
        assert!(handle.cut(limit).now_or_never().is_none());
        // An empty answer holds nothing.
        let _empty = handle.count(Response::new(Body::empty()));
        assert!(handle.cut(Duration::ZERO).now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_connection_with_most_unfinished_answers_is_cut_off_beyond_the_limit() {
        let all = Arc::new(Connections::default());
        let ((greedy, _), (modest, _)) = (all.open(), all.open());
        let held: Vec<_> = (0..MAX_UNFINISHED - 10).map(|_| greedy.count(answer())).collect();
        assert!(greedy.cut(LIMIT).now_or_never().is_none());
        let more: Vec<_> = (0..11).map(|_| modest.count(answer())).collect();
        assert_eq!(greedy.cut(LIMIT).now_or_never(), Some(Cut::Unread));
        assert!(modest.cut(LIMIT).now_or_never().is_none());
        drop((held, more, greedy));
        assert_eq!(all.map().len(), 1);
    }

    #[tokio::test]
    async fn the_connection_that_has_been_idle_longest_makes_room() {
        let all = Arc::new(Connections::default());
        let (busy, _) = all.open();
        let _request = busy.request();
        let (first, _) = all.open();
        drop(first.request());
        let (second, _) = all.open();
        drop(first.request());
        let rest: Vec<_> = (3..MAX_CONNECTIONS).map(|_| all.open()).collect();
        assert!(rest.iter().all(|(_, is_first)| !is_first));
        let (newest, is_first) = all.open();
        assert!(is_first);
        let is_cut = |handle: &Handle| handle.cut(LIMIT).now_or_never().is_some();
        assert_eq!((is_cut(&busy), is_cut(&first), is_cut(&second), is_cut(&newest)), (false, false, true, false));
        let (_, is_first) = all.open();
        assert!(!is_first && is_cut(&first));
    }
}
