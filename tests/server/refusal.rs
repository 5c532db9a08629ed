//! Refusals above TLS: a line of the log for each, in words.

use hyper::Request;

use crate::client::{Channel, Http, Polling};
use crate::process::Process;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_logged_in_a_line_each() {
    let mut server = Process::start("");
    let mut http = Http::connect(server.address).await;

    http.get("/socket.io/?EIO=3&transport=polling").await;
    assert_eq!(
        server.logs("Refused"),
        "Refused 127.0.0.1: the client speaks Engine.IO 3, which is Socket.IO 2 or older; it needs socket.io-client 3 or 4, or this server `--allow-eio3` (eio-unsupported-version)"
    );
    http.get("/socket.io/?EIO=9%0A&transport=polling").await;
    assert_eq!(
        server.logs("Refused"),
        "Refused 127.0.0.1: the request does not ask for Engine.IO 4 (EIO=4) (eio-unsupported-version)"
    );

    let page = Request::get("/socket.io/?EIO=4&transport=polling").header("origin", "https://evil.example");
    http.send(page, "").await;
    assert_eq!(
        server.logs("Refused"),
        "Refused 127.0.0.1: a page from https://evil.example may not connect here unless \
         `--cors-origin https://evil.example` allows it (eio-forbidden)"
    );

    let mut channel = Channel::open(server.address).await;
    channel.send("40/chat,").await;
    assert_eq!(channel.next().await, "44/chat,{\"message\":\"Invalid namespace\"}");
    assert_eq!(
        server.logs("Refused"),
        "Refused 127.0.0.1 the namespace `/chat`, which does not exist here (namespace-unknown)"
    );

    // socket.io-msgpack-parser's CONNECT.
    let mut channel = Channel::open(server.address).await;
    channel.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    channel.rest().await;
    assert_eq!(
        server.logs("disconnected"),
        "A client from 127.0.0.1 was disconnected: the client uses another parser than Socket.IO's own"
    );
    let mut session = Polling::open(server.address).await;
    assert_eq!(session.post("bgqR0eXBlAKNuc3ChLw==").await.status, 400);
    assert!(server.logs("disconnected").ends_with("the client uses another parser than Socket.IO's own"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_the_limit_was_a_lost_connection_in_the_log() {
    let mut server = Process::start("");
    let large = "x".repeat(1_000_000);
    let mut channel = Channel::join(server.address).await;
    channel.send_too_much(&format!("42[\"echo\",\"{large}\"]")).await;
    channel.rest().await;
    assert!(server.logs("disconnected").ends_with("the client sent a message over the limit"));
    let mut session = Polling::join(server.address).await;
    assert_eq!(session.post(format!("42[\"echo\",\"{large}\"]")).await.status, 413);
    assert!(server.logs("disconnected").ends_with("the client sent a message over the limit"));
    // Before it has joined anything, too.
    let mut channel = Channel::open(server.address).await;
    channel.send_too_much(&format!("4{large}")).await;
    channel.rest().await;
    assert_eq!(
        server.logs("A client"),
        "A client from 127.0.0.1 was disconnected: the client sent a message over the limit"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_beyond_the_limit_get_503_and_a_line() {
    let mut server = Process::start("--max-sessions 6");
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(Channel::join(server.address).await);
    }
    let answer = Http::connect(server.address).await.get("/socket.io/?EIO=4&transport=polling").await;
    assert_eq!((answer.status, answer.text()), (503, r#"{"code":4,"message":"Too many sessions"}"#));
    assert_eq!(
        server.logs("Refused"),
        "Refused 127.0.0.1: there are as many sessions as there may be; see `--max-sessions`"
    );
    sessions.pop().unwrap().send("1").await;
    server.logs("the client closed the connection");
    // Its place is free when the goodbye is over.
    while Channel::connect(server.address, "EIO=4&transport=websocket").await.is_err() {}
}
