//! What answers of HTTP say.

use super::{Audit, Hit};
use crate::check::grade::{HSTS_ENOUGH, Hsts};
use crate::check::http::{Cookie, Response};

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
    let response = audit.response()?;
    let is_name = audit.is_local() && !audit.is_address();
    (is_name && matches!(response.hsts(), Hsts::MaxAge(1..))).then(|| {
        let message = format!(
            "HSTS pins every port of `{}` in the browser: its other servers are no longer reached by http://",
            audit.host
        );
        Hit::new(message, REQUEST, field(response, HSTS))
    })
}

pub(super) fn hsts_invalid(audit: &Audit<'_>) -> Option<Hit> {
    let response = audit.response()?;
    let message = match response.hsts() {
        Hsts::MaxAge(0) => "HSTS is switched off by max-age=0",
        Hsts::Invalid => "HSTS cannot be read: it needs max-age once",
        _ => return None,
    };
    // On localhost, max-age=0 is how a pin is taken back.
    (!audit.is_local()).then(|| Hit::new(message, REQUEST, field(response, HSTS)))
}

pub(super) fn hsts_short(audit: &Audit<'_>) -> Option<Hit> {
    let response = audit.response().filter(|_| !audit.is_local())?;
    let is_short = matches!(response.hsts(), Hsts::MaxAge(1..HSTS_ENOUGH));
    is_short.then(|| Hit::new("HSTS lasts less than 6 months: A instead of A+", REQUEST, field(response, HSTS)))
}

pub(super) fn hsts_missing(audit: &Audit<'_>) -> Option<Hit> {
    let response = audit.response().filter(|_| !audit.is_local())?;
    let message = "no HSTS: a browser's first request may go over plain HTTP";
    (response.hsts() == Hsts::Absent).then(|| Hit::new(message, REQUEST, field(response, HSTS)))
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
    let is_html =
        |response: &&Response| response.value("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    audit.response().filter(|response| response.status < 300).filter(is_html)
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
    let response = audit.response()?;
    let names: Vec<_> =
        response.cookies().into_iter().filter(|cookie| is_bad(cookie)).map(|cookie| cookie.name).collect();
    (!names.is_empty())
        .then(|| Hit::new(format!("{message}: {}", names.join(", ")), REQUEST, field(response, "set-cookie")))
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
