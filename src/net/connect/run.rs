//! One run through the layers, and its report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::address::Address;
use super::causes::Cause;
use super::{Options, Order};
use crate::base::validity;
use crate::judge::report::connect::{Document, End, Evidence, Finding, Layer, LayerName, Packet, Status};
use crate::judge::report::finding::Severity;
use crate::net::client::Trace;

/// The wait before a lost connection is made again; doubled after each failed attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The last attempt comes after this pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Decides whether a failure may pass by itself, as when a server starts again.
fn is_loss(found: &Found) -> bool {
    ["closed-idle", "ping-timeout", "server-disconnect", "refused", "bad-gateway", "unavailable", "closed-at-once"]
        .contains(&found.code)
}

/// A cause that was found, and its evidence.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) certificate: Option<String>,
    pub(super) sent: String,
    pub(super) received: String,
    /// In place of the cause's own fix.
    pub(super) hint: Option<String>,
    /// The exit status, if another than the cause's own: with an answer of HTTP, or without any answer.
    pub(super) exit: Option<u8>,
    /// Clients that connect all the same and those that do not, if they are not the cause's own.
    pub(super) clients: Option<(Vec<&'static str>, Vec<&'static str>)>,
}

impl Found {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    pub(super) fn sent(mut self, sent: impl Into<String>) -> Self {
        self.sent = sent.into();
        self
    }

    pub(super) fn received(mut self, received: impl Into<String>) -> Self {
        self.received = received.into();
        self
    }

    pub(super) fn exit(mut self, exit: u8) -> Self {
        self.exit = Some(exit);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The state of a run.
pub(super) struct Run<'a> {
    pub(super) options: &'a Options<'a>,
    sink: &'a mut (dyn FnMut(Document) + Send),
    started: Instant,
    /// The start of the layer that is being tried.
    began: Instant,
    layers: BTreeMap<LayerName, Layer>,
    warnings: Vec<Found>,
    /// A fault that only some clients mind: the layers above it were looked at all the same.
    pub(super) minded: Option<Found>,
    packets: Arc<Mutex<Vec<Packet>>>,
    is_flushed: bool,
    pub(super) is_connected: bool,
    pub(super) transport: Option<&'static str>,
    pub(super) is_upgraded: bool,
    pub(super) events: u64,
    /// The time that the server took for its last answer: to the first request, and then to let the client in.
    pub(super) round_trip: Duration,
    /// The look at X-Forwarded-Proto.
    pub(super) forwarded: Option<JoinHandle<Option<Found>>>,
    /// The end of the run, counted from the first connection.
    pub(super) end: Option<Instant>,
}

impl<'a> Run<'a> {
    pub(super) fn new(options: &'a Options<'a>, sink: &'a mut (dyn FnMut(Document) + Send)) -> Self {
        let now = Instant::now();
        Self {
            options,
            sink,
            started: now,
            began: now,
            layers: BTreeMap::new(),
            warnings: Vec::new(),
            minded: None,
            packets: Arc::default(),
            is_flushed: false,
            is_connected: false,
            transport: None,
            is_upgraded: false,
            events: 0,
            round_trip: Duration::ZERO,
            forwarded: None,
            end: None,
        }
    }

    /// Goes through all layers, and reports; returns the exit status.
    pub(super) async fn all(mut self, url: &str, orders: Receiver<Order>) -> u8 {
        let result = self.layers(url, orders).await;
        self.judge_forwarded().await;
        self.finish(result)
    }

    async fn layers(&mut self, url: &str, mut orders: Receiver<Order>) -> Result<(), Found> {
        let address = Address::read(url).map_err(|(message, nearest)| {
            let found = Found::new("bad-url", message);
            match nearest {
                Some(nearest) => found.hint(format!("write it as in {nearest}")),
                None => found,
            }
        })?;
        self.passed(LayerName::Address, None, Vec::new());
        self.before(&address);
        let mut pause = FIRST_PAUSE;
        loop {
            let lost = match self.attempt(&address, &mut orders).await {
                Err(found) if self.options.reconnect && is_loss(&found) && pause <= LONGEST_PAUSE => found,
                result => return result,
            };
            pause = if self.is_connected { FIRST_PAUSE } else { pause * 2 };
            self.warn(lost);
            self.flush();
            (self.is_connected, self.is_upgraded, self.is_flushed) = (false, false, false);
            tokio::time::sleep(pause).await;
            self.began = Instant::now();
        }
    }

    async fn attempt(&mut self, address: &Address, orders: &mut Receiver<Order>) -> Result<(), Found> {
        let reached = self.reach(address).await?;
        let socket = self.session(address, reached).await?;
        self.talk(address, socket, orders).await
    }

    /// The time since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Marks a layer as passed.
    pub(super) fn passed(&mut self, layer: LayerName, detail: Option<String>, addresses: Vec<String>) {
        let ms = milliseconds(self.began.elapsed());
        let status = match layer {
            LayerName::Tls if self.minded.is_some() => Status::Failed,
            above if above > LayerName::Tls && self.minded.is_some() => Status::LookedAt,
            _ => Status::Ok,
        };
        self.layers.insert(layer, Layer { layer, status, ms: Some(ms), addresses, detail });
        self.began = Instant::now();
    }

