//! docs/linting.md has every rule.

use std::fmt::Write;
use std::path::Path;

use secure_io::files::{self, Existing, NewFile};
use secure_io::lint::{RULES, Rule};
use secure_io::report::finding::Severity;

const BEGIN: &str = "<!-- rules: written by `UPDATE_DOCS=1 cargo test --test lint documented` -->\n";

fn row(rule: &Rule) -> String {
    let severity = |severity: Option<Severity>| severity.map_or("-", Severity::name);
    let roles: Vec<&str> = rule.roles.iter().map(|role| role.words()).collect();
    let Rule { id, title, source, fix, .. } = rule;
    let (public, private) = (severity(rule.public), severity(rule.private));
    format!("| `{id}` | {title} | {} | {public} | {private} | {source} | {fix} |", roles.join(", "))
}

#[test]
fn the_page_has_every_rule() {
    let mut table =
        "| rule | finds | in | public | private | source | fix |\n|---|---|---|---|---|---|---|\n".to_owned();
    for rule in RULES {
        let _ = writeln!(table, "{}", row(rule));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/linting.md");
    let page = String::from_utf8(files::read(&path).unwrap().to_vec()).unwrap();
    let (before, behind) = page.split_once(BEGIN).expect("the page says where the table is");
    let (_, after) = behind.split_once("\n\n").unwrap_or((behind, ""));
    let current = format!("{before}{BEGIN}{table}\n{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return files::write_set(&[NewFile::public(&path, current)], Existing::Replace).unwrap();
    }
    assert!(page == current, "docs/linting.md is not current: `UPDATE_DOCS=1 cargo test --test lint documented`");
}
