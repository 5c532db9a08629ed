//! Kill -9 while files are replaced leaves no half set.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

use crate::sandbox::Sandbox;

const ROUNDS: u32 = 200;

/// No moment of a kill leaves a key beside a certificate or request of another key; and the next run, which is
/// refused since files are there, still leaves a whole set behind and nothing besides.
#[test]
fn a_set_replaced_is_never_left_mixed() {
    let sandbox = Sandbox::new();
    sandbox.run("secure-io gen-cert").success();
    let started = Instant::now();
    sandbox.run("secure-io gen-cert --force").success();
    let whole_run = started.elapsed();
    let mut sets = vec![Keys::in_files(&sandbox)];
    for round in 0..ROUNDS {
        // Each moment of a run once, and some after its end.
        kill_after(&sandbox, "--force", whole_run * round * 5 / (ROUNDS * 4));
        // Whole before the next run, too: who reads the files meanwhile is no program of ours.
        Keys::in_files(&sandbox).assert_whole(round);
        sandbox.run("secure-io gen-cert").exits(2).says("exists already");
        let set = Keys::in_files(&sandbox);
        set.assert_whole(round);
        assert_eq!(names(&sandbox), ["server-cert.pem", "server-csr.pem", "server-key.pem"], "round {round}");
        sets.push(set);
    }
    sets.dedup();
    assert!(sets.len() > 1, "no run got as far as its new set");
    assert!(sets.len() < ROUNDS as usize, "no run was killed before its new set");
}

/// The same for a folder that is empty at first: nothing, or all of it, once the next run has come by.
#[test]
fn a_first_set_is_whole_or_absent() {
    let measure = Sandbox::new();
    let started = Instant::now();
    measure.run("secure-io gen-cert").success();
    let whole_run = started.elapsed();
    for round in 0..ROUNDS / 4 {
        let sandbox = Sandbox::new();
        kill_after(&sandbox, "", whole_run * round * 5 / ROUNDS);
        Keys::in_files(&sandbox).assert_no_strangers(round);
        // Refused when the set was finished, done when there was none.
        let _ = sandbox.run("secure-io gen-cert");
        Keys::in_files(&sandbox).assert_whole(round);
        assert_eq!(names(&sandbox), ["server-cert.pem", "server-csr.pem", "server-key.pem"], "round {round}");
    }
}

/// A server that loads its certificate again now and then once found none, 51 times in 150 runs.
#[test]
fn a_certificate_is_there_at_every_moment_of_its_replacement() {
    let sandbox = Sandbox::new();
    sandbox.run("secure-io gen-cert").success();
    let is_done = AtomicBool::new(false);
    let (missed, looked) = thread::scope(|scope| {
        let paths = ["server-cert.pem", "server-csr.pem", "server-key.pem"].map(|name| sandbox.path(name));
        let is_done = &is_done;
        let poller = scope.spawn(move || {
            let (mut missed, mut looked) = (0, 0_u32);
            while !is_done.load(Ordering::Relaxed) {
                for path in &paths {
                    missed += u32::from(!fs::metadata(path).is_ok_and(|found| found.len() > 0));
                }
                looked += 1;
            }
            (missed, looked)
        });
        for _ in 0..40 {
            sandbox.run("secure-io gen-cert --force").success();
        }
        is_done.store(true, Ordering::Relaxed);
        poller.join().expect("the poller ends")
    });
    assert!(looked > 100, "the poller looked {looked} times");
    assert_eq!(missed, 0, "of {looked} looks");
}

fn kill_after(sandbox: &Sandbox, flags: &str, delay: Duration) {
    let mut command = sandbox.command("secure-io");
    command.arg("gen-cert").args(flags.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("secure-io starts");
    // Not a wait for something: the moment of the kill is what the test is about.
    thread::sleep(delay);
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}

/// Everything in the folder, hidden files too.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("")).expect("the folder can be read");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// The public keys of the files of a set, as far as they are there.
#[derive(Debug, PartialEq)]
struct Keys {
    certificate: Option<Vec<u8>>,
    request: Option<Vec<u8>>,
    /// A private key, which holds its public key as well: of EC keys, RFC 5915 has it so.
    private: Option<Vec<u8>>,
}

impl Keys {
    fn in_files(sandbox: &Sandbox) -> Self {
        let read = |name| sandbox.exists(name).then(|| sandbox.read(name));
        Self {
            certificate: read("server-cert.pem").map(|pem| {
                let der = CertificateDer::from_pem_slice(&pem).expect("a whole certificate");
                let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
                certificate.public_key().subject_public_key.data.to_vec()
            }),
            request: read("server-csr.pem").map(|pem| {
                let der = CertificateSigningRequestDer::from_pem_slice(&pem).expect("a whole request");
                let (_, request) = X509CertificationRequest::from_der(&der).expect("a request");
                request.certification_request_info.subject_pki.subject_public_key.data.to_vec()
            }),
            private: read("server-key.pem").map(|pem| {
                let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("a whole key");
                der.secret_pkcs8_der().to_vec()
            }),
        }
    }

    #[track_caller]
    fn assert_no_strangers(&self, round: u32) {
        if let Some(private) = &self.private {
            for public in self.certificate.iter().chain(&self.request) {
                let belongs = private.windows(public.len()).any(|part| part == public);
                assert!(belongs, "round {round}: a key beside what belongs to another");
            }
        }
    }

    #[track_caller]
    fn assert_whole(&self, round: u32) {
        let whole = self.certificate.is_some() && self.request.is_some() && self.private.is_some();
        assert!(whole, "round {round}: half a set: {self:?}");
        self.assert_no_strangers(round);
    }
}
