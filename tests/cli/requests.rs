//! Requests and CAs that strangers bring: what is signed, what is refused, and what is warned about.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

fn with_data(names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for name in names {
        let path = format!("{}/tests/data/issuing/{name}", env!("CARGO_MANIFEST_DIR"));
        sandbox.ok(&format!("cp {path} {name}"));
    }
    sandbox
}

/// It was once signed as it stood, and no client matches that.
#[test]
fn an_international_name_is_signed_as_its_a_label() {
    let sandbox = with_data(&["dns-ulabel.csr"]);
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --ca-dir ca --csr dns-ulabel.csr --out-cert c.pem"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr dns-ulabel.csr --out-cert c.pem
    exit: 0
    --- stdout
    Made a certificate for a.test and xn--bcher-kva.test, signed by CN=secure-io development intermediate [HEX]
      c.pem  certificate, expires [DATE] (in a year)
    --- stderr
    note: the subject `CN=a.test` left out: the CA signs for the names in subjectAltName alone
    note: `DNS:bücher.test` is written as `xn--bcher-kva.test`
    note: carried over from the request: subjectAltName
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    let text = sandbox.ok("openssl x509 -in c.pem -noout -ext subjectAltName");
    assert!(text.contains("DNS:xn--bcher-kva.test"), "{text}");
    sandbox.ok("secure-io verify --trust ca/root.pem --host b\u{fc}cher.test c.pem");
}

/// No purpose at all, and one that a strict reader refuses, are not signed.
#[test]
fn a_malformed_purpose_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    let purpose = "06:08:2B:06:01:05:05:07:03:01";
    for (value, status) in [("30:00", 2), (&*format!("30:80:{purpose}:00:00"), 2), (&*format!("30:0A:{purpose}"), 0)] {
        sandbox.ok(&format!(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=a.test \
             -addext subjectAltName=DNS:a.test -addext 2.5.29.37=DER:{value} -out a.csr"
        ));
        let outcome = sandbox.run("secure-io gen-cert --ca --ca-dir ca --csr a.csr --out-cert a.pem").exits(status);
        assert_eq!(sandbox.exists("a.pem"), status == 0, "{value}");
        if status == 2 {
            outcome.says("extKeyUsage");
        }
    }
}

/// Each was once 'cannot be read'.
#[test]
fn a_bad_name_is_named_with_the_command_that_works() {
    let sandbox = with_data(&["dns-ip.csr"]);
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --ca-dir ca --csr dns-ip.csr --out-cert c.pem"), @r#"
    $ secure-io gen-cert --ca --ca-dir ca --csr dns-ip.csr --out-cert c.pem
    exit: 2
    --- stderr
    error: cannot use `dns-ip.csr`: the request's subjectAltName holds `DNS:10.0.0.1`: an address is no DNS name (`IP:10.0.0.1` is meant)
    hint: put the right names in their place: `secure-io gen-cert --ca --ca-dir ca --csr dns-ip.csr --out-cert c.pem DNS:a.test IP:10.0.0.1`
    "#);
    assert!(!sandbox.exists("c.pem"));
}

