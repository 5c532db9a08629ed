//! `ca trust`, `ca untrust` and `ca status`.

mod person;
mod roots;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use secure_io::ca::Paths;
use secure_io::report::trust::{Answer, Change, Store as Report, StoreKind, Trust, Trusted};
use secure_io::report::verdict::TrustingStore;
use secure_io::trust::{Error, Machine, Platform, Root, Store};
use secure_io::validity;

use self::person::{Person, Shown};
use self::roots::Roots;
use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs};
use crate::cli::caller::Caller;
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::folders;
use crate::cli::output::Output;

/// Make the system, browsers and Java trust the local CA's root, or another
///
/// Every store on this machine gets the root; a store that cannot be changed does not stop the others. For what only
/// root may do, the command runs sudo if it has a terminal, and else prints the command to run. If there is no local CA,
/// it is made.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca trust                       all stores
  secure-io ca trust --store chromium      Chromium alone; no root's rights needed
  sudo secure-io ca trust                  the system's store, too; the CA stays yours
  secure-io ca trust --root other.pem      another root than the local CA's

Exit status: 0 every store trusts the root, 2 some store could not be changed")]
pub(super) struct TrustArgs {
    #[command(flatten)]
    stores: StoreArgs,
}

/// Take the local CA's root, or another, out of all stores again
///
/// That certificate and older roots of this CA are removed, whatever they are named there, and nothing else.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca untrust                     all stores
  secure-io ca untrust --store firefox     every profile of Firefox
  secure-io ca untrust --root other.pem    another root than the local CA's

Exit status: 0 no store has the root any more, 2 some store could not be changed")]
pub(super) struct UntrustArgs {
    #[command(flatten)]
    stores: StoreArgs,
}

/// Ask each store whether it trusts the local CA's root, or another
///
/// The stores themselves are asked, by the certificate's fingerprint: yes, no, or unknown with the reason.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca status || secure-io ca trust
  secure-io ca status --store system --json

Exit status: 0 every store that is here says yes, 1 some say no or cannot be asked, 2 there is no local CA")]
pub(super) struct StatusArgs {
    #[command(flatten)]
    stores: StoreArgs,
}

#[derive(clap::Args)]
struct StoreArgs {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Take the root in this file in place of the local CA's
    #[arg(long, value_name = "FILE", conflicts_with = "ca_dir")]
    root: Option<PathBuf>,
    /// Only these stores; may be given again
    #[arg(long, value_name = "STORE", value_enum)]
    store: Vec<Choice>,
    /// Read the password of Java's store from the first line of a file [default: changeit]
    #[arg(long, value_name = "FILE")]
    java_password_file: Option<PathBuf>,
    /// Read the password of Java's store from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "java_password_file")]
    java_password_env: Option<String>,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    /// The operating system's
    #[value(alias = "macos")]
    System,
    /// Chromium and Firefox
    Nss,
    /// Chromium, Chrome, Edge, Brave
    Chromium,
    /// Every profile of Firefox
    Firefox,
    /// Java's cacerts
    Java,
    /// The user's on Windows, from WSL, too
    Windows,
}

