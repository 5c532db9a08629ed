//! Compares `verify --batch` with plain rustls-webpki over the same requests, on the same threads, in one run:
//! `cargo bench --bench verify`.
//!
//! The other side is the least that answers the question: certificates decoded and trust anchors prepared beforehand,
//! webpki's path and webpki's name check. Ours reads each line's JSON and PEM, judges, and writes JSON; the signature on
//! the one intermediate, which all have in common, it checks once.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use secure_io::chain::batch::{Answer, Batch, Defaults};
use secure_io::chain::{Anchors, Purpose};
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
            theirs = theirs.min(time(|| pki.by_webpki()));
            ours = ours.min(time(|| by_batch(&batch, &pki.lines)));
        }
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!("verify --batch / plain rustls-webpki, {algorithm:?}: {ratio:.2} of its rate (goal: 0.80)");
    }
}

fn time(valid: impl FnOnce() -> usize) -> Duration {
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
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
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
        let pem = |der: &CertificateDer<'_>| container::pem("CERTIFICATE", der).expect("PEM").to_string();
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
