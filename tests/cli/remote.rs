//! Servers in a file's place, and the certificates that `serve` shows by server name.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use crate::sandbox::Sandbox;

/// A server that says one thing to whoever connects and hangs up; its port.
fn greeter(greeting: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    thread::spawn(move || {
        for tcp in listener.incoming() {
            let _ = tcp.and_then(|mut tcp| tcp.write_all(greeting));
        }
    });
    port
}

#[test]
fn what_a_server_shows_is_inspected_as_it_is() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve("");
    let text = sandbox.ok(&format!("secure-io inspect {}", server.url()));
    assert!(text.contains("TLSv1.3, TLS_AES_256_GCM_SHA384"), "{text}");
    assert!(text.contains("localhost"), "{text}");
    let json = sandbox.ok(&format!("secure-io inspect --json localhost:{}", server.port));
    let items: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(items[0]["kind"], "certificate");
    assert_eq!(items[0]["connection"]["tls_version"], "TLSv1.3");
    assert_eq!(items[0]["connection"]["server_name"], "localhost");
    assert_eq!(items[0]["connection"]["key_proven"], true);
}

#[test]
fn what_a_server_shows_is_judged_for_the_host_that_was_asked() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    let server = sandbox.serve("");
    let port = server.port;
    sandbox.run(&format!("secure-io verify https://localhost:{port}")).exits(1).says("(self-signed)");
    sandbox.run(&format!("secure-io verify --trust server-cert.pem https://localhost:{port}")).success();
    sandbox.run(&format!("secure-io verify --trust server-cert.pem https://127.0.0.1:{port}")).success();
    sandbox
        .run(&format!("secure-io verify --trust server-cert.pem --host other.test localhost:{port}"))
        .exits(1)
        .says("(host-mismatch)");
}

