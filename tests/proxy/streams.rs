//! Bodies and tunnels: both ways at once, in flat memory, cut where the other side cuts, ended where it ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::{Client, OK, PATIENCE, head, next, proxy, recorder, request, server};
use crate::sandbox::Sandbox;

/// RFC 9110 section 10.1.1: a client that asks first does not send a body that nobody wants.
#[test]
fn the_body_waits_for_the_servers_word() {
    let sandbox = Sandbox::new();
    let (told, tell) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let port = server(move |_, mut tcp| {
        let head = head(&mut tcp).unwrap();
        assert!(head.to_lowercase().contains("\r\nexpect: 100-continue\r\n"), "{head}");
        tell.lock().unwrap().recv().unwrap();
        tcp.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 4];
        tcp.read_exact(&mut body).unwrap();
        tcp.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}", String::from_utf8_lossy(&body)).as_bytes(),
        )
        .unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    client.tcp().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(client.read(&mut [0]).is_err(), "nothing comes before the server has spoken");
    client.tcp().set_read_timeout(Some(PATIENCE)).unwrap();
    told.send(()).unwrap();
    assert_eq!(client.head(), "http/1.1 100 continue\r\n\r\n");
    client.send("body");
    assert!(client.head().starts_with("http/1.1 200 "));
    assert_eq!(client.until("body"), "body");
}

#[test]
fn a_server_that_refuses_at_once_is_heard_without_the_body() {
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let request = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let answer = Client::connect(&proxy).send(request).head();
    assert!(answer.starts_with("http/1.1 417 "), "{answer}");
}

/// A server that knows nothing of 100 waits for the body, and the client for its word.
#[test]
fn a_server_that_never_says_continue_gets_the_body_all_the_same() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.head(), "http/1.1 100 continue\r\n\r\n");
    assert!(client.send("body").head().starts_with("http/1.1 200 "));
    assert!(next(&requests).ends_with("body"));
}

