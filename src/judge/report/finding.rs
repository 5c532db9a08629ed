//! Findings of `lint`.

use std::borrow::Cow;

use serde::Serialize;

/// Severity of a finding, for the audience it was judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Severity {
    /// Worth knowing; no client minds.
    Note,
    /// Some clients mind, or it will matter later.
    Warning,
    /// Clients refuse it, or a standard forbids it.
    Error,
}

impl Severity {
    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// By whose rules something is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Audience {
    /// A public CA's: those of the CA/Browser Forum and the browsers' root programs as well.
    Public,
    /// A private CA's: what clients need, and RFC 5280.
    Private,
    /// Its own: signed by itself, judged as a private CA's.
    SelfSigned,
}

impl Audience {
    /// In words, behind `judged as`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Public => "a public CA's",
            Self::Private => "a private CA's",
            Self::SelfSigned => "signed by itself",
        }
    }
}

/// Result of linting one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lint {
    /// By whose rules it was judged.
    pub audience: Audience,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
}

impl Lint {
    /// Returns the severity of the worst finding.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// One violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The rule's id, as in `san_missing`: docs/linting.md has them all.
    pub rule: Cow<'static, str>,
    /// Severity for the audience.
    pub severity: Severity,
    /// Fault in words. For people: the words may change.
    pub message: String,
    /// The field or extension, by the standard's name.
    pub field: Cow<'static, str>,
    /// Document that states the rule.
    pub source: Cow<'static, str>,
    /// Fix in words. For people: the words may change.
    #[serde(rename = "mend")]
    pub fix: Cow<'static, str>,
}
