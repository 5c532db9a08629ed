//! The report as SARIF 2.1.0 (OASIS), which code hosts show beside the code.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Check, Finding, Target};
use crate::judge::report::finding::Severity;

/// A check that a run had, for the list of its rules.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its id.
    pub id: &'static str,
    /// The title of a finding.
    pub title: &'static str,
    /// How bad that is.
    pub severity: Severity,
}

/// The report as a document of SARIF. Findings that are none of the known checks, such as the lint's, bring their own
/// rule along.
#[must_use]
pub fn document(check: &Check, known: &[Known]) -> Value {
    let mut rules: Vec<Value> = known.iter().map(rule).collect();
    let mut ids: Vec<String> = known.iter().map(|known| known.id.to_owned()).collect();
    let mut results = Vec::new();
    for target in &check.targets {
        for finding in &target.findings {
            let index = ids.iter().position(|id| *id == finding.id).unwrap_or_else(|| {
                ids.push(finding.id.clone());
                rules.push(own_rule(finding));
                ids.len() - 1
            });
            results.push(result(target, finding, index));
        }
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "secure-io",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{ "executionSuccessful": check.exit < 2, "exitCode": check.exit }],
            "results": results,
        }],
    })
}

fn rule(known: &Known) -> Value {
    json!({
        "id": known.id,
        "shortDescription": { "text": known.title },
        "defaultConfiguration": { "level": known.severity.name() },
    })
}

fn own_rule(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "shortDescription": { "text": finding.message },
        "help": { "text": format!("{} ({})", finding.hint, finding.source) },
        "defaultConfiguration": { "level": finding.severity.name() },
    })
}

fn result(target: &Target, finding: &Finding, index: usize) -> Value {
    let mut text = finding.message.clone();
    if let Some(subject) = &finding.certificate {
        let _ = write!(text, " [{subject}]");
    }
    if let Some(evidence) = &finding.evidence {
        let _ = write!(text, "\nSent: {}\nReceived: {}", evidence.sent, evidence.received);
    }
    let _ = write!(text, "\nFix: {}\nSee {} ({})", finding.hint, finding.reference, finding.source);
    let uri = uri(&target.target);
    json!({
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": finding.severity.name(),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri },
            // Code hosts refuse results without a line.
            "region": { "startLine": 1 },
        }}],
        "partialFingerprints": { "targetAndId/v1": format!("{uri} {} {}", finding.id, finding.certificate.as_deref().unwrap_or_default()) },
        "properties": { "layer": finding.layer },
    })
}

/// A target as a URI: those without a scheme are servers of TLS.
fn uri(target: &str) -> String {
    let whole = if target.contains("://") { target.to_owned() } else { format!("https://{target}") };
    let mut uri = String::new();
    for octet in whole.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&octet) {
            uri.push(char::from(octet));
        } else {
            let _ = write!(uri, "%{octet:02X}");
        }
    }
    uri
}
