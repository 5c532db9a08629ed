//! Commands in hints that put another certificate for the same key in the place of one that people have.

use std::path::{Path, PathBuf};

use secure_io::report::Certificate;
use secure_io::{ca, files, inspect, name};

use super::args::CaDirArgs;
use super::beside;
use super::command_line::{CommandLine, PASSPHRASE_ENV, PASSPHRASE_FILE};

/// A certificate in a file, and the files needed to issue it again.
pub(crate) struct Replacement<'a> {
    /// The file.
    pub(crate) path: &'a Path,
    /// Its first certificate, DER.
    pub(crate) leaf: &'a [u8],
    /// The private key's file, if named; else a search beside the certificate finds the key.
    pub(crate) key: Option<&'a Path>,
    pub(crate) ca_dir: &'a CaDirArgs,
}

impl Replacement<'_> {
    /// The command that renews the certificate in its file, with all that it says; `None` if its key or its issuer is
    /// not at hand, or if it is a CA's.
    pub(crate) fn renewal(&self) -> Option<CommandLine> {
        let report = self.report()?;
        if report.is_ca && report.signs_certificates() || files::is_stdio(self.path) {
            return None;
        }
        let command = CommandLine::ours("gen-cert --renew").flag("--key", self.key()?);
        self.signed(&report, command.flag("--out-cert", self.path), false)
    }

    /// The command that makes a certificate for another key, for the same names and by the same issuer, in a new file.
    pub(crate) fn for_key(&self, key: &Path, path: &Path) -> Option<CommandLine> {
        let report = self.report()?;
        let request = path.with_file_name(match path.file_stem() {
            Some(stem) => format!("{}-csr.pem", stem.to_string_lossy()),
            None => "csr.pem".to_owned(),
        });
        let command = CommandLine::ours("gen-cert").flag("--key", key).flag("--out-cert", path);
        let command = command.flag("--out-csr", super::command_line::unused(&request));
        Some(self.signed(&report, command, true)?.args(hosts(&report)))
    }

    fn report(&self) -> Option<Certificate> {
        inspect::certificate(self.leaf).ok()
    }

    fn key(&self) -> Option<PathBuf> {
        let found = || beside::key_for(self.path, &beside::spki_of(self.leaf)?);
        self.key.map(Path::to_owned).or_else(found)
    }

    /// Adds the flags of the issuer; the local CA is named only where nothing that exists names it.
    fn signed(&self, report: &Certificate, command: CommandLine, is_new: bool) -> Option<CommandLine> {
        let command = command.carrying(&[&PASSPHRASE_FILE, &PASSPHRASE_ENV]);
        if report.self_signed {
            return Some(command);
        }
        if self.ca_dir.paths().is_ok_and(|paths| paths.exist() && ca::has_issued(&paths, self.leaf)) {
            let command = if is_new { command.switch("--ca") } else { command };
            return Some(command.carrying_ca_dir());
        }
        let issuer = beside::issuer_of(self.path, self.leaf)?;
        let key = beside::key_for(&issuer.path, &issuer.spki)?;
        Some(command.flag("--ca-cert", issuer.path).flag("--ca-key", key))
    }
}

/// The names of a certificate as arguments; none if they are those of this machine, which are the default.
fn hosts(report: &Certificate) -> Vec<String> {
    let default: Vec<_> = name::loopback().iter().map(ToString::to_string).collect();
    if report.subject_alt_names == default { Vec::new() } else { names(report) }
}

/// The names of a certificate as arguments.
pub(crate) fn names(report: &Certificate) -> Vec<String> {
    let names = &report.subject_alt_names;
    let bare = |name: &String| match name.split_once(':') {
        Some(("DNS" | "IP" | "email", bare)) => bare.to_owned(),
        _ => name.clone(),
    };
    names.iter().filter(|name| name.parse::<name::SubjectAltName>().is_ok()).map(bare).collect()
}
