//! Compares `gen-cert` with OpenSSL, whole processes side by side in one run: `cargo bench --bench gen_cert`.
//!
//! Prints a ratio for each comparison; absolute times vary with the machine's other load.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod process;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use process::{median, ratio, secure_io, time};
use secure_io::key::{Algorithm, PrivateKey};

/// Runs of each side, in turn.
const ROUNDS: usize = 40;

/// RSA keys: the time of a single one varies by a factor of three.
const RSA_KEYS: usize = 60;

const ONE_STEP: &str = "req -x509 -subj /CN=localhost -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
                        -keyout their-key.pem -out their-cert.pem";

const THREE_STEPS: [&str; 3] = [
    "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out their-key.pem",
    "req -new -key their-key.pem -subj /CN=localhost -out their-csr.pem",
    "x509 -req -in their-csr.pem -signkey their-key.pem -days 365 -out their-cert.pem",
];

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    default_algorithm(folder.path());
    rsa(folder.path());
}

/// One `gen-cert` against one `openssl req -x509 -newkey ec`, which makes a key and a certificate but no request, and
/// against the three steps that make all three files.
fn default_algorithm(folder: &Path) {
    let (mut ours, mut one, mut three) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(secure_io(folder).args(["gen-cert", "--force"])));
        one.push(time(&mut openssl(folder, ONE_STEP)));
        three.push(THREE_STEPS.iter().map(|step| time(&mut openssl(folder, step))).sum());
    }
    let (ours, one, three) = (median(ours), median(one), median(three));
    println!("gen-cert: {:.2} ms (goal: 3)", ours.as_secs_f64() * 1e3);
    println!("openssl req -x509 -newkey ec / gen-cert: {:.1} (goal: above 1)", ratio(one, ours));
    println!("openssl genpkey, req, x509 -req / gen-cert: {:.1} (goal: 10)", ratio(three, ours));
}

/// Cost of `gen-cert --algorithm rsa-2048` beyond generating the key.
///
/// The key's own time varies so much that comparing it with whole runs says nothing in a minute; so all the rest of a
/// run is timed with a key that is there, and added to the key's.
fn rsa(folder: &Path) {
    time(secure_io(folder).args(["gen-key", "--algorithm", "rsa-2048", "--out", "rsa.pem"]));
    let mut rest = Vec::new();
    for _ in 0..ROUNDS {
        rest.push(time(secure_io(folder).args(["gen-cert", "--key", "rsa.pem", "--force"])));
    }
    let keys = (0..RSA_KEYS).map(|_| {
        let start = Instant::now();
        PrivateKey::generate(Algorithm::Rsa2048).expect("a key");
        start.elapsed()
    });
    let key = keys.sum::<Duration>() / u32::try_from(RSA_KEYS).expect("few");
    println!("gen-cert --algorithm rsa-2048 / its key alone: {:.2} (goal: below 1.10)", ratio(key + median(rest), key));
}

fn openssl(folder: &Path, args: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(args.split_whitespace()).current_dir(folder);
    command
}
