//! Socket.IO 5: packets in Engine.IO messages.
//!
//! The server's parser is written for what clients send, and loses what a CONNECT_ERROR says beside its message.

use serde_json::value::RawValue;

use crate::net::engine_io::Packet;

/// The most attachments of one packet; more are a fault of the server.
const MOST_ATTACHMENTS: usize = 1_000;

/// A packet of Socket.IO.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// As in `/` or `/chat`.
    pub(crate) namespace: String,
    /// The number by which an event and its acknowledgement belong together.
    pub(crate) id: Option<u64>,
    /// JSON; the attachments in it are placeholders.
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) attachments: Vec<Vec<u8>>,
}

/// The kind of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

impl Message {
    /// A packet of a kind for a namespace.
    pub(crate) fn new(kind: Kind, namespace: &str, data: Option<Box<RawValue>>) -> Self {
        Self { kind, namespace: namespace.to_owned(), id: None, data, attachments: Vec::new() }
    }

    /// Reads the text of a packet, and how many attachments follow.
    pub(crate) fn read(text: &str) -> Option<(Self, usize)> {
        let mut characters = text.chars();
        let (kind, is_binary) = match characters.next()? {
            '0' => (Kind::Connect, false),
            '1' => (Kind::Disconnect, false),
            '2' => (Kind::Event, false),
            '3' => (Kind::Ack, false),
            '4' => (Kind::ConnectError, false),
            '5' => (Kind::Event, true),
            '6' => (Kind::Ack, true),
            _ => return None,
        };
        let mut rest = characters.as_str();
        let mut count = 0;
        if is_binary {
            let (number, behind) = rest.split_once('-')?;
            count = number.parse().ok().filter(|count| *count <= MOST_ATTACHMENTS)?;
            rest = behind;
        }
        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
            namespace = namespace.split('?').next().unwrap_or(namespace);
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, data) = rest.split_at_checked(digits)?;
        let id = if number.is_empty() { None } else { Some(number.parse().ok()?) };
        let data = if data.is_empty() { None } else { Some(serde_json::from_str(data).ok()?) };
        Some((Self { kind, namespace: namespace.to_owned(), id, data, attachments: Vec::new() }, count))
    }

    /// The packet as messages of Engine.IO.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let has_attachments = !self.attachments.is_empty();
        let kind = match self.kind {
            Kind::Connect => '0',
            Kind::Disconnect => '1',
            Kind::Event if has_attachments => '5',
            Kind::Event => '2',
            Kind::Ack if has_attachments => '6',
            Kind::Ack => '3',
            Kind::ConnectError => '4',
        };
        let count = if has_attachments { format!("{}-", self.attachments.len()) } else { String::new() };
        let namespace = if self.namespace == "/" { String::new() } else { format!("{},", self.namespace) };
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        let data = self.data.as_ref().map_or("", |data| data.get());
        let text = Packet::Message(format!("{kind}{count}{namespace}{id}{data}"));
        std::iter::once(text).chain(self.attachments.iter().cloned().map(Packet::Binary)).collect()
    }

    /// The elements of the data, if it is an array.
    pub(crate) fn elements(&self) -> Option<Vec<Box<RawValue>>> {
        serde_json::from_str(self.data.as_ref()?.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_written_as_they_are_read() {
        for text in [
            "0",
            "0/chat,{\"token\":1}",
            "2[\"a\",1.0]",
            "212[\"a\"]",
            "3/chat,7[]",
            "1/chat,",
            "4{\"message\":\"no\"}",
        ] {
            let (message, count) = Message::read(text).unwrap();
            assert_eq!((message.packets(), count), (vec![Packet::Message(text.to_owned())], 0));
        }
        let (mut message, count) = Message::read("51-/a,3[\"x\",{\"_placeholder\":true,\"num\":0}]").unwrap();
        assert_eq!((message.namespace.as_str(), message.id, count), ("/a", Some(3), 1));
        message.attachments.push(vec![1]);
        assert_eq!(message.packets().len(), 2);
        for bad in ["", "7", "5[]", "2{", "299999999999999999999[]"] {
            assert!(Message::read(bad).is_none(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[0-6]?\\PC{0,40}") {
            let _ = Message::read(&text);
        }
    }
}
