//! HTTP, Engine.IO, the upgrade and the namespace.

use crate::sandbox::Sandbox;
use crate::{connect, node};

/// A server of plain HTTP whose handler is given.
#[track_caller]
fn answers(handler: &str, flags: &str, layer: &str, code: &str) {
    let sandbox = Sandbox::new();
    let server = node(&sandbox, &format!("listen(http.createServer((q, s) => {{ {handler} }}));"));
    let exit = if code.ends_with("timeout") && layer == "http" && code != "gateway-timeout" { 2 } else { 1 };
    connect(&sandbox, &format!("http://localhost:{} {flags}", server.port)).fails(layer, code, exit);
}

#[test]
fn answers_that_are_not_engine_ios_are_told_apart() {
    for (handler, code) in [
        ("s.writeHead(302, { location: '/login' }); s.end()", "redirected"),
        ("s.writeHead(302, { location: q.url }); s.end()", "redirect-loop"),
        ("s.writeHead(401, { 'www-authenticate': 'Basic' }); s.end()", "auth-required"),
        ("s.writeHead(403); s.end('no')", "http-forbidden"),
        ("s.writeHead(404); s.end('Cannot GET /socket.io/')", "http-not-found"),
        ("s.writeHead(429); s.end()", "rate-limited"),
        ("s.writeHead(502); s.end()", "bad-gateway"),
        ("s.writeHead(503); s.end()", "unavailable"),
        ("s.writeHead(504); s.end()", "gateway-timeout"),
        ("s.writeHead(521, { server: 'cloudflare' }); s.end()", "cdn-origin"),
        ("s.writeHead(404, { 'x-vercel-error': 'NOT_FOUND' }); s.end()", "platform-error"),
    ] {
        answers(handler, "", "http", code);
    }
    answers("s.end('<!doctype html>hello')", "", "engine.io", "not-engine-io");
    answers("", "--timeout 1s", "http", "http-timeout");
}

/// Such a server was once blamed on a proxy that drops the Upgrade header, although polling fails there as well.
#[test]
fn a_websocket_is_not_dropped_where_polling_fails_too() {
    let websocket = "--transport websocket";
    answers("s.end('<!doctype html>hello')", websocket, "engine.io", "not-engine-io");
    let refusal = "s.writeHead(400); s.end('{\"code\":3,\"message\":\"Bad request\"}')";
    answers(refusal, websocket, "engine.io", "eio-bad-request");
    let by_transport = "if (q.url.includes('polling')) return s.end('0{\"sid\":\"a\"}');";
    answers(&format!("{by_transport} {refusal}"), websocket, "upgrade", "upgrade-dropped");
}

#[test]
fn a_plain_url_to_a_port_of_tls() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let server = node(&sandbox, "listen(https.createServer(pem));");
    connect(&sandbox, &format!("http://localhost:{}", server.port)).fails("http", "tls-on-plain-url", 2);
    let server = sandbox.serve("");
    connect(&sandbox, &format!("ws://localhost:{}", server.port)).fails("http", "tls-on-plain-url", 2);
}

/// Socket.IO with options and code, over plain HTTP.
fn socket_io(sandbox: &Sandbox, options: &str, code: &str) -> crate::sandbox::Background {
    node(
        sandbox,
        &format!(
            "const server = http.createServer(); const io = new Server(server, {{ {options} }}); {code} listen(server);"
        ),
    )
}

#[test]
fn refusals_of_engine_io_have_their_codes() {
    let sandbox = Sandbox::new();
    let server = socket_io(&sandbox, "transports: ['websocket']", "");
    let url = format!("http://localhost:{}", server.port);
    connect(&sandbox, &url).fails("engine.io", "eio-transport-unknown", 1);
    connect(&sandbox, &format!("{url} --transport websocket")).connects(&[]);
    let server = socket_io(&sandbox, "allowRequest: (q, next) => next('not you', false)", "");
    connect(&sandbox, &format!("http://localhost:{}", server.port)).fails("engine.io", "eio-forbidden", 1);
}

