//! Reads a path or standard input; writes sets of new files whole or not at all.
//!
//! A set is staged in a hidden folder beside its targets and fsynced, under a lock on the targets' folder. Then the
//! whole set changes in one rename (`stage.rs`), so that at no moment a key stands beside the wrong certificate, and no
//! file is missing that was there. A run killed before that rename leaves the old set, one killed after it the new one;
//! the next run that comes by ([`settle`]) clears away what the killed one has left.
//!
//! Only regular files that are made here are written, but for devices and the process's own open files (`place.rs`),
//! and no link of another user is followed.

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "its tests look at files directly"))]

#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "files/folder_by_path.rs"]
mod folder;
mod hidden;
mod listing;
mod owner;
mod paths;
mod person;
mod place;
mod reading;
mod recovery;
mod set;
mod shared;
mod stage;
#[cfg(test)]
mod tests;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

pub use self::listing::{Stamp, list, list_at_depth, list_own, modified, small_files, stamp, try_small_files};
pub use self::owner::{Entry, doubt, is_open_to_others, is_root, is_roots_alone, make_private};
pub use self::paths::{below, create_folder, exists, is_stdio, is_writable, remove, same};
pub use self::person::{Owner, SMALL, read_regular};
pub use self::reading::{lines, open, read};
pub use self::set::{Existing, FolderLock, NewFile, check_set, settle, settle_all, write_set};
pub use self::shared::{FileLock, append_lines, lock, try_lock};
pub use self::tree::{Standing, Tree};

/// More than any key, certificate or bundle is long: 64 MiB.
///
/// Limit for input from endless pipes.
pub const READ_LIMIT: u64 = 64 << 20;

/// Reason why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// Attempted operation: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The target exists and may not be replaced.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A folder stands where a file is expected.
    #[error("`{}` is a folder, not a file", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Something else than a regular file stands where a file is expected.
    #[error("`{}` is {kind}, not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// The entry at a path.
        kind: &'static str,
    },
    /// A link on the way to a file belongs to another user.
    #[error("cannot write `{}`: `{}` is a link that belongs to another user", path.display(), link.display())]
    ForeignLink {
        /// The file.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// Two files of a set have the same name.
    #[error("`{}` would be written twice", path.display())]
    Twice {
        /// The name they share.
        path: PathBuf,
    },
    /// The file is a link that belongs to another user.
    #[error("`{}` is a link that belongs to another user, and is not followed", path.display())]
    NotFollowed {
        /// The link.
        path: PathBuf,
    },
    /// The input is longer than its limit, [`READ_LIMIT`] or less.
    #[error("`{}` is longer than {} MiB, more than any file of its kind", path.display(), limit >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The longest that it may be, in octets.
        limit: u64,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
