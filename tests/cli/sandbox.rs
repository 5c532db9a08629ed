//! A temporary folder, and the programs that run in it: `secure-io`, and those it has to get along with.
//!
//! Nothing of the developer's environment gets in but the way to the programs, so a test does the same everywhere.

#![expect(clippy::disallowed_methods, reason = "plain files for the programs under test")]

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine: after that it will not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of its own for one test, removed afterwards.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// Returns the path of a file of this name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap_or_else(|error| panic!("cannot write {name}: {error}"));
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
    }

    /// A program that will run here, with a cleared environment; `secure-io` is the one under test.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match program.as_ref() {
            name if name == "secure-io" => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_secure-io"));
                // Hints call the program as it was called.
                command.arg0("secure-io");
                command
            }
            name if name == "python3" => Command::new(python()),
            name => Command::new(name),
        };
        command.current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("LANG", "C.UTF-8");
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    /// A command line as one would type it: words, single quotes round those with spaces.
    fn typed(&self, line: &str) -> Command {
        let mut words = words(line).into_iter();
        let mut command = self.command(words.next().expect("a command line names a program"));
        command.args(words);
        command
    }

    /// Runs a command line to its end.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.run_with(line, "")
    }

    /// Runs a command line that reads `input`.
    #[track_caller]
    pub(crate) fn run_with(&self, line: &str, input: impl AsRef<[u8]>) -> Outcome {
        self.finish(line, &mut self.typed(line), input.as_ref())
    }

    /// Runs a command to its end; `line` is its name in messages.
    #[track_caller]
    pub(crate) fn finish(&self, line: &str, command: &mut Command, input: &[u8]) -> Outcome {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}", not_run(command, &error)));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A program that needs no input may have closed it already.
        let _ = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output().expect("a child can be waited for");
        Outcome {
            line: line.to_owned(),
            folder: self.folder.path().to_owned(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status,
        }
    }

    /// Runs a command line that must succeed, and returns its output.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        self.run(line).success().stdout_text()
    }

    /// Starts a program that goes on running, and waits for the line that says it is ready.
    #[track_caller]
    pub(crate) fn start(&self, line: &str, ready: &str) -> Background {
        Background::start(&mut self.typed(line), ready)
    }

    /// Starts `secure-io serve` on a free port.
    #[track_caller]
    pub(crate) fn serve(&self, flags: &str) -> Background {
        self.start(&format!("secure-io serve --port 0 {flags}"), "Secure server is running on https://localhost:")
    }
}

/// The Python with the packages of `tests/python/requirements.txt`.
fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python3")
}

/// Result of a program.
pub(crate) struct Outcome {
    line: String,
    folder: PathBuf,
    stdout: Vec<u8>,
    pub(crate) stderr: String,
    status: ExitStatus,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "{} instead of {code}\n{}", self.status, self.raw());
        self
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Fails, showing everything, unless one of the streams contains `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = self.stderr.contains(text) || self.stdout_text().contains(text);
        assert!(said, "`{text}` is not in\n{}", self.raw());
        self
    }

    fn raw(&self) -> String {
        let Self { line, status, stderr, .. } = self;
        format!("$ {line}\n--- {status}\n--- stdout\n{}--- stderr\n{stderr}", self.stdout_text())
    }
}

/// All output for a snapshot, without the parts that differ from run to run.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
        writeln!(f, "$ {}\nexit: {code}", self.line)?;
        for (name, text) in [("stdout", &self.stdout_text()), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", redact(text, &self.folder).trim_end())?;
            }
        }
        Ok(())
    }
}

/// Removes from a text the parts that differ from run to run: folder, port, times, digests and serial numbers.
pub(crate) fn redact(text: &str, folder: &Path) -> String {
    static RULES: LazyLock<[(Regex, &str); 9]> = LazyLock::new(|| {
        [
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| UTC)?", "[TIME]"),
            (r"\d{4}-\d\d-\d\d", "[DATE]"),
            (r"in 36[345] days", "in a year"),
            (r"\b[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){7,}\b", "[HEX]"),
            (r"sha256//[A-Za-z0-9+/]{43}=", "sha256//[BASE64]"),
            (r"\b[0-9a-f]{16,}\b", "[HEX]"),
            (r"\b(development (?:root|intermediate)) [0-9a-f]{8}\b", "$1 [HEX]"),
            (r"--port \d{4,5}\b", "--port [PORT]"),
            (r"(https://[\w.-]+|localhost|127\.0\.0\.1|\[::1\]):\d{4,5}\b", "$1:[PORT]"),
        ]
        .map(|(pattern, replacement)| (Regex::new(pattern).expect("the pattern is valid"), replacement))
    });
    let text = text.replace(&*folder.to_string_lossy(), "[DIR]");
    RULES.iter().fold(text, |text, (pattern, replacement)| pattern.replace_all(&text, *replacement).into_owned())
}

/// A program that ends with the test, on a panic too, and with it all processes below it: bundlers, shells, workers.
pub(crate) struct Program(Child);

impl Program {
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{}", not_run(command, &error))))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_some()
    }

    /// Waits for its end, which something else has brought about.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().expect("a child can be waited for")
    }

    fn kill(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // All are found before the first one ends, after which its children would be nobody's.
        let below = below(self.0.id());
        let _ = self.0.kill();
        let _ = self.0.wait();
        for process in below.into_iter().filter_map(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes below one, as Linux lists them.
fn below(root: u32) -> Vec<i32> {
    let read = |entry: fs::DirEntry| -> Option<(i32, i32)> {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name between the brackets may have any character: the parent is the second word behind it.
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        Some((entry.file_name().to_str()?.parse().ok()?, parent.parse().ok()?))
    };
    let all: Vec<_> = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(read).collect();
    let mut found = vec![root.cast_signed()];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, its)| *its == parent).map(|(process, _)| process));
        next += 1;
    }
    found.split_off(1)
}

/// A program that runs until the test ends, or until it is stopped.
pub(crate) struct Background {
    program: Program,
    /// Some programs end when their input does: it stays open as long as this value lives.
    _input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: String,
    /// The port named in the line that said it was ready.
    pub(crate) port: u16,
}

impl Background {
    #[track_caller]
    pub(crate) fn start(command: &mut Command, ready: &str) -> Self {
        let mut program = Program::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let child = &mut program.0;
        let input = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        for stream in [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ] {
            let (stream, sender) = (BufReader::new(stream.expect("both streams are piped")), sender.clone());
            thread::spawn(move || stream.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        }
        drop(sender); // so that the end of both streams is noticed
        let mut background = Self { program, _input: input, lines, log: String::new(), port: 0 };
        let line = background.wait_for(ready);
        let digits = line.rsplit(':').next().unwrap_or_default();
        background.port = digits.trim().parse().unwrap_or_else(|_| panic!("no port at the end of `{line}`"));
        background
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// The next line, of either stream, that contains `text`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.log.push_str(&line);
                    self.log.push('\n');
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(reason) => panic!("no line with `{text}` ({reason}) in\n{}", self.log),
            }
        }
    }

    /// Ends it as a power cut would; its ports are free afterwards.
    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    /// Waits for its end, which something else has brought about; returns its status and all that it said.
    #[track_caller]
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.log.extend([&line, "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end\n{}", self.log),
            }
        }
        (self.program.wait(), std::mem::take(&mut self.log))
    }
}

fn not_run(command: &Command, error: &std::io::Error) -> String {
    format!("cannot run {}: {error}; `tests/run` installs what the tests need", command.get_program().display())
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 0 {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else {
            words.push(part.to_owned());
        }
    }
    words
}
