//! Limits of connections and events: a client over one gets a proper answer, and others notice nothing.

use std::net::SocketAddr;
use std::time::Duration;

use secure_io::server::Trusted;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::client::{Channel, client_connection};
use crate::fixture::{PATIENCE, Running};

async fn status(address: SocketAddr, headers: &str) -> (u16, String) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{headers}\r\n"
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, tcp.read_to_string(&mut answer)).await.unwrap().unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test]
async fn connections_over_a_limit_are_answered_and_room_is_found_again() {
    for (per_client, expected) in [(true, 429), (false, 503)] {
        let mut server = Running::start(|config| {
            config.front.is_plain = true;
            if per_client {
                config.limits.max_connections_per_client = 2;
            } else {
                config.limits.max_connections = 2;
            }
        })
        .await;
        let held =
            [TcpStream::connect(server.address).await.unwrap(), TcpStream::connect(server.address).await.unwrap()];
        sleep(Duration::from_millis(50)).await;
        let (code, answer) = status(server.address, "").await;
        assert_eq!(code, expected, "{answer}");
        assert!(answer.contains("retry-after: ") && answer.contains("\"code\":4"), "{answer}");
        server.event("Refused").await;
        drop(held);
        let again = async {
            while status(server.address, "").await.0 != 200 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, again).await.unwrap();
    }
}

#[tokio::test]
async fn clients_behind_a_proxy_are_counted_apart_and_a_64_is_one() {
    let server = Running::start(|config| {
        config.front.is_plain = true;
        config.limits.max_connections_per_client = 2;
        let mut trusted = Trusted::default();
        trusted.allow("127.0.0.1").unwrap();
        config.front.trusted = trusted;
    })
    .await;
    let ask = |client: &'static str| status(server.address, client);
    for (client, expected) in [
        ("X-Forwarded-For: 2001:db8::1\r\n", 200),
        ("X-Forwarded-For: 2001:db8::2\r\n", 200),
        ("X-Forwarded-For: 2001:db8::3\r\n", 429),
        ("X-Forwarded-For: 2001:db8:0:1::1\r\n", 200),
        ("X-Forwarded-For: 203.0.113.7\r\n", 200),
    ] {
        assert_eq!(ask(client).await.0, expected, "{client}");
    }
}

/// Begins a TLS handshake, and does not go on with it.
async fn half_a_handshake(address: SocketAddr) -> TcpStream {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let mut hello = Vec::new();
    client_connection().write_tls(&mut hello).unwrap();
    tcp.write_all(&hello).await.unwrap();
    // The server's flight says that the handshake is under way.
    tcp.read_exact(&mut [0; 5]).await.unwrap();
    tcp
}

#[tokio::test]
async fn handshakes_have_a_limit_and_slow_ones_make_room() {
    let mut server = Running::start(|config| config.limits.max_handshakes = 2).await;
    let start = std::time::Instant::now();
    let held = [half_a_handshake(server.address).await, half_a_handshake(server.address).await];
    let refused = crate::client::try_tls(server.address, &[]).await;
    if start.elapsed() < Duration::from_secs(1) {
        assert!(refused.is_err());
        assert!(server.event("handshake failed").await.contains("as many handshakes"));
    }
    // Those that are older than a second go for others.
    let late = async { while crate::client::try_tls(server.address, &[]).await.is_err() {} };
    timeout(PATIENCE, late).await.unwrap();
    Channel::join(server.address).await;
    drop(held);
}

#[tokio::test]
async fn a_flood_of_events_ends_the_session() {
    let mut server = Running::start(|config| config.limits.max_events = 10).await;
    let mut channel = Channel::open(server.address).await;
    channel.send("40").await;
    for _ in 0..20 {
        channel.send("42[\"echo\",1]").await;
    }
    let event = server.event("disconnected").await;
    assert!(event.contains("more events in a second"), "{event}");
}

#[tokio::test]
async fn figures_are_given_as_openmetrics() {
    let metrics = std::sync::Arc::new(secure_io::server::Metrics::new(Some(1_800_000_000), false));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = metrics.counting(std::sync::Arc::new(|_| ()));
    count(&secure_io::server::Event::Secured { version: "TLSv1.3".to_owned(), after: Duration::from_millis(3) });
    count(&secure_io::server::Event::Received { bytes: 7, time: Duration::from_micros(15) });
    count(&secure_io::server::Event::Sent(9));
    count(&secure_io::server::Event::RoundTrip(Duration::from_millis(5)));
    tokio::spawn(metrics.serve(listener));
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, tcp.read_to_string(&mut answer)).await.unwrap().unwrap();
    for line in [
        "secure_io_handshakes_total{version=\"TLSv1.3\",result=\"ok\"} 1",
        "secure_io_certificate_not_after_seconds 1800000000",
        "secure_io_bytes_total{direction=\"in\"} 7",
        "secure_io_bytes_total{direction=\"out\"} 9",
        "secure_io_handshake_seconds_bucket{le=\"0.004\"} 1",
        "secure_io_event_seconds_bucket{le=\"0.00004\"} 1",
        "secure_io_round_trip_seconds_count 1",
        "# EOF",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
}
