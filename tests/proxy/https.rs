//! Servers behind the proxy that speak https themselves.

use rcgen::{CertificateParams, KeyPair};

use crate::peer::{proxy, write_pair};
use crate::sandbox::{Background, Sandbox};

/// A Node server that shows the certificate of `NAME-cert.pem`, and says what it is sent.
fn node(sandbox: &Sandbox, name: &str) -> Background {
    sandbox.write(
        "https.mjs",
        r#"
import https from "node:https";
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
const name = process.argv[2];
const server = https.createServer({ cert: readFileSync(`${name}-cert.pem`), key: readFileSync(`${name}-key.pem`) });
server.on("request", (request, response) => {
  const { host, origin } = request.headers;
  if (request.url === "/redirect") {
    response.writeHead(302, { Location: `https://localhost:${server.address().port}/there` });
  }
  response.end(JSON.stringify({ host, origin, sni: request.socket.servername, proto: request.headers["x-forwarded-proto"] }));
});
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = crypto.createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.pipe(socket);
});
server.listen(0, "127.0.0.1", () => console.log(`listening on :${server.address().port}`));
"#,
    );
    sandbox.start(&format!("node https.mjs {name}"), "listening on :")
}

fn pair(sandbox: &Sandbox, name: &str, host: &str, change: impl FnOnce(&mut CertificateParams)) {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    write_pair(sandbox, name, params.self_signed(&key).unwrap().der(), &key);
}

#[test]
fn a_server_that_is_trusted_is_sent_its_name_and_the_clients_host() {
    let sandbox = Sandbox::new();
    pair(&sandbox, "server", "localhost", |_| ());
    let server = node(&sandbox, "server");
    let proxy = proxy(&sandbox, &format!("--to https://localhost:{} --upstream-trust server-cert.pem", server.port));
    for version in ["--http1.1", "--http2"] {
        let seen = sandbox.ok(&format!("curl -sk {version} -H Host:app.test {}/", proxy.url()));
        assert_eq!(seen, r#"{"host":"app.test","sni":"localhost","proto":"https"}"#, "{version}");
    }
    let head = sandbox.ok(&format!("curl -sk -o /dev/null -D - {}/redirect", proxy.url())).to_lowercase();
    assert!(head.contains(&format!("location: {}/there\r\n", proxy.url())), "{head}");
    let mut client = crate::peer::Client::connect(&proxy);
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert!(client.head().starts_with("http/1.1 101 "));
    client.send("echoed").until("echoed");
}

/// A server that is named by its address is known by the host that it is asked for.
#[test]
fn the_upstream_host_is_the_name_of_a_server_at_an_address() {
    let sandbox = Sandbox::new();
    pair(&sandbox, "server", "api.test", |_| ());
    let server = node(&sandbox, "server");
    let to = format!("--to https://127.0.0.1:{}", server.port);
    let proxy = proxy(&sandbox, &format!("{to} --upstream-trust server-cert.pem --upstream-host api.test"));
    let seen = sandbox.ok(&format!("curl -sk -H Origin:{} {}/", proxy.url(), proxy.url()));
    assert_eq!(seen, r#"{"host":"api.test","origin":"https://api.test","sni":"api.test","proto":"https"}"#);
}

/// The code is `verify`'s, and the remedy is there.
#[test]
fn a_certificate_that_is_refused_is_a_502_with_its_code() {
    let sandbox = Sandbox::new();
    let now = secure_io::validity::now();
    pair(&sandbox, "untrusted", "localhost", |_| ());
    pair(&sandbox, "expired", "localhost", |params| params.not_after = now - time::Duration::days(1));
    pair(&sandbox, "early", "localhost", |params| params.not_before = now + time::Duration::days(1));
    pair(&sandbox, "other", "other.test", |_| ());
    for (name, trusted, code) in [
        ("untrusted", "other", "self-signed"),
        ("expired", "expired", "expired"),
        ("early", "early", "not-yet-valid"),
        ("other", "other", "host-mismatch"),
    ] {
        let server = node(&sandbox, name);
        let to = format!("https://localhost:{}", server.port);
        let mut proxy = proxy(&sandbox, &format!("--to {to} --upstream-trust {trusted}-cert.pem"));
        let answer = sandbox.ok(&format!("curl -sk -w %{{http_code}} {}/", proxy.url()));
        assert!(
            answer.starts_with(&format!("The proxy does not speak to {to}: its certificate is refused: ")),
            "{answer}"
        );
        assert!(answer.contains(&format!("({code}). To fix it: ")) && answer.ends_with("\n502"), "{code}: {answer}");
        proxy.wait_for(&format!("({code})"));
        let page = sandbox.ok(&format!("curl -sk -H Accept:text/html {}/", proxy.url()));
        assert!(page.contains("<h1>The server is not trusted</h1>") && page.contains(code), "{page}");
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_from_one_that_does() {
    let sandbox = Sandbox::new();
    pair(&sandbox, "server", "localhost", |_| ());
    let server = node(&sandbox, "server");
    let wrong = proxy(&sandbox, &format!("--to http://localhost:{}", server.port));
    let answer = sandbox.ok(&format!("curl -sk -w %{{http_code}} {}/", wrong.url()));
    assert!(answer.ends_with("502") || answer.contains("HTTP"), "{answer}");
    let (plain, _requests) = crate::peer::recorder(crate::peer::OK);
    let wrong = proxy(&sandbox, &format!("--to https://localhost:{plain} --upstream-trust server-cert.pem"));
    // The server waits for the rest of a head that is none.
    drop(wrong);
    let refused = sandbox.run("secure-io proxy --to 5173 --upstream-trust server-cert.pem").exits(2);
    assert!(refused.stderr.contains("`--upstream-trust` is for servers"), "{}", refused.stderr);
}

/// Without files, the system's roots and the local CA's are trusted.
#[test]
fn the_local_ca_is_trusted_by_default() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("secure-io gen-cert --quiet --ca --name behind localhost");
    let server = node(&sandbox, "behind");
    let proxy = proxy(&sandbox, &format!("--to https://localhost:{}", server.port));
    assert!(sandbox.ok(&format!("curl -sk {}/", proxy.url())).contains(r#""sni":"localhost""#));
}
