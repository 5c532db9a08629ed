//! The report for people: the grades and what would change them first, then findings, then facts.

use std::fmt::Write;

use secure_io::check::{RULES, UNREACHABLE};
use secure_io::report::check::{Finding, SocketIo, Target};
use secure_io::report::finding::Severity;
use secure_io::report::view::{Line, Span, Tone};
use secure_io::words::first_few;

use crate::cli::lines::{self, ItemLines, Style};

/// Columns of the labels: `reference` and `grade` stand above each other.
const LABELS: usize = 11;

/// Suites and groups shown of a list.
const SHOWN: usize = 12;

struct Lines(Vec<Line>);

impl Lines {
    fn push(&mut self, depth: usize, label: &str, text: impl Into<String>, tone: Tone) {
        let spans = vec![Span { text: text.into(), tone }];
        self.0.push(Line { depth, label: Some(label.to_owned()), spans, ..Line::default() });
    }

    fn plain(&mut self, label: &str, text: impl Into<String>) {
        self.push(1, label, text, Tone::Plain);
    }
}

/// The report on one server.
pub(super) fn target(target: &Target, width: usize) -> String {
    let mut lines = Lines(Vec::new());
    verdicts(&mut lines, target);
    findings(&mut lines, &target.findings);
    facts(&mut lines, target);
    let address = target.address.as_deref().map(|address| format!(" ({address})")).unwrap_or_default();
    let heading = lines::heading(&format!("{}{address}", target.target));
    let (mut text, mut rendered) = (format!("{heading}\n"), ItemLines::new(None, Style { width, label_width: LABELS }));
    lines.0.iter().for_each(|line| rendered.add(line, &mut text));
    text + "\n"
}

fn verdicts(lines: &mut Lines, target: &Target) {
    let (Some(grade), Some(ignoring)) = (&target.grade, &target.grade_ignoring_trust) else { return };
    let tone = match grade.as_bytes().first() {
        Some(b'A') => Tone::Good,
        Some(b'B') => Tone::Warning,
        _ => Tone::Bad,
    };
    let apart = if grade == ignoring { String::new() } else { format!("; {ignoring} if the certificate is trusted") };
    lines.push(1, "grade", format!("{grade} (SSL Labs 2009r){apart}"), tone);
    if let Some(scores) = target.scores {
        let sum = format!(
            "0.3 × {} (protocols) + 0.3 × {} (key exchange) + 0.4 × {} (ciphers) = {}",
            scores.protocol, scores.key_exchange, scores.cipher, scores.total
        );
        lines.plain("score", sum);
    }
    for cap in &target.caps {
        lines.plain("", format!("{} at best: {}", cap.grade, cap.rule));
    }
    if let Some(tlsref) = &target.tlsref {
        let tone = if tlsref.profile == "neither" { Tone::Warning } else { Tone::Good };
        let profile = if tlsref.profile == "neither" { "neither modern nor intermediate" } else { &tlsref.profile };
        lines.push(1, "TLSRef 6.0", profile, tone);
        let reasons = if tlsref.profile == "neither" { &tlsref.not_intermediate } else { &tlsref.not_modern };
        let wanted = if tlsref.profile == "neither" { "intermediate" } else { "modern" };
        for reason in reasons.iter().filter(|_| tlsref.profile != "modern") {
            lines.plain("", format!("not {wanted}: {reason}"));
        }
    }
}

fn findings(lines: &mut Lines, findings: &[Finding]) {
    for finding in findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
            Severity::Note => Tone::Dim,
        };
        let label = finding.severity.name();
        let about = finding.certificate.as_ref().map(|subject| format!(" [{subject}]")).unwrap_or_default();
        lines.push(1, label, format!("{}: {}{about}", finding.id, finding.message), tone);
        // A note is one line: what it rests on is in the JSON.
        if finding.severity == Severity::Note {
            continue;
        }
        if let Some(evidence) = &finding.evidence {
            lines.push(2, "sent", &evidence.sent, Tone::Dim);
            lines.push(2, "received", &evidence.received, Tone::Dim);
        }
        lines.push(2, "fix", &finding.hint, Tone::Plain);
        lines.push(2, "see", format!("{} ({})", finding.reference, finding.source), Tone::Dim);
    }
}

fn facts(lines: &mut Lines, target: &Target) {
    for protocol in target.protocols.iter().filter(|protocol| protocol.status == "offered") {
        let order = protocol.order.as_deref().map(|order| format!(" ({order}'s order)")).unwrap_or_default();
        lines.plain(&protocol.version, format!("{}{order}", first_few(&protocol.suites, SHOWN)));
    }
    let named = |status: &str| {
        let all = target.protocols.iter().filter(|protocol| protocol.status == status);
        all.map(|protocol| protocol.version.as_str()).collect::<Vec<_>>().join(", ")
    };
    let groups = first_few(&target.groups, SHOWN);
    let answers = [
        ("refused", named("refused")),
        ("groups", groups),
        ("DH", target.dh_bits.map(|bits| format!("{bits} bit")).unwrap_or_default()),
        ("ALPN", target.alpn.clone().unwrap_or_default()),
        ("resumption", yes_or_no(target.resumption)),
        ("stapled", yes_or_no(target.stapled)),
        ("Socket.IO", target.socket_io.as_ref().map(socket_io).unwrap_or_default()),
        ("server", target.server.clone().unwrap_or_default()),
        ("chain", target.chain.iter().map(|link| link.subject.as_str()).collect::<Vec<_>>().join(" ← ")),
    ];
    for (label, text) in answers.into_iter().filter(|(_, text)| !text.is_empty()) {
        lines.plain(label, text);
    }
    for untested in &target.not_tested {
        lines.push(1, "not tested", untested, Tone::Warning);
    }
    lines.push(1, "time", format!("{:.1} s", target.seconds), Tone::Dim);
}

fn socket_io(found: &SocketIo) -> String {
    let versions: Vec<_> = found.engine_io.iter().map(ToString::to_string).collect();
    let mut text = format!("{} (Engine.IO {}), {}", found.path, versions.join(" and "), found.transports.join(", "));
    if let Some(interval) = found.ping_interval {
        let _ = write!(text, ", heartbeat each {} s", interval / 1_000);
    }
    text
}

fn yes_or_no(answer: Option<bool>) -> String {
    answer.map_or("", |answer| if answer { "yes" } else { "no" }).to_owned()
}

/// A line for each server.
pub(super) fn table(targets: &[Target]) -> String {
    let width = targets.iter().map(|target| target.target.chars().count()).max().unwrap_or(0).max(6);
    let count = |target: &Target, severity| target.findings.iter().filter(|one| one.severity == severity).count();
    let mut text = format!("{:width$}  grade  trusted  TLSRef        errors  warnings\n", "target");
    for target in targets {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let profile = target.tlsref.as_ref().map_or("-", |tlsref| &tlsref.profile);
        let name = secure_io::name::escape_unprintable(&target.target);
        let _ = writeln!(
            text,
            "{name:width$}  {:5}  {:7}  {profile:12}  {:6}  {:8}",
            or_dash(&target.grade),
            or_dash(&target.grade_ignoring_trust),
            count(target, Severity::Error),
            count(target, Severity::Warning)
        );
    }
    text
}

/// The checks.
pub(super) fn list() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:width$}  {:7}  {} ({})", rule.id, rule.severity.name(), rule.title, rule.source);
    }
    for (id, title) in UNREACHABLE {
        let _ = writeln!(text, "{id:width$}  error    {title}: the server cannot be audited");
    }
    text + "Certificates are linted as well: docs/linting.md has those rules.\n"
}
