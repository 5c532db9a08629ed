//! Answers to further requests of HTTP: Engine.IO, other sites, other headers. Never judges.

use super::engine::{self, Engine};
use super::http::{Request, Response};
use super::page::{self, Mixed};
use super::session::{Place, Session};

/// The observations.
#[derive(Debug, Default)]
pub(super) struct Web {
    pub(super) engine: Engine,
    /// Resources that the page loads in the clear.
    pub(super) mixed: Mixed,
    /// The answer that a foreign site gets, and the one for the origin that was named.
    pub(super) foreign: Option<Response>,
    pub(super) origin: Option<(String, Response)>,
    /// The line of those two requests.
    pub(super) cors_line: String,
    /// The first page as a client gets it that says to have come by plain HTTP, and whether it is compressed for one
    /// that takes that.
    pub(super) forwarded: Option<Response>,
    pub(super) is_compressed: bool,
}

impl Web {
    /// Asks a server whose first page was seen; `origin` is another site that is meant to get through.
    pub(super) async fn observe(
        place: &Place<'_>,
        session: &Session,
        origin: Option<&str>,
        measures_idle: bool,
    ) -> Self {
        let mut seen =
            Self { engine: Engine::observe(place, session.polling.clone(), measures_idle).await, ..Self::default() };
        if !session.speaks_http() {
            return seen;
        }
        let cors = |origin: &str| {
            let request = if seen.engine.is_there() { Request::polling(4) } else { Request::get("/") };
            request.field("Origin", origin)
        };
        let foreign = cors(engine::FOREIGN);
        seen.cors_line = foreign.line();
        let named = async {
            let origin = origin?;
            place.ask(&cors(origin)).await.map(|page| (origin.to_owned(), page.response))
        };
        let forwarded = async {
            session.response.as_ref()?;
            let request = Request::get("/").field("Accept", "text/html,*/*").field("X-Forwarded-Proto", "http");
            place.ask(&request.field("Accept-Encoding", "gzip")).await.map(|page| page.response)
        };
        // A gateway without a server takes its time for each.
        let (foreign, named, forwarded) = tokio::join!(place.ask(&foreign), named, forwarded);
        seen.foreign = foreign.map(|page| page.response);
        (seen.origin, seen.forwarded) = (named, forwarded);
        if session.response.is_none() {
            return seen;
        }
        seen.is_compressed =
            seen.forwarded.as_ref().is_some_and(|response| response.value("content-encoding").is_some());
        if session.is_page() {
            seen.mixed = page::mixed(place, &String::from_utf8_lossy(&session.body)).await;
        }
        seen
    }
}
