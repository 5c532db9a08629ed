//! Reads a path or standard input; writes sets of new files whole or not at all.
//!
//! A set is written in three steps, under a lock on its folder. Every file is *staged* beside its target and fsynced.
//! A *journal* naming all renames is put in place: from here on the set counts as written. Then the files are
//! renamed, with replaced certificates withdrawn first, so that at no moment a key stands beside the wrong
//! certificate. A run killed before the journal leaves the old set; one killed after it is finished by the next run
//! that comes by ([`settle`]), which also clears away what was left staged.

#![expect(clippy::disallowed_methods, reason = "this is the one module that does it")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// More than any key, certificate or bundle is long: 64 MiB.
///
/// Bounds what an endless pipe can make us read.
pub const READ_LIMIT: u64 = 64 << 20;

const STAGED_SUFFIX: &str = ".secure-io-new";
const JOURNAL_SUFFIX: &str = ".secure-io-journal";

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The target exists and may not be replaced.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A folder stands where a file is expected.
    #[error("`{}` is a folder, not a file", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Two files of a set have the same name.
    #[error("`{}` would be written twice", path.display())]
    Twice {
        /// The name they share.
        path: PathBuf,
    },
    /// The input is longer than [`READ_LIMIT`].
    #[error("`{}` is longer than {} MiB, more than any certificate or key", path.display(), READ_LIMIT >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// Reads the whole of a file, or of standard input for `-`.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::TooLong`] beyond [`READ_LIMIT`], else [`Error::Io`].
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    if is_stdio(path) {
        return read_limited(io::stdin().lock(), path);
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::IsFolder { path: path.to_owned() });
    }
    read_limited(file, path)
}

fn read_limited(reader: impl Read, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(READ_LIMIT + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > READ_LIMIT {
        return Err(Error::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Whether a path names standard input or output.
#[must_use]
pub fn is_stdio(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether something is at this path, a dangling symbolic link included.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether two paths lead to the same existing file.
#[must_use]
pub fn same(a: &Path, b: &Path) -> bool {
    a == b || matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Makes a folder and its parents; `private` ones are open to their owner alone.
///
/// # Errors
///
/// [`Error::Io`] when it cannot be made.
pub fn create_folder(path: &Path, private: bool) -> Result<(), Error> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(path).map_err(Error::io("make the folder", path))
}

/// A file to be written: where, what, and whether others may read it.
pub struct NewFile {
    path: PathBuf,
    content: Zeroizing<Vec<u8>>,
    secret: bool,
}

impl NewFile {
    /// A file that others may read, as far as the umask lets them.
    pub fn public(path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: Zeroizing::new(content.into()), secret: false }
    }

    /// A file that holds a private key: mode 0600 from its first byte.
    pub fn secret(path: impl Into<PathBuf>, content: Zeroizing<Vec<u8>>) -> Self {
        Self { path: path.into(), content, secret: true }
    }

    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it will hold.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

/// What to do with files that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse the whole set.
    Keep,
    /// Replace them.
    Replace,
}

/// Says which file would stop [`write_set`], without writing any: the first that exists or could not be replaced.
///
/// What a killed run left is finished first ([`settle`]), so that what is said is true of a whole set.
///
/// # Errors
///
/// As [`write_set`].
pub fn check_set<'a>(paths: impl IntoIterator<Item = &'a Path>, existing: Existing) -> Result<(), Error> {
    let paths: Vec<_> = paths.into_iter().collect();
    let _locked = settle_all(paths.iter().copied())?;
    refuse(paths, existing)
}

fn settle_all<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<Vec<FolderLock>, Error> {
    // Each folder once and in one order: two runs that want the same folders must not wait for each other.
    let folders: BTreeSet<&Path> = paths.map(folder_of).collect();
    folders.into_iter().map(settle).collect()
}

fn refuse<'a>(paths: impl IntoIterator<Item = &'a Path>, existing: Existing) -> Result<(), Error> {
    let mut seen: Vec<&Path> = Vec::new();
    for path in paths {
        if seen.iter().any(|other| same(other, path)) {
            return Err(Error::Twice { path: path.to_owned() });
        }
        seen.push(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(Error::IsFolder { path: path.to_owned() }),
            Ok(metadata) if !metadata.is_file() => {}
            _ if existing == Existing::Keep && exists(path) => return Err(Error::Exists { path: path.to_owned() }),
            _ => {}
        }
    }
    Ok(())
}

/// Writes a set of files: all of them, or none.
///
/// Devices and pipes (`/dev/stdout`) are written to as they are, after the files are in place. A symbolic link is
/// followed and stays.
///
/// # Errors
///
/// [`Error::Exists`], [`Error::IsFolder`] or [`Error::Twice`] before anything is touched, else [`Error::Io`].
pub fn write_set(files: &[NewFile], existing: Existing) -> Result<(), Error> {
    let _locked = settle_all(files.iter().map(NewFile::path))?;
    refuse(files.iter().map(NewFile::path), existing)?;
    let (devices, regular): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_device(&file.path));
    let staged = regular.into_iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    sync(&staged)?;
    Journal::write(staged, existing)?.finish()?;
    for file in devices {
        let mut device = OpenOptions::new().write(true).open(&file.path).map_err(Error::io("write", &file.path))?;
        device.write_all(&file.content).map_err(Error::io("write", &file.path))?;
    }
    Ok(())
}

/// Finishes what a killed run left in a folder and clears away what it had staged.
///
/// The folder stays locked, against other runs, until the value returned is dropped.
///
/// # Errors
///
/// [`Error::Io`] when the folder cannot be read or a rename cannot be done.
pub fn settle(folder: &Path) -> Result<FolderLock, Error> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let lock = FolderLock::take(folder);
    for path in ours(folder, JOURNAL_SUFFIX) {
        let journal = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok());
        match journal {
            Some(journal) => Journal { path: Some(path), ..journal }.finish()?,
            None => remove(&path)?,
        }
    }
    for path in ours(folder, STAGED_SUFFIX) {
        remove(&path)?;
    }
    Ok(lock)
}

