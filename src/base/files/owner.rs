//! Files and folders: their kind, their owner, and who may change them, where the system has owners and modes.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::Error;

/// A file, folder or link: its kind, its owner, and the permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub(super) kind: Kind,
    owner: u32,
    mode: u32,
    /// The same for two names of one file.
    id: Option<(u64, u64)>,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    Folder,
    Link,
    /// A terminal, `/dev/null` and the like, which only root can make.
    CharacterDevice,
    Pipe,
    Socket,
    /// A disk, or a kind that only some systems have.
    Other,
}

impl Kind {
    /// The kind in words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a link",
            Self::CharacterDevice => "a device",
            Self::Pipe => "a pipe (FIFO)",
            Self::Socket => "a socket",
            Self::Other => "a block device",
        }
    }
}

impl Entry {
    #[cfg(unix)]
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "the types differ from system to system: a device's number is i32 on macOS, u64 on Linux"
    )]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        use rustix::fs::FileType;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::CharacterDevice => Kind::CharacterDevice,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            _ => Kind::Other,
        };
        let id = Some((stat.st_dev as u64, u64::from(stat.st_ino)));
        Self { kind, owner: stat.st_uid, mode: u32::from(stat.st_mode) & 0o7777, id }
    }

    #[cfg(unix)]
    pub(super) fn of_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let file_type = metadata.file_type();
        let kind = match () {
            () if file_type.is_file() => Kind::File,
            () if file_type.is_dir() => Kind::Folder,
            () if file_type.is_symlink() => Kind::Link,
            () if file_type.is_char_device() => Kind::CharacterDevice,
            () if file_type.is_fifo() => Kind::Pipe,
            () if file_type.is_socket() => Kind::Socket,
            () => Kind::Other,
        };
        let id = Some((metadata.dev(), metadata.ino()));
        Self { kind, owner: metadata.uid(), mode: metadata.mode() & 0o7777, id }
    }

    #[cfg(not(unix))]
    pub(super) fn of_metadata(metadata: &Metadata) -> Self {
        let kind = match () {
            () if metadata.is_dir() => Kind::Folder,
            () if metadata.is_symlink() => Kind::Link,
            () if metadata.is_file() => Kind::File,
            () => Kind::Other,
        };
        Self { kind, owner: 0, mode: 0, id: None }
    }

    /// Looks at the target of a path, through links; `None` if nothing is there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn of(path: &Path) -> Result<Option<Self>, Error> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            metadata => Ok(Some(Self::of_metadata(&metadata.map_err(Error::io("read", path))?))),
        }
    }

    /// Looks at an entry by its path, without following a link.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(|metadata| Self::of_metadata(&metadata))
    }

    pub(super) fn is_file(self) -> bool {
        self.kind == Kind::File
    }

    pub(super) fn is_folder(self) -> bool {
        self.kind == Kind::Folder
    }

    pub(super) fn is_link(self) -> bool {
        self.kind == Kind::Link
    }

    /// Decides whether two entries are names of one file.
    pub(super) fn is_same(self, other: Self) -> bool {
        self.id.is_some() && self.id == other.id
    }

    /// Returns true if two entries have the same owner.
    #[must_use]
    pub fn has_owner_of(self, other: Self) -> bool {
        self.owner == other.owner
    }

    /// Returns true if the entry belongs to the user who runs this process.
    #[must_use]
    pub fn is_ours(self) -> bool {
        me().is_none_or(|me| me == self.owner)
    }

    /// Returns true if the entry belongs to the user who runs this process, or to root, who can do everything anyway.
    #[must_use]
    pub fn is_trusted(self) -> bool {
        self.owner == 0 || self.is_ours()
    }

    /// The permission bits; 0 where the system has none.
    #[must_use]
    pub const fn permissions(self) -> u32 {
        self.mode & 0o777
    }

    /// Returns true if only the owner of an entry of this folder may remove it, as in `/tmp`.
    #[must_use]
    pub const fn is_sticky(self) -> bool {
        self.mode & 0o1000 != 0
    }

    /// Returns true if nobody but root can change the entry or, in a folder, add others.
    fn is_roots_alone(self, is_folder_above: bool) -> bool {
        let is_closed = self.mode & 0o022 == 0 || is_folder_above && self.is_sticky();
        self.owner == 0 && is_closed
    }

    /// The reason why others may have changed this file; `None` if only its owner, who is trusted, can.
    fn doubt(self) -> Option<String> {
        if !self.is_trusted() {
            return Some(format!("belongs to another user (uid {})", self.owner));
        }
        let is_open = cfg!(unix) && self.mode & 0o002 != 0;
        is_open.then(|| format!("can be written by every user (mode {:o})", self.permissions()))
    }
}

