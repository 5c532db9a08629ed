use std::path::PathBuf;

use secure_io::ca::{CRL_DAYS, LocalCa};
use secure_io::files::{self, Existing, NewFile};
use secure_io::report::ca::CaCrl;
use secure_io::{container, validity};

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs};
use crate::cli::command_line::OUT;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// Make the list of revoked certificates (CRL)
///
/// In PEM it holds the list of each intermediate that issues, and then those of the CAs above, which list nothing:
/// programs that check the whole path need them (nginx's ssl_crl, `openssl verify -crl_check_all`).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca crl                            in the CA's folder, from cron
  secure-io ca crl --out crl.pem --force
  secure-io ca crl --out - | openssl crl -noout -text

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// File for the CRL, - for standard output [default: crl.pem in the CA's folder]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// In how many days the next one is due
    #[arg(long, value_name = "N", default_value_t = CRL_DAYS, value_parser = crl_days)]
    days: u32,
    /// Write DER: the list of servers' certificates alone
    #[arg(long)]
    der: bool,
    /// Replace a file that exists; that in the CA's folder always is
    #[arg(long, short, help_heading = "Output")]
    force: bool,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// The days until the next list, of which there is one at least.
fn crl_days(text: &str) -> Result<u32, String> {
    const MOST: u32 = 36_500;
    match args::days(text)? {
        days @ 1..=MOST => Ok(days),
        _ => Err(format!("it must be from 1 to {MOST}")),
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let paths = args.folder.paths_to_change(out)?;
    let target = match &args.out {
        Some(path) => path.clone(),
        None if args.der => paths.crl.with_extension("der"),
        None => paths.crl.clone(),
    };
    let to_stdout = files::is_stdio(&target);
    if args.json && to_stdout {
        return Err(failure::one_thing_at_a_time("crl.pem"));
    }
    let existing = if args.force || args.out.is_none() { Existing::Replace } else { Existing::Keep };
    let ca = LocalCa::load(&paths)?;
    // A number is used up by what is not written, too.
    let targets = [target.as_path()].into_iter().filter(|_| !to_stdout);
    files::check_set(targets, existing).map_err(|error| failure::in_the_way(error, failure::elsewhere(&OUT)))?;
    let crl = ca.crl(args.days, validity::now())?;
    let mut content = crl.der.clone();
    if !args.der {
        content.clear();
        for der in [&crl.der].into_iter().chain(&crl.client) {
            content.extend_from_slice(container::pem("X509 CRL", der)?.as_bytes());
        }
        if files::exists(&paths.root_crl) {
            content.extend_from_slice(&files::read(&paths.root_crl)?);
        }
    }
    args::write_set(vec![NewFile::public(&target, content)], existing, out)?;
    let (next_update, revoked_count) = (crl.next_update.into(), crl.revoked);
    let report = CaCrl { path: target, crl_number: crl.number, revoked_count, next_update };
    if args.json {
        out.json(&report)?;
    } else {
        out.report(&report.text(), to_stdout)?;
    }
    Ok(Outcome::Done)
}
