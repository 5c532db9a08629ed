//! A folder of many files, replaced as a whole; no link below that folder is followed.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::folder::Folder;
use super::recovery;
use super::stage::Stage;
use super::{Error, Existing, FolderLock};

/// A folder of many files.
#[derive(Debug)]
pub struct Tree {
    root: Folder,
    path: PathBuf,
    staged: Option<Stage>,
    _lock: FolderLock,
}

/// The entry at a path of a tree.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// The name is free.
    Nothing,
    /// A regular file, with its content.
    File(Zeroizing<Vec<u8>>),
    /// A link, a pipe, or a file that cannot be read.
    Other,
}

impl Tree {
    /// Opens a folder to read; `None` if missing.
    #[must_use]
    pub fn look(path: &Path) -> Option<Self> {
        let root = Folder::open(path).ok()?;
        Some(Self { root, path: path.to_owned(), staged: None, _lock: FolderLock::none() })
    }

    /// Opens a folder below another to write, and makes a missing one; finishes or clears away the work of a killed
    /// run, and locks the folder against other runs.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], also if a link leads to the folder from the one above.
    pub fn open(above: &Path, path: &Path) -> Result<Self, Error> {
        let shown = above.join(path);
        let open = || {
            let above = Folder::open(if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
            above.create_folder(path)?;
            above.folder(path)
        };
        let root = open().map_err(Error::io("make the folder", &shown))?;
        let lock = FolderLock::on(&root);
        recovery::recover(&root)?;
        let staged = Stage::new(&root).map_err(Error::io("write", &shown))?;
        Ok(Self { root, path: shown, staged: Some(staged), _lock: lock })
    }

    /// Reads a file; `None` if no regular file can be read at this path.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.root.read(path.as_ref()).ok()
    }

    /// Looks at the entry at a path.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a link or a file is on the way.
    pub fn standing(&self, path: &str) -> Result<Standing, Error> {
        match self.root.find(path.as_ref()) {
            Ok(None) => Ok(Standing::Nothing),
            Ok(Some(_)) => Ok(self.read(path).map_or(Standing::Other, Standing::File)),
            Err(error) => Err(Error::io("write", &self.path.join(path))(error)),
        }
    }

    /// Stages a file. A `secret` one has mode 0600 from its first byte; a `durable` one is on the disk when this
    /// returns.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&self, path: &str, content: &[u8], secret: bool, durable: bool) -> Result<(), Error> {
        let Some(staged) = &self.staged else { return Ok(()) };
        let written = staged.write(path.as_ref(), content, if secret { 0o600 } else { 0o666 });
        // Two entries of one file: refused by their names once all are known.
        if matches!(&written, Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists) {
            return Ok(());
        }
        let written = written.and_then(|file| if durable { file.sync_all() } else { Ok(()) });
        written.map_err(Error::io("write", &self.path.join(path)))
    }

    /// Puts all that was staged in its place, and takes files away.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::IsFolder`].
    pub fn commit(mut self, removed: &[String]) -> Result<(), Error> {
        let Some(mut staged) = self.staged.take() else { return Ok(()) };
        staged.arm(removed, Existing::Replace)?;
        staged.flip()?;
        staged.settle()
    }
}

#[cfg(test)]
mod tests {
    use super::super::exists;
    use super::*;
    use std::fs;

    fn write(root: &Path, tag: &str) -> Tree {
        let tree = Tree::open(root, Path::new("")).unwrap();
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
    fn a_run_that_ends_before_it_commits_leaves_the_old_set() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "old").commit(&[]).unwrap();
        drop(write(root.path(), "new"));
        assert_eq!(content(root.path()), OLD);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        write(root.path(), "new").commit(&[]).unwrap();
        assert_eq!(content(root.path()), NEW);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_removed_takes_its_empty_folder_along_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "old").commit(&[]).unwrap();
        let open = || Tree::open(root.path(), Path::new("")).unwrap();
        open().commit(&["a/key.pem".to_owned(), "b.pem".to_owned()]).unwrap();
        assert_eq!(content(root.path()), ", a/cert.pem old, ");
        open().commit(&["a/cert.pem".to_owned()]).unwrap();
        assert!(!exists(&root.path().join("a")));
    }

    #[test]
    fn nothing_outside_is_removed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = outside.path().join("file");
        fs::write(&file, "").unwrap();
        let name = outside.path().file_name().unwrap().to_str().unwrap();
        for path in [format!("../{name}/file"), file.display().to_string()] {
            Tree::open(root.path(), Path::new("")).unwrap().commit(&[path]).unwrap_err();
            assert!(file.exists());
        }
    }

    /// A link in a stranger's tree must not lead the next run out of the tree.
    #[cfg(unix)]
    #[test]
    fn nothing_is_written_read_or_removed_through_a_link() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("key.pem"), "mine").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("a")).unwrap();
        write(root.path(), "new").commit(&[]).unwrap_err();
        let tree = Tree::open(root.path(), Path::new("")).unwrap();
        assert!(tree.read("a/key.pem").is_none());
        tree.standing("a/key.pem").unwrap_err();
        tree.commit(&["a/key.pem".to_owned()]).unwrap_err();
        assert_eq!(fs::read_to_string(outside.path().join("key.pem")).unwrap(), "mine");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        Tree::open(root.path(), Path::new("a/b")).unwrap_err();
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
