//! Many requests in one process: a line of JSON each.
//!
//! Files that several lines name (trusted certificates, intermediates, CRLs) are read once.

mod cache;
mod line;

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use time::OffsetDateTime;

use self::cache::Cache;
use self::line::Line;
use super::{Anchors, Certificate, Crl, Host, Purpose, Request, verify_file};
use crate::base::files;
use crate::encoding::container;
use crate::judge::report::verdict::{Code, Reason, Verdict};

/// Reason why a line cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The line is not JSON, or has another form.
    #[error("it is no request: {0}")]
    Json(#[from] serde_json::Error),
    /// A file that it names cannot be read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A file or text with unexpected content.
    #[error("its `{key}` cannot be used: {source}")]
    Content {
        /// Key in the line.
        key: &'static str,
        /// Cause of the error.
        source: container::Error,
    },
    /// An unknown value.
    #[error("its `{key}` is wrong: {reason}")]
    Value {
        /// Key in the line.
        key: &'static str,
        /// Fault in words.
        reason: String,
    },
}

/// Defaults for lines that do not set a value of their own.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Trust anchors.
    pub anchors: Arc<Anchors>,
    /// Certificates that may lie on a path.
    pub presented: Vec<Arc<Certificate>>,
    /// CRLs.
    pub crls: Vec<Arc<Crl>>,
    /// Host that certificates must name.
    pub host: Option<Host>,
    /// Purpose that certificates must serve.
    pub purpose: Purpose,
    /// The time at which they must be valid.
    pub at: OffsetDateTime,
    /// True if warnings are refusals.
    pub strict: bool,
}

/// Answers lines.
#[derive(Debug)]
pub struct Batch {
    defaults: Defaults,
    cache: Cache,
}

/// A line's answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Answer {
    /// Verdict on the certificate.
    Verdict(Box<Verdict>),
    /// Reason why no verdict was reached.
    Bad(BadLine),
}

/// A line that cannot be answered.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BadLine {
    /// The request's own name for itself, as far as it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<serde_json::Value>,
    /// Its number, from 1.
    pub line: u64,
    /// Reason why no verdict was reached.
    pub error: BadRequest,
}

/// Reason why a line cannot be answered.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BadRequest {
    /// Always `bad-request`.
    pub code: &'static str,
    /// For people. The words may change.
    pub message: String,
}

impl Batch {
    /// Begins with the values for lines that set none of their own.
    #[must_use]
    pub fn new(defaults: Defaults) -> Self {
        Self { defaults, cache: Cache::default() }
    }

    /// Answers lines in parallel, each with its number, in their order; `then` is done with each answer in parallel,
    /// too.
    pub fn answer_all<T: Send>(&self, lines: &[(u64, String)], then: impl Fn(Answer) -> T + Sync) -> Vec<T> {
        lines.par_iter().map(|(number, line)| then(self.answer(line, *number))).collect()
    }

    /// Answers one line.
    #[must_use]
    pub fn answer(&self, text: &str, number: u64) -> Answer {
        let line = match serde_json::from_str::<Line>(text) {
            Ok(line) => line,
            Err(error) => return bad(None, number, &error.into()),
        };
        match self.verdict(&line) {
            Ok(verdict) => Answer::Verdict(Box::new(Verdict { id: line.id, ..verdict })),
            Err(error) => bad(line.id, number, &error),
        }
    }

    fn verdict(&self, line: &Line) -> Result<Verdict, Error> {
        let content = |key| move |source| Error::Content { key, source };
        let bytes;
        let leaf = if cache::is_inline(&line.leaf) {
            line.leaf.as_bytes()
        } else {
            bytes = files::read(line.leaf.as_ref())?;
            &bytes
        };
        let chain = container::certificates(leaf).map_err(content("leaf"))?;
        if chain.is_empty() {
            return Err(Error::Value { key: "leaf", reason: "there is none".to_owned() });
        }
        let mut presented = Vec::new();
        for source in &line.untrusted {
            presented.extend(self.cache.certificates(source, "untrusted")?.iter().cloned());
        }
        presented.extend(self.defaults.presented.iter().cloned());
        let mut crls = self.defaults.crls.clone();
        for source in &line.crls {
            match &*self.cache.crls(source)? {
                Ok(more) => crls.extend(more.iter().cloned()),
                Err(error) => {
                    let message = format!("a CRL that is given is malformed: {error}");
                    return Ok(Verdict::no(Reason::new(Code::CrlInvalid, message)));
                }
            }
        }
        let anchors = match &line.trust {
            Some(trust) => self.cache.anchors(trust, self.defaults.anchors.record())?,
            None => Arc::clone(&self.defaults.anchors),
        };
        let host = line.host()?;
        Ok(verify_file(
            &chain,
            &Request {
                presented: &presented,
                anchors: &anchors,
                crls: &crls,
                host: host.as_ref().or(self.defaults.host.as_ref()),
                purpose: line.purpose()?.unwrap_or(self.defaults.purpose),
                at: line.at()?.unwrap_or(self.defaults.at),
                key: None,
                strict: line.strict.unwrap_or(self.defaults.strict),
            },
        ))
    }
}

fn bad(id: Option<serde_json::Value>, line: u64, error: &Error) -> Answer {
    Answer::Bad(BadLine { id, line, error: BadRequest { code: "bad-request", message: error.to_string() } })
}
