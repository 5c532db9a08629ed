//! HTTP routes of the server: the demo page or static files, the client library, and Socket.IO.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HOST, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{Request, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use flate2::read::GzDecoder;
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::judge::report::fixtures::Expected;
use crate::net::server::authority::is_authority;
use crate::net::server::certificates::{Certificates, Shown};
use crate::net::server::client_js::{self, ClientFile};
use crate::net::server::connections::Connections;
use crate::net::server::engine::Engine;
use crate::net::server::event::{Event, Observer, Refused};
use crate::net::server::fixture_index;
use crate::net::server::front::{self, Front};
use crate::net::server::handler::Handler;
use crate::net::server::header;
use crate::net::server::own_page;
use crate::net::server::page::{self, Page};
use crate::net::server::peer::Peer;
use crate::net::server::places::{Handshakes, Over, Places};
use crate::net::server::{Config, Limits};
use crate::net::tls::Challenges;

/// Answer to `GET /` for programs.
const GREETING: &str = "Hello, Socket.io with SSL/TLS!";

/// Path of Engine.IO.
const ENGINE_PATH: &str = "/socket.io/";

const TEXT: &str = "text/plain; charset=utf-8";

/// Everything that a connection needs to be served.
pub(super) struct Site {
    certificates: Certificates,
    engine: Arc<Engine>,
    router: Router,
    limits: Limits,
    front: Front,
    connections: Arc<Connections>,
    places: Arc<Places>,
    handshakes: Handshakes,
    observer: Observer,
    /// True if a person's own page is served.
    is_own_page: bool,
    handler: Option<Arc<dyn Handler>>,
    challenges: Option<Arc<Challenges>>,
}

impl Site {
    pub(super) fn new(config: Config, engine: Arc<Engine>, observer: Observer) -> Self {
        let certificates = Certificates::new(config.tls, config.certificate, config.origins, Arc::clone(&observer));
        let library = Library(config.client_js.map(Supplied::new));
        let is_own_page = config.static_dir.is_some();
        let router = if let Some(folder) = config.static_dir {
            own_page::router(folder, Arc::clone(&observer))
        } else {
            let certificates = certificates.clone();
            demo(Home { certificates, client_js: library.is_there(), fixtures: config.fixtures })
        };
        let router = router.merge(client_library(library));
        let places = Places::new(config.limits.max_connections, config.limits.max_connections_per_client);
        let handshakes = Handshakes::new(config.limits.max_handshakes);
        let front = Front::new(config.front, Arc::clone(&observer));
        let (limits, handler) = (config.limits, config.handler);
        Self {
            certificates,
            engine,
            router,
            limits,
            front,
            connections: Arc::default(),
            places,
            handshakes,
            observer,
            is_own_page,
            handler,
            challenges: config.challenges,
        }
    }

    /// The door that requests come through.
    pub(super) fn front(&self) -> &Front {
        &self.front
    }

    /// The application in place of this server's own.
    pub(super) fn handler(&self) -> Option<&Arc<dyn Handler>> {
        self.handler.as_ref()
    }

    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The certificates of this moment.
    pub(super) fn shown(&self) -> Arc<Shown> {
        self.certificates.shown()
    }

