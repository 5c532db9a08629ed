//! Socket.IO protocol 5, and what the two applications do.

use std::net::SocketAddr;

use crate::client::{Channel, Polling};
use crate::fixture::Running;

/// Either transport, for cases that are the same on both.
enum Client {
    Channel(Box<Channel>),
    Polling(Polling),
}

impl Client {
    async fn both(address: SocketAddr) -> [Self; 2] {
        let channel = Self::Channel(Channel::open(address).await.into());
        [channel, Self::Polling(Polling::open(address).await)]
    }

    async fn send(&mut self, packet: &'static str) {
        match self {
            Self::Channel(channel) => channel.send(packet).await,
            Self::Polling(session) => session.send(packet).await,
        }
    }

    async fn next(&mut self) -> String {
        match self {
            Self::Channel(channel) => channel.next().await,
            Self::Polling(session) => session.next().await,
        }
    }
}

#[tokio::test]
async fn namespaces_are_joined_with_and_without_a_payload() {
    let server = Running::conformance().await;
    for (packet, connected, greeting) in [
        ("40", "40{\"sid\":\"", "42[\"auth\",{}]"),
        ("40{\"token\":\"123\"}", "40{\"sid\":\"", "42[\"auth\",{\"token\":\"123\"}]"),
        ("40/custom,", "40/custom,{\"sid\":\"", "42/custom,[\"auth\",{}]"),
        ("40/custom", "40/custom,{\"sid\":\"", "42/custom,[\"auth\",{}]"),
        ("40/custom,{\"token\":\"abc\"}", "40/custom,{\"sid\":\"", "42/custom,[\"auth\",{\"token\":\"abc\"}]"),
    ] {
        for mut client in Client::both(server.address).await {
            client.send(packet).await;
            let answer = client.next().await;
            assert!(answer.starts_with(connected), "{answer}");
            assert_eq!(client.next().await, greeting);
        }
    }
    for packet in ["40/random", "40/random,{}"] {
        let mut channel = Channel::open(server.address).await;
        channel.send(packet).await;
        assert_eq!(channel.next().await, "44/random,{\"message\":\"Invalid namespace\"}");
    }
}

#[tokio::test]
async fn who_joins_nothing_is_dropped() {
    let server = Running::conformance().await;
    let mut channel = Channel::open(server.address).await;
    while let Some(message) = channel.message().await {
        if message.to_text().unwrap() == "2" {
            channel.send("3").await;
        }
    }
}

#[tokio::test]
async fn leaving_a_namespace_leaves_the_others() {
    let server = Running::conformance().await;
    let mut channel = Channel::join(server.address).await;
    channel.send("40/custom").await;
    assert!(channel.next().await.starts_with("40/custom,"));
    assert!(channel.next().await.starts_with("42/custom,"));
    channel.send("41/custom,").await;
    channel.send("42[\"message\",\"still here\"]").await;
    assert_eq!(channel.next().await, "42[\"message-back\",\"still here\"]");
    channel.send("41").await;
    channel.send("40").await;
    assert!(channel.next().await.starts_with("40{"));
}

#[tokio::test]
async fn arguments_come_back_as_they_went() {
    let server = Running::conformance().await;
    for mut client in Client::both(server.address).await {
        client.send("40").await;
        assert!(client.next().await.starts_with("40{"));
        assert_eq!(client.next().await, "42[\"auth\",{}]");
        for (packet, back) in [
            ("42[\"message\"]", "42[\"message-back\"]"),
            ("42[\"message\",1,\"2\",{\"3\":[true]}]", "42[\"message-back\",1,\"2\",{\"3\":[true]}]"),
            (
                "42[\"message\",12345678901234567890,1.0,{\"b\":null,\"a\":\"\\ud800ü€😀\"}]",
                "42[\"message-back\",12345678901234567890,1.0,{\"b\":null,\"a\":\"\\ud800ü€😀\"}]",
            ),
            ("42456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", "43456[1,\"2\",{\"3\":[false]}]"),
            ("420[\"message-with-ack\"]", "430[]"),
        ] {
            client.send(packet).await;
            assert_eq!(client.next().await, back);
        }
    }
}

const TWO_ATTACHMENTS: &str = r#"{"a":{"_placeholder":true,"num":1},"b\n":[{"_placeholder":true,"num":0}]},1.0]"#;

#[tokio::test]
async fn attachments_come_back_over_websocket() {
    let server = Running::conformance().await;
    let mut channel = Channel::join(server.address).await;
    for (sent, back) in [("452-[\"message\",", "452-[\"message-back\","), ("452-789[\"message-with-ack\",", "462-789[")]
    {
        channel.send(&format!("{sent}{TWO_ATTACHMENTS}")).await;
        channel.send_binary(&[1, 2, 3]).await;
        channel.send_binary(&[4, 5, 6]).await;
        assert_eq!(channel.next().await, format!("{back}{TWO_ATTACHMENTS}"));
        assert_eq!([channel.next().await, channel.next().await], ["[1, 2, 3]", "[4, 5, 6]"]);
    }
}

#[tokio::test]
async fn attachments_come_back_over_polling() {
    let server = Running::conformance().await;
    let mut session = Polling::join(server.address).await;
    session.send("451-[\"message\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID").await;
    assert_eq!(session.next().await, "451-[\"message-back\",{\"_placeholder\":true,\"num\":0}]");
    assert_eq!(session.next().await, "bAQID");
}

