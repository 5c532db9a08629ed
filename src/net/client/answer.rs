//! An answer of HTTP to a request of Engine.IO: a session, a refusal of Engine.IO's own, or somebody else's words.

use serde::Deserialize;

use super::http::Answer;
use crate::net::engine_io::{Open, Packet};

/// An answer that opens no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotOpen {
    /// One of the codes that docs/failures lists.
    pub(crate) code: &'static str,
    /// The observations.
    pub(crate) message: String,
}

impl NotOpen {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Reads the answer that opens a session, and the packets that came behind the open packet.
pub(crate) fn opened(answer: &Answer) -> Result<(Open, Vec<Packet>), NotOpen> {
    if answer.status.as_u16() != 200 {
        return Err(refusal(answer));
    }
    let text = answer.text();
    if let Some(mut packets) = Packet::read_all(&text).filter(|packets| !packets.is_empty())
        && let Packet::Open(content) = packets.remove(0)
        && let Some(open) = Open::read(&content)
    {
        return Ok((open, packets));
    }
    if is_version_3(&text) {
        let message = "the server speaks Engine.IO 3, which is Socket.IO 2: it answers with packets that have their length \
                       in front, or counts its characters";
        return Err(NotOpen::new("eio-version-3", message));
    }
    Err(not_engine_io(answer))
}

/// The words of Engine.IO's refusals, by their numbers.
const MESSAGES: [&str; 6] = [
    "Transport unknown",
    "Session ID unknown",
    "Bad handshake method",
    "Bad request",
    "Forbidden",
    "Unsupported protocol version",
];

/// Engine.IO's own number for a refusal.
pub(crate) fn engine_code(answer: &Answer) -> Option<(u8, String)> {
    #[derive(Deserialize)]
    struct Refusal {
        code: u8,
        #[serde(default)]
        message: String,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body) else {
        // The handshake of a WebSocket is refused with the words alone.
        let text = answer.text();
        let code = MESSAGES.iter().position(|message| answer.status.as_u16() == 400 && text == *message)?;
        return Some((u8::try_from(code).ok()?, text));
    };
    (refusal.code <= 5).then_some((refusal.code, refusal.message))
}

/// `85:0{"sid":…}`: the length stands before the packet.
fn is_version_3(text: &str) -> bool {
    let Some((length, rest)) = text.split_once(':') else { return false };
    !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with("0{")
}

/// Names the program that refused.
pub(crate) fn refusal(answer: &Answer) -> NotOpen {
    let status = answer.status.as_u16();
    let own = engine_code(answer);
    if let Some((code, message)) = own.as_ref().filter(|_| matches!(status, 400 | 403)) {
        return engine(*code, message);
    }
    by_tls(answer)
        .or_else(|| by_platform(answer))
        .or_else(|| by_status(answer))
        .unwrap_or_else(|| not_engine_io(answer))
}

fn engine(code: u8, message: &str) -> NotOpen {
    let name = match code {
        0 => "eio-transport-unknown",
        1 => "eio-session-unknown",
        2 => "eio-bad-method",
        3 => "eio-bad-request",
        4 => "eio-forbidden",
        _ => "eio-unsupported-version",
    };
    NotOpen::new(name, format!("Engine.IO refuses the request with code {code}: {message}"))
}

/// Answers that speak of TLS: nginx, Apache, Go and HAProxy say so in their pages.
fn by_tls(answer: &Answer) -> Option<NotOpen> {
    let text = answer.text();
    let has = |words: &str| text.contains(words);
    if has("plain HTTP request was sent to HTTPS port")
        || has("speaking plain HTTP to an SSL-enabled server port")
        || has("sent an HTTP request to an HTTPS server")
    {
        return Some(NotOpen::new("tls-on-plain-url", "the port speaks TLS, and the request was sent in plain HTTP"));
    }
    if has("No required SSL certificate was sent") || answer.status.as_u16() == 496 {
        let message =
            "the server wants a client certificate, and says so in HTTP: No required SSL certificate was sent";
        return Some(NotOpen::new("client-certificate-required", message));
    }
    if has("The SSL certificate error") || answer.status.as_u16() == 495 {
        let message = "the server refuses the client certificate that was sent, and says so in HTTP";
        return Some(NotOpen::new("client-certificate-refused", message));
    }
    if has("Missing ALPN Protocol") {
        return Some(NotOpen::new("http2-only", "the server speaks only HTTP/2: it refuses HTTP/1.1"));
    }
    None
}

/// Hosting platforms and CDNs, which are recognised by their header fields.
fn by_platform(answer: &Answer) -> Option<NotOpen> {
    let status = answer.status.as_u16();
    let lower = |name: &str| answer.field(name).unwrap_or_default().to_ascii_lowercase();
    let (server, via) = (lower("server"), lower("via"));
    if (520..=530).contains(&status) && (server.contains("cloudflare") || answer.field("cf-ray").is_some()) {
        return Some(NotOpen::new("cdn-origin", format!("Cloudflare answers {status}: {}", cloudflare(status))));
    }
    if let Some(error) = answer.field("x-vercel-error") {
        let message = format!("Vercel itself answers {status} {error}: no deployment or function is behind this URL");
        return Some(NotOpen::new("platform-error", message));
    }
    let is_failure = matches!(status, 404 | 500 | 502 | 503 | 504);
    let text = answer.text();
    let is_heroku =
        via.contains("vegur") || via.contains("heroku") || server.contains("heroku") || text.contains("herokucdn.com");
    let platform = match () {
        () if !is_failure => return None,
        () if is_heroku => "Heroku's router",
        () if answer.field("x-azure-ref").is_some() => "Azure Front Door",
        () if answer.field("fly-request-id").is_some() || server.starts_with("fly/") => "Fly's proxy",
        () if answer.fields.keys().any(|name| name.as_str().starts_with("x-amzn-")) => "AWS",
        () => return None,
    };
    let code = heroku_code(&text).map(|code| format!(" ({code})")).unwrap_or_default();
    let message = format!("{platform} itself answers {status}{code}: it has no such route, or no running app there");
    Some(NotOpen::new("platform-error", message))
}

/// `H10` to `H99` in an error page.
fn heroku_code(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_code =
        |word: &&str| word.len() == 3 && word.starts_with('H') && word.bytes().skip(1).all(|b| b.is_ascii_digit());
    words.into_iter().find(is_code).map(str::to_owned)
}

const fn cloudflare(status: u16) -> &'static str {
    match status {
        520 => "the origin gave an answer that is no HTTP, or closed the connection",
        521 => "the origin refuses the connection: nothing listens, or a firewall blocks Cloudflare",
        522 => "the origin did not answer the connection in time",
        523 => "the origin cannot be reached: its address in Cloudflare's DNS is wrong",
        524 => "the origin accepted the request and did not answer in time",
        525 => "the TLS handshake with the origin failed",
        526 => "the origin's certificate is not valid, and Cloudflare's mode is Full (strict)",
        _ => "the origin cannot be used",
    }
}

