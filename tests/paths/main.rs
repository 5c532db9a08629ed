//! Paths with known verdicts: an own table, OpenSSL's, GnuTLS's and Python's opinions of it, and NIST's PKITS.

#[path = "../lint/agreement.rs"]
mod agreement;
mod cases;
mod crls;
mod graphs;
mod hostile;
mod kit;
mod names;
mod openssl;
mod peers;
mod pkits;
mod shapes;
mod strangers;
#[path = "../lint/tlv.rs"]
mod tlv;

use std::sync::Arc;

use cases::Case;
use secure_io::report::verdict::Verdict;
use secure_io::verify::{self, Anchors, Certificate, Crl, Host, Request};

fn certificates(ders: &[Vec<u8>]) -> Vec<Arc<Certificate>> {
    // Of thousands of look-alikes a few will do.
    ders.iter().take(20).for_each(|der| agreement::check(der));
    let read = |der: &Vec<u8>| Arc::new(Certificate::parse(der.clone()).expect("it parses"));
    ders.iter().map(read).collect()
}

fn judge(case: &Case, strict: bool) -> Verdict {
    let anchors = Anchors::new(certificates(&case.trust));
    let crls: Vec<_> = case.crls.iter().map(|der| Arc::new(Crl::parse(der.clone()).expect("a CRL"))).collect();
    let host = case.host.map(|host| host.parse::<Host>().expect("a host"));
    let request = Request {
        presented: &certificates(&case.untrusted),
        anchors: &anchors,
        crls: &crls,
        host: host.as_ref(),
        purpose: case.purpose,
        at: case.at,
        key: None,
        strict,
    };
    match Certificate::parse(case.leaf.clone()) {
        Ok(leaf) => verify::verify(&leaf, &request),
        Err(error) => verify::malformed(&error),
    }
}

#[test]
fn every_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    for case in cases::all() {
        for (strict, expected) in [(false, case.expected.0), (true, case.expected.1)] {
            let verdict = judge(&case, strict);
            let code = verdict.error.as_ref().map(|error| error.code);
            if code != expected || verdict.valid != expected.is_none() {
                let mode = if strict { "strict" } else { "default" };
                wrong.push(format!("{} ({mode}): expected {expected:?}, got {:?}", case.name, verdict.error));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
