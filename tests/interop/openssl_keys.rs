//! Keys that OpenSSL made, in each of its formats, are taken by `gen-csr` and `gen-cert`.

use crate::sandbox::Sandbox;

/// Makes a request and a certificate with `key.pem` and has OpenSSL check both.
#[track_caller]
fn check_taken(sandbox: &Sandbox, key: &str, flags: &str, public_key: &str) {
    sandbox.ok(&format!("secure-io gen-csr --force --key {key} {flags}"));
    sandbox.run("openssl req -in server-csr.pem -verify -noout").success().says("verify OK");
    sandbox.ok(&format!("secure-io gen-cert --force --key {key} {flags}"));
    sandbox.ok("openssl verify -CAfile server-cert.pem server-cert.pem");
    assert_eq!(sandbox.ok("openssl x509 -in server-cert.pem -pubkey -noout"), public_key, "{key}");
}

/// Turns `original.pem` into each format with OpenSSL and checks that the same key is read from it.
#[track_caller]
fn check_formats(sandbox: &Sandbox, formats: &[&str]) {
    let public_key = sandbox.ok("openssl pkey -in original.pem -pubout");
    for format in formats {
        sandbox.ok(&format!("openssl {format} -in original.pem -out key"));
        check_taken(sandbox, "key", "", &public_key);
    }
}

#[test]
fn rsa_keys_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm RSA -out original.pem");
    check_formats(
        &sandbox,
        &[
            "pkey",
            "pkey -outform DER",
            "rsa -traditional",
            "rsa -traditional -outform DER",
            "pkcs8 -topk8 -nocrypt -outform DER",
        ],
    );
}

#[test]
fn ec_keys_in_every_format() {
    for curve in ["prime256v1", "secp384r1", "secp521r1"] {
        let sandbox = Sandbox::new();
        // With the block of EC PARAMETERS that it puts in front.
        sandbox.ok(&format!("openssl ecparam -name {curve} -genkey -out original.pem"));
        let public_key = sandbox.ok("openssl pkey -in original.pem -pubout");
        check_taken(&sandbox, "original.pem", "", &public_key);
        check_formats(
            &sandbox,
            &["ec", "ec -outform DER", "ec -no_public", "pkey", "pkey -outform DER", "pkcs8 -topk8 -nocrypt"],
        );
    }
}

#[test]
fn ed25519_keys() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm ED25519 -out original.pem");
    check_formats(&sandbox, &["pkey", "pkey -outform DER"]);
}

/// PBES2 with each cipher and key derivation that OpenSSL offers today or made by default before.
#[test]
fn encrypted_keys_of_every_cipher() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "one two three\n");
    sandbox.ok("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out original.pem");
    let public_key = sandbox.ok("openssl pkey -in original.pem -pubout");
    for cipher in [
        "pkey -aes256",
        "pkey -aes128",
        "pkcs8 -topk8",
        "pkcs8 -topk8 -outform DER",
        "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA1",
        "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA512",
        "pkcs8 -topk8 -v2 des3",
        "pkcs8 -topk8 -v2 aes-256-cbc -iter 100000",
        "pkcs8 -topk8 -scrypt",
    ] {
        sandbox.ok(&format!("openssl {cipher} -in original.pem -passout file:passphrase -out key"));
        check_taken(&sandbox, "key", "--passphrase-file passphrase", &public_key);
        sandbox.write("wrong", "wrong\n");
        sandbox.run("secure-io gen-csr --force --key key --passphrase-file wrong").exits(2).says("passphrase");
    }
}

