mod init;
mod path;

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
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Init(args) => init::run(args, out),
        Command::Path(args) => path::run(args, out),
    }
}
