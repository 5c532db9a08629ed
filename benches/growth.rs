//! Time and memory of the program at three sizes of its input, so that the growth is seen:
//! `cargo bench --bench growth -- [ROW…]`, where a row is named by the first words of its name.
//!
//! A command whose cost grows with the square shows a hundred times the time at ten times the size.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::disallowed_methods, reason = "plain files for the program")]

mod crl;
mod process;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crl::crl;
use process::{best, secure_io, time};
use rcgen::{CertificateParams, Issuer, KeyPair};
use secure_io::container;

/// A row of the table: its name with the figure to reach, three sizes, and how often each is timed.
struct Row {
    name: &'static str,
    sizes: [usize; 3],
    runs: usize,
    /// Writes the input of so many items into a folder, and returns what is to be run there.
    prepare: fn(&Path, usize) -> Vec<String>,
}

const ROWS: [Row; 8] = [
    Row {
        name: "inspect, certificates as text (goal: 100,000 in 0.8 s and 32 MiB)",
        sizes: [1_000, 10_000, 100_000],
        runs: 3,
        prepare: |folder, count| {
            let issuer = Issuer::new(CertificateParams::default(), KeyPair::generate().expect("a key"));
            let leaves: Vec<String> = (0..count.min(1_000)).map(|number| certificate(&issuer, number)).collect();
            let bundle: String = leaves.iter().map(String::as_str).cycle().take(count).collect();
            write(folder, "bundle.pem", bundle);
            args(&["inspect", "bundle.pem"])
        },
    },
    Row {
        name: "inspect --text full, entries of a CRL (goal: flat memory)",
        sizes: [10_000, 100_000, 1_000_000],
        runs: 1,
        prepare: |folder, count| {
            let issuer = Issuer::new(CertificateParams::default(), KeyPair::generate().expect("a key"));
            write(folder, "crl.der", crl(count, &issuer));
            args(&["inspect", "--text", "full", "crl.der"])
        },
    },
    Row {
        name: "ca revoke, serial numbers at once",
        sizes: [100, 1_000, 10_000],
        runs: 1,
        prepare: |folder, count| {
            local_ca(folder, count, 0);
            let revoke = args(&["ca", "revoke", "--ca-dir", "ca"]);
            revoke.into_iter().chain((0..count).map(serial)).collect()
        },
    },
    Row {
        name: "ca show, certificates issued and as many revoked (goal: 30,000 well below 1.9 s)",
        sizes: [300, 3_000, 30_000],
        runs: 3,
        prepare: |folder, count| {
            local_ca(folder, count, count);
            args(&["ca", "show", "--ca-dir", "ca"])
        },
    },
    Row {
        name: "fixtures, tables of a manifest, up to date (goal: 40,000 well below 14.5 s)",
        sizes: [400, 4_000, 40_000],
        runs: 1,
        prepare: |folder, count| {
            up_to_date(folder, count, |number| {
                format!("[[certificate]]\nname = \"c{number}\"\nhosts = [\"c{number}.test\"]\n")
            })
        },
    },
    Row {
        name: "fixtures, authorities of a manifest, up to date (goal: 4,000 well below 2.4 s)",
        sizes: [40, 400, 4_000],
        runs: 1,
        prepare: |folder, count| up_to_date(folder, count, |number| format!("[[authority]]\nname = \"ca{number}\"\n")),
    },
    Row {
        name: "fixtures, leaves with fresh keys",
        sizes: [100, 1_000, 10_000],
        runs: 1,
        prepare: |folder, count| unbuilt(folder, leaves(count)),
    },
    Row {
        name: "fixtures, the same with a seed (goal: at most 3 times the time of fresh keys)",
        sizes: [100, 1_000, 10_000],
        runs: 1,
        prepare: |folder, count| {
            unbuilt(folder, format!("seed = \"growth\"\nclock = 2026-11-01T00:00:00Z\n{}", leaves(count)))
        },
    },
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rows =
        ROWS.iter().filter(|row| wanted.is_empty() || wanted.iter().any(|name| row.name.starts_with(name.as_str())));
    for row in rows {
        println!("{}:", row.name);
        for size in row.sizes {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let args = (row.prepare)(folder.path(), size);
            let cost = best(row.runs, || {
                let mut command = secure_io(folder.path());
                command.args(&args);
                command
            });
            println!("  {size:>9}  {:>9.1} ms, {:>4} MiB", cost.milliseconds(), cost.mebibytes());
        }
    }
}

fn args(args: &[&str]) -> Vec<String> {
    args.iter().map(|&arg| arg.to_owned()).collect()
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).expect("written");
}

fn certificate(issuer: &Issuer<'_, KeyPair>, number: usize) -> String {
    let names = [format!("host{number}.example.com"), format!("www.host{number}.example.com")];
    let params = CertificateParams::new(names).expect("names");
    let leaf = params.signed_by(&KeyPair::generate().expect("a key"), issuer).expect("a certificate");
    container::pem("CERTIFICATE", leaf.der()).expect("PEM").to_string()
}

/// A manifest whose tree is to be built.
fn unbuilt(folder: &Path, manifest: String) -> Vec<String> {
    write(folder, "secure-io.toml", manifest);
    args(&["fixtures"])
}

/// A manifest of so many tables whose tree is built already.
fn up_to_date(folder: &Path, tables: usize, table: impl Fn(usize) -> String) -> Vec<String> {
    let args = unbuilt(folder, (0..tables).map(table).collect());
    time(secure_io(folder).args(&args));
    args
}

fn leaves(count: usize) -> String {
    format!("[[certificate]]\nname = \"device-{{n}}\"\nhosts = [\"device-{{n}}.test\"]\ncount = {count}\n")
}

/// Hexadecimal serial number of a certificate of the local CA.
fn serial(number: usize) -> String {
    format!("5{number:039x}")
}

/// A local CA that has issued so many certificates and revoked so many of them.
fn local_ca(folder: &Path, issued: usize, revoked: usize) {
    time(secure_io(folder).args(["ca", "init", "--ca-dir", "ca"]));
    time(secure_io(folder).args(["gen-cert", "--ca", "--ca-dir", "ca", "app.test"]));
    let log = folder.join("ca/log.jsonl");
    let first = fs::read_to_string(&log).expect("the CA's log");
    let first: serde_json::Value = serde_json::from_str(first.lines().next().expect("a line")).expect("JSON");
    let mut lines = String::new();
    for number in 0..issued {
        let mut line = first.clone();
        line["serial"] = serial(number).into();
        writeln!(lines, "{line}").expect("memory");
    }
    for number in 0..revoked {
        let (at, authority) = (&first["at"], &first["authority_key_id"]);
        let line = serde_json::json!({
            "event": "revoked", "at": at, "serial": serial(number), "reason": "unspecified", "authority_key_id": authority,
        });
        writeln!(lines, "{line}").expect("memory");
    }
    fs::write(log, lines).expect("written");
}
