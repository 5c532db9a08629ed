//! The link of a server to the others: publishes its clients' messages, and hears those of other servers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socketioxide_core::{Sid, Value};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, interval, sleep, timeout_at};

use super::address::Redis;
use super::connection::{Connection, Hearing, RedisError};
use super::outbox::{Outbox, Outgoing};
use super::wire::{self, Channel, Channels, Response};
use crate::net::server::budget::Share;
use crate::net::server::event::{Event, Observer};

/// A wait before Redis is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// The time between looks whether Redis still answers, and how many servers there are.
const LOOK: Duration = Duration::from_secs(5);

/// The time that other servers have to answer a question.
const ANSWER: Duration = Duration::from_secs(2);

/// The questions under way; a further one is answered for this server alone.
const MAX_QUESTIONS: usize = 1024;

/// The bytes that were heard and not yet passed on. Messages beyond are left out, and counted.
const MAX_HEARD: usize = 16 << 20;

/// Something that was heard.
pub(in crate::net::server) struct Incoming {
    pub(in crate::net::server) channel: Vec<u8>,
    pub(in crate::net::server) content: Vec<u8>,
}

/// A server's link to others.
pub(in crate::net::server) struct Link {
    redis: Redis,
    namespaces: &'static [&'static str],
    /// The id by which servers tell their own events from others'.
    server: String,
    own: Vec<u8>,
    channels: Channels,
    outbox: Outbox,
    /// The connection in use, for questions.
    current: Mutex<Option<Connection>>,
    inbox: Arc<Inbox>,
    heard: Mutex<Option<UnboundedReceiver<Incoming>>>,
    questions: Mutex<HashMap<String, UnboundedSender<Vec<String>>>>,
    observer: Observer,
}

/// Messages heard, on their way to this server's clients.
struct Inbox {
    sender: UnboundedSender<Incoming>,
    bytes: AtomicUsize,
    left_out: AtomicU64,
    is_behind: AtomicBool,
    observer: Observer,
}

impl Inbox {
    fn put(&self, channel: Vec<u8>, content: Vec<u8>) {
        let size = channel.len() + content.len();
        if self.bytes.load(Ordering::Relaxed) + size > MAX_HEARD {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            if !self.is_behind.swap(true, Ordering::Relaxed) {
                (self.observer)(&Event::RedisBehind);
            }
            return;
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        // Nobody hears it when the server has ended.
        self.sender.send(Incoming { channel, content }).ok();
    }

    fn taken(&self, incoming: &Incoming) {
        let size = incoming.channel.len() + incoming.content.len();
        if self.bytes.fetch_sub(size, Ordering::Relaxed) == size {
            self.is_behind.store(false, Ordering::Relaxed);
        }
    }
}

impl Link {
    pub(in crate::net::server) fn new(
        redis: Redis,
        namespaces: &'static [&'static str],
        observer: Observer,
    ) -> Arc<Self> {
        let server = Sid::new().to_string();
        let (sender, heard) = mpsc::unbounded_channel();
        let inbox = Inbox {
            sender,
            bytes: AtomicUsize::new(0),
            left_out: AtomicU64::new(0),
            is_behind: AtomicBool::new(false),
            observer: Arc::clone(&observer),
        };
        Arc::new(Self {
            own: wire::own_events(&server),
            channels: Channels::new(&redis.prefix),
            redis,
            namespaces,
            server,
            outbox: Outbox::default(),
            current: Mutex::default(),
            inbox: Arc::new(inbox),
            heard: Mutex::new(Some(heard)),
            questions: Mutex::default(),
            observer,
        })
    }

    /// Connects for the first time.
    pub(in crate::net::server) async fn open(&self) -> Result<Opened, RedisError> {
        let mut connection = self.connect().await?;
        // Asked for its rights, too.
        if let Some(namespace) = self.namespaces.first() {
            connection.count(&self.channels.requests(namespace)).await?;
        }
        self.outbox.open();
        Ok(Opened(connection))
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        let inbox = Arc::clone(&self.inbox);
        let hearing: Hearing = Arc::new(move |channel, content| inbox.put(channel, content));
        let others = self.channels.others(self.namespaces, &self.server);
        Connection::open(&self.redis, &self.channels.patterns(self.namespaces), &others, hearing).await
    }

    /// Publishes, and passes on messages heard until `pass_on` returns false.
    pub(in crate::net::server) async fn run(
        self: Arc<Self>,
        opened: Opened,
        pass_on: impl Fn(&Self, &Incoming) -> bool,
    ) {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        tokio::select! {
            () = self.publish(opened.0) => {}
            () = self.pass_on(heard, pass_on) => {}
        }
    }

    /// Publishes waiting messages, and connects again when the connection is lost.
    async fn publish(&self, mut connection: Connection) {
        loop {
            let error = self.publish_over(&mut connection).await;
            let since = Instant::now();
            (self.observer)(&Event::RedisLost { address: self.redis.to_string(), error });
            connection = loop {
                match self.connect().await {
                    Ok(connection) => break connection,
                    Err(_) => sleep(RETRY).await,
                }
            };
            let missed = self.outbox.open();
            (self.observer)(&Event::RedisBack { missed, away: since.elapsed() });
        }
    }