/// Returns true if this process has root's rights.
#[must_use]
pub fn is_root() -> bool {
    me() == Some(0)
}

/// Opens a folder to its owner alone; where the system has no modes, inherited access lists do that.
///
/// # Errors
///
/// [`Error::Io`].
pub fn make_private(folder: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(Error::io("change", folder))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Decides whether nobody but root can change a file or put another in its place: the file and every folder above it
/// belong to root, and nobody else may write to them. Symbolic links count as what they lead to.
#[must_use]
pub fn is_roots_alone(path: &Path) -> bool {
    let Ok(real) = fs::canonicalize(path) else { return false };
    // Elsewhere there is no such user.
    let is_closed = |(above, path)| Entry::at(path).is_some_and(|entry| entry.is_roots_alone(above > 0));
    cfg!(unix) && real.ancestors().enumerate().all(is_closed)
}

/// Returns true if users other than its owner can read a file.
#[must_use]
pub fn is_open_to_others(path: &Path) -> bool {
    cfg!(unix) && fs::metadata(path).is_ok_and(|metadata| Entry::of_metadata(&metadata).mode & 0o077 != 0)
}

/// Says why a file that was found rather than named should not be relied on: another user owns it, or every user can
/// write to it; `None` if neither holds.
#[must_use]
pub fn doubt(path: &Path) -> Option<String> {
    let link = Entry::at(path)?;
    // Mode bits of a link say nothing.
    if link.is_link() && !link.is_trusted() {
        return link.doubt();
    }
    Entry::of_metadata(&fs::metadata(path).ok()?).doubt()
}

/// The effective user; `None` where files have no owner by number.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such number")]
fn me() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn me() -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_others_may_write_to_is_not_roots_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(open.join("program"), "").unwrap();
        assert!(is_roots_alone(Path::new("/etc/passwd")));
        assert!(!is_roots_alone(&open.join("program")) && !is_roots_alone(Path::new("/tmp")));
        assert!(!is_roots_alone(&open.join("none")));
    }

    fn entry(owner: u32, mode: u32) -> Entry {
        Entry { kind: Kind::File, owner, mode, id: None }
    }

    #[test]
    fn files_of_other_users_and_files_that_everybody_writes_are_doubted() {
        let me = me().unwrap();
        let other = me.wrapping_add(4242);
        assert_eq!(entry(me, 0o644).doubt(), None);
        assert_eq!(entry(0, 0o644).doubt(), None, "root can do everything anyway");
        assert_eq!(entry(me, 0o660).doubt(), None, "a group is the user's own affair");
        assert_eq!(entry(me, 0o666).doubt().unwrap(), "can be written by every user (mode 666)");
        assert_eq!(entry(other, 0o600).doubt().unwrap(), format!("belongs to another user (uid {other})"));
        assert!(!entry(other, 0o600).is_trusted() && !entry(other, 0o600).is_ours());
        assert!(entry(0, 0).is_trusted() && entry(me, 0).is_ours());
    }

    #[test]
    fn every_kind_of_entry_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let paths = ["file", ".", "link", "socket", "pipe"].map(at);
        let kinds = [Kind::File, Kind::Folder, Kind::Link, Kind::Socket, Kind::Pipe];
        for (path, kind) in
            paths.iter().chain([&"/dev/null".into()]).zip(kinds.into_iter().chain([Kind::CharacterDevice]))
        {
            assert_eq!(Entry::of_stat(&rustix::fs::lstat(path).unwrap()).kind, kind, "{}", path.display());
        }
    }

    #[test]
    fn a_file_is_doubted_by_what_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(doubt(&link), None);
        std::fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(doubt(&link).is_some() && doubt(&file).is_some());
        assert_eq!(doubt(&folder.path().join("nothing")), None);
    }
}
