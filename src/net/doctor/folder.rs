//! Certificates and keys in a folder: are they valid, do they belong together, who may read them?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use time::{Duration, OffsetDateTime};

use super::{Remedy, Seen};
use crate::base::files;
use crate::base::validity::distance;
use crate::encoding::container;
use crate::encoding::container::encrypted::Rounds;
use crate::judge::inspect;
use crate::judge::report::Certificate;
use crate::judge::report::doctor::{Area, State};
use crate::judge::report::item::Item;
use crate::judge::report::text::certificate_names;

/// Longer than files of keys and certificates are.
const SMALL: u64 = 256 << 10;

/// Files that are looked at, at most.
const MOST: usize = 200;

/// Rounds of hashing for the two guesses at a PKCS#12 file, an empty password and none: enough for the default of OpenSSL.
///
/// A file with a password costs all of its rounds for nothing, and modern ones ask for 300,000.
const ROUNDS: u32 = 20_000;

const ENDINGS: [&str; 9] = ["pem", "key", "crt", "cer", "cert", "der", "p12", "pfx", "jks"];

/// A certificate with less time left than this, or than a third of its life, is trouble.
const SOON: Duration = Duration::days(14);

/// The contents of a file.
struct File {
    path: PathBuf,
    certificates: Vec<Certificate>,
    /// The pins of private keys.
    keys: Vec<String>,
    has_open_key: bool,
}

/// Looks at the files in a folder.
#[must_use]
pub fn folder(path: &Path, now: OffsetDateTime) -> Vec<Seen> {
    let files = match files::try_small_files(path, SMALL) {
        Ok(files) => files,
        Err(error) => return vec![unknown("files", &error)],
    };
    let candidates: Vec<PathBuf> = files.into_iter().filter(|path| is_candidate(path)).collect();
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for file in candidates.iter().take(MOST) {
        let name = file.strip_prefix(path).unwrap_or(file);
        match files::read(file) {
            Ok(bytes) => all.extend(read(&bytes, name)),
            Err(error) => seen.push(unknown(&name.display().to_string(), &error)),
        }
    }
    seen.extend(all.iter().flat_map(|file| of_file(file, &all, now)));
    seen.extend(pairs(&all));
    if candidates.len() > MOST {
        let message = format!("the first {MOST} of {} were looked at, by name", candidates.len());
        let all = Remedy::InspectFolder(path.to_owned());
        seen.push(Seen::new(Area::Folder, State::Note, "files", message).with(all));
    }
    if seen.is_empty() {
        seen.push(Seen::new(Area::Folder, State::Ok, "files", "no certificates or keys are in this folder"));
    }
    seen
}

fn unknown(subject: &str, error: &files::Error) -> Seen {
    let message = match error {
        files::Error::Io { source, .. } => format!("it cannot be read: {source}"),
        error => error.to_string(),
    };
    Seen::new(Area::Folder, State::Unknown, subject, message)
}

fn is_candidate(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// The contents of a file, as far as no password is needed.
fn read(bytes: &[u8], name: &Path) -> Option<File> {
    let mut file = File { path: name.to_owned(), certificates: Vec::new(), keys: Vec::new(), has_open_key: false };
    let rounds = Rounds::at_most(ROUNDS);
    for found in container::find(bytes) {
        file.take(inspect::item(found, "", None, &rounds).item);
    }
    (!file.certificates.is_empty() || !file.keys.is_empty() || file.has_open_key).then_some(file)
}

impl File {
    fn take(&mut self, item: Item) {
        match item {
            Item::Certificate(entry) => self.certificates.push(entry.content),
            Item::PrivateKey(entry) => {
                self.has_open_key |= !entry.content.was_encrypted;
                self.keys.extend(entry.content.spki_sha256);
            }
            item => item.into_items().into_iter().for_each(|inner| self.take(inner)),
        }
    }

    /// The set that the file is of: `server` of `server-cert.pem`, `server-key.pem` and `server.crt`.
    fn stem(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let endings = ["-cert", "-key", "_cert", "_key", ".cert", ".key", "-crt", "-chain"];
        endings.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(&stem).to_owned()
    }
}

fn of_file(file: &File, all: &[File], now: OffsetDateTime) -> Vec<Seen> {
    let name = file.path.display().to_string();
    let mut seen = Vec::new();
    if let Some(certificate) = file.certificates.first() {
        seen.push(validity(certificate, &name, renewal(file, all), now));
    }
    if file.has_open_key && files::is_open_to_others(&file.path) {
        let message = "other users of this machine can read the private key in it";
        let seen_key = Seen::new(Area::Folder, State::Trouble, name, message);
        seen.push(seen_key.with(Remedy::Private(file.path.clone())));
    }
    seen
}

/// Renews the set, if its key stands where `gen-cert --renew` looks for it.
fn renewal(file: &File, all: &[File]) -> Remedy {
    let set = file.path.file_name().and_then(|name| name.to_str()?.strip_suffix("-cert.pem"));
    let has_key = |set: &&str| {
        let key = file.path.with_file_name(format!("{set}-key.pem"));
        all.iter().any(|other| other.path == key && !other.keys.is_empty())
    };
    match set.filter(has_key) {
        Some(set) => Remedy::Renew(set.to_owned()),
        None => Remedy::Inspect(vec![file.path.clone()]),
    }
}

fn validity(certificate: &Certificate, name: &str, remedy: Remedy, now: OffsetDateTime) -> Seen {
    let (begin, end) = (certificate.not_before.0, certificate.not_after.0);
    let names = certificate_names(certificate);
    let seen = |state, message: String| Seen::new(Area::Folder, state, name, message);
    if now > end {
        return seen(State::Trouble, format!("for {names}, expired {}", distance(end, now))).with(remedy);
    }
    if now < begin {
        let message = format!("for {names}, valid from {} on only", certificate.not_before);
        return seen(State::Trouble, message).with(remedy);
    }
    let expires = format!("for {names}, expires {}", distance(end, now));
    if end - now < SOON.min((end - begin) / 3) {
        return seen(State::Trouble, expires).with(remedy);
    }
    seen(State::Ok, expires)
}

/// Keys and certificates whose files are named as a pair, and that do not belong together.
fn pairs(all: &[File]) -> Vec<Seen> {
    let mut sets: BTreeMap<String, Vec<&File>> = BTreeMap::new();
    for file in all {
        sets.entry(file.stem()).or_default().push(file);
    }
    let mut seen = Vec::new();
    for files in sets.values() {
        let keys: Vec<&File> = files.iter().copied().filter(|file| !file.keys.is_empty()).collect();
        let certificates: Vec<&File> = files.iter().copied().filter(|file| !file.certificates.is_empty()).collect();
        let (Some(key), Some(certificate)) = (keys.first(), certificates.first()) else { continue };
        let (key_name, name) = (key.path.display(), certificate.path.display().to_string());
        let belongs = certificate.certificates.iter().any(|one| key.keys.contains(&one.spki_sha256));
        if key.path == certificate.path && belongs {
            continue;
        }
        seen.push(if belongs {
            Seen::new(Area::Folder, State::Ok, key_name.to_string(), format!("is the key of {name}"))
        } else {
            let message = format!("is not the key of {name}");
            let paths = vec![certificate.path.clone(), key.path.clone()];
            Seen::new(Area::Folder, State::Trouble, key_name.to_string(), message).with(Remedy::Inspect(paths))
        });
    }
    seen
}
