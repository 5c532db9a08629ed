//! Compares building a test PKI, files and all, with the cryptography in it: `cargo bench --bench fixtures`.
//!
//! Both sides take turns in one run, on all cores; absolute times move with what else the machine does.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use secure_io::files::{self, Existing, NewFile};
use secure_io::fixtures::{Outside, Project};
use secure_io::key::{Algorithm, PrivateKey};
use secure_io::validity;

/// Leaves under one intermediate.
const LEAVES: u32 = 10_000;

/// Runs of each side, in turn.
const ROUNDS: usize = 7;

/// About as long as what is signed of a leaf.
const MESSAGE: [u8; 350] = [7; 350];

fn main() {
    // One for each tree: ext4 takes its time to make files while it remembers those just removed.
    let folders: Vec<_> = (0..=ROUNDS).map(|_| tempfile::tempdir().expect("a temporary folder")).collect();
    let (defects, folders) = folders.split_first().expect("folders");
    let many = format!("[[certificate]]\nname = \"device-{{n}}\"\nhosts = [\"device-{{n}}.test\"]\ncount = {LEAVES}\n");
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for folder in folders {
        alone.push(keys_and_signatures());
        ours.push(build(folder.path(), &many));
    }
    let (ours, alone) = (rate(median(ours)), rate(median(alone)));
    println!("keys and signatures alone: {alone:.0}/s");
    println!("certificates, written:     {ours:.0}/s");
    println!("written / alone: {:.2} (goal: at least 0.5)", ours / alone);
    println!("up to date, {LEAVES} leaves: {:.1} ms a process", up_to_date(folders[0].path()));
    build(defects.path(), "defects = \"all\"\n");
    println!("up to date, all defects: {:.1} ms a process (goal: below 20)", up_to_date(defects.path()));
}

/// A key pair and a signature by another for each leaf.
fn keys_and_signatures() -> Duration {
    let issuer = PrivateKey::generate(Algorithm::EcdsaP256).expect("a key");
    let start = Instant::now();
    (0..LEAVES).into_par_iter().for_each(|_| {
        PrivateKey::generate(Algorithm::EcdsaP256).expect("a key");
        issuer.sign(&MESSAGE).expect("a signature");
    });
    start.elapsed()
}

fn build(folder: &Path, text: &str) -> Duration {
    let manifest = folder.join("secure-io.toml");
    files::write_set(&[NewFile::public(&manifest, text)], Existing::Keep).expect("a manifest can be written");
    let start = Instant::now();
    let mut project = Project::open(&manifest, Outside::Refused, validity::now()).expect("a manifest");
    project.build(false, &|_| {}).expect("a tree");
    start.elapsed()
}

/// Milliseconds of a whole process that finds nothing to do.
fn up_to_date(folder: &Path) -> f64 {
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secure-io"));
        command.arg("fixtures").current_dir(folder).stdout(Stdio::null());
        let start = Instant::now();
        assert!(command.status().expect("the program runs").success());
        start.elapsed()
    };
    median((0..ROUNDS * 3).map(|_| run()).collect()).as_secs_f64() * 1000.0
}

fn rate(time: Duration) -> f64 {
    f64::from(LEAVES) / time.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
