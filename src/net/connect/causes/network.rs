//! Causes below HTTP: the URL, names, connections, TLS and certificates.

use super::{Cause, POLL_ERROR};
use crate::judge::report::connect::LayerName::{Address, Dns, Tcp, Tls};

/// Stands in for a code without a row, which does not happen: a test compares them.
pub(super) static UNKNOWN: Cause = Cause::new(Tls, "tls-reset", 2, POLL_ERROR, "look at the server's log");

/// Clients built on OpenSSL, which look at less than others.
const OPENSSL: &[&str] = &["node", "curl", "openssl"];
const STRICT: &[&str] = &["browsers", "rustls", "python"];

pub(super) static CAUSES: &[Cause] = &[
    Cause::new(
        Address,
        "bad-url",
        2,
        "xhr poll error, or an exception from new URL()",
        "write it as in https://localhost:3000",
    ),
    Cause::new(
        Address,
        "hsts-preloaded",
        0,
        "",
        "browsers force https:// on every name below this top-level domain: use a name below .test or .localhost, or serve \
         TLS (secure-io serve, secure-io proxy)",
    ),
    Cause::new(
        Dns,
        "name-not-found",
        2,
        "xhr poll error (getaddrinfo ENOTFOUND)",
        "put the name into /etc/hosts, as in 127.0.0.1 app.test; or use a name below .localhost; or give the address with \
         --resolve HOST:PORT:ADDR",
    ),
    Cause::new(
        Dns,
        "dns-timeout",
        2,
        "xhr poll error (getaddrinfo EAI_AGAIN)",
        "the resolver in /etc/resolv.conf does not answer: look at the network, the VPN and that resolver's address; give \
         the address with --resolve HOST:PORT:ADDR to go on without it",
    ),
    Cause::new(
        Tcp,
        "refused",
        2,
        "xhr poll error (connect ECONNREFUSED)",
        "start the server, or name the port and the address that it listens on: a server bound to 127.0.0.1 is not on ::1, \
         and the other way round",
    ),
    Cause::new(
        Tcp,
        "proxy-refused",
        2,
        "nothing: socket.io-client does not use HTTPS_PROXY, and connects directly or times out",
        "put the host into NO_PROXY, or give the proxy's credentials, as in HTTPS_PROXY=http://user:password@proxy:3128. \
         socket.io-client does not use these variables: in Node pass an agent (https-proxy-agent)",
    )
    .accepted(&[], &["curl"]),
    Cause::new(
        Tcp,
        "unreachable",
        2,
        "xhr poll error (connect EHOSTUNREACH or ENETUNREACH)",
        "there is no route to the address: look at the network, the VPN and the firewall; a container's own address is \
         reached from its network only, so publish the port",
    ),
    Cause::new(
        Tcp,
        "connect-timeout",
        2,
        "timeout, or xhr poll error (connect ETIMEDOUT)",
        "a firewall drops the packets, the host is another one, or the container's port is not published (docker run -p)",
    ),
    Cause::new(
        Tcp,
        "other-server-on-address",
        0,
        "",
        "name the address in the URL, as in 127.0.0.1 or [::1], stop the other server, or let the one that you mean listen \
         on both",
    ),
    Cause::new(
        Tls,
        "closed-at-once",
        2,
        "xhr poll error (ECONNRESET, socket hang up)",
        "a port forwarder (Docker, ssh -L, kubectl port-forward) accepts the connection, and nothing is behind it: start the \
         server there, and bind it to 0.0.0.0 in the container, not to 127.0.0.1",
    ),
    Cause::new(
        Tls,
        "tls-timeout",
        2,
        "timeout (after 20 s)",
        "the port is open and says nothing: it is not a TLS server, or the server hangs, or something filters. Try \
         http:// in place of https://, and look at the server's log",
    ),
    Cause::new(
        Tls,
        "tls-reset",
        2,
        "xhr poll error (ECONNRESET, Client network socket disconnected before secure TLS connection was established)",
        "a middlebox or firewall that looks at the server name may cut it: try another with --server-name, and another \
         network; then look at the server's log",
    ),
    Cause::new(
        Tls,
        "plain-http",
        2,
        "xhr poll error (EPROTO, wrong version number)",
        "use http:// or ws:// in the URL; or put TLS in front of it (secure-io proxy); in Node the server of \
         https.createServer must be the one on which listen() is called and to which Socket.IO is attached",
    ),
    Cause::new(
        Tls,
        "not-tls",
        2,
        "xhr poll error (EPROTO, wrong version number)",
        "another service listens on this port: name the right port",
    ),
    Cause::new(
        Tls,
        "old-tls",
        2,
        "xhr poll error (EPROTO, tlsv1 alert protocol version)",
        "let the server speak TLS 1.2 and 1.3. Node: minVersion: 'TLSv1.2'; nginx: ssl_protocols TLSv1.2 TLSv1.3; \
         HAProxy: ssl-min-ver TLSv1.2",
    ),
    Cause::new(
        Tls,
        "no-common-suite",
        2,
        "xhr poll error (EPROTO, sslv3 alert handshake failure); nothing where OpenSSL has the suites",
        "let the server take TLS 1.3, or ECDHE suites with an AEAD. nginx: ssl_ciphers \
         ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256; Node: ciphers with the same names; a server without a \
         certificate refuses all suites as well",
    ),
    Cause::new(
        Tls,
        "client-certificate-required",
        2,
        "xhr poll error (ECONNRESET, tlsv13 alert certificate required, or 400)",
        "send a client certificate of a CA that the server accepts: --client-cert FILE --client-key FILE; in Node cert and \
         key in the client's options; browsers choose one from their own store",
    ),
    Cause::new(
        Tls,
        "client-certificate-refused",
        2,
        "xhr poll error (ECONNRESET, unknown ca, bad certificate)",
        "the server refuses the client certificate: its CA is unknown there, it has expired, or its extKeyUsage is \
         serverAuth alone. Have one issued by the CA in the server's ca or ssl_client_certificate (secure-io gen-cert \
         --purpose client)",
    ),
    Cause::new(
        Tls,
        "unknown-server-name",
        2,
        "xhr poll error (EPROTO, unrecognized name)",
        "add the name to the server (nginx: server_name; HAProxy: a certificate with that name), or send one that it knows \
         with --server-name NAME",
    ),
    Cause::new(
        Tls,
        "no-alpn-overlap",
        2,
        "xhr poll error (403 Missing ALPN Protocol, or socket hang up): it offers no protocol by ALPN",
        "offer http/1.1 by ALPN beside h2, because WebSockets and Node's client need it. Node: allowHTTP1: true; HAProxy: \
         alpn h2,http/1.1 (see http2-only)",
    )
    .accepted(&["curl", "browsers for polling"], &["node", "python", "WebSockets"]),
    Cause::new(
        Tls,
        "self-signed",
        2,
        "xhr poll error (DEPTH_ZERO_SELF_SIGNED_CERT)",
        "trust this certificate: --trust FILE here, ca: in Node's client or NODE_EXTRA_CA_CERTS; better, use a local CA that \
         clients trust (secure-io ca trust, then gen-cert --ca)",
    ),
    Cause::new(
        Tls,
        "unknown-issuer",
        2,
        "xhr poll error (UNABLE_TO_VERIFY_LEAF_SIGNATURE or SELF_SIGNED_CERT_IN_CHAIN)",
        "trust the CA that issued it: --trust FILE here, NODE_EXTRA_CA_CERTS=FILE or --use-system-ca for Node, and \
         secure-io ca trust for browsers and the system",
    ),
    Cause::new(
        Tls,
        "incomplete-chain",
        2,
        "xhr poll error (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
        "serve the whole chain, the server's certificate first, then each intermediate (fullchain.pem). nginx: \
         ssl_certificate fullchain.pem; Node: cert: the file with the chain; if the issuer is a root of your own, trust it \
         with --trust FILE",
    )
    .accepted(&["browsers that know the intermediate"], &["node", "python", "curl"]),
    Cause::new(
        Tls,
        "intercepted",
        2,
        "xhr poll error (self-signed certificate in certificate chain, or unable to get local issuer certificate)",
        "an inspection product or an antivirus stands in between: give Node its root with NODE_EXTRA_CA_CERTS=FILE or \
         --use-system-ca, or have an exception made for this host",
    ),
    Cause::new(
        Tls,
        "expired",
        2,
        "xhr poll error (CERT_HAS_EXPIRED)",
        "renew the certificate (secure-io gen-cert --renew, certbot renew) and reload the server; if it is newer than it \
         looks, this machine's clock is wrong",
    ),
    Cause::new(
        Tls,
        "not-yet-valid",
        2,
        "xhr poll error (CERT_NOT_YET_VALID)",
        "set the clock of this machine, or of the machine that issued it, and have it issued again if its clock was wrong",
    ),
    Cause::new(
        Tls,
        "host-mismatch",
        2,
        "xhr poll error (ERR_TLS_CERT_ALTNAME_INVALID)",
        "have it issued again with this name in subjectAltName (secure-io gen-cert NAME; an address needs an iPAddress \
         entry), or connect by a name that it has",
    ),
    Cause::new(
        Tls,
        "wrong-purpose",
        2,
        "xhr poll error (INVALID_PURPOSE)",
        "have it issued again for servers, with serverAuth in its extKeyUsage (secure-io gen-cert --purpose server)",
    ),
    Cause::new(
        Tls,
        "ca-as-leaf",
        2,
        "nothing: Node connects",
        "have it issued again as a leaf, with basicConstraints CA:FALSE (secure-io gen-cert; openssl req -x509 makes a CA \
         unless told otherwise): rustls and Java refuse a CA as a server's certificate, OpenSSL and browsers do not",
    )
    .accepted(&["browsers", "node", "curl", "openssl", "python"], &["rustls", "java"]),
    Cause::new(
        Tls,
        "version",
        2,
        "nothing: Node connects if it trusts the certificate",
        "have it issued again as version 3 with a subjectAltName (secure-io gen-cert): openssl x509 -req makes version 1 \
         unless it is given extensions",
    )
    .accepted(OPENSSL, STRICT),
    Cause::new(
        Tls,
        "name-constraint",
        2,
        "xhr poll error (permitted subtree violation)",
        "its CA may not sign for this name: use a name that the CA permits, or permit it with secure-io ca renew --permit \
         NAME and have the certificate issued again",
    ),
    Cause::new(
        Tls,
        "weak-signature",
        2,
        "xhr poll error (CA_MD_TOO_WEAK)",
        "have it issued again with SHA-256",
    ),
    Cause::new(Tls, "weak-key", 2, "xhr poll error (EE_KEY_TOO_SMALL)", "make a new key, as EC P-256 or RSA 2048, and have a certificate issued for it"),
    Cause::new(Tls, "bad-signature", 2, "xhr poll error (CERT_SIGNATURE_FAILURE)", "have it issued again: the signature is not its issuer's"),
    Cause::new(Tls, "not-a-ca", 2, "xhr poll error (unsuitable certificate purpose)", "have it signed by a CA, one with cA in its basicConstraints"),
    Cause::new(Tls, "path-too-long", 2, "xhr poll error (PATH_LENGTH_EXCEEDED)", "issue it from a CA whose pathLenConstraint allows so many intermediates"),
    Cause::new(Tls, "unknown-critical-extension", 2, "xhr poll error (UNHANDLED_CRITICAL_EXTENSION)", "have it issued again without that extension, or with the extension not critical"),
    Cause::new(Tls, "revoked", 2, "nothing: Node does not look at CRLs by itself", "make a new key, and have a new certificate issued"),
    Cause::new(Tls, "key-mismatch", 2, "xhr poll error (EPROTO, bad signature)", "give the server the private key that belongs to its certificate"),
    Cause::new(Tls, "malformed", 2, "xhr poll error", "have it issued again by a program that follows RFC 5280"),
    Cause::new(Tls, "chain-too-complex", 2, "xhr poll error", "send the chain alone: the server's certificate, then its issuers in order"),
];
