use std::env;
use std::path::Path;

use secure_io::ca::LocalCa;
use secure_io::ca::env::{self as variables, DOCKER_FILE, Shell};

use crate::cli::Outcome;
use crate::cli::args::CaDirArgs;
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::folders;
use crate::cli::output::Output;

/// Print the environment variables with which Node, Python, curl, Git and others trust the local CA
///
/// Node and Deno add the root to their own; the others take one file in place of all roots, so they are given
/// bundle.pem in the CA's folder, which holds the system's roots and this one, and which this command rewrites.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(secure-io ca env)\"                                    sh, bash, zsh
  secure-io ca env --shell fish | source                        fish
  secure-io ca env --shell powershell | Out-String | iex        PowerShell
  secure-io ca env --shell github >> \"$GITHUB_ENV\"              a step of GitHub Actions
  secure-io ca env --shell docker                               lines for a Dockerfile

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Shell or tool to print for [default: the shell that $SHELL names]
    #[arg(long, value_enum, value_name = "SHELL")]
    shell: Option<Kind>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// sh, bash, zsh
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// A Dockerfile
    Docker,
    /// GitHub Actions, lines for $GITHUB_ENV
    Github,
    /// GitLab CI, a job's variables
    Gitlab,
}

impl Kind {
    fn of_user() -> Self {
        let shell = env::var_os("SHELL").unwrap_or_default();
        match Path::new(&shell).file_name() {
            Some(name) if name == "fish" => Self::Fish,
            Some(name) if name == "pwsh" => Self::Powershell,
            None if cfg!(windows) => Self::Powershell,
            _ => Self::Sh,
        }
    }

    fn shell(self) -> Shell {
        match self {
            Self::Sh => Shell::Sh,
            Self::Fish => Shell::Fish,
            Self::Powershell => Shell::Powershell,
            Self::Docker => Shell::Docker,
            Self::Github => Shell::Github,
            Self::Gitlab => Shell::Gitlab,
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let ca = LocalCa::load(&args.folder.paths_to_change(out)?)?;
    let shell = args.shell.unwrap_or_else(Kind::of_user).shell();
    let bundle = ca.bundle()?;
    let (root, path) = (folders::absolute(&ca.paths.root)?, folders::absolute(&bundle.path)?);
    let script = shell.script(&root, &path).map_err(|error| {
        Failure::new(error.into()).hint("make the CA in a folder without a line break in its name, with --ca-dir")
    })?;
    out.data(script.as_bytes())?;
    if shell == Shell::Docker {
        let command = CommandLine::ours("ca export").carrying_ca_dir().flag("--out", DOCKER_FILE);
        out.hint(format!("put the root beside the Dockerfile: `{command}`"));
        return Ok(Outcome::Done);
    }
    if bundle.system.is_none() {
        out.warning(format!("no roots of the system were found: {} holds the local CA's alone", path.display()));
    }
    let is_other = |(name, value): &(&str, &Path)| {
        env::var_os(name).is_some_and(|before| !before.is_empty() && Path::new(&before) != *value)
    };
    let others = variables::variables(&root, &path).into_iter().filter(is_other).map(|(name, _)| name);
    let others: Vec<_> = others.collect();
    if !others.is_empty() {
        out.warning(format!("set to something else now, which this replaces: {}", others.join(", ")));
    }
    Ok(Outcome::Done)
}
