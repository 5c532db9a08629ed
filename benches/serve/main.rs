//! Compares `serve` with Node's socket.io, which serves the same events with the same certificate:
//! `cargo bench --bench serve -- [--quick] [ROW…]`, where a row is named by the first word of its name.
//!
//! Each server has one core, the clients another; the two take turns, and the medians of all rounds are compared.
//! Absolute figures vary with the machine's other load. Needs Node.js with npm, and `taskset` for the cores.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

mod client;
mod load;
mod side;

use std::process::Command;
use std::time::Duration;

use load::{Load, Measured};
use side::{Bench, Side};

/// Measurements, each with the wanted ratio to Node's figure.
const ROWS: [(&str, Load, f64); 7] = [
    ("handshake and GET, per s", Load::Handshake, 1.0),
    ("connect to welcome, per s", Load::Connect, 3.5),
    ("echo, 50 clients, depth 1, per s", Load::Echo { depth: 1 }, 2.7),
    ("pipelined echo, 50 clients, depth 16, per s", Load::Echo { depth: 16 }, 5.0),
    ("fan-out to 200, deliveries per s", Load::FanOut, 4.5),
    ("polling echo, 20 clients, per s", Load::Polling, 1.0),
    ("memory per idle connection, KiB", Load::Memory, 1.0),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
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
    let mut results = vec![[Vec::new(), Vec::new()]; rows.len()];
    for round in 0..rounds {
        for ((name, load, _), result) in rows.iter().zip(&mut results) {
            eprintln!("round {} of {rounds}: {name}", round + 1);
            let mut sides = [(Side::Ours, 0), (Side::Node, 1)];
            sides.rotate_left(round % 2);
            for (side, at) in sides {
                let server = bench.start(side);
                result[at].push(runtime.block_on(load.run(&server, span)));
            }
        }
    }
    print(&rows, &results);
}

fn print(rows: &[&(&str, Load, f64)], results: &[[Vec<Measured>; 2]]) {
    let widest = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
    let columns = "     ours      node   ratio   goal    CPU us: ours    node   ratio   lost or out of order";
    println!("{:widest$}{columns}", "");
    for ((name, load, goal), [ours, node]) in rows.iter().zip(results) {
        let faults = [faults(ours), faults(node)];
        let costs = [ours, node].map(|measured| median(measured, |measured| measured.cost));
        let [ours, node] = [ours, node].map(|measured| median(measured, |measured| measured.figure));
        // Of memory, less is better.
        let ratio = if *load == Load::Memory { node / ours } else { ours / node };
        let verdict = if ratio >= *goal && faults[0] == 0 { "" } else { "  MISSED" };
        print!("{name:widest$}{ours:>9.1} {node:>9.1} {ratio:>7.2} {goal:>6.1}");
        print!("    {:>12.1} {:>7.1} {:>7.2}", costs[0], costs[1], costs[1] / costs[0]);
        println!("   {} and {}{verdict}", faults[0], faults[1]);
    }
}

fn faults(measured: &[Measured]) -> usize {
    measured.iter().map(|measured| measured.faults).sum()
}

fn median(measured: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<_> = measured.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Runs a program to its end, which must be a good one.
fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed");
}
