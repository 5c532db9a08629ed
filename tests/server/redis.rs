//! Servers that share their clients through Redis.

use std::time::{Duration, Instant};

use secure_io::server::{Redis as Address, Server};
use tokio::time::sleep;

use crate::client::{Channel, Polling};
use crate::fixture::{CERTIFIED, Running};
use crate::redis_server::{Redis, free_port};

async fn node(url: &str) -> Running {
    let redis: Address = url.parse().unwrap();
    Running::start(|config| config.redis = Some(redis)).await
}

async fn nodes(url: &str) -> [Running; 2] {
    [node(url).await, node(url).await]
}

/// What `sockets` says, sorted.
async fn sockets(channel: &mut Channel, room: &str) -> Vec<String> {
    channel.send(&format!("427[\"sockets\"{room}]")).await;
    let answer = channel.next().await;
    let ids: (Vec<String>,) = serde_json::from_str(answer.strip_prefix("437").expect(&answer)).unwrap();
    let mut ids = ids.0;
    ids.sort();
    ids
}

#[tokio::test]
async fn clients_of_two_servers_are_as_those_of_one() {
    let redis = Redis::start(&[]);
    let [one, two] = nodes(&redis.url()).await;
    let mut ann = Channel::join(one.address).await;
    let mut ben = Channel::join(two.address).await;
    let mut cyd = Polling::join(two.address).await;
    for number in 0..200 {
        ann.send(&format!("42[\"broadcast\",{number},{{\"z\":1.5,\"a\":[\"ü\"]}}]")).await;
    }
    for number in 0..200 {
        let expected = format!("42[\"broadcast\",{number},{{\"z\":1.5,\"a\":[\"ü\"]}}]");
        assert_eq!(ann.next().await, expected);
        assert_eq!(ben.next().await, expected);
        assert_eq!(cyd.next().await, expected);
    }
    ben.send("42[\"join\",\"tea\"]").await;
    ben.send("421[\"join\",\"tea\"]").await;
    assert_eq!(ben.next().await, "431[true]");
    ann.send("42[\"room\",\"tea\",1]").await;
    assert_eq!(ben.next().await, "42[\"room\",\"tea\",1]");
    ann.send("451-[\"broadcast\",{\"_placeholder\":true,\"num\":0}]").await;
    ann.send_binary(&[1, 2, 3]).await;
    for client in [&mut ann, &mut ben] {
        assert_eq!(client.next().await, "451-[\"broadcast\",{\"_placeholder\":true,\"num\":0}]");
        assert_eq!(client.next().await, "[1, 2, 3]");
    }
    assert!(cyd.next().await.starts_with("451-"));
    let (of_ann, of_ben) = (sockets(&mut ann, "").await, sockets(&mut ben, "").await);
    assert_eq!((of_ann.len(), &of_ann), (3, &of_ben));
    assert_eq!(sockets(&mut ann, ",\"tea\"").await.len(), 1);
    assert_eq!(sockets(&mut ben, ",\"tea\"").await.len(), 1);
    assert!(sockets(&mut ann, ",\"coffee\"").await.is_empty());
}

#[tokio::test]
async fn another_prefix_is_another_world() {
    let redis = Redis::start(&[]);
    let other: Address = redis.url().parse().unwrap();
    let two = Running::start(|config| config.redis = Some(other.with_prefix("other").unwrap())).await;
    let one = node(&redis.url()).await;
    let (mut ann, mut ben) = (Channel::join(one.address).await, Channel::join(two.address).await);
    ann.send("42[\"broadcast\",1]").await;
    ann.next().await;
    ben.send("42[\"broadcast\",2]").await;
    assert_eq!(ben.next().await, "42[\"broadcast\",2]");
    assert_eq!(sockets(&mut ann, "").await.len(), 1);
}

