//! Long-polling: polls with the packets that wait for a client, and the bodies that clients post.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming as Upload};
use tokio::time::{sleep, timeout};

use super::compression::{self, Encoding};
use super::packet::Received;
use super::payload::{Answer, Form, Packets, Payload, Polling};
use super::request::{Refusal, text};
use super::{BURST, Engine, Wait};
use crate::net::server::budget::Charge;
use crate::net::server::event::{DisconnectReason, Event, Transport};
use crate::net::server::queue::Item;
use crate::net::server::session::{Next, Protocol, Session, wait_for_room};

/// The time that a polling client is held back to fetch the answers to its own events.
const OWN_PATIENCE: Duration = Duration::from_secs(5);

/// The most that is put into the answer to one poll.
const MAX_POLL: usize = 1 << 20;

/// Multiple of the allowed length of a body that is read before the connection is given up.
const MAX_OVERRUN: usize = 4;

const CLOSE: &[u8] = b"1";
const CLOSE_OF_THREE: &[u8] = b"1:1";

/// The type of bodies with bytes, in Engine.IO 3.
const OCTETS: &str = "application/octet-stream";

/// The distance between requests over two connections that were sent together.
const OVERTAKING: Duration = Duration::from_millis(20);

/// The time for which a poll is held back while a WebSocket is being probed; Node's server looks as often.
const PROBE_HOLD: Duration = Duration::from_millis(100);

