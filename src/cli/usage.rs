//! The words that were typed, on their way to a command; clap's complaints in the form of our errors,
//! with the command that was meant.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use secure_io::files;
use secure_io::name::SubjectAltName;

use super::Cli;
use super::beside;
use super::command_line::{CA_CERT, CA_KEY, CERT, CommandLine, KEY, write_instead};
use super::failure::Failure;
use super::output::ColorWhen;

/// Reads the command line; an error is one to print, or clap's own for help and version.
pub(crate) fn parse() -> Result<Cli, Unread> {
    let words: Vec<OsString> = env::args_os().collect();
    if let Some(failure) = one_dash(&words) {
        return Err(Unread::Failure(failure));
    }
    let read = |command: clap::Command| {
        let command = command.color(match color(&words) {
            ColorWhen::Auto => clap::ColorChoice::Auto,
            ColorWhen::Always => clap::ColorChoice::Always,
            ColorWhen::Never => clap::ColorChoice::Never,
        });
        command.try_get_matches_from(&words).and_then(|found| Cli::from_arg_matches(&found))
    };
    // Help, and the faults of a command line, need to know all commands.
    let read = read(super::deferred()).or_else(|error| match error.kind() {
        ErrorKind::DisplayVersion => Err(error),
        _ => read(super::command()),
    });
    read.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Unread::Help(error)
        }
        _ => Unread::Failure(failure(&error, &words, &super::command())),
    })
}

/// The reason that there is no command to run.
pub(crate) enum Unread {
    /// Help or the version was asked for.
    Help(clap::Error),
    /// The word was not understood.
    Failure(Failure),
}

/// The choice of colour, for output before the command line is read.
pub(crate) fn color(words: &[OsString]) -> ColorWhen {
    let mut words = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    let value = words.find_map(|word| match word.strip_prefix("--color") {
        Some("") => Some(None),
        Some(rest) => rest.strip_prefix('=').map(Some),
        None => None,
    });
    match value.and_then(|value| value.or_else(|| words.next())) {
        Some("always") => ColorWhen::Always,
        Some("never") => ColorWhen::Never,
        _ => ColorWhen::Auto,
    }
}

/// The command that the words name, and its own names.
fn named<'a>(words: &[OsString], command: &'a clap::Command) -> (&'a clap::Command, Vec<String>) {
    let (mut found, mut path) = (command, Vec::new());
    for word in words.iter().skip(1).filter_map(|word| word.to_str()).take_while(|word| *word != "--") {
        if let Some(next) = found.find_subcommand(word) {
            found = next;
            path.push(word.to_owned());
        }
    }
    (found, path)
}

/// Flags as other programs call them, and ours.
const OTHER_FLAGS: [(&str, &str); 38] = [
    ("subj", "subject"),
    ("dn", "subject"),
    ("type", "algorithm"),
    ("alg", "algorithm"),
    ("key-type", "algorithm"),
    ("key-algorithm", "algorithm"),
    ("newkey", "algorithm"),
    ("validity", "days"),
    ("valid-days", "days"),
    ("output", "out"),
    ("output-dir", "out-dir"),
    ("outdir", "out-dir"),
    ("cert", "out-cert"),
    ("cert-file", "out-cert"),
    ("cert-file", "cert"),
    ("certfile", "cert"),
    ("key-file", "out-key"),
    ("key-file", "key"),
    ("keyfile", "key"),
    ("keyout", "out-key"),
    ("pkcs12", "p12"),
    ("CAfile", "trust"),
    ("cafile", "trust"),
    ("ca-file", "trust"),
    ("cacert", "trust"),
    ("ca", "trust"),
    ("ca-cert", "trust"),
    ("root", "trust"),
    ("roots", "trust"),
    ("servername", "server-name"),
    ("sni", "server-name"),
    ("hostname", "host"),
    ("domain", "host"),
    ("untrusted-file", "untrusted"),
    ("intermediates", "untrusted"),
    ("chain", "untrusted"),
    ("crl_file", "crl"),
    ("verify_hostname", "host"),
];

/// Flags of other programs for the names of a certificate, which stand alone here.
const HOST_FLAGS: [&str; 11] =
    ["san", "sans", "host", "hosts", "hostname", "domain", "domains", "dns", "altnames", "addext", "cn"];

