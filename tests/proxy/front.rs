//! The proxy behind another one, and its flags about clients, which are those of `serve`.

use std::io::Read;
use std::net::TcpListener;

use crate::peer::{Client, OK, PATIENCE, next, proxy, recorder};
use crate::sandbox::Sandbox;

const GET: &str = "GET / HTTP/1.1\r\nHost: own.test\r\nX-Forwarded-For: 9.9.9.9, 203.0.113.7\r\n\
                   X-Forwarded-Proto: http\r\nX-Forwarded-Host: app.test\r\n\r\n";

/// The server behind is told of the client, not of the balancer.
#[test]
fn a_trusted_proxy_is_believed_and_nobody_else() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let balanced = proxy(&sandbox, &format!("--to {port} --trusted-proxy 127.0.0.1"));
    Client::connect(&balanced).send(GET).head();
    let seen = next(&requests).to_lowercase();
    for line in
        ["x-forwarded-for: 203.0.113.7", "x-forwarded-proto: http", "x-forwarded-host: app.test", "host: app.test"]
    {
        assert!(seen.contains(&format!("\r\n{line}\r\n")), "{line}: {seen}");
    }
    let open = proxy(&sandbox, &format!("--to {port} --trusted-proxy 192.0.2.0/24"));
    Client::connect(&open).send(GET).head();
    let seen = next(&requests).to_lowercase();
    for line in
        ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: https", "x-forwarded-host: own.test", "host: own.test"]
    {
        assert!(seen.contains(&format!("\r\n{line}\r\n")), "{line}: {seen}");
    }
}

#[test]
fn the_proxy_protocol_names_the_client() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let mut proxy = proxy(&sandbox, &format!("--to {port} --trusted-proxy 127.0.0.1 --proxy-protocol"));
    let header = b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n";
    Client::after(&proxy, header, b"http/1.1").send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    let seen = next(&requests).to_lowercase();
    assert!(seen.contains("\r\nx-forwarded-for: 203.0.113.9\r\n"), "{seen}");
    assert_eq!(Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").rest(), "");
    proxy.wait_for("PROXY");
}

/// The paths of the server's health are its own for probes, which speak http, and the application's for everybody else.
#[test]
fn http_is_sent_to_https_except_for_probes() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port} --enforce-https --hsts=1d"));
    let plain = |path: &str| sandbox.ok(&format!("curl -si http://localhost:{}{path}", proxy.port)).to_lowercase();
    let sent = plain("/a?b");
    assert!(sent.starts_with("http/1.1 308 "), "{sent}");
    assert!(sent.contains(&format!("location: https://localhost:{}/a?b\r\n", proxy.port)), "{sent}");
    assert!(plain("/healthz").ends_with("ok\n") && requests.try_recv().is_err());
    let head = Client::connect(&proxy).send("GET /healthz HTTP/1.1\r\nHost: app.test\r\n\r\n").head();
    assert!(head.contains("\r\nstrict-transport-security: max-age=86400\r\n"), "{head}");
    assert!(next(&requests).starts_with("GET /healthz "));
}

/// A WebSocket counts as long as it is open, and its end makes room.
#[test]
fn clients_have_so_many_connections() {
    let sandbox = Sandbox::new();
    let port = crate::peer::server(|_, mut tcp| {
        use std::io::Write;
        let head = crate::peer::head(&mut tcp).unwrap();
        let answer = if head.contains("websocket") {
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        } else {
            OK
        };
        tcp.write_all(answer.as_bytes()).unwrap();
        let _ = tcp.read(&mut [0]);
    });
    let proxy = proxy(&sandbox, &format!("--to {port} --max-connections-per-client 1"));
    let get = || Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").head();
    assert!(get().starts_with("http/1.1 200 "));
    let mut socket = Client::connect(&proxy);
    socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert!(socket.head().starts_with("http/1.1 101 "));
    assert!(get().starts_with("http/1.1 429 "));
    drop(socket);
    let start = std::time::Instant::now();
    while !get().starts_with("http/1.1 200 ") {
        assert!(start.elapsed() < PATIENCE, "the place is not given back");
    }
}

#[test]
fn clients_without_a_certificate_are_refused() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    sandbox.ok("secure-io ca init -q");
    sandbox.ok("secure-io gen-cert -q --ca --purpose client --name me me.test");
    let ca = sandbox.ok("secure-io ca path");
    let mut proxy = proxy(&sandbox, &format!("--to {port} --client-ca {}/root.pem", ca.trim()));
    let curl = |flags: &str| sandbox.run(&format!("curl -sk {flags} {}/", proxy.url()));
    assert!(!curl("").is_success() && requests.try_recv().is_err());
    curl("--cert me-cert.pem --key me-key.pem").success().says("ok");
    proxy.wait_for("certificate");
}

#[test]
fn figures_are_told() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder(OK);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = proxy(&sandbox, &format!("--to {port} --metrics {free}"));
    Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    let figures = sandbox.ok(&format!("curl -s http://{free}/metrics"));
    assert!(figures.contains("handshakes_total"), "{figures}");
}
