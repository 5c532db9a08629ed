//! Paths: whether a file is there, which file it is, and folders on the way to it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, place};

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

/// Returns true if two paths lead to the same file, existing or not.
#[must_use]
pub fn same(a: &Path, b: &Path) -> bool {
    !is_stdio(a) && !is_stdio(b) && resolve(a) == resolve(b)
}

/// A path without symbolic links, of a file that is there or would be made.
fn resolve(path: &Path) -> PathBuf {
    let end = place::end(path);
    match fs::canonicalize(place::folder_of(&end)) {
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
