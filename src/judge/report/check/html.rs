//! The report as one page that needs nothing else: to send to a colleague, to keep as an artefact of a build.

use askama::Template;

use super::{Check, Target};
use crate::judge::report::finding::Severity;

#[derive(Template)]
#[template(path = "check/report.html")]
struct Page<'a> {
    check: &'a Check,
    made: &'a str,
}

/// The report as HTML; `made` is the time of the check, for people.
///
/// # Errors
///
/// If the template fails.
pub fn page(check: &Check, made: &str) -> Result<String, askama::Error> {
    Page { check, made }.render()
}

impl Target {
    /// The class of the grade's badge.
    fn badge(&self) -> &'static str {
        match self.grade.as_deref().and_then(|grade| grade.bytes().next()) {
            Some(b'A') => "good",
            Some(b'B') => "fair",
            _ => "bad",
        }
    }

    /// Number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn offered(&self) -> impl Iterator<Item = &super::Protocol> {
        self.protocols.iter().filter(|protocol| protocol.status == "offered")
    }
}
