//! Owners and modes of files and folders, where the system has them.

#![cfg_attr(not(unix), expect(unused_variables, reason = "other systems have no modes"))]

use std::path::Path;

use super::Error;

/// The owner of a file or folder, and the rights of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The permission bits.
    pub mode: u32,
    /// The owner's number.
    pub owner: u32,
    /// True if this process runs as the owner.
    pub is_own: bool,
    /// True if this process runs as root, or the owner is root.
    pub by_root: bool,
    /// True if only the owner of an entry may remove it, as in `/tmp`.
    pub is_sticky: bool,
}

/// The access to a file or folder, links followed; `None` if it does not exist, or if the system has no modes.
///
/// # Errors
///
/// [`Error::Io`].
#[cfg(unix)]
pub fn access(path: &Path) -> Result<Option<Access>, Error> {
    use std::os::unix::fs::MetadataExt;
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(Error::io("read", path))?,
    };
    let (me, owner) = (rustix::process::geteuid(), metadata.uid());
    Ok(Some(Access {
        mode: metadata.mode() & 0o777,
        owner,
        is_own: me.as_raw() == owner,
        by_root: me.is_root() || owner == 0,
        is_sticky: metadata.mode() & 0o1000 != 0,
    }))
}

/// The access to a file or folder: unknown here.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn access(path: &Path) -> Result<Option<Access>, Error> {
    Ok(None)
}

/// Opens a folder to its owner alone.
///
/// # Errors
///
/// [`Error::Io`].
#[cfg(unix)]
pub fn make_private(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(Error::io("change", folder))
}

/// Opens a folder to its owner alone: by inherited access lists here.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn make_private(folder: &Path) -> Result<(), Error> {
    Ok(())
}
