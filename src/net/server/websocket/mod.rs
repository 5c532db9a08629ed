//! A session's WebSocket: reads and writes in one task, so that each connection costs one.

pub(super) mod reader;
pub(super) mod writer;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};
use tungstenite::protocol::frame::coding::Control;

use self::reader::{Fault, Reader, Received};
use self::writer::{BATCH, Frames, Writer};
use crate::net::server::engine::{BURST, Engine, Wait, packet, three};
use crate::net::server::event::{DisconnectReason, Event};
use crate::net::server::namespace::Incoming;
use crate::net::server::session::{Next, Session};
use crate::net::server::stream::Stream;

/// The time a probe may take, as in Node's server.
const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// The time a client may take for its part of the goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A WebSocket after its HTTP handshake.
pub(super) struct WebSocket {
    stream: Stream,
    reader: Reader,
    writer: Writer,
}

impl WebSocket {
    /// `received` holds the octets that the client has sent already.
    pub(super) fn new(stream: Stream, received: &[u8], max_message: usize, frames: Frames) -> Self {
        Self { stream, reader: Reader::new(received, max_message), writer: Writer::new(frames) }
    }

    /// Puts the type in front of bytes, as Engine.IO 3 has it.
    pub(super) fn speak_three(&mut self) {
        self.writer.speak_three();
    }

    /// Sees a probe through: `2probe`, answered by `3probe`, then `5`. Returns false if the client does not upgrade.
    pub(super) async fn probe(&mut self, session: &Session) -> bool {
        let exchange = async {
            if self.text().await.as_deref() != Some("2probe") || self.send_text("3probe").await.is_err() {
                return false;
            }
            // The client waits for the end of its poll before it upgrades.
            session.probed.notify_waiters();
            self.text().await.as_deref() == Some("5")
        };
        timeout(PROBE_DEADLINE, exchange).await.unwrap_or(false)
    }

