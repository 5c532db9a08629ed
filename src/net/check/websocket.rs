//! The answer to a WebSocket's handshake, and the first message behind it.

use std::time::Duration;

use super::http::{ACCEPT, Response};

/// The fate of an idle WebSocket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Idle {
    /// The heartbeat came.
    Heartbeat,
    /// The connection was cut after this time, before a ping.
    Cut(Duration),
    /// Neither came.
    Silent(Duration),
}

/// The answer to a WebSocket's handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WebSocket {
    /// The WebSocket opened; its first text.
    Said(String),
    /// The WebSocket opened, and nothing came in time.
    Open,
    /// The WebSocket opened, and ended or sent something other than a frame: its first octets.
    Broken(Vec<u8>),
    /// Another status, and the beginning of the text behind it.
    Refused(Response, String),
    /// 101 with a Sec-WebSocket-Accept for another key.
    WrongAccept(String),
    /// No answer, or no connection.
    Silent,
}

impl WebSocket {
    /// Decides whether a session of Engine.IO began.
    pub(super) fn is_session(&self) -> bool {
        matches!(self, Self::Said(text) if text.starts_with("0{"))
    }

    /// Decides whether the handshake went well.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Said(_) | Self::Open)
    }

    /// The answer in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Said(text) => {
                let text: String = text.chars().take(60).collect();
                format!("HTTP 101, then `{}`", crate::x509::name::escape_unprintable(&text))
            }
            Self::Open => "HTTP 101".to_owned(),
            Self::Broken(octets) if octets.is_empty() => "HTTP 101, then the connection ends".to_owned(),
            Self::Broken(octets) => format!("HTTP 101, then {}", super::prober::shown(octets)),
            Self::Refused(response, text) if text.is_empty() => format!("HTTP {}", response.status),
            Self::Refused(response, text) => format!("HTTP {}: {text}", response.status),
            Self::WrongAccept(accept) => format!("HTTP 101, Sec-WebSocket-Accept: {accept}"),
            Self::Silent => "no answer".to_owned(),
        }
    }

    /// Reads the octets that came; `is_over` if no more will come.
    pub(super) fn read(octets: &[u8], is_over: bool) -> Self {
        let Some(response) = Response::read(octets) else { return Self::Silent };
        let behind = octets.windows(4).position(|window| window == b"\r\n\r\n").map_or(octets.len(), |at| at + 4);
        if response.status != 101 {
            let text = String::from_utf8_lossy(octets.get(behind..).unwrap_or_default()).into_owned();
            let text: String = text.trim().chars().take(60).collect();
            return Self::Refused(response, crate::x509::name::escape_unprintable(&text));
        }
        let accept = response.value("sec-websocket-accept").unwrap_or("none");
        if accept != ACCEPT {
            return Self::WrongAccept(crate::x509::name::escape_unprintable(accept));
        }
        let frames = octets.get(behind..).unwrap_or_default();
        match first_text(frames) {
            Frame::Text(text) => Self::Said(text),
            Frame::Partial if is_over => Self::Broken(frames.to_vec()),
            Frame::Partial => Self::Open,
            Frame::Other => Self::Broken(frames.to_vec()),
        }
    }
}

/// Decides whether nothing more has to be waited for.
pub(super) fn is_told(octets: &[u8]) -> bool {
    let Some(response) = Response::read(octets) else { return false };
    response.status != 101 || !matches!(WebSocket::read(octets, false), WebSocket::Open)
}

enum Frame {
    Text(String),
    Partial,
    Other,
}

/// The first frame, if it is a text by itself; a server's frames are not masked (RFC 6455 section 5.1).
fn first_text(octets: &[u8]) -> Frame {
    let (Some(&kind), Some(&length)) = (octets.first(), octets.get(1)) else { return Frame::Partial };
    let (start, length) = match length {
        126 => match octets.get(2..4) {
            Some(&[high, low]) => (4, usize::from(u16::from_be_bytes([high, low]))),
            _ => return Frame::Partial,
        },
        ..=125 => (2, usize::from(length)),
        // Masked, or longer than an opening packet is.
        127.. => return Frame::Other,
    };
    match (kind, octets.get(start..start + length)) {
        (0x81, Some(text)) => Frame::Text(String::from_utf8_lossy(text).into_owned()),
        (0x81, None) => Frame::Partial,
        _ => Frame::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_is_read() {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
        let head = head.as_bytes();
        let other = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        assert!(matches!(WebSocket::read(other, false), WebSocket::WrongAccept(_)));
        let read = |frames: &[u8], is_over| WebSocket::read(&[head, frames].concat(), is_over);
        assert_eq!(read(b"\x81\x030{}", false), WebSocket::Said("0{}".to_owned()));
        assert_eq!(read(b"", false), WebSocket::Open);
        assert_eq!(read(b"", true), WebSocket::Broken(Vec::new()));
        assert!(matches!(read(b"HTTP/1.1 400", false), WebSocket::Broken(_)));
        assert!(matches!(WebSocket::read(b"HTTP/1.1 400 Bad Request\r\n\r\n", true), WebSocket::Refused(..)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(octets: Vec<u8>) {
            let _ = first_text(&octets);
            let _ = WebSocket::read(&octets, true).words();
        }
    }
}
