//! Socket.IO's server, alone and behind proxies that break it, and sites that must not get through.

use crate::sandbox::{Background, Sandbox};
use crate::server::{Target, check, free_port, node, prepared, start_when_open};

/// Socket.IO's own server with options, a word before it listens, and a handler of pages.
fn socket_io(sandbox: &Sandbox, options: &str, more: &str, handler: &str) -> Background {
    let folder = format!("{}/tests/node/node_modules", env!("CARGO_MANIFEST_DIR"));
    let script = format!(
        "const fs = require('fs');\n\
         const pem = {{ key: fs.readFileSync('server-key.pem'), cert: fs.readFileSync('server-cert.pem') }};\n\
         const server = require('https').createServer(pem, (req, res) => {{ {handler} }});\n\
         const {{ Server }} = require('{folder}/socket.io');\n\
         const io = new Server(server, {options});\n{more}\n\
         server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
    );
    sandbox.write("socket-io.cjs", script);
    sandbox.start("node socket-io.cjs", "ready on")
}

fn with(options: &str, flags: &str) -> Target {
    let sandbox = prepared();
    let server = socket_io(&sandbox, options, "", "res.end('ok')");
    check(&sandbox, server.port, flags)
}

fn with_more(more: &str) -> Target {
    let sandbox = prepared();
    let server = socket_io(&sandbox, "{}", more, "res.end('ok')");
    check(&sandbox, server.port, "")
}

#[test]
fn socket_io_as_it_comes_is_good() {
    let target = with("{}", "");
    target.is_good().finds("websocket-any-origin");
    let found = &target.0["socket_io"];
    assert_eq!(found["engine_io"], serde_json::json!([4]), "{found}");
    assert_eq!(found["transports"], serde_json::json!(["polling", "websocket"]));
    assert_eq!((&found["upgrade"], &found["ping_interval"]), (&true.into(), &25_000.into()));
}

#[test]
fn ours_is_good_and_guards_its_websockets() {
    let sandbox = prepared();
    let server = sandbox.serve("");
    let target = check(&sandbox, server.port, "");
    target.is_good();
    assert_eq!(target.0["socket_io"]["upgrade"], true, "{:#}", target.0);
    assert!(!target.ids("note").contains(&"websocket-any-origin"), "{:#}", target.0);
}

#[test]
fn a_server_without_socket_io_has_no_finding_about_it() {
    let sandbox = prepared();
    for handler in
        ["res.end('ok')", "res.writeHead(404).end()", "res.setHeader('content-type', 'text/html'); res.end('<p>')"]
    {
        let server = node(&sandbox, "", handler);
        let target = check(&sandbox, server.port, "");
        target.is_good();
        assert!(target.0["socket_io"].is_null(), "{:#}", target.0);
    }
}

/// A server that has Socket.IO alone never answers a request of another path, and once nothing was said about it.
#[test]
fn socket_io_without_a_handler_of_pages_is_looked_at() {
    let sandbox = prepared();
    let server = socket_io(&sandbox, "{ pingInterval: 60000, cors: { origin: true, credentials: true } }", "", "");
    let target = check(&sandbox, server.port, "");
    target.finds("slow-heartbeat").finds("cors-any-origin");
    assert_eq!(target.0["socket_io"]["transports"], serde_json::json!(["polling", "websocket"]));
    assert!(!target.ids("warning").contains(&"http-timeout"), "{:#}", target.0);
    // The page that does not come is not waited for as long as one of a server that is silent.
    assert!(target.0["seconds"].as_f64().unwrap() < 1.9, "{:#}", target.0);
}

/// The header fields of a proxy count although the first page is not answered.
#[test]
fn hsts_is_read_from_whichever_answer_there_is() {
    let target = behind_nginx(&format!("{UPGRADE} add_header Strict-Transport-Security max-age=63072000 always;"), "");
    target.finds("hsts-on-localhost").graded("A+");
    let sandbox = prepared();
    let more = "const own = server.listeners('request').slice(); server.removeAllListeners('request');\n\
                server.on('request', (req, res) => { res.setHeader('Strict-Transport-Security', 'max-age=63072000');\n\
                for (const one of own) one.call(server, req, res); });";
    let server = socket_io(&sandbox, "{}", more, "");
    check(&sandbox, server.port, "").finds("hsts-on-localhost").graded("A+");
}

