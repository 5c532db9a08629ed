//! `connect` against servers that work and servers that do not: each cause by the real thing on loopback.
//!
//! The programs are Debian's and npm's. `tests/run` installs them: a test whose program is missing fails.

mod application;
mod events;
mod network;
mod proxies;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sandbox;
mod shown;
mod terminal;
mod tls;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// The documents of a run and its exit status.
struct Run {
    documents: Vec<Value>,
    code: i32,
}

/// Runs `connect --json`.
#[track_caller]
fn connect(sandbox: &Sandbox, arguments: &str) -> Run {
    let outcome = sandbox.run(&format!("secure-io connect --json {arguments}"));
    let text = outcome.stdout_text();
    let documents: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let end = documents.last().and_then(|end| end["exit"].as_i64());
    let code = end.and_then(|exit| i32::try_from(exit).ok()).unwrap_or_else(|| panic!("no end in {text}"));
    outcome.exits(code);
    Run { documents, code }
}

impl Run {
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.documents.iter().filter(move |document| document["type"] == kind)
    }

    fn codes(&self, severity: &str) -> Vec<&str> {
        let findings = self.of_type("finding").filter(|finding| finding["severity"] == severity);
        findings.filter_map(|finding| finding["code"].as_str()).collect()
    }

    /// Fails unless the run ended for this cause, at this layer, with this status, and said all there is to say.
    #[track_caller]
    fn fails(&self, layer: &str, code: &str, exit: i32) -> &Self {
        assert_eq!((self.codes("error"), self.code), (vec![code], exit), "{:#?}", self.documents);
        let finding = self.of_type("finding").find(|finding| finding["severity"] == "error").expect("a finding");
        assert_eq!(finding["layer"], layer, "{finding:#}");
        for field in ["message", "hint", "reference"] {
            assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {finding:#}");
        }
        let layers: Vec<_> = self.of_type("layer").collect();
        let failed = layers.iter().position(|one| one["status"] == "failed").expect("a failed layer");
        assert_eq!(layers[failed]["layer"], layer, "{layers:#?}");
        assert!(layers[..failed].iter().all(|below| below["status"] == "ok"), "{layers:#?}");
        let end = self.documents.last().expect("a last line");
        assert_eq!((&end["type"], &end["exit"]), (&Value::from("end"), &Value::from(exit)));
        self
    }

    /// Fails unless the namespace was joined, with no more than these warnings.
    #[track_caller]
    fn connects(&self, warnings: &[&str]) -> &Self {
        assert_eq!(
            (self.codes("error"), self.codes("warning"), self.code),
            (vec![], warnings.to_vec(), 0),
            "{:#?}",
            self.documents
        );
        assert_eq!(self.documents.last().map(|end| &end["connected"]), Some(&Value::from(true)));
        self
    }
}

/// Runs a Node program that prints `:PORT` when it listens. `io` is socket.io's Server, `http` and `https` are Node's,
/// `pem` the certificate of the folder, and `listen(server)` says where.
fn node(sandbox: &Sandbox, program: &str) -> sandbox::Background {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let script = format!(
        "const fs = require('fs'), http = require('http'), https = require('https'), net = require('net');\n\
         const {{ Server }} = require('{modules}/socket.io');\n\
         const pem = fs.existsSync('server-key.pem') ? {{ key: fs.readFileSync('server-key.pem'), cert: fs.readFileSync('server-cert.pem') }} : {{}};\n\
         const listen = (server) => server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n\
         {program}\n"
    );
    let name = format!("server-{}.cjs", program.len());
    sandbox.write(&name, script);
    sandbox.start(&format!("node {name}"), "ready on")
}