/// An exclusive lock on a folder, held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _folder: Option<File>,
}

impl FolderLock {
    /// Waits for the lock. A file system without locks (some network shares) is no reason to refuse work.
    fn take(folder: &Path) -> Self {
        let folder = File::open(folder).and_then(|file| file.lock().map(|()| file));
        Self { _folder: folder.ok() }
    }
}

/// The files in a folder that a run of ours left behind.
fn ours(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |name: &str| name.starts_with('.') && name.ends_with(suffix);
    entries.filter(|entry| named(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// A file written beside its target, not yet renamed.
struct Staged {
    temporary: NamedTempFile,
    target: PathBuf,
    secret: bool,
}

fn stage(file: &NewFile) -> Result<Staged, Error> {
    let target = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(STAGED_SUFFIX);
    #[cfg(unix)]
    let mode = mode_for(&target, file.secret);
    #[cfg(unix)]
    builder.permissions(mode);
    let write = || -> io::Result<NamedTempFile> {
        let mut temporary = builder.tempfile_in(folder_of(&target))?;
        temporary.write_all(&file.content)?;
        Ok(temporary)
    };
    let temporary = write().map_err(Error::io("write", &file.path))?;
    Ok(Staged { temporary, target, secret: file.secret })
}

/// 0600 for secrets, less where the file replaced had less; for others what the file replaced had, or the umask's.
#[cfg(unix)]
fn mode_for(target: &Path, secret: bool) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    let old = fs::metadata(target).map(|metadata| metadata.permissions().mode() & 0o777).ok();
    fs::Permissions::from_mode(match (secret, old) {
        (true, Some(old)) => old & 0o600 | 0o400,
        (true, None) => 0o600,
        (false, old) => old.unwrap_or(0o666),
    })
}

/// Flushes the files to disk all at once: the waits overlap, so three files cost hardly more than one.
fn sync(staged: &[Staged]) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let waits: Vec<_> = staged.iter().map(|file| scope.spawn(|| file.temporary.as_file().sync_all())).collect();
        for (wait, file) in waits.into_iter().zip(staged) {
            let result = wait.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes it failed")));
            result.map_err(Error::io("write", &file.target))?;
        }
        Ok(())
    })
}

