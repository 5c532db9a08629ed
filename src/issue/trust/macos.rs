//! macOS's keychain, edited with `security`. Its commands are asserted in tests, not run.

use std::path::PathBuf;

use super::program::Invocation;
use super::{Error, Machine, Root, Store, contains, unknown};
use crate::judge::report::trust::{Answer, StoreKind};

const KEYCHAIN: &str = "/Library/Keychains/System.keychain";

/// The system's keychain, which Safari and Chrome trust, and Firefox since version 120.
pub(super) struct Keychain;

impl Keychain {
    /// Returns true if the certificate is in the keychain, trusted or not.
    fn has(machine: &Machine<'_>, root: &Root) -> Result<bool, Error> {
        let found = machine.run(&Invocation::new("security", ["find-certificate", "-a", "-p", KEYCHAIN]))?;
        Ok(contains(&found.stdout, root))
    }
}

impl Store for Keychain {
    fn kind(&self) -> StoreKind {
        StoreKind::System
    }

    fn name(&self) -> String {
        "system".to_owned()
    }

    fn place(&self) -> PathBuf {
        KEYCHAIN.into()
    }

    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        let is_trusted = || {
            // -l: it is a CA's, not a server's; -L: without asking the network.
            let verify = Invocation::new("security", ["verify-cert", "-l", "-L", "-c"]).arg(&root.path);
            machine.run(&verify).is_ok()
        };
        match Self::has(machine, root) {
            Ok(true) if is_trusted() => Answer::Yes,
            Ok(_) => Answer::No,
            Err(error) => unknown(&error),
        }
    }

    fn holds(&self, machine: &Machine<'_>, root: &Root) -> bool {
        Self::has(machine, root).unwrap_or_default()
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        let add = Invocation::new("security", ["add-trusted-cert", "-d", "-r", "trustRoot", "-k", KEYCHAIN]);
        machine.run_as_root(&[add.arg(&root.path)])
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        let settings = Invocation::new("security", ["remove-trusted-cert", "-d"]).arg(&root.path);
        let delete = Invocation::new("security", ["delete-certificate", "-Z", root.sha1.as_str(), KEYCHAIN]);
        machine.run_as_root(&[settings, delete])
    }
}
