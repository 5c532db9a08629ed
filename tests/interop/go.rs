//! Go's own TLS: programs in `tests/go`, built once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A command of Go's, with a cache that outlasts the test: Go's standard library is compiled once.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut go = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/go"));
    go.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    go.env("GOTOOLCHAIN", "local").env("GO111MODULE", "off").args(arguments);
    go
}

/// Builds a program of `tests/go`, unless it is built already, and returns its path.
#[track_caller]
pub(crate) fn program(source: &str) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go").join(source.trim_end_matches(".go"));
    let mut go = command(&["build", "-o"]);
    go.arg(&program).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go").join(source));
    let output = go.output().unwrap_or_else(|error| panic!("Go does not start ({error}): `tests/run` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}
