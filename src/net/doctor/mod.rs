//! A look at this machine: why a certificate that is right may still be refused here.
//!
//! Each part is given what it looks at (variables, a folder, the time) and returns what it saw. [`Remedy`] names what
//! ends a trouble; the command line turns it into a command.

mod environment;
mod folder;
mod hsts;
mod names;
mod ports;

use std::path::PathBuf;

use time::OffsetDateTime;

pub use self::environment::{VARIABLES, environment};
pub use self::folder::folder;
pub use self::hsts::hsts;
pub use self::names::names;
pub use self::ports::{PORTS, ports};
use crate::base::validity::rfc3339;
use crate::judge::report::doctor::{Area, Observation, State};

/// An observation, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The observations.
    pub observation: Observation,
    /// The remedy.
    pub remedy: Option<Remedy>,
}

/// A remedy for a trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Take a variable out of the environment.
    Unset(&'static str),
    /// Set a variable.
    Export(&'static str, String),
    /// Set the variables of `ca env`.
    CaEnv,
    /// Let this file be read by its owner alone.
    Private(PathBuf),
    /// Renew the set of this name in the folder.
    Renew(String),
    /// Look at these files.
    Inspect(Vec<PathBuf>),
    /// Look for certificates that end soon in all of this folder.
    InspectFolder(PathBuf),
    /// Check the server on this port.
    Check(u16),
    /// Install the module that resolves names below localhost.
    ResolveLocalhost,
}

impl Seen {
    fn new(area: Area, state: State, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { observation: Observation::new(area, state, subject, message), remedy: None }
    }

    fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    fn advised(self, advice: &str) -> Self {
        Self { observation: self.observation.advised(advice), ..self }
    }
}

/// Compares the clock with a time that has certainly passed, such as that of the program's own file.
#[must_use]
pub fn clock(now: OffsetDateTime, passed: Option<OffsetDateTime>) -> Seen {
    const SLACK: time::Duration = time::Duration::days(1);
    match passed.filter(|passed| now + SLACK < *passed) {
        Some(passed) => {
            let message = format!("it is {}, but this program was written at {}", rfc3339(now), rfc3339(passed));
            Seen::new(Area::Clock, State::Trouble, "the clock is behind", message)
                .advised("set the clock: certificates are not yet valid for it")
        }
        None => Seen::new(Area::Clock, State::Ok, "the clock", rfc3339(now)),
    }
}

/// Says how the program was built: without AWS-LC's setting each start gathers entropy from the CPU's timing.
#[must_use]
pub fn build(version: &str, is_quick: bool) -> Seen {
    if is_quick {
        return Seen::new(Area::Program, State::Ok, "secure-io", version);
    }
    let message = format!("{version}, built without AWS_LC_SYS_NO_JITTER_ENTROPY=1: each start takes 40 ms longer");
    Seen::new(Area::Program, State::Note, "secure-io", message)
        .advised("set that variable for the build, or install a release")
}
