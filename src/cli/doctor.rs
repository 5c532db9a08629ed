use std::env;
use std::path::Path;

use etcetera::BaseStrategy;
use secure_io::ca::LocalCa;
use secure_io::doctor::{self, Remedy, Seen};
use secure_io::report::doctor::{Area, Doctor, Observation, State};
use secure_io::report::text::expiry;
use secure_io::report::trust::{Store, Trusted};
use secure_io::{files, validity};
use time::OffsetDateTime;

use super::Outcome;
use super::args::CaDirArgs;
use super::ca;
use super::command_line::CommandLine;
use super::failure::Failure;
use super::output::Output;
use super::runtime;

/// Look at this machine: local CA, trust stores, environment, this folder, ports, names
///
/// Finds why a certificate that is right is refused here all the same, and says the command that helps.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io doctor
  secure-io doctor --json | jq -r '.observations[] | select(.state == \"trouble\") | .command'

Exit status: 0 no trouble, 1 some trouble, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Ports to look at, in place of the usual ones; may be given again
    #[arg(long, value_name = "N", value_delimiter = ',')]
    port: Vec<u16>,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let now = validity::now();
    let mut all = vec![
        doctor::build(env!("CARGO_PKG_VERSION"), super::IS_QUICK),
        doctor::clock(now, env::current_exe().ok().and_then(|program| files::modified(&program))),
    ];
    let ca = local_ca(&args.folder);
    let mut seen: Vec<Observation> = all.drain(..).map(observation).collect();
    seen.push(authority(ca.as_ref().map(Option::as_ref), now));
    let ca = ca.ok().flatten();
    if let Some(ca) = &ca {
        seen.extend(stores(&ca::stores(&ca.paths)?));
    }
    let root = ca.as_ref().map(|ca| ca.root.to_vec());
    let set = doctor::VARIABLES.iter().filter_map(|name| Some((*name, env::var(name).ok()?)));
    all.extend(doctor::environment(&set.collect::<Vec<_>>(), root.as_deref()));
    all.extend(doctor::folder(Path::new("."), now));
    let ports: &[u16] = if args.port.is_empty() { &doctor::PORTS } else { &args.port };
    all.extend(runtime::block_on(doctor::ports(ports, now))?);
    all.extend(runtime::block_on(doctor::names())?);
    if let Ok(base) = etcetera::choose_base_strategy() {
        all.extend(doctor::hsts(base.home_dir(), &base.config_dir()));
    }
    seen.extend(all.into_iter().map(observation));
    let report = Doctor::of(seen);
    if args.json {
        out.json(&report)?;
    } else {
        out.answer(&report.text())?;
    }
    Ok(if report.healthy { Outcome::Done } else { Outcome::No })
}

/// The local CA, if there is one or something is left of one.
fn local_ca(folder: &CaDirArgs) -> Result<Option<LocalCa>, Failure> {
    let paths = folder.paths()?;
    let is_there = paths.exist() || files::exists(&paths.root);
    Ok(if is_there { Some(LocalCa::load(&paths)?) } else { None })
}

/// The local CA and its end.
fn authority(ca: Result<Option<&LocalCa>, &Failure>, now: OffsetDateTime) -> Observation {
    let seen = |state, message: String| Observation::new(Area::Ca, state, "local CA", message);
    let command = |words: &str| CommandLine::ours(words).carrying_ca_dir().to_string();
    let ca = match ca {
        Ok(Some(ca)) => ca,
        Ok(None) => {
            let message = "there is none: certificates are self-signed, and browsers warn of them".to_owned();
            return seen(State::Note, message).commanded(command("ca trust"));
        }
        Err(failure) => {
            let seen = seen(State::Trouble, format!("it cannot be used: {}", failure.in_one_line()));
            return failure.hint_list().iter().take(1).fold(seen, |seen, hint| remedied(seen, hint));
        }
    };
    if let Some(warning) = ca.warning(now) {
        return seen(State::Trouble, warning).commanded(command("ca renew"));
    }
    match ca.authority() {
        Ok(authority) => {
            seen(State::Ok, format!("in {}, {}", authority.folder.display(), expiry(&authority.intermediate, now)))
        }
        Err(error) => seen(State::Trouble, format!("it cannot be used: {error}")),
    }
}

/// An observation with a hint's command, or with its words if it has none.
fn remedied(observation: Observation, hint: &str) -> Observation {
    match hint.split_once(": `").and_then(|(words, command)| Some((words, command.strip_suffix('`')?))) {
        Some((words, command)) => observation.commanded(command).advised(words),
        None => observation.advised(hint),
    }
}

/// The answer of each store about the root.
fn stores(stores: &[Store]) -> Vec<Observation> {
    let command = || CommandLine::ours("ca trust").carrying_ca_dir().to_string();
    if stores.is_empty() {
        return vec![Observation::new(Area::Stores, State::Unknown, "stores", "no trust store was found")];
    }
    let of = |store: &Store| match store.trusted {
        Trusted::Yes => Observation::new(Area::Stores, State::Ok, &store.name, "trusts the local CA"),
        Trusted::No => Observation::new(Area::Stores, State::Trouble, &store.name, "does not trust the local CA")
            .commanded(command()),
        Trusted::Unknown => {
            let reason = store.reason.clone().unwrap_or_else(|| "it cannot be asked".to_owned());
            Observation::new(Area::Stores, State::Unknown, &store.name, reason)
        }
    };
    stores.iter().map(of).collect()
}

/// An observation with the command that ends the trouble.
fn observation(Seen { observation, remedy }: Seen) -> Observation {
    let command = match remedy {
        None => return observation,
        Some(Remedy::Unset(name)) if cfg!(windows) => CommandLine::of("Remove-Item").arg(format!("Env:{name}")),
        Some(Remedy::Export(name, value)) if cfg!(windows) => {
            return observation.commanded(format!("$env:{name} = \"{value}\""));
        }
        Some(Remedy::Unset(name)) => CommandLine::of("unset").arg(name),
        Some(Remedy::Export(name, value)) => CommandLine::of("export").arg(format!("{name}={value}")),
        Some(Remedy::CaEnv) => {
            let command = CommandLine::ours("ca env").carrying_ca_dir();
            return observation.commanded(if cfg!(windows) {
                format!("{command} | Out-String | Invoke-Expression")
            } else {
                format!("eval \"$({command})\"")
            });
        }
        Some(Remedy::Private(path)) => CommandLine::of("chmod 600").path(&path),
        Some(Remedy::Renew(set)) if set == "server" => CommandLine::ours("gen-cert --renew"),
        Some(Remedy::Renew(set)) => CommandLine::ours("gen-cert --renew").flag("--name", set),
        Some(Remedy::Inspect(paths)) => paths.iter().fold(CommandLine::ours("inspect"), |line, path| line.path(path)),
        Some(Remedy::InspectFolder(path)) => CommandLine::ours("inspect -q -r --expires-within 14d").path(&path),
        Some(Remedy::Check(port)) => CommandLine::ours("check").arg(format!("https://localhost:{port}")),
        Some(Remedy::ResolveLocalhost) if cfg!(target_os = "linux") => {
            CommandLine::of("sudo apt install libnss-myhostname")
        }
        Some(_) => return observation.advised("add the names that you use to the hosts file"),
    };
    observation.commanded(command.to_string())
}
