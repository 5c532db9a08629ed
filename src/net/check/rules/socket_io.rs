//! Engine.IO and Socket.IO: versions, transports, the upgrade, stickiness, the heartbeat, foreign sites.

use super::{Audit, Hit};
use crate::net::check::engine::{Engine, FOREIGN, Known};
use crate::net::check::http::{PATH, Response};
use crate::net::check::web::Web;
use crate::net::check::websocket::{Idle, WebSocket};

fn engine<'a>(audit: &'a Audit<'_>) -> Option<&'a Engine> {
    audit.web.map(|web| &web.engine).filter(|engine| engine.is_there())
}

fn opening(version: u8) -> String {
    format!("GET {PATH}?EIO={version}&transport=polling")
}

const WEBSOCKET: &str = "GET /socket.io/?EIO=4&transport=websocket, Upgrade: websocket";

fn answer(engine: &Engine) -> String {
    let Some(page) = &engine.polling else { return "no answer".to_owned() };
    let text: String = page.text().chars().take(80).collect();
    format!("HTTP {}: {}", page.response.status, crate::x509::name::escape_unprintable(&text))
}

pub(super) fn version_three(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    let is_four = engine.opened().is_some();
    (engine.speaks_three && !is_four).then(|| {
        let message = "the server speaks Engine.IO 3 (Socket.IO 2) only: clients of Socket.IO 3 and 4 do not connect";
        Hit::new(message, opening(4), answer(engine))
    })
}

pub(super) fn three_allowed(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    (engine.speaks_three && engine.opened().is_some()).then(|| {
        let message = "clients of Socket.IO 2 are accepted as well (allowEIO3)";
        Hit::new(message, opening(3), "a session opens")
    })
}

pub(super) fn forbidden(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit).filter(|engine| engine.code() == Some(4))?;
    let message = "the server refuses sessions (allowRequest): nothing behind was looked at";
    Some(Hit::new(message, opening(4), answer(engine)))
}

pub(super) fn websocket_only(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit).filter(|engine| engine.open.is_none())?;
    engine.direct.as_ref().filter(|direct| direct.is_session())?;
    let message = "polling opens no session, WebSocket does: clients need `transports: ['websocket']`";
    Some(Hit::new(message, opening(4), answer(engine)))
}

pub(super) fn polling_only(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    let open = engine.open.as_ref().filter(|open| open.upgrades.is_empty())?;
    // With `allowUpgrades: false`, a WebSocket still opens by itself.
    (!engine.direct.as_ref().is_some_and(WebSocket::is_session)).then(|| {
        let received = format!("a session that offers no upgrade (pingInterval {})", open.ping_interval.unwrap_or(0));
        Hit::new("only polling is offered: each message is a request of its own", opening(4), received)
    })
}

/// The WebSocket that failed, of those that should open.
fn failed(engine: &Engine) -> Option<&WebSocket> {
    let offers = engine.open.as_ref().is_some_and(|open| open.upgrades.iter().any(|name| name == "websocket"));
    // allowRequest may let WebSockets in that began by polling, and no others.
    let is_forbidden = |direct: &&WebSocket| matches!(direct, WebSocket::Refused(_, text) if text == "Forbidden" || text.contains("\"code\":4"));
    let direct =
        engine.direct.as_ref().filter(|_| offers).filter(|direct| !direct.is_session() && !is_forbidden(direct));
    direct.or_else(|| engine.upgrade.as_ref().filter(|upgrade| !upgrade.is_open()))
}

fn is_dropped(response: &Response) -> bool {
    // Without its Upgrade field the request is one of polling with a wrong transport.
    matches!(response.status, 200 | 400 | 426)
}

pub(super) fn upgrade_dropped(audit: &Audit<'_>) -> Option<Hit> {
    let failed = failed(engine(audit)?)?;
    matches!(failed, WebSocket::Refused(response, _) if is_dropped(response)).then(|| {
        let message = "polling works, WebSocket does not: something in front of the server drops the Upgrade field";
        Hit::new(message, WEBSOCKET, failed.words())
    })
}

