//! Compares `gen-cert` with OpenSSL, whole processes side by side in one run: `cargo bench --bench gen_cert`.
//!
//! Prints a ratio for each comparison; absolute times vary with the machine's other load.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use secure_io::key::{Algorithm, PrivateKey};

/// Runs of each side, in turn.
const ROUNDS: usize = 40;

/// RSA keys: the time of a single one varies by a factor of three.
const RSA_KEYS: usize = 60;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    default_algorithm(folder.path());
    rsa(folder.path());
}

/// One `gen-cert` against one `openssl req -x509 -newkey ec`, which makes a key and a certificate, but no request.
fn default_algorithm(folder: &Path) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(&mut secure_io(folder, &["gen-cert", "--force"])));
        theirs.push(time(&mut openssl(folder)));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("gen-cert / openssl req -x509 -newkey ec: {:.2} (goal: below 1)", ratio(ours, theirs));
}

/// Cost of `gen-cert --algorithm rsa-2048` beyond generating the key.
///
/// The key's own time varies so much that comparing it with whole runs says nothing in a minute; so all the rest of a
/// run is timed with a key that is there, and added to the key's.
fn rsa(folder: &Path) {
    time(&mut secure_io(folder, &["gen-key", "--algorithm", "rsa-2048", "--out", "rsa.pem"]));
    let mut rest = Vec::new();
    for _ in 0..ROUNDS {
        rest.push(time(&mut secure_io(folder, &["gen-cert", "--key", "rsa.pem", "--force"])));
    }
    let keys = (0..RSA_KEYS).map(|_| {
        let start = Instant::now();
        PrivateKey::generate(Algorithm::Rsa2048).expect("a key");
        start.elapsed()
    });
    let key = keys.sum::<Duration>() / u32::try_from(RSA_KEYS).expect("few");
    println!("gen-cert --algorithm rsa-2048 / its key alone: {:.2} (goal: below 1.10)", ratio(key + median(rest), key));
}

fn secure_io(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secure-io"));
    command.args(args).current_dir(folder);
    command
}

fn openssl(folder: &Path) -> Command {
    let mut command = Command::new("openssl");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "their-key.pem"];
    command.args(["req", "-x509", "-subj", "/CN=localhost", "-out", "their-cert.pem"]).args(key).current_dir(folder);
    command
}

fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the program runs");
    let elapsed = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    elapsed
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
