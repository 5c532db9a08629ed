//! The environment of the command.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::ca::LocalCa;
use secure_io::ca::env::variables;
use secure_io::{container, files, run};

use crate::cli::failure::Failure;
use crate::cli::folders;
use crate::cli::output::Output;

/// The port that the user has chosen for the command.
pub(super) fn port() -> Option<u16> {
    env::var("PORT").ok()?.parse().ok().filter(|port| *port != 0)
}

/// The variables that the command gets beside those of this process.
pub(super) struct Variables(BTreeMap<&'static str, OsString>);

impl Variables {
    /// Those that say where to listen.
    pub(super) fn new(port: u16, host: &str) -> Self {
        Self(run::variables(port, host).into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    pub(super) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.0.insert(name, value.into());
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Those by which the command trusts the local CA, beside the roots that they name already: a company's proxy needs
    /// its own.
    pub(super) fn trust(&mut self, ca: &LocalCa, folder: Option<&Path>, out: &mut Output) -> Result<(), Failure> {
        let bundle = ca.bundle()?;
        let (root, path) = (folders::absolute(&ca.paths.root)?, folders::absolute(&bundle.path)?);
        let mut merged: Vec<(PathBuf, &Path, PathBuf)> = Vec::new();
        for (name, ours) in variables(&root, &path) {
            let before = env::var_os(name).filter(|before| !before.is_empty() && Path::new(before) != ours);
            let Some(before) = before.map(PathBuf::from) else {
                self.set(name, ours);
                continue;
            };
            // Most name one file.
            if let Some((_, _, done)) = merged.iter().find(|(from, to, _)| (from, *to) == (&before, ours)) {
                self.set(name, done.clone());
                continue;
            }
            match (certificates(&before), folder) {
                (Ok(others), Some(folder)) => {
                    let both = ca.merged(ours, &others, folder)?;
                    self.set(name, both.clone());
                    merged.push((before, ours, both));
                }
                (Ok(_), None) => out.warning(format!("{name} stays what it is: the local CA is not among its roots")),
                (Err(reason), _) => {
                    out.warning(format!("{name} names {}, and stays what it is: {reason}", before.display()));
                }
            }
        }
        Ok(())
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let content = files::read(path).map_err(|error| Failure::from(error).reason())?;
    container::certificates(&content).map_err(|error| error.to_string())
}
