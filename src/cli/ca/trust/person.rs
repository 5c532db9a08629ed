//! The person whose stores are meant: the user, or under sudo its caller, because root has no browser.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use secure_io::files;
use secure_io::trust::program::{Finished, Installed, Invocation, Programs};
use secure_io::trust::{Environment, Owner, Platform, Rights};

use crate::cli::caller::Caller;
use crate::cli::output::Output;

/// The person whose stores are meant.
pub(super) struct Person {
    home: PathBuf,
    /// The name of the user who ran sudo.
    pub(super) name: Option<String>,
    owner: Option<Owner>,
}

impl Person {
    pub(super) fn who() -> Self {
        match Caller::of_sudo() {
            Some(Caller { name, home, owner }) => Self { home, name: Some(name), owner: Some(owner) },
            None => Self { home: etcetera::home_dir().unwrap_or_default(), name: None, owner: None },
        }
    }

    /// The machine, with this person's folders.
    ///
    /// On a terminal sudo is run for what only root may do, unless this process is root's already.
    pub(super) fn environment(&self, java_password: Option<String>) -> Environment {
        let own = |variable: &str| -> Option<PathBuf> {
            // With sudo the variables are root's.
            let value: OsString = std::env::var_os(variable).filter(|_| self.name.is_none())?;
            Some(PathBuf::from(value)).filter(|path| path.is_absolute())
        };
        let on_terminal = || io::stdin().is_terminal() && io::stderr().is_terminal();
        Environment {
            platform: Platform::current(),
            root: "/".into(),
            home: self.home.clone(),
            data_home: own("XDG_DATA_HOME"),
            config_home: own("XDG_CONFIG_HOME"),
            java_home: std::env::var_os("JAVA_HOME").map(PathBuf::from).filter(|path| path.is_dir()),
            java_password,
            rights: match files::is_root() {
                true => Rights::Root,
                false if on_terminal() => Rights::Sudo,
                false => Rights::Own,
            },
            owner: self.owner,
        }
    }

    /// The programs of the machine.
    pub(super) fn programs(&self) -> Installed {
        Installed { folders: program_folders(), home: self.home.clone(), root_for: self.owner }
    }
}

/// Programs that are shown before sudo runs them.
pub(super) struct Shown<'a> {
    pub(super) installed: Installed,
    pub(super) out: RefCell<&'a mut Output>,
}

impl Programs for Shown<'_> {
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.installed.find(name)
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
        if invocation.is_sudo() {
            self.out.borrow_mut().warning(format!("only root may do this, so sudo is asked: {invocation}"));
        }
        self.installed.run(invocation)
    }
}

/// Lists the folders of programs, including those for administrators, which are not on every user's path.
fn program_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    if Platform::current() == Platform::Linux {
        folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    }
    folders
}
