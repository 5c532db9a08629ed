//! Lines of text for lint findings.

use super::{Detail, Tone, View};
use crate::judge::report::finding::{Lint, Severity};

impl View<'_> {
    /// The audience and the findings: the severity is a word, whatever its colour.
    pub(super) fn lint(&mut self, lint: Option<&Lint>) {
        let Some(lint) = lint else { return };
        let judged = format!("judged as {}", lint.audience.words());
        if lint.findings.is_empty() {
            return self.push("lint", format!("{judged}: no findings"), Tone::Good);
        }
        self.push("lint", judged, Tone::Dim);
        for finding in &lint.findings {
            let tone = match finding.severity {
                Severity::Error => Tone::Bad,
                Severity::Warning => Tone::Warning,
                Severity::Note => Tone::Plain,
            };
            self.push("", format!("{}: {} ({})", finding.severity.name(), finding.message, finding.rule), tone);
            if self.detail == Detail::Full || finding.severity > Severity::Note {
                self.push("", format!("  fix: {}", finding.fix), Tone::Dim);
            }
            if self.detail == Detail::Full {
                self.push("", format!("  source: {}, {}", finding.source, finding.field), Tone::Dim);
            }
        }
    }
}
