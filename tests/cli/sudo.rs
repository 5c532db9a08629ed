//! `sudo secure-io …`: the caller's CA and browsers, with no more than the caller's rights.
//!
//! sudo itself only sets variables; the tests set them, and give the machine a user `ann` in a mount namespace. That takes
//! root's rights. Without them, the tests see that it cannot be done.

use std::os::unix::fs::chown;

use crate::sandbox::{Outcome, Sandbox};
use crate::serve::stopped;

const ANN: u32 = 4242;

/// A sandbox with the home folder of ann, who has a CA; `None` if we are not root.
fn prepared() -> Option<Sandbox> {
    let sandbox = Sandbox::new();
    sandbox.ok("mkdir ann");
    if let Err(error) = chown(sandbox.path("ann"), Some(ANN), Some(ANN)) {
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        return None;
    }
    sandbox.ok("chmod 755 .");
    let secure_io = env!("CARGO_BIN_EXE_secure-io");
    let home = sandbox.path("ann");
    let home = home.display();
    sandbox.write("passwd", format!("root:x:0:0:root:/root:/bin/sh\nann:x:{ANN}:{ANN}::{home}:/bin/sh\n"));
    let as_ann = format!("setpriv --reuid {ANN} --regid {ANN} --clear-groups env HOME={home} {secure_io} \"$@\"");
    sandbox.write("as-ann", as_ann);
    let variables = format!("SUDO_USER=ann SUDO_UID={ANN} SUDO_GID={ANN} HOME=/root");
    let sudo = format!("mount --bind passwd /etc/passwd && exec env {variables} {secure_io} \"$@\"");
    sandbox.write("sudo", sudo);
    sandbox.ok("sh as-ann ca init -q");
    Some(sandbox)
}

/// Runs the program as sudo would for ann.
fn sudo(sandbox: &Sandbox, arguments: &str) -> Outcome {
    sandbox.run(&format!("unshare -m sh sudo {arguments}"))
}

/// Nothing in ann's home folder belongs to root afterwards, who could not remove it.
#[track_caller]
fn all_is_anns(sandbox: &Sandbox) {
    assert_eq!(sandbox.ok("find ann -user root"), "");
}

/// docs/local-ca.md promised it, and a self-signed certificate was served.
#[test]
fn serve_uses_the_callers_ca() {
    let Some(sandbox) = prepared() else { return };
    let server = sandbox.start("unshare -m sh sudo serve --port 0", "Secure server is running on https://localhost:");
    let (_, log) = stopped(&sandbox, server, "TERM");
    assert!(log.contains("note: run with sudo: this is the CA of ann, in "), "{log}");
    assert!(log.contains("note: using a certificate from the local CA for localhost"), "{log}");
    all_is_anns(&sandbox);
    let ca = "ann/.local/share/secure-io/ca";
    assert_eq!(sandbox.ok(&format!("grep -c issued {ca}/log.jsonl")), "1\n");
}

/// Their own files are no other user's.
#[test]
fn the_callers_files_are_no_strangers() {
    let Some(sandbox) = prepared() else { return };
    sandbox.ok("secure-io gen-cert -q");
    for name in ["server-key.pem", "server-cert.pem"] {
        chown(sandbox.path(name), Some(ANN), Some(ANN)).expect("root can give a file away");
    }
    let server = sandbox.start("unshare -m sh sudo serve --port 0", "Secure server is running on https://localhost:");
    let (_, log) = stopped(&sandbox, server, "TERM");
    assert!(!log.contains("warning"), "{log}");
}

#[test]
fn a_browsers_database_stays_the_callers() {
    let Some(sandbox) = prepared() else { return };
    sudo(&sandbox, "ca trust --store chromium").success().says("this is the CA of ann").says("added");
    sandbox.run("sh as-ann ca status --store chromium").success().says("yes");
    all_is_anns(&sandbox);
}

/// Without a CA `ca trust` makes one: it is the caller's, not root's.
#[test]
fn the_ca_that_is_made_is_the_callers() {
    let Some(sandbox) = prepared() else { return };
    sandbox.ok("rm -r ann/.local");
    sudo(&sandbox, "ca trust --store chromium").success().says("there was no local CA, so one was made");
    all_is_anns(&sandbox);
    sandbox.ok("sh as-ann gen-cert --ca --dry-run");
}

/// Root once followed the caller's links: a file that only root may read became readable for everybody.
#[test]
fn what_only_root_may_read_is_not_read() {
    let Some(sandbox) = prepared() else { return };
    let ca = "ann/.local/share/secure-io/ca";
    sandbox.ok(&format!("cp {ca}/root.pem secret.pem"));
    sandbox.ok("chmod 600 secret.pem");
    let secret = sandbox.path("secret.pem");
    sandbox.ok(&format!("ln -sf {} {ca}/root.pem", secret.display()));
    sandbox.ok(&format!("chown -h {ANN} {ca}/root.pem"));
    for command in ["ca trust --store chromium", "ca status --store chromium"] {
        sudo(&sandbox, command).exits(2).says("Permission denied");
    }
    sudo(&sandbox, &format!("ca trust --store chromium --root {}", secret.display()))
        .exits(2)
        .says("Permission denied");
}

/// sudo has a path of its own, in which a program of `cargo install` is not found.
#[test]
fn what_is_left_for_root_is_one_command_that_works_under_sudos_path() {
    let Some(sandbox) = prepared() else { return };
    let refused = sandbox.run("sh as-ann ca trust --store system --ca-dir ann/.local/share/secure-io/ca").exits(2);
    let folder = sandbox.path("ann/.local/share/secure-io/ca");
    let command =
        format!("sudo {} ca trust --store system --ca-dir {}", env!("CARGO_BIN_EXE_secure-io"), folder.display());
    refused.says(&format!("hint: do the rest as root: `{command}`"));
}
