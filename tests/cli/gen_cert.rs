//! `secure-io gen-cert`.

use insta::assert_snapshot;

use crate::read_text;
use crate::sandbox::Sandbox;

#[test]
fn it_says_what_it_made() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert"), @r#"
    $ secure-io gen-cert
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, self-signed
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name app --out-dir certs app.test '*.app.test' 192.168.1.7"), @r#"
    $ secure-io gen-cert --name app --out-dir certs app.test '*.app.test' 192.168.1.7
    exit: 0
    --- stdout
    Made a certificate for app.test, *.app.test and 192.168.1.7, self-signed
      certs/app-key.pem   private key, EC P-256
      certs/app-csr.pem   certification request
      certs/app-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name json --json"), @r#"
    $ secure-io gen-cert --name json --json
    exit: 0
    --- stdout
    {"files":[{"kind":"private-key","path":"json-key.pem"},{"kind":"csr","path":"json-csr.pem"},{"kind":"certificate","path":"json-cert.pem"}],"written":true,"certificate":{"version":3,"serial":"[HEX]","subject":"CN=localhost","issuer":"CN=localhost","not_before":"[TIME]","not_after":"[TIME]","subject_alt_names":["DNS:localhost","IP:127.0.0.1","IP:::1"],"public_key":{"algorithm":"EC","curve":"P-256","bits":256},"signature_algorithm":"ecdsa-with-SHA256","is_ca":false,"key_usage":["digitalSignature"],"extended_key_usage":["serverAuth"],"subject_key_id":"[HEX]","authority_key_id":"[HEX]","sha256_fingerprint":"[HEX]","sha1_fingerprint":"[HEX]","spki_sha256":"[HEX]","self_signed":true,"extensions":[{"oid":"2.5.29.35","name":"authorityKeyIdentifier","critical":false,"value":{"key_id":"[HEX]"}},{"oid":"2.5.29.17","name":"subjectAltName","critical":false,"value":["DNS:localhost","IP:127.0.0.1","IP:::1"]},{"oid":"2.5.29.15","name":"keyUsage","critical":true,"value":["digitalSignature"]},{"oid":"2.5.29.37","name":"extKeyUsage","critical":false,"value":["serverAuth"]},{"oid":"2.5.29.14","name":"subjectKeyIdentifier","critical":false,"value":"[HEX]"},{"oid":"2.5.29.19","name":"basicConstraints","critical":true,"value":{"ca":false}}]},"chain_length":1}
    "#);
}

#[test]
fn no_file_of_a_set_is_written_when_one_would_be_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("server-cert.pem", "mine");
    assert_snapshot!(sandbox.run("secure-io gen-cert"), @r#"
    $ secure-io gen-cert
    exit: 2
    --- stderr
    error: `server-cert.pem` exists already
    hint: write another set: `secure-io gen-cert --name server-2`
    hint: --force replaces what is there
    "#);
    assert!(!sandbox.exists("server-key.pem") && !sandbox.exists("server-csr.pem"));
    assert_eq!(read_text(&sandbox, "server-cert.pem"), "mine");
}

#[test]
fn odd_names_and_lifetimes_are_warned_about() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert --dry-run '*.test' '*.*.dev.test' spiffe://td/app --days 826"), @r#"
    $ secure-io gen-cert --dry-run '*.test' '*.*.dev.test' spiffe://td/app --days 826
    exit: 0
    --- stdout
    Would make a certificate for *.test, *.*.dev.test and spiffe://td/app, self-signed
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 826 days)
    --- stderr
    warning: a lifetime of 826 days: Apple's platforms refuse more than 825
    warning: `*.test` covers a whole top-level domain, and no browser accepts that
    warning: no client matches `*.*.dev.test`: a wildcard stands for one label, the leftmost
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --dry-run --algorithm ed25519"), @r#"
    $ secure-io gen-cert --dry-run --algorithm ed25519
    exit: 0
    --- stdout
    Would make a certificate for localhost, 127.0.0.1 and ::1, self-signed
      server-key.pem   private key, Ed25519
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    warning: no browser accepts a server's certificate with a key of the kind Ed25519
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --dry-run -q --algorithm ecdsa-p521"), @r#"
    $ secure-io gen-cert --dry-run -q --algorithm ecdsa-p521
    exit: 0
    --- stderr
    warning: Chromium does not accept a server's certificate with a key of the kind EC P-521
    "#);
}

