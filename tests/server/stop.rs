//! A server that is told to stop says goodbye.

use std::time::{Duration, Instant};

use secure_io::server::Limits;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Channel, Http, Polling, tls};
use crate::fixture::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_and_nobody_is_waited_for() {
    let mut server = Running::demo().await;
    let mut channel = Channel::join(server.address).await;
    let mut unjoined = Channel::open(server.address).await;
    let mut polling = Polling::join(server.address).await;
    let poll = tokio::spawn(async move { polling.poll().await.text().to_owned() });
    let _idle = (Http::connect(server.address).await, tls(server.address, &["h2"]).await);
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    server.stop();
    let rest = channel.rest().await;
    assert!(matches!(&rest[..], [Message::Text(packet), Message::Close(_)] if *packet == "1"), "{rest:?}");
    assert!(matches!(&unjoined.rest().await[..], [.., Message::Close(_)]));
    assert_eq!(poll.await.unwrap(), "1");
    server.ended().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(server.events("disconnected the server is stopping").len(), 2);
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_left_at_the_deadline() {
    let mut server = Running::start(|config| {
        config.limits = Limits { shutdown: Duration::from_millis(300), ..Limits::default() };
    })
    .await;
    let stuck = Channel::join(server.address).await;
    let mut sender = Channel::join(server.address).await;
    let filler = "x".repeat(100_000);
    for _ in 0..200 {
        sender.send(&format!("42[\"broadcast\",\"{filler}\"]")).await;
        sender.next().await;
    }
    server.stop();
    server.ended().await;
    drop(stuck);
}
