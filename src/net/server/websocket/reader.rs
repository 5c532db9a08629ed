//! Reads a client's WebSocket messages, [RFC 6455 section 5](https://www.rfc-editor.org/rfc/rfc6455#section-5).
//!
//! tungstenite reads messages, too, but does not tell the size of an incomplete one, which has to be counted.

use std::io::{self, Cursor};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// The bytes to read into for each WebSocket: a connection's share of memory against reads of larger messages.
const READ_BUFFER: usize = 4096;

/// The longest head of a frame with the payload of a control frame.
const MAX_CONTROL: usize = 14 + 125;

/// Something that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::net::server) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// The reason why nothing more can be read.
#[derive(Debug)]
pub(in crate::net::server) enum Fault {
    /// The message is over the limit.
    TooLarge,
    /// Text is not UTF-8.
    NotText,
    /// The octets violate the protocol.
    Protocol,
    /// The connection broke, or ended without a close frame.
    Lost,
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

/// The reading half of a WebSocket.
pub(in crate::net::server) struct Reader {
    max_message: usize,
    /// Octets that have been read; those from `start` on are new.
    buffer: Vec<u8>,
    start: usize,
    /// The message so far.
    message: Vec<u8>,
    /// The kind of the message that has begun.
    kind: Option<Data>,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
}

struct Frame {
    is_final: bool,
    remaining: usize,
    mask: [u8; 4],
    /// The bytes of the payload that are unmasked, as far as the mask cares.
    phase: usize,
}

impl Reader {
    /// `received` holds the octets that came with the HTTP request.
    pub(in crate::net::server) fn new(received: &[u8], max_message: usize) -> Self {
        Self { max_message, buffer: received.to_vec(), start: 0, message: Vec::new(), kind: None, frame: None }
    }

    /// The bytes held of a message that is not complete.
    pub(in crate::net::server) fn held(&self) -> usize {
        if self.kind.is_some() { self.message.capacity() } else { 0 }
    }

    /// Reads the next message.
    pub(in crate::net::server) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Received, Fault>> {
        loop {
            if let Some(received) = self.next()? {
                return Poll::Ready(Ok(received));
            }
            if ready!(self.poll_fill(stream, cx))? == 0 {
                return Poll::Ready(Err(Fault::Lost));
            }
        }
    }

    /// Reads on: a large payload straight into the message, all else into the buffer.
    fn poll_fill<S: AsyncRead + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(frame) = self.frame.as_mut().filter(|frame| frame.remaining > READ_BUFFER) {
            // Room grows with what has come: what is announced costs nothing.
            let room = frame.remaining.min(self.message.len().max(READ_BUFFER));
            self.message.reserve(room);
            let from = self.message.len();
            let mut limited = (&mut self.message).limit(frame.remaining);
            let read = ready!(pin!(stream.read_buf(&mut limited)).poll(cx))?;
            frame.unmask(&mut self.message[from..]);
            return Poll::Ready(Ok(read));
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.reserve_exact(READ_BUFFER.saturating_sub(self.buffer.len()).max(MAX_CONTROL));
        pin!(stream.read_buf(&mut self.buffer)).poll(cx)
    }

    /// Takes the next message from the octets that have been read.
    fn next(&mut self) -> Result<Option<Received>, Fault> {
        loop {
            if let Some(frame) = &mut self.frame {
                let unread = self.buffer.get_mut(self.start..).unwrap_or_default();
                let length = unread.len().min(frame.remaining);
                let payload = &mut unread[..length];
                frame.unmask(payload);
                self.message.extend_from_slice(payload);
                self.start += length;
                if frame.remaining > 0 {
                    return Ok(None);
                }
                let is_final = frame.is_final;
                self.frame = None;
                if is_final {
                    return self.complete().map(Some);
                }
            }
            let mut cursor = Cursor::new(self.buffer.get(self.start..).unwrap_or_default());
            let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Fault::Protocol)?;
            let Some((header, length)) = parsed else { return Ok(None) };
            let head = usize::try_from(cursor.position()).unwrap_or_default();
            let mask = header.mask.ok_or(Fault::Protocol)?;
            if header.rsv1 || header.rsv2 || header.rsv3 {
                return Err(Fault::Protocol);
            }
            match header.opcode {
                OpCode::Control(kind) => {
                    let payload = usize::try_from(length).ok().filter(|length| *length <= 125 && header.is_final);
                    let end = self.start + head + payload.ok_or(Fault::Protocol)?;
                    let Some(payload) = self.buffer.get(self.start + head..end) else { return Ok(None) };
                    let mut payload = payload.to_vec();
                    unmask(&mut payload, mask, 0);
                    self.start = end;
                    return Ok(Some(match kind {
                        Control::Close => Received::Close,
                        Control::Ping => Received::Ping(payload),
                        _ => Received::Pong,
                    }));
                }
                OpCode::Data(kind) => {
                    self.begin(kind)?;
                    let remaining = usize::try_from(length).unwrap_or(usize::MAX);
                    if remaining > self.max_message.saturating_sub(self.message.len()) {
                        return Err(Fault::TooLarge);
                    }
                    self.start += head;
                    self.frame = Some(Frame { is_final: header.is_final, remaining, mask, phase: 0 });
                }
            }
        }
    }

