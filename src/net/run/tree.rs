//! The processes below this one, and signals to them.

use std::collections::HashMap;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    parent: u32,
    /// True if it has ended, and its parent has not asked how.
    pub(super) is_zombie: bool,
}

/// Lists the processes below one, parents before their children.
pub(super) fn below(root: u32) -> Vec<Process> {
    descendants(root, &all())
}

fn descendants(root: u32, all: &[Process]) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found: Vec<Process> = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let pid = process.pid;
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    found
}

#[cfg(target_os = "linux")]
fn all() -> Vec<Process> {
    let Ok(processes) = procfs::process::all_processes() else { return Vec::new() };
    let stat = |process: procfs::process::Process| process.stat().ok();
    let read = processes.flatten().filter_map(stat).filter_map(|stat| {
        let (pid, parent) = (stat.pid.try_into().ok()?, stat.ppid.try_into().ok()?);
        Some(Process { pid, parent, is_zombie: matches!(stat.state, 'Z' | 'X') })
    });
    read.collect()
}

/// POSIX's `ps`, because these systems have no `/proc`.
#[cfg(all(unix, not(target_os = "linux")))]
fn all() -> Vec<Process> {
    // An option for each: behind `=`, POSIX takes all the rest of an argument for the header.
    let fields = ["-A", "-o", "pid=", "-o", "ppid=", "-o", "stat="];
    let listed = std::process::Command::new("ps").args(fields).output();
    let text = listed.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned()).unwrap_or_default();
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Process { pid, parent, is_zombie: words.next()?.starts_with('Z') })
    };
    text.lines().filter_map(read).collect()
}

#[cfg(not(unix))]
fn all() -> Vec<Process> {
    Vec::new()
}

/// Sends a signal by its number; a process that has ended meanwhile is no error.
#[cfg(unix)]
pub(super) fn signal(pid: u32, number: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(number)) {
        kill_process(pid, signal).ok();
    }
}

#[cfg(not(unix))]
pub(super) fn signal(_pid: u32, _number: i32) {}

/// Lets zombies go that were given to this process when their parents ended, except for its own child.
#[cfg(unix)]
pub(super) fn reap(own_child: u32, processes: &[Process]) {
    use rustix::process::{Pid, WaitOptions, waitpid};
    let me = std::process::id();
    for process in processes.iter().filter(|one| one.is_zombie && one.parent == me && one.pid != own_child) {
        let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
        if pid.is_some() {
            waitpid(pid, WaitOptions::NOHANG).ok();
        }
    }
}

#[cfg(not(unix))]
pub(super) fn reap(_own_child: u32, _processes: &[Process]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_generations_are_found_and_no_others() {
        let process = |pid, parent| Process { pid, parent, is_zombie: false };
        let all = [process(9, 7), process(7, 5), process(5, 1), process(6, 1), process(8, 7), process(10, 9)];
        let found: Vec<_> = descendants(5, &all).iter().map(|process| process.pid).collect();
        assert_eq!(found, [7, 9, 8, 10]);
    }
}
