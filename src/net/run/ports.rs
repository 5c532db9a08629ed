//! The ports on which the processes of a command listen, and which of them has the pages.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use listeners::{Protocol, SocketState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::net::proxy::Target;
use crate::net::run::tree;

/// A server that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The way to it.
    pub target: Target,
    /// Its port.
    pub port: u16,
    /// The program that listens there.
    pub program: String,
    /// True if other machines reach it, too.
    pub is_open: bool,
}

/// The first of the ports for a name that nobody listens on: the same from run to run, unless it is taken. Those of
/// this range are handed out by no system to connections.
#[must_use]
pub fn free_port(name: &str) -> u16 {
    const FIRST: u16 = 4000;
    const COUNT: u16 = 1000;
    let start = name.bytes().fold(7_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % COUNT;
    let is_free = |port: &u16| {
        let addresses = [Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)];
        addresses.into_iter().all(|address| match std::net::TcpListener::bind((address, *port)) {
            Ok(_) => true,
            // A machine may be without IPv6.
            Err(error) => address.is_ipv6() && error.kind() != std::io::ErrorKind::AddrInUse,
        })
    };
    (0..COUNT).map(|step| FIRST + (start + step) % COUNT).find(is_free).unwrap_or(FIRST + start)
}

/// The time behind the start in which a better server than the first one may come.
const SETTLING: Duration = Duration::from_secs(10);

/// Looks for the server until it is found, and again whenever it is asked to, because a server may come back on another
/// port. Runs until dropped.
///
/// The port that the command was told is preferred. Several are asked for a page: those of APIs and of reloading answer
/// with none.
pub async fn follow(told: u16, host: String, again: Arc<Notify>, found: impl Fn(Found) + Send) {
    let started = Instant::now();
    let mut search = Search { told, host, found: None, seen: Vec::new(), rank: Rank::Silent };
    loop {
        if let Some(server) = search.look().await
            && search.found.as_ref() != Some(&server)
        {
            found(server.clone());
            search.found = Some(server);
        }
        let pause = match (search.found.is_some(), started.elapsed()) {
            (true, elapsed) if elapsed > SETTLING => {
                again.notified().await;
                continue;
            }
            (false, elapsed) if elapsed < Duration::from_secs(5) => Duration::from_millis(100),
            (false, elapsed) if elapsed < Duration::from_mins(1) => Duration::from_millis(250),
            _ => Duration::from_secs(1),
        };
        tokio::select! {
            () = sleep(pause) => {}
            // A server that ends and starts again takes a moment.
            () = again.notified() => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listening {
    address: SocketAddr,
    program: String,
}

struct Search {
    told: u16,
    host: String,
    found: Option<Found>,
    /// The sockets at the last look, and the answer of the best.
    seen: Vec<Listening>,
    rank: Rank,
}

impl Search {
    async fn look(&mut self) -> Option<Found> {
        let told = self.told;
        let mut all = tokio::task::spawn_blocking(move || listening(told)).await.ok()?;
        all.sort_by_key(|one| (one.address.port() != told, one.address.port(), one.address.is_ipv6()));
        all.dedup_by_key(|one| one.address.port());
        match all.as_slice() {
            [] => return None,
            // A server that was told where to listen, and does.
            [only] if only.address.port() == told => return Some(only.found()),
            // A page is not asked for again and again.
            _ if all == self.seen && self.rank == Rank::Page => return self.found.clone(),
            _ => {}
        }
        let mut best: Option<(Rank, &Listening)> = None;
        for one in &all {
            let rank = ask(one, &self.host).await;
            if best.is_none_or(|(found, _)| rank > found) {
                best = Some((rank, one));
            }
        }
        let (rank, server) = best?;
        let found = (rank > Rank::Silent).then(|| server.found());
        (self.rank, self.seen) = (rank, all);
        found
    }
}

/// Lists the sockets of this process's descendants that listen.
fn listening(told: u16) -> Vec<Listening> {
    let tree: HashSet<u32> = tree::below(std::process::id()).iter().map(|process| process.pid).collect();
    // Windows tells no parents here.
    let is_ours = |one: &listeners::Listener| {
        if cfg!(unix) { tree.contains(&one.process.pid) } else { one.socket.port() == told }
    };
    let all = listeners::get_all().unwrap_or_default();
    let all = all.into_iter().filter(|one| one.protocol == Protocol::TCP && one.state == SocketState::Listen);
    all.filter(is_ours).map(|one| Listening { address: one.socket, program: one.process.name }).collect()
}

impl Listening {
    fn found(&self) -> Found {
        let port = self.address.port();
        let host = match self.address.ip().to_canonical() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => "127.0.0.1".to_owned(),
            // Both families, or the one that this machine has.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => "localhost".to_owned(),
            address => address.to_string(),
        };
        let is_open = !self.address.ip().to_canonical().is_loopback();
        Found { target: Target::Http { host, port }, port, program: self.program.clone(), is_open }
    }
}

/// The likeness of an answer to that of the server with the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// No HTTP.
    Silent,
    /// An answer that asks for something else, as a socket for reloading does, or none so far.
    Refusal,
    /// An error or data.
    Answer,
    /// A page, or the way to one.
    Page,
}

/// The most of an answer that is read.
const HEAD: usize = 4096;

async fn ask(server: &Listening, host: &str) -> Rank {
    let answer = async {
        let mut tcp = match server.address.ip() {
            address if address.is_unspecified() => match TcpStream::connect(("127.0.0.1", server.address.port())).await
            {
                Ok(tcp) => tcp,
                Err(_) => TcpStream::connect((Ipv6Addr::LOCALHOST, server.address.port())).await?,
            },
            _ => TcpStream::connect(server.address).await?,
        };
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while head.len() < HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if tcp.read_buf(&mut head).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(head)
    };
    match timeout(Duration::from_secs(5), answer).await {
        Ok(Ok(head)) => rank(&head),
        Ok(Err(_)) => Rank::Silent,
        // Some build the page when it is asked for.
        Err(_) => Rank::Refusal,
    }
}

fn rank(head: &[u8]) -> Rank {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.strip_prefix("http/1.").and_then(|rest| rest.get(2..5)).and_then(|status| status.parse().ok());
    let is_page = head.split("\r\n").any(|line| line.starts_with("content-type:") && line.contains("html"));
    match status {
        Some(200..=299) if is_page => Rank::Page,
        Some(300..=399) => Rank::Page,
        Some(426 | 101 | 400) => Rank::Refusal,
        Some(0_u16..) => Rank::Answer,
        None => Rank::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_from_an_api_and_from_a_socket_for_reloading() {
        assert_eq!(rank(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<"), Rank::Page);
        assert_eq!(rank(b"HTTP/1.1 302 Found\r\nLocation: /en\r\n\r\n"), Rank::Page);
        assert_eq!(rank(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n"), Rank::Answer);
        assert_eq!(rank(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"), Rank::Answer);
        assert_eq!(rank(b"HTTP/1.1 426 Upgrade Required\r\n\r\n"), Rank::Refusal);
        assert_eq!(rank(b"\x15\x03\x01\x00\x02\x02\x46"), Rank::Silent);
        assert_eq!(rank(b""), Rank::Silent);
    }

    #[test]
    fn a_port_is_the_same_again_unless_it_is_taken() {
        let port = free_port("shop.localhost");
        assert_eq!(free_port("shop.localhost"), port);
        let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_ne!(free_port("shop.localhost"), port);
    }
}
