//! `secure-io convert`.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use secure_io::container::{self, Content};

use crate::read_text;
use crate::sandbox::Sandbox;

/// A key, and in `mixed.pem` its chain from the root down: the wrong way round.
fn with_chain() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    let certificates = read_text(&sandbox, "server-cert.pem");
    let mut blocks: Vec<_> = certificates.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let root = read_text(&sandbox, "ca/root.pem");
    blocks.push(&root);
    blocks.reverse();
    sandbox.write("mixed.pem", blocks.concat());
    sandbox
}

fn subjects(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let found = container::find(&sandbox.read(file));
    let subject = |der: &[u8]| secure_io::inspect::certificate(der).expect("a certificate").sha256_fingerprint;
    found
        .into_iter()
        .filter_map(|found| match found.content.expect("it is sound") {
            Content::Certificate(der) => Some(subject(&der)),
            _ => None,
        })
        .collect()
}

/// Servers that get a chain out of order, or the key of another certificate, do not start; people spend an hour on it.
#[test]
fn a_key_and_its_chain_come_out_in_order() {
    let sandbox = with_chain();
    let outcome = sandbox.run("secure-io convert mixed.pem server-key.pem --to pem --out all.pem").success();
    assert_eq!(outcome.stdout_text(), "");
    let text = read_text(&sandbox, "all.pem");
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"), "{text}");
    let mut expected = subjects(&sandbox, "mixed.pem");
    expected.reverse();
    assert_eq!(subjects(&sandbox, "all.pem"), expected);
    let mode = |file: &str| std::fs::metadata(sandbox.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("all.pem"), 0o600);
    // Certificates alone are for everybody whom the umask lets read.
    sandbox.ok("secure-io convert mixed.pem --to pem --out chain.pem");
    assert_eq!(mode("chain.pem"), mode("server-cert.pem"));
    assert_eq!(subjects(&sandbox, "chain.pem"), expected);
}

