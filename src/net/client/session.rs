//! An Engine.IO session: opened by polling or over a WebSocket, upgraded from the one to the other.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tungstenite::Message;
use tungstenite::error::Error as WebSocketError;

use super::dial::Dialer;
use super::frames::NoFrame;
use super::http::{Answer, Answered, Request, Unanswered};
use super::websocket::{self, NoWebSocket, WebSocket};
use crate::net::engine_io::{Open, Packet};

/// A transport of Engine.IO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Long-polling.
    Polling,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// As in a query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// Is called with each packet: true if it was sent, the packet as text, its transport.
pub(crate) type Trace = Arc<dyn Fn(bool, &str, Transport) + Send + Sync>;

/// An Engine.IO server as a client asks it.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) dialer: Dialer,
    /// As in `/socket.io/`.
    pub(crate) path: String,
    /// Parameters of the query beside Engine.IO's own, escaped.
    pub(crate) query: String,
    /// Header fields of each request.
    pub(crate) fields: HeaderMap,
    pub(crate) trace: Option<Trace>,
}

/// Reason why a session is over, or did not begin.
#[derive(Debug)]
pub(crate) enum Lost {
    /// A request of polling got no answer.
    Unanswered(Unanswered),
    /// A request of polling was refused.
    Refused(Answer),
    /// A message is not a packet.
    Malformed(String),
    /// The server closed the WebSocket with this code and reason.
    Closed(Option<u16>, String),
    /// The connection ended without a close frame.
    Cut(String),
    /// The server closed the session.
    Ended,
    /// The octets are not frames of WebSocket.
    NoFrames(String),
    /// Nothing came in time.
    Timeout,
}

/// Reason why a session was not upgraded.
#[derive(Debug)]
pub(crate) enum NotUpgraded {
    Handshake(NoWebSocket),
    /// The probe got a wrong answer.
    Probe(Lost),
    /// The session was lost meanwhile.
    Session(Lost),
}

impl Server {
    /// The target of a request.
    pub(crate) fn target(&self, transport: Transport, sid: Option<&str>) -> String {
        let more = if self.query.is_empty() { String::new() } else { format!("&{}", self.query) };
        let sid = sid.map(|sid| format!("&sid={}", escaped(sid))).unwrap_or_default();
        format!("{}?EIO=4&transport={}{sid}{more}", self.path, transport.name())
    }

    /// The request that opens a session by polling.
    pub(crate) fn opening(&self) -> Request {
        Request::get(self.target(Transport::Polling, None), self.fields.clone())
    }

    /// Asks for packets, or brings some.
    pub(crate) async fn exchange(&self, sid: &str, payload: Option<String>, limit: Duration) -> Result<Answer, Lost> {
        let mut request = Request::get(self.target(Transport::Polling, Some(sid)), self.fields.clone());
        if let Some(payload) = payload {
            request.method = Method::POST;
            request.body = payload;
            request.fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
        }
        match request.send_within(&self.dialer, limit).await {
            Ok(Answered::Answer(answer)) if answer.status.is_success() => Ok(answer),
            Ok(Answered::Answer(answer) | Answered::Switched(answer, ..)) => Err(Lost::Refused(answer)),
            Err(unanswered) => Err(Lost::Unanswered(unanswered)),
        }
    }

    /// Polls once.
    pub(crate) async fn poll(&self, sid: &str, limit: Duration) -> Result<Vec<Packet>, Lost> {
        let answer = self.exchange(sid, None, limit).await?;
        let text = answer.text();
        let packets = Packet::read_all(&text).ok_or_else(|| Lost::Malformed(answer.words()))?;
        for packet in &packets {
            self.traced(false, packet, Transport::Polling);
        }
        Ok(packets)
    }

    fn traced(&self, is_sent: bool, packet: &Packet, transport: Transport) {
        if let Some(trace) = &self.trace {
            trace(is_sent, &packet.text(), transport);
        }
    }

    /// Adds cookies to each request.
    pub(crate) fn with_cookies(&self, cookies: &str) -> Self {
        let mut server = self.clone();
        let own = server.fields.get(COOKIE).and_then(|own| own.to_str().ok());
        let all = own.map_or_else(|| cookies.to_owned(), |own| format!("{own}; {cookies}"));
        if let Ok(all) = HeaderValue::from_str(&all) {
            server.fields.insert(COOKIE, all);
        }
        server
    }
}

