//! `serve --acme` against Debian's pebble, which refuses half of all nonces.

use std::os::unix::fs::PermissionsExt;

use crate::authority::{ROOT, free_port};
use crate::sandbox::{Background, Sandbox};

/// Pebble with a DNS server that knows every name, on this machine.
struct Pebble {
    sandbox: Sandbox,
    /// Where it looks for hosts.
    tls_port: u16,
    http_port: u16,
    directory: String,
    management: u16,
    _dns: Background,
    server: Background,
}

impl Pebble {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        sandbox.ok("secure-io ca init -q");
        sandbox.ok("secure-io gen-cert -q --ca --name pebble localhost");
        let [port, management, tls_port, http_port, dns, challenges] = [(); 6].map(|()| free_port());
        sandbox.write(
            "pebble.json",
            serde_json::json!({ "pebble": {
                "listenAddress": format!("127.0.0.1:{port}"),
                "managementListenAddress": format!("127.0.0.1:{management}"),
                "certificate": "pebble-cert.pem",
                "privateKey": "pebble-key.pem",
                "httpPort": http_port,
                "tlsPort": tls_port,
                "ocspResponderURL": "",
                "externalAccountBindingRequired": false,
            }})
            .to_string(),
        );
        let flags = "-defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 ''";
        let dns_line = format!("pebble-challtestsrv {flags} -dns01 127.0.0.1:{dns} -management 127.0.0.1:{challenges}");
        let dns_server = sandbox.start(&format!("sh -c 'echo :{dns}; exec {}'", dns_line.replace('\'', "\"")), ":");
        let line = format!(
            "sh -c 'echo :{port}; PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=50 exec pebble -config pebble.json -strict -dnsserver 127.0.0.1:{dns}'"
        );
        let mut server = sandbox.start(&line, ":");
        server.wait_for("Listening on");
        let directory = format!("https://localhost:{port}/dir");
        Self { sandbox, tls_port, http_port, directory, management, _dns: dns_server, server }
    }

    fn flags(&self) -> String {
        format!(
            "serve --port {} --acme {} --acme-domain app.localhost --acme-email me@example.test --acme-trust {ROOT}",
            self.tls_port, self.directory
        )
    }

    fn serve(&self, flags: &str) -> Background {
        start(&self.sandbox, &format!("{} {flags}", self.flags()))
    }

    /// Asks the server for its page, trusting pebble's root alone.
    #[track_caller]
    fn is_reached(&self, flags: &str) {
        let roots = self.sandbox.ok(&format!("curl -sk https://localhost:{}/roots/0", self.management));
        self.sandbox.write("pebble-root.pem", roots);
        let line = format!("curl -sS --cacert pebble-root.pem {flags} https://app.localhost:{}", self.tls_port);
        self.sandbox.run(&line).success().says("Hello");
    }

    /// The folder of the certificate, below that of the account.
    fn kept(&self) -> Vec<std::path::PathBuf> {
        let above = self.sandbox.path(".local/share/secure-io/acme");
        walkdir::WalkDir::new(above)
            .into_iter()
            // Not all is there yet, and some of it is for a moment alone.
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .collect()
    }
}

/// Starts `secure-io` without waiting for a line of it.
pub(crate) fn start(sandbox: &Sandbox, arguments: &str) -> Background {
    let program = env!("CARGO_BIN_EXE_secure-io");
    sandbox.start(&format!("sh -c 'echo :0; exec {program} {arguments}'"), ":0")
}

/// TLS-ALPN-01, before a client certificate is asked for; what is kept is the owner's alone, and a killed server shows it
/// again without an order.
#[test]
fn a_certificate_is_got_by_tls_alpn_and_kept() {
    let pebble = Pebble::start();
    let clients = format!("--client-ca {ROOT}");
    pebble.sandbox.ok("secure-io gen-cert -q --ca --purpose client --name alice --subject CN=alice");
    let mut server = pebble.serve(&clients);
    server.wait_for("Got a certificate by ACME");
    server.wait_for("Secure server is running on https://app.localhost");
    pebble.is_reached("--cert alice-cert.pem --key alice-key.pem");
    let files = pebble.kept();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for expected in ["account.txt", "account-key.pem", "cert.pem", "key.pem"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name == "order.txt" || name == "next-key.pem"), "{names:?}");
    for path in &files {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    pebble.sandbox.ok(&format!("kill -KILL {}", server.id()));
    server.end();
    let mut again = pebble.serve("");
    again.wait_for("Secure server is running on https://app.localhost");
    pebble.is_reached("");
    pebble.sandbox.ok(&format!("kill -TERM {}", again.id()));
    let (_, log) = again.end();
    assert!(!log.contains("Got a certificate"), "the kept one is good\n{log}");
}