/// All the way round through each format loses nothing.
#[test]
fn each_format_gives_back_what_went_in() {
    let sandbox = with_chain();
    sandbox.ok("secure-io convert mixed.pem server-key.pem --to pem --out all.pem");
    sandbox.ok("secure-io convert all.pem --to p12 --p12-password-file pw --out all.p12");
    sandbox.ok("secure-io convert all.p12 --to pem --passphrase-file pw --out again.pem");
    assert_eq!(read_text(&sandbox, "again.pem"), read_text(&sandbox, "all.pem"));
    sandbox.ok("secure-io convert all.p12 --p12-password-file pw --kind certificate --to p7b --out chain.p7b");
    sandbox.ok("secure-io convert chain.p7b --to pem --out chain.pem");
    assert_eq!(subjects(&sandbox, "chain.pem"), subjects(&sandbox, "all.pem"));
    sandbox.ok("secure-io convert all.p12 --p12-password-file pw --kind private-key --to der --out key.der");
    sandbox.ok("secure-io convert key.der --to pem --encrypt --new-passphrase-file pw --out enc.pem");
    assert!(read_text(&sandbox, "enc.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let key = sandbox.ok("secure-io convert enc.pem --to pem --passphrase-file pw");
    assert!(read_text(&sandbox, "all.pem").starts_with(&key), "{key}");
    let again = sandbox.ok("secure-io convert enc.pem --to pem --encrypt --passphrase-file pw");
    assert!(again.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{again}");
}

#[test]
fn it_says_what_it_wrote() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-cert -q app.test");
    let convert = "secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw";
    assert_snapshot!(sandbox.run(&format!("{convert} --out server.p12 --alias tomcat")), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw --out server.p12 --alias tomcat
    exit: 0
    --- stderr
    Wrote PKCS#12 to server.p12
      private key, EC P-256    from server-key.pem #1, as `tomcat`
      certificate of app.test  from server-cert.pem #1
    hint: Java reads it as it is; a program that insists on JKS needs `keytool -importkeystore -srckeystore server.p12 -srcstoretype PKCS12 -destkeystore server.jks -deststoretype JKS`
    "#);
    assert_snapshot!(sandbox.run(&format!("{convert} --out b.p12 --json")), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw --out b.p12 --json
    exit: 0
    --- stdout
    {"path":"b.p12","format":"p12","written":true,"encrypted":true,"items":[{"kind":"private-key","from":"server-key.pem #1","alias":"app.test","public_key":{"algorithm":"EC","curve":"P-256","bits":256},"spki_sha256":"[HEX]"},{"kind":"certificate","from":"server-cert.pem #1","subject":"CN=app.test","subject_alt_names":["DNS:app.test"],"not_after":"[TIME]","sha256_fingerprint":"[HEX]","spki_sha256":"[HEX]"}]}
    "#);
    assert_snapshot!(sandbox.run(&format!("{convert} --out server.p12")), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw --out server.p12
    exit: 2
    --- stderr
    error: `server.p12` exists already
    hint: write it elsewhere: `secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw --out server-2.p12`
    hint: --force replaces what is there
    "#);
    assert_snapshot!(sandbox.run(&format!("{convert} --out server-key.pem --force")), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to p12 --p12-password-file pw --out server-key.pem --force
    exit: 2
    --- stderr
    error: `server-key.pem` is read and would be written over
    "#);
}

/// What a format has no place for is refused in words, with the command that goes on; nothing is left out unsaid.
#[test]
fn a_format_refuses_what_it_cannot_hold() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok("secure-io gen-key -q --out other.pem");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem server-key.pem --to p7b"), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to p7b
    exit: 2
    --- stderr
    error: PKCS#7 holds no private key: server-key.pem #1
    hint: convert the certificates alone: `secure-io convert server-cert.pem server-key.pem --to p7b --kind certificate`
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem server-key.pem --to der"), @r#"
    $ secure-io convert server-cert.pem server-key.pem --to der
    exit: 2
    --- stderr
    error: DER holds one item, and there are 2: private key (server-key.pem #1), certificate (server-cert.pem #1)
    hint: convert one file at a time
    hint: --kind takes those of a kind, and --to pem holds them all
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-csr.pem --to p12 --p12-password-file pw"), @r#"
    $ secure-io convert server-csr.pem --to p12 --p12-password-file pw
    exit: 2
    --- stderr
    error: PKCS#12 holds no certification request: server-csr.pem #1
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem other.pem --to p12 --p12-password-file pw"), @r#"
    $ secure-io convert server-cert.pem other.pem --to p12 --p12-password-file pw
    exit: 2
    --- stderr
    error: no certificate belongs to the private key in other.pem #1
      the private key is EC P-256 (spki sha256 [HEX]…)
      the key of server-cert.pem #1: EC P-256 (spki sha256 [HEX]…)
    hint: `secure-io inspect *.pem` shows what belongs together
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to jks --out a.jks"), @r#"
    $ secure-io convert server-cert.pem --to jks --out a.jks
    exit: 2
    --- stderr
    error: Java's own keystore (JKS) is not written: Java reads PKCS#12
    hint: write PKCS#12: `secure-io convert server-cert.pem --to p12 --out a.p12`
    hint: only for a program that insists on JKS: `keytool -importkeystore -srckeystore a.p12 -srcstoretype PKCS12 -destkeystore a.jks -deststoretype JKS`
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to pem --encrypt --passphrase-file pw"), @r#"
    $ secure-io convert server-cert.pem --to pem --encrypt --passphrase-file pw
    exit: 2
    --- stderr
    error: there is no private key to encrypt
    hint: it holds 1 certificate: leave out --encrypt
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-key.pem --to p12"), @r#"
    $ secure-io convert server-key.pem --to p12
    exit: 2
    --- stderr
    error: no password is given
    hint: give one with --p12-password-file or --p12-password-env
    "#);
    assert!(!sandbox.exists("a.jks"));
}

/// In a store, all items have the same first number.
#[test]
fn one_item_of_a_store_is_named_by_a_number_that_it_has_alone() {
    let sandbox = with_chain();
    sandbox.ok("secure-io convert mixed.pem --to p7b --out chain.p7b");
    let outcome = sandbox.run("secure-io convert chain.p7b --to der --out one.der").exits(2);
    let hint = outcome.stderr;
    let command = hint.split_once("take one of them: `").expect("a hint").1.split('`').next().expect("a command");
    sandbox.ok(command);
    assert_eq!(subjects(&sandbox, "one.der").len(), 1);
}

#[test]
fn closed_and_broken_inputs_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.write("wrong", "another\n");
    sandbox.ok("secure-io gen-cert -q app.test --p12 server.p12 --p12-password-file pw");
    let text = read_text(&sandbox, "server-cert.pem");
    sandbox.write("broken.pem", text.replacen('M', "%", 1));
    assert_snapshot!(sandbox.run("secure-io convert server.p12 --to pem"), @r#"
    $ secure-io convert server.p12 --to pem
    exit: 2
    --- stderr
    error: server.p12 #1 is encrypted
    hint: give the passphrase with --passphrase-file or --passphrase-env
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server.p12 --to pem --passphrase-file wrong"), @r#"
    $ secure-io convert server.p12 --to pem --passphrase-file wrong
    exit: 2
    --- stderr
    error: server.p12 #1 is encrypted: the passphrase does not open it
    "#);
    assert_snapshot!(sandbox.run("secure-io convert broken.pem --to der"), @r#"
    $ secure-io convert broken.pem --to der
    exit: 2
    --- stderr
    error: broken.pem #1 cannot be read: PEM block 1 (line 1, CERTIFICATE) is not base64: `%` in line 2, column 1
    "#);
    assert_snapshot!(sandbox.run("secure-io convert no-such.pem --to der"), @r#"
    $ secure-io convert no-such.pem --to der
    exit: 2
    --- stderr
    error: cannot read `no-such.pem`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to der --item 7"), @r#"
    $ secure-io convert server-cert.pem --to der --item 7
    exit: 2
    --- stderr
    error: nothing in `server-cert.pem` is of the number or kind asked for
    "#);
}

/// The pipe is where OpenSSL's users have it.
#[test]
fn standard_input_and_output_carry_the_items_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    let input = sandbox.read("server-cert.pem");
    let mut command = sandbox.command("secure-io");
    let outcome = sandbox.finish("convert -", command.args(["convert", "-", "--to", "pem", "-q"]), &input).success();
    assert_eq!(outcome.stderr, "");
    assert_eq!(outcome.stdout_text().as_bytes(), input);
    sandbox.run("secure-io convert server-cert.pem --to der --json").exits(2);
}

/// Two entries of one name would be one, and the first be lost.
#[test]
fn entries_of_a_store_keep_names_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-cert -q --name a app.test");
    sandbox.ok("secure-io gen-cert -q --name b APP.test");
    let convert =
        "secure-io convert a-cert.pem b-cert.pem a-key.pem b-key.pem --to p12 --p12-password-file pw --out s.p12";
    sandbox.ok(convert);
    let shown = sandbox.ok("secure-io inspect --json --passphrase-file pw s.p12");
    assert_eq!(shown.matches("\"kind\":\"private-key\"").count(), 2, "{shown}");
    assert!(shown.contains("\"app.test\"") && shown.contains("\"app.test-2\""), "{shown}");
}

/// An option that changes nothing would leave its user believing that it did.
#[test]
fn options_of_another_format_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to pem --alias web"), @r#"
    $ secure-io convert server-cert.pem --to pem --alias web
    exit: 2
    --- stderr
    error: --alias is for PKCS#12, not for PEM
    hint: leave out --alias, or convert with --to p12
    "#);
    sandbox.run("secure-io convert server-cert.pem --to der --p12-legacy").exits(2).says("--p12-legacy is for PKCS#12");
    sandbox.run("secure-io convert server-cert.pem --to p12 --p7b-der").exits(2).says("--p7b-der is for PKCS#7");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to der --json"), @r#"
    $ secure-io convert server-cert.pem --to der --json
    exit: 2
    --- stderr
    error: standard output takes one thing at a time
    hint: write to a file: `secure-io convert server-cert.pem --to der --json --out converted.der`
    "#);
}
