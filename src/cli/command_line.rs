//! Commands in hints: this program under the name typed, words quoted for a POSIX shell, the user's own flags kept.
//!
//! A hint that shows a command is built here and nowhere else, so that each can be pasted. Advice that
//! is no command is a sentence without backticks.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use secure_io::ca::env::quote_sh;
use secure_io::files;
use secure_io::name::is_unprintable;

/// A command to paste into a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    words: Vec<OsString>,
    /// The command behind this one, and the operator between them.
    next: Option<(&'static str, Box<CommandLine>)>,
}

/// The environment variable that names the local CA's folder, as `--ca-dir` does.
pub(crate) const CA_DIR_VARIABLE: &str = "SECURE_IO_CA_DIR";

/// Advice to write other words in the place of one: the command with them if that word was typed exactly.
pub(crate) fn write_instead(word: &str, others: &[String]) -> String {
    match CommandLine::typed().replacing(word, others) {
        Some(command) => format!("write `{command}`"),
        None => format!("write {}", others.join(" ")),
    }
}

impl CommandLine {
    /// This program under the name typed, with the words of a subcommand.
    pub(crate) fn ours(subcommand: &str) -> Self {
        let program = env::args_os().next().unwrap_or_else(|| "secure-io".into());
        Self { words: vec![program], next: None }.args(subcommand.split_whitespace())
    }

    /// Another program, with words that need no quotes.
    pub(crate) fn of(words: &str) -> Self {
        Self { words: words.split_whitespace().map(OsString::from).collect(), next: None }
    }

    /// The command that was typed.
    pub(crate) fn typed() -> Self {
        Self { words: env::args_os().collect(), next: None }
    }

    /// Adds a word.
    pub(crate) fn arg(mut self, word: impl Into<OsString>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Adds a flag that takes no value.
    pub(crate) fn switch(mut self, flag: &str) -> Self {
        let end = self.end_of_flags();
        self.words.insert(end, flag.into());
        self
    }

    /// The place behind all flags: the end, or before the `--` that makes hosts of the rest.
    fn end_of_flags(&self) -> usize {
        self.words.iter().position(|word| word == "--").unwrap_or(self.words.len())
    }

    /// Adds words.
    pub(crate) fn args<T: Into<OsString>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Adds a file's name; `./` keeps a leading dash from being taken for a flag.
    pub(crate) fn path(self, path: &Path) -> Self {
        self.arg(unmistakable(path))
    }

    /// Adds a flag with its value.
    pub(crate) fn flag(mut self, flag: &str, value: impl AsRef<OsStr>) -> Self {
        let end = self.end_of_flags();
        self.words.splice(end..end, [flag.into(), unmistakable(Path::new(value.as_ref()))]);
        self
    }

    /// The value of a flag.
    pub(crate) fn value(&self, flag: &Flag) -> Option<OsString> {
        flag.find(&self.words).map(|(_, _, value)| value)
    }

    /// Gives a flag another value, in place of the one that was typed.
    pub(crate) fn with(self, flag: &Flag, value: impl AsRef<OsStr>) -> Self {
        self.without(flag).flag(flag.long, value)
    }

    /// Takes out a flag that takes a value, and the value.
    pub(crate) fn without(mut self, flag: &Flag) -> Self {
        while let Some((at, length, _)) = flag.find(&self.words) {
            self.words.drain(at..at + length);
        }
        self
    }

    /// Adds flags with their values as they were typed.
    pub(crate) fn carrying(self, flags: &[&Flag]) -> Self {
        let typed: Vec<_> = env::args_os().collect();
        flags.iter().fold(self, |command, flag| match flag.find(&typed) {
            Some((_, _, value)) => command.flag(flag.long, value),
            None => command,
        })
    }

    /// Adds the local CA's folder if one was named, by flag or by environment.
    pub(crate) fn carrying_ca_dir(self) -> Self {
        let typed: Vec<_> = env::args_os().collect();
        let folder = CA_DIR.find(&typed).map(|(_, _, value)| value);
        match folder.or_else(|| env::var_os(CA_DIR_VARIABLE).filter(|folder| !folder.is_empty())) {
            Some(folder) => self.flag(CA_DIR.long, folder),
            None => self,
        }
    }

    /// Puts other words in the place of one; `None` if that word was not typed.
    pub(crate) fn replacing(mut self, word: &str, others: &[String]) -> Option<Self> {
        if let Some(at) = self.words.iter().skip(1).position(|typed| typed == word) {
            self.words.splice(at + 1..=at + 1, others.iter().map(OsString::from));
            return Some(self);
        }
        let [other] = others else { return None };
        let ending = format!("={word}");
        let typed =
            self.words.iter_mut().skip(1).find(|typed| {
                typed.to_str().is_some_and(|typed| typed.starts_with("--") && typed.ends_with(&ending))
            })?;
        let flag = typed.to_str()?.strip_suffix(word)?.to_owned();
        *typed = format!("{flag}{other}").into();
        Some(self)
    }

    /// Spells a flag otherwise, where it was typed with or without a value in the same word.
    pub(crate) fn respelled(mut self, flag: &str, other: &str) -> Option<Self> {
        let (at, value) = self.position(flag)?;
        *self.words.get_mut(at)? = match value {
            Some(value) => format!("{other}={value}").into(),
            None => other.into(),
        };
        Some(self)
    }

    /// Takes out a flag that is not ours, and gives its value.
    pub(crate) fn taken_out(mut self, flag: &str) -> Option<(Self, OsString)> {
        let (at, value) = self.position(flag)?;
        self.words.remove(at);
        let value = match value {
            Some(value) => value.into(),
            None if at < self.words.len() => self.words.remove(at),
            None => return None,
        };
        Some((self, value))
    }

    /// The place of a flag among the words, and the value in the same word.
    fn position(&self, flag: &str) -> Option<(usize, Option<String>)> {
        self.words.iter().enumerate().skip(1).find_map(|(at, word)| match word.to_str()?.strip_prefix(flag)? {
            "" => Some((at, None)),
            rest => Some((at, Some(rest.strip_prefix('=')?.to_owned()))),
        })
    }

    /// Runs another command if this one succeeds.
    pub(crate) fn and(mut self, next: Self) -> Self {
        self.next = Some(("&&", Box::new(next)));
        self
    }

    /// Appends this command's output to a file.
    pub(crate) fn appended_to(mut self, path: &Path) -> Self {
        self.next = Some((">>", Box::new(Self { words: Vec::new(), next: None }.path(path))));
        self
    }
}

impl fmt::Display for CommandLine {
    /// The command for a shell, without backticks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", quoted(word))?;
        }
        match &self.next {
            Some((join, next)) => write!(f, " {join} {next}"),
            None => Ok(()),
        }
    }
}

