//! A session's deadlines: pings and their answers, joining a namespace, messages that are not completed.

use std::sync::{Arc, Weak};

use tokio::time::{Instant, sleep_until};

use crate::net::server::engine::Engine;
use crate::net::server::event::DisconnectReason;
use crate::net::server::queue::Item;
use crate::net::server::session::{Pushed, Session};

/// Keeps a session's deadlines until it has ended.
pub(super) async fn keep(engine: Weak<Engine>, session: Arc<Session>) {
    let Some((timing, body)) = engine.upgrade().map(|engine| (engine.timing, engine.limits.body)) else { return };
    let join_by = Instant::now() + timing.connect_timeout;
    let mut ping_at = Instant::now() + timing.ping_interval;
    let mut pong_by = None;
    // Clients of Engine.IO 3 send the pings.
    let is_three = session.protocol().is_three();
    let silence = timing.ping_interval + timing.ping_timeout;
    if is_three {
        session.pinged();
        pong_by = Some(Instant::now() + silence);
    }
    while session.ended().is_none() {
        let finish_by = session.unfinished_since().map(|since| since + body);
        let join_by = (!session.has_joined()).then_some(join_by);
        let next =
            [join_by, finish_by, Some(pong_by.unwrap_or(ping_at))].into_iter().flatten().min().unwrap_or(ping_at);
        let changed = session.changed.notified();
        tokio::select! {
            () = changed => {}
            () = sleep_until(next) => {}
        }
        let now = Instant::now();
        if pong_by.is_some() && !session.awaits_pong() {
            if is_three {
                session.pinged();
                pong_by = Some(now + silence);
            } else {
                (pong_by, ping_at) = (None, now + timing.ping_interval);
            }
        }
        let reason = if pong_by.is_some_and(|by| by <= now) && !session.is_crowded() {
            DisconnectReason::HeartbeatMissed
        } else if join_by.is_some_and(|by| by <= now) && !session.has_joined() {
            DisconnectReason::NothingJoined
        } else if is_overdue(&session, finish_by, now) {
            DisconnectReason::Unfinished
        } else {
            if pong_by.is_some_and(|by| by <= now) {
                // Nothing is read from a client that does not read itself: the transport ends it when that lasts.
                pong_by = Some(now + timing.ping_timeout);
            } else if pong_by.is_none() && ping_at <= now {
                session.pinged();
                if session.push(Item::Ping) != Pushed::Ended {
                    pong_by = Some(now + timing.ping_timeout);
                }
            }
            continue;
        };
        let Some(engine) = engine.upgrade() else { return };
        engine.end(&session, reason);
    }
}

/// True if a message is still incomplete after its deadline.
fn is_overdue(session: &Session, by: Option<Instant>, now: Instant) -> bool {
    by.is_some_and(|by| by <= now) && session.unfinished_since().is_some_and(|since| by.is_some_and(|by| since < by))
}
