//! Fixes, with the directive for each server program that is known.

use super::super::software::Software;

/// Stands in a directive for the host and port that were asked for, as in `localhost:3000`.
const AUTHORITY: &str = "AUTHORITY";

/// Stands in a directive for the port that was asked for; nothing where that is the usual one.
const PORT: &str = ":PORT";

/// Stands in a directive for the origins whose pages are meant to use the server, each in quotes.
const ORIGINS: &str = "ORIGINS";

/// A line of a configuration, and the place where it belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directive {
    /// As in `in server`; empty where the line says it.
    pub(super) place: &'static str,
    /// The line; empty for a program without one.
    pub(super) line: &'static str,
}

/// Advice, and the directive of each program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fix {
    pub(super) general: &'static str,
    pub(super) nginx: Directive,
    pub(super) haproxy: Directive,
    pub(super) caddy: Directive,
    /// Node as the server of TLS and HTTP.
    pub(super) node: Directive,
    /// The application, whatever stands in front of it.
    pub(super) app: Directive,
}

/// Values for the words that stand for others in directives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) authority: &'a str,
    pub(super) origin: Option<&'a str>,
}

impl Values<'_> {
    fn fill(self, line: &str) -> String {
        let own = format!("'https://{}'", self.authority);
        let origins = self.origin.map_or_else(|| own.clone(), |origin| format!("{own}, '{origin}'"));
        let port = self.authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let port = port.map(|(_, port)| format!(":{port}")).unwrap_or_default();
        line.replace(AUTHORITY, self.authority).replace(PORT, &port).replace(ORIGINS, &origins)
    }
}

impl Fix {
    /// The advice for a server: its own directive if the program is known, else all directives.
    pub(super) fn text(&self, software: Option<Software>, values: Values<'_>) -> String {
        let is_shown = |program: Option<Software>| software.is_none() || program.is_none() || program == software;
        let shown: Vec<_> = self.directives().filter(|(program, _)| is_shown(*program)).collect();
        if shown.is_empty() {
            self.general.to_owned()
        } else {
            format!("{}. {}", self.general, words(shown, values).join("; "))
        }
    }

    /// Each directive, as it is printed.
    #[cfg(test)]
    pub(super) fn lines(&self, values: Values<'_>) -> Vec<String> {
        words(self.directives().collect(), values)
    }

    /// The directives that there are; without a program, the application's.
    fn directives(&self) -> impl Iterator<Item = (Option<Software>, Directive)> {
        let all = [
            (Some(Software::Nginx), self.nginx),
            (Some(Software::HaProxy), self.haproxy),
            (Some(Software::Caddy), self.caddy),
            (Some(Software::Node), self.node),
            (None, self.app),
        ];
        all.into_iter().filter(|(_, directive)| !directive.line.is_empty())
    }
}

fn words(directives: Vec<(Option<Software>, Directive)>, values: Values<'_>) -> Vec<String> {
    let words = |(program, Directive { place, line }): (Option<Software>, Directive)| {
        let name = program.map_or("in the application", Software::name);
        let comma = if place.is_empty() { "" } else { ", " };
        format!("{name}{comma}{place}: `{}`", values.fill(line))
    };
    directives.into_iter().map(words).collect()
}

/// A line that belongs at a place.
const fn at(place: &'static str, line: &'static str) -> Directive {
    Directive { place, line }
}

/// No line.
const NONE: Directive = at("", "");

/// Advice alone.
pub(super) const fn advice(general: &'static str) -> Fix {
    Fix { general, nginx: NONE, haproxy: NONE, caddy: NONE, node: NONE, app: NONE }
}

// Where a line belongs. nginx takes versions and suites from the port's default server, whichever server answers; Caddy
// has no blocks on one line.
const DEFAULT_SERVER: &str = "in the default server of the port";
const SERVER: &str = "in server";
const GLOBAL: &str = "in global, unless the bind line has its own";
const FRONTEND: &str = "in frontend";
const CADDY_TLS: &str = "inside the block of the site's tls line";
const CADDY_SITE: &str = "in the site's block";

pub(super) const VERSIONS: Fix = Fix {
    general: "offer TLS 1.2 and TLS 1.3 only",
    nginx: at(DEFAULT_SERVER, "ssl_protocols TLSv1.2 TLSv1.3;"),
    haproxy: at(GLOBAL, "ssl-default-bind-options ssl-min-ver TLSv1.2"),
    caddy: at(CADDY_TLS, "protocols tls1.2 tls1.3"),
    node: at("", "https.createServer({ minVersion: 'TLSv1.2', … })"),
    app: NONE,
};

