//! Sends hellos, a few at a time, and reports the answer to each.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::flight::{Flight, ServerHello, is_ssl2};
use super::hello::Hello;
use super::version::Version;
use crate::net::probe::{Refusal, Starttls};
use crate::net::tls::alert_name;

/// Connections that are open at once: development servers and `openssl s_server` take few.
const AT_ONCE: u32 = 4;

/// The longest answer that is read: a long chain of large certificates is a tenth of it.
const LONGEST: usize = 256 * 1024;

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// A ServerHello or HelloRetryRequest, and the messages after it.
    Hello(Box<Flight>, ServerHello),
    /// A SERVER-HELLO of SSL 2.0.
    Ssl2,
    /// A fatal alert.
    Alert(u8),
    /// The connection was closed without a word.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing that can be read came in time.
    TimedOut,
    /// The octets are no TLS.
    NotTls(Vec<u8>),
    /// No connection was made.
    Unreachable(io::ErrorKind),
}

impl Answer {
    /// Decides whether the server refused, as opposed to saying nothing that can be understood.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Alert(_) | Self::Closed | Self::Reset)
    }

    /// The answer if it is a hello.
    pub(super) fn hello(&self) -> Option<(&Flight, &ServerHello)> {
        if let Self::Hello(flight, hello) = self { Some((flight, hello)) } else { None }
    }

    /// The answer in a few words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Hello(_, hello) if hello.is_retry() => format!("HelloRetryRequest, {}", hello.suite),
            Self::Hello(_, hello) => {
                let version = Version::of(hello.version).map_or("an unknown version", Version::name);
                format!("ServerHello, {version}, {}", hello.suite)
            }
            Self::Ssl2 => "SERVER-HELLO of SSL 2.0".to_owned(),
            Self::Alert(description) => format!("alert {}", alert_name(*description)),
            Self::Closed => "connection closed".to_owned(),
            Self::Reset => "connection reset".to_owned(),
            Self::TimedOut => "no answer".to_owned(),
            Self::NotTls(octets) => format!("no TLS: {}", shown(octets)),
            Self::Unreachable(kind) => format!("no connection: {kind}"),
        }
    }
}

/// The beginning of an answer that is not TLS, printable.
pub(super) fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets.get(..octets.len().min(60)).unwrap_or_default()).into_owned();
    let line = text.lines().next().unwrap_or_default();
    format!("`{}`", crate::x509::name::escape_unprintable(line))
}

/// Asks one address of a server.
#[derive(Debug)]
pub(super) struct Prober {
    address: SocketAddr,
    limit: Duration,
    permits: Semaphore,
    deadline: Instant,
    opening: Option<Opening>,
    /// Hellos that got no answer in time.
    unanswered: AtomicU32,
    has_answered: AtomicBool,
}

/// The words in the clear behind which TLS begins, and the host that they name.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) protocol: Starttls,
    pub(super) host: String,
}

/// Connects, and makes the server begin TLS.
pub(super) async fn connect(address: SocketAddr, opening: Option<&Opening>) -> io::Result<TcpStream> {
    let mut tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true).ok();
    if let Some(Opening { protocol, host }) = opening {
        protocol.begin(&mut tcp, host).await.map_err(|refusal| match refusal {
            Refusal::Broken(error) => error,
            Refusal::Said(said) => io::Error::other(said),
        })?;
    }
    Ok(tcp)
}

impl Prober {
    /// A prober whose connections take up to `limit` each, and none longer than until `deadline`.
    pub(super) fn new(address: SocketAddr, limit: Duration, deadline: Instant) -> Self {
        Self {
            address,
            limit,
            permits: Semaphore::new(AT_ONCE as usize),
            deadline,
            opening: None,
            unanswered: AtomicU32::new(0),
            has_answered: AtomicBool::new(false),
        }
    }

    /// The same for a server whose connections begin in the clear.
    pub(super) fn opened_by(self, opening: Option<Opening>) -> Self {
        Self { opening, ..self }
    }

    /// Sends a hello. A server that is busy with the other connections is asked once more when they have ended; one that
    /// answers nothing at all is not asked again.
    pub(super) async fn ask(&self, hello: &Hello) -> Answer {
        let octets = Hello { random: random(), ..hello.clone() }.octets();
        let answer = self.exchange(&octets, 1).await;
        if !matches!(answer, Answer::TimedOut) {
            self.has_answered.store(true, Ordering::Relaxed);
            return answer;
        }
        if self.is_silent() { answer } else { self.exchange(&octets, AT_ONCE).await }
    }

