//! Folders listed, and the states of files in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Error;

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
    small_of(entries_of(folder).flatten(), limit)
}

/// The same, if the folder itself can be read.
///
/// # Errors
///
/// [`Error::Io`] if it cannot.
pub fn try_small_files(folder: &Path, limit: u64) -> Result<Vec<PathBuf>, Error> {
    let (mut found, mut fault) = (Vec::new(), None);
    for entry in entries_of(folder) {
        match entry {
            Ok(entry) => found.push(entry),
            // Links that lead nowhere are told apart by their own paths.
            Err(error) if error.path().is_none_or(|path| path == folder) => fault = Some(error),
            Err(_) => {}
        }
    }
    match fault {
        // Without walkdir's own words about it.
        Some(error) => {
            Err(Error::io("read", folder)(error.into_io_error().unwrap_or_else(|| io::Error::other("a loop"))))
        }
        None => Ok(small_of(found.into_iter(), limit)),
    }
}

fn entries_of(folder: &Path) -> walkdir::IntoIter {
    walkdir::WalkDir::new(folder).max_depth(1).follow_links(true).sort_by_file_name().into_iter()
}

fn small_of(entries: impl Iterator<Item = walkdir::DirEntry>, limit: u64) -> Vec<PathBuf> {
    let is_small =
        |entry: &walkdir::DirEntry| entry.metadata().is_ok_and(|found| found.is_file() && found.len() <= limit);
    entries.filter(is_small).map(walkdir::DirEntry::into_path).collect()
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
