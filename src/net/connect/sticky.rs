//! Sessions on more than one connection: known everywhere, on some servers only, or by a cookie.

use std::net::SocketAddr;
use std::time::Duration;

use super::asked::Asked;
use super::loss::is_unknown;
use super::run::{Found, Run};
use crate::net::client::{Answer, Answered, Dialer, Lost, Request, Server, Session, Transport, Unanswered, opened};
use crate::net::engine_io::Packet;

/// Requests by which a session is looked for on other connections.
const LOOKS: usize = 4;

/// The time that a look at another address may take.
const GLANCE: Duration = Duration::from_millis(150);

/// The time after which a server at another address hangs that takes connections.
const HANGING: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Looks whether the session is known on other connections, and keeps to a server by cookies if that is what it
    /// takes.
    pub(super) async fn keep(
        &mut self,
        session: &mut Session,
        answer: &Answer,
        others: &[SocketAddr],
    ) -> Result<(), Found> {
        let server = session.server.clone();
        let mut unknown = None;
        for _ in 0..2 {
            match session.send(&[Packet::Pong(String::new())]).await {
                Err(Lost::Refused(answer)) if is_unknown(&answer) => unknown = Some(answer),
                _ => {}
            }
        }
        let Some(refusal) = unknown else {
            self.compare_sessions(session, others).await;
            return Ok(());
        };
        let sent = format!("POST {}", server.target(Transport::Polling, Some(&session.open.sid)));
        if let Some(cookies) = answer.cookies() {
            session.server = server.with_cookies(&cookies);
            let mut is_known = true;
            for _ in 0..LOOKS {
                is_known &= !matches!(session.send(&[Packet::Pong(String::new())]).await, Err(Lost::Refused(answer)) if is_unknown(&answer));
            }
            if is_known {
                let message = "the session is known only to requests with the load balancer's cookie, which Node's client does not keep";
                self.warn(Found::new("sticky-by-cookie", message).sent(sent).received(refusal.words()));
                return Ok(());
            }
            session.server = server;
        }
        let mut known = 0;
        for _ in 0..LOOKS {
            known += usize::from(session.send(&[Packet::Pong(String::new())]).await.is_ok());
        }
        Err(if known > 0 {
            let message = "the session is known on some connections and not on others: requests go to different servers";
            Found::new("not-sticky", message)
        } else if self.another_answers(&session.server).await {
            let message = "the session that was just opened is unknown to the next request, and others open: requests go to different servers";
            Found::new("not-sticky", message)
        } else {
            Found::new("eio-session-unknown", "the session that was just opened is unknown to the next request")
        }
        .sent(sent)
        .received(refusal.words()))
    }

    /// Decides whether a session is known to one of the next requests, when two servers take turns.
    async fn another_answers(&self, server: &Server) -> bool {
        for _ in 0..2 {
            let Ok(Answered::Answer(answer)) = server.opening().send(&server.dialer).await else { return false };
            let Ok((open, rest)) = opened(&answer) else { return false };
            let mut session = Session::polling(server.clone(), open, rest);
            // A request in between changes whose turn it is.
            let _ = Request::get(server.path.clone(), server.fields.clone()).send(&server.dialer).await;
            if session.send(&[Packet::Pong(String::new())]).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Warns if no session was had, and another address of localhost has a server that opens one.
    pub(super) async fn compare_answers(&mut self, asked: &Asked<'_>) {
        let server = asked.server;
        for other in asked.others.iter().take(1) {
            let dialer = Dialer { address: *other, limit: GLANCE.min(server.dialer.limit), ..server.dialer.clone() };
            let request = server.opening();
            let line = request.line();
            let Ok(Answered::Answer(answer)) = request.send(&dialer).await else { continue };
            if opened(&answer).is_ok() {
                let first = server.dialer.address;
                let message = format!("{first} and {other} are different servers: Socket.IO answers on the second one");
                let found = Found::new("other-server-on-address", message).sent(format!("{line} to {other}"));
                self.warn(found.received(answer.words()));
            }
        }
    }

    /// Warns if another address of localhost has a server that does not know the session.
    async fn compare_sessions(&mut self, session: &Session, others: &[SocketAddr]) {
        let server = &session.server;
        for other in others.iter().take(1) {
            let mut there = server.clone();
            there.dialer.address = *other;
            there.dialer.limit = GLANCE.min(server.dialer.limit);
            let pong = Packet::payload(&[Packet::Pong(String::new())]);
            let mut answer = there.exchange(&session.open.sid, Some(pong.clone()), there.dialer.limit).await;
            if matches!(answer, Err(Lost::Unanswered(Unanswered::Timeout))) {
                // It may be the same server, and busy.
                there.dialer.limit = HANGING.min(server.dialer.limit);
                answer = there.exchange(&session.open.sid, Some(pong), there.dialer.limit).await;
            }
            let (what, received) = match answer {
                Err(Lost::Refused(answer)) => ("does not know the session", answer.words()),
                Err(Lost::Unanswered(Unanswered::Broken { .. })) => {
                    ("does not know the session", "no answer of HTTP".to_owned())
                }
                Err(Lost::Unanswered(Unanswered::Timeout)) => ("does not answer", "nothing".to_owned()),
                _ => continue,
            };
            let first = server.dialer.address;
            let message = format!("{first} and {other} are different servers: the second one {what}");
            let target = there.target(Transport::Polling, Some(&session.open.sid));
            self.warn(
                Found::new("other-server-on-address", message)
                    .sent(format!("POST {target} to {other}"))
                    .received(received),
            );
        }
    }
}