impl Choice {
    /// The word that selects a kind of store.
    const fn name(kind: StoreKind) -> &'static str {
        match kind {
            StoreKind::System => "system",
            StoreKind::Chromium => "chromium",
            StoreKind::Firefox => "firefox",
            StoreKind::Java => "java",
            StoreKind::Windows => "windows",
        }
    }

    fn is(self, kind: StoreKind) -> bool {
        match self {
            Self::System => kind == StoreKind::System,
            Self::Nss => matches!(kind, StoreKind::Chromium | StoreKind::Firefox),
            Self::Chromium => kind == StoreKind::Chromium,
            Self::Firefox => kind == StoreKind::Firefox,
            Self::Java => kind == StoreKind::Java,
            Self::Windows => {
                kind == StoreKind::Windows || kind == StoreKind::System && Platform::current() == Platform::Windows
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Trust,
    Untrust,
    Status,
}

pub(super) fn trust(args: &TrustArgs, out: &mut Output) -> Result<Outcome, Failure> {
    run(&args.stores, Action::Trust, out)
}

pub(super) fn untrust(args: &UntrustArgs, out: &mut Output) -> Result<Outcome, Failure> {
    run(&args.stores, Action::Untrust, out)
}

pub(super) fn status(args: &StatusArgs, out: &mut Output) -> Result<Outcome, Failure> {
    run(&args.stores, Action::Status, out)
}

fn run(args: &StoreArgs, action: Action, out: &mut Output) -> Result<Outcome, Failure> {
    let person = Person::who();
    let target = Target::read(args, person.name.as_deref(), action, out)?;
    let password = Caller::acting(|| args.java_password())??;
    let environment = person.environment(password);
    let reports: Vec<_> = {
        let programs = Shown { installed: person.programs(), out: RefCell::new(&mut *out) };
        let machine = Machine { environment: &environment, programs: &programs };
        let stores = machine.stores().into_iter().filter(|store| args.is_chosen(store.kind()));
        stores.map(|store| report(machine, store.as_ref(), &target.roots, action)).collect()
    };
    let (stores, hints) = args.with_hints(reports, action)?;
    let is_complete = |store: &Report| match action {
        Action::Status => store.trusted == Trusted::Yes,
        Action::Trust | Action::Untrust => store.change != Some(Change::Failed),
    };
    let trust = Trust {
        ca: target.ca,
        root: target.file,
        sha256_fingerprint: target.roots.all.first().map(|root| root.sha256.clone()).unwrap_or_default(),
        user: person.name.clone(),
        // Where there is no store there is nobody who trusts it.
        complete: stores.iter().all(is_complete) && (action == Action::Untrust || !stores.is_empty()),
        stores,
    };
    print(&trust, args, action, out)?;
    for hint in &hints {
        out.hint(hint);
    }
    if action == Action::Status && trust.stores.iter().any(|store| store.trusted == Trusted::No) {
        out.hint(format!("make them trust it: `{}`", args.again(CommandLine::ours("ca trust"))));
    }
    Ok(match (trust.complete, action) {
        (true, _) => Outcome::Done,
        (false, Action::Status) => Outcome::No,
        (false, Action::Trust | Action::Untrust) => Outcome::Failed,
    })
}

/// The answer of each store that is here, for `doctor`.
pub(crate) fn stores(paths: &Paths) -> Result<Vec<Report>, Failure> {
    let person = Person::who();
    let roots = Caller::acting(|| Roots::of_ca(paths, Action::Status))??;
    let (programs, environment) = (person.programs(), person.environment(None));
    let machine = Machine { environment: &environment, programs: &programs };
    Ok(machine.stores().iter().map(|store| report(machine, store.as_ref(), &roots, Action::Status).0).collect())
}

/// The stores that trust the local CA's root, and the root's fingerprint.
pub(crate) fn trusting(paths: &Paths) -> Result<(String, Vec<TrustingStore>), Failure> {
    let person = Person::who();
    let roots = Caller::acting(|| Roots::of_ca(paths, Action::Status))??;
    let (programs, environment) = (person.programs(), person.environment(None));
    let machine = Machine { environment: &environment, programs: &programs };
    let Some(root) = roots.all.first() else { return Ok(Default::default()) };
    let stores = machine.trusting(root).into_iter();
    let stores = stores.map(|store| TrustingStore { store: store.kind(), name: store.name() }).collect();
    Ok((root.sha256.clone(), stores))
}

/// Says that no store on this machine trusts the local CA, if that is so and can be found out.
pub(crate) fn say_if_untrusted(paths: &Paths, out: &mut Output) {
    if !out.is_quiet()
        && let Ok((_, stores)) = trusting(paths)
        && stores.is_empty()
    {
        hint_at_trust(out);
    }
}

/// Says that no store on this machine trusts the local CA.
pub(crate) fn hint_at_trust(out: &mut Output) {
    let command = CommandLine::ours("ca trust").carrying_ca_dir();
    out.hint(format!("no store on this machine trusts the local CA yet: `{command}`"));
}

/// The certificates in question, and where they are from.
struct Target {
    roots: Roots,
    /// The local CA's folder.
    ca: Option<String>,
    /// The file that was named.
    file: Option<String>,
}

impl Target {
    /// Reads the certificates, under sudo with no more rights than the caller has.
    fn read(args: &StoreArgs, caller: Option<&str>, action: Action, out: &mut Output) -> Result<Self, Failure> {
        if let Some(path) = &args.root {
            let roots = Caller::acting(|| Roots::of_file(path, action))??;
            return Ok(Self { roots, ca: None, file: Some(path.display().to_string()) });
        }
        let paths = args.folder.paths()?;
        if let Some(name) = caller {
            out.note(format!("run with sudo: this is the CA of {name}, in {}", paths.folder.display()));
        }
        if action == Action::Trust && Caller::acting(|| args::make_missing_ca(&paths, validity::now()))?? {
            out.note(format!("there was no local CA, so one was made in {}", paths.folder.display()));
        }
        let roots = Caller::acting(|| Roots::of_ca(&paths, action))??;
        Ok(Self { roots, ca: Some(paths.folder.display().to_string()), file: None })
    }
}

impl StoreArgs {
    fn is_chosen(&self, kind: StoreKind) -> bool {
        self.store.is_empty() || self.store.iter().any(|choice| choice.is(kind))
    }

    /// The password of Java's store, if one was named.
    fn java_password(&self) -> Result<Option<String>, Failure> {
        let secret = args::secret(self.java_password_file.as_deref(), self.java_password_env.as_deref())?;
        Ok(secret.map(|secret| secret.as_str().to_owned()))
    }

    /// Adds what says which root is meant.
    fn again(&self, command: CommandLine) -> CommandLine {
        match &self.root {
            Some(path) => command.flag("--root", path),
            None => command.carrying_ca_dir(),
        }
    }

    /// The reports of stores with the commands that help, and the hints: one command does all that only root may do.
    fn with_hints(
        &self,
        reports: Vec<(Report, Option<Error>)>,
        action: Action,
    ) -> Result<(Vec<Report>, Vec<String>), Failure> {
        let (mut stores, mut hints, mut for_root) = (Vec::new(), Vec::new(), Vec::new());
        for (report, error) in reports {
            let commands = match &error {
                Some(Error::NotRoot { .. }) => {
                    for_root.push(report.store);
                    vec![self.as_root(&[report.store], action)?.to_string()]
                }
                Some(Error::JavaPassword) => {
                    let hint = "give the password of Java's store with --java-password-file or --java-password-env";
                    hints.push(hint.to_owned());
                    Vec::new()
                }
                Some(error) => error.commands(),
                None => Vec::new(),
            };
            if !matches!(error, Some(Error::NotRoot { .. })) {
                hints.extend(commands.iter().map(|command| format!("`{command}`")));
            }
            stores.push(Report { commands, ..report });
        }
        if !for_root.is_empty() {
            hints.push(format!("do the rest as root: `{}`", self.as_root(&for_root, action)?));
        }
        hints.dedup();
        Ok((stores, hints))
    }

    /// This command, run by sudo for some stores: by the program's whole path, because sudo has a path of its own, and
    /// with whole paths of files.
    fn as_root(&self, stores: &[StoreKind], action: Action) -> Result<CommandLine, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::new(anyhow::Error::new(error).context("cannot tell where this program is")))?;
        let mut command = CommandLine::of("sudo");
        if let Some(variable) = &self.java_password_env {
            command = command.arg(format!("--preserve-env={variable}"));
        }
        let verb = if action == Action::Untrust { "untrust" } else { "trust" };
        command = command.arg(program).args(["ca", verb]);
        for store in stores {
            command = command.args(["--store", Choice::name(*store)]);
        }
        let file = |path: &Path| folders::absolute(path);
        command = match &self.root {
            Some(root) => command.flag("--root", file(root)?),
            // sudo does not pass on the variables that lead to the folder.
            None if self.folder.is_given() || std::env::var_os("XDG_DATA_HOME").is_some() => {
                command.flag("--ca-dir", file(&self.folder.paths()?.folder)?)
            }
            None => command,
        };
        if let Some(path) = &self.java_password_file {
            command = command.flag("--java-password-file", file(path)?);
        }
        Ok(match &self.java_password_env {
            Some(variable) => command.flag("--java-password-env", variable),
            None => command,
        })
    }
}