    pub(super) fn warn(&mut self, found: Found) {
        if self.warnings.iter().all(|warning| warning.code != found.code) {
            self.warnings.push(found);
        }
    }

    /// Gives out a document, after those held back.
    pub(super) fn say(&mut self, document: Document) {
        self.flush();
        (self.sink)(document);
    }

    /// Gives out the layers and warnings when they can no longer change.
    pub(super) fn flush(&mut self) {
        if !self.is_flushed {
            self.is_flushed = true;
            for layer in std::mem::take(&mut self.layers).into_values() {
                (self.sink)(Document::Layer(layer));
            }
        }
        let packets = std::mem::take(&mut *self.packets.lock().unwrap_or_else(PoisonError::into_inner));
        for packet in packets {
            (self.sink)(Document::Packet(packet));
        }
        for warning in std::mem::take(&mut self.warnings) {
            (self.sink)(Document::Finding(Box::new(finding(warning, Severity::Warning))));
        }
    }

    /// Collects packets for `--frames`.
    pub(super) fn trace(&self) -> Option<Trace> {
        let packets = Arc::clone(&self.packets);
        let (now, started) = (self.options.known.now, self.started);
        self.options.frames.then(|| -> Trace {
            Arc::new(move |is_sent, text, transport| {
                packets.lock().unwrap_or_else(PoisonError::into_inner).push(Packet {
                    direction: if is_sent { "sent" } else { "received" },
                    packet: text.to_owned(),
                    transport: transport.name(),
                    time: validity::rfc3339(now + started.elapsed()),
                });
            })
        })
    }

    /// The time of day, as in RFC 3339.
    pub(super) fn time(&self) -> String {
        validity::rfc3339(self.options.known.now + self.started.elapsed())
    }

    fn finish(mut self, result: Result<(), Found>) -> u8 {
        let failed = match result {
            // A fault that only some clients mind is the run's error; what came of the layers above it is a warning.
            Err(above) if self.minded.is_some() => {
                let layer = Cause::of(above.code).layer;
                self.fail_from(layer, Status::LookedAt);
                self.warn(above);
                self.minded.take()
            }
            Err(failed) => Some(failed),
            Ok(()) => self.minded.take(),
        };
        let exit = failed.as_ref().map_or(0, exit);
        if let Some(failed) = &failed {
            self.fail(failed);
            self.warnings.retain(|warning| warning.code != failed.code);
        }
        self.flush();
        if let Some(failed) = failed {
            (self.sink)(Document::Finding(Box::new(finding(failed, Severity::Error))));
        }
        (self.sink)(Document::End(End {
            connected: self.is_connected && exit != 2,
            transport: self.transport,
            upgraded: self.is_upgraded,
            events: self.events,
            seconds: (self.started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0,
            exit,
        }));
        exit
    }

    /// Marks the layer that failed, and those above it as not tried.
    fn fail(&mut self, failed: &Found) {
        let layer = Cause::of(failed.code).layer;
        if self.is_flushed {
            // A fault of TLS that only some clients mind was said with its layer.
            if layer != LayerName::Tls {
                (self.sink)(Document::Layer(bare(layer, Status::Failed)));
            }
            return;
        }
        let ms = self.layers.get(&layer).and_then(|layer| layer.ms).unwrap_or(milliseconds(self.began.elapsed()));
        self.layers.insert(layer, Layer { ms: Some(ms), ..bare(layer, Status::Failed) });
        let is_looked_at = |one: &Layer| one.status == Status::LookedAt;
        for above in LayerName::ALL.into_iter().filter(|above| *above > layer) {
            if !self.layers.get(&above).is_some_and(is_looked_at) {
                self.layers.insert(above, bare(above, Status::NotTried));
            }
        }
        for below in LayerName::ALL.into_iter().filter(|below| *below < layer) {
            self.layers.entry(below).or_insert_with(|| bare(below, Status::Ok));
        }
    }

    fn fail_from(&mut self, layer: LayerName, status: Status) {
        if !self.is_flushed {
            self.layers.insert(layer, bare(layer, status));
        }
    }
}

pub(super) fn bare(layer: LayerName, status: Status) -> Layer {
    Layer { layer, status, ms: None, addresses: Vec::new(), detail: None }
}

/// The exit status of a failure: 1 where something answered in HTTP or above, 2 where nothing did.
fn exit(failed: &Found) -> u8 {
    failed.exit.unwrap_or_else(|| Cause::of(failed.code).exit.max(1))
}

fn finding(found: Found, severity: Severity) -> Finding {
    let cause = Cause::of(found.code);
    let (accepted_by, refused_by) =
        found.clients.unwrap_or_else(|| (cause.accepted_by.to_vec(), cause.refused_by.to_vec()));
    Finding {
        severity,
        layer: cause.layer,
        code: cause.code,
        message: found.message,
        certificate: found.certificate,
        evidence: Evidence { sent: found.sent, received: found.received },
        accepted_by,
        refused_by,
        client_says: Some(cause.shown).filter(|shown| !shown.is_empty()),
        hint: found.hint.unwrap_or_else(|| cause.fix.to_owned()),
        reference: format!("docs/failures/{}.md", cause.code),
    }
}

/// To a hundredth of a millisecond.
pub(super) fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 100_000.0).round() / 100.0
}
