//! Fixes, with the directive for each server program that is known.

use super::super::software::Software;

/// Advice, and the directive of each program; empty for a program without one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fix {
    pub(super) general: &'static str,
    pub(super) nginx: &'static str,
    pub(super) haproxy: &'static str,
    pub(super) caddy: &'static str,
    pub(super) node: &'static str,
}

impl Fix {
    /// The advice for a server: its own directive if the program is known, else all directives.
    pub(super) fn text(&self, software: Option<Software>) -> String {
        let directives = [
            (Software::Nginx, self.nginx),
            (Software::HaProxy, self.haproxy),
            (Software::Caddy, self.caddy),
            (Software::Node, self.node),
        ];
        let is_shown = |program: Software| software.is_none_or(|known| known == program);
        let shown: Vec<_> = directives
            .into_iter()
            .filter(|(program, directive)| is_shown(*program) && !directive.is_empty())
            .map(|(program, directive)| format!("{}: `{directive}`", program.name()))
            .collect();
        if shown.is_empty() { self.general.to_owned() } else { format!("{}. {}", self.general, shown.join("; ")) }
    }
}

/// Advice alone.
pub(super) const fn advice(general: &'static str) -> Fix {
    Fix { general, nginx: "", haproxy: "", caddy: "", node: "" }
}

pub(super) const VERSIONS: Fix = Fix {
    general: "offer TLS 1.2 and TLS 1.3 only",
    nginx: "ssl_protocols TLSv1.2 TLSv1.3;",
    haproxy: "ssl-default-bind-options ssl-min-ver TLSv1.2",
    caddy: "tls { protocols tls1.2 tls1.3 }",
    node: "https.createServer({ minVersion: 'TLSv1.2', … })",
};

pub(super) const TLS13: Fix = Fix {
    general: "offer TLS 1.3 as well",
    nginx: "ssl_protocols TLSv1.2 TLSv1.3;",
    haproxy: "ssl-default-bind-options ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3",
    caddy: "tls { protocols tls1.2 tls1.3 }",
    node: "https.createServer({ maxVersion: 'TLSv1.3', … })",
};

pub(super) const SUITES: Fix = Fix {
    general: "offer suites with ECDHE and an AEAD only",
    nginx: "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;",
    haproxy: "ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    caddy: "tls { ciphers TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 }",
    node: "https.createServer({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384', … })",
};

pub(super) const DH: Fix = Fix {
    general: "drop the DHE suites, or use a prime of 2048 bit or more (`openssl dhparam -out dhparam.pem 2048`)",
    nginx: "ssl_dhparam dhparam.pem;",
    haproxy: "tune.ssl.default-dh-param 2048",
    caddy: "",
    node: "https.createServer({ dhparam: 'auto', … })",
};

pub(super) const GROUPS: Fix = Fix {
    general: "offer X25519, P-256 and P-384 only, and X25519MLKEM768 where the library has it",
    nginx: "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
    haproxy: "ssl-default-bind-curves X25519:P-256:P-384",
    caddy: "tls { curves x25519 secp256r1 secp384r1 }",
    node: "https.createServer({ ecdhCurve: 'X25519:P-256:P-384', … })",
};

pub(super) const POST_QUANTUM: Fix = Fix {
    general: "run the server on OpenSSL 3.5, Node 24.5, Go 1.24 or newer, which offer X25519MLKEM768 by default",
    nginx: "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;",
    haproxy: "ssl-default-bind-curves X25519MLKEM768:X25519:P-256:P-384",
    caddy: "",
    node: "https.createServer({ ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384', … })",
};

pub(super) const EARLY_DATA: Fix = Fix {
    general: "switch early data off (HAProxy: without allow-0rtt on the bind line), or make sure that replayed requests do no harm",
    nginx: "ssl_early_data off;",
    haproxy: "",
    caddy: "",
    node: "",
};

pub(super) const ALPN: Fix = Fix {
    general: "offer http/1.1 beside h2: WebSockets and Node's clients need it",
    nginx: "",
    haproxy: "bind … alpn h2,http/1.1",
    caddy: "servers { protocols h1 h2 }",
    node: "http2.createSecureServer({ allowHTTP1: true, … })",
};

pub(super) const CHAIN: Fix = Fix {
    general: "serve the whole chain: the server's certificate first, then each intermediate, without the root",
    nginx: "ssl_certificate fullchain.pem;",
    haproxy: "bind … crt fullchain-and-key.pem",
    caddy: "tls fullchain.pem key.pem",
    node: "https.createServer({ cert: fs.readFileSync('fullchain.pem'), … })",
};

pub(super) const STAPLE: Fix = Fix {
    general: "staple the CA's status, or get a certificate without the demand (status_request)",
    nginx: "ssl_stapling on; ssl_trusted_certificate chain.pem;",
    haproxy: "ocsp-update on",
    caddy: "",
    node: "server.on('OCSPRequest', (certificate, issuer, callback) => …)",
};

