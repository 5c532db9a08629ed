use std::path::{Path, PathBuf};

use secure_io::inspect::Inspected;
use secure_io::report::fingerprint::Fingerprint;
use secure_io::report::item::Item;

use super::Outcome;
use super::args::PassphraseArgs;
use super::command_line::CommandLine;
use super::failure::Failure;
use super::output::Output;
use super::remote::RemoteArgs;

/// Print SHA-256 fingerprints of certificates, or pins of their keys
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io fingerprint server-cert.pem             to compare with what a browser shows
  secure-io fingerprint https://localhost:3000      of what a server shows, leaf first
  pin=$(secure-io fingerprint --spki server-cert.pem | head -1 | cut -d' ' -f1)
  curl --pinnedpubkey \"$pin\" https://localhost:3000

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    /// Files, - for standard input; servers, as in https://localhost:3000
    #[arg(value_name = "FILE", required = true)]
    sources: Vec<PathBuf>,
    /// Print the pin of the public key (SPKI): base64 as curl takes it, and hex; of keys and requests, too
    #[arg(long)]
    spki: bool,
    /// Report as JSON: an array with one object per item
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut all = Vec::new();
    let mut outcome = Outcome::Done;
    for source in &args.sources {
        match args.of_source(source, out) {
            Ok((found, is_whole)) => {
                all.extend(found);
                outcome = if is_whole { outcome } else { Outcome::Failed };
            }
            Err(Failure::Error(report)) => {
                out.error(&report);
                outcome = Outcome::Failed;
            }
            Err(broken) => return Err(broken),
        }
    }
    if args.json {
        out.json(&all)?;
    } else {
        all.iter().try_for_each(|one| out.answer(&one.text(args.spki)))?;
    }
    Ok(outcome)
}

impl Args {
    /// The fingerprints of a source, and true if all of the source could be read.
    fn of_source(&self, source: &Path, out: &mut Output) -> Result<(Vec<Fingerprint>, bool), Failure> {
        let name = source.to_string_lossy();
        let passphrase = self.passphrase.given()?;
        let items = self.remote.items(source, passphrase.as_deref().map(String::as_str))?;
        let (mut all, mut is_whole) = (Vec::new(), true);
        for item in items.iter().map(|inspected: &Inspected| &inspected.item) {
            self.collect(item, None, &mut all, &mut |problem| {
                is_whole = false;
                if let Failure::Error(report) = problem {
                    out.error(&report);
                }
            });
        }
        if all.is_empty() && is_whole {
            return Err(self.nothing(&name, &items));
        }
        Ok((all, is_whole))
    }

    /// The fingerprints of an item and its members.
    fn collect(&self, item: &Item, within: Option<&str>, all: &mut Vec<Fingerprint>, failed: &mut impl FnMut(Failure)) {
        let index = (item.place().index + 1).to_string();
        let number = within.map_or_else(|| index.clone(), |outer| format!("{outer}.{index}"));
        let place = format!("{} #{number}", item.place().source);
        match item {
            Item::Error(entry) => failed(Failure::message(format!("{place}: {}", entry.content.message))),
            Item::Pkcs12(entry) if entry.content.locked => {
                let problem = entry.content.problem.as_deref().unwrap_or("it is under a password");
                let failure = Failure::message(format!("{place} cannot be opened: {problem}"));
                failed(failure.hint("give the password with --passphrase-file or --passphrase-env"));
            }
            Item::Certificate(_) => all.extend(Fingerprint::of(item, number)),
            _ if self.spki && item.items().is_empty() => all.extend(Fingerprint::of(item, number)),
            _ => item.items().iter().for_each(|inner| self.collect(inner, Some(&number), all, failed)),
        }
    }

    fn nothing(&self, name: &str, items: &[Inspected]) -> Failure {
        let is_encrypted = |inspected: &Inspected| matches!(&inspected.item, Item::EncryptedPrivateKey(entry) if entry.content.spki_sha256.is_none());
        if self.spki && items.iter().any(is_encrypted) {
            return Failure::message(format!("the private key in `{name}` is encrypted"))
                .hint("give the passphrase with --passphrase-file or --passphrase-env");
        }
        let has_key =
            !self.spki && items.iter().any(|inspected| Fingerprint::of(&inspected.item, String::new()).is_some());
        let wanted = if self.spki { "neither a certificate nor a key" } else { "no certificate" };
        let failure = Failure::message(format!("there is {wanted} in `{name}`"));
        if has_key {
            return failure.hint(format!("take the pin of its key: `{}`", CommandLine::typed().switch("--spki")));
        }
        failure
    }
}
