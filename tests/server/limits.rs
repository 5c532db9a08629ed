//! Nobody takes up the server's time or memory for longer than a deadline.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::client::{Channel, Polling, tls};
use crate::fixture::{PATIENCE, Running};
use crate::process::Process;

/// Waits until the server ends a connection; what it says before is returned.
async fn ended(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut said = Vec::new();
    // A reset is an end, too.
    timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it was left open").ok();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_dropped_while_others_are_served() {
    let server = Running::impatient().await;
    let mut client = Channel::join(server.address).await;
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
        client.send("42[\"echo\",1]").await;
        assert_eq!(client.next().await, "42[\"echo\",1]");
    }
    for tcp in &mut silent {
        assert_eq!(ended(tcp).await, "");
    }
    client.send("42[\"echo\",2]").await;
    assert_eq!(client.next().await, "42[\"echo\",2]");
}

#[tokio::test]
async fn half_a_handshake_is_not_waited_for() {
    let mut server = Running::impatient().await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    // The header of a record that does not come.
    tcp.write_all(&[0x16, 3, 1, 2, 0]).await.unwrap();
    ended(&mut tcp).await;
    assert!(server.event("handshake failed").await.contains("no TLS handshake in time"));
}

#[tokio::test]
async fn half_a_plaintext_request_is_not_waited_for() {
    let server = Running::impatient().await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(ended(&mut tcp).await, "");
}

#[tokio::test]
async fn a_request_that_drips_in_is_not_waited_for() {
    let server = Running::impatient().await;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let start = Instant::now();
    let drip = tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(20));
        while writer.write_all(b"x").await.is_ok() && writer.flush().await.is_ok() {
            tick.tick().await;
        }
    });
    ended(&mut reader).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    drip.abort();
}

#[tokio::test]
async fn http2_without_a_request_is_not_waited_for() {
    let server = Running::impatient().await;
    for preface in
        [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"]
    {
        let mut stream = tls(server.address, &["h2"]).await;
        stream.write_all(preface).await.unwrap();
        ended(&mut stream).await;
    }
}

#[tokio::test]
async fn a_body_that_drips_in_is_answered_with_408() {
    let server = Running::impatient().await;
    let session = Polling::open(server.address).await;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    let head = format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n4", session.path);
    stream.write_all(head.as_bytes()).await.unwrap();
    let said = ended(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}

#[tokio::test]
async fn a_poll_is_waited_for_longer_than_any_deadline() {
    let server = Running::impatient().await;
    let mut session = Polling::join(server.address).await;
    let mut sender = Channel::join(server.address).await;
    let poll = tokio::spawn(async move { session.next().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    sender.send("42[\"broadcast\",\"late\"]").await;
    assert_eq!(poll.await.unwrap(), "42[\"broadcast\",\"late\"]");
}

#[tokio::test]
async fn large_heads_are_refused() {
    let server = Running::demo().await;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    stream.write_all(head.as_bytes()).await.unwrap();
    let said = ended(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
}

/// RFC 9112 section 9.6: a connection that is closed with octets unread is reset, and takes the answer with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_still_sends_gets_its_refusal() {
    let server = Running::demo().await;
    let long = "x".repeat(1 << 20);
    let body = long.len();
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: {body}\r\n\r\n{long}"), 400),
        (format!("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body}\r\n\r\n{long}"), 404),
    ] {
        let mut stream = tls(server.address, &["http/1.1"]).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = vec![0; 13];
        timeout(PATIENCE, stream.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&said), format!("HTTP/1.1 {status} "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lack_of_descriptors_filled_the_log() {
    let server = Process::with_descriptors(64);
    let mut client = Channel::join(server.address).await;
    for _ in 0..20 {
        // Each that goes lets another one in.
        let mut waiting: Vec<_> = Vec::new();
        for _ in 0..64 {
            waiting.push(TcpStream::connect(server.address).await.unwrap());
        }
        client.send("42[\"echo\",1]").await;
        assert_eq!(client.next().await, "42[\"echo\",1]");
    }
    drop(client);
    let log = server.end();
    assert_eq!(log.matches("No new connections for now").count(), 1, "{log}");
    assert!(!log.contains("accepted again"), "{log}");
}
