use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use secure_io::ca::{LocalCa, Reason, Revocable};
use secure_io::report::ca::{CaRevoke, Revoked};
use secure_io::{files, validity};

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs};
use crate::cli::caller;
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

fn reason_parser() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::name))
        .map(|name| Reason::ALL.into_iter().find(|reason| reason.name() == name).unwrap_or_default())
}

/// Revoke certificates that the local CA has issued
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca revoke server-cert.pem --reason keyCompromise
  secure-io ca revoke 4f1a6c0d9b…                             a serial number that `ca show` lists
  secure-io ca crl                                            and then the list that says so

Exit status: 0 done, or revoked already; 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Certificate files, or serial numbers in hex
    #[arg(required = true, value_name = "FILE|SERIAL")]
    certificates: Vec<String>,
    /// Reason for the revocation
    #[arg(long, value_name = "REASON", value_parser = reason_parser(), default_value = "unspecified")]
    reason: Reason,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let (ca, who, now) = (LocalCa::load(&args.folder.paths_to_change(out)?)?, caller::user(), validity::now());
    let mut certificates = Vec::new();
    for given in &args.certificates {
        let path = Path::new(given);
        certificates.push(if files::is_stdio(path) || files::exists(path) {
            let chain = args::load_certificates(path, &args::PassphraseArgs::absent())?;
            // The leaf: what follows it is not this CA's to revoke.
            let leaf = chain.first().map(AsRef::as_ref).unwrap_or_default();
            Revocable::Certificate(leaf.to_vec())
        } else if is_serial(given) {
            Revocable::Serial(given.clone())
        } else {
            return Err(Failure::message(format!("`{given}` is neither a file nor a serial number in hex"))
                .hint(format!("see what was issued: `{}`", CommandLine::ours("ca show").carrying_ca_dir())));
        });
    }
    let revocations = ca.revoke(&certificates, args.reason, who.as_deref(), now)?;
    let revoked = revocations.into_iter().map(|revocation| Revoked {
        serial: revocation.revoked.serial,
        revoked_at: revocation.revoked.at,
        reason: revocation.revoked.reason.name().to_owned(),
        already: revocation.again,
    });
    let report = CaRevoke { revoked: revoked.collect() };
    if args.json {
        out.json(&report)?;
    } else {
        out.report(&report.text(), false)?;
        out.hint(format!("make the list for others: `{}`", CommandLine::ours("ca crl").carrying_ca_dir()));
    }
    Ok(Outcome::Done)
}

fn is_serial(text: &str) -> bool {
    let digits = text.trim_start_matches("0x");
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
}
