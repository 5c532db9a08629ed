use std::path::{Path, PathBuf};
use std::time::Duration;

use secure_io::files::{self, Existing, NewFile};
use secure_io::fixtures::{Outside, Project, TEMPLATE};
use secure_io::validity;

use super::Outcome;
use super::failure::{self, Failure};
use super::output::Output;

/// Build a test PKI from a manifest: good certificates, and deliberately bad ones
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  secure-io fixtures init                        a commented secure-io.toml to start from
  secure-io fixtures                             build what is missing or stale
  secure-io fixtures --check --expires-within 30d   for CI: is anything stale or ending?

Exit status: 0 done, or the tree is current; 1 with --check, it is not; 2 it could not be done")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Manifest of the certificates to build
    #[arg(value_name = "MANIFEST", default_value = "secure-io.toml")]
    manifest: PathBuf,
    /// Build nothing: list stale entries with the reason, with exit status 1 if there are any
    #[arg(long)]
    check: bool,
    /// With --check, also if a good certificate or CRL ends within this time
    #[arg(long, value_name = "SPAN", requires = "check", value_parser = span)]
    expires_within: Option<Duration>,
    /// Replace files that no earlier run wrote, or that were changed since
    #[arg(long, short, conflicts_with = "check")]
    force: bool,
    /// Let the manifest's `out` lead out of the manifest's folder
    #[arg(long)]
    allow_outside: bool,
    /// Print a JSON document instead of text
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(InitArgs),
}

/// Write a commented manifest to start from
#[derive(clap::Args)]
struct InitArgs {
    /// Where to write it
    #[arg(value_name = "MANIFEST", default_value = "secure-io.toml")]
    manifest: PathBuf,
}

fn span(text: &str) -> Result<Duration, String> {
    validity::parse_span(text).map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    if let Some(Command::Init(args)) = &args.command {
        return init(&args.manifest, out);
    }
    let failed = |error| failure::fixtures(&args.manifest, error);
    let outside = if args.allow_outside { Outside::Allowed } else { Outside::Refused };
    let mut project = Project::open(&args.manifest, outside, validity::now()).map_err(failed)?;
    let report = if args.check {
        project.check(args.expires_within)
    } else {
        let bar = out.progress();
        let built = project.build(args.force, &|total| bar.step(total)).map_err(failed);
        bar.clear();
        built?
    };
    if args.json {
        out.json(&report)?;
    } else if args.check {
        out.answer(&report.text())?;
    } else {
        out.report(&report.text(), false)?;
    }
    Ok(if args.check && !report.is_current() { Outcome::No } else { Outcome::Done })
}

fn init(manifest: &Path, out: &mut Output) -> Result<Outcome, Failure> {
    let written = files::write_set(&[NewFile::public(manifest, TEMPLATE)], Existing::Keep);
    written.map_err(|error| failure::fixtures(manifest, error.into()))?;
    out.report(&format!("Made {}\n", manifest.display()), false)?;
    out.hint(format!("read it, then build the tree: `{}`", failure::build(manifest)));
    Ok(Outcome::Done)
}
