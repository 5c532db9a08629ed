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
//! process is killed. The next run that comes by goes on from the link `current` ([`super::recovery`]): back before step 2,
//! forward after it. Going on replaces nothing but links that lead into the hidden folder, so a hidden folder that
//! somebody planted (in an archive, a repository) can do no harm.
//!
//! Files of a folder in which none of the set is there yet are simply put there after step 2. A system without links
//! (FAT, Windows) replaces file by file in step 3; a run killed there leaves the files that are still to be replaced
//! as they are in `old`, by which the next run knows them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::hidden::{NEW, NEXT, OLD, PREFIX, Side, absent, clear, files, link_text, mark};
use super::owner::Entry;
use super::recovery::{recover_one, settle};
use super::{Error, Existing};
use crate::base::hex::hex;
use crate::base::octets::random;

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

fn random_letters() -> String {
    hex(&random::<8>())
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