fn print(trust: &Trust, args: &StoreArgs, action: Action, out: &mut Output) -> Result<(), Failure> {
    match action {
        _ if args.json => out.json(trust)?,
        // The answers are what was asked for.
        Action::Status => out.answer(&trust.text())?,
        Action::Trust | Action::Untrust => out.report(&trust.text(), false)?,
    }
    if trust.stores.is_empty() && args.store.contains(&Choice::Firefox) {
        out.hint("start Firefox once: it makes a profile");
    }
    Ok(())
}

/// Reports a store's answer, after the change if one was requested, and the error that stood in the way.
fn report(machine: Machine<'_>, store: &dyn Store, roots: &Roots, action: Action) -> (Report, Option<Error>) {
    let result = match action {
        Action::Status => None,
        Action::Trust => roots.all.first().map(|root| machine.trust(store, root)),
        Action::Untrust => {
            let former = roots.former_firefox.iter().filter(|_| store.kind() == StoreKind::Firefox);
            Some(untrust_all(machine, store, roots.all.iter().chain(former)))
        }
    };
    let answer = roots.all.first().map_or(Answer::No, |root| store.check(&machine, root));
    let change = result.as_ref().map(|result| match (result, action) {
        (Err(_), _) => Change::Failed,
        (Ok(false), _) => Change::None,
        (Ok(true), Action::Untrust) => Change::Removed,
        (Ok(true), _) => Change::Added,
    });
    let error = result.and_then(Result::err);
    let trusted = match &answer {
        Answer::Yes => Trusted::Yes,
        Answer::No => Trusted::No,
        Answer::Unknown(_) => Trusted::Unknown,
    };
    let unknown = if let Answer::Unknown(reason) = answer { Some(reason) } else { None };
    let is_changed = matches!(change, Some(Change::Added | Change::Removed));
    let report = Report {
        store: store.kind(),
        name: store.name(),
        place: store.place().display().to_string(),
        trusted,
        change,
        reason: error.as_ref().map(ToString::to_string).or(unknown),
        commands: Vec::new(),
        notes: store.note(&machine).filter(|_| is_changed).into_iter().collect(),
    };
    (report, error)
}

/// Takes all of them out, each of which is tried; true when one was there.
fn untrust_all<'a>(
    machine: Machine<'_>,
    store: &dyn Store,
    roots: impl Iterator<Item = &'a Root>,
) -> Result<bool, Error> {
    let results: Vec<_> = roots.map(|root| machine.untrust(store, root)).collect();
    results.into_iter().try_fold(false, |any, result| Ok(any | result?))
}