/// Long flags with one dash, as OpenSSL has them: clap takes them for several short ones, and `-days` for a folder
/// `ays`.
fn one_dash(words: &[OsString]) -> Option<Failure> {
    let typed = words.iter().skip(1).filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    let is_candidate = |name: &&str| name.len() > 2 && !name.starts_with('-');
    let mut candidates = typed.filter_map(|word| Some((word, word.strip_prefix('-').filter(is_candidate)?))).peekable();
    candidates.peek()?;
    let root = super::command();
    let (command, _) = named(words, &root);
    for (word, name) in candidates {
        let name = name.split('=').next().unwrap_or(name);
        if name == "install" || name == "uninstall" {
            return Some(unknown(word).hint(write_instead(word, &subcommand(name)?)));
        }
        let long = long_flag(name, command);
        if long.is_some() || takes_hosts(command) && HOST_FLAGS.contains(&name) {
            return Some(unknown(word).hint(in_place_of(word, name, command)?));
        }
    }
    None
}

fn unknown(word: &str) -> Failure {
    Failure::message(format!("there is no flag `{word}`"))
}

/// Our flag for a name that was typed.
fn long_flag(name: &str, command: &clap::Command) -> Option<String> {
    let others = OTHER_FLAGS.iter().filter(|(other, _)| *other == name).map(|(_, ours)| *ours);
    let has = |name: &str| {
        command.get_arguments().any(|argument| {
            argument.get_long() == Some(name) || argument.get_all_aliases().unwrap_or_default().contains(&name)
        })
    };
    std::iter::once(name).chain(others).find(|name| has(name)).map(|name| format!("--{name}"))
}

fn takes_hosts(command: &clap::Command) -> bool {
    command.get_positionals().any(|argument| argument.get_id() == "hosts")
}

/// The command with our flag in the place of a word, or with hosts where a flag stood for them.
fn in_place_of(word: &str, name: &str, command: &clap::Command) -> Option<String> {
    let bare = word.split('=').next().unwrap_or(word);
    if let Some(long) = long_flag(name, command) {
        let command = CommandLine::typed().respelled(bare, &long)?;
        return Some(format!("write `{command}`"));
    }
    if !takes_hosts(command) || !HOST_FLAGS.contains(&name) {
        return None;
    }
    let (command, value) = CommandLine::typed().taken_out(bare)?;
    let value = value.to_str()?;
    let value = value.strip_prefix("subjectAltName=").unwrap_or(value);
    let hosts = value.split([',', ' ']).filter(|host| !host.is_empty());
    let hosts: Vec<_> = hosts.map(|host| host.replacen("CN=", "", 1)).collect();
    let are_hosts = hosts.iter().all(|host| host.parse::<SubjectAltName>().is_ok());
    are_hosts.then(|| format!("hosts need no flag: `{}`", command.args(hosts)))
}

/// An error of clap in the form of ours.
fn failure(error: &clap::Error, words: &[OsString], root: &clap::Command) -> Failure {
    let text = error.render().to_string();
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    let message = ticked(lines.next().unwrap_or_default().trim_start_matches("error: "));
    let (command, path) = named(words, root);
    let invalid = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let failure = match (error.kind(), invalid(ContextKind::InvalidArg), invalid(ContextKind::InvalidSubcommand)) {
        (ErrorKind::UnknownArgument, Some(word), _) if word.starts_with('-') => unknown(word),
        (ErrorKind::UnknownArgument, Some(word), _) => Failure::message(format!("`{word}` is one argument too many")),
        (ErrorKind::InvalidSubcommand, _, Some(word)) => Failure::message(format!("there is no command `{word}`")),
        _ => lines.fold(Failure::message(message), |failure, line| failure.detail(ticked(line.trim()))),
    };
    let hint = match error.kind() {
        ErrorKind::UnknownArgument => invalid(ContextKind::InvalidArg).and_then(|word| {
            in_place_of(word, word.trim_start_matches('-'), command).or_else(|| {
                let flags = command.get_arguments().filter_map(|argument| argument.get_long());
                let nearest = nearest(word.strip_prefix("--")?, flags)?;
                Some(format!("write `{}`", CommandLine::typed().respelled(word, &format!("--{nearest}"))?))
            })
        }),
        ErrorKind::InvalidSubcommand => invalid(ContextKind::InvalidSubcommand).and_then(|word| {
            let ours = subcommand(word).filter(|_| path.is_empty());
            let near = || nearest(word, command.get_subcommands().map(clap::Command::get_name));
            ours.or_else(|| Some(vec![near()?.to_owned()])).map(|names| write_instead(word, &names))
        }),
        ErrorKind::InvalidValue => invalid(ContextKind::InvalidValue).and_then(|word| {
            let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) else { return None };
            let nearest = nearest(word, values.iter().map(String::as_str))?;
            Some(format!("write `{}`", CommandLine::typed().replacing(word, &[nearest.to_owned()])?))
        }),
        ErrorKind::MissingRequiredArgument => missing_key(error),
        _ => None,
    };
    let help = path.iter().fold(CommandLine::ours(""), CommandLine::arg).arg("--help");
    failure.hint(hint.unwrap_or_else(|| format!("see `{help}`")))
}

