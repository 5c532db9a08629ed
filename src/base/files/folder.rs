//! An open folder, and the files below it, reached without following a link.
//!
//! Each folder on the way is opened by the folder above it, never by its path from the root of the file system: a link
//! that somebody puts in the way ends in an error, not elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RawMode};
use zeroize::Zeroizing;

use super::READ_LIMIT;
use super::owner::Entry;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    file: File,
    path: PathBuf,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder; links on the way to the folder are followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        Ok(Self { file: file.into(), path: path.to_owned() })
    }

    /// The path that the folder was opened by, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the folder's names to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Waits for an exclusive lock that lasts as long as the returned file.
    ///
    /// A file system without locks (some network shares) is no reason to refuse work.
    pub(super) fn lock(&self) -> Option<File> {
        // A description of its own: a lock is shared by all duplicates of one.
        let file = File::from(rustix::fs::openat(&self.file, ".", FOLDER, Mode::empty()).ok()?);
        file.lock().ok().map(|()| file)
    }

    /// Opens a folder below this one.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Self> {
        let mut parts = path.components();
        let mut file = match parts.next() {
            Some(part) => self.step(&self.file, part)?,
            None => self.file.try_clone()?,
        };
        for part in parts {
            file = self.step(&file, part)?;
        }
        let path = if path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(path) };
        Ok(Self { file, path })
    }

    #[expect(clippy::unused_self, reason = "reads as what it does")]
    fn step(&self, from: &File, part: Component<'_>) -> io::Result<File> {
        let flags = FOLDER.union(OFlags::NOFOLLOW);
        Ok(rustix::fs::openat(from, plain(part)?, flags, Mode::empty())?.into())
    }

    /// Makes a folder below this one, and the folders in between; an existing one is no error.
    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut made = PathBuf::new();
        for part in path.components() {
            made.push(plain(part)?);
            let mode = Mode::from_raw_mode(0o777);
            match self.within(&made, |folder, name| Ok(rustix::fs::mkdirat(folder, name, mode)?)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes one folder, which must not exist.
    pub(super) fn create_new_folder(&self, path: &Path) -> io::Result<()> {
        self.within(path, |folder, name| Ok(rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o777))?))
    }

    /// Makes a file, which must not exist, with a mode as far as the umask lets it.
    pub(super) fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(RawMode::try_from(mode).unwrap_or(0o600));
        self.within(path, |folder, name| Ok(rustix::fs::openat(folder, name, flags, mode)?.into()))
    }

    /// Reads a regular file.
    pub(super) fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        // A pipe must not be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open =
            |folder: &File, name: &OsStr| Ok(File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?));
        let file = self.within(path, open)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let size = usize::try_from(metadata.len().min(READ_LIMIT)).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
        file.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READ_LIMIT {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    }

    /// Looks at an entry, without following a link; `None` if nothing is there.
    pub(super) fn find(&self, path: &Path) -> io::Result<Option<Entry>> {
        let stat = self.within(path, |folder, name| Ok(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?));
        match stat {
            Ok(stat) => Ok(Some(Entry::of_stat(&stat))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a link, whose name must be free.
    pub(super) fn symlink(&self, text: &Path, path: &Path) -> io::Result<()> {
        self.within(path, |folder, name| Ok(rustix::fs::symlinkat(text, folder, name)?))
    }

    /// The text of a link; `None` for anything else.
    pub(super) fn read_link(&self, path: &Path) -> Option<PathBuf> {
        let text = self.within(path, |folder, name| Ok(rustix::fs::readlinkat(folder, name, Vec::new())?));
        text.ok().map(|text| PathBuf::from(OsString::from_vec(text.into_bytes())))
    }

    /// Renames an entry, and replaces an existing one.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.within(from, |from_folder, from| {
            self.within(to, |to_folder, to| Ok(rustix::fs::renameat(from_folder, from, to_folder, to)?))
        })
    }

    /// Gives a file a second name, which must be free.
    pub(super) fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.within(from, |from_folder, from| {
            self.within(to, |to_folder, to| Ok(rustix::fs::linkat(from_folder, from, to_folder, to, AtFlags::empty())?))
        })
    }

    /// Removes a file or a link; one that is not there is no error.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        gone(self.within(path, |folder, name| Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)))
    }

    /// Removes an empty folder; one that is not there is no error.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        gone(self.within(path, |folder, name| Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)))
    }

    /// The entries of this folder by name, each with true for a folder, in no order.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                FileType::Unknown => self.find(Path::new(&name))?.is_some_and(Entry::is_folder),
                kind => kind == FileType::Directory,
            };
            entries.push((name, is_folder));
        }
        Ok(entries)
    }

    /// Works on an entry by the folder that holds it.
    fn within<T>(&self, path: &Path, work: impl FnOnce(&File, &OsStr) -> io::Result<T>) -> io::Result<T> {
        let name = path.components().next_back().ok_or(io::ErrorKind::InvalidInput)?;
        let name = plain(name)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => work(&self.folder(parent)?.file, name),
            _ => work(&self.file, name),
        }
    }
}

/// A part of a path that is a name: neither `..` nor the root.
fn plain(part: Component<'_>) -> io::Result<&OsStr> {
    match part {
        Component::Normal(name) => Ok(name),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
