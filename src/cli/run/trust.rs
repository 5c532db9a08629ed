//! The offer to make browsers trust a local CA that was just made.

use std::io::{self, IsTerminal};
use std::process::Command;
use std::time::Duration;

use secure_io::ca::Paths;

use crate::cli::folders;
use crate::cli::output::Output;

/// The time for an answer, after which the command is started all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks on a terminal; elsewhere nobody would answer.
pub(super) fn is_wanted(out: &mut Output) -> bool {
    if out.is_quiet() || !io::stdin().is_terminal() || !io::stderr().is_terminal() || !is_in_foreground() {
        return false;
    }
    out.note(format!("make browsers and the system trust it? y and Enter within {} seconds", PATIENCE.as_secs()));
    answer().is_some_and(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Waits for a line, and takes nothing else from the terminal: what is typed later is the command's.
#[cfg(unix)]
fn answer() -> Option<String> {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    const PAUSE: Duration = Duration::from_millis(50);
    let flags = rustix::fs::OFlags::NONBLOCK.bits().try_into().ok()?;
    let mut terminal = std::fs::OpenOptions::new().read(true).custom_flags(flags).open("/dev/tty").ok()?;
    let started = std::time::Instant::now();
    let mut line = [0; 256];
    while started.elapsed() < PATIENCE {
        match terminal.read(&mut line) {
            Ok(length) => return Some(String::from_utf8_lossy(line.get(..length)?).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
    None
}

#[cfg(not(unix))]
fn answer() -> Option<String> {
    None
}

/// A job in the background would be stopped when it reads.
#[cfg(target_os = "linux")]
fn is_in_foreground() -> bool {
    let stat = procfs::process::Process::myself().and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.tpgid == stat.pgrp)
}

#[cfg(not(target_os = "linux"))]
fn is_in_foreground() -> bool {
    true
}

/// Runs `ca trust`, which says on the terminal what it does; returns false if some store is left.
pub(super) fn make(paths: &Paths) -> bool {
    let program = std::env::current_exe();
    let folder = folders::absolute(&paths.folder);
    let (Ok(program), Ok(folder)) = (program, folder) else { return false };
    Command::new(program).args(["ca", "trust", "--ca-dir"]).arg(folder).status().is_ok_and(|status| status.success())
}
