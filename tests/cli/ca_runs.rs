//! The local CA's folder under several runs at once, and under runs that are killed.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Outcome, Sandbox};

/// Twenty runs at once issue, revoke and renew: each certificate is in the log once and verifies, and no line is torn.
#[test]
fn runs_at_once_do_not_get_in_each_others_way() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --keep-root-key");
    sandbox.ok("secure-io gen-cert -q --ca --name first first.test");
    let lines: Vec<String> = (0..20)
        .map(|run| match run % 10 {
            7 => "secure-io ca renew -q --force".to_owned(),
            8 => "secure-io ca revoke -q first-cert.pem".to_owned(),
            9 => "secure-io ca crl -q".to_owned(),
            _ => format!("secure-io gen-cert -q --ca --name run{run} run{run}.test"),
        })
        .collect();
    thread::scope(|scope| lines.iter().for_each(|line| drop(scope.spawn(|| sandbox.run(line).success()))));
    let log = String::from_utf8(sandbox.read(".local/share/secure-io/ca/log.jsonl")).expect("the log is text");
    let mut serials = BTreeSet::new();
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a line is a whole event");
        if event["event"] == "issued" {
            assert!(serials.insert(event["serial"].to_string()), "{line}");
        }
    }
    assert_eq!(serials.len(), 15);
    assert_eq!(log.matches(r#""event":"revoked""#).count(), 1, "revoked once\n{log}");
    for run in (0..20).filter(|run| run % 10 < 7) {
        let file = format!("run{run}-cert.pem");
        sandbox.ok(&format!(
            "openssl verify -CAfile .local/share/secure-io/ca/root.pem -untrusted {file} -verify_hostname run{run}.test {file}"
        ));
    }
}

/// Two first runs at once make one CA.
#[test]
fn two_first_runs_make_one_ca() {
    let sandbox = Sandbox::new();
    let init = || sandbox.run("secure-io ca init");
    let (a, b) = thread::scope(|scope| {
        let (a, b) = (scope.spawn(init), scope.spawn(init));
        (a.join().expect("it runs"), b.join().expect("it runs"))
    });
    let is_made = |outcome: &Outcome| outcome.stdout_text().contains("Made a local CA");
    assert!(a.is_success() && b.is_success() && is_made(&a) != is_made(&b), "{a}\n{b}");
    sandbox.ok("secure-io gen-cert -q --ca");
}

/// A killed renewal leaves the old CA or the new one, with which the next run signs; earlier certificates stay valid.
#[test]
fn a_killed_renewal_leaves_the_old_ca_or_the_new_one() {
    const ROUNDS: u32 = 40;
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    let started = Instant::now();
    sandbox.ok("secure-io ca renew -q --force --new-key");
    let whole_run = started.elapsed();
    let mut roots = BTreeSet::new();
    for round in 0..ROUNDS {
        kill_after(&sandbox, whole_run * round * 5 / (ROUNDS * 4));
        sandbox.ok("secure-io gen-cert -q --ca --force");
        sandbox
            .ok("openssl verify -CAfile .local/share/secure-io/ca/root.pem -untrusted server-cert.pem server-cert.pem");
        roots.insert(sandbox.ok("secure-io ca export"));
    }
    assert!(roots.len() > 1, "no run got as far as its new root");
    assert!(roots.len() < ROUNDS as usize, "no run was killed before its new root");
}

fn kill_after(sandbox: &Sandbox, delay: Duration) {
    let mut command = sandbox.command("secure-io");
    command.args(["ca", "renew", "--force", "--new-key"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("secure-io starts");
    // Not a wait for something: the moment of the kill is what the test is about.
    thread::sleep(delay);
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}
