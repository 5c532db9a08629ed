//! The log's lines as JSON objects, for programs that collect them.

use std::net::SocketAddr;

use secure_io::server::{Client, Event, Refused};
use secure_io::validity;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

/// A line of our own, which belongs to no client.
pub(super) fn own(message: &str) -> String {
    with(&mut Map::new(), "note", message)
}

/// A line for a person, such as `hint: …`.
pub(super) fn labelled(text: &str) -> String {
    let text = text.trim_end();
    match text.split_once(": ") {
        Some((label @ ("note" | "hint" | "warning" | "error"), message)) => with(&mut Map::new(), label, message),
        _ => own(text.trim_start()),
    }
}

/// An event; `message` is the log line in words.
pub(super) fn event(event: &Event, message: &str) -> String {
    let mut fields = Map::new();
    if let Some(code) = cause(event) {
        fields.insert("code".to_owned(), code.into());
    }
    let name = match event {
        Event::Connected(who) => client(&mut fields, who, "connected"),
        Event::Upgraded(who) => client(&mut fields, who, "upgraded"),
        Event::Disconnected(who, reason) => {
            fields.insert("reason".to_owned(), reason.to_string().into());
            client(&mut fields, who, "disconnected")
        }
        Event::Overflowed(who) => client(&mut fields, who, "overflowed"),
        Event::Dropped { peer, reason } => {
            fields.insert("reason".to_owned(), reason.to_string().into());
            from(&mut fields, *peer, "dropped")
        }
        Event::Refused { peer, reason } => {
            fields.entry("code").or_insert_with(|| limit(reason).into());
            from(&mut fields, *peer, "refused")
        }
        Event::UnknownNamespace { peer, namespace } => {
            fields.insert("namespace".to_owned(), namespace.as_str().into());
            from(&mut fields, *peer, "unknown-namespace")
        }
        Event::HandshakeFailed { peer, error } => {
            fields.insert("code".to_owned(), error.code().into());
            fields.insert("reason".to_owned(), error.to_string().into());
            from(&mut fields, *peer, "handshake-failed")
        }
        Event::Plaintext { peer } => from(&mut fields, *peer, "plaintext"),
        Event::ProxyHeader { peer, .. } => from(&mut fields, *peer, "proxy-header"),
        Event::RedirectLoop { peer, .. } => from(&mut fields, *peer, "redirect-loop"),
        Event::NotSticky { peer } => from(&mut fields, *peer, "not-sticky"),
        Event::Withheld { peer, path, .. } => {
            fields.insert("path".to_owned(), path.as_str().into());
            from(&mut fields, *peer, "withheld")
        }
        Event::RedisLost { address, error } => {
            fields.insert("redis".to_owned(), address.as_str().into());
            fields.insert("reason".to_owned(), error.to_string().into());
            "redis-lost"
        }
        Event::RedisBack { missed, away } => {
            fields.insert("missed".to_owned(), (*missed).into());
            fields.insert("seconds".to_owned(), away.as_secs_f64().into());
            "redis-back"
        }
        Event::RedisBehind => "redis-behind",
        Event::Replaced { certificate } => {
            fields.insert("sha256_fingerprint".to_owned(), certificate.sha256_fingerprint.as_str().into());
            fields.insert("not_after".to_owned(), certificate.not_after.to_string().into());
            "certificate-replaced"
        }
        Event::Draining(_) => "draining",
        Event::AcceptPaused { .. } => "accept-paused",
        Event::AcceptResumed => "accept-resumed",
        Event::Crowded => "crowded",
        _ => "note",
    };
    with(&mut fields, name, message)
}

fn with(fields: &mut Map<String, Value>, event: &str, message: &str) -> String {
    let time = validity::now().replace_nanosecond(0).ok().and_then(|now| now.format(&Rfc3339).ok());
    let mut line = Map::new();
    line.insert("time".to_owned(), time.into());
    line.insert("event".to_owned(), event.into());
    line.append(fields);
    line.insert("message".to_owned(), message.into());
    Value::Object(line).to_string()
}

fn from(fields: &mut Map<String, Value>, peer: SocketAddr, event: &'static str) -> &'static str {
    fields.insert("address".to_owned(), peer.ip().to_string().into());
    if peer.port() != 0 {
        fields.insert("port".to_owned(), peer.port().into());
    }
    event
}

fn client(fields: &mut Map<String, Value>, client: &Client, event: &'static str) -> &'static str {
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    add("id", client.id.as_str().into());
    add("namespace", client.namespace.into());
    add("transport", client.transport.name().into());
    add("secure", client.is_secure.into());
    add("through", client.through.map(|through| through.ip().to_string()).into());
    add("tls", client.connection.as_ref().map_or(Value::Null, |tls| json!(tls)));
    add("client_certificate", client.identity.as_ref().map_or(Value::Null, |identity| json!(**identity)));
    from(fields, client.peer, event)
}

/// The code of docs/failures, as `connect` and `check` name it, for what the client is refused above TLS.
pub(super) fn cause(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::Plaintext { .. } => "tls-on-plain-url",
        Event::Refused { reason: Refused::Protocol(_), .. } => "eio-unsupported-version",
        Event::Refused { reason: Refused::ForeignOrigin(_), .. } => "eio-forbidden",
        Event::UnknownNamespace { .. } => "namespace-unknown",
        Event::RedirectLoop { .. } => "redirect-loop",
        Event::NotSticky { .. } => "not-sticky",
        _ => return None,
    })
}

/// The limit of this server that refuses a client.
fn limit(reason: &Refused) -> &'static str {
    match reason {
        Refused::TooManySessions => "too-many-sessions",
        Refused::TooMuchMemory => "too-much-memory",
        Refused::TooManyConnections { .. } => "too-many-connections",
        _ => "refused",
    }
}
