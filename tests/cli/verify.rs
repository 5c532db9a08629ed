//! `verify`: verdicts, hints, exit codes, JSON, batches.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A folder with a local CA and a certificate for `app.test` from it.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init");
    sandbox.ok("secure-io gen-cert --ca app.test");
    sandbox
}

#[test]
fn a_certificate_of_the_local_ca_is_valid() {
    let sandbox = prepared();
    assert_snapshot!(sandbox.run("secure-io verify server-cert.pem --host app.test --key server-key.pem --strict"), @r"
    $ secure-io verify server-cert.pem --host app.test --key server-key.pem --strict
    exit: 0
    --- stdout
    server-cert.pem: valid
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX] (trusted)
    --- stderr
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    ");
}

#[test]
fn another_name_is_refused_with_the_names_there_are() {
    let sandbox = prepared();
    assert_snapshot!(sandbox.run("secure-io verify server-cert.pem --host www.app.test"), @r#"
    $ secure-io verify server-cert.pem --host www.app.test
    exit: 1
    --- stdout
    server-cert.pem: not valid (host-mismatch)
      app.test: it is for DNS:app.test; you asked for www.app.test (RFC 9525 section 6)
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX]
    --- stderr
    hint: have it issued for that host as well: `secure-io gen-cert --renew --key server-key.pem --out-cert server-cert.pem app.test www.app.test`
    "#);
}

#[test]
fn a_missing_intermediate_is_named() {
    let sandbox = prepared();
    sandbox.ok("openssl x509 -in server-cert.pem -out leaf.pem");
    assert_snapshot!(sandbox.run("secure-io verify leaf.pem"), @r#"
    $ secure-io verify leaf.pem
    exit: 1
    --- stdout
    leaf.pem: not valid (unknown-issuer)
      app.test: its issuer `CN=secure-io development intermediate [HEX]` is neither trusted nor among the certificates given
    --- stderr
    hint: `server-cert.pem` has its issuer: `secure-io verify leaf.pem --untrusted server-cert.pem`
    "#);
}

#[test]
fn what_openssl_req_makes_is_told_how_to_be_a_leaf() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=app.test -addext subjectAltName=DNS:app.test -keyout key.pem -out cert.pem");
    assert_snapshot!(sandbox.run("secure-io verify --trust cert.pem cert.pem --host app.test"), @r#"
    $ secure-io verify --trust cert.pem cert.pem --host app.test
    exit: 1
    --- stdout
    cert.pem: not valid (ca-as-leaf)
      CN=app.test: it is a CA's certificate, and a server or client shows it as its own (RFC 5280 section 4.2.1.9)
    --- stderr
    hint: make one that is no CA in its place: `secure-io gen-cert --renew --key key.pem --out-cert cert.pem`; rustls clients refuse a CA in a server's place, openssl and browsers do not
    "#);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-key --out other.pem");
    assert_snapshot!(sandbox.run("secure-io verify server-cert.pem --key other.pem"), @r#"
    $ secure-io verify server-cert.pem --key other.pem
    exit: 1
    --- stdout
    server-cert.pem: not valid (key-mismatch)
      app.test: the private key is another's: the public keys differ
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX]
    --- stderr
    hint: `server-key.pem` belongs to it: `secure-io verify server-cert.pem --key server-key.pem`
    "#);
}

