//! A connection behind the handshake of a WebSocket, which ends as soon as what comes cannot be a frame.
//!
//! A reader of frames waits for as many octets as the second one promises, and the text of a second answer of HTTP
//! promises some: without a look at the first two octets, such a server would only be found out by the clock.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// Octets that are shown of something that is no frame.
const SHOWN: usize = 60;

/// The first octets of something that is no frame, for people.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` in place of a frame")]
pub(crate) struct NoFrame(String);

/// A connection whose first octets have to begin a frame.
pub(crate) struct Frames {
    stream: Stream,
    /// The first two octets.
    first: Vec<u8>,
}

impl Frames {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, first: Vec::new() }
    }

    /// Looks at octets that came; only the first two of all matter.
    pub(super) fn see(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.first.len() >= 2 {
            return Ok(());
        }
        let begin = [&self.first, octets].concat();
        self.first = begin.iter().take(2).copied().collect();
        if begins_frame(&self.first) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(begin.get(..begin.len().min(SHOWN)).unwrap_or_default()).into_owned();
        Err(io::Error::new(io::ErrorKind::InvalidData, NoFrame(text.lines().next().unwrap_or_default().to_owned())))
    }
}

/// Decides whether octets may begin the first frame of a server (RFC 6455 section 5.2); no extension is ever agreed on.
fn begins_frame(octets: &[u8]) -> bool {
    let Some(&head) = octets.first() else { return true };
    let (is_final, reserved, opcode) = (head & 0x80 != 0, head & 0x70, head & 0x0f);
    let is_control = opcode >= 8;
    let is_kind = matches!(opcode, 1 | 2 | 8 | 9 | 10) && (is_final || !is_control);
    let is_length = octets.get(1).is_none_or(|&length| length < if is_control { 126 } else { 128 });
    reserved == 0 && is_kind && is_length
}

impl AsyncRead for Frames {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled {
            self.see(buf.filled().get(before..).unwrap_or_default())?;
        }
        polled
    }
}

impl AsyncWrite for Frames {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::begins_frame;

    #[test]
    fn text_is_no_frame() {
        for frame in [&b"\x81\x10"[..], b"\x01\x05", b"\x82\x7f", b"\x88\x02", b"\x89\x00", b"\x81", b""] {
            assert!(begins_frame(frame), "{frame:?}");
        }
        for other in
            [&b"HTTP/1.1 400"[..2], b"he", b"<h", b"{", b"42", b"\x81\x85", b"\x80\x01", b"\x89\x7e", b"\x00\x00"]
        {
            assert!(!begins_frame(other), "{other:?}");
        }
    }
}
