use std::path::Path;

use secure_io::ca::{LocalCa, Paths, Plan};
use secure_io::name::hex;
use secure_io::{inspect, key, validity};

use crate::cli::Outcome;
use crate::cli::args::CaDirArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Make a root and a name-constrained intermediate
///
/// The root's key signs the intermediate and is destroyed.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca init                             for localhost, .test, .internal, .local, private addresses
  secure-io ca init --permit dev.example.com    for a domain of yours alone

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// A domain or range of addresses it may sign for, `any` for all; may be given again
    #[arg(long, value_name = "NAME")]
    permit: Vec<String>,
    /// Lifetime of both certificates in days [default: 3650]
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Keep the root's key
    #[arg(long)]
    keep_root_key: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let paths = args.folder.paths()?;
    if args.permit.iter().any(|name| name == "any") {
        out.warning("whoever steals this CA's key can sign for every host on the Internet, for you");
    }
    let plan = Plan { permit: args.permit.clone(), days: args.days, keep_root_key: args.keep_root_key };
    let ca = LocalCa::create(&paths, &plan, validity::now())?;
    out.report(&text(&ca, &paths)?, false)?;
    let flag = if args.folder.is_given() { format!(" --ca-dir {}", shown(&paths.folder)) } else { String::new() };
    out.hint(format!("trust {} in your browser or system, then `secure-io gen-cert --ca{flag}`", shown(&paths.root)));
    Ok(Outcome::Done)
}

fn text(ca: &LocalCa, paths: &Paths) -> Result<String, Failure> {
    let root = inspect::certificate(&ca.root).map_err(|error| Failure::new(error.into()))?;
    let fingerprint = hex(&key::sha256(&ca.root));
    Ok(format!(
        "Made a local CA in {}\n  root.pem          what clients trust, expires {}, sha256 {}…\n  intermediate.pem  what signs\n",
        shown(&paths.folder),
        root.not_after.get(..10).unwrap_or_default(),
        fingerprint.get(..16).unwrap_or_default(),
    ))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