/// Killed thrice in the middle of an order, it has one account, and goes on.
#[test]
fn a_killed_server_goes_on_with_its_account_and_order() {
    let pebble = Pebble::start();
    for _ in 0..3 {
        let server = pebble.serve("");
        // There is an order, or already what it was for.
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while !pebble.kept().iter().any(|path| path.ends_with("order.txt") || path.ends_with("cert.pem")) {
            assert!(std::time::Instant::now() < deadline, "nothing is ordered");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        pebble.sandbox.ok(&format!("kill -KILL {}", server.id()));
        server.end();
    }
    let mut server = pebble.serve("");
    server.wait_for("Secure server is running");
    pebble.is_reached("");
    let Pebble { sandbox, server: ca, .. } = pebble;
    sandbox.ok(&format!("kill -TERM {}", ca.id()));
    let (_, log) = ca.end();
    let made = log.lines().filter(|line| line.contains("There are now") && line.contains("accounts in memory")).count();
    assert_eq!(made, 1, "one account was made");
}

/// HTTP-01 at a plain port, which sends everybody else to https.
#[test]
fn a_certificate_is_got_by_http() {
    let pebble = Pebble::start();
    let mut server = pebble.serve(&format!("--http-port {}", pebble.http_port));
    server.wait_for("The CA validates app.localhost by http-01");
    server.wait_for("Got a certificate by ACME");
    server.wait_for("Secure server is running");
    pebble.is_reached("");
    let plain = format!("http://app.localhost:{}", pebble.http_port);
    let answer = pebble.sandbox.ok(&format!("curl -si {plain}/a?b"));
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(answer.contains(&format!("location: https://app.localhost:{}/a?b", pebble.tls_port)), "{answer}");
    assert!(pebble.sandbox.ok(&format!("curl -si -X POST {plain}")).starts_with("HTTP/1.1 403"));
    assert!(pebble.sandbox.ok(&format!("curl -si {plain}/.well-known/acme-challenge/x")).starts_with("HTTP/1.1 308"));
}

/// The error names the domain, the challenge and what the CA says; the server serves on meanwhile.
#[test]
fn a_failure_has_the_domain_the_challenge_and_the_cas_words() {
    let pebble = Pebble::start();
    let flags = pebble.flags().replace(&format!("--port {}", pebble.tls_port), "--port 0");
    let mut server = start(&pebble.sandbox, &flags);
    let line = server.wait_for("No certificate by ACME");
    for words in ["app.localhost is not validated by tls-alpn-01", "Failed to connect to 127.0.0.1", "next attempt in"]
    {
        assert!(line.contains(words), "`{words}` is not in {line}");
    }
    server.wait_for("Secure server is running");
    let flags = pebble.flags().replace(&format!(" --acme-trust {ROOT}"), "");
    // Another user, without a local CA.
    pebble.sandbox.ok("mkdir other");
    let program = env!("CARGO_BIN_EXE_secure-io");
    let line = format!("sh -c 'echo :0; HOME=$PWD/other exec {program} {flags}'");
    let mut stranger = pebble.sandbox.start(&line, ":0");
    let line = stranger.wait_for("No certificate by ACME");
    assert!(line.contains("cannot be read") && line.contains("--acme-trust root.pem"), "{line}");
}

#[test]
fn what_cannot_work_is_refused_with_words() {
    let sandbox = Sandbox::new();
    let acme = "secure-io serve --acme https://ca.test/dir";
    sandbox.run(&format!("{acme} --acme-domain app.test --plain")).exits(2).says("TLS ends in front of this server");
    sandbox.run(&format!("{acme} --acme-domain *.app.test")).exits(2).says("validate wildcards by DNS alone");
    sandbox.run(acme).exits(2).says("--acme-domain");
    sandbox.run("secure-io serve --acme http://ca.test/dir --acme-domain a.test").exits(2).says("https://HOST");
}
