//! The renames that make a set of files, written down before the first is done.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Error, Existing, exists, folder_of, remove};

/// What the name of a staged file ends in, between the name of its target and this some random letters.
pub(super) const STAGED_SUFFIX: &str = ".secure-io-new";
const JOURNAL_SUFFIX: &str = ".secure-io-journal";
const ASIDE_SUFFIX: &str = ".secure-io-old";

/// A file written beside its target, not yet renamed.
pub(super) struct Staged {
    pub(super) temporary: NamedTempFile,
    pub(super) target: PathBuf,
    pub(super) secret: bool,
}

/// The renames of a set.
#[derive(Serialize, Deserialize)]
pub(super) struct Journal {
    /// Where it is written. A set of one file needs none; nor has one over several folders, since what is found in one
    /// says nothing of the other: such a set is never mixed either, but what a kill leaves of it is not finished.
    #[serde(skip)]
    path: Option<PathBuf>,
    renames: Vec<Rename>,
    replace: bool,
}

/// A rename within a folder. Names only: a journal that somebody else has put there must not reach beyond.
#[derive(Serialize, Deserialize)]
struct Rename {
    #[serde(skip)]
    folder: PathBuf,
    staged: OsString,
    target: OsString,
    secret: bool,
}

impl Rename {
    fn of(staged: &Staged) -> Self {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        Self {
            folder: folder_of(&staged.target).to_owned(),
            staged: name(staged.temporary.path()),
            target: name(&staged.target),
            secret: staged.secret,
        }
    }

    fn staged(&self) -> PathBuf {
        self.folder.join(&self.staged)
    }

    fn target(&self) -> PathBuf {
        self.folder.join(&self.target)
    }

    /// Where what is replaced is kept until the whole set is in place.
    fn aside(&self) -> PathBuf {
        let name = self.staged.to_string_lossy().into_owned();
        self.folder.join(name.trim_end_matches(STAGED_SUFFIX).to_owned() + ASIDE_SUFFIX)
    }

    fn is_pending(&self) -> bool {
        exists(&self.staged())
    }

    /// Whether both are plain names, and the staged one is what we would call it.
    fn is_sound(&self) -> bool {
        let plain = |name: &OsStr| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        };
        let (staged, target) = (self.staged.to_string_lossy(), self.target.to_string_lossy());
        plain(&self.staged)
            && plain(&self.target)
            && staged.starts_with(&format!(".{target}."))
            && staged.ends_with(STAGED_SUFFIX)
    }
}

impl Journal {
    /// Writes the journal whole, where one is needed; the staged files are its own from here on.
    pub(super) fn write(staged: Vec<Staged>, existing: Existing) -> Result<Self, Error> {
        let renames: Vec<_> = staged.iter().map(Rename::of).collect();
        let mut journal = Self { path: None, renames, replace: existing == Existing::Replace };
        if let [first, rest @ ..] = &journal.renames[..]
            && !rest.is_empty()
            && rest.iter().all(|rename| rename.folder == first.folder)
        {
            let folder = first.folder.clone();
            // Not fsynced: it guards against a killed process, whose writes the system keeps.
            let write = || -> io::Result<PathBuf> {
                let mut temporary = tempfile::Builder::new().prefix(".").suffix(STAGED_SUFFIX).tempfile_in(&folder)?;
                serde_json::to_writer(&mut temporary, &journal)?;
                let path = temporary.path().with_extension(JOURNAL_SUFFIX.trim_start_matches('.'));
                temporary.persist(&path)?;
                Ok(path)
            };
            journal.path = Some(write().map_err(Error::io("write a journal in", &folder))?);
        }
        for file in staged {
            let kept = file.temporary.keep();
            kept.map_err(|error| Error::Io { action: "write", path: file.target, source: error.error })?;
        }
        Ok(journal)
    }

    /// Reads a journal that is ours: of our own user, and of a mode that no archive or checkout gives.
    fn read(path: &Path) -> Option<Self> {
        if !is_ours(path) || !is_private(path) {
            return None;
        }
        let mut journal: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        for rename in &mut journal.renames {
            folder_of(path).clone_into(&mut rename.folder);
            if !rename.is_sound() || (rename.is_pending() && !is_ours(&rename.staged())) {
                return None;
            }
        }
        journal.path = Some(path.to_owned());
        Some(journal)
    }

