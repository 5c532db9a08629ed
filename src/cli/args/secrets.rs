//! Passphrases and passwords: from a file, from the environment, or typed.

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use secure_io::files;
use zeroize::Zeroizing;

use crate::cli::command_line::{CommandLine, PASSPHRASE_ENV, PASSPHRASE_FILE};
use crate::cli::failure::Failure;

/// Source of an encrypted key's passphrase.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Passphrase")]
pub(crate) struct PassphraseArgs {
    /// Read the private key's passphrase from the first line of a file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Read the private key's passphrase from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "passphrase_file")]
    passphrase_env: Option<String>,
    /// The advice where a passphrase is missing, unless it is to give these flags.
    #[arg(skip)]
    pub(super) advice: Option<&'static str>,
    /// True if nobody is there to be asked.
    #[arg(skip)]
    is_unattended: bool,
}

impl PassphraseArgs {
    /// Those of a command that has no such flags: on a terminal it asks.
    pub(crate) const fn absent() -> Self {
        let advice = "write what is in it as PEM with `secure-io inspect --pem` and a passphrase, and name that file";
        Self { passphrase_file: None, passphrase_env: None, advice: Some(advice), is_unattended: false }
    }

    /// Those of a CA's key, which has flags of its own.
    pub(super) fn of_ca_key(file: Option<PathBuf>, variable: Option<String>) -> Self {
        let advice = "give the passphrase with --ca-passphrase-file or --ca-passphrase-env";
        Self { passphrase_file: file, passphrase_env: variable, advice: Some(advice), is_unattended: false }
    }

    /// The same for a program that goes on by itself, and asks nobody.
    pub(crate) fn unattended(self) -> Self {
        Self { is_unattended: true, ..self }
    }

    /// The file it is read from, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.passphrase_file.as_deref()
    }

    /// Refuses a passphrase that nothing would be done with: whoever gives one expects an encrypted key.
    pub(crate) fn check_used(&self, is_used: bool) -> Result<(), Failure> {
        if !is_used && (self.passphrase_file.is_some() || self.passphrase_env.is_some()) {
            let without = CommandLine::typed().without(&PASSPHRASE_FILE).without(&PASSPHRASE_ENV);
            return Err(Failure::message("a passphrase is given, but no key is encrypted")
                .hint(format!("leave it out: `{without}`")));
        }
        Ok(())
    }

    /// As [`Self::check_used`], for commands that can encrypt the key that they make.
    pub(crate) fn check_encrypts(&self, is_used: bool) -> Result<(), Failure> {
        let encrypted = || format!("encrypt the key that is made: `{}`", CommandLine::typed().switch("--encrypt"));
        self.check_used(is_used).map_err(|failure| failure.instead(encrypted()))
    }

    /// Returns the passphrase given by a flag.
    pub(crate) fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        secret(self.passphrase_file.as_deref(), self.passphrase_env.as_deref())
    }

    /// Returns the passphrase that opens an encrypted key; prompts on a terminal if no flag gave one.
    pub(super) fn to_open(&self, path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
        let given = self.given()?;
        if given.is_some() || self.is_unattended || !std::io::stdin().is_terminal() {
            return Ok(given);
        }
        ask(&format!("Passphrase of {}: ", path.display())).map(Some)
    }

    /// Returns the passphrase that encrypts a new key; prompts twice on a terminal if no flag gave one.
    pub(crate) fn to_encrypt(&self) -> Result<Zeroizing<String>, Failure> {
        new_secret(self.given()?, "passphrase", "--passphrase-file or --passphrase-env")
    }
}

/// A secret to be: given, or asked for twice; never empty.
pub(crate) fn new_secret(
    given: Option<Zeroizing<String>>,
    what: &str,
    flags: &str,
) -> Result<Zeroizing<String>, Failure> {
    let secret = match given {
        Some(secret) => secret,
        None if std::io::stdin().is_terminal() => {
            let secret = ask(&format!("New {what}: "))?;
            if *secret != *ask(&format!("The same {what} again: "))? {
                return Err(Failure::message(format!("the two {what}s differ")));
            }
            secret
        }
        None => return Err(Failure::message(format!("no {what} is given")).hint(format!("give one with {flags}"))),
    };
    if secret.is_empty() {
        return Err(Failure::message(format!("the {what} is empty")));
    }
    Ok(secret)
}

/// Asks for a secret on the terminal.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let answer = rpassword::prompt_password(prompt);
    answer
        .map(Zeroizing::new)
        .map_err(|error| Failure::new(anyhow::Error::new(error).context("cannot ask for a passphrase")))
}

/// A secret from the first line of a file, or from the environment.
pub(crate) fn secret(file: Option<&Path>, variable: Option<&str>) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = file {
        let bytes = files::read(path)?;
        return first_line(&bytes).map(Some).map_err(|error| {
            Failure::new(anyhow::Error::new(error).context(format!("`{}` is not UTF-8 text", path.display())))
        });
    }
    let Some(variable) = variable else { return Ok(None) };
    match env::var(variable) {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(error) => Err(Failure::new(
            anyhow::Error::new(error).context(format!("cannot read the environment variable `{variable}`")),
        )),
    }
}

/// The first line of a text, without the byte order mark that editors on Windows put before it. A mark of UTF-16, as
/// Windows PowerShell writes, tells that encoding.
fn first_line(bytes: &[u8]) -> Result<Zeroizing<String>, std::str::Utf8Error> {
    let unit: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    let text = match unit {
        Some(unit) => {
            let units = bytes.as_chunks().0.iter().map(|octets| unit(*octets));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()
        }
        None => None,
    };
    let text = Zeroizing::new(text.map_or_else(|| std::str::from_utf8(bytes).map(ToOwned::to_owned), Ok)?);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
