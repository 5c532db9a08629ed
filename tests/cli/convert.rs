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
    let subject = |der: &[u8]| secure_io::inspect::certificate(der).unwrap().sha256_fingerprint;
    found
        .into_iter()
        .filter_map(|found| match found.content.unwrap() {
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
    let mode = std::fs::metadata(sandbox.path("all.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Certificates alone are for everybody.
    sandbox.ok("secure-io convert mixed.pem --to pem --out chain.pem");
    let mode = std::fs::metadata(sandbox.path("chain.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o044, 0o044 & mode & 0o777);
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
    assert_snapshot!(sandbox.run(&format!("{convert} --out server.p12 --alias tomcat")), @"");
    assert_snapshot!(sandbox.run(&format!("{convert} --out b.p12 --json")), @"");
    assert_snapshot!(sandbox.run(&format!("{convert} --out server.p12")), @"");
    assert_snapshot!(sandbox.run(&format!("{convert} --out server-key.pem --force")), @"");
}

/// What a format has no place for is refused in words, with the command that goes on; nothing is left out unsaid.
#[test]
fn a_format_refuses_what_it_cannot_hold() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok("secure-io gen-key -q --out other.pem");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem server-key.pem --to p7b"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem server-key.pem --to der"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-csr.pem --to p12 --p12-password-file pw"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem other.pem --to p12 --p12-password-file pw"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to jks --out a.jks"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to pem --encrypt --passphrase-file pw"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-key.pem --to p12"), @"");
    assert!(!sandbox.exists("a.jks"));
}

#[test]
fn closed_and_broken_inputs_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.write("wrong", "another\n");
    sandbox.ok("secure-io gen-cert -q app.test --p12 server.p12 --p12-password-file pw");
    let text = read_text(&sandbox, "server-cert.pem");
    sandbox.write("broken.pem", text.replacen('M', "%", 1));
    assert_snapshot!(sandbox.run("secure-io convert server.p12 --to pem"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server.p12 --to pem --passphrase-file wrong"), @"");
    assert_snapshot!(sandbox.run("secure-io convert broken.pem --to der"), @"");
    assert_snapshot!(sandbox.run("secure-io convert no-such.pem --to der"), @"");
    assert_snapshot!(sandbox.run("secure-io convert server-cert.pem --to der --item 7"), @"");
}

/// The pipe is where OpenSSL's users have it.
#[test]
fn standard_input_and_output_carry_the_items_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    let input = sandbox.read("server-cert.pem");
    let mut command = sandbox.command("secure-io");
    let outcome = sandbox.finish("convert -", command.args(["convert", "-", "--to", "der", "-q"]), &input).success();
    assert_eq!(outcome.stderr, "");
    assert_eq!(container::certificates(&outcome.stdout).unwrap(), container::certificates(&input).unwrap());
    sandbox.run("secure-io convert server-cert.pem --to der --json").exits(2);
}

/// Two entries of one name would be one, and the first be lost.
#[test]
fn entries_of_a_store_keep_names_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-cert -q --name a app.test");
    sandbox.ok("secure-io gen-cert -q --name b APP.test");
    let convert = "secure-io convert a-cert.pem b-cert.pem a-key.pem b-key.pem --to p12 --p12-password-file pw --out s.p12";
    sandbox.ok(convert);
    let shown = sandbox.ok("secure-io inspect --json --passphrase-file pw s.p12");
    assert_eq!(shown.matches("\"kind\":\"private-key\"").count(), 2, "{shown}");
    assert!(shown.contains("\"app.test\"") && shown.contains("\"app.test-2\""), "{shown}");
}
