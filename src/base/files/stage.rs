//! Puts a set of files into a folder at one moment, old ones and new ones alike.
//!
//! A set is staged in a hidden folder beside its targets: `new/` holds the files to come, `old/` second names of the
//! files to go, and the link `current` leads to `old`. Then
//!
//! 1. each target becomes a link to its own name below `current`, and so still reads as before;
//! 2. `current` is replaced by a link to `new`: the whole set changes in this one rename;
//! 3. each link is replaced by its target, and the hidden folder is removed.
//!
//! At no moment is a target missing that was there, or a key beside the certificate of another key, whenever the
//! process is killed. The next run that comes by goes on from the link `current` ([`recover`]): back before step 2,
//! forward after it. Going on replaces nothing but links that lead into the hidden folder, so a hidden folder that
//! somebody planted (in an archive, a repository) can do no harm.
//!
//! Files of a folder in which none of the set is there yet are simply put there after step 2. A system without links
//! (FAT, Windows) replaces file by file in step 3; a run killed there leaves the files that are still to be replaced
//! as they are in `old`, by which the next run knows them.

use crate::base::hex::hex;
use crate::base::octets::random;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::folder::Folder;
use super::owner::Entry;
use super::{Error, Existing};

/// The beginning of a hidden folder's name.
const PREFIX: &str = ".secure-io-new-";
/// The files to come.
const NEW: &str = "new";
/// The files to go.
const OLD: &str = "old";
/// The name of the link to either side, and the name under which a new link is made.
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
    /// Targets were links for a while.
    has_links: bool,
    is_settled: bool,
}