pub(super) fn upgrade_refused(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit).filter(|engine| limited(engine).is_none())?;
    let failed = failed(engine)?;
    let is_other = match failed {
        WebSocket::Refused(response, _) => !is_dropped(response),
        failed => matches!(failed, WebSocket::WrongAccept(_)),
    };
    is_other.then(|| {
        let message = match failed {
            WebSocket::WrongAccept(_) => "polling works, and a WebSocket is answered for another key than its own",
            _ => "polling works, and the WebSocket's handshake is refused",
        };
        Hit::new(message, WEBSOCKET, failed.words())
    })
}

pub(super) fn upgrade_timeout(audit: &Audit<'_>) -> Option<Hit> {
    let failed = failed(engine(audit)?)?;
    matches!(failed, WebSocket::Silent | WebSocket::Open).then(|| {
        let message = "polling works, and a WebSocket gets no answer: clients wait until their time is over";
        Hit::new(message, WEBSOCKET, failed.words())
    })
}

pub(super) fn upgrade_broken(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    let failed = failed(engine)?;
    let is_other = matches!(failed, WebSocket::Said(_) | WebSocket::Broken(_));
    is_other.then(|| {
        let message =
            "a WebSocket opens, and what follows is not Engine.IO's: a second WebSocket server answers as well";
        Hit::new(message, WEBSOCKET, failed.words())
    })
}

fn shares(engine: &Engine) -> Option<(Known, Option<Known>)> {
    let without = engine.without_cookies.filter(|seen| seen.known < seen.asked)?;
    Some((without, engine.with_cookies))
}

fn is_whole(seen: Known) -> bool {
    seen.asked > 0 && seen.known == seen.asked
}

fn sticky_hit(message: &str, seen: Known) -> Hit {
    let sent = format!("POST {PATH}?EIO=4&transport=polling&sid=…, each over a connection of its own");
    Hit::new(message, sent, format!("the session is known to {} of {} requests", seen.known, seen.asked))
}

pub(super) fn not_sticky(audit: &Audit<'_>) -> Option<Hit> {
    let (without, with) = shares(engine(audit)?)?;
    (!with.is_some_and(is_whole)).then(|| {
        sticky_hit(
            "sessions are known on some connections only: several servers, and nothing leads a client back",
            without,
        )
    })
}

pub(super) fn sticky_by_cookie(audit: &Audit<'_>) -> Option<Hit> {
    let (without, with) = shares(engine(audit)?)?;
    with.is_some_and(is_whole).then(|| {
        sticky_hit("sessions are sticky with a cookie only, which Node's clients and other sites do not keep", without)
    })
}

/// Idle limits of proxies begin at this: 60 s at nginx, HAProxy's examples and many a cloud's load balancer.
const SHORT_IDLE: u64 = 55_000;

pub(super) fn slow_heartbeat(audit: &Audit<'_>) -> Option<Hit> {
    let interval = engine(audit)?.opened()?.ping_interval.filter(|interval| *interval >= SHORT_IDLE)?;
    let message = format!(
        "the heartbeat comes each {} s: proxies that cut idle connections after 60 s cut these",
        interval / 1_000
    );
    Some(Hit::new(message, opening(4), format!("pingInterval {interval}")))
}

pub(super) fn closed_idle(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    let Idle::Cut(after) = engine.idle? else { return None };
    let message = format!(
        "an idle connection is cut after {:.1} s, before the heartbeat of {:.0} s",
        after.as_secs_f64(),
        engine.heartbeat().as_secs_f64()
    );
    Some(Hit::new(message, "a WebSocket on which nothing is said", "the connection ends"))
}

pub(super) fn no_heartbeat(audit: &Audit<'_>) -> Option<Hit> {
    let engine = engine(audit)?;
    let Idle::Silent(after) = engine.idle? else { return None };
    let message = format!("no heartbeat within {:.0} s: clients end the connection", after.as_secs_f64());
    Some(Hit::new(message, "a WebSocket on which nothing is said", "nothing"))
}

/// A finding if polling is refused for this cause.
fn refused(audit: &Audit<'_>, code: &str) -> Option<Hit> {
    let engine = &audit.web?.engine;
    let (_, message) = engine.refusal().filter(|(cause, _)| *cause == code)?;
    Some(Hit::new(message, opening(4), answer(engine)))
}

macro_rules! refusals {
    ($($name:ident: $code:literal;)*) => {
        $(pub(super) fn $name(audit: &Audit<'_>) -> Option<Hit> {
            refused(audit, $code)
        })*
    };
}

