//! The clients that `run` lets in, by the flags that it has in common with `serve`.

use std::fs;
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::{Run, curl, free_port, site, telling};

fn client(sandbox: &Sandbox, name: &str) {
    sandbox.ok(&format!("secure-io gen-cert -q --ca --purpose client --name {name} --subject CN={name}"));
}

/// The line of curl for a client with this certificate.
fn as_client(url: &str, name: &str) -> String {
    format!("{} --cert {name}-cert.pem --key {name}-key.pem", curl(url))
}

/// A revoked client is out within seconds, without a restart of the dev server.
#[test]
fn clients_are_let_in_by_their_certificates_until_they_are_revoked() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    for name in ["alice", "bob"] {
        client(&sandbox, name);
    }
    sandbox.ok("secure-io ca crl --out crl.pem");
    let flags = "--client-ca .local/share/secure-io/ca/root.pem --client-crl crl.pem";
    let mut run = Run::with(&sandbox, "inner", free_port(), flags, "node server.cjs");
    assert!(!sandbox.run(&curl(&run.url)).is_success(), "nobody without a certificate is let in");
    for name in ["alice", "bob"] {
        sandbox.run(&as_client(&run.url, name)).success().says(&run.url);
    }
    sandbox.ok("secure-io ca revoke bob-cert.pem");
    sandbox.ok("secure-io ca crl --out new.pem");
    fs::rename(sandbox.path("new.pem"), sandbox.path("crl.pem")).unwrap();
    run.background().wait_for("New connections are let in by the files as they are now");
    assert!(!sandbox.run(&as_client(&run.url, "bob")).is_success(), "bob is revoked");
    sandbox.run(&as_client(&run.url, "alice")).success().says(&run.url);
    // Half a file keeps out nobody, and lets nobody in.
    sandbox.write("crl.pem", "-----BEGIN X509 CRL-----\n");
    run.background().wait_for("The clients that are let in stay the same, because new files are refused: ");
    assert!(!sandbox.run(&as_client(&run.url, "bob")).is_success(), "bob is revoked");
    sandbox.run(&as_client(&run.url, "alice")).success().says(&run.url);
}

/// Behind a tunnel or a balancer: who is trusted names the client, and the dev server is told so.
#[test]
fn a_trusted_proxy_names_the_client() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let flags = "--trusted-proxy 127.0.0.1,::1 --hsts=1d --max-connections 100";
    let run = Run::with(&sandbox, "outer", free_port(), flags, "node server.cjs");
    let line = format!("{} -i -H 'X-Forwarded-For: 203.0.113.7'", curl(&run.url));
    let seen = sandbox.run(&line).success().stdout_text();
    assert!(seen.contains("\"x-forwarded-for\":\"203.0.113.7\""), "{seen}");
    assert!(seen.to_lowercase().contains("strict-transport-security: max-age=86400"), "{seen}");
}

/// The figures of the process that has the port.
#[test]
fn figures_are_served() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let metrics = free_port();
    let flags = format!("--metrics 127.0.0.1:{metrics}");
    let run = Run::with(&sandbox, "counted", free_port(), &flags, "node server.cjs");
    run.get(&sandbox, "/");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let figures = sandbox.ok(&format!("curl -sS http://127.0.0.1:{metrics}/metrics"));
        if figures.contains("handshakes_total{version=\"TLSv1.3\",result=\"ok\"} 1\n") {
            return;
        }
        assert!(Instant::now() < deadline, "{figures}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A run must not be served with weaker rules than those it was started with, nor change another's.
#[test]
fn runs_that_share_a_port_have_the_same_rules() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    sandbox.ok("secure-io ca init -q");
    let port = free_port();
    let flags = format!("--client-ca {}", crate::ROOT);
    let _first = Run::with(&sandbox, "one", port, &flags, "node server.cjs");
    sandbox
        .run(&format!("secure-io run two --port {port} -- true"))
        .exits(2)
        .says(&format!("another run serves port {port}, with other flags about clients"))
        .says("give both the same flags");
    let whole = format!("--client-ca {}", sandbox.path(crate::ROOT).display());
    let second = Run::with(&sandbox, "two", port, &whole, "node server.cjs");
    assert!(!sandbox.run(&curl(&second.url)).is_success());
}
