//! The only code that prints: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use secure_io::name::escape_unprintable;
use secure_io::report::finding::Severity;
use serde::Serialize;

use super::failure::{Failure, Report};
use super::lines;

/// Choice of when to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Both streams.
pub(crate) struct Output {
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    quiet: bool,
    diverted: Option<Divert>,
}

/// Takes text in place of the streams; returns false if it cannot.
pub(crate) type Divert = Box<dyn FnMut(String) -> bool + Send>;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Output {
    pub(crate) fn new(color: ColorWhen, quiet: bool) -> Self {
        let choice = match color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        let stdout = AutoStream::new(io::stdout(), choice);
        Self { stdout, stderr: AutoStream::new(io::stderr(), choice), quiet, diverted: None }
    }

    /// Gives answers, notes, warnings and errors to something else from now on, such as an editor of lines; to the streams
    /// with `None`.
    pub(crate) fn divert(&mut self, diverted: Option<Divert>) {
        self.diverted = diverted;
    }

    /// Gives text to where it is diverted to; returns false if it is not.
    fn is_diverted(&mut self, text: &str) -> bool {
        let has_color = self.stdout.current_choice() != ColorChoice::Never;
        let Some(divert) = &mut self.diverted else { return false };
        divert(if has_color { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() })
    }

    /// Returns true if only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Bytes that are the result.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.flush()?;
        let mut stdout = io::stdout().lock();
        Ok(stdout.write_all(bytes).and_then(|()| stdout.flush())?)
    }

    /// A result as JSON: one document.
    pub(crate) fn json(&mut self, report: &impl Serialize) -> Result<(), Failure> {
        let text = json_text(report)? + "\n";
        self.data(text.as_bytes())
    }

    /// An answer as styled text, free of other control characters.
    pub(crate) fn styled(&mut self, text: &str) -> Result<(), Failure> {
        if self.stdout.current_choice() != ColorChoice::Never {
            return Ok(self.stdout.write_all(text.as_bytes())?);
        }
        // In one piece: the stream itself writes each line for itself.
        let plain = anstream::adapter::strip_str(text).to_string();
        Ok(self.stdout.as_inner().lock().write_all(plain.as_bytes())?)
    }

    /// An answer as text, printed when quiet, too.
    pub(crate) fn answer(&mut self, text: &str) -> Result<(), Failure> {
        let text = lines::wrapped(&printable(text), Self::width());
        if self.is_diverted(&text) {
            return Ok(());
        }
        Ok(self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush())?)
    }

    /// The columns of the terminal; unlimited without a terminal.
    pub(crate) fn width() -> usize {
        let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        given.or_else(terminal).unwrap_or(usize::MAX)
    }

    /// A report of files made or changed, on stderr when stdout carries data; nothing when quiet.
    pub(crate) fn report(&mut self, text: &str, stdout_is_data: bool) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        let text = lines::wrapped(&printable(text), Self::width());
        if stdout_is_data {
            self.stderr.write_all(text.as_bytes())?;
        } else {
            self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush())?;
        }
        Ok(())
    }

    /// A progress bar; `None` with `--quiet`, or if stderr is not a terminal.
    pub(crate) fn progress(&self) -> Progress {
        let bar = if self.quiet { indicatif::ProgressBar::hidden() } else { indicatif::ProgressBar::no_length() };
        Progress { bar }
    }

    /// stderr for another thread.
    pub(crate) fn log_stream(&self) -> LogStream {
        LogStream { stderr: AutoStream::new(io::stderr(), self.stderr.current_choice()) }
    }

    /// Something to know, on stderr; nothing when quiet.
    pub(crate) fn note(&mut self, text: impl Display) {
        if !self.quiet {
            self.labelled(HINT, "note", &text.to_string());
        }
    }

    /// A command that goes on from here, on stderr; nothing when quiet.
    pub(crate) fn hint(&mut self, text: impl Display) {
        if !self.quiet {
            self.labelled(HINT, "hint", &text.to_string());
        }
    }

    /// Something that may go wrong later, on stderr.
    pub(crate) fn warning(&mut self, text: impl Display) {
        self.labelled(WARNING, "warning", &text.to_string());
    }

    /// Prints a lint finding on stderr, for commands that print nothing else.
    pub(crate) fn finding(&mut self, severity: Severity, text: &str) {
        let style = match severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
            Severity::Note => HINT,
        };
        self.labelled(style, severity.name(), text);
    }

    /// Prints an error, its causes and hints on stderr. A cause that the line above already contains is left out.
    pub(crate) fn error(&mut self, report: &Report) {
        let mut said = String::new();
        let causes = report.error.chain().map(|cause| without_number(&cause.to_string()).to_owned());
        for cause in causes.chain(report.details.iter().cloned()).filter(|cause| !cause.is_empty()) {
            if said.is_empty() {
                self.labelled(ERROR, "error", &cause);
            } else if !said.contains(&cause) {
                let line = format!("  {}\n", printable(&cause.replace('\n', " ")));
                if !self.is_diverted(&line) {
                    let _ = self.stderr.write_all(line.as_bytes());
                }
            }
            said = cause;
        }
        for hint in &report.hints {
            self.labelled(HINT, "hint", hint);
        }
    }

    fn labelled(&mut self, style: Style, label: &str, text: &str) {
        let line = format!("{style}{label}{style:#}{style}:{style:#} {}\n", printable(&text.replace('\n', " ")));
        if !self.is_diverted(&line) {
            // A closed stderr is nobody's to tell.
            let _ = self.stderr.write_all(line.as_bytes());
        }
    }
}

