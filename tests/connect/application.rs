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
    let sandbox = Sandbox::new();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    for options in ["", ", { transports: ['websocket'] }"] {
        let server = node(
            &sandbox,
            &format!(
                "const server = http.createServer(); require('{modules}/socket.io-2')(server{options}); listen(server);"
            ),
        );
        let url = format!("http://localhost:{}", server.port);
        let polled = if options.is_empty() { "eio-version-3" } else { "eio-transport-unknown" };
        connect(&sandbox, &url).fails("engine.io", polled, 1);
        connect(&sandbox, &format!("{url} --transport websocket")).fails("engine.io", "eio-version-3", 1);
    }
    // The one with characters counted in front, cut off.
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
    // All of --timeout was waited for, which is 10 s, before the session on polling was used.
    let silent = "server.removeAllListeners('upgrade'); server.on('upgrade', () => {});";
    let server = socket_io(&sandbox, "", silent);
    let run = connect(&sandbox, &format!("http://localhost:{}", server.port));
    run.connects(&["upgrade-timeout"]);
    let end = run.of_type("end").next().expect("an end");
    assert!(end["seconds"].as_f64().is_some_and(|seconds| seconds < 8.0), "{end:#}");
}

/// The session and the transport stand: only the packets are of another form.
#[test]
fn a_parser_that_cannot_read_the_connect_is_thought_of() {
    let sandbox = Sandbox::new();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let server = socket_io(&sandbox, &format!("parser: require('{modules}/socket.io-msgpack-parser')"), "");
    let run = connect(&sandbox, &format!("http://localhost:{}", server.port));
    run.fails("event", "server-disconnect", 1);
    let finding = run.of_type("finding").next().expect("a finding");
    assert!(finding["hint"].as_str().is_some_and(|hint| hint.contains("socket.io-msgpack-parser")), "{finding:#}");
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

#[test]
fn redirects_in_a_circle_are_told_from_those_to_elsewhere() {
    let to = |location: &str| format!("s.writeHead(302, {{ location: {location} }}); s.end()");
    answers(&to("q.url.includes('x=1') ? q.url.replace('&x=1', '') : q.url + '&x=1'"), "", "http", "redirect-loop");
    answers(&to("q.url.startsWith('/login') ? '/login/' : '/login'"), "", "http", "redirected");
    answers(&to("q.url.replace('/socket.io/', '/socket.io')"), "", "http", "redirected");
    answers(&to("'https://login.example/?next=' + q.url"), "", "http", "redirected");
    // HAProxy's `redirect scheme https` keeps the port, on which nothing speaks TLS.
    answers(&to("'https://' + q.headers.host + q.url"), "", "http", "redirected");
}

/// An app that wants X-Forwarded-Proto from its proxy, which does not send it.
#[test]
fn a_circle_for_want_of_x_forwarded_proto_says_so() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let server = node(
        &sandbox,
        "listen(https.createServer(pem, (q, s) => { if (q.headers['x-forwarded-proto'] === 'https') return s.end('ok');
           s.writeHead(301, { location: 'https://' + q.headers.host + q.url }); s.end(); }));",
    );
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.fails("http", "redirect-loop", 1);
    assert!(
        run.documents.iter().any(|one| one["hint"].as_str().is_some_and(|hint| hint.contains("X-Forwarded-Proto")))
    );
}

