//! Adds the local CA's root to clients' trust stores, and removes it again.
//!
//! A [`Store`] is asked itself whether it has a certificate, by the certificate's bytes, never by a name or a marker of
//! ours. One that cannot be edited does not stop the others.

mod java;
mod linux;
mod macos;
mod nss;
mod profiles;
pub mod program;
#[cfg(test)]
mod tests;
mod windows;

use std::path::{Path, PathBuf};

use crate::base::files;
pub use crate::base::files::Owner;
use crate::base::hex::hex;
use crate::encoding::container::{self, Content, Found};
use crate::judge::report::trust::{Answer, StoreKind};
use crate::x509::key;
use profiles::Databases;
use program::{Finished, Invocation, Programs};

/// Reason why a store could not be edited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No program here edits it.
    #[error("`{program}` is not installed")]
    Missing {
        /// The program.
        program: &'static str,
        /// The command that installs it here, where we know.
        install: Option<String>,
    },
    /// Only root may.
    #[error("only root may change it")]
    NotRoot {
        /// Commands that root has to run.
        commands: Vec<String>,
    },
    /// A password protects it.
    #[error("a password protects it, and {program} can ask for that on a terminal only")]
    Password {
        /// The program that edits it.
        program: &'static str,
    },
    /// The password of Java's store is another.
    #[error("its password is not the one given, or not `changeit` if none is given")]
    JavaPassword,
    /// A program could not be started.
    #[error("cannot run `{command}`: {source}")]
    Start {
        /// The command line.
        command: String,
        /// Error from the operating system.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("`{command}` failed: {reason}")]
    Failed {
        /// The command line.
        command: String,
        /// Its last words.
        reason: String,
    },
    /// All programs succeeded, and the store is as it was.
    #[error("{0}")]
    NoEffect(String),
    /// A file of it cannot be read.
    #[error(transparent)]
    File(#[from] files::Error),
}

impl Error {
    /// The commands that a person can run to get further.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        match self {
            Self::Missing { install, .. } => install.iter().cloned().collect(),
            Self::NotRoot { commands } => commands.clone(),
            _ => Vec::new(),
        }
    }
}

/// Kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux, and similar systems.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this program was built for.
    #[must_use]
    pub const fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// The way of steps that need root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// We are root.
    Root,
    /// sudo is asked, which asks the person.
    Sudo,
    /// Not at all.
    Own,
}

/// The machine and the person whose stores are meant.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Kind of operating system.
    pub platform: Platform,
    /// Folder that stands for `/`; another one in tests.
    pub root: PathBuf,
    /// The person's home folder.
    pub home: PathBuf,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `JAVA_HOME`.
    pub java_home: Option<PathBuf>,
    /// The password of Java's store; by default the one that every Java is shipped with.
    pub java_password: Option<String>,
    /// The way of steps that need root.
    pub rights: Rights,
    /// The person, when we act for them as root.
    pub owner: Option<Owner>,
}

impl Environment {
    /// A path of the system, such as `/etc/os-release`.
    fn system(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn data_home(&self) -> PathBuf {
        self.data_home.clone().unwrap_or_else(|| self.home.join(".local/share"))
    }

    /// Looks at files of the person, with no more than the person's rights. Where rights cannot be given up, nothing is
    /// seen.
    fn as_person<T: Default>(&self, look: impl FnOnce() -> T) -> T {
        match &self.owner {
            Some(owner) => owner.act(look).unwrap_or_default(),
            None => look(),
        }
    }

    fn config_home(&self) -> PathBuf {
        self.config_home.clone().unwrap_or_else(|| self.home.join(".config"))
    }
}

/// A root for Firefox alone: other clients must not trust it.
#[derive(Debug, Clone)]
pub struct Firefox {
    /// The root.
    pub root: Root,
    /// The intermediate below the root, which servers do not send; it is not trusted by itself.
    pub intermediate: Root,
}

/// A certificate to be trusted, or no longer.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its DER.
    pub der: Vec<u8>,
    /// The file it is in.
    pub path: PathBuf,
    /// SHA-256 over its DER, in hex.
    pub sha256: String,
    /// SHA-1 over its DER, in hex, by which Windows and macOS name certificates.
    pub sha1: String,
    /// The certificates that Firefox gets in place of this one.
    pub firefox: Option<Box<Firefox>>,
    pem: String,
}

impl Root {
    /// A certificate that is in a file.
    ///
    /// # Errors
    ///
    /// When it cannot be written as PEM.
    pub fn new(der: &[u8], path: &Path) -> Result<Self, container::Error> {
        let pem = container::pem("CERTIFICATE", der)?.to_string();
        let (sha256, sha1) = (hex(&key::sha256(der)), hex(&key::sha1(der)));
        Ok(Self { der: der.to_vec(), path: path.to_owned(), sha256, sha1, firefox: None, pem })
    }

    /// Name of the certificate in a store, unique per certificate.
    fn label(&self) -> String {
        format!("secure-io-{}", self.sha256.get(..16).unwrap_or_default())
    }
}

/// A trust store of clients.
pub trait Store {
    /// Returns the kind of store.
    fn kind(&self) -> StoreKind;

    /// Returns the store's name for people.
    fn name(&self) -> String;

    /// Returns the path of the store.
    fn place(&self) -> PathBuf;

    /// Asks the store whether a certificate is trusted.
    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer;

    /// Answers from files alone, without a program's help; `None` if only a program can tell.
    fn glance(&self, _machine: &Machine<'_>, _root: &Root) -> Option<bool> {
        None
    }

    /// Returns true if the store holds a certificate, trusted or not.
    fn holds(&self, machine: &Machine<'_>, root: &Root) -> bool {
        self.check(machine, root) == Answer::Yes
    }

