//! The URL, names and connections.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::connect;
use crate::sandbox::Sandbox;

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
