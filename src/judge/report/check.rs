//! What `check` says about servers.

#[cfg(feature = "serve")]
pub mod html;
pub mod junit;
pub mod sarif;

use serde::Serialize;

use super::finding::Severity;
use super::verdict::Link;

/// The report of a run: one document, whatever happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// The servers, in the order asked.
    pub targets: Vec<Target>,
    /// The exit status: 0, 1 when a threshold is passed, 2 when a server cannot be reached.
    pub exit: u8,
}

/// What was found out about one server.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// The server as it was named.
    pub target: String,
    /// The address and port that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The server name that was sent (SNI); absent for an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The server program, where it says so or can be recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The grade by SSL Labs' guide 2009r: `A+`, `A`, `A-`, `B` to `F`, `T` (not trusted), `M` (another name). Absent
    /// when the server cannot be graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The same if the certificate were trusted and named the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade_ignoring_trust: Option<String>,
    /// The arithmetic of the grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// The rules that lower the grade, the hardest first.
    pub caps: Vec<Cap>,
    /// The verdict by TLSRef's guidelines 6.0 (formerly Mozilla's).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlsref: Option<TlsRef>,
    /// The versions of the protocol, the oldest first.
    pub protocols: Vec<Protocol>,
    /// The groups of the key exchange, as in `X25519MLKEM768`.
    pub groups: Vec<String>,
    /// The bits of the smallest Diffie-Hellman prime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dh_bits: Option<u32>,
    /// The application protocol chosen for `h2` and `http/1.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// A session can be resumed; absent when that was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumption: Option<bool>,
    /// An OCSP response is stapled; absent when that was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stapled: Option<bool>,
    /// The certificates, as sent.
    pub chain: Vec<Link>,
    /// Socket.IO, if it is spoken there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_io: Option<SocketIo>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why. For people: the words may change.
    pub not_tested: Vec<String>,
}

/// The Socket.IO server that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SocketIo {
    /// The path at which it answers.
    pub path: String,
    /// The versions of Engine.IO that it speaks: 4 (Socket.IO 3 and 4), 3 (Socket.IO 2).
    pub engine_io: Vec<u8>,
    /// The transports that open a session: `polling`, `websocket`.
    pub transports: Vec<String>,
    /// A session that began by polling goes on by WebSocket; absent when that was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<bool>,
    /// The heartbeat, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<u64>,
    /// How long an answer to the heartbeat may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_timeout: Option<u64>,
}

/// The three scores of SSL Labs' guide and what they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scores {
    /// Protocol support, 30 %.
    pub protocol: u32,
    /// Key exchange, 30 %.
    pub key_exchange: u32,
    /// Cipher strength, 40 %.
    pub cipher: u32,
    /// The total; 0 when one of the three is 0.
    pub total: u32,
}

/// A rule that lowers the grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cap {
    /// The best grade that the rule leaves.
    pub grade: String,
    /// The rule, with the version of the guide that brought it.
    pub rule: String,
    /// The rule is about trust, and `grade_ignoring_trust` leaves it out.
    pub is_trust: bool,
}

/// The verdict by TLSRef.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TlsRef {
    /// `modern`, `intermediate`, or `neither`.
    pub profile: String,
    /// Why it is not modern.
    pub not_modern: Vec<String>,
    /// Why it is not intermediate.
    pub not_intermediate: Vec<String>,
}

/// A version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Protocol {
    /// `SSL 2.0` to `TLS 1.3`.
    pub version: String,
    /// `offered`, `refused`, or `unknown` when no answer could be read.
    pub status: String,
    /// The suites by their names in IANA's registry, in the server's order if it has one.
    pub suites: Vec<String>,
    /// Whose order decides: `server` or `client`; absent with fewer than two suites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Something that is wrong with a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The layer at which it was found: `address`, `dns`, `tcp`, `tls`, `http`, `engine.io`, `upgrade`.
    pub layer: String,
    /// Its name, which never changes.
    pub id: String,
    /// What is wrong. For people: the words may change.
    pub message: String,
    /// The subject of the certificate that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// What was sent and what came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// How to fix it. For people: the words may change.
    pub hint: String,
    /// The source of the rule.
    pub source: String,
    /// The page about it.
    pub reference: String,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// What was sent.
    pub sent: String,
    /// What came back.
    pub received: String,
}
