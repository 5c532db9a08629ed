//! `secure-io fingerprint`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// People compare it with what a browser or OpenSSL shows, so it has to look the same.
#[test]
fn it_is_what_openssl_prints() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    let theirs = sandbox.ok("openssl x509 -in server-cert.pem -noout -fingerprint -sha256");
    let ours = sandbox.ok("secure-io fingerprint server-cert.pem");
    assert_eq!(ours.split("  ").next(), theirs.trim().split_once('=').map(|(_, digest)| digest));
    assert!(ours.ends_with("  server-cert.pem  app.test\n"), "{ours}");
}

/// One pin for the certificate, its key and its request: what `curl --pinnedpubkey` takes.
#[test]
fn a_pin_is_that_of_the_key() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok("openssl pkey -in server-key.pem -pubout -outform DER -out spki.der");
    let theirs = sandbox.ok("bash -c 'openssl dgst -sha256 -binary spki.der | base64'");
    let pins = sandbox.ok("secure-io fingerprint --spki server-cert.pem server-key.pem server-csr.pem");
    let pins: Vec<_> = pins.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected = format!("sha256//{}", theirs.trim());
    assert_eq!(pins, [&expected; 3]);
}

/// The lines of the help, with a chain: curl compares one pin, that of the server's own certificate.
#[test]
fn the_pin_of_the_help_is_taken_by_curl() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca");
    let server = sandbox.serve("--ca-dir ca");
    let help = sandbox.ok("secure-io fingerprint --help");
    let lines: Vec<_> = help.lines().map(str::trim).filter(|line| line.contains("pin")).collect();
    let at = lines.iter().position(|line| line.starts_with("pin=$(")).expect("an example");
    let script =
        format!("{}\n{} --insecure --silent", lines[at], lines[at + 1].replace("3000", &server.port.to_string()));
    let mut command = sandbox.command("bash");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_secure-io")).parent().expect("it is in a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    command.args(["-ec", &script]).env("PATH", path);
    assert_eq!(sandbox.finish(&script, &mut command, b"").success().stdout_text(), "Hello, Socket.io with SSL/TLS!");
}

#[test]
fn what_has_none_is_named() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.write("text", "no key\n");
    assert_snapshot!(sandbox.run("secure-io fingerprint server-key.pem"), @r#"
    $ secure-io fingerprint server-key.pem
    exit: 2
    --- stderr
    error: there is no certificate in `server-key.pem`
    hint: take the pin of its key: `secure-io fingerprint server-key.pem --spki`
    "#);
    assert_snapshot!(sandbox.run("secure-io fingerprint text no-such.pem"), @r#"
    $ secure-io fingerprint text no-such.pem
    exit: 2
    --- stderr
    error: text #1: there is neither PEM nor DER in it: it is other text
    error: cannot read `no-such.pem`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io fingerprint server-key.pem --json --spki"), @r#"
    $ secure-io fingerprint server-key.pem --json --spki
    exit: 0
    --- stdout
    [{"source":"server-key.pem","item":"1","kind":"private-key","spki_sha256":"[HEX]","spki_pin":"sha256//[BASE64]"}]
    "#);
}

/// A key that is there and closed is not missing: the passphrase is what its owner has to give.
#[test]
fn an_encrypted_key_asks_for_its_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "a password\n");
    sandbox.ok("secure-io gen-key -q --encrypt --passphrase-file pw --out key.pem");
    assert_snapshot!(sandbox.run("secure-io fingerprint --spki key.pem"), @r#"
    $ secure-io fingerprint --spki key.pem
    exit: 2
    --- stderr
    error: the private key in `key.pem` is encrypted
    hint: give the passphrase with --passphrase-file or --passphrase-env
    "#);
    assert!(sandbox.ok("secure-io fingerprint --spki key.pem --passphrase-file pw").starts_with("sha256//"));
}
