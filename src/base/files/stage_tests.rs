use super::super::hidden::CURRENT;
use super::super::recovery::settle_one;
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

/// `current` is a file on a system without links, and the next run tells old files by their content.
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

/// Two runs may come by the same remains.
#[test]
fn a_hidden_folder_that_is_gone_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let root = Folder::open(folder.path()).unwrap();
    clear(&root, ".secure-io-new-0123").unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = clear(&root, "file").unwrap_err();
    assert!(matches!(&error, Error::Io { action: "remove", path, .. } if path.ends_with("file")), "{error}");
    assert!(folder.path().join("file").exists());
}
