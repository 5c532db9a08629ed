//! Checks of handshakes.

use super::{Audit, Hit};
use crate::net::check::group::Group;
use crate::net::check::prober::Answer;
use crate::net::check::version::Version;

pub(super) fn compression(audit: &Audit<'_>) -> Option<Hit> {
    (audit.facts.behaviour.compression == Some(true)).then(|| {
        let message = "TLS compression is agreed to: the length of a record gives cookies away (CRIME)";
        Hit::new(message, "ClientHello with DEFLATE", "ServerHello that chooses DEFLATE")
    })
}

pub(super) fn renegotiation(audit: &Audit<'_>) -> Option<Hit> {
    (audit.facts.behaviour.secure_renegotiation == Some(false)).then(|| {
        let message = "the server does not know secure renegotiation: a stranger can put data in front of a session";
        Hit::new(message, "ClientHello with the renegotiation SCSV", "ServerHello without renegotiation_info")
    })
}

pub(super) fn client_renegotiation(audit: &Audit<'_>) -> Option<Hit> {
    (audit.facts.behaviour.client_renegotiation == Some(true)).then(|| {
        let message =
            "clients may renegotiate without a limit: one connection makes the server compute handshake after handshake";
        Hit::new(message, "a handshake of TLS 1.2, and four more inside it", "each is finished")
    })
}

pub(super) fn insecure_renegotiation(audit: &Audit<'_>) -> Option<Hit> {
    (audit.facts.behaviour.insecure_renegotiation == Some(true)).then(|| {
        let message = "clients may renegotiate without RFC 5746: a stranger can put data in front of another's session";
        let sent = "a handshake of TLS 1.2, and one more inside it, both without renegotiation_info";
        Hit::new(message, sent, "both are finished")
    })
}

pub(super) fn extended_master_secret(audit: &Audit<'_>) -> Option<Hit> {
    let is_tls12 = audit.facts.newest_clear() == Some(Version::Tls12);
    (is_tls12 && audit.facts.behaviour.extended_master_secret == Some(false)).then(|| {
        let message = "TLS 1.2 has no extended master secret";
        Hit::new(message, "ClientHello with extended_master_secret", "ServerHello without it")
    })
}

/// Decides whether an answer differs from the hello that an ordinary ClientHello gets.
fn is_unanswered(answer: &Answer) -> bool {
    !matches!(answer, Answer::Hello(..) | Answer::Unreachable(_))
}

pub(super) fn large_hello(audit: &Audit<'_>) -> Option<Hit> {
    let small = audit.facts.versions.iter().find(|(_, offer)| offer.is_small).map(|(version, _)| *version);
    if let Some(version) = small {
        let message = "a ClientHello of ordinary length is not answered, a short one is";
        return Some(Hit::new(message, format!("ClientHello of {version} with all suites"), "no ServerHello"));
    }
    let answer = audit.facts.behaviour.large.as_ref().filter(|answer| is_unanswered(answer))?;
    let message = "a ClientHello of two segments is not answered: browsers with X25519MLKEM768 do not connect";
    Some(Hit::new(message, "ClientHello with 1,700 octets of padding", answer.words()))
}

pub(super) fn grease(audit: &Audit<'_>) -> Option<Hit> {
    let answer = audit.facts.behaviour.grease.as_ref().filter(|answer| is_unanswered(answer))?;
    let message = "a ClientHello with values that nobody knows is refused: Chrome sends such, and does not connect";
    Some(Hit::new(message, "ClientHello with GREASE (RFC 8701)", answer.words()))
}

pub(super) fn server_name(audit: &Audit<'_>) -> Option<Hit> {
    let refused = |answer: &Option<Answer>| answer.as_ref().filter(|answer| answer.is_refusal()).map(Answer::words);
    let (without, unknown) = (&audit.facts.behaviour.without_name, &audit.facts.behaviour.unknown_name);
    if let Some(answer) = refused(unknown) {
        let message = "the server refuses names that it does not know";
        return Some(Hit::new(message, "ClientHello for no-such-host.invalid", answer));
    }
    let answer = refused(without)?;
    Some(Hit::new("the server refuses clients that send no name", "ClientHello without server_name", answer))
}

pub(super) fn alpn(audit: &Audit<'_>) -> Option<Hit> {
    let session = audit.session?;
    session.is_http2_only().then(|| {
        let message = "the server speaks HTTP/2 only: WebSockets and Node's clients do not connect";
        let received = if session.refuses_http1 { "alert no_application_protocol" } else { "no protocol chosen" };
        Hit::new(message, "ALPN http/1.1", received)
    })
}

pub(super) fn no_common_group(audit: &Audit<'_>) -> Option<Hit> {
    let failure = audit.session?.failure.as_ref()?;
    let groups = &audit.facts.groups;
    let has_common = groups.iter().any(|group| Group::COMMON.contains(group));
    (!groups.is_empty() && !has_common).then(|| {
        let names: Vec<_> = groups.iter().map(ToString::to_string).collect();
        let message = format!(
            "the server has neither X25519 nor P-256 nor P-384, but {}: many clients do not connect",
            names.join(", ")
        );
        Hit::new(message, "ClientHello with X25519, P-256 and P-384", failure.clone())
    })
}

pub(super) fn early_data(audit: &Audit<'_>) -> Option<Hit> {
    audit.session?.takes_early_data.then(|| {
        let message = "early data is accepted: a recorded request can be sent again, an Engine.IO POST included";
        Hit::new(message, "resumed ClientHello with early_data", "EncryptedExtensions with early_data")
    })
}

pub(super) fn resumption(audit: &Audit<'_>) -> Option<Hit> {
    (audit.session?.is_resumed == Some(false)).then(|| {
        let message = "sessions are not resumed: each connection costs a whole handshake";
        Hit::new(message, "ClientHello with the session of the last connection", "a whole handshake")
    })
}

pub(super) fn certificate_required(audit: &Audit<'_>) -> Option<Hit> {
    let session = audit.session?;
    // Node ends the connection without an alert, nginx answers in HTTP, and in TLS 1.2 the handshake itself fails.
    let is_refused = session.needs_certificate || session.asks_certificate && !session.speaks_http();
    let status = session.response.as_ref().filter(|_| session.asks_certificate).map(|response| response.status);
    let status = status.filter(|status| matches!(status, 400 | 401 | 403 | 495 | 496));
    (is_refused || status.is_some()).then(|| {
        let received = match (status, session.needs_certificate) {
            (Some(status), _) => format!("HTTP {status}"),
            (None, true) => "alert certificate_required".to_owned(),
            (None, false) => {
                let reason = session.failure.as_ref().or(session.no_response.as_ref());
                reason.map_or_else(|| "no answer".to_owned(), Clone::clone)
            }
        };
        let message = "a client certificate is demanded: nothing of HTTP was looked at";
        Hit::new(message, "a handshake without a client certificate", received)
    })
}

pub(super) fn certificate_requested(audit: &Audit<'_>) -> Option<Hit> {
    let is_asked = audit.session?.asks_certificate && certificate_required(audit).is_none();
    is_asked.then(|| {
        let message = "a client certificate is asked for, and not demanded: browsers may show a dialog";
        Hit::new(message, "a handshake without a client certificate", "CertificateRequest")
    })
}