/// Broadcasts 200 events, all of which come back, and returns the time that 99 % of them took at most.
async fn slowest_of_a_hundred(channel: &mut Channel) -> Duration {
    let mut times = Vec::new();
    for number in 0..200 {
        let start = Instant::now();
        channel.send(&format!("42[\"broadcast\",{number}]")).await;
        assert_eq!(channel.next().await, format!("42[\"broadcast\",{number}]"));
        times.push(start.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    times[197]
}

/// Redis is killed and comes back: clients of one server notice nothing, and those of the other are reached again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_redis_is_not_one_of_the_server() {
    let mut redis = Redis::start(&[]);
    let [mut one, two] = nodes(&redis.url()).await;
    let mut ann = Channel::join(one.address).await;
    let mut ben = Channel::join(two.address).await;
    ann.send("42[\"broadcast\",\"before\"]").await;
    assert_eq!(ann.next().await, "42[\"broadcast\",\"before\"]");
    assert_eq!(ben.next().await, "42[\"broadcast\",\"before\"]");

    // 20 ms, unless the machine has no time for anybody.
    let usual = slowest_of_a_hundred(&mut ann).await;
    redis.kill();
    let alone = slowest_of_a_hundred(&mut ann).await;
    assert!(alone <= Duration::from_millis(20).max(usual * 2), "{alone:?}, before {usual:?}");
    assert_eq!(sockets(&mut ann, "").await.len(), 1, "this server's own");

    redis.restart();
    let start = Instant::now();
    let mut sent = 0;
    let reached = async { while !matches!(ben.next().await.as_str(), "42[\"broadcast\",\"after\"]") {} };
    let sending = async {
        loop {
            ann.send("42[\"broadcast\",\"after\"]").await;
            ann.next().await;
            sent += 1;
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = reached => {}
        () = sending => {}
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    one.event("RedisBack").await;
    let mut said = one.events("Redis");
    said.retain(|event| !event.starts_with("RedisServers"));
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_redis_that_lets_nobody_in_is_named_with_the_reason() {
    let locked = Redis::start(&["--requirepass", "geh heim"]);
    let refusal = |url: String| async move {
        let key = rustls::pki_types::PrivateKeyDer::try_from(CERTIFIED.signing_key.serialize_der()).unwrap();
        let tls = secure_io::tls::ByName::new(vec![CERTIFIED.cert.der().clone()], key).unwrap();
        let mut config = secure_io::server::Config::new(std::sync::Arc::new(tls), crate::fixture::certificate());
        config.port = 0;
        config.redis = Some(url.parse().unwrap());
        Server::bind(config, std::sync::Arc::new(|_| ())).await.err().expect("refused").to_string()
    };
    let address = format!("127.0.0.1:{}", locked.port);
    assert_eq!(refusal(locked.url()).await, format!("cannot use redis://{address}: it demands a password"));
    assert_eq!(
        refusal(format!("redis://:falsch@{address}")).await,
        format!("cannot use redis://{address}: it refuses the user or the password")
    );
    let nobody = format!("redis://127.0.0.1:{}", free_port());
    assert_eq!(refusal(nobody.clone()).await, format!("cannot use {nobody}: nothing listens there"));
    let (mut ann, two) = {
        let [one, two] = nodes(&format!("redis://:geh%20heim@{address}")).await;
        (Channel::join(one.address).await, (one, two))
    };
    let mut ben = Channel::join(two.1.address).await;
    ann.send("42[\"broadcast\",1]").await;
    assert_eq!(ben.next().await, "42[\"broadcast\",1]");
}

/// Whether an event of one client comes to another within a while, sent again and again.
async fn reaches(from: &mut Channel, to: &mut Channel, text: &str) {
    let packet = format!("42[\"broadcast\",\"{text}\"]");
    let heard = async { while to.next().await != packet {} };
    let sending = async {
        loop {
            from.send(&packet).await;
            from.next().await;
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = heard => {}
        () = sending => {}
    }
}

#[tokio::test]
async fn sentinels_name_the_master_also_after_its_end() {
    let mut master = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let folder = tempfile::tempdir().unwrap();
    let configuration = format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1\nsentinel down-after-milliseconds mymaster 500\n\
         sentinel failover-timeout mymaster 2000\n",
        master.port
    );
    let file = folder.path().join("sentinel.conf");
    #[expect(clippy::disallowed_methods, reason = "Redis' own configuration")]
    std::fs::write(&file, configuration).unwrap();
    let sentinel = Redis::sentinel(folder, free_port());
    replica.until_replicating();
    sentinel.until_known("num-slaves");
    let url = format!("redis+sentinel://127.0.0.1:{}/mymaster", sentinel.port);
    let [mut one, two] = nodes(&url).await;
    let (mut ann, mut ben) = (Channel::join(one.address).await, Channel::join(two.address).await);
    reaches(&mut ann, &mut ben, "before").await;
    master.kill();
    one.event("RedisLost").await;
    reaches(&mut ann, &mut ben, "after").await;
}

#[tokio::test]
async fn servers_at_different_nodes_of_a_cluster_are_as_one() {
    let mut cluster: Vec<_> = (0..3).map(|_| Redis::start(&["--cluster-enabled", "yes"])).collect();
    Redis::join(&cluster);
    let addresses: Vec<_> = cluster.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut one = node(&format!("redis+cluster://{},{}", addresses[0], addresses[1])).await;
    let two = node(&format!("redis-cluster://{}", addresses[2])).await;
    let (mut ann, mut ben) = (Channel::join(one.address).await, Channel::join(two.address).await);
    reaches(&mut ann, &mut ben, "to").await;
    reaches(&mut ben, &mut ann, "fro").await;
    assert_eq!(sockets_of(&mut ann).await, 2);
    cluster[0].kill();
    one.event("RedisLost").await;
    one.event("RedisBack").await;
    reaches(&mut ann, &mut ben, "by another node").await;
}

/// The number that `sockets` names, other packets passed over.
async fn sockets_of(channel: &mut Channel) -> usize {
    channel.send("428[\"sockets\"]").await;
    loop {
        let packet = channel.next().await;
        if let Some(ids) = packet.strip_prefix("438") {
            return serde_json::from_str::<(Vec<String>,)>(ids).unwrap().0.len();
        }
    }
}