#[test]
fn version_2_of_socket_io_is_named() {
    let port = crate::network::raw(
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 42\r\nConnection: close\r\n\r\n36:0{\"sid\":\"abc\",\"upgrades\":[]}x2:40......",
        true,
    );
    connect(&Sandbox::new(), &format!("http://localhost:{port}")).fails("engine.io", "eio-version-3", 1);
}

#[test]
fn namespaces_are_unknown_refused_or_silent() {
    let sandbox = Sandbox::new();
    let server = socket_io(
        &sandbox,
        "",
        "io.of('/secret').use((socket, next) => socket.handshake.auth.token === 'x' ? next() : next(new Error('no token')));
         io.of('/silent').use(() => {});",
    );
    let url = format!("http://localhost:{}", server.port);
    connect(&sandbox, &format!("{url}/nowhere")).fails("namespace", "namespace-unknown", 1);
    connect(&sandbox, &format!("{url}/secret")).fails("namespace", "connect-refused", 1);
    connect(&sandbox, &format!("{url}/secret --auth '{{\"token\":\"x\"}}'")).connects(&[]);
    connect(&sandbox, &format!("{url}/silent --timeout 1s")).fails("namespace", "namespace-timeout", 1);
}

#[test]
fn an_upgrade_that_fails_leaves_polling_and_a_warning() {
    let sandbox = Sandbox::new();
    for (code, warning) in [
        (
            "server.removeAllListeners('upgrade'); server.on('upgrade', (q, s) => s.end('HTTP/1.1 503 No\\r\\nContent-Length: 0\\r\\n\\r\\n'));",
            "upgrade-refused",
        ),
        (
            "server.removeAllListeners('upgrade'); server.on('upgrade', (q, s) => s.end('HTTP/1.1 400 Bad Request\\r\\nContent-Type: application/json\\r\\nContent-Length: 34\\r\\n\\r\\n{\"code\":3,\"message\":\"Bad request\"}'));",
            "upgrade-dropped",
        ),
        ("server.removeAllListeners('upgrade'); server.on('upgrade', () => {});", "upgrade-timeout"),
    ] {
        let server = socket_io(&sandbox, "", code);
        let url = format!("http://localhost:{} --timeout 1s", server.port);
        connect(&sandbox, &url).connects(&[warning]);
        connect(&sandbox, &format!("{url} --transport websocket")).fails("upgrade", warning, 1);
    }
}

#[test]
fn sessions_that_only_some_connections_know() {
    let sandbox = Sandbox::new();
    let balanced = |cookie: &str| {
        format!(
            "const nodes = [0, 1].map(() => {{ const one = http.createServer(); new Server(one); one.listen(0, '127.0.0.1'); return one; }});
             let turn = 0;
             const server = http.createServer((q, s) => {{
               const kept = {cookie} && /node=(\\d)/.exec(q.headers.cookie ?? '');
               const index = kept ? Number(kept[1]) : turn++ % 2;
               const to = http.request({{ port: nodes[index].address().port, host: '127.0.0.1', path: q.url, method: q.method, headers: q.headers }}, (a) => {{
                 if ({cookie}) a.headers['set-cookie'] = 'node=' + index;
                 s.writeHead(a.statusCode, a.headers); a.pipe(s);
               }});
               to.on('error', () => s.destroy()); q.pipe(to);
             }});
             listen(server);"
        )
    };
    let server = node(&sandbox, &balanced("false"));
    connect(&sandbox, &format!("http://localhost:{} --transport polling", server.port)).fails(
        "engine.io",
        "not-sticky",
        1,
    );
    let server = node(&sandbox, &balanced("true"));
    connect(&sandbox, &format!("http://localhost:{} --transport polling", server.port)).connects(&["sticky-by-cookie"]);
}

#[test]
fn a_browsers_rules_are_warnings() {
    let sandbox = Sandbox::new();
    for (options, warnings) in [
        ("", &["cors-missing"][..]),
        ("cors: { origin: 'https://page.test' }", &[]),
        ("cors: { origin: '*', credentials: true }", &["cors-star-credentials"]),
        ("cors: { origin: 'https://other.test' }", &["cors-missing"]),
    ] {
        let server = socket_io(&sandbox, options, "");
        connect(&sandbox, &format!("http://localhost:{} --origin https://page.test", server.port)).connects(warnings);
    }
    let server = socket_io(&sandbox, "cors: { origin: '*' }", "");
    let run = connect(&sandbox, &format!("http://localhost:{} --origin https://page.example", server.port));
    run.connects(&["local-network-access"]);
}
