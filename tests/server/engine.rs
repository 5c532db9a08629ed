//! Engine.IO protocol 4, as Node's server speaks it.

use std::time::{Duration, Instant};

use hyper::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::{Channel, Http, Polling, tls};
use crate::fixture::{PATIENCE, Running};

#[tokio::test]
async fn a_session_is_opened_on_either_transport() {
    let server = Running::conformance().await;
    let mut http = Http::connect(server.address).await;
    let answer = http.get("/socket.io/?EIO=4&transport=polling").await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=UTF-8");
    check_handshake(answer.text(), &["websocket"]);
    let mut channel = Channel::connect(server.address, "EIO=4&transport=websocket").await.unwrap();
    check_handshake(&channel.next().await, &[]);
}

fn check_handshake(packet: &str, upgrades: &[&str]) {
    let handshake: serde_json::Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    assert!(!handshake["sid"].as_str().unwrap().is_empty());
    assert_eq!(handshake["upgrades"], serde_json::json!(upgrades));
    assert_eq!(handshake["pingInterval"], 300);
    assert_eq!(handshake["pingTimeout"], 200);
    assert_eq!(handshake["maxPayload"], 1_000_000);
    assert_eq!(handshake.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn bad_requests_are_refused_in_nodes_words() {
    let server = Running::conformance().await;
    let mut http = Http::connect(server.address).await;
    let mut cases = vec![
        ("GET", "EIO=4".to_owned(), r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", "EIO=4&transport=abc".to_owned(), r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", "EIO=4&transport=polling&sid=unknown".to_owned(), r#"{"code":1,"message":"Session ID unknown"}"#),
        ("POST", "EIO=4&transport=polling".to_owned(), r#"{"code":2,"message":"Bad handshake method"}"#),
        ("PUT", "EIO=4&transport=polling".to_owned(), r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", "EIO=4&transport=websocket".to_owned(), r#"{"code":3,"message":"Bad request"}"#),
    ];
    for protocol in ["", "EIO=3&", "EIO=2&", "EIO=abc&"] {
        let refusal = r#"{"code":5,"message":"Unsupported protocol version"}"#;
        cases.push(("GET", format!("{protocol}transport=polling"), refusal));
        cases.push(("GET", format!("{protocol}transport=websocket"), refusal));
    }
    for (method, query, refusal) in cases {
        let request = Request::builder().method(method).uri(format!("/socket.io/?{query}"));
        let answer = http.send(request, "").await;
        assert_eq!((answer.status, answer.text()), (400, refusal), "{method} {query}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_websocket_of_an_older_protocol_is_refused() {
    let server = Running::demo().await;
    let Err(tungstenite::Error::Http(response)) = Channel::connect(server.address, "EIO=3&transport=websocket").await
    else {
        panic!("it was let in")
    };
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn pings_come_at_their_interval_and_not_before() {
    let server = Running::conformance().await;
    let start = Instant::now();
    let (mut channel, mut session) = (Channel::open(server.address).await, Polling::open(server.address).await);
    for beat in 1..=3 {
        assert_eq!(channel.message().await, Some(Message::text("2")));
        assert_eq!(session.poll().await.text(), "2");
        assert!(start.elapsed() >= Duration::from_millis(290) * beat, "beat {beat} at {:?}", start.elapsed());
        channel.send("3").await;
        session.send("3").await;
    }
}

#[tokio::test]
async fn who_does_not_answer_a_ping_is_dropped() {
    let server = Running::conformance().await;
    let mut channel = Channel::open(server.address).await;
    let mut session = Polling::open(server.address).await;
    assert_eq!(channel.rest().await[..2], [Message::text("2"), Message::text("1")]);
    let closed = async { while session.poll().await.status == 200 {} };
    timeout(Duration::from_secs(5), closed).await.unwrap();
}

#[tokio::test]
async fn a_close_packet_ends_the_session_and_releases_the_poll() {
    let server = Running::demo().await;
    let mut channel = Channel::open(server.address).await;
    channel.send("1").await;
    channel.rest().await;
    let mut session = Polling::open(server.address).await;
    let (mut other, path) = (session.second().await, session.path.clone());
    let poll = tokio::spawn(async move {
        let answer = session.poll().await;
        (session, answer)
    });
    // Posted once more, the close would be refused: it takes a first one that has found the poll or the session.
    assert_eq!(other.send(Request::post(&path), "1").await.status, 200);
    let (mut session, answer) = poll.await.unwrap();
    assert!(["6", r#"{"code":1,"message":"Session ID unknown"}"#].contains(&answer.text()), "{}", answer.text());
    session.closed().await;
}

#[tokio::test]
async fn a_second_poll_ends_the_session() {
    let server = Running::demo().await;
    let mut session = Polling::open(server.address).await;
    let (mut other, path) = (session.second().await, session.path.clone());
    let (one, two) = tokio::join!(session.poll(), other.get(&path));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    session.closed().await;
}

#[tokio::test]
async fn a_cancelled_poll_ends_the_session() {
    let server = Running::demo().await;
    let mut session = Polling::open(server.address).await;
    let mut other = session.second().await;
    let path = session.path.clone();
    let poll = tokio::spawn(async move { session.poll().await });
    // The session is there as long as posts are taken; the poll is aborted at some time after it began, or before.
    assert_eq!(other.send(Request::post(&path), "3").await.status, 200);
    poll.abort();
    let closed = async { while other.send(Request::post(&path), "3").await.status == 200 {} };
    timeout(PATIENCE, closed).await.unwrap();
}

#[tokio::test]
async fn payloads_have_a_limit_on_both_transports() {
    let server = Running::demo().await;
    let largest = format!("42[\"echo\",\"{}\"]", "a".repeat(1_000_000 - 13));
    let mut session = Polling::join(server.address).await;
    session.send(largest.clone()).await;
    assert!(session.next().await == largest);
    assert_eq!(session.post(format!("{largest} ")).await.status, 413);
    // A length that is only announced is not waited for.
    let path = Polling::join(server.address).await.path;
    let mut stream = tls(server.address, &["http/1.1"]).await;
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n4");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut status)).await.expect("at once").unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    let mut channel = Channel::join(server.address).await;
    channel.send(&largest).await;
    assert!(channel.next().await == largest);
    channel.send_too_much(&format!("{largest} ")).await;
    channel.rest().await;
}

#[tokio::test]
async fn what_is_no_packet_ends_the_session() {
    let server = Running::demo().await;
    let mut channel = Channel::open(server.address).await;
    channel.send("abc").await;
    channel.rest().await;
    let mut session = Polling::open(server.address).await;
    assert_eq!(session.post("abc").await.status, 400);
    session.closed().await;
    assert_eq!(session.http.send(Request::put(&session.path), "").await.status, 400);
}

/// Moves a session to a WebSocket, up to the answer to the probe.
async fn probe(server: &Running, session: &Polling) -> Channel {
    let mut channel = Channel::connect(server.address, &session.websocket_query()).await.unwrap();
    channel.send("2probe").await;
    assert_eq!(channel.next().await, "3probe");
    channel
}

#[tokio::test]
async fn an_upgrade_releases_the_poll_and_is_told_to_the_observer() {
    let mut server = Running::demo().await;
    let mut session = Polling::join(server.address).await;
    assert!(server.event("connected").await.starts_with("connected / polling TLSv1.3 TLS_"));
    let query = session.websocket_query();
    let poll = tokio::spawn(async move {
        assert_eq!(session.poll().await.text(), "6");
        session
    });
    let mut channel = Channel::connect(server.address, &query).await.unwrap();
    channel.send("2probe").await;
    assert_eq!(channel.next().await, "3probe");
    let mut session = poll.await.unwrap();
    channel.feed("5".to_owned()).await;
    channel.send("42[\"echo\",1]").await;
    assert_eq!(channel.next().await, "42[\"echo\",1]");
    assert!(server.event("upgraded").await.starts_with("upgraded / websocket TLSv1.3 TLS_"));
    assert_eq!(session.poll().await.status, 400);
    assert_eq!(session.post("42[\"echo\",2]").await.status, 400);
    let mut second = Channel::connect(server.address, &session.websocket_query()).await.unwrap();
    assert!(matches!(second.rest().await[..], [] | [Message::Close(_)]));
    channel.send("42[\"echo\",3]").await;
    assert_eq!(channel.next().await, "42[\"echo\",3]");
}

#[tokio::test]
async fn a_poll_sent_after_an_upgrade_is_refused_however_quick() {
    let server = Running::demo().await;
    for _ in 0..50 {
        let mut session = Polling::open(server.address).await;
        let mut channel = Channel::connect(server.address, &session.websocket_query()).await.unwrap();
        channel.feed("2probe".to_owned()).await;
        channel.send("5").await;
        assert_eq!(session.poll().await.status, 400);
        assert_eq!(channel.next().await, "3probe");
    }
}

#[tokio::test]
async fn a_probe_that_is_given_up_leaves_the_session_alone() {
    let server = Running::demo().await;
    let mut session = Polling::join(server.address).await;
    drop(probe(&server, &session).await);
    session.send("42[\"echo\",1]").await;
    loop {
        match session.next().await.as_str() {
            "6" => {}
            packet => return assert_eq!(packet, "42[\"echo\",1]"),
        }
    }
}

#[tokio::test]
async fn the_session_id_is_not_the_one_shown_to_others() {
    let server = Running::demo().await;
    let mut session = Polling::open(server.address).await;
    session.send("40").await;
    let connected = session.next().await;
    let shown: serde_json::Value = serde_json::from_str(&connected[2..]).unwrap();
    let shown = shown["sid"].as_str().unwrap();
    assert!(!session.path.contains(shown));
    let stolen = format!("/socket.io/?EIO=4&transport=polling&sid={shown}");
    assert_eq!(session.http.get(&stolen).await.status, 400);
}

#[tokio::test]
async fn polling_works_over_http2() {
    let server = Running::demo().await;
    let http = Http::connect_http2(server.address).await;
    let mut session = Polling::open_over(http, server.address).await;
    session.send("40\x1e3").await;
    assert!(session.next().await.starts_with("40{"));
    session.send("42[\"echo\",{\"over\":\"h2\"}]").await;
    assert_eq!(session.next().await, "42[\"message\",\"Welcome to the secure server!\"]");
    assert_eq!(session.next().await, "42[\"echo\",{\"over\":\"h2\"}]");
}
