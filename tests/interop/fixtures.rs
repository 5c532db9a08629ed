//! A test PKI in the hands of strangers: what each makes of each certificate stands in docs/fixtures.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use secure_io::files::{self, Existing, NewFile};
use secure_io::fixtures;
use secure_io::report::fixtures::{Expected, Fixture};

use crate::sandbox::Sandbox;

const BEGIN: &str = "<!-- what strangers make of it: begin -->\n";
const END: &str = "<!-- what strangers make of it: end -->";

fn script(name: &str) -> String {
    format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tree(sandbox: &Sandbox, manifest: &str) -> Expected {
    sandbox.write("secure-io.toml", manifest);
    sandbox.ok("secure-io fixtures");
    fixtures::expected(&sandbox.path("fixtures")).expect("expected.json")
}

fn answers(sandbox: &Sandbox, line: &str) -> BTreeMap<String, String> {
    serde_json::from_str(&sandbox.ok(line)).expect("a JSON object")
}

/// `openssl verify` with the host, purpose and CRLs of a fixture.
fn openssl(sandbox: &Sandbox, fixture: &Fixture) -> String {
    let Fixture { chain, trust, host, .. } = fixture;
    let crls: Vec<String> = fixture.crls.iter().map(|crl| format!(" -CRLfile fixtures/{crl}")).collect();
    let crls = crls.concat();
    let crl_check = if crls.is_empty() { "" } else { "-crl_check_all" };
    let line = format!(
        "openssl verify -x509_strict -purpose sslserver -CAfile fixtures/{trust} -untrusted fixtures/{chain} \
         -verify_hostname {host} {crl_check}{crls} fixtures/{chain}"
    );
    let outcome = sandbox.run(&line);
    let error = outcome.stderr.lines().find_map(|line| line.split_once("depth lookup: "));
    error.map_or_else(|| "accepts".to_owned(), |(_, error)| format!("refuses: {error}"))
}

/// The table in the book is what happens: written anew with `UPDATE_DOCS=1`.
#[test]
fn what_openssl_node_and_python_make_of_it_is_what_the_book_says() {
    let sandbox = Sandbox::new();
    let expected = tree(&sandbox, "defects = \"all\"\n");
    let node = answers(&sandbox, &format!("node {} fixtures", script("node/fixtures.mjs")));
    let python = answers(&sandbox, &format!("python3 {} fixtures", script("python/fixtures.py")));
    let mut table =
        "| certificate | a right client | `openssl verify` | Node | Python |\n|---|---|---|---|---|\n".to_owned();
    for fixture in &expected.fixtures {
        let right = fixture.code.map_or_else(|| "accepts".to_owned(), |code| format!("refuses: {code}"));
        let others = [openssl(&sandbox, fixture), node[&fixture.name].clone(), python[&fixture.name].clone()];
        // A server that will not show it is as good as a client that refuses it.
        let others =
            others.map(|does| if does.starts_with("accepts") == fixture.valid { does } else { format!("**{does}**") });
        writeln!(table, "| `{}` | {right} | {} |", fixture.name, others.join(" | ")).expect("text can be written");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fixtures.md");
    let page = String::from_utf8(files::read(&path).expect("the page").to_vec()).expect("text");
    let (before, rest) = page.split_once(BEGIN).expect("the table's beginning");
    let (shown, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}{BEGIN}{table}{END}{after}");
        return files::write_set(&[NewFile::public(path, page)], Existing::Replace).expect("the page is written");
    }
    assert_eq!(shown, table, "docs/fixtures.md is not current: UPDATE_DOCS=1 writes it anew");
}

/// Java reads keystores and truststores; OpenSSL opens them, and the encrypted key, as well.
#[test]
fn keytool_and_openssl_open_the_stores() {
    let sandbox = Sandbox::new();
    let manifest = "seed = \"x\"\nclock = \"2026-01-01T00:00:00Z\"\npassword = \"p12 password\"\nformats = [\"p12\"]\n\
                    [[certificate]]\nname = \"server\"\nhosts = [\"localhost\"]\ncsr = true\n\
                    [[key]]\nname = \"spare\"\npassphrase = \"secret\"\n\
                    [[bundle]]\nname = \"trust\"\ncertificates = [\"root\"]\n";
    tree(&sandbox, manifest);
    sandbox.write("password", "p12 password");
    let keytool = "-storetype PKCS12 -storepass:file password";
    let listed = sandbox.run(&format!("keytool -list -v -keystore fixtures/server/chain.p12 {keytool}")).success();
    listed.says("Alias name: server").says("Entry type: PrivateKeyEntry").says("Certificate chain length: 2");
    let listed = sandbox.run(&format!("keytool -list -v -keystore fixtures/trust/bundle.p12 {keytool}")).success();
    listed.says("Alias name: root").says("Entry type: trustedCertEntry");
    let opened = sandbox.run("openssl pkcs12 -in fixtures/server/chain.p12 -passin file:password -nodes").success();
    opened.says("BEGIN PRIVATE KEY").says("friendlyName: server");
    sandbox.run("openssl req -in fixtures/server/csr.pem -verify -noout").success().says("verify OK");
    sandbox.write("passphrase", "secret");
    let encrypted = sandbox.ok("openssl pkey -in fixtures/spare/encrypted-key.pem -passin file:passphrase");
    assert_eq!(encrypted, sandbox.ok("openssl pkey -in fixtures/spare/key.pem"));
}

/// A counted certificate's one file, key and chain together, is what TLS servers take.
#[test]
fn a_counted_certificate_is_taken_from_its_one_file() {
    let sandbox = Sandbox::new();
    tree(&sandbox, "[[certificate]]\nname = \"device-{n}\"\nhosts = [\"device-{n}.test\"]\ncount = 3\n");
    assert!(sandbox.exists("fixtures/device/device-2.pem"));
    for answers in [
        answers(&sandbox, &format!("node {} fixtures", script("node/fixtures.mjs"))),
        answers(&sandbox, &format!("python3 {} fixtures", script("python/fixtures.py"))),
    ] {
        assert_eq!(answers.values().collect::<Vec<_>>(), ["accepts"; 3]);
    }
}
