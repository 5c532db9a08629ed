//! Files that several runs share: a lock that one of them holds at a time, a log that each adds lines to.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Error;

/// An exclusive lock by the name of a file, held until dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Waits for the lock of this name; the file is made when missing, stays, and holds nothing.
///
/// A file system without locks (some network shares) is no reason to refuse work.
///
/// # Errors
///
/// [`Error::Io`] when the file cannot be made.
pub fn lock(path: &Path) -> Result<FileLock, Error> {
    let file = open_lock(path)?;
    file.lock().ok();
    Ok(FileLock { _file: file })
}

/// As [`lock`], but returns `None` at once if another process holds the lock.
///
/// # Errors
///
/// [`Error::Io`] when the file cannot be made.
pub fn try_lock(path: &Path) -> Result<Option<FileLock>, Error> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        _ => Ok(Some(FileLock { _file: file })),
    }
}

fn open_lock(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    private(&mut options);
    options.open(path).map_err(Error::io("lock", path))
}

/// Adds lines to a file, made when missing and then its owner's alone; returns once they are on the disk.
///
/// A last line that a power cut has torn is ended first, so that it spoils no other. Writers hold a [`lock`].
///
/// # Errors
///
/// [`Error::Io`].
pub fn append_lines(path: &Path, lines: &[String]) -> Result<(), Error> {
    let append = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        private(&mut options);
        let mut file = options.open(path)?;
        let mut text = String::new();
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                text.push('\n');
            }
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        // One write: a run that is killed has written all of it or nothing.
        file.write_all(text.as_bytes())?;
        file.sync_data()
    };
    append().map_err(Error::io("write", path))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append_lines(&path, &["one".to_owned()]).unwrap();
        std::fs::write(&path, "one\ntw").unwrap();
        append_lines(&path, &["three".to_owned()]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntw\nthree\n");
    }
}
