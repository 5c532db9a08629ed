//! The fields of requests and answers: which are passed on, which are removed, and which are replaced.

use crate::peer::{Client, OK, next, proxy, recorder};
use crate::sandbox::Sandbox;

#[test]
fn fields_for_one_connection_are_not_passed_to_the_server() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send(
        "GET /a HTTP/1.1\r\nHost: app.test\r\nConnection: close, X-One\r\nConnection: X-Two\r\nX-One: 1\r\nX-Two: 2\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\nX-Kept: 3\r\n\r\n",
    );
    assert!(client.rest().ends_with("ok"));
    let seen = next(&requests).to_lowercase();
    for gone in ["x-one", "x-two", "keep-alive", "proxy-connection", "\r\nte:", "upgrade", "connection: close"] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
    assert!(seen.contains("\r\nx-kept: 3\r\n") && seen.contains("\r\nhost: app.test\r\n"), "{seen}");
}

/// RFC 9110 section 7.6.1: a client must not take away what the server is to go by.
#[test]
fn connection_takes_nothing_away_that_the_server_goes_by() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send(
        "POST / HTTP/1.1\r\nHost: app.test\r\nConnection: Content-Length, Host, Cookie, Authorization, X-Forwarded-For\r\n\
         Cookie: a=b\r\nAuthorization: Basic eA==\r\nContent-Length: 4\r\n\r\nbody",
    );
    client.head();
    let seen = next(&requests).to_lowercase();
    for kept in ["content-length: 4", "host: app.test", "cookie: a=b", "authorization: basic", "x-forwarded-for: 127."]
    {
        assert!(seen.contains(&format!("\r\n{kept}")), "{kept}: {seen}");
    }
    assert!(seen.ends_with("body"), "{seen}");
}

#[test]
fn fields_for_one_connection_are_not_passed_to_the_client() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder(
        "HTTP/1.1 200 OK\r\nConnection: X-Secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: x\r\nUpgrade: h2\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    let head = client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    for gone in ["x-secret", "keep-alive", "proxy-connection", "upgrade"] {
        assert!(!head.contains(gone), "{gone}: {head}");
    }
    assert!(head.contains("\r\nx-kept: 1\r\n"), "{head}");
}

/// RFC 9112 section 3.2.2: a server that goes by Host would otherwise answer for another host than the proxy.
#[test]
fn the_authority_of_an_absolute_target_is_the_host() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("GET http://real.test/path?q=1 HTTP/1.1\r\nHost: other.test\r\n\r\n").head();
    let seen = next(&requests).to_lowercase();
    assert!(seen.starts_with("get /path?q=1 http/1.1\r\n") && seen.contains("\r\nhost: real.test\r\n"), "{seen}");
}

/// A client must not describe itself as a proxy describes it, in whatever spelling servers take for the same.
#[test]
fn what_a_client_says_of_itself_is_not_passed_on() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send(
        "POST / HTTP/1.1\r\nHost: app.test:3000\r\nX-Forwarded-For: 9.9.9.9\r\nX_Forwarded_For: 9.9.9.9\r\n\
         X_Forwarded-Proto: http\r\nX-Real_IP: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-Port: 99\r\n\
         TE: trailers\r\nTrailer: X-Forwarded-For, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nab\r\n0\r\nX-Forwarded-For: 9.9.9.9\r\nX-Sum: 1\r\n\r\n",
    );
    client.head();
    let seen = next(&requests).to_lowercase();
    for gone in ["9.9.9.9", "proto: http\r\n", "x-forwarded-port", "\r\nforwarded:"] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
    for line in
        ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: https", "x-forwarded-host: app.test:3000", "x-sum: 1"]
    {
        assert_eq!(seen.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line}: {seen}");
    }
}

/// The probes of HAProxy name no host.
#[test]
fn a_client_of_http_1_0_need_not_name_a_host() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder("HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send("OPTIONS /up HTTP/1.0\r\n\r\n").head();
    assert!(head.starts_with("http/1.0 302 ") && head.contains("\r\nlocation: http://localhost/\r\n"), "{head}");
    let seen = next(&requests).to_lowercase();
    assert!(seen.contains(&format!("\r\nhost: localhost:{port}\r\n")) && !seen.contains("forwarded-host"), "{seen}");
}

/// RFC 9110 section 8.6: over HTTP/2 nobody has to say that a body is empty, and some servers wait for one.
#[test]
fn an_empty_body_is_said_to_be_empty() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for (method, said) in [("POST", 1), ("PATCH", 1), ("DELETE", 0), ("GET", 0)] {
        sandbox.ok(&format!("curl -sk --http2 -X {method} {}/", proxy.url()));
        let seen = next(&requests).to_lowercase();
        assert_eq!(seen.matches("\r\ncontent-length: 0\r\n").count(), said, "{seen}");
        assert!(!seen.contains("transfer-encoding"), "{seen}");
    }
}

/// A path is the server's to read: nothing is decoded, joined or cleaned.
#[test]
fn paths_are_passed_as_they_are() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for path in ["/a//b/../c/%2e%2e/%2F?x=%20&y=a+b", "/", "/%E2%82%AC;v=1?", "//evil.test/x"] {
        let mut client = Client::connect(&proxy);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).head();
        assert!(next(&requests).starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{path}");
    }
    let mut client = Client::connect(&proxy);
    client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert!(next(&requests).starts_with("OPTIONS * HTTP/1.1\r\n"));
}

