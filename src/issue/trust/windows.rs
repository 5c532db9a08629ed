//! The user's root store on Windows, edited with Windows' own `certutil`; from WSL through its interop. Its commands
//! are asserted in tests, not run.

use std::ffi::OsString;
use std::path::PathBuf;

use super::program::Invocation;
use super::{Error, Machine, Root, Store, unknown};
use crate::base::files;
use crate::judge::report::trust::{Answer, StoreKind};

/// The root store that Windows, Edge, Chrome and, since version 120, Firefox use for this user.
pub(super) struct RootStore {
    program: &'static str,
    is_beside_wsl: bool,
}

/// The store of the Windows that runs this WSL, when its programs can be run.
pub(super) fn beside_wsl(machine: &Machine<'_>) -> Option<RootStore> {
    let kernel = files::read(&machine.environment.system("/proc/sys/kernel/osrelease")).ok()?;
    let is_wsl = String::from_utf8_lossy(&kernel).to_lowercase().contains("microsoft");
    (is_wsl && machine.programs.find("certutil.exe").is_some())
        .then_some(RootStore { program: "certutil.exe", is_beside_wsl: true })
}

impl RootStore {
    pub(super) fn here() -> Self {
        Self { program: "certutil.exe", is_beside_wsl: false }
    }

    fn certutil(&self, flags: &[&str]) -> Invocation {
        // Without -user it is the whole machine's store, and an administrator's business.
        flags.iter().fold(Invocation::new(self.program, ["-user"]), Invocation::arg)
    }

    /// The file as Windows names it.
    fn path(&self, machine: &Machine<'_>, root: &Root) -> Result<OsString, Error> {
        if !self.is_beside_wsl {
            return Ok(root.path.clone().into_os_string());
        }
        let translated = machine.run(&Invocation::new("wslpath", ["-w"]).arg(&root.path))?;
        Ok(translated.text().trim().to_owned().into())
    }
}

impl Store for RootStore {
    fn kind(&self) -> StoreKind {
        if self.is_beside_wsl { StoreKind::Windows } else { StoreKind::System }
    }

    fn name(&self) -> String {
        if self.is_beside_wsl { "Windows".to_owned() } else { "system".to_owned() }
    }

    fn place(&self) -> PathBuf {
        r"Cert:\CurrentUser\Root".into()
    }

    /// `-store` fails when nothing has this digest.
    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        match machine.run(&self.certutil(&["-store", "Root", &root.sha1])) {
            Ok(_) => Answer::Yes,
            Err(Error::Failed { .. }) => Answer::No,
            Err(error) => unknown(&error),
        }
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        let path = self.path(machine, root)?;
        machine.run(&self.certutil(&["-addstore", "Root"]).arg(path)).map(drop)
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        machine.run(&self.certutil(&["-delstore", "Root", &root.sha1])).map(drop)
    }
}
