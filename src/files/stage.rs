//! Puts a set of files into a folder at one moment, old ones and new ones alike.
//!
//! A set is staged in a hidden folder beside its targets: `new/` holds the files to come, `old/` second names of the
//! files to go, and the link `current` leads to `old`. Then
//!
//! 1. each target becomes a link to its own name below `current`, and so still reads as before;
//! 2. `current` is replaced by a link to `new`: the whole set changes in this one rename;
//! 3. each link is replaced by the file that it leads to, and the hidden folder is removed.
//!
//! At no moment is a target missing that was there, or a key beside the certificate of another key, whenever the
//! process is killed. The next run that comes by goes on from the link `current` ([`recover`]): back before step 2,
//! forward after it. Going on replaces nothing but links that lead into the hidden folder, so a hidden folder that
//! somebody planted (in an archive, a repository) can do no harm.
//!
//! Files of a folder in which none of the set is there yet are simply put there after step 2. A system without links
//! (FAT, Windows) replaces file by file in step 3; a run killed there leaves the files that are still to be replaced
//! as they are in `old`, by which the next run knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::{Error, Existing};

/// The beginning of a hidden folder's name.
const PREFIX: &str = ".secure-io-new-";
/// The files to come.
const NEW: &str = "new";
/// The files to go.
const OLD: &str = "old";
/// The name by which the link to either is kept, and the one it is made under.
const CURRENT: &str = "current";
const NEXT: &str = "next";
/// Folders within folders in a set: more than any set has.
const DEPTH_LIMIT: usize = 8;

/// The side that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Old => OLD,
            Self::New => NEW,
        }
    }
}

/// A set of files on its way into a folder.
#[derive(Debug)]
pub(super) struct Stage {
    root: Folder,
    name: String,
    /// The hidden folder, opened: another user who renames it gets nothing.
    folder: Folder,
    /// Targets that were free and are to be taken, for [`Stage::take_back`].
    fresh: Vec<PathBuf>,
    is_settled: bool,
}

impl Stage {
    /// Makes the hidden folder.
    pub(super) fn new(root: &Folder) -> io::Result<Self> {
        let root = root.folder(Path::new(""))?;
        let name = format!("{PREFIX}{}", random_letters());
        root.create_new_folder(name.as_ref())?;
        let folder = root.folder(name.as_ref())?;
        let stage = Self { root, name, folder, fresh: Vec::new(), is_settled: false };
        stage.folder.create_new_folder(NEW.as_ref())?;
        Ok(stage)
    }

