//! Socket.IO's packets as they are encoded: text with attachments behind it, or MessagePack.

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParseError, ParserState};
use socketioxide_core::{Str, Value};
use socketioxide_parser_common::CommonParser;

use crate::net::server::msgpack::{self, Reader};

/// The encoding of Socket.IO's packets, which clients and server have to agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parser {
    /// Socket.IO's own: text, with attachments behind it.
    #[default]
    Common,
    /// MessagePack, as npm's `socket.io-msgpack-parser` has it.
    Msgpack,
}

/// The payload of an Engine.IO message.
pub(super) enum Incoming {
    Text(Str),
    Binary(Bytes),
}

impl Incoming {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl Parser {
    /// Reads a message. `state` keeps the event whose attachments have not all come.
    pub(super) fn decode(
        self,
        config: &ParseConfig,
        state: &ParserState,
        incoming: Incoming,
    ) -> Result<Packet, ParseError> {
        match (self, incoming) {
            (Self::Common, Incoming::Text(text)) => CommonParser.decode_str(config, state, text),
            (Self::Common, Incoming::Binary(bytes)) => CommonParser.decode_bin(config, state, bytes),
            (Self::Msgpack, Incoming::Binary(bytes)) => unpack(config, &bytes),
            (Self::Msgpack, Incoming::Text(_)) => Err(ParseError::UnexpectedStringPacket),
        }
    }

    /// Writes a packet.
    pub(super) fn encode(self, packet: Packet) -> Value {
        match self {
            Self::Common => CommonParser.encode(packet),
            Self::Msgpack => Value::Bytes(pack(packet).into()),
        }
    }
}

/// A packet as MessagePack has it; the data is JSON.
#[derive(Deserialize)]
struct Packed<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(borrow)]
    nsp: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    id: Option<i64>,
}

fn unpack(config: &ParseConfig, bytes: &[u8]) -> Result<Packet, ParseError> {
    let mut reader = Reader::new(bytes);
    let Some(Value::Str(text, attachments)) = reader.value().filter(|_| reader.is_done()) else {
        return Err(ParseError::InvalidData);
    };
    if let Some(got) = attachments.as_ref().map(std::collections::VecDeque::len)
        && got > config.max_incoming_binaries
    {
        return Err(ParseError::TooManyAttachments { got, max: config.max_incoming_binaries });
    }
    let packed: Packed<'_> = serde_json::from_str(&text).map_err(|_| ParseError::InvalidData)?;
    let data = packed.data.map(|data| Value::Str(Str::copy_from_slice(data.get()), attachments));
    let needed = || ParseError::InvalidData;
    let inner = match packed.kind {
        0 => PacketData::Connect(data),
        1 => PacketData::Disconnect,
        2 => PacketData::Event(data.ok_or_else(needed)?, packed.id),
        3 => PacketData::EventAck(data.ok_or_else(needed)?, packed.id.ok_or(ParseError::InvalidAckId)?),
        _ => return Err(ParseError::InvalidPacketType),
    };
    Ok(Packet { inner, ns: packed.nsp.into_owned().into() })
}

fn pack(packet: Packet) -> Vec<u8> {
    let (kind, data, id) = match packet.inner {
        PacketData::Connect(data) => (0, data, None),
        PacketData::Disconnect => (1, None, None),
        PacketData::Event(data, id) | PacketData::BinaryEvent(data, id) => (2, Some(data), id),
        PacketData::EventAck(data, id) | PacketData::BinaryAck(data, id) => (3, Some(data), Some(id)),
        PacketData::ConnectError(message) => {
            (4, Some(Value::Str(serde_json::json!({ "message": message }).to_string().into(), None)), None)
        }
    };
    let mut out = Vec::new();
    msgpack::append_map(2 + u32::from(data.is_some()) + u32::from(id.is_some()), &mut out);
    msgpack::append_text("type", &mut out);
    msgpack::append_integer(kind, &mut out);
    msgpack::append_text("nsp", &mut out);
    msgpack::append_text(&packet.ns, &mut out);
    if let Some(data) = data {
        msgpack::append_text("data", &mut out);
        if msgpack::append(&data, &mut out).is_none() {
            // Events that came in were read as JSON, and others are written here.
            msgpack::append_array(0, &mut out);
        }
    }
    if let Some(id) = id {
        msgpack::append_text("id", &mut out);
        msgpack::append_integer(id, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_back_from_messagepack_as_they_went() {
        let (config, state) = (ParseConfig::default(), ParserState::default());
        let attachments = || Some([Bytes::from_static(b"x")].into());
        let bytes = || Value::Str("[\"a\",{\"_placeholder\":true,\"num\":0}]".into(), attachments());
        for (packet, expected) in [
            (Packet::event("/", Value::Str("[\"a\",1]".into(), None)), None),
            (Packet::ack("/", Value::Str("[]".into(), None), 7), None),
            (Packet::connect("/custom", Some(Value::Str("{\"sid\":\"x\"}".into(), None))), None),
            (Packet::disconnect("/"), None),
            // Bytes are bytes there, and need no type of their own.
            (Packet::event("/", bytes()), Some(Packet { inner: PacketData::Event(bytes(), None), ns: "/".into() })),
        ] {
            let Value::Bytes(packed) = Parser::Msgpack.encode(packet.clone()) else { panic!("bytes are expected") };
            let read = Parser::Msgpack.decode(&config, &state, Incoming::Binary(packed)).unwrap();
            assert_eq!(read, expected.unwrap_or(packet));
        }
        for bad in [&b""[..], b"\x80", b"\x82\xa4type\x07\xa3nsp\xa1/", b"\x82\xa4type\x02\xa3nsp\xa1/"] {
            assert!(Parser::Msgpack.decode(&config, &state, Incoming::Binary(bad.into())).is_err(), "{bad:?}");
        }
    }
}
