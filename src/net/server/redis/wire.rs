//! The messages of Node's `@socket.io/redis-adapter` 8, so that its servers and these share their clients.
//!
//! | channel | content |
//! |---|---|
//! | `PREFIX#NAMESPACE#`, with `ROOM#` for one room | MessagePack: the server's id, the packet, rooms and those left out |
//! | `PREFIX-request#NAMESPACE#` | JSON: a question or an order to all servers |
//! | `PREFIX-response#NAMESPACE#`, with `SERVER#` for one server | JSON: an answer |

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use socketioxide_core::Value;

use crate::net::server::msgpack::{self, Reader};

/// The names of the channels.
pub(super) struct Channels {
    prefix: String,
}

/// The channel of something that was heard.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::net::server) enum Channel<'a> {
    /// Events to all, or to this room.
    Events {
        namespace: &'a str,
        room: Option<&'a str>,
    },
    Requests {
        namespace: &'a str,
    },
    Responses,
}

impl Channels {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The channel for events to these rooms.
    pub(super) fn events(&self, namespace: &str, rooms: &[&str]) -> String {
        match rooms {
            [room] => format!("{}#{namespace}#{room}#", self.prefix),
            _ => format!("{}#{namespace}#", self.prefix),
        }
    }

    pub(super) fn requests(&self, namespace: &str) -> String {
        format!("{}-request#{namespace}#", self.prefix)
    }

    pub(super) fn responses(&self, namespace: &str) -> String {
        format!("{}-response#{namespace}#", self.prefix)
    }

    /// The patterns of channels for events.
    pub(super) fn patterns(&self, namespaces: &[&str]) -> Vec<String> {
        namespaces.iter().map(|namespace| format!("{}*", self.events(namespace, &[]))).collect()
    }

    /// The other channels that a server hears.
    pub(super) fn others(&self, namespaces: &[&str], server: &str) -> Vec<String> {
        let of = |namespace: &&str| {
            let responses = self.responses(namespace);
            let own = format!("{responses}{server}#");
            [self.requests(namespace), responses, own]
        };
        namespaces.iter().flat_map(of).collect()
    }

    pub(super) fn read<'a>(&self, channel: &'a str) -> Option<Channel<'a>> {
        let rest = channel.strip_prefix(&self.prefix)?;
        if let Some(rest) = rest.strip_prefix('#') {
            let (namespace, room) = rest.split_once('#')?;
            let room = room.strip_suffix('#');
            return Some(Channel::Events { namespace, room });
        }
        if let Some(rest) = rest.strip_prefix("-request#") {
            return Some(Channel::Requests { namespace: rest.strip_suffix('#')? });
        }
        rest.starts_with("-response#").then_some(Channel::Responses)
    }
}

/// The beginning of a server's own events, which it hears as well.
pub(super) fn own_events(server: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    msgpack::append_array(3, &mut bytes);
    msgpack::append_text(server, &mut bytes);
    bytes
}

/// Writes an event. Returns `None` if it is not JSON.
pub(super) fn write_event(own: &[u8], namespace: &str, rooms: &[&str], event: &Value) -> Option<Vec<u8>> {
    let mut out = own.to_vec();
    msgpack::append_map(3, &mut out);
    msgpack::append_text("type", &mut out);
    msgpack::append_integer(EVENT, &mut out);
    msgpack::append_text("data", &mut out);
    msgpack::append(event, &mut out)?;
    msgpack::append_text("nsp", &mut out);
    msgpack::append_text(namespace, &mut out);
    msgpack::append_map(3, &mut out);
    msgpack::append_text("rooms", &mut out);
    msgpack::append_array(u32::try_from(rooms.len()).ok()?, &mut out);
    for room in rooms {
        msgpack::append_text(room, &mut out);
    }
    msgpack::append_text("except", &mut out);
    msgpack::append_array(0, &mut out);
    msgpack::append_text("flags", &mut out);
    msgpack::append_map(0, &mut out);
    Some(out)
}

/// The packet type of an event in Socket.IO's protocol.
const EVENT: i64 = 2;

/// The packet type of an event with attachments.
const BINARY_EVENT: i64 = 5;

/// An event from another server.
pub(in crate::net::server) struct Heard {
    pub(in crate::net::server) namespace: String,
    pub(in crate::net::server) event: Value,
    pub(in crate::net::server) to: Selection,
}

/// The clients that something is for: those in one of the rooms, or all if none is named, except those in others.
#[derive(Debug, Default)]
pub(in crate::net::server) struct Selection {
    pub(in crate::net::server) rooms: Vec<String>,
    pub(in crate::net::server) except: Vec<String>,
}

/// Reads an event.
pub(in crate::net::server) fn read_event(content: &[u8]) -> Option<Heard> {
    let mut reader = Reader::new(content);
    let Value::Str(text, attachments) = reader.value().filter(|_| reader.is_done())? else { return None };
    let (_, packet, to): (&RawValue, EventPacket<'_>, Named) = serde_json::from_str(&text).ok()?;
    let is_event = matches!(packet.kind, EVENT | BINARY_EVENT) && packet.data.get().starts_with('[');
    // The text is shared by what is cut out of it.
    let start = packet.data.get().as_ptr().addr() - text.as_ptr().addr();
    let data = text.slice(start..start + packet.data.get().len());
    is_event.then(|| Heard { namespace: packet.nsp.into_owned(), event: Value::Str(data, attachments), to: to.into() })
}

#[derive(Deserialize)]
struct EventPacket<'a> {
    #[serde(rename = "type")]
    kind: i64,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default = "main", borrow)]
    nsp: std::borrow::Cow<'a, str>,
}

fn main() -> std::borrow::Cow<'static, str> {
    "/".into()
}