#[test]
fn a_server_that_answers_nothing_is_seen() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "");
    let target = check(&sandbox, server.port, "");
    assert_eq!(target.finds("http-timeout").0["findings"][0]["layer"], "http", "{:#}", target.0);
    // A plain WebSocket server answers no other request either.
    let folder = format!("{}/tests/node/node_modules", env!("CARGO_MANIFEST_DIR"));
    sandbox.write(
        "plain.cjs",
        format!(
            "const fs = require('fs');\n\
             const pem = {{ key: fs.readFileSync('server-key.pem'), cert: fs.readFileSync('server-cert.pem') }};\n\
             const server = require('https').createServer(pem);\n\
             new (require('{folder}/ws').WebSocketServer)({{ server }});\n\
             server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
        ),
    );
    let server = sandbox.start("node plain.cjs", "ready on");
    let target = check(&sandbox, server.port, "");
    target.finds("not-engine-io");
    assert!(!target.ids("warning").contains(&"http-timeout"), "{:#}", target.0);
}

/// Answers in place of Engine.IO have the codes of `connect`.
#[test]
fn answers_in_place_of_engine_io_are_seen() {
    let sandbox = prepared();
    for (answer, id) in [
        ("429", "rate-limited"),
        ("503, { 'ratelimit-limit': 1 }", "rate-limited"),
        ("401, { 'www-authenticate': 'Basic' }", "auth-required"),
        ("403", "http-forbidden"),
        ("302, { location: 'https://login.example/' }", "redirected"),
        ("521, { server: 'cloudflare' }", "cdn-origin"),
        ("404, { 'x-vercel-error': 'NOT_FOUND' }", "platform-error"),
        ("404", "http-not-found"),
        ("200", "not-engine-io"),
    ] {
        let handler = format!("if (req.url === '/') res.end('ok'); else res.writeHead({answer}).end()");
        let server = node(&sandbox, "", &handler);
        check(&sandbox, server.port, "").finds(id);
    }
    for (code, message, id) in [
        (2, "Bad handshake method", "eio-bad-method"),
        (3, "Bad request", "eio-bad-request"),
        (5, "Unsupported protocol version", "eio-unsupported-version"),
    ] {
        let handler = format!("res.writeHead(400).end('{{\"code\":{code},\"message\":\"{message}\"}}')");
        let server = node(&sandbox, "", &handler);
        check(&sandbox, server.port, "").finds(id);
    }
    with("{ transports: ['websocket'] }", "").finds("eio-transport-unknown").finds("websocket-only");
}

/// A server that speaks HTTP/2 alone is asked by HTTP/2: its pages and Engine.IO by polling.
#[test]
fn an_edge_of_http2_alone_is_looked_at() {
    let sandbox = prepared();
    let folder = format!("{}/tests/node/node_modules", env!("CARGO_MANIFEST_DIR"));
    sandbox.write(
        "edge.cjs",
        format!(
            "const fs = require('fs');\n\
             const pem = {{ key: fs.readFileSync('server-key.pem'), cert: fs.readFileSync('server-cert.pem') }};\n\
             const server = require('http2').createSecureServer(pem, (req, res) => {{\n\
               res.writeHead(200, {{ 'content-type': 'text/html', 'set-cookie': 'a=b' }}); res.end('<p>'); }});\n\
             const {{ Server }} = require('{folder}/socket.io');\n\
             new Server(server, {{ pingInterval: 60000 }});\n\
             server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
        ),
    );
    let server = sandbox.start("node edge.cjs", "ready on");
    let target = check(&sandbox, server.port, "");
    target.finds("http2-only").finds("cookie-not-secure").finds("csp-missing").finds("slow-heartbeat");
    assert!(!target.ids("warning").iter().any(|id| id.starts_with("upgrade-")), "{:#}", target.0);
}

/// A second WebSocket server breaks Socket.IO's, and Node ends with it.
#[test]
fn a_server_that_ends_with_the_upgrade_is_seen() {
    let folder = format!("{}/tests/node/node_modules", env!("CARGO_MANIFEST_DIR"));
    with_more(&format!("new (require('{folder}/ws').WebSocketServer)({{ server }});")).finds("upgrade-broken");
}

#[test]
fn options_that_shut_clients_out_are_seen() {
    with("{ allowEIO3: true }", "").finds("eio-3-allowed");
    with("{ transports: ['polling'] }", "").finds("polling-only");
    with("{ transports: ['websocket'] }", "").finds("websocket-only");
    with("{ allowRequest: (req, callback) => callback(null, false) }", "").finds("eio-forbidden");
    with("{ pingInterval: 60000 }", "").finds("slow-heartbeat");
}

#[test]
fn engine_io_3_alone_is_seen() {
    let sandbox = prepared();
    // What Socket.IO 2 answers, whichever version it is asked for.
    let handler = "res.end(req.url.includes('EIO=') ? '96:0{\"sid\":\"AAAA\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\
                   \"pingTimeout\":5000}2:40' : 'ok')";
    let server = node(&sandbox, "", handler);
    let target = check(&sandbox, server.port, "");
    target.finds("eio-version-3");
    assert_eq!(target.0["socket_io"]["engine_io"], serde_json::json!([3]));
}

