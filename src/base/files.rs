//! Reads a path or standard input; writes sets of new files whole or not at all.
//!
//! A set is staged in a hidden folder beside its targets and fsynced, under a lock on the targets' folder. Then the
//! whole set changes in one rename (`stage.rs`), so that at no moment a key stands beside the wrong certificate, and no
//! file is missing that was there. A run killed before that rename leaves the old set, one killed after it the new one;
//! the next run that comes by ([`settle`]) clears away what the killed one has left.
//!
//! Only regular files that are made here are written, but for devices and the process's own open files (`place.rs`),
//! and no link of another user is followed.

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "its tests look at files directly"))]

#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "files/folder_by_path.rs"]
mod folder;
mod owner;
mod person;
mod place;
mod shared;
mod stage;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::folder::Folder;
pub use self::owner::{Entry, doubt, is_open_to_others, is_root, is_roots_alone, make_private};
pub use self::person::{Owner, SMALL, read_regular};
use self::place::Place;
pub use self::shared::{FileLock, append_lines, lock, try_lock};
use self::stage::Stage;
pub use self::tree::{Standing, Tree};

/// More than any key, certificate or bundle is long: 64 MiB.
///
/// Limit for input from endless pipes.
pub const READ_LIMIT: u64 = 64 << 20;

/// Reason why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// Attempted operation: `read`, `write`.
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
    /// Something else than a regular file stands where a file is expected.
    #[error("`{}` is {kind}, not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// The entry at a path.
        kind: &'static str,
    },
    /// A link on the way to a file belongs to another user.
    #[error("cannot write `{}`: `{}` is a link that belongs to another user", path.display(), link.display())]
    ForeignLink {
        /// The file.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// Two files of a set have the same name.
    #[error("`{}` would be written twice", path.display())]
    Twice {
        /// The name they share.
        path: PathBuf,
    },
    /// The file is a link that belongs to another user.
    #[error("`{}` is a link that belongs to another user, and is not followed", path.display())]
    NotFollowed {
        /// The link.
        path: PathBuf,
    },
    /// The input is longer than its limit, [`READ_LIMIT`] or less.
    #[error("`{}` is longer than {} MiB, more than any file of its kind", path.display(), limit >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The longest that it may be, in octets.
        limit: u64,
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
    read_limited(open(path)?, path, READ_LIMIT)
}

/// Opens a file, or standard input for `-`, to be read in parts.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::Io`].
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    if is_stdio(path) {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::IsFolder { path: path.to_owned() });
    }
    Ok(Box::new(file))
}

/// Longest line of a file read by lines: no request is longer.
const LINE_LIMIT: u64 = 64 << 20;

/// Reads a file, or standard input for `-`, a line at a time, each with its number from 1; empty ones are passed
/// over.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::Io`]; within the lines also [`Error::TooLong`] for one that never ends.
pub fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(u64, String), Error>>, Error> {
    let mut reader: Box<dyn BufRead> = if is_stdio(path) {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(path).map_err(Error::io("read", path))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Error::IsFolder { path: path.to_owned() });
        }
        Box::new(BufReader::with_capacity(1 << 16, file))
    };
    let path = path.to_owned();
    let (mut has_failed, mut number) = (false, 0);
    Ok(std::iter::from_fn(move || {
        while !has_failed {
            let mut line = Vec::new();
            let end = reader.by_ref().take(LINE_LIMIT + 1).read_until(b'\n', &mut line);
            has_failed = end.is_err() || line.len() as u64 > LINE_LIMIT;
            match end {
                Err(source) => return Some(Err(Error::Io { action: "read", path: path.clone(), source })),
                Ok(_) if has_failed => return Some(Err(Error::TooLong { path: path.clone(), limit: LINE_LIMIT })),
                Ok(0) => return None,
                Ok(_) => {}
            }
            number += 1;
            let mut line =
                String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            line.truncate(line.trim_end().len());
            if !line.is_empty() {
                return Some(Ok((number, line)));
            }
        }
        None
    }))
}

