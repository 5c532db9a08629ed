//! A folder of many files, replaced as a whole.
//!
//! Files are written into a folder inside it, [`STAGED`]. One rename, to [`READY`], makes the set count as written.
//! Then what is in there is moved to its place. A run killed before that rename leaves the old set, one killed after
//! it is finished by the next ([`Tree::open`]).

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::{Error, FolderLock, create_folder, exists};

/// What is written goes in here first.
const STAGED: &str = ".secure-io-new";
/// What that is called once all of it is there.
const READY: &str = ".secure-io-ready";
/// In there, a line for each file that goes.
const REMOVED: &str = ".secure-io-removed";

/// A folder that is about to be written to, locked against other runs.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    _lock: FolderLock,
}

impl Tree {
    /// Makes the folder unless it is there, and finishes or clears away what a killed run left in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(root: &Path) -> Result<Self, Error> {
        create_folder(root, false)?;
        let tree = Self { root: root.to_owned(), _lock: FolderLock::take(root) };
        tree.move_ready()?;
        clear(&root.join(STAGED))?;
        Ok(tree)
    }

    /// Writes a file, whose path is relative to the folder, for now beside its place. A `secret` one has mode 0600 from
    /// its first byte; a `durable` one is on disk when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&self, path: &str, content: &[u8], secret: bool, durable: bool) -> Result<(), Error> {
        let staged = self.root.join(STAGED).join(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        if secret {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let open = || options.open(&staged);
        // Most folders are there already when their second file comes.
        let file = open().or_else(|_| {
            staged.parent().map_or(Ok(()), fs::create_dir_all)?;
            open()
        });
        let written = file.and_then(|mut file| {
            file.write_all(content)?;
            if durable { file.sync_all() } else { Ok(()) }
        });
        written.map_err(Error::io("write", &self.root.join(path)))
    }

    /// Puts all that was written in its place, and takes files away.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what is left to be done is done by the next [`Tree::open`].
    pub fn commit(self, removed: &[String]) -> Result<(), Error> {
        let staged = self.root.join(STAGED);
        if !removed.is_empty() {
            self.write(REMOVED, removed.join("\n").as_bytes(), false, false)?;
        }
        if exists(&staged) {
            fs::rename(&staged, self.root.join(READY)).map_err(Error::io("write", &self.root))?;
        }
        self.move_ready()
    }

    fn move_ready(&self) -> Result<(), Error> {
        let ready = self.root.join(READY);
        if !is_folder(&ready) {
            return Ok(());
        }
        let list = ready.join(REMOVED);
        let removed = fs::read_to_string(&list).unwrap_or_default();
        for path in removed.lines().map(Path::new).filter(|path| is_plain(path)) {
            self.remove(path)?;
        }
        if exists(&list) {
            fs::remove_file(&list).map_err(Error::io("remove", &list))?;
        }
        move_into(&ready, &self.root)?;
        clear(&ready)
    }

    /// Takes a file away, and its folder when it was the last in it.
    fn remove(&self, path: &Path) -> Result<(), Error> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &path)(error));
            }
            _ => {}
        }
        if let Some(folder) = path.parent().filter(|folder| *folder != self.root) {
            // One that holds something else stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

/// Moves what is in one folder into another: whole folders where there are none yet.
fn move_into(from: &Path, to: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(from).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(Error::io("read", from))?;
    let moves: Vec<(PathBuf, PathBuf)> =
        entries.iter().map(|entry| (entry.path(), to.join(entry.file_name()))).collect();
    // No certificate is to stand beside another's key, not even for a moment: where a key comes, all is withdrawn first.
    let is_key = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("key"));
    if moves.iter().any(|(from, to)| is_key(from) && !is_folder(from) && exists(to)) {
        for (_, to) in moves.iter().filter(|(from, to)| !is_folder(from) && exists(to) && !is_folder(to)) {
            fs::remove_file(to).map_err(Error::io("replace", to))?;
        }
    }
    for (from, to) in &moves {
        if is_folder(from) && is_folder(to) {
            move_into(from, to)?;
        } else if is_folder(from) && exists(to) {
            return Err(Error::Exists { path: to.clone() });
        } else if is_folder(to) {
            return Err(Error::IsFolder { path: to.clone() });
        } else {
            fs::rename(from, to).map_err(Error::io("write", to))?;
        }
    }
    Ok(())
}

/// A folder itself, not a link to one: nothing is written through links.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether a path leads to somewhere below where it begins.
fn is_plain(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn clear(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, tag: &str) -> Tree {
        let tree = Tree::open(root).unwrap();
        for path in ["a/key.pem", "a/cert.pem", "b.pem"] {
            tree.write(path, format!("{path} {tag}").as_bytes(), path.contains("key"), false).unwrap();
        }
        tree
    }

    fn content(root: &Path) -> String {
        ["a/key.pem", "a/cert.pem", "b.pem"]
            .map(|path| fs::read_to_string(root.join(path)).unwrap_or_default())
            .join(", ")
    }

    const OLD: &str = "a/key.pem old, a/cert.pem old, b.pem old";
    const NEW: &str = "a/key.pem new, a/cert.pem new, b.pem new";

    #[test]
    fn a_run_killed_before_it_is_ready_leaves_the_old_set() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "old").commit(&[]).unwrap();
        drop(write(root.path(), "new"));
        assert_eq!(content(root.path()), OLD);
        drop(Tree::open(root.path()).unwrap());
        assert_eq!(content(root.path()), OLD);
        assert!(!exists(&root.path().join(STAGED)));
    }

    /// Killed after any of its steps.
    #[test]
    fn a_run_killed_after_it_was_ready_is_finished_by_the_next() {
        for done in 0..4 {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), "old").commit(&[]).unwrap();
            drop(write(root.path(), "new"));
            let ready = root.path().join(READY);
            fs::rename(root.path().join(STAGED), &ready).unwrap();
            if done > 0 {
                fs::remove_file(root.path().join("a/cert.pem")).unwrap();
            }
            if done > 1 {
                fs::rename(ready.join("a/key.pem"), root.path().join("a/key.pem")).unwrap();
            }
            if done > 2 {
                fs::rename(ready.join("a/cert.pem"), root.path().join("a/cert.pem")).unwrap();
            }
            drop(Tree::open(root.path()).unwrap());
            assert_eq!(content(root.path()), NEW, "{done} steps done");
            assert!(!exists(&ready));
        }
    }

    #[test]
    fn what_is_removed_takes_its_empty_folder_along_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "old").commit(&[]).unwrap();
        let outside = root.path().join("../outside");
        let removed = ["a/key.pem", "../outside", "/etc/outside", "b.pem"].map(str::to_owned);
        fs::write(&outside, "").unwrap();
        Tree::open(root.path()).unwrap().commit(&removed).unwrap();
        assert_eq!(content(root.path()), ", a/cert.pem old, ");
        assert!(exists(&outside));
        fs::remove_file(outside).unwrap();
        Tree::open(root.path()).unwrap().commit(&["a/cert.pem".to_owned()]).unwrap();
        assert!(!exists(&root.path().join("a")));
    }

    /// A link in a tree that somebody else made must not lead the next run out of it.
    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), root.path().join("a")).unwrap();
        assert!(matches!(write(root.path(), "new").commit(&[]), Err(Error::Exists { .. })));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "new").commit(&[]).unwrap();
        let mode = fs::metadata(root.path().join("a/key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