/// Each step that fails says which it was; a person must not be left with "connection error".
#[test]
fn what_is_no_tls_server_is_named() {
    let sandbox = Sandbox::new();
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for (target, words) in [
        (format!("127.0.0.1:{closed}"), "nothing listens on"),
        (format!("127.0.0.1:{}", greeter(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "speaks plain HTTP, not TLS"),
        (format!("127.0.0.1:{}", greeter(b"SSH-2.0-OpenSSH_9.2\r\n")), "speaks SSH, not TLS"),
        (format!("127.0.0.1:{}", greeter(b"\x15\x03\x01\x00\x02\x02\x46")), "no TLS 1.2 or 1.3"),
        (format!("--timeout 1 127.0.0.1:{silent_port}"), "did not answer the ClientHello within 1 s"),
        ("https://nowhere.invalid".to_owned(), "no address is known for `nowhere.invalid`"),
        ("http://localhost".to_owned(), "only https:// and wss:// speak TLS"),
    ] {
        for command in ["inspect", "verify"] {
            sandbox.run(&format!("secure-io {command} {target}")).exits(2).says(words);
        }
    }
}

/// Every one of them, as a stranger's client would meet it.
#[test]
fn a_test_pki_is_served_as_its_expected_json_has_it() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", "defects = \"all\"\n");
    sandbox.ok("secure-io fixtures --quiet");
    let folder = if sandbox.exists("fixtures/expected.json") { "fixtures" } else { "." };
    let server = sandbox.serve(&format!("--fixtures {folder}"));
    let expected: serde_json::Value =
        serde_json::from_slice(&sandbox.read(&format!("{folder}/expected.json"))).unwrap();
    let index = sandbox.ok(&format!("curl --silent --insecure https://localhost:{}/", server.port));
    let fixtures = expected["fixtures"].as_array().unwrap();
    assert!(fixtures.len() > 30);
    for fixture in fixtures {
        let text = |key: &str| fixture[key].as_str().unwrap_or_default();
        let (name, host) = (text("server_name"), text("host"));
        assert!(index.contains(name), "{name} is not in the index");
        let crls = fixture["crls"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        let crls = crls.fold(String::new(), |all, crl| all + " --crl " + folder + "/" + crl);
        let outcome = sandbox.run(&format!(
            "secure-io verify --json --trust {folder}/{}{crls} --purpose {} --server-name {name} --host {host} 127.0.0.1:{}",
            text("trust"),
            text("purpose"),
            server.port
        ));
        let verdict: serde_json::Value = serde_json::from_str(&outcome.stdout_text())
            .unwrap_or_else(|error| panic!("{name}: {error}: {}", outcome.stderr));
        assert_eq!(verdict["valid"], fixture["valid"], "{name}: {verdict}");
        assert_eq!(verdict["error"]["code"], fixture["code"], "{name}: {verdict}");
    }
    let hello = sandbox.ok(&format!("curl --silent --insecure https://expired.localhost:{}/", server.port));
    assert_eq!(hello, "Hello, Socket.io with SSL/TLS!");
}

#[test]
fn keys_that_anybody_can_have_are_not_shown_to_anybody() {
    let sandbox = Sandbox::new();
    sandbox.write("secure-io.toml", "seed = \"x\"\nclock = \"2026-01-01T00:00:00Z\"\ndefects = [\"expired\"]\n");
    sandbox.ok("secure-io fixtures --quiet");
    let folder = if sandbox.exists("fixtures/expected.json") { "fixtures" } else { "." };
    sandbox
        .run(&format!("secure-io serve --port 0 --addr 0.0.0.0 --fixtures {folder}"))
        .exits(2)
        .says("anybody can have their keys");
}

#[test]
fn the_local_ca_issues_for_names_as_they_are_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    let root = format!("{}/root.pem", sandbox.ok("secure-io ca path").trim());
    let mut server = sandbox.serve("");
    let port = server.port;
    let ask = |host: &str| {
        format!("curl --silent --show-error --resolve {host}:{port}:127.0.0.1 --cacert {root} https://{host}:{port}/")
    };
    assert_eq!(sandbox.ok(&ask("app.test")), "Hello, Socket.io with SSL/TLS!");
    assert_eq!(sandbox.ok(&ask("app.test")), "Hello, Socket.io with SSL/TLS!");
    server.wait_for("Issued a certificate for app.test");
    sandbox.run(&ask("bank.example")).exits(60);
    server.wait_for("No certificate for bank.example: the CA may not sign for `bank.example`");
    let shown = sandbox.ok("secure-io ca show");
    assert_eq!(shown.matches("app.test").count(), 1, "issued once\n{shown}");
}

/// STARTTLS was always that of SMTP, and the command waited for input.
#[test]
fn each_protocol_with_starttls_gets_its_command() {
    let sandbox = Sandbox::new();
    for (greeting, protocol) in
        [(&b"220 mail ESMTP\r\n"[..], "smtp"), (b"* OK IMAP4 ready\r\n", "imap"), (b"+OK POP3 ready\r\n", "pop3")]
    {
        let port = greeter(greeting);
        sandbox
            .run(&format!("secure-io inspect 127.0.0.1:{port}"))
            .exits(2)
            .says(&format!("inspect 127.0.0.1:{port} --starttls {protocol}`"));
    }
}

/// What comes back for a server that cannot be asked: the whole document, and its cause in both commands.
fn cause(sandbox: &Sandbox, target: &str) -> (String, String) {
    let json = |command: &str| -> serde_json::Value {
        let outcome = sandbox.run(&format!("secure-io {command} --json {target}")).exits(2);
        serde_json::from_str(&outcome.stdout_text())
            .unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout_text()))
    };
    let (inspected, verified) = (json("inspect"), json("verify"));
    assert_eq!(inspected[0]["kind"], "error");
    assert_eq!(verified["valid"], false);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(inspected[0]["code"], verified["error"]["code"], "{inspected} {verified}");
    assert_eq!(inspected[0]["layer"], verified["error"]["layer"]);
    (text(&verified["error"]["code"]), text(&verified["error"]["message"]))
}

