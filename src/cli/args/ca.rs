//! The local CA: its folder, and making it where it is missing.

use std::env;
use std::path::PathBuf;

use secure_io::ca::{self, LocalCa, Paths, Plan};
use secure_io::files;
use time::OffsetDateTime;

use crate::cli::caller::Caller;
use crate::cli::command_line::CA_DIR_VARIABLE;
use crate::cli::failure::{self, Failure};
use crate::cli::folders;
use crate::cli::output::Output;

/// Folder of the local CA.
#[derive(Clone, clap::Args)]
pub(crate) struct CaDirArgs {
    /// Folder of the local CA [default: the platform's data folder + secure-io/ca]
    #[arg(long, value_name = "DIR", env = CA_DIR_VARIABLE, hide_env_values = true)]
    ca_dir: Option<PathBuf>,
}

impl CaDirArgs {
    /// Returns true if a folder was named.
    pub(crate) fn is_given(&self) -> bool {
        self.ca_dir.is_some()
    }

    /// The local CA's files: under sudo those of its caller.
    pub(crate) fn paths(&self) -> Result<Paths, Failure> {
        match Caller::of_sudo() {
            Some(caller) if !self.is_given() => Ok(Paths::new(&caller.ca_folder())),
            _ => self.own_paths(),
        }
    }

    /// As [`Self::paths`], but under sudo root's.
    fn own_paths(&self) -> Result<Paths, Failure> {
        match &self.ca_dir {
            Some(folder) => Ok(Paths::new(folder)),
            None => Ok(Paths::new(&folders::data()?.join("ca"))),
        }
    }

    /// As [`Self::paths`]; under sudo it says whose CA that is.
    pub(crate) fn paths_of(&self, out: &mut Output) -> Result<Paths, Failure> {
        let paths = self.paths()?;
        if let (Ok(name), false) = (env::var("SUDO_USER"), self.is_given()) {
            let folder = paths.folder.display();
            out.note(match Caller::of_sudo() {
                Some(caller) => format!("run with sudo: this is the CA of {}, in {folder}", caller.name),
                None => format!("run with sudo: the CA is in {folder}; without it, it is that of {name}"),
            });
        }
        Ok(paths)
    }

    /// As [`Self::paths_of`], to write there: refused under sudo, for root's files would be in the way of whose CA it
    /// is.
    pub(crate) fn paths_to_change(&self, out: &mut Output) -> Result<Paths, Failure> {
        match Caller::of_sudo() {
            Some(caller) if !self.is_given() => Err(failure::needs_no_sudo(&caller.name)),
            _ => self.paths_of(out),
        }
    }
}

/// Makes the local CA, as `ca init` does, if nothing of one exists; returns true if it was made.
pub(crate) fn make_missing_ca(paths: &Paths, now: OffsetDateTime) -> Result<bool, Failure> {
    let parts = [&paths.root, &paths.intermediate, &paths.intermediate_key];
    if parts.into_iter().any(|path| files::exists(path)) {
        return Ok(false);
    }
    ca::narrow(paths)?;
    match LocalCa::create(paths, &Plan::default(), now) {
        // Another run was quicker.
        Err(ca::Error::Exists { .. }) => Ok(false),
        made => Ok(made.map(|_| true)?),
    }
}
