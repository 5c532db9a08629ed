//! Events: emitted, received, acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::run::{Found, Run, milliseconds};
use super::{Emit, loss};
use crate::base::hex::hex;
use crate::judge::report::connect::{Ack, Attachment, Document, Event, LayerName};
use crate::net::client::{Incoming, Kind, Lost, Message, Socket};

/// The silence after which a run without a limit ends: so many round trips, within these bounds. A server that greets
/// its clients does so at once.
const QUIET: u32 = 4;
const SHORTEST_QUIET: Duration = Duration::from_millis(100);
const LONGEST_QUIET: Duration = Duration::from_secs(2);

/// Bytes of an attachment that are shown.
const SHOWN: usize = 16;

/// An event whose acknowledgement is waited for.
struct Awaited {
    event: String,
    sent: Instant,
}

/// The next event.
enum Next {
    Came(Result<Incoming, Lost>),
    Emit(Option<Emit>),
    Due,
}

impl Run<'_> {
    /// Emits and receives until a limit is reached.
    pub(super) async fn talk(
        &mut self,
        address: &Address,
        mut socket: Socket,
        emits: &mut Receiver<Emit>,
    ) -> Result<(), Found> {
        let namespace = address.namespace.as_str();
        let span = self.options.duration;
        let end = span.map(|span| *self.end.get_or_insert_with(|| Instant::now() + span));
        let is_limited = end.is_some() || self.options.count.is_some();
        let mut awaited: BTreeMap<u64, Awaited> = BTreeMap::new();
        let mut is_open = true;
        let mut quiet = Instant::now();
        let silence = (self.round_trip * QUIET).clamp(SHORTEST_QUIET, LONGEST_QUIET);
        let outcome = loop {
            self.flush();
            if self.options.count.is_some_and(|count| self.events >= count) && awaited.is_empty() {
                break Ok(());
            }
            let patience = socket.session.heard + socket.session.patience().max(Duration::from_millis(1));
            let due = [
                end,
                awaited.values().map(|one| one.sent + self.options.timeout).min(),
                Some(patience),
                (!is_open && !is_limited && awaited.is_empty()).then(|| quiet + silence),
            ];
            let due = due.into_iter().flatten().min().unwrap_or(patience);
            let next = tokio::select! {
                incoming = socket.next() => Next::Came(incoming),
                emit = emits.recv(), if is_open => Next::Emit(emit),
                () = sleep_until(due) => Next::Due,
            };
            match next {
                Next::Came(Ok(Incoming::Message(message))) => {
                    quiet = Instant::now();
                    if let Err(found) = self.received(namespace, message, &mut awaited) {
                        break Err(found);
                    }
                }
                Next::Came(Ok(_)) => {}
                Next::Came(Err(lost)) => break Err(loss::lost(&lost, socket.session.heard)),
                Next::Emit(None) => {
                    is_open = false;
                    quiet = Instant::now();
                }
                Next::Emit(Some(emit)) => {
                    let Emit { event, content, attachments, is_acknowledged } = emit;
                    let heard = socket.session.heard;
                    match socket.emit(namespace, content, attachments, is_acknowledged).await {
                        Ok(Some(id)) => {
                            awaited.insert(id, Awaited { event, sent: Instant::now() });
                        }
                        Ok(None) => {}
                        Err(lost) => break Err(loss::lost(&lost, heard).sent(format!("the event {event}"))),
                    }
                    quiet = Instant::now();
                }
                Next::Due => {
                    let now = Instant::now();
                    if let Some(late) = awaited.values().find(|one| one.sent + self.options.timeout <= now) {
                        let seconds = self.options.timeout.as_secs_f32();
                        let message = format!("the event {} is not acknowledged within {seconds} s", late.event);
                        break Err(Found::new("ack-timeout", message)
                            .sent(format!("the event {}", late.event))
                            .received("nothing"));
                    }
                    if end.is_some_and(|end| end <= now) || (!is_open && !is_limited && quiet + silence <= now) {
                        break Ok(());
                    }
                    if patience <= now {
                        break Err(loss::lost(&Lost::Timeout, socket.session.heard));
                    }
                }
            }
        };
        if outcome.is_ok() {
            self.passed(LayerName::Event, None, Vec::new());
            socket.session.close().await;
        }
        outcome
    }

    fn received(
        &mut self,
        namespace: &str,
        message: Message,
        awaited: &mut BTreeMap<u64, Awaited>,
    ) -> Result<(), Found> {
        if message.namespace != namespace {
            return Ok(());
        }
        match message.kind {
            Kind::Event => {
                self.events += 1;
                let mut elements = message.elements().unwrap_or_default();
                let event = if elements.is_empty() { String::new() } else { name(&elements.remove(0)) };
                let document = Event {
                    event,
                    args: elements,
                    attachments: attachments(message.attachments),
                    namespace: namespace.to_owned(),
                    time: self.time(),
                };
                self.say(Document::Event(document));
            }
            Kind::Ack => {
                if let Some(one) = message.id.and_then(|id| awaited.remove(&id)) {
                    let document = Ack {
                        event: one.event,
                        args: message.elements().unwrap_or_default(),
                        attachments: attachments(message.attachments),
                        namespace: namespace.to_owned(),
                        ms: milliseconds(one.sent.elapsed()),
                        time: self.time(),
                    };
                    self.say(Document::Ack(document));
                }
            }
            Kind::Disconnect => {
                let message = format!("the server disconnects the client from the namespace {namespace}");
                return Err(Found::new("server-disconnect", message).received("DISCONNECT"));
            }
            Kind::ConnectError | Kind::Connect => {}
        }
        Ok(())
    }
}

/// An event's name without its quotes.
fn name(element: &RawValue) -> String {
    serde_json::from_str(element.get()).unwrap_or_else(|_no_string| element.get().to_owned())
}

fn attachments(all: Vec<Vec<u8>>) -> Vec<Attachment> {
    let shown = |content: Vec<u8>| Attachment {
        bytes: content.len(),
        begin: hex(content.get(..content.len().min(SHOWN)).unwrap_or_default()),
        file: None,
        content,
    };
    all.into_iter().map(shown).collect()
}
