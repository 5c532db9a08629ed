//! Names and subjects.

use super::{Pair, items, pair};
use crate::builder::*;

fn named(subject: &[(&str, u8, &str)]) -> Certificate {
    let certificate = Certificate { subject: name(subject), ..private() };
    certificate.names(&[dns("www.secure-io.dev")])
}

fn dns_pair(id: &'static str, trips: &str, passes: &str) -> Pair {
    pair(id, &private().names(&[dns(trips)]), &private().names(&[dns(passes)]))
}

pub(super) fn pairs() -> Vec<Pair> {
    let host = "www.secure-io.dev";
    let long = |length: usize| "a".repeat(length);
    vec![
        pair("san_missing", &named(&[(CN, UTF8, host)]).without(SAN), &named(&[(CN, UTF8, host)])),
        pair("cn_not_in_san", &named(&[(CN, UTF8, "WWW.secure-io.dev")]), &named(&[(CN, UTF8, host)])),
        pair("cn_present", &Certificate { subject: common_name(host), ..public() }.names(&[dns(host)]), &public()),
        dns_pair("ip_in_dns_san", "127.0.0.1", "127.0.0.1.secure-io.dev"),
        dns_pair("dns_bad_syntax", "www.secure-io.dev:443", host),
        dns_pair("dns_bad_syntax", "www..secure-io.dev", host),
        dns_pair("dns_bad_syntax", "www.secure-io.dev.", host),
        dns_pair("dns_bad_syntax", "www secure-io.dev", host),
        dns_pair("dns_bad_syntax", "-www.secure-io.dev", host),
        dns_pair("dns_bad_syntax", "b\u{fc}cher.test", "xn--bcher-kva.test"),
        dns_pair("dns_bad_syntax", &format!("{}.test", long(64)), &format!("{}.test", long(63))),
        dns_pair("dns_underscore", "my_app.secure-io.dev", "my-app.secure-io.dev"),
        dns_pair("wildcard_bad", "*.*.secure-io.dev", "*.secure-io.dev"),
        dns_pair("wildcard_bad", "w*.secure-io.dev", "*.secure-io.dev"),
        dns_pair("wildcard_bad", "*", "*.secure-io.dev"),
        dns_pair("wildcard_too_wide", "*.localhost", "*.app.localhost"),
        dns_pair("wildcard_too_wide", "*.co.uk", "*.example.co.uk"),
        dns_pair("wildcard_too_wide", "*.dev", "*.github.io"),
        dns_pair("dns_reserved_label", "ab--cd.secure-io.dev", "abc--d.secure-io.dev"),
        dns_pair("dns_reserved_label", "xn--99999999.secure-io.dev", "xn--bcher-kva.secure-io.dev"),
        pair("internal_name", &public().names(&[dns("app.test")]), &public()),
        pair("internal_name", &public().names(&[dns("intranet")]), &public()),
        pair("internal_name", &public().names(&[ip(&[10, 0, 0, 1])]), &public().names(&[ip(&[9, 9, 9, 9])])),
        pair(
            "san_duplicate",
            &private().names(&[dns(host), dns("WWW.secure-io.dev")]),
            &private().names(&[dns(host), dns("ww2.secure-io.dev")]),
        ),
        pair(
            "san_ip_length",
            &private().names(&[dns(host), ip(&[127, 0, 0])]),
            &private().names(&[dns(host), ip(&[127, 0, 0, 1])]),
        ),
        pair("san_critical", &private().with(SAN, None, seq(&[&dns(host)])), &private()),
        pair(
            "san_critical",
            &named(&[(CN, UTF8, host)]).with(SAN, CRITICAL, seq(&[&dns(host)])),
            &named(&[(CN, UTF8, host)]),
        ),
        pair(
            "san_bad_entry",
            &private().names(&[dns(host), tlv(0x81, b"nobody")]),
            &private().names(&[dns(host), tlv(0x81, b"me@secure-io.dev")]),
        ),
        pair("subject_whitespace", &named(&[(O, UTF8, "Us ")]), &named(&[(O, UTF8, "Us")])),
        pair("subject_html", &named(&[(O, UTF8, "<b>Us</b>")]), &named(&[(O, UTF8, "Us < them > you")])),
        pair("subject_control_character", &named(&[(O, UTF8, "U\0s")]), &named(&[(O, UTF8, "U0s")])),
        pair("subject_placeholder", &named(&[(O, UTF8, "-")]), &named(&[(O, UTF8, "A-")])),
        pair(
            "subject_openssl_default",
            &named(&[(O, UTF8, "Internet Widgits Pty Ltd")]),
            &named(&[(O, UTF8, "Widgits")]),
        ),
        pair(
            "subject_duplicate_attribute",
            &named(&[(O, UTF8, "Us"), (O, UTF8, "Them")]),
            &named(&[(O, UTF8, "Us"), (OU, UTF8, "A"), (OU, UTF8, "B")]),
        ),
        pair("subject_country", &named(&[(C, PRINTABLE, "ch")]), &named(&[(C, PRINTABLE, "CH")])),
        pair(
            "subject_ou",
            &Certificate { subject: name(&[(O, UTF8, "Us"), (OU, UTF8, "A")]), ..public() }.names(&[dns(host)]),
            &Certificate { subject: name(&[(O, UTF8, "Us")]), ..public() }.names(&[dns(host)]),
        ),
        pair("subject_too_long", &named(&[(O, UTF8, &long(65))]), &named(&[(O, UTF8, &long(64))])),
        pair("name_string_type", &named(&[(O, 0x14, "Us")]), &named(&[(O, PRINTABLE, "Us")])),
        pair("name_string_content", &named(&[(O, PRINTABLE, "U*s")]), &named(&[(O, UTF8, "U*s")])),
        pair(
            "name_malformed",
            &Certificate { subject: seq(&[&set(&[]), &rdn(CN, UTF8, b"A")]), ..ca() },
            &Certificate { subject: seq(&[&rdn(CN, UTF8, b"A")]), ..ca() },
        ),
        pair(
            "name_malformed",
            &private().names(&[dns(host), tlv(0xa4, b"garbage")]),
            &private().names(&[dns(host), tlv(0xa4, &common_name("A"))]),
        ),
        pair("issuer_empty", &Certificate { issuer: vec![0x30, 0], ..private() }, &private()),
        pair("ca_subject_empty", &Certificate { subject: vec![0x30, 0], ..ca() }, &ca()),
        items("sig_not_its_own", request(true), request(false)),
    ]
}