fn read_limited(reader: impl Read, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Returns true if a path names standard input or output.
#[must_use]
pub fn is_stdio(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Returns true if a file exists at this path, a dangling symbolic link included.
#[must_use]
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Returns true if a file exists and is writable for this process.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    OpenOptions::new().append(true).open(path).is_ok()
}

/// The files in a folder and its subfolders, by name; unreadable ones are passed over.
#[must_use]
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// The files in the subfolders of a folder, `depth` steps down at most; unreadable ones are passed over.
#[must_use]
pub fn list_at_depth(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).max_depth(depth).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// The time of a file's last change.
#[must_use]
pub fn modified(path: &Path) -> Option<time::OffsetDateTime> {
    fs::metadata(path).ok()?.modified().ok().map(time::OffsetDateTime::from)
}

/// A mark of a file's state, which changes with its content: of the file that a path leads to in the end, so that a link
/// which leads elsewhere changes it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The file, without links.
    pub path: PathBuf,
    length: u64,
    modified: Option<std::time::SystemTime>,
}

/// The mark of a file; `None` if no regular file is there.
#[must_use]
pub fn stamp(path: &Path) -> Option<Stamp> {
    let path = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    Some(Stamp { path, length: metadata.len(), modified: metadata.modified().ok() })
}

/// The files in a folder itself that hold no more than `limit` bytes, by name; unreadable ones are passed over.
#[must_use]
pub fn small_files(folder: &Path, limit: u64) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).max_depth(1).follow_links(true).sort_by_file_name();
    let is_small =
        |entry: &walkdir::DirEntry| entry.metadata().is_ok_and(|found| found.is_file() && found.len() <= limit);
    entries.into_iter().flatten().filter(is_small).map(walkdir::DirEntry::into_path).collect()
}

/// The regular files in a folder, by name: not those in folders within it, and none that a symbolic link leads to.
///
/// # Errors
///
/// [`Error::Io`] if the folder exists and cannot be read.
pub fn list_own(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1).max_depth(1).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) => {}
            Err(error) => return Err(Error::io("read", folder)(error.into())),
        }
    }
    Ok(files)
}

/// Returns true if two paths lead to the same file, existing or not.
#[must_use]
pub fn same(a: &Path, b: &Path) -> bool {
    !is_stdio(a) && !is_stdio(b) && resolve(a) == resolve(b)
}

/// A path without symbolic links, of a file that is there or would be made.
fn resolve(path: &Path) -> PathBuf {
    let end = place::end(path);
    match fs::canonicalize(folder_of(&end)) {
        Ok(folder) => folder.join(end.file_name().unwrap_or_default()),
        Err(_) => end,
    }
}

/// The path of a folder below another, without links; `None` if `..` or a link leads elsewhere.
#[must_use]
pub fn below(above: &Path, path: &Path) -> Option<PathBuf> {
    let above = fs::canonicalize(if above.as_os_str().is_empty() { Path::new(".") } else { above }).ok()?;
    let end = place::end(&above.join(path));
    Some(end.strip_prefix(&above).ok()?.to_owned())
}

/// Makes a folder and its parents; `private` ones are open to their owner alone.
///
/// # Errors
///
/// [`Error::Io`].
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

/// Removes a file; one that is not there is no error.
///
/// # Errors
///
/// [`Error::Io`].
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

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
    let Ok(folder) = Folder::open(folder) else { return Ok(FolderLock { _file: None }) };
    let lock = FolderLock { _file: folder.lock() };
    stage::recover(&folder)?;
    Ok(lock)
}

/// An exclusive lock on a folder, held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: Option<File>,
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

/// Flushes files to disk all at once: the waits overlap, so three files cost hardly more than one.
fn sync(mut staged: Vec<(File, &Path)>) -> Result<(), Error> {
    let last = staged.pop();
    std::thread::scope(|scope| {
        let flush = |(file, path): (File, &Path)| file.sync_all().map_err(Error::io("write", path));
        let waits: Vec<_> = staged.into_iter().map(|file| scope.spawn(move || flush(file))).collect();
        // The last one needs no thread.
        last.map_or(Ok(()), flush)?;
        waits.into_iter().try_for_each(|wait| wait.join().unwrap_or(Ok(())))
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
