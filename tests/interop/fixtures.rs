//! A test PKI in the hands of strangers: what each makes of each certificate stands in docs/fixtures.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use secure_io::files::{self, Existing, NewFile};
use secure_io::fixtures;
use secure_io::report::fixtures::{Client, Deviation, Expected, Fixture};

use crate::go::program as go_program;
use crate::rustls_client;
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

/// A client in the table: its name in `expected.json`, its heading in the book, and what it does with each fixture.
type Measured = (Client, &'static str, BTreeMap<String, String>);

/// Every client's answers to a tree in `fixtures`.
fn measured(sandbox: &Sandbox, expected: &Expected) -> Vec<Measured> {
    let by_name = |answer: &dyn Fn(&Fixture) -> String| {
        expected.fixtures.iter().map(|fixture| (fixture.name.clone(), answer(fixture))).collect()
    };
    vec![
        (Client::Openssl, "`openssl verify`", by_name(&|fixture| openssl(sandbox, fixture))),
        (Client::Node, "Node", answers(sandbox, &format!("node {} fixtures", script("node/fixtures.mjs")))),
        (Client::Python, "Python", answers(sandbox, &format!("python3 {} fixtures", script("python/fixtures.py")))),
        (Client::Go, "Go", answers(sandbox, &format!("{} fixtures", go_program("fixtures.go").display()))),
        (Client::Rustls, "rustls", by_name(&|fixture| rustls_client::meet(&sandbox.path("fixtures"), fixture))),
        (Client::Java, "Java", java(sandbox, expected)),
        (Client::Chromium, "Chromium", chromium(sandbox)),
    ]
}

/// The answers of Java's own TLS.
fn java(sandbox: &Sandbox, expected: &Expected) -> BTreeMap<String, String> {
    let line = |fixture: &Fixture| {
        let Fixture { name, chain, key, trust, host, crls, .. } = fixture;
        let files = [chain, key, trust].map(|file| format!("fixtures/{file}"));
        let crls = crls.iter().map(|crl| format!("fixtures/{crl}"));
        let fields = [name.clone()].into_iter().chain(files).chain([host.clone()]).chain(crls);
        fields.collect::<Vec<_>>().join("\t") + "\n"
    };
    let lines: String = expected.fixtures.iter().map(line).collect();
    let outcome = sandbox.run_with(&format!("java {}", script("java/Fixtures.java")), &lines).success();
    let answers = outcome.stdout_text();
    answers.lines().filter_map(|line| line.split_once('\t')).map(|(name, does)| (name.into(), does.into())).collect()
}

/// The answers of Chromium, to which `serve --fixtures` shows each certificate by its server name.
fn chromium(sandbox: &Sandbox) -> BTreeMap<String, String> {
    crate::chromium::trust(sandbox, "fixtures/root/cert.pem", "C,,");
    let server = sandbox.serve("--fixtures fixtures");
    let mut command = sandbox.command("node");
    command.arg(script("node/fixtures-in-chromium.mjs"));
    command.env("SECURE_IO_PROGRAM", crate::chromium::program()).env("SECURE_IO_PORT", server.port.to_string());
    let outcome = sandbox.finish("node fixtures-in-chromium.mjs", &mut command, b"").success();
    serde_json::from_str(&outcome.stdout_text()).expect("a JSON object")
}

/// Compares a client's answer with the right one, as `expected.json` says it.
fn deviation(does: &str, valid: bool) -> Option<Deviation> {
    let accepts = does == "accepts";
    let loads = !does.starts_with("cannot be loaded");
    if loads {
        (accepts != valid).then_some(Deviation { accepts: Some(accepts), loads: None })
    } else {
        Some(Deviation { accepts: None, loads: Some(false) })
    }
}

/// Checks the deviations that `expected.json` names against those measured.
#[track_caller]
fn check_deviations(expected: &Expected, measured: &[Measured]) {
    for fixture in &expected.fixtures {
        let seen = measured.iter().filter_map(|(client, _, does)| {
            deviation(&does[&fixture.name], fixture.valid).map(|deviation| (*client, deviation))
        });
        assert_eq!(fixture.clients, seen.collect(), "{}: {measured:?}", fixture.name);
    }
}

/// The table in the book is measured, and `expected.json` names each deviation: `UPDATE_DOCS=1` writes the table.
#[test]
fn each_clients_answers_are_those_in_the_book_and_in_expected_json() {
    let sandbox = Sandbox::new();
    let expected = tree(&sandbox, "defects = \"all\"\n");
    let measured = measured(&sandbox, &expected);
    let headings: Vec<_> = measured.iter().map(|(_, heading, _)| *heading).collect();
    let mut table = format!(
        "| certificate | a right client | {} |\n|---|---|{}\n",
        headings.join(" | "),
        "---|".repeat(headings.len())
    );
    for fixture in &expected.fixtures {
        let right = fixture.code.map_or_else(|| "accepts".to_owned(), |code| format!("refuses: {code}"));
        // A server that cannot show it is as good as a client that refuses it.
        let others = measured.iter().map(|(_, _, does)| {
            let does = does[&fixture.name].replace('|', "\\|");
            if does.starts_with("accepts") == fixture.valid { does } else { format!("**{does}**") }
        });
        let others: Vec<_> = others.collect();
        writeln!(table, "| `{}` | {right} | {} |", fixture.name, others.join(" | ")).expect("text can be written");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fixtures.md");
    let page = String::from_utf8(files::read(&path).expect("the page").to_vec()).expect("text");
    let (before, rest) = page.split_once(BEGIN).expect("the table's beginning");
    let (shown, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}{BEGIN}{table}{END}{after}");
        files::write_set(&[NewFile::public(path, page)], Existing::Replace).expect("the page is written");
    } else {
        assert_eq!(shown, table, "docs/fixtures.md is not current: UPDATE_DOCS=1 writes the table");
    }
    check_deviations(&expected, &measured);
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