/// A line of JSON, free of control characters.
pub(crate) fn json_line(report: &impl Serialize) -> Result<String, Failure> {
    json_text(report).map(|text| text + "\n")
}

/// Progress of a long operation, on a terminal's stderr.
pub(crate) struct Progress {
    bar: indicatif::ProgressBar,
}

impl Progress {
    /// One more is done of this many.
    pub(crate) fn step(&self, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.inc(1);
    }

    /// Names the work at hand, in a line that disappears at its end.
    pub(crate) fn say(&self, text: String) {
        self.bar.set_style(indicatif::ProgressStyle::default_spinner());
        self.bar.set_message(text);
        self.bar.tick();
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// stderr for a log, in lines.
pub(crate) struct LogStream {
    stderr: AutoStream<io::Stderr>,
}

impl LogStream {
    /// A line, free of control characters.
    pub(crate) fn line(&mut self, text: &str) {
        let _ = self.stderr.write_all(format!("{}\n", printable(&text.replace('\n', " "))).as_bytes());
    }
}

/// An error of the system without its number, which tells a person nothing.
fn without_number(text: &str) -> &str {
    text.split_once(" (os error ").map_or(text, |(reason, _)| reason)
}

/// Text whose names and file names cannot change how a terminal shows the rest.
fn printable(text: &str) -> String {
    text.split('\n').map(escape_unprintable).collect::<Vec<_>>().join("\n")
}

/// A report as JSON, free of control characters.
pub(crate) fn json_text(report: &impl Serialize) -> Result<String, Failure> {
    let mut text = Vec::new();
    push_json(&mut text, report)?;
    String::from_utf8(text).map_err(|error| Failure::new(error.into()))
}

/// Appends the result of [`json_text`].
pub(crate) fn push_json(text: &mut Vec<u8>, report: &impl Serialize) -> Result<(), Failure> {
    let start = text.len();
    serde_json::to_writer(&mut *text, report).map_err(|error| Failure::new(error.into()))?;
    let added = text.get(start..).unwrap_or_default();
    // serde_json has escaped all below U+0020.
    if !added.is_ascii() || memchr::memchr(0x7f, added).is_some() {
        let escaped = escape_in_json(&String::from_utf8_lossy(added));
        text.truncate(start);
        text.extend_from_slice(escaped.as_bytes());
    }
    Ok(())
}

/// serde_json leaves characters above U+001F as they are; some of them move a terminal's cursor or turn its text.
fn escape_in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if secure_io::name::is_unprintable(c) {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}
