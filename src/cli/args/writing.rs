//! Files that a command makes: which it may replace, and how a set of them is written.

use std::path::Path;

use secure_io::container;
use secure_io::files::{self, Existing, NewFile};
use secure_io::key::PrivateKey;
use secure_io::report::made::FileKind;
use zeroize::Zeroizing;

use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// Options for writing and reporting files.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct WriteArgs {
    /// Replace files that exist
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Do everything but write
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl WriteArgs {
    /// Refuses to mix a command's one output on standard output with the report; `file` is where it could go instead.
    pub(crate) fn check_report(&self, to_stdout: bool, file: &str) -> Result<(), Failure> {
        if to_stdout && self.json { Err(failure::one_thing_at_a_time(file)) } else { Ok(()) }
    }

    /// Refuses to mix output on standard output with the report, or with other output.
    pub(crate) fn check_stdout(&self, files: usize) -> Result<(), Failure> {
        if files + usize::from(self.json) > 1 && files > 0 {
            return Err(Failure::message("standard output takes one thing at a time"));
        }
        Ok(())
    }

    /// Refuses files that could not be written, after a killed run has been finished; a dry run touches nothing.
    ///
    /// `elsewhere` is the advice for a file in the way.
    pub(crate) fn check_set(
        &self,
        paths: &[&Path],
        existing: Existing,
        elsewhere: impl FnOnce(&Path) -> String,
    ) -> Result<(), Failure> {
        if !self.dry_run {
            files::settle_all(paths.iter().copied())?;
        }
        files::check_set(paths.iter().copied(), existing).map_err(|error| failure::in_the_way(error, elsewhere))
    }

    pub(crate) fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }
}

/// Returns the kind of a key's file.
pub(crate) fn key_kind(encrypted: bool) -> FileKind {
    if encrypted { FileKind::EncryptedPrivateKey } else { FileKind::PrivateKey }
}

/// A key as PEM, under the passphrase if there is one.
pub(crate) fn key_pem(key: &PrivateKey, passphrase: Option<&Zeroizing<String>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = match passphrase {
        Some(passphrase) => container::pem("ENCRYPTED PRIVATE KEY", &container::encrypt_key(key.pkcs8(), passphrase)?)?,
        None => container::pem("PRIVATE KEY", key.pkcs8())?,
    };
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Writes a set of files, those for standard output last and there.
pub(crate) fn write_set(set: Vec<NewFile>, existing: Existing, out: &mut Output) -> Result<(), Failure> {
    let (stdio, named): (Vec<_>, Vec<_>) = set.into_iter().partition(|file| files::is_stdio(file.path()));
    files::write_set(&named, existing)?;
    stdio.iter().try_for_each(|file| out.data(file.content()))
}

/// Refuses to overwrite an input file.
pub(crate) fn check_not_input<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    match inputs.into_iter().find(|input| files::same(input, output)) {
        Some(input) => Err(Failure::message(format!("`{}` is read and would be written over", input.display()))),
        None => Ok(()),
    }
}
