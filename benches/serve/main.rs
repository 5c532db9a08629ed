//! Compares `serve` with Node's socket.io and with the raw stack, which serve the same events with the same certificate, and
//! with itself when limits, metrics, a trusted proxy and Redis are on:
//! `cargo bench --bench serve -- [--quick] [ROW…]`, where a row is named by the first word of its name.
//!
//! Each server has one core, the clients another; the servers take turns, and the medians of all rounds are compared.
//! Absolute figures vary with the machine's other load. Needs Node.js with npm, Redis, and `taskset` for the cores.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

mod client;
mod load;
mod raw;
mod side;
#[path = "../unchecked/mod.rs"]
mod unchecked;

use std::process::Command;
use std::time::Duration;

use load::{Load, Measured};
use side::{Bench, Side};

/// Measurements, each with the wanted ratio to Node's figure.
const ROWS: [(&str, Load, f64); 8] = [
    ("handshake and GET, per s", Load::Handshake, 1.0),
    ("connect to welcome, per s", Load::Connect, 4.5),
    ("echo, 50 clients, depth 1, per s", Load::Echo { depth: 1 }, 2.7),
    ("pipelined echo, 50 clients, depth 16, per s", Load::Echo { depth: 16 }, 7.0),
    ("fan-out to 200, deliveries per s", Load::FanOut { listening: 200 }, 4.5),
    ("wide fan-out to 1,000, deliveries per s", Load::FanOut { listening: 1000 }, 8.0),
    ("polling echo, 20 clients, per s", Load::Polling, 1.0),
    ("memory per idle connection, KiB", Load::Memory, 1.0),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, certificate, key] = &words[..]
        && word == raw::WORD
    {
        return raw::serve(certificate, key);
    }
    let is_quick = words.iter().any(|word| word == "--quick");
    let wanted: Vec<_> = words.iter().filter(|word| *word != "--quick").collect();
    let rows: Vec<_> = ROWS
        .iter()
        .filter(|(name, ..)| wanted.is_empty() || wanted.iter().any(|word| name.starts_with(&***word)))
        .collect();
    let (rounds, span) = if is_quick { (1, Duration::from_secs(1)) } else { (5, Duration::from_secs(3)) };
    side::pin(std::process::id(), 1);
    let bench = Bench::prepare();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut results = vec![[const { Vec::new() }; 4]; rows.len()];
    for round in 0..rounds {
        for ((name, load, _), result) in rows.iter().zip(&mut results) {
            eprintln!("round {} of {rounds}: {name}", round + 1);
            let mut sides: Vec<_> = Side::ALL.into_iter().enumerate().collect();
            sides.rotate_left(round % Side::ALL.len());
            for (at, side) in sides {
                // The raw stack has no polling.
                if matches!(side, Side::Raw) && *load == Load::Polling {
                    continue;
                }
                let server = bench.start(side);
                result[at].push(runtime.block_on(load.run(&server, span)));
            }
        }
    }
    print(&rows, &results);
}

fn print(rows: &[&(&str, Load, f64)], results: &[[Vec<Measured>; 4]]) {
    let widest = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
    println!(
        "{:widest$}     ours   × node   goal  × raw  guarded/ours   CPU us: ours  × node  × raw  guarded/ours   faults",
        ""
    );
    for ((name, load, goal), sides) in rows.iter().zip(results) {
        let [cost, node_cost, raw_cost, guarded_cost] =
            [0, 1, 2, 3].map(|at| median(&sides[at], |measured| measured.cost));
        let [ours, node, raw, guarded] = [0, 1, 2, 3].map(|at| median(&sides[at], |measured| measured.figure));
        // Of memory, less is better.
        let over = |peer: f64| if *load == Load::Memory { peer / ours } else { ours / peer };
        let lost: Vec<_> = sides.iter().map(|side| faults(side).to_string()).collect();
        let verdict = if over(node) >= *goal && faults(&sides[0]) == 0 { "" } else { "  MISSED" };
        print!("{name:widest$}{ours:>9.1} {:>8.2} {goal:>6.1} {:>6.2} {:>13.2}", over(node), over(raw), guarded / ours);
        print!("{cost:>15.1} {:>7.2} {:>6.2} {:>13.2}", node_cost / cost, cost / raw_cost, guarded_cost / cost);
        println!("   {}{verdict}", lost.join("/"));
    }
}

fn faults(measured: &[Measured]) -> usize {
    measured.iter().map(|measured| measured.faults).sum()
}

fn median(measured: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<_> = measured.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs a program to its end, which must be a good one.
fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed");
}
