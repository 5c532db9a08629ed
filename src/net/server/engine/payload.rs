//! Payloads of long-polling: packets between separators, attachments in Base64.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use socketioxide_core::Str;

use super::packet::{self, Received};
use super::three;
use crate::net::engine_io::SEPARATOR;
use crate::net::server::budget::Charge;
use crate::net::server::event::DisconnectReason;
use crate::net::server::queue::{Item, Packet};
use crate::net::server::session::Session;

/// The parser of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Four,
    ThreeText,
    ThreeBytes,
}

/// The packets of a payload that a client posted.
pub(crate) struct Packets {
    form: Form,
    /// Empty if the payload is one of bytes.
    payload: Str,
    bytes: Bytes,
    at: usize,
}

impl Packets {
    /// Reads a payload. Returns `None` if a text is not UTF-8.
    pub(crate) fn new(payload: Vec<u8>, form: Form) -> Option<Self> {
        if form == Form::ThreeBytes {
            return Some(Self { form, payload: Str::default(), bytes: payload.into(), at: 0 });
        }
        Some(Self { form, payload: String::from_utf8(payload).ok()?.into(), bytes: Bytes::new(), at: 0 })
    }

    /// The bytes of the whole payload.
    pub(super) fn len(&self) -> usize {
        self.payload.len() + self.bytes.len()
    }

    /// The position in the payload.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn is_done(&self) -> bool {
        match self.form {
            Form::Four => self.at > self.payload.len(),
            Form::ThreeText | Form::ThreeBytes => self.at >= self.len(),
        }
    }

    fn next_of_three(&mut self) -> Option<Result<Received, DisconnectReason>> {
        let is_empty = self.at == 0 && self.len() == 0;
        if self.at >= self.len() && !is_empty {
            return None;
        }
        let packet = match self.form {
            Form::ThreeBytes => {
                self.bytes.get(self.at..).and_then(three::split_bytes).map(|(is_bytes, packet, taken)| {
                    (
                        self.at + taken,
                        if is_bytes { three::read_bytes(&self.bytes.slice_ref(packet)) } else { text(packet) },
                    )
                })
            }
            _ => self.payload.as_str().get(self.at..).and_then(three::split_text).map(|(packet, taken)| {
                let start = self.at + taken - packet.len();
                (self.at + taken, three::read(&self.payload.slice(start..start + packet.len())))
            }),
        };
        let (at, packet) = packet.unwrap_or((self.len().max(1), Err(DisconnectReason::Malformed)));
        self.at = at;
        Some(packet)
    }
}

/// Reads a packet of text in a payload of bytes.
fn text(packet: &[u8]) -> Result<Received, DisconnectReason> {
    let text = str::from_utf8(packet).map_err(|_| DisconnectReason::Malformed)?;
    three::read(&Str::copy_from_slice(text))
}

impl Iterator for Packets {
    type Item = Result<Received, DisconnectReason>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.form != Form::Four {
            return self.next_of_three();
        }
        let rest = self.payload.as_str().get(self.at..)?;
        let length = rest.find(SEPARATOR).unwrap_or(rest.len());
        let packet = self.payload.slice(self.at..self.at + length);
        // Beyond the end after the last one, which has no separator behind it.
        self.at += length + 1;
        Some(packet::read(&packet))
    }
}

/// The bytes that one read of an answer yields, which are out of sight while they wait for a client.
const CHUNK: usize = 16 * 1024;

/// Packets as the answer to a poll.
pub(in crate::net::server) struct Payload {
    items: Vec<Item>,
    /// The next item, the next packet of it, and the octets of that packet already given out.
    item: usize,
    packet: usize,
    offset: usize,
    remaining: usize,
}

impl Payload {
    pub(in crate::net::server) fn new(items: Vec<Item>) -> Self {
        let packets = || items.iter().flat_map(Item::packets);
        let length: usize = packets().map(encoded_length).sum();
        let remaining = length + packets().count().saturating_sub(1);
        Self { items, item: 0, packet: 0, offset: 0, remaining }
    }

    pub(in crate::net::server) fn len(&self) -> usize {
        self.remaining
    }

    /// The payload in the form of Engine.IO 3. Returns true with it if that form holds bytes as they are.
    pub(in crate::net::server) fn three(&self, takes_bytes: bool) -> (Vec<u8>, bool) {
        three::write(&self.items, takes_bytes)
    }

    /// The payload in one piece.
    pub(in crate::net::server) fn to_bytes(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.remaining);
        let mut again = Self::new(self.items.clone());
        while again.put(&mut whole, usize::MAX) {}
        whole
    }

    /// The next piece.
    fn next_chunk(&mut self) -> Option<Bytes> {
        let mut chunk = Vec::with_capacity(self.remaining.min(CHUNK + CHUNK / 2));
        while chunk.len() < CHUNK && self.put(&mut chunk, CHUNK) {}
        self.remaining = self.remaining.saturating_sub(chunk.len());
        (!chunk.is_empty()).then(|| chunk.into())
    }

    /// Adds about so many bytes of the next packet. Returns false at the end.
    fn put(&mut self, to: &mut Vec<u8>, max: usize) -> bool {
        let Some(packets) = self.items.get(self.item).map(Item::packets) else { return false };
        let Some(packet) = packets.get(self.packet) else {
            (self.item, self.packet) = (self.item + 1, 0);
            return true;
        };
        if self.offset == 0 && (self.item, self.packet) != (0, 0) {
            to.push(b'\x1e');
        }
        let rest = packet.bytes().get(self.offset..).unwrap_or_default();
        // A multiple of three bytes is encoded without padding.
        let piece = rest.get(..max.saturating_sub(max % 3)).unwrap_or(rest);
        match packet {
            Packet::Text(_) => to.extend_from_slice(piece),
            Packet::Binary(_) => {
                if self.offset == 0 {
                    to.push(b'b');
                }
                base64_simd::STANDARD.encode_append(piece, to);
            }
        }
        self.offset += piece.len();
        if piece.len() == rest.len() {
            (self.packet, self.offset) = (self.packet + 1, 0);
        }
        true
    }
}

