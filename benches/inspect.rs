//! Compares `inspect` with a loop over x509-parser and with OpenSSL, side by side in one run:
//! `cargo bench --bench inspect`.
//!
//! Prints both sides and their ratio; absolute times vary with the machine's other load.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::disallowed_methods, reason = "plain files for the programs compared")]

mod process;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use process::{cost, median, ratio, time};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use secure_io::key::sha256;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;

/// Certificates in the bundle; the distinct ones, half of them with RSA keys, are repeated.
const CERTIFICATES: usize = 100_000;
const DISTINCT: usize = 1_000;
const RSA_KEYS: usize = 8;

/// Rounds of both sides, in turn.
const ROUNDS: usize = 5;
const SMALL_ROUNDS: usize = 40;

/// Certificates that OpenSSL is given of the bundle, which it would take minutes for.
const OPENSSL_SHARE: usize = 50;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (bundle, part, one) = (folder.path().join("bundle"), folder.path().join("part"), folder.path().join("one"));
    let distinct = certificates();
    fs::write(&one, &distinct[0]).expect("written");
    fs::write(&part, repeated(&distinct, CERTIFICATES / OPENSSL_SHARE)).expect("written");
    fs::write(&bundle, repeated(&distinct, CERTIFICATES)).expect("written");
    large(&bundle, &part);
    small(&one);
}

fn large(bundle: &Path, part: &Path) {
    let (mut ours, mut loops, mut theirs, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let cost = cost(Command::new(env!("CARGO_BIN_EXE_secure-io")).args(["inspect", "--json"]).arg(bundle));
        ours.push(cost.time);
        peak = peak.max(cost.peak);
        let start = Instant::now();
        assert_eq!(parser_loop(bundle), CERTIFICATES);
        loops.push(start.elapsed());
    }
    for _ in 0..2 {
        theirs.push(time(Command::new("openssl").args(["storeutl", "-text", "-noout"]).arg(part)));
    }
    let (ours, loops, theirs) =
        (median(ours), median(loops), median(theirs) * u32::try_from(OPENSSL_SHARE).expect("few"));
    println!("{CERTIFICATES} certificates, PEM:");
    println!("  secure-io inspect --json    {}, {} MiB at its peak (goal: below 64)", each(ours), peak / 1024);
    println!(
        "  x509-parser loop, 1 thread  {}: {:.2} of its speed (goal: 1 and more)",
        each(loops),
        ratio(loops, ours)
    );
    println!(
        "  openssl storeutl -text      {}: {:.0} times its speed (goal: over 40)",
        each(theirs),
        ratio(theirs, ours)
    );
}

fn small(one: &Path) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..SMALL_ROUNDS {
        ours.push(time(Command::new(env!("CARGO_BIN_EXE_secure-io")).args(["inspect", "--text", "full"]).arg(one)));
        theirs.push(time(Command::new("openssl").args(["x509", "-text", "-noout", "-in"]).arg(one)));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("one certificate, whole processes:");
    println!("  secure-io inspect --text full  {:.2} ms (goal: below 3)", ours.as_secs_f64() * 1e3);
    let times = ratio(theirs, ours);
    println!("  openssl x509 -text             {:.2} ms: {times:.1} times its speed", theirs.as_secs_f64() * 1e3);
}

/// Work of a plain program: subject, issuer, serial number, dates, names, and two digests of each certificate.
fn parser_loop(bundle: &Path) -> usize {
    let bytes = fs::read(bundle).expect("read");
    let mut count = 0;
    for pem in Pem::iter_from_buffer(&bytes) {
        let pem = pem.expect("PEM");
        let certificate = pem.parse_x509().expect("a certificate");
        let fields = (
            certificate.subject().to_string(),
            certificate.issuer().to_string(),
            certificate.raw_serial_as_string(),
            certificate.validity().not_before.timestamp(),
            certificate.validity().not_after.timestamp(),
        );
        let mut names = Vec::new();
        for extension in certificate.extensions() {
            if let ParsedExtension::SubjectAlternativeName(san) = extension.parsed_extension() {
                names.extend(san.general_names.iter().map(GeneralName::to_string));
            }
        }
        let digests = (sha256(&pem.contents), sha256(certificate.public_key().raw));
        std::hint::black_box((fields, names, digests));
        count += 1;
    }
    count
}

fn certificates() -> Vec<String> {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, key);
    let rsa: Vec<_> = (0..RSA_KEYS).map(|_| KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key")).collect();
    let leaf = |index: usize| {
        let names = [format!("host{index}.example.com"), format!("www.host{index}.example.com")];
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("host{index}.example.com"));
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&index.to_be_bytes()));
        let own = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let key = if index.is_multiple_of(2) { &own } else { &rsa[index % RSA_KEYS] };
        let certificate = params.signed_by(key, &issuer).expect("a certificate");
        secure_io::container::pem("CERTIFICATE", certificate.der()).expect("PEM").to_string()
    };
    (0..DISTINCT).map(leaf).collect()
}

fn repeated(distinct: &[String], count: usize) -> Vec<u8> {
    let mut bundle = Vec::new();
    for pem in distinct.iter().cycle().take(count) {
        bundle.write_all(pem.as_bytes()).expect("memory");
    }
    bundle
}

fn each(time: Duration) -> String {
    format!("{:7.2} us each", time.as_secs_f64() * 1e6 / f64::from(u32::try_from(CERTIFICATES).expect("few")))
}