#[test]
fn what_cannot_be_in_a_certificate_is_refused() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert localhost:3000"), @r#"
    $ secure-io gen-cert localhost:3000
    exit: 2
    --- stderr
    error: `localhost:[PORT]` cannot be a name in a certificate: a certificate holds no port
    hint: write `secure-io gen-cert localhost`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert 10.0.0.0/8"), @r#"
    $ secure-io gen-cert 10.0.0.0/8
    exit: 2
    --- stderr
    error: `10.0.0.0/8` cannot be a name in a certificate: a range of addresses belongs in a CA's name constraints
    hint: write `secure-io gen-cert 10.0.0.0`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert -- --dayz"), @r#"
    $ secure-io gen-cert -- --dayz
    exit: 2
    --- stderr
    error: `--dayz` cannot be a name in a certificate: it begins with a dash, as a flag does
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --subject localhost"), @r#"
    $ secure-io gen-cert --subject localhost
    exit: 2
    --- stderr
    error: `localhost` cannot be a name in a certificate: `localhost` is not of the form KEY=VALUE (RFC 4514)
    hint: write `secure-io gen-cert --subject CN=localhost`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --days 0"), @r#"
    $ secure-io gen-cert --days 0
    exit: 2
    --- stderr
    error: a certificate needs a lifetime of at least one day, or `--not-after`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --not-before 1d --not-after -1d"), @r#"
    $ secure-io gen-cert --not-before 1d --not-after -1d
    exit: 2
    --- stderr
    error: the certificate would end ([TIME]) before it begins ([TIME])
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --not-after tomorrow"), @r#"
    $ secure-io gen-cert --not-after tomorrow
    exit: 2
    --- stderr
    error: `tomorrow` is neither a time ([TIME]) nor a span (90d, -1d, 12h)
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --days 4000000"), @r#"
    $ secure-io gen-cert --days 4000000
    exit: 2
    --- stderr
    error: `4000000 days from now` is outside the years 1 to 9999
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name a/b"), @r#"
    $ secure-io gen-cert --name a/b
    exit: 2
    --- stderr
    error: `a/b` cannot begin a file's name
    hint: name the folder with its own flag: `secure-io gen-cert --out-dir a --name b`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --out-cert - --out-key -"), @r#"
    $ secure-io gen-cert --out-cert - --out-key -
    exit: 2
    --- stderr
    error: standard output takes one thing at a time
    "#);
}

/// A host typed with terminal escapes cannot reach the terminal as it is.
#[test]
fn what_is_typed_is_shown_escaped() {
    let outcome = Sandbox::new().run("secure-io gen-cert \u{1b}[31mred \u{202e}turned").exits(2);
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\u{202e}'), "{}", outcome.stderr);
}

