//! Everything that Python's cryptography finds in its test vectors is found and named here.

#![expect(clippy::disallowed_methods, reason = "files for the library under test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use secure_io::container;

use crate::sandbox::Sandbox;

#[test]
fn what_cryptography_reads_is_found() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/kinds.py");
    let kinds = Sandbox::new().ok(&format!("python3 -I {script}"));
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, kind) in kinds.lines().filter_map(|line| line.split_once('\t')) {
        expected.entry(path).or_default().insert(kind);
    }
    assert!(expected.len() > 1_000, "only {} files", expected.len());

    let mut different = Vec::new();
    for (path, kinds) in &expected {
        let found = found(path);
        for kind in kinds.iter().filter(|kind| !found.contains(**kind)) {
            different.push((*path, *kind, found.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

/// Lists the content of a file, in words.
fn found(path: &str) -> BTreeSet<String> {
    let octets = fs::read(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    let described = container::find(&octets).into_iter().map(|found| match found.content {
        Ok(content) => content.describe(found.label.as_deref()),
        Err(error) => error.to_string(),
    });
    described.collect()
}
