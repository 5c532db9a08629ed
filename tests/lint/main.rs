//! The table of lint rules: each rule with a pair, one that trips it and one that just passes; how it is documented.

mod agreement;
mod builder;
mod damaged;
mod documented;
mod pairs;
mod pkilint;
mod real;
mod tlv;

use std::sync::LazyLock;

use secure_io::lint::{Issuers, Judge, Origin};
use secure_io::report::finding::{Audience, Lint};
use time::OffsetDateTime;
use time::macros::datetime;

/// Time at which everything is judged.
const NOW: OffsetDateTime = datetime!(2026-06-01 0:00 UTC);

/// The CA that the builder's certificates come from, known.
static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    let mut issuers = Issuers::default();
    issuers.add(&builder::root(), Origin::Read);
    issuers
});

/// Something to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Certificate(Vec<u8>),
    Request(Vec<u8>),
    Crl(Vec<u8>),
}

fn judged(item: &Item, audience: Audience) -> Lint {
    judged_with(item, Some(audience), &ISSUERS)
}

fn judged_with(item: &Item, audience: Option<Audience>, issuers: &Issuers) -> Lint {
    let judge = Judge { audience, issuers, now: NOW };
    let lint = match item {
        Item::Certificate(der) => judge.certificate(der),
        Item::Request(der) => judge.request(der),
        Item::Crl(der) => judge.crl(der),
    };
    lint.expect("it has the structure of its kind")
}

/// The rules that found something, each once.
fn rules(lint: &Lint) -> Vec<String> {
    let mut rules: Vec<String> = lint.findings.iter().map(|finding| finding.rule.to_string()).collect();
    rules.sort();
    rules.dedup();
    rules
}
