//! The report as JUnit's XML, which CI systems count and show as tests.

use std::fmt::Write;

use super::{Check, Finding, Target};
use crate::judge::report::finding::Severity;

/// The report as XML: a suite for each server, in it a test for each check, failed if it found something of the severity
/// `from` or worse. A server that could not be audited is an error.
#[must_use]
pub fn document(check: &Check, checks: &[&str], from: Severity) -> String {
    let suites: Vec<_> = check.targets.iter().map(|target| Suite::new(target, checks, from)).collect();
    let (tests, failures, errors) = suites
        .iter()
        .fold((0, 0, 0), |sums, suite| (sums.0 + suite.tests, sums.1 + suite.failures, sums.2 + suite.errors));
    let seconds: f64 = check.targets.iter().map(|target| target.seconds).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"secure-io check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\">"
    );
    for suite in &suites {
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.3}\">\n{}  </testsuite>",
            escaped(&suite.target.target),
            suite.tests,
            suite.failures,
            suite.errors,
            suite.target.seconds,
            suite.cases
        );
    }
    xml + "</testsuites>\n"
}

struct Suite<'a> {
    target: &'a Target,
    tests: usize,
    failures: usize,
    errors: usize,
    cases: String,
}

impl<'a> Suite<'a> {
    fn new(target: &'a Target, checks: &[&str], from: Severity) -> Self {
        let mut suite = Self { target, tests: 0, failures: 0, errors: 0, cases: String::new() };
        for finding in &target.findings {
            let kind = match () {
                () if target.grade.is_none() => "error",
                () if finding.severity >= from => "failure",
                () => "system-out",
            };
            suite.case(&finding.id, Some((kind, finding)));
        }
        // Of a server that could not be audited no check has passed.
        let passed = checks.iter().filter(|_| target.grade.is_some());
        for id in passed.filter(|id| target.findings.iter().all(|finding| finding.id != **id)) {
            suite.case(id, None);
        }
        suite
    }

    fn case(&mut self, id: &str, found: Option<(&str, &Finding)>) {
        self.tests += 1;
        let start = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(&self.target.target), escaped(id));
        let Some((kind, finding)) = found else {
            let _ = writeln!(self.cases, "{start}/>");
            return;
        };
        let attributes = match kind {
            "system-out" => String::new(),
            _ => format!(" type=\"{}\" message=\"{}\"", finding.severity.name(), escaped(&finding.message)),
        };
        self.failures += usize::from(kind == "failure");
        self.errors += usize::from(kind == "error");
        let _ = writeln!(
            self.cases,
            "{start}>\n      <{kind}{attributes}>{}</{kind}>\n    </testcase>",
            escaped(&text(finding))
        );
    }
}

fn text(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.severity.name(), finding.message);
    if let Some(evidence) = &finding.evidence {
        let _ = write!(text, "\nsent: {}\nreceived: {}", evidence.sent, evidence.received);
    }
    let _ = write!(text, "\nfix: {}\nsee: {} ({})", finding.hint, finding.reference, finding.source);
    text
}

/// Text for XML 1.0, which has no control characters, not even escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_cannot_leave_its_element() {
        assert_eq!(escaped("</failure>\"&\u{0}\u{1b}"), "&lt;/failure&gt;&quot;&amp;\u{fffd}\u{fffd}");
    }
}
