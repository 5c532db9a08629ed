//! Causes from HTTP up: proxies and platforms, Engine.IO, WebSocket, Socket.IO.

use super::Cause;
use crate::judge::report::connect::LayerName::{EngineIo, Event, Http, Namespace, Upgrade};

/// Clients to which a browser's rules do not apply.
const NO_BROWSER: &[&str] = &["node", "python", "curl"];
const BROWSERS: &[&str] = &["browsers"];

pub(super) static CAUSES: &[Cause] = &[
    Cause::new(
        Http,
        "tls-on-plain-url",
        2,
        "xhr poll error (socket hang up, or 400)",
        "use https:// or wss:// in the URL: the port speaks TLS",
    ),
    Cause::new(
        Http,
        "http-timeout",
        2,
        "timeout (after 20 s)",
        "the app hangs, or a proxy waits for a server that is not there: look at the server's log, for a handler that never \
         answers and an event loop that is blocked. A Node server without a handler of its own never answers a path that \
         is not Socket.IO's: give that path with --path",
    ),
    Cause::new(
        Http,
        "redirect-loop",
        1,
        "nothing until the timeout: Node's client follows for ever",
        "the app behind a proxy that ends TLS thinks it is on http and redirects to https again: let the proxy send \
         X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme;) and the app believe it from the proxy \
         (Express: app.set('trust proxy', 'loopback'))",
    ),
    Cause::new(
        Http,
        "redirected",
        1,
        "xhr poll error, or websocket error (Unexpected server response: 302)",
        "polling clients follow a redirect, a WebSocket never does: exempt the Engine.IO path from it (sign-in, another \
         host, the slash at the end; Next.js: skipTrailingSlashRedirect, or addTrailingSlash: false on both sides), or \
         connect to the URL that it leads to",
    ),
    Cause::new(
        Http,
        "auth-required",
        1,
        "xhr poll error (401)",
        "send credentials, as in --header 'Authorization: Bearer TOKEN' (extraHeaders in socket.io-client), or exempt the \
         Engine.IO path from authentication in the server or proxy that asks for it",
    ),
    Cause::new(
        Http,
        "http-forbidden",
        1,
        "xhr poll error (403)",
        "change the rule of the one that refuses: exempt the Engine.IO path in the firewall (WAF) or challenge, or allow \
         the host (Vite: server.allowedHosts)",
    ),
    Cause::new(
        Http,
        "http-not-found",
        1,
        "xhr poll error (404)",
        "give the path of Socket.IO with --path (path: in client and server have to be the same); attach Socket.IO to the \
         http(s) server that listens, not to the Express app; route the path to it in the proxy (nginx: location \
         /socket.io/)",
    ),
    Cause::new(
        Http,
        "rate-limited",
        1,
        "xhr poll error (429 or 503)",
        "exempt /socket.io/ from the limit, because polling makes many requests (nginx: limit_req outside of that location; \
         express-rate-limit: skip), or use websocket only",
    ),
    Cause::new(
        Http,
        "bad-gateway",
        1,
        "xhr poll error (502)",
        "look at the upstream that the proxy is told: its address, its port, and http or https (nginx: proxy_pass); start the \
         server there, bound to an address that the proxy reaches",
    ),
    Cause::new(
        Http,
        "unavailable",
        1,
        "xhr poll error (503)",
        "no server is up behind the proxy: start it, and look at the proxy's health check",
    ),
    Cause::new(
        Http,
        "gateway-timeout",
        1,
        "xhr poll error (504)",
        "the upstream hangs, or the proxy's read timeout is below the heartbeat: a poll may last pingInterval + pingTimeout \
         (nginx: proxy_read_timeout 60s; HAProxy: timeout server 60s)",
    ),
    Cause::new(
        Http,
        "cdn-origin",
        1,
        "xhr poll error (520 to 526)",
        "look at the origin, as the number says: 521 and 522 nothing answers there, 523 its address is wrong, 524 it is too \
         slow, 525 and 526 its TLS or its certificate (SSL mode Full (strict) needs a valid one or an Origin CA's)",
    ),
    Cause::new(
        Http,
        "platform-error",
        1,
        "xhr poll error (404, 502 or 503)",
        "the hosting platform has no such route, or no running app there: look at the deployment and its log. Where the \
         platform has no affinity between instances (Vercel's functions, Heroku without session affinity), use websocket \
         only: transports: ['websocket']",
    ),
    Cause::new(
        Http,
        "http2-only",
        1,
        "xhr poll error (403, or socket hang up)",
        "offer http/1.1 by ALPN beside h2, because WebSockets and Node's client need it. Node: \
         http2.createSecureServer({ allowHTTP1: true }); HAProxy: alpn h2,http/1.1",
    )
    .accepted(&["curl", "browsers for polling"], &["node", "python", "WebSockets"]),
    Cause::new(
        Http,
        "forwarded-proto-believed",
        0,
        "",
        "trust X-Forwarded-Proto from the proxy's address only (Express: app.set('trust proxy', 'loopback'), not true), and \
         let the proxy overwrite the header (nginx: proxy_set_header X-Forwarded-Proto $scheme;)",
    ),
    Cause::new(
        Http,
        "cors-missing",
        0,
        "xhr poll error (the browser's console: blocked by CORS policy)",
        "allow the page's origin in Socket.IO's options: new Server(httpServer, { cors: { origin: 'ORIGIN' } })",
    )
    .accepted(NO_BROWSER, BROWSERS),
    Cause::new(
        Http,
        "cors-star-credentials",
        0,
        "xhr poll error (the browser's console: must not be the wildcard '*')",
        "name the origin in place of *: cors: { origin: 'ORIGIN', credentials: true }",
    )
    .accepted(NO_BROWSER, BROWSERS),
    Cause::new(
        Http,
        "cors-doubled",
        0,
        "xhr poll error (the browser's console: contains multiple values)",
        "set Access-Control-Allow-Origin in one place: in the app or in the proxy (nginx: remove add_header, or \
         proxy_hide_header Access-Control-Allow-Origin;)",
    )
    .accepted(NO_BROWSER, BROWSERS),
    Cause::new(
        Http,
        "mixed-content",
        0,
        "xhr poll error (the browser's console: Mixed Content)",
        "use wss:// or https://, or a relative URL: io() without one takes the page's own. Browsers except Safari let \
         loopback hosts pass",
    )
    .accepted(NO_BROWSER, BROWSERS),
    Cause::new(
        Http,
        "local-network-access",
        0,
        "xhr poll error, after a prompt of the browser",
        "Chrome asks the person for permission since 142, for WebSockets since 147: allow it; in an iframe \
         allow=\"loopback-network\" or \"local-network\"; fetch and the WebSocket constructor take targetAddressSpace",
    )
    .accepted(NO_BROWSER, &["Chrome without the permission"]),
    Cause::new(
        Http,
        "hsts-on-localhost",
        0,
        "",
        "do not send Strict-Transport-Security from localhost, because it pins every port of localhost in the browser \
         (helmet: strictTransportSecurity: false); to clear it, send max-age=0 once, or use chrome://net-internals/#hsts",
    ),
    Cause::new(
        EngineIo,
        "not-engine-io",
        1,
        "server error, or timeout at a plain WebSocket server",
        "give the path of Socket.IO with --path, and exempt it from the fallback that answers every path with the page; a \
         plain WebSocket server (ws) needs a plain WebSocket client, not socket.io-client",
    ),
    Cause::new(
        EngineIo,
        "eio-transport-unknown",
        1,
        "xhr poll error (400, code 0)",
        "the server does not have this transport: connect with --transport websocket (transports: ['websocket'] in the \
         client), or let transports be the same on both sides",
    ),
    Cause::new(
        EngineIo,
        "eio-session-unknown",
        1,
        "xhr poll error (400, code 1)",
        "the session was opened elsewhere, or lost: use sticky sessions when there is more than one server or worker, and \
         look whether the server restarts (nodemon, a crash) between the requests",
    ),
    Cause::new(
        EngineIo,
        "eio-bad-method",
        1,
        "xhr poll error (400, code 2)",
        "a proxy changes the method of the request: the session is opened by GET (nginx: remove proxy_method)",
    ),
    Cause::new(
        EngineIo,
        "eio-bad-request",
        1,
        "xhr poll error, or websocket error (400, code 3)",
        "a proxy drops the Upgrade header or changes the query (nginx: proxy_http_version 1.1; proxy_set_header Upgrade \
         $http_upgrade; proxy_set_header Connection \"upgrade\";)",
    ),
    Cause::new(
        EngineIo,
        "eio-forbidden",
        1,
        "xhr poll error (403, code 4)",
        "the server's allowRequest or its origin check refuses: allow the Origin that was sent, or send one with --origin, \
         and what else allowRequest looks at (cookie, query, header)",
    ),
    Cause::new(
        EngineIo,
        "eio-unsupported-version",
        1,
        "xhr poll error (400, code 5)",
        "client and server are of different generations: Socket.IO 3 and 4 speak EIO=4, version 2 EIO=3. Use the same major \
         version, or allowEIO3: true in the server; look for a proxy that changes the query",
    ),
    Cause::new(
        EngineIo,
        "eio-version-3",
        1,
        "server error, or: It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client",
        "upgrade the server to Socket.IO 4, or use a client of version 2 (npm install socket.io-client@2)",
    ),
    Cause::new(
        EngineIo,
        "closed-idle",
        1,
        "transport close, then a reconnection, again and again",
        "an idle limit in between is below the heartbeat: raise it above pingInterval + pingTimeout (nginx: \
         proxy_read_timeout 60s; HAProxy: timeout tunnel 1h; cloud load balancers: idle timeout), or lower pingInterval",
    ),
    Cause::new(
        EngineIo,
        "ping-timeout",
        1,
        "ping timeout",
        "the server's event loop is blocked, or a proxy buffers what it sends (nginx: proxy_buffering off;): look for \
         synchronous work in the server",
    ),
    Cause::new(
        EngineIo,
        "not-sticky",
        1,
        "xhr poll error (400, Session ID unknown), now and then",
        "make the load balancer sticky, by source address or cookie (nginx, in upstream: ip_hash; HAProxy, in backend: balance \
         source, or cookie; Gateway API: sessionPersistence; Node's cluster: @socket.io/sticky), or use websocket only: \
         transports: ['websocket']",
    ),
    Cause::new(
        EngineIo,
        "sticky-by-cookie",
        0,
        "xhr poll error (400, Session ID unknown), in Node only",
        "the load balancer keeps to one server by a cookie, which Node's client does not keep: withCredentials: true in \
         browsers; else balance by source address (ip_hash, balance source), or use websocket only: transports: \
         ['websocket']",
    )
    .accepted(BROWSERS, &["node"]),
    Cause::new(
        Upgrade,
        "upgrade-dropped",
        1,
        "websocket error; with polling nothing: it stays on polling for good",
        "let the proxy pass the upgrade on. nginx, in the location of /socket.io/: proxy_http_version 1.1; proxy_set_header \
         Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; Apache 2.4.47 or newer: upgrade=websocket at the \
         end of the ProxyPass line; Envoy: upgrade_configs with the type websocket",
    ),
    Cause::new(
        Upgrade,
        "upgrade-refused",
        1,
        "websocket error; with polling nothing: it stays on polling for good",
        "look at what answered: it is not Socket.IO, or something on the way that does not know WebSockets. Let it pass the \
         upgrade on, or use polling only",
    ),
    Cause::new(
        Upgrade,
        "upgrade-timeout",
        1,
        "timeout; with polling nothing: it stays on polling for good",
        "a filter, proxy or antivirus swallows WebSockets: make an exception for the host; port 443 with TLS passes more \
         often",
    ),
    Cause::new(
        Upgrade,
        "upgrade-broken",
        1,
        "websocket error (Invalid WebSocket frame; browsers: Invalid frame header), or timeout",
        "two handlers answer the upgrade: have one WebSocket server per path. Create the other one with noServer: true (ws), \
         and route the server's 'upgrade' event by path",
    ),
    Cause::new(
        Namespace,
        "namespace-unknown",
        1,
        "connect_error: Invalid namespace",
        "the path of the URL names a namespace, not a path: leave it out, register it with io.of('/name') in the server, or \
         give the path of the server with --path",
    ),
    Cause::new(
        Namespace,
        "connect-refused",
        1,
        "connect_error with the middleware's message",
        "a middleware of the server (io.use) refuses: send what it asks for with --auth JSON (auth: in socket.io-client). \
         TLS, HTTP and Engine.IO work: it is not a fault of TLS",
    ),
    Cause::new(
        Namespace,
        "namespace-timeout",
        1,
        "nothing until the timeout",
        "a middleware of the server (io.use) never calls next(), or waits for something that does not come, such as a \
         database",
    ),
    Cause::new(
        Event,
        "frame-too-large",
        1,
        "transport close",
        "raise maxHttpBufferSize in the server's options (1 MB unless set), or send less at once",
    ),
    Cause::new(
        Event,
        "body-too-large",
        1,
        "transport error (413)",
        "raise the limit of the proxy (nginx: client_max_body_size 10m;), each one if there are several, or send less at once, or \
         over a WebSocket",
    ),
    Cause::new(
        Event,
        "server-disconnect",
        1,
        "io server disconnect, or transport close",
        "the app decides to disconnect the client (socket.disconnect()): look at its log",
    ),
    Cause::new(
        Event,
        "ack-timeout",
        1,
        "operation has timed out (with socket.timeout()), else nothing",
        "the server has no handler for the event, or the handler does not call the callback, its last argument",
    ),
];