/// RFC 8297: the hints are for the time until the answer.
#[test]
fn early_hints_come_early() {
    let sandbox = Sandbox::new();
    let (told, tell) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let port = server(move |_, mut tcp| {
        head(&mut tcp).unwrap();
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
        tcp.write_all(format!("{hints}{hints}").as_bytes()).unwrap();
        tell.lock().unwrap().recv().unwrap();
        tcp.write_all(OK.as_bytes()).unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..2 {
        let hints = client.head();
        assert!(hints.starts_with("http/1.1 103 early hints\r\n"), "{hints}");
        assert!(hints.contains("\r\nlink: </style.css>; rel=preload\r\n"), "{hints}");
    }
    told.send(()).unwrap();
    assert!(client.head().starts_with("http/1.1 200 "));
    // A client of HTTP/1.0 would take them for the answer (RFC 9110 section 15.2).
    told.send(()).unwrap();
    let answer = Client::connect(&proxy).send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").rest();
    assert!(answer.starts_with("HTTP/1.0 200 ") || answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn trailers_pass_in_both_directions() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Digest\r\n\r\n2\r\nok\r\n0\r\nX-Digest: abc\r\n\r\n",
    );
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
         2\r\nab\r\n0\r\nX-Sum: def\r\n\r\n",
    );
    let answer = client.until("\r\n0\r\n") + &client.until("\r\n\r\n");
    assert!(answer.to_lowercase().ends_with("\r\n0\r\nx-digest: abc\r\n\r\n"), "{answer}");
    let seen = next(&requests).to_lowercase();
    assert!(seen.contains("\r\nte: trailers\r\n"), "{seen}");
    assert!(seen.ends_with("0\r\nx-sum: def\r\n\r\n"), "{seen}");
}

/// Answers that begin before the request has ended: gRPC, uploads with progress.
#[test]
fn both_directions_stream_at_once() {
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let mut chunk = [0; 6];
        // Each chunk comes back as it is.
        while tcp.read_exact(&mut chunk).is_ok() {
            tcp.write_all(&chunk).unwrap();
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    let head = client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").head();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for text in ["1\r\na\r\n", "1\r\nb\r\n", "1\r\nc\r\n"] {
        client.send(text);
        assert_eq!(client.until("\r\n") + &client.until("\r\n"), text);
    }
}

/// Server-sent events arrive as they are sent, not when a buffer is full.
#[test]
fn events_are_not_held_back() {
    let sandbox = Sandbox::new();
    let (told, tell) = mpsc::channel::<()>();
    let tell = std::sync::Mutex::new(tell);
    let port = server(move |_, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n").unwrap();
        tell.lock().unwrap().recv().unwrap();
        tcp.write_all(b"data: 2\n\n").unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    client.until("data: 1\n\n");
    told.send(()).unwrap();
    client.until("data: 2\n\n");
}

/// A part that looks like the whole is kept as the whole.
#[test]
fn what_the_server_cuts_is_cut_for_the_client() {
    let sandbox = Sandbox::new();
    for (head, end) in [
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "\r\n0\r\n\r\n"),
        ("Content-Length: 100\r\n\r\nhello", "\u{0}"),
    ] {
        let answer: &'static str = format!("HTTP/1.1 200 OK\r\n{head}").leak();
        let port = server(move |_, mut tcp| {
            crate::peer::head(&mut tcp).unwrap();
            tcp.write_all(answer.as_bytes()).unwrap();
        });
        let proxy = proxy(&sandbox, &format!("--to {port}"));
        let answer = Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").rest();
        assert!(answer.contains("hello") && !answer.contains(end), "{answer}");
        // Over HTTP/2 the stream is reset.
        let url = format!("{}/", proxy.url());
        assert!(!sandbox.run(&format!("curl -sk --http2 -o part {url}")).is_success());
    }
}

/// What nobody waits for need not be worked on.
#[test]
fn a_client_that_leaves_ends_the_request() {
    let sandbox = Sandbox::new();
    let (left, leaves) = mpsc::channel();
    let port = server(move |_, mut tcp| {
        head(&mut tcp).unwrap();
        let _ = left.send(tcp.read(&mut [0]).unwrap_or(0));
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(200));
    client.tcp().shutdown(Shutdown::Both).unwrap();
    assert_eq!(leaves.recv_timeout(PATIENCE), Ok(0), "the server is told");
}

/// A client that cuts its upload has not sent a whole one.
#[test]
fn an_upload_that_is_cut_is_cut_for_the_server() {
    let sandbox = Sandbox::new();
    let (saw, seen) = mpsc::channel();
    let port = server(move |_, mut tcp| {
        head(&mut tcp).unwrap();
        let mut all = Vec::new();
        let _ = tcp.read_to_end(&mut all);
        saw.send(String::from_utf8_lossy(&all).into_owned()).unwrap();
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    thread::sleep(Duration::from_millis(200));
    client.tcp().shutdown(Shutdown::Both).unwrap();
    let seen = seen.recv_timeout(PATIENCE).unwrap();
    assert!(seen.contains("hello") && !seen.contains("0\r\n\r\n"), "{seen}");
}

/// Node closes a connection that has been idle for 5 s: a request may meet its end.
#[test]
fn a_pooled_connection_that_died_is_replaced_once() {
    let sandbox = Sandbox::new();
    let port = server(|number, mut tcp| {
        head(&mut tcp).unwrap();
        tcp.write_all(OK.as_bytes()).unwrap();
        if number == 0 {
            // The second request is read, and answered by the end.
            let _ = head(&mut tcp);
            return;
        }
        while head(&mut tcp).is_some() {
            tcp.write_all(OK.as_bytes()).unwrap();
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    for _ in 0..3 {
        assert!(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head().starts_with("http/1.1 200 "));
        client.until("ok");
    }
}

/// RFC 9110 section 9.2.2: a request with effects is not sent twice, so it had better not meet the end of a connection. The
/// server here answers one request on each, and then closes without a word of it.
#[test]
fn a_request_with_effects_does_not_meet_the_end_of_a_connection() {
    let sandbox = Sandbox::new();
    let (seen, posts) = mpsc::channel();
    let port = server(move |number, mut tcp| {
        while let Some(request) = request(&mut tcp) {
            let is_post = request.starts_with("POST");
            if is_post {
                seen.send(number).unwrap();
            }
            tcp.write_all(OK.as_bytes()).unwrap();
            if is_post || number % 2 == 0 {
                break;
            }
        }
        // What comes next is read, and answered by the end.
        let _ = request(&mut tcp);
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    for round in 0..30 {
        if round % 3 == 0 {
            assert!(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head().starts_with("http/1.1 200 "));
            client.until("ok");
        }
        let head = client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").head();
        assert!(head.starts_with("http/1.1 200 "), "{round}: {head}");
        client.until("ok");
    }
    assert_eq!(posts.try_iter().count(), 30, "each came once");
}

/// A server that serves one connection at a time would otherwise wait for the end of the one that waits.
#[test]
fn a_new_connection_takes_the_place_of_one_that_waits() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut tcp in listener.incoming().map_while(Result::ok) {
            while request(&mut tcp).is_some() && tcp.write_all(OK.as_bytes()).is_ok() {}
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let mut client = Client::connect(&proxy);
    for method in ["GET", "POST", "POST", "GET"] {
        let head = client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")).head();
        assert!(head.starts_with("http/1.1 200 "), "{method}: {head}");
        client.until("ok");
    }
}

/// The memory of the proxy does not grow with what passes through it, nor with a reader that is slow.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "the kernel's own figures")]
#[test]
fn large_bodies_pass_in_flat_memory() {
    const SIZE: usize = 64 << 20;
    let sandbox = Sandbox::new();
    let port = server(|_, mut tcp| {
        let head = head(&mut tcp).unwrap();
        if head.starts_with("POST") {
            let mut rest = SIZE;
            let mut buffer = vec![0; 1 << 16];
            while rest > 0 {
                // Slower than the client.
                thread::sleep(Duration::from_micros(100));
                rest -= tcp.read(&mut buffer).unwrap();
            }
            tcp.write_all(OK.as_bytes()).unwrap();
            return;
        }
        tcp.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).unwrap();
        let block = vec![7; 1 << 16];
        for _ in 0..SIZE / block.len() {
            if tcp.write_all(&block).is_err() {
                return;
            }
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let peak = || -> u64 {
        let status = String::from_utf8(std::fs::read(format!("/proc/{}/status", proxy.id())).unwrap()).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    Client::connect(&proxy).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    let before = peak();
    let mut client = Client::connect(&proxy);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    thread::sleep(Duration::from_secs(1));
    let (mut rest, mut buffer) = (SIZE, vec![0; 1 << 16]);
    while rest > 0 {
        rest -= client.read(&mut buffer).unwrap();
    }
    let mut client = Client::connect(&proxy);
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"));
    let block = vec![7; 1 << 16];
    for _ in 0..SIZE / block.len() {
        client.write(&block).unwrap();
    }
    assert!(client.head().starts_with("http/1.1 200 "));
    assert!(peak() < before + 24, "{} MiB, after {before}", peak());
}

/// A WebSocket, with bytes of the tunnel right behind both heads.
#[test]
fn a_websocket_passes_octet_for_octet_and_ends_with_either_side() {
    let sandbox = Sandbox::new();
    let (ended, ends) = mpsc::channel();
    let port = server(move |_, mut tcp: TcpStream| {
        let head = head(&mut tcp).unwrap().to_lowercase();
        assert!(head.contains("\r\nupgrade: websocket\r\n") && head.contains("\r\nconnection: upgrade\r\n"), "{head}");
        assert!(head.contains("\r\nsec-websocket-extensions: permessage-deflate\r\n"), "{head}");
        if head.starts_with("get /refuse") {
            tcp.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno").unwrap();
            return;
        }
        tcp.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
            .unwrap();
        let mut octets = [0; 1024];
        loop {
            let count = tcp.read(&mut octets).unwrap_or(0);
            if count == 0 || octets.starts_with(b"end") {
                ended.send(count).unwrap();
                return;
            }
            tcp.write_all(&octets[..count]).unwrap();
        }
    });
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    let ask = |path: &str, more: &str| {
        let mut client = Client::connect(&proxy);
        client.send(format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n{more}"
        ));
        client
    };
    let mut client = ask("/", "early");
    assert!(client.head().starts_with("http/1.1 101 switching protocols\r\n"));
    let got = client.until("early");
    assert_eq!(got, "firstearly");
    client.send("\u{81}\u{0}");
    client.until("\u{81}\u{0}");
    // The client goes: the server is told.
    client.tcp().shutdown(Shutdown::Both).unwrap();
    assert_eq!(ends.recv_timeout(PATIENCE), Ok(0));
    // The server goes: the client is told.
    let mut client = ask("/", "");
    client.head();
    client.until("first");
    let start = Instant::now();
    client.send("end").rest();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let mut refused = ask("/refuse", "");
    assert!(refused.head().starts_with("http/1.1 401 "));
    refused.until("no");
}

/// An upgrade to another protocol would be a tunnel past every rule of the proxy.
#[test]
fn no_other_protocol_is_passed() {
    let sandbox = Sandbox::new();
    let (port, requests) = recorder(OK);
    let proxy = proxy(&sandbox, &format!("--to {port}"));
    for fields in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c",
        "Connection: Upgrade\r\nUpgrade: TLS/1.3",
        "Upgrade: websocket",
    ] {
        let mut client = Client::connect(&proxy);
        let head = client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n")).head();
        assert!(head.starts_with("http/1.1 200 "), "{fields}: {head}");
        let seen = next(&requests).to_lowercase();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{fields}: {seen}");
    }
}
