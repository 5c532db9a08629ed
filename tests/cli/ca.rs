//! `secure-io ca`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[test]
fn it_is_made_once() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca"), @r#"
    $ secure-io ca init --ca-dir ca
    exit: 0
    --- stdout
    Made a local CA in ca
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is destroyed
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    --- stderr
    hint: make browsers and the system trust it: `secure-io ca trust --ca-dir ca`
    hint: then make a certificate: `secure-io gen-cert --ca --ca-dir ca`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca"), @r#"
    $ secure-io ca init --ca-dir ca
    exit: 0
    --- stderr
    note: there is a local CA in ca already, which fits: nothing was changed
    hint: make browsers and the system trust it: `secure-io ca trust --ca-dir ca`
    hint: then make a certificate: `secure-io gen-cert --ca --ca-dir ca`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca --permit dev.example"), @r#"
    $ secure-io ca init --ca-dir ca --permit dev.example
    exit: 2
    --- stderr
    error: there is a local CA in `ca` already
    hint: sign with it: `secure-io gen-cert --ca --ca-dir ca`
    hint: --force makes a new one in its place
    "#);
    assert!(!sandbox.exists("ca/root-key.pem"));
    assert_snapshot!(sandbox.run("secure-io ca path --ca-dir ca"), @r#"
    $ secure-io ca path --ca-dir ca
    exit: 0
    --- stdout
    ca
    "#);
}

#[test]
fn what_it_may_sign_for_is_chosen() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir a --permit 10.0.0.0/40"), @r#"
    $ secure-io ca init --ca-dir a --permit 10.0.0.0/40
    exit: 2
    --- stderr
    error: `10.0.0.0/40` is neither a domain nor a range of addresses (10.0.0.0/8), nor an email or a URI
    hint: --permit default is what is permitted otherwise, --permit any is everything
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir a --permit any --keep-root-key"), @r#"
    $ secure-io ca init --ca-dir a --permit any --keep-root-key
    exit: 0
    --- stdout
    Made a local CA in a
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is kept in root-key.pem
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             anything
    --- stderr
    warning: whoever steals this CA's key can sign for every host on the Internet, for you
    hint: make browsers and the system trust it: `secure-io ca trust --ca-dir a`
    hint: then make a certificate: `secure-io gen-cert --ca --ca-dir a`
    "#);
    assert!(sandbox.exists("a/root-key.pem"));
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir a example.com");
}

#[test]
fn its_folder_is_the_platforms_unless_said_otherwise() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca path"), @r#"
    $ secure-io ca path
    exit: 0
    --- stdout
    [DIR]/.local/share/secure-io/ca
    "#);
}

