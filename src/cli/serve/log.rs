//! Log of `serve` about its clients, one line per event, on stderr.
//!
//! Lines go through a queue to a thread of their own: a terminal or pipe that is not read must not stop the server.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;

use secure_io::report::text;
use secure_io::server::{Client, Event, HandshakeError, Observer, ProxyHeaderError, Refused, Transport, Withheld};
use secure_io::words::counted;
use secure_io::{name, validity};

use super::limits::LogFormat;
use super::record;
use crate::cli::output::{LogStream, Output};

/// Largest number of lines that wait for a slow reader; further lines are counted.
const QUEUE: usize = 4096;

/// The log of a server.
pub(crate) struct Log {
    /// `None` ends the log: observers may outlive the server, in tasks that run on.
    lines: SyncSender<Option<String>>,
    dropped: Arc<AtomicU64>,
    writer: JoinHandle<()>,
    format: LogFormat,
}

impl Log {
    pub(crate) fn start(out: &Output, format: LogFormat) -> Self {
        let (lines, queue) = mpsc::sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let (stream, counter) = (out.log_stream(), Arc::clone(&dropped));
        let writer = std::thread::spawn(move || write(&queue, &counter, stream));
        Self { lines, dropped, writer, format }
    }

    /// Returns the observer that receives the server's events.
    pub(crate) fn observer(&self) -> Observer {
        let lines = self.lines();
        Arc::new(move |event| {
            let Some(text) = line(event) else { return };
            lines.put(match lines.format {
                LogFormat::Text => text,
                LogFormat::Json => record::event(event, &text),
            });
        })
    }

    /// For lines of others' threads, which never wait.
    pub(crate) fn lines(&self) -> Lines {
        Lines { queue: self.lines.clone(), dropped: Arc::clone(&self.dropped), format: self.format }
    }

    /// A line of our own; waits for room.
    pub(crate) fn line(&self, line: String) {
        let _ = self.lines.send(Some(self.format.own(line)));
    }

    /// Writes the remaining lines.
    pub(crate) fn finish(self) {
        let _ = self.lines.send(None);
        let _ = self.writer.join();
    }
}

/// The way into the log from any thread.
#[derive(Clone)]
pub(crate) struct Lines {
    queue: SyncSender<Option<String>>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

impl LogFormat {
    /// Gives notes, hints, warnings and errors the form of the log's lines, too: programs read them from the same stream.
    pub(crate) fn shape(self, out: &mut Output) {
        if matches!(self, Self::Json) {
            let mut stream = out.log_stream();
            out.divert(Some(Box::new(move |text| {
                stream.line(&record::labelled(&anstream::adapter::strip_str(&text).to_string()));
                true
            })));
        }
    }

    fn own(self, line: String) -> String {
        match self {
            Self::Text => line,
            Self::Json => record::own(&line),
        }
    }
}

impl Lines {
    /// Puts a line of our own into the queue; counts lines that a full queue drops.
    pub(crate) fn send(&self, line: String) {
        self.put(self.format.own(line));
    }

    fn put(&self, line: String) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Some(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(queue: &Receiver<Option<String>>, dropped: &AtomicU64, mut stream: LogStream) {
    while let Ok(Some(line)) = queue.recv() {
        stream.line(&line);
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            count => stream.line(&format!("(left out, because nobody read the log: {})", counted(count, "line"))),
        }
    }
}

/// An event in words, with the code by which docs/failures has it; `None` for an event without interest.
fn line(event: &Event) -> Option<String> {
    let words = words(event)?;
    Some(match record::cause(event) {
        Some(code) => format!("{words} ({code})"),
        None => words,
    })
}

fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Connected(client) => format!("A user connected via {}", details(client, None)),
        Event::Upgraded(client) => {
            format!("A user connected via {}", details(client, Some("upgraded from polling")))
        }
        Event::Disconnected(client, reason) => format!("User disconnected [id {}]: {reason}", client.id),
        Event::Overflowed(client) => {
            format!("A user does not read and is disconnected, to lose no event without a word [id {}]", client.id)
        }
        Event::Dropped { peer, reason } => format!("A client from {} was disconnected: {reason}", from(*peer)),
        Event::Refused { peer, reason } => format!("Refused {}: {}", from(*peer), refusal(reason)),
        Event::UnknownNamespace { peer, namespace } => {
            let peer = from(*peer);
            format!("Refused {peer} the namespace `{}`, which does not exist here", brief(namespace))
        }
        // Health checks do so every few seconds, and browsers with connections that they do not need after all.
        Event::HandshakeFailed { error: HandshakeError::Silent, .. } => return None,
        Event::HandshakeFailed { peer, error } => format!("No TLS with {peer}: {}", no_tls(error)),
        Event::Plaintext { peer } => format!("{peer} came without TLS and was sent to https:// or wss://"),
        Event::ProxyHeader { peer, error } => proxy_header(*peer, error),
        Event::RedirectLoop { peer, is_claimed } => redirect_loop(peer.ip(), *is_claimed),
        Event::NotSticky { peer } => format!(
            "{} asks for a session that is not here: behind a balancer, all requests of a session must reach the same \
             server (sticky sessions), unless clients use WebSocket alone. After a restart this is nothing",
            from(*peer)
        ),
        Event::Withheld { peer, path, reason } => {
            let reason = match reason {
                Withheld::PrivateKey => "it holds a private key",
                Withheld::Outside => "it is a link that leaves the folder",
                _ => "its name, or that of a folder above it, begins with a dot",
            };
            format!("Refused {} the file `{}`: {reason}", from(*peer), brief(path))
        }
        Event::RedisLost { address, error } => format!(
            "Redis is not reached at {address}: {error}. Clients of this server get each other's events as before, and those of \
             other servers again when it is back"
        ),
        Event::RedisBack { missed, away } => redis_back(*missed, away.as_secs_f64()),
        Event::RedisBehind => {
            "Other servers send more than this one can pass on: its clients miss some of their events".to_owned()
        }
        Event::Replaced { certificate } => {
            let (names, expiry) = (text::certificate_names(certificate), text::expiry(certificate, validity::now()));
            format!("New connections are shown the certificate for {names}, which {expiry}")
        }
        Event::Draining(span) => {
            format!(
                "Stopping: clients are served for {} more, and /readyz answers 503",
                counted(usize::try_from(span.as_secs()).unwrap_or(usize::MAX), "second")
            )
        }
        Event::AcceptPaused { error, .. } => format!("No new connections for now: {error}"),
        Event::Crowded => "There are very many connections: those that are idle longest are closed".to_owned(),
        Event::AcceptResumed => "New connections are accepted again".to_owned(),
        _ => return None,
    })
}

