//! Files of another user, as root meets them under sudo.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::Error;
use super::owner::Entry;
use super::paths::is_stdio;
use super::reading::read_limited;

/// More than any root certificate, list of profiles or secret in a file is long.
pub const SMALL: u64 = 1 << 20;

/// A user by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// Their group.
    pub gid: u32,
}

impl Owner {
    /// Does some work with this user's rights in place of root's: the work reaches what the user can reach, and what it
    /// makes belongs to the user.
    ///
    /// Only this thread changes its rights, and only while the work lasts. The work must start no program, which could
    /// take root's rights back.
    ///
    /// # Errors
    ///
    /// The system does not let a thread change its rights. The work is not done then.
    pub fn act<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let _rights = rights::take(*self)?;
        Ok(work())
    }
}

#[cfg(target_os = "linux")]
mod rights {
    use std::io;

    use rustix::process::{Gid, Uid, getegid, geteuid, getgroups};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    use super::Owner;

    /// Rights that were given up; taken back when dropped.
    pub(super) struct GivenUp {
        uid: Uid,
        gid: Gid,
        groups: Vec<Gid>,
    }

    /// Gives root's rights up for a user's; nothing is given up if they are the user's already.
    pub(super) fn take(owner: Owner) -> io::Result<Option<GivenUp>> {
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        if geteuid() == uid {
            return Ok(None);
        }
        let given_up = GivenUp { uid: geteuid(), gid: getegid(), groups: getgroups()? };
        // The user comes last, because the other two need root's rights.
        set_thread_groups(&[gid])?;
        set_thread_res_gid(None, gid, None)?;
        set_thread_res_uid(None, uid, None)?;
        Ok(Some(given_up))
    }

    impl Drop for GivenUp {
        /// A thread that cannot take its rights back keeps the lesser ones.
        fn drop(&mut self) {
            let _ = set_thread_res_uid(None, self.uid, None)
                .and_then(|()| set_thread_res_gid(None, self.gid, None))
                .and_then(|()| set_thread_groups(&self.groups));
        }
    }
}

/// Elsewhere rights are those of a whole process, in which other threads may be doing root's work.
#[cfg(not(target_os = "linux"))]
mod rights {
    use std::io;

    use super::Owner;

    pub(super) fn take(_: Owner) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// Reads a regular file of at most `limit` octets, or standard input for `-`.
///
/// Never waits for the other end of a pipe, and reads no device. A symbolic link is followed if it belongs to root or to
/// the user whose rights we have.
///
/// # Errors
///
/// [`Error::NotRegular`], [`Error::TooLong`], [`Error::Io`].
pub fn read_regular(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    if is_stdio(path) {
        return read_limited(io::stdin(), 0, path, limit);
    }
    check_link(path)?;
    let file = open_at_once(path).map_err(Error::io("read", path))?;
    let metadata = file.metadata().map_err(Error::io("read", path))?;
    let entry = Entry::of_metadata(&metadata);
    if !entry.is_file() {
        return Err(Error::NotRegular { path: path.to_owned(), kind: entry.kind.name() });
    }
    read_limited(file, metadata.len(), path, limit)
}

#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// Refuses a symbolic link of somebody else, who could make it lead anywhere at any time.
fn check_link(path: &Path) -> Result<(), Error> {
    match Entry::at(path) {
        Some(link) if link.is_link() && !link.is_trusted() => Err(Error::NotFollowed { path: path.to_owned() }),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Runs work that could wait for ever.
    fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(work()));
        receiver.recv_timeout(Duration::from_secs(20)).expect("it does not wait")
    }

    #[test]
    fn a_fifo_a_device_and_a_folder_are_no_regular_files() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        std::os::unix::fs::symlink(&fifo, folder.path().join("link")).unwrap();
        let paths = [fifo, folder.path().join("link"), folder.path().to_owned(), "/dev/zero".into()];
        for path in paths {
            let result = in_time({
                let path = path.clone();
                move || read_regular(&path, SMALL)
            });
            assert!(matches!(result, Err(Error::NotRegular { .. })), "{}: {result:?}", path.display());
        }
    }

    /// A link's owner can make it lead elsewhere at any time.
    #[test]
    fn a_link_of_another_user_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert_eq!(**read_regular(&link, SMALL).unwrap(), *b"text", "one's own link is followed");
        match std::os::unix::fs::lchown(&link, Some(4243), None) {
            Ok(()) => assert!(matches!(read_regular(&link, SMALL), Err(Error::NotFollowed { .. }))),
            // Only root can give a link away.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
    }

    #[test]
    fn a_huge_file_is_read_to_the_limit_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read_regular(&path, SMALL).unwrap_err();
        assert!(error.to_string().ends_with("huge` is longer than 1 MiB, more than any file of its kind"), "{error}");
    }
}
