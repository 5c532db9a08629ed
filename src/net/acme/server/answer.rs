//! Answers of the server, and the fields that each of them has.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LINK, LOCATION, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::problem::Problem;
use super::validation::Task;

/// The content of an answer.
#[derive(Debug)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    /// A certificate with its chain.
    Chain(Arc<str>),
    /// PEM for whoever asks.
    Pem(String),
    Text(String),
    Problem(Problem),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    content: Content,
    location: Option<String>,
    /// URLs and their relations.
    links: Vec<(String, &'static str)>,
    /// Seconds after which the client is to look again.
    retry_after: Option<u32>,
    /// A challenge to be checked from now on: its order, the place of its authorization there, and the task.
    pub(super) validation: Option<(String, usize, Task)>,
}

impl Answer {
    pub(super) fn new(status: u16, content: Content) -> Self {
        Self { status, content, location: None, links: Vec::new(), retry_after: None, validation: None }
    }

    pub(super) fn json(value: Value) -> Self {
        Self::new(200, Content::Json(value))
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn at(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }

    pub(super) fn linked(mut self, url: impl Into<String>, relation: &'static str) -> Self {
        self.links.push((url.into(), relation));
        self
    }

    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        match &self.content {
            Content::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    pub(super) fn into_response(self, nonce: String) -> Response<Body> {
        let (kind, body) = match self.content {
            Content::Nothing => (None, Body::empty()),
            Content::Json(value) => (Some("application/json"), Body::from(value.to_string())),
            Content::Chain(pem) => (Some("application/pem-certificate-chain"), Body::from(pem.to_string())),
            Content::Pem(pem) => (Some("application/x-pem-file"), Body::from(pem)),
            Content::Text(text) => (Some("text/plain; charset=utf-8"), Body::from(text)),
            Content::Problem(problem) => {
                let text = serde_json::to_string(&problem).unwrap_or_default();
                (Some("application/problem+json"), Body::from(text))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let links = self.links.into_iter().map(|(url, relation)| (LINK, format!("<{url}>;rel=\"{relation}\"")));
        let fields = [
            kind.map(|kind| (CONTENT_TYPE, kind.to_owned())),
            self.location.map(|location| (LOCATION, location)),
            self.retry_after.map(|seconds| (RETRY_AFTER, seconds.to_string())),
            Some((HeaderName::from_static("replay-nonce"), nonce)),
            // A nonce from a cache would be an old one.
            Some((CACHE_CONTROL, "no-store".to_owned())),
            Some((HeaderName::from_static("x-content-type-options"), "nosniff".to_owned())),
        ];
        for (name, value) in fields.into_iter().flatten().chain(links) {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.append(name, value);
            }
        }
        response
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let mut answer = Self::new(problem.status, Content::Nothing);
        answer.location.clone_from(&problem.location);
        // Whoever has reached a limit may look again later.
        answer.retry_after = (problem.status == 429).then_some(60);
        answer.content = Content::Problem(problem);
        answer
    }
}
