use std::fs;

use zeroize::Zeroizing;

use super::*;

pub(super) fn set(folder: &Path, tag: &str) -> Vec<NewFile> {
    vec![
        NewFile::secret(folder.join("key.pem"), Zeroizing::new(format!("key {tag}").into_bytes())),
        NewFile::public(folder.join("cert.pem"), format!("cert {tag}")),
    ]
}

pub(super) fn content(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap()))
        .collect();
    all.sort();
    all
}

pub(super) fn expected(tag: &str) -> Vec<(String, String)> {
    vec![("cert.pem".into(), format!("cert {tag}")), ("key.pem".into(), format!("key {tag}"))]
}

#[test]
fn a_set_is_refused_whole_when_one_of_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cert.pem"), "mine").unwrap();
    let error = write_set(&set(folder.path(), "new"), Existing::Keep).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(content(folder.path()), [("cert.pem".to_owned(), "mine".to_owned())]);
}

#[test]
fn a_replaced_set_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().unwrap();
    write_set(&set(folder.path(), "old"), Existing::Keep).unwrap();
    write_set(&set(folder.path(), "new"), Existing::Replace).unwrap();
    assert_eq!(content(folder.path()), expected("new"));
}

/// Two spellings of one file, and of one folder: the key was lost in the first case, the second waited for itself.
#[test]
fn one_file_by_two_names_is_refused_and_one_folder_by_two_is_locked_once() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    create_folder(&inner, false).unwrap();
    let odd = |name: &str| folder.path().join("inner/../inner").join(name);
    let twice = [NewFile::public(inner.join("a"), "1"), NewFile::public(odd("a"), "2")];
    assert!(matches!(write_set(&twice, Existing::Replace), Err(Error::Twice { .. })));
    write_set(&[NewFile::public(inner.join("a"), "1"), NewFile::public(odd("b"), "2")], Existing::Keep).unwrap();
    assert_eq!(content(&inner).len(), 2);
}

#[cfg(unix)]
#[test]
fn secrets_are_0600_and_never_widened() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let mode = || fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    write_set(&set(folder.path(), "1"), Existing::Keep).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    write_set(&set(folder.path(), "2"), Existing::Replace).unwrap();
    assert_eq!(mode(), 0o400);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    write_set(&set(folder.path(), "3"), Existing::Replace).unwrap();
    assert_eq!(mode(), 0o600);
}

/// The journal once refused to be written in such a folder.
#[cfg(unix)]
#[test]
fn folders_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    create_folder(&odd, true).unwrap();
    write_set(&set(&odd, "old"), Existing::Keep).unwrap();
    write_set(&set(&odd, "new"), Existing::Replace).unwrap();
    assert_eq!(content(&odd), expected("new"));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_followed_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (link, real) = (folder.path().join("link.pem"), folder.path().join("real.pem"));
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    write_set(&[NewFile::public(&link, "new")], Existing::Replace).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::remove_file(&real).unwrap();
    write_set(&[NewFile::public(&link, "new")], Existing::Replace).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "a dangling one stays as well");
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
}

#[test]
fn only_a_file_that_is_there_is_writable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    assert!(!is_writable(&file) && !is_writable(folder.path()));
    assert!(!file.exists(), "asking makes nothing");
    fs::write(&file, "kept").unwrap();
    assert!(is_writable(&file));
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}
