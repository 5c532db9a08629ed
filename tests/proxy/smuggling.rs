//! Requests that two readers would read differently (RFC 9112 sections 6.1, 6.3 and 11.2): a second request, hidden in the
//! first, never reaches the server.

use crate::peer::{Client, OK, proxy, recorder};
use crate::sandbox::Sandbox;

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/// Refused with 400, and the connection is closed: what follows cannot be told apart.
#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let post = |fields: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}{HIDDEN}");
    for request in [
        post("Content-Length: 4\r\nContent-Length: 40", "body"),
        post("Content-Length: 4, 40", "body"),
        post("Content-Length: +4", "body"),
        post("Content-Length: 0x4", "body"),
        post("Content-Length: 4 4", "body"),
        post("Content-Length: -4", "body"),
        post("Content-Length: ", ""),
        post("Content-Length: 99999999999999999999999", "body"),
        post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
        post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
        post("Transfer-Encoding : chunked", "0\r\n\r\n"),
        post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"),
        post("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n"),
        post("X: a\rTransfer-Encoding: chunked", "0\r\n\r\n"),
        post("X: a\0b", ""),
        post("X Y: a", ""),
        post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
        format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}"),
        format!("GET / HTTP/2.0\r\nHost: a\r\n\r\n{HIDDEN}"),
        format!("G(T / HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}"),
    ] {
        let answer = Client::connect(&proxy).send(&request).rest();
        let heads = answer.matches("HTTP/1.1 ").count();
        let status = answer.get(9..12).unwrap_or_default();
        assert!(heads <= 1 && ["400", "501", "505", ""].contains(&status), "{request:?}: {answer}");
    }
    assert_eq!(requests.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
}

/// With both lengths, Transfer-Encoding counts, and nothing is read behind the body (RFC 9112 section 6.1).
#[test]
fn of_two_lengths_one_is_passed_on_and_the_connection_is_closed() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for fields in ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n0\r\n\r\n{HIDDEN}");
        let answer = Client::connect(&proxy).send(&request).rest();
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields}: {answer}");
        for seen in requests.try_iter() {
            let seen = seen.to_lowercase();
            assert!(!seen.contains("/hidden") && !seen.contains("content-length"), "{fields}: {seen}");
        }
    }
}

/// Chunks that are malformed are the client's fault, not the server's.
#[test]
fn a_malformed_body_is_refused() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for chunks in [
        "G\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nab\r\n0\r\n\r\n",
        "2\r\nabcd\r\n0\r\n\r\n",
        "2 2\r\nab\r\n0\r\n\r\n",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        let answer = Client::connect(&proxy).send(&request).rest();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{chunks:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{chunks:?}: {answer}");
    }
    assert_eq!(requests.try_iter().filter(|seen| seen.contains("/hidden")).count(), 0);
}

/// A server that answers with both lengths, or malformed, does not get to write the next answer either.
#[test]
fn an_answer_that_can_be_read_in_two_ways_is_not_passed_on_with_both() {
    let sandbox = Sandbox::new();
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello", "502"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", "502"),
        ("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", "502"),
        ("HTTP/1.1 99 No\r\n\r\n", "502"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "502"),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "502"),
    ] {
        let (port, _requests) = recorder(answer);
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        let head = Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{answer:?}: {head}");
    }
    let (port, _requests) =
        recorder("HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let head = Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
}

/// A refusal is no reason to listen to what has no end.
#[test]
fn a_chunk_that_does_not_end_is_cut() {
    let sandbox = Sandbox::new();
    let (port, _requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;");
    let part = vec![b'x'; 64 * 1024];
    assert!((0..256).any(|_| client.write(&part).is_err()), "16 MiB of a chunk's extension are taken");
}
