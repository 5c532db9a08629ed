//! `secure-io gen-key`.

use insta::assert_snapshot;

use crate::read_text;
use crate::sandbox::Sandbox;

#[test]
fn it_says_what_it_made() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-key"), @r#"
    $ secure-io gen-key
    exit: 0
    --- stdout
    Made a private key, EC P-256
      server-key.pem  private key
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --algorithm rsa-2048 --out rsa.pem --json"), @r#"
    $ secure-io gen-key --algorithm rsa-2048 --out rsa.pem --json
    exit: 0
    --- stdout
    {"files":[{"kind":"private-key","path":"rsa.pem"}],"written":true,"public_key":{"algorithm":"RSA","bits":2048},"spki_sha256":"[HEX]"}
    "#);
}

#[test]
fn nothing_is_written_over_unless_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("server-key.pem", "mine");
    assert_snapshot!(sandbox.run("secure-io gen-key"), @r#"
    $ secure-io gen-key
    exit: 2
    --- stderr
    error: `server-key.pem` exists already
    hint: write it elsewhere: `secure-io gen-key --out server-key-2.pem`
    hint: --force replaces what is there
    "#);
    assert_eq!(read_text(&sandbox, "server-key.pem"), "mine");
    sandbox.run("secure-io gen-key --force").success();
    assert!(read_text(&sandbox, "server-key.pem").starts_with("-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-key --dry-run"), @r#"
    $ secure-io gen-key --dry-run
    exit: 0
    --- stdout
    Would make a private key, EC P-256
      server-key.pem  private key
    "#);
    assert!(!sandbox.exists("server-key.pem"));
}

#[test]
fn standard_output_carries_the_key_alone() {
    let outcome = Sandbox::new().run("secure-io gen-key --out -").success();
    let lines: Vec<_> = outcome.stdout_text().lines().map(str::to_owned).collect();
    assert_eq!(lines.first().map(String::as_str), Some("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(lines.last().map(String::as_str), Some("-----END PRIVATE KEY-----"));
    outcome.says("Made a private key, EC P-256");
    assert_snapshot!(Sandbox::new().run("secure-io gen-key --out - --json"), @r#"
    $ secure-io gen-key --out - --json
    exit: 2
    --- stderr
    error: standard output takes one thing at a time
    hint: write to a file: `secure-io gen-key --json --out server-key.pem`
    "#);
}

#[test]
fn passphrases_come_from_files_and_variables() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "correct horse\n");
    sandbox.write("empty", "\n");
    assert_snapshot!(sandbox.run("secure-io gen-key --encrypt --passphrase-file passphrase"), @r#"
    $ secure-io gen-key --encrypt --passphrase-file passphrase
    exit: 0
    --- stdout
    Made a private key, EC P-256
      server-key.pem  encrypted private key
    "#);
    assert!(read_text(&sandbox, "server-key.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_snapshot!(sandbox.run("secure-io gen-key --encrypt --out a.pem"), @r#"
    $ secure-io gen-key --encrypt --out a.pem
    exit: 2
    --- stderr
    error: no passphrase is given
    hint: give one with --passphrase-file or --passphrase-env
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --encrypt --out a.pem --passphrase-file empty"), @r#"
    $ secure-io gen-key --encrypt --out a.pem --passphrase-file empty
    exit: 2
    --- stderr
    error: the passphrase is empty
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --encrypt --out a.pem --passphrase-file missing"), @r#"
    $ secure-io gen-key --encrypt --out a.pem --passphrase-file missing
    exit: 2
    --- stderr
    error: cannot read `missing`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --encrypt --out a.pem --passphrase-env NOT_SET"), @r#"
    $ secure-io gen-key --encrypt --out a.pem --passphrase-env NOT_SET
    exit: 2
    --- stderr
    error: cannot read the environment variable `NOT_SET`
      environment variable not found
    "#);
    assert!(!sandbox.exists("a.pem"));
}

#[test]
fn what_cannot_be_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    assert_snapshot!(sandbox.run("secure-io gen-key --algorithm dsa"), @r#"
    $ secure-io gen-key --algorithm dsa
    exit: 2
    --- stderr
    error: invalid value `dsa` for `--algorithm <ALGORITHM>`
      [possible values: ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519, rsa-2048, rsa-3072, rsa-4096]
    hint: see `secure-io gen-key --help`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --out nowhere/key.pem"), @r#"
    $ secure-io gen-key --out nowhere/key.pem
    exit: 2
    --- stderr
    error: cannot write `nowhere/key.pem`: No such file or directory
    hint: make the folder first: `mkdir -p nowhere && secure-io gen-key --out nowhere/key.pem`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --out file/key.pem"), @r#"
    $ secure-io gen-key --out file/key.pem
    exit: 2
    --- stderr
    error: cannot write `file/key.pem`: Not a directory
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-key --out ."), @r#"
    $ secure-io gen-key --out .
    exit: 2
    --- stderr
    error: `.` is a folder, not a file
    "#);
}