    /// Begins or continues a message.
    fn begin(&mut self, kind: Data) -> Result<(), Fault> {
        match (kind, self.kind) {
            (Data::Text | Data::Binary, None) => self.kind = Some(kind),
            (Data::Continue, Some(_)) => {}
            _ => return Err(Fault::Protocol),
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<Received, Fault> {
        let mut message = std::mem::take(&mut self.message);
        if message.capacity() > 2 * message.len() {
            message.shrink_to_fit();
        }
        match self.kind.take() {
            Some(Data::Text) => String::from_utf8(message).map(Received::Text).map_err(|_| Fault::NotText),
            _ => Ok(Received::Binary(message)),
        }
    }
}

impl Frame {
    fn unmask(&mut self, payload: &mut [u8]) {
        unmask(payload, self.mask, self.phase);
        self.phase = (self.phase + payload.len()) % 4;
        self.remaining -= payload.len();
    }
}

/// Takes the mask from part of a payload that begins so many bytes into it.
fn unmask(payload: &mut [u8], mut mask: [u8; 4], phase: usize) {
    mask.rotate_left(phase % 4);
    let word = u32::from_ne_bytes(mask);
    let (words, rest) = payload.as_chunks_mut::<4>();
    for chunk in words {
        *chunk = (u32::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::poll_fn;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length @ 126..65_536 => {
                frame.push(0xfe);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                frame.push(0xff);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// Reads all messages from bytes that come in pieces of a size.
    fn read(bytes: &[u8], piece: usize) -> (Vec<Received>, Fault) {
        let mut reader = Reader::new(&[], 100_000);
        let mut stream = tokio_test_stream(bytes, piece);
        let mut all = Vec::new();
        loop {
            match poll_fn(|cx| reader.poll(&mut stream, cx)).now_or_never().unwrap() {
                Ok(received) => all.push(received),
                Err(fault) => return (all, fault),
            }
        }
    }

    /// A stream that gives out so many bytes at a time.
    fn tokio_test_stream(bytes: &[u8], piece: usize) -> impl AsyncRead + Unpin + use<> {
        let pieces: Vec<_> = bytes.chunks(piece).map(|piece| Cursor::new(piece.to_vec())).collect();
        pieces.into_iter().fold(Box::new(tokio::io::empty()) as Box<dyn AsyncRead + Unpin>, |before, piece| {
            Box::new(before.chain(piece))
        })
    }

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let long = "ü".repeat(30_000);
        let bytes = [
            frame(0x81, b"short"),
            frame(0x01, &long.as_bytes()[..9_999]),
            frame(0x89, b"ping"),
            frame(0x80, &long.as_bytes()[9_999..]),
            frame(0x82, &[]),
            frame(0x8a, b""),
            frame(0x88, &[3, 232]),
        ]
        .concat();
        let mut first = Vec::new();
        for piece in [1, 7, 4096, 1_000_000] {
            if piece == 1 {
                // A chain of so many readers is too deep; the short messages do.
                first = read(&frame(0x81, b"short"), 1).0;
                continue;
            }
            let (all, fault) = read(&bytes, piece.max(500));
            assert!(matches!(fault, Fault::Lost));
            assert_eq!(all.len(), 6, "{piece}");
            assert_eq!(all[0], first[0]);
            assert_eq!(all[1], Received::Ping(b"ping".to_vec()));
            assert_eq!(all[2], Received::Text(long.clone()));
            assert_eq!(all[3..], [Received::Binary(Vec::new()), Received::Pong, Received::Close]);
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        for bytes in [
            frame(0x80, b"continues nothing"),
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            frame(0x09, b"ping in parts"),
            frame(0x89, &[0; 126]),
            frame(0xc1, b"compressed"),
            frame(0x83, b"kind 3"),
            b"\x81\x01a".to_vec(),
        ] {
            assert!(matches!(read(&bytes, 1 << 20), (_, Fault::Protocol)), "{bytes:?}");
        }
        assert!(matches!(read(&frame(0x81, b"\xff"), 1 << 20), (_, Fault::NotText)));
    }

    #[test]
    fn messages_have_a_limit_in_all_their_parts() {
        assert!(
            matches!(read(&frame(0x82, &vec![0; 100_000]), 1 << 20), (received, Fault::Lost) if received.len() == 1)
        );
        assert!(matches!(read(&frame(0x82, &vec![0; 100_001]), 1 << 20), (_, Fault::TooLarge)));
        let parts = [frame(0x02, &vec![0; 60_000]), frame(0x80, &vec![0; 60_000])].concat();
        assert!(matches!(read(&parts, 1 << 20), (_, Fault::TooLarge)));
        // The length alone is enough, and what it announces is not allocated.
        let mut reader = Reader::new(b"\x82\xff\x00\x00\x00\x00\x00\x01\x86\xa0\0\0\0\0", 100_000);
        let mut nothing = tokio::io::empty();
        assert!(poll_fn(|cx| reader.poll(&mut nothing, cx)).now_or_never().unwrap().is_err());
        assert!(reader.held() <= READ_BUFFER, "{}", reader.held());
    }
}