#[tokio::test]
async fn malformed_packets_end_the_connection() {
    let mut server = Running::conformance().await;
    for packet in [
        "4abc",
        "49",
        "42{}",
        "42[\"message\"",
        "42[\"message\"]]",
        "42",
        "42[]",
        "42[{}]",
        "42abc[\"message-with-ack\",1]",
        "40/custom,\"abc\"",
        "40/custom,{\"a\":",
        "45[\"message\",1]",
        "451-[\"message\",{\"_placeholder\":true,\"num\":0}]",
    ] {
        let mut channel = Channel::join(server.address).await;
        channel.send(packet).await;
        if packet.starts_with("451-") {
            channel.send("42[\"message\",\"in place of an attachment\"]").await;
        }
        assert!(!format!("{:?}", channel.rest().await).contains("message-back"), "{packet}");
        let gone = server.event("disconnected").await;
        assert!(gone.starts_with("disconnected the client sent a malformed packet"), "{packet}: {gone}");
    }
    for (header, attachment) in [
        ("451-[\"message\",{\"_placeholder\":true,\"num\":1}]", &b"beyond the only one"[..]),
        ("451-[\"message\",{\"_placeholder\":true,\"num\":-1}]", b"before the first one"),
        ("451-[\"message\",{\"_placeholder\":true}]", b"no number"),
        ("", b"not announced"),
    ] {
        let mut channel = Channel::join(server.address).await;
        if !header.is_empty() {
            channel.send(header).await;
        }
        channel.send_binary(attachment).await;
        assert!(!format!("{:?}", channel.rest().await).contains("message-back"), "{header}");
    }
}

#[tokio::test]
async fn echoes_are_emitted_or_acknowledged() {
    let server = Running::demo().await;
    let mut channel = Channel::join(server.address).await;
    for (packet, back) in [
        ("42[\"echo\",1,{\"a\":[]}]", "42[\"echo\",1,{\"a\":[]}]"),
        ("427[\"echo\",1,{\"a\":[]}]", "437[1,{\"a\":[]}]"),
        ("42[\"echo\"]", "42[\"echo\"]"),
    ] {
        channel.send(packet).await;
        assert_eq!(channel.next().await, back);
    }
    channel.send("451-8[\"echo\",{\"_placeholder\":true,\"num\":0}]").await;
    channel.send_binary(&[7]).await;
    assert_eq!(channel.next().await, "461-8[{\"_placeholder\":true,\"num\":0}]");
    assert_eq!(channel.next().await, "[7]");
}

#[tokio::test]
async fn rooms_reach_those_who_joined() {
    let server = Running::demo().await;
    let (mut inside, mut outside) = (Channel::join(server.address).await, Channel::join(server.address).await);
    inside.send("421[\"join\",\"den\"]").await;
    assert_eq!(inside.next().await, "431[true]");
    outside.send("422[\"room\",\"den\",{\"knock\":2}]").await;
    assert_eq!(outside.next().await, "432[1]");
    assert_eq!(inside.next().await, "42[\"room\",\"den\",{\"knock\":2}]");
    inside.send("423[\"leave\",\"den\"]").await;
    assert_eq!(inside.next().await, "433[true]");
    outside.send("424[\"room\",\"den\",3]").await;
    assert_eq!(outside.next().await, "434[0]");
    outside.send("425[\"broadcast\",\"all\"]").await;
    assert_eq!(outside.next().await, "42[\"broadcast\",\"all\"]");
    assert_eq!(outside.next().await, "435[2]");
    assert_eq!(inside.next().await, "42[\"broadcast\",\"all\"]");
}

#[tokio::test]
async fn rooms_are_limited_in_name_and_number() {
    let server = Running::demo().await;
    let mut channel = Channel::join(server.address).await;
    for (name, joins) in [("\"\"", false), ("5", false), (&*format!("\"{}\"", "x".repeat(129)), false)] {
        channel.send(&format!("421[\"join\",{name}]")).await;
        assert_eq!(channel.next().await, format!("431[{joins}]"));
    }
    for number in 0..70 {
        channel.send(&format!("42{number}[\"join\",\"room {number}\"]")).await;
        assert_eq!(channel.next().await, format!("43{number}[{}]", number < 64));
    }
    channel.send("4271[\"join\",\"room 1\"]").await;
    assert_eq!(channel.next().await, "4371[true]");
}

#[tokio::test]
async fn a_client_is_told_how_it_is_connected() {
    let server = Running::demo().await;
    let mut channel = Channel::join(server.address).await;
    channel.send("421[\"tls\"]").await;
    let answer = channel.next().await;
    let seen: serde_json::Value = serde_json::from_str(&answer[3..]).unwrap();
    assert_eq!(seen[0]["tls_version"], "TLSv1.3");
    assert_eq!(seen[0]["alpn"], "http/1.1");
    assert_eq!(seen[0]["transport"], "websocket");
    assert!(seen[0]["cipher_suite"].as_str().unwrap().starts_with("TLS_"));
}

#[tokio::test]
async fn coming_and_going_is_told_once() {
    let mut server = Running::demo().await;
    let mut channel = Channel::join(server.address).await;
    assert!(server.event("connected").await.starts_with("connected / websocket TLSv1.3 TLS_"));
    channel.send("1").await;
    channel.rest().await;
    let gone = server.event("disconnected").await;
    assert!(gone.starts_with("disconnected the client closed the connection: / websocket"), "{gone}");
    drop(Channel::join(server.address).await);
    let gone = server.event("disconnected").await;
    assert!(gone.starts_with("disconnected the connection was lost: / websocket"), "{gone}");
    let mut channel = Channel::join(server.address).await;
    channel.send("41").await;
    let gone = server.event("disconnected").await;
    assert!(gone.starts_with("disconnected the client left the namespace"), "{gone}");
    channel.send("1").await;
    channel.rest().await;
    assert!(server.events("disconnected").is_empty());
}
