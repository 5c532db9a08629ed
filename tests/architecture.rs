//! Holds the order of the library's floors and modules, which is the map in `src/lib.rs`, and that of all files.
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
    assert_no_circle(uses);
}

/// A reader of a file has to know those that it uses, and never that file again. A folder's `mod.rs` and the files below
/// it are read together.
#[test]
fn files_form_no_circle() {
    let files = files();
    assert!(files.len() > 400, "the files are found: {} were", files.len());
    let reexports: Reexports = files.iter().flat_map(|(file, code)| reexports(file, code)).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for (from, code) in &files {
        for path in paths(code) {
            let Some(to) = file_of(&files, &reexports, absolute(from, &path)) else { continue };
            count += 1;
            if !is_within(from, &to) && !is_within(&to, from) {
                uses.entry(from.join("/")).or_default().insert(to.join("/"));
            }
        }
    }
    assert!(count > 3_000, "the paths are read: {count} were found");
    assert_no_circle(uses);
}

/// Fails if some of these use each other in a circle, and names them.
fn assert_no_circle(mut uses: BTreeMap<String, BTreeSet<String>>) {
    // Those that use nothing which is left are taken away, until only circles are left.
    while let Some(free) =
        uses.iter().find(|(_, to)| to.iter().all(|to| !uses.contains_key(to))).map(|(m, _)| m.clone())
    {
        uses.remove(&free);
    }
    // And those that nothing uses which is left.
    while let Some(free) = uses.keys().find(|from| !uses.values().any(|to| to.contains(*from))).cloned() {
        uses.remove(&free);
    }
    let all: BTreeSet<_> = uses.keys().cloned().collect();
    for to in uses.values_mut() {
        to.retain(|to| all.contains(to));
    }
    assert!(uses.is_empty(), "{uses:#?}");
}

/// A path by its names: of a file, `net/server/queue.rs` as `["net", "server", "queue"]`, or in code.
type Names = Vec<String>;

/// The code of each file outside of tests and comments.
fn files() -> BTreeMap<Names, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap();
        let Some(module) = path.strip_suffix(".rs").filter(|path| !path.contains("tests")) else { continue };
        let mut names: Names = module.split('/').map(str::to_owned).collect();
        names.pop_if(|last| last == "mod");
        let source = fs::read_to_string(entry.path()).unwrap();
        let code = source.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        files.insert(names, lines.join("\n"));
    }
    files
}

/// All paths that begin with `crate`, `self` or `super`, those in braces one by one.
fn paths(code: &str) -> Vec<Names> {
    let start = Regex::new(r"(?:^|[^\w:])((?:crate|self|super)::)").unwrap();
    let mut found = Vec::new();
    for place in start.captures_iter(code) {
        read_path(&code[place.get(1).unwrap().start()..], &[], &mut found);
    }
    found
}

/// Reads the path at the front of some code, and returns the code behind it.
fn read_path<'a>(mut code: &'a str, before: &[String], found: &mut Vec<Names>) -> &'a str {
    let mut names = before.to_vec();
    loop {
        let length = code.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(code.len());
        let (name, rest) = code.split_at(length);
        if !name.is_empty() {
            names.push(name.to_owned());
        }
        let Some(rest) = rest.strip_prefix("::") else {
            found.push(names);
            return rest;
        };
        code = rest;
        if let Some(mut rest) = code.strip_prefix('{') {
            while !rest.starts_with('}') {
                rest = read_path(rest.trim_start(), &names, found);
                // Behind a name there may be another one for it.
                rest = rest.trim_start_matches(|c: char| c != ',' && c != '}');
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            }
            return &rest[1..];
        }
    }
}

/// A path in a file, from the crate's root.
fn absolute(file: &[String], path: &[String]) -> Names {
    let is_start = |name: &&String| matches!(name.as_str(), "crate" | "self" | "super");
    let mut from = file.to_vec();
    for start in path.iter().take_while(is_start) {
        match start.as_str() {
            "crate" => from.clear(),
            "super" => drop(from.pop()),
            _ => {}
        }
    }
    from.extend(path.iter().skip_while(is_start).cloned());
    from.pop_if(|last| last == "self");
    from
}

/// The items that a file shows as its own, each with the path of the item itself.
type Reexports = BTreeMap<(Names, String), Names>;

fn reexports(file: &Names, code: &str) -> Vec<((Names, String), Names)> {
    let shown = Regex::new(r"(?m)^pub(?:\([^)]*\))? use ([^;]*);").unwrap();
    let mut all = Vec::new();
    for one in shown.captures_iter(code) {
        let mut found = Vec::new();
        read_path(&one[1], &[], &mut found);
        // A name without a start is that of a file below.
        all.extend(found.into_iter().map(|path| absolute(file, &path)).filter_map(|path| {
            let name = path.last().filter(|name| *name != "*")?.clone();
            Some(((file.clone(), name), path))
        }));
    }
    all
}

/// The file that a path leads to, past those that show an item of another as theirs.
fn file_of(files: &BTreeMap<Names, String>, reexports: &Reexports, mut path: Names) -> Option<Names> {
    for _ in 0..8 {
        let length = (1..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
        let (file, rest) = (path[..length].to_vec(), &path[length..]);
        match rest.first().and_then(|name| reexports.get(&(file.clone(), name.clone()))) {
            Some(shown) if *shown != path => path = shown.iter().chain(&rest[1..]).cloned().collect(),
            _ => return Some(file),
        }
    }
    None
}

fn is_within(below: &[String], above: &[String]) -> bool {
    below.starts_with(above)
}
