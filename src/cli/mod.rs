//! The command line: reads arguments, calls the library, prints.

mod args;
mod beside;
mod ca;
mod caller;
mod check;
mod command_line;
mod completions;
mod connect;
mod convert;
mod doctor;
mod failure;
mod fingerprint;
mod fixtures;
mod folders;
mod gen_cert;
mod gen_csr;
mod gen_key;
mod inspect;
mod lines;
mod man;
mod network;
mod output;
mod proxied;
mod proxy;
mod remote;
mod replacement;
mod run;
mod runtime;
mod serve;
mod snippet;
mod usage;
mod verify;

use std::process::ExitCode;

use clap::{ArgAction, Args as _, CommandFactory, Parser, Subcommand};

use failure::Failure;
use output::{ColorWhen, Output};
use usage::Unread;

/// True if AWS-LC was built so that a process starts without gathering entropy from the CPU's timing.
const IS_QUICK: bool = match option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY") {
    // As aws-lc-sys reads it, for which `0` is no.
    Some(value) => {
        matches!(value.as_bytes(), [b'1'..=b'9' | b'y' | b'Y' | b't' | b'T', ..] | [b'o' | b'O', b'n' | b'N', ..])
    }
    None => false,
};

/// The version, and facts of the build.
const VERSION: &str = if IS_QUICK {
    env!("CARGO_PKG_VERSION")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (built without AWS_LC_SYS_NO_JITTER_ENTROPY: each start takes 40 ms longer)")
};

/// Certificates and development TLS for Socket.IO and WebSocket applications
#[derive(Parser)]
#[command(name = "secure-io", version = VERSION, propagate_version = true, arg_required_else_help = true)]
#[command(disable_help_flag = true, disable_version_flag = true)]
#[command(after_help = "\
Examples:
  secure-io serve                      an HTTPS Socket.IO server, with nothing prepared
  secure-io gen-cert app.test          a key, a CSR and a certificate for a host
  secure-io gen-cert --ca app.test     the same, signed by the local CA (secure-io ca init)

Exit status: 0 done, 1 the answer is no, 2 it could not be done")]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command; they stand last in its help.
#[derive(clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// When to colour the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    color: ColorWhen,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print help, -h a summary of it
    #[arg(long, short, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    /// Print the version
    #[arg(long, short = 'V', global = true, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Subcommand)]
enum Command {
    GenKey(gen_key::Args),
    GenCsr(gen_csr::Args),
    GenCert(Box<gen_cert::Args>),
    Inspect(Box<inspect::Args>),
    Convert(Box<convert::Args>),
    Fingerprint(Box<fingerprint::Args>),
    Verify(Box<verify::Args>),
    Check(Box<check::Args>),
    Connect(Box<connect::Args>),
    Doctor(doctor::Args),
    Ca(ca::Args),
    Fixtures(fixtures::Args),
    Serve(Box<serve::Args>),
    Snippet(snippet::Args),
    Proxy(Box<proxy::Args>),
    Run(run::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Outcome of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or yes.
    Done,
    /// The answer is no.
    No,
    /// An operation failed, and the failure was reported already.
    Failed,
    /// The command that was run has ended with this status.
    Exited(u8),
}

impl Outcome {
    /// The exit status.
    const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Failed => 2,
            Self::Exited(status) => status,
        }
    }
}

pub(crate) fn main() -> ExitCode {
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(unread) => return not_run(unread),
    };
    let mut out = Output::new(cli.global.color, cli.global.quiet);
    match run(&cli.command, &mut out) {
        Ok(outcome) => ExitCode::from(outcome.status()),
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Error(error)) => {
            out.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Prints the requested help, or the fault of the command line.
fn not_run(unread: Unread) -> ExitCode {
    match unread {
        Unread::Help(help) => {
            // A closed standard output is no error.
            let _ = help.print();
            ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2))
        }
        Unread::Failure(Failure::Error(error)) => {
            let words: Vec<_> = std::env::args_os().collect();
            Output::new(usage::color(&words), false).error(&error);
            ExitCode::from(2)
        }
        Unread::Failure(Failure::BrokenPipe) => ExitCode::SUCCESS,
    }
}

fn run(command: &Command, out: &mut Output) -> Result<Outcome, Failure> {
    match command {
        Command::GenKey(args) => gen_key::run(args, out),
        Command::GenCsr(args) => gen_csr::run(args, out),
        Command::GenCert(args) => gen_cert::run(args, out),
        Command::Inspect(args) => inspect::run(args, out),
        Command::Convert(args) => convert::run(args, out),
        Command::Fingerprint(args) => fingerprint::run(args, out),
        Command::Verify(args) => verify::run(args, out),
        Command::Check(args) => check::run(args, out),
        Command::Connect(args) => connect::run(args, out),
        Command::Doctor(args) => doctor::run(args, out),
        Command::Ca(args) => ca::run(args, out),
        Command::Fixtures(args) => fixtures::run(args, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Man(args) => man::run(args, out),
        Command::Serve(args) => serve::run(args, out),
        Command::Snippet(args) => snippet::run(args, out),
        Command::Proxy(args) => proxy::run(args, out),
        Command::Run(args) => run::run(args, out),
    }
}

/// The whole command line, every command with its flags.
fn command() -> clap::Command {
    Cli::command()
}

/// Adds a command's flags.
type AddFlags = fn(clap::Command) -> clap::Command;

/// The flags of each command, by its name.
const FLAGS: [(&str, AddFlags); 18] = [
    ("gen-key", gen_key::Args::augment_args),
    ("gen-csr", gen_csr::Args::augment_args),
    ("gen-cert", gen_cert::Args::augment_args),
    ("inspect", inspect::Args::augment_args),
    ("convert", convert::Args::augment_args),
    ("fingerprint", fingerprint::Args::augment_args),
    ("verify", verify::Args::augment_args),
    ("check", check::Args::augment_args),
    ("connect", connect::Args::augment_args),
    ("doctor", doctor::Args::augment_args),
    ("ca", ca::Args::augment_args),
    ("fixtures", fixtures::Args::augment_args),
    ("serve", serve::Args::augment_args),
    ("snippet", snippet::Args::augment_args),
    ("proxy", proxy::Args::augment_args),
    ("run", run::Args::augment_args),
    ("completions", completions::Args::augment_args),
    ("man", man::Args::augment_args),
];

/// The command line in which a command gets its flags once it was typed: those of all commands take longer to make than a
/// certificate. It reads the same words as the whole one, and knows no help.
fn deferred() -> clap::Command {
    let root = clap::Command::new("secure-io").version(VERSION).propagate_version(true).subcommand_required(true);
    let root = root.disable_help_flag(true).disable_version_flag(true).disable_help_subcommand(true);
    let root = Global::augment_args(root);
    FLAGS.into_iter().fold(root, |root, (name, flags)| root.subcommand(clap::Command::new(name).defer(flags)))
}

#[cfg(test)]
mod tests {
    /// A command that is missing in one of them could not be run, or not be found in the help.
    #[test]
    fn deferred_commands_are_the_commands() {
        let names = |command: clap::Command| -> Vec<String> {
            command.get_subcommands().map(|command| command.get_name().to_owned()).collect()
        };
        assert_eq!(names(super::deferred()), names(super::command()));
    }

    /// An example that wraps is two lines when it is pasted, and the second is no command.
    #[test]
    fn examples_fit_the_width_of_help() {
        let mut commands = vec![super::command()];
        while let Some(command) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.split("Examples:").nth(1).unwrap_or_default();
            for line in examples.split("\n\n").next().unwrap_or_default().lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
