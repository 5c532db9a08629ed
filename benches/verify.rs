//! Compares `verify --batch` with plain rustls-webpki over the same requests, on the same threads, in one run:
//! `cargo bench --bench verify`.
//!
//! Then the program itself, at three sizes of its input, time and memory: a batch with a CRL, whose signature is
//! checked once, and a single certificate against roots.
//!
//! The other side is the least that answers the question: certificates decoded and trust anchors prepared beforehand,
//! webpki's path and webpki's name check. Ours reads each line's JSON and PEM, judges, and writes JSON; the signature
//! on the one intermediate, which all have in common, it checks once.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::disallowed_methods, reason = "plain files for the program")]

mod crl;
mod process;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crl::crl;
use process::{best, secure_io};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use secure_io::verify::batch::{Answer, Batch, Defaults};
use secure_io::verify::{Anchors, Purpose};
use secure_io::{container, validity};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

/// Requests; every tenth asks for another name.
const REQUESTS: usize = 2000;

/// Runs of each side, in turn; the best of each counts.
const ROUNDS: usize = 7;

fn main() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256] {
        let pki = Pki::new(algorithm);
        let batch = Batch::new(Defaults {
            anchors: Arc::new(Anchors::default()),
            presented: Vec::new(),
            crls: Vec::new(),
            host: None,
            purpose: Purpose::Server,
            at: validity::now(),
            strict: false,
        });
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            theirs = theirs.min(answered(|| pki.by_webpki()));
            ours = ours.min(answered(|| by_batch(&batch, &pki.lines)));
        }
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!("verify --batch / plain rustls-webpki, {algorithm:?}: {ratio:.2} of its rate (goal: 0.80)");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    with_crls(folder.path());
    with_roots(folder.path());
}

/// Entries of the CRL; lines of the batch.
const ENTRIES: [usize; 3] = [10_000, 100_000, 1_000_000];
const LINES: usize = 1000;

fn with_crls(folder: &Path) {
    let (root, key) = named_root("root");
    let issuer = Issuer::new(ca("root"), &key);
    let mut params = CertificateParams::new(vec!["app.example.com".to_owned()]).expect("a name");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let leaf = params.signed_by(&key, &issuer).expect("a leaf");
    let line = serde_json::json!({ "leaf": pem(leaf.der()), "host": "app.example.com" }).to_string();
    fs::write(folder.join("lines"), format!("{line}\n").repeat(LINES)).expect("written");
    fs::write(folder.join("root"), pem(root.der())).expect("written");
    println!("verify --batch --crl, {LINES} lines (goal: 2 s with a million entries):");
    for entries in ENTRIES {
        fs::write(folder.join("crl"), crl(entries, &issuer)).expect("written");
        let cost = best(3, || {
            let mut command = secure_io(folder);
            command.args(["verify", "--batch", "lines", "--trust", "root", "--crl", "crl"]);
            command
        });
        println!("  {entries:>9} entries  {:>8.1} ms, {:>4} MiB", cost.milliseconds(), cost.mebibytes());
    }
}

/// Certificates in the file of roots, the right one last.
const ROOTS: [usize; 3] = [35, 142, 568];