fn by_status(answer: &Answer) -> Option<NotOpen> {
    let status = answer.status.as_u16();
    let server = answer.field("server").unwrap_or("the server");
    let proxy = answer.field("server").unwrap_or("the proxy");
    let found = match status {
        300..=399 => {
            let location = answer.field("location").unwrap_or("nowhere");
            ("redirected", format!("the request is redirected ({status}) to {location}"))
        }
        401 | 407 => {
            let scheme = answer.field(if status == 401 { "www-authenticate" } else { "proxy-authenticate" });
            let scheme = scheme.map(|scheme| format!(" ({scheme})")).unwrap_or_default();
            ("auth-required", format!("the server wants credentials: {status}{scheme}"))
        }
        403 => ("http-forbidden", forbidden(answer, server)),
        404 => ("http-not-found", format!("404: {server} has nothing at this path, and the answer is not Engine.IO's")),
        413 => ("body-too-large", format!("413: {server} takes no body of this size")),
        429 => ("rate-limited", format!("429: {server} limits how many requests a client may make")),
        502 => ("bad-gateway", format!("502: {proxy} gets no answer from the server behind it")),
        503 if is_limiter(answer) => {
            ("rate-limited", format!("503: {server} limits how many requests a client may make"))
        }
        503 => ("unavailable", format!("503: no server is up behind {proxy}")),
        504 => ("gateway-timeout", format!("504: the server behind {proxy} does not answer in time")),
        _ => return None,
    };
    Some(NotOpen::new(found.0, found.1))
}