/// Issued certificates are recorded, revoked by file or number, and then listed on the CRL; numbers only grow.
#[test]
fn what_was_issued_is_shown_and_revoked() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    sandbox.ok("secure-io gen-cert -q --ca app.test 10.0.0.5");
    sandbox.ok("secure-io gen-cert -q --ca --name other other.test");
    assert_snapshot!(sandbox.run("secure-io ca revoke server-cert.pem --reason keyCompromise"), @r#"
    $ secure-io ca revoke server-cert.pem --reason keyCompromise
    exit: 0
    --- stdout
    Revoked [HEX] (keyCompromise)
    --- stderr
    hint: make the list for others: `secure-io ca crl`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca revoke server-cert.pem --json"), @r#"
    $ secure-io ca revoke server-cert.pem --json
    exit: 0
    --- stdout
    {"revoked":[{"serial":"[HEX]","revoked_at":"[TIME]","reason":"keyCompromise","already":true}]}
    "#);
    sandbox.ok("secure-io gen-cert -q --ca --name other --force other.test");
    assert_snapshot!(sandbox.run("secure-io ca show"), @r#"
    $ secure-io ca show
    exit: 0
    --- stdout
    Local CA in [DIR]/.local/share/secure-io/ca
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is destroyed
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    Issued, newest first
      other.test: expires [DATE] (in a year), serial [HEX], [DIR]/other-cert.pem
      other.test: expires [DATE] (in a year), replaced, serial [HEX], [DIR]/other-cert.pem
      app.test and 10.0.0.5: revoked [DATE] (keyCompromise), serial [HEX], [DIR]/server-cert.pem
    "#);
    assert_snapshot!(sandbox.run("secure-io ca show --expires-within 400d"), @r#"
    $ secure-io ca show --expires-within 400d
    exit: 1
    --- stdout
    other.test: expires [DATE] (in a year), serial [HEX], [DIR]/other-cert.pem
    "#);
    assert_snapshot!(sandbox.run("secure-io ca show --expires-within 30d"), @r#"
    $ secure-io ca show --expires-within 30d
    exit: 0
    --- stdout
    Nothing that was issued expires so soon
    "#);
    sandbox.run("secure-io ca show --expires-within 30d --json").exits(0).says(r#""issued":[]"#);
    assert_snapshot!(sandbox.run("secure-io ca crl"), @r#"
    $ secure-io ca crl
    exit: 0
    --- stdout
    Made CRL 1 with 1 revoked certificate, the next is due [DATE]
      [DIR]/.local/share/secure-io/ca/crl.pem
    "#);
    assert_snapshot!(sandbox.run("secure-io ca crl --out crl.pem --json"), @r#"
    $ secure-io ca crl --out crl.pem --json
    exit: 0
    --- stdout
    {"path":"crl.pem","crl_number":2,"revoked_count":1,"next_update":"[TIME]"}
    "#);
    sandbox.run("secure-io ca crl --out crl.pem").exits(2).says("exists already");
    sandbox.run("secure-io ca crl --out crl.pem --force").success().says("CRL 3");
}

#[test]
fn what_another_ca_issued_is_not_revoked() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    sandbox.ok("secure-io gen-cert -q");
    assert_snapshot!(sandbox.run("secure-io ca revoke server-cert.pem"), @r#"
    $ secure-io ca revoke server-cert.pem
    exit: 2
    --- stderr
    error: the local CA did not issue the certificate of localhost, 127.0.0.1 and ::1
    hint: see what it has issued: `secure-io ca show`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca revoke 00aB:cd"), @r#"
    $ secure-io ca revoke 00aB:cd
    exit: 2
    --- stderr
    error: the local CA did not issue a certificate with the serial number 00aB:cd
    hint: see what it has issued: `secure-io ca show`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca revoke missing.pem"), @r#"
    $ secure-io ca revoke missing.pem
    exit: 2
    --- stderr
    error: `missing.pem` is neither a file nor a serial number in hex
    hint: see what was issued: `secure-io ca show`
    "#);
    sandbox.ok("secure-io gen-cert -q --ca --force");
    sandbox.ok("secure-io ca renew -q --new-key");
    assert_snapshot!(sandbox.run("secure-io ca revoke server-cert.pem"), @r#"
    $ secure-io ca revoke server-cert.pem
    exit: 2
    --- stderr
    error: the certificate [HEX] was issued by an intermediate that was here before, and its key is destroyed
    hint: remove the old root from the stores that trust it: its copy is in the folder `previous`
    "#);
}

/// If the root's key was kept, the root stays the same; otherwise a new root is made. The old one is kept aside.
#[test]
fn it_is_renewed_in_time() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --keep-root-key");
    sandbox.ok("secure-io gen-cert -q --ca");
    let root = sandbox.ok("secure-io ca export");
    sandbox.run("secure-io ca renew").success().says("Left the local CA");
    assert_snapshot!(sandbox.run("secure-io ca renew --permit dev.example --permit me@dev.example"), @r#"
    $ secure-io ca renew --permit dev.example --permit me@dev.example
    exit: 0
    --- stdout
    Made new intermediates for the local CA in [DIR]/.local/share/secure-io/ca: it may sign for more
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is kept in root-key.pem
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10, dev.example, me@dev.example
    --- stderr
    note: the root is the same, but Firefox has a root of its own, which is new
    hint: make Firefox trust it: `secure-io ca trust --store firefox`
    "#);
    assert_eq!(sandbox.ok("secure-io ca export"), root);
    sandbox.run("secure-io ca renew --permit dev.example").success().says("Left the local CA");
    sandbox.run("secure-io ca renew --renew-before 3000d").success().says("Left the local CA");
    sandbox.run("secure-io ca renew --renew-before 4000d --days 5000").success().says("it ends in 3650 days");
    assert_ne!(sandbox.ok("secure-io ca export"), root, "a root that ends soon is signed again with its key");
    sandbox
        .run("secure-io gen-cert --ca --renew")
        .success()
        .says("the certificates of CAs behind it have been replaced");
    sandbox.ok("secure-io ca init -q --ca-dir once");
    assert_snapshot!(sandbox.run("secure-io ca renew --ca-dir once --force"), @r#"
    $ secure-io ca renew --ca-dir once --force
    exit: 0
    --- stdout
    Made a new root and intermediates for the local CA in once: that was asked for
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is destroyed
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    --- stderr
    note: there is a new root; what was issued under the old one, kept in once/previous, is valid with it to its end
    hint: make browsers and the system trust the new one: `secure-io ca trust --ca-dir once`
    "#);
    sandbox.run("secure-io ca show --ca-dir once").success().says("1 root was here before");
    sandbox.run("secure-io ca show --ca-dir once --json").success().says(r#""previous_roots":[""#);
}

#[test]
fn the_roots_key_is_kept_under_a_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "correct horse\n");
    sandbox.ok("secure-io ca init -q --ca-dir ca --keep-root-key --encrypt --passphrase-file passphrase");
    assert!(sandbox.read("ca/root-key.pem").starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_snapshot!(sandbox.run("secure-io ca renew --ca-dir ca --force"), @r#"
    $ secure-io ca renew --ca-dir ca --force
    exit: 2
    --- stderr
    error: cannot use `ca/root-key.pem`
      the private key is encrypted
    hint: give the passphrase with --passphrase-file or --passphrase-env
    "#);
    sandbox.ok("secure-io ca renew -q --ca-dir ca --force --passphrase-file passphrase");
    assert!(sandbox.read("ca/root-key.pem").starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

/// A CA in its last month says so wherever it is used, and one that has ended signs nothing.
#[test]
fn its_end_is_warned_about() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --days 20");
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca"), @r#"
    $ secure-io gen-cert --ca
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, signed by CN=secure-io development intermediate [HEX]
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 20 days)
    --- stderr
    warning: the local CA ends [DATE] (in 20 days): `secure-io ca renew`
    note: shortened to [TIME], where the issuer's certificate ends
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    "#);
    sandbox.run("secure-io ca show").success().says("warning: the local CA ends");
    sandbox.run("secure-io ca show --expires-within 30d").exits(1);
    // A third of its life is left well before: it is for --renew-before to say.
    sandbox.run("secure-io ca renew --renew-before 30d").success().says("Made a new root and intermediates");
    let quiet = sandbox.run("secure-io gen-cert --ca --force").success();
    assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
}

/// An incomplete folder cannot be used: a new CA is made, and the remains of the old one are kept aside.
#[test]
fn a_half_made_folder_is_mended() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    for part in ["intermediate-key.pem", "intermediate.pem", "root.pem"] {
        std::fs::remove_file(sandbox.path("ca").join(part)).unwrap();
        sandbox.run("secure-io gen-cert --ca --ca-dir ca --dry-run").exits(2).says("secure-io ca init");
        sandbox.ok("secure-io ca init -q --ca-dir ca");
        sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --force");
    }
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca --force"), @r#"
    $ secure-io ca init --ca-dir ca --force
    exit: 0
    --- stdout
    Made a local CA in ca
      root.pem                 what clients trust, expires [DATE] (in 3650 days), sha256 [HEX]…; its key is destroyed
      firefox-root.pem         what Firefox trusts instead, expires [DATE] (in 3650 days)
      intermediate.pem         what signs for servers, expires [DATE] (in 3650 days)
      client-intermediate.pem  what signs for clients, expires [DATE] (in 3650 days)
      may sign for             localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    --- stderr
    note: the root that was here before is kept in ca/previous
    hint: make browsers and the system trust it: `secure-io ca trust --ca-dir ca`
    hint: then make a certificate: `secure-io gen-cert --ca --ca-dir ca`
    "#);
}

/// Firefox's own root came later than the others, and may be lost alone: `ca renew` brings it though nothing ends.
#[test]
fn firefoxs_root_is_made_when_it_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca --keep-root-key");
    let root = sandbox.read("ca/root.pem");
    std::fs::remove_file(sandbox.path("ca/firefox-root.pem")).unwrap();
    sandbox.run("secure-io ca renew --ca-dir ca").success().says("Firefox has no root for it");
    assert_eq!(sandbox.read("ca/root.pem"), root, "what browsers trust is the same");
    assert!(sandbox.path("ca/firefox-root.pem").exists());
    sandbox.run("secure-io ca renew --ca-dir ca").success().says("Left the local CA");
}

#[test]
fn the_root_is_exported() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    assert_eq!(sandbox.ok("secure-io ca export --ca-dir ca").as_bytes(), sandbox.read("ca/root.pem"));
    assert_snapshot!(sandbox.run("secure-io ca export --ca-dir ca --format der --out root.crt"), @r#"
    $ secure-io ca export --ca-dir ca --format der --out root.crt
    exit: 0
    --- stdout
    Wrote the root to root.crt
      sha256 [HEX]
    --- stderr
    hint: on Android: Settings, Security, Encryption & credentials, Install a certificate, CA certificate
    "#);
    assert_snapshot!(sandbox.run("secure-io ca export --ca-dir ca --format mobileconfig --out root.mobileconfig --json"), @r#"
    $ secure-io ca export --ca-dir ca --format mobileconfig --out root.mobileconfig --json
    exit: 0
    --- stdout
    {"path":"root.mobileconfig","format":"mobileconfig","sha256_fingerprint":"[HEX]"}
    "#);
    sandbox.run("secure-io ca export --ca-dir ca --out root.crt").exits(2).says("exists already");
    sandbox.ok("openssl x509 -inform der -in root.crt -noout -checkend 0");
    // Firefox's are as they lie in the folder, and never in a profile that all programs of a phone would trust.
    for name in ["firefox-root", "firefox-intermediate"] {
        let export = format!("secure-io ca export --ca-dir ca --certificate {name}");
        assert_eq!(sandbox.ok(&export).as_bytes(), sandbox.read(&format!("ca/{name}.pem")));
        sandbox.run(&format!("{export} --format mobileconfig")).exits(2).says("for Firefox alone");
    }
}

#[test]
fn variables_are_told_to_each_shell() {
    let sandbox = Sandbox::new();
    sandbox.run("secure-io ca env").exits(2).says("make one: `secure-io ca init`");
    sandbox.ok("secure-io ca init -q --ca-dir 'a ca'");
    for shell in ["sh", "fish", "powershell", "github", "gitlab"] {
        let first: String =
            sandbox.ok(&format!("secure-io ca env --ca-dir 'a ca' --shell {shell}")).lines().take(3).collect();
        assert!(first.contains("a ca/root.pem") && first.contains("a ca/bundle.pem") || shell == "gitlab", "{first}");
    }
    assert_snapshot!(sandbox.run("secure-io ca env --ca-dir 'a ca' --shell docker"), @r#"
    $ secure-io ca env --ca-dir 'a ca' --shell docker
    exit: 0
    --- stdout
    COPY secure-io-root.crt /usr/local/share/ca-certificates/secure-io-root.crt
    RUN update-ca-certificates
    ENV NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/secure-io-root.crt \
        DENO_CERT=/usr/local/share/ca-certificates/secure-io-root.crt \
        SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
        REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
        CURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
        GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
        AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \
        CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
    --- stderr
    hint: put the root beside the Dockerfile: `secure-io ca export --ca-dir 'a ca' --out secure-io-root.crt`
    "#);
    let bundle = sandbox.read("a ca/bundle.pem");
    assert!(bundle.ends_with(&sandbox.read("a ca/root.pem")));
}

/// Under sudo the home folder is root's, and so is the CA that is there.
#[test]
fn under_sudo_it_says_whose_ca_it_uses() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("secure-io");
    command.args(["ca", "path"]).env("SUDO_USER", "ann");
    assert_snapshot!(sandbox.finish("sudo secure-io ca path", &mut command, b""), @r#"
    $ sudo secure-io ca path
    exit: 0
    --- stdout
    [DIR]/.local/share/secure-io/ca
    --- stderr
    note: run with sudo: the CA is in [DIR]/.local/share/secure-io/ca; without it, it is that of ann
    "#);
}
