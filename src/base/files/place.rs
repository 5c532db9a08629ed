//! Finds where a path that a user gave leads to, before anything is written there.
//!
//! Links of the user's own and of root are followed; a link of anybody else is refused, wherever on the way it stands.
//! A device or a pipe is written to only if the user typed it: a pipe that was found under the name of a file may be
//! another user's, who reads what is written.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::owner::{Entry, Kind};
use super::{Error, hidden};

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A regular file, or a free name.
    File {
        /// The folder, without links.
        folder: PathBuf,
        name: OsString,
    },
    /// A device, or one of the process's own open files: written to directly.
    Stream(PathBuf),
}

/// Follows a path to its end.
///
/// # Errors
///
/// [`Error::ForeignLink`], [`Error::IsFolder`], [`Error::NotRegular`].
pub(super) fn find(path: &Path) -> Result<Place, Error> {
    let end = follow(path, |link| {
        let foreign = || Error::ForeignLink { path: path.to_owned(), link: link.to_owned() };
        if Entry::at(link).is_none_or(Entry::is_trusted) { Ok(()) } else { Err(foreign()) }
    })?;
    if is_stream(&end) {
        return Ok(Place::Stream(end));
    }
    match Entry::at(&end).map(|entry| entry.kind) {
        Some(Kind::CharacterDevice) => return Ok(Place::Stream(end)),
        Some(Kind::Folder) => return Err(Error::IsFolder { path: path.to_owned() }),
        None | Some(Kind::File) => {}
        Some(Kind::Link) if std::fs::read_link(&end).is_ok_and(|text| hidden::is_link_text(&text)) => {}
        Some(kind) => return Err(Error::NotRegular { path: path.to_owned(), kind: kind.name() }),
    }
    let Some(name) = end.file_name() else { return Err(Error::IsFolder { path: path.to_owned() }) };
    Ok(Place::File { folder: folder_of(&end).to_owned(), name: name.to_owned() })
}

/// The target of a path, through links of any user.
pub(super) fn end(path: &Path) -> PathBuf {
    follow(path, |_| Ok::<(), std::convert::Infallible>(())).unwrap_or_else(|_| path.to_owned())
}

/// Follows the links of a path one by one; `check` sees each of them first.
fn follow<E>(path: &Path, check: impl Fn(&Path) -> Result<(), E>) -> Result<PathBuf, E> {
    /// As many as Linux follows.
    const MAX_LINKS: usize = 40;
    let mut links = 0;
    let mut resolved = PathBuf::new();
    let mut left: VecDeque<OsString> = parts(path);
    while let Some(part) = left.pop_front() {
        if part == ".." {
            // What stands in `resolved` has no links, so that the folder above is the one by name.
            match resolved.components().next_back() {
                Some(Component::Normal(_)) => drop(resolved.pop()),
                Some(Component::RootDir) => {}
                _ => resolved.push(".."),
            }
            continue;
        }
        let here = resolved.join(&part);
        let whole = left.iter().fold(here.clone(), |path, part| path.join(part));
        if is_stream(&whole) {
            return Ok(whole);
        }
        let target = std::fs::read_link(&here).ok().filter(|_| links < MAX_LINKS);
        // A link that a killed run has left is the file that will stand there once that run's set is settled.
        let target = target.filter(|target| !(left.is_empty() && hidden::is_link_text(target)));
        let Some(target) = target else {
            resolved = here;
            continue;
        };
        check(&here)?;
        links += 1;
        if target.is_absolute() {
            resolved = PathBuf::new();
        }
        let mut parts = parts(&target);
        parts.append(&mut left);
        left = parts;
    }
    Ok(resolved)
}

/// The parts of a path, the root of the file system among them, without `.`.
fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

/// Decides whether a path names one of the process's own open files, as `/dev/stdout` and a shell's process
/// substitution do.
fn is_stream(path: &Path) -> bool {
    let is_number = |text: &OsStr| text.to_str().is_some_and(|text| text.parse::<u32>().is_ok());
    let own = std::process::id().to_string();
    let mut parts = path.components().map(Component::as_os_str);
    let parts: [Option<&OsStr>; 6] = std::array::from_fn(|_| parts.next());
    let words = parts.map(|part| part.map(|part| part.to_str().unwrap_or("?")));
    cfg!(unix)
        && match words {
            [Some("/"), Some("dev"), Some("stdout" | "stderr"), None, ..] => true,
            [Some("/"), Some("dev"), Some("fd"), Some(_), None, _] => parts[3].is_some_and(is_number),
            [Some("/"), Some("proc"), Some(process), Some("fd"), Some(_), None] => {
                (process == "self" || process == "thread-self" || process == own) && parts[4].is_some_and(is_number)
            }
            _ => false,
        }
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_is_followed_through_links_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(folder.join("a/b")).unwrap();
        symlink("a/b", folder.join("link")).unwrap();
        symlink("../c.pem", folder.join("a/b/file")).unwrap();
        let expected = Place::File { folder: folder.join("a"), name: "c.pem".into() };
        assert_eq!(find(&folder.join("link/./file")).unwrap(), expected);
        symlink("loop", folder.join("loop")).unwrap();
        assert!(find(&folder.join("loop")).is_err(), "a loop of links ends");
    }

    #[test]
    fn the_files_a_process_has_open_are_streams_and_other_pipes_are_not() {
        for path in ["/dev/stdout", "/dev/stderr", "/dev/fd/63", "/proc/self/fd/1"] {
            assert_eq!(find(Path::new(path)).unwrap(), Place::Stream(path.into()), "{path}");
        }
        assert!(matches!(find(Path::new("/dev/null")).unwrap(), Place::Stream(_)));
        for path in ["/dev/fd/x", "/dev/fd/1/2", "/proc/1/fd/1", "dev/stdout"] {
            assert!(!is_stream(Path::new(path)), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("server-key.pem");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        assert!(matches!(find(&pipe), Err(Error::NotRegular { .. })));
        symlink("server-key.pem", folder.path().join("link")).unwrap();
        assert!(matches!(find(&folder.path().join("link")), Err(Error::NotRegular { .. })));
        let own = folder.path().join("out");
        symlink("/dev/stdout", &own).unwrap();
        assert_eq!(find(&own).unwrap(), Place::Stream("/dev/stdout".into()));
    }
}
