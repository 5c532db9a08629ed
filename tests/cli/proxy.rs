//! `secure-io proxy`, in front of Node's servers and of sockets that answer octet for octet.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::sandbox::{Background, Sandbox};

/// A Node server that shows what it is sent, on the loopback address named.
fn node(sandbox: &Sandbox, address: &str) -> Background {
    sandbox.write(
        "server.mjs",
        r#"
import http from "node:http";
import crypto from "node:crypto";
const server = http.createServer((request, response) => {
  if (request.url === "/redirect") {
    const location = `http://localhost:${server.address().port}/there`;
    response.writeHead(302, { Location: location, "Set-Cookie": ["a=1; Path=/", "b=2; Secure"] });
    return response.end();
  }
  if (request.url === "/upload") {
    let length = 0;
    request.on("data", (chunk) => (length += chunk.length)).on("end", () => response.end(`${length} bytes`));
    return;
  }
  if (request.url === "/blocked") {
    response.statusCode = 403;
    return response.end('Blocked request. This host ("app.test") is not allowed.');
  }
  response.end(JSON.stringify(request.headers));
});
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = crypto.createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.pipe(socket);
});
server.listen(0, process.argv[2], () => console.log(`listening on :${server.address().port}`));
"#,
    );
    sandbox.start(&format!("node server.mjs {address}"), "listening on :")
}

fn proxy(sandbox: &Sandbox, flags: &str) -> Background {
    sandbox.start(&format!("secure-io proxy --port 0 {flags}"), "Secure server is running on https://localhost:")
}

/// A server that answers its first connection with these octets, and hangs up.
fn raw(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the socket works");
    let port = listener.local_addr().expect("the socket works").port();
    thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("the socket works");
        let mut head = [0; 4096];
        let _ = tcp.read(&mut head).expect("the socket works");
        tcp.write_all(answer.as_bytes()).expect("the socket works");
    });
    port
}

#[test]
fn forwarding_fields_of_a_client_are_replaced_and_hop_by_hop_ones_removed() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    for version in ["--http1.1", "--http2"] {
        let seen = sandbox.ok(&format!(
            "curl -sk {version} -H X-Forwarded-For:6.6.6.6 -H X-Forwarded-Proto:http -H Forwarded:for=6.6.6.6 -H Keep-Alive:5 \
             -H Connection:X-Secret -H X-Secret:1 -H Cookie:a=b {}/",
            proxy.url()
        ));
        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(seen["x-forwarded-for"], "127.0.0.1", "{seen}");
        assert_eq!(seen["x-forwarded-proto"], "https", "{seen}");
        assert_eq!(seen["host"], format!("localhost:{}", proxy.port), "{seen}");
        assert_eq!(seen["cookie"], "a=b", "{seen}");
        for name in ["forwarded", "keep-alive", "x-secret"].iter().filter(|_| version == "--http1.1") {
            assert!(seen.get(name).is_none(), "{name}: {seen}");
        }
    }
}

/// Node and Vite listen on ::1 alone on many machines.
#[test]
fn localhost_is_dialled_on_both_of_its_addresses() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "::1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    assert!(sandbox.ok(&format!("curl -sk {}/", proxy.url())).contains("x-forwarded-proto"));
}

#[test]
fn redirects_lead_to_the_proxy_and_cookies_are_secure() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    let head = sandbox.ok(&format!("curl -sk --http1.1 -D - -o /dev/null {}/redirect", proxy.url())).to_lowercase();
    assert!(head.contains(&format!("location: {}/there\r\n", proxy.url())), "{head}");
    assert!(head.contains("set-cookie: a=1; path=/; secure\r\nset-cookie: b=2; secure\r\n"), "{head}");
}

#[test]
fn an_upload_is_streamed_over_both_versions_of_http() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    sandbox.write("big", vec![7; 5_000_000]);
    for version in ["--http1.1", "--http2"] {
        let answer = sandbox.ok(&format!("curl -sk {version} --data-binary @big {}/upload", proxy.url()));
        assert_eq!(answer, "5000000 bytes", "{version}");
    }
}

