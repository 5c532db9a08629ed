mod crl;
mod env;
mod export;
mod init;
mod path;
mod renew;
mod revoke;
mod serve;
mod share;
mod show;
mod trust;

use secure_io::ca::{LocalCa, Permit};
use time::OffsetDateTime;

pub(crate) use self::trust::{hint_at_trust, say_if_untrusted, stores, trusting};
use super::Outcome;
use super::failure::{self, Failure};
use super::output::Output;

/// Make and show the local CA, which signs for development hosts only
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(init::Args),
    Show(show::Args),
    Path(path::Args),
    Trust(trust::TrustArgs),
    Untrust(trust::UntrustArgs),
    Status(trust::StatusArgs),
    Export(export::Args),
    Share(share::Args),
    Env(env::Args),
    Renew(renew::Args),
    Revoke(revoke::Args),
    Crl(crl::Args),
    Serve(Box<serve::Args>),
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Init(args) => init::run(args, out),
        Command::Show(args) => show::run(args, out),
        Command::Path(args) => path::run(args, out),
        Command::Trust(args) => trust::trust(args, out),
        Command::Untrust(args) => trust::untrust(args, out),
        Command::Status(args) => trust::status(args, out),
        Command::Export(args) => export::run(args, out),
        Command::Share(args) => share::run(args, out),
        Command::Env(args) => env::run(args, out),
        Command::Renew(args) => renew::run(args, out),
        Command::Revoke(args) => revoke::run(args, out),
        Command::Crl(args) => crl::run(args, out),
        Command::Serve(args) => serve::run(args, out),
    }
}

/// Warns of constraints that permit more names than one person owns.
fn warn_of_permits(permits: &[String], out: &mut Output) {
    let permits = permits.iter().filter_map(|name| Permit::parse(name).ok());
    permits.filter_map(|permit| permit.warning()).for_each(|warning| out.warning(warning));
}

/// Warns of a local CA of the older kind, and of one that ends soon, each with its command.
pub(crate) fn warn_of_ca(ca: &LocalCa, now: OffsetDateTime, out: &mut Output) {
    if let Some(warning) = ca.older_kind_warning() {
        out.warning(warning);
        out.hint(failure::remake_hint());
    }
    if let Some(warning) = ca.warning(now) {
        out.warning(warning);
        out.hint(failure::renew_hint());
    }
}
