//! The command that is run, and all processes that come of it.
//!
//! The child stays in this process's group, and so has the terminal as it would without us: keys, colours, Ctrl-C, Ctrl-Z.
//! On Linux this process adopts those whose parents end before them, so none gets away; elsewhere those do.

use std::collections::HashSet;
use std::io;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::net::run::tree;

/// The number of SIGTERM, which is the same on all systems.
const TERM: i32 = 15;
/// The number of SIGKILL.
const KILL: i32 = 9;

/// The pause between two looks at who is left.
const PAUSE: Duration = Duration::from_millis(20);

/// A command that runs.
#[derive(Debug)]
pub struct Child {
    child: tokio::process::Child,
    pid: u32,
}

impl Child {
    /// Starts a command. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the command cannot be started.
    pub fn start(command: Command) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
        let child = tokio::process::Command::from(command).spawn()?;
        let pid = child.id().unwrap_or_default();
        #[cfg(target_os = "linux")]
        tokio::spawn(reap_adopted(pid));
        Ok(Self { child, pid })
    }

    /// Waits for its end, and returns its exit status, or 128 and the number of the signal that ended it.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub async fn wait(&mut self) -> io::Result<u8> {
        self.child.wait().await.map(status)
    }

    /// Sends a signal to the command itself.
    pub fn signal(&self, number: i32) {
        tree::signal(self.pid, number);
    }

    /// Sends a signal to the command and to all processes below it.
    pub fn signal_all(&self, number: i32) {
        // All are found before the first one can end, after which its children would be nobody's.
        for process in tree::below(std::process::id()) {
            tree::signal(process.pid, number);
        }
        if !cfg!(unix) && number == KILL {
            let tree = Command::new("taskkill").args(["/T", "/F", "/PID", &self.pid.to_string()]).output();
            tree.ok();
        }
    }

    /// Kills the command and all processes below it.
    pub fn kill_all(&self) {
        self.signal_all(KILL);
    }

    /// Ends the processes that are left: by SIGTERM, and after a time of grace by SIGKILL.
    pub async fn end(&mut self, grace: Duration) {
        let started = Instant::now();
        let mut asked = HashSet::new();
        loop {
            let ended = self.child.try_wait().is_ok_and(|status| status.is_some());
            let processes = tree::below(std::process::id());
            tree::reap(if ended { 0 } else { self.pid }, &processes);
            let left: Vec<_> = processes.iter().filter(|process| !process.is_zombie).collect();
            if left.is_empty() {
                return;
            }
            let is_over = started.elapsed() > grace;
            for process in left {
                if is_over {
                    tree::signal(process.pid, KILL);
                } else if asked.insert(process.pid) {
                    tree::signal(process.pid, TERM);
                }
            }
            sleep(PAUSE).await;
        }
    }
}

fn status(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    // Windows has longer ones: what is not zero stays so.
    u8::try_from(code).unwrap_or(1)
}

/// Lets adopted processes go as they end, as the first process of a system does.
#[cfg(target_os = "linux")]
async fn reap_adopted(own_child: u32) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    while ended.recv().await.is_some() {
        tree::reap(own_child, &tree::below(std::process::id()));
    }
}
