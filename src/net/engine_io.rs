//! Engine.IO 4: packets, and the payloads of long-polling that hold them.

use serde::Deserialize;

/// Between the packets of a payload.
pub(crate) const SEPARATOR: char = '\x1e';

/// A packet, as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    Open(String),
    Close,
    Ping(String),
    Pong(String),
    Message(String),
    Binary(Vec<u8>),
    Upgrade,
    Noop,
}

/// The content of an open packet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Open {
    pub(crate) sid: String,
    #[serde(default)]
    pub(crate) upgrades: Vec<String>,
    /// In milliseconds.
    #[serde(default)]
    pub(crate) ping_interval: u64,
    /// In milliseconds.
    #[serde(default)]
    pub(crate) ping_timeout: u64,
    /// The longest payload that the server takes, in bytes; absent in version 3.
    #[serde(default)]
    pub(crate) max_payload: Option<u64>,
}

impl Packet {
    /// Reads a packet of text; in payloads, attachments are text as well.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let kind = characters.next()?;
        let content = characters.as_str();
        Some(match kind {
            '0' => Self::Open(content.to_owned()),
            '1' if content.is_empty() => Self::Close,
            '2' => Self::Ping(content.to_owned()),
            '3' => Self::Pong(content.to_owned()),
            '4' => Self::Message(content.to_owned()),
            '5' if content.is_empty() => Self::Upgrade,
            '6' if content.is_empty() => Self::Noop,
            'b' => Self::Binary(base64_simd::STANDARD.decode_to_vec(content).ok()?),
            _ => return None,
        })
    }

    /// Reads all packets of a payload; `None` if one of them is malformed.
    pub(crate) fn read_all(payload: &str) -> Option<Vec<Self>> {
        payload.split(SEPARATOR).map(Self::read).collect()
    }

    /// The packet as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Open(content) => format!("0{content}"),
            Self::Close => "1".to_owned(),
            Self::Ping(content) => format!("2{content}"),
            Self::Pong(content) => format!("3{content}"),
            Self::Message(content) => format!("4{content}"),
            Self::Binary(octets) => format!("b{}", base64_simd::STANDARD.encode_to_string(octets)),
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
        }
    }

    /// Packets as one payload.
    pub(crate) fn payload(packets: &[Self]) -> String {
        packets.iter().map(Self::text).collect::<Vec<_>>().join(&SEPARATOR.to_string())
    }
}

impl Open {
    /// Reads an open packet's content.
    pub(crate) fn read(content: &str) -> Option<Self> {
        serde_json::from_str(content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_written_as_they_are_read() {
        let payload = "4a\u{1e}bAQID\u{1e}2probe\u{1e}6";
        let packets = Packet::read_all(payload).unwrap();
        assert_eq!(packets[1], Packet::Binary(vec![1, 2, 3]));
        assert_eq!(Packet::payload(&packets), payload);
        for bad in ["", "x", "b?", "<html>", "4a\u{1e}", "15", "85:0{}"] {
            assert_eq!(Packet::read_all(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_open_packet_needs_a_session_alone() {
        let open = Open::read(r#"{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"new":1}"#).unwrap();
        assert_eq!((open.sid.as_str(), open.ping_interval, open.max_payload), ("a", 25_000, None));
        assert_eq!(Open::read("{}"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(payload in "\\PC{0,40}") {
            let _ = Packet::read_all(&payload);
            let _ = Open::read(&payload);
        }
    }
}
