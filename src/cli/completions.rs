use clap_complete::Shell;

use super::Outcome;
use super::failure::Failure;
use super::output::Output;

/// Print completions for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io completions bash > ~/.local/share/bash-completion/completions/secure-io
  secure-io completions fish > ~/.config/fish/completions/secure-io.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "secure-io", &mut text);
    out.data(&text)?;
    Ok(Outcome::Done)
}
