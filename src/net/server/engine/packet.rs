//! Packets of Engine.IO 4, as clients send them.

use socketioxide_core::Str;

use crate::net::server::event::DisconnectReason;
use crate::net::server::namespace::Incoming;

/// A packet from a client.
pub(crate) enum Received {
    Message(Incoming),
    /// A client of Engine.IO 3 asks whether the server is there.
    Ping(Str),
    Pong,
    Close,
}

/// Reads one packet.
pub(crate) fn read(packet: &Str) -> Result<Received, DisconnectReason> {
    match packet.as_bytes() {
        [b'4', ..] if is_binary_event(packet) => {
            // The payload is not to be kept while its attachments are waited for.
            Ok(Received::Message(Incoming::Text(Str::copy_from_slice(packet.as_str().get(1..).unwrap_or_default()))))
        }
        [b'4', ..] => Ok(Received::Message(Incoming::Text(packet.slice(1..)))),
        [b'b', base64 @ ..] => match base64_simd::STANDARD.decode_to_vec(base64) {
            Ok(bytes) => Ok(Received::Message(Incoming::Binary(bytes.into()))),
            Err(_) => Err(DisconnectReason::Malformed),
        },
        [b'2' | b'3', ..] => Ok(Received::Pong),
        [b'1', ..] => Ok(Received::Close),
        _ => Err(DisconnectReason::Malformed),
    }
}

fn is_binary_event(packet: &str) -> bool {
    packet.starts_with("45") || packet.starts_with("46")
}
