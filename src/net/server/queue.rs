//! Packets on their way to clients, bounded by bytes.

use std::collections::VecDeque;
use std::slice;
use std::sync::Arc;

use axum::body::Bytes;
use socketioxide_core::Value;

use crate::net::server::budget::{Charge, Share};

/// An encoded Engine.IO packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// UTF-8, beginning with the packet's type.
    Text(Bytes),
    /// A message of bytes, which has no type.
    Binary(Bytes),
}

static PING: Packet = Packet::Text(Bytes::from_static(b"2"));
static CLOSE: Packet = Packet::Text(Bytes::from_static(b"1"));
static NOOP: Packet = Packet::Text(Bytes::from_static(b"6"));

impl Packet {
    pub(super) fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// Memory of a message beside its bytes: the places in queues, the allocations and their heads.
const OVERHEAD: usize = 128;

/// A message with its attachments, encoded once and shared by all who receive it.
pub(super) struct Message {
    packets: Vec<Packet>,
    charge: Charge,
}

impl Message {
    /// Encodes what Socket.IO's parser has made of a packet. The sender's network is charged.
    pub(super) fn new(value: Value, sender: &Arc<Share>) -> Arc<Self> {
        let packets: Vec<_> = match value {
            Value::Str(text, attachments) => {
                let first = Packet::Text([b"4", text.as_bytes()].concat().into());
                let rest = attachments.into_iter().flatten().map(Packet::Binary);
                std::iter::once(first).chain(rest).collect()
            }
            Value::Bytes(bytes) => vec![Packet::Binary(bytes)],
        };
        let size = packets.iter().map(|packet| packet.bytes().len() + OVERHEAD).sum();
        Arc::new(Self { packets, charge: sender.charge(size) })
    }

    pub(super) fn packets(&self) -> &[Packet] {
        &self.packets
    }

    fn size(&self) -> usize {
        self.charge.bytes()
    }
}

/// Something that is to be sent.
#[derive(Clone)]
pub(super) enum Item {
    Message(Arc<Message>),
    Ping,
    /// The answer to a ping of a client, which those of Engine.IO 3 send.
    Pong(Packet),
    Close,
    /// Answers a poll when nothing else is to be sent.
    Noop,
}

impl Item {
    pub(super) fn packets(&self) -> &[Packet] {
        match self {
            Self::Message(message) => message.packets(),
            Self::Ping => slice::from_ref(&PING),
            Self::Pong(packet) => slice::from_ref(packet),
            Self::Close => slice::from_ref(&CLOSE),
            Self::Noop => slice::from_ref(&NOOP),
        }
    }

    /// Bytes that the message counts for in a queue.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Message(message) => message.size(),
            Self::Pong(packet) => packet.bytes().len() + OVERHEAD,
            Self::Ping | Self::Close | Self::Noop => 0,
        }
    }
}

/// The most places that an empty queue keeps.
const KEPT: usize = 64;

/// The messages that wait for a client.
#[derive(Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    size: usize,
}

impl Queue {
    /// Adds an item, unless so many bytes wait already. Returns false if the item was not added.
    ///
    /// An item that is larger than the limit by itself is taken when nothing else waits.
    pub(super) fn push(&mut self, item: Item, max: usize) -> bool {
        let size = self.size + item.size();
        if size > max && !self.items.is_empty() {
            return false;
        }
        self.size = size;
        self.items.push_back(item);
        true
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.size -= item.size();
        if self.items.is_empty() && self.items.capacity() > KEPT {
            self.items = VecDeque::new();
        }
        Some(item)
    }

    /// Takes as many items as fit into so many bytes, at least one.
    pub(super) fn take(&mut self, max: usize) -> Vec<Item> {
        let mut taken = Vec::new();
        let mut size = 0;
        while let Some(item) = self.items.front() {
            size += item.size();
            if size > max && !taken.is_empty() {
                break;
            }
            taken.extend(self.pop());
        }
        taken
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::server::Limits;
    use crate::net::server::budget::Budget;

    fn item(length: usize) -> Item {
        let share = Budget::new(Limits::default()).share([127, 0, 0, 1].into());
        Item::Message(Message::new(Value::Str("x".repeat(length).into(), None), &share))
    }

    #[test]
    fn a_queue_is_full_by_bytes_but_takes_any_first_message() {
        let mut queue = Queue::default();
        assert!(queue.push(item(5_000), 1_000));
        assert!(!queue.push(item(1), 1_000));
        queue.pop().unwrap();
        assert_eq!(queue.size(), 0);
        let pushed = (0..100).take_while(|_| queue.push(item(71), 1_000)).count();
        assert_eq!(pushed, 5, "200 bytes each");
        assert!(queue.push(Item::Ping, 1_000));
        assert_eq!(queue.take(400).len(), 2);
        assert_eq!(queue.take(1).len(), 1);
        assert_eq!(queue.take(10_000).len(), 3);
        assert!(queue.is_empty());
        assert_eq!(queue.size(), 0);
    }

    #[test]
    fn a_message_is_charged_once_and_until_its_last_receiver_has_it() {
        let budget = Budget::new(Limits::default());
        let share = budget.share([127, 0, 0, 1].into());
        let attachments = Some([Bytes::from_static(b"1234")].into());
        let message = Message::new(Value::Str("51-[\"a\"]".into(), attachments), &share);
        assert_eq!(message.packets()[1], Packet::Binary(Bytes::from_static(b"1234")));
        let mut queues = [Queue::default(), Queue::default()];
        for queue in &mut queues {
            assert!(queue.push(Item::Message(Arc::clone(&message)), 1_000));
        }
        drop(message);
        assert_eq!(budget.memory(), 9 + 4 + 2 * OVERHEAD);
        queues[0].pop().unwrap();
        assert_eq!(budget.memory(), 9 + 4 + 2 * OVERHEAD);
        queues[1].clear();
        assert_eq!(budget.memory(), 0);
    }
}
