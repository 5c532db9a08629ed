//! Reports in files, STARTTLS, and the watch over many places.

use secure_io::files;

use crate::sandbox::Sandbox;
use crate::server::{Target, free_port, node, prepared};

#[test]
fn reports_are_written_and_replaced_but_nothing_else_is() {
    let sandbox = prepared();
    let server = node(&sandbox, "maxVersion: 'TLSv1.2'", "res.setHeader('set-cookie', '<script>=1'); res.end('ok')");
    let closed = free_port();
    let line = format!(
        "secure-io check -q --html r.html --sarif r.sarif --junit r.xml localhost:{} localhost:{closed}",
        server.port
    );
    for _ in 0..2 {
        sandbox.run(&line).exits(2);
    }
    let html = String::from_utf8(sandbox.read("r.html")).expect("UTF-8");
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("no-tls1-3") && html.contains("refused"));
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href="), "{html}");
    let sarif: serde_json::Value = serde_json::from_slice(&sandbox.read("r.sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let schema =
        files::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/reports/sarif-schema-2.1.0.json").as_ref());
    let schema = serde_json::from_slice(&schema.expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<_> = validator.iter_errors(&sarif).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let run = &sarif["runs"][0];
    assert_eq!(run["invocations"][0]["exitCode"], 2);
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
    }
    // Python's reader of XML, and what CI systems count.
    let count = "import xml.etree.ElementTree as e; r = e.parse('r.xml').getroot(); c = list(r.iter('testcase')); \
                 print(len(c) == int(r.get('tests')), len(list(r.iter('failure'))) == int(r.get('failures')) > 0, \
                 len(list(r.iter('error'))) == int(r.get('errors')) == 1)";
    sandbox.write("count.py", count);
    assert_eq!(sandbox.ok("python3 count.py"), "True True True\n");
    sandbox.write("mine.html", "<p>mine</p>");
    sandbox.run(&format!("secure-io check --html mine.html localhost:{}", server.port)).exits(2).says("exists already");
    assert_eq!(sandbox.read("mine.html"), b"<p>mine</p>");
}

#[test]
fn json_is_a_document_whatever_happens() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("secure-io check --json --trust missing.pem localhost:1").exits(2);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
    assert_eq!(report["exit"], 2);
}

#[test]
fn all_ids_are_accepted() {
    let sandbox = Sandbox::new();
    let list = sandbox.ok("secure-io check --list");
    let ids: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let ids: Vec<_> =
        ids.into_iter().filter(|id| id.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c))).collect();
    assert!(ids.contains(&"refused") && ids.contains(&"not-sticky"), "{ids:?}");
    sandbox.run(&format!("secure-io check --skip {} localhost:{}", ids.join(","), free_port())).exits(2).says("");
}

#[test]
fn mail_servers_are_audited_behind_starttls() {
    let sandbox = prepared();
    sandbox.write(
        "starttls.py",
        files::read(format!("{}/tests/cli/starttls.py", env!("CARGO_MANIFEST_DIR")).as_ref()).expect("a file"),
    );
    for protocol in ["smtp", "postgres"] {
        let server = sandbox.start(&format!("python3 starttls.py {protocol}"), "ready on");
        let outcome =
            sandbox.run(&format!("secure-io check --json --starttls {protocol} localhost:{}", server.port)).success();
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
        let target = Target(report["targets"][0].clone());
        target.is_good().graded("A");
        assert!(target.suites("TLS 1.3").len() > 1, "{:#}", target.0);
    }
}

#[test]
fn the_watch_says_what_expires_and_what_has_changed() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "res.end('ok')");
    sandbox.ok("mkdir certs");
    sandbox.ok("secure-io gen-cert --quiet --days 10 --out-dir certs soon.test");
    sandbox.write("places.txt", format!("# ours\nlocalhost:{}\nserver-cert.pem\ncerts\n", server.port));
    let watch = |flags: &str| {
        let outcome = sandbox.run(&format!("secure-io check --json --watch places.txt {flags}"));
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
        let path = format!("{}/docs/json/check-watch.json", env!("CARGO_MANIFEST_DIR"));
        let schema = serde_json::from_slice(&files::read(path.as_ref()).expect("a schema")).expect("JSON");
        assert!(jsonschema::is_valid(&schema, &report), "{report:#}");
        (outcome, report)
    };
    let (outcome, report) = watch("--expires-within 5d");
    outcome.exits(0);
    assert_eq!(report["changes"], serde_json::json!([]));
    watch("--metrics m.prom").0.exits(1);
    let metrics = String::from_utf8(sandbox.read("m.prom")).expect("UTF-8");
    assert!(
        metrics.contains("secure_io_certificate_expires{place=\"./certs/server-cert.pem\"")
            || metrics.contains("certs/server-cert.pem\""),
        "{metrics}"
    );
    sandbox.ok("secure-io gen-cert --quiet --force --days 90 --out-dir certs soon.test");
    let (outcome, report) = watch("--expires-within 5d --metrics m.prom");
    outcome.exits(0);
    assert_eq!(report["changes"][0]["kind"], "replaced", "{report:#}");
    drop(server);
    let (outcome, report) = watch("--expires-within 5d");
    outcome.exits(2);
    assert_eq!(report["failures"][0]["code"], "refused", "{report:#}");
}
