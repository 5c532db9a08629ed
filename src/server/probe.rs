//! A client's probe of a WebSocket: `2probe`, answered by `3probe`, then `5` to upgrade.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::server::session::{Peer, Session};
use crate::server::wire::{Tls, text_frame};

/// The time a probe may take, as in Node's server.
const DEADLINE: Duration = Duration::from_secs(10);

/// A probe under way; given up when it is dropped before it is complete.
pub(super) struct Probe(Option<Arc<Session>>);

impl Probe {
    /// Begins to probe for a session, unless that is under way or done.
    pub(super) fn start(session: Arc<Session>) -> Option<Self> {
        session.start_probe().then_some(Self(Some(session)))
    }

    /// Sees it through. Returns the session when the client has upgraded; `received` is what it has sent since.
    pub(super) async fn complete(mut self, tls: &mut Tls, received: &mut Vec<u8>, peer: Peer) -> Option<Arc<Session>> {
        let upgrades = timeout(DEADLINE, self.exchange(tls, received)).await;
        if !matches!(upgrades, Ok(Ok(true))) {
            return None;
        }
        let session = self.0.take()?;
        session.upgraded(peer);
        Some(session)
    }

    async fn exchange(&self, tls: &mut Tls, received: &mut Vec<u8>) -> io::Result<bool> {
        if next_message(tls, received).await? != b"2probe" {
            return Ok(false);
        }
        tls.write_all(&text_frame("3probe")).await?;
        if let Some(session) = &self.0 {
            session.release_poll();
        }
        Ok(next_message(tls, received).await? == b"5")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.give_up_probe();
        }
    }
}

async fn next_message(tls: &mut Tls, received: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    loop {
        if let Some(message) = take_message(received)? {
            return Ok(message);
        }
        if tls.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Takes a short text message from the front of what a client has sent; there is nothing else in a probe.
fn take_message(received: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let length = match **received {
        [] | [0x81] => return Ok(None),
        [0x81, length @ 0x80..0xfe, ..] => usize::from(length - 0x80),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    let Some((mask, payload)) = received.get(2..6 + length).and_then(|frame| frame.split_first_chunk::<4>()) else {
        return Ok(None);
    };
    let message = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    received.drain(..6 + length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_one_by_one_and_unmasked() {
        let mut received = b"\x81\x82\x01\x02\x03\x0430\x81\x80\0\0\0\0\x81".to_vec();
        assert_eq!(take_message(&mut received).unwrap().unwrap(), b"22");
        assert_eq!(take_message(&mut received).unwrap().unwrap(), b"");
        assert_eq!(take_message(&mut received).unwrap(), None);
        assert_eq!(received, b"\x81");
    }

    #[test]
    fn part_of_a_message_is_waited_for() {
        for part in [&b""[..], b"\x81", b"\x81\x81", b"\x81\x81\0\0\0\0"] {
            assert_eq!(take_message(&mut part.to_vec()).unwrap(), None);
        }
    }

    #[test]
    fn other_frames_are_refused() {
        for frame in [&b"\x88\x80\0\0\0\0"[..], b"\x82\x81\0\0\0\0a", b"\x81\x015", b"\x81\xfe\x01\0"] {
            take_message(&mut frame.to_vec()).unwrap_err();
        }
    }
}
