//! NSS databases, which Chromium and Firefox read on Linux; edited with NSS's own `certutil`, which knows how to share
//! them with a running browser.
//!
//! Certificates with one subject are one entry to NSS in many respects: asked for a nickname, `certutil` shows all
//! with the same subject, and it deletes whichever it finds first. So certificates are identified by their
//! fingerprints, and a deletion is looked at afterwards.

use std::ffi::OsString;
use std::path::PathBuf;

use super::profiles::{self, Databases};
use super::program::Invocation;
use super::{Error, Machine, Root, Store, certificates, unknown};
use crate::base::files;
use crate::judge::report::trust::{Answer, StoreKind};

/// More than a browser's database is long: 64 MiB.
const DATABASE_LIMIT: u64 = files::READ_LIMIT;

const PACKAGES: super::linux::Packages = ["libnss3-tools", "nss-tools", "nss-tools", "nss", "mozilla-nss-tools"];

/// The databases of this person.
pub(super) fn databases(machine: &Machine<'_>, wanted: Databases) -> Vec<Box<dyn Store>> {
    let chromium = profiles::chromium(machine, wanted).into_iter().map(|folder| -> Box<dyn Store> {
        Box::new(Database { kind: StoreKind::Chromium, name: "Chromium".to_owned(), folder })
    });
    let firefox = profiles::firefox(machine).into_iter().map(|found| -> Box<dyn Store> {
        match found {
            Ok(profile) => Box::new(Database { kind: StoreKind::Firefox, name: profile.name, folder: profile.folder }),
            Err((browser, error)) => Box::new(Unreadable { browser, error: error.to_string() }),
        }
    });
    chromium.chain(firefox).collect()
}

/// A browser whose list of profiles cannot be read: its trusted roots are unknown.
struct Unreadable {
    browser: &'static str,
    error: String,
}

impl Store for Unreadable {
    fn kind(&self) -> StoreKind {
        StoreKind::Firefox
    }

    fn name(&self) -> String {
        self.browser.to_owned()
    }

    fn place(&self) -> PathBuf {
        "profiles.ini".into()
    }

    fn check(&self, _: &Machine<'_>, _: &Root) -> Answer {
        Answer::Unknown(self.error.clone())
    }

    fn install(&self, _: &Machine<'_>, _: &Root) -> Result<(), Error> {
        Err(Error::NoEffect(self.error.clone()))
    }

    fn uninstall(&self, _: &Machine<'_>, _: &Root) -> Result<(), Error> {
        Err(Error::NoEffect(self.error.clone()))
    }
}

pub(super) struct Database {
    kind: StoreKind,
    name: String,
    folder: PathBuf,
}

/// A nickname with its trust, as in `C,,`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    nickname: String,
    trust: String,
}

/// A certificate as `certutil -L -n` describes it.
#[derive(Debug, PartialEq, Eq)]
struct Described {
    sha256: String,
    is_trusted_ca: bool,
}

impl Database {
    /// Returns true if there is a database that browsers read; no browser of these years reads a `cert8.db`.
    fn exists(&self, machine: &Machine<'_>) -> bool {
        machine.environment.as_person(|| self.folder.join("cert9.db").is_file())
    }

    fn certutil(&self, machine: &Machine<'_>, flags: &[&str]) -> Invocation {
        let mut folder = OsString::from("sql:");
        folder.push(&self.folder);
        let invocation = Invocation::new("certutil", ["-d"]).arg(folder).owner(machine.environment.owner.as_ref());
        flags.iter().fold(invocation, Invocation::arg)
    }

    fn entries(&self, machine: &Machine<'_>) -> Result<Vec<Entry>, Error> {
        Ok(entries(&machine.run(&self.certutil(machine, &["-L"]))?.text()))
    }

    /// The certificates with the same subject as the one of a nickname; empty if the nickname is gone.
    fn described(&self, machine: &Machine<'_>, nickname: &str) -> Vec<Described> {
        let finished = machine.run(&self.certutil(machine, &["-L", "-n", nickname]));
        finished.map(|finished| described(&finished.text())).unwrap_or_default()
    }

    /// The entry a certificate is under, and whether it is trusted.
    fn find(&self, machine: &Machine<'_>, root: &Root) -> Result<Option<(Entry, bool)>, Error> {
        let mut entries = self.entries(machine)?;
        // Ours is the likeliest.
        entries.sort_by_key(|entry| entry.nickname != root.label());
        Ok(entries.into_iter().find_map(|entry| {
            let described = self.described(machine, &entry.nickname);
            let found = described.iter().find(|certificate| certificate.sha256 == root.sha256)?;
            Some((entry, found.is_trusted_ca))
        }))
    }

