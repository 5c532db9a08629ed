use secure_io::ca::LocalCa;
use secure_io::validity;
use secure_io::words::counted;

use crate::cli::Outcome;
use crate::cli::args::CaDirArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Show the local CA, the certificates it issued, and their expiry
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca show
  secure-io ca show --expires-within 30d    from cron: what has to be renewed

Exit status: 0 done, 1 something expires (--expires-within), 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Only certificates that expire within this time and are in use: neither revoked nor replaced
    #[arg(long, value_name = "SPAN")]
    expires_within: Option<String>,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let now = validity::now();
    let by = args.expires_within.as_deref().map(|span| validity::parse_time(span, now)).transpose()?;
    let ca = LocalCa::load(&args.folder.paths_of(out)?)?;
    let mut report = ca.show()?;
    let expires = by.is_some_and(|by| report.keep_expiring(by));
    if args.json {
        out.json(&report)?;
    } else if by.is_some() {
        out.answer(&report.expiring_text(now))?;
    } else {
        out.answer(&report.text(now))?;
    }
    if report.unreadable_lines > 0 {
        let (lines, log) = (counted(report.unreadable_lines, "line"), ca.paths.log.display());
        out.warning(format!("{lines} of {log} cannot be read: nothing of that is shown"));
    }
    super::warn_of_ca(&ca, now, out);
    Ok(if expires { Outcome::No } else { Outcome::Done })
}
