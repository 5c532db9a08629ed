//! nginx and HAProxy in front of Socket.IO, configured well and in the usual wrong ways.

use std::fmt::Write;
use std::net::TcpListener;

use crate::sandbox::{Background, Sandbox};
use crate::{Run, connect, node};

/// How a run ends: well with these warnings, or with a failure.
enum Ends {
    Well(&'static [&'static str]),
    Badly(&'static str, &'static str, i32),
}

use Ends::{Badly, Well};

#[track_caller]
fn ends(run: &Run, ends: &Ends) {
    match ends {
        Well(warnings) => run.connects(warnings),
        Badly(layer, code, exit) => run.fails(layer, code, *exit),
    };
}

/// A folder with a certificate, and Socket.IO behind: it greets, echoes, and answers in plain HTTP.
fn backend() -> (Sandbox, Background) {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    sandbox.write("all.pem", [sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")].concat());
    let app = node(
        &sandbox,
        "const server = http.createServer((q, s) => s.end('page')); const io = new Server(server, { cors: { origin: 'https://page.test' } });
         io.on('connection', (s) => { s.emit('message', 'hi'); s.on('echo', (x, done) => done?.(x)); }); listen(server);",
    );
    (sandbox, app)
}

fn free_ports(count: usize) -> Vec<u16> {
    // All are held until each is known, so that no two are the same.
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    held.iter().map(|one| one.local_addr().expect("an address").port()).collect()
}

/// Starts a program that says nothing when it is ready, and waits until its port is open.
fn start_when_open(sandbox: &Sandbox, line: &str, port: u16) -> Background {
    let is_open = format!("(: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null");
    sandbox.start(
        &format!("bash -c 'PATH=$PATH:/usr/sbin; (until {is_open}; do sleep 0.02; done; echo ready on :{port}) & exec {line}'"),
        "ready on",
    )
}

/// nginx with a server of TLS for each of these configurations, and its ports.
fn nginx(sandbox: &Sandbox, more: &str, servers: &[String]) -> (Background, Vec<u16>) {
    let (ports, folder) = (free_ports(servers.len()), sandbox.path(""));
    let folder = folder.display();
    let mut config = format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n\
         http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};\n\
         uwsgi_temp_path {folder}; scgi_temp_path {folder}; ssl_certificate server-cert.pem; ssl_certificate_key server-key.pem;\n\
         ssl_protocols TLSv1.2 TLSv1.3; {more}\n"
    );
    for (port, server) in ports.iter().zip(servers) {
        let _ = writeln!(config, "server {{ listen 127.0.0.1:{port} ssl; {server} }}");
    }
    config.push('}');
    sandbox.write("nginx.conf", config);
    let last = *ports.last().expect("a server");
    (start_when_open(sandbox, &format!("nginx -p {folder} -c {folder}/nginx.conf"), last), ports)
}

/// What passes the upgrade on.
const UPGRADE: &str =
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;";

#[test]
fn nginx_in_front() {
    let (sandbox, app) = backend();
    let dead = free_ports(1)[0];
    let silent = crate::network::raw(b"", b"", true);
    let pass = format!("proxy_pass http://127.0.0.1:{};", app.port);
    let websocket = "--transport websocket";
    let big = format!("--transport polling --emit big '\"{}\"' --for 2s", "x".repeat(3_000));
    let cases = [
        (format!("location / {{ {pass} {UPGRADE} }}"), String::new(), Well(&[])),
        (format!("location / {{ {pass} }}"), String::new(), Well(&["upgrade-dropped"])),
        (format!("location / {{ {pass} }}"), websocket.to_owned(), Badly("upgrade", "upgrade-dropped", 1)),
        (
            format!("location / {{ {pass} proxy_http_version 1.1; proxy_set_header Connection \"\"; }}"),
            websocket.to_owned(),
            Badly("upgrade", "upgrade-dropped", 1),
        ),
        (
            format!("location / {{ if ($arg_transport = websocket) {{ return 404; }} {pass} }}"),
            String::new(),
            Well(&["upgrade-refused"]),
        ),
        (
            format!("location / {{ proxy_pass http://127.0.0.1:{dead}; }}"),
            String::new(),
            Badly("http", "bad-gateway", 1),
        ),
        (
            format!("location / {{ proxy_pass https://127.0.0.1:{}; }}", app.port),
            String::new(),
            Badly("http", "bad-gateway", 1),
        ),
        (
            format!("location / {{ proxy_pass http://127.0.0.1:{silent}; proxy_read_timeout 200ms; }}"),
            String::new(),
            Badly("http", "gateway-timeout", 1),
        ),
        ("location / { return 444; }".to_owned(), String::new(), Badly("http", "bad-gateway", 2)),
        ("location / { deny all; }".to_owned(), String::new(), Badly("http", "http-forbidden", 1)),
        ("location / { return 404; }".to_owned(), String::new(), Badly("http", "http-not-found", 1)),
        ("location / { return 200 page; }".to_owned(), String::new(), Badly("engine.io", "not-engine-io", 1)),
        (format!("location / {{ proxy_method POST; {pass} }}"), String::new(), Badly("engine.io", "eio-bad-method", 1)),
        (
            format!("location / {{ set $args EIO=3&transport=polling; {pass} }}"),
            String::new(),
            Badly("engine.io", "eio-unsupported-version", 1),
        ),
        (
            format!("location / {{ set $args \"\"; {pass} }}"),
            String::new(),
            Badly("engine.io", "eio-transport-unknown", 1),
        ),
        (
            format!("client_max_body_size 1k; location / {{ {pass} {UPGRADE} }}"),
            big,
            Badly("event", "body-too-large", 1),
        ),
        (
            format!("location / {{ {pass} {UPGRADE} proxy_read_timeout 1s; }}"),
            "--for 5s".to_owned(),
            Badly("engine.io", "closed-idle", 1),
        ),
        (
            format!("location / {{ add_header Access-Control-Allow-Origin https://page.test; {pass} {UPGRADE} }}"),
            "--origin https://page.test".to_owned(),
            Well(&["cors-doubled"]),
        ),
        (
            "ssl_client_certificate server-cert.pem; ssl_verify_client on;".to_owned(),
            String::new(),
            Badly("tls", "client-certificate-required", 1),
        ),
        ("ssl_reject_handshake on;".to_owned(), String::new(), Badly("tls", "unknown-server-name", 2)),
        (
            format!("location / {{ limit_req zone=z; {pass} {UPGRADE} }}"),
            String::new(),
            Badly("http", "rate-limited", 1),
        ),
    ];
    let servers: Vec<_> = cases.iter().map(|(server, ..)| server.clone()).collect();
    let (_nginx, ports) = nginx(&sandbox, "limit_req_zone $binary_remote_addr zone=z:1m rate=10r/m;", &servers);
    for ((_, flags, expected), port) in cases.iter().zip(ports) {
        ends(&connect(&sandbox, &format!("https://localhost:{port} --trust server-cert.pem {flags}")), expected);
    }
}

