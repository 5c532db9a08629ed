use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{PATIENCE, Running};

/// Sends something in plain text and reads until the server closes, be it with a reset.
async fn say(server: &Running, text: &str) -> String {
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.unwrap().ok();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_browser_is_sent_to_https() {
    let mut server = Running::demo().await;
    let answer = say(&server, "GET /page?a=b HTTP/1.1\r\nHost: localhost:3000\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
    assert!(answer.contains("\r\nLocation: https://localhost:3000/page?a=b\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(answer.contains("\r\nCache-Control: no-store\r\n"), "a browser would keep it for good: {answer}");
    server.event("plaintext").await;
}

#[tokio::test]
async fn a_websocket_is_told_to_use_wss() {
    let server = Running::demo().await;
    let request = "GET /socket.io/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let answer = say(&server, request).await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.ends_with("use wss://localhost/socket.io/ in place of ws://localhost/socket.io/\n"), "{answer}");
}

#[tokio::test]
async fn without_a_host_the_address_stands_in() {
    let server = Running::demo().await;
    let answer = say(&server, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains(&format!("\r\nLocation: https://{}/\r\n", server.address)), "{answer}");
}

#[tokio::test]
async fn what_is_neither_http_nor_tls_is_closed() {
    let mut server = Running::demo().await;
    assert_eq!(say(&server, "\0\0\0 garbage").await, "");
    assert_eq!(server.event("handshake failed").await, "handshake failed: the client speaks neither TLS nor HTTP");
}

/// Health checks connect and send nothing. The log said that they did not trust the certificate.
#[tokio::test]
async fn a_probe_that_sends_nothing_is_not_distrust() {
    let mut server = Running::demo().await;
    drop(TcpStream::connect(server.address).await.unwrap());
    assert_eq!(server.event("handshake failed").await, "handshake failed: nothing was sent");
}

/// Clients of SSL 2.0 to TLS 1.1 got `handshake_failure`, and the log named identifiers of rustls.
#[tokio::test]
async fn older_clients_are_sent_protocol_version() {
    let mut server = Running::demo().await;
    for (version, name) in [([3, 0], "SSL 3.0"), ([3, 1], "TLS 1.0"), ([3, 2], "TLS 1.1")] {
        let body = [&version[..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let hello = [&[22, 3, version[1], 0, length + 4, 1, 0, 0, length][..], &body].concat();
        assert_eq!(alert(&server, &hello).await, [21, 3, version[1], 0, 2, 2, 70], "{name}");
        let event = server.event("handshake failed").await;
        assert!(event.contains(&format!("newest TLS version is {name},")), "{event}");
    }
    let ssl2 = [&[0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f][..], &[7; 16]].concat();
    assert_eq!(alert(&server, &ssl2).await, [21, 3, 1, 0, 2, 2, 70]);
    assert!(server.event("handshake failed").await.contains("TLS 1.0"));
}

async fn alert(server: &Running, hello: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(hello).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.unwrap().ok();
    answer
}
