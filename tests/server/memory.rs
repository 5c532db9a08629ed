//! Clients that make the server hold much: memory stays bounded, is given back, and another client is served meanwhile.
//!
//! The figures are those of the process, as the kernel has them.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "the figures, for `--nocapture`")]

use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::client::{Channel, Http, Polling, Tls, tls};
use crate::fixture::{PATIENCE, Running};
use crate::process::Process;

/// The most memory that the process may ever use, in MB.
const MOST: u64 = 200;

/// The memory that it may keep when the clients have gone, in MB.
const KEPT: u64 = 100;

/// The time within which another client is answered, nine times of ten. A debug build takes ten times as long to unmask
/// a large message, and shares the processor with other tests: there, another client is to be served at all.
const PROMPT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 50 });

/// Held by each test that measures how another client is served: one at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A client that echoes while others misbehave.
struct Bystander {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    async fn join(server: &Process) -> Self {
        let mut channel = Channel::join(server.address).await;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut waits = Vec::new();
            while stopped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty) {
                let start = Instant::now();
                channel.send("42[\"echo\",\"still here\"]").await;
                while !channel.next().await.contains("still here") {}
                waits.push(start.elapsed());
                sleep(Duration::from_millis(5)).await;
            }
            waits
        });
        Self { stop, task }
    }

    async fn was_served(self) {
        drop(self.stop);
        let mut waits = self.task.await.unwrap();
        waits.sort_unstable();
        let (slow, slowest) = (waits[waits.len() * 9 / 10], waits[waits.len() - 1]);
        assert!(slow < PROMPT, "{} echoes, of which one in ten took {slow:?} and one {slowest:?}", waits.len());
    }
}

/// Checks the figures of a server whose clients have gone.
async fn check(server: &Process, bystander: Bystander) {
    let peak = server.peak();
    bystander.was_served().await;
    assert!(peak < MOST, "{peak} MB at the most");
    let start = Instant::now();
    while server.memory() >= KEPT && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(100)).await;
    }
    let kept = server.memory();
    assert!(kept < KEPT, "{kept} MB are kept");
    println!("{peak} MB at the most, {kept} MB kept");
}

/// A connection with a WebSocket to write frames to by hand.
async fn raw_websocket(server: &Process) -> Tls {
    let mut stream = tls(server.address, &["http/1.1"]).await;
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&frame(0x81, b"40")).await.unwrap();
    stream
}

/// A frame whose mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65_536 => {
            frame.push(0xfe);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Writes as much as the server takes, until it has taken nothing for half a second or ends the connection.
async fn flood(stream: &mut Tls, bytes: &[u8], times: usize) {
    for _ in 0..times {
        match timeout(Duration::from_millis(500), stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
    timeout(Duration::from_millis(500), stream.flush()).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_that_nobody_reads_took_gigabytes() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let message = frame(0x81, format!("42[\"echo\",\"{}\"]", "x".repeat(990_000)).as_bytes());
    let mut clients = JoinSet::new();
    for _ in 0..40 {
        let (mut stream, message) = (raw_websocket(&server).await, message.clone());
        clients.spawn(async move {
            flood(&mut stream, &message, 100).await;
            stream
        });
    }
    let held = clients.join_all().await;
    server.logs("the client held too much of the server's memory");
    drop(held);
    check(&server, bystander).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcasts_to_stopped_readers_took_gigabytes() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let stopped = [Channel::join(server.address).await, Channel::join(server.address).await];
    // It never polls.
    let silent = Polling::join(server.address).await;
    let mut sender = Channel::join(server.address).await;
    let packet = format!("42[\"broadcast\",\"{}\"]", "x".repeat(900_000));
    for _ in 0..100 {
        sender.send(&packet).await;
        assert_eq!(sender.next().await.len(), packet.len());
    }
    for _ in 0..3 {
        server.logs("the client did not read what was sent to it");
    }
    drop((stopped, silent));
    check(&server, bystander).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_that_do_not_all_come_took_ten_megabytes_a_client() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let attachment = frame(0x82, &vec![7; 900_000]);
    let event = frame(0x81, b"451000-[\"echo\",{\"_placeholder\":true,\"num\":0}]");
    let mut clients = JoinSet::new();
    for _ in 0..60 {
        let (mut stream, event, attachment) = (raw_websocket(&server).await, event.clone(), attachment.clone());
        clients.spawn(async move {
            flood(&mut stream, &event, 1).await;
            flood(&mut stream, &attachment, 10).await;
            stream
        });
    }
    let held = clients.join_all().await;
    server.logs("the client held too much of the server's memory");
    drop(held);
    check(&server, bystander).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragments_and_bodies_without_an_end_have_a_budget() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let (fragment, more) = (frame(0x01, &vec![b'4'; 90_000]), frame(0x00, &vec![b'x'; 90_000]));
    let mut clients = JoinSet::new();
    for _ in 0..120 {
        let (mut stream, fragment, more) = (raw_websocket(&server).await, fragment.clone(), more.clone());
        clients.spawn(async move {
            flood(&mut stream, &fragment, 1).await;
            flood(&mut stream, &more, 9).await;
            stream
        });
    }
    for _ in 0..120 {
        let session = Polling::open(server.address).await;
        let mut stream = tls(server.address, &["http/1.1"]).await;
        clients.spawn(async move {
            let piece = vec![b'4'; 90_000];
            let head = format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", session.path);
            stream.write_all(head.as_bytes()).await.unwrap();
            flood(&mut stream, &piece, 11).await;
            stream
        });
    }
    let held = clients.join_all().await;
    server.logs("the client held too much of the server's memory");
    drop(held);
    check(&server, bystander).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_join_nothing_have_a_limit() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let mut http = Http::connect(server.address).await;
        opening.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..600 {
                answers.push(http.get("/socket.io/?EIO=4&transport=polling").await.status);
            }
            answers
        });
    }
    let answers = opening.join_all().await.concat();
    let opened = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(opened, 4095, "and the bystander's");
    assert!(answers.iter().all(|status| [200, 503].contains(status)));
    server.logs("there are as many sessions as there may be; see `--max-sessions`");
    check(&server, bystander).await;
}

