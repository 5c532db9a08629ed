//! A stranger's X-Forwarded-Proto: the difference in a server's answers.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::run::{Found, Run};
use crate::net::client::{Answer, Answered, Request, Server};

/// The time that such a request may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The time that the end of the run waits for it.
const LEFT: Duration = Duration::from_millis(50);

impl Run<'_> {
    /// Starts to look whether the field is believed, beside the session.
    pub(super) fn look_at_forwarded(&mut self, is_secure: bool, server: &Server) {
        let server = server.clone();
        self.forwarded = Some(tokio::spawn(async move {
            timeout_at(Instant::now() + LIMIT, believes(is_secure, &server)).await.ok().flatten()
        }));
    }

    /// Warns if the field is believed, as far as is known by now.
    pub(super) async fn judge_forwarded(&mut self) {
        let Some(task) = self.forwarded.take() else { return };
        let mut task = AbortOnDrop(task);
        if let Ok(Ok(Some(found))) = timeout_at(Instant::now() + LEFT, &mut task.0).await {
            self.warn(found);
        }
    }
}

struct AbortOnDrop(JoinHandle<Option<Found>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks for the Engine.IO path, without opening a session, and for the first page: with the field and without it.
async fn believes(is_secure: bool, server: &Server) -> Option<Found> {
    // Either may hang: a server without a page never answers for it.
    tokio::select! {
        Some(found) = changes(is_secure, server, &server.path) => Some(found),
        Some(found) = changes(is_secure, server, "/") => Some(found),
        else => None,
    }
}

async fn changes(is_secure: bool, server: &Server, target: &str) -> Option<Found> {
    let claimed = if is_secure { "http" } else { "https" };
    let plain = Request::get(target, server.fields.clone());
    let mut forwarded = plain.clone();
    forwarded.fields.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static(claimed));
    let with = answer(forwarded, server).await?;
    // An https server that believes to have been asked by http redirects to https; an http server stops doing so.
    if is_secure && !leads_to_https(&with) {
        return None;
    }
    let without = answer(plain, server).await?;
    let is_changed =
        if is_secure { !leads_to_https(&without) } else { leads_to_https(&without) && !leads_to_https(&with) };
    is_changed.then(|| {
        let message = format!(
            "X-Forwarded-Proto: {claimed} of a stranger is believed: {target} is answered with {} in place of {}",
            with.status.as_u16(),
            without.status.as_u16()
        );
        Found::new("forwarded-proto-believed", message)
            .sent(format!("GET {target} HTTP/1.1, X-Forwarded-Proto: {claimed}"))
            .received(with.words())
    })
}

async fn answer(request: Request, server: &Server) -> Option<Answer> {
    match request.send_within(&server.dialer, LIMIT).await {
        Ok(Answered::Answer(answer)) => Some(answer),
        _ => None,
    }
}

fn leads_to_https(answer: &Answer) -> bool {
    answer.status.is_redirection() && answer.field("location").is_some_and(|to| to.starts_with("https://"))
}
