//! Asks a server which Engine.IO it speaks, and to which origins. Never judges.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

use super::http::{PATH, Page, Request, Response};
use super::limiter;
use super::session::Place;
use super::websocket::{Idle, WebSocket};
#[cfg(feature = "serve")]
use crate::net::client::{Answer, http::fields, opened};

/// A site that no server is meant for: `.invalid` is reserved (RFC 2606).
pub(super) const FOREIGN: &str = "https://other-site.invalid";

/// Sessions that are opened to see whether they are known on other connections.
const ROUNDS: usize = 4;

/// Requests of each session, over a connection each.
const REQUESTS: usize = 2;

/// The wait for the first message of a WebSocket.
const FIRST: Duration = Duration::from_millis(1_500);

/// The wait for it where no other request was answered.
const SHORT: Duration = Duration::from_millis(300);

/// Time beyond the heartbeat that an idle connection is watched.
const GRACE: Duration = Duration::from_secs(5);

/// The longest heartbeat that is waited for.
const LONGEST_HEARTBEAT: Duration = Duration::from_mins(5);

/// The packet that opens a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Open {
    pub(super) sid: String,
    #[serde(default)]
    pub(super) upgrades: Vec<String>,
    pub(super) ping_interval: Option<u64>,
    pub(super) ping_timeout: Option<u64>,
}

/// Requests with a session's id, and those that a server answered which knows the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) known: usize,
    pub(super) asked: usize,
}

/// The observations.
#[derive(Debug, Default)]
pub(super) struct Engine {
    /// The answer to the request that opens a session by polling.
    pub(super) polling: Option<Page>,
    pub(super) open: Option<Open>,
    /// A session of Engine.IO 3 opens.
    pub(super) speaks_three: bool,
    /// A WebSocket of something else than Engine.IO.
    pub(super) plain: Option<WebSocket>,
    /// A WebSocket without a session.
    pub(super) direct: Option<WebSocket>,
    /// A WebSocket for a session that began by polling.
    pub(super) upgrade: Option<WebSocket>,
    /// A WebSocket from a foreign site.
    pub(super) foreign: Option<WebSocket>,
    /// Requests of a session without the cookies that opened it, and with them.
    pub(super) without_cookies: Option<Known>,
    pub(super) with_cookies: Option<Known>,
    /// nginx refuses a session by 503, and does not a second later.
    pub(super) is_limited: bool,
    /// With `--idle`: the fate of an idle WebSocket.
    pub(super) idle: Option<Idle>,
}

impl Engine {
    /// Asks all there is to ask of a server that answers HTTP; `polling` is its answer to the first request.
    pub(super) async fn observe(place: &Place<'_>, polling: Option<Page>, measures_idle: bool) -> Self {
        let mut seen = Self { polling, ..Self::default() };
        seen.open = seen.polling.as_ref().and_then(|page| open(&page.text()));
        let refusal = seen.polling.as_ref().and_then(code);
        // Socket.IO 2 does not look at the version that it is asked for.
        seen.speaks_three = seen.polling.as_ref().is_some_and(|page| open_three(&page.text()).is_some());
        if seen.speaks_three {
            return seen;
        }
        if place.is_http2 {
            seen.speaks_three = seen.is_there() && speaks_three(place).await;
            seen.look_for_stickiness(place).await;
            return seen;
        }
        if let Some(polling) = &seen.polling {
            seen.is_limited = is_limited(place, polling).await;
        }
        if seen.open.is_none() && refusal.is_none() {
            // What does not speak Engine.IO by polling may still do so by WebSocket alone.
            // Where polling gets no answer, no long wait is due to a WebSocket.
            let patience = if seen.polling.is_some() { FIRST } else { SHORT };
            let direct = place.websocket(&websocket(None), patience).await;
            if !direct.is_session() {
                seen.plain = Some(direct).filter(WebSocket::is_open);
                return seen;
            }
            seen.direct = Some(direct);
        }
        let asks_directly = seen.direct.is_none() && (seen.open.is_some() || refusal == Some(0));
        // A filter that swallows WebSockets costs all of the patience: the rest is asked meanwhile.
        let direct = async { if asks_directly { Some(place.websocket(&websocket(None), FIRST).await) } else { None } };
        let ((), direct) = tokio::join!(seen.observe_sessions(place), direct);
        seen.direct = direct.or(seen.direct);
        if seen.direct.as_ref().is_some_and(WebSocket::is_open) {
            let foreign = websocket(None).field("Origin", FOREIGN);
            seen.foreign = Some(place.websocket(&foreign, FIRST).await);
            if measures_idle {
                seen.idle = Some(idle(place, seen.heartbeat()).await);
            }
        }
        seen
    }