/// A flag that takes a value, by its names.
pub(crate) struct Flag {
    long: &'static str,
    short: Option<char>,
    /// Another long name.
    alias: Option<&'static str>,
}

/// Flags that hints carry over or replace.
pub(crate) const CA_DIR: Flag = Flag { long: "--ca-dir", short: None, alias: None };
pub(crate) const CERT: Flag = Flag { long: "--cert", short: None, alias: None };
pub(crate) const KEY: Flag = Flag { long: "--key", short: Some('k'), alias: None };
pub(crate) const CSR: Flag = Flag { long: "--csr", short: None, alias: None };
pub(crate) const CA_CERT: Flag = Flag { long: "--ca-cert", short: None, alias: None };
pub(crate) const CA_KEY: Flag = Flag { long: "--ca-key", short: None, alias: None };
pub(crate) const OUT: Flag = Flag { long: "--out", short: Some('o'), alias: None };
pub(crate) const OUT_CERT: Flag = Flag { long: "--out-cert", short: Some('o'), alias: Some("--out") };
pub(crate) const OUT_CSR: Flag = Flag { long: "--out-csr", short: None, alias: None };
pub(crate) const OUT_KEY: Flag = Flag { long: "--out-key", short: None, alias: None };
pub(crate) const OUT_DIR: Flag = Flag { long: "--out-dir", short: Some('d'), alias: None };
pub(crate) const P12: Flag = Flag { long: "--p12", short: None, alias: None };
pub(crate) const NAME: Flag = Flag { long: "--name", short: Some('n'), alias: None };
pub(crate) const PORT: Flag = Flag { long: "--port", short: Some('p'), alias: None };
pub(crate) const ADDR: Flag = Flag { long: "--addr", short: None, alias: None };
pub(crate) const PURPOSE: Flag = Flag { long: "--purpose", short: None, alias: None };
pub(crate) const STARTTLS: Flag = Flag { long: "--starttls", short: None, alias: None };
pub(crate) const KIND: Flag = Flag { long: "--kind", short: None, alias: None };
pub(crate) const ITEM: Flag = Flag { long: "--item", short: None, alias: None };
pub(crate) const TO: Flag = Flag { long: "--to", short: None, alias: None };
pub(crate) const TIMEOUT: Flag = Flag { long: "--timeout", short: None, alias: None };
pub(crate) const PASSPHRASE_FILE: Flag = Flag { long: "--passphrase-file", short: None, alias: None };
pub(crate) const PASSPHRASE_ENV: Flag = Flag { long: "--passphrase-env", short: None, alias: None };

