//! Each directive of a fix, pasted as it is printed: the finding is gone, and nothing worse came.

use crate::sandbox::{Background, Sandbox};
use crate::server::{Target, check, free_port, prepared, start_when_open};

/// The application behind the proxies: Socket.IO, and a page with what a proxy can mend.
fn application(sandbox: &Sandbox) -> Background {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
    let program = format!(
        "const server = require('http').createServer((req, res) => {{\n\
         res.setHeader('Strict-Transport-Security', 'max-age=86400'); res.setHeader('Content-Type', 'text/html');\n\
         res.setHeader('Server', 'demo/1.0');\n\
         res.setHeader('Set-Cookie', ['a=1', 'b=2; SameSite=None; Secure']); res.end('<p>hello') }});\n\
         new (require('{modules}/socket.io').Server)(server);\n\
         server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
    );
    sandbox.write("application.cjs", program);
    sandbox.start("node application.cjs", "ready on")
}

/// The directive for a program in a hint.
#[track_caller]
fn directive(target: &Target, id: &str, program: &str) -> String {
    let findings = target.0["findings"].as_array().expect("findings");
    let found =
        findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no {id}: {:#}", target.0));
    let hint = found["hint"].as_str().expect("a hint");
    let behind = [". ", "; "].iter().find_map(|mark| hint.split_once(&format!("{mark}{program}")));
    let (_, behind) = behind.unwrap_or_else(|| panic!("nothing for {program}: {hint}"));
    behind.split('`').nth(1).expect("a directive").to_owned()
}

/// Runs a server with a defect, and again with the directive in its place.
#[track_caller]
fn is_fixed(sandbox: &Sandbox, id: &str, program: &str, defect: &str, start: impl Fn(&str) -> (Background, u16)) {
    let broken = {
        let (_server, port) = start(defect);
        check(sandbox, port, "--trust rsa.pem")
    };
    let fix = directive(&broken, id, program);
    let (_server, port) = start(&fix);
    let fixed = check(sandbox, port, "--trust rsa.pem");
    let ids = |target: &Target| {
        let bad = [target.ids("error"), target.ids("warning")].concat();
        bad.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let all = [ids(&fixed), fixed.ids("note").into_iter().map(ToOwned::to_owned).collect()].concat();
    assert!(!all.contains(&id.to_owned()) && fixed.0["address"].is_string(), "{program}: {fix}\n{:#}", fixed.0);
    // What the defect hid may be seen now; what the application itself does wrong is known. CORS that names sites guards
    // no WebSockets, which is a finding of its own.
    let was = ids(&broken);
    let known = ["hsts-on-localhost", "cookie-not-secure", "upgrade-dropped", "no-tls1-3", "websocket-unguarded"];
    let new: Vec<_> = ids(&fixed).into_iter().filter(|id| !was.contains(id) && !known.contains(&id.as_str())).collect();
    assert!(new.is_empty(), "{program}: {fix} brings {new:?}");
}

#[test]
fn directives_of_nginx_work_as_printed() {
    let sandbox = prepared();
    let application = application(&sandbox);
    let start = |server: &str, location: &str| {
        let port = free_port();
        let dir = sandbox.path("").display().to_string();
        let conf = format!(
            "daemon off; pid {dir}/nginx-{port}.pid; error_log stderr; worker_processes 1; events {{}}\n\
             http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;\n\
             uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/rsa.pem; ssl_certificate_key {dir}/rsa.key;\n\
             {server}\nlocation / {{ proxy_pass http://127.0.0.1:{}; {location} }} }} }}\n",
            application.port
        );
        sandbox.write("nginx.conf", conf);
        (start_when_open(&sandbox, "nginx -c $PWD/nginx.conf -p $PWD", port), port)
    };
    for (id, defect) in [
        ("tls1-0", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;"),
        ("no-tls1-3", "ssl_protocols TLSv1.2;"),
        ("cbc-suites", ""),
        ("no-common-group", "ssl_ecdh_curve secp521r1;"),
        ("early-data", "ssl_early_data on; ssl_protocols TLSv1.2 TLSv1.3;"),
        ("client-certificate-required", "ssl_verify_client on; ssl_client_certificate rsa.pem;"),
        ("csp-missing", ""),
        ("nosniff-missing", ""),
        ("frame-ancestors-missing", ""),
        ("cookie-not-secure", ""),
        ("cookie-not-httponly", ""),
        ("hsts-on-localhost", ""),
        ("version-disclosed", ""),
    ] {
        is_fixed(&sandbox, id, "nginx", defect, |line| start(line, ""));
    }
    is_fixed(&sandbox, "upgrade-dropped", "nginx", "", |line| start("", line));
}

#[test]
fn directives_of_haproxy_work_as_printed() {
    let sandbox = prepared();
    let application = application(&sandbox);
    sandbox.write("full.pem", [sandbox.read("rsa.pem"), sandbox.read("rsa.key")].concat());
    let start = |global: &str, bind: &str, frontend: &str| {
        let port = free_port();
        let conf = format!(
            "global\n    {global}\ndefaults\n    mode http\n    timeout connect 5s\n    timeout client 9s\n    timeout server 9s\n\
             frontend front\n    bind 127.0.0.1:{port} ssl crt full.pem {bind}\n    {frontend}\n    default_backend back\n\
             backend back\n    server one 127.0.0.1:{}\n",
            application.port
        );
        sandbox.write("haproxy.cfg", conf);
        (start_when_open(&sandbox, "haproxy -f haproxy.cfg", port), port)
    };
    for (id, defect) in [
        ("tls1-0", "ssl-default-bind-options ssl-min-ver TLSv1.0\n    ssl-default-bind-ciphers ALL:@SECLEVEL=0"),
        ("no-tls1-3", "ssl-default-bind-options ssl-max-ver TLSv1.2"),
        ("cbc-suites", ""),
        ("no-common-group", "ssl-default-bind-curves P-521"),
    ] {
        is_fixed(&sandbox, id, "HAProxy", defect, |line| start(line, "", ""));
    }
    for (id, defect) in
        [("http2-only", "alpn h2 proto h2"), ("client-certificate-required", "verify required ca-file rsa.pem")]
    {
        is_fixed(&sandbox, id, "HAProxy", defect, |line| start("", line, ""));
    }
    for id in [
        "csp-missing",
        "nosniff-missing",
        "frame-ancestors-missing",
        "cookie-not-secure",
        "cookie-not-httponly",
        "hsts-on-localhost",
        "version-disclosed",
    ] {
        is_fixed(&sandbox, id, "HAProxy", "", |line| start("", "", line));
    }
}

/// Caddy has no blocks on one line, and takes settings of TLS from one block only.
#[test]
fn directives_of_caddy_work_as_printed() {
    let sandbox = prepared();
    let application = application(&sandbox);
    let start = |tls: &str, site: &str| {
        let port = free_port();
        let conf = format!(
            "{{\n    admin off\n    auto_https disable_redirects\n}}\nhttps://localhost:{port} {{\n    bind 127.0.0.1\n    \
             tls rsa.pem rsa.key {{\n        {tls}\n    }}\n    {site}\n    reverse_proxy 127.0.0.1:{}\n}}\n",
            application.port
        );
        sandbox.write("Caddyfile", conf);
        (start_when_open(&sandbox, "caddy run --config Caddyfile --adapter caddyfile", port), port)
    };
    for (id, defect) in [
        ("no-tls1-3", "protocols tls1.2 tls1.2"),
        ("cbc-suites", "ciphers TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ("no-common-group", "curves secp521r1"),
    ] {
        is_fixed(&sandbox, id, "Caddy", defect, |line| start(line, ""));
    }
    for id in ["csp-missing", "nosniff-missing", "frame-ancestors-missing"] {
        is_fixed(&sandbox, id, "Caddy", "", |line| start("", line));
    }
    is_fixed(&sandbox, "hsts-on-localhost", "Caddy", "header Strict-Transport-Security max-age=9", |line| {
        start("", line)
    });
}

#[test]
fn directives_of_node_work_as_printed() {
    let sandbox = prepared();
    let start = |tls: &str, io: &str| {
        let inside = |line: &str, call: &str| {
            let options = line.strip_prefix(call).and_then(|rest| rest.strip_suffix(" })")).unwrap_or(line);
            options.trim_end_matches('…').trim_end().trim_end_matches(',').to_owned()
        };
        let (tls, io) = (inside(tls, "https.createServer({ "), inside(io, "new Server(httpServer, { "));
        let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/node_modules");
        let program = format!(
            "const fs = require('fs');\n\
             const pem = {{ key: fs.readFileSync('rsa.key'), cert: fs.readFileSync('rsa.pem') }};\n\
             const server = require('https').createServer({{ ...pem, {tls} }}, (req, res) => res.end('ok'));\n\
             new (require('{modules}/socket.io').Server)(server, {{ {io} }});\n\
             server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port));\n"
        );
        sandbox.write("fixed.cjs", program);
        let server = sandbox.start("node fixed.cjs", "ready on");
        let port = server.port;
        (server, port)
    };
    for (id, defect) in [
        ("tls1-0", "minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0'"),
        ("no-tls1-3", "maxVersion: 'TLSv1.2'"),
        ("cbc-suites", ""),
        ("no-common-group", "ecdhCurve: 'P-521'"),
        ("client-certificate-required", "requestCert: true"),
    ] {
        is_fixed(&sandbox, id, "Node", defect, |line| start(line, ""));
    }
    for (id, defect) in [
        ("cors-any-origin", "cors: { origin: true, credentials: true }"),
        ("cors-star-credentials", "cors: { origin: '*', credentials: true }"),
        ("slow-heartbeat", "pingInterval: 60000"),
        ("websocket-any-origin", ""),
    ] {
        is_fixed(&sandbox, id, "in the application", defect, |line| start("", line));
    }
}