#[test]
fn cors_is_seen_as_a_browser_sees_it() {
    with("{ cors: { origin: '*', credentials: true } }", "").finds("cors-star-credentials");
    with("{ cors: { origin: true, credentials: true } }", "").finds("cors-any-origin");
    with("{ cors: { origin: '*' } }", "").finds("cors-open");
    with("{}", "--origin https://app.example").finds("cors-missing");
    with("{ cors: { origin: 'https://app.example' } }", "--origin https://other.example").finds("cors-missing");
    let target = with("{ cors: { origin: ['https://app.example'] } }", "--origin https://app.example");
    assert!(!target.ids("warning").contains(&"cors-missing"), "{:#}", target.0);
    target.finds("websocket-unguarded");
    let sandbox = prepared();
    let handler = "res.setHeader('access-control-allow-origin', ['*', 'https://app.example']); res.end('ok')";
    let server = node(&sandbox, "", handler);
    check(&sandbox, server.port, "").finds("cors-doubled");
}

#[test]
fn origins_that_allow_request_refuses_are_no_finding() {
    let options = "{ cors: { origin: ['https://app.example'] }, \
                   allowRequest: (req, callback) => callback(null, !req.headers.origin || req.headers.origin === 'https://app.example') }";
    let target = with(options, "");
    target.is_good();
    assert!(!target.ids("note").contains(&"websocket-any-origin"), "{:#}", target.0);
}

#[test]
fn upgrades_that_fail_are_told_apart() {
    let listeners = |answer: &str| {
        format!("server.removeAllListeners('upgrade'); server.on('upgrade', (req, socket) => {{ {answer} }});")
    };
    let status = |status: &str| listeners(&format!("socket.end('HTTP/1.1 {status}\\r\\n\\r\\n')"));
    with_more(&status("400 Bad Request")).finds("upgrade-dropped");
    with_more(&status("403 Forbidden")).finds("upgrade-refused");
    with_more(&listeners("")).finds("upgrade-timeout");
    let other = "socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
                 Sec-WebSocket-Accept: AAAA\\r\\n\\r\\n')";
    with_more(&listeners(other)).finds("upgrade-refused");
    // allowRequest may mind WebSockets without a session alone.
    let target = with("{ allowRequest: (req, callback) => callback(null, !req.url.includes('websocket')) }", "");
    assert!(!target.ids("warning").contains(&"upgrade-dropped"), "{:#}", target.0);
    let accept = "require('crypto').createHash('sha1').update(req.headers['sec-websocket-key'] + \
                  '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')";
    let switched = format!(
        "socket.end('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' \
         + {accept} + '\\r\\n\\r\\nHTTP/1.1 400 Bad Request\\r\\n\\r\\n')"
    );
    with_more(&listeners(&switched)).finds("upgrade-broken");
}

/// nginx before Socket.IO, by its `location`.
fn behind_nginx(location: &str, flags: &str) -> Target {
    let sandbox = prepared();
    let server = socket_io(&sandbox, "{ pingInterval: 3000 }", "", "res.end('ok')");
    let port = free_port();
    sandbox.write(
        "nginx.conf",
        format!(
            "daemon off; pid nginx.pid; error_log stderr; events {{}}\n\
             http {{ access_log off; limit_req_zone $binary_remote_addr zone=one:1m rate=1r/s;\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate server-cert.pem;\n\
             ssl_certificate_key server-key.pem; ssl_protocols TLSv1.2 TLSv1.3;\n\
             location / {{ proxy_pass https://127.0.0.1:{}; {location} }} }} }}\n",
            server.port
        ),
    );
    let folder = sandbox.path("").display().to_string();
    let _nginx = start_when_open(&sandbox, &format!("nginx -p {folder} -c nginx.conf"), port);
    check(&sandbox, port, flags)
}

const UPGRADE: &str =
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;";

#[test]
fn nginx_without_its_upgrade_fields_is_seen() {
    behind_nginx("", "").finds("upgrade-dropped");
    // nginx's limits answer 503, which was said to be the server behind it that is down.
    let target = behind_nginx(&format!("{UPGRADE} limit_req zone=one;"), "");
    assert!(!target.finds("rate-limited").ids("error").contains(&"unavailable"), "{:#}", target.0);
    let target = behind_nginx(UPGRADE, "");
    target.is_good();
    assert_eq!(target.0["socket_io"]["upgrade"], true);
}

