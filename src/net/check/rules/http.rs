//! Checks of answers of HTTP.

use super::{Audit, Hit};
use crate::base::words::first_few;
use crate::net::check::grade::{HSTS_ENOUGH, Hsts};
use crate::net::check::http::{Cookie, Response};
use crate::net::check::session::Session;

const REQUEST: &str = "GET / over TLS";

fn field(response: &Response, name: &str) -> String {
    response
        .value(name)
        .map_or_else(|| format!("HTTP {}, no {name}", response.status), |value| format!("{name}: {value}"))
}

pub(super) fn plaintext(audit: &Audit<'_>) -> Option<Hit> {
    // nginx answers 400 in the clear by design, secure-io redirects: only a real answer counts.
    let response = Response::read(&audit.facts.behaviour.plaintext)?;
    (200..300).contains(&response.status).then(|| {
        let message = "the port of TLS answers plain HTTP as well: what is sent so can be read and changed";
        Hit::new(message, "GET / without TLS", format!("HTTP {}", response.status))
    })
}

const HSTS: &str = "strict-transport-security";

pub(super) fn hsts_on_localhost(audit: &Audit<'_>) -> Option<Hit> {
    let (request, response) = audit.head()?;
    let is_name = audit.is_local() && !audit.is_address();
    (is_name && matches!(response.hsts(), Hsts::MaxAge(1..))).then(|| {
        let message = format!(
            "HSTS pins every port of `{}` in the browser: its other servers are no longer reached by http://",
            audit.host
        );
        Hit::new(message, request, field(response, HSTS))
    })
}

pub(super) fn hsts_invalid(audit: &Audit<'_>) -> Option<Hit> {
    let (request, response) = audit.head()?;
    let message = match response.hsts() {
        Hsts::MaxAge(0) => "HSTS is switched off by max-age=0",
        Hsts::Invalid => "HSTS cannot be read: it needs max-age once",
        _ => return None,
    };
    // On localhost, max-age=0 is how a pin is taken back.
    (!audit.is_local()).then(|| Hit::new(message, request, field(response, HSTS)))
}

pub(super) fn hsts_short(audit: &Audit<'_>) -> Option<Hit> {
    let (request, response) = audit.head().filter(|_| !audit.is_local())?;
    let is_short = matches!(response.hsts(), Hsts::MaxAge(1..HSTS_ENOUGH));
    is_short.then(|| Hit::new("HSTS lasts less than 6 months: A instead of A+", request, field(response, HSTS)))
}

pub(super) fn hsts_missing(audit: &Audit<'_>) -> Option<Hit> {
    let (request, response) = audit.head().filter(|_| !audit.is_local())?;
    let message = "no HSTS: a browser's first request may go over plain HTTP";
    (response.hsts() == Hsts::Absent).then(|| Hit::new(message, request, field(response, HSTS)))
}

pub(super) fn no_redirect(audit: &Audit<'_>) -> Option<Hit> {
    let plain = audit.plain?;
    let location = plain.response.value("location").unwrap_or_default();
    let is_redirect = (300..400).contains(&plain.response.status) && location.starts_with("https://");
    (!is_redirect && plain.response.status < 400).then(|| {
        let message = format!("port {} answers plain HTTP, and does not redirect to https://", plain.port);
        let to = if location.is_empty() { String::new() } else { format!(", Location: {location}") };
        Hit::new(message, "GET / without TLS", format!("HTTP {}{to}", plain.response.status))
    })
}

/// The answer if it is a page that a browser shows.
fn page<'a>(audit: &'a Audit<'_>) -> Option<&'a Response> {
    audit.session?.response.as_ref().filter(|_| audit.session.is_some_and(Session::is_page))
}

