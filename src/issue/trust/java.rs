//! Java's `cacerts`, edited with its own `keytool`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::program::{Finished, Invocation};
use super::{Error, Machine, Owner, Rights, Root, Store, certificates, unknown};
use crate::base::files;
use crate::judge::report::trust::{Answer, StoreKind};

/// The password that every Java is shipped with; only the file's integrity depends on the password.
const PASSWORD: &str = "changeit";

const PACKAGES: super::linux::Packages = [
    "default-jre-headless",
    "openjdk21-jre-headless",
    "java-latest-openjdk-headless",
    "jre-openjdk-headless",
    "java-21-openjdk-headless",
];

/// The keystore of `JAVA_HOME`, else of the `java` that is found first.
pub(super) fn keystore(machine: &Machine<'_>) -> Option<Keystore> {
    let environment = machine.environment;
    let home = environment.java_home.clone().or_else(|| {
        let java = machine.programs.find("java")?;
        let java = environment.as_person(|| java.canonicalize().ok())?;
        java.parent()?.parent().map(PathBuf::from)
    })?;
    let places = ["lib/security/cacerts", "jre/lib/security/cacerts"];
    let find = || places.iter().map(|place| home.join(place)).find(|place| place.is_file())?.canonicalize().ok();
    let place = environment.as_person(find)?;
    let name = places.iter().map(|name| home.join(name)).find(|name| name.is_file())?;
    // What is not root's alone is the person's business, and gets no more than the person's rights.
    let owner = environment.owner.filter(|_| !files::is_roots_alone(&place));
    Some(Keystore { home, name, place, owner })
}

pub(super) struct Keystore {
    home: PathBuf,
    /// Its path in the Java that it is of.
    name: PathBuf,
    /// The file that path leads to.
    place: PathBuf,
    /// The user who edits the file, if another than ours.
    owner: Option<Owner>,
}

/// The variable that keytool has the password from, so that no list of processes shows it.
const VARIABLE: &str = "SECURE_IO_STOREPASS";

impl Keystore {
    fn keytool(&self, machine: &Machine<'_>, command: &str, flags: &[&str]) -> Invocation {
        // Its words are read: they should be English.
        let invocation = Invocation::new(self.program(machine), [command, "-J-Duser.language=en"]);
        let invocation = match &machine.environment.java_password {
            Some(password) => invocation.arg("-storepass:env").arg(VARIABLE).variable(VARIABLE, password),
            None => invocation.arg("-storepass").arg(PASSWORD),
        };
        let invocation = invocation.owner(self.owner.as_ref()).arg("-keystore").arg(&self.place);
        flags.iter().fold(invocation, Invocation::arg)
    }

    /// This Java's own keytool; for root's keystores under sudo only one that is root's alone.
    fn program(&self, machine: &Machine<'_>) -> OsString {
        let own = self.home.join("bin/keytool");
        let as_root = machine.environment.owner.is_some() && self.owner.is_none();
        let may_run = if as_root { files::is_roots_alone(&own) } else { own.is_file() };
        if may_run { own.into_os_string() } else { "keytool".into() }
    }

    fn require(&self, machine: &Machine<'_>) -> Result<(), Error> {
        if self.program(machine) == "keytool" { machine.require("keytool", PACKAGES) } else { Ok(()) }
    }

    fn is_writable(&self, machine: &Machine<'_>) -> bool {
        match self.owner {
            Some(_) => machine.environment.as_person(|| files::is_writable(&self.place)),
            None => files::is_writable(&self.place),
        }
    }

    /// The names a certificate is under.
    fn aliases(&self, machine: &Machine<'_>, root: &Root) -> Result<Vec<String>, Error> {
        self.require(machine)?;
        Ok(aliases(&Self::run(machine, &self.keytool(machine, "-list", &["-rfc"]))?.text(), root))
    }

    fn change(&self, machine: &Machine<'_>, change: &Invocation) -> Result<(), Error> {
        if self.is_writable(machine) {
            return Self::run(machine, change).map(drop);
        }
        if self.owner.is_some() || machine.environment.rights == Rights::Root {
            // Root's rights are not for what is not root's.
            return Err(Error::NoEffect("it is neither the user's nor root's alone".to_owned()));
        }
        machine.run_as_root(std::slice::from_ref(change)).map_err(of_password)
    }

    fn run(machine: &Machine<'_>, invocation: &Invocation) -> Result<Finished, Error> {
        machine.run(invocation).map_err(of_password)
    }
}

fn of_password(error: Error) -> Error {
    match error {
        Error::Failed { reason, .. } if reason.contains("password was incorrect") => Error::JavaPassword,
        error => error,
    }
}

impl Store for Keystore {
    fn kind(&self) -> StoreKind {
        StoreKind::Java
    }

    fn name(&self) -> String {
        "Java".to_owned()
    }

    fn place(&self) -> PathBuf {
        self.name.clone()
    }

    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        match self.aliases(machine, root) {
            Ok(aliases) if aliases.is_empty() => Answer::No,
            Ok(_) => Answer::Yes,
            Err(error) => unknown(&error),
        }
    }

    fn glance(&self, machine: &Machine<'_>, root: &Root) -> Option<bool> {
        /// id-ce-basicConstraints, which hardly a CA certificate lacks: where it is not seen, the store is encrypted.
        const BASIC_CONSTRAINTS: [u8; 5] = [6, 3, 0x55, 0x1d, 0x13];
        let read = || files::read_regular(&self.place, files::READ_LIMIT).ok();
        let bytes = if self.owner.is_some() { machine.environment.as_person(read) } else { read() }?;
        let has = |part: &[u8]| memchr::memmem::find(&bytes, part).is_some();
        has(&BASIC_CONSTRAINTS).then(|| has(&root.der))
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        self.require(machine)?;
        let import = self.keytool(machine, "-importcert", &["-noprompt", "-alias", &root.label()]);
        self.change(machine, &import.input(root.pem.as_str()))
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        for alias in self.aliases(machine, root)? {
            self.change(machine, &self.keytool(machine, "-delete", &["-alias", &alias]))?;
        }
        Ok(())
    }
}

/// Reads `keytool -list -rfc`: before each certificate the line with its alias.
fn aliases(text: &str, root: &Root) -> Vec<String> {
    let mut parts = text.split("\nAlias name: ");
    parts.next();
    parts
        .filter(|part| certificates(part.as_bytes()).contains(&root.der))
        .filter_map(|part| part.lines().next())
        .map(|alias| alias.trim().to_owned())
        .collect()
}