fn encoded_length(packet: &Packet) -> usize {
    match packet {
        Packet::Text(bytes) => bytes.len(),
        Packet::Binary(bytes) => 1 + base64_simd::STANDARD.encoded_length(bytes.len()),
    }
}

/// Ends a session whose client no longer waits for the answer.
type Lose = Box<dyn Fn(&Arc<Session>) + Send + Sync>;

/// Says that a poll is under way until dropped. The session ends unless the answer has been given out.
pub(super) struct Polling {
    session: Arc<Session>,
    is_answered: bool,
    lose: Lose,
}

impl Polling {
    /// `lose` ends a session whose client no longer waits for the answer, which is lost.
    pub(super) fn new(session: Arc<Session>, lose: impl Fn(&Arc<Session>) + Send + Sync + 'static) -> Self {
        Self { session, is_answered: false, lose: Box::new(lose) }
    }

    pub(super) fn answered(&mut self) {
        if !std::mem::replace(&mut self.is_answered, true) {
            self.session.set_in_hand(0);
            self.session.end_poll();
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answered();
            (self.lose)(&self.session);
        }
    }
}

/// The body of an answer, which holds on to its packets until they have been given out.
pub(super) struct Answer {
    content: Content,
    polling: Polling,
}

enum Content {
    Payload(Payload),
    /// Compressed, or in the form of Engine.IO 3; its memory is charged to the client.
    Whole(Bytes, Charge),
}

impl Answer {
    pub(super) fn new(payload: Payload, polling: Polling) -> Self {
        Self { content: Content::Payload(payload), polling }
    }

    pub(super) fn whole(bytes: Bytes, charge: Charge, polling: Polling) -> Self {
        Self { content: Content::Whole(bytes, charge), polling }
    }

    fn remaining(&self) -> usize {
        match &self.content {
            Content::Payload(payload) => payload.len(),
            Content::Whole(bytes, _) => bytes.len(),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = match &mut self.content {
            Content::Payload(payload) => payload.next_chunk(),
            Content::Whole(bytes, charge) => {
                // A copy, or the piece would keep all of it.
                let piece = bytes.split_to(bytes.len().min(CHUNK));
                if bytes.is_empty() {
                    charge.set(0);
                }
                (!piece.is_empty()).then(|| Bytes::copy_from_slice(&piece))
            }
        };
        if self.remaining() == 0 {
            self.polling.answered();
        }
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining() as u64)
    }
}

#[cfg(test)]
mod tests {
    use socketioxide_core::Value;

    use super::*;
    use crate::net::server::Limits;
    use crate::net::server::budget::Budget;
    use crate::net::server::namespace::Incoming;
    use crate::net::server::queue::Message;

    #[test]
    fn a_payload_is_the_same_in_pieces_and_whole() {
        let share = Budget::new(Limits::default()).share([127, 0, 0, 1].into());
        let attachments = [0, 1, 2, 3, 40_000].map(|length| Bytes::from(vec![7; length]));
        let message = Message::new(Value::Str("x".repeat(50_000).into(), Some(attachments.into())), &share);
        let items = vec![Item::Ping, Item::Message(message), Item::Noop];
        let whole = Payload::new(items.clone()).to_bytes();
        let text = String::from_utf8(whole.clone()).unwrap();
        let packets: Vec<_> = text.split('\x1e').collect();
        assert_eq!((packets.len(), packets[0], packets[2], packets[3], packets[4]), (8, "2", "b", "bBw==", "bBwc="));
        assert_eq!((packets[5], packets[6].len(), packets[7]), ("bBwcH", 1 + 40_000usize.div_ceil(3) * 4, "6"));
        let mut payload = Payload::new(items);
        assert_eq!(payload.len(), whole.len());
        let mut pieces = Vec::new();
        while let Some(chunk) = payload.next_chunk() {
            assert!(chunk.len() < 2 * CHUNK, "{}", chunk.len());
            pieces.extend_from_slice(&chunk);
        }
        assert!(pieces == whole);
        assert_eq!(payload.len(), 0);
    }

    #[test]
    fn payloads_are_taken_apart() {
        let payload = "42[\"a\"]\x1ebAQID\x1e3\x1e451-[]\x1e1".to_owned();
        let packets: Result<Vec<_>, _> = Packets::new(payload.into(), Form::Four).unwrap().collect();
        let packets = packets.unwrap();
        assert!(matches!(&packets[0], Received::Message(Incoming::Text(text)) if *text == "2[\"a\"]"));
        assert!(matches!(&packets[1], Received::Message(Incoming::Binary(bytes)) if bytes[..] == [1, 2, 3]));
        assert!(matches!(packets[2], Received::Pong));
        assert!(matches!(&packets[3], Received::Message(Incoming::Text(text)) if *text == "51-[]"));
        assert!(matches!(packets[4], Received::Close));
        for bad in ["", "abc", "b???", "42[]\x1e", "\x1e3", "0", "6"] {
            assert!(Packets::new(bad.into(), Form::Four).unwrap().any(|packet| packet.is_err()), "{bad:?}");
        }
        assert!(Packets::new(b"4\xff".to_vec(), Form::Four).is_none());
    }
}
