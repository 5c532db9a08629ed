//! The URL, names and connections.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::sandbox::Sandbox;
use crate::{connect, node};

/// A server that says this to each connection, and then closes it; with nothing to say and `holds`, it waits.
pub(crate) fn raw(first: &'static [u8], answer: &'static [u8], holds: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = tcp.write_all(first);
                if holds || !answer.is_empty() {
                    let mut read = [0; 4_096];
                    while let Ok(1..) = tcp.read(&mut read) {
                        if !answer.is_empty() {
                            let _ = tcp.write_all(answer);
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

#[test]
fn what_is_no_url_has_the_nearest_one() {
    let run = connect(&Sandbox::new(), "htps://localhost:3000");
    run.fails("address", "bad-url", 2);
    assert!(
        run.documents
            .iter()
            .any(|one| one["hint"].as_str().is_some_and(|hint| hint.contains("https://localhost:3000")))
    );
}

#[test]
fn a_name_without_an_address_is_said_to_have_none() {
    connect(&Sandbox::new(), "https://nobody.invalid").fails("dns", "name-not-found", 2);
}

#[test]
fn a_port_on_which_nothing_listens_is_refused() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
    connect(&Sandbox::new(), &format!("https://127.0.0.1:{port}")).fails("tcp", "refused", 2);
}

#[test]
fn a_given_address_is_not_looked_up() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
    let run = connect(&Sandbox::new(), &format!("https://app.example:{port} --resolve app.example:{port}:127.0.0.1"));
    run.fails("tcp", "refused", 2);
}

#[test]
fn a_connection_that_is_closed_before_a_word() {
    let port = raw(b"", b"", false);
    connect(&Sandbox::new(), &format!("https://localhost:{port}")).fails("tls", "closed-at-once", 2);
    // A reset may overtake the end of the connection's own handshake, and was taken for one after the ClientHello.
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let server = node(&sandbox, "listen(net.createServer((socket) => socket.resetAndDestroy()));");
    for _ in 0..8 {
        connect(&sandbox, &format!("https://localhost:{}", server.port)).fails("tls", "closed-at-once", 2);
    }
}

#[test]
fn another_protocol_is_named_by_its_greeting() {
    let port = raw(b"SSH-2.0-OpenSSH_9.2p1\r\n", b"", false);
    let run = connect(&Sandbox::new(), &format!("https://localhost:{port}"));
    run.fails("tls", "not-tls", 2);
    assert!(run.of_type("finding").any(|one| one["message"].as_str().is_some_and(|text| text.contains("SSH"))));
}

#[test]
fn plain_http_behind_https_is_named() {
    let port = raw(b"", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true);
    connect(&Sandbox::new(), &format!("https://localhost:{port}")).fails("tls", "plain-http", 2);
}

#[test]
fn a_hello_without_an_answer_is_a_timeout() {
    let port = raw(b"", b"", true);
    connect(&Sandbox::new(), &format!("https://localhost:{port} --timeout 1s")).fails("tls", "tls-timeout", 2);
}

#[test]
fn names_that_browsers_never_ask_in_plain_http_are_warned_about() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
    let run = connect(&Sandbox::new(), &format!("http://my.dev:{port} --resolve my.dev:{port}:127.0.0.1"));
    assert_eq!(run.fails("tcp", "refused", 2).codes("warning"), ["hsts-preloaded"]);
}

#[test]
fn a_proxy_that_is_not_there_is_said_to_be_it() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_secure-io"));
    command.args(["connect", "--json", "https://app.example"]).env("HTTPS_PROXY", "http://127.0.0.1:9");
    let outcome = sandbox.finish("secure-io connect", &mut command, b"");
    assert!(outcome.stdout_text().contains(r#""code":"proxy-refused""#), "{}", outcome.stdout_text());
}

/// Runs `connect --json` where the network is this script's: a namespace of its own, whose resolver is 127.0.0.53.
fn in_a_namespace(prepare: &str, arguments: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("resolv.conf", "nameserver 127.0.0.53\n");
    let silent = "import socket,sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.53', 53))\nprint('bound', flush=True)\ns.recvfrom(512)\nsys.stdin.read()";
    sandbox.write("silent.py", silent);
    let binary = env!("CARGO_BIN_EXE_secure-io");
    sandbox.write(
        "run.sh",
        format!(
            "export PATH=$PATH:/usr/sbin:/sbin\nip link set lo up\n{prepare}\nmount --bind resolv.conf /etc/resolv.conf\n\
             {binary} connect --json {arguments} < /dev/null\nkill $(jobs -p) 2> /dev/null || true\n"
        ),
    );
    sandbox.run("unshare --user --map-root-user --net --mount bash run.sh").stdout_text()
}

#[track_caller]
fn says(documents: &str, code: &str) {
    assert!(documents.contains(&format!(r#""code":"{code}""#)) && documents.contains(r#""exit":2"#), "{documents}");
}

#[test]
fn a_resolver_that_does_not_answer_is_not_blamed_on_the_name() {
    let silent = "coproc python3 silent.py; read -r bound <&${COPROC[0]}";
    let said = in_a_namespace(silent, "https://app.example --timeout 1s");
    says(&said, "dns-timeout");
    assert!(said.contains("127.0.0.53"), "the resolver is named: {said}");
    // Nothing is bound there: the resolver's host says so, and getaddrinfo calls that temporary.
    says(&in_a_namespace("", "https://app.example"), "dns-timeout");
}

#[test]
fn hosts_without_a_route_are_unreachable() {
    says(&in_a_namespace("", "https://192.0.2.1"), "unreachable");
    says(&in_a_namespace("ip route add unreachable 192.0.2.0/24", "https://192.0.2.1"), "unreachable");
    says(&in_a_namespace("ip route add prohibit 192.0.2.0/24", "https://192.0.2.1"), "unreachable");
}

/// A server whose queue of connections is full answers no SYN, as a firewall that drops packets.
#[test]
fn packets_that_are_dropped_are_a_timeout() {
    let sandbox = Sandbox::new();
    let full = "import socket,sys\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen(0)\nport = s.getsockname()[1]\n\
                c = [socket.socket() for _ in range(4)]\n[x.setblocking(False) or x.connect_ex(('127.0.0.1', port)) for x in c]\n\
                print('ready on :%d' % port, flush=True)\nsys.stdin.read()";
    sandbox.write("full.py", full);
    let server = sandbox.start("python3 full.py", "ready on");
    for scheme in ["https", "http"] {
        let run = connect(&sandbox, &format!("{scheme}://127.0.0.1:{} --timeout 1s", server.port));
        run.fails("tcp", "connect-timeout", 2);
    }
}

#[test]
fn a_connection_that_ends_after_the_hello() {
    let sandbox = Sandbox::new();
    for end in ["destroy", "resetAndDestroy"] {
        let server = node(&sandbox, &format!("listen(net.createServer((s) => s.once('data', () => s.{end}())));"));
        connect(&sandbox, &format!("https://localhost:{}", server.port)).fails("tls", "tls-reset", 2);
    }
    // A forwarder that connects in vain for a while.
    let server = node(&sandbox, "listen(net.createServer((s) => setTimeout(() => s.destroy(), 300)));");
    connect(&sandbox, &format!("https://localhost:{}", server.port)).fails("tls", "closed-at-once", 2);
}

#[test]
fn plain_urls_to_what_is_no_http() {
    let sandbox = Sandbox::new();
    let url = |port: u16| format!("http://localhost:{port}");
    connect(&sandbox, &url(raw(b"", b"", false))).fails("tls", "closed-at-once", 2);
    connect(&sandbox, &url(raw(b"SSH-2.0-OpenSSH_9.2p1\r\n", b"", true))).fails("tls", "not-tls", 2);
    let server = node(&sandbox, "listen(net.createServer((s) => s.once('data', () => s.destroy())));");
    connect(&sandbox, &url(server.port)).fails("http", "bad-gateway", 2);
}

#[test]
fn localhost_with_two_servers_is_warned_about() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    sandbox.ok("secure-io gen-cert --quiet --name other localhost");
    let other = "const other = { key: fs.readFileSync('other-key.pem'), cert: fs.readFileSync('other-cert.pem') };";
    let twice = |first: &str, second: &str| {
        format!(
            "{other} const a = {first}, b = {second}; new Server(a); new Server(b); \
             a.listen(0, '127.0.0.1', () => b.listen(a.address().port, '::1', () => console.log('ready on :' + a.address().port)));"
        )
    };
    for (first, second, scheme) in [
        ("https.createServer(pem)", "https.createServer(other)", "https"),
        ("https.createServer(pem)", "http.createServer()", "https"),
        ("http.createServer()", "http.createServer()", "http"),
    ] {
        let server = node(&sandbox, &twice(first, second));
        let run = connect(&sandbox, &format!("{scheme}://localhost:{} --trust server-cert.pem", server.port));
        run.connects(&["other-server-on-address"]);
    }
    // One that hangs was not mentioned.
    for (first, scheme) in [("https.createServer(pem)", "https"), ("http.createServer()", "http")] {
        let program = twice(first, "require('net').createServer()").replace("new Server(b); ", "");
        let server = node(&sandbox, &program);
        let run = connect(&sandbox, &format!("{scheme}://localhost:{} --trust server-cert.pem", server.port));
        run.connects(&["other-server-on-address"]);
    }
    let server = node(&sandbox, &twice("http.createServer()", "https.createServer(pem)"));
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    assert_eq!(run.fails("tls", "plain-http", 2).codes("warning"), ["other-server-on-address"]);
    // The first one answers, but Socket.IO is on the other: nothing was said of that.
    let page = "https.createServer(pem, (request, response) => response.writeHead(404).end())";
    let program = twice(page, "https.createServer(pem)").replace("new Server(a); ", "");
    let server = node(&sandbox, &program);
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    assert_eq!(run.fails("http", "http-not-found", 1).codes("warning"), ["other-server-on-address"]);
}

#[test]
fn proxies_of_the_environment_pass_on_or_refuse() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet app.example");
    let through = |port: u16, flags: &str| {
        let mut command = sandbox.command("secure-io");
        command
            .args(["connect", "--json", "https://app.example", "--trust", "server-cert.pem"])
            .args(flags.split_whitespace());
        command.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
        sandbox.finish("secure-io connect", &mut command, b"").stdout_text()
    };
    // A proxy of another kind is not asked.
    let mut command = sandbox.command("secure-io");
    command.args(["connect", "--json", "https://app.example"]).env("HTTPS_PROXY", "socks5://127.0.0.1:9");
    let said = sandbox.finish("secure-io connect", &mut command, b"").stdout_text();
    assert!(said.contains("socks5://"), "{said}");
    says(&said, "proxy-refused");
    for answer in ["407 Proxy Authentication Required", "403 Forbidden"] {
        let server = node(
            &sandbox,
            &format!("listen(net.createServer((s) => s.once('data', () => s.end('HTTP/1.1 {answer}\\r\\n\\r\\n'))));"),
        );
        let said = through(server.port, "");
        says(&said, "proxy-refused");
        let fix = if answer.starts_with("407") { "USER:PASSWORD@127.0.0.1:" } else { "NO_PROXY=app.example" };
        assert!(said.contains(fix), "{said}");
    }
    let server = node(
        &sandbox,
        "const app = https.createServer(pem); new Server(app); app.listen(0, '127.0.0.1');
         const proxy = http.createServer();
         proxy.on('connect', (q, s) => { if (q.url !== 'app.example:443') return s.end('HTTP/1.1 400 No port\\r\\n\\r\\n'); const to = net.connect(app.address().port, '127.0.0.1', () => { s.write('HTTP/1.1 200 OK\\r\\n\\r\\n'); s.pipe(to).pipe(s); }); });
         listen(proxy);",
    );
    let said = through(server.port, "");
    assert!(said.contains(r#""exit":0"#), "{said}");
}
