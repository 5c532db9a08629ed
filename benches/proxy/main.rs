//! Compares `proxy` with HAProxy, nginx and Caddy, each with the same certificate in front of the same server:
//! `cargo bench --bench proxy -- [--quick] [ROW…]`, where a row is named by the first word of its name.
//!
//! Each proxy has one core; the clients and the server behind have another, and are part of this process. What counts is
//! the proxy's processor time for each request or message, which depends little on the machine's other load. Proxies
//! that are not installed are left out. Needs `taskset`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

mod load;
mod side;
#[path = "../unchecked/mod.rs"]
mod unchecked;

use std::time::Duration;

use load::Load;
use side::{Bench, Side};

/// Measurements, each with the peer that it is compared with and the wanted ratio to the peer's processor time.
const ROWS: [(&str, Load, Side, f64); 4] = [
    ("http1 GET, 50 kept alive", Load::Http1, Side::Haproxy, 1.0),
    ("http2 GET, 10 connections of 10 streams", Load::Http2, Side::Nginx, 0.9),
    ("websocket echo, 50 clients, depth 1", Load::Echo { depth: 1 }, Side::Haproxy, 0.9),
    ("pipelined websocket echo, 50 clients, depth 16", Load::Echo { depth: 16 }, Side::Haproxy, 0.9),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let is_quick = words.iter().any(|word| word == "--quick");
    let wanted: Vec<_> = words.iter().filter(|word| *word != "--quick").collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.starts_with(&***word));
    let (rounds, span) = if is_quick { (1, Duration::from_secs(1)) } else { (3, Duration::from_secs(3)) };
    side::pin(std::process::id(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let behind = runtime.block_on(load::server_behind());
    let bench = Bench::prepare(behind);
    let sides: Vec<_> = Side::ALL.into_iter().filter(|side| side.is_installed()).collect();
    println!("{:50}{}   aim", "processor time in us", columns(sides.iter().map(|side| format!("{:>14}", side.name()))));
    for (name, load, peer, aim) in ROWS.into_iter().filter(|(name, ..)| is_wanted(name)) {
        let mut costs = vec![Vec::new(); sides.len()];
        for round in 0..rounds {
            for at in (0..sides.len()).map(|at| (at + round) % sides.len()) {
                let proxy = bench.start(sides[at]);
                eprintln!("round {} of {rounds}: {name}, {}", round + 1, sides[at].name());
                costs[at].push(runtime.block_on(load.run(&proxy, span)));
            }
        }
        let medians: Vec<_> = costs.into_iter().map(median).collect();
        let of = |side| sides.iter().position(|one| *one == side).map(|at| medians[at]);
        let verdict = match (of(Side::Ours), of(peer)) {
            (Some(ours), Some(theirs)) => {
                let missed = if ours / theirs > aim { "  MISSED" } else { "" };
                format!("{:.2} x {} ({aim:.1}){missed}", ours / theirs, peer.name())
            }
            _ => format!("{} is not installed", peer.name()),
        };
        println!("{name:50}{}   {verdict}", columns(medians.iter().map(|cost| format!("{cost:>14.1}"))));
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The columns of a row.
fn columns(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().concat()
}
