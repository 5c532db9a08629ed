//! Events: emitted, received, acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::run::{Found, Run, bare, milliseconds};
use super::session::connect_error;
use super::{Emit, Order, loss};
use crate::base::hex::hex;
use crate::judge::report::connect::{Ack, Attachment, Document, Event, Layer, LayerName, Status};
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
    Order(Option<Order>),
    Due,
}

impl Run<'_> {
    /// Emits and receives until a limit is reached.
    pub(super) async fn talk(
        &mut self,
        address: &Address,
        mut socket: Socket,
        orders: &mut Receiver<Order>,
    ) -> Result<(), Found> {
        // The last one is where events are emitted.
        let mut namespaces = vec![address.namespace.clone()];
        let span = self.options.duration;
        let end = span.map(|span| *self.end.get_or_insert_with(|| Instant::now() + span));
        let is_limited = (end.is_some() || self.options.count.is_some()) && !self.options.interactive;
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
                order = orders.recv(), if is_open => Next::Order(order),
                () = sleep_until(due) => Next::Due,
            };
            match next {
                Next::Came(Ok(Incoming::Message(message))) => {
                    quiet = Instant::now();
                    if let Err(found) = self.received(&mut namespaces, message, &mut awaited) {
                        break Err(found);
                    }
                }
                Next::Came(Ok(_)) => {}
                Next::Came(Err(lost)) => break Err(loss::lost(&lost, socket.session.heard)),
                Next::Order(None) => {
                    is_open = false;
                    quiet = Instant::now();
                }
                Next::Order(Some(Order::Join(namespace))) => {
                    if let Some(place) = namespaces.iter().position(|joined| *joined == namespace) {
                        let joined = namespaces.remove(place);
                        namespaces.push(joined);
                    } else if let Err(lost) = socket.join(&namespace, self.options.auth.clone()).await {
                        break Err(loss::lost(&lost, socket.session.heard).sent(format!("CONNECT {namespace}")));
                    }
                }
                Next::Order(Some(Order::Emit(emit))) => {
                    let Emit { event, content, attachments, is_acknowledged } = emit;
                    let heard = socket.session.heard;
                    let namespace = namespaces.last().map_or("/", String::as_str);
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
                    let is_late = |one: &Awaited| one.sent + self.options.timeout <= now;
                    if let Some((id, late)) = awaited.iter().find(|(_, one)| is_late(one)) {
                        let seconds = self.options.timeout.as_secs_f32();
                        let message = format!("the event {} is not acknowledged within {seconds} s", late.event);
                        let found = Found::new("ack-timeout", message)
                            .sent(format!("the event {}", late.event))
                            .received("nothing");
                        if !self.options.interactive {
                            break Err(found);
                        }
                        let id = *id;
                        awaited.remove(&id);
                        self.warn(found);
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
        namespaces: &mut Vec<String>,
        message: Message,
        awaited: &mut BTreeMap<u64, Awaited>,
    ) -> Result<(), Found> {
        let namespace = message.namespace.clone();
        if !namespaces.contains(&namespace) {
            self.joined(namespaces, message);
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
                    namespace,
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
                        namespace,
                        ms: milliseconds(one.sent.elapsed()),
                        time: self.time(),
                    };
                    self.say(Document::Ack(document));
                }
            }
            Kind::Disconnect => {
                let message = format!("the server disconnects the client from the namespace {namespace}");
                let found = Found::new("server-disconnect", message).received("DISCONNECT");
                if namespaces.len() == 1 {
                    return Err(found);
                }
                namespaces.retain(|joined| *joined != namespace);
                self.warn(found);
            }
            Kind::ConnectError | Kind::Connect => {}
        }
        Ok(())
    }

    /// Reports the answer of a namespace that the client asked for later.
    fn joined(&mut self, namespaces: &mut Vec<String>, message: Message) {
        match message.kind {
            Kind::Connect => {
                let detail = Some(format!("joined {}", message.namespace));
                self.say(Document::Layer(Layer { detail, ..bare(LayerName::Namespace, Status::Ok) }));
                namespaces.push(message.namespace);
            }
            Kind::ConnectError => {
                let data = message.data.as_ref().map_or("{}", |data| data.get());
                let found = connect_error(&message.namespace, data).sent(format!("CONNECT {}", message.namespace));
                self.warn(found);
            }
            _ => {}
        }
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