    /// Writes a file of the set, `path` being relative to the root, with a mode as far as the umask lets it.
    pub(super) fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<File> {
        let staged = Path::new(NEW).join(path);
        // Most folders are there already when their second file comes.
        let mut file = match self.folder.create(&staged, mode) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.folder.create_folder(staged.parent().unwrap_or(Path::new("")))?;
                self.folder.create(&staged, mode)?
            }
            file => file?,
        };
        file.write_all(content)?;
        Ok(file)
    }

    /// Makes links of the targets, which read as before; files to be `removed` among them.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if a target is there that [`Existing::Keep`] keeps, [`Error::IsFolder`], [`Error::Io`]; the
    /// targets are as they were then.
    pub(super) fn arm(&mut self, removed: &[String], existing: Existing) -> Result<(), Error> {
        let new = self.files(NEW)?;
        let mut groups: BTreeMap<&Path, Vec<(&Path, bool)>> = BTreeMap::new();
        let all = new.iter().map(PathBuf::as_path).chain(removed.iter().map(Path::new));
        for path in all {
            let found =
                self.root.find(path).or_else(absent).map_err(Error::io("read", &self.root.path().join(path)))?;
            match found {
                Some(entry) if entry.is_folder() => return Err(Error::IsFolder { path: self.root.path().join(path) }),
                Some(_) if existing == Existing::Keep => {
                    return Err(Error::Exists { path: self.root.path().join(path) });
                }
                _ => {}
            }
            groups.entry(path.parent().unwrap_or(Path::new(""))).or_default().push((path, found.is_some()));
        }
        let (standing, fresh): (Vec<_>, Vec<_>) =
            groups.into_values().partition(|group| group.iter().any(|(_, is_there)| *is_there));
        self.fresh = fresh.iter().flatten().map(|(path, _)| (*path).to_owned()).collect();
        let linked: Vec<_> = standing.into_iter().flatten().collect();
        if !linked.is_empty() {
            self.keep_old(&linked)?;
        }
        self.mark(Side::Old)?;
        // One file by itself is replaced in one rename as it is.
        if linked.len() + self.fresh.len() > 1 {
            for (path, is_there) in &linked {
                let target = self.root.path().join(path);
                if !self.link(path, *is_there).map_err(Error::io("replace", &target))? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Gives the files to go a second name.
    fn keep_old(&self, linked: &[(&Path, bool)]) -> Result<(), Error> {
        let keep = |path: &Path| {
            let (root, own) = (Path::new(&self.name), Path::new(OLD).join(path));
            self.folder.create_folder(own.parent().unwrap_or(Path::new("")))?;
            // The kernel lets no user link to another's file, and some file systems know no second names.
            self.root.link(path, &root.join(&own)).or_else(|_| {
                let mode = self.root.find(path)?.map_or(0o600, |entry| entry.permissions());
                self.folder.create(&own, mode)?.write_all(&self.root.read(path)?)
            })
        };
        for (path, _) in linked.iter().filter(|(_, is_there)| *is_there) {
            keep(path).map_err(Error::io("replace", &self.root.path().join(path)))?;
        }
        Ok(())
    }

    /// Makes a link of a target; `false` if there are no links here.
    fn link(&self, path: &Path, is_there: bool) -> io::Result<bool> {
        let own = Path::new(NEXT);
        if let Err(error) = self.folder.symlink(&link_text(&self.name, path), own) {
            // FAT says that it is not permitted.
            let is_unknown = matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied);
            return if is_unknown { Ok(false) } else { Err(error) };
        }
        let own = Path::new(&self.name).join(own);
        if is_there {
            return self.root.rename(&own, path).map(|()| true);
        }
        // A name that is free must stay free for others: two names of one link, and then one.
        self.root.link(&own, path)?;
        self.root.remove(&own).map(|()| true)
    }

    /// Says which side counts, in one rename.
    fn mark(&self, side: Side) -> Result<(), Error> {
        mark(&self.folder, side).map_err(Error::io("write", self.root.path()))
    }

    /// Makes the new files count.
    pub(super) fn flip(&self) -> Result<(), Error> {
        self.mark(Side::New)
    }

    /// Puts the files in the place of the links, and removes the hidden folder.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if a name that was free has been taken in the meantime: the other files are in place then, until
    /// [`Stage::take_back`].
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let taken = settle(&self.root, &self.name, Side::New)?;
        if let Some(path) = taken.into_iter().next() {
            return Err(Error::Exists { path });
        }
        self.is_settled = true;
        clear(&self.root, &self.name)
    }

    /// Removes the files of a new set again, after another file of the set could not be put in place.
    pub(super) fn take_back(&mut self) -> Result<(), Error> {
        if !self.is_settled {
            self.mark(Side::Old)?;
        }
        for path in std::mem::take(&mut self.fresh) {
            let staged = Path::new(&self.name).join(NEW).join(&path);
            let is_put = self.is_settled || self.root.find(&staged).is_ok_and(|entry| entry.is_none());
            if is_put {
                self.root.remove(&path).map_err(Error::io("remove", &self.root.path().join(&path)))?;
            }
        }
        Ok(())
    }

    fn files(&self, side: &str) -> Result<Vec<PathBuf>, Error> {
        files(&self.folder, side).map_err(Error::io("read", self.root.path()))
    }
}