pub(super) const TLS13: Fix = Fix {
    general: "offer TLS 1.3 as well",
    nginx: at(DEFAULT_SERVER, "ssl_protocols TLSv1.2 TLSv1.3;"),
    haproxy: at(GLOBAL, "ssl-default-bind-options ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3"),
    caddy: at(CADDY_TLS, "protocols tls1.2 tls1.3"),
    node: at("", "https.createServer({ maxVersion: 'TLSv1.3', … })"),
    app: NONE,
};

pub(super) const SUITES: Fix = Fix {
    general: "offer suites with ECDHE and an AEAD only",
    nginx: at(
        DEFAULT_SERVER,
        "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;",
    ),
    haproxy: at(
        GLOBAL,
        "ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    ),
    caddy: at(CADDY_TLS, "ciphers TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    node: at(
        "",
        "https.createServer({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384', … })",
    ),
    app: NONE,
};

pub(super) const DH: Fix = Fix {
    general: "drop the DHE suites, or use a prime of 2048 bit or more (`openssl dhparam -out dhparam.pem 2048`)",
    nginx: at(DEFAULT_SERVER, "ssl_dhparam dhparam.pem;"),
    haproxy: at("in global, in place of ssl-dh-param-file", "tune.ssl.default-dh-param 2048"),
    caddy: NONE,
    node: at("", "https.createServer({ dhparam: 'auto', … })"),
    app: NONE,
};

pub(super) const GROUPS: Fix = Fix {
    general: "offer X25519, P-256 and P-384 only, and X25519MLKEM768 where the library has it",
    nginx: at(DEFAULT_SERVER, "ssl_ecdh_curve X25519:prime256v1:secp384r1;"),
    haproxy: at(GLOBAL, "ssl-default-bind-curves X25519:P-256:P-384"),
    caddy: at(CADDY_TLS, "curves x25519 secp256r1 secp384r1"),
    node: at("", "https.createServer({ ecdhCurve: 'X25519:P-256:P-384', … })"),
    app: NONE,
};

pub(super) const POST_QUANTUM: Fix = Fix {
    general: "run the server on OpenSSL 3.5, Node 24.5, Go 1.24 or newer, which offer X25519MLKEM768 by default",
    nginx: at(
        "with OpenSSL 3.5, where ssl_ecdh_curve is set",
        "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;",
    ),
    haproxy: at("with OpenSSL 3.5, where curves are set", "ssl-default-bind-curves X25519MLKEM768:X25519:P-256:P-384"),
    caddy: NONE,
    node: at(
        "from 24.5 on, where ecdhCurve is set",
        "https.createServer({ ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384', … })",
    ),
    app: NONE,
};

pub(super) const EARLY_DATA: Fix = Fix {
    general: "switch early data off (HAProxy: without allow-0rtt on the bind line), or make sure that replayed requests do no harm",
    nginx: at(DEFAULT_SERVER, "ssl_early_data off;"),
    haproxy: NONE,
    caddy: NONE,
    node: NONE,
    app: NONE,
};

pub(super) const ALPN: Fix = Fix {
    general: "offer http/1.1 beside h2: WebSockets and Node's clients need it",
    nginx: NONE,
    haproxy: at("on the bind line", "alpn h2,http/1.1"),
    caddy: NONE,
    node: at("", "http2.createSecureServer({ allowHTTP1: true, … })"),
    app: NONE,
};

pub(super) const CHAIN: Fix = Fix {
    general: "serve the whole chain: the server's certificate first, then each intermediate, without the root",
    nginx: at(SERVER, "ssl_certificate fullchain.pem;"),
    haproxy: at("on the bind line", "crt fullchain-and-key.pem"),
    caddy: at(CADDY_SITE, "tls fullchain.pem key.pem"),
    node: at("", "https.createServer({ cert: fs.readFileSync('fullchain.pem'), … })"),
    app: NONE,
};

pub(super) const STAPLE: Fix = Fix {
    general: "staple the CA's status, or get a certificate without the demand (status_request)",
    nginx: at(SERVER, "ssl_stapling on; ssl_trusted_certificate chain.pem;"),
    haproxy: at("behind the file in the crt-list, from 2.8 on", "[ocsp-update on]"),
    caddy: NONE,
    node: at("", "server.on('OCSPRequest', (certificate, issuer, callback) => …)"),
    app: NONE,
};

pub(super) const CLIENT_CERTIFICATE: Fix = Fix {
    general: "give clients a certificate of an accepted CA, or do not demand one",
    nginx: at(SERVER, "ssl_verify_client off;"),
    haproxy: at("on the bind line", "verify none"),
    caddy: NONE,
    node: at("", "https.createServer({ requestCert: false, … })"),
    app: NONE,
};

pub(super) const HSTS: Fix = Fix {
    general: "send Strict-Transport-Security with a max-age of 6 months or more once all of the host is on HTTPS",
    nginx: at(SERVER, "add_header Strict-Transport-Security \"max-age=63072000\" always;"),
    haproxy: at(FRONTEND, "http-response set-header Strict-Transport-Security max-age=63072000"),
    caddy: at(CADDY_SITE, "header Strict-Transport-Security max-age=63072000"),
    node: at("", "res.setHeader('Strict-Transport-Security', 'max-age=63072000')"),
    app: NONE,
};

pub(super) const NO_HSTS: Fix = Fix {
    general: "do not send Strict-Transport-Security from localhost: take out the line that sets it. The browser forgets it after one answer with max-age=0, or in Chrome at chrome://net-internals/#hsts",
    nginx: at("where the application behind it sets it", "proxy_hide_header Strict-Transport-Security;"),
    haproxy: at("last in frontend", "http-response del-header Strict-Transport-Security"),
    caddy: at(CADDY_SITE, "header -Strict-Transport-Security"),
    node: at("with helmet", "app.use(helmet({ strictTransportSecurity: false }))"),
    app: NONE,
};

pub(super) const REDIRECT: Fix = Fix {
    general: "answer plain HTTP with a redirect to https://",
    nginx: at("in the server of plain HTTP", "return 308 https://$host:PORT$request_uri;"),
    haproxy: at(
        "in the frontend of plain HTTP",
        "http-request redirect prefix https://AUTHORITY code 308 unless { ssl_fc }",
    ),
    caddy: at("in the block of plain HTTP", "redir https://{host}:PORT{uri} 308"),
    node: at(
        "in the server of plain HTTP",
        "http.createServer((req, res) => res.writeHead(308, { Location: 'https://AUTHORITY' + req.url }).end())",
    ),
    app: NONE,
};

pub(super) const CSP: Fix = Fix {
    general: "send a Content-Security-Policy with each page, by hash or nonce for scripts in the page itself; `'self'` in connect-src lets the page's own Socket.IO through",
    nginx: at(
        SERVER,
        "add_header Content-Security-Policy \"default-src 'self'; connect-src 'self' wss://AUTHORITY\" always;",
    ),
    haproxy: at(
        FRONTEND,
        "http-response set-header Content-Security-Policy \"default-src 'self'; connect-src 'self' wss://AUTHORITY\"",
    ),
    caddy: at(CADDY_SITE, "header Content-Security-Policy \"default-src 'self'; connect-src 'self' wss://AUTHORITY\""),
    node: at(
        "",
        "res.setHeader('Content-Security-Policy', \"default-src 'self'; connect-src 'self' wss://AUTHORITY\")",
    ),
    app: NONE,
};

pub(super) const NOSNIFF: Fix = Fix {
    general: "send X-Content-Type-Options with each answer",
    nginx: at(SERVER, "add_header X-Content-Type-Options \"nosniff\" always;"),
    haproxy: at(FRONTEND, "http-response set-header X-Content-Type-Options \"nosniff\""),
    caddy: at(CADDY_SITE, "header X-Content-Type-Options \"nosniff\""),
    node: at("", "res.setHeader('X-Content-Type-Options', 'nosniff')"),
    app: NONE,
};

pub(super) const FRAMES: Fix = Fix {
    general: "send X-Frame-Options, or frame-ancestors in a Content-Security-Policy, with each page",
    nginx: at(SERVER, "add_header X-Frame-Options \"SAMEORIGIN\" always;"),
    haproxy: at(FRONTEND, "http-response set-header X-Frame-Options \"SAMEORIGIN\""),
    caddy: at(CADDY_SITE, "header X-Frame-Options \"SAMEORIGIN\""),
    node: at("", "res.setHeader('X-Frame-Options', 'SAMEORIGIN')"),
    app: NONE,
};

pub(super) const SECURE_COOKIES: Fix = Fix {
    general: "set the cookie with Secure",
    nginx: at(SERVER, "proxy_cookie_flags ~ secure;"),
    haproxy: at(FRONTEND, "http-response replace-header Set-Cookie '^((?:(?!;\\s*[Ss]ecure).)*)$' '\\1; Secure'"),
    caddy: NONE,
    node: at("", "res.cookie(name, value, { secure: true, httpOnly: true, sameSite: 'lax' })"),
    app: NONE,
};

pub(super) const HTTP_ONLY_COOKIES: Fix = Fix {
    general: "set the cookie with HttpOnly, unless scripts of the page need it",
    nginx: at(SERVER, "proxy_cookie_flags ~ httponly;"),
    haproxy: at(
        FRONTEND,
        "http-response replace-header Set-Cookie '^((?:(?!;\\s*[Hh]ttp[Oo]nly).)*)$' '\\1; HttpOnly'",
    ),
    caddy: NONE,
    node: at("", "res.cookie(name, value, { secure: true, httpOnly: true, sameSite: 'lax' })"),
    app: NONE,
};

pub(super) const UPGRADE: Fix = Fix {
    general: "let WebSockets through: HTTP/1.1 to the server behind, with its Upgrade and Connection fields",
    nginx: at(
        "in the location of /socket.io/",
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
    ),
    haproxy: NONE,
    caddy: NONE,
    node: NONE,
    app: NONE,
};

pub(super) const STICKY: Fix = Fix {
    general: "lead all requests of a client to the same server, by its address, or use WebSockets only: io(url, { transports: ['websocket'] })",
    nginx: at("in upstream", "hash $remote_addr consistent;"),
    haproxy: at("in backend", "balance source"),
    caddy: at("in the block of reverse_proxy", "lb_policy ip_hash"),
    node: at("with cluster", "require('@socket.io/sticky').setupMaster(httpServer)"),
    app: NONE,
};

pub(super) const HEARTBEAT: Fix = Fix {
    general: "send the heartbeat more often than the shortest idle limit on the way, or raise that limit",
    nginx: at("in the location of /socket.io/", "proxy_read_timeout 120s;"),
    haproxy: at("in defaults", "timeout tunnel 1h"),
    caddy: NONE,
    node: NONE,
    app: at("", "new Server(httpServer, { pingInterval: 25000 })"),
};

pub(super) const CORS: Fix = Fix {
    general: "name the sites that may use the server, in the application alone",
    nginx: NONE,
    haproxy: NONE,
    caddy: NONE,
    node: NONE,
    app: at("", "new Server(httpServer, { cors: { origin: [ORIGINS], credentials: true } })"),
};

pub(super) const CORS_ONCE: Fix = Fix {
    general: "set Access-Control-Allow-Origin in one place: in the application, or in the proxy in front of it",
    nginx: at("where the application behind it sets it", "proxy_hide_header Access-Control-Allow-Origin;"),
    haproxy: at("before the line that sets it", "http-response del-header Access-Control-Allow-Origin"),
    caddy: NONE,
    node: NONE,
    app: at("", "new Server(httpServer, { cors: { origin: [ORIGINS], credentials: true } })"),
};

pub(super) const ALLOW_REQUEST: Fix = Fix {
    general: "look at the Origin of each request: Socket.IO's `cors` guards polling only. Clients that are no browsers send none",
    nginx: NONE,
    haproxy: NONE,
    caddy: NONE,
    node: NONE,
    app: at(
        "",
        "new Server(httpServer, { allowRequest: (req, callback) => callback(null, [undefined, ORIGINS].includes(req.headers.origin)) })",
    ),
};

pub(super) const FORWARDED: Fix = Fix {
    general: "believe the field from the proxy's address only, and let the proxy overwrite it",
    nginx: at(SERVER, "proxy_set_header X-Forwarded-Proto $scheme;"),
    haproxy: at(FRONTEND, "http-request set-header X-Forwarded-Proto https if { ssl_fc }"),
    caddy: at("in servers of the global options, from 2.6.3 on", "trusted_proxies static private_ranges"),
    node: at("behind a proxy on this machine; false without a proxy", "app.set('trust proxy', 'loopback')"),
    app: NONE,
};

pub(super) const BANNER: Fix = Fix {
    general: "leave the version out of the header (Apache: ServerTokens Prod)",
    nginx: at(SERVER, "server_tokens off;"),
    haproxy: at(FRONTEND, "http-response del-header Server"),
    caddy: at(CADDY_SITE, "header -Server"),
    node: at("", "app.disable('x-powered-by')"),
    app: NONE,
};

pub(super) const RENEWED: Fix = advice("have the certificate issued again, and reload the server");