refusals! {
    auth_required: "auth-required";
    http_forbidden: "http-forbidden";
    cdn_origin: "cdn-origin";
    platform_error: "platform-error";
    bad_method: "eio-bad-method";
    bad_request: "eio-bad-request";
    unsupported_version: "eio-unsupported-version";
    transport_unknown: "eio-transport-unknown";
}

/// A refusal of one request where another of the same kind was let through.
fn limited(engine: &Engine) -> Option<String> {
    let is_limit = |status: u16| matches!(status, 429 | 503);
    let by_websocket = engine.direct.as_ref().is_some_and(WebSocket::is_session);
    let is_seen = by_websocket || engine.is_limited;
    let by_polling = engine.response().filter(|response| is_seen && is_limit(response.status));
    let upgrade = || match engine.open.as_ref().and(failed(engine)) {
        Some(failed @ WebSocket::Refused(response, _)) if is_limit(response.status) => Some(failed.words()),
        _ => None,
    };
    by_polling.map(|_| answer(engine)).or_else(upgrade)
}

pub(super) fn rate_limited(audit: &Audit<'_>) -> Option<Hit> {
    let passing = || {
        let received = limited(&audit.web?.engine)?;
        let message = "requests are refused after others that were answered: the server or a proxy limits how many";
        Some(Hit::new(message, format!("{}, and {WEBSOCKET}", opening(4)), received))
    };
    refused(audit, "rate-limited").or_else(passing)
}

/// Paths without Socket.IO, unless a WebSocket finds it there.
fn is_elsewhere(audit: &Audit<'_>) -> bool {
    audit.web.is_some_and(|web| !web.engine.is_there())
}

pub(super) fn not_found(audit: &Audit<'_>) -> Option<Hit> {
    refused(audit, "http-not-found").filter(|_| is_elsewhere(audit))
}

pub(super) fn not_engine_io(audit: &Audit<'_>) -> Option<Hit> {
    if let Some(plain) = audit.web.and_then(|web| web.engine.plain.as_ref()) {
        let message = "a plain WebSocket server answers at this path, not Socket.IO";
        return Some(Hit::new(message, WEBSOCKET, plain.words()));
    }
    refused(audit, "not-engine-io").filter(|_| is_elsewhere(audit))
}

/// A redirect of Engine.IO's path, unless all of the site redirects to itself or to plain HTTP, which has names of its
/// own.
pub(super) fn redirected(audit: &Audit<'_>) -> Option<Hit> {
    let is_of_site = super::http::redirect_loop(audit).is_some() || super::http::redirect_to_http(audit).is_some();
    refused(audit, "redirected").filter(|_| !is_of_site)
}

pub(super) fn http_timeout(audit: &Audit<'_>) -> Option<Hit> {
    let session = audit.session.filter(|session| session.is_silent && session.polling.is_none())?;
    if audit.web.is_some_and(|web| web.engine.plain.is_some() || web.engine.is_there()) {
        return None;
    }
    let received = session.no_response.clone().unwrap_or_default();
    Some(Hit::new("the server answers no request of HTTP", "GET / and GET /socket.io/ over TLS", received))
}

/// The values of Access-Control-Allow-Origin, lists taken apart.
fn allowed(response: &Response) -> Vec<String> {
    let values = response.values("access-control-allow-origin");
    values.flat_map(|value| value.split(',')).map(|value| value.trim().to_owned()).collect()
}