impl Engine {
    /// Answers a poll with the queued messages, or the first to come.
    pub(super) async fn poll(
        self: &Arc<Self>,
        session: Arc<Session>,
        encoding: Option<Encoding>,
    ) -> Result<Response<Body>, Refusal> {
        let Some(is_probing) = session.start_poll() else {
            self.end(&session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        };
        let engine = Arc::clone(self);
        let mut polling = Polling::new(Arc::clone(&session), move |session| {
            engine.end(session, DisconnectReason::ConnectionLost);
        });
        let mut released = pin!(session.probed.notified());
        released.as_mut().enable();
        let next = tokio::select! {
            biased;
            next = poll_fn(|cx| session.poll_next(cx, MAX_POLL)) => next,
            () = released => Next::Send(vec![Item::Noop]),
            () = sleep(PROBE_HOLD), if is_probing => Next::Send(vec![Item::Noop]),
        };
        let items = match next {
            Next::Send(items) => {
                let is_noop = matches!(items[..], [Item::Noop]);
                if is_noop && is_probing && session.transport() == Transport::WebSocket {
                    // It came too late: the client has upgraded.
                    polling.answered();
                    return Err(Refusal::BadRequest);
                }
                items
            }
            Next::End(DisconnectReason::ClientClosed) => vec![Item::Noop],
            Next::End(_) => vec![Item::Close],
            Next::Cut => {
                polling.answered();
                return Err(Refusal::UnknownSession);
            }
        };
        session.set_in_hand(items.iter().map(Item::size).sum());
        Ok(self.answer(&session, Payload::new(items), polling, encoding).await)
    }

    async fn answer(
        &self,
        session: &Session,
        payload: Payload,
        polling: Polling,
        encoding: Option<Encoding>,
    ) -> Response<Body> {
        (self.observer)(&Event::Sent(payload.len()));
        if let Protocol::Three { takes_bytes } = session.protocol() {
            let (whole, is_binary) = payload.three(takes_bytes);
            let charge = session.share().charge(whole.len());
            let mut response = text(Body::new(Answer::whole(whole.into(), charge, polling)));
            if is_binary {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
            }
            return response;
        }
        let length = payload.len();
        let Some(encoding) = encoding.filter(|_| length >= compression::THRESHOLD) else {
            return text(Body::new(Answer::new(payload, polling)));
        };
        let compressed = if length < compression::LONG {
            encoding.compress(&payload.to_bytes())
        } else if let Ok(permit) = Arc::clone(&self.compressing).try_acquire_owned() {
            let whole = payload.to_bytes();
            let compressed = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                encoding.compress(&whole)
            });
            compressed.await.ok().flatten()
        } else {
            // Others' long answers have the processor; this one goes as it is.
            None
        };
        let Some(compressed) = compressed else { return text(Body::new(Answer::new(payload, polling))) };
        let charge = session.share().charge(compressed.len());
        let mut response = text(Body::new(Answer::whole(compressed.into(), charge, polling)));
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        response
    }

    /// Takes in a client's POST.
    pub(super) async fn receive(
        self: &Arc<Self>,
        session: &Arc<Session>,
        request: Request<Upload>,
    ) -> Result<Response<Body>, Refusal> {
        let is_binary = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == OCTETS);
        let body = request.into_body();
        if !session.start_post() {
            self.end(session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        }
        let posting = Posting(Arc::clone(session));
        let payload = self.read_body(session, body).await.inspect_err(|refusal| {
            if matches!(refusal, Refusal::TooLarge) {
                self.end(session, DisconnectReason::TooLarge);
            }
        })?;
        let form = match (session.protocol(), is_binary) {
            (Protocol::Four, _) => Form::Four,
            (Protocol::Three { .. }, false) => Form::ThreeText,
            (Protocol::Three { .. }, true) => Form::ThreeBytes,
        };
        if (payload == CLOSE || payload == CLOSE_OF_THREE) && !session.is_polled() {
            // The poll before it may still be on its way, over another connection.
            sleep(OVERTAKING).await;
        }
        let Some(mut packets) = Packets::new(payload, form) else {
            self.end(session, DisconnectReason::Malformed);
            return Err(Refusal::BadRequest);
        };
        session.hold(0);
        match self.take_some(session, &mut packets) {
            Taken::All(wait) => {
                drop(posting);
                if let Some(wait) = wait {
                    wait.await;
                }
            }
            Taken::Some(wait) => {
                let (engine, session) = (Arc::clone(self), Arc::clone(session));
                let charge = session.share().charge(packets.len());
                // As a task, for the client may not wait for the answer.
                let rest =
                    tokio::spawn(async move { engine.take_rest(&session, packets, charge, wait, posting).await });
                rest.await.map_err(|_| Refusal::BadRequest)??;
            }
            Taken::Refused => return Err(Refusal::BadRequest),
        }
        Ok(text("ok"))
    }

    async fn take_rest(
        &self,
        session: &Arc<Session>,
        mut packets: Packets,
        _charge: Charge,
        mut wait: Option<Wait>,
        _posting: Posting,
    ) -> Result<(), Refusal> {
        loop {
            match wait.take() {
                Some(wait) => wait.await,
                None => tokio::task::yield_now().await,
            }
            if session.is_crowded() {
                wait_for_room(vec![Arc::clone(session)], OWN_PATIENCE).await;
            }
            match self.take_some(session, &mut packets) {
                Taken::All(_) => return Ok(()),
                Taken::Some(more) => wait = more,
                Taken::Refused => return Err(Refusal::BadRequest),
            }
        }
    }

    /// Takes packets from a payload until they are a [`BURST`], or somebody's queue is filling.
    fn take_some(&self, session: &Arc<Session>, packets: &mut Packets) -> Taken {
        let start = packets.offset();
        while let Some(packet) = packets.next() {
            let is_close = matches!(packet, Ok(Received::Close));
            let wait = self.take(session, packet);
            if is_close {
                return Taken::All(None);
            }
            if session.ended().is_some() {
                return Taken::Refused;
            }
            if packets.is_done() {
                return Taken::All(wait);
            }
            if wait.is_some() || packets.offset() - start > BURST {
                return Taken::Some(wait);
            }
        }
        Taken::All(None)
    }

    /// Reads a whole body. One that is too large is read on for a while, so that the client sees the answer.
    async fn read_body(&self, session: &Session, mut body: Upload) -> Result<Vec<u8>, Refusal> {
        let max = usize::try_from(self.limits.max_payload).unwrap_or(usize::MAX);
        let longest = max.saturating_mul(MAX_OVERRUN);
        if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > longest) {
            return Err(Refusal::TooLarge);
        }
        let read = async {
            let mut whole = Vec::new();
            let mut length = 0;
            while let Some(frame) = body.frame().await {
                let data = frame.map_err(|_| Refusal::BadRequest)?.into_data().unwrap_or_default();
                length += data.len();
                if length > longest {
                    break;
                }
                if length > max {
                    whole = Vec::new();
                    continue;
                }
                whole.extend_from_slice(&data);
                session.hold(whole.capacity());
                self.relieve(session.share());
            }
            if length > max { Err(Refusal::TooLarge) } else { Ok(whole) }
        };
        tokio::select! {
            read = timeout(self.limits.body, read) => read.unwrap_or(Err(Refusal::TooSlow)),
            // Whatever has come is let go of.
            () = session.until_ended() => Err(Refusal::BadRequest),
        }
    }
}

/// A body under way, which is over when this is dropped.
struct Posting(Arc<Session>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.hold(0);
        self.0.end_post();
    }
}

/// The progress of taking in a payload.
enum Taken {
    /// To its end.
    All(Option<Wait>),
    /// Others come first.
    Some(Option<Wait>),
    /// The session has ended because of it.
    Refused,
}