/// The program that called saw no document at all.
#[test]
fn a_server_that_cannot_be_asked_is_a_document_with_a_code() {
    let sandbox = Sandbox::new();
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for (target, code) in [
        (format!("127.0.0.1:{closed}"), "refused"),
        (format!("127.0.0.1:{}", greeter(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "plain-http"),
        (format!("127.0.0.1:{}", greeter(b"SSH-2.0-OpenSSH_9.2\r\n")), "not-tls"),
        (format!("127.0.0.1:{}", greeter(b"")), "closed-at-once"),
        (format!("127.0.0.1:{}", greeter(b"\x15\x03\x01\x00\x02\x02\x46")), "old-tls"),
        (format!("127.0.0.1:{}", greeter(b"\x15\x03\x01\x00\x02\x02\x78")), "no-alpn-overlap"),
        (format!("--timeout 1 127.0.0.1:{silent_port}"), "tls-timeout"),
        ("https://nowhere.invalid".to_owned(), "name-not-found"),
        ("http://localhost".to_owned(), "bad-url"),
    ] {
        assert_eq!(cause(&sandbox, &target).0, code, "{target}");
    }
}

/// It was reported as having no cipher suite in common.
#[test]
fn a_server_of_tls_1_2_that_demands_a_client_certificate_is_not_short_of_suites() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    let flags = "-accept 127.0.0.1:0 -cert server-cert.pem -key server-key.pem -Verify 1 -tls1_2";
    let server = sandbox.start(&format!("openssl s_server {flags}"), "ACCEPT");
    let (code, message) = cause(&sandbox, &format!("localhost:{}", server.port));
    assert_eq!(code, "client-certificate-required", "{message}");
}

/// An unanswered SYN and an unanswered ClientHello were the same words.
#[test]
fn an_address_that_does_not_answer_is_no_hanging_server() {
    // A backlog that is full drops the SYN, as a firewall does.
    let sandbox = Sandbox::new();
    sandbox.write(
        "full.py",
        "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0)\nport = s.getsockname()[1]\n\
         c = [socket.socket() for _ in range(4)]\nfor x in c:\n x.setblocking(False)\n try: x.connect(('127.0.0.1', port))\n \
         except BlockingIOError: pass\ntime.sleep(.2)\nprint(f'ready on :{port}', flush=True)\ntime.sleep(60)\n",
    );
    let server = sandbox.start("python3 full.py", "ready on");
    let (code, message) = cause(&sandbox, &format!("--timeout 1 127.0.0.1:{}", server.port));
    assert_eq!(code, "connect-timeout", "{message}");
}

/// A server bound to `::1` alone was not found at localhost, and at 127.0.0.1 nobody said where it is.
#[test]
fn the_other_loopback_address_is_tried() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    let server = sandbox.serve("--addr ::1");
    let port = server.port;
    sandbox.run(&format!("secure-io inspect localhost:{port}")).success();
    let outcome = sandbox.run(&format!("secure-io inspect https://127.0.0.1:{port}")).exits(2);
    let outcome = outcome.says("nothing listens on 127.0.0.1:").says("a server listens on [::1]:");
    sandbox.ok(&format!("secure-io inspect https://[::1]:{port}"));
    assert!(outcome.stderr.contains(&format!("inspect 'https://[::1]:{port}'`")), "{}", outcome.stderr);
}

