use crate::cli::Outcome;
use crate::cli::args::CaDirArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Print the folder of the local CA
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let folder = args.folder.paths_of(out)?.folder;
    out.data(format!("{}\n", folder.display()).as_bytes())?;
    Ok(Outcome::Done)
}