/// The word that was probably meant: at most two letters are other ones, or one in a short word.
fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if typed.len() < 5 { 1 } else { 2 };
    let distances = known.map(|word| (strsim::damerau_levenshtein(typed, word), word));
    distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// The key that is there, where one has to be named and was not: that of the certificate that was named, or the
/// default.
fn missing_key(error: &clap::Error) -> Option<String> {
    let ContextValue::Strings(missing) = error.get(ContextKind::InvalidArg)? else { return None };
    let [missing] = &missing[..] else { return None };
    let (flag, certificate) = match missing.split(' ').next()? {
        "--key" => (&KEY, CommandLine::typed().value(&CERT)),
        "--ca-key" => (&CA_KEY, CommandLine::typed().value(&CA_CERT)),
        _ => return None,
    };
    let key = match certificate.map(PathBuf::from) {
        Some(path) => beside::key_of(&path)?,
        None => PathBuf::from("server-key.pem"),
    };
    files::exists(&key).then(|| format!("name the key: `{}`", CommandLine::typed().with(flag, key)))
}

/// Commands as people and other programs call them, and ours.
const OTHER_COMMANDS: [(&[&str], &[&str]); 11] = [
    (&["trust", "install"], &["ca", "trust"]),
    (&["untrust", "uninstall"], &["ca", "untrust"]),
    (&["init", "init-ca", "create-ca"], &["ca", "init"]),
    (&["status", "show", "revoke", "crl", "env", "export"], &["ca"]),
    (&["renew"], &["gen-cert", "--renew"]),
    (&["genkey", "genrsa", "genpkey", "keygen", "key"], &["gen-key"]),
    (&["req", "csr", "gencsr", "request"], &["gen-csr"]),
    (&["gencert", "cert", "new", "create", "generate", "make", "issue", "sign"], &["gen-cert"]),
    (&["x509", "view", "dump", "print", "info"], &["inspect"]),
    (&["lint"], &["inspect", "--lint"]),
    (&["server", "start", "dev", "listen"], &["serve"]),
];

/// Our words for a command that does not exist.
fn subcommand(word: &str) -> Option<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    if let Some((_, ours)) = OTHER_COMMANDS.iter().find(|(others, _)| others.contains(&word)) {
        let kept = (*ours == ["ca"]).then(|| word.to_owned());
        return Some(owned(ours).into_iter().chain(kept).collect());
    }
    if files::exists(word.as_ref()) {
        return Some(owned(&["inspect", word]));
    }
    let is_host = word == "localhost" || word.contains(['.', ':']) && word.parse::<SubjectAltName>().is_ok();
    is_host.then(|| owned(&["gen-cert", word]))
}

/// Clap's quotes as ours, where they come in pairs, and not within ours.
fn ticked(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired =
        parts.len() % 2 == 1 && parts.iter().step_by(2).all(|part| part.matches('\'').count().is_multiple_of(2));
    if !is_paired {
        return text.to_owned();
    }
    let ours = |(i, part): (usize, &&str)| if i % 2 == 0 { part.replace('\'', "`") } else { (*part).to_owned() };
    parts.iter().enumerate().map(ours).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn colour_is_known_before_the_command_line_is_read() {
        for (line, expected) in [
            ("x gen-key --color always", ColorWhen::Always),
            ("x --color=never gen-key", ColorWhen::Never),
            ("x gen-key", ColorWhen::Auto),
            ("x gen-cert -- --color always", ColorWhen::Auto),
            ("x --color", ColorWhen::Auto),
        ] {
            assert_eq!(color(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn all_quotes_of_a_line_are_the_same() {
        for (clap, expected) in [
            (
                "invalid value 'a' for '--for <SPAN>': `a'b` is no span",
                "invalid value `a` for `--for <SPAN>`: `a'b` is no span",
            ),
            ("invalid value 'a`b' for '--key'", "invalid value 'a`b' for '--key'"),
            ("invalid value 'a`b`c' for '--key'", "invalid value 'a`b`c' for '--key'"),
            ("it's no value", "it's no value"),
        ] {
            assert_eq!(ticked(clap), expected);
        }
    }

    /// Names in the tables lead somewhere.
    #[test]
    fn all_that_is_advised_exists() {
        let command = crate::cli::command();
        for (_, ours) in OTHER_COMMANDS {
            let named = ours
                .iter()
                .take_while(|word| !word.starts_with('-'))
                .try_fold(&command, |command, word| command.find_subcommand(word));
            assert!(named.is_some(), "{ours:?}");
        }
        for (other, ours) in OTHER_FLAGS {
            let is_there = command
                .get_subcommands()
                .any(|command| command.get_arguments().any(|argument| argument.get_long() == Some(ours)));
            assert!(is_there, "{other}: {ours}");
        }
    }
}
