//! `secure-io fixtures`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// A seeded tree of entries that are quick to make.
const SEEDED: &str = r#"seed = "tests"
clock = "2026-01-01T00:00:00Z"
defects = ["expired", "revoked"]
formats = ["der", "p12"]

[[certificate]]
hosts = ["localhost", "127.0.0.1"]
csr = true

[[key]]
name = "spare"
passphrase = "secret"

[[bundle]]
name = "trust"
certificates = ["root"]
"#;

fn expected(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&sandbox.read("fixtures/expected.json")).expect("expected.json is JSON")
}

#[test]
fn it_begins_with_a_commented_manifest() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 2
    --- stderr
    error: cannot read `secure-io.toml`: No such file or directory
    hint: make one: `secure-io fixtures init`
    "#);
    assert_snapshot!(sandbox.run("secure-io fixtures init"), @r#"
    $ secure-io fixtures init
    exit: 0
    --- stdout
    Made secure-io.toml
    --- stderr
    hint: read it, then build the tree: `secure-io fixtures`
    "#);
    assert_snapshot!(sandbox.run("secure-io fixtures init"), @r#"
    $ secure-io fixtures init
    exit: 2
    --- stderr
    error: `secure-io.toml` exists already
    hint: build the tree: `secure-io fixtures`
    "#);
}

/// Missing, edited and new entries of the manifest are made again, with those below them, and no others.
#[test]
fn only_what_is_stale_is_built_again() {
    let sandbox = Sandbox::new();
    let manifest = "[[certificate]]\nhosts = [\"a.test\"]\n[[certificate]]\nhosts = [\"b.test\"]\n";
    sandbox.write("secure-io.toml", manifest);
    assert_snapshot!(sandbox.run("secure-io fixtures --check"), @r#"
    $ secure-io fixtures --check
    exit: 1
    --- stdout
    Would make 6 of 6 entries in fixtures
      root              it is new
      intermediate      it is new
      a.test            it is new
      b.test            it is new
      root/crl          it is new
      intermediate/crl  it is new
    "#);
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    Made 6 of 6 entries in fixtures
      root              it is new
      intermediate      it is new
      a.test            it is new
      b.test            it is new
      root/crl          it is new
      intermediate/crl  it is new
    "#);
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    fixtures is up to date: 6 entries
    "#);
    assert_snapshot!(sandbox.run("secure-io fixtures --check"), @r#"
    $ secure-io fixtures --check
    exit: 0
    --- stdout
    fixtures is up to date: 6 entries
    "#);
    let (old_key, old_chain) = (sandbox.read("fixtures/a.test/key.pem"), sandbox.read("fixtures/a.test/chain.pem"));

    std::fs::remove_file(sandbox.path("fixtures/a.test/chain.pem")).unwrap();
    sandbox.write("fixtures/b.test/key.pem", "edited");
    assert_snapshot!(sandbox.run("secure-io fixtures --check"), @r#"
    $ secure-io fixtures --check
    exit: 1
    --- stdout
    Would make 2 of 6 entries in fixtures
      a.test  `a.test/chain.pem` is missing
      b.test  `b.test/key.pem` was changed
    "#);
    // An edited file is a person's until that person says otherwise.
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 2
    --- stderr
    error: `fixtures/b.test/key.pem` is not as `secure-io fixtures` writes it, and is kept
    hint: if those files may be replaced or removed: `secure-io fixtures --force`
    "#);
    assert_eq!(sandbox.read("fixtures/b.test/key.pem"), b"edited");
    assert!(!sandbox.exists("fixtures/a.test/chain.pem"), "a tree is built whole or not at all");
    sandbox.ok("secure-io fixtures --force");
    assert_eq!(sandbox.read("fixtures/a.test/key.pem"), old_key, "a key that is unharmed is kept");
    assert_ne!(sandbox.read("fixtures/a.test/chain.pem"), old_chain);

    sandbox.write("secure-io.toml", manifest.replace("[\"b.test\"]\n", "[\"b.test\"]\nrevoked = true\n"));
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    Made 1 of 6 entries in fixtures
      intermediate/crl  it changed in the manifest
    "#);
    std::fs::remove_file(sandbox.path("fixtures/intermediate/cert.pem")).unwrap();
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    Made 4 of 6 entries in fixtures
      intermediate      `intermediate/cert.pem` is missing
      a.test            `intermediate` is made again
      b.test            `intermediate` is made again
      intermediate/crl  `intermediate` is made again
    "#);
    sandbox.write("secure-io.toml", "[[certificate]]\nhosts = [\"a.test\"]\n");
    sandbox.write("fixtures/b.test/notes.txt", "mine");
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    Made 1 of 5 entries in fixtures
      intermediate/crl  it changed in the manifest
    Removed b.test/chain.pem: the manifest no longer has it
    Removed b.test/key.pem: the manifest no longer has it
    "#);
    assert!(sandbox.exists("fixtures/b.test/notes.txt") && !sandbox.exists("fixtures/b.test/key.pem"));
}

#[test]
fn what_ends_soon_fails_a_check_and_what_is_meant_to_have_ended_does_not() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", "defects = [\"expired\", \"crl-stale\", \"good\"]\n");
    sandbox.ok("secure-io fixtures");
    sandbox.run("secure-io fixtures --check --expires-within 300d").success();
    assert_snapshot!(sandbox.run("secure-io fixtures --check --expires-within 400d"), @r#"
    $ secure-io fixtures --check --expires-within 400d
    exit: 1
    --- stdout
    fixtures is up to date: 8 entries
    crl-stale expires [TIME]
    good expires [TIME]
    root/crl expires [TIME]
    intermediate/crl expires [TIME]
    "#);
}

/// An authority whose key is destroyed after it has signed is made again before it signs anything else.
#[test]
fn a_key_that_is_not_kept_signs_once() {
    let sandbox = Sandbox::new();
    let manifest = "[[authority]]\nname = \"root\"\nkeep_key = false\n[[certificate]]\nhosts = [\"a.test\"]\n";
    sandbox.write("secure-io.toml", manifest);
    sandbox.ok("secure-io fixtures");
    assert!(!sandbox.exists("fixtures/root/key.pem"));
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    fixtures is up to date: 3 entries
    "#);
    sandbox.write("secure-io.toml", format!("{manifest}[[certificate]]\nhosts = [\"b.test\"]\n"));
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 0
    --- stdout
    Made 4 of 4 entries in fixtures
      root      it signs `b.test`, and its key was not kept
      a.test    `root` is made again
      b.test    it is new
      root/crl  `root` is made again
    "#);
}

#[test]
fn a_manifest_that_cannot_be_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", "[[certificate]]\nhots = [\"localhost\"]\n");
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 2
    --- stderr
    error: cannot use `secure-io.toml`: line 2: there is no key `hots` here
    hint: write: hosts
    "#);
    sandbox.write(
        "secure-io.toml",
        "[[authority]]\nname = \"a\"\nissuer = \"b\"\n[[authority]]\nname = \"b\"\nissuer = \"a\"\n",
    );
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 2
    --- stderr
    error: cannot use `secure-io.toml`: line 2: the authorities sign each other in a circle: a is signed by b is signed by a
    "#);
    sandbox.write("secure-io.toml", "seed = \"x\"\n");
    sandbox.run("secure-io fixtures").exits(2).says("hint: write: clock = \"");
    sandbox.write("secure-io.toml", "[[certificate]]\nname = \"a\\u001b[2J\"\n");
    assert_snapshot!(sandbox.run("secure-io fixtures"), @r#"
    $ secure-io fixtures
    exit: 2
    --- stderr
    error: cannot use `secure-io.toml`: line 2: the name `a\u{1b}[2J` has other characters than letters, digits, `.`, `-` and `_`
    "#);
    sandbox.write(
        "secure-io.toml",
        "layout = \"flat\"\n[[certificate]]\nname = \"a\"\n[[certificate]]\nname = \"a-key\"\n",
    );
    sandbox.run("secure-io fixtures").exits(2).says("would both be written to `a-key.pem`");
}

/// The digest of a whole tree: whoever changes it changes the bytes that others have checked in.
#[test]
fn a_seed_makes_the_same_bytes_everywhere() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    for sandbox in [&one, &other] {
        sandbox.write("secure-io.toml", SEEDED);
        sandbox.ok("secure-io fixtures");
    }
    let digest = tree_digest(&one);
    assert_eq!(digest, tree_digest(&other));
    assert_snapshot!(digest, @r#"
    7183db4b fixtures/.secure-io-fixtures.json
    c6c7f20a fixtures/expected.json
    a9f97801 fixtures/expired/cert.der
    849b21b1 fixtures/expired/chain.p12
    85aa1fc8 fixtures/expired/chain.pem
    f5cf3824 fixtures/expired/key.der
    b571e499 fixtures/expired/key.pem
    cadc91b7 fixtures/intermediate/cert.pem
    7991055f fixtures/intermediate/crl.pem
    6354c246 fixtures/intermediate/key.pem
    d10bfbe9 fixtures/localhost/cert.der
    d41967e9 fixtures/localhost/chain.p12
    301aead4 fixtures/localhost/chain.pem
    a9d30eb9 fixtures/localhost/csr.pem
    1d2fbc29 fixtures/localhost/key.der
    28a3638d fixtures/localhost/key.pem
    6f7e8971 fixtures/revoked/cert.der
    504c3296 fixtures/revoked/chain.p12
    fa60c2a8 fixtures/revoked/chain.pem
    7fbbe762 fixtures/revoked/key.der
    1f8a969a fixtures/revoked/key.pem
    fada6dad fixtures/root/cert.pem
    8b5d2a10 fixtures/root/crl.pem
    78564c32 fixtures/root/key.pem
    811134cc fixtures/spare/encrypted-key.pem
    9240c841 fixtures/spare/key.pem
    859b85d4 fixtures/trust/bundle.p12
    fada6dad fixtures/trust/bundle.pem
    "#);
    // Another entry changes nothing in those that were there.
    let key = one.read("fixtures/localhost/key.pem");
    one.write("secure-io.toml", format!("{SEEDED}\n[[certificate]]\nhosts = [\"z.test\"]\n"));
    one.ok("secure-io fixtures");
    assert_eq!(one.read("fixtures/localhost/key.pem"), key);
    assert!(String::from_utf8(key).unwrap().starts_with("TEST ONLY"));
    assert_eq!(expected(&one)["test_only"], true);
}

fn tree_digest(sandbox: &Sandbox) -> String {
    let listing = sandbox.run("find fixtures -type f").success().stdout_text();
    let mut paths: Vec<&str> = listing.lines().collect();
    paths.sort_unstable();
    let lines = paths.iter().map(|path| {
        let digest = secure_io::key::sha256(&sandbox.read(path));
        format!("{} {path}\n", &secure_io::hex(&digest)[..8])
    });
    lines.collect()
}

#[test]
fn the_reports_and_the_expectations_fit_their_schemas() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", SEEDED);
    let report = sandbox.ok("secure-io fixtures --json");
    let schema = |name: &str| -> Value {
        let path = format!("{}/docs/json/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&secure_io::files::read(path.as_ref()).unwrap()).unwrap()
    };
    let report: Value = serde_json::from_str(&report).unwrap();
    jsonschema::validate(&schema("fixtures"), &report).unwrap();
    jsonschema::validate(&schema("fixtures-expected"), &expected(&sandbox)).unwrap();
}

/// Kill -9 at any moment: the tree is the old or the new one, once the next run has come by.
#[test]
fn a_killed_build_is_finished_or_never_was() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", SEEDED);
    let started = std::time::Instant::now();
    sandbox.ok("secure-io fixtures");
    let whole_run = started.elapsed();
    let whole = tree_digest(&sandbox);
    for round in 0..20 {
        std::fs::remove_dir_all(sandbox.path("fixtures")).unwrap();
        let mut child =
            sandbox.command("secure-io").arg("fixtures").stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole_run * round / 16);
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.ok("secure-io fixtures");
        assert_eq!(tree_digest(&sandbox), whole, "round {round}");
    }
}
