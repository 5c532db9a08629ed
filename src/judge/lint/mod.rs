//! Rules for certificates, requests and CRLs.
//!
//! Each rule is a row of [`RULES`]; a new rule also needs its pair of certificates in tests/lint and
//! its row in docs/linting.md, and tests fail until they exist. The severity of a finding depends on the issuer:
//! a fault in a public CA's certificate may be right for a development machine.
//!
//! # Example
//!
//! ```
//! use secure_io::lint::{Issuers, Judge};
//! use secure_io::{generate, validity};
//!
//! let (_, chain) = generate::self_signed(&generate::CertificateSpec::default(), validity::now())?;
//! let judge = Judge { audience: None, issuers: &Issuers::default(), now: validity::now() };
//! for finding in judge.certificate(&chain[0])?.findings {
//!     println!("{}: {}", finding.rule, finding.message);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(test)]
mod agreement_tests;
mod attributes;
mod constraints;
mod context;
mod identifiers;
mod issuance;
mod item;
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
use crate::encoding::asn1;
use crate::judge::report::finding::{Audience, Finding, Lint, Severity};

/// Largest number of findings of one rule in one item; the rest is counted.
const FINDINGS: usize = 8;

/// Reason why an item could not be linted.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be judged: {0}")]
#[non_exhaustive]
pub struct Error(#[from] asn1::Error);

/// A rule: its subject, its severity, its source, and the fix.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// Roles of the subjects that the rule applies to.
    pub roles: &'static [Role],
    /// Severity in an item issued by a public CA; `None` if the rule does not apply.
    pub public: Option<Severity>,
    /// Severity in an item issued by a private CA, or signed by itself.
    pub private: Option<Severity>,
    /// The field or extension.
    pub field: &'static str,
    /// Title of the finding.
    pub title: &'static str,
    /// Document that states the rule.
    pub source: &'static str,
    /// Fix for the finding.
    pub fix: &'static str,
    check: Check,
}

impl Rule {
    /// Returns the severity of a finding for an audience.
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
            fix: Cow::Borrowed(self.fix),
        };
        messages.into_iter().map(finding).collect()
    }
}

/// Findings of a check, one text each.
type Messages = Vec<String>;

/// Function that checks a rule.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// Checks the subject alone.
    Alone(fn(&Subject<'_>) -> Messages),
    /// Checks the subject in its context.
    Within(fn(&Subject<'_>, &Context<'_>) -> Messages),
}

/// One message if something is so.
fn when(is_so: bool, message: impl FnOnce() -> String) -> Messages {
    if is_so { vec![message()] } else { Vec::new() }
}

/// The audience, and the certificates known beside the subject.
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
