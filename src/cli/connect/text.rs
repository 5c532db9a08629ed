//! Documents for people: events on stdout, faults on stderr.

use secure_io::report::connect::{Ack, Attachment, Document, Event, Finding, Layer, Status};
use secure_io::report::finding::Severity;
use serde_json::value::RawValue;

use crate::cli::failure::{Failure, Report};
use crate::cli::output::Output;

/// Columns of the layers' names.
const NAMES: usize = 11;

pub(super) fn print(document: &Document, out: &mut Output) -> Result<(), Failure> {
    match document {
        Document::Layer(one) => out.note(layer(one)),
        Document::Event(one) => out.answer(&event(one))?,
        Document::Ack(one) => out.answer(&ack(one))?,
        Document::Packet(one) => {
            let arrow = if one.direction == "sent" { ">" } else { "<" };
            out.answer(&format!("{} {arrow} {} {}\n", one.time, one.transport, one.packet))?;
        }
        Document::Finding(one) => finding(one, out),
        Document::End(_) => {}
    }
    Ok(())
}

fn layer(layer: &Layer) -> String {
    let detail = match layer.status {
        Status::Ok => layer.detail.clone().unwrap_or_else(|| layer.addresses.join(", ")),
        status => {
            [Some(status.name().to_owned()), layer.detail.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    };
    let detail = if detail.is_empty() { layer.status.name().to_owned() } else { detail };
    let ms = layer.ms.map(|ms| format!(" ({ms} ms)")).unwrap_or_default();
    format!("{:NAMES$}{detail}{ms}", layer.layer.name())
}

fn event(event: &Event) -> String {
    let arguments = arguments(&event.args, &event.attachments);
    if event.event == "message" {
        format!("Received: {arguments}\n")
    } else {
        format!("Received {}: {arguments}\n", event.event)
    }
}

fn ack(ack: &Ack) -> String {
    format!("Acknowledged {} ({} ms): {}\n", ack.event, ack.ms, arguments(&ack.args, &ack.attachments))
}

fn arguments(args: &[Box<RawValue>], attachments: &[Attachment]) -> String {
    let args = args.iter().map(|arg| arg.get().to_owned());
    let attachments = attachments.iter().map(|one| {
        let file = one.file.as_ref().map(|file| format!(", saved as {file}")).unwrap_or_default();
        format!("<{} bytes {}…{file}>", one.bytes, one.begin)
    });
    args.chain(attachments).collect::<Vec<_>>().join(", ")
}

fn finding(finding: &Finding, out: &mut Output) {
    let line = format!("{} ({} at {})", finding.message, finding.code, finding.layer.name());
    let mut details = Vec::new();
    let mut detail = |label: &str, text: &str| {
        if !text.is_empty() {
            details.push(format!("{label:NAMES$}{text}"));
        }
    };
    detail("certificate", &finding.certificate.as_ref().map(|name| format!(" {name}")).unwrap_or_default());
    detail("sent", &finding.evidence.sent);
    detail("received", &finding.evidence.received);
    detail("client", &finding.client_says.map(|said| format!("socket.io-client says: {said}")).unwrap_or_default());
    detail("refused by", &finding.refused_by.join(", "));
    detail("accepted", &finding.accepted_by.join(", "));
    let hints = [finding.hint.clone(), format!("more about it: {}", finding.reference)];
    if finding.severity == Severity::Error {
        out.error(&Report { error: anyhow::Error::msg(line), details, hints: hints.to_vec(), cause: None });
    } else {
        out.warning(line);
        for hint in &hints {
            out.hint(hint);
        }
    }
}
