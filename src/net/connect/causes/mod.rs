//! The causes that `connect` names: a table. Adding a row, the place that finds it and its page in docs/failures is the
//! whole change.

mod application;
mod network;

use crate::judge::report::connect::LayerName;

/// A cause of failure.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// Its code, which never changes.
    pub code: &'static str,
    /// The layer at which the cause is found.
    pub layer: LayerName,
    /// The exit status of a run that fails for it; 0 for a warning.
    pub exit: u8,
    /// The message of socket.io-client; empty where the client shows none.
    pub shown: &'static str,
    /// Clients that connect all the same.
    pub accepted_by: &'static [&'static str],
    /// Clients that do not connect.
    pub refused_by: &'static [&'static str],
    /// The fix.
    pub fix: &'static str,
}

/// All clients, by the names of `accepted_by` and `refused_by`.
const EVERYONE: &[&str] = &["browsers", "node", "python", "curl"];

/// The message of Node's client for most of them.
const POLL_ERROR: &str = "xhr poll error";

impl Cause {
    const fn new(layer: LayerName, code: &'static str, exit: u8, shown: &'static str, fix: &'static str) -> Self {
        let refused_by = if exit == 0 { &[] } else { EVERYONE };
        Self { code, layer, exit, shown, accepted_by: &[], refused_by, fix }
    }

    const fn accepted(self, accepted_by: &'static [&'static str], refused_by: &'static [&'static str]) -> Self {
        Self { accepted_by, refused_by, ..self }
    }

    /// All causes, the lowest layer first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        network::CAUSES.iter().chain(application::CAUSES)
    }

    /// The cause with a code.
    pub(in crate::net) fn of(code: &str) -> &'static Self {
        Self::all().find(|cause| cause.code == code).unwrap_or(&network::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files;

    #[test]
    fn each_cause_has_its_page_and_its_own_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failures");
        let mut seen = Vec::new();
        for cause in Cause::all() {
            assert!(!seen.contains(&cause.code), "{} twice", cause.code);
            seen.push(cause.code);
            let page = files::read(&folder.join(format!("{}.md", cause.code)));
            let page = page.unwrap_or_else(|error| panic!("{}: {error}", cause.code));
            let page = String::from_utf8_lossy(&page);
            assert!(page.starts_with(&format!("# {}\n", cause.code)), "{}", cause.code);
            for part in ["## Why", "## Reproduce", "## Fix"] {
                assert!(page.contains(part), "{}: {part}", cause.code);
            }
            assert!(!cause.fix.is_empty() && !cause.fix.contains('`'), "{}: words, and no command", cause.code);
        }
    }
}