impl Stage {
    /// Makes the hidden folder.
    pub(super) fn new(root: &Folder) -> io::Result<Self> {
        let root = root.folder(Path::new(""))?;
        let name = format!("{PREFIX}{}", random_letters());
        root.create_new_folder(name.as_ref())?;
        let folder = root.folder(name.as_ref())?;
        let stage = Self { root, name, folder, fresh: Vec::new(), has_links: false, is_settled: false };
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
                self.has_links = true;
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
                let mode = self.root.find(path)?.map_or(0o600, Entry::permissions);
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
        if self.has_links {
            // Readers that followed a link a moment ago get the time to open the file behind it.
            self.root.sync().map_err(Error::io("write", self.root.path()))?;
        }
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
fn settle_one(root: &Folder, stage: &Path, side: Side, path: &Path) -> io::Result<bool> {
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

/// The text of the link that stands for a target: up to the root, and down into the hidden folder.
fn link_text(name: &str, path: &Path) -> PathBuf {
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
fn side(folder: &Folder) -> Option<Side> {
    let current = Path::new(CURRENT);
    let text = folder.read_link(current).map(|text| text.to_string_lossy().into_owned().into_bytes());
    let text = text.or_else(|| folder.read(current).ok().map(|text| text.to_vec()))?;
    [Side::Old, Side::New].into_iter().find(|side| side.name().as_bytes() == text)
}

/// Records the side that counts: by a link, or on a system without links by a file that holds the name.
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

fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

fn random_letters() -> String {
    hex(&random::<8>())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{content, expected, set};
    use super::super::{NewFile, settle as recover_folder, write_set};
    use super::*;
    use std::fs;

    fn name_of(file: &NewFile) -> PathBuf {
        file.path().file_name().unwrap().into()
    }

    /// A set staged in a folder, and the folder's path.
    fn staged(folder: &Path, tag: &str) -> Stage {
        let stage = Stage::new(&Folder::open(folder).unwrap()).unwrap();
        for file in set(folder, tag) {
            stage.write(&name_of(&file), file.content(), 0o600).unwrap();
        }
        stage
    }

    /// The files that a reader finds under the names of the set; a link that leads nowhere counts as missing.
    fn seen(folder: &Path) -> Vec<(String, String)> {
        let read = |name: &str| Some((name.to_owned(), fs::read_to_string(folder.join(name)).ok()?));
        ["cert.pem", "key.pem"].into_iter().filter_map(read).collect()
    }

    /// Does the first `steps` of a set that replaces another, or is the first, and then is killed.
    fn kill_after(steps: usize, folder: &Path, tag: &str) {
        let mut stage = staged(folder, tag);
        let paths = stage.files(NEW).unwrap();
        match steps {
            0 => {}
            // Killed while the links were made: all old files are kept by then, and some are links.
            1..=3 => {
                let root = Folder::open(folder).unwrap();
                let there = |path: &PathBuf| root.find(path).unwrap().is_some();
                let linked: Vec<_> = paths.iter().map(|path| (path.as_path(), there(path))).collect();
                stage.keep_old(&linked).unwrap();
                stage.mark(Side::Old).unwrap();
                for (path, is_there) in linked.iter().take(steps - 1) {
                    assert!(stage.link(path, *is_there).unwrap());
                }
            }
            _ => {
                stage.arm(&[], Existing::Replace).unwrap();
                if steps > 4 {
                    stage.flip().unwrap();
                }
                for path in paths.iter().take(steps.saturating_sub(5)) {
                    assert!(settle_one(&stage.root, Path::new(&stage.name), Side::New, path).unwrap());
                }
            }
        }
        std::mem::forget(stage);
    }

    /// At no step does a reader find half a set, or a name without its file, and the next run leaves nothing behind.
    #[test]
    fn a_run_killed_at_any_step_leaves_one_whole_set() {
        for steps in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
            kill_after(steps, folder.path(), "new");
            let tag = if steps < 5 { "old" } else { "new" };
            assert_eq!(seen(folder.path()), expected(tag), "{steps} steps done");
            drop(recover_folder(folder.path()).unwrap());
            assert_eq!(content(folder.path()), expected(tag), "{steps} steps done");
        }
    }

    #[test]
    fn a_first_set_that_is_killed_is_absent_or_finished_by_the_next_run() {
        for steps in [0, 4, 5, 6, 7] {
            let folder = tempfile::tempdir().unwrap();
            kill_after(steps, folder.path(), "new");
            drop(recover_folder(folder.path()).unwrap());
            let left = if steps < 5 { Vec::new() } else { expected("new") };
            assert_eq!(content(folder.path()), left, "{steps} steps done");
        }
    }

    /// A certificate that stands alone: the key that comes beside it comes with its own certificate.
    #[test]
    fn a_file_that_was_missing_comes_with_the_others() {
        for steps in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("cert.pem"), "cert old").unwrap();
            kill_after(steps, folder.path(), "new");
            let old = vec![("cert.pem".to_owned(), "cert old".to_owned())];
            let tag = if steps < 5 { old } else { expected("new") };
            assert_eq!(seen(folder.path()), tag, "{steps} steps done");
            drop(recover_folder(folder.path()).unwrap());
            assert_eq!(content(folder.path()), tag, "{steps} steps done");
        }
    }

    /// The links of a killed run lead into its hidden folder: that folder was taken for the one to settle.
    #[cfg(unix)]
    #[test]
    fn a_set_whose_targets_are_all_links_is_settled_by_its_paths() {
        let folder = tempfile::tempdir().unwrap();
        write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
        kill_after(4, folder.path(), "new");
        assert!(folder.path().join("cert.pem").is_symlink() && folder.path().join("key.pem").is_symlink());
        drop(super::super::settle_all(set(folder.path(), "new").iter().map(NewFile::path)).unwrap());
        assert_eq!(content(folder.path()), expected("old"));
    }

    /// Where there are no links, `current` is a file, and the next run tells old files by their content.
    #[test]
    fn a_system_without_links_is_gone_on_with_as_well() {
        for done in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
            let stage = staged(folder.path(), "new");
            let paths = stage.files(NEW).unwrap();
            for path in &paths {
                let old = Path::new(OLD).join(path);
                stage.folder.create_folder(Path::new(OLD)).unwrap();
                stage.folder.create(&old, 0o600).unwrap().write_all(&stage.root.read(path).unwrap()).unwrap();
            }
            stage.folder.create(Path::new(CURRENT), 0o600).unwrap().write_all(NEW.as_bytes()).unwrap();
            for path in paths.iter().take(done) {
                stage.root.rename(&Path::new(&stage.name).join(NEW).join(path), path).unwrap();
            }
            std::mem::forget(stage);
            drop(recover_folder(folder.path()).unwrap());
            assert_eq!(content(folder.path()), expected("new"), "{done} done");
        }
    }