/// The renames that make a set of files, written down before the first is done.
#[derive(Serialize, Deserialize)]
struct Journal {
    /// Where it is written; a set of one file needs no journal.
    #[serde(skip)]
    path: Option<PathBuf>,
    renames: Vec<Rename>,
    replace: bool,
}

#[derive(Serialize, Deserialize)]
struct Rename {
    #[serde(with = "as_os_string")]
    staged: PathBuf,
    #[serde(with = "as_os_string")]
    target: PathBuf,
    secret: bool,
}

/// serde refuses to write a path that is not UTF-8; an `OsString` it writes whatever its bytes are.
mod as_os_string {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(deserializer).map(PathBuf::from)
    }
}

impl Journal {
    fn write(staged: Vec<Staged>, existing: Existing) -> Result<Self, Error> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let renames = staged.iter().map(|file| Rename {
            staged: absolute(file.temporary.path()),
            target: absolute(&file.target),
            secret: file.secret,
        });
        let mut journal = Self { path: None, renames: renames.collect(), replace: existing == Existing::Replace };
        if let [first, _, ..] = &staged[..] {
            let folder = folder_of(&first.target);
            // Not fsynced: it guards against a killed process, whose writes the system keeps.
            let write = || -> io::Result<PathBuf> {
                let mut temporary = tempfile::Builder::new().prefix(".").suffix(STAGED_SUFFIX).tempfile_in(folder)?;
                serde_json::to_writer(&mut temporary, &journal)?;
                let path = temporary.path().with_extension(JOURNAL_SUFFIX.trim_start_matches('.'));
                temporary.persist(&path)?;
                Ok(path)
            };
            journal.path = Some(write().map_err(Error::io("write a journal in", folder))?);
        }
        for file in staged {
            // The journal's to rename from here on.
            let kept = file.temporary.keep();
            kept.map_err(|error| Error::Io { action: "write", path: file.target, source: error.error })?;
        }
        Ok(journal)
    }

    /// Does what is left of the renames, then removes the journal.
    fn finish(&self) -> Result<(), Error> {
        let result = if self.replace { self.replace_all() } else { self.put_all() };
        if let Some(path) = &self.path {
            remove(path)?;
        }
        result
    }

    fn pending(&self) -> impl Iterator<Item = &Rename> {
        self.renames.iter().filter(|rename| exists(&rename.staged))
    }

    /// Replaces keys first, and only once the certificates that belong to the old ones are gone.
    fn replace_all(&self) -> Result<(), Error> {
        if self.pending().any(|rename| rename.secret) {
            for rename in self.pending().filter(|rename| !rename.secret) {
                remove(&rename.target)?;
            }
        }
        for secret in [true, false] {
            for Rename { staged, target, .. } in self.pending().filter(|rename| rename.secret == secret) {
                fs::rename(staged, target).map_err(Error::io("write", target))?;
            }
        }
        Ok(())
    }

    /// Puts files where there are none; takes back those already put when somebody else was faster.
    fn put_all(&self) -> Result<(), Error> {
        let mut put: Vec<&Path> = Vec::new();
        for Rename { staged, target, .. } in self.pending() {
            if let Err(error) = put_new(staged, target) {
                put.into_iter().chain(self.pending().map(|rename| &*rename.staged)).try_for_each(remove)?;
                return Err(match error.kind() {
                    io::ErrorKind::AlreadyExists => Error::Exists { path: target.clone() },
                    _ => Error::Io { action: "write", path: target.clone(), source: error },
                });
            }
            put.push(target);
        }
        Ok(())
    }
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

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("replace", path)(error)),
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(folder: &Path, tag: &str) -> Vec<NewFile> {
        vec![
            NewFile::secret(folder.join("key.pem"), Zeroizing::new(format!("key {tag}").into_bytes())),
            NewFile::public(folder.join("cert.pem"), format!("cert {tag}")),
        ]
    }

    fn content(folder: &Path) -> Vec<(String, String)> {
        let mut all: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap()))
            .collect();
        all.sort();
        all
    }

    fn expected(tag: &str) -> Vec<(String, String)> {
        vec![("cert.pem".into(), format!("cert {tag}")), ("key.pem".into(), format!("key {tag}"))]
    }

    #[test]
    fn a_set_is_refused_whole_when_one_of_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cert.pem"), "mine").unwrap();
        let error = write_set(&set(folder.path(), "new"), Existing::Keep).unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        assert_eq!(content(folder.path()), [("cert.pem".to_owned(), "mine".to_owned())]);
    }

    #[test]
    fn a_replaced_set_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
        write_set(&set(folder.path(), "new"), Existing::Replace).unwrap();
        assert_eq!(content(folder.path()), expected("new"));
    }

    /// A run killed between the journal and any of its renames is finished by the next one.
    #[test]
    fn a_run_killed_after_its_journal_is_finished_by_the_next() {
        for done in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
            let staged: Vec<_> = set(folder.path(), "new").iter().map(|file| stage(file).unwrap()).collect();
            let journal = Journal::write(staged, Existing::Replace).unwrap();
            if done > 0 {
                fs::remove_file(folder.path().join("cert.pem")).unwrap();
            }
            if done > 1 {
                fs::rename(&journal.renames[0].staged, &journal.renames[0].target).unwrap();
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
            let staged: Vec<_> = set(folder.path(), "new").iter().map(|file| stage(file).unwrap()).collect();
            let journal = Journal::write(staged, Existing::Keep).unwrap();
            if done > 0 {
                fs::hard_link(&journal.renames[0].staged, &journal.renames[0].target).unwrap();
            }
            if done > 1 {
                fs::remove_file(&journal.renames[0].staged).unwrap();
            }
            settle(folder.path()).unwrap();
            assert_eq!(content(folder.path()), expected("new"), "{done} steps done");
        }
    }

    /// Another program that makes one of the files in the meantime keeps it, and the set is taken back.
    #[test]
    fn a_name_taken_in_the_meantime_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let staged: Vec<_> = set(folder.path(), "new").iter().map(|file| stage(file).unwrap()).collect();
        let journal = Journal::write(staged, Existing::Keep).unwrap();
        fs::write(folder.path().join("cert.pem"), "theirs").unwrap();
        assert!(matches!(journal.finish(), Err(Error::Exists { .. })));
        assert_eq!(content(folder.path()), [("cert.pem".to_owned(), "theirs".to_owned())]);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_0600_and_never_widened() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        let mode = || fs::metadata(&key).unwrap().permissions().mode() & 0o777;
        write_set(&set(folder.path(), "1"), Existing::Keep).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        write_set(&set(folder.path(), "2"), Existing::Replace).unwrap();
        assert_eq!(mode(), 0o400);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        write_set(&set(folder.path(), "3"), Existing::Replace).unwrap();
        assert_eq!(mode(), 0o600);
    }

    /// The journal once refused to be written in such a folder.
    #[cfg(unix)]
    #[test]
    fn folders_need_not_be_utf_8() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        create_folder(&odd, true).unwrap();
        write_set(&set(&odd, "old"), Existing::Keep).unwrap();
        write_set(&set(&odd, "new"), Existing::Replace).unwrap();
        assert_eq!(content(&odd), expected("new"));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_followed_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (link, real) = (folder.path().join("link.pem"), folder.path().join("real.pem"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_set(&[NewFile::public(&link, "new")], Existing::Replace).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }
}
