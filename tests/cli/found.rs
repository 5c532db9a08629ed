//! Files that a command finds rather than is given: another user may have put or changed them there.

use std::io::ErrorKind;
use std::os::unix::fs::lchown;

use crate::sandbox::Sandbox;
use crate::serve::log_of;

fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    sandbox
}

/// A key of mode 666 was once used without a word.
#[test]
fn a_key_that_everybody_can_write_is_warned_about() {
    let sandbox = prepared();
    let warning =
        |name: &str| format!("warning: `{name}`, which was found here, can be written by every user (mode 666)");
    assert!(!log_of(&sandbox, "").contains("warning"), "the files are as gen-cert made them");
    sandbox.ok("chmod 666 server-key.pem server-cert.pem");
    let log = log_of(&sandbox, "");
    assert!(log.contains(&warning("server-key.pem")) && log.contains(&warning("server-cert.pem")), "{log}");
    let renewed = sandbox.run("secure-io gen-cert --renew").success();
    renewed.says(&warning("server-key.pem")).says(&warning("server-cert.pem"));
    // Whoever names a file has chosen it.
    let named = log_of(&sandbox, "--cert server-cert.pem --key server-key.pem");
    assert!(!named.contains("found here"), "{named}");
    for line in ["gen-cert --key server-key.pem --name b", "gen-csr --key server-key.pem --out c.pem"] {
        let outcome = sandbox.run(&format!("secure-io {line}")).success();
        assert!(!outcome.stderr.contains("found here"), "{outcome}");
    }
}

#[test]
fn a_certificate_of_another_user_is_warned_about() {
    let sandbox = prepared();
    match lchown(sandbox.path("server-cert.pem"), Some(4243), None) {
        Ok(()) => {
            let log = log_of(&sandbox, "");
            let warning = "warning: `server-cert.pem`, which was found here, belongs to another user (uid 4243)";
            assert!(log.contains(warning), "{log}");
        }
        // Only root can give a file away.
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
    }
}

/// The key that belongs to a certificate is looked for beside it; one that everybody can write is nobody's advice.
#[test]
fn hints_name_no_file_that_others_can_change() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --name other");
    let mismatch = "secure-io serve --port 0 --cert server-cert.pem --key other-key.pem";
    sandbox.run(mismatch).exits(2).says("--key server-key.pem");
    sandbox.ok("chmod 666 server-key.pem");
    let refused = sandbox.run(mismatch).exits(2);
    assert!(!refused.stderr.contains("server-key.pem"), "{refused}");
}