    /// Asks what takes several requests: Engine.IO 3, sessions over other connections, the upgrade.
    async fn observe_sessions(&mut self, place: &Place<'_>) {
        self.speaks_three = speaks_three(place).await;
        self.look_for_stickiness(place).await;
        // Where sessions are not sticky, an upgrade fails for that reason.
        let is_offered = |open: &Open| open.upgrades.iter().any(|transport| transport == "websocket");
        if self.open.as_ref().is_some_and(is_offered) && self.with_cookies.is_none() {
            self.upgrade = upgrade(place).await;
        }
    }

    async fn look_for_stickiness(&mut self, place: &Place<'_>) {
        if self.open.is_some() {
            self.without_cookies = Some(stickiness(place, false).await);
            if self.without_cookies.is_some_and(|seen| seen.known < seen.asked) {
                self.with_cookies = Some(stickiness(place, true).await);
            }
        }
    }

    /// The reason why no session opens by polling: the code that `connect` names, and what was seen.
    #[cfg(feature = "serve")]
    pub(super) fn refusal(&self) -> Option<(&'static str, String)> {
        let page = self.polling.as_ref()?;
        let answer = Answer {
            status: hyper::StatusCode::from_u16(page.response.status).ok()?,
            fields: fields(page.response.fields())?,
            body: page.body.clone(),
            is_cut: false,
        };
        opened(&answer).err().map(|not| (not.code, not.message))
    }

    /// Without the server's crates, answers are not told apart.
    #[cfg(not(feature = "serve"))]
    #[expect(clippy::unused_self, reason = "the other one looks at it")]
    pub(super) fn refusal(&self) -> Option<(&'static str, String)> {
        None
    }

    /// Decides whether the server speaks Engine.IO at all.
    pub(super) fn is_there(&self) -> bool {
        let by_websocket = self.direct.as_ref().is_some_and(WebSocket::is_session);
        self.open.is_some() || by_websocket || self.speaks_three || self.code().is_some()
    }

    /// Engine.IO's code in the refusal of a session by polling.
    pub(super) fn code(&self) -> Option<u8> {
        self.polling.as_ref().and_then(code)
    }

    /// The packet that opened a session, by whichever transport.
    pub(super) fn opened(&self) -> Option<Open> {
        let by_websocket = || match &self.direct {
            Some(WebSocket::Said(text)) => open(text),
            _ => None,
        };
        self.open.clone().or_else(by_websocket)
    }

    pub(super) fn heartbeat(&self) -> Duration {
        let interval = self.opened().and_then(|open| open.ping_interval).unwrap_or(25_000);
        Duration::from_millis(interval).min(LONGEST_HEARTBEAT)
    }

    /// The head of the answer that opened a session by polling.
    pub(super) fn response(&self) -> Option<&Response> {
        self.polling.as_ref().map(|page| &page.response)
    }
}

/// Decides whether a session of Engine.IO 3 opens.
async fn speaks_three(place: &Place<'_>) -> bool {
    let page = place.ask(&Request::polling(3)).await;
    page.is_some_and(|page| page.response.status == 200 && is_open(&page.text()))
}

fn websocket(sid: Option<&str>) -> Request {
    let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
    Request::websocket(format!("{PATH}?EIO=4&transport=websocket{sid}"))
}

/// Reads the packet that opens a session.
fn open(text: &str) -> Option<Open> {
    read(text.strip_prefix('0')?)
}

/// Decides whether a session opens, in the words of either version.
fn is_open(text: &str) -> bool {
    open(text).is_some() || open_three(text).is_some()
}

/// Reads the packet that opens a session of Engine.IO 3, which has its length in front.
fn open_three(text: &str) -> Option<Open> {
    let (length, packet) = text.split_once(":0")?;
    length.parse::<usize>().ok()?;
    read(packet)
}