/// OpenSSL's encryptions before PBES2: traditional PEM encryption, and PBES1.
#[test]
fn keys_encrypted_in_old_ways() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "one two three\n");
    sandbox.ok("openssl genpkey -algorithm RSA -out original.pem");
    let public_key = sandbox.ok("openssl pkey -in original.pem -pubout");
    let providers = "-provider legacy -provider default";
    for cipher in [
        "rsa -traditional -des",
        "rsa -traditional -des3",
        "rsa -traditional -aes128",
        "rsa -traditional -aes192",
        "rsa -traditional -aes256",
        "pkcs8 -topk8 -v1 PBE-MD5-DES",
        "pkcs8 -topk8 -v1 PBE-SHA1-DES",
        "pkcs8 -topk8 -v1 PBE-SHA1-RC2-40",
        "pkcs8 -topk8 -v1 PBE-SHA1-RC2-128",
        "pkcs8 -topk8 -v1 PBE-SHA1-2DES",
        "pkcs8 -topk8 -v1 PBE-SHA1-3DES",
    ] {
        let (command, flags) = cipher.split_once(' ').unwrap();
        sandbox
            .ok(&format!("openssl {command} {providers} {flags} -in original.pem -passout file:passphrase -out key"));
        check_taken(&sandbox, "key", "--passphrase-file passphrase", &public_key);
    }
}

/// A key among other things: attributes as `openssl pkcs12` prints them, a certificate in the same file, CRLF.
#[test]
fn a_key_is_found_among_other_things() {
    let sandbox = Sandbox::new();
    sandbox
        .ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout original.pem -out cert.pem \
                -subj /CN=x");
    let public_key = sandbox.ok("openssl pkey -in original.pem -pubout");
    sandbox.ok("openssl pkcs12 -export -in cert.pem -inkey original.pem -passout pass:secret -out all.p12");
    sandbox.ok("openssl pkcs12 -in all.p12 -passin pass:secret -nodes -out key");
    let text = String::from_utf8(sandbox.read("key")).unwrap();
    assert!(text.starts_with("Bag Attributes") && text.contains("BEGIN CERTIFICATE"), "{text}");
    check_taken(&sandbox, "key", "", &public_key);
    sandbox.write("crlf", text.replace('\n', "\r\n"));
    check_taken(&sandbox, "crlf", "", &public_key);
}

/// Keys of a kind that no certificate of ours can have are refused by name.
#[test]
fn keys_of_other_kinds_are_refused_by_name() {
    for (genpkey, name) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "secp256k1"),
        ("-algorithm ED448", "Ed448"),
        ("-algorithm X25519", "X25519"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "1024"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.ok(&format!("openssl genpkey {genpkey} -out key.pem"));
        sandbox.run("secure-io gen-csr --key key.pem").exits(2).says("key.pem").says(name);
        assert!(!sandbox.exists("server-csr.pem"));
    }
}

/// aws-lc-rs verifies nothing with RSA keys under 1024 bits (with SHA-384, under 2048), and their self-signed
/// certificates seemed to be signed by another key.
#[test]
fn certificates_of_small_rsa_keys_are_known_as_self_signed() {
    let sandbox = Sandbox::new();
    for (bits, digest) in [(512, "sha1"), (512, "sha256"), (768, "sha512"), (1023, "sha256"), (1024, "sha384")] {
        let make = |name: &str| {
            let files = format!("-keyout {name}-key.pem -out {name}.pem -subj /CN=localhost");
            sandbox.ok(&format!("openssl req -x509 -newkey rsa:{bits} -nodes -{digest} {files}"));
        };
        make("own");
        make("other");
        sandbox.ok("openssl pkey -in own-key.pem -pubout -out own-spki.pem");
        sandbox.ok(&format!(
            "openssl x509 -in own.pem -{digest} -force_pubkey own-spki.pem -signkey other-key.pem -out forged.pem"
        ));
        for (file, is_own) in [("own.pem", true), ("forged.pem", false)] {
            // Too small they are.
            let said = sandbox.run(&format!("secure-io inspect --json --lint {file}")).exits(1).stdout_text();
            assert!(said.contains(&format!(r#""self_signed":{is_own}"#)), "{bits} {digest} {file}: {said}");
            assert_eq!(said.contains("sig_not_its_own"), !is_own, "{bits} {digest} {file}: {said}");
        }
    }
}
