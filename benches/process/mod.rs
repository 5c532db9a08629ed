//! Whole processes: their time, and the most memory that they had.
#![allow(dead_code, reason = "every benchmark takes its part")]
#![expect(clippy::disallowed_methods, reason = "the kernel's account of a process is a plain file")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Time and memory of a program.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// The most memory it had, in KiB.
    pub(crate) peak: u64,
}

impl Cost {
    pub(crate) fn milliseconds(self) -> f64 {
        self.time.as_secs_f64() * 1e3
    }

    pub(crate) fn mebibytes(self) -> u64 {
        self.peak / 1024
    }
}

/// The program in a folder, which is its home as well, without the caller's environment.
pub(crate) fn secure_io(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secure-io"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// The shortest time of so many runs, and the most memory that one had.
pub(crate) fn best(runs: usize, command: impl Fn() -> Command) -> Cost {
    let costs: Vec<Cost> = (0..runs).map(|_| cost(&mut command())).collect();
    let time = costs.iter().map(|cost| cost.time).min().unwrap_or_default();
    Cost { time, peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default() }
}

/// The time of one run, which succeeds and whose output is thrown away.
pub(crate) fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the program runs");
    let elapsed = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    elapsed
}

/// Time and memory of one run, which succeeds and whose output is thrown away.
pub(crate) fn cost(command: &mut Command) -> Cost {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let watch = thread::spawn(move || {
        let mut peak = 0;
        // The status of a process that has ended names no memory.
        while let Ok(text) = fs::read_to_string(&status) {
            let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { break };
            peak = line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(peak);
            thread::sleep(Duration::from_millis(1));
        }
        peak
    });
    let succeeded = child.wait().expect("the program ends").success();
    let time = start.elapsed();
    assert!(succeeded, "{command:?} failed");
    Cost { time, peak: watch.join().expect("the watch ends") }
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
