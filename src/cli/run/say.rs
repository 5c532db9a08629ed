//! The lines of `run` about itself, on stderr, between those of the command.

use std::cell::Cell;
use std::ffi::OsString;
use std::net::ToSocketAddrs;

use secure_io::ca::env::quote_sh;
use secure_io::run::{Added, Change, Found, Place};

use crate::cli::output::Output;
use crate::cli::serve::Log;

/// Says where names below `localhost` lead nowhere for programs that are no browsers.
pub(super) fn resolution(host: &str, out: &mut Output) {
    if (host, 0).to_socket_addrs().is_ok_and(|mut addresses| addresses.next().is_some()) {
        return;
    }
    out.note(format!("browsers and curl find {host}; Node, Python and Go do not find it on this machine"));
    if cfg!(target_os = "linux") {
        out.hint("make names under localhost resolve: `sudo apt install libnss-myhostname`");
    } else {
        out.hint(format!("put `127.0.0.1 {host}` into the hosts file"));
    }
}

/// The lines.
pub(super) struct Say {
    pub(super) host: String,
    is_quiet: bool,
    told: u16,
    /// The server that was given flags.
    server: Option<&'static str>,
    /// True once the server was found.
    is_found: Cell<bool>,
    is_blocked_said: Cell<bool>,
}

impl Say {
    pub(super) fn new(out: &Output, host: &str, told: u16, added: Option<&Added>) -> Self {
        Self {
            host: host.to_owned(),
            is_quiet: out.is_quiet(),
            told,
            server: added.map(|added| added.server),
            is_found: Cell::new(false),
            is_blocked_said: Cell::new(false),
        }
    }

    /// The command as it is started, when that is not as it was typed.
    pub(super) fn starting(&self, log: &Log, words: &[OsString], place: &Place) {
        if self.is_quiet {
            return;
        }
        let words: Vec<_> = words.iter().map(|word| quote_sh(&word.to_string_lossy())).collect();
        let told = self.told;
        match self.server {
            Some(server) => {
                log.line(format!("Starting `{}` with PORT={told} and flags for {server}", words.join(" ")));
            }
            None => log.line(format!("Starting `{}` with PORT={told}", words.join(" "))),
        }
        let how = if place.leads() { "waits for it" } else { "waits for it, at the port of another run" };
        log.line(format!("{} {how}", place.url()));
    }

    /// The place where the server was found.
    pub(super) fn found(&self, log: &Log, url: &str, server: &Found) {
        let Found { target, port, program, is_open, .. } = server;
        if *port != self.told && !self.is_quiet {
            log.line(format!("{program} listens on port {port}, not on {}", self.told));
        }
        if *is_open && !self.is_quiet {
            log.line(format!("Port {port} is open to other machines, too, without TLS"));
        }
        log.line(if self.is_found.replace(true) {
            format!("{url} leads to {target} from now on")
        } else {
            format!("Secure server is running on {url}, in front of {target}")
        });
    }

    pub(super) fn changed(&self, log: &Log, url: &str, change: &Change) {
        let line = match change {
            Change::TookOver => format!("The run that had the port has ended: {url} is served by this one from now on"),
            Change::Joined => {
                format!("The run that had the port has ended: {url} is served by another one from now on")
            }
            Change::Blocked if !self.is_blocked_said.replace(true) => format!(
                "The dev server refuses the host {}: allow it there (server.allowedHosts in Vite, allowedHosts in webpack)",
                self.host
            ),
            Change::Lost(error) => format!("{url} is not served any more, and tried again: {error}"),
            _ => return,
        };
        log.line(line);
    }
}
