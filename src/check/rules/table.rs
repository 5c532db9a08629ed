//! The table of checks.

use super::Needs::{Chain, Hellos, PlainResponse, Response, Session};
use super::fix::{self, Fix, advice};
use super::{Audit, Hit, Needs, Rule, certificate, handshake, http, protocol, suites};
use crate::report::finding::Severity;

const E: Severity = Severity::Error;
const W: Severity = Severity::Warning;
const N: Severity = Severity::Note;

const fn rule(
    id: &'static str,
    needs: Needs,
    severity: Severity,
    title: &'static str,
    source: &'static str,
    fix: Fix,
    check: fn(&Audit<'_>) -> Option<Hit>,
) -> Rule {
    Rule { id, needs, severity, title, source, fix, check }
}

/// Every check, by what it is about. The columns: id, what it needs, severity, what is found, who says so, the fix.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // Versions.
    rule("ssl2", Hellos, E, "SSL 2.0 is offered", "RFC 6176", fix::VERSIONS, protocol::ssl2),
    rule("ssl3", Hellos, E, "SSL 3.0 is offered", "RFC 7568", fix::VERSIONS, protocol::ssl3),
    rule("tls1-0", Hellos, W, "TLS 1.0 is offered", "RFC 8996; RFC 9325 section 3.1.1", fix::VERSIONS, protocol::tls10),
    rule("tls1-1", Hellos, W, "TLS 1.1 is offered", "RFC 8996; RFC 9325 section 3.1.1", fix::VERSIONS, protocol::tls11),
    rule("old-tls", Hellos, E, "nothing newer than TLS 1.1 is offered", "RFC 8996", fix::VERSIONS, protocol::old_tls),
    rule("no-tls1-3", Hellos, W, "TLS 1.3 is not offered", "SSL Labs 2009r; RFC 9325 section 3.1.1", fix::TLS13, protocol::no_tls13),

    // Suites.
    rule("no-common-suite", Hellos, E, "TLS 1.2 without a suite that has ECDHE and an AEAD", "RFC 9325 section 4.2", fix::SUITES, suites::no_common),
    rule("null-suites", Hellos, E, "suites without encryption", "RFC 9325 section 4.1", fix::SUITES, suites::null),
    rule("anonymous-suites", Hellos, E, "suites without authentication", "RFC 9325 section 4.1", fix::SUITES, suites::anonymous),
    rule("export-suites", Hellos, E, "suites weakened for export (FREAK, Logjam)", "RFC 9325 section 4.1", fix::SUITES, suites::export),
    rule("weak-suites", Hellos, E, "suites of less than 112 bit", "RFC 9325 section 4.1", fix::SUITES, suites::weak),
    rule("rc4", Hellos, E, "suites with RC4", "RFC 7465", fix::SUITES, suites::rc4),
    rule("small-blocks", Hellos, W, "suites with 3DES or another cipher of 64-bit blocks (SWEET32)", "RFC 9325 section 4.1", fix::SUITES, suites::small_blocks),
    rule("no-forward-secrecy", Hellos, W, "browsers get no forward secrecy", "RFC 9325 section 4.1", fix::SUITES, suites::no_forward_secrecy),
    rule("no-aead", Hellos, W, "browsers get no AEAD suite", "RFC 9325 section 4.2", fix::SUITES, suites::no_aead),
    rule("rsa-key-exchange", Hellos, N, "suites with RSA key exchange", "RFC 9325 section 4.1", fix::SUITES, suites::rsa_key_exchange),
    rule("cbc-suites", Hellos, N, "suites with CBC", "RFC 9325 section 4.2", fix::SUITES, suites::cbc),

    // Key exchange.
    rule("weak-dh", Hellos, E, "a Diffie-Hellman prime of less than 1024 bit", "RFC 9325 section 4.5", fix::DH, suites::weak_dh),
    rule("small-dh", Hellos, W, "a Diffie-Hellman prime of 1024 to 2047 bit", "RFC 9325 section 4.5", fix::DH, suites::small_dh),
    rule("weak-group", Hellos, W, "elliptic curves of less than 224 bit", "RFC 9325 section 4.5; RFC 8422", fix::GROUPS, suites::weak_group),
    rule("no-post-quantum", Hellos, N, "no group with ML-KEM", "NIST FIPS 203; TLSRef 6.0", fix::POST_QUANTUM, suites::no_post_quantum),

    rule("no-common-group", Hellos, E, "no group that clients have", "TLSRef 6.0; RFC 8446 section 9.1", fix::GROUPS, handshake::no_common_group),

    // The handshake.
    rule("tls-compression", Hellos, E, "TLS compression is agreed to (CRIME)", "RFC 9325 section 3.3", advice("switch TLS compression off, or build against an OpenSSL of 1.1 or newer"), handshake::compression),
    rule("no-secure-renegotiation", Hellos, W, "secure renegotiation is not supported", "RFC 5746; RFC 9325 section 3.5", advice("update the TLS library: all have RFC 5746 since 2010"), handshake::renegotiation),
    rule("no-extended-master-secret", Hellos, N, "no extended master secret in TLS 1.2", "RFC 7627; RFC 9325 section 3.5", advice("update the TLS library: OpenSSL has it since 1.1.0"), handshake::extended_master_secret),
    rule("large-hello-intolerance", Hellos, E, "a long ClientHello is not answered", "RFC 8446 section 4.1.2; RFC 7685", advice("update the server or the middlebox in front of it: a hello with X25519MLKEM768 is over 1,200 octets long and comes in two segments"), handshake::large_hello),
    rule("unknown-value-intolerance", Hellos, E, "a ClientHello with unknown values is refused", "RFC 8701; RFC 8446 section 4.2", advice("update the server or the middlebox in front of it: unknown values have to be ignored"), handshake::grease),
    rule("unknown-server-name", Hellos, N, "an unknown server name, or none, is refused", "RFC 6066 section 3", advice("that is right where hosts are told apart; clients that send no name, or an address, need a default certificate"), handshake::server_name),
    rule("http2-only", Session, E, "http/1.1 is not offered by ALPN", "RFC 7301; RFC 6455", fix::ALPN, handshake::alpn),
    rule("early-data", Session, W, "early data (0-RTT) is accepted", "RFC 8470; RFC 8446 section 8", fix::EARLY_DATA, handshake::early_data),
    rule("no-resumption", Session, N, "sessions are not resumed", "RFC 9325 section 3.4", advice("switch session tickets on: handshakes become cheaper"), handshake::resumption),
    rule("client-certificate-required", Hellos, W, "a client certificate is demanded", "RFC 8446 section 4.3.2", fix::CLIENT_CERTIFICATE, handshake::certificate_required),
    rule("client-certificate-requested", Session, N, "a client certificate is asked for", "RFC 8446 section 4.3.2", fix::CLIENT_CERTIFICATE, handshake::certificate_requested),

    // Certificates.
    rule("expired", Chain, E, "a certificate is past notAfter", "RFC 5280 section 4.1.2.5", fix::RENEWED, certificate::expired),
    rule("not-yet-valid", Chain, E, "a certificate is before notBefore", "RFC 5280 section 4.1.2.5", advice("set the clock of this machine or of the issuer"), certificate::not_yet_valid),
    rule("self-signed", Chain, E, "the certificate is signed by itself and not trusted", "RFC 5280 section 6.1", advice("trust it with `--trust`, or have a CA issue one that clients trust"), certificate::self_signed),
    rule("unknown-issuer", Chain, E, "the chain ends at a CA that is not trusted here", "RFC 5280 section 6.1", advice("name the CA's root with `--trust`, and install it where clients look"), certificate::unknown_issuer),
    rule("incomplete-chain", Chain, E, "an intermediate is not sent", "RFC 8446 section 4.4.2", fix::CHAIN, certificate::incomplete),
    rule("host-mismatch", Chain, E, "the certificate is for another name", "RFC 9525 section 6", fix::RENEWED, certificate::host_mismatch),
    rule("bad-signature", Chain, E, "a signature does not verify", "RFC 5280 section 6.1.3", fix::RENEWED, certificate::bad_signature),
    rule("wrong-purpose", Chain, E, "the certificate is not for servers", "RFC 5280 section 4.2.1.12", fix::RENEWED, certificate::wrong_purpose),
    rule("not-a-ca", Chain, E, "an issuer is no CA", "RFC 5280 section 4.2.1.9", fix::RENEWED, certificate::not_a_ca),
    rule("path-too-long", Chain, E, "more intermediates than a CA allows", "RFC 5280 section 4.2.1.9", fix::RENEWED, certificate::path_too_long),
    rule("name-constraint", Chain, E, "a CA may not sign for the name", "RFC 5280 section 4.2.1.10", fix::RENEWED, certificate::name_constraint),
    rule("unknown-critical-extension", Chain, E, "a critical extension is not understood", "RFC 5280 section 4.2", fix::RENEWED, certificate::unknown_critical_extension),
    rule("key-mismatch", Chain, E, "the server signs with another key", "RFC 8446 section 4.4.3", advice("give the server the key of its certificate"), certificate::key_mismatch),
    rule("weak-signature", Chain, E, "a signature with SHA-1 or MD5", "RFC 9155; CABF BR 7.1.3.2", fix::RENEWED, certificate::weak_signature),
    rule("weak-key", Chain, E, "a key that is too small, or of a kind that clients do not accept", "CABF BR 6.1.5", fix::RENEWED, certificate::weak_key),
    rule("malformed", Chain, E, "a certificate that cannot be read", "RFC 5280 section 4.1", fix::RENEWED, certificate::malformed),
    rule("version", Chain, E, "a certificate of version 1", "RFC 5280 section 4.1.2.1", fix::RENEWED, certificate::version),
    rule("ca-as-leaf", Chain, E, "a CA's certificate as the server's own", "RFC 5280 section 4.2.1.9", fix::RENEWED, certificate::ca_as_leaf),
    rule("chain-too-complex", Chain, E, "more candidates than a verifier tries", "RFC 5280 section 6.1", fix::CHAIN, certificate::chain_too_complex),
    rule("chain-order", Chain, W, "the chain is not in order", "RFC 8446 section 4.4.2; RFC 5246 section 7.4.2", fix::CHAIN, certificate::order),
    rule("root-sent", Chain, N, "the root is sent as well", "RFC 8446 section 4.4.2", fix::CHAIN, certificate::root_sent),
    rule("must-staple", Chain, E, "the certificate demands a stapled status, and none is sent", "RFC 7633", fix::STAPLE, certificate::must_staple),
    rule("revoked", Chain, E, "the stapled status says that the certificate is revoked", "RFC 6960", fix::RENEWED, certificate::revoked),

    // HTTP.
    rule("plaintext-accepted", Hellos, E, "plain HTTP is answered on the port of TLS", "RFC 9110 section 4.2.2", advice("let the port speak TLS only"), http::plaintext),
    rule("hsts-on-localhost", Response, W, "HSTS on localhost", "RFC 6797 section 8.3", fix::NO_HSTS, http::hsts_on_localhost),
    rule("hsts-invalid", Response, W, "HSTS is switched off, or cannot be read", "RFC 6797 section 6.1; SSL Labs 2009r", fix::HSTS, http::hsts_invalid),
    rule("hsts-short", Response, N, "HSTS lasts less than 6 months", "SSL Labs 2009r", fix::HSTS, http::hsts_short),
    rule("hsts-missing", Response, N, "no HSTS", "RFC 6797; SSL Labs 2009r", fix::HSTS, http::hsts_missing),
    rule("no-redirect", PlainResponse, W, "plain HTTP is not redirected to HTTPS", "RFC 6797 section 7.2", fix::REDIRECT, http::no_redirect),
    rule("csp-missing", Response, N, "no Content-Security-Policy on a page", "W3C CSP 3", fix::HEADERS, http::csp_missing),
    rule("nosniff-missing", Response, N, "no X-Content-Type-Options: nosniff", "WHATWG Fetch", fix::HEADERS, http::nosniff_missing),
    rule("frame-ancestors-missing", Response, N, "other sites may show the page in a frame", "W3C CSP 3; RFC 7034", fix::HEADERS, http::frame_ancestors_missing),
    rule("cookie-not-secure", Response, W, "a cookie without Secure", "RFC 6265 section 4.1.2.5", fix::COOKIES, http::cookie_not_secure),
    rule("cookie-not-httponly", Response, N, "a cookie without HttpOnly", "RFC 6265 section 4.1.2.6", fix::COOKIES, http::cookie_not_http_only),
    rule("cookie-samesite-none", Response, E, "a cookie with SameSite=None and without Secure", "RFC 6265bis section 4.1.2.7", fix::COOKIES, http::cookie_same_site_none),
];
