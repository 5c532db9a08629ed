//! Writes packets as WebSocket frames.
//!
//! Small frames are put together; a large payload is written in place, shared by all its receivers.

use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use axum::body::Bytes;
use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::net::server::engine::three::MESSAGE;
use crate::net::server::queue::{Item, Packet};

/// The payload from which on a frame is not copied.
const LARGE: usize = 4096;

/// About a TLS record: frames are put together up to this size.
pub(super) const BATCH: usize = 16 * 1024;

/// The most room that an idle connection keeps to put frames together.
const KEPT: usize = 512;

/// Packs frames into TLS records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::net::server) enum Frames {
    /// As many as are ready.
    Together,
    /// One in each, as Node's server does.
    Apart,
}

/// The writing half of a WebSocket.
pub(super) struct Writer {
    frames: Frames,
    is_three: bool,
    /// The octets to write next, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// The text after it.
    large: Bytes,
    /// Frames that go between those of the items.
    controls: Vec<u8>,
    items: vec::IntoIter<Item>,
    /// The item at hand, and how many of its packets have been taken.
    current: Option<(Item, usize)>,
    is_flushed: bool,
    /// The bytes written since they were last asked for.
    sent: usize,
}

impl Writer {
    pub(super) fn new(frames: Frames) -> Self {
        Self {
            frames,
            is_three: false,
            buffer: Vec::new(),
            start: 0,
            large: Bytes::new(),
            controls: Vec::new(),
            items: Vec::new().into_iter(),
            current: None,
            is_flushed: true,
            sent: 0,
        }
    }

    /// Puts the type in front of bytes, as Engine.IO 3 has it.
    pub(super) fn speak_three(&mut self) {
        self.is_three = true;
    }

    /// Takes over items; those before them have all been written.
    pub(super) fn add(&mut self, items: Vec<Item>) {
        self.items = items.into_iter();
    }

    /// Adds a frame that is no packet of the session's queue.
    pub(super) fn add_control(&mut self, kind: Control, payload: &[u8]) {
        put_frame(&mut self.controls, OpCode::Control(kind), payload);
    }

    /// Adds a text outside of the session's queue.
    pub(super) fn add_text(&mut self, text: &str) {
        put_frame(&mut self.controls, OpCode::Data(Data::Text), text.as_bytes());
    }

    /// True if so many frames wait outside of the queue that no more should be read.
    pub(super) fn is_clogged(&self) -> bool {
        self.controls.len() > LARGE
    }

    /// The bytes written since this was last called.
    pub(super) fn take_sent(&mut self) -> usize {
        std::mem::take(&mut self.sent)
    }

    /// The bytes of items that are being written.
    pub(super) fn in_hand(&self) -> usize {
        let current = self.current.iter().map(|(item, _)| item);
        current.chain(self.items.as_slice()).map(Item::size).sum()
    }

    /// Writes all that was added. Each step that the client takes is counted in `progress`.
    pub(super) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        progress: &mut usize,
    ) -> Poll<io::Result<()>> {
        loop {
            let unwritten = self.buffer.get(self.start..).unwrap_or_default();
            let from_buffer = !unwritten.is_empty();
            let next = if from_buffer { unwritten } else { &self.large };
            if next.is_empty() {
                self.buffer.clear();
                self.start = 0;
                if self.fill() {
                    continue;
                }
                if !self.is_flushed {
                    ready!(Pin::new(&mut *stream).poll_flush(cx))?;
                    self.is_flushed = true;
                    *progress += 1;
                    if self.buffer.capacity() > KEPT {
                        self.buffer = Vec::new();
                    }
                }
                return Poll::Ready(Ok(()));
            }
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, next))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_flushed = false;
            *progress += written;
            self.sent += written;
            if from_buffer {
                self.start += written;
            } else {
                drop(self.large.split_to(written));
            }
        }
    }

    /// Puts the next frames into the buffer. Returns false if nothing is left.
    fn fill(&mut self) -> bool {
        self.buffer.append(&mut self.controls);
        while let Some(packet) = self.next_packet() {
            let (kind, payload) = match packet {
                Packet::Text(bytes) => (Data::Text, bytes),
                Packet::Binary(bytes) => (Data::Binary, bytes),
            };
            let prefix = (self.is_three && kind == Data::Binary).then_some(MESSAGE);
            put_head(&mut self.buffer, OpCode::Data(kind), payload.len() + usize::from(prefix.is_some()));
            self.buffer.extend(prefix);
            if payload.len() > LARGE {
                self.large = payload;
                return true;
            }
            self.buffer.extend_from_slice(&payload);
            if self.frames == Frames::Apart || self.buffer.len() >= BATCH {
                return true;
            }
        }
        !self.buffer.is_empty()
    }

    fn next_packet(&mut self) -> Option<Packet> {
        loop {
            if let Some((item, at)) = &mut self.current {
                if let Some(packet) = item.packets().get(*at) {
                    *at += 1;
                    return Some(packet.clone());
                }
                self.current = None;
            }
            self.current = Some((self.items.next()?, 0));
        }
    }
}

fn put_frame(buffer: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) {
    put_head(buffer, opcode, payload.len());
    buffer.extend_from_slice(payload);
}

fn put_head(buffer: &mut Vec<u8>, opcode: OpCode, length: usize) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    let mut cursor = Cursor::new(&mut *buffer);
    cursor.set_position(cursor.get_ref().len() as u64);
    header.format(length as u64, &mut cursor).expect("a vector takes all that is written to it");
}