pub(super) const CLIENT_CERTIFICATE: Fix = Fix {
    general: "give clients a certificate of an accepted CA, or do not demand one",
    nginx: "ssl_verify_client off;",
    haproxy: "bind … verify none",
    caddy: "",
    node: "https.createServer({ requestCert: false, … })",
};

pub(super) const HSTS: Fix = Fix {
    general: "send Strict-Transport-Security with a max-age of 6 months or more once all of the host is on HTTPS",
    nginx: "add_header Strict-Transport-Security \"max-age=63072000\" always;",
    haproxy: "http-response set-header Strict-Transport-Security max-age=63072000",
    caddy: "header Strict-Transport-Security max-age=63072000",
    node: "res.setHeader('Strict-Transport-Security', 'max-age=63072000')",
};

pub(super) const NO_HSTS: Fix = Fix {
    general: "do not send Strict-Transport-Security from localhost; the browser forgets it after one answer with max-age=0, or in Chrome at chrome://net-internals/#hsts",
    nginx: "proxy_hide_header Strict-Transport-Security;",
    haproxy: "http-response del-header Strict-Transport-Security",
    caddy: "header -Strict-Transport-Security",
    node: "helmet({ strictTransportSecurity: false })",
};

pub(super) const REDIRECT: Fix = Fix {
    general: "answer plain HTTP with a redirect to https://",
    nginx: "return 308 https://$host$request_uri;",
    haproxy: "http-request redirect scheme https code 308 unless { ssl_fc }",
    caddy: "",
    node: "res.writeHead(308, { Location: 'https://' + host + req.url }).end()",
};

pub(super) const HEADERS: Fix = Fix {
    general: "send the header with each page",
    nginx: "add_header NAME \"VALUE\" always;",
    haproxy: "http-response set-header NAME VALUE",
    caddy: "header NAME VALUE",
    node: "app.use(helmet())",
};

pub(super) const COOKIES: Fix = Fix {
    general: "set the cookie with Secure, HttpOnly and SameSite",
    nginx: "proxy_cookie_flags ~ secure httponly samesite=lax;",
    haproxy: "cookie NAME insert secure httponly",
    caddy: "",
    node: "res.cookie(name, value, { secure: true, httpOnly: true, sameSite: 'lax' })",
};

pub(super) const UPGRADE: Fix = Fix {
    general: "let WebSockets through: HTTP/1.1 to the server behind, with its Upgrade and Connection fields",
    nginx: "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
    haproxy: "",
    caddy: "",
    node: "new Server(httpServer, { transports: ['polling', 'websocket'] })",
};

pub(super) const STICKY: Fix = Fix {
    general: "lead all requests of a client to the same server, by its address, or use WebSockets only: io(url, { transports: ['websocket'] })",
    nginx: "upstream app { hash $remote_addr consistent; … }",
    haproxy: "balance source",
    caddy: "lb_policy ip_hash",
    node: "require('@socket.io/sticky').setupMaster(httpServer)",
};

pub(super) const HEARTBEAT: Fix = Fix {
    general: "send the heartbeat more often than the shortest idle limit on the way, or raise that limit",
    nginx: "proxy_read_timeout 120s;",
    haproxy: "timeout tunnel 1h",
    caddy: "",
    node: "new Server(httpServer, { pingInterval: 25000 })",
};

pub(super) const CORS: Fix = Fix {
    general: "name the sites that may use the server, in one place: in the application or in the proxy in front of it",
    nginx: "proxy_hide_header Access-Control-Allow-Origin;",
    haproxy: "http-response del-header Access-Control-Allow-Origin",
    caddy: "",
    node: "new Server(httpServer, { cors: { origin: ['https://app.example'], credentials: true } })",
};

pub(super) const ALLOW_REQUEST: Fix = Fix {
    general: "look at the Origin of each request: Socket.IO's `cors` guards polling only",
    nginx: "",
    haproxy: "",
    caddy: "",
    node: "new Server(httpServer, { allowRequest: (req, callback) => callback(null, ORIGINS.includes(req.headers.origin)) })",
};

pub(super) const FORWARDED: Fix = Fix {
    general: "believe the field from the proxy's address only, and let the proxy overwrite it",
    nginx: "proxy_set_header X-Forwarded-Proto $scheme;",
    haproxy: "http-request set-header X-Forwarded-Proto https if { ssl_fc }",
    caddy: "servers { trusted_proxies static private_ranges }",
    node: "app.set('trust proxy', 'loopback')",
};

pub(super) const BANNER: Fix = Fix {
    general: "leave the version out of the header",
    nginx: "server_tokens off;",
    haproxy: "http-response del-header Server",
    caddy: "header -Server",
    node: "app.disable('x-powered-by')",
};

pub(super) const RENEWED: Fix = advice("have the certificate issued again, and reload the server");