/// Decides whether an answer is of one that limits requests.
pub(crate) fn is_limiter(answer: &Answer) -> bool {
    let has_field = answer.fields.keys().any(|name| name.as_str().contains("ratelimit"));
    let text = answer.text().to_ascii_lowercase();
    has_field || ["too many", "rate limit", "rate-limit", "limit exceeded"].iter().any(|words| text.contains(words))
}

fn forbidden(answer: &Answer, server: &str) -> String {
    let text = answer.text();
    match () {
        () if answer.field("cf-mitigated").is_some() => {
            "Cloudflare answers 403 with a challenge, which only a browser with a person can solve".to_owned()
        }
        () if answer.field("cf-ray").is_some() => "Cloudflare's firewall answers 403".to_owned(),
        () if text.contains("server.allowedHosts") || text.contains("Blocked request") => {
            "Vite's dev server answers 403, because the host is not in its server.allowedHosts".to_owned()
        }
        () if text.contains("Invalid Host header") => {
            "webpack's dev server answers 403, because the host is not in its allowedHosts".to_owned()
        }
        () => format!("403: {server} refuses the request, and the answer is not Engine.IO's"),
    }
}

fn not_engine_io(answer: &Answer) -> NotOpen {
    let status = answer.status.as_u16();
    let text = answer.text();
    let begin = text.trim_start().to_ascii_lowercase();
    let message = match () {
        () if status == 426 => {
            "the server answers 426 Upgrade Required: it is a plain WebSocket server, not Socket.IO".to_owned()
        }
        () if begin.starts_with("<!doctype") || begin.starts_with("<html") => {
            format!("the server answers {status} with an HTML page, not with Engine.IO's open packet")
        }
        () if answer.body.is_empty() => {
            format!("the server answers {status} with nothing, not with Engine.IO's open packet")
        }
        () => format!("the server answers {status}, but not with Engine.IO's open packet"),
    };
    NotOpen::new("not-engine-io", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::client::http::fields;

    fn code(status: u16, pairs: &[(&str, &str)], body: &str) -> &'static str {
        let answer = Answer {
            status: hyper::StatusCode::from_u16(status).unwrap(),
            fields: fields(pairs.iter().copied()).unwrap(),
            body: body.into(),
            is_cut: false,
        };
        opened(&answer).map_or_else(|not| not.code, |_| "open")
    }

    #[test]
    fn answers_are_told_apart() {
        for (status, pairs, body, expected) in [
            (200, &[][..], r#"0{"sid":"a","upgrades":[]}"#, "open"),
            (200, &[], r#"85:0{"sid":"a"}2:40"#, "eio-version-3"),
            (200, &[], "<!doctype html><p>hello", "not-engine-io"),
            (426, &[], "Upgrade Required", "not-engine-io"),
            (400, &[], r#"{"code":0,"message":"Transport unknown"}"#, "eio-transport-unknown"),
            (400, &[], r#"{"code":5,"message":"Unsupported protocol version"}"#, "eio-unsupported-version"),
            (403, &[], r#"{"code":4,"message":"Forbidden"}"#, "eio-forbidden"),
            (400, &[], "Forbidden", "eio-forbidden"),
            (403, &[("cf-mitigated", "challenge")], "", "http-forbidden"),
            (403, &[], "Missing ALPN Protocol, expected `h2`", "http2-only"),
            (302, &[("location", "/login")], "", "redirected"),
            (401, &[("www-authenticate", "Basic")], "", "auth-required"),
            (404, &[], "Cannot GET /socket.io/", "http-not-found"),
            (404, &[("x-vercel-error", "NOT_FOUND")], "", "platform-error"),
            (503, &[("via", "1.1 vegur")], "Application error H10", "platform-error"),
            (503, &[("server", "nginx")], "", "unavailable"),
            (503, &[], "Too many requests", "rate-limited"),
            (521, &[("server", "cloudflare")], "", "cdn-origin"),
            (521, &[], "", "not-engine-io"),
            (400, &[], "<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port", "tls-on-plain-url"),
            (400, &[], "400 No required SSL certificate was sent", "client-certificate-required"),
        ] {
            assert_eq!(code(status, pairs, body), expected, "{status} {body}");
        }
    }
}