fn with_roots(folder: &Path) {
    let (root, key) = named_root("root");
    let mut params = CertificateParams::new(vec!["app.example.com".to_owned()]).expect("a name");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let leaf = params.signed_by(&key, &Issuer::new(ca("root"), &key)).expect("a leaf");
    fs::write(folder.join("leaf"), pem(leaf.der())).expect("written");
    let others: Vec<String> = (0..ROOTS[2])
        .map(|number| pem(ca(&format!("root {number}")).self_signed(&key).expect("a root").der()))
        .collect();
    println!("verify, one certificate (goal: 3.5 ms with the system's roots):");
    for count in ROOTS {
        fs::write(folder.join("roots"), [&others[..count - 1].concat(), &pem(root.der())].map(String::as_str).concat())
            .expect("written");
        let cost = best(40, || {
            let mut command = secure_io(folder);
            command.args(["verify", "--trust", "roots", "leaf"]);
            command
        });
        println!("  {count:>4} roots in a file  {:>6.2} ms, {:>3} MiB", cost.milliseconds(), cost.mebibytes());
    }
    let bundle = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    let Some(one) = bundle.split_inclusive("-----END CERTIFICATE-----\n").next().filter(|pem| pem.contains("BEGIN"))
    else {
        return;
    };
    fs::write(folder.join("one"), one).expect("written");
    let cost = best(40, || {
        let mut command = secure_io(folder);
        command.args(["verify", "--purpose", "any", "one"]);
        command
    });
    println!("  the system's roots   {:>6.2} ms, {:>3} MiB", cost.milliseconds(), cost.mebibytes());
    let cost = best(40, || {
        let mut command = secure_io(folder);
        command.arg("--version");
        command
    });
    println!("  --version            {:>6.2} ms", cost.milliseconds());
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named_root(name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    (ca(name).self_signed(&key).expect("a root"), key)
}

fn pem(der: &CertificateDer<'_>) -> String {
    container::pem("CERTIFICATE", der).expect("PEM").to_string()
}

fn answered(valid: impl FnOnce() -> usize) -> Duration {
    let start = Instant::now();
    assert_eq!(valid(), REQUESTS - REQUESTS / 10);
    start.elapsed()
}

fn by_batch(batch: &Batch, lines: &[(u64, String)]) -> usize {
    let answers = batch.answer_all(lines, |answer| {
        let text = serde_json::to_string(&answer).expect("JSON");
        (text, matches!(answer, Answer::Verdict(verdict) if verdict.valid))
    });
    answers.iter().filter(|(text, is_valid)| *is_valid && !text.is_empty()).count()
}

struct Pki {
    root: CertificateDer<'static>,
    intermediate: CertificateDer<'static>,
    requests: Vec<(CertificateDer<'static>, ServerName<'static>)>,
    lines: Vec<(u64, String)>,
}

impl Pki {
    fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = || KeyPair::generate_for(algorithm).expect("a key");
        let ca = |name: &str| {
            let mut params = ca(name);
            params.use_authority_key_identifier_extension = true;
            params
        };
        let (root_key, intermediate_key, leaf_key) = (key(), key(), key());
        let root = ca("root").self_signed(&root_key).expect("a root");
        let root_issuer = Issuer::new(ca("root"), root_key);
        let intermediate = ca("ca").signed_by(&intermediate_key, &root_issuer).expect("an intermediate");
        let issuer = Issuer::new(ca("ca"), intermediate_key);
        let requests: Vec<_> = (0..REQUESTS)
            .map(|number| {
                let host = format!("host-{number}.example.com");
                let mut params = CertificateParams::new(vec![host.clone()]).expect("a name");
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                params.use_authority_key_identifier_extension = true;
                let leaf = params.signed_by(&leaf_key, &issuer).expect("a leaf");
                let asked = if number % 10 == 0 { "other.example.com".to_owned() } else { host };
                (leaf.der().clone(), ServerName::try_from(asked).expect("a name"))
            })
            .collect();
        let line = |(leaf, host): &(CertificateDer<'static>, ServerName<'static>)| {
            let (leaf, untrusted, trust) = (pem(leaf), pem(intermediate.der()), pem(root.der()));
            serde_json::json!({ "leaf": leaf, "untrusted": [untrusted], "trust": [trust], "host": host.to_str() })
        };
        let lines = (1..).zip(requests.iter().map(|request| line(request).to_string())).collect();
        Self { root: root.der().clone(), intermediate: intermediate.der().clone(), requests, lines }
    }

    fn by_webpki(&self) -> usize {
        let anchors = [webpki::anchor_from_trusted_cert(&self.root).expect("an anchor")];
        let intermediates = std::slice::from_ref(&self.intermediate);
        let judge = |(leaf, host): &&(CertificateDer<'static>, ServerName<'static>)| {
            is_valid(leaf, host, &anchors, intermediates)
        };
        self.requests.par_iter().filter(judge).count()
    }
}

fn is_valid(
    leaf: &CertificateDer<'_>,
    host: &ServerName<'_>,
    anchors: &[TrustAnchor<'_>],
    intermediates: &[CertificateDer<'_>],
) -> bool {
    let Ok(leaf) = EndEntityCert::try_from(leaf) else { return false };
    let path = leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        anchors,
        intermediates,
        UnixTime::now(),
        KeyUsage::server_auth(),
        None,
        None,
    );
    path.is_ok() && leaf.verify_is_valid_for_subject_name(host).is_ok()
}
