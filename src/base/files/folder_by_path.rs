//! A folder, and the files below it, by their paths: for systems without `openat`.
//!
//! Links below the folder are refused when they are met; who puts one there in the meantime is not noticed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::READ_LIMIT;
use super::owner::Entry;

/// A folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// The path that the folder was opened by, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the folder's names to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        // Some systems open no folders, and need no flush.
        File::open(&self.path).map_or(Ok(()), |folder| folder.sync_all())
    }

    /// Waits for an exclusive lock that lasts as long as the returned file; a system that opens no folders has none.
    pub(super) fn lock(&self) -> Option<File> {
        File::open(&self.path).ok().filter(|file| file.lock().is_ok())
    }

    /// Opens a folder below this one.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Self> {
        Self::open(&self.below(&path.join("."))?)
    }

    /// Makes a folder below this one, and the folders in between; an existing one is no error.
    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(self.below(path)?)
    }

    /// Makes one folder, which must not exist.
    pub(super) fn create_new_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(self.below(path)?)
    }

    /// Makes a file, which must not exist.
    pub(super) fn create(&self, path: &Path, _: u32) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.below(path)?)
    }

    /// Reads a regular file.
    pub(super) fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let path = self.below(path)?;
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(&path)?.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READ_LIMIT {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    }

    /// Looks at an entry, without following a link; `None` if nothing is there.
    pub(super) fn find(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(self.below(path)?) {
            Ok(metadata) => Ok(Some(Entry::of_metadata(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// No link is made here: they take a right that few users have.
    #[expect(clippy::unused_self, reason = "as where there is `openat`")]
    pub(super) fn symlink(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The text of a link; `None` for anything else.
    pub(super) fn read_link(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(self.below(path).ok()?).ok()
    }

    /// Renames an entry, and replaces an existing one.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.below(from)?, self.below(to)?)
    }

    /// Gives a file a second name, which must be free.
    pub(super) fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(self.below(from)?, self.below(to)?)
    }

    /// Removes a file or a link; one that is not there is no error.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        gone(fs::remove_file(self.below(path)?))
    }

    /// Removes an empty folder; one that is not there is no error.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        gone(fs::remove_dir(self.below(path)?))
    }

    /// The entries of this folder by name, each with true for a folder, in no order.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?.is_dir()))
        };
        fs::read_dir(&self.path)?.map(entry).collect()
    }

    /// The path of an entry, unless a link is on the way to it.
    fn below(&self, path: &Path) -> io::Result<PathBuf> {
        let mut names: Vec<&OsStr> = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => names.push(name),
                Component::CurDir => {}
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        let mut below = self.path.clone();
        for (index, name) in names.iter().enumerate() {
            below.push(name);
            if index + 1 < names.len() && fs::symlink_metadata(&below).is_ok_and(|metadata| metadata.is_symlink()) {
                return Err(io::Error::other("a link is in the way"));
            }
        }
        Ok(below)
    }
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