#[test]
fn json_holds_the_reason_and_the_path() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test");
    assert_snapshot!(sandbox.run("secure-io verify server-cert.pem --json"), @r#"
    $ secure-io verify server-cert.pem --json
    exit: 1
    --- stdout
    {"source":"server-cert.pem","valid":false,"error":{"code":"self-signed","message":"it is signed by itself, and it is not trusted","certificate":"CN=app.test","hint":"trust it, if it is yours: `secure-io verify server-cert.pem --json --trust server-cert.pem`"},"not_after":"[TIME]","chain":[{"subject":"CN=app.test","issuer":"CN=app.test","sha256_fingerprint":"[HEX]"}]}
    "#);
    let trusted = "secure-io verify --trust server-cert.pem server-cert.pem --host app.test --json";
    assert_snapshot!(sandbox.run(trusted), @r#"
    $ secure-io verify --trust server-cert.pem server-cert.pem --host app.test --json
    exit: 0
    --- stdout
    {"source":"server-cert.pem","valid":true,"matched_name":"DNS:app.test","not_after":"[TIME]","chain":[{"subject":"CN=app.test","issuer":"CN=app.test","sha256_fingerprint":"[HEX]"}],"anchor":{"source":"file"}}
    "#);
}

#[test]
fn a_block_that_is_no_certificate_is_judged_and_a_missing_file_is_not() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.pem", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n");
    assert_snapshot!(sandbox.run("secure-io verify broken.pem"), @r"
    $ secure-io verify broken.pem
    exit: 1
    --- stdout
    broken.pem: not valid (malformed)
      it is malformed: the certificate is followed by an octet that does not belong there
    ");
    assert_snapshot!(sandbox.run("secure-io verify missing.pem"), @r"
    $ secure-io verify missing.pem
    exit: 2
    --- stderr
    error: cannot read `missing.pem`: No such file or directory
    ");
    sandbox.ok("secure-io gen-key");
    assert_snapshot!(sandbox.run("secure-io verify server-key.pem"), @r"
    $ secure-io verify server-key.pem
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: it holds a private key, not a certificate
    ");
}

#[test]
fn a_batch_answers_each_line_and_goes_on_after_a_bad_one() {
    let sandbox = Sandbox::new();
    // The days from one fixed time to another are the same whenever this runs.
    sandbox.ok("secure-io gen-cert app.test --not-before 2026-01-01T00:00:00Z --days 36500");
    let lines = r#"{"id":1,"leaf":"server-cert.pem","trust":"server-cert.pem","host":"app.test"}
{"id":"two","leaf":"server-cert.pem","trust":["server-cert.pem"],"host":"web.test"}

{"id":3,"leaf":"server-cert.pem","hots":"app.test"}
{"id":4,"leaf":"missing.pem"}
no JSON
{"id":6,"leaf":"server-cert.pem","trust":"server-cert.pem","at":"2020-01-01T00:00:00Z","purpose":"client"}
"#;
    assert_snapshot!(sandbox.run_with("secure-io verify --batch -", lines), @r#"
    $ secure-io verify --batch -
    exit: 2
    --- stdout
    {"id":1,"valid":true,"matched_name":"DNS:app.test","not_after":"[TIME]","chain":[{"subject":"CN=app.test","issuer":"CN=app.test","sha256_fingerprint":"[HEX]"}]}
    {"id":"two","valid":false,"error":{"code":"host-mismatch","message":"it is for DNS:app.test; you asked for web.test (RFC 9525 section 6)","certificate":"CN=app.test","hint":"have one issued for that host as well"},"not_after":"[TIME]","chain":[{"subject":"CN=app.test","issuer":"CN=app.test","sha256_fingerprint":"[HEX]"}]}
    {"line":4,"error":{"code":"bad-request","message":"it is no request: unknown key `hots`: `host` may be meant at line 1 column 39"}}
    {"id":4,"line":5,"error":{"code":"bad-request","message":"cannot read `missing.pem`: No such file or directory (os error 2)"}}
    {"line":6,"error":{"code":"bad-request","message":"it is no request: expected ident at line 1 column 2"}}
    {"id":6,"valid":false,"error":{"code":"not-yet-valid","message":"it is not valid yet: it begins in 2192 days ([TIME])","certificate":"CN=app.test","hint":"look whether the clock is right here and where it was issued"},"not_after":"[TIME]","chain":[{"subject":"CN=app.test","issuer":"CN=app.test","sha256_fingerprint":"[HEX]"}]}
    --- stderr
    error: 3 of the lines in `-` are no requests
    "#);
    let good = lines.lines().next().expect("the first");
    sandbox.run_with("secure-io verify --batch -", good).success();
}

#[test]
fn a_malformed_crl_is_not_passed_over() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test");
    sandbox.write("crl.pem", "-----BEGIN X509 CRL-----\nMAAA\n-----END X509 CRL-----\n");
    let line = r#"{"leaf":"server-cert.pem","trust":"server-cert.pem","crls":"crl.pem"}"#;
    assert_snapshot!(sandbox.run_with("secure-io verify --batch -", line), @r#"
    $ secure-io verify --batch -
    exit: 1
    --- stdout
    {"valid":false,"error":{"code":"crl-invalid","message":"a CRL that is given is malformed: the CRL is followed by an octet that does not belong there"},"chain":[]}
    "#);
    let outcome = sandbox.run("secure-io verify --trust server-cert.pem server-cert.pem --crl crl.pem");
    assert_snapshot!(outcome, @r"
    $ secure-io verify --trust server-cert.pem server-cert.pem --crl crl.pem
    exit: 2
    --- stderr
    error: cannot use `crl.pem`: the CRL is followed by an octet that does not belong there
    ");
}

/// Debian's ssl-cert puts a certificate for `localhost` among the system's: it is not the issuer of every other one.
#[test]
fn a_self_signed_certificate_is_no_other_ones_of_its_name() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    sandbox.ok("secure-io gen-cert --quiet --name other");
    sandbox.run("secure-io verify --trust other-cert.pem server-cert.pem").exits(1).says("(self-signed)");
}

#[test]
fn a_certificate_of_a_person_is_for_the_mailbox() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet me@example.com");
    let verify = "secure-io verify --trust server-cert.pem server-cert.pem --host";
    sandbox.run(&format!("{verify} me@example.com")).success();
    sandbox.run(&format!("{verify} me@EXAMPLE.com")).success();
    sandbox.run(&format!("{verify} you@example.com")).exits(1).says("(host-mismatch)");
    sandbox.run(&format!("{verify} Me@example.com")).exits(1).says("(host-mismatch)");
    sandbox.run(&format!("{verify} example.com")).exits(1).says("(host-mismatch)");
}

/// A zone says over which interface of this machine an address is reached; no certificate has it.
#[test]
fn zones_of_addresses_are_not_compared() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet fe80::1 ::1");
    for host in ["fe80::1%eth0", "[fe80::1%25eth0]", "fe80::1"] {
        sandbox.run(&format!("secure-io verify --trust server-cert.pem server-cert.pem --host {host}")).success();
    }
    let serve = "secure-io serve --port 0 --addr ::1 --cert server-cert.pem --key server-key.pem";
    let server = sandbox.start(serve, "Secure server is running on https://[::1]:");
    let url = format!("https://[::1%251]:{}/", server.port);
    sandbox.run(&format!("secure-io verify --trust server-cert.pem {url}")).success();
}

/// It could not be loaded, which was no answer.
#[test]
fn a_private_key_that_is_too_small_is_weak() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=app.test -addext subjectAltName=DNS:app.test -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem");
    sandbox.run("secure-io verify --trust cert.pem cert.pem --key key.pem").exits(1).says("(weak-key)");
    sandbox.ok("secure-io gen-cert --quiet app.test");
    assert_snapshot!(sandbox.run("secure-io verify --trust server-cert.pem server-cert.pem --key key.pem"), @r#"
    $ secure-io verify --trust server-cert.pem server-cert.pem --key key.pem
    exit: 1
    --- stdout
    server-cert.pem: not valid (weak-key)
      its private key is of a kind that clients do not accept (RSA 1024)
      CN=app.test
    --- stderr
    hint: make a new key, as EC P-256, and have a certificate issued for it
    "#);
}

/// `keyUsage` is at fault, and the hint was about extKeyUsage.
#[test]
fn a_missing_digital_signature_is_key_usages_fault() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=app.test -addext subjectAltName=DNS:app.test -addext basicConstraints=critical,CA:FALSE -addext keyUsage=keyAgreement -keyout key.pem -out cert.pem");
    assert_snapshot!(sandbox.run("secure-io verify --trust cert.pem cert.pem --host app.test"), @r#"
    $ secure-io verify --trust cert.pem cert.pem --host app.test
    exit: 1
    --- stdout
    cert.pem: not valid (wrong-purpose)
      CN=app.test: its keyUsage lacks digitalSignature, which TLS 1.3 needs (RFC 5280 section 4.2.1.3, RFC 8446 section 4.4.2.2)
    --- stderr
    hint: have it issued with digitalSignature in its keyUsage: `secure-io gen-cert --renew --key key.pem --out-cert cert.pem`
    "#);
}

#[test]
fn a_file_that_begins_with_the_issuer_is_read() {
    let sandbox = prepared();
    let chain = String::from_utf8(sandbox.read("server-cert.pem")).unwrap();
    let (leaf, issuer) = chain.split_at(chain.rfind("-----BEGIN").unwrap());
    sandbox.write("turned.pem", format!("{issuer}{leaf}"));
    assert_snapshot!(sandbox.run("secure-io verify turned.pem --host app.test"), @r"
    $ secure-io verify turned.pem --host app.test
    exit: 0
    --- stdout
    turned.pem: valid
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX] (trusted)
    --- stderr
    warning: app.test: it is number 2 in its file: certificates of CAs stand before it in its file, and servers and clients send the first as their own (RFC 8446 section 4.4.2)
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    ");
    sandbox.run("secure-io verify turned.pem --strict").exits(1).says("(ca-as-leaf)");
    sandbox.run("secure-io verify turned.pem --host web.test").exits(1).says("(host-mismatch)");
    sandbox.run_with("secure-io verify --batch -", r#"{"leaf":"turned.pem","host":"app.test"}"#).success();
}

/// `"purpose"` was never seen to matter.
#[test]
fn a_lines_purpose_is_what_its_certificate_is_judged_for() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet --purpose server app.test");
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -keyout key.pem -out ca.pem");
    let line = |purpose: &str, name: &str| {
        let line = format!(r#"{{"leaf":"{name}","trust":"{name}","purpose":"{purpose}"}}"#);
        sandbox.run_with("secure-io verify --batch -", &line)
    };
    line("server", "server-cert.pem").success();
    line("any", "server-cert.pem").success();
    line("client", "server-cert.pem").exits(1).says("wrong-purpose");
    line("any", "ca.pem").success();
    line("server", "ca.pem").exits(1).says("ca-as-leaf");
    line("mail", "server-cert.pem").exits(2).says("none of server, client and any");
}

/// A container's user often has no home folder; `verify` wanted one to look for a local CA.
#[test]
fn no_home_folder_is_needed() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok(&format!("cp {} copy", env!("CARGO_BIN_EXE_secure-io")));
    sandbox.ok("chmod 755 . copy server-cert.pem");
    // A user whom /etc/passwd does not know, where home folders are looked for as well.
    let is_root = sandbox.ok("id -u").trim() == "0";
    let nobody = if is_root { "setpriv --reuid 64321 --regid 64321 --clear-groups" } else { "" };
    let run = |arguments: &str| sandbox.run(&format!("env -u HOME {nobody} ./copy {arguments}"));
    run("verify --trust server-cert.pem server-cert.pem").success().says("valid");
    run("verify server-cert.pem").exits(1).says("(self-signed)");
}

/// A folder without a CA was once passed over in silence, and the certificate had an unknown issuer.
#[test]
fn a_local_ca_that_was_named_and_does_not_exist_is_missed() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca");
    let missed = sandbox.run("secure-io verify --ca-dir cq server-cert.pem").exits(1);
    missed.says("warning: there is no local CA in `cq`").says("(unknown-issuer)");
}