    /// The certificate that has to be trusted here, and the one that has to be here beside it.
    fn parts<'a>(&self, root: &'a Root) -> (&'a Root, Option<&'a Root>) {
        match &root.firefox {
            Some(firefox) if self.kind == StoreKind::Firefox => (&firefox.root, Some(&firefox.intermediate)),
            _ => (root, None),
        }
    }

    /// Adds a certificate with this trust.
    fn put(&self, machine: &Machine<'_>, certificate: &Root, trust: &str) -> Result<(), Error> {
        // Already there, under whatever name: adding it again only changes its trust.
        let entry = self.find(machine, certificate)?;
        let is_new = entry.is_none();
        let nickname = entry.map_or_else(|| certificate.label(), |(entry, _)| entry.nickname);
        self.add(machine, &nickname, trust, &certificate.pem).map_err(|error| {
            // A database with a password takes a certificate and then refuses to trust it.
            if is_new {
                let _ = machine.run(&self.certutil(machine, &["-D", "-n", &nickname]));
            }
            match error {
                Error::Failed { reason, .. } if reason.contains("BAD_PASSWORD") => {
                    Error::Password { program: "certutil" }
                }
                error => error,
            }
        })
    }

    /// Takes a certificate out, and puts back others that `certutil` deletes in its place.
    fn take_out(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        let mut wrongly_deleted = Vec::new();
        let mut result = Ok(());
        while let Some((entry, _)) = self.find(machine, root)? {
            match self.delete(machine, &entry) {
                Ok(Some(der)) if der != root.der => wrongly_deleted.push((entry, der)),
                Ok(Some(_)) => {}
                Ok(None) => result = Err(Error::NoEffect("nothing was deleted".to_owned())),
                Err(error) => result = Err(error),
            }
            if result.is_err() {
                break;
            }
        }
        for (entry, der) in wrongly_deleted {
            let other = Root::new(&der, &self.folder).map_err(|error| Error::NoEffect(error.to_string()))?;
            self.add(machine, &entry.nickname, &entry.trust, &other.pem)?;
        }
        result
    }

    fn add(&self, machine: &Machine<'_>, nickname: &str, trust: &str, pem: &str) -> Result<(), Error> {
        let add = self.certutil(machine, &["-A", "-a", "-t", trust, "-n", nickname]).input(pem);
        machine.run(&add).map(drop)
    }

    /// Deletes a nickname, and returns the deleted certificate.
    fn delete(&self, machine: &Machine<'_>, entry: &Entry) -> Result<Option<Vec<u8>>, Error> {
        let all = |nickname: &str| -> Vec<Vec<u8>> {
            let finished = machine.run(&self.certutil(machine, &["-L", "-a", "-n", nickname]));
            finished.map(|finished| certificates(&finished.stdout)).unwrap_or_default()
        };
        let before = all(&entry.nickname);
        machine.run(&self.certutil(machine, &["-D", "-n", &entry.nickname]))?;
        let mut after = all(&entry.nickname);
        for other in self.entries(machine)? {
            after.extend(all(&other.nickname));
        }
        Ok(before.into_iter().find(|der| !after.contains(der)))
    }
}