impl Drop for Stage {
    /// Goes back to the old files unless the new ones count already.
    fn drop(&mut self) {
        if !self.is_settled {
            // What cannot be done now is done by the next run.
            let _ = recover_one(&self.root, &self.name);
        }
    }
}

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

fn recover_one(root: &Folder, name: &str) -> Result<(), Error> {
    let folder = root.folder(name.as_ref()).map_err(Error::io("read", root.path()))?;
    if let Some(side) = side(&folder) {
        settle(root, name, side)?;
    }
    clear(root, name)
}

/// Replaces each link by the file on the side that counts, and puts new files where nothing is. Returns the files that
/// are others' by now, which stay.
fn settle(root: &Folder, name: &str, side: Side) -> Result<Vec<PathBuf>, Error> {
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
    for (name, is_folder) in root.folder(&new)?.entries()? {
        if is_folder && root.find(name.as_ref())?.is_none() {
            root.rename(&new.join(&name), name.as_ref())?;
            put.insert(name.into());
        }
    }
    Ok(put)
}

/// Settles a file; `false` if it is another's by now.
fn settle_one(root: &Folder, stage: &Path, side: Side, path: &Path) -> io::Result<bool> {
    let (source, new, old) =
        (stage.join(side.name()).join(path), stage.join(NEW).join(path), stage.join(OLD).join(path));
    // A path through a link leads nowhere.
    let Ok(target) = root.find(path).or_else(absent) else { return Ok(false) };
    let is_linked = || root.read_link(path).is_some_and(|text| text == link_text(&stage.to_string_lossy(), path));
    if target.is_some_and(|target| target.is_link()) && is_linked() {
        return if root.find(&source).or_else(absent)?.is_some() {
            root.rename(&source, path).map(|()| true)
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

/// Whether a target is still the file that was there when the set was begun.
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

/// Removes a file, and its folder if it was the last in it.
fn remove(root: &Folder, path: &Path) -> io::Result<()> {
    root.remove(path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // A folder that holds something else stays.
        let _ = root.remove_folder(folder);
    }
    Ok(())
}

/// The text of the link that stands for a target: up to the root, and down into the hidden folder.
fn link_text(name: &str, path: &Path) -> PathBuf {
    let up = path.components().skip(1).map(|_| "..");
    up.chain([name, CURRENT]).collect::<PathBuf>().join(path)
}

/// Which side counts in a hidden folder; `None` before there is a choice.
fn side(folder: &Folder) -> Option<Side> {
    let current = Path::new(CURRENT);
    let text = folder.read_link(current).map(|text| text.to_string_lossy().into_owned().into_bytes());
    let text = text.or_else(|| folder.read(current).ok().map(|text| text.to_vec()))?;
    [Side::Old, Side::New].into_iter().find(|side| side.name().as_bytes() == text)
}

/// Says which side counts: by a link, or where there are none, by a file that holds its name.
fn mark(folder: &Folder, side: Side) -> io::Result<()> {
    let (next, current) = (Path::new(NEXT), Path::new(CURRENT));
    folder.remove(next)?;
    if folder.symlink(side.name().as_ref(), next).is_err() {
        folder.create(next, 0o600)?.write_all(side.name().as_bytes())?;
    }
    folder.rename(next, current)
}

/// The files in a part of a hidden folder, by their paths from there.
fn files(folder: &Folder, part: &str) -> io::Result<Vec<PathBuf>> {
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

/// Removes a hidden folder and all in it, links in it as links.
fn clear(root: &Folder, name: &str) -> Result<(), Error> {
    let cleared =
        root.folder(name.as_ref()).and_then(|folder| empty(&folder)).and_then(|()| root.remove_folder(name.as_ref()));
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

fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

fn random_letters() -> String {
    let mut octets = [0; 8];
    aws_lc_rs::rand::fill(&mut octets).expect("the system gives random bytes");
    hex_simd::encode_to_string(octets, hex_simd::AsciiCase::Lower)
}
