//! Errors of the local CA, with their remedies.

use std::path::Path;

use secure_io::ca::Error;
use secure_io::container;

use super::Failure;
use crate::cli::command_line::{self, CommandLine, OUT};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let ours = |subcommand: &str| CommandLine::ours(subcommand).carrying_ca_dir();
        let hint = match error {
            Error::File(error) => return error.into(),
            Error::Permit { ref input, ref instead } if !instead.is_empty() => permit_instead(input, instead),
            Error::Permit { .. } => {
                "--permit default is what is permitted otherwise, --permit any is everything".to_owned()
            }
            Error::Exists { .. } => {
                let hint = format!("sign with it: `{}`", ours("gen-cert --ca"));
                return Self::new(error.into()).hint(hint).hint("--force makes a new one in its place");
            }
            Error::Incomplete { .. } => format!("make it again, and keep what is left of it: `{}`", ours("ca init")),
            Error::NoFirefox { .. } => return Self::new(error.into()).hint(renew_hint()),
            Error::Missing { .. } => format!("make one: `{}`", ours("ca init")),
            Error::RootKey { source: container::Error::PassphraseNeeded, .. } => super::PASSPHRASE.to_owned(),
            Error::Container { .. } | Error::Pair { .. } => {
                "restore that file from a copy, or make a new CA in its place by --force of ca init".to_owned()
            }
            Error::Exposed { ref path, instead, .. } => {
                let command = CommandLine::of("chmod").arg(instead).path(path);
                let hint = format!("if nobody else has used it, close it: `{command}`");
                return Self::new(error.into()).hint(hint).hint("otherwise make another CA in a folder of your own");
            }
            Error::Foreign { .. } => "make another CA in a folder of your own, and name it with --ca-dir".to_owned(),
            Error::DamagedLog { .. } => "take out or put right what is damaged there".to_owned(),
            Error::NotIssued { .. } => format!("see what it has issued: `{}`", ours("ca show")),
            Error::Former { .. } => {
                "remove the old root from the stores that trust it: its copy is in the folder `previous`".to_owned()
            }
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

/// A command that writes into the CA of sudo's caller.
pub(crate) fn needs_no_sudo(caller: &str) -> Failure {
    Failure::message(format!("run with sudo, and root's files would be in the way in the CA of {caller}"))
        .hint(format!("run it without sudo: `{}`", CommandLine::typed()))
        .hint("--ca-dir names a CA of root's own")
}

/// A report and data that would both go to standard output, with the command that writes the data to a file.
pub(crate) fn one_thing_at_a_time(file: &str) -> Failure {
    let command = CommandLine::typed().with(&OUT, command_line::unused(Path::new(file)));
    Failure::message("standard output takes one thing at a time").hint(format!("write to a file: `{command}`"))
}

/// The command that renews a local CA that has ended.
pub(crate) fn renew_hint() -> String {
    format!("renew its certificates: `{}`", CommandLine::ours("ca renew").carrying_ca_dir())
}

/// The command that replaces a local CA of an earlier version by a new one.
pub(crate) fn remake_hint() -> String {
    format!("make its certificates again: `{}`", CommandLine::ours("ca renew --force").carrying_ca_dir())
}

/// The command that lets the local CA sign for further names.
pub(crate) fn permit_hint(names: &[String]) -> String {
    let command = CommandLine::ours("ca renew").carrying_ca_dir();
    // A domain is permitted once, with all of its hosts.
    let mut permits: Vec<_> = names.iter().map(|name| permit_for(name)).collect();
    let mut seen = std::collections::HashSet::new();
    permits.retain(|permit| seen.insert(permit.clone()));
    format!("permit it: `{}`", permits.iter().fold(command, |command, permit| command.flag("--permit", permit)))
}

/// The constraint that permits a name: a URI is permitted by its host, whatever its scheme.
fn permit_for(name: &str) -> String {
    let Some((_, rest)) = name.split_once("://") else { return name.strip_prefix("*.").unwrap_or(name).to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("any://{}", host.split(':').next().unwrap_or_default())
}