/// A session identifier for a query; those of servers need no escapes.
fn escaped(sid: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    sid.chars().filter(|c| is_plain(*c)).collect()
}

/// A session.
pub(crate) struct Session {
    pub(crate) server: Server,
    pub(crate) open: Open,
    /// Time at which something came last.
    pub(crate) heard: Instant,
    waiting: VecDeque<Packet>,
    way: Way,
}

enum Way {
    Polling(Option<JoinHandle<Result<Vec<Packet>, Lost>>>),
    WebSocket(Box<WebSocket>),
}

impl Session {
    /// A session that was opened by polling; `rest` came behind the open packet.
    pub(crate) fn polling(server: Server, open: Open, rest: Vec<Packet>) -> Self {
        Self { server, open, heard: Instant::now(), waiting: rest.into(), way: Way::Polling(None) }
    }

    /// Waits for the open packet on a WebSocket.
    pub(crate) async fn websocket(server: Server, mut socket: WebSocket) -> Result<Self, Lost> {
        let until = Instant::now() + server.dialer.limit;
        let first = timeout_at(until, receive(&server, &mut socket)).await.map_err(|_elapsed| Lost::Timeout)??;
        let Packet::Open(content) = first else { return Err(Lost::Malformed(first.text())) };
        let open = Open::read(&content).ok_or(Lost::Malformed(content))?;
        let way = Way::WebSocket(Box::new(socket));
        Ok(Self { server, open, heard: Instant::now(), waiting: VecDeque::new(), way })
    }

    pub(crate) fn transport(&self) -> Transport {
        match self.way {
            Way::Polling(_) => Transport::Polling,
            Way::WebSocket(_) => Transport::WebSocket,
        }
    }

    /// The time for which the server may be silent.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.open.ping_interval.saturating_add(self.open.ping_timeout))
    }

    /// Sends packets.
    pub(crate) async fn send(&mut self, packets: &[Packet]) -> Result<(), Lost> {
        for packet in packets {
            self.server.traced(true, packet, self.transport());
        }
        match &mut self.way {
            Way::Polling(_) => {
                let payload = Packet::payload(packets);
                let limit = self.server.dialer.limit;
                self.server.exchange(&self.open.sid, Some(payload), limit).await.map(drop)
            }
            Way::WebSocket(socket) => {
                for packet in packets {
                    socket.feed(message(packet)).await.map_err(lost)?;
                }
                socket.flush().await.map_err(lost)
            }
        }
    }

    /// The next packet; pings are answered on the way, and given out as well. It may be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Packet, Lost> {
        let packet = loop {
            if let Some(packet) = self.waiting.pop_front() {
                break packet;
            }
            match &mut self.way {
                Way::Polling(poll) => {
                    let task = poll.get_or_insert_with(|| start_poll(&self.server, &self.open));
                    let packets = task.await.unwrap_or(Err(Lost::Ended));
                    *poll = None;
                    self.waiting.extend(packets?);
                }
                Way::WebSocket(socket) => break receive(&self.server, socket).await?,
            }
            self.heard = Instant::now();
        };
        self.heard = Instant::now();
        match &packet {
            Packet::Ping(content) => self.send(&[Packet::Pong(content.clone())]).await?,
            Packet::Close => return Err(Lost::Ended),
            _ => {}
        }
        Ok(packet)
    }

    /// Upgrades to a WebSocket while a poll is under way, as Node's client does. The session goes on if it fails, or is
    /// not answered within `patience`.
    pub(crate) async fn upgrade(&mut self, patience: Duration) -> Result<(), NotUpgraded> {
        if let Way::Polling(poll) = &mut self.way {
            poll.get_or_insert_with(|| start_poll(&self.server, &self.open));
        }
        let target = self.server.target(Transport::WebSocket, Some(&self.open.sid));
        let limit = patience.min(self.server.dialer.limit);
        let dialer = Dialer { limit, ..self.server.dialer.clone() };
        let opened = websocket::open(&dialer, &target, self.server.fields.clone()).await;
        let mut socket = opened.map_err(NotUpgraded::Handshake)?;
        let probed = timeout_at(Instant::now() + limit, probe(&self.server, &mut socket)).await;
        probed.unwrap_or(Err(Lost::Timeout)).map_err(NotUpgraded::Probe)?;
        // The server answers the poll that is under way, and what comes with it still counts.
        if let Way::Polling(Some(poll)) = &mut self.way
            && let Ok(ended) = timeout_at(Instant::now() + limit, poll).await
        {
            let packets = ended.unwrap_or(Err(Lost::Ended)).map_err(NotUpgraded::Session)?;
            self.waiting.extend(packets.into_iter().filter(|packet| *packet != Packet::Noop));
        }
        self.server.traced(true, &Packet::Upgrade, Transport::WebSocket);
        socket.send(message(&Packet::Upgrade)).await.map_err(|error| NotUpgraded::Session(lost(error)))?;
        self.way = Way::WebSocket(Box::new(socket));
        Ok(())
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        let limit = Duration::from_millis(100).min(self.server.dialer.limit);
        let goodbye = async {
            let _ = self.send(&[Packet::Close]).await;
            if let Way::WebSocket(socket) = &mut self.way {
                let _ = WebSocket::close(socket.as_mut(), None).await;
            }
        };
        // The server loses nothing if it does not hear it.
        let _ = timeout_at(Instant::now() + limit, goodbye).await;
        if let Way::Polling(Some(poll)) = &self.way {
            poll.abort();
        }
    }
}

