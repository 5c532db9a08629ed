//! What the local CA refuses.

use secure_io::ca::Error;
use secure_io::ca::env::quote_sh;
use secure_io::container;

use super::Failure;
use crate::cli::command_line::CommandLine;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match error {
            Error::File(error) => return error.into(),
            Error::Permit { ref input, ref instead } if !instead.is_empty() => {
                let hint = permit_instead(input, instead);
                return Self::new(error.into()).hint(hint);
            }
            Error::Exists { .. } => "it signs with `secure-io gen-cert --ca`; `--force` makes a new one in its place",
            Error::Incomplete { .. } => "make it anew with `secure-io ca init`, which puts by what is left of it",
            Error::Missing { .. } => "make one with `secure-io ca init`",
            Error::RootKey { source: container::Error::PassphraseNeeded, .. } => {
                "give the passphrase with `--passphrase-file FILE` or `--passphrase-env VAR`"
            }
            Error::Permit { .. } => "`--permit default` is what is permitted otherwise, `--permit any` is everything",
            Error::NotIssued { .. } => "`secure-io ca show` lists what it has issued",
            Error::Former { .. } => "take the old root out of the stores that trust it: its copy is in `previous`",
            error => return Self::new(error.into()),
        };
        Self::new(error.into()).hint(hint)
    }
}

/// The command that was typed with other constraints in place of one, each with its flag.
fn permit_instead(input: &str, instead: &[String]) -> String {
    let (first, others) = instead.split_at(1);
    let command = CommandLine::typed().replacing(input, first);
    match command.map(|command| others.iter().fold(command, |command, name| command.flag("--permit", name))) {
        Some(command) => format!("write `{command}`"),
        None => format!("write {}", instead.join(" ")),
    }
}

/// A command that writes into the CA of who ran sudo.
pub(crate) fn needs_no_sudo(command: &str, caller: &str) -> Failure {
    Failure::message(format!("run with sudo, and root's files would be in the way in the CA of {caller}"))
        .hint(format!("run it without sudo: `secure-io {command}`; `--ca-dir DIR` names a CA of root's own"))
}

/// What mends a local CA that has ended.
pub(super) const RENEW_HINT: &str = "make its certificates anew with `secure-io ca renew`";

/// What has the local CA sign for a name, too.
pub(super) fn permit_hint(name: &str, flag: &str) -> String {
    let name = name.strip_prefix("*.").unwrap_or(name);
    format!("permit it with `secure-io ca renew{flag} --permit {}`", quote_sh(name))
}