/// An HTTP/2 connection that lets no answer through.
async fn shut_window(server: std::net::SocketAddr) -> http2::SendRequest<Empty<Bytes>> {
    let io = TokioIo::new(tls(server, &["h2"]).await);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.initial_stream_window_size(0).handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_limit_take_the_place_of_idle_ones() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let mut idle = Vec::new();
    for _ in 0..4500 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(server.logs("connections"), "There are very many connections: those that are idle longest are closed");
    assert_eq!(Http::connect(server.address).await.get("/demo.css").await.status, 200);
    assert_eq!(timeout(PATIENCE, idle[0].read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    drop(idle);
    check(&server, bystander).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_library_was_inflated_for_each_who_did_not_take_it() {
    let _alone = ALONE.lock().await;
    let mut server = Process::start("");
    let bystander = Bystander::join(&server).await;
    let mut held = Vec::new();
    for _ in 0..60 {
        let mut sender = shut_window(server.address).await;
        let asked = (0..100).map(|_| {
            sender
                .send_request(Request::get("https://localhost/socket.io/socket.io.js.map").body(Empty::new()).unwrap())
        });
        // A connection may be cut off meanwhile.
        let answers = futures_util::future::join_all(asked.collect::<Vec<_>>()).await;
        held.push((answers, sender));
    }
    assert!(server.logs("A client").ends_with("the client did not read what was sent to it"));
    let alive = held.iter().flat_map(|(answers, _)| answers).flatten();
    assert!(alive.clone().count() > 500 && alive.into_iter().all(|answer| answer.status() == StatusCode::OK));
    drop(held);
    check(&server, bystander).await;
}

#[tokio::test]
async fn answers_that_wait_for_a_window_have_a_deadline() {
    let mut server = Running::start(|config| config.limits.write = Duration::from_millis(300)).await;
    let mut sender = shut_window(server.address).await;
    let request = Request::get("https://localhost/demo.css").body(Empty::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert!(server.event("Dropped").await.ends_with("reason: Overflowed }"));
    assert!(timeout(PATIENCE, http_body_util::BodyExt::collect(answer.into_body())).await.unwrap().is_err());
}

#[tokio::test]
async fn small_answers_in_a_window_of_one_octet_have_a_deadline() {
    let mut server = Running::start(|config| config.limits.write = Duration::from_millis(300)).await;
    let io = TokioIo::new(tls(server.address, &["h2"]).await);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.initial_stream_window_size(1).handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/demo.css").body(Empty::<Bytes>::new()).unwrap();
    let _answer = sender.send_request(request).await.unwrap();
    assert!(server.event("Dropped").await.ends_with("reason: Overflowed }"));
}

#[tokio::test]
async fn an_answer_over_http1_that_is_not_read_has_a_deadline() {
    let mut server = Running::start(|config| config.limits.write = Duration::from_millis(300)).await;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    let request = "GET /socket.io/socket.io.js.map HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(server.event("Dropped").await.ends_with("reason: Overflowed }"));
}