/// Decides whether a redirect leads to the page that was asked for.
fn leads_back(audit: &Audit<'_>, response: &Response) -> bool {
    let location = response.value("location").filter(|_| (300..400).contains(&response.status));
    let target = location.map(|location| match location.split_once("://") {
        Some(("https", rest)) => rest.strip_prefix(audit.authority).unwrap_or(location),
        _ => location,
    });
    matches!(target, Some("" | "/"))
}

pub(super) fn redirect_loop(audit: &Audit<'_>) -> Option<Hit> {
    let response = audit.response().filter(|response| leads_back(audit, response))?;
    // A page that sets a cookie and comes back ends when the client has it.
    response.values("set-cookie").next().is_none().then(|| {
        let message = "the page redirects to itself: the server behind a proxy may think that it is asked by http://";
        Hit::new(message, REQUEST, response.words("location"))
    })
}

pub(super) fn redirect_to_http(audit: &Audit<'_>) -> Option<Hit> {
    let response = audit.response().filter(|response| (300..400).contains(&response.status))?;
    response
        .value("location")
        .filter(|location| location.starts_with("http://"))
        .map(|_| Hit::new("the page redirects from https:// to http://", REQUEST, response.words("location")))
}

pub(super) fn plain_unanswered(audit: &Audit<'_>) -> Option<Hit> {
    let response = Response::read(&audit.facts.behaviour.plaintext);
    // Only where HTTP is spoken over TLS would a client come by ws://.
    (response.is_none() && audit.response().is_some()).then(|| {
        let message = "a request by http:// or ws:// on this port gets no answer that says why it fails";
        Hit::new(message, "GET / without TLS", "no answer of HTTP")
    })
}

pub(super) fn mixed_content(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web.filter(|web| !web.mixed.is_empty())?;
    let policies = audit.response()?.values("content-security-policy").collect::<Vec<_>>();
    let upgrades = policies.iter().any(|policy| policy.contains("upgrade-insecure-requests"));
    (!upgrades).then(|| {
        let shown: Vec<_> = web.mixed.iter().map(|(place, url)| format!("{url} ({place})")).collect();
        let message =
            format!("the page loads over plain HTTP or ws://, which browsers block: {}", first_few(&shown, 5));
        Hit::new(message, "GET / over TLS, its scripts and styles", first_few(&shown, 20))
    })
}

pub(super) fn forwarded_proto(audit: &Audit<'_>) -> Option<Hit> {
    let told = |ordinary: &Response, forwarded: &Response, sent: &str| {
        let is_other = |name: &str| ordinary.value(name).is_some() != forwarded.value(name).is_some();
        let is_secure = |response: &Response| response.cookies().iter().any(|cookie| cookie.is_secure);
        let differs = ordinary.status / 100 != forwarded.status / 100
            || is_other(HSTS)
            || is_secure(ordinary) != is_secure(forwarded) && !forwarded.cookies().is_empty();
        differs.then(|| {
            let message =
                "a stranger's X-Forwarded-Proto is believed: anybody can say that a request came by another way";
            let received = format!("HTTP {}, and HTTP {} without the field", forwarded.status, ordinary.status);
            Hit::new(message, sent, received)
        })
    };
    let over_tls = || {
        let forwarded = audit.web?.forwarded.as_ref()?;
        told(audit.response()?, forwarded, "GET / over TLS, X-Forwarded-Proto: http")
    };
    let plain = || {
        let plain = audit.plain?;
        let sent = format!("GET / on port {} without TLS, X-Forwarded-Proto: https", plain.port);
        told(&plain.response, plain.forwarded.as_ref()?, &sent)
    };
    over_tls().or_else(plain)
}

pub(super) fn breach(audit: &Audit<'_>) -> Option<Hit> {
    let web = audit.web.filter(|web| web.is_compressed)?;
    let sets_cookies = audit.response()?.values("set-cookie").next().is_some();
    sets_cookies.then(|| {
        let message = "a page with cookies is compressed: its length may give secrets in it away (BREACH)";
        let received = web.forwarded.as_ref().map(|response| response.words("content-encoding")).unwrap_or_default();
        Hit::new(message, "GET / over TLS, Accept-Encoding: gzip", received)
    })
}

