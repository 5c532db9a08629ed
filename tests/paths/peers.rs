//! What Python's `cryptography` and GnuTLS say of the cases, beside OpenSSL, and of the roots that Debian trusts.
//!
//! Where all who can be asked are of one opinion and we of another, there is a reason in the table here. What OpenSSL
//! says is known from the table of cases, which is compared with it one by one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use secure_io::chain::Purpose;
use secure_io::name::hex;
use serde_json::{Value, json};

use crate::{Case, cases, judge, openssl};

/// Cases in which we are alone, and why.
const ALONE: &[(&str, &str)] = &[
    ("seven intermediates", "rustls takes six at most"),
    ("keyUsage without digitalSignature", "TLS 1.3 has no use for it (RFC 8446 section 4.4.2.2)"),
    ("a distribution point that is no place", "CA/Browser Forum 7.1.2.11.2"),
    ("a CRL for what is no place", "CA/Browser Forum 7.2.2.1"),
    ("an indirect CRL for it that it does not ask for", "CA/Browser Forum 7.2.2.1"),
    ("a CRL that lists one twice", "which of its two entries counts, nobody says"),
    ("a CRL without an end", "RFC 5280 section 5.1.2.5: an old one could be shown for ever"),
    ("a BOOLEAN that is none", "X.690 section 11.1, and readers disagree about what it says"),
    ("fields out of order", "X.680 section 25.1, and readers disagree about what it says"),
    ("on hold and taken back", "the others take no delta CRL as it stands"),
];

#[test]
fn we_are_not_alone_but_for_what_is_listed() {
    let cases = cases::all();
    let mut wrong = Vec::new();
    for (case, others) in cases.iter().zip(ask(&cases)) {
        let ours = case.expected.0.is_none();
        let openssl = ours == case.openssl.is_none();
        let is_alone = openssl != ours && others.values().all(|other| (other == "valid") != ours);
        match ALONE.iter().find(|(name, _)| *name == case.name) {
            None if is_alone => wrong.push(format!("{}: nobody agrees, and it is not listed: {others:?}", case.name)),
            Some((_, why)) if !is_alone => wrong.push(format!("{}: listed ({why}), yet {others:?}", case.name)),
            _ => {}
        }
    }
    let unknown = ALONE.iter().filter(|(name, _)| !cases.iter().any(|case| case.name == *name));
    wrong.extend(unknown.map(|(name, _)| format!("{name}: there is no such case")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each is judged for any purpose as the end and anchor of its own path: those signed with SHA-1 were refused.
#[test]
fn the_systems_roots_are_taken_as_the_others_take_them() {
    let roots = rustls_native_certs::load_native_certs().certs;
    assert!(roots.len() > 50, "the root store is there: `apt-get install ca-certificates`");
    let cases: Vec<_> = roots.iter().map(|root| Case::alone(root.to_vec())).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (case, mut others) in cases.iter().zip(ask(&cases)) {
        let verdict = judge(case, false);
        let openssl = if openssl::is_valid(case, folder.path()) { "valid" } else { "refused" };
        others.insert("openssl".to_owned(), openssl.into());
        // Whoever else takes it: we do, too.
        if others.values().any(|other| other == "valid") != verdict.valid {
            wrong.push(format!("{}: {:?}, {others:?}", verdict.chain[0].subject, verdict.error));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What each of the others says of each case.
pub(crate) fn ask(cases: &[Case]) -> Vec<serde_json::Map<String, Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/python/bin/python3"));
    // -P: the scripts beside it are not to be taken for Python's own modules (inspect.py).
    command.arg("-P").arg(root.join("tests/python/verdicts.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("no Python: {error}; `tests/run` installs it"));
    let lines: Vec<_> = cases.iter().map(|case| request(case).to_string()).collect();
    child.stdin.take().expect("it is piped").write_all(lines.join("\n").as_bytes()).expect("all of it is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    let verdicts = String::from_utf8(output.stdout).expect("JSON");
    let verdicts: Vec<_> = verdicts.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(verdicts.len(), cases.len());
    verdicts
}

fn request(case: &Case) -> Value {
    let all = |ders: &[Vec<u8>]| ders.iter().map(|der| hex(der)).collect::<Vec<_>>();
    let purpose = match case.purpose {
        Purpose::Server => "server",
        Purpose::Client => "client",
        Purpose::Any => "any",
    };
    let mut request = json!({
        "leaf": hex(&case.leaf), "untrusted": all(&case.untrusted), "trust": all(&case.trust), "crls": all(&case.crls),
        "purpose": purpose, "at": case.at.unix_timestamp(),
    });
    if let Some(host) = case.host {
        request["host"] = host.into();
    }
    request
}
