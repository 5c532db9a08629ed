//! Load that clients put on a server, and its measurement.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::side::Server;

/// Number of clients that connect at once.
const CONNECTING: usize = 16;

const ECHOING: usize = 50;

/// Number of broadcasts in flight at a time.
const BROADCASTS: usize = 4;

const POLLING: usize = 20;

const IDLE: usize = 1000;

/// Payload of each event beside its number.
const TEXT: &str = "the quick brown fox jumps over it";

/// Longest wait for late packets.
const PATIENCE: Duration = Duration::from_secs(10);

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    Handshake,
    Connect,
    Echo { depth: usize },
    FanOut { listening: usize },
    Polling,
    Memory,
}

/// Result of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) figure: f64,
    /// The server's processor time per counted event, in microseconds: it depends less on the machine's other load.
    pub(crate) cost: f64,
    /// Packets that were lost or came out of order.
    pub(crate) faults: usize,
}

impl Load {
    /// Puts it on a server for a while.
    pub(crate) async fn run(self, server: &Server, span: Duration) -> Measured {
        let address = server.address;
        match self {
            Self::Handshake => repeat(server, span, move || handshake(address)).await,
            Self::Connect => repeat(server, span, move || async move { Client::join(address).await.map(drop) }).await,
            Self::Echo { depth } => echo(server, depth, span).await,
            Self::FanOut { listening } => fan_out(server, listening, span).await,
            Self::Polling => polling(server, span).await,
            Self::Memory => memory(server).await,
        }
    }
}

async fn handshake(address: SocketAddr) -> io::Result<()> {
    let body = Client::connect(address).await?.request("GET / HTTP/1.1\r\nConnection: close\r\n", "").await?;
    assert_eq!(body, "Hello, Socket.io with SSL/TLS!");
    Ok(())
}

/// Counts operations, several at once. A failed operation is a fault.
async fn repeat<F: Future<Output = io::Result<()>> + 'static>(
    server: &Server,
    span: Duration,
    act: impl Fn() -> F + Copy + 'static,
) -> Measured {
    // The first ones warm the server up.
    for _ in 0..CONNECTING {
        act().await.unwrap();
    }
    let tally = Tally::start(server);
    let actors = LocalSet::new();
    for _ in 0..CONNECTING {
        let tally = tally.clone();
        actors.spawn_local(async move {
            while tally.is_running(span) {
                match act().await {
                    Ok(()) => tally.done(1),
                    Err(_) => tally.fault(1),
                }
            }
        });
    }
    actors.await;
    tally.measured(server)
}

async fn echo(server: &Server, depth: usize, span: Duration) -> Measured {
    let mut clients = Vec::new();
    for _ in 0..ECHOING {
        clients.push(Client::join(server.address).await.unwrap());
    }
    let tally = Tally::start(server);
    let actors = LocalSet::new();
    for mut client in clients {
        let tally = tally.clone();
        actors.spawn_local(async move {
            let (mut sent, mut received) = (depth, 0);
            client.send(&(0..depth).map(|number| event("echo", number)).collect::<Vec<_>>()).await.unwrap();
            while received < sent {
                let before = received;
                let reading = client.read_packets(|packet| {
                    if packet != event("echo", received) {
                        tally.fault(1);
                    }
                    received += 1;
                    true
                });
                if !matches!(timeout(PATIENCE, reading).await, Ok(Ok(_))) {
                    return tally.fault(sent - received);
                }
                tally.done(received - before);
                if tally.is_running(span) {
                    let more: Vec<_> = (sent..sent + received - before).map(|number| event("echo", number)).collect();
                    client.send(&more).await.unwrap();
                    sent += more.len();
                }
            }
        });
    }
    actors.await;
    tally.measured(server)
}

