//! The last step of a set of files, taken by the run that began it or by the next one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use super::folder::Folder;
use super::hidden::{NEW, NEXT, OLD, PREFIX, Side, absent, clear, files, link_text, side};
use super::owner::Entry;

/// Goes on where killed runs have stopped, in a folder.
///
/// # Errors
///
/// [`Error::Io`].
pub(super) fn recover(root: &Folder) -> Result<(), Error> {
    let entries = root.entries().map_err(Error::io("read", root.path()))?;
    for (name, is_folder) in entries {
        let Some(name) = name.to_str().filter(|name| is_folder && name.starts_with(PREFIX)) else { continue };
        // Another user's is that user's to finish.
        if root.find(name.as_ref()).is_ok_and(|entry| entry.is_some_and(|entry| entry.is_folder() && entry.is_ours())) {
            recover_one(root, name)?;
        }
    }
    Ok(())
}

/// Goes on from one hidden folder.
pub(super) fn recover_one(root: &Folder, name: &str) -> Result<(), Error> {
    let folder = root.folder(name.as_ref()).map_err(Error::io("read", root.path()))?;
    if let Some(side) = side(&folder) {
        settle(root, name, side)?;
    }
    clear(root, name)
}

/// Replaces each link by the file on the side that counts, and puts new files where nothing is. Returns the files that
/// are others' by now, which stay.
pub(super) fn settle(root: &Folder, name: &str, side: Side) -> Result<Vec<PathBuf>, Error> {
    let folder = root.folder(name.as_ref()).map_err(Error::io("read", root.path()))?;
    let stage = Path::new(name);
    let put = put_folders(root, stage, side).map_err(Error::io("write", root.path()))?;
    let mut paths = BTreeSet::new();
    for side in [NEW, OLD] {
        paths.extend(files(&folder, side).map_err(Error::io("read", root.path()))?);
    }
    let mut taken = Vec::new();
    let is_put = |path: &Path| path.components().next().is_some_and(|first| put.contains(Path::new(first.as_os_str())));
    for path in paths.iter().filter(|path| !is_put(path)) {
        let target = root.path().join(path);
        if !settle_one(root, stage, side, path).map_err(Error::io("write", &target))? {
            taken.push(target);
        }
    }
    Ok(taken)
}

/// Moves whole folders of new files to where nothing is yet.
fn put_folders(root: &Folder, stage: &Path, side: Side) -> io::Result<BTreeSet<PathBuf>> {
    let mut put = BTreeSet::new();
    if side == Side::Old {
        return Ok(put);
    }
    let new = stage.join(NEW);
    // Absent if a killed run was clearing the hidden folder away.
    let Some(folder) = root.folder(&new).map(Some).or_else(absent)? else { return Ok(put) };
    for (name, is_folder) in folder.entries()? {
        if is_folder && root.find(name.as_ref())?.is_none() {
            root.rename(&new.join(&name), name.as_ref())?;
            put.insert(name.into());
        }
    }
    Ok(put)
}

/// Settles a file; `false` if another program has replaced the file.
pub(super) fn settle_one(root: &Folder, stage: &Path, side: Side, path: &Path) -> io::Result<bool> {
    let (source, new, old) =
        (stage.join(side.name()).join(path), stage.join(NEW).join(path), stage.join(OLD).join(path));
    // A path through a link leads nowhere.
    let Ok(target) = root.find(path).or_else(absent) else { return Ok(false) };
    let is_linked = || root.read_link(path).is_some_and(|text| text == link_text(&stage.to_string_lossy(), path));
    if target.is_some_and(Entry::is_link) && is_linked() {
        return if root.find(&source).or_else(absent)?.is_some() {
            replace_link(root, stage, &source, path).map(|()| true)
        } else {
            remove(root, path).map(|()| true)
        };
    }
    let Some(staged) = root.find(&new).or_else(absent)?.filter(|_| side == Side::New) else {
        // Nothing is to come here; a file to be removed that is no link is one on a system without links.
        let is_to_go = side == Side::New && target.is_some() && is_old(root, &old, path)?;
        return if is_to_go { remove(root, path).map(|()| true) } else { Ok(true) };
    };
    match target {
        None => put_new(root, &new, path),
        Some(target) if target.is_same(staged) => root.remove(&new).map(|()| true),
        Some(_) if is_old(root, &old, path)? => root.rename(&new, path).map(|()| true),
        Some(_) => Ok(false),
    }
}

/// Replaces a link by the file that it leads to. The file keeps its name in the hidden folder as well: a reader that
/// has read the link a moment ago still finds it there.
fn replace_link(root: &Folder, stage: &Path, source: &Path, path: &Path) -> io::Result<()> {
    let next = stage.join(NEXT);
    root.remove(&next)?;
    match root.link(source, &next) {
        Ok(()) => root.rename(&next, path),
        // No second names on this file system.
        Err(_) => root.rename(source, path),
    }
}

/// Decides whether a target is still the file that was there when the set was begun.
fn is_old(root: &Folder, old: &Path, path: &Path) -> io::Result<bool> {
    let (Some(old_entry), Some(target)) = (root.find(old).or_else(absent)?, root.find(path)?) else { return Ok(false) };
    let is_link = target.is_link() && root.read_link(old).is_some() && root.read_link(old) == root.read_link(path);
    Ok(target.is_same(old_entry) || is_link || (target.is_file() && root.read(old)? == root.read(path)?))
}

/// Puts a file where nothing is; `false` if somebody else was quicker.
fn put_new(root: &Folder, staged: &Path, path: &Path) -> io::Result<bool> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        root.create_folder(folder)?;
    }
    match root.link(staged, path) {
        Ok(()) => root.remove(staged).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // No second names on this file system: the name was free a moment ago.
        Err(_) if root.find(path)?.is_none() => root.rename(staged, path).map(|()| true),
        Err(error) => Err(error),
    }
}

/// Removes a file, and its folder if that is empty then.
fn remove(root: &Folder, path: &Path) -> io::Result<()> {
    root.remove(path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // A folder that holds something else stays.
        let _ = root.remove_folder(folder);
    }
    Ok(())
}
