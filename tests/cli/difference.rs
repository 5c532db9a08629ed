//! `secure-io inspect --diff`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[test]
fn fields_that_differ_are_shown_side_by_side() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --name a app.test");
    sandbox.ok("secure-io gen-cert -q --name b --key a-key.pem app.test api.test --purpose both");
    let outcome = sandbox.run("secure-io inspect --diff a-cert.pem b-cert.pem").exits(1);
    outcome.says("- DNS:app.test\n").says("+ DNS:app.test, DNS:api.test\n").says("+ serverAuth, clientAuth\n");
    assert_snapshot!(sandbox.run("secure-io inspect --diff a-cert.pem a-cert.pem"), @r#"
    $ secure-io inspect --diff a-cert.pem a-cert.pem
    exit: 0
    --- stdout
    a-cert.pem and a-cert.pem are the same certificate
    "#);
    let json = sandbox.run("secure-io inspect --diff --json a-cert.pem b-cert.pem").exits(1).stdout_text();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["equal"], false);
    let fields: Vec<_> = report["differences"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    assert!(fields.contains(&"subject_alt_names".into()) && !fields.contains(&"spki_sha256".into()), "{fields:?}");
    assert_snapshot!(sandbox.run("secure-io inspect --diff a-cert.pem"), @r#"
    $ secure-io inspect --diff a-cert.pem
    exit: 2
    --- stderr
    error: --diff compares two certificates: name two files or servers
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --diff a-cert.pem a-key.pem"), @r#"
    $ secure-io inspect --diff a-cert.pem a-key.pem
    exit: 2
    --- stderr
    error: there is no certificate in `a-key.pem`
    "#);
}

/// Is the renewed certificate the one that the server shows?
#[test]
fn a_file_is_compared_with_a_server() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    let server = sandbox.serve("");
    let diff = format!("secure-io inspect --diff server-cert.pem localhost:{}", server.port);
    sandbox.ok(&diff);
    sandbox.ok("secure-io gen-cert -q --name new");
    sandbox.run(&diff.replace("server-cert", "new-cert")).exits(1);
}
