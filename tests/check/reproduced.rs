//! Each page of docs/failures reproduces its failure: its commands are run as they stand, and name it.
#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::thread;

use regex::Regex;

use crate::sandbox::Sandbox;

/// The failures that no current server has: their pages name the stub that has them, in place of commands.
const STUBBED: [&str; 8] = [
    "export-suites",
    "large-hello-intolerance",
    "ssl2",
    "ssl3",
    "tls-compression",
    "unknown-value-intolerance",
    "weak-dh",
    "weak-suites",
];

/// The lines in front of a page's commands.
///
/// `sleep 1` gives servers the time to open their ports: here it lasts until they have. The packages of npm are
/// there already, and `serve` takes a free port.
const PRELUDE: &str = r#"
is_open() {
  grep -qi ":$(printf %04X "$1") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6
}
sleep() {
  [ "$1" = 1 ] || { command sleep "$@"; return; }
  for port in $PORTS; do until is_open $port; do command sleep 0.02; done; done
}
npm() {
  mkdir node_modules
  ln -s "$MODULES"/* node_modules
  [ "$2" = socket.io ] || [ "$2" = ws ] || ln -sfn "$MODULES/${2/@/-}" "node_modules/${2%@*}"
}
secure-io() {
  if [ "$1" = serve ]; then exec secure-io "$@" --port $PORT; else command secure-io "$@"; fi
}
"#;

struct Page {
    code: String,
    /// The first paragraph, which says how the failure is reported.
    said: String,
    commands: Option<String>,
}

#[test]
fn pages_of_failures_reproduce_them() {
    let pages = pages();
    assert!(pages.len() >= 143, "{} pages", pages.len());
    let without: Vec<_> = pages.iter().filter(|page| page.commands.is_none()).map(|page| &page.code).collect();
    assert_eq!(without, STUBBED);
    let next = AtomicUsize::new(0);
    // Most of a page's time is its servers' and its waits.
    let workers = 2 * thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(page.commands.as_ref().and_then(|commands| wrong_output(page, commands)));
        }
        wrong
    };
    let wrong = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the commands of a page; the output if it does not name the failure as the page says it is reported.
fn wrong_output(page: &Page, commands: &str) -> Option<String> {
    let sandbox = Sandbox::new();
    let (port, behind) = (unused_port(), unused_port());
    let listens = |number: &str| commands.contains(number) || (number == "3000" && commands.contains("serve"));
    let ports = [("3000", port), ("3001", behind)].into_iter().filter(|(number, _)| listens(number));
    let ports: Vec<_> = ports.map(|(_, port)| port.to_string()).collect();
    let commands = commands.replace("3000", &port.to_string()).replace("3001", &behind.to_string());
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let given = format!("PORT={port} PORTS='{}' MODULES='{modules}'\n", ports.join(" "));
    sandbox.write("page.sh", [&given, PRELUDE, &commands].concat());
    // What the commands start and leave behind is in their group of processes.
    sandbox.write("run.sh", "set -m; timeout 90 bash page.sh > said 2>&1 & wait $!; kill -KILL -- -$!; cat said");
    let bin = Path::new(env!("CARGO_BIN_EXE_secure-io")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = sandbox.command("bash");
    command.arg("run.sh").env("PATH", format!("{}:{path}:/usr/sbin:/sbin", bin.display()));
    let said = sandbox.finish("page.sh", &mut command, b"").stdout_text();
    let code = &page.code;
    let named = format!(r"(?m)^ +(error|warning|note) +{code}: |^(error|warning): .*\({code} at ");
    let named = Regex::new(&named).expect("a pattern");
    let severities = named.captures_iter(&said).filter_map(|found| found.get(1).or_else(|| found.get(2)));
    let is_named = severities.into_iter().any(|severity| page.said.contains(severity.as_str()));
    (!is_named).then(|| format!("{code} is not named as in\n{}\nbut\n{said}", page.said))
}

#[expect(clippy::disallowed_methods, reason = "pages are plain files")]
fn pages() -> Vec<Page> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures");
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a page");
            let section = text.split("\n## Reproduce\n").nth(1).expect("a section");
            let section = section.split("\n## ").next().unwrap_or_default();
            let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
            Page {
                code: path.file_stem().and_then(|stem| stem.to_str()).expect("a code").to_owned(),
                said: text.split("\n\n").nth(1).expect("a first paragraph").to_owned(),
                commands: block.map(str::to_owned),
            }
        })
        .collect();
    pages.sort_by(|one, other| one.code.cmp(&other.code));
    pages
}

/// A port that nothing takes by itself, for it is below those that the system gives out.
fn unused_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of other work trees may run beside these.
    let first = 10_000 + u16::try_from(std::process::id() % 40).unwrap_or_default() * 500;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
