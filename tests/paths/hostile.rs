//! Bundles made to take long, and damage: an answer comes soon, and never a yes.

use std::time::{Duration, Instant};

use secure_io::report::verdict::Code;
use secure_io::verify::Certificate;

use crate::cases::{self, HOST};
use crate::kit::{self, ca, issue, leaf, root};
use crate::{Case, judge};

/// As long as any answer may take, on a slow machine with a debug build.
const LIMIT: Duration = Duration::from_secs(5);

fn in_time(case: &Case) -> secure_io::report::verdict::Verdict {
    let start = Instant::now();
    let verdict = judge(case, false);
    assert!(start.elapsed() < LIMIT, "{}: {:?}", case.name, start.elapsed());
    verdict
}

/// Intermediates that all have one name and issued each other.
#[test]
fn thousands_of_look_alikes_end_with_an_answer() {
    let mut case = cases::all().remove(0);
    let keys: Vec<_> = (0..30).map(|_| root(ca("ca"))).collect();
    let (above, below): (Vec<_>, Vec<_>) = (keys.iter().collect(), keys.iter().collect());
    let mut crowd = Vec::new();
    for above in &above {
        for below in &below {
            let key = rcgen::KeyPair::try_from(below.key.serialize_der()).unwrap();
            crowd.push(kit::issue_with(above, ca("ca"), key).der);
        }
    }
    for _ in 0..3 {
        crowd.extend_from_within(..900);
    }
    let good = std::mem::take(&mut case.untrusted);
    let end = issue(&keys[0], leaf(HOST));
    let lost = Case { name: "lost", leaf: end.der, untrusted: crowd.clone(), ..case.clone() };
    let verdict = in_time(&lost);
    assert!(!verdict.valid);
    let found = Case { name: "found", untrusted: [crowd, good].concat(), ..case.clone() };
    assert!(in_time(&found).valid, "the good one is found among them by its key identifier");
}

#[test]
fn a_bomb_of_name_constraints_ends_with_an_answer() {
    let mut case = cases::all().remove(0);
    let (trusted, mut middle, mut end) = (root(ca("root")), ca("ca"), leaf(HOST));
    let subtree = |number| rcgen::GeneralSubtree::DnsName(format!("x{number}.example.com"));
    middle.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: (0..2000).map(subtree).collect(),
    });
    end.subject_alt_names.extend((0..2000).map(|number| kit::san(&format!("y{number}.example.com"))));
    let middle = issue(&trusted, middle);
    (case.leaf, case.untrusted, case.trust) = (issue(&middle, end).der, vec![middle.der], vec![trusted.der]);
    assert_eq!(in_time(&case).error.unwrap().code, Code::ChainTooComplex);
}

/// Each octet of the certificates that are not trusted, changed.
#[test]
fn damage_is_never_valid() {
    let case = cases::all().remove(0);
    for bit in [0, 3, 7] {
        for place in 0..case.leaf.len() {
            let mut damaged = case.clone();
            damaged.leaf[place] ^= 1 << bit;
            assert!(!judge(&damaged, false).valid, "bit {bit} of octet {place} of the leaf");
        }
    }
    for place in 0..case.untrusted[0].len() {
        let mut damaged = case.clone();
        damaged.untrusted[0][place] ^= 0x10;
        let is_readable = Certificate::parse(damaged.untrusted[0].clone()).is_ok();
        assert!(!is_readable || !judge(&damaged, false).valid, "octet {place} of the intermediate");
    }
    for length in 0..case.leaf.len() {
        let mut cut = case.clone();
        cut.leaf.truncate(length);
        assert!(!judge(&cut, false).valid, "cut to {length}");
    }
}