/// The reason for a handshake that failed, with the code by which docs/failures has it.
fn no_tls(error: &HandshakeError) -> String {
    let reason = error.to_string();
    match error.cause() {
        Some(code) if !reason.ends_with(')') => format!("{reason} ({code})"),
        _ => reason,
    }
}

fn redis_back(missed: u64, away: f64) -> String {
    let missed = match missed {
        0 => "none was missed".to_owned(),
        count => format!("{} did not reach them", counted(usize::try_from(count).unwrap_or(usize::MAX), "event")),
    };
    format!("Events go to other servers again, after {away:.1} seconds: {missed}")
}

fn proxy_header(peer: SocketAddr, error: &ProxyHeaderError) -> String {
    if !matches!(error, ProxyHeaderError::NotBelieved) {
        return format!("Closed the connection of the proxy {peer}: {error}");
    }
    let address = peer.ip().to_canonical();
    format!(
        "Closed the connection of {peer}: {error}. If that is your proxy, start with `--proxy-protocol --trusted-proxy {address}`"
    )
}

fn redirect_loop(proxy: IpAddr, is_claimed: bool) -> String {
    if is_claimed {
        format!(
            "A client is redirected to https again and again: {proxy} says that it came by https, and is not \
             believed. If that is your proxy, start with `--trusted-proxy {proxy}`"
        )
    } else {
        format!(
            "A client is redirected to https again and again: the proxy {proxy} does not say that it came by https. Let it \
             send X-Forwarded-Proto"
        )
    }
}

/// The reason for a refusal, with the option that lifts it.
fn refusal(reason: &Refused) -> String {
    match reason {
        Refused::Protocol(Some(version)) if ["1", "2", "3"].contains(&&**version) => {
            format!(
                "the client speaks Engine.IO {version}, which is Socket.IO 2 or older; it needs socket.io-client 3 or 4, or this \
                 server `--allow-eio3`"
            )
        }
        Refused::Protocol(_) => "the request does not ask for Engine.IO 4 (EIO=4)".to_owned(),
        Refused::ForeignOrigin(origin) => {
            let origin = brief(origin);
            format!("a page from {origin} may not connect here unless `--cors-origin {origin}` allows it")
        }
        Refused::TooManySessions => "there are as many sessions as there may be; see `--max-sessions`".to_owned(),
        Refused::TooManyConnections { of_client: true } => {
            "it has as many connections as it may; see `--max-connections-per-client`".to_owned()
        }
        Refused::TooManyConnections { of_client: false } => {
            "there are as many connections as there may be; see `--max-connections`".to_owned()
        }
        Refused::TooMuchMemory => "unread and unfinished messages take up all the memory that they may".to_owned(),
        _ => "the request is refused".to_owned(),
    }
}

/// A client's text, short and without control characters.
fn brief(text: &str) -> String {
    const LONGEST: usize = 100;
    let start: String = text.chars().take(LONGEST).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", name::escape_unprintable(&start))
}

/// An address; a proxy need not say the port.
fn from(peer: SocketAddr) -> String {
    if peer.port() == 0 { peer.ip().to_string() } else { peer.to_string() }
}

/// `secure WebSocket [id …, TLSv1.3, …, from …]`.
fn details(client: &Client, how: Option<&str>) -> String {
    let transport = match client.transport {
        Transport::WebSocket => "WebSocket",
        Transport::Polling => "polling",
    };
    let secure = if client.is_secure { "secure " } else { "" };
    let namespace = if client.namespace == "/" { String::new() } else { format!(" to {}", client.namespace) };
    let how = how.map(|how| format!(", {how}")).unwrap_or_default();
    let tls = match &client.connection {
        Some(tls) => {
            let group = tls.key_exchange.as_ref().map(|group| format!(", {group}")).unwrap_or_default();
            format!("{}, {}{group}", tls.tls_version, tls.cipher_suite)
        }
        None if client.is_secure => "TLS ended before".to_owned(),
        None => "without TLS".to_owned(),
    };
    let identity = client.identity.as_ref().map(|identity| format!(", certificate of {}", brief(identity.name())));
    let identity = identity.unwrap_or_default();
    let through = client.through.map(|through| format!(" through {}", through.ip())).unwrap_or_default();
    format!(
        "{secure}{transport}{namespace} [id {}, {tls}{identity}, from {}{through}{how}]",
        client.id,
        from(client.peer)
    )
}
