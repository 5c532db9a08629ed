//! `ca trust`, `ca untrust` and `ca status`.

use std::ffi::OsString;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use secure_io::ca::{self, Paths};
use secure_io::files;
use secure_io::report::trust::{Answer, Change, Store as Report, StoreKind, Trust, Trusted};
use secure_io::trust::program::Installed;
use secure_io::trust::{Environment, Error, Firefox, Machine, Owner, Platform, Root, Store};

use crate::cli::Outcome;
use crate::cli::args::{self, CaDirArgs};
use crate::cli::caller::{self, Caller};
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// Have the system, browsers and Java trust the local CA's root
///
/// Every store on this machine gets the root; a store that cannot be changed does not stop the others. Without root's
/// rights the command does its part and prints the commands for the rest.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca trust                       all stores
  secure-io ca trust --store chromium      Chromium alone; no root's rights needed
  sudo secure-io ca trust                  the system's store, too; the CA is still yours, not root's

Exit status: 0 every store trusts the root, 2 some store could not be changed")]
pub(super) struct TrustArgs {
    #[command(flatten)]
    stores: StoreArgs,
}

/// Take the local CA's root out of all stores again
///
/// That certificate and older roots of this CA are removed, whatever they are named there, and nothing else.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca untrust                     all stores
  secure-io ca untrust --store firefox     every profile of Firefox

Exit status: 0 no store has the root any more, 2 some store could not be changed")]
pub(super) struct UntrustArgs {
    #[command(flatten)]
    stores: StoreArgs,
}

/// Ask each store whether it trusts the local CA's root
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
    /// Only these stores; may be given again
    #[arg(long, value_name = "STORE", value_enum)]
    store: Vec<Choice>,
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
    let paths = args.folder.paths()?;
    let (roots, former_firefox) = roots(&paths, action)?;
    let programs = Installed { folders: program_folders(), home: person.home.clone() };
    let environment = person.environment();
    let machine = Machine { environment: &environment, programs: &programs };
    let is_chosen = |kind| args.store.is_empty() || args.store.iter().any(|choice| choice.is(kind));
    let stores: Vec<_> = machine.stores().into_iter().filter(|store| is_chosen(store.kind())).collect();
    if let Some(name) = &person.name {
        out.note(format!("run with sudo: this is the CA of {name}, in {}", paths.folder.display()));
    }
    let reports: Vec<_> =
        stores.iter().map(|store| report(machine, store.as_ref(), (&roots, &former_firefox), action)).collect();
    let is_complete = |store: &Report| match action {
        Action::Status => store.trusted == Trusted::Yes,
        Action::Trust | Action::Untrust => store.change != Some(Change::Failed),
    };
    let trust = Trust {
        ca: paths.folder.display().to_string(),
        sha256_fingerprint: roots.first().map(|root| root.sha256.clone()).unwrap_or_default(),
        user: person.name.clone(),
        // Where there is no store there is nobody who trusts it.
        complete: reports.iter().all(is_complete) && (action == Action::Untrust || !reports.is_empty()),
        stores: reports,
    };
    print(&trust, args, out)?;
    if action == Action::Status && trust.stores.iter().any(|store| store.trusted == Trusted::No) {
        let folder = if args.folder.is_given() { format!(" --ca-dir {}", trust.ca) } else { String::new() };
        out.hint(format!("`secure-io ca trust{folder}` has them trust it"));
    }
    Ok(match (trust.complete, action) {
        (true, _) => Outcome::Done,
        (false, Action::Status) => Outcome::No,
        (false, Action::Trust | Action::Untrust) => Outcome::Failed,
    })
}

/// The answer of each store that is here, for `doctor`.
pub(super) fn stores(paths: &Paths) -> Result<Vec<Report>, Failure> {
    let person = Person::who();
    let (roots, former) = roots(paths, Action::Status)?;
    let programs = Installed { folders: program_folders(), home: person.home.clone() };
    let environment = person.environment();
    let machine = Machine { environment: &environment, programs: &programs };
    let ask = |store: &dyn Store| report(machine, store, (&roots, &former), Action::Status);
    Ok(machine.stores().iter().map(|store| ask(store.as_ref())).collect())
}

