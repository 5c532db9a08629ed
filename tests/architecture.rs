//! Holds the order of the library's floors and modules: the map in `src/lib.rs`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test, which looks at the source files themselves"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

/// The floors, upper first: a floor may use those before it, and itself.
const FLOORS: [&str; 6] = ["base", "encoding", "x509", "judge", "issue", "net"];

/// An import: the file it stands in, the module of that file, and the module it names, as in `x509::name`.
struct Arrow {
    file: String,
    from: String,
    to: String,
}

/// Every path `crate::floor::module` outside of tests.
fn arrows() -> Vec<Arrow> {
    let import = Regex::new(r"\bcrate::([a-z0-9_]+)(?:::([a-z0-9_]+))?").unwrap();
    let mut found = Vec::new();
    for floor in FLOORS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(floor);
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
            let path = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            let is_source = entry.path().extension().is_some_and(|extension| extension == "rs");
            if !is_source || path == "mod.rs" || path.contains("tests") {
                continue;
            }
            let module = path.split(['/', '.']).next().unwrap();
            let source = fs::read_to_string(entry.path()).unwrap();
            let code = source.split("#[cfg(test)]\nmod ").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for named in lines.flat_map(|line| import.captures_iter(line)) {
                let second = named.get(2).map_or("", |second| second.as_str());
                found.push(Arrow {
                    file: format!("src/{floor}/{path}"),
                    from: format!("{floor}::{module}"),
                    to: format!("{}::{second}", &named[1]),
                });
            }
        }
    }
    assert!(found.len() > 300, "the imports are read: {} were found", found.len());
    found
}

/// A newcomer who reads a module has to know the floors above it, and no other.
#[test]
fn no_floor_uses_one_below() {
    let place = |module: &str| FLOORS.iter().position(|floor| module.split(':').next() == Some(floor));
    let wrong: Vec<_> = arrows()
        .into_iter()
        .filter(|arrow| place(&arrow.to).is_none_or(|to| to > place(&arrow.from).unwrap()))
        .map(|arrow| format!("{} uses {}", arrow.file, arrow.to))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Two modules that need each other are one, or share a third.
#[test]
fn modules_form_no_circle() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrow in arrows().into_iter().filter(|arrow| arrow.from != arrow.to) {
        uses.entry(arrow.from).or_default().insert(arrow.to);
    }
    // Modules that use nothing which is left are taken away, until only circles are left.
    while let Some(free) =
        uses.iter().find(|(_, to)| to.iter().all(|to| !uses.contains_key(to))).map(|(m, _)| m.clone())
    {
        uses.remove(&free);
    }
    assert!(uses.is_empty(), "{uses:#?}");
}
