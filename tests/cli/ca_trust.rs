//! `secure-io ca trust`, `untrust` and `status`, on the NSS databases of a home folder of its own.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A profile as Firefox makes it, in a folder that needs care, and one that is named and gone.
fn firefox_profile(sandbox: &Sandbox) {
    sandbox.ok("mkdir -p '.mozilla/firefox/my profile'");
    let ini = "[Profile0]\nName=default\nIsRelative=1\nPath=my profile\n\n[Profile1]\nName=gone\nPath=gone\n";
    sandbox.write(".mozilla/firefox/profiles.ini", ini);
}

/// A padlock takes two commands: `ca trust` makes the CA, and says so; the others ask for one.
#[test]
fn a_ca_is_made_where_there_is_none() {
    let sandbox = Sandbox::new();
    for command in ["status", "untrust"] {
        sandbox.run(&format!("secure-io ca {command} --ca-dir ca")).exits(2).says("secure-io ca init --ca-dir ca");
    }
    assert_snapshot!(sandbox.run("secure-io ca trust --ca-dir ca --store chromium"), @r#"
    $ secure-io ca trust --ca-dir ca --store chromium
    exit: 0
    --- stdout
    Local CA in ca
      added          Chromium  [DIR]/.local/share/pki/nssdb
    --- stderr
    note: there was no local CA, so one was made in ca
    "#);
    sandbox.run("secure-io gen-cert --ca --ca-dir other").success().says("so one was made in other");
    sandbox.run("secure-io gen-cert --ca --ca-dir none --name x --dry-run").exits(2).says("there is no local CA");
    assert!(!sandbox.exists("none"));
    sandbox.run("secure-io serve --ca-dir none --port 0").exits(2).says("there is no local CA in `none`");
}

/// Any root goes the same way; what is no root does not.
#[test]
fn the_root_of_a_file_is_trusted_like_the_cas() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca");
    sandbox.ok("cp ca/root.pem other.pem");
    let store = "--root other.pem --store chromium";
    sandbox.run(&format!("secure-io ca status {store}")).exits(1).says("secure-io ca trust --root other.pem");
    sandbox.run(&format!("secure-io ca trust {store}")).success().says("Root in other.pem\n  added");
    sandbox.run(&format!("secure-io ca status {store} --json")).success().says("\"root\":\"other.pem\"");
    sandbox.run(&format!("secure-io ca untrust {store}")).success().says("removed");
    for (file, reason) in [
        ("server-cert.pem", "holds 3 certificates"),
        ("ca/intermediate.pem", "holds 2 certificates"),
        ("ca/log.jsonl", "cannot use"),
        ("none.pem", "cannot read"),
    ] {
        sandbox.run(&format!("secure-io ca trust --root {file} --store chromium")).exits(2).says(reason);
    }
    sandbox.ok("secure-io gen-cert -q --name alone");
    sandbox.run("secure-io ca trust --root alone-cert.pem").exits(2).says("is not the certificate of a root");
    sandbox.ok("mkfifo pipe");
    sandbox
        .run("secure-io ca trust --root pipe --store chromium")
        .exits(2)
        .says("is a pipe (FIFO), not a regular file");
}

/// A FIFO as the list of profiles once hung the command; the other stores are served.
#[test]
fn a_list_of_profiles_that_is_a_pipe_is_not_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("mkdir -p .mozilla/firefox");
    sandbox.ok("mkfifo .mozilla/firefox/profiles.ini");
    let outcome = sandbox.run("secure-io ca trust --ca-dir ca --store nss").exits(2).says("added");
    outcome.says("profiles.ini` is a pipe (FIFO), not a regular file");
}

/// Firefox of these years reads no `cert8.db`: the profile gets a database, and its answer is no until then.
#[test]
fn a_profile_with_an_old_database_is_trusted_in_the_end() {
    let sandbox = Sandbox::new();
    firefox_profile(&sandbox);
    sandbox.write(".mozilla/firefox/my profile/cert8.db", "Berkeley DB 1.85");
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    let firefox = "--ca-dir ca --store firefox";
    sandbox.run(&format!("secure-io ca status {firefox}")).exits(1).says("no ");
    sandbox.run(&format!("secure-io ca trust {firefox}")).success().says("added");
    sandbox.run(&format!("secure-io ca status {firefox}")).success().says("yes");
}

/// Without a terminal nobody can give the password, and nothing is left in the database.
#[test]
fn a_database_with_a_password_keeps_no_copy() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("mkdir -p .local/share/pki/nssdb");
    sandbox.write("password", "secret\n");
    sandbox.ok("certutil -d sql:.local/share/pki/nssdb -N -f password");
    let outcome = sandbox.run("secure-io ca trust --ca-dir ca --store chromium").exits(2).says("failed");
    outcome.says("a password protects it, and certutil can ask for that on a terminal only");
    let listed = sandbox.ok("certutil -d sql:.local/share/pki/nssdb -L");
    assert!(!listed.contains("secure-io"), "{listed}");
}

/// Java's store may have another password than the one it is shipped with, which is named for this command alone.
#[test]
fn javas_store_may_have_another_password() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --name other");
    sandbox.ok("mkdir -p java/lib/security");
    let keystore = "-storetype PKCS12 -keystore java/lib/security/cacerts -storepass another";
    sandbox.ok(&format!("keytool -importcert -noprompt -alias other -file other-cert.pem {keystore}"));
    sandbox.write("password", "another\n");
    let run = |line: &str| {
        let line = format!("secure-io ca {line} --ca-dir ca --store java");
        let mut command = sandbox.command("secure-io");
        command.args(line.split(' ').skip(1)).env("JAVA_HOME", sandbox.path("java")).env("PASSWORD", "another");
        sandbox.finish(&line, &mut command, b"")
    };
    let refused = run("trust").exits(2).says("its password is not the one given, or not `changeit`");
    refused.says("hint: give the password of Java's store with --java-password-file or --java-password-env");
    run("status").exits(1).says("unknown");
    run("trust --java-password-file password").success().says("added");
    run("status --java-password-env PASSWORD").success().says("yes");
    run("untrust --java-password-file password").success().says("removed");
    let listed = sandbox.ok("keytool -list -keystore java/lib/security/cacerts -storepass another");
    assert!(listed.contains("other,") && !listed.contains("secure-io"), "{listed}");
}

/// The answers are what was asked for: `--quiet` once left nothing of them.
#[test]
fn a_quiet_status_has_its_answers() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    let quiet = sandbox.run("secure-io ca status -q --ca-dir ca --store chromium").exits(1).says("no ");
    assert_eq!(quiet.stderr, "");
}

/// Trusted, asked, trusted again, removed, removed again: each report names the changes and the unchanged stores.
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
    hint: make them trust it: `secure-io ca trust --ca-dir ca`
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

/// A certificate that is in a store without trust is not trusted; `trust` fixes that.
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

/// Without a Firefox profile no store could trust the root: that is not success.
#[test]
fn no_store_is_not_success() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.run("secure-io ca trust --ca-dir ca --store firefox").exits(2).says("start Firefox once");
    sandbox.run("secure-io ca status --ca-dir ca --store firefox").exits(1).says("no store that we know is here");
    sandbox.run("secure-io ca untrust --ca-dir ca --store firefox").success();
}
