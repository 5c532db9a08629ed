use secure_io::ca::Renewal;
use secure_io::report::ca::CaRenew;
use secure_io::validity;

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs, PassphraseArgs};
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Renew the CA's certificates before they end, or permit more names
///
/// Earlier certificates stay valid: the intermediates that issue keep their names and keys. If the root's key was kept,
/// the same root signs them again, and only Firefox has to trust a new root; otherwise all clients have to, and the old
/// root stays valid for servers that send the old intermediates.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca renew                            from cron: does nothing while there is time
  secure-io ca renew --permit dev.example.com   may sign for that as well

Exit status: 0 done, or nothing to do; 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Remaining time below which the CA is renewed [default: 30d, or a third of its life]
    #[arg(long, value_name = "SPAN")]
    renew_before: Option<String>,
    /// Renew regardless of the time left
    #[arg(long, short, help_heading = "Output")]
    force: bool,
    /// Give the root and the intermediates new keys, after a theft; earlier certificates then need the old root
    #[arg(long)]
    new_key: bool,
    /// Further names the CA may sign for, as with `ca init`; may be given again
    #[arg(long, value_name = "NAME")]
    permit: Vec<String>,
    /// Lifetime in days from now [default: 3650]
    #[arg(long, value_name = "N", value_parser = args::days)]
    days: Option<u32>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let (paths, now) = (args.folder.paths_to_change(out)?, validity::now());
    let before = args.renew_before.as_deref().map(validity::parse_span).transpose()?;
    let renewal = Renewal {
        before: before.map(|span| time::Duration::try_from(span).unwrap_or(time::Duration::MAX)),
        force: args.force,
        new_key: args.new_key,
        permit: args.permit.clone(),
        days: args.days,
        passphrase: args.passphrase.given()?,
    };
    let renewed = renewal.run(&paths, now)?;
    let report = CaRenew {
        renewed: renewed.because.is_some(),
        because: renewed.because,
        new_root: renewed.new_root,
        authority: renewed.ca.authority()?,
    };
    if report.renewed && report.authority.permitted.is_none() {
        out.warning("whoever steals this CA's key can sign for every host on the Internet, for you");
    }
    super::warn_of_permits(&args.permit, out);
    if args.json {
        out.json(&report)?;
        return Ok(Outcome::Done);
    }
    out.report(&report.text(now), false)?;
    let trust = |subcommand: &str| CommandLine::ours(subcommand).carrying_ca_dir();
    if report.new_root {
        out.note(format!(
            "there is a new root; what was issued under the old one, kept in {}, is valid with it to its end",
            paths.previous.display()
        ));
        if args.new_key || renewed.was_of_older_kind {
            out.hint(format!(
                "a thief of the old keys needs the old root: take it out of the stores: `{}`",
                trust("ca untrust")
            ));
        }
        out.hint(format!("make browsers and the system trust the new one: `{}`", trust("ca trust")));
    } else if report.renewed {
        out.note("the root is the same, but Firefox has a root of its own, which is new");
        out.hint(format!("make Firefox trust it: `{}`", trust("ca trust --store firefox")));
    }
    Ok(Outcome::Done)
}
