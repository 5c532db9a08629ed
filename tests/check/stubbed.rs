//! Defects that no current server has, answered by the stub.

use crate::sandbox::Sandbox;
use crate::server::{Target, check};
use crate::stub::Stub;

fn stubbed(stub: Stub) -> Target {
    check(&Sandbox::new(), stub.start(), "")
}

#[test]
fn ssl2_is_seen() {
    stubbed(Stub { ssl2: true, ..Stub::default() }).finds("ssl2").graded("F");
}

#[test]
fn ssl3_is_seen_and_cbc_with_it() {
    let stub = Stub { versions: vec![0x0300, 0x0303], suites: vec![0xc02f, 0x002f], ..Stub::default() };
    stubbed(stub).finds("ssl3").graded("C");
}

#[test]
fn ssl3_alone_fails() {
    let target = stubbed(Stub { versions: vec![0x0300], suites: vec![0x0005], ..Stub::default() });
    target.finds("ssl3").finds("old-tls").graded("F");
}

#[test]
fn export_suites_are_seen() {
    stubbed(Stub { suites: vec![0xc02f, 0x0003], ..Stub::default() }).finds("export-suites").graded("F");
}

#[test]
fn des_is_seen() {
    stubbed(Stub { suites: vec![0xc02f, 0x0009], ..Stub::default() }).finds("weak-suites").graded("F");
}

#[test]
fn rc4_is_seen() {
    stubbed(Stub { suites: vec![0xc02f, 0x0005], ..Stub::default() }).finds("rc4").graded("C");
}

#[test]
fn rc4_below_tls11_is_a_b() {
    let stub = Stub { versions: vec![0x0301], suites: vec![0x0005], ..Stub::default() };
    stubbed(stub).finds("rc4").graded("F");
}

#[test]
fn triple_des_is_seen_and_caps_only_where_browsers_get_it() {
    stubbed(Stub { suites: vec![0xc02f, 0x000a], ..Stub::default() }).finds("small-blocks").graded("A-");
    stubbed(Stub { suites: vec![0x000a, 0xc02f], ..Stub::default() }).finds("small-blocks").graded("C");
}

#[test]
fn anonymous_suites_are_seen() {
    stubbed(Stub { suites: vec![0xc02f, 0x0034], ..Stub::default() }).finds("anonymous-suites").graded("F");
}

#[test]
fn compression_is_seen() {
    stubbed(Stub { deflate: true, ..Stub::default() }).finds("tls-compression").graded("C");
}

#[test]
fn missing_extensions_are_seen() {
    let target = stubbed(Stub { extensions: false, ..Stub::default() });
    target.finds("no-secure-renegotiation").finds("no-extended-master-secret").graded("A-");
}

#[test]
fn small_primes_are_seen() {
    stubbed(Stub { suites: vec![0xc02f, 0x009e], prime: 64, ..Stub::default() }).finds("weak-dh").graded("F");
    stubbed(Stub { suites: vec![0xc02f, 0x009e], prime: 128, ..Stub::default() }).finds("small-dh").graded("B");
    let target = stubbed(Stub { suites: vec![0xc02f, 0x009e], prime: 256, ..Stub::default() });
    assert_eq!(target.0["dh_bits"], 2048);
}

#[test]
fn long_hellos_that_are_dropped_are_seen() {
    stubbed(Stub { longest: 1_200, ..Stub::default() }).finds("large-hello-intolerance");
}

#[test]
fn a_server_that_reads_short_hellos_only_is_audited_all_the_same() {
    let target = stubbed(Stub { longest: 300, suites: vec![0xc02f, 0x0005], ..Stub::default() });
    target.finds("large-hello-intolerance").finds("rc4");
}

#[test]
fn refused_grease_is_seen() {
    stubbed(Stub { refuses_grease: true, ..Stub::default() }).finds("unknown-value-intolerance");
}

#[test]
fn answered_plain_http_is_seen_and_a_refusal_is_not() {
    let answering = |plaintext| stubbed(Stub { plaintext, ..Stub::default() });
    answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").finds("plaintext-accepted");
    let refusing = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    assert!(!refusing.ids("error").contains(&"plaintext-accepted"), "{:#}", refusing.0);
}

#[test]
fn an_order_is_told() {
    let target = stubbed(Stub { suites: vec![0xc030, 0xc02f], ..Stub::default() });
    let names = ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"];
    assert_eq!(target.suites("TLS 1.2"), names);
    assert_eq!(target.0["protocols"][4]["order"], "server");
}