/// Rooms as they are written: JavaScript's may be numbers.
#[derive(Deserialize, Default)]
struct Named {
    #[serde(default)]
    rooms: Vec<serde_json::Value>,
    #[serde(default)]
    except: Vec<serde_json::Value>,
}

impl From<Named> for Selection {
    fn from(named: Named) -> Self {
        Self { rooms: texts(named.rooms), except: texts(named.except) }
    }
}

fn texts(values: Vec<serde_json::Value>) -> Vec<String> {
    values
        .into_iter()
        .map(|value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}

/// A question or an order to all servers.
pub(in crate::net::server) enum Request {
    /// Asks for the clients.
    Sockets(Selection),
    /// Asks for the clients and their rooms.
    Fetch(Selection),
    Rooms,
    Join(Selection, Vec<String>),
    Leave(Selection, Vec<String>),
    Disconnect(Selection, bool),
    /// An event that is to be acknowledged by its clients.
    Emit(Selection, Value),
}

/// A request, and the data that its answer needs.
pub(in crate::net::server) struct Asked {
    pub(in crate::net::server) id: Option<String>,
    pub(in crate::net::server) request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestText<'a> {
    #[serde(rename = "type")]
    kind: i64,
    request_id: Option<String>,
    opts: Option<Named>,
    #[serde(default)]
    rooms: Vec<serde_json::Value>,
    room: Option<serde_json::Value>,
    sid: Option<String>,
    #[serde(default)]
    close: bool,
    #[serde(borrow)]
    packet: Option<EventPacket<'a>>,
}

/// Reads a request. What is unknown, or only for programs of Node, is none.
pub(in crate::net::server) fn read_request(content: &[u8]) -> Option<Asked> {
    let packed;
    let (text, attachments) = if content.starts_with(b"{") {
        (std::str::from_utf8(content).ok()?, None)
    } else {
        packed = Reader::new(content).value()?;
        let Value::Str(text, attachments) = &packed else { return None };
        (text.as_str(), attachments.clone())
    };
    let read: RequestText<'_> = serde_json::from_str(text).ok()?;
    // One client is named by its id, or several by their rooms.
    let one = read.sid.map(|sid| Selection { rooms: vec![sid], except: Vec::new() });
    let to = one.unwrap_or_else(|| read.opts.unwrap_or_default().into());
    let room = read.room.map(|room| texts(vec![room]));
    let request = match read.kind {
        0 => Request::Sockets(Selection { rooms: texts(read.rooms), except: Vec::new() }),
        1 => Request::Rooms,
        2 => Request::Join(to, room.unwrap_or_else(|| texts(read.rooms))),
        3 => Request::Leave(to, room.unwrap_or_else(|| texts(read.rooms))),
        4 => Request::Disconnect(to, read.close),
        5 => Request::Fetch(to),
        7 => {
            let data = read.packet?.data.get().to_owned();
            Request::Emit(to, Value::Str(data.into(), attachments))
        }
        _ => return None,
    };
    Some(Asked { id: read.request_id, request })
}

/// The question which clients are in a room, or in a namespace.
pub(super) fn write_request(server: &str, id: &str, rooms: &[String]) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Text<'a> {
        uid: &'a str,
        request_id: &'a str,
        #[serde(rename = "type")]
        kind: u8,
        rooms: &'a [String],
    }
    serde_json::to_vec(&Text { uid: server, request_id: id, kind: 0, rooms }).ok()
}

/// An answer to a request.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::net::server) struct Response {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(in crate::net::server) kind: Option<u8>,
    pub(in crate::net::server) request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::net::server) sockets: Option<Vec<serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::net::server) rooms: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::net::server) client_count: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_those_of_node() {
        let channels = Channels::new("socket.io");
        assert_eq!(channels.events("/", &["a"]), "socket.io#/#a#");
        assert_eq!(channels.patterns(&["/custom"]), ["socket.io#/custom#*"]);
        let events = |namespace, room| Some(Channel::Events { namespace, room });
        assert_eq!(channels.read("socket.io#/#"), events("/", None));
        assert_eq!(channels.read("socket.io#/#a#b#"), events("/", Some("a#b")));
        assert_eq!(channels.read("socket.io-request#/#"), Some(Channel::Requests { namespace: "/" }));
        for own in channels.others(&["/"], "me") {
            assert!(channels.read(&own).is_some(), "{own}");
        }
        assert_eq!(channels.read("other#/#"), None);
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = Value::Str("[\"a\",{\"b\":1}]".into(), None);
        let own = own_events("me");
        let written = write_event(&own, "/", &["r"], &event).unwrap();
        assert!(written.starts_with(&own));
        let heard = read_event(&written).unwrap();
        assert_eq!((heard.namespace.as_str(), heard.event, heard.to.rooms), ("/", event, vec!["r".to_owned()]));
        assert!(read_event(b"\x93").is_none());
    }

    #[test]
    fn requests_of_node_are_understood() {
        let read = |text: &str| read_request(text.as_bytes());
        let asked = read(r#"{"uid":"x","requestId":"y","type":0,"rooms":["a",5]}"#).unwrap();
        assert_eq!(asked.id.as_deref(), Some("y"));
        assert!(matches!(asked.request, Request::Sockets(to) if to.rooms == ["a", "5"]));
        let asked = read(r#"{"uid":"x","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["c"]}"#).unwrap();
        assert!(matches!(asked.request, Request::Join(to, rooms) if to.except == ["b"] && rooms == ["c"]));
        let asked = read(r#"{"requestId":"y","type":4,"sid":"s","close":true}"#).unwrap();
        assert!(matches!(asked.request, Request::Disconnect(to, true) if to.rooms == ["s"]));
        assert!(read(r#"{"type":6,"data":["x"]}"#).is_none());
        assert!(read("{").is_none());
    }
}
