//! Each rule's pair: one that trips it, and nothing else as far as that can be, and one that just passes.

mod names;
mod rest;
mod strength;

use secure_io::lint::RULES;
use secure_io::report::finding::Audience;

use crate::builder::Certificate;
use crate::{Item, judged, rules};

pub(crate) struct Pair {
    pub(crate) id: &'static str,
    pub(crate) trips: Item,
    pub(crate) passes: Item,
    /// Other rules that cannot but trip along.
    pub(crate) also: &'static [&'static str],
    /// Findings in the certificate that passes.
    pub(crate) passes_with: &'static [&'static str],
}

impl Pair {
    pub(crate) fn audience(&self) -> Audience {
        let rule =
            RULES.iter().find(|rule| rule.id == self.id).unwrap_or_else(|| panic!("there is no rule {}", self.id));
        if rule.private.is_some() { Audience::Private } else { Audience::Public }
    }
}

fn pair(id: &'static str, trips: &Certificate, passes: &Certificate) -> Pair {
    Pair { id, trips: trips.item(), passes: passes.item(), also: &[], passes_with: &[] }
}

fn items(id: &'static str, trips: Item, passes: Item) -> Pair {
    Pair { id, trips, passes, also: &[], passes_with: &[] }
}

impl Pair {
    fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    fn passes_with(self, passes_with: &'static [&'static str]) -> Self {
        Self { passes_with, ..self }
    }
}

pub(crate) fn all() -> Vec<Pair> {
    [names::pairs(), rest::pairs(), strength::pairs()].into_iter().flatten().collect()
}

#[test]
fn every_rule_has_its_pair() {
    let mut rules: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    let mut pairs: Vec<&str> = all().iter().map(|pair| pair.id).collect();
    rules.sort_unstable();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(pairs, rules);
    rules.dedup();
    assert_eq!(rules.len(), RULES.len(), "an id is there twice");
}

#[test]
fn each_pair_trips_its_rule_and_just_passes_it() {
    let mut wrong = Vec::new();
    for pair in all().iter().filter(|pair| pair.id != "self_signed_leaf_trusted") {
        let mut expected: Vec<&str> = pair.also.iter().copied().chain([pair.id]).collect();
        expected.sort_unstable();
        let found = rules(&judged(&pair.trips, pair.audience()));
        if found != expected {
            wrong.push(format!("{}: trips {found:?}, not {expected:?}", pair.id));
        }
        let found = rules(&judged(&pair.passes, pair.audience()));
        if found.iter().any(|rule| ![pair.also, pair.passes_with].concat().contains(&rule.as_str())) {
            wrong.push(format!("{}: passes, with {found:?}", pair.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a rule judges is what `inspect` shows and `verify` decides on.
#[test]
fn others_see_the_same() {
    for pair in all() {
        for item in [pair.trips, pair.passes] {
            if let Item::Certificate(der) = item {
                crate::agreement::check(&der);
            }
        }
    }
}