    /// Does what is left of the renames; on failure takes all of them back. Then removes the journal.
    pub(super) fn finish(&self) -> Result<(), Error> {
        let result = if self.replace { self.replace_all() } else { self.put_all() };
        if result.is_err() {
            // What cannot be taken back stays written down for the next run.
            self.take_back()?;
        }
        for rename in &self.renames {
            remove(&rename.aside())?;
        }
        if let Some(path) = &self.path {
            remove(path)?;
        }
        result
    }

    fn pending(&self, secret: bool) -> impl Iterator<Item = &Rename> {
        self.renames.iter().filter(move |rename| rename.secret == secret && rename.is_pending())
    }

    /// Replaces keys first, and only once the certificates that belong to the old ones are out of the way.
    fn replace_all(&self) -> Result<(), Error> {
        if self.pending(true).next().is_some() {
            for rename in self.pending(false).filter(|rename| exists(&rename.target())) {
                fs::rename(rename.target(), rename.aside()).map_err(Error::io("replace", &rename.target()))?;
            }
        }
        for secret in [true, false] {
            for rename in self.pending(secret) {
                if exists(&rename.target()) {
                    // A second name, so that the key is there at every moment; without one it cannot be taken back.
                    fs::hard_link(rename.target(), rename.aside()).ok();
                }
                fs::rename(rename.staged(), rename.target()).map_err(Error::io("write", &rename.target()))?;
            }
        }
        Ok(())
    }

    /// Puts files where there are none.
    fn put_all(&self) -> Result<(), Error> {
        for rename in self.renames.iter().filter(|rename| rename.is_pending()) {
            let target = rename.target();
            put_new(&rename.staged(), &target).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Error::Exists { path: target.clone() },
                _ => Error::Io { action: "write", path: target.clone(), source: error },
            })?;
        }
        Ok(())
    }

    /// Puts everything back as it was: certificates last, as they were out of the way first.
    fn take_back(&self) -> Result<(), Error> {
        for secret in [false, true] {
            for rename in self.renames.iter().filter(|rename| rename.secret == secret) {
                if !rename.is_pending() && !exists(&rename.aside()) {
                    remove(&rename.target())?;
                }
            }
        }
        for secret in [true, false] {
            for rename in self.renames.iter().filter(|rename| rename.secret == secret) {
                if exists(&rename.aside()) {
                    fs::rename(rename.aside(), rename.target()).map_err(Error::io("put back", &rename.target()))?;
                }
            }
        }
        self.renames.iter().try_for_each(|rename| remove(&rename.staged()))
    }
}

/// Finishes the journals in a folder and clears away what else was left staged there.
pub(super) fn settle(folder: &Path) -> Result<(), Error> {
    for path in named(folder, JOURNAL_SUFFIX) {
        if let Some(journal) = Journal::read(&path) {
            journal.finish()?;
        }
    }
    named(folder, STAGED_SUFFIX).iter().filter(|path| is_ours(path)).try_for_each(|path| remove(path))
}

/// The hidden files in a folder with this ending.
fn named(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |name: &str| name.starts_with('.') && name.ends_with(suffix);
    entries.filter(|entry| named(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

/// Whether a path is a regular file, no link, of the user who runs this.
#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = || tempfile::tempfile()?.metadata().map(|metadata| metadata.uid());
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && owner().is_ok_and(|me| me == metadata.uid()))
}

#[cfg(not(unix))]
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o777 == 0o600)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

/// Renames a file to a name that must be free, or that is already another name of the same file.
fn put_new(staged: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(staged, target) {
        Ok(()) => fs::remove_file(staged),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if one_file(staged, target) {
                fs::remove_file(staged)
            } else {
                Err(error)
            }
        }
        // No hard links on this file system: not atomic against others, but the name was free a moment ago.
        Err(_) if !exists(target) => fs::rename(staged, target),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn one_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path| fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    identity(a).is_some_and(|a| Some(a) == identity(b))
}

