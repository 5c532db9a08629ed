//! Sets of files, written whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;
use super::folder::Folder;
use super::owner::Entry;
use super::paths::{exists, same};
use super::place::{self, Place};
use super::recovery;
use super::stage::Stage;

/// A file to be written: path, content and mode.
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

    /// Returns the path of the future file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content of the future file.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

/// Treatment of files that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse the whole set.
    Keep,
    /// Replace them.
    Replace,
}

/// Says which file would stop [`write_set`], without touching any: the first that exists or could not be replaced.
///
/// # Errors
///
/// As [`write_set`].
pub fn check_set<'a>(paths: impl IntoIterator<Item = &'a Path>, existing: Existing) -> Result<(), Error> {
    let mut seen: Vec<&Path> = Vec::new();
    for path in paths {
        if seen.iter().any(|other| same(other, path)) {
            return Err(Error::Twice { path: path.to_owned() });
        }
        seen.push(path);
        let is_file = matches!(place::find(path)?, Place::File { .. });
        if is_file && existing == Existing::Keep && exists(path) {
            return Err(Error::Exists { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Writes a set of files: all or none of them.
///
/// Devices and the process's own open files (`/dev/stdout`) are written to as they are, after the files are in place. A
/// symbolic link of the user's own is followed and stays.
///
/// # Errors
///
/// [`Error::Exists`], [`Error::IsFolder`], [`Error::NotRegular`], [`Error::ForeignLink`] or [`Error::Twice`] before
/// anything is touched, else [`Error::Io`].
pub fn write_set(files: &[NewFile], existing: Existing) -> Result<(), Error> {
    let mut streams = Vec::new();
    let mut folders: BTreeMap<PathBuf, Vec<(OsString, &NewFile)>> = BTreeMap::new();
    let locked = settle_all(files.iter().map(NewFile::path))?;
    check_set(files.iter().map(NewFile::path), existing)?;
    for file in files {
        match place::find(&file.path)? {
            Place::Stream(path) => streams.push((path, file)),
            Place::File { folder, name } => folders.entry(folder).or_default().push((name, file)),
        }
    }
    let open = |(folder, files): (PathBuf, Vec<_>)| match Folder::open(&folder) {
        Ok(folder) => Ok((folder, files)),
        Err(source) => Err(in_place_of(&files, source)),
    };
    let folders = folders.into_iter().map(open).collect::<Result<Vec<_>, Error>>()?;
    let mut stages = Vec::new();
    let mut staged = Vec::new();
    for (folder, files) in &folders {
        let stage = Stage::new(folder).map_err(|source| in_place_of(files, source))?;
        for (name, file) in files {
            let mode = mode_for(folder, name, file.secret);
            let written = stage.write(name.as_ref(), &file.content, mode).map_err(Error::io("write", &file.path))?;
            staged.push((written, file.path.as_path()));
        }
        stages.push(stage);
    }
    sync(staged)?;
    stages.iter_mut().try_for_each(|stage| stage.arm(&[], existing))?;
    stages.iter().try_for_each(Stage::flip)?;
    let settled = stages.iter_mut().try_for_each(Stage::settle);
    if settled.is_err() && existing == Existing::Keep {
        stages.iter_mut().try_for_each(Stage::take_back)?;
    }
    settled?;
    // A pipe may wait long for its reader, and others must not wait with it.
    drop(locked);
    for (path, file) in streams {
        // Appends, so that `>> file` keeps what the file holds.
        let mut stream = OpenOptions::new().append(true).open(&path).map_err(Error::io("write", &file.path))?;
        stream.write_all(&file.content).map_err(Error::io("write", &file.path))?;
    }
    Ok(())
}

/// A failure that concerns all files of a folder, under the path of the first.
fn in_place_of(files: &[(OsString, &NewFile)], source: io::Error) -> Error {
    let path = files.first().map(|(_, file)| file.path.clone()).unwrap_or_default();
    Error::Io { action: "write", path, source }
}

/// Finishes or takes back the work of a killed run in the folders of these files, and clears its staged files away.
///
/// The folders stay locked, against other runs, until the value returned is dropped.
///
/// # Errors
///
/// [`Error::Io`] when a folder cannot be read or a rename cannot be done.
pub fn settle_all<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<Vec<FolderLock>, Error> {
    // A path that cannot be written to is refused elsewhere.
    let folder = |path: &Path| match place::find(path) {
        Ok(Place::File { folder, .. }) => fs::canonicalize(folder).ok(),
        _ => None,
    };
    // Each folder once and in one order: two runs that want the same folders must not wait for each other.
    let folders: BTreeSet<PathBuf> = paths.filter_map(folder).collect();
    folders.iter().map(|folder| settle(folder)).collect()
}

/// As [`settle_all`], for one folder; one that is not there needs nothing.
///
/// # Errors
///
/// As [`settle_all`].
pub fn settle(folder: &Path) -> Result<FolderLock, Error> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(folder) = Folder::open(folder) else { return Ok(FolderLock::none()) };
    let lock = FolderLock::on(&folder);
    recovery::recover(&folder)?;
    Ok(lock)
}

/// An exclusive lock on a folder, held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: Option<File>,
}

impl FolderLock {
    /// Waits for the lock; a file system without locks has none.
    pub(super) fn on(folder: &Folder) -> Self {
        Self { _file: folder.lock() }
    }

    /// No lock.
    pub(super) const fn none() -> Self {
        Self { _file: None }
    }
}

/// The mode of a file to be written. Of secrets 0600, less where the file replaced had less; of others the mode of the
/// file replaced, if that was the user's own, or the umask's.
fn mode_for(folder: &Folder, name: &std::ffi::OsStr, secret: bool) -> u32 {
    let old = folder.find(name.as_ref()).ok().flatten();
    let old = old.filter(|entry| cfg!(unix) && entry.is_file() && entry.is_ours()).map(Entry::permissions);
    match (secret, old) {
        (true, Some(old)) => old & 0o600 | 0o400,
        (true, None) => 0o600,
        (false, old) => old.unwrap_or(0o666),
    }
}

/// Flushes files to disk. All of them are begun before the first is waited for, so three files cost hardly more than one.
fn sync(staged: Vec<(File, &Path)>) -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    for (file, _) in &staged {
        // The kernel begins to write what it is told that nobody will read again. A refusal only costs time.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    }
    staged.into_iter().try_for_each(|(file, path)| file.sync_all().map_err(Error::io("write", path)))
}
