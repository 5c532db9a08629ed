//! The table of checks.

use super::Needs::{Chain, Engine, Head, Hellos, PlainResponse, Request, Response, Session, Upgrade, Web};
use super::fix::{self, Fix, advice};
use super::{Audit, Hit, Needs, Rule, certificate, handshake, http, protocol, socket_io, suites};
use crate::judge::report::finding::Severity;

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

/// Every check, by topic. The columns: id, the facts needed, severity, title, source, fix.
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
    rule("no-secure-renegotiation", Hellos, W, "secure renegotiation is not supported", "RFC 5746; RFC 9325 section 3.5", advice("update the TLS library: all have had RFC 5746 since 2010"), handshake::renegotiation),
    rule("insecure-renegotiation", Hellos, E, "clients may renegotiate without RFC 5746", "RFC 5746 section 4.3; SSL Labs 2009r", advice("leave out the option for old clients (OpenSSL: SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION, -legacy_renegotiation)"), handshake::insecure_renegotiation),
    rule("client-renegotiation", Hellos, W, "clients may renegotiate without a limit", "RFC 9325 section 3.5", advice("switch renegotiation by clients off: OpenSSL 3 does unless it is told SSL_OP_ALLOW_CLIENT_RENEGOTIATION, older ones with SSL_OP_NO_RENEGOTIATION; Node allows three in ten minutes (tls.CLIENT_RENEG_LIMIT)"), handshake::client_renegotiation),
    rule("no-extended-master-secret", Hellos, N, "no extended master secret in TLS 1.2", "RFC 7627; RFC 9325 section 3.5", advice("update the TLS library: OpenSSL has had it since 1.1.0, Go since 1.21"), handshake::extended_master_secret),
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
    rule("intercepted", Chain, E, "an inspection product or an antivirus stands in between", "RFC 5280 section 6.1", advice("an inspection product or an antivirus stands in between: give Node its root with NODE_EXTRA_CA_CERTS=FILE or --use-system-ca, or have an exception made for this host"), certificate::intercepted),
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
    rule("expires-soon", Chain, W, "the certificate expires soon", "RFC 5280 section 4.1.2.5", fix::RENEWED, certificate::expires_soon),
    rule("chain-order", Chain, W, "the chain is not in order", "RFC 8446 section 4.4.2; RFC 5246 section 7.4.2", fix::CHAIN, certificate::order),
    rule("root-sent", Chain, N, "the root is sent as well", "RFC 8446 section 4.4.2", fix::CHAIN, certificate::root_sent),
    rule("must-staple", Chain, E, "the certificate demands a stapled status, and none is sent", "RFC 7633", fix::STAPLE, certificate::must_staple),
    rule("revoked", Chain, E, "the stapled status says that the certificate is revoked", "RFC 6960", fix::RENEWED, certificate::revoked),

    // HTTP.
    rule("plaintext-accepted", Hellos, E, "plain HTTP is answered on the port of TLS", "RFC 9110 section 4.2.2", advice("let the port speak TLS only"), http::plaintext),
    rule("hsts-on-localhost", Head, W, "HSTS on localhost", "RFC 6797 section 8.3", fix::NO_HSTS, http::hsts_on_localhost),
    rule("hsts-invalid", Head, W, "HSTS is switched off, or cannot be read", "RFC 6797 section 6.1; SSL Labs 2009r", fix::HSTS, http::hsts_invalid),
    rule("hsts-short", Head, N, "HSTS lasts less than 6 months", "SSL Labs 2009r", fix::HSTS, http::hsts_short),
    rule("hsts-missing", Head, N, "no HSTS", "RFC 6797; SSL Labs 2009r", fix::HSTS, http::hsts_missing),
    rule("no-redirect", PlainResponse, W, "plain HTTP is not redirected to HTTPS", "RFC 6797 section 7.2", fix::REDIRECT, http::no_redirect),
    rule("csp-missing", Response, N, "no Content-Security-Policy on a page", "W3C CSP 3", fix::CSP, http::csp_missing),
    rule("nosniff-missing", Response, N, "no X-Content-Type-Options: nosniff", "WHATWG Fetch", fix::NOSNIFF, http::nosniff_missing),
    rule("frame-ancestors-missing", Response, N, "other sites may show the page in a frame", "W3C CSP 3; RFC 7034", fix::FRAMES, http::frame_ancestors_missing),
    rule("cookie-not-secure", Response, W, "a cookie without Secure", "RFC 6265 section 4.1.2.5", fix::SECURE_COOKIES, http::cookie_not_secure),
    rule("cookie-not-httponly", Response, N, "a cookie without HttpOnly", "RFC 6265 section 4.1.2.6", fix::HTTP_ONLY_COOKIES, http::cookie_not_http_only),
    rule("cookie-samesite-none", Response, E, "a cookie with SameSite=None and without Secure", "RFC 6265bis section 4.1.2.7", fix::SECURE_COOKIES, http::cookie_same_site_none),
    rule("redirect-loop", Response, E, "the page redirects to itself", "RFC 9110 section 15.4", fix::FORWARDED, http::redirect_loop),
    rule("redirect-to-http", Response, E, "the page redirects to plain HTTP", "RFC 9325 section 3.2", advice("redirect to https://, or to a path without a scheme"), http::redirect_to_http),
    rule("plain-unanswered", Response, N, "plain HTTP on the port of TLS gets no answer", "RFC 9110 section 4.2.2", advice("nothing is wrong with that; a proxy in front, such as `secure-io proxy`, tells such clients to use https:// or wss://"), http::plain_unanswered),
    rule("mixed-content", Web, W, "a page loads over plain HTTP", "W3C Mixed Content", advice("write https:// and wss://, or URLs without a scheme and a host"), http::mixed_content),
    rule("forwarded-proto-believed", Response, W, "a stranger's X-Forwarded-Proto is believed", "RFC 7239 section 8.1", fix::FORWARDED, http::forwarded_proto),
    rule("breach", Web, N, "a page with cookies is compressed (BREACH)", "CVE-2013-3587", advice("do not compress pages that hold secrets together with what strangers send"), http::breach),
    rule("version-disclosed", Head, N, "the server tells its version", "RFC 9110 section 10.2.4", fix::BANNER, http::version_disclosed),
    rule("referrer-unsafe", Response, N, "whole URLs are given to other sites", "W3C Referrer Policy", advice("send Referrer-Policy: strict-origin-when-cross-origin"), http::referrer_policy),
    rule("bad-gateway", Web, E, "a gateway cannot reach the server", "RFC 9110 section 15.6.3", advice("look whether the server behind the proxy runs, on the address and port and in the scheme that the proxy has"), socket_io::bad_gateway),
    rule("unavailable", Web, E, "a gateway has no server", "RFC 9110 section 15.6.4", advice("look at the health checks of the proxy, and whether a server behind it runs"), socket_io::unavailable),
    rule("gateway-timeout", Web, E, "a server does not answer its gateway", "RFC 9110 section 15.6.5", advice("look why the server behind the proxy hangs; the proxy's read timeout must be above the heartbeat"), socket_io::gateway_timeout),
    rule("auth-required", Web, W, "Engine.IO's path wants credentials", "RFC 9110 section 15.5.2", advice("send credentials, as in --header 'Authorization: Bearer TOKEN' (extraHeaders in socket.io-client), or exempt the Engine.IO path from authentication in the server or proxy that asks for it"), socket_io::auth_required),
    rule("http-forbidden", Web, W, "something in front of Engine.IO refuses", "RFC 9110 section 15.5.4", advice("change the rule of the one that refuses: exempt the Engine.IO path in the firewall (WAF) or challenge, or allow the host (Vite: server.allowedHosts)"), socket_io::http_forbidden),
    rule("rate-limited", Web, W, "requests are limited", "RFC 6585 section 4", advice("exempt /socket.io/ from the limit, because polling makes many requests (nginx: limit_req outside of that location; express-rate-limit: skip), or use websocket only"), socket_io::rate_limited),
    rule("redirected", Web, W, "Engine.IO's path is redirected", "RFC 9110 section 15.4", advice("polling clients follow a redirect, a WebSocket never does: exempt the Engine.IO path from it (sign-in, another host, the slash at the end; Next.js: skipTrailingSlashRedirect, or addTrailingSlash: false on both sides), or connect to the URL that it leads to"), socket_io::redirected),
    rule("cdn-origin", Web, E, "Cloudflare cannot use the origin", "Cloudflare: 5xx errors", advice("look at the origin, as the number says: 521 and 522 nothing answers there, 523 its address is wrong, 524 it is too slow, 525 and 526 its TLS or its certificate (SSL mode Full (strict) needs a valid one or an Origin CA's)"), socket_io::cdn_origin),
    rule("platform-error", Web, E, "the hosting platform itself answers", "what the platform's header fields say", advice("the hosting platform has no such route, or no running app there: look at the deployment and its log. Where the platform has no affinity between instances (Vercel's functions, Heroku without session affinity), use websocket only: transports: ['websocket']"), socket_io::platform_error),
    rule("http-timeout", Request, W, "no request of HTTP is answered", "RFC 9110 section 15.6.5", advice("the app hangs, or a proxy waits for a server that is not there: look at the server's log, for a handler that never answers and an event loop that is blocked"), socket_io::http_timeout),
    rule("http-not-found", Web, N, "nothing is at Socket.IO's path", "RFC 9110 section 15.5.5", advice("give the path of Socket.IO with --path (path: in client and server have to be the same); attach Socket.IO to the http(s) server that listens, not to the Express app; route the path to it in the proxy (nginx: location /socket.io/)"), socket_io::not_found),

    // Other sites.
    rule("cors-missing", Web, W, "the origin that was named is not allowed", "WHATWG Fetch, CORS protocol", fix::CORS, socket_io::cors_missing),
    rule("cors-star-credentials", Web, W, "any site is allowed, with credentials", "WHATWG Fetch, CORS protocol", fix::CORS, socket_io::cors_star_credentials),
    rule("cors-doubled", Web, W, "Access-Control-Allow-Origin comes twice", "WHATWG Fetch, CORS protocol", fix::CORS_ONCE, socket_io::cors_doubled),
    rule("cors-any-origin", Web, W, "any site may read answers with the visitor's cookies", "WHATWG Fetch, CORS protocol", fix::CORS, socket_io::cors_any_origin),
    rule("cors-open", Web, N, "any site may read answers, without cookies", "WHATWG Fetch, CORS protocol", fix::CORS, socket_io::cors_open),

    // Socket.IO.
    rule("eio-version-3", Engine, W, "Engine.IO 3 only", "Engine.IO protocol, revision 4", advice("upgrade the server to Socket.IO 4, or use a client of Socket.IO 2"), socket_io::version_three),
    rule("eio-3-allowed", Engine, N, "Engine.IO 3 is accepted as well", "Engine.IO protocol, revision 4", advice("leave out `allowEIO3` when no client of Socket.IO 2 is left"), socket_io::three_allowed),
    rule("eio-forbidden", Engine, N, "sessions are refused", "Engine.IO protocol, revision 4", advice("look at `allowRequest`; with --origin, the request is made as a page of that site makes it"), socket_io::forbidden),
    rule("not-engine-io", Engine, N, "something other than Engine.IO answers at Socket.IO's path", "Engine.IO protocol, revision 4", advice("give the path of Socket.IO with --path, and exempt it from the fallback that answers every path with the page; a plain WebSocket server (ws) needs a plain WebSocket client, not socket.io-client"), socket_io::not_engine_io),
    rule("eio-bad-method", Engine, W, "Engine.IO answers code 2", "Engine.IO protocol, revision 4", advice("a proxy changes the method of the request: the session is opened by GET (nginx: remove proxy_method)"), socket_io::bad_method),
    rule("eio-bad-request", Engine, W, "Engine.IO answers code 3", "Engine.IO protocol, revision 4", advice("a proxy drops the Upgrade header or changes the query (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\")"), socket_io::bad_request),
    rule("eio-unsupported-version", Engine, W, "Engine.IO answers code 5", "Engine.IO protocol, revision 4", advice("client and server are of different generations: Socket.IO 3 and 4 speak EIO=4, version 2 EIO=3. Use the same major version, or allowEIO3: true in the server; look for a proxy that changes the query"), socket_io::unsupported_version),
    rule("eio-transport-unknown", Engine, N, "Engine.IO does not have polling", "Engine.IO protocol, revision 4", advice("the server does not have this transport: connect with --transport websocket (transports: ['websocket'] in the client), or let transports be the same on both sides"), socket_io::transport_unknown),
    rule("websocket-only", Engine, N, "no session by polling", "Engine.IO protocol, revision 4", advice("give clients `transports: ['websocket']`, or allow polling on the server"), socket_io::websocket_only),
    rule("polling-only", Engine, N, "no WebSocket is offered", "Engine.IO protocol, revision 4", advice("leave out `transports: ['polling']` and `allowUpgrades: false`"), socket_io::polling_only),
    rule("not-sticky", Engine, E, "sessions are known on some connections only", "Socket.IO: using multiple nodes", fix::STICKY, socket_io::not_sticky),
    rule("sticky-by-cookie", Engine, W, "sessions are sticky with a cookie only", "Socket.IO: using multiple nodes", fix::STICKY, socket_io::sticky_by_cookie),
    rule("slow-heartbeat", Engine, W, "the heartbeat is slower than idle limits", "Engine.IO protocol, heartbeat", fix::HEARTBEAT, socket_io::slow_heartbeat),
    rule("closed-idle", Engine, E, "an idle connection is cut before the heartbeat", "Engine.IO protocol, heartbeat", fix::HEARTBEAT, socket_io::closed_idle),
    rule("ping-timeout", Engine, E, "no heartbeat comes", "Engine.IO protocol, heartbeat", fix::HEARTBEAT, socket_io::no_heartbeat),
    rule("upgrade-dropped", Upgrade, W, "the Upgrade field does not arrive", "RFC 6455 section 4.2", fix::UPGRADE, socket_io::upgrade_dropped),
    rule("upgrade-refused", Upgrade, W, "WebSockets are refused", "RFC 6455 section 4.2", fix::UPGRADE, socket_io::upgrade_refused),
    rule("upgrade-timeout", Upgrade, W, "WebSockets get no answer", "RFC 6455 section 4.2", fix::UPGRADE, socket_io::upgrade_timeout),
    rule("upgrade-broken", Upgrade, W, "a WebSocket speaks something else than Engine.IO", "Engine.IO protocol, revision 4", advice("let one server handle each path: other WebSocket servers with `noServer: true`, and a listener of `upgrade` that looks at the path"), socket_io::upgrade_broken),
    rule("websocket-unguarded", Upgrade, W, "CORS does not guard WebSockets", "RFC 6455 section 10.2", fix::ALLOW_REQUEST, socket_io::websocket_unguarded),
    rule("websocket-any-origin", Upgrade, N, "any site may open a WebSocket", "RFC 6455 section 10.2", fix::ALLOW_REQUEST, socket_io::websocket_any_origin),
];
