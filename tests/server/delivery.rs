//! Events arrive in the order sent, and none is lost without a word.

use tokio::task::JoinSet;

use crate::client::{Channel, Http, Polling};
use crate::fixture::Running;

const CLIENTS: usize = 4;
const ECHOES: usize = 2000;
const BROADCASTS: usize = 1000;
const LISTENERS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_in_flight_come_back_in_order() {
    let server = Running::demo().await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let channel = Channel::join(server.address).await;
        clients.spawn(async move {
            let (mut sender, mut receiver) = channel.split();
            let sending = tokio::spawn(async move {
                for number in 0..ECHOES {
                    sender.send(format!("42[\"echo\",{number},\"{}\"]", "x".repeat(number % 50))).await;
                }
                sender
            });
            for number in 0..ECHOES {
                let expected = format!("42[\"echo\",{number},\"{}\"]", "x".repeat(number % 50));
                assert_eq!(receiver.next().await, expected);
            }
            sending.await.unwrap();
        });
    }
    clients.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_over_polling_come_back_in_order() {
    let server = Running::demo().await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut session = Polling::join(server.address).await;
        clients.spawn(async move {
            let (mut other, path) = (session.second().await, session.path.clone());
            let sending = tokio::spawn(async move {
                for batch in 0..ECHOES / 100 {
                    let packets: Vec<_> = (0..100).map(|at| format!("42[\"echo\",{}]", batch * 100 + at)).collect();
                    let answer = other.send(hyper::Request::post(&path), packets.join("\x1e")).await;
                    assert_eq!(answer.status, 200);
                }
            });
            for number in 0..ECHOES {
                assert_eq!(session.next().await, format!("42[\"echo\",{number}]"));
            }
            sending.await.unwrap();
        });
    }
    clients.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcasts_at_once_reach_everybody_in_order() {
    let server = Running::demo().await;
    let mut listeners = JoinSet::new();
    for _ in 0..LISTENERS {
        let mut channel = Channel::join(server.address).await;
        listeners.spawn(async move {
            for number in 0..BROADCASTS {
                assert_eq!(channel.next().await, format!("42[\"broadcast\",{number}]"));
            }
        });
        let mut session = Polling::join(server.address).await;
        listeners.spawn(async move {
            for number in 0..BROADCASTS {
                assert_eq!(session.next().await, format!("42[\"broadcast\",{number}]"));
            }
        });
    }
    let mut sender = Channel::join(server.address).await;
    for number in 0..BROADCASTS {
        sender.feed(format!("42[\"broadcast\",{number}]")).await;
    }
    sender.flush().await;
    listeners.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_sent_on_connecting_is_answered() {
    let server = Running::demo().await;
    for _ in 0..200 {
        let mut channel = Channel::open(server.address).await;
        channel.send("40").await;
        assert!(channel.next().await.starts_with("40{"));
        channel.send("42[\"echo\",\"first\"]").await;
        assert_eq!(channel.next().await, "42[\"message\",\"Welcome to the secure server!\"]");
        assert_eq!(channel.next().await, "42[\"echo\",\"first\"]");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_by_an_upgrade() {
    let server = Running::demo().await;
    let mut sender = Channel::join(server.address).await;
    for round in 0..10 {
        let session = Polling::join(server.address).await;
        let count = 500;
        // Some wait in the queue, more than one answer to a poll may hold, when the client upgrades.
        let filler = "x".repeat(4000);
        for number in 0..count {
            sender.feed(format!("42[\"broadcast\",{round},{number},\"{filler}\"]")).await;
        }
        sender.flush().await;
        let mut channel = Channel::connect(server.address, &session.websocket_query()).await.unwrap();
        channel.send("2probe").await;
        let mut received = Vec::new();
        let (mut session, mut polled) = (session, 0);
        while polled < 2 && received.len() < count {
            let packet = session.next().await;
            polled += usize::from(packet == "6");
            received.extend((packet != "6").then_some(packet));
        }
        assert_eq!(channel.next().await, "3probe");
        channel.send("5").await;
        while received.len() < count {
            received.push(channel.next().await);
        }
        for (number, packet) in received.iter().enumerate() {
            assert!(packet.starts_with(&format!("42[\"broadcast\",{round},{number},")), "{number}: {packet:.60}");
        }
        for _ in 0..count {
            sender.next().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_disconnected_rather_than_missing_events() {
    let mut server = Running::demo().await;
    let mut reader = Channel::join(server.address).await;
    let websocket = Channel::join(server.address).await;
    let mut polling = Polling::join(server.address).await;
    let filler = "x".repeat(10_000);
    let (mut gone, mut number) = (0, 0);
    while gone < 2 {
        reader.send(&format!("42[\"broadcast\",{number},\"{filler}\"]")).await;
        assert!(reader.next().await.starts_with(&format!("42[\"broadcast\",{number},")));
        number += 1;
        gone += server.events("disconnected the client did not read what was sent to it").len();
    }
    assert!(number > 200, "cut off after {number}");
    polling.closed().await;
    // What had been sent by then is complete.
    let (_sender, mut receiver) = websocket.split();
    for expected in 0..10 {
        assert!(receiver.next().await.starts_with(&format!("42[\"broadcast\",{expected},")));
    }
}

#[tokio::test]
async fn a_connection_that_is_held_open_does_not_hold_back_others() {
    let server = Running::demo().await;
    let session = Polling::open(server.address).await;
    let (mut waiting, path) = (session.second().await, session.path.clone());
    let poll = tokio::spawn(async move { waiting.get(&path).await });
    assert_eq!(Http::connect(server.address).await.get("/").await.status, 200);
    poll.abort();
}

/// With one thread, nothing is sent on while a client's events are worked through, unless that pauses.
#[tokio::test]
async fn a_burst_beyond_the_queue_reaches_those_who_read() {
    let server = Running::demo().await;
    let count = 10_000;
    let packets = |from: usize, to: usize| (from..to).map(|number| format!("42[\"room\",\"den\",{number}]"));
    let mut listener = Channel::join(server.address).await;
    listener.send("421[\"join\",\"den\"]").await;
    assert_eq!(listener.next().await, "431[true]");
    let mut channel = Channel::join(server.address).await;
    for packet in packets(0, count) {
        channel.feed(packet).await;
    }
    channel.flush().await;
    for packet in packets(0, count) {
        assert_eq!(listener.next().await, packet);
    }
    let mut session = Polling::join(server.address).await;
    session.send(packets(count, 2 * count).collect::<Vec<_>>().join("\x1e")).await;
    for packet in packets(count, 2 * count) {
        assert_eq!(listener.next().await, packet);
    }
}
