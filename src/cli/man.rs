use std::path::{Path, PathBuf};

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
    /// Write secure-io.1 and a page per command into this folder, replacing existing pages
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
    let mut set = Vec::new();
    add_pages(&command, "secure-io", folder, &mut set)?;
    files::create_folder(folder, false)?;
    args::write_set(set, Existing::Replace, out)?;
    Ok(Outcome::Done)
}

/// The pages of a command and its subcommands.
fn add_pages(command: &clap::Command, name: &str, folder: &Path, set: &mut Vec<NewFile>) -> Result<(), Failure> {
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    set.push(NewFile::public(folder.join(format!("{name}.1")), page(named)?));
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        add_pages(subcommand, &format!("{name}-{}", subcommand.get_name()), folder, set)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(text)
}
