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