/// Each protocol, by what OpenSSL's server says in the clear, and by stubs for those that it does not know.
#[test]
fn tls_begins_in_the_words_of_each_protocol() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    sandbox.write("starttls.py", include_str!("starttls.py"));
    for protocol in ["smtp", "imap", "pop3", "ftp", "ldap", "postgres", "mysql", "xmpp"] {
        let server = sandbox.start(&format!("python3 starttls.py {protocol}"), "ready on");
        let port = server.port;
        // The stub is one that OpenSSL's client takes for the real thing.
        let connect = format!("openssl s_client -starttls {protocol} -connect 127.0.0.1:{port} -brief");
        sandbox.run(&format!("sh -c '{connect} </dev/null'")).success();
        sandbox.ok(&format!("secure-io inspect --starttls {protocol} localhost:{port}"));
        let verify = "verify --trust server-cert.pem --starttls";
        sandbox.run(&format!("secure-io {verify} {protocol} localhost:{port}")).success();
    }
    let port = greeter(b"220 mail\r\n500 no\r\n");
    let (code, message) = cause(&sandbox, &format!("--starttls smtp 127.0.0.1:{port}"));
    assert_eq!(code, "not-tls");
    assert!(message.contains("does not begin TLS by STARTTLS of smtp"), "{message}");
    // The words of another protocol name it: the hint asked only whether it was the right one.
    for (asked, greeting, spoken) in [
        ("smtp", &b"* OK IMAP4 ready\r\n"[..], "imap"),
        ("imap", b"220 mail.test ESMTP Postfix\r\n", "smtp"),
        ("pop3", b"J\0\0\0\n8.0.36\0", "mysql"),
        ("mysql", b"+OK POP3 ready\r\n", "pop3"),
        ("ldap", b"* OK IMAP4 ready\r\n", "imap"),
        ("xmpp", b"220 mail.test ESMTP\r\n", "smtp"),
        ("postgres", b"* OK IMAP4 ready\r\n", "imap"),
        ("ftp", b"220 mail.test ESMTP\r\n502 5.5.2 no\r\n", "smtp"),
        ("smtp", b"220 FTP server\r\n530 Please login with USER and PASS.\r\n", "ftp"),
    ] {
        let port = greeter(greeting);
        let inspected = sandbox.run(&format!("secure-io inspect --starttls {asked} 127.0.0.1:{port}")).exits(2);
        inspected
            .says(&format!("the server speaks {spoken}: `secure-io inspect 127.0.0.1:{port} --starttls {spoken}`"));
        let checked = sandbox.run(&format!("secure-io check --starttls {asked} 127.0.0.1:{port}")).exits(2);
        checked.says(&format!("the server speaks {spoken}: name that with --starttls {spoken}"));
    }
    // A server without a greeting: `check` waited for ever, and `inspect` told of a ClientHello.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = silent.local_addr().expect("it has an address").port();
    let (code, message) = cause(&sandbox, &format!("--timeout 500ms --starttls smtp 127.0.0.1:{port}"));
    assert_eq!(code, "tls-timeout");
    assert!(message.contains("smtp") && !message.contains("ClientHello"), "{message}");
    let checked = sandbox.run(&format!("secure-io check --timeout 500ms --starttls smtp 127.0.0.1:{port}")).exits(2);
    assert!(checked.stdout_text().contains("tls-timeout"), "{}", checked.stdout_text());
}

/// `connect` goes through the proxy, these commands do not, and nothing said so.
#[test]
fn a_proxy_that_is_not_used_is_mentioned() {
    let sandbox = Sandbox::new();
    for (line, excluded) in
        [("inspect app.invalid:443", ""), ("check https://app.invalid", ""), ("check app.invalid", "*")]
    {
        let mut command = sandbox.command("secure-io");
        command
            .args(line.split_whitespace())
            .env("NO_PROXY", excluded)
            .env("HTTPS_PROXY", "http://u:pw@proxy.test:3128");
        let outcome = sandbox.finish(line, &mut command, b"").exits(2);
        let words = "the proxy proxy.test:3128 of HTTPS_PROXY is not used: the server itself is asked";
        assert_eq!(outcome.stderr.contains(words), excluded.is_empty(), "{line}: {}", outcome.stderr);
    }
}
