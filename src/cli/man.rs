use std::path::PathBuf;

use clap_mangen::Man;
use secure_io::files::{self, Existing, NewFile};

use super::Outcome;
use super::args;
use super::failure::Failure;
use super::output::Output;

/// Print the man page, or write one per command
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io man | man -l -
  secure-io man --out-dir ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write secure-io.1 and a page per command into this folder, replacing what is there
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut command = super::command();
    command.build();
    let Some(folder) = &args.out_dir else {
        let page = page(command)?;
        out.data(&page)?;
        return Ok(Outcome::Done);
    };
    let mut set = vec![NewFile::public(folder.join("secure-io.1"), page(command.clone())?)];
    for subcommand in command.get_subcommands() {
        let name = format!("secure-io-{}", subcommand.get_name());
        let path = folder.join(format!("{name}.1"));
        // clap wants names that live as long as the program; there are a dozen.
        let named = subcommand.clone().name(name.clone()).display_name(name);
        set.push(NewFile::public(path, page(named)?));
    }
    files::create_folder(folder, false)?;
    args::write_set(set, Existing::Replace, out)?;
    Ok(Outcome::Done)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(text)
}