    /// Another program that makes one of the files in the meantime keeps it, and the set is taken back.
    #[test]
    fn a_name_taken_in_the_meantime_is_kept() {
        for name in ["cert.pem", "key.pem"] {
            let folder = tempfile::tempdir().unwrap();
            let mut stage = staged(folder.path(), "new");
            stage.arm(&[], Existing::Keep).unwrap();
            stage.flip().unwrap();
            fs::write(folder.path().join(name), "theirs").unwrap();
            assert!(matches!(stage.settle(), Err(Error::Exists { .. })));
            stage.take_back().unwrap();
            drop(stage);
            assert_eq!(content(folder.path()), [(name.to_owned(), "theirs".to_owned())]);
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cert.pem"), "theirs").unwrap();
        let mut stage = staged(folder.path(), "new");
        assert!(matches!(stage.arm(&[], Existing::Keep), Err(Error::Exists { .. })));
        drop(stage);
        assert_eq!(content(folder.path()), [("cert.pem".to_owned(), "theirs".to_owned())]);
    }

    /// A rename that fails (a mount point, a full disk) once left a new key and no certificate.
    #[test]
    fn a_target_that_cannot_be_replaced_leaves_the_old_set() {
        let folder = tempfile::tempdir().unwrap();
        write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
        fs::remove_file(folder.path().join("cert.pem")).unwrap();
        fs::create_dir(folder.path().join("cert.pem")).unwrap();
        let mut stage = staged(folder.path(), "new");
        assert!(matches!(stage.arm(&[], Existing::Replace), Err(Error::IsFolder { .. })));
        drop(stage);
        assert_eq!(seen(folder.path()), [("key.pem".to_owned(), "key old".to_owned())]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// A hidden folder that somebody planted once made a run of the user remove and replace any file.
    #[cfg(unix)]
    #[test]
    fn a_planted_hidden_folder_touches_no_file() {
        use std::os::unix::fs::symlink;
        for current in ["new", "old"] {
            let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let path = folder.path();
            for own in [path.join("own.pem"), outside.path().join("mine")] {
                fs::write(own, "mine").unwrap();
            }
            symlink(outside.path(), path.join("up")).unwrap();
            symlink(outside.path().join("mine"), path.join("link")).unwrap();
            let hidden = path.join(format!("{PREFIX}0"));
            for side in [NEW, OLD] {
                fs::create_dir_all(hidden.join(side).join("up")).unwrap();
                for file in ["own.pem", "up/mine", "link"] {
                    fs::write(hidden.join(side).join(file), "planted").unwrap();
                }
            }
            symlink(outside.path(), hidden.join("new/away")).unwrap();
            symlink(current, hidden.join(CURRENT)).unwrap();
            drop(recover_folder(path).unwrap());
            assert_eq!(fs::read_to_string(path.join("own.pem")).unwrap(), "mine");
            assert_eq!(fs::read_to_string(outside.path().join("mine")).unwrap(), "mine");
            assert!(path.join("link").is_symlink() && !exists_below(path, PREFIX));
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        }
        // A hidden folder that is a link is another's.
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("mine"), "mine").unwrap();
        symlink(outside.path(), folder.path().join(format!("{PREFIX}1"))).unwrap();
        drop(recover_folder(folder.path()).unwrap());
        assert!(outside.path().join("mine").exists());
    }

    fn exists_below(folder: &Path, beginning: &str) -> bool {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(beginning))
    }
}