pub(super) fn version_disclosed(audit: &Audit<'_>) -> Option<Hit> {
    let (request, response) = audit.head()?;
    let tells = |value: &str| {
        value.split_once('/').is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let said = ["server", "x-powered-by", "x-aspnet-version"]
        .into_iter()
        .find_map(|name| response.value(name).filter(|value| tells(value)).map(|value| format!("{name}: {value}")))?;
    Some(Hit::new("the server tells strangers its version", request, said))
}

pub(super) fn referrer_policy(audit: &Audit<'_>) -> Option<Hit> {
    let response = page(audit)?;
    let name = "referrer-policy";
    let is_unsafe = response.value(name).is_some_and(|value| value.contains("unsafe-url"));
    is_unsafe.then(|| {
        let message = "Referrer-Policy: unsafe-url gives whole URLs, with what is in their query, to other sites";
        Hit::new(message, REQUEST, field(response, name))
    })
}

pub(super) fn csp_missing(audit: &Audit<'_>) -> Option<Hit> {
    let response = page(audit)?;
    let name = "content-security-policy";
    let message = "no Content-Security-Policy: a script that gets into the page may load from and send to anywhere";
    response.value(name).is_none().then(|| Hit::new(message, REQUEST, field(response, name)))
}

pub(super) fn nosniff_missing(audit: &Audit<'_>) -> Option<Hit> {
    let response = page(audit)?;
    let name = "x-content-type-options";
    let is_set = response.value(name).is_some_and(|value| value.eq_ignore_ascii_case("nosniff"));
    (!is_set).then(|| Hit::new("no X-Content-Type-Options: nosniff", REQUEST, field(response, name)))
}

pub(super) fn frame_ancestors_missing(audit: &Audit<'_>) -> Option<Hit> {
    let response = page(audit)?;
    let mut policies = response.values("content-security-policy");
    let is_set =
        policies.any(|policy| policy.contains("frame-ancestors")) || response.value("x-frame-options").is_some();
    let message = "neither frame-ancestors nor X-Frame-Options: other sites may show the page in a frame";
    (!is_set).then(|| Hit::new(message, REQUEST, field(response, "x-frame-options")))
}

fn cookies(audit: &Audit<'_>, message: &str, is_bad: impl Fn(&Cookie) -> bool) -> Option<Hit> {
    let engine = audit.web.and_then(|web| web.engine.response());
    let all = [(REQUEST, audit.response()), ("GET /socket.io/ over TLS", engine)];
    all.into_iter().find_map(|(request, response)| {
        let response = response?;
        let bad: Vec<_> = response.cookies().into_iter().filter(|cookie| is_bad(cookie)).collect();
        let names: Vec<_> = bad.iter().map(|cookie| cookie.name.as_str()).collect();
        let message = format!("{message}: {}", names.join(", "));
        let seen = bad.first()?;
        Some(Hit::new(message, request, format!("set-cookie: {}", seen.text)))
    })
}

fn is_none_without_secure(cookie: &Cookie) -> bool {
    cookie.same_site.as_deref() == Some("none") && !cookie.is_secure
}

pub(super) fn cookie_not_secure(audit: &Audit<'_>) -> Option<Hit> {
    let message = "cookies without Secure go over plain HTTP as well";
    cookies(audit, message, |cookie| !cookie.is_secure && !is_none_without_secure(cookie))
}

pub(super) fn cookie_not_http_only(audit: &Audit<'_>) -> Option<Hit> {
    cookies(audit, "scripts can read cookies without HttpOnly", |cookie| !cookie.is_http_only)
}

pub(super) fn cookie_same_site_none(audit: &Audit<'_>) -> Option<Hit> {
    cookies(audit, "browsers drop cookies with SameSite=None and without Secure", is_none_without_secure)
}
