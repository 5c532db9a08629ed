//! The local CA's key in a thief's hands: what it signs for others' hosts is refused by every client, and what it is
//! for is accepted by the same ones.

use crate::sandbox::{Background, Sandbox};

const FOLDER: &str = ".local/share/secure-io/ca";

/// Signs a certificate with the intermediate's key as OpenSSL does, which asks nobody; returns its server.
fn server(sandbox: &Sandbox, subject: &str, names: &str) -> Background {
    sandbox.write("extensions", format!("{names}\nextendedKeyUsage = serverAuth\nbasicConstraints = CA:FALSE\n"));
    sandbox.ok(&format!(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj {subject}"
    ));
    sandbox.ok(&format!(
        "openssl x509 -req -in csr.pem -CA {FOLDER}/intermediate.pem -CAkey {FOLDER}/intermediate-key.pem \
         -extfile extensions -days 30 -out cert.pem"
    ));
    sandbox.start(
        &format!("openssl s_server -www -accept 127.0.0.1:0 -cert cert.pem -key key.pem -cert_chain {FOLDER}/intermediate.pem"),
        "ACCEPT ",
    )
}

/// Each client as a command line that succeeds only over a connection it trusts.
fn clients(host: &str, port: u16) -> [(&'static str, String); 7] {
    let is_address = host.contains(':') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let verify = if is_address { "-verify_ip" } else { "-verify_hostname" };
    [
        (
            "openssl verify",
            format!("openssl verify -CAfile root.pem -untrusted {FOLDER}/intermediate.pem {verify} {host} cert.pem"),
        ),
        (
            "verify",
            format!("secure-io verify --trust root.pem --untrusted {FOLDER}/intermediate.pem --host {host} cert.pem"),
        ),
        (
            "openssl s_client",
            format!("openssl s_client -connect 127.0.0.1:{port} -CAfile root.pem -verify_return_error {verify} {host}"),
        ),
        ("curl", format!("curl -sS -o body --cacert root.pem --connect-to ::127.0.0.1:{port} https://{host}/")),
        ("GnuTLS", format!("gnutls-cli --x509cafile root.pem --verify-hostname {host} --port {port} 127.0.0.1")),
        (
            "Node",
            format!(
                "node -e 'const tls = require(\"node:tls\"); const options = {{ host: \"127.0.0.1\", port: {port}, \
                 servername: {servername}, ca: require(\"node:fs\").readFileSync(\"root.pem\"), \
                 checkServerIdentity: (_, certificate) => tls.checkServerIdentity(\"{host}\", certificate) }}; \
                 const socket = tls.connect(options, () => process.exit(0)); \
                 socket.on(\"error\", (error) => {{ console.error(error); process.exit(1); }})'",
                servername = if is_address { "\"\"".to_owned() } else { format!("\"{host}\"") },
            ),
        ),
        (
            "Python",
            format!(
                "python3 -c 'import socket, ssl; context = ssl.create_default_context(cafile=\"root.pem\"); \
                 context.wrap_socket(socket.create_connection((\"127.0.0.1\", {port})), server_hostname=\"{host}\")'"
            ),
        ),
    ]
}

/// A host, the subject and names of a certificate for it, and whether clients may accept that.
const CASES: [(&str, &str, &str, bool); 9] = [
    ("bank.com", "/CN=bank.com", "DNS:bank.com", false),
    ("test.bank.com", "/CN=x", "DNS:*.bank.com", false),
    ("bank.com", "/CN=x", "DNS:app.test,DNS:bank.com", false),
    ("8.8.8.8", "/CN=x", "IP:8.8.8.8", false),
    ("2001:db8::1", "/CN=x", "IP:2001:db8::1", false),
    ("app.test", "/CN=app.test", "DNS:app.test", true),
    ("localhost", "/CN=localhost", "DNS:localhost,IP:127.0.0.1", true),
    ("192.168.1.7", "/O=x", "IP:192.168.1.7", true),
    ("api.app.internal", "/CN=x", "DNS:*.app.internal", true),
];

#[test]
fn a_stolen_key_signs_for_nobodys_bank() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    sandbox.write("root.pem", sandbox.ok("secure-io ca export"));
    let mut files = Vec::new();
    for (host, subject, names, accepted) in CASES {
        let server = server(&sandbox, subject, &format!("subjectAltName = {names}"));
        for (client, line) in clients(host, server.port) {
            let outcome = sandbox.run(&line);
            assert_eq!(outcome.is_success(), accepted, "{client}, {names}: {outcome}");
        }
        files.push(format!("{}.pem", files.len()));
        sandbox.write(&files[files.len() - 1], sandbox.read("cert.pem"));
    }
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/Paths.java");
    let java = sandbox.ok(&format!("java {program} root.pem {FOLDER}/intermediate.pem {}", files.join(" ")));
    for (line, (_, _, names, accepted)) in java.lines().zip(CASES) {
        assert_eq!(line.starts_with("yes"), accepted, "Java, {names}: {line}");
    }
    assert_eq!(java.lines().count(), CASES.len());
}

/// Mail and programs are no better: the intermediate is for TLS alone, and emails and URIs are constrained as well.
#[test]
fn a_stolen_key_signs_neither_mail_nor_services() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    for (names, purpose) in
        [("email:me@bank.com", "sslclient"), ("URI:spiffe://bank.com/app", "sslclient"), ("DNS:app.test", "smimesign")]
    {
        drop(server(&sandbox, "/CN=x", &format!("subjectAltName = {names}")));
        sandbox
            .write("extensions", format!("subjectAltName = {names}\nextendedKeyUsage = clientAuth,emailProtection\n"));
        sandbox.ok(&format!(
            "openssl x509 -req -in csr.pem -CA {FOLDER}/intermediate.pem -CAkey {FOLDER}/intermediate-key.pem \
             -extfile extensions -days 30 -out cert.pem"
        ));
        sandbox
            .run(&format!("openssl verify -CAfile {FOLDER}/root.pem -untrusted {FOLDER}/intermediate.pem -purpose {purpose} cert.pem"))
            .exits(2);
    }
}
