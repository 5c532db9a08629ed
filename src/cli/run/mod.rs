mod door;
mod environment;
mod list;
mod say;
mod signals;
mod trust;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use secure_io::ca::LocalCa;
use secure_io::key;
use secure_io::report::running::App;
use secure_io::run::{self, Change, Child, Found, NameError, Place, Sharing};
use secure_io::{files, hex, validity};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::Outcome;
use super::args::{self, CaDirArgs};
use super::ca::{say_if_untrusted, warn_of_ca};
use super::command_line::CommandLine;
use super::failure::{self, Failure};
use super::folders;
use super::output::Output;
use super::serve::Log;
use door::{DoorArgs, Shown};
use environment::Variables;
use say::Say;
use signals::Signals;

/// Start a dev server behind https://NAME.localhost
///
/// The command gets PORT, HOST and their relatives, flags where its server ignores these, and the variables of `ca env`.
/// The port on which it really listens is found, and served with a certificate from the local CA, which is made if there
/// is none. Several commands share one port.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io run -- npm run dev                   https://NAME.localhost:3443, by package.json
  secure-io run shop -- npm run dev              https://shop.localhost:3443
  secure-io run 'api.{branch}' -- node api.js    with the branch of git in the name
  secure-io run --list

Exit status: the command's, or 128 and the number of its signal; 2 it could not be started")]
pub(crate) struct Args {
    /// Name of the host, without .localhost [default: that in package.json, of the git repository or of the folder,
    /// behind the branch of a worktree]
    #[arg(value_name = "NAME", conflicts_with = "list")]
    name: Option<String>,
    /// Command that starts the dev server
    #[arg(value_name = "COMMAND", last = true, required_unless_present = "list", conflicts_with = "list")]
    command: Vec<OsString>,
    /// Port of the URL [default: 443 where that is allowed, else 3443]
    #[arg(long, short, value_name = "PORT", conflicts_with = "list")]
    port: Option<u16>,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    #[command(flatten)]
    door: DoorArgs,
    /// List the dev servers that run
    #[arg(long)]
    list: bool,
    /// Report as JSON
    #[arg(long, help_heading = "Output", requires = "list")]
    json: bool,
}

/// The port for those who may take it, and the one for everybody.
const PORTS: [u16; 2] = [443, 3443];

/// The time for the command to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The time for processes that the command leaves behind.
const REST: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let folder = sharing_folder();
    // A server takes a descriptor for each client, and the command inherits the limit.
    let runtime = Runtime::new()?;
    if args.list {
        return list::print(&runtime.block_on(run::running(&folder?)), args.json, out);
    }
    args.door.log_format().shape(out);
    let here = std::env::current_dir()?;
    let host = run::host(args.name.as_deref(), &here).map_err(|error| unnamed(&error, args))?;
    let ca = authority(&args.ca_dir, out)?;
    say::resolution(&host, out);
    let told = environment::port().unwrap_or_else(|| run::free_port(&format!("{host} in {}", here.display())));
    let mut words: Vec<OsString> = args.command.clone();
    let typed: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let added = run::flags(&typed, &here, told);
    words.extend(added.iter().flat_map(|added| added.words.iter().map(OsString::from)));
    let folder = match folder.and_then(|folder| Ok(files::create_folder(&folder, true).map(|()| folder)?)) {
        Ok(folder) => Some(folder),
        Err(failure) => {
            out.warning(format!("the port is not shared with others: {}", failure.reason()));
            None
        }
    };
    let mut variables = Variables::new(told, &host);
    variables.trust(&ca, folder.as_deref(), out)?;
    let log = Log::start(out, args.door.log_format());
    let app = App {
        url: String::new(),
        host,
        target: format!("http://localhost:{told}"),
        command: typed.join(" "),
        folder: here.display().to_string(),
        pid: std::process::id(),
    };
    let say = Say::new(out, &app.host, told, added.as_ref());
    let status = runtime.block_on(async {
        let root = hex(&key::sha256(&ca.root));
        let (shown, config) = Shown::new(&args.door, &app.host, ca, log.lines())?;
        let observer = args.door.measured(&config.certificate, log.observer(), out).await?;
        let sharing = Sharing { folder, config, tls: shown.tls(), root, terms: args.door.terms()? };
        let ports: &[u16] = args.port.as_ref().map_or(&PORTS, std::slice::from_ref);
        let place = sharing.begin(ports, app, observer).await.map_err(|error| unserved(error, args))?;
        variables.set("SECURE_IO_URL", place.url().to_owned());
        say.starting(&log, &words, &place);
        let mut command = program(&words);
        command.envs(variables.all());
        // From here on what ends us ends the command.
        let signals = Signals::start();
        let child = Child::start(command).map_err(|error| not_started(&words, error))?;
        Ok::<_, Failure>(beside(child, signals, place, (told, shown), &say, &log).await)
    });
    // What clients still wait for is of no use to them any more.
    runtime.shutdown_background();
    log.finish();
    Ok(Outcome::Exited(status?))
}