/// A CA that clients refuse once signed without a word.
#[test]
fn a_ca_that_clients_refuse_is_warned_about() {
    let sandbox = with_data(&["crit-unknown.pem", "crit-unknown-key.pem"]);
    let sign = |ca: &str| {
        let flags = format!("--ca-cert {ca}.pem --ca-key {ca}-key.pem --days 10");
        sandbox.run(&format!("secure-io gen-cert -q --force {flags} app.test"))
    };
    assert_snapshot!(sign("crit-unknown"), @r#"
    $ secure-io gen-cert -q --force --ca-cert crit-unknown.pem --ca-key crit-unknown-key.pem --days 10 app.test
    exit: 0
    --- stderr
    warning: clients will refuse this certificate (unknown-critical-extension): CN=Crit: its extension 1.2.3.4.5 is critical and not understood (RFC 5280 section 4.2)
    "#);
    let root = |name: &str, flags: &str| {
        let files = format!("-keyout {name}-key.pem -out {name}.pem");
        sandbox.run(&format!("openssl req -x509 -newkey rsa:2048 -noenc {files} {flags}")).success();
        sign(name)
    };
    assert_snapshot!(root("unnamed", "-subj /"), @r#"
    $ secure-io gen-cert -q --force --ca-cert unnamed.pem --ca-key unnamed-key.pem --days 10 app.test
    exit: 0
    --- stderr
    warning: clients will refuse this certificate (malformed): CN=app.test: its issuer is empty (RFC 5280 section 4.1.2.4)
    "#);
    // Keys below 2048 bits are not used at all.
    assert_snapshot!(root("small", "-newkey rsa:1024 -subj /CN=small"), @r#"
    $ secure-io gen-cert -q --force --ca-cert small.pem --ca-key small-key.pem --days 10 app.test
    exit: 2
    --- stderr
    error: cannot use `small-key.pem`: a key of the kind RSA 1024 cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519
    "#);
    assert_snapshot!(root("good", "-subj /CN=good"), @r#"
    $ secure-io gen-cert -q --force --ca-cert good.pem --ca-key good-key.pem --days 10 app.test
    exit: 0
    "#);
}

/// Both were once made with a warning, or taken for one host.
#[test]
fn urls_and_lists_are_refused_with_the_command_that_works() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert -q https://localhost:3000/x app.test"), @r#"
    $ secure-io gen-cert -q https://localhost:3000/x app.test
    exit: 2
    --- stderr
    error: `https://localhost:[PORT]/x` cannot be a name in a certificate: a server's certificate is for a host, which no URL is matched against
    hint: write `secure-io gen-cert -q localhost app.test`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert -q localhost,127.0.0.1 --days 30"), @r#"
    $ secure-io gen-cert -q localhost,127.0.0.1 --days 30
    exit: 2
    --- stderr
    error: `localhost,127.0.0.1` cannot be a name in a certificate: hosts are separated by spaces
    hint: write `secure-io gen-cert -q localhost 127.0.0.1 --days 30`
    "#);
    assert_snapshot!(sandbox.run("secure-io serve ws://localhost:3000"), @r#"
    $ secure-io serve ws://localhost:3000
    exit: 2
    --- stderr
    error: `ws://localhost:[PORT]` cannot be a name in a certificate: a server's certificate is for a host, which no URL is matched against
    hint: write `secure-io serve localhost`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-csr --key - https://localhost:3000/x"), @r#"
    $ secure-io gen-csr --key - https://localhost:3000/x
    exit: 2
    --- stderr
    error: `https://localhost:[PORT]/x` cannot be a name in a certificate: a server's certificate is for a host, which no URL is matched against
    hint: write `secure-io gen-csr --key - localhost`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca --permit https://localhost:3000"), @r#"
    $ secure-io ca init --ca-dir ca --permit https://localhost:3000
    exit: 2
    --- stderr
    error: `https://localhost:[PORT]` is neither a domain nor a range of addresses (10.0.0.0/8), nor an email or a URI
    hint: write `secure-io ca init --ca-dir ca --permit localhost`
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init --ca-dir ca --permit=a.test:80,b.test --days 30"), @r#"
    $ secure-io ca init --ca-dir ca --permit=a.test:80,b.test --days 30
    exit: 2
    --- stderr
    error: `a.test:80,b.test` is neither a domain nor a range of addresses (10.0.0.0/8), nor an email or a URI
    hint: write `secure-io ca init --ca-dir ca --permit=a.test --days 30 --permit b.test`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert -q spiffe://td/app"), @r#"
    $ secure-io gen-cert -q spiffe://td/app
    exit: 0
    "#);
}

/// A public suffix was only warned about where it is one label.
#[test]
fn a_public_suffix_of_two_labels_is_warned_about() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io gen-cert -q --dry-run '*.co.uk' '*.com' '*.github.io'"), @r#"
    $ secure-io gen-cert -q --dry-run '*.co.uk' '*.com' '*.github.io'
    exit: 0
    --- stderr
    warning: `*.co.uk` covers a whole public suffix, below which everybody registers domains: no browser accepts that
    warning: `*.com` covers a whole top-level domain, and no browser accepts that
    "#);
    assert_snapshot!(sandbox.run("secure-io ca init -q --ca-dir ca --permit com --permit co.uk --permit example.com"), @r#"
    $ secure-io ca init -q --ca-dir ca --permit com --permit co.uk --permit example.com
    exit: 0
    --- stderr
    warning: `com` is permitted: whoever steals this CA's key can sign for every domain below it, for you
    warning: `co.uk` is permitted: whoever steals this CA's key can sign for every domain below it, for you
    "#);
}