    /// Publishes until the connection is lost. Returns the reason.
    async fn publish_over(&self, connection: &mut Connection) -> RedisError {
        let mut look = interval(LOOK);
        let heard = connection.clone();
        *self.current() = Some(connection.clone());
        loop {
            let messages = tokio::select! {
                messages = self.outbox.next() => messages,
                () = heard.ended() => {
                    self.outbox.close(0);
                    return RedisError::ended();
                }
                _ = look.tick() => Vec::new(),
            };
            let sent = if messages.is_empty() {
                self.look(connection).await
            } else {
                let contents = messages.iter().map(|message| (message.channel.as_str(), message.content.as_slice()));
                connection.publish(contents).await
            };
            if let Err(error) = sent {
                self.outbox.close(messages.len());
                return error;
            }
            for message in &messages {
                (self.observer)(&Event::Published { bytes: message.content.len() });
            }
        }
    }

    async fn look(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let Some(namespace) = self.namespaces.first() else { return Ok(()) };
        let servers = connection.count(&self.channels.requests(namespace)).await?;
        (self.observer)(&Event::RedisServers(servers));
        Ok(())
    }

    async fn pass_on(&self, heard: Option<UnboundedReceiver<Incoming>>, pass_on: impl Fn(&Self, &Incoming) -> bool) {
        let Some(mut heard) = heard else { return };
        while let Some(incoming) = heard.recv().await {
            self.inbox.taken(&incoming);
            if !pass_on(self, &incoming) {
                return;
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Connection>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link that is connected.
pub(in crate::net::server) struct Opened(Connection);

/// Actions of this server's clients.
impl Link {
    /// Sends an event to the clients of other servers. Returns true if its sender had better wait.
    pub(in crate::net::server) fn emit(
        &self,
        namespace: &str,
        rooms: &[&str],
        event: &Value,
        sender: &Arc<Share>,
    ) -> bool {
        if !self.outbox.is_open() {
            self.outbox.miss();
            return false;
        }
        let Some(content) = wire::write_event(&self.own, namespace, rooms, event) else { return false };
        let charge = sender.charge(content.len());
        self.outbox.push(Outgoing { channel: self.channels.events(namespace, rooms), content, _charge: Some(charge) })
    }

    /// Waits for room in the outbox, for a while at most.
    pub(in crate::net::server) async fn wait_for_room(&self, patience: Duration) {
        self.outbox.wait_for_room(patience).await;
    }

    /// The ids of other servers' clients in these rooms, or in the namespace if none is named. Servers that do not answer
    /// in time are left out.
    pub(in crate::net::server) async fn others(&self, namespace: &str, rooms: &[String]) -> Vec<String> {
        let id = Sid::new().to_string();
        let (sender, mut answers) = mpsc::unbounded_channel();
        {
            let mut questions = self.questions();
            if !self.outbox.is_open() || questions.len() >= MAX_QUESTIONS {
                return Vec::new();
            }
            questions.insert(id.clone(), sender);
        }
        let question = Question { link: self, id };
        let until = Instant::now() + ANSWER;
        let asked = async {
            let expected = self.count(namespace).await.unwrap_or(0).saturating_sub(1);
            if expected == 0 {
                return Vec::new();
            }
            let Some(content) = wire::write_request(&self.server, &question.id, rooms) else { return Vec::new() };
            self.tell(self.channels.requests(namespace), content);
            let mut ids = Vec::new();
            for _ in 0..expected {
                let Ok(Some(some)) = timeout_at(until, answers.recv()).await else { break };
                ids.extend(some);
            }
            ids
        };
        asked.await
    }

    async fn count(&self, namespace: &str) -> Result<usize, RedisError> {
        let connection = self.current().clone();
        connection.ok_or_else(RedisError::ended)?.count(&self.channels.requests(namespace)).await
    }

    fn tell(&self, channel: String, content: Vec<u8>) {
        self.outbox.push(Outgoing { channel, content, _charge: None });
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<String, UnboundedSender<Vec<String>>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages of other servers.
impl Link {
    pub(in crate::net::server) fn channel<'a>(&self, channel: &'a str) -> Option<Channel<'a>> {
        self.channels.read(channel)
    }

    /// Decides whether an event is one of this server's own.
    pub(in crate::net::server) fn is_own(&self, content: &[u8]) -> bool {
        content.starts_with(&self.own)
    }

    /// Decides whether a request is this server's own.
    pub(in crate::net::server) fn has_asked(&self, id: &str) -> bool {
        self.questions().contains_key(id)
    }

    pub(in crate::net::server) fn respond(&self, namespace: &str, response: &Response) {
        if let Ok(content) = serde_json::to_vec(response) {
            self.tell(self.channels.responses(namespace), content);
        }
    }

    /// Takes in the answer to a question of this server's.
    pub(in crate::net::server) fn answered(&self, content: &[u8]) {
        let Ok(response) = serde_json::from_slice::<Response>(content) else { return };
        let Some(sockets) = response.sockets else { return };
        let ids = sockets.into_iter().filter_map(|id| match id {
            serde_json::Value::String(id) => Some(id),
            _ => None,
        });
        if let Some(question) = self.questions().get(&response.request_id) {
            question.send(ids.collect()).ok();
        }
    }

    pub(in crate::net::server) fn observe(&self, event: &Event) {
        (self.observer)(event);
    }
}

/// A question that is under way until this is dropped.
struct Question<'a> {
    link: &'a Link,
    id: String,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.link.questions().remove(&self.id);
    }
}