#[test]
fn an_idle_limit_below_the_heartbeat_is_measured() {
    behind_nginx(&format!("{UPGRADE} proxy_read_timeout 1s;"), "--idle").finds("closed-idle");
    behind_nginx(UPGRADE, "--idle").is_good();
}

/// Two servers behind HAProxy, which leads a client back as told.
fn balanced(backend: &str) -> Target {
    let sandbox = prepared();
    let (one, two) = (socket_io(&sandbox, "{}", "", "res.end('ok')"), socket_io(&sandbox, "{}", "", "res.end('ok')"));
    let port = free_port();
    sandbox.write("all.pem", [sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")].concat());
    sandbox.write(
        "haproxy.cfg",
        format!(
            "global\n  ssl-default-bind-options ssl-min-ver TLSv1.2\n\
             defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n\
             frontend f\n  bind 127.0.0.1:{port} ssl crt all.pem\n  default_backend b\n\
             backend b\n{backend}  server one 127.0.0.1:{} ssl verify none cookie one\n  server two 127.0.0.1:{} ssl verify none cookie two\n",
            one.port, two.port
        ),
    );
    let _haproxy = start_when_open(&sandbox, "haproxy -db -f haproxy.cfg", port);
    check(&sandbox, port, "")
}

#[test]
fn sessions_that_are_not_sticky_are_seen() {
    balanced("  balance roundrobin\n").finds("not-sticky");
    balanced("  balance roundrobin\n  cookie io insert secure httponly attr SameSite=Lax\n").finds("sticky-by-cookie");
    balanced("  balance source\n").is_good();
}

#[test]
fn gateways_without_a_server_are_seen() {
    let sandbox = prepared();
    for (status, id) in [(502, "bad-gateway"), (503, "unavailable"), (504, "gateway-timeout")] {
        let server = node(&sandbox, "", &format!("res.writeHead(req.url === '/' ? 200 : {status}).end('ok')"));
        check(&sandbox, server.port, "").finds(id);
    }
}

#[test]
fn mixed_content_is_found_in_page_scripts_and_styles() {
    let sandbox = prepared();
    for (page, script, style) in [
        ("<script src=http://cdn.test/a.js></script>", "", ""),
        ("<script src=/a.js></script>", "io('http://app.test')", ""),
        ("<script src=a.js></script>", "new WebSocket(\"ws://app.test\")", ""),
        ("<link rel=stylesheet href=/a.css>", "", "body { background: url(http://cdn.test/a.png) }"),
    ] {
        let handler = format!(
            "const answers = {{ '/': ['text/html', `{page}`], '/a.js': ['text/javascript', `{script}`], '/a.css': ['text/css', `{style}`] }}; \
             const [kind, text] = answers[req.url] ?? ['text/plain', '']; res.setHeader('content-type', kind); res.end(text)"
        );
        let server = node(&sandbox, "", &handler);
        check(&sandbox, server.port, "").finds("mixed-content");
    }
}

#[test]
fn what_redirects_and_headers_give_away_is_seen() {
    let sandbox = prepared();
    let found = |handler: &str, id: &str| {
        let server = node(&sandbox, "", handler);
        check(&sandbox, server.port, "").finds(id);
    };
    found("res.writeHead(308, { location: '/' }).end()", "redirect-loop");
    found("res.writeHead(302, { location: 'http://localhost/' }).end()", "redirect-to-http");
    found(
        "const plain = req.headers['x-forwarded-proto'] === 'http'; res.writeHead(plain ? 308 : 200, plain ? { location: 'https://x.test/' } : {}).end()",
        "forwarded-proto-believed",
    );
    found(
        "res.writeHead(200, { 'set-cookie': 'a=b; Secure; HttpOnly', ...(req.headers['accept-encoding'] ? { 'content-encoding': 'gzip' } : {}) }); \
         res.end(req.headers['accept-encoding'] ? require('zlib').gzipSync('ok') : 'ok')",
        "breach",
    );
    found("res.setHeader('server', 'demo/1.0'); res.end('ok')", "version-disclosed");
    found(
        "res.writeHead(200, { 'content-type': 'text/html', 'referrer-policy': 'unsafe-url' }).end('ok')",
        "referrer-unsafe",
    );
    found("res.end('ok')", "plain-unanswered");
}

#[test]
fn a_certificate_that_is_about_to_expire_is_seen() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert --self-signed --force --quiet localhost 127.0.0.1 --not-before -80d --not-after 5d");
    let server = node(&sandbox, "", "res.end('ok')");
    let target = check(&sandbox, server.port, "--trust server-cert.pem");
    // The lint says the same by another name.
    assert!(!target.finds("expires-soon").ids("warning").contains(&"expires_soon"), "{:#}", target.0);
}