#[test]
fn x_forwarded_proto_of_a_stranger_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let app = |trust: &str| {
        format!(
            "const app = require('{modules}/express')(); app.set('trust proxy', {trust});
             app.use((q, s, next) => q.secure ? next() : s.redirect('https://' + q.hostname + q.url)); app.get('/', (q, s) => s.send('page'));
             const server = https.createServer(pem, app); new Server(server); listen(server);"
        )
    };
    let server = node(&sandbox, &app("true"));
    let url = |port: u16| format!("https://localhost:{port} --trust server-cert.pem");
    connect(&sandbox, &url(server.port)).connects(&["forwarded-proto-believed"]);
    connect(&sandbox, &format!("{} --transport websocket", url(server.port))).connects(&["forwarded-proto-believed"]);
    let server = node(&sandbox, &app("false"));
    connect(&sandbox, &url(server.port)).connects(&[]);
    // Behind a middleware of the http server, before Engine.IO; the page itself is never answered.
    let server = node(
        &sandbox,
        "const server = https.createServer(pem); new Server(server); const own = server.listeners('request'); server.removeAllListeners('request');
         server.on('request', (q, s) => { if (q.headers['x-forwarded-proto'] === 'http') { s.writeHead(301, { location: 'https://' + q.headers.host + q.url }); return s.end(); }
           own.forEach((one) => one.call(server, q, s)); }); listen(server);",
    );
    connect(&sandbox, &url(server.port)).connects(&["forwarded-proto-believed"]);
}

/// `ws` answers polling with 426, 404 or never, depending on the http server that it is attached to.
#[test]
fn plain_websocket_servers_are_named() {
    let sandbox = Sandbox::new();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    for program in [
        "const server = http.createServer(); new WebSocketServer({ server }); listen(server);",
        "const server = http.createServer((q, s) => { s.writeHead(404); s.end(); }); new WebSocketServer({ server }).on('connection', (c) => c.send('welcome')); listen(server);",
        "const ws = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => console.log('ready on :' + ws.address().port));",
    ] {
        let server = node(&sandbox, &format!("const {{ WebSocketServer }} = require('{modules}/ws'); {program}"));
        let url = format!("http://localhost:{} --timeout 3s", server.port);
        connect(&sandbox, &url).fails("engine.io", "not-engine-io", 1);
        // It says nothing, and was waited for until the time was up.
        let run = connect(&sandbox, &format!("{url} --transport websocket"));
        run.fails("engine.io", "not-engine-io", 1);
        assert!(run.of_type("end").all(|end| end["seconds"].as_f64().unwrap() < 2.0), "{:?}", run.documents);
    }
}

#[test]
fn a_path_that_is_not_socket_ios_names_the_one_that_is() {
    let sandbox = Sandbox::new();
    for handler in ["", "(q, s) => { s.writeHead(404); s.end(); }"] {
        let server = node(
            &sandbox,
            &format!("const server = http.createServer({handler}); new Server(server); listen(server);"),
        );
        let run = connect(&sandbox, &format!("http://localhost:{} --path /ws/ --timeout 1s", server.port));
        if handler.is_empty() {
            run.fails("http", "http-timeout", 2)
        } else {
            run.fails("http", "http-not-found", 1)
        };
        assert!(run.documents.iter().any(|one| one["hint"].as_str().is_some_and(|hint| hint.contains("/socket.io/"))));
    }
}

#[test]
fn transports_that_the_server_lacks_are_named() {
    let sandbox = Sandbox::new();
    let server = socket_io(&sandbox, "transports: ['polling']", "");
    let url = format!("http://localhost:{}", server.port);
    connect(&sandbox, &url).connects(&[]);
    connect(&sandbox, &format!("{url} --transport websocket")).fails("engine.io", "eio-transport-unknown", 1);
    let server = socket_io(&sandbox, "allowRequest: (q, next) => next(null, q.url.includes('polling'))", "");
    let run = connect(&sandbox, &format!("http://localhost:{} --transport websocket", server.port));
    run.fails("engine.io", "eio-forbidden", 1);
}

/// Each answer opens a session that the next request does not find, as where a server restarts again and again.
#[test]
fn a_session_that_is_forgotten_at_once() {
    let forgets = "if (q.url.includes('sid=')) { s.writeHead(400); return s.end('{\"code\":1,\"message\":\"Session ID unknown\"}'); }
                   s.end('0{\"sid\":\"' + Math.random() + '\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}')";
    answers(forgets, "", "engine.io", "eio-session-unknown");
}

