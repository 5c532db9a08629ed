//! `secure-io gen-csr`.

use insta::assert_snapshot;

use crate::read_text;
use crate::sandbox::Sandbox;

fn with_key() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-key -q");
    sandbox
}

#[test]
fn it_says_what_it_asks_for() {
    let sandbox = with_key();
    assert_snapshot!(sandbox.run("secure-io gen-csr --key server-key.pem"), @r#"
    $ secure-io gen-csr --key server-key.pem
    exit: 0
    --- stdout
    Made a certification request for localhost, 127.0.0.1 and ::1
      server-csr.pem  certification request
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key server-key.pem --out b.pem --subject 'CN=b.test,OU=2,OU=1' bücher.test me@example.com spiffe://td/app --json"), @r#"
    $ secure-io gen-csr --key server-key.pem --out b.pem --subject 'CN=b.test,OU=2,OU=1' bücher.test me@example.com spiffe://td/app --json
    exit: 0
    --- stdout
    {"files":[{"kind":"csr","path":"b.pem"}],"written":true,"subject":"CN=b.test,OU=2,OU=1","subject_alt_names":["DNS:xn--bcher-kva.test","email:me@example.com","URI:spiffe://td/app"],"public_key":{"algorithm":"EC","curve":"P-256","bits":256},"spki_sha256":"[HEX]"}
    "#);
}

#[test]
fn a_key_is_taken_from_standard_input() {
    let sandbox = with_key();
    let outcome = sandbox.run_with("secure-io gen-csr --key - --out -", sandbox.read("server-key.pem")).success();
    assert!(outcome.stdout_text().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let sandbox = with_key();
    sandbox.ok("secure-io gen-cert --name other -q");
    sandbox.write("noise", [0, 159, 146, 150]);
    sandbox.write("empty", "");
    sandbox.write("cut.pem", &read_text(&sandbox, "server-key.pem")[..100]);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key missing.pem"), @r#"
    $ secure-io gen-csr --key missing.pem
    exit: 2
    --- stderr
    error: cannot read `missing.pem`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key other-cert.pem"), @r#"
    $ secure-io gen-csr --key other-cert.pem
    exit: 2
    --- stderr
    error: cannot use `other-cert.pem`: it holds a certificate, not a private key
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key noise"), @r#"
    $ secure-io gen-csr --key noise
    exit: 2
    --- stderr
    error: cannot use `noise`: there is neither PEM nor DER of a private key in it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key empty"), @r#"
    $ secure-io gen-csr --key empty
    exit: 2
    --- stderr
    error: cannot use `empty`: it is empty
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key cut.pem"), @r#"
    $ secure-io gen-csr --key cut.pem
    exit: 2
    --- stderr
    error: cannot use `cut.pem`: PEM block 1 (line 1, PRIVATE KEY) has no END line of its own
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key ."), @r#"
    $ secure-io gen-csr --key .
    exit: 2
    --- stderr
    error: `.` is a folder, not a file
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key server-key.pem --out server-key.pem --force"), @r#"
    $ secure-io gen-csr --key server-key.pem --out server-key.pem --force
    exit: 2
    --- stderr
    error: `server-key.pem` is read and would be written over
    "#);
    assert!(!sandbox.exists("server-csr.pem"));
}

/// Keys that TLS servers here cannot use are named by their kind.
#[test]
fn kinds_of_keys_that_cannot_be_used_are_named() {
    let sandbox = Sandbox::new();
    sandbox.run("openssl genpkey -algorithm X25519 -out x25519.pem").success();
    sandbox.run("openssl genpkey -algorithm ED448 -out ed448.pem").success();
    sandbox.run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem").success();
    sandbox.run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.pem").success();
    let providers = "-provider legacy -provider default";
    sandbox.ok("openssl genpkey -algorithm RSA -out rsa.pem");
    sandbox.ok("openssl rsa -in rsa.pem -traditional -aes128 -passout pass:secret -out old.pem");
    sandbox.ok(&format!(
        "openssl pkcs8 {providers} -topk8 -v1 PBE-SHA1-RC4-128 -in rsa.pem -passout pass:secret -out rc4.pem"
    ));
    sandbox.write("passphrase", "secret");
    assert_snapshot!(sandbox.run("secure-io gen-csr --key x25519.pem"), @r#"
    $ secure-io gen-csr --key x25519.pem
    exit: 2
    --- stderr
    error: cannot use `x25519.pem`: a key of the kind X25519 cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key ed448.pem"), @r#"
    $ secure-io gen-csr --key ed448.pem
    exit: 2
    --- stderr
    error: cannot use `ed448.pem`: a key of the kind Ed448 cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key small.pem"), @r#"
    $ secure-io gen-csr --key small.pem
    exit: 2
    --- stderr
    error: cannot use `small.pem`: a key of the kind RSA 1024 cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key k1.pem"), @r#"
    $ secure-io gen-csr --key k1.pem
    exit: 2
    --- stderr
    error: cannot use `k1.pem`: a key of the kind EC secp256k1 cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key rc4.pem --passphrase-file passphrase"), @r#"
    $ secure-io gen-csr --key rc4.pem --passphrase-file passphrase
    exit: 2
    --- stderr
    error: cannot use `rc4.pem`: the private key is encrypted in a way that is not read here (pbeWithSHA1And128BitRC4)
    hint: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in rc4.pem -out rc4.pem.pkcs8`
    "#);
    sandbox.run("secure-io gen-csr --key old.pem --passphrase-file passphrase").success();
}

/// ring 0.16 wrapped the public key in an explicit tag, and others write NULL for parameters that Ed25519 has not.
#[test]
fn ed25519_keys_as_other_programs_write_them_sign() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm ed25519 -outform DER -out usual.der");
    sandbox.ok("openssl pkey -in usual.der -inform DER -pubout -outform DER -out public.der");
    let (usual, public) = (sandbox.read("usual.der"), sandbox.read("public.der"));
    let (seed, point) = (&usual[usual.len() - 32..], &public[public.len() - 32..]);
    let key = [&[0x04, 34, 0x04, 32], seed].concat();
    let explicit = [&[0xa1, 35, 0x03, 33, 0], point].concat();
    let algorithm = [0x30, 5, 0x06, 3, 0x2b, 0x65, 0x70];
    let with_null = [0x30, 7, 0x06, 3, 0x2b, 0x65, 0x70, 0x05, 0];
    for (name, fields) in [
        ("ring.der", [&[0x02, 1, 1][..], &algorithm, &key, &explicit].concat()),
        ("null.der", [&[0x02, 1, 0][..], &with_null, &key].concat()),
    ] {
        let length = u8::try_from(fields.len()).expect("a short key");
        sandbox.write(name, [&[0x30, length], &fields[..]].concat());
        sandbox.ok(&format!("secure-io gen-csr --key {name} --out {name}.pem app.test"));
        let verified = sandbox.ok(&format!("openssl req -in {name}.pem -verify -noout -pubkey"));
        let stated = sandbox.ok("openssl pkey -pubin -inform DER -in public.der");
        assert_eq!(verified, stated, "{name}");
    }
}
