//! Runs the programs that stores are edited with. Everything this module's siblings do to a machine goes through here.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Owner;

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Its name, or its path.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Standard input of the program.
    pub input: Vec<u8>,
    /// User to run the program as, if other than ours: the files it writes must belong to that user.
    pub owner: Option<Owner>,
}

impl Invocation {
    pub(super) fn new<A: Into<OsString>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.into(), arguments, input: Vec::new(), owner: None }
    }

    pub(super) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(super) fn owner(mut self, owner: Option<&Owner>) -> Self {
        self.owner = owner.copied();
        self
    }
}

/// As one would type it in a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_alphanumeric() || "/._-:,=+@".contains(c);
        for (i, word) in std::iter::once(&self.program).chain(&self.arguments).enumerate() {
            let word = word.to_string_lossy();
            let space = if i == 0 { "" } else { " " };
            if !word.is_empty() && word.chars().all(is_plain) {
                write!(f, "{space}{word}")?;
            } else {
                write!(f, "{space}'{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// Exit status and output of a program.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// True if the exit status was 0.
    pub success: bool,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Finished {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last line of standard error, which gives the reason with most programs.
    pub(super) fn reason(&self) -> String {
        let last = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
        };
        last(&self.stderr).or_else(|| last(&self.stdout)).unwrap_or_else(|| "it does not say why".to_owned())
    }
}

/// The programs of a machine: the one seam between this module and the world, so that a test can assert the calls for
/// other systems on this one.
pub trait Programs {
    /// Finds the path of a program.
    fn find(&self, name: &str) -> Option<PathBuf>;

    /// Runs one to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or its input not written.
    fn run(&self, invocation: &Invocation) -> io::Result<Finished>;
}

/// The programs that are really here.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Folders they are looked for in, first to last.
    pub folders: Vec<PathBuf>,
    /// The home folder that programs get.
    pub home: PathBuf,
}

impl Programs for Installed {
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
        let name = invocation.program.to_string_lossy();
        let program = self.find(&name).map_or_else(|| invocation.program.clone(), PathBuf::into_os_string);
        let mut command = Command::new(program);
        // Their words are read: they should be English.
        command.args(&invocation.arguments).env("HOME", &self.home).env("LC_ALL", "C");
        command.env("PATH", std::env::join_paths(&self.folders).map_err(io::Error::other)?);
        #[cfg(unix)]
        if let Some(owner) = &invocation.owner {
            std::os::unix::process::CommandExt::uid(&mut command, owner.uid);
            std::os::unix::process::CommandExt::gid(&mut command, owner.gid);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Less than a pipe holds, so that nobody waits for the other; a program that wants no input may be gone.
        if let Some(mut stdin) = child.stdin.take()
            && let Err(error) = stdin.write_all(&invocation.input)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            return Err(error);
        }
        let output = child.wait_with_output()?;
        Ok(Finished { success: output.status.success(), stdout: output.stdout, stderr: output.stderr })
    }
}