    /// The challenges of a CA that are under way.
    pub(super) fn challenges(&self) -> Option<&Arc<Challenges>> {
        self.challenges.as_ref()
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    pub(super) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    pub(super) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn observe(&self, event: &Event) {
        (self.observer)(event);
    }

    /// Answers a request, or has the application answer it.
    pub(super) async fn respond(&self, mut request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (was_secure, http2, other_end) = (peer.is_secure, peer.http2, peer.address);
        let (mut response, is_secure) = match self.front.admit(&mut request, peer, self.handler.is_none()) {
            Ok(mut peer) => {
                let is_secure = peer.is_secure;
                if peer.address != other_end && peer.over.is_none() {
                    // Of a proxy's connection, only the client that it names can be counted.
                    let place = self.places.forwarded(peer.address.ip());
                    peer.over = place.is_none().then_some(Over::Client);
                    peer.place = place;
                }
                let response = match (peer.over, &self.handler) {
                    (Some(over), _) => self.refuse(over, &request, &peer),
                    (None, Some(handler)) => handler.respond(request, peer.into()).await,
                    (None, None) => self.dispatch(request, peer).await,
                };
                (response, is_secure)
            }
            Err(response) => (*response, was_secure),
        };
        self.front.mark(response.headers_mut(), is_secure, http2);
        response
    }

    /// Answers a client that has too many connections, or finds no room.
    fn refuse<B>(&self, over: Over, request: &Request<B>, peer: &Peer) -> Response<Body> {
        let of_client = over == Over::Client;
        self.observe(&Event::Refused { peer: peer.address, reason: Refused::TooManyConnections { of_client } });
        let status = if of_client { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE };
        let is_engine = request.uri().path().starts_with("/socket.io");
        let body =
            if is_engine { "{\"code\":4,\"message\":\"Too many connections\"}" } else { "Too many connections\n" };
        let mut response = front::text(status, body);
        if is_engine {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if !peer.http2 && peer.through.is_none() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn dispatch(&self, mut request: Request<Incoming>, mut peer: Peer) -> Response<Body> {
        let path = request.uri().path();
        if !path.starts_with("/socket.io") {
            request.extensions_mut().insert(peer);
            let Ok(mut response) = self.router.clone().oneshot(request).await;
            front::protect(response.headers_mut(), !self.is_own_page);
            return response;
        }
        let host = authority(request.uri(), request.headers());
        let access = self.shown().origins.check(request.headers(), host);
        if is_engine_path(path) {
            peer.host = host.map(Arc::from);
            return self.engine.respond(request, peer, &access).await;
        }
        request.extensions_mut().insert(peer);
        let Ok(mut response) = self.router.clone().oneshot(request).await;
        access.mark(response.headers_mut());
        response
    }
}

/// Returns true if the path belongs to Engine.IO: all below its path except the client library's files.
fn is_engine_path(path: &str) -> bool {
    match path.strip_prefix(ENGINE_PATH) {
        Some(file) => !file.starts_with("socket.io."),
        None => path == "/socket.io",
    }
}

/// The demo page and its scripts.
fn demo(home_page: Home) -> Router {
    let asset = |content_type, text: &'static str| get(move || async move { asset(content_type, text) });
    Router::new()
        .route("/", get(home))
        .route("/demo.css", asset("text/css; charset=utf-8", page::CSS))
        .route("/demo.js", asset("text/javascript; charset=utf-8", page::JS))
        .route("/favicon.svg", asset("image/svg+xml", page::ICON))
        .route("/mixed-content", get(mixed_content))
        .route("/mixed-content.js", asset("text/javascript; charset=utf-8", page::MIXED_CONTENT_JS))
        .fallback(|| async { (StatusCode::NOT_FOUND, [(CONTENT_TYPE, TEXT)], "Not found\n") })
        .method_not_allowed_fallback(|| async {
            (StatusCode::METHOD_NOT_ALLOWED, [(CONTENT_TYPE, TEXT)], "Method not allowed\n")
        })
        .route("/fixtures.css", asset("text/css; charset=utf-8", fixture_index::CSS))
        .with_state(Arc::new(home_page))
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], text)
}

struct Home {
    certificates: Certificates,
    client_js: bool,
    fixtures: Option<Arc<Expected>>,
}

impl Home {
    /// The test PKI, unless the host is one of its own: those get the usual routes.
    fn fixtures_for(&self, authority: Option<&str>) -> Option<&Expected> {
        let host = authority?.rsplit_once(':').map_or(authority?, |(host, _)| host);
        let is_host = |name: &str| name.eq_ignore_ascii_case(host);
        let is_own = |fixtures: &&Arc<Expected>| fixtures.fixtures.iter().any(|one| is_host(&one.server_name));
        self.fixtures.as_ref().filter(|fixtures| !is_own(fixtures)).map(Arc::as_ref)
    }
}

async fn home(
    State(home): State<Arc<Home>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> axum::response::Response {
    let authority = authority(&uri, &headers);
    let fixtures = home.fixtures_for(authority);
    if !accepts(&headers, ACCEPT, "text/html") {
        let text = fixtures.map_or_else(|| GREETING.to_owned(), fixture_index::text);
        return ([(CONTENT_TYPE, TEXT), (VARY, "Accept")], text).into_response();
    }
    let connection = peer.report();
    let shown = home.certificates.shown();
    let page = Page {
        certificate: &shown.certificate,
        connection: connection.as_ref(),
        peer: &peer,
        client_js: home.client_js,
    };
    let html = match fixtures {
        Some(fixtures) => fixture_index::html(fixtures, authority),
        None => page::render(&page),
    };
    let Ok(html) = html else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let policy = [(CONTENT_SECURITY_POLICY, content_security_policy(&uri, &headers, peer.is_secure))];
    let fixed = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (VARY, "Accept"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (policy, fixed, html).into_response()
}

/// The page that tries insecure connections. Its policy allows them all, so that what blocks them is the browser's rule
/// about mixed content.
async fn mixed_content() -> impl IntoResponse {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                          connect-src 'self' http: ws: https: wss:; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (fixed, page::MIXED_CONTENT)
}

/// Allows the page's own resources and nothing else. `'self'` does not cover `wss:` in every browser.
fn content_security_policy(uri: &Uri, headers: &HeaderMap, is_secure: bool) -> String {
    let host = authority(uri, headers);
    let scheme = if is_secure { "wss" } else { "ws" };
    let socket = host.map(|host| format!(" {scheme}://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{socket}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The host and port that were asked: HTTP/2 has them in the request's target, HTTP/1.1 in a header.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = uri.authority().map(Authority::as_str).or_else(|| headers.get(HOST)?.to_str().ok());
    host.filter(|host| is_authority(host))
}

/// Returns true if a header of weighted choices names this one with a weight above zero.
fn accepts(headers: &HeaderMap, name: HeaderName, choice: &str) -> bool {
    header::weighted(headers, name).any(|(name, weight)| name.eq_ignore_ascii_case(choice) && weight > 0)
}

/// The Socket.IO client library, where Node's server has it.
fn client_library(library: Library) -> Router {
    Router::new().route("/socket.io/{file}", get(client_file)).with_state(Arc::new(library))
}

/// The library's files: a supplied one comes before those that were built in.
struct Library(Option<Supplied>);

impl Library {
    fn is_there(&self) -> bool {
        self.0.is_some() || client_js::file("socket.io.js").is_some()
    }
}

struct Supplied {
    script: Bytes,
    etag: String,
}

impl Supplied {
    fn new(script: Vec<u8>) -> Self {
        let hash = digest::digest(&digest::SHA256, &script);
        let bytes = hash.as_ref().first_chunk().copied().unwrap_or_default();
        let etag = format!("W/\"{:x}\"", u128::from_be_bytes(bytes));
        Self { script: script.into(), etag }
    }
}

async fn client_file(
    State(library): State<Arc<Library>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> axum::response::Response {
    match (&library.0, client_js::file(&name)) {
        (Some(supplied), _) if ["socket.io.js", "socket.io.min.js"].contains(&&*name) => {
            let content_type = "application/javascript; charset=utf-8";
            cached(&headers, content_type, &supplied.etag, || (None, supplied.script.clone()))
        }
        (_, Some(file)) => {
            cached(&headers, file.content_type, file.etag, || encode(file, accepts(&headers, ACCEPT_ENCODING, "gzip")))
        }
        _ => (StatusCode::NOT_FOUND, [(CONTENT_TYPE, TEXT)], client_js::MISSING).into_response(),
    }
}

/// The content, and how it is encoded.
fn encode(file: ClientFile, gzip: bool) -> (Option<&'static str>, Bytes) {
    // Inflated once for all clients, however many ask and do not read.
    static INFLATED: Mutex<Vec<(&str, Bytes)>> = Mutex::new(Vec::new());
    if gzip {
        return (Some("gzip"), Bytes::from_static(file.gzip));
    }
    let mut known = INFLATED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, content)) = known.iter().find(|(etag, _)| *etag == file.etag) {
        return (None, content.clone());
    }
    let mut inflated = Vec::new();
    if GzDecoder::new(file.gzip).read_to_end(&mut inflated).is_err() {
        return (Some("gzip"), Bytes::from_static(file.gzip));
    }
    let content = Bytes::from(inflated);
    known.push((file.etag, content.clone()));
    (None, content)
}

/// Answers with content that the client may have already.
fn cached(
    headers: &HeaderMap,
    content_type: &str,
    etag: &str,
    content: impl FnOnce() -> (Option<&'static str>, Bytes),
) -> axum::response::Response {
    let is_known = header::elements(headers, IF_NONE_MATCH).any(|known| is_same(known, etag));
    let fixed = [(ETAG, etag), (CACHE_CONTROL, "public, max-age=0"), (VARY, "Accept-Encoding")];
    if is_known {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let (encoding, content) = content();
    let mut response = (fixed, [(CONTENT_TYPE, content_type)], content).into_response();
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The weak comparison of [RFC 9110 section 8.8.3.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.2).
fn is_same(one: &str, other: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    one == "*" || opaque(one) == opaque(other)
}