fn read(packet: &str) -> Option<Open> {
    let packet = packet.split('\u{1e}').next()?;
    let read = serde_json::Deserializer::from_str(packet).into_iter::<Open>().next()?.ok()?;
    // The id goes into requests.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    (!read.sid.is_empty() && read.sid.len() <= 256 && read.sid.chars().all(is_plain)).then_some(read)
}

/// Engine.IO's words for its codes, from 0 on.
const MESSAGES: [&str; 6] = [
    "Transport unknown",
    "Session ID unknown",
    "Bad handshake method",
    "Bad request",
    "Forbidden",
    "Unsupported protocol version",
];

/// Engine.IO's code in a refusal, as in `{"code":0,"message":"Transport unknown"}`.
fn code(page: &Page) -> Option<u8> {
    #[derive(Deserialize)]
    struct Refusal {
        code: u8,
        message: String,
    }
    let refusal: Refusal = serde_json::from_slice(&page.body).ok()?;
    // `allowRequest` may give a message of its own with code 4.
    let is_known = MESSAGES.get(usize::from(refusal.code)).is_some_and(|known| *known == refusal.message);
    (is_known || refusal.code == 4).then_some(refusal.code)
}

async fn upgrade(place: &Place<'_>) -> Option<WebSocket> {
    let page = place.ask(&Request::polling(4)).await?;
    let opened = open(&page.text())?;
    let request = websocket(Some(&opened.sid));
    let request = match page.response.cookie_pairs() {
        Some(cookies) => request.field("Cookie", cookies),
        None => request,
    };
    // Behind the handshake the server waits for the client's probe: what it says before is a fault.
    Some(place.websocket(&request, Duration::from_millis(300)).await)
}

/// Opens sessions, and asks for each over other connections whether the server knows it.
async fn stickiness(place: &Place<'_>, with_cookies: bool) -> Known {
    let mut seen = Known { known: 0, asked: 0 };
    for _ in 0..ROUNDS {
        let Some(page) = place.ask(&Request::polling(4)).await else { continue };
        let Some(opened) = open(&page.text()) else { continue };
        let cookies = page.response.cookie_pairs().filter(|_| with_cookies);
        for request in 0..REQUESTS {
            let target = format!("{PATH}?EIO=4&transport=polling&sid={}", opened.sid);
            // The last request closes the session.
            let request = Request::post(target, if request + 1 == REQUESTS { "1" } else { "40" });
            let request = match &cookies {
                Some(cookies) => request.field("Cookie", cookies.clone()),
                None => request,
            };
            seen.asked += 1;
            let answer = place.ask(&request).await;
            seen.known += usize::from(answer.is_some_and(|page| code(&page) != Some(1)));
        }
        if seen.known < seen.asked {
            break;
        }
    }
    seen
}

/// Decides whether nginx itself refuses, as its limits do, and answers otherwise a second later.
async fn is_limited(place: &Place<'_>, polling: &Page) -> bool {
    let (response, text) = (&polling.response, polling.text());
    if response.status != 503 || !limiter::is_nginxs_own(response.value("server"), &text) {
        return false;
    }
    sleep(limiter::PAUSE).await;
    place.ask(&Request::polling(4)).await.is_some_and(|later| later.response.status != 503)
}

/// Opens a WebSocket and says nothing until the heartbeat is due.
async fn idle(place: &Place<'_>, heartbeat: Duration) -> Idle {
    place.idle(&websocket(None), heartbeat + GRACE).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_packets_of_both_versions_are_read() {
        let four = r#"0{"sid":"a-b_c","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
        let three = r#"96:0{"sid":"a-b_c","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}2:40"#;
        assert_eq!(open(four).map(|open| open.ping_timeout), Some(Some(20_000)));
        assert_eq!(open_three(three).map(|open| open.sid), Some("a-b_c".to_owned()));
        assert_eq!((open(three), open_three(four)), (None, None));
        for other in ["", "0", "<html>", "0{}", r#"0{"sid":"a&b"}"#] {
            assert_eq!(open(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,80}") {
            let _ = (open(&text), open_three(&text));
        }
    }
}