impl Flag {
    /// The place of the flag among words, the number of words it takes, and its value: `--key F`, `--key=F`, `-k F`,
    /// `-kF`.
    fn find(&self, words: &[OsString]) -> Option<(usize, usize, OsString)> {
        let flags = words.iter().enumerate().skip(1).take_while(|(_, word)| *word != "--");
        flags.into_iter().find_map(|(at, word)| match self.value_in(word.to_str()?)? {
            "" => Some((at, 2, words.get(at + 1)?.clone())),
            value => Some((at, 1, value.into())),
        })
    }

    /// The value in the same word as this flag, empty if the next word holds the value; `None` for another flag.
    fn value_in<'a>(&self, word: &'a str) -> Option<&'a str> {
        let long = [Some(self.long), self.alias].into_iter().flatten();
        let rests = long.filter_map(|long| word.strip_prefix(long));
        let after_long =
            rests.into_iter().find_map(|rest| if rest.is_empty() { Some(rest) } else { rest.strip_prefix('=') });
        let after_short = || {
            let rest = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
            rest.strip_prefix(self.short?).map(|rest| rest.trim_start_matches('='))
        };
        after_long.or_else(after_short)
    }
}

/// A file's name that no program takes for a flag.
fn unmistakable(path: &Path) -> OsString {
    let is_like_flag = path.as_os_str().as_encoded_bytes().starts_with(b"-") && !files::is_stdio(path);
    if is_like_flag { Path::new(".").join(path).into_os_string() } else { path.as_os_str().to_owned() }
}

/// A word for sh.
///
/// Characters that a terminal does not show as they are go through printf, and so do backticks, which would end the
/// hint's own.
fn quoted(word: &OsStr) -> String {
    let is_shown = |c: char| !is_unprintable(c) && c != '`';
    if let Some(text) = word.to_str().filter(|text| text.chars().all(is_shown)) {
        return quote_sh(text);
    }
    let mut text = String::from("\"$(printf '%b' '");
    for octet in word.as_encoded_bytes() {
        if octet.is_ascii_alphanumeric() || b"/._-+,:@%= ".contains(octet) {
            text.push(char::from(*octet));
        } else {
            let _ = write!(text, "\\0{octet:03o}");
        }
    }
    text.push_str("')\"");
    text
}

/// This path if nothing is there, else one beside it where nothing is: `server-cert-2.pem` for `server-cert.pem`.
pub(crate) fn unused(path: &Path) -> PathBuf {
    if !files::exists(path) {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let mut candidates = (2..1000).map(|number| path.with_file_name(format!("{stem}-{number}{ending}")));
    candidates.find(|path| !files::exists(path)).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> CommandLine {
        CommandLine::of(line)
    }

    /// A file of this name was once pasted as two commands.
    #[test]
    fn odd_words_reach_the_program_as_they_are() {
        for word in
            ["x;touch pwned;", "it's", "a b", "$HOME", "tick`s", "two\nlines", "tab\t", "b\u{fc}cher", "\u{202e}x", ""]
        {
            let line = format!("{}", words("printf %s").arg(word));
            let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{line}");
            assert!(!line.contains('`') && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_flag_is_found_in_each_of_its_forms() {
        for line in ["x --key a.pem h", "x --key=a.pem h", "x -k a.pem h", "x -ka.pem h", "x -k=a.pem h"] {
            assert_eq!(words(line).with(&KEY, "b.pem").to_string(), "x h --key b.pem", "{line}");
        }
        assert_eq!(words("x --out a -o b --out-cert=c").without(&OUT_CERT).to_string(), "x");
        assert_eq!(words("x --ca-key=a --key=b").without(&KEY).to_string(), "x --ca-key=a");
        assert_eq!(words("x -- --key a").without(&KEY).to_string(), "x -- --key a");
    }

    #[test]
    fn a_word_is_replaced_where_it_was_typed() {
        let hosts = ["localhost".to_owned(), "::1".to_owned()];
        let replaced =
            |line: &str, others: &[String]| words(line).replacing("a,b", others).map(|line| line.to_string());
        assert_eq!(replaced("x -q a,b c", &hosts), Some("x -q localhost ::1 c".to_owned()));
        assert_eq!(replaced("x --subject=a,b", &hosts[..1]), Some("x --subject=localhost".to_owned()));
        assert_eq!(replaced("x c", &hosts), None);
    }

    #[test]
    fn flags_stand_before_what_is_no_flag() {
        assert_eq!(words("x -- -a").flag("--key", "k").switch("--force").to_string(), "x --key k --force -- -a");
        assert_eq!(words("x").and(words("y")).to_string(), "x && y");
    }

    #[test]
    fn a_name_that_begins_with_a_dash_is_no_flag() {
        assert_eq!(words("x").path(Path::new("-rf")).flag("--key", "-k").to_string(), "x ./-rf --key ./-k");
        assert_eq!(words("x").path(Path::new("-")).to_string(), "x -");
    }
}
