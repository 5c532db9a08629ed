//! Runs the programs that stores are edited with. Everything this module's siblings do to a machine goes through here.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::files::{self, Owner};

/// The time for a program: longer than a person needs to type a password, or `update-ca-certificates` for its work.
const PATIENCE: Duration = Duration::from_mins(2);

/// More than any of these programs prints: 64 MiB.
const OUTPUT_LIMIT: u64 = 64 << 20;

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
    /// Variables that are set for it, such as a password that nobody should see in a list of processes.
    pub variables: Vec<(&'static str, String)>,
}

impl Invocation {
    pub(super) fn new<A: Into<OsString>>(program: impl Into<OsString>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.into(), arguments, input: Vec::new(), owner: None, variables: Vec::new() }
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

    pub(super) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The same, run as root by sudo, which asks for a password on the terminal.
    pub(super) fn with_sudo(self) -> Self {
        let Self { program, arguments, input, variables, .. } = self;
        let kept: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        let kept = (!kept.is_empty()).then(|| OsString::from(format!("--preserve-env={}", kept.join(","))));
        let arguments = kept.into_iter().chain([program]).chain(arguments).collect();
        Self { program: SUDO.into(), arguments, input, owner: None, variables }
    }

    /// True if sudo runs the program.
    #[must_use]
    pub fn is_sudo(&self) -> bool {
        self.program == SUDO
    }
}

/// The program that runs others as root.
pub(super) const SUDO: &str = "sudo";

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
    /// The person for whom we are root. Programs run as root are root's alone then, and see nothing of the environment,
    /// since both may have been chosen by somebody who is not root.
    pub root_for: Option<Owner>,
}

impl Programs for Installed {
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
        let patience = (!invocation.is_sudo()).then_some(PATIENCE);
        let child = self.command(invocation)?.spawn()?;
        finish(child, invocation.input.clone(), patience)
    }
}

impl Installed {
    fn command(&self, invocation: &Invocation) -> io::Result<Command> {
        let is_roots_work = self.root_for.is_some() && invocation.owner.is_none();
        let may_run = |program: &Path| program.is_file() && (!is_roots_work || files::is_roots_alone(program));
        let is_path = Path::new(&invocation.program).components().count() > 1;
        let program = if is_path {
            Some(PathBuf::from(&invocation.program)).filter(|program| may_run(program))
        } else {
            self.folders.iter().map(|folder| folder.join(&invocation.program)).find(|program| may_run(program))
        };
        let program = program.ok_or_else(|| {
            let reason = if is_roots_work { "no such program that is root's alone" } else { "no such program" };
            io::Error::new(io::ErrorKind::NotFound, reason)
        })?;
        let mut command = Command::new(program);
        let mut folders = self.folders.clone();
        if self.root_for.is_some() {
            command.env_clear();
        }
        if is_roots_work {
            folders.retain(|folder| files::is_roots_alone(folder));
            command.current_dir("/");
        } else {
            command.env("HOME", &self.home);
        }
        // Their words are read: they should be English.
        command.args(&invocation.arguments).env("LC_ALL", "C");
        command.env("PATH", std::env::join_paths(folders).map_err(io::Error::other)?);
        command.envs(invocation.variables.iter().map(|(name, value)| (name, value)));
        #[cfg(unix)]
        if let Some(owner) = &invocation.owner {
            std::os::unix::process::CommandExt::uid(&mut command, owner.uid);
            std::os::unix::process::CommandExt::gid(&mut command, owner.gid);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }
}

/// Waits for a program's end, for as long as there is patience; one that takes longer is killed.
fn finish(mut child: Child, input: Vec<u8>, patience: Option<Duration>) -> io::Result<Finished> {
    if let Some(mut stdin) = child.stdin.take() {
        // A program that wants no input may be gone.
        thread::spawn(move || stdin.write_all(&input));
    }
    let (sender, receiver) = mpsc::channel();
    let streams = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for (is_stderr, stream) in streams.into_iter().flatten().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let result = stream.take(OUTPUT_LIMIT).read_to_end(&mut bytes).map(|_| bytes);
            sender.send((is_stderr == 1, result))
        });
    }
    drop(sender);
    let deadline = patience.map(|patience| Instant::now() + patience);
    let mut finished = Finished::default();
    loop {
        let part = match deadline {
            Some(deadline) => receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => receiver.recv().map_err(mpsc::RecvTimeoutError::from),
        };
        match part {
            Ok((true, bytes)) => finished.stderr = bytes?,
            Ok((false, bytes)) => finished.stdout = bytes?,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end, and was stopped"));
            }
        }
    }
    finished.success = child.wait()?.success();
    Ok(finished)
}
