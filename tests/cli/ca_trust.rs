//! `secure-io ca trust`, `untrust` and `status`, on the NSS databases of a home folder of its own.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A profile as Firefox makes it, in a folder that needs care, and one that is named and gone.
fn firefox_profile(sandbox: &Sandbox) {
    sandbox.ok("mkdir -p '.mozilla/firefox/my profile'");
    let ini = "[Profile0]\nName=default\nIsRelative=1\nPath=my profile\n\n[Profile1]\nName=gone\nPath=gone\n";
    sandbox.write(".mozilla/firefox/profiles.ini", ini);
}

#[test]
fn there_must_be_a_ca() {
    assert_snapshot!(Sandbox::new().run("secure-io ca trust --ca-dir ca"), @r#"
    $ secure-io ca trust --ca-dir ca
    exit: 2
    --- stderr
    error: there is no local CA in `ca`
    hint: make one: `secure-io ca init --ca-dir ca`
    "#);
}

/// Trusted, asked, trusted again, taken out, taken out again: each says what was done and what was left.
#[test]
fn it_goes_in_and_out_of_browsers_and_both_may_be_said_twice() {
    let sandbox = Sandbox::new();
    firefox_profile(&sandbox);
    sandbox.ok("secure-io ca init --ca-dir ca");
    let nss = "--ca-dir ca --store nss";
    assert_snapshot!(sandbox.run(&format!("secure-io ca status {nss}")), @r#"
    $ secure-io ca status --ca-dir ca --store nss
    exit: 1
    --- stdout
    Local CA in ca
      no             Chromium         [DIR]/.local/share/pki/nssdb
      no             Firefox default  [DIR]/.mozilla/firefox/my profile
    --- stderr
    hint: `secure-io ca trust --ca-dir ca` has them trust it
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca trust {nss}")), @r#"
    $ secure-io ca trust --ca-dir ca --store nss
    exit: 0
    --- stdout
    Local CA in ca
      added          Chromium         [DIR]/.local/share/pki/nssdb
      added          Firefox default  [DIR]/.mozilla/firefox/my profile
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca trust {nss}")), @r#"
    $ secure-io ca trust --ca-dir ca --store nss
    exit: 0
    --- stdout
    Local CA in ca
      already there  Chromium         [DIR]/.local/share/pki/nssdb
      already there  Firefox default  [DIR]/.mozilla/firefox/my profile
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca status {nss}")), @r#"
    $ secure-io ca status --ca-dir ca --store nss
    exit: 0
    --- stdout
    Local CA in ca
      yes            Chromium         [DIR]/.local/share/pki/nssdb
      yes            Firefox default  [DIR]/.mozilla/firefox/my profile
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca status {nss} --json")), @r#"
    $ secure-io ca status --ca-dir ca --store nss --json
    exit: 0
    --- stdout
    {"ca":"ca","sha256_fingerprint":"[HEX]","complete":true,"stores":[{"store":"chromium","name":"Chromium","place":"[DIR]/.local/share/pki/nssdb","trusted":"yes"},{"store":"firefox","name":"Firefox default","place":"[DIR]/.mozilla/firefox/my profile","trusted":"yes"}]}
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca untrust {nss}")), @r#"
    $ secure-io ca untrust --ca-dir ca --store nss
    exit: 0
    --- stdout
    Local CA in ca
      removed        Chromium         [DIR]/.local/share/pki/nssdb
      removed        Firefox default  [DIR]/.mozilla/firefox/my profile
    "#);
    assert_snapshot!(sandbox.run(&format!("secure-io ca untrust {nss}")), @r#"
    $ secure-io ca untrust --ca-dir ca --store nss
    exit: 0
    --- stdout
    Local CA in ca
      not there      Chromium         [DIR]/.local/share/pki/nssdb
      not there      Firefox default  [DIR]/.mozilla/firefox/my profile
    "#);
}

/// Chromium goes on using the old place where there is something in it.
#[test]
fn chromiums_old_database_is_used_where_there_is_one() {
    let sandbox = Sandbox::new();
    sandbox.ok("mkdir -p .pki/nssdb");
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io ca trust --ca-dir ca --store chromium");
    assert!(sandbox.exists(".pki/nssdb/cert9.db") && !sandbox.exists(".local/share/pki"));
}

/// Roots of two CAs have the same subject, which is nearly one certificate to NSS; others have names like ours.
#[test]
fn exactly_that_certificate_is_removed_whatever_it_is_called() {
    let sandbox = Sandbox::new();
    for ca in ["a", "b", "c"] {
        sandbox.ok(&format!("secure-io ca init --ca-dir {ca}"));
    }
    let fingerprint = |ca: &str| {
        let line = sandbox.ok(&format!("openssl x509 -in {ca}/root.pem -noout -fingerprint -sha256"));
        line.trim().split_once('=').expect("a digest behind a name").1.to_owned()
    };
    sandbox.ok("secure-io ca trust --ca-dir c --store chromium");
    let db = "-d sql:.local/share/pki/nssdb";
    for (ca, nickname) in [("a", "secure-io"), ("b", "by hand")] {
        sandbox.ok(&format!("certutil {db} -A -t C,, -n '{nickname}' -i {ca}/root.pem"));
    }
    // An older root of the CA is taken out with the one it has now.
    sandbox.ok("mkdir c/previous");
    sandbox.ok("cp a/root.pem c/previous/root-1.pem");
    sandbox.ok("secure-io ca untrust --ca-dir c --store chromium");
    let listed = sandbox.ok(&format!("certutil {db} -L"));
    assert!(listed.contains("by hand") && listed.matches("C,,").count() == 1, "{listed}");
    let left = sandbox.ok(&format!("certutil {db} -L -n 'by hand'"));
    assert!(left.contains(&fingerprint("b")), "{left}");
    assert!(!left.contains(&fingerprint("a")) && !left.contains(&fingerprint("c")), "{left}");
    sandbox.run("secure-io ca status --ca-dir b --store chromium").success();
}

/// A certificate that is there without trust is not trusted; `trust` mends that.
#[test]
fn being_there_is_not_being_trusted() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io ca trust --ca-dir ca --store chromium");
    let db = "-d sql:.local/share/pki/nssdb";
    let listed = sandbox.ok(&format!("certutil {db} -L"));
    let nickname = listed.split_whitespace().find(|word| word.starts_with("secure-io-")).expect("it is listed");
    sandbox.ok(&format!("certutil {db} -M -t ,, -n {nickname}"));
    sandbox.run("secure-io ca status --ca-dir ca --store chromium").exits(1);
    sandbox.run("secure-io ca trust --ca-dir ca --store chromium").success().says("added");
    sandbox.run("secure-io ca status --ca-dir ca --store chromium").success();
}

/// Without the program that edits it a store is said to be unknown, or failed, and the others go on.
#[test]
fn a_store_that_cannot_be_edited_comes_with_the_command_that_helps() {
    let sandbox = Sandbox::new();
    firefox_profile(&sandbox);
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io ca trust --ca-dir ca --store firefox");
    sandbox.ok("mkdir none");
    let mut command = sandbox.command("secure-io");
    command.args(["ca", "status", "--ca-dir", "ca", "--store", "nss"]).env("PATH", sandbox.path("none"));
    assert_snapshot!(sandbox.finish("secure-io ca status --ca-dir ca --store nss", &mut command, b""), @r#"
    $ secure-io ca status --ca-dir ca --store nss
    exit: 1
    --- stdout
    Local CA in ca
      unknown        Firefox default  [DIR]/.mozilla/firefox/my profile
                     `certutil` is not installed: `sudo apt-get install libnss3-tools` installs it
    "#);
}

/// Where Firefox has no profile there is nothing to be trusted by: that is not success.
#[test]
fn no_store_is_not_success() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.run("secure-io ca trust --ca-dir ca --store firefox").exits(2).says("start Firefox once");
    sandbox.run("secure-io ca status --ca-dir ca --store firefox").exits(1).says("no store that we know is here");
    sandbox.run("secure-io ca untrust --ca-dir ca --store firefox").success();
}
