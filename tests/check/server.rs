//! Servers to be checked, and the report on them.

use std::net::TcpListener;

use serde_json::Value;

use crate::sandbox::{Background, Sandbox};

/// A folder with a local CA, a certificate of it for localhost in `server-cert.pem`, and one of RSA in `rsa.pem`.
pub(crate) fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init");
    sandbox.ok("secure-io gen-cert --ca localhost 127.0.0.1");
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -keyout rsa.key -out rsa.pem \
                -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                -addext extendedKeyUsage=serverAuth");
    sandbox
}

/// `openssl s_server` with flags, on a free port.
pub(crate) fn openssl(sandbox: &Sandbox, flags: &str) -> Background {
    sandbox.start(&format!("openssl s_server -accept 127.0.0.1:0 {flags}"), "ACCEPT")
}

/// Node's https server with options and a handler.
pub(crate) fn node(sandbox: &Sandbox, options: &str, handler: &str) -> Background {
    let script = format!(
        "const fs = require('fs');\n\
         const pem = {{ key: fs.readFileSync('server-key.pem'), cert: fs.readFileSync('server-cert.pem') }};\n\
         const server = require('https').createServer({{ ...pem, {options} }}, (req, res) => {{ {handler} }});\n\
         server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
    );
    sandbox.write("server.cjs", script);
    sandbox.start("node server.cjs", "ready on")
}

/// Starts a program that says nothing when it is ready, and waits until its port is open.
pub(crate) fn start_when_open(sandbox: &Sandbox, line: &str, port: u16) -> Background {
    let is_open = format!("(: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null");
    sandbox.start(
        &format!("bash -c 'PATH=$PATH:/usr/sbin; (until {is_open}; do sleep 0.02; done; echo ready on :{port}) & exec {line}'"),
        "ready on",
    )
}

/// A port that was free a moment ago, for programs that cannot choose one themselves.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The report on a target, with flags.
#[track_caller]
pub(crate) fn check(sandbox: &Sandbox, port: u16, flags: &str) -> Target {
    let outcome = sandbox.run(&format!("secure-io check --json https://localhost:{port} {flags}"));
    let report: Value = serde_json::from_str(&outcome.stdout_text())
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", outcome.stdout_text(), outcome.stderr));
    Target(report["targets"][0].clone())
}

/// What is said of one server.
pub(crate) struct Target(pub(crate) Value);

impl Target {
    /// The ids of findings of a severity.
    pub(crate) fn ids(&self, severity: &str) -> Vec<&str> {
        let findings = self.0["findings"].as_array().expect("findings");
        let of_severity = findings.iter().filter(|finding| finding["severity"] == severity);
        of_severity.filter_map(|finding| finding["id"].as_str()).collect()
    }

    /// Fails unless a finding is there, and each of its fields says something.
    #[track_caller]
    pub(crate) fn finds(&self, id: &str) -> &Self {
        let findings = self.0["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["id"] == id);
        let found = found.unwrap_or_else(|| panic!("no {id} in {:#}", self.0));
        for field in ["message", "hint", "source", "reference"] {
            assert!(found[field].as_str().is_some_and(|text| !text.is_empty()), "{id}: {field}");
        }
        self
    }

    /// Fails unless the grade, trust left out, is this one.
    #[track_caller]
    pub(crate) fn graded(&self, grade: &str) -> &Self {
        assert_eq!(self.0["grade_ignoring_trust"], grade, "{:#}", self.0);
        self
    }

    /// Fails if something worse than a note was found.
    #[track_caller]
    pub(crate) fn is_good(&self) -> &Self {
        assert_eq!((self.ids("error"), self.ids("warning")), (vec![], vec![]), "{:#}", self.0);
        self
    }

    pub(crate) fn suites(&self, version: &str) -> Vec<&str> {
        let protocols = self.0["protocols"].as_array().expect("protocols");
        let protocol = protocols.iter().find(|protocol| protocol["version"] == version).expect("a version");
        protocol["suites"].as_array().expect("suites").iter().filter_map(Value::as_str).collect()
    }
}