fn print(trust: &Trust, args: &StoreArgs, out: &mut Output) -> Result<(), Failure> {
    if args.json {
        out.json(trust)?;
    } else {
        out.report(&trust.text(), false)?;
    }
    if trust.stores.is_empty() && args.store.contains(&Choice::Firefox) {
        out.hint("start Firefox once: it makes a profile");
    }
    for command in trust.stores.iter().flat_map(|store| &store.commands) {
        out.hint(format!("`{command}`"));
    }
    Ok(())
}

/// Reports a store's answer, after the change if one was requested.
fn report(
    machine: Machine<'_>,
    store: &dyn Store,
    (roots, former_firefox): (&[Root], &[Root]),
    action: Action,
) -> Report {
    let result = match action {
        Action::Status => None,
        Action::Trust => roots.first().map(|root| machine.trust(store, root)),
        Action::Untrust => {
            let former = former_firefox.iter().filter(|_| store.kind() == StoreKind::Firefox);
            Some(untrust_all(machine, store, roots.iter().chain(former)))
        }
    };
    let answer = roots.first().map_or(Answer::No, |root| store.check(&machine, root));
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
    Report {
        store: store.kind(),
        name: store.name(),
        place: store.place().display().to_string(),
        trusted,
        change,
        reason: error.as_ref().map(ToString::to_string).or(unknown),
        commands: error.as_ref().map(Error::commands).unwrap_or_default(),
        notes: store.note(&machine).filter(|_| is_changed).into_iter().collect(),
    }
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

/// The root; and behind it those that it replaced, when they are to be removed, with those that Firefox had.
fn roots(paths: &Paths, action: Action) -> Result<(Vec<Root>, Vec<Root>), Failure> {
    if !files::exists(&paths.root) {
        return Err(ca::Error::Missing { folder: paths.folder.clone() }.into());
    }
    if action == Action::Trust {
        paths.check_access()?;
    }
    // Commands that are printed are run elsewhere.
    let paths = Paths::new(&args::absolute(&paths.folder)?);
    let root = |(path, der): (PathBuf, CertificateDer<'_>)| {
        Root::new(&der, &path).map_err(|error| failure::in_file(&path, error))
    };
    let mut roots = ca::roots(&paths)?.into_iter().map(root).collect::<Result<Vec<_>, _>>()?;
    let firefox = match ca::Firefox::of(&paths) {
        // What is not here is not to be taken out.
        Err(ca::Error::NoFirefox { .. }) if action == Action::Untrust => None,
        firefox => firefox?,
    };
    if let (Some(present), Some(firefox)) = (roots.first_mut(), firefox) {
        let (root, intermediate) = (
            root((paths.firefox_root.clone(), firefox.root))?,
            root((paths.firefox_intermediate.clone(), firefox.intermediate))?,
        );
        present.firefox = Some(Box::new(Firefox { root, intermediate }));
    }
    if action != Action::Untrust {
        roots.truncate(1);
        return Ok((roots, Vec::new()));
    }
    let former = ca::former_firefox(&paths).into_iter().map(root).collect::<Result<Vec<_>, _>>()?;
    Ok((roots, former))
}

/// Owner of the stores: the user, or under sudo its caller, because root has no browser.
struct Person {
    home: PathBuf,
    /// Their name and number, with sudo.
    name: Option<String>,
    owner: Option<Owner>,
}

impl Person {
    fn who() -> Self {
        match Caller::of_sudo() {
            Some(Caller { name, home, owner }) => Self { home, name: Some(name), owner: Some(owner) },
            None => Self { home: etcetera::home_dir().unwrap_or_default(), name: None, owner: None },
        }
    }

    fn environment(&self) -> Environment {
        let own = |variable: &str| -> Option<PathBuf> {
            // With sudo the variables are root's.
            let value: OsString = std::env::var_os(variable).filter(|_| self.name.is_none())?;
            Some(PathBuf::from(value)).filter(|path| path.is_absolute())
        };
        Environment {
            platform: Platform::current(),
            root: "/".into(),
            home: self.home.clone(),
            data_home: own("XDG_DATA_HOME"),
            config_home: own("XDG_CONFIG_HOME"),
            java_home: std::env::var_os("JAVA_HOME").map(PathBuf::from).filter(|path| path.is_dir()),
            is_root: caller::is_root(),
            owner: self.owner,
        }
    }
}

/// Lists the folders of programs, including those for administrators, which are not on every user's path.
fn program_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    if Platform::current() == Platform::Linux {
        folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    }
    folders
}