/// The folder of the sockets by which several runs share a port.
fn sharing_folder() -> Result<PathBuf, Failure> {
    Ok(folders::data()?.join("run"))
}

/// The local CA, made if it does not exist; on a terminal it is offered to make browsers trust it.
fn authority(folder: &CaDirArgs, out: &mut Output) -> Result<LocalCa, Failure> {
    let (paths, now) = (folder.paths_to_change(out)?, validity::now());
    let is_new = args::make_missing_ca(&paths, now)?;
    let ca = LocalCa::load(&paths)?;
    warn_of_ca(&ca, now, out);
    if !is_new {
        say_if_untrusted(&paths, out);
        return Ok(ca);
    }
    out.note(format!("there was no local CA, so one was made in {}", paths.folder.display()));
    let command = CommandLine::ours("ca trust").carrying_ca_dir();
    if !(trust::is_wanted(out) && trust::make(&paths)) {
        out.hint(format!("make browsers and the system trust it: `{command}`"));
    }
    Ok(ca)
}

/// Serves while the command runs, and returns its exit status.
async fn beside(
    mut child: Child,
    mut signals: Signals,
    place: Place,
    (told, mut shown): (u16, Shown<'_>),
    say: &Say,
    log: &Log,
) -> u8 {
    let (targets, target) = watch::channel(format!("http://localhost:{told}"));
    let (events, mut changes) = mpsc::channel(16);
    let (stop, stopped) = oneshot::channel();
    let url = place.url().to_owned();
    let serving = tokio::spawn(place.serve(target, events, stopped));
    let again = Arc::new(Notify::new());
    let (founds, mut found) = mpsc::unbounded_channel::<Found>();
    let looking = tokio::spawn(run::follow(told, say.host.clone(), Arc::clone(&again), move |server| {
        founds.send(server).ok();
    }));
    let mut deadline = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.unwrap_or(1),
            Some(server) = found.recv() => {
                targets.send_replace(server.target.to_string());
                say.found(log, &url, &server);
            }
            Some(change) = changes.recv() => {
                if matches!(change, Change::Unreachable) {
                    again.notify_one();
                }
                say.changed(log, &url, &change);
            }
            signal = signals.next() => {
                if signal.ends {
                    // A second one is impatience.
                    let is_second = deadline.replace(tokio::time::Instant::now() + GRACE).is_some();
                    if is_second && signal.is_sent {
                        child.kill_all();
                    }
                }
                signal.pass_on(&child);
            }
            () = wait_until(deadline) => child.kill_all(),
            () = shown.changed() => shown.read_again(),
        }
    };
    looking.abort();
    stop.send(()).ok();
    child.end(REST).await;
    // The others take the port over as soon as it is free.
    tokio::time::timeout(Duration::from_secs(1), serving).await.ok();
    status
}

async fn wait_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn program(words: &[OsString]) -> Command {
    let (first, arguments) =
        words.split_first().map_or((OsString::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    // The programs of npm are scripts on Windows, which are found by their whole name alone.
    let is_script = |ending: &str| cfg!(windows) && in_path(&format!("{}{ending}", first.to_string_lossy()));
    let mut command = match [".cmd", ".bat"].into_iter().find(|ending| is_script(ending)) {
        Some(ending) => Command::new(format!("{}{ending}", first.to_string_lossy())),
        None => Command::new(first),
    };
    command.args(arguments);
    command
}

fn in_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn not_started(words: &[OsString], error: std::io::Error) -> Failure {
    let program = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    Failure::new(anyhow::Error::new(error).context(format!("cannot start `{program}`")))
}

fn unnamed(error: &NameError, args: &Args) -> Failure {
    let failure = Failure::message(error.to_string());
    match error {
        NameError::Unusable(_) => failure.hint("a name is of letters, digits, dashes and dots, as in shop or api.shop"),
        NameError::Nameless => named_hint(failure, args),
        _ => failure,
    }
}

/// The command with a name in front of it.
fn named_hint(failure: Failure, args: &Args) -> Failure {
    let name = if let Some(name) = &args.name {
        format!("{name}-2")
    } else {
        let folder = std::env::current_dir().unwrap_or_default();
        let folder = folder.file_name().map(Path::new).and_then(Path::to_str).unwrap_or("app").to_owned();
        format!("{folder}-2")
    };
    let typed = CommandLine::typed();
    let command = match &args.name {
        Some(old) => typed.clone().replacing(old, &[name]).unwrap_or(typed),
        None => typed.switch(&name),
    };
    failure.hint(format!("give this one another name: `{command}`"))
}

fn unserved(error: run::Error, args: &Args) -> Failure {
    match error {
        run::Error::Listen(error) => failure::listen(error),
        run::Error::Taken { .. } => named_hint(Failure::new(error.into()), args),
        run::Error::OtherTerms { .. } => {
            Failure::new(error.into()).hint("give both the same flags, or this one a port of its own with --port")
        }
        run::Error::OtherRoot { .. } => Failure::new(error.into()).hint("--port takes a port of its own for this one"),
        error => Failure::new(error.into()),
    }
}