    async fn text(&mut self) -> Option<String> {
        match poll_fn(|cx| self.reader.poll(&mut self.stream, cx)).await {
            Ok(Received::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Sends a text that comes before all else.
    pub(super) async fn send_text(&mut self, text: &str) -> io::Result<()> {
        self.writer.add_text(text);
        self.write_out().await
    }

    async fn write_out(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.writer.poll(&mut self.stream, cx, &mut 0)).await
    }

    /// Closes a WebSocket that is not wanted.
    pub(super) async fn dismiss(mut self) {
        self.writer.add_control(Control::Close, &[]);
        let closed = async {
            self.write_out().await?;
            self.stream.shutdown().await
        };
        timeout(GOODBYE, closed).await.ok();
    }

    /// Carries a session's packets until either side ends it.
    pub(super) async fn run(self, engine: Arc<Engine>, session: Arc<Session>) {
        let mut transport = Transport {
            socket: self,
            engine: Arc::clone(&engine),
            session: Arc::clone(&session),
            deadline: None,
            waiting: None,
            taken: 0,
            held: 0,
        };
        loop {
            match poll_fn(|cx| transport.poll(cx)).await {
                Step::Received(received) => transport.take(received),
                Step::Fault(fault) => {
                    let (reason, status) = reason(&fault);
                    engine.end(&session, reason);
                    if let Some(status) = status {
                        return transport.socket.close(Some(status)).await;
                    }
                    return;
                }
                Step::Stalled => engine.end(&session, DisconnectReason::Overflowed),
                Step::Finished(reason) => return transport.finish(reason).await,
                Step::Cut => return,
            }
        }
    }

    async fn close(mut self, status: Option<u16>) {
        let payload = status.map(u16::to_be_bytes);
        self.writer.add_control(Control::Close, payload.as_ref().map_or(&[], |status| &status[..]));
        let closed = async {
            self.write_out().await?;
            // The client's close frame would meet a closed socket, and the reset would take ours away.
            self.drain().await;
            self.stream.shutdown().await
        };
        timeout(GOODBYE, closed).await.ok();
    }

    /// Reads until the client's close frame, or the end.
    async fn drain(&mut self) {
        let mut scrap = [0; 1024];
        let read = poll_fn(|cx| {
            loop {
                let mut buffer = ReadBuf::new(&mut scrap);
                match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                        // A close frame comes last.
                        if buffer.filled().first() == Some(&0x88) {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        timeout(DRAIN, read).await.ok();
    }
}

/// The time for which the rest of a client's octets is read.
const DRAIN: Duration = Duration::from_millis(100);

/// The bytes that a control frame or an empty message counts for.
const CONTROL: usize = 64;

/// The reason for the session's end, and the status of the close frame where one can be sent.
fn reason(fault: &Fault) -> (DisconnectReason, Option<u16>) {
    match fault {
        Fault::TooLarge => (DisconnectReason::TooLarge, Some(1009)),
        Fault::NotText => (DisconnectReason::Malformed, Some(1007)),
        Fault::Protocol => (DisconnectReason::Malformed, Some(1002)),
        Fault::Lost => (DisconnectReason::ConnectionLost, None),
    }
}

enum Step {
    Received(Received),
    Fault(Fault),
    /// The client has taken nothing for too long.
    Stalled,
    Finished(DisconnectReason),
    Cut,
}

/// A WebSocket with its session.
struct Transport {
    socket: WebSocket,
    engine: Arc<Engine>,
    session: Arc<Session>,
    /// The time by which the client has to take some of the octets written.
    deadline: Option<Pin<Box<Sleep>>>,
    /// The wait for room at those whom this client has sent to.
    waiting: Option<Wait>,
    /// The bytes taken from the client since others have had a chance.
    taken: usize,
    /// The bytes of an incomplete message that the session has been told of.
    held: usize,
}

impl Transport {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(waiting) = &mut self.waiting
            && waiting.as_mut().poll(cx).is_ready()
        {
            self.waiting = None;
        }
        let may_read = self.may_read();
        if may_read {
            let received = self.socket.reader.poll(&mut self.socket.stream, cx);
            self.account();
            match received {
                Poll::Ready(Ok(received)) => return Poll::Ready(Step::Received(received)),
                Poll::Ready(Err(fault)) => return Poll::Ready(Step::Fault(fault)),
                Poll::Pending => self.taken = 0,
            }
        }
        if let Poll::Ready(step) = self.poll_write(cx) {
            return Poll::Ready(step);
        }
        self.taken = 0;
        if !may_read && self.may_read() {
            // There may be more to read, after others had their turn.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Decides whether to take more from the client, which makes the server hold more.
    fn may_read(&self) -> bool {
        self.waiting.is_none()
            && self.taken < BURST
            && !self.socket.writer.is_clogged()
            && !self.session.is_crowded()
            && self.session.ended().is_none()
    }

    /// Writes waiting messages, as far as the client takes them.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let WebSocket { stream, writer, .. } = &mut self.socket;
        loop {
            let mut progress = 0;
            let written = writer.poll(stream, cx, &mut progress);
            if progress > 0 {
                self.deadline = None;
                self.engine.observe(&Event::Sent(writer.take_sent()));
            }
            match written {
                Poll::Ready(Ok(())) => {
                    self.session.set_in_hand(0);
                    match self.session.poll_next(cx, BATCH) {
                        Poll::Ready(Next::Send(items)) => writer.add(items),
                        Poll::Ready(Next::End(reason)) => return Poll::Ready(Step::Finished(reason)),
                        Poll::Ready(Next::Cut) => return Poll::Ready(Step::Cut),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Step::Fault(Fault::Lost)),
                Poll::Pending => {
                    self.session.set_in_hand(writer.in_hand());
                    if self.session.poll_cut(cx) {
                        return Poll::Ready(Step::Cut);
                    }
                    let stall = self.engine.limits().write;
                    let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(stall)));
                    return deadline.as_mut().poll(cx).map(|()| Step::Stalled);
                }
            }
        }
    }

    /// Tells the session how much is held of a message that is not complete.
    fn account(&mut self) {
        let held = self.socket.reader.held();
        if held != self.held {
            self.session.hold(held);
            if held > self.held {
                self.engine.relieve(self.session.share());
            }
            self.held = held;
        }
    }

    fn take(&mut self, received: Received) {
        let packet = match received {
            Received::Text(text) => {
                self.taken += text.len() + CONTROL;
                if self.is_three() { three::read(&text.into()) } else { packet::read(&text.into()) }
            }
            Received::Binary(bytes) => {
                self.taken += bytes.len() + CONTROL;
                if self.is_three() {
                    three::read_bytes(&bytes.into())
                } else {
                    Ok(packet::Received::Message(Incoming::Binary(bytes.into())))
                }
            }
            Received::Ping(payload) => {
                // Answers wait for a client that reads them, and so does the next ping.
                self.socket.writer.add_control(Control::Pong, &payload);
                self.taken += CONTROL;
                return;
            }
            Received::Pong => {
                self.taken += CONTROL;
                return;
            }
            Received::Close => Ok(packet::Received::Close),
        };
        self.account();
        self.waiting = self.engine.take(&self.session, packet);
    }

    fn is_three(&self) -> bool {
        self.session.protocol().is_three()
    }

    /// Says goodbye in the way that suits the reason.
    async fn finish(self, reason: DisconnectReason) {
        let mut socket = self.socket;
        if !matches!(reason, DisconnectReason::ClientClosed | DisconnectReason::ConnectionLost) {
            socket.writer.add_text("1");
        }
        let status = (reason == DisconnectReason::TooLarge).then_some(1009);
        socket.close(status).await;
    }
}
