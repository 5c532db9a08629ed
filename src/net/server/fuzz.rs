//! The path of a client's octets through Engine.IO and Socket.IO without a network, for `fuzz/`: not part of the
//! library's interface.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, ReadBuf};

use crate::net::server::budget::Budget;
use crate::net::server::engine::Engine;
use crate::net::server::engine::packet::{self, Received};
use crate::net::server::engine::payload::{Form, Packets, Payload};
use crate::net::server::event::{DisconnectReason, Transport};
use crate::net::server::namespace::{Application, Incoming, SocketIo};
use crate::net::server::parser::Parser;
use crate::net::server::peer::Peer;
use crate::net::server::queue::Item;
use crate::net::server::session::{Next, Protocol, Session};
use crate::net::server::websocket::reader::{Reader, Received as Message};
use crate::net::server::websocket::writer::Frames;
use crate::net::server::{Limits, MAX_ATTACHMENTS_SIZE, Timing, conformance, socket};

/// The largest message that is taken.
const MAX_MESSAGE: usize = 100_000;

/// Takes in the body of a client's POST.
///
/// # Panics
///
/// If an answer cannot be taken apart again, or memory is still held when the client has gone.
pub fn polling(body: &[u8]) {
    for engine in engines() {
        Client::join(engine, Transport::Polling).play(|client| {
            let packets = Packets::new(body.to_vec(), Form::Four);
            packets.into_iter().flatten().all(|packet| client.receive(packet))
        });
    }
}

/// Takes in a client's octets over a WebSocket, and holds that the messages are the same however they are cut.
///
/// # Panics
///
/// If they are not, or as [`polling`] does.
pub fn websocket(octets: &[u8]) {
    let messages = messages(octets, usize::MAX);
    assert_eq!(messages, self::messages(octets, 7), "cut into pieces");
    for engine in engines() {
        Client::join(engine, Transport::WebSocket).play(|client| {
            messages.iter().all(|message| match message {
                Message::Text(text) => client.receive(packet::read(&text.clone().into())),
                Message::Binary(bytes) => client.receive(Ok(Received::Message(Incoming::Binary(bytes.clone().into())))),
                Message::Ping(_) | Message::Pong => true,
                Message::Close => false,
            })
        });
    }
}

/// Both applications.
fn engines() -> &'static [Arc<Engine>; 2] {
    static ENGINES: LazyLock<[Arc<Engine>; 2]> = LazyLock::new(|| {
        let apps: [Box<dyn Application>; 2] = [Box::new(socket::Demo), Box::new(conformance::Conformance)];
        apps.map(|app| {
            let io =
                SocketIo::new(app, &["/", "/custom"], Parser::Common, MAX_ATTACHMENTS_SIZE, None, Arc::new(|_| ()));
            Engine::new(io, Timing::default(), Limits::default(), Frames::Together, false, Arc::new(|_| ()))
        })
    });
    &ENGINES
}

/// The messages that octets hold, up to their end or the first fault.
fn messages(octets: &[u8], piece: usize) -> Vec<Message> {
    let (mut reader, mut stream) = (Reader::new(&[], MAX_MESSAGE), Pieces { octets, piece });
    let next = || poll_fn(|cx| reader.poll(&mut stream, cx)).now_or_never().and_then(Result::ok);
    std::iter::from_fn(next).collect()
}

/// Octets that come so many at a time.
struct Pieces<'a> {
    octets: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.octets.len().min(self.piece).min(buffer.remaining());
        let (piece, rest) = self.octets.split_at(length);
        buffer.put_slice(piece);
        self.octets = rest;
        Poll::Ready(Ok(()))
    }
}

/// A client that has joined `/`.
struct Client {
    engine: &'static Engine,
    budget: Arc<Budget>,
    session: Arc<Session>,
}

impl Client {
    fn join(engine: &'static Arc<Engine>, transport: Transport) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let peer = Peer::new(address, None, None);
        let budget = Budget::new(Limits::default());
        let admission = budget.share(address.ip()).admit().expect("the first session of its budget");
        let session = Arc::new(Session::new(admission, peer, transport, Protocol::Four, Limits::default().max_queue));
        let client = Self { engine, budget, session };
        client.receive(packet::read(&"40".into()));
        client
    }

    /// Takes in a packet. Returns false if it has ended the session.
    fn receive(&self, packet: Result<Received, DisconnectReason>) -> bool {
        drop(self.engine.take(&self.session, packet));
        self.session.ended().is_none()
    }

    /// Lets the client send, fetches the answers, and ends the session.
    fn play(self, send: impl FnOnce(&Self) -> bool) {
        send(&self);
        let context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Next::Send(items)) = self.session.poll_next(&context, 1000) {
            check(items);
        }
        self.engine.end(&self.session, DisconnectReason::ClientLeft);
        let budget = self.budget;
        drop(self.session);
        assert_eq!(budget.memory(), 0, "memory is still held");
    }
}

/// Holds that a payload can be taken apart into its packets.
fn check(items: Vec<Item>) {
    let count: usize = items.iter().map(|item| item.packets().len()).sum();
    let payload = Payload::new(items);
    let whole = payload.to_bytes();
    assert_eq!(whole.len(), payload.len());
    let packets: Vec<_> = Packets::new(whole, Form::Four).expect("answers are UTF-8").collect();
    assert_eq!(packets.len(), count);
    assert!(packets.iter().all(Result::is_ok));
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_clients_send_goes_through_the_entries_of_the_fuzz_targets() {
        for body in [
            "42[\"echo\",1]\x1e421[\"broadcast\",{\"a\":[]}]",
            "452-[\"echo\",{\"_placeholder\":true,\"num\":1}]\x1ebAQID\x1eb",
            "451-[\"echo\"",
            "42[\"message\",\"ü\\u2028\"]\x1e423[\"message-with-ack\"]\x1e41",
            "42[\"join\",\"a\"]\x1e42[\"room\",\"a\"]\x1e40/custom,{}\x1e42/custom,[\"x\"]\x1e44",
            "1",
            "3\x1e2\x1e\x1e",
        ] {
            super::polling(body.as_bytes());
            let frames: Vec<_> = body
                .split('\x1e')
                .map(|packet| {
                    [&[0x81, 0x80 | u8::try_from(packet.len()).unwrap(), 0, 0, 0, 0], packet.as_bytes()].concat()
                })
                .collect();
            super::websocket(&frames.concat());
        }
        super::polling(b"42[\"echo\",\"\xff\"]");
        super::websocket(b"\x82\x83\x01\x02\x03\x04abc\x89\x80....\x88\x80....");
    }
}
