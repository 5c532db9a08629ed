//! The command itself, for tests of its memory and its log.

use std::net::SocketAddr;

use crate::fixture::CERTIFIED;
use crate::sandbox::{Background, Sandbox};

const FLAGS: &str = "--quiet --cert cert.der --key key.der";

/// `secure-io serve` in a process of its own.
pub(crate) struct Process {
    _sandbox: Sandbox,
    server: Background,
    pub(crate) address: SocketAddr,
}

impl Process {
    pub(crate) fn start(flags: &str) -> Self {
        Self::run(|sandbox| sandbox.serve(&format!("{FLAGS} {flags}")))
    }

    /// With so many file descriptors.
    pub(crate) fn with_descriptors(count: usize) -> Self {
        let program = env!("CARGO_BIN_EXE_secure-io");
        let line = format!("sh -c 'ulimit -n {count}; exec \"{program}\" serve --port 0 {FLAGS}'");
        Self::run(|sandbox| sandbox.start(&line, "running on https://localhost:"))
    }

    fn run(start: impl FnOnce(&Sandbox) -> Background) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("cert.der", CERTIFIED.cert.der());
        sandbox.write("key.der", CERTIFIED.signing_key.serialize_der());
        let server = start(&sandbox);
        let address = SocketAddr::from(([127, 0, 0, 1], server.port));
        Self { _sandbox: sandbox, server, address }
    }

    /// Waits for a line of the log that contains a text, and returns it without the client's port.
    pub(crate) fn logs(&mut self, text: &str) -> String {
        let line = self.server.wait_for(text);
        match line.split_once("127.0.0.1:") {
            Some((before, after)) => {
                format!("{before}127.0.0.1{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => line,
        }
    }

    /// Stops it. Returns all that it has said.
    pub(crate) fn end(self) -> String {
        let stopped = std::process::Command::new("kill").arg(self.server.id().to_string()).status().unwrap();
        assert!(stopped.success());
        self.server.end().1
    }

    /// The memory in use now, in MB.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most memory that was ever in use, in MB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    #[cfg(target_os = "linux")]
    fn status(&self, field: &str) -> u64 {
        #[expect(clippy::disallowed_methods, reason = "the kernel's own figures")]
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        value.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}