impl Store for Database {
    fn kind(&self) -> StoreKind {
        self.kind
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&self) -> PathBuf {
        self.folder.clone()
    }

    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        if !self.exists(machine) {
            return Answer::No;
        }
        let (anchor, below) = self.parts(root);
        let is_trusted = || -> Result<bool, Error> {
            machine.require("certutil", PACKAGES)?;
            let is_anchor = self.find(machine, anchor)?.is_some_and(|(_, is_trusted_ca)| is_trusted_ca);
            Ok(is_anchor && below.map_or(Ok(true), |below| self.find(machine, below).map(|found| found.is_some()))?)
        };
        match is_trusted() {
            Ok(true) => Answer::Yes,
            Ok(false) => Answer::No,
            Err(error) => unknown(&error),
        }
    }

    /// A certificate whose octets are nowhere in the database cannot be trusted by it.
    fn glance(&self, machine: &Machine<'_>, root: &Root) -> Option<bool> {
        let (anchor, _) = self.parts(root);
        let is_absent = |file: &str| {
            let path = self.folder.join(file);
            !files::exists(&path)
                || files::read_regular(&path, DATABASE_LIMIT)
                    .is_ok_and(|bytes| memchr::memmem::find(&bytes, &anchor.der).is_none())
        };
        // The journals hold what is being written.
        let files = ["cert9.db", "cert9.db-journal", "cert9.db-wal"];
        machine.environment.as_person(|| files.into_iter().all(is_absent)).then_some(false)
    }

    fn holds(&self, machine: &Machine<'_>, root: &Root) -> bool {
        let (anchor, below) = self.parts(root);
        let mut all = [Some(anchor), below, Some(root)].into_iter().flatten();
        self.exists(machine) && all.any(|certificate| matches!(self.find(machine, certificate), Ok(Some(_))))
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        machine.require("certutil", PACKAGES)?;
        if !self.exists(machine) {
            let owner = machine.environment.owner.as_ref();
            machine.run(&Invocation::new("mkdir", ["-p", "-m", "700"]).arg(&self.folder).owner(owner))?;
            machine.run(&self.certutil(machine, &["-N", "--empty-password"]))?;
        }
        let (anchor, below) = self.parts(root);
        self.put(machine, anchor, "C,,")?;
        below.map_or(Ok(()), |below| self.put(machine, below, ",,"))
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        machine.require("certutil", PACKAGES)?;
        // An earlier version gave Firefox the same root as all others.
        let (anchor, below) = self.parts(root);
        let also = below.map(|_| root);
        [Some(anchor), below, also]
            .into_iter()
            .flatten()
            .try_for_each(|certificate| self.take_out(machine, certificate))
    }

    fn note(&self, machine: &Machine<'_>) -> Option<String> {
        profiles::is_running(machine, &self.folder).then(|| format!("{} is running: restart it", self.name))
    }
}

/// Reads `certutil -L`: a nickname and its trust on a line, under a heading.
fn entries(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let (nickname, trust) = line.trim_end().rsplit_once(' ')?;
        let is_trust = trust.matches(',').count() == 2 && trust.chars().all(|c| c.is_ascii_alphabetic() || c == ',');
        let is_heading = nickname.trim().is_empty();
        (is_trust && !is_heading).then(|| Entry { nickname: nickname.trim_end().to_owned(), trust: trust.to_owned() })
    };
    text.lines().filter_map(entry).collect()
}

/// Reads `certutil -L -n`: after each certificate its fingerprint, then its trust.
fn described(text: &str) -> Vec<Described> {
    let mut all: Vec<Described> = Vec::new();
    let mut lines = text.lines().map(str::trim);
    let mut is_ssl = false;
    while let Some(line) = lines.next() {
        match line {
            "Fingerprint (SHA-256):" => {
                let digits = lines.next().unwrap_or_default().replace(':', "").to_lowercase();
                all.push(Described { sha256: digits, is_trusted_ca: false });
            }
            "SSL Flags:" => is_ssl = true,
            "Email Flags:" | "Certificate:" => is_ssl = false,
            "Trusted CA" if is_ssl => all.last_mut().into_iter().for_each(|last| last.is_trusted_ca = true),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_may_have_spaces() {
        let text = "\nCertificate Nickname                   Trust Attributes\n                    SSL,S/MIME,JAR/XPI\n\n\
                    a b  c                                 C,,  \nmine - Org                           u,pu,  \n";
        let expected = [("a b  c", "C,,"), ("mine - Org", "u,pu,")];
        let expected = expected.map(|(name, trust)| Entry { nickname: name.to_owned(), trust: trust.to_owned() });
        assert_eq!(entries(text), expected);
    }

    /// Two of one subject are described together; only the second is trusted for TLS.
    #[test]
    fn trust_belongs_to_the_fingerprint_above_it() {
        let text = "Certificate:\n    Fingerprint (SHA-256):\n        AB:CD\n    Certificate Trust Flags:\n        SSL Flags:\n\
                    \n        Email Flags:\n            Trusted CA\nCertificate:\n    Fingerprint (SHA-256):\n        EF:01\n\
                    \n        SSL Flags:\n            Valid CA\n            Trusted CA\n        Email Flags:\n";
        let expected = [("abcd", false), ("ef01", true)];
        let expected = expected.map(|(sha256, is_trusted_ca)| Described { sha256: sha256.to_owned(), is_trusted_ca });
        assert_eq!(described(text), expected);
    }
}
