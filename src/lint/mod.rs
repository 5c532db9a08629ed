//! What is wrong with certificates, requests and CRLs.
//!
//! Each rule is a row of [`RULES`]; adding one is the whole change, but for its pair of certificates in tests/lint and
//! its row in docs/linting.md, and tests fail until they are there. How bad a finding is depends on who issued the
//! thing: what a public CA must not do may be just right on a developer's desk.

mod attributes;
mod constraints;
mod context;
mod identifiers;
mod issuance;
mod item;
mod key;
mod keys;
mod names;
mod rules;
mod signature;
mod subject;
mod usage;
mod validity;
mod wellformed;

use std::borrow::Cow;

use time::OffsetDateTime;

use self::context::Context;
pub use self::context::{Issuers, Origin};
pub use self::rules::RULES;
pub use self::subject::Role;
use self::subject::Subject;
use crate::asn1;
use crate::report::finding::{Audience, Finding, Lint, Severity};

/// How often one rule may find something in one item; how many more there are is said.
const FINDINGS: usize = 8;

/// Why something could not be judged.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be judged: {0}")]
#[non_exhaustive]
pub struct Error(#[from] asn1::Error);

/// A rule: what it is about, how bad it is to break it, who says so, how to mend it.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// What is judged by it.
    pub roles: &'static [Role],
    /// How bad a finding is in what a public CA issued; `None` when that may be.
    pub public: Option<Severity>,
    /// How bad it is in what a private CA issued, or what is signed by itself.
    pub private: Option<Severity>,
    /// The field or extension.
    pub field: &'static str,
    /// What is found.
    pub title: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    check: Check,
}

impl Rule {
    /// How bad a finding is for an audience.
    #[must_use]
    pub const fn severity(&self, audience: Audience) -> Option<Severity> {
        match audience {
            Audience::Public => self.public,
            Audience::Private | Audience::SelfSigned => self.private,
        }
    }

    fn findings(&self, subject: &Subject<'_>, context: &Context<'_>) -> Vec<Finding> {
        let Some(severity) = self.severity(context.audience).filter(|_| self.roles.contains(&subject.role)) else {
            return Vec::new();
        };
        let mut messages = match self.check {
            Check::Alone(check) => check(subject),
            Check::Within(check) => check(subject, context),
        };
        if let Some(more) = messages.len().checked_sub(FINDINGS).filter(|more| *more > 0) {
            messages.truncate(FINDINGS);
            messages.push(format!("and {more} more of this kind"));
        }
        let finding = |message| Finding {
            rule: Cow::Borrowed(self.id),
            severity,
            message,
            field: Cow::Borrowed(self.field),
            source: Cow::Borrowed(self.source),
            mend: Cow::Borrowed(self.mend),
        };
        messages.into_iter().map(finding).collect()
    }
}

/// What is found, one text each.
type Messages = Vec<String>;

/// How a rule is checked.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// By what is judged alone.
    Alone(fn(&Subject<'_>) -> Messages),
    /// By what is around it as well.
    Within(fn(&Subject<'_>, &Context<'_>) -> Messages),
}

/// One message if something is so.
fn when(is_so: bool, message: impl FnOnce() -> String) -> Messages {
    if is_so { vec![message()] } else { Vec::new() }
}

/// By whose rules to judge, and what is known beside the thing itself.
#[derive(Debug)]
pub struct Judge<'a> {
    /// Given, or `None` for whoever issued the thing.
    pub audience: Option<Audience>,
    /// CA certificates.
    pub issuers: &'a Issuers,
    /// The time of day.
    pub now: OffsetDateTime,
}

impl Judge<'_> {
    /// Judges a certificate.
    ///
    /// # Errors
    ///
    /// [`Error`] when it has not the structure of one.
    pub fn certificate(&self, der: &[u8]) -> Result<Lint, Error> {
        Ok(self.judge(&Subject::certificate(der)?))
    }

    /// Judges a certification request.
    ///
    /// # Errors
    ///
    /// [`Error`] when it has not the structure of one.
    pub fn request(&self, der: &[u8]) -> Result<Lint, Error> {
        Ok(self.judge(&Subject::request(der)?))
    }

    /// Judges a certificate revocation list, but not each of its entries.
    ///
    /// # Errors
    ///
    /// [`Error`] when it has not the structure of one.
    pub fn crl(&self, der: &[u8]) -> Result<Lint, Error> {
        Ok(self.judge(&Subject::crl(der)?))
    }

    fn judge(&self, subject: &Subject<'_>) -> Lint {
        let mut context = Context::of(subject, self.issuers, self.now);
        context.audience = self.audience.unwrap_or(context.audience);
        let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule.findings(subject, &context)).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Lint { audience: context.audience, findings }
    }
}
