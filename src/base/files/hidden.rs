//! The hidden folder in which a set of files is staged: the names in it, the side that counts, and its end.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::Error;
use super::folder::Folder;

/// The beginning of a hidden folder's name.
pub(super) const PREFIX: &str = ".secure-io-new-";
/// The files to come.
pub(super) const NEW: &str = "new";
/// The files to go.
pub(super) const OLD: &str = "old";
/// The name of the link to either side, and the name under which a new link is made.
pub(super) const CURRENT: &str = "current";
pub(super) const NEXT: &str = "next";
/// Folders within folders in a set: more than any set has.
const DEPTH_LIMIT: usize = 8;

/// The side that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Old => OLD,
            Self::New => NEW,
        }
    }
}

/// The text of the link that stands for a target: up to the root, and down into the hidden folder.
pub(super) fn link_text(name: &str, path: &Path) -> PathBuf {
    let up = path.components().skip(1).map(|_| "..");
    up.chain([name, CURRENT]).collect::<PathBuf>().join(path)
}

/// Returns true if the text of a link is one that [`link_text`] makes: the target of a set that a killed run has left.
pub(super) fn is_link_text(text: &Path) -> bool {
    let mut parts = text.components().map(Component::as_os_str).skip_while(|part| *part == "..");
    let is_hidden = parts.next().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(PREFIX));
    is_hidden && parts.next().is_some_and(|part| part == CURRENT)
}

/// The side that counts in a hidden folder; `None` before there is a choice.
pub(super) fn side(folder: &Folder) -> Option<Side> {
    let current = Path::new(CURRENT);
    let text = folder.read_link(current).map(|text| text.to_string_lossy().into_owned().into_bytes());
    let text = text.or_else(|| folder.read(current).ok().map(|text| text.to_vec()))?;
    [Side::Old, Side::New].into_iter().find(|side| side.name().as_bytes() == text)
}

/// Records the side that counts: by a link, or on a system without links by a file that holds the name.
pub(super) fn mark(folder: &Folder, side: Side) -> io::Result<()> {
    let (next, current) = (Path::new(NEXT), Path::new(CURRENT));
    folder.remove(next)?;
    if folder.symlink(side.name().as_ref(), next).is_err() {
        folder.create(next, 0o600)?.write_all(side.name().as_bytes())?;
    }
    folder.rename(next, current)
}

/// The files in a part of a hidden folder, by their paths from there.
pub(super) fn files(folder: &Folder, part: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    match folder.folder(part.as_ref()) {
        Ok(folder) => collect(&folder, Path::new(""), DEPTH_LIMIT, &mut files)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(files)
}

fn collect(folder: &Folder, path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for (name, is_folder) in folder.entries()? {
        let path = path.join(&name);
        match (is_folder, depth.checked_sub(1)) {
            (false, _) => files.push(path),
            (true, Some(depth)) => collect(&folder.folder(name.as_ref())?, &path, depth, files)?,
            (true, None) => {}
        }
    }
    Ok(())
}

/// Removes a hidden folder with all its content, links as links.
pub(super) fn clear(root: &Folder, name: &str) -> Result<(), Error> {
    let clear = |folder: Folder| {
        // First the choice: without it the next run finds nothing to settle.
        folder.remove(CURRENT.as_ref())?;
        empty(&folder)?;
        root.remove_folder(name.as_ref())
    };
    let cleared = root.folder(name.as_ref()).and_then(clear);
    match cleared {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", &root.path().join(name))(error))
        }
        _ => Ok(()),
    }
}

fn empty(folder: &Folder) -> io::Result<()> {
    for (name, is_folder) in folder.entries()? {
        let name = Path::new(&name);
        if is_folder {
            empty(&folder.folder(name)?)?;
            folder.remove_folder(name)?;
        } else {
            folder.remove(name)?;
        }
    }
    Ok(())
}

/// `None` for an error that says that nothing is there.
pub(super) fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
}
