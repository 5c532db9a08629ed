use secure_io::ca::{self, LocalCa, Plan, RootKey};
use secure_io::report::ca::CaInit;
use secure_io::validity;

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs, PassphraseArgs};
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Make a root and name-constrained intermediates
///
/// The root's key signs an upper intermediate, whose key signs one for servers and one for clients; both upper keys are
/// destroyed.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca init                             for localhost, .test, .local, private addresses
  secure-io ca init --permit dev.example.com    for a domain of yours alone
  secure-io ca init --permit default --permit dev.example.com    for both

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Names the CA may sign for: a domain, a range of addresses, an email, @host, a URI's host as in spiffe://dev,
    /// `default` or `any`; may be given again
    #[arg(long, value_name = "NAME")]
    permit: Vec<String>,
    /// Lifetime of all certificates in days [default: 3650]
    #[arg(long, value_name = "N", value_parser = args::days)]
    days: Option<u32>,
    #[command(flatten)]
    root_key: RootKeyArgs,
    /// Make a new CA in place of the one there, which is put by
    #[arg(long, short, help_heading = "Output")]
    force: bool,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(clap::Args)]
struct RootKeyArgs {
    /// Keep the root's key, so that `ca renew` needs no new root
    #[arg(long)]
    keep_root_key: bool,
    /// Encrypt the root's key under a passphrase
    #[arg(long, requires = "keep_root_key")]
    encrypt: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl RootKeyArgs {
    fn fate(&self) -> Result<RootKey, Failure> {
        self.passphrase.check_encrypts(self.encrypt)?;
        let passphrase = self.encrypt.then(|| self.passphrase.to_encrypt()).transpose()?;
        Ok(if self.keep_root_key { RootKey::Kept(passphrase) } else { RootKey::Destroyed })
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let (paths, now) = (args.folder.paths_to_change(out)?, validity::now());
    if ca::narrow(&paths)? {
        let folder = paths.folder.display();
        out.warning(format!("other users could change `{folder}`: from now on it is open to you alone (mode 700)"));
    }
    let plan =
        Plan { permit: args.permit.clone(), days: args.days, root_key: args.root_key.fate()?, replace: args.force };
    let made = match LocalCa::create(&paths, &plan, now) {
        Err(ca::Error::Exists { .. }) if LocalCa::load(&paths)?.fits(&plan, now)? => None,
        made => Some(made?),
    };
    let is_new = made.is_some();
    let ca = made.map_or_else(|| LocalCa::load(&paths), Ok)?;
    let report = CaInit { authority: ca.authority()? };
    if report.authority.permitted.is_none() {
        out.warning("whoever steals this CA's key can sign for every host on the Internet, for you");
    }
    super::warn_of_permits(&args.permit, out);
    if args.json {
        out.json(&report)?;
        return Ok(Outcome::Done);
    }
    if is_new {
        out.report(&report.text(now), false)?;
    } else {
        out.note(format!("there is a local CA in {} already, which fits: nothing was changed", paths.folder.display()));
    }
    if is_new && !report.authority.previous_roots.is_empty() {
        out.note(format!("the root that was here before is kept in {}", paths.previous.display()));
    }
    let ours = |subcommand: &str| CommandLine::ours(subcommand).carrying_ca_dir();
    out.hint(format!("make browsers and the system trust it: `{}`", ours("ca trust")));
    out.hint(format!("then make a certificate: `{}`", ours("gen-cert --ca")));
    Ok(Outcome::Done)
}
