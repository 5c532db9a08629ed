//! `inspect`: its output and its exit statuses.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A key, a request and a certificate for app.test, signed by itself.
fn made() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test");
    sandbox
}

#[test]
fn a_glance_says_who_and_what_belongs_together() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --ca-dir ca --permit app.test");
    sandbox.ok("secure-io gen-cert --ca --ca-dir ca app.test");
    assert_snapshot!(sandbox.run("secure-io inspect server-cert.pem server-csr.pem server-key.pem"), @r#"
    $ secure-io inspect server-cert.pem server-csr.pem server-key.pem
    exit: 0
    --- stdout
    server-cert.pem
    #1  certificate  app.test
        issuer        CN=secure-io development intermediate [HEX] (#2)
        valid         until [DATE], in a year
        key           EC P-256, for servers
        private key   server-key.pem
    #2  CA certificate  CN=secure-io development intermediate [HEX]
        issuer        CN=secure-io upper development intermediate [HEX] (#3)
        valid         until [DATE], in 3650 days
        key           EC P-256, for servers and clients, may issue to end entities only
    #3  CA certificate  CN=secure-io upper development intermediate [HEX]
        issuer        CN=secure-io development root [HEX]
        valid         until [DATE], in 3650 days
        key           EC P-256, for servers and clients, may have 1 CA below it, for app.test, 0.0.0.0/32, ::/128 and invalid only
        chain         in order, #1 ← #2 ← #3; its issuer CN=secure-io development root [HEX] is not in it

    server-csr.pem
        certification request  app.test
        key           EC P-256
        private key   server-key.pem
        asks for      keyUsage, subjectAltName, extKeyUsage

    server-key.pem
        private key  EC P-256
        format        PKCS#8
        belongs to    server-cert.pem #1, server-csr.pem
    "#);
}

#[test]
fn full_text_says_everything() {
    assert_snapshot!(made().run("secure-io inspect --text full server-cert.pem server-csr.pem"), @r#"
    $ secure-io inspect --text full server-cert.pem server-csr.pem
    exit: 0
    --- stdout
    server-cert.pem
        certificate  app.test
        valid             until [DATE], in a year
        version           3
        serial number     [HEX]
        subject           CN=app.test
        issuer            CN=app.test (self-signed)
        notBefore         [TIME] (60 minutes ago)
        notAfter          [TIME] (in a year)
        public key        EC P-256, 256 bits
        signature         ecdsa-with-SHA256
        SHA-256           [HEX]
        SHA-1             [HEX]
        SPKI SHA-256      [HEX]
        extensions        6
          authorityKeyIdentifier
            [HEX]
          subjectAltName
            DNS:app.test
          keyUsage (critical)
            digitalSignature
          extKeyUsage
            serverAuth
          subjectKeyIdentifier
            [HEX]
          basicConstraints (critical)
            no CA

    server-csr.pem
        certification request  app.test
        version           1
        subject           CN=app.test
        public key        EC P-256, 256 bits
        signature         ecdsa-with-SHA256, by its own key
        SHA-256           [HEX]
        SPKI SHA-256      [HEX]
        asks for          3
          keyUsage (critical)
            digitalSignature
          subjectAltName
            DNS:app.test
          extKeyUsage
            serverAuth
    "#);
}

#[test]
fn json_is_one_array() {
    assert_snapshot!(made().run("secure-io inspect --json server-key.pem server-cert.pem"), @r#"
    $ secure-io inspect --json server-key.pem server-cert.pem
    exit: 0
    --- stdout
    [{"kind":"private-key","source":"server-key.pem","index":0,"line":1,"format":"PKCS#8","public_key":{"algorithm":"EC","curve":"P-256","bits":256},"spki_sha256":"[HEX]"},{"kind":"certificate","source":"server-cert.pem","index":0,"line":1,"version":3,"serial":"[HEX]","subject":"CN=app.test","issuer":"CN=app.test","not_before":"[TIME]","not_after":"[TIME]","subject_alt_names":["DNS:app.test"],"public_key":{"algorithm":"EC","curve":"P-256","bits":256},"signature_algorithm":"ecdsa-with-SHA256","is_ca":false,"key_usage":["digitalSignature"],"extended_key_usage":["serverAuth"],"subject_key_id":"[HEX]","authority_key_id":"[HEX]","sha256_fingerprint":"[HEX]","sha1_fingerprint":"[HEX]","spki_sha256":"[HEX]","self_signed":true,"extensions":[{"oid":"2.5.29.35","name":"authorityKeyIdentifier","critical":false,"value":{"key_id":"[HEX]"}},{"oid":"2.5.29.17","name":"subjectAltName","critical":false,"value":["DNS:app.test"]},{"oid":"2.5.29.15","name":"keyUsage","critical":true,"value":["digitalSignature"]},{"oid":"2.5.29.37","name":"extKeyUsage","critical":false,"value":["serverAuth"]},{"oid":"2.5.29.14","name":"subjectKeyIdentifier","critical":false,"value":"[HEX]"},{"oid":"2.5.29.19","name":"basicConstraints","critical":true,"value":{"ca":false}}]}]
    "#);
}

#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let sandbox = made();
    let certificate = String::from_utf8(sandbox.read("server-cert.pem")).expect("PEM");
    let damaged = certificate.replace("\nMII", "\nM!I");
    sandbox.write(
        "bundle.pem",
        format!("# a comment\n{damaged}{certificate}-----BEGIN ODD-----\nAAAA\n-----END ODD-----\n"),
    );
    assert_snapshot!(sandbox.run("secure-io inspect bundle.pem"), @r#"
    $ secure-io inspect bundle.pem
    exit: 2
    --- stdout
    bundle.pem
    #1  error  PEM block 1 (line 2, CERTIFICATE) is not base64: `!` in line 3, column 2
    #2  certificate  app.test
        issuer        itself (self-signed)
        valid         until [DATE], in a year
        key           EC P-256, for servers
    #3  `ODD`  not known here, 3 octets
    --- stderr
    error: bundle.pem:2: PEM block 1 (line 2, CERTIFICATE) is not base64: `!` in line 3, column 2
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --json --kind error bundle.pem"), @r#"
    $ secure-io inspect --json --kind error bundle.pem
    exit: 2
    --- stdout
    [{"kind":"error","source":"bundle.pem","index":0,"line":2,"message":"PEM block 1 (line 2, CERTIFICATE) is not base64: `!` in line 3, column 2"}]
    --- stderr
    error: bundle.pem:2: PEM block 1 (line 2, CERTIFICATE) is not base64: `!` in line 3, column 2
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect missing.pem"), @r#"
    $ secure-io inspect missing.pem
    exit: 2
    --- stderr
    error: cannot read `missing.pem`: No such file or directory
    "#);
}

#[test]
fn folders_and_patterns() {
    let sandbox = made();
    sandbox.write("notes.txt", "nothing of interest");
    assert_snapshot!(sandbox.run("secure-io inspect ."), @r#"
    $ secure-io inspect .
    exit: 2
    --- stderr
    error: `.` is a folder
    hint: look into it: `secure-io inspect . -r`
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect -r --kind csr ."), @r#"
    $ secure-io inspect -r --kind csr .
    exit: 0
    --- stdout
    ./server-csr.pem
        certification request  app.test
        key           EC P-256
        asks for      keyUsage, subjectAltName, extKeyUsage
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --kind csr,private-key 's*.pem'"), @r#"
    $ secure-io inspect --kind csr,private-key 's*.pem'
    exit: 0
    --- stdout
    server-csr.pem
        certification request  app.test
        key           EC P-256
        private key   server-key.pem
        asks for      keyUsage, subjectAltName, extKeyUsage

    server-key.pem
        private key  EC P-256
        format        PKCS#8
        belongs to    server-csr.pem
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect '*.der'"), @r#"
    $ secure-io inspect '*.der'
    exit: 2
    --- stderr
    error: no file matches `*.der`
    "#);
}

#[test]
fn standard_input_is_read() {
    let sandbox = made();
    let bundle = [sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")].concat();
    assert_snapshot!(sandbox.run_with("secure-io inspect -", bundle), @r#"
    $ secure-io inspect -
    exit: 0
    --- stdout
    standard input
    #1  certificate  app.test
        issuer        itself (self-signed)
        valid         until [DATE], in a year
        key           EC P-256, for servers
        private key   #2
    #2  private key  EC P-256
        format        PKCS#8
        belongs to    #1
    "#);
}

#[test]
fn what_expires_is_named() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test --not-after 10d");
    assert_snapshot!(sandbox.run("secure-io inspect -q --expires-within 30d server-cert.pem server-key.pem"), @r#"
    $ secure-io inspect -q --expires-within 30d server-cert.pem server-key.pem
    exit: 1
    --- stderr
    warning: server-cert.pem:1: CN=app.test expires on [DATE] (in 10 days)
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect -q --expires-within 9d server-cert.pem"), @r#"
    $ secure-io inspect -q --expires-within 9d server-cert.pem
    exit: 0
    "#);
    sandbox.run("secure-io inspect -q --expires-within 9d missing.pem server-cert.pem").exits(2);
}

#[test]
fn pem_is_written_clean_and_keys_only_when_asked_for() {
    let sandbox = made();
    let certificate = String::from_utf8(sandbox.read("server-cert.pem")).expect("PEM");
    let key = String::from_utf8(sandbox.read("server-key.pem")).expect("PEM");
    let folded = certificate.replace('\n', "\r\n  ");
    sandbox.write("mixed.pem", format!("subject=app.test\n{folded}\n{key}"));
    assert_eq!(sandbox.ok("secure-io inspect --pem mixed.pem"), certificate);
    assert_eq!(sandbox.ok("secure-io inspect --pem --kind private-key mixed.pem"), key);
    assert_eq!(sandbox.ok("secure-io inspect --pem --item 1 mixed.pem"), certificate);
    sandbox.run("secure-io inspect --pem mixed.pem").success().says("a private key is left out");
}

#[test]
fn a_passphrase_opens_a_key() {
    let sandbox = Sandbox::new();
    sandbox.write("pw", "secret\n");
    sandbox.write("wrong", "other\n");
    sandbox.ok("secure-io gen-key --encrypt --passphrase-file pw --out key.pem");
    assert_snapshot!(sandbox.run("secure-io inspect key.pem"), @r#"
    $ secure-io inspect key.pem
    exit: 0
    --- stdout
    key.pem
        encrypted private key  PKCS#8
        encryption    PBES2, PBKDF2 with hmacWithSHA256 and 600000 rounds, AES-256-CBC
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --passphrase-file pw key.pem"), @r#"
    $ secure-io inspect --passphrase-file pw key.pem
    exit: 0
    --- stdout
    key.pem
        private key  EC P-256
        format        PKCS#8, opened with the passphrase
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --passphrase-file wrong key.pem"), @r#"
    $ secure-io inspect --passphrase-file wrong key.pem
    exit: 2
    --- stdout
    key.pem
        encrypted private key  PKCS#8
        encryption    PBES2, PBKDF2 with hmacWithSHA256 and 600000 rounds, AES-256-CBC
        odd           the passphrase does not open the private key
    --- stderr
    error: key.pem:1: the passphrase does not open the private key
    "#);
}

/// A certificate's text comes from strangers: it must not move the cursor.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.ok(r"secure-io gen-cert a.test --subject CN=a\1b[31m\e2\80\aeb");
    for flags in ["", "--text full", "--json"] {
        let shown = sandbox.ok(&format!("secure-io inspect {flags} server-cert.pem"));
        assert!(shown.chars().all(|c| c == '\n' || !secure_io::name::is_unprintable(c)), "{shown:?}");
    }
}

/// `--item 9` of two once printed nothing, with exit status 0.
#[test]
fn an_item_that_does_not_exist_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    sandbox.ok("sh -c 'cat server-cert.pem server-key.pem > both.pem'");
    assert_snapshot!(sandbox.run("secure-io inspect --item 2,9 both.pem"), @r#"
    $ secure-io inspect --item 2,9 both.pem
    exit: 2
    --- stdout
    both.pem
    #2  private key  EC P-256
        format        PKCS#8
    --- stderr
    error: there is no item 9: no source has more than 2 items
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --item 0 --json server-cert.pem"), @r#"
    $ secure-io inspect --item 0 --json server-cert.pem
    exit: 2
    --- stdout
    []
    --- stderr
    error: there is no item 0: no source has more than 1 item
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --item 2 --pem both.pem server-cert.pem --kind private-key -q").exits(0).stderr, @"");
}

/// From the hundredth item on its number touched the text, and what stood in a container was indented less than its
/// heading.
#[test]
fn fields_stand_below_their_heading() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok("sh -c 'for i in $(seq 101); do cat server-cert.pem; done > many.pem'");
    let text = sandbox.ok("secure-io inspect many.pem");
    let from = text.find("#99").unwrap_or_default();
    let shown: Vec<_> =
        text[from..].lines().filter(|line| line.contains("certificate ") || line.contains("key ")).take(4).collect();
    assert_eq!(
        shown,
        [
            "#99 certificate  app.test",
            "    key           EC P-256, for servers",
            "#100 certificate  app.test",
            "     key           EC P-256, for servers",
        ]
    );
    sandbox.write("pw", "secret");
    sandbox.ok("secure-io gen-cert -q --name b --p12 b.p12 --p12-password-file pw app.test");
    assert_snapshot!(sandbox.run("secure-io inspect b.p12 --passphrase-file pw"), @r#"
    $ secure-io inspect b.p12 --passphrase-file pw
    exit: 0
    --- stdout
    b.p12
        PKCS#12  2 items
        1 certificate  app.test
          issuer        itself (self-signed)
          valid         until [DATE], in a year
          key           EC P-256, for servers
          private key   #1.2
        2 private key  EC P-256
          format        PKCS#8
          belongs to    #1.1
    "#);
}

/// What was asked is answered when quiet, too; a question about all items has an answer of its own.
#[test]
fn quiet_prints_answers() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    assert_snapshot!(sandbox.run("secure-io inspect -q server-cert.pem"), @r#"
    $ secure-io inspect -q server-cert.pem
    exit: 0
    --- stdout
    server-cert.pem
        certificate  app.test
        issuer        itself (self-signed)
        valid         until [DATE], in a year
        key           EC P-256, for servers
    "#);
    assert_snapshot!(sandbox.run("secure-io verify -q --trust server-cert.pem --host b.test server-cert.pem"), @r#"
    $ secure-io verify -q --trust server-cert.pem --host b.test server-cert.pem
    exit: 1
    --- stdout
    server-cert.pem: not valid (host-mismatch)
      CN=app.test: it is for DNS:app.test; you asked for b.test (RFC 9525 section 6)
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect -q --expires-within 30d server-cert.pem"), @r#"
    $ secure-io inspect -q --expires-within 30d server-cert.pem
    exit: 0
    "#);
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    assert!(sandbox.ok("secure-io ca show -q --ca-dir ca").contains("It has issued nothing yet"));
    assert_snapshot!(sandbox.run("secure-io gen-cert -q --name b"), @r#"
    $ secure-io gen-cert -q --name b
    exit: 0
    "#);
}
