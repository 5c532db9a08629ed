//! Payloads of Engine.IO 3, [which puts each packet's length in front of
//! it](https://github.com/socketio/engine.io-protocol/tree/v3#payload).
//!
//! | | a payload's packet | bytes in it |
//! |---|---|---|
//! | text | length in UTF-16 code units, `:`, packet | base64 behind `b4` |
//! | binary | 0 or 1 for bytes, the length's digits as bytes of 0 to 9, 255, packet | behind a byte of 4 |

use axum::body::Bytes;
use socketioxide_core::Str;

use super::packet::{self, Received};
use crate::net::server::event::DisconnectReason;
use crate::net::server::namespace::Incoming;
use crate::net::server::queue::{Item, Packet};

/// The type of a message, as a byte in front of bytes.
pub(in crate::net::server) const MESSAGE: u8 = 4;

/// The most digits of a length.
const MAX_DIGITS: usize = 10;

/// Takes the first packet off a payload of text. Returns the packet with the number of its bytes.
pub(super) fn split_text(payload: &str) -> Option<(&str, usize)> {
    let (digits, rest) = payload.split_once(':').filter(|(digits, _)| digits.len() <= MAX_DIGITS)?;
    let units: usize = digits.parse().ok()?;
    let mut left = units;
    let mut end = 0;
    for character in rest.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(character.len_utf16())?;
        end += character.len_utf8();
    }
    (left == 0).then_some((rest.get(..end)?, digits.len() + 1 + end))
}

/// Takes the first packet off a payload of bytes. Returns whether it is of bytes itself, the packet, and the number of
/// bytes that it took.
pub(super) fn split_bytes(payload: &[u8]) -> Option<(bool, &[u8], usize)> {
    let (kind, rest) = payload.split_first()?;
    let digits = rest.iter().take(MAX_DIGITS + 1).position(|byte| *byte == 255).filter(|digits| *digits > 0)?;
    let length = rest.get(..digits)?.iter().try_fold(0_usize, |length, digit| {
        (*digit < 10).then(|| length.checked_mul(10)?.checked_add((*digit).into()))?
    })?;
    let packet = rest.get(digits + 1..)?.get(..length)?;
    match kind {
        0 => Some((false, packet, digits + 2 + length)),
        1 => Some((true, packet, digits + 2 + length)),
        _ => None,
    }
}

/// Reads a packet of text.
pub(in crate::net::server) fn read(packet: &Str) -> Result<Received, DisconnectReason> {
    match packet.as_bytes() {
        // A ping comes from the client, and is answered with the same text.
        [b'2', ..] => Ok(Received::Ping(packet.slice(1..))),
        [b'b', b'4', base64 @ ..] => match base64_simd::STANDARD.decode_to_vec(base64) {
            Ok(bytes) => Ok(Received::Message(Incoming::Binary(bytes.into()))),
            Err(_) => Err(DisconnectReason::Malformed),
        },
        [b'b', ..] => Err(DisconnectReason::Malformed),
        _ => packet::read(packet),
    }
}

/// Reads a packet of bytes.
pub(in crate::net::server) fn read_bytes(packet: &Bytes) -> Result<Received, DisconnectReason> {
    match packet.first() {
        Some(&MESSAGE) => Ok(Received::Message(Incoming::Binary(packet.slice(1..)))),
        _ => Err(DisconnectReason::Malformed),
    }
}

/// Writes a payload. Returns whether it is one of bytes.
pub(in crate::net::server) fn write(items: &[Item], takes_bytes: bool) -> (Vec<u8>, bool) {
    let packets = || items.iter().flat_map(Item::packets);
    let is_binary = takes_bytes && packets().any(|packet| matches!(packet, Packet::Binary(_)));
    let mut out = Vec::new();
    for packet in packets() {
        match packet {
            Packet::Text(text) if is_binary => put_bytes(&mut out, false, None, text),
            Packet::Binary(bytes) if is_binary => put_bytes(&mut out, true, Some(MESSAGE), bytes),
            Packet::Text(text) => {
                let units = String::from_utf8_lossy(text).chars().map(char::len_utf16).sum();
                put_length(&mut out, units);
                out.extend_from_slice(text);
            }
            Packet::Binary(bytes) => {
                put_length(&mut out, 2 + base64_simd::STANDARD.encoded_length(bytes.len()));
                out.extend_from_slice(b"b4");
                base64_simd::STANDARD.encode_append(bytes, &mut out);
            }
        }
    }
    (out, is_binary)
}

/// Writes a payload of one packet of text.
pub(super) fn write_one(packet: &str) -> String {
    format!("{}:{packet}", packet.chars().map(char::len_utf16).sum::<usize>())
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b':');
}

fn put_bytes(out: &mut Vec<u8>, is_bytes: bool, kind: Option<u8>, content: &[u8]) {
    out.push(is_bytes.into());
    let length = content.len() + usize::from(kind.is_some());
    out.extend(length.to_string().bytes().map(|digit| digit - b'0'));
    out.push(255);
    out.extend(kind);
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::server::Limits;
    use crate::net::server::budget::Budget;
    use crate::net::server::queue::Message;
    use socketioxide_core::Value;

    #[test]
    fn lengths_are_of_utf_16() {
        assert_eq!(split_text("3:4ü😀rest"), None, "the middle of a pair");
        assert_eq!(split_text("4:4ü😀rest"), Some(("4ü😀", 9)));
        for bad in ["", "4", ":4", "5:4ü😀", "x:4", "12345678901:4"] {
            assert_eq!(split_text(bad), None, "{bad}");
        }
        assert_eq!(write_one("4ü😀"), "4:4ü😀");
    }

    #[test]
    fn bytes_are_taken_apart_as_they_are_put_together() {
        let share = Budget::new(Limits::default()).share([127, 0, 0, 1].into());
        let attachments = Some([Bytes::from_static(&[1, 2, 3])].into());
        let items = [Item::Message(Message::new(Value::Str("51-[\"ü\"]".into(), attachments), &share)), Item::Ping];
        let (text, is_binary) = write(&items, false);
        assert_eq!((std::str::from_utf8(&text).unwrap(), is_binary), ("9:451-[\"ü\"]6:b4AQID1:2", false));
        let (bytes, is_binary) = write(&items, true);
        assert!(is_binary);
        let (is_bytes, first, taken) = split_bytes(&bytes).unwrap();
        assert_eq!((is_bytes, std::str::from_utf8(first).unwrap()), (false, "451-[\"ü\"]"));
        let (is_bytes, second, _) = split_bytes(&bytes[taken..]).unwrap();
        assert_eq!((is_bytes, second), (true, &[4, 1, 2, 3][..]));
        for bad in [&b""[..], b"\0", b"\0\xff", b"\x02\x01\xff4", b"\0\x05\xff4", b"\0\x0b\xff4"] {
            assert_eq!(split_bytes(bad), None, "{bad:?}");
        }
    }
}