/// nginx's limits answer 503, as maintenance does; a limit lets another client through.
#[test]
fn a_low_limit_of_nginx_is_told_from_maintenance() {
    let (sandbox, app) = backend();
    let pass = format!("proxy_pass http://127.0.0.1:{};", app.port);
    let servers = [format!("location / {{ limit_req zone=z; {pass} }}"), "location / { return 503; }".to_owned()];
    let (_nginx, ports) = nginx(&sandbox, "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m;", &servers);
    let flags = "--trust server-cert.pem --transport polling";
    // The first client opens a session, and every request after that is one too many.
    for _ in 0..2 {
        connect(&sandbox, &format!("https://localhost:{} {flags}", ports[0])).fails("http", "rate-limited", 1);
    }
    connect(&sandbox, &format!("https://localhost:{} {flags}", ports[1])).fails("http", "unavailable", 1);
}

#[test]
fn haproxy_in_front() {
    let (sandbox, app) = backend();
    let second = node(&sandbox, "const other = http.createServer(); new Server(other); listen(other);");
    let dead = free_ports(1)[0];
    let one = format!("default_backend one%\nbackend one%\n server a 127.0.0.1:{}", app.port);
    let both = |balance: &str, cookies: [&str; 2]| {
        let [first, other] = cookies;
        format!(
            "default_backend both%\nbackend both%\n {balance}\n server a 127.0.0.1:{} {first}\n server b 127.0.0.1:{} {other}",
            app.port, second.port
        )
    };
    let polling = "--transport polling";
    let cases = [
        ("alpn h2,http/1.1", one.clone(), "", Well(&[])),
        ("alpn h2 proto h2", one.clone(), "", Badly("http", "http2-only", 1)),
        ("", both("balance roundrobin", ["", ""]), polling, Badly("engine.io", "not-sticky", 1)),
        ("", both("balance source", ["", ""]), "", Well(&[])),
        (
            "",
            both("balance roundrobin\n cookie S insert", ["cookie a", "cookie b"]),
            polling,
            Well(&["sticky-by-cookie"]),
        ),
        (
            "",
            format!("default_backend down%\nbackend down%\n retries 0\n server a 127.0.0.1:{dead}"),
            "",
            Badly("http", "unavailable", 1),
        ),
        ("", format!("http-request deny if {{ hdr(upgrade) -i websocket }}\n {one}"), "", Well(&["upgrade-refused"])),
        (
            "",
            format!("http-request deny if {{ hdr(upgrade) -i websocket }}\n {one}"),
            "--transport websocket",
            Badly("upgrade", "upgrade-refused", 1),
        ),
        ("", format!("http-request return status 429\n {one}"), "", Badly("http", "rate-limited", 1)),
        ("", format!("{one}\n timeout tunnel 1s"), "--for 5s", Badly("engine.io", "closed-idle", 1)),
        ("accept-proxy", one.clone(), "", Badly("tls", "tls-reset", 2)),
        ("strict-sni", one.clone(), "--server-name other.test", Badly("tls", "unknown-server-name", 2)),
        ("verify required ca-file server-cert.pem", one.clone(), "", Badly("tls", "client-certificate-required", 2)),
    ];
    let ports = free_ports(cases.len());
    let mut config =
        String::from("defaults\n mode http\n timeout client 60s\n timeout server 60s\n timeout connect 1s\n");
    for (index, ((bind, rest, ..), port)) in cases.iter().zip(&ports).enumerate() {
        let rest = rest.replace('%', &index.to_string());
        let _ = writeln!(config, "frontend f{index}\n bind 127.0.0.1:{port} ssl crt all.pem {bind}\n {rest}");
    }
    sandbox.write("haproxy.cfg", config);
    let _haproxy = start_when_open(&sandbox, "haproxy -db -f haproxy.cfg", ports[0]);
    for ((.., flags, expected), port) in cases.iter().zip(ports) {
        ends(&connect(&sandbox, &format!("https://localhost:{port} --trust server-cert.pem {flags}")), expected);
    }
}
