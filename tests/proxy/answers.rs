//! Answers that are corrected, refused, or passed on before they are whole.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::{Client, head, proxy, recorder, server};
use crate::sandbox::Sandbox;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// RFC 9112 section 5.1: the space before a colon is removed from an answer, where a request with one is refused.
#[test]
fn space_before_a_colon_is_removed() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder("HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send(GET).head();
    assert!(head.starts_with("http/1.1 200 ") && head.contains("\r\nx-a: 1\r\n"), "{head}");
}

/// A client that asked for a WebSocket gets that, or nothing.
#[test]
fn a_change_to_another_protocol_is_refused() {
    let sandbox = Sandbox::new();
    let (port, _requests) =
        recorder("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nsecret");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n");
    let answer = client.rest();
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.contains("secret"), "{answer}");
}

/// A refusal is looked into for the words of dev servers, and not held back for that.
#[test]
fn a_refusal_is_passed_on_before_its_body() {
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n").unwrap();
        thread::sleep(Duration::from_secs(2));
        tcp.write_all(b"no").unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    let start = Instant::now();
    assert!(client.send(GET).head().starts_with("http/1.1 403 "));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(client.until("no"), "no");
}

#[test]
fn urls_of_the_server_lead_to_the_proxy_in_all_their_forms() {
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        let own = format!("localhost:{}", tcp.local_addr().unwrap().port());
        for fields in [
            format!("Location: //{own}/x\r\nRefresh: 0;URL='http://{own}'"),
            format!("Location: //other.test/x\r\nRefresh: 0; url=/go?to=http://{own}/x"),
            format!("Location: /go?to=http://{own}/x\r\nRefresh: 5"),
        ] {
            let Some(_) = head(&mut tcp) else { return };
            let answer = format!("HTTP/1.1 302 Found\r\n{fields}\r\nContent-Length: 0\r\n\r\n");
            tcp.write_all(answer.as_bytes()).unwrap();
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    for lines in [
        ["location: https://app.test/x".to_owned(), "refresh: 0;url='https://app.test'".to_owned()],
        ["location: //other.test/x".to_owned(), format!("refresh: 0; url=/go?to=http://localhost:{port}/x")],
        [format!("location: /go?to=http://localhost:{port}/x"), "refresh: 5".to_owned()],
    ] {
        let head = client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").head();
        for line in lines {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
    }
}

/// helmet sends it by default: a browser would use https for every other port of localhost, too.
#[test]
fn localhost_is_not_bound_to_https_by_the_server() {
    let sandbox = Sandbox::new();
    let (port, _requests) =
        recorder("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=31536000\r\nContent-Length: 2\r\n\r\nok");
    let mut proxy = proxy(&sandbox, &format!("--to {port}"));
    for (host, passes) in [("localhost:3000", false), ("LOCALHOST", false), ("app.localhost", true), ("app.test", true)]
    {
        let head = Client::connect(&proxy).send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).head();
        assert_eq!(head.contains("strict-transport-security: max-age=31536000"), passes, "{host}: {head}");
    }
    proxy.wait_for("sends Strict-Transport-Security for localhost");
    sandbox.ok(&format!("kill -TERM {}", proxy.id()));
    assert_eq!(proxy.end().1.matches("sends Strict-Transport-Security").count(), 1);
}

#[test]
fn an_answer_with_too_many_fields_is_called_so() {
    let sandbox = Sandbox::new();
    let fields = (0..1001).map(|number| format!("X{number}:\r\n")).collect::<Vec<_>>().concat();
    let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n").leak();
    let (port, _requests) = recorder(answer);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    assert!(client.send(GET).head().starts_with("http/1.1 502 "));
    client.until("more than 1000 fields");
}

/// RFC 9112 section 5.2: a gateway that does not refuse a folded field joins its lines.
#[test]
fn a_folded_field_is_joined() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder("HTTP/1.1 200 OK\r\nX-A: one\r\n  two\r\nContent-Length: 2\r\n\r\nok");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send(GET).head();
    let value = head.lines().find_map(|line| line.strip_prefix("x-a: ")).unwrap_or_default();
    assert_eq!(value.split_whitespace().collect::<Vec<_>>(), ["one", "two"], "{head}");
}

/// RFC 9110 section 8.6: a list of equal lengths is one length. Node's parser refuses the list.
#[test]
fn a_length_that_is_said_twice_is_passed_on_once() {
    let sandbox = Sandbox::new();
    for fields in ["Content-Length: 2, 2", "Content-Length: 2\r\nContent-Length: 2"] {
        let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nok").leak();
        let (port, _requests) = recorder(answer);
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        let head = Client::connect(&proxy).send(GET).head();
        assert!(head.contains("\r\ncontent-length: 2\r\n"), "{head}");
        assert_eq!(head.matches("content-length").count(), 1, "{head}");
    }
}

/// What the coding hides would reach the client as the body itself.
#[test]
fn an_answer_in_an_unknown_transfer_coding_is_refused() {
    let sandbox = Sandbox::new();
    for codings in ["gzip, chunked", "xchunked", "gzip\r\nTransfer-Encoding: chunked"] {
        let answer: &'static str =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}\r\n\r\n2\r\nok\r\n0\r\n\r\n").leak();
        let (port, _requests) = recorder(answer);
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        let mut client = Client::connect(&proxy);
        let head = client.send(GET).head();
        assert!(head.starts_with("http/1.1 502 "), "{codings}: {head}");
        client.until("transfer coding other than chunked");
    }
}

/// Fields of an interim answer are for one connection, too (RFC 9110 section 7.6.1).
#[test]
fn early_hints_have_no_fields_for_one_connection() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X-One\r\nX-One: 1\r\nKeep-Alive: 5\r\n\
         Content-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    let hints = client.send(GET).head();
    assert_eq!(hints, "http/1.1 103 early hints\r\nlink: </a.css>; rel=preload\r\n\r\n");
    assert!(client.head().starts_with("http/1.1 200 "));
}

/// A refusal of an upload is often followed by the end of the connection. What has not been read of the upload resets it,
/// and the client would be told of that in place of the refusal.
#[test]
fn a_refusal_of_an_upload_is_heard_although_the_connection_is_reset() {
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig").unwrap();
        // Closed with octets that are not read: a reset.
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let block = vec![b'x'; 1 << 20];
    for round in 0..20 {
        let mut client = Client::connect(&proxy);
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", block.len())).send(&block);
        let head = client.head();
        assert!(head.starts_with("http/1.1 413 "), "{round}: {head}");
    }
}

/// A server that does not speak HTTP as it should is not said to speak TLS.
#[test]
fn a_malformed_answer_is_called_so() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    assert!(client.send(GET).head().starts_with("http/1.1 502 "));
    client.until("its answer is malformed or is not HTTP");
}