    /// Decides whether time-outs are all that came of this server so far.
    fn has_said_nothing(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) > 0 && !self.has_answered.load(Ordering::Relaxed)
    }

    /// Decides whether none of the first connections that were open at once got an answer.
    fn is_silent(&self) -> bool {
        self.has_said_nothing() && self.unanswered.load(Ordering::Relaxed) >= AT_ONCE
    }

    /// Connects for a conversation of several answers.
    pub(super) async fn open(&self) -> Option<(SemaphorePermit<'_>, TcpStream)> {
        let permit = self.permits.acquire().await.ok()?;
        let tcp = timeout_at(self.until(), connect(self.address, self.opening.as_ref())).await.ok()?.ok()?;
        Some((permit, tcp))
    }

    /// Sends octets other than a hello, and returns the answer up to where the server waits or closes.
    pub(super) async fn say(&self, octets: &[u8]) -> Vec<u8> {
        let _permit = self.permits.acquire().await;
        let until = self.until();
        let said = async {
            let mut tcp = TcpStream::connect(self.address).await?;
            tcp.write_all(octets).await?;
            let mut read = vec![0; 4_096];
            let length = tcp.read(&mut read).await?;
            read.truncate(length);
            Ok::<_, io::Error>(read)
        };
        timeout_at(until, said).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Connects and sends nothing: returns the server's first octets, empty if the server closes; `None` if it waits.
    pub(super) async fn watch(&self, span: Duration) -> Option<Vec<u8>> {
        let _permit = self.permits.acquire().await;
        let watched = async {
            let mut tcp = TcpStream::connect(self.address).await.ok()?;
            let mut read = vec![0; 256];
            let length = tcp.read(&mut read).await.unwrap_or(0);
            read.truncate(length);
            Some(read)
        };
        timeout_at(Instant::now() + span, watched).await.ok().flatten()
    }

    /// The end of the time for an answer that is waited for from now on.
    pub(super) fn until(&self) -> Instant {
        (Instant::now() + self.limit).min(self.deadline)
    }

    async fn exchange(&self, octets: &[u8], permits: u32) -> Answer {
        let mut held = self.permits.acquire_many(permits).await;
        if self.has_said_nothing() {
            // Those that are under way tell more about the server.
            drop(held);
            held = self.permits.acquire_many(AT_ONCE).await;
            if self.is_silent() {
                return Answer::TimedOut;
            }
        }
        let until = self.until();
        let mut received = Vec::new();
        match timeout_at(until, exchange((self.address, self.opening.as_ref()), octets, &mut received)).await {
            Ok(Ok(())) => answer(&received, Answer::Closed),
            Ok(Err(Failed::Connecting(error))) => Answer::Unreachable(error.kind()),
            Ok(Err(Failed::Talking)) => answer(&received, Answer::Reset),
            Err(_) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                drop(held);
                answer(&received, Answer::TimedOut)
            }
        }
    }
}

enum Failed {
    Connecting(io::Error),
    Talking,
}

async fn exchange(
    (address, opening): (SocketAddr, Option<&Opening>),
    octets: &[u8],
    received: &mut Vec<u8>,
) -> Result<(), Failed> {
    let mut tcp = connect(address, opening).await.map_err(Failed::Connecting)?;
    // A server may refuse before it has read all.
    let sent = tcp.write_all(octets).await;
    let mut buffer = vec![0; 8_192];
    while received.len() < LONGEST {
        let length = tcp.read(&mut buffer).await.map_err(|_error| Failed::Talking)?;
        if length == 0 {
            return sent.map_err(|_error| Failed::Talking);
        }
        received.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if is_whole(received) {
            break;
        }
    }
    // The server is told that this is over, with the alert user_canceled, and waits for nothing.
    let _ = tcp.write_all(&[21, 3, 1, 0, 2, 2, 90]).await;
    Ok(())
}

/// Decides whether nothing more has to be waited for.
fn is_whole(received: &[u8]) -> bool {
    let is_record = received.first().is_none_or(|kind| (20..=23).contains(kind));
    if !is_record {
        return received.len() >= 16;
    }
    let flight = Flight::read(received);
    flight.is_done || flight.alert.is_some()
}

fn answer(received: &[u8], otherwise: Answer) -> Answer {
    let flight = Flight::read(received);
    match (flight.hello.clone(), flight.alert) {
        (Some(hello), _) => Answer::Hello(Box::new(flight), hello),
        (None, Some(alert)) => Answer::Alert(alert),
        (None, None) if is_ssl2(received) => Answer::Ssl2,
        (None, None) => match received.first() {
            // A record that is not whole, or a message of SSL 2.0.
            None | Some(20..=23 | 0x80..) => otherwise,
            Some(_) => Answer::NotTls(received.to_vec()),
        },
    }
}

/// A random value for a hello; nothing depends on its being unguessable.
fn random() -> [u8; 32] {
    let mut random = [0; 32];
    // Without the system's random source, zeros do as well.
    let _ = aws_lc_rs::rand::fill(&mut random);
    random
}
