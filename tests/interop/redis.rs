//! Servers that share their clients through Redis: ours beside Node's with `@socket.io/redis-adapter`, behind HAProxy, and
//! with each kind of Redis.

use std::net::TcpStream;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::node::script;
use crate::redis_server::{Redis, free_port};
use crate::sandbox::{Background, Program, Sandbox};

/// Two servers with one certificate.
fn servers(sandbox: &Sandbox, flags: &str) -> [Background; 2] {
    sandbox.ok("secure-io gen-cert --quiet");
    [(); 2].map(|()| sandbox.serve(flags))
}

#[test]
fn node_servers_and_ours_share_their_clients() {
    let (sandbox, redis) = (Sandbox::new(), Redis::start(&[]));
    let [one, two] = servers(&sandbox, &format!("--redis {}", redis.url()));
    let mut command = script(&sandbox, "redis-node.mjs");
    command.env("SECURE_IO_URL", one.url()).env("SECURE_IO_OTHER", two.url());
    command.env("SECURE_IO_CA", "server-cert.pem").env("REDIS_PORT", redis.port.to_string());
    sandbox.finish("node --test redis-node.mjs", &mut command, b"").success();
}

/// Sessions stay on the server that has them, and events reach the clients of both.
#[test]
fn two_servers_behind_haproxy_are_as_one() {
    let (sandbox, redis) = (Sandbox::new(), Redis::start(&[]));
    let flags = format!("--plain --trusted-proxy 127.0.0.1 --redis {}", redis.url());
    sandbox.ok("secure-io gen-cert --quiet");
    let ready = "Server, without TLS of its own, is running on http://localhost:";
    let [one, two] = [(); 2].map(|()| sandbox.start(&format!("secure-io serve --port 0 {flags}"), ready));
    let both = [sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")].concat();
    sandbox.write("both.pem", both);
    let port = free_port();
    sandbox.write(
        "haproxy.cfg",
        format!(
            "defaults\n mode http\n timeout client 60s\n timeout server 60s\n \
             timeout connect 5s\n timeout tunnel 1h\nfrontend f\n bind 127.0.0.1:{port} ssl crt both.pem alpn http/1.1\n \
             option forwardfor\n http-request set-header X-Forwarded-Proto https\n default_backend b\nbackend b\n \
             balance hdr(x-client)\n hash-type consistent\n option httpchk GET /readyz\n server one 127.0.0.1:{} check\n server two 127.0.0.1:{} check\n",
            one.port, two.port
        ),
    );
    let mut haproxy = sandbox.command("/usr/sbin/haproxy");
    haproxy.args(["-db", "-f", "haproxy.cfg"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut haproxy = Program::start(&mut haproxy);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(!haproxy.has_ended(), "HAProxy has ended");
        sleep(Duration::from_millis(20));
    }
    let mut command = script(&sandbox, "several.mjs");
    command.env("SECURE_IO_URL", format!("https://localhost:{port}")).env("SECURE_IO_CA", "server-cert.pem");
    sandbox.finish("node --test several.mjs", &mut command, b"").success();
}

/// Debian's Redis demands a certificate of its clients unless it is told otherwise.
#[test]
fn redis_over_tls_and_what_is_said_when_it_is_not_trusted() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    sandbox.ok("secure-io gen-cert --quiet --name client --purpose client me.test");
    let file = |name: &str| sandbox.path(name).display().to_string();
    let (cert, key, clients) = (file("server-cert.pem"), file("server-key.pem"), file("client-cert.pem"));
    let port = free_port().to_string();
    let flags = ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &clients];
    let redis = Redis::in_folder(tempfile::tempdir().unwrap(), port.parse().unwrap(), &flags);
    let url = format!("rediss://localhost:{}", redis.port);
    let serve = |flags: &str| sandbox.run(&format!("secure-io serve --port 0 {flags}")).exits(2).stderr;
    let said = serve(&format!("--redis {url}"));
    assert!(
        said.contains(&format!("cannot use {url}: its certificate is not from a CA that is trusted here")),
        "{said}"
    );
    assert!(said.contains("--redis-ca"), "{said}");
    let said = serve(&format!("--redis {url} --redis-ca server-cert.pem"));
    assert!(said.contains(&format!("cannot use {url}: it demands a certificate")), "{said}");
    let said = serve(&format!("--redis redis://localhost:{}", redis.port));
    assert!(said.contains("error: cannot use redis://"), "{said}");
    let ours =
        format!("--redis {url} --redis-ca server-cert.pem --redis-cert client-cert.pem --redis-key client-key.pem");
    let server = sandbox.serve(&ours);
    sandbox.ok(&format!("kill {}", server.id()));
    let (status, log) = server.end();
    assert!(status.success(), "{log}");
}
