//! Socket.IO over an Engine.IO session: namespaces, events, acknowledgements.

use serde_json::value::RawValue;

use super::packet::{Kind, Message};
use super::session::{Lost, Session};
use crate::net::engine_io::Packet;

/// Bytes of attachments that are held while the others of an event are waited for.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// A client of Socket.IO.
pub(crate) struct Socket {
    pub(crate) session: Session,
    /// A packet whose attachments are not all there, and how many it has.
    partial: Option<(Message, usize)>,
    next_id: u64,
}

/// Something that came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A packet of Socket.IO, with all its attachments.
    Message(Message),
    /// Engine.IO's own ping.
    Ping,
    /// An empty packet of Engine.IO, or half an event.
    Nothing,
}

impl Socket {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, partial: None, next_id: 0 }
    }

    /// Asks to be let into a namespace, with the data of `auth`.
    pub(crate) async fn join(&mut self, namespace: &str, auth: Option<Box<RawValue>>) -> Result<(), Lost> {
        self.session.send(&Message::new(Kind::Connect, namespace, auth).packets()).await
    }

    /// Emits an event, given as an array whose first element is the name; returns its number if an acknowledgement is
    /// asked for.
    pub(crate) async fn emit(
        &mut self,
        namespace: &str,
        event: Box<RawValue>,
        attachments: Vec<Vec<u8>>,
        is_acknowledged: bool,
    ) -> Result<Option<u64>, Lost> {
        let id = is_acknowledged.then_some(self.next_id);
        self.next_id += u64::from(is_acknowledged);
        let message = Message { id, attachments, ..Message::new(Kind::Event, namespace, Some(event)) };
        self.session.send(&message.packets()).await?;
        Ok(id)
    }

    /// Returns the next event. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Lost> {
        match self.session.next().await? {
            Packet::Message(text) => {
                let unread = || Lost::Malformed(text.chars().take(100).collect());
                let (message, count) = Message::read(&text).ok_or_else(unread)?;
                if count > 0 {
                    self.partial = Some((message, count));
                    return Ok(Incoming::Nothing);
                }
                Ok(Incoming::Message(message))
            }
            Packet::Binary(octets) => self.attach(octets),
            Packet::Ping(_) => Ok(Incoming::Ping),
            _ => Ok(Incoming::Nothing),
        }
    }

    #[expect(clippy::result_large_err, reason = "a session is lost once, with the answer that it is lost by")]
    fn attach(&mut self, octets: Vec<u8>) -> Result<Incoming, Lost> {
        let Some((mut message, count)) = self.partial.take() else {
            return Err(Lost::Malformed("an attachment that belongs to no event".to_owned()));
        };
        message.attachments.push(octets);
        if message.attachments.iter().map(Vec::len).sum::<usize>() > MOST_BYTES {
            return Err(Lost::Malformed("attachments of more than 256 MiB".to_owned()));
        }
        if message.attachments.len() < count {
            self.partial = Some((message, count));
            return Ok(Incoming::Nothing);
        }
        Ok(Incoming::Message(message))
    }
}
