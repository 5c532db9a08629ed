//! Reads a path or standard input; writes sets of new files whole or not at all.
//!
//! A set is written in three steps, under a lock on its folder. Every file is *staged* beside its target and fsynced.
//! A *journal* naming all renames is put in place: from here on the set counts as written. Then the files are
//! renamed, with replaced certificates withdrawn first, so that at no moment a key stands beside the wrong
//! certificate. A run killed before the journal leaves the old set; one killed after it is finished by the next run
//! that comes by ([`settle`]), which also clears away what was left staged.

#![expect(clippy::disallowed_methods, reason = "this is the one module that does it")]

mod access;
mod journal;
mod shared;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

pub use self::access::{Access, access, make_private};
use self::journal::{Journal, STAGED_SUFFIX, Staged};
pub use self::shared::{FileLock, append_line, lock};
pub use self::tree::Tree;

/// More than any key, certificate or bundle is long: 64 MiB.
///
/// Bounds what an endless pipe can make us read.
pub const READ_LIMIT: u64 = 64 << 20;

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
    read_limited(open(path)?, path)
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
                Ok(_) if has_failed => return Some(Err(Error::TooLong { path: path.clone() })),
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

/// Whether a file is there and we may write to it.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    OpenOptions::new().append(true).open(path).is_ok()
}

/// The files in a folder and those within it, by name; what cannot be read is passed over.
#[must_use]
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// The files in a folder itself that hold no more than `limit` bytes, by name; what cannot be read is passed over.
#[must_use]
pub fn small_files(folder: &Path, limit: u64) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).max_depth(1).follow_links(true).sort_by_file_name();
    let is_small =
        |entry: &walkdir::DirEntry| entry.metadata().is_ok_and(|found| found.is_file() && found.len() <= limit);
    entries.into_iter().flatten().filter(is_small).map(walkdir::DirEntry::into_path).collect()
}

/// Whether two paths lead to the same file, one that is there or one that would be made.
#[must_use]
pub fn same(a: &Path, b: &Path) -> bool {
    !is_stdio(a) && !is_stdio(b) && resolve(a) == resolve(b)
}

/// Where a path leads: its folder without symbolic links, and if it is one itself, what it points to.
fn resolve(path: &Path) -> PathBuf {
    /// As Linux follows.
    const MAX_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    match fs::canonicalize(folder_of(&path)) {
        Ok(folder) => folder.join(path.file_name().unwrap_or_default()),
        Err(_) => path,
    }
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
    let (devices, regular): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_device(&file.path));
    let locked = settle_all(regular.iter().map(|file| file.path()))?;
    check_set(files.iter().map(NewFile::path), existing)?;
    let staged = regular.into_iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    sync(&staged)?;
    Journal::write(staged, existing)?.finish()?;
    // A pipe may wait long for its reader, and others must not wait with it.
    drop(locked);
    for file in devices {
        let mut device = OpenOptions::new().write(true).open(&file.path).map_err(Error::io("write", &file.path))?;
        device.write_all(&file.content).map_err(Error::io("write", &file.path))?;
    }
    Ok(())
}

/// Finishes what a killed run left in the folders of these files, and clears away what it had staged.
///
/// The folders stay locked, against other runs, until the value returned is dropped.
///
/// # Errors
///
/// [`Error::Io`] when a folder cannot be read or a rename cannot be done.
pub fn settle_all<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<Vec<FolderLock>, Error> {
    // Each folder once and in one order: two runs that want the same folders must not wait for each other.
    let folders: BTreeSet<PathBuf> = paths.map(|path| folder_of(&resolve(path)).to_owned()).collect();
    folders.iter().map(|folder| settle(folder)).collect()
}

/// As [`settle_all`], for one folder.
///
/// # Errors
///
/// As [`settle_all`].
pub fn settle(folder: &Path) -> Result<FolderLock, Error> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let lock = FolderLock::take(folder);
    journal::settle(folder)?;
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

fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn stage(file: &NewFile) -> Result<Staged, Error> {
    let target = resolve(&file.path);
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
