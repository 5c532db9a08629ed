//! Hours of use in short: clients that come and go, echo, broadcast and poll, and memory that stays flat.
//!
//! `SECURE_IO_SOAK` is the time in seconds; `just soak` makes it an hour.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "the figures, for `--nocapture`")]

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Channel, Http, Polling};
use crate::process::Process;

/// Enough for the allocator to have reached its plateau twice over.
const SHORT: Duration = Duration::from_secs(15);

/// The growth that is no leak, in MB: a debug build's allocator keeps what the busiest moment took.
const FLAT: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_while_clients_come_and_go() {
    let asked = std::env::var("SECURE_IO_SOAK").ok().and_then(|seconds| seconds.parse().ok());
    let span = asked.map_or(SHORT, Duration::from_secs);
    let server = Process::start("--max-sessions 8192");
    let (address, start) = (server.address, Instant::now());
    let is_running = move || start.elapsed() < span;
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        clients.spawn(async move {
            while is_running() {
                let mut channel = Channel::join(address).await;
                channel.send("421[\"join\",\"soak\"]").await;
                for number in 0..20 {
                    channel.send(&format!("42[\"echo\",{number},\"{}\"]", "x".repeat(number * 50))).await;
                    channel.send("42[\"room\",\"soak\",1]").await;
                }
                while !channel.next().await.contains("\"echo\",19") {}
            }
        });
        clients.spawn(async move {
            while is_running() {
                let mut session = Polling::join(address).await;
                session.send("42[\"echo\",1]\u{1e}42[\"broadcast\",2]").await;
                while !session.next().await.contains("echo") {}
                session.post("1").await;
            }
        });
        clients.spawn(async move {
            while is_running() {
                assert_eq!(Http::connect(address).await.get("/").await.status, 200);
                assert_eq!(Http::connect_http2(address).await.get("/healthz").await.status, 200);
            }
        });
    }
    sleep(span / 2).await;
    let half = server.memory();
    while clients.join_next().await.transpose().unwrap().is_some() {}
    let end = server.memory();
    println!("after {:?}: {half} MB at half time, {end} MB at the end, {} MB at most", span, server.peak());
    assert!(end <= half + FLAT, "{half} MB at half time, {end} MB at the end");
}
