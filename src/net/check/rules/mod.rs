//! Faults of a server: a table of checks. Adding a row, its function and its page in docs/failures is the
//! whole change.

mod certificate;
mod fix;
mod handshake;
mod http;
mod protocol;
mod socket_io;
mod suites;
mod table;

use self::fix::{Fix, Values};
pub use self::table::RULES;
use super::http::Response;
use super::session::Session;
use super::software::Software;
use super::survey::Facts;
use super::trust::Presented;
use super::web::Web;
use crate::judge::report::check::{Evidence, Finding};
use crate::judge::report::finding::Severity;

/// The facts that a check needs; without them the check is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Hellos, and their answers in the clear.
    Hellos,
    /// A connection by TLS 1.2 or 1.3 with suites of today.
    Session,
    /// The certificates.
    Chain,
    /// Requests of HTTP over TLS, answered or not.
    Request,
    /// An answer of HTTP over TLS, to whichever request.
    Head,
    /// An answer of HTTP over TLS to the request of the first page.
    Response,
    /// An answer on the port of plain HTTP.
    PlainResponse,
    /// Further answers of HTTP over TLS.
    Web,
    /// Engine.IO.
    Engine,
    /// A WebSocket of Engine.IO.
    Upgrade,
}

impl Needs {
    /// The layer of the findings.
    const fn layer(self) -> &'static str {
        match self {
            Self::Hellos | Self::Session | Self::Chain => "tls",
            Self::Request | Self::Head | Self::Response | Self::PlainResponse | Self::Web => "http",
            Self::Engine => "engine.io",
            Self::Upgrade => "upgrade",
        }
    }
}

/// A check.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// The facts that the check needs.
    pub needs: Needs,
    /// The severity of a finding.
    pub severity: Severity,
    /// The title of a finding.
    pub title: &'static str,
    /// The source of the rule.
    pub source: &'static str,
    fix: Fix,
    check: fn(&Audit<'_>) -> Option<Hit>,
}

/// The findings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    message: String,
    sent: String,
    received: String,
}

impl Hit {
    fn new(message: impl Into<String>, sent: impl Into<String>, received: impl Into<String>) -> Self {
        Self { message: message.into(), sent: sent.into(), received: received.into() }
    }
}

/// All that is known about a server.
#[derive(Debug)]
pub(super) struct Audit<'a> {
    pub(super) host: &'a str,
    /// As in a request's Host.
    pub(super) authority: &'a str,
    pub(super) facts: &'a Facts,
    pub(super) session: Option<&'a Session>,
    pub(super) presented: Option<&'a Presented>,
    pub(super) plain: Option<&'a Plain>,
    pub(super) web: Option<&'a Web>,
}

/// The answer on the port of plain HTTP, and the one to a client that says to have come by HTTPS.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    pub(super) port: u16,
    pub(super) response: Response,
    pub(super) forwarded: Option<Response>,
}

impl Audit<'_> {
    fn response(&self) -> Option<&Response> {
        self.session?.response.as_ref()
    }

    fn head(&self) -> Option<(&'static str, &Response)> {
        self.session?.head()
    }

    pub(super) fn software(&self) -> Option<Software> {
        self.head().and_then(|(_, response)| Software::of(response))
    }

    fn values(&self) -> Values<'_> {
        let origin = self.web.and_then(|web| web.origin.as_ref()).map(|(origin, _)| origin.as_str());
        Values { authority: self.authority, origin }
    }

    /// Decides whether the host is this machine by name, or an address.
    fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.ends_with(".localhost") || self.is_address()
    }

    fn is_address(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok()
    }

    fn has(&self, needs: Needs) -> bool {
        match needs {
            Needs::Hellos => true,
            Needs::Session | Needs::Request => self.session.is_some_and(|session| session.failure.is_none()),
            Needs::Chain => self.presented.is_some(),
            Needs::Head => self.head().is_some(),
            Needs::Response => self.response().is_some(),
            Needs::PlainResponse => self.plain.is_some(),
            Needs::Web | Needs::Engine | Needs::Upgrade => self.web.is_some(),
        }
    }

    /// Runs the checks that are wanted.
    pub(super) fn findings(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            RULES.iter().filter(|rule| is_wanted(rule.id)).filter_map(|rule| rule.finding(self)).collect();
        findings.extend(certificate::lints(self, is_wanted));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }
}

impl Rule {
    fn finding(&self, audit: &Audit<'_>) -> Option<Finding> {
        let hit = audit.has(self.needs).then(|| (self.check)(audit)).flatten()?;
        let is_certificate = self.needs == Needs::Chain;
        let subject = || audit.presented?.refusal()?.certificate.clone();
        let own_hint = || audit.presented?.refusal().filter(|reason| reason.code.name() == self.id)?.hint.clone();
        Some(Finding {
            severity: self.severity,
            layer: self.needs.layer().to_owned(),
            id: self.id.to_owned(),
            message: hit.message,
            certificate: is_certificate.then(subject).flatten(),
            evidence: Some(Evidence { sent: hit.sent, received: hit.received }),
            hint: own_hint()
                .filter(|_| is_certificate)
                .unwrap_or_else(|| self.fix.text(audit.software(), audit.values())),
            source: self.source.to_owned(),
            reference: format!("docs/failures/{}.md", self.id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files;

    #[test]
    fn each_check_has_its_page_and_its_own_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failures");
        let mut seen = Vec::new();
        for rule in RULES {
            assert!(!seen.contains(&rule.id), "{} twice", rule.id);
            seen.push(rule.id);
            let page = files::read(&folder.join(format!("{}.md", rule.id)));
            let page = page.unwrap_or_else(|error| panic!("{}: {error}", rule.id));
            let page = String::from_utf8_lossy(&page);
            assert!(page.starts_with(&format!("# {}\n", rule.id)), "{}", rule.id);
            let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in ["## Why", "## Reproduce", "## Fix", rule.title.get(1..).unwrap(), rule.source] {
                assert!(words.contains(part), "{}: {part}", rule.id);
            }
            for line in rule.fix.lines(Values { authority: "localhost:3000", origin: None }) {
                assert!(page.contains(&format!("\n- {line}\n")), "{}: {line}", rule.id);
            }
            assert!(words.contains(rule.fix.general.get(1..).unwrap()), "{}: {}", rule.id, rule.fix.general);
        }
    }
}