#[test]
fn upgrades_that_are_closed_or_answered_twice() {
    let sandbox = Sandbox::new();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let second = format!("new (require('{modules}/ws').WebSocketServer)({{ server, path: '/other' }});");
    let closed = "server.removeAllListeners('upgrade'); server.on('upgrade', (q, s) => s.destroy());";
    let answered = "server.removeAllListeners('upgrade'); server.on('upgrade', (q, s) => s.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: AAAA\\r\\n\\r\\n'));";
    for (code, warning) in
        [(second.as_str(), "upgrade-broken"), (closed, "upgrade-refused"), (answered, "upgrade-refused")]
    {
        let server = socket_io(&sandbox, "", code);
        let url = format!("http://localhost:{} --timeout 2s", server.port);
        connect(&sandbox, &url).connects(&[warning]);
        connect(&sandbox, &format!("{url} --transport websocket")).fails("upgrade", warning, 1);
    }
}

/// Text behind a 101 once was taken for the head of a long frame, and waited for until the time was over.
#[test]
fn text_in_place_of_frames_is_found_at_once() {
    let sandbox = Sandbox::new();
    let accept = "require('crypto').createHash('sha1').update(q.headers['sec-websocket-key'] + \
                  '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')";
    let switch = "'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: '";
    for text in ["hello, this is text", "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"] {
        for (with_head, later) in [(text, ""), ("", text)] {
            let server = socket_io(
                &sandbox,
                "",
                &format!(
                    "server.removeAllListeners('upgrade'); server.on('upgrade', (q, s) => {{
                       s.write({switch} + {accept} + '\\r\\n\\r\\n{with_head}'); setTimeout(() => s.write('{later}'), 50); }});"
                ),
            );
            let url = format!("http://localhost:{} --timeout 8s", server.port);
            let run = connect(&sandbox, &url);
            run.connects(&["upgrade-broken"]);
            let seconds = run.documents.last().and_then(|end| end["seconds"].as_f64()).expect("a time");
            assert!(seconds < 4.0, "{seconds}");
            connect(&sandbox, &format!("{url} --transport websocket")).fails("upgrade", "upgrade-broken", 1);
        }
    }
}

/// A second WebSocket server for all paths takes the connection that Socket.IO has taken, and throws: Node ends.
#[test]
fn a_server_that_ends_with_the_upgrade() {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let second = format!("new (require('{modules}/ws').WebSocketServer)({{ server }});");
    for flags in ["", "--transport websocket"] {
        let sandbox = Sandbox::new();
        let server = socket_io(&sandbox, "", &second);
        let url = format!("http://localhost:{} {flags}", server.port);
        connect(&sandbox, &url).fails("upgrade", "upgrade-broken", 1);
    }
}

/// A WebSocket server that was created before Socket.IO refuses the paths that are not its own.
#[test]
fn a_websocket_server_for_another_path_is_named_in_the_fix() {
    let sandbox = Sandbox::new();
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let server = node(
        &sandbox,
        &format!(
            "const server = http.createServer(); new (require('{modules}/ws').WebSocketServer)({{ server, path: '/other' }});
             new Server(server); listen(server);"
        ),
    );
    let run = connect(&sandbox, &format!("http://localhost:{}", server.port));
    run.connects(&["upgrade-refused"]);
    let hint = run.of_type("finding").find_map(|finding| finding["hint"].as_str()).expect("a hint");
    assert!(hint.contains("noServer"), "{hint}");
}

#[test]
fn a_pages_scheme_and_hsts_are_warnings() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let server = socket_io(&sandbox, "cors: { origin: '*' }", "");
    let url = format!("http://app.test:{0} --resolve app.test:{0}:127.0.0.1 --origin https://page.test", server.port);
    connect(&sandbox, &url).connects(&["mixed-content"]);
    for (age, warnings) in [("63072000", &["hsts-on-localhost"][..]), ("0", &[])] {
        let server = node(
            &sandbox,
            &format!(
                "const server = https.createServer(pem), io = new Server(server);
                 io.engine.on('headers', (all) => {{ all['Strict-Transport-Security'] = 'max-age={age}'; }}); listen(server);"
            ),
        );
        connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port)).connects(warnings);
    }
}
