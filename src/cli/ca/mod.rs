mod init;
mod path;
mod trust;

use super::Outcome;
use super::failure::Failure;
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
    Path(path::Args),
    Trust(trust::TrustArgs),
    Untrust(trust::UntrustArgs),
    Status(trust::StatusArgs),
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Init(args) => init::run(args, out),
        Command::Path(args) => path::run(args, out),
        Command::Trust(args) => trust::trust(args, out),
        Command::Untrust(args) => trust::untrust(args, out),
        Command::Status(args) => trust::status(args, out),
    }
}