#[test]
fn the_past_is_allowed() {
    let sandbox = Sandbox::new();
    sandbox.run("secure-io gen-cert --not-before -30d --not-after -1d").success();
    let text = sandbox.ok("secure-io gen-cert --name a --not-before 2020-01-01T00:00:00Z --days 30 --json");
    assert!(text.contains(r#""not_before":"2020-01-01T00:00:00Z","not_after":"2020-01-30T23:59:59Z""#), "{text}");
}

#[test]
fn a_certificate_that_fits_is_left_alone() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew"), @r#"
    $ secure-io gen-cert --renew
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, self-signed
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    let before = (sandbox.read("server-cert.pem"), sandbox.read("server-key.pem"));
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew"), @r#"
    $ secure-io gen-cert --renew
    exit: 0
    --- stdout
    Left server-cert.pem as it is: it fits and expires [DATE] (in a year)
    "#);
    assert_eq!((sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")), before);
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --renew-before 400d"), @r#"
    $ secure-io gen-cert --renew --renew-before 400d
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, self-signed
      in place of the one there: it expires in a year
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_ne!(sandbox.read("server-cert.pem"), before.0);
    assert_eq!(sandbox.read("server-key.pem"), before.1, "the key is kept");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew app.test"), @r#"
    $ secure-io gen-cert --renew app.test
    exit: 0
    --- stdout
    Made a certificate for app.test, self-signed
      in place of the one there: it is for localhost, 127.0.0.1 and ::1
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew app.test --algorithm ecdsa-p384"), @r#"
    $ secure-io gen-cert --renew app.test --algorithm ecdsa-p384
    exit: 2
    --- stderr
    error: `server-key.pem` is EC P-256, not ecdsa-p384, and `--renew` keeps the key
    hint: --force in place of --renew makes a new key as well
    "#);
    assert_eq!(sandbox.read("server-key.pem"), before.1, "a key is not replaced unless forced");
}

#[test]
fn a_request_is_signed_by_its_own_key() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-key -q");
    sandbox.ok("secure-io gen-csr -q --key server-key.pem app.test");
    assert_snapshot!(sandbox.run("secure-io gen-cert --csr server-csr.pem --key server-key.pem"), @r#"
    $ secure-io gen-cert --csr server-csr.pem --key server-key.pem
    exit: 0
    --- stdout
    Made a certificate for app.test, self-signed
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    note: carried over from the request: keyUsage, subjectAltName, extKeyUsage
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --csr server-csr.pem --out-cert b.pem"), @r#"
    $ secure-io gen-cert --csr server-csr.pem --out-cert b.pem
    exit: 2
    --- stderr
    error: a self-signed certificate needs the private key
    hint: `server-key.pem` is its key: `secure-io gen-cert --csr server-csr.pem --out-cert b.pem --key server-key.pem`
    "#);
    sandbox.ok("secure-io gen-key -q --out other-key.pem --algorithm ecdsa-p384");
    assert_snapshot!(sandbox.run("secure-io gen-cert --csr server-csr.pem --key other-key.pem --out-cert b.pem"), @r#"
    $ secure-io gen-cert --csr server-csr.pem --key other-key.pem --out-cert b.pem
    exit: 2
    --- stderr
    error: `other-key.pem` does not belong to `server-csr.pem`
      the request's public key is EC P-256 (spki sha256 [HEX]…)
      the private key's is EC P-384 (spki sha256 [HEX]…)
    hint: `server-key.pem` belongs to it: `secure-io gen-cert --csr server-csr.pem --out-cert b.pem --key server-key.pem`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --csr server-key.pem --key other-key.pem --out-cert b.pem"), @r#"
    $ secure-io gen-cert --csr server-key.pem --key other-key.pem --out-cert b.pem
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: it holds a private key, not a certification request (CSR)
    "#);
    assert!(!sandbox.exists("b.pem"));
}

#[test]
fn a_ca_signs() {
    let sandbox = Sandbox::new();
    let ca = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem";
    sandbox.run(&format!("{ca} -days 10 -subj /DC=com/DC=example/CN=ca")).success();
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca-cert ca.pem --ca-key ca-key.pem app.test"), @r#"
    $ secure-io gen-cert --ca-cert ca.pem --ca-key ca-key.pem app.test
    exit: 0
    --- stdout
    Made a certificate for app.test, signed by CN=ca,DC=example,DC=com
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 10 days)
    --- stderr
    note: shortened to [TIME], where the issuer's certificate ends
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --ca-cert server-cert.pem --ca-key server-key.pem"), @r#"
    $ secure-io gen-cert --name b --ca-cert server-cert.pem --ca-key server-key.pem
    exit: 2
    --- stderr
    error: cannot use `server-cert.pem`: it may not sign certificates: its keyUsage lacks keyCertSign
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --ca-cert ca.pem --ca-key server-key.pem"), @r#"
    $ secure-io gen-cert --name b --ca-cert ca.pem --ca-key server-key.pem
    exit: 2
    --- stderr
    error: `server-key.pem` does not belong to `ca.pem`
    hint: `ca-key.pem` is its key: `secure-io gen-cert --name b --ca-cert ca.pem --ca-key ca-key.pem`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --ca-cert ca.pem"), @r#"
    $ secure-io gen-cert --name b --ca-cert ca.pem
    exit: 2
    --- stderr
    error: the following required arguments were not provided:
      --ca-key <FILE>
    hint: name the key: `secure-io gen-cert --name b --ca-cert ca.pem --ca-key ca-key.pem`
    "#);
    sandbox.run("openssl req -new -key server-key.pem -subj /O=nobody -out anonymous.pem").success();
    assert_snapshot!(sandbox.run("secure-io gen-cert --csr anonymous.pem --ca-cert ca.pem --ca-key ca-key.pem --out-cert c.pem"), @r#"
    $ secure-io gen-cert --csr anonymous.pem --ca-cert ca.pem --ca-key ca-key.pem --out-cert c.pem
    exit: 2
    --- stderr
    error: cannot use `anonymous.pem`: the request names no host, and a certificate without one is refused by every client
    hint: name the host behind the command
    "#);
}

#[test]
fn the_local_ca_signs_for_development_only() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --ca-dir ca --dry-run"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --dry-run
    exit: 2
    --- stderr
    error: there is no local CA in `ca`
    hint: make one: `secure-io ca init --ca-dir ca`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --ca-dir ca"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, signed by CN=secure-io development intermediate [HEX]
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    note: there was no local CA, so one was made in ca
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --ca --ca-dir ca example.com"), @r#"
    $ secure-io gen-cert --name b --ca --ca-dir ca example.com
    exit: 2
    --- stderr
    error: the CA may not sign for `example.com`: its name constraints permit localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    hint: permit it: `secure-io ca renew --ca-dir ca --permit example.com`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --ca --ca-cert a.pem --ca-key b.pem"), @r#"
    $ secure-io gen-cert --name b --ca --ca-cert a.pem --ca-key b.pem
    exit: 2
    --- stderr
    error: the argument `--ca` cannot be used with:
      --ca-cert <FILE>
      --ca-key <FILE>
    hint: see `secure-io gen-cert --help`
    "#);
}

#[test]
fn encrypted_keys_need_their_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "correct horse\n");
    sandbox.write("wrong", "battery\n");
    sandbox.ok("secure-io gen-key -q --encrypt --passphrase-file passphrase");
    assert_snapshot!(sandbox.run("secure-io gen-cert --key server-key.pem"), @r#"
    $ secure-io gen-cert --key server-key.pem
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: the private key is encrypted
    hint: give the passphrase with --passphrase-file or --passphrase-env
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --key server-key.pem --passphrase-file wrong"), @r#"
    $ secure-io gen-cert --key server-key.pem --passphrase-file wrong
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: the passphrase does not open the private key
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --key server-key.pem --passphrase-file passphrase"), @r#"
    $ secure-io gen-cert --key server-key.pem --passphrase-file passphrase
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, self-signed
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --encrypt --key server-key.pem"), @r#"
    $ secure-io gen-cert --name b --encrypt --key server-key.pem
    exit: 2
    --- stderr
    error: the argument `--encrypt` cannot be used with `--key <FILE>`
    hint: see `secure-io gen-cert --help`
    "#);
}

#[test]
fn pkcs12_files_have_a_password() {
    let sandbox = Sandbox::new();
    sandbox.write("password", "changeit\n");
    assert_snapshot!(sandbox.run("secure-io gen-cert --p12 server.p12"), @r#"
    $ secure-io gen-cert --p12 server.p12
    exit: 2
    --- stderr
    error: no password is given
    hint: give one with --p12-password-file or --p12-password-env
    "#);
    assert!(!sandbox.exists("server-key.pem"), "nothing is written before all is known");
    assert_snapshot!(sandbox.run("secure-io gen-cert --p12 server.p12 --p12-password-file password"), @r#"
    $ secure-io gen-cert --p12 server.p12 --p12-password-file password
    exit: 0
    --- stdout
    Made a certificate for localhost, 127.0.0.1 and ::1, self-signed
      server-key.pem   private key, EC P-256
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in a year)
      server.p12       PKCS#12, key and certificate
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --name b --p12 b.p12 --csr server-csr.pem"), @r#"
    $ secure-io gen-cert --name b --p12 b.p12 --csr server-csr.pem
    exit: 2
    --- stderr
    error: a PKCS#12 file holds the key, too
    hint: `server-key.pem` is its key: `secure-io gen-cert --name b --p12 b.p12 --csr server-csr.pem --key server-key.pem`
    "#);
}

/// A passphrase without `--encrypt` once left the key in the clear, without a word.
#[test]
fn a_passphrase_for_nothing_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "correct horse\n");
    assert_snapshot!(sandbox.run("secure-io gen-cert --passphrase-file passphrase"), @r#"
    $ secure-io gen-cert --passphrase-file passphrase
    exit: 2
    --- stderr
    error: a passphrase is given, but no key is encrypted
    hint: encrypt the key that is made: `secure-io gen-cert --passphrase-file passphrase --encrypt`
    "#);
    sandbox.run("secure-io gen-key --passphrase-file passphrase").exits(2);
    assert!(!sandbox.exists("server-key.pem"));
    assert_snapshot!(sandbox.run("secure-io gen-cert --p12 passphrase --p12-password-file passphrase --force"), @r#"
    $ secure-io gen-cert --p12 passphrase --p12-password-file passphrase --force
    exit: 2
    --- stderr
    error: `passphrase` is read and would be written over
    "#);
    assert_eq!(read_text(&sandbox, "passphrase"), "correct horse\n");
}

/// openssl and curl take an IPv4 address in a commonName for a DNS name, and refused the local CA's certificates.
#[test]
fn certificates_of_addresses_alone_are_accepted_under_the_local_ca() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca 10.0.0.1");
    sandbox.ok("openssl verify -CAfile ca/root.pem -untrusted server-cert.pem -verify_ip 10.0.0.1 server-cert.pem");
}

/// Requests that a CA's constraints could not be held against, or that no client would take the answer to.
#[test]
fn odd_requests_are_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    let request = |name: &str, flags: &str| {
        let flags = format!("-newkey rsa:2048 -noenc -keyout /dev/null -subj /CN=x {flags}");
        sandbox.run(&format!("openssl req -new {flags} -out {name}.pem")).success();
        sandbox.run(&format!("secure-io gen-cert --ca --ca-dir ca --csr {name}.pem --out-cert {name}-cert.pem"))
    };
    assert_snapshot!(request("address", "-addext subjectAltName=DER:30:0a:87:08:01:02:03:04:05:06:07:08"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr address.pem --out-cert address-cert.pem
    exit: 2
    --- stderr
    error: cannot use `address.pem`: the request's subjectAltName holds `invalid:[7]#[HEX]`: it has 8 octets; an address has 4 or 16, and a mask belongs in a CA's name constraints (`IP:1.2.3.4` is meant)
    hint: put the right names in their place: `secure-io gen-cert --ca --ca-dir ca --csr address.pem --out-cert address-cert.pem IP:1.2.3.4`
    "#);
    assert_snapshot!(request("space", "-addext 'subjectAltName=DNS:a b.test'"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr space.pem --out-cert space-cert.pem
    exit: 2
    --- stderr
    error: cannot use `space.pem`: the request's subjectAltName holds `DNS:a b.test`: it contains white space (`DNS:a` and `DNS:b.test` are meant)
    hint: put the right names in their place: `secure-io gen-cert --ca --ca-dir ca --csr space.pem --out-cert space-cert.pem DNS:a DNS:b.test`
    "#);
    assert_snapshot!(request("signs", "-addext subjectAltName=DNS:a.test -addext keyUsage=keyCertSign"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr signs.pem --out-cert signs-cert.pem
    exit: 2
    --- stderr
    error: cannot use `signs.pem`: the request asks for keyUsage keyCertSign, which makes a CA
    hint: sign it as a CA all the same: `secure-io gen-cert --ca --ca-dir ca --csr signs.pem --out-cert signs-cert.pem --allow-ca`
    "#);
    assert_snapshot!(request("weak", "-newkey rsa:1024 -addext subjectAltName=DNS:a.test"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr weak.pem --out-cert weak-cert.pem
    exit: 2
    --- stderr
    error: cannot use `weak.pem`: the request's key is RSA 1024, and no client takes RSA below 2048 bits
    "#);
    // It was signed: for TLS alone is what the intermediate is, and no client took the certificate.
    assert_snapshot!(request("code", "-addext subjectAltName=DNS:a.test -addext extendedKeyUsage=codeSigning"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr code.pem --out-cert code-cert.pem
    exit: 2
    --- stderr
    error: cannot use `code.pem`: the CA may not sign for codeSigning: its extKeyUsage permits serverAuth, clientAuth
    hint: have it made for what the CA may sign for: `secure-io gen-cert --ca --ca-dir ca --csr code.pem --out-cert code-cert.pem --purpose server`
    "#);
    assert_snapshot!(request("outside", "-addext subjectAltName=DNS:bank.com"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr outside.pem --out-cert outside-cert.pem
    exit: 2
    --- stderr
    error: the CA may not sign for `bank.com`: its name constraints permit localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    hint: permit it: `secure-io ca renew --ca-dir ca --permit bank.com`
    "#);
}

/// A key from a seed can be made by anybody: behind another certificate, in a request, or as a CA's.
#[test]
fn keys_that_come_from_a_seed_are_warned_about() {
    let sandbox = Sandbox::new();
    let seeded =
        "seed = \"x\"\nclock = \"2026-11-01T00:00:00Z\"\n[[certificate]]\nname = \"good\"\nhosts = [\"a.test\"]\n";
    sandbox.write("secure-io.toml", seeded);
    sandbox.ok("secure-io fixtures -q");
    let warning = "warning: this private key comes from a seed, and anybody can make it again: use it in tests alone";
    sandbox.run("secure-io gen-cert --key fixtures/good/key.pem a.test").success().says(warning);
    sandbox.run("secure-io gen-csr --key fixtures/good/key.pem --out b.pem a.test").success().says(warning);
    let authority = "[[authority]]\nname = \"ca\"\n";
    sandbox.write("secure-io.toml", format!("{seeded}issuer = \"ca\"\n{authority}"));
    sandbox.ok("secure-io fixtures -q");
    let ca = "--ca-cert fixtures/ca/cert.pem --ca-key fixtures/ca/key.pem";
    let signed = sandbox.run(&format!("secure-io gen-cert --name c {ca} --days 5 a.test")).success();
    signed.says(
        "warning: the issuer's private key comes from a seed, and anybody can sign with it: use it in tests alone",
    );
}

#[test]
fn a_ca_whose_path_length_is_used_up_makes_no_ca() {
    let sandbox = Sandbox::new();
    sandbox.ok(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=CA \
         -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign",
    );
    sandbox.ok(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout below.key -out below.pem -subj /CN=Below \
         -addext basicConstraints=critical,CA:TRUE",
    );
    let line = "secure-io gen-cert --ca-cert ca.pem --ca-key ca.key";
    let said = sandbox.run(&format!("{line} --csr below.pem --allow-ca")).exits(2).to_string();
    assert!(said.contains("its pathLenConstraint of 0 allows no CA below it"), "{said}");
    sandbox.ok(&format!("{line} app.test"));
}
