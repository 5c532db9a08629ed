//! Java's `cacerts`, edited with its own `keytool`.

use std::path::PathBuf;

use super::program::Invocation;
use super::{Error, Machine, Root, Store, certificates, unknown};
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
    let home = machine.environment.java_home.clone().or_else(|| {
        let java = machine.programs.find("java")?.canonicalize().ok()?;
        java.parent()?.parent().map(PathBuf::from)
    })?;
    let places = ["lib/security/cacerts", "jre/lib/security/cacerts"];
    let place = places.iter().map(|place| home.join(place)).find(|place| place.is_file())?;
    Some(Keystore { home, place })
}

pub(super) struct Keystore {
    home: PathBuf,
    place: PathBuf,
}

impl Keystore {
    fn keytool(&self, command: &str, flags: &[&str]) -> Invocation {
        let own = self.home.join("bin/keytool");
        let program = if own.is_file() { own.into_os_string() } else { "keytool".into() };
        // Its words are read: they should be English.
        let invocation = Invocation::new(program, [command, "-J-Duser.language=en", "-storepass", PASSWORD]);
        flags.iter().fold(invocation.arg("-keystore").arg(&self.place), Invocation::arg)
    }

    fn require(&self, machine: &Machine<'_>) -> Result<(), Error> {
        if self.home.join("bin/keytool").is_file() { Ok(()) } else { machine.require("keytool", PACKAGES) }
    }

    /// The names a certificate is under.
    fn aliases(&self, machine: &Machine<'_>, root: &Root) -> Result<Vec<String>, Error> {
        self.require(machine)?;
        Ok(aliases(&machine.run(&self.keytool("-list", &["-rfc"]))?.text(), root))
    }

    fn change(&self, machine: &Machine<'_>, change: &Invocation, typed: &str) -> Result<(), Error> {
        if files::is_writable(&self.place) {
            return machine.run(change).map(drop);
        }
        Err(Error::NotRoot { commands: vec![format!("sudo {typed}")] })
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
        self.place.clone()
    }

    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        match self.aliases(machine, root) {
            Ok(aliases) if aliases.is_empty() => Answer::No,
            Ok(_) => Answer::Yes,
            Err(error) => unknown(&error),
        }
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        self.require(machine)?;
        let alias = root.label();
        let import = self.keytool("-importcert", &["-noprompt", "-alias", &alias]);
        let typed = import.clone().arg("-file").arg(&root.path).to_string();
        self.change(machine, &import.input(root.pem.as_str()), &typed)
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        for alias in self.aliases(machine, root)? {
            let delete = self.keytool("-delete", &["-alias", &alias]);
            self.change(machine, &delete, &delete.to_string())?;
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