#[cfg(not(unix))]
fn one_file(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::tests::{content, expected, set};
    use super::super::{settle, stage, write_set};
    use super::*;

    fn staged(folder: &Path, existing: Existing) -> Journal {
        let staged: Vec<_> = set(folder, "new").iter().map(|file| stage(file).unwrap()).collect();
        Journal::write(staged, existing).unwrap()
    }

    /// A run killed between the journal and any of its steps is finished by the next one.
    #[test]
    fn a_run_killed_after_its_journal_is_finished_by_the_next() {
        for done in 0..4 {
            let folder = tempfile::tempdir().unwrap();
            write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
            let journal = staged(folder.path(), Existing::Replace);
            let (key, certificate) = (&journal.renames[0], &journal.renames[1]);
            if done > 0 {
                fs::rename(certificate.target(), certificate.aside()).unwrap();
            }
            if done > 1 {
                fs::hard_link(key.target(), key.aside()).unwrap();
                fs::rename(key.staged(), key.target()).unwrap();
            }
            if done > 2 {
                fs::rename(certificate.staged(), certificate.target()).unwrap();
            }
            settle(folder.path()).unwrap();
            assert_eq!(content(folder.path()), expected("new"), "{done} steps done");
        }
    }

    /// A run killed before its journal leaves the old set, and its staged files are cleared away by the next one.
    #[test]
    fn a_run_killed_before_its_journal_leaves_the_old_set() {
        let folder = tempfile::tempdir().unwrap();
        write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
        for file in set(folder.path(), "new") {
            stage(&file).unwrap().temporary.keep().unwrap();
        }
        settle(folder.path()).unwrap();
        assert_eq!(content(folder.path()), expected("old"));
    }

    /// The same for files that are new, killed before, between and after a link and its unlink.
    #[test]
    fn a_killed_run_that_makes_new_files_is_finished_by_the_next() {
        for done in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let journal = staged(folder.path(), Existing::Keep);
            let key = &journal.renames[0];
            if done > 0 {
                fs::hard_link(key.staged(), key.target()).unwrap();
            }
            if done > 1 {
                fs::remove_file(key.staged()).unwrap();
            }
            settle(folder.path()).unwrap();
            assert_eq!(content(folder.path()), expected("new"), "{done} steps done");
        }
    }

    /// Another program that makes one of the files in the meantime keeps it, and the set is taken back.
    #[test]
    fn a_name_taken_in_the_meantime_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let journal = staged(folder.path(), Existing::Keep);
        fs::write(folder.path().join("cert.pem"), "theirs").unwrap();
        assert!(matches!(journal.finish(), Err(Error::Exists { .. })));
        assert_eq!(content(folder.path()), [("cert.pem".to_owned(), "theirs".to_owned())]);
    }

    /// A rename that fails (a mount point, a full disk) once left a new key and no certificate.
    #[test]
    fn a_rename_that_fails_leaves_the_old_set() {
        let folder = tempfile::tempdir().unwrap();
        write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
        let journal = staged(folder.path(), Existing::Replace);
        // A folder cannot be replaced by a file: the last rename fails.
        let certificate = folder.path().join("cert.pem");
        fs::rename(&certificate, folder.path().join("moved")).unwrap();
        fs::create_dir_all(certificate.join("full")).unwrap();
        let broken = Journal { renames: journal.renames.into_iter().rev().collect(), ..journal };
        fs::create_dir(broken.renames[0].aside()).unwrap();
        fs::create_dir(broken.renames[0].aside().join("full")).unwrap();
        assert!(broken.finish().is_err());
        assert_eq!(fs::read_to_string(folder.path().join("key.pem")).unwrap(), "key old");
    }

    /// A journal that somebody else put there once made a run of root replace any file.
    #[cfg(unix)]
    #[test]
    fn a_planted_journal_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".a.secure-io-journal");
        for (target, mode) in [("../victim", 0o600), ("/etc/victim", 0o600), ("..", 0o600), ("victim", 0o644)] {
            let staged = format!(".{target}.x{STAGED_SUFFIX}");
            let renames =
                vec![Rename { folder: PathBuf::new(), staged: staged.into(), target: target.into(), secret: false }];
            let journal = Journal { path: None, renames, replace: true };
            fs::write(&path, serde_json::to_vec(&journal).unwrap()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(Journal::read(&path).is_none(), "{target}");
        }
    }
}