async fn fan_out(server: &Server, listening: usize, span: Duration) -> Measured {
    let tally = Tally::start(server);
    let total = Rc::new(Cell::new(usize::MAX));
    let actors = LocalSet::new();
    for _ in 0..listening {
        let mut client = Client::join(server.address).await.unwrap();
        let (tally, total) = (tally.clone(), Rc::clone(&total));
        actors.spawn_local(async move {
            let mut received = 0;
            while received < total.get() {
                let before = received;
                let reading = client.read_packets(|packet| {
                    if packet != event("broadcast", received) {
                        tally.fault(1);
                    }
                    received += 1;
                    true
                });
                if !matches!(timeout(PATIENCE, reading).await, Ok(Ok(_))) {
                    return tally.fault(total.get() - received);
                }
                tally.done(received - before);
            }
        });
    }
    let mut sender = Client::join(server.address).await.unwrap();
    tally.restart(server);
    let sending = tally.clone();
    actors.spawn_local(async move {
        let (mut sent, mut received) = (0, 0);
        while sending.is_running(span) {
            let more: Vec<_> = (sent..received + BROADCASTS).map(|number| event("broadcast", number)).collect();
            sent += more.len();
            sender.send(&more).await.unwrap();
            let counting = |_: &str| {
                received += 1;
                true
            };
            sender.read_packets(counting).await.unwrap();
        }
        // The one more lets each listener see that it is the last.
        total.set(sent + 1);
        sender.send(&[event("broadcast", sent)]).await.unwrap();
        while received <= sent {
            let counting = |_: &str| {
                received += 1;
                true
            };
            sender.read_packets(counting).await.unwrap();
        }
    });
    actors.await;
    tally.measured(server)
}

async fn polling(server: &Server, span: Duration) -> Measured {
    let tally = Tally::start(server);
    let (address, actors) = (server.address, LocalSet::new());
    for _ in 0..POLLING {
        let tally = tally.clone();
        actors.spawn_local(async move {
            let mut client = Client::connect(address).await.unwrap();
            let path = "/socket.io/?EIO=4&transport=polling";
            let opened = client.request(&format!("GET {path} HTTP/1.1\r\n"), "").await.unwrap();
            let (_, sid) = opened.split_once("\"sid\":\"").unwrap();
            let path = format!("{path}&sid={}", sid.split_once('"').unwrap().0);
            let (get, post) = (format!("GET {path} HTTP/1.1\r\n"), format!("POST {path} HTTP/1.1\r\n"));
            assert_eq!(client.request(&post, "40").await.unwrap(), "ok");
            let mut payload = String::new();
            while !payload.contains("42[\"message\",") {
                payload = client.request(&get, "").await.unwrap();
            }
            let mut number = 0;
            while tally.is_running(span) {
                client.request(&post, &event("echo", number)).await.unwrap();
                let payload = client.request(&get, "").await.unwrap();
                tally.done(1);
                if payload != event("echo", number) {
                    tally.fault(1);
                }
                number += 1;
            }
        });
    }
    actors.await;
    tally.measured(server)
}

async fn memory(server: &Server) -> Measured {
    // The first connections take what is there once for all.
    for _ in 0..CONNECTING {
        Client::join(server.address).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    let before = server.memory();
    let mut clients = Vec::new();
    for _ in 0..IDLE {
        clients.push(Client::join(server.address).await.unwrap());
    }
    sleep(Duration::from_secs(2)).await;
    let figure = (server.memory() - before) / f64::from(u32::try_from(IDLE).unwrap());
    Measured { figure, cost: 0.0, faults: 0 }
}

fn event(name: &str, number: usize) -> String {
    format!("42[\"{name}\",{number},\"{TEXT}\"]")
}

/// Totals over all clients of a load.
#[derive(Clone)]
struct Tally(Rc<Counts>);

struct Counts {
    done: Cell<usize>,
    faults: Cell<usize>,
    start: Cell<Instant>,
    end: Cell<Instant>,
    /// The server's processor time at the start.
    processor_time: Cell<f64>,
}

impl Tally {
    fn start(server: &Server) -> Self {
        let now = Instant::now();
        Self(Rc::new(Counts {
            done: Cell::new(0),
            faults: Cell::new(0),
            start: Cell::new(now),
            end: Cell::new(now),
            processor_time: Cell::new(server.processor_time()),
        }))
    }

    /// Resets the counters after the load's preparations.
    fn restart(&self, server: &Server) {
        self.0.start.set(Instant::now());
        self.0.processor_time.set(server.processor_time());
    }

    fn is_running(&self, span: Duration) -> bool {
        self.0.start.get().elapsed() < span
    }

    fn done(&self, count: usize) {
        self.0.done.set(self.0.done.get() + count);
        self.0.end.set(Instant::now());
    }

    fn fault(&self, count: usize) {
        self.0.faults.set(self.0.faults.get() + count);
    }

    fn measured(&self, server: &Server) -> Measured {
        let done = f64::from(u32::try_from(self.0.done.get()).unwrap());
        let elapsed = self.0.end.get() - self.0.start.get();
        Measured {
            figure: done / elapsed.as_secs_f64(),
            cost: (server.processor_time() - self.0.processor_time.get()) / done,
            faults: self.0.faults.get(),
        }
    }
}