/// An upgrade to h2c would be a tunnel past every rule of the proxy.
#[test]
fn a_websocket_is_passed_and_h2c_is_not() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    sandbox.write(
        "client.mjs",
        r#"
import tls from "node:tls";
const [port, protocol] = process.argv.slice(2);
const socket = tls.connect({ port, host: "localhost", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
let text = "";
socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
let sent = false;
socket.on("data", (data) => {
  text += data;
  if (text.includes("101 Switching") && !sent) { sent = true; socket.write("echoed"); }
  if (text.includes("echoed") || text.startsWith("HTTP/1.1 200")) { console.log(text); process.exit(0); }
});
"#,
    );
    let websocket = sandbox.ok(&format!("node client.mjs {} websocket", proxy.port));
    assert!(websocket.starts_with("HTTP/1.1 101 ") && websocket.contains("echoed"), "{websocket}");
    assert!(websocket.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{websocket}");
    let h2c = sandbox.ok(&format!("node client.mjs {} h2c", proxy.port));
    assert!(h2c.starts_with("HTTP/1.1 200 ") && !h2c.contains("\"upgrade\""), "{h2c}");
}

/// A client that takes half of a file for the whole keeps half of a file.
#[test]
fn an_answer_that_is_cut_short_stays_so() {
    let sandbox = Sandbox::new();
    for (version, status) in [("--http1.1", 18), ("--http2", 92)] {
        let port = raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        sandbox.run(&format!("curl -sk {version} {}/", proxy.url())).exits(status);
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut proxy = proxy(&sandbox, &format!("--to {free}"));
    let answer = sandbox.ok(&format!("curl -sk -w %{{http_code}} {}/", proxy.url()));
    assert!(answer.starts_with(&format!("http://localhost:{free} does not answer: Connection refused")), "{answer}");
    assert!(answer.ends_with("502"), "{answer}");
    let page = sandbox.ok(&format!("curl -sk -H Accept:text/html {}/", proxy.url()));
    assert!(page.contains("http-equiv=\"refresh\""), "{page}");
    assert!(proxy.wait_for("does not answer").ends_with("(bad-gateway)"));
}

/// The two ends of a connection that read a request differently can be played off against each other.
#[test]
fn a_request_with_two_hosts_or_none_is_refused() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    sandbox.write(
        "raw.mjs",
        r#"
import tls from "node:tls";
const [port, ...hosts] = process.argv.slice(2);
const socket = tls.connect({ port, host: "localhost", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
socket.write(`GET / HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join("")}\r\n`);
socket.once("data", (data) => { console.log(data.toString().split("\r\n")[0]); process.exit(0); });
"#,
    );
    for (hosts, status) in [("a b", "400"), ("", "400"), ("me@app.test", "400"), ("app.test", "200")] {
        let line = sandbox.ok(&format!("node raw.mjs {} {hosts}", proxy.port));
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{hosts}: {line}");
    }
}

#[test]
fn a_request_that_comes_back_again_and_again_is_refused() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let mut proxy = proxy(&sandbox, &format!("--to {}", server.port));
    for (hops, status) in [(4, "200"), (5, "508")] {
        let flags = format!("-sk -o /dev/null -w %{{http_code}} -H X-Secure-Io-Hops:{hops}");
        assert_eq!(sandbox.ok(&format!("curl {flags} {}/", proxy.url())), status, "{hops}");
    }
    proxy.wait_for("it came back again and again");
}

#[test]
fn a_dev_server_that_blocks_the_host_is_explained() {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, "127.0.0.1");
    let mut proxy = proxy(&sandbox, &format!("--to {} --upstream-host localhost", server.port));
    let answer = sandbox.ok(&format!("curl -sk {}/blocked", proxy.url()));
    assert!(answer.starts_with("Blocked request."), "{answer}");
    proxy.wait_for("--upstream-host localhost");
    assert!(sandbox.ok(&format!("curl -sk {}/", proxy.url())).contains(r#""host":"localhost""#));
}

#[test]
fn a_target_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    let refused = sandbox.run("secure-io proxy --to ftp://app.test").exits(2);
    assert!(refused.stderr.contains("targets speak http"), "{}", refused.stderr);
}