#[test]
fn what_is_no_request_for_one_host_is_refused() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    ] {
        let mut client = Client::connect(&proxy);
        let head = client.send(request).head();
        assert!(head.starts_with("http/1.1 400 "), "{request}: {head}");
    }
    assert!(requests.try_recv().is_err());
}

/// Each cookie has a line of its own (RFC 6265 section 3): a comma is part of a date.
#[test]
fn cookies_are_never_joined_and_never_lost() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Thu, 01 Jan 2032 00:00:00 GMT\r\nSet-Cookie: b=2; SameSite=None\r\n\
         Set-Cookie: c=3; SECURE\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    let cookies: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    assert_eq!(
        cookies,
        ["a=1; expires=thu, 01 jan 2032 00:00:00 gmt; secure", "b=2; samesite=none; secure", "c=3; secure",]
    );
}

/// A URL by which the server knows itself is not one for the client.
#[test]
fn urls_of_the_server_lead_to_the_proxy() {
    let sandbox = Sandbox::new();
    let port = crate::peer::server(|_, mut tcp| {
        use std::io::Write;
        let own = format!("http://127.0.0.1:{}", tcp.local_addr().unwrap().port());
        crate::peer::head(&mut tcp);
        let answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: {own}/l\r\nContent-Location: {own}/c\r\nRefresh: 5; url={own}/r\r\n\
             Link: <{own}/n>; rel=next, <http://other.test/>; rel=x\r\nContent-Length: 0\r\n\r\n"
        );
        tcp.write_all(answer.as_bytes()).unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: app.test:3000\r\n\r\n").head();
    for line in [
        "location: https://app.test:3000/l",
        "content-location: https://app.test:3000/c",
        "refresh: 5; url=https://app.test:3000/r",
        "link: <https://app.test:3000/n>; rel=next, <http://other.test/>; rel=x",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
}

/// No answer to these has a body, whatever its fields say: the next answer begins right behind the head.
#[test]
fn answers_without_a_body_have_none() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n");
    let head_only = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&head_only);
    for _ in 0..2 {
        let head = client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").head();
        assert!(head.starts_with("http/1.1 200 ") && head.contains("\r\ncontent-length: 1000\r\n"), "{head}");
    }
    for status in ["204 No Content", "304 Not Modified"] {
        let answer: &'static str = format!("HTTP/1.1 {status}\r\nETag: x\r\n\r\n").leak();
        let (port, _requests) = recorder(answer);
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        let mut client = Client::connect(&proxy);
        for _ in 0..2 {
            let head = client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
            assert!(head.starts_with(&format!("http/1.1 {}", &status[..3])), "{head}");
        }
    }
}

/// An old client closes the connection by itself, and knows no chunks.
#[test]
fn a_client_of_http_1_0_is_served() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let answer = Client::connect(&proxy).send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").rest().to_lowercase();
    assert!(answer.ends_with("\r\n\r\nok") && !answer.contains("transfer-encoding"), "{answer}");
    assert!(next(&requests).starts_with("GET / HTTP/1.1\r\n"));
}

/// A head that is too long is refused by name, as long as the client sends it.
#[test]
fn lines_that_are_too_long_are_refused() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let long = "x".repeat(17 * 1024);
    let several = format!("X: {}\r\n", "x".repeat(5 * 1024)).repeat(6);
    for (line, fields, status) in [
        ("/", format!("X: {long}\r\n"), 431),
        (&format!("/{long}")[..], String::new(), 414),
        ("/", format!("X: {}\r\n", "x".repeat(1 << 20)), 431),
        ("/", several, 200),
    ] {
        let head = Client::connect(&proxy).send(format!("GET {line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).head();
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{status}: {head}");
    }
    assert_eq!(requests.try_iter().count(), 1);
}

/// Single sign-on and tracing give requests many fields. nginx passes a thousand; hyper's own limit is a hundred.
#[test]
fn a_head_of_many_fields_passes() {
    let sandbox = Sandbox::new();
    let fields = (0..900).map(|number| format!("X{number}: 1\r\n")).collect::<Vec<_>>().concat();
    let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok").leak();
    let (port, requests) = recorder(answer);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).head();
    assert!(head.starts_with("http/1.1 200 ") && head.contains("\r\nx899: 1\r\n"), "{head}");
    let seen = next(&requests).to_lowercase();
    assert!(seen.contains("\r\nx0: 1\r\n") && seen.contains("\r\nx899: 1\r\n"), "{seen}");
}

/// A search with a body (RFC 9110 section 9.3.1) whose length nobody says: by chunks, or over HTTP/2.
#[test]
fn a_body_of_get_without_a_length_is_passed_on() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let mut client = Client::connect(&proxy);
        let request =
            format!("{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
        assert!(client.send(request).head().starts_with("http/1.1 200 "), "{method}");
        let seen = next(&requests);
        assert!(seen.ends_with("\r\n\r\n4\r\nbody\r\n0\r\n\r\n"), "{method}: {seen}");
    }
    let line = format!("curl -sk --http2 -X GET -H Content-Length: -T - {}/", proxy.url());
    assert_eq!(sandbox.run_with(&line, "body").success().stdout_text(), "ok");
    let seen = next(&requests);
    assert!(seen.ends_with("4\r\nbody\r\n0\r\n\r\n"), "{seen}");
}

/// A name with the dot of the DNS root is the same name.
#[test]
fn a_host_with_a_final_dot_has_its_route() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to api.test={port}"));
    for (host, status) in [("api.test", 200), ("API.test.:3000", 200), ("api.test.x", 404)] {
        let head = Client::connect(&proxy).send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).head();
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{host}: {head}");
    }
    assert_eq!(requests.try_iter().count(), 2);
}