    /// Has it trust a certificate.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way.
    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error>;

    /// Takes a certificate out, and nothing else.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way.
    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error>;

    /// Returns a note for the person after a change.
    fn note(&self, _machine: &Machine<'_>) -> Option<String> {
        None
    }
}

/// An environment with its programs.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The machine and the person.
    pub environment: &'a Environment,
    /// Its programs.
    pub programs: &'a dyn Programs,
}

impl Machine<'_> {
    /// The stores that exist here, those first that others are made from.
    #[must_use]
    pub fn stores(&self) -> Vec<Box<dyn Store>> {
        self.stores_with(Databases::Possible)
    }

    fn stores_with(&self, databases: Databases) -> Vec<Box<dyn Store>> {
        let mut stores: Vec<Box<dyn Store>> = Vec::new();
        match self.environment.platform {
            Platform::Linux => {
                stores.extend(linux::store(self).map(|store| Box::new(store) as Box<dyn Store>));
                stores.extend(nss::databases(self, databases));
                stores.extend(windows::beside_wsl(self).map(|store| Box::new(store) as Box<dyn Store>));
            }
            Platform::MacOs => stores.push(Box::new(macos::Keychain)),
            Platform::Windows => stores.push(Box::new(windows::RootStore::here())),
        }
        stores.extend(java::keystore(self).map(|store| Box::new(store) as Box<dyn Store>));
        stores
    }

    /// The stores that trust a certificate: by their files if these can tell, else by their programs.
    #[must_use]
    pub fn trusting(&self, root: &Root) -> Vec<Box<dyn Store>> {
        let trusts =
            |store: &dyn Store| store.glance(self, root).unwrap_or_else(|| store.check(self, root) == Answer::Yes);
        // What does not exist trusts nothing.
        let stores = self.stores_with(Databases::Existing).into_iter();
        stores.filter(|store| trusts(store.as_ref())).collect()
    }

    /// Has a store trust a certificate; false when it did already.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, and [`Error::NoEffect`] when the store does not say yes afterwards.
    pub fn trust(&self, store: &dyn Store, root: &Root) -> Result<bool, Error> {
        if store.check(self, root) == Answer::Yes {
            return Ok(false);
        }
        store.install(self, root)?;
        match store.check(self, root) {
            Answer::No => Err(Error::NoEffect("it was added, but the store does not trust it".to_owned())),
            Answer::Yes | Answer::Unknown(_) => Ok(true),
        }
    }

    /// Takes a certificate out of a store; false when it was not there.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, and [`Error::NoEffect`] when it is still there afterwards.
    pub fn untrust(&self, store: &dyn Store, root: &Root) -> Result<bool, Error> {
        if matches!(store.check(self, root), Answer::No) && !store.holds(self, root) {
            return Ok(false);
        }
        store.uninstall(self, root)?;
        if store.holds(self, root) {
            return Err(Error::NoEffect("it was removed, but the store still has it".to_owned()));
        }
        Ok(true)
    }

    /// Runs a program that must succeed.
    fn run(&self, invocation: &Invocation) -> Result<Finished, Error> {
        let command = || invocation.to_string();
        let finished = self.programs.run(invocation);
        let finished = finished.map_err(|source| Error::Start { command: command(), source })?;
        if finished.success {
            return Ok(finished);
        }
        Err(Error::Failed { command: command(), reason: finished.reason() })
    }

    /// Runs programs that need root's rights, or says which they are.
    fn run_as_root(&self, invocations: &[Invocation]) -> Result<(), Error> {
        match self.environment.rights {
            Rights::Root => invocations.iter().try_for_each(|invocation| self.run(invocation).map(drop)),
            Rights::Sudo if self.programs.find(program::SUDO).is_some() => {
                invocations.iter().try_for_each(|invocation| self.run(&invocation.clone().with_sudo()).map(drop))
            }
            Rights::Sudo | Rights::Own => {
                let commands = invocations.iter().map(|invocation| invocation.clone().with_sudo().to_string());
                Err(Error::NotRoot { commands: commands.collect() })
            }
        }
    }

    /// A program, or how it is installed.
    fn require(&self, program: &'static str, packages: linux::Packages) -> Result<(), Error> {
        match self.programs.find(program) {
            Some(_) => Ok(()),
            None => Err(Error::Missing { program, install: linux::install_command(self, packages) }),
        }
    }
}

/// Explains why a store cannot be read, with the command that fixes it.
fn unknown(error: &Error) -> Answer {
    let commands = error.commands();
    let hint = if commands.is_empty() { String::new() } else { format!(": `{}` installs it", commands.join("`, `")) };
    Answer::Unknown(format!("{error}{hint}"))
}

/// Lists the folders where administrators of Linux systems add CA certificates.
pub fn anchor_folders() -> impl Iterator<Item = &'static Path> {
    linux::anchor_folders()
}

/// Every certificate in a text of PEM blocks, or the one of a DER file; malformed ones are skipped, as the
/// readers of such bundles do.
#[must_use]
pub fn certificates(bundle: &[u8]) -> Vec<Vec<u8>> {
    let found = container::find(bundle).into_iter();
    let certificate = |found: Found| match found.content {
        Ok(Content::Certificate(der)) => Some(der),
        _ => None,
    };
    found.filter_map(certificate).collect()
}

/// Returns true if a certificate is among the PEM blocks of a text.
fn contains(bundle: &[u8], root: &Root) -> bool {
    // Most bundles hold a hundred others. The first line's digits, in which the serial number is, say so at once.
    let start = root.der.get(..24).unwrap_or(&root.der);
    let digits = base64_simd::STANDARD.encode_to_string(start);
    memchr::memmem::find(bundle, digits.as_bytes()).is_some() && certificates(bundle).contains(&root.der)
}
