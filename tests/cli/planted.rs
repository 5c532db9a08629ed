//! Files that somebody else put in the way: nothing is removed, replaced or written through them.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};

use crate::read_text;
use crate::sandbox::Sandbox;

/// Writes a file, and makes the folders above it.
fn write(sandbox: &Sandbox, name: &str, content: &str) {
    let folder = sandbox.path(name).parent().map(fs::create_dir_all);
    folder.expect("a file is in a folder").expect("folders can be made");
    sandbox.write(name, content);
}

/// A link and a list of files in a checked-out repository made a build remove files of the user's home folder.
#[test]
fn a_repository_cannot_make_fixtures_remove_files_outside_of_it() {
    let sandbox = Sandbox::new();
    write(&sandbox, "repo/secure-io.toml", "[[certificate]]\nhosts = [\"a.test\"]\n");
    for name in ["me/.bashrc", "me/.ssh/authorized_keys"] {
        write(&sandbox, name, "mine");
    }
    for hidden in [".secure-io-ready", ".secure-io-new-0/new", ".secure-io-new-0/old"] {
        write(&sandbox, &format!("repo/fixtures/{hidden}/.secure-io-removed"), "up/.bashrc\nup/.ssh/authorized_keys\n");
        write(&sandbox, &format!("repo/fixtures/{hidden}/up/.bashrc"), "planted");
    }
    symlink("../../me", sandbox.path("repo/fixtures/up")).expect("a link can be made");
    symlink("new", sandbox.path("repo/fixtures/.secure-io-new-0/current")).expect("a link can be made");
    sandbox.ok("secure-io fixtures -q repo/secure-io.toml");
    for name in ["me/.bashrc", "me/.ssh/authorized_keys"] {
        assert_eq!(read_text(&sandbox, name), "mine", "{name}");
    }
    assert!(sandbox.exists("repo/fixtures/a.test/chain.pem"));
}

/// A manifest's `out` led anywhere, and a person's own files were replaced.
#[test]
fn fixtures_replace_only_files_that_they_wrote() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    let key = sandbox.read("server-key.pem");
    sandbox.write(
        "secure-io.toml",
        "out = \".\"\nlayout = \"flat\"\n[[certificate]]\nname = \"server\"\nhosts = [\"a.test\"]\n",
    );
    sandbox.run("secure-io fixtures").exits(2).says("server-key.pem` is not as `secure-io fixtures` writes it");
    assert_eq!(sandbox.read("server-key.pem"), key);

    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", "[[certificate]]\nhosts = [\"a.test\"]\n");
    write(&sandbox, "fixtures/expected.json", "{\"mine\":1}");
    sandbox.run("secure-io fixtures").exits(2).says("expected.json");
    assert_eq!(read_text(&sandbox, "fixtures/expected.json"), "{\"mine\":1}");

    let sandbox = Sandbox::new();
    write(&sandbox, "repo/secure-io.toml", "out = \"../elsewhere\"\n[[certificate]]\nhosts = [\"a.test\"]\n");
    sandbox.run("secure-io fixtures repo/secure-io.toml").exits(2).says("--allow-outside");
    assert!(!sandbox.exists("elsewhere"));
    sandbox.ok("secure-io fixtures -q --allow-outside repo/secure-io.toml");
    assert!(sandbox.exists("elsewhere/a.test/chain.pem"));
}

/// Another user's pipe under the name of the key received the private key.
#[test]
fn a_pipe_under_the_name_of_an_output_gets_nothing() {
    for command in ["secure-io gen-cert", "secure-io gen-key", "secure-io gen-cert --p12 server-key.pem --force"] {
        let sandbox = Sandbox::new();
        sandbox.ok("mkfifo server-key.pem");
        sandbox.run(command).exits(2).says("server-key.pem` is a pipe (FIFO), not a regular file");
        let left = fs::symlink_metadata(sandbox.path("server-key.pem")).expect("the pipe is there");
        assert!(left.file_type().is_fifo());
        assert!(!sandbox.exists("server-cert.pem"), "no file of a refused set is written");
    }
}

/// `--renew` replaced any file that it was given, `~/.profile` through a link, too.
#[test]
fn renew_replaces_no_file_without_a_certificate() {
    let sandbox = Sandbox::new();
    sandbox.write("notes.txt", "my thesis");
    symlink("notes.txt", sandbox.path("link.pem")).expect("a link can be made");
    for file in ["notes.txt", "link.pem"] {
        sandbox.run(&format!("secure-io gen-cert --renew --out-cert {file} a.test")).exits(2).says(file);
        assert_eq!(read_text(&sandbox, "notes.txt"), "my thesis");
        assert!(!sandbox.exists("server-key.pem"), "no file of a refused set is written");
    }
}

/// A link of another user on the way to an output decides where a private key goes.
#[test]
fn a_link_of_another_user_is_not_followed() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("mine")).expect("a folder can be made");
    symlink("mine/key.pem", sandbox.path("server-key.pem")).expect("a link can be made");
    sandbox.ok("secure-io gen-key -q --force");
    assert!(sandbox.exists("mine/key.pem"), "one's own link is followed");
    assert!(sandbox.path("server-key.pem").is_symlink(), "and stays");
    match std::os::unix::fs::lchown(sandbox.path("server-key.pem"), Some(4243), Some(4243)) {
        Ok(()) => {
            let refused = sandbox.run("secure-io gen-key --force").exits(2);
            refused.says("is a link that belongs to another user");
        }
        // Only root can give a link away.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}
