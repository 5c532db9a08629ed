//! Report of `run --list`.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// The dev servers that `run` started on this machine, for this user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Running {
    /// The servers, by URL.
    pub servers: Vec<App>,
}

/// A dev server behind `run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct App {
    /// The URL that browsers open.
    pub url: String,
    /// The host in it.
    pub host: String,
    /// The URL of the dev server itself.
    pub target: String,
    /// The command that was started.
    pub command: String,
    /// The folder in which it was started.
    pub folder: String,
    /// The process of `run`.
    pub pid: u32,
}

impl Running {
    /// Two lines for each server.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for App { url, target, command, folder, pid, .. } in &self.servers {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{url}\n  {target}, `{command}` in {folder} (process {pid})");
        }
        text
    }
}