fn start_poll(server: &Server, open: &Open) -> JoinHandle<Result<Vec<Packet>, Lost>> {
    let (server, sid) = (server.clone(), open.sid.clone());
    // A server that misses its own ping is found out by whoever waits, so that nothing here decides on it.
    let patience = Duration::from_millis(open.ping_interval.saturating_add(open.ping_timeout));
    let limit = (server.dialer.limit + patience).min(Duration::from_hours(24));
    tokio::spawn(async move { server.poll(&sid, limit).await })
}

/// Sends `2probe` and waits for `3probe`.
async fn probe(server: &Server, socket: &mut WebSocket) -> Result<(), Lost> {
    let ping = Packet::Ping("probe".to_owned());
    server.traced(true, &ping, Transport::WebSocket);
    socket.send(message(&ping)).await.map_err(lost)?;
    match receive(server, socket).await? {
        Packet::Pong(content) if content == "probe" => Ok(()),
        other => Err(Lost::Malformed(other.text())),
    }
}

fn message(packet: &Packet) -> Message {
    match packet {
        Packet::Binary(octets) => Message::binary(octets.clone()),
        other => Message::text(other.text()),
    }
}

/// The next packet on a WebSocket.
async fn receive(server: &Server, socket: &mut WebSocket) -> Result<Packet, Lost> {
    loop {
        let packet = match socket.next().await {
            None => return Err(Lost::Cut("the connection ends".to_owned())),
            Some(Err(error)) => return Err(lost(error)),
            Some(Ok(Message::Text(text))) => {
                Packet::read(text.as_str()).ok_or_else(|| Lost::Malformed(text.chars().take(100).collect()))?
            }
            Some(Ok(Message::Binary(octets))) => Packet::Binary(octets.to_vec()),
            Some(Ok(Message::Close(frame))) => {
                let code = frame.as_ref().map(|frame| u16::from(frame.code));
                return Err(Lost::Closed(code, frame.map(|frame| frame.reason.to_string()).unwrap_or_default()));
            }
            Some(Ok(_)) => continue,
        };
        server.traced(false, &packet, Transport::WebSocket);
        return Ok(packet);
    }
}

fn lost(error: WebSocketError) -> Lost {
    match error {
        WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => Lost::Closed(None, String::new()),
        WebSocketError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            Lost::Cut("the connection ends without a close frame".to_owned())
        }
        WebSocketError::Protocol(error) => Lost::NoFrames(error.to_string()),
        WebSocketError::Utf8(error) => Lost::NoFrames(error),
        WebSocketError::Io(error)
            if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<NoFrame>) =>
        {
            Lost::NoFrames(error.to_string())
        }
        // A server that ends without TLS's close_notify, as one that is killed.
        WebSocketError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Lost::Cut("the connection ends without a close frame".to_owned())
        }
        other => Lost::Cut(other.to_string()),
    }
}
