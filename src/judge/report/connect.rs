//! What `connect` reports: documents, a line of JSON each.

use serde::Serialize;
use serde_json::value::RawValue;

use super::finding::Severity;

/// A line of `connect --json`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Document {
    /// A layer of the connection.
    Layer(Layer),
    /// An event that came.
    Event(Event),
    /// An acknowledgement that came.
    Ack(Ack),
    /// A packet, with `--frames`.
    Packet(Packet),
    /// Something that is wrong.
    Finding(Box<Finding>),
    /// The last line.
    End(End),
}

/// The layers, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LayerName {
    /// The URL itself.
    #[serde(rename = "address")]
    Address,
    /// The name's addresses.
    #[serde(rename = "dns")]
    Dns,
    /// The connection.
    #[serde(rename = "tcp")]
    Tcp,
    /// TLS and the certificates.
    #[serde(rename = "tls")]
    Tls,
    /// The answer of HTTP.
    #[serde(rename = "http")]
    Http,
    /// The session of Engine.IO.
    #[serde(rename = "engine.io")]
    EngineIo,
    /// The upgrade to a WebSocket.
    #[serde(rename = "upgrade")]
    Upgrade,
    /// The namespace of Socket.IO.
    #[serde(rename = "namespace")]
    Namespace,
    /// Events and acknowledgements.
    #[serde(rename = "event")]
    Event,
}

impl LayerName {
    /// All of them, the lowest first.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Http,
        Self::EngineIo,
        Self::Upgrade,
        Self::Namespace,
        Self::Event,
    ];

    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::EngineIo => "engine.io",
            Self::Upgrade => "upgrade",
            Self::Namespace => "namespace",
            Self::Event => "event",
        }
    }
}

/// What came of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Status {
    /// It works.
    Ok,
    /// It is the first that fails.
    Failed,
    /// One below it failed.
    NotTried,
    /// One below it fails for some clients, and this one was looked at over a connection without that check.
    LookedAt,
}

impl Status {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotTried => "not tried",
            Self::LookedAt => "looked at",
        }
    }
}

/// A layer of the connection.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Layer {
    /// The layer.
    pub layer: LayerName,
    /// What came of it.
    pub status: Status,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// The addresses of the name, or those tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub addresses: Vec<String>,
    /// What was seen, in a few words. For people: the words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// Its name.
    pub event: String,
    /// Its arguments, as they came; an attachment is `{"_placeholder":true,"num":N}`.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub args: Vec<Box<RawValue>>,
    /// Its attachments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub attachments: Vec<Attachment>,
    /// Its namespace.
    pub namespace: String,
    /// When it came.
    pub time: String,
}

/// An attachment of an event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attachment {
    /// Its length in bytes.
    pub bytes: usize,
    /// Its first bytes, in hexadecimal digits.
    pub begin: String,
    /// The file that it was saved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its content.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// An acknowledgement.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ack {
    /// The event that it acknowledges.
    pub event: String,
    /// Its arguments, as they came.
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub args: Vec<Box<RawValue>>,
    /// Its attachments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub attachments: Vec<Attachment>,
    /// Its namespace.
    pub namespace: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// When it came.
    pub time: String,
}

/// A packet of Engine.IO.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Packet {
    /// `sent` or `received`.
    pub direction: &'static str,
    /// The packet as text.
    pub packet: String,
    /// `polling` or `websocket`.
    pub transport: &'static str,
    /// When it was sent or came.
    pub time: String,
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// `error` for the cause of a failure, `warning` for what stands beside it.
    pub severity: Severity,
    /// The layer at which it was found.
    pub layer: LayerName,
    /// Its code, which never changes.
    pub code: &'static str,
    /// What is wrong. For people: the words may change.
    pub message: String,
    /// The subject of the certificate that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// What it rests on.
    pub evidence: Evidence,
    /// Clients that connect all the same.
    pub accepted_by: Vec<&'static str>,
    /// Clients that do not connect.
    pub refused_by: Vec<&'static str>,
    /// What socket.io-client shows for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_says: Option<&'static str>,
    /// How to fix it. For people: the words may change.
    pub hint: String,
    /// The page about it.
    pub reference: String,
}

/// What a finding rests on.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// What was sent.
    pub sent: String,
    /// What came back.
    pub received: String,
}

/// The last line.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct End {
    /// The namespace let the client in.
    pub connected: bool,
    /// The transport that was used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<&'static str>,
    /// The session was upgraded from polling to a WebSocket.
    pub upgraded: bool,
    /// Events that came.
    pub events: u64,
    /// How long all of it took.
    pub seconds: f64,
    /// The exit status.
    pub exit: u8,
}