/// The document says where the anchor is from, and which stores of this machine trust it.
#[test]
fn the_stores_that_trust_the_anchor_are_in_json() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca");
    let judge =
        |flags: &str| sandbox.run(&format!("secure-io verify --json --ca-dir ca {flags} server-cert.pem")).success();
    judge("").says(r#""anchor":{"source":"local-ca","trusted_by":[]}"#);
    judge("--trust ca/root.pem").says(r#""anchor":{"source":"file"}"#);
    sandbox.ok("secure-io ca trust -q --ca-dir ca --store chromium");
    judge("").says(r#""anchor":{"source":"local-ca","trusted_by":[{"store":"chromium","name":"Chromium"}]}"#);
    let text = sandbox.run("secure-io verify --ca-dir ca server-cert.pem").success();
    assert_eq!(text.stderr, "", "the store trusts it");
}

/// As OpenSSL takes them: the file that is named is read in place of the system's, and a folder beside it as well.
#[test]
fn the_system_s_roots_are_where_the_environment_says() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox.ok(&format!("secure-io gen-cert {name}.test --name {name}"));
    }
    let (one, folder) = (sandbox.path("one-cert.pem"), sandbox.path("folder"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(sandbox.path("two-cert.pem"), folder.join("two.pem")).unwrap();
    let is_valid = |name: &str, variables: &[(&str, &std::path::Path)]| {
        let line = format!("secure-io verify {name}-cert.pem");
        let mut command = sandbox.command("secure-io");
        command.args(["verify", &format!("{name}-cert.pem")]).envs(variables.iter().copied());
        sandbox.finish(&line, &mut command, b"").is_success()
    };
    assert!(!is_valid("one", &[]));
    assert!(is_valid("one", &[("SSL_CERT_FILE", &one)]));
    assert!(!is_valid("two", &[("SSL_CERT_FILE", &one)]));
    assert!(is_valid("two", &[("SSL_CERT_FILE", &one), ("SSL_CERT_DIR", &folder)]));
    assert!(is_valid("two", &[("SSL_CERT_DIR", &folder)]));
    assert!(!is_valid("one", &[("SSL_CERT_DIR", &folder)]));
}

#[test]
fn a_name_that_the_issuer_may_not_certify_is_told_with_those_that_it_may() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io fixtures init");
    sandbox.ok("secure-io fixtures");
    let line = "secure-io verify fixtures/name-constraint/chain.pem --trust fixtures/root/cert.pem";
    let said = sandbox.run(line).exits(1).stdout_text();
    assert!(
        said.contains("in none of the permitted subtrees (RFC 5280 section 4.2.1.10); permitted are permitted.test\n"),
        "{said}"
    );
}

#[test]
fn a_common_name_is_looked_for_among_the_names_of_its_kind() {
    let sandbox = Sandbox::new();
    for (common_name, names, is_warned) in [
        ("10.0.0.2", "10.0.0.1", true),
        ("fd00::2", "fd00::1", true),
        ("10.0.0.1", "10.0.0.1 app.test", false),
        ("10.0.0.1", "app.test", false),
        ("www.app.test", "app.test", true),
        ("app.test", "www.app.test", false),
        ("app.test", "10.0.0.1", false),
    ] {
        sandbox.ok(&format!("secure-io gen-cert --force --subject CN={common_name} {names}"));
        let said = sandbox.run("secure-io verify server-cert.pem --trust server-cert.pem").exits(0).to_string();
        assert_eq!(
            said.contains("its commonName is a host's and not literally one"),
            is_warned,
            "{common_name} {names}: {said}"
        );
    }
}

/// Two certificates of one root may differ in what they allow: the one that lets the path pass is taken.
#[test]
fn of_two_roots_with_one_name_and_key_the_permissive_one_is_taken() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out root.key");
    let usage = "-addext keyUsage=critical,keyCertSign";
    sandbox.ok(&format!("openssl req -x509 -key root.key -subj /CN=Root {usage} -out open.pem"));
    let closed = "-addext nameConstraints=critical,excluded;DNS:app.test";
    sandbox.ok(&format!("openssl req -x509 -key root.key -subj /CN=Root {usage} {closed} -out closed.pem"));
    sandbox.ok("secure-io gen-cert --ca-cert open.pem --ca-key root.key app.test");
    for roots in [["closed.pem", "open.pem"], ["open.pem", "closed.pem"]] {
        sandbox.write("roots.pem", roots.map(|root| sandbox.read(root)).concat());
        sandbox.ok("secure-io verify server-cert.pem --trust roots.pem");
    }
    let said = sandbox.run("secure-io verify server-cert.pem --trust closed.pem").exits(1).stdout_text();
    assert!(said.contains("not valid (name-constraint)"), "{said}");
}
