//! The words by which people search: each page of docs/failures quotes what clients showed here.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// A folder with the certificates that `shown.mjs` serves.
fn certificates() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, subject) in [("roots", "/CN=Root"), ("strangers", "/CN=Strange Root")] {
        sandbox.ok(&format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj '{subject}' -keyout {name}.key -out {name}.pem"
        ));
    }
    let ours = "--ca-cert roots.pem --ca-key roots.key";
    for (name, arguments) in [
        ("good", format!("{ours} localhost")),
        // By itself: the CA is younger.
        ("expired", "--not-before=-9d --not-after=-2d localhost".to_owned()),
        ("future", format!("{ours} --not-before=2d --not-after=9d localhost")),
        ("other", format!("{ours} other.test")),
        ("client", format!("{ours} --purpose client localhost")),
        ("rsa", format!("{ours} --algorithm rsa-2048 localhost")),
        ("alone", "localhost".to_owned()),
        ("short", "--ca-cert strangers.pem --ca-key strangers.key localhost".to_owned()),
    ] {
        sandbox.ok(&format!("secure-io gen-cert --quiet --name {name} {arguments}"));
    }
    sandbox.write("roots.pem", [sandbox.read("roots.pem"), sandbox.read("expired-cert.pem")].concat());
    sandbox.write("strange-cert.pem", [sandbox.read("short-cert.pem"), sandbox.read("strangers.pem")].concat());
    sandbox.write("strange-key.pem", sandbox.read("short-key.pem"));
    sandbox
}

#[test]
fn pages_quote_what_clients_show() {
    let sandbox = certificates();
    let root = env!("CARGO_MANIFEST_DIR");
    let said = sandbox.ok(&format!("node {root}/tests/node/shown.mjs"));
    let mut codes = Vec::new();
    for line in said.lines() {
        let shown: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(shown["is_right"], true, "{shown:#}");
        let text = |field: &str| shown[field].as_str().expect("a text").to_owned();
        let page =
            secure_io::files::read(format!("{root}/docs/failures/{}.md", text("code")).as_ref()).expect("a page");
        let page = String::from_utf8_lossy(&page).split_whitespace().collect::<Vec<_>>().join(" ");
        let section = page.split("## What clients print").nth(1).and_then(|rest| rest.split(" ## ").next());
        assert!(section.is_some_and(|section| section.contains(&text("words"))), "{shown:#}\n{section:?}");
        codes.push(text("code"));
    }
    codes.sort();
    codes.dedup();
    assert!(codes.len() >= 30, "{codes:?}");
}