fn takes_credentials(response: &Response) -> bool {
    response.value("access-control-allow-credentials").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The requests of other sites that were answered: the origin that was named first.
fn cross(web: &Web) -> impl Iterator<Item = (&str, &Response)> {
    let named = web.origin.as_ref().map(|(origin, response)| (origin.as_str(), response));
    named.into_iter().chain(web.foreign.as_ref().map(|response| (FOREIGN, response)))
}

fn cors_hit(web: &Web, message: impl Into<String>, origin: &str, response: &Response) -> Hit {
    let values: Vec<_> = response.values("access-control-allow-origin").collect();
    let credentials = if takes_credentials(response) { "; Access-Control-Allow-Credentials: true" } else { "" };
    let received = match &values[..] {
        [] => format!("HTTP {}, no Access-Control-Allow-Origin", response.status),
        values => format!("Access-Control-Allow-Origin: {}{credentials}", values.join(" and ")),
    };
    Hit::new(message, format!("{}, Origin: {origin}", web.cors_line), received)
}

pub(super) fn cors_doubled(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web?;
    let (origin, response) = cross(web).find(|(_, response)| allowed(response).len() > 1)?;
    let message = "Access-Control-Allow-Origin comes twice: browsers refuse the answer";
    Some(cors_hit(web, message, origin, response))
}

pub(super) fn cors_star_credentials(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web?;
    let is_star = |response: &Response| allowed(response) == ["*"] && takes_credentials(response);
    let (origin, response) = cross(web).find(|(_, response)| is_star(response))?;
    let message = "any site is allowed, with credentials: browsers refuse that, and requests with cookies fail";
    Some(cors_hit(web, message, origin, response))
}

pub(super) fn cors_missing(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web?;
    let (origin, response) = web.origin.as_ref()?;
    let allowed = allowed(response);
    let is_let_through = allowed.len() > 1 || allowed.iter().any(|allowed| allowed == origin || allowed == "*");
    (!is_let_through).then(|| {
        let message = format!("a page of {origin} cannot read the answers: it is not allowed by CORS");
        cors_hit(web, message, origin, response)
    })
}

pub(super) fn cors_any_origin(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web?;
    let response = web.foreign.as_ref()?;
    (allowed(response) == [FOREIGN] && takes_credentials(response)).then(|| {
        let message = "any site may read the answers, with the visitor's cookies: the Origin is sent back as it came";
        cors_hit(web, message, FOREIGN, response)
    })
}

pub(super) fn cors_open(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web?;
    let response = web.foreign.as_ref()?;
    let allowed = allowed(response);
    let is_open = allowed == ["*"] || allowed == [FOREIGN];
    (is_open && !takes_credentials(response))
        .then(|| cors_hit(web, "any site may read the answers, without cookies", FOREIGN, response))
}

/// Decides whether CORS names sites, so that others are meant to stay outside.
fn names_origins(web: &Web) -> bool {
    let names = |response: &Response| allowed(response).iter().any(|allowed| allowed != "*" && allowed != FOREIGN);
    web.foreign.as_ref().is_some_and(names) || web.origin.as_ref().is_some_and(|(_, response)| names(response))
}

fn foreign_websocket<'a>(audit: &'a Audit<'_>) -> Option<(&'a Web, Hit)> {
    let web = audit.web?;
    let foreign = engine(audit)?.foreign.as_ref().filter(|foreign| foreign.is_session())?;
    let message = "any site's page may open a WebSocket, with the visitor's cookies: CORS does not guard WebSockets";
    Some((web, Hit::new(message, format!("{WEBSOCKET}, Origin: {FOREIGN}"), foreign.words())))
}

pub(super) fn websocket_unguarded(audit: &Audit<'_>) -> Option<Hit> {
    let (web, hit) = foreign_websocket(audit)?;
    let message = "CORS names the sites that may connect, and a WebSocket from any other opens nevertheless";
    names_origins(web).then(|| Hit { message: message.to_owned(), ..hit })
}

pub(super) fn websocket_any_origin(audit: &Audit<'_>) -> Option<Hit> {
    foreign_websocket(audit).filter(|(web, _)| !names_origins(web)).map(|(_, hit)| hit)
}

/// Gateways that answer at Engine.IO's path in place of a server.
fn gateway(audit: &Audit<'_>, status: u16, message: &str) -> Option<Hit> {
    let web = audit.web?;
    let response = web.engine.response().filter(|response| response.status == status)?;
    // A platform or a limiter has a name of its own.
    if web.engine.refusal().is_some_and(|(code, _)| ["platform-error", "rate-limited", "cdn-origin"].contains(&code)) {
        return None;
    }
    // Where all of the site is down, `/socket.io/` is no finding of its own; it is the same one.
    Some(Hit::new(message, opening(4), response.words("server")))
}

pub(super) fn bad_gateway(audit: &Audit<'_>) -> Option<Hit> {
    gateway(audit, 502, "the proxy cannot reach the server behind it")
}

pub(super) fn unavailable(audit: &Audit<'_>) -> Option<Hit> {
    audit.web.filter(|web| limited(&web.engine).is_none())?;
    gateway(audit, 503, "the proxy has no server that is up behind it")
}

pub(super) fn gateway_timeout(audit: &Audit<'_>) -> Option<Hit> {
    gateway(audit, 504, "the server behind the proxy does not answer in time")
}
