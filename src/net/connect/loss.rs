//! Sessions that are lost, and upgrades that fail.

use std::time::Duration;

use tokio::time::Instant;

use super::run::Found;
use crate::net::check::limiter;
use crate::net::client::{Answer, Lost, NoWebSocket, NotUpgraded, Unanswered, answer};

/// The cause of a session that was lost.
pub(super) fn lost(lost: &Lost, heard: Instant) -> Found {
    let silent = heard.elapsed();
    match lost {
        Lost::Refused(answer) if answer.status.as_u16() == 413 => {
            let is_own = answer.body.is_empty() && answer.field("server").is_none();
            let code = if is_own { "frame-too-large" } else { "body-too-large" };
            Found::new(code, "what was sent is larger than the server takes: it answers 413").received(answer.words())
        }
        Lost::Refused(answer) if is_unknown(answer) => {
            Found::new("eio-session-unknown", "the server no longer knows the session").received(answer.words())
        }
        Lost::Refused(answer) => {
            let not = answer::refusal(answer);
            // What was let through before is refused now: that is a limit, and no server that is down.
            let code = if matches!(answer.status.as_u16(), 429 | 503) { "rate-limited" } else { not.code };
            let message = if code == not.code {
                not.message
            } else {
                "503 after requests that were answered: the server or a proxy limits how many a client may make"
                    .to_owned()
            };
            Found::new(code, message).received(answer.words()).exit(1)
        }
        Lost::Closed(Some(1009), reason) => Found::new(
            "frame-too-large",
            "what was sent is larger than the server takes: it closes the WebSocket with 1009",
        )
        .received(format!("close 1009 {reason}")),
        Lost::Ended => {
            Found::new("server-disconnect", "the server ends the session").received("Engine.IO's close packet")
        }
        Lost::Closed(..) | Lost::Cut(_) | Lost::Unanswered(_) if silent > Duration::from_millis(500) => {
            let message = format!(
                "the connection is cut {:.1} s after the last byte, before the heartbeat",
                silent.as_secs_f32()
            );
            Found::new("closed-idle", message).received(words(lost))
        }
        Lost::Timeout => {
            Found::new("ping-timeout", "no ping comes within pingInterval and pingTimeout").received("nothing")
        }
        Lost::Malformed(text) => {
            Found::new("not-engine-io", "what comes is no packet of Engine.IO").received(text.clone())
        }
        Lost::NoFrames(text) => {
            Found::new("upgrade-broken", "what comes are no frames of WebSocket").received(text.clone())
        }
        _ => Found::new("server-disconnect", "the server closes the connection").received(words(lost)),
    }
}

/// Decides whether an answer is Engine.IO's for a session that it does not know.
pub(super) fn is_unknown(answer: &Answer) -> bool {
    answer.status.as_u16() == 400 && matches!(answer::engine_code(answer), Some((1, _)))
}

/// The message where a second handler answers.
pub(super) const NO_FRAMES: &str = "the server answers 101, and then sends bytes that are no frames of WebSocket";

/// The fix where a WebSocket server for another path refuses, or one without a path breaks the server.
const SECOND_SERVER: &str = "another WebSocket server on the same http(s) server answers first, with a 400 of its own: create \
                             it with noServer: true (ws), and route the server's 'upgrade' event by path";

/// Decides whether an answer is the refusal of ws for a path that is not its own.
fn is_of_second_server(answer: &Answer) -> bool {
    answer.status.as_u16() == 400 && answer.text().trim() == "Bad Request"
}

pub(super) fn not_upgraded(failure: &NotUpgraded) -> Found {
    match failure {
        NotUpgraded::Handshake(NoWebSocket::Refused(answer)) => {
            // Polling was let through before, so nginx's own 503 is a limit, and no maintenance.
            let is_limited =
                || answer::is_limiter(answer) || limiter::is_nginxs_own(answer.field("server"), &answer.text());
            if matches!(answer.status.as_u16(), 429 | 503) && is_limited() {
                let message = format!("the WebSocket is refused with {}: requests are limited", answer.status);
                return Found::new("rate-limited", message).received(answer.words());
            }
            let is_dropped = answer.status.as_u16() == 200 || matches!(answer::engine_code(answer), Some((3, _)));
            if is_dropped {
                let message = "the Upgrade header did not arrive: the server took the handshake for a plain request";
                return Found::new("upgrade-dropped", message).received(answer.words());
            }
            let message = format!("the handshake of the WebSocket is answered with {}", answer.status);
            let found = Found::new("upgrade-refused", message).received(answer.words());
            if is_of_second_server(answer) { found.hint(SECOND_SERVER) } else { found }
        }
        NotUpgraded::Handshake(NoWebSocket::WrongAccept(answer)) => Found::new(
            "upgrade-refused",
            "the server answers 101, but its Sec-WebSocket-Accept is not the one for the key",
        )
        .received(answer.words()),
        NotUpgraded::Handshake(NoWebSocket::Unanswered(Unanswered::Timeout)) => {
            Found::new("upgrade-timeout", "the handshake of the WebSocket is not answered").received("nothing")
        }
        NotUpgraded::Handshake(NoWebSocket::Unanswered(unanswered)) => {
            let received = match unanswered {
                Unanswered::Broken { error, .. } => error.as_str(),
                Unanswered::Dial(_) | Unanswered::Timeout => "no connection",
            };
            Found::new("upgrade-refused", "the connection is closed at the handshake of the WebSocket")
                .received(received)
        }
        NotUpgraded::Handshake(NoWebSocket::NoFrames(octets)) => {
            Found::new("upgrade-broken", NO_FRAMES).received(octets.clone())
        }
        NotUpgraded::Probe(Lost::Timeout) => {
            Found::new("upgrade-timeout", "the probe over the WebSocket is not answered").received("nothing")
        }
        NotUpgraded::Probe(lost) | NotUpgraded::Session(lost) => {
            let message = "the server answers 101, and then not with the frames of Engine.IO";
            Found::new("upgrade-broken", message).received(words(lost))
        }
    }
}

/// A loss in a few words.
pub(super) fn words(lost: &Lost) -> String {
    match lost {
        Lost::Closed(Some(code), reason) if reason.is_empty() => format!("close {code}"),
        Lost::Closed(Some(code), reason) => format!("close {code}: {reason}"),
        Lost::Closed(None, _) => "the connection is closed".to_owned(),
        Lost::Cut(words) | Lost::NoFrames(words) | Lost::Malformed(words) => words.clone(),
        Lost::Refused(answer) => answer.words(),
        Lost::Unanswered(Unanswered::Broken { error, .. }) => error.clone(),
        Lost::Unanswered(_) | Lost::Timeout => "nothing".to_owned(),
        Lost::Ended => "Engine.IO's close packet".to_owned(),
    }
}
