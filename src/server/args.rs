//! The arguments of an event, passed on as they came.
//!
//! JSON is checked, since others will parse it, but not taken apart: numbers keep their digits, objects their order.
//! Only binary attachments have to be found, for the parser numbers them anew.

use std::borrow::Cow;
use std::collections::VecDeque;

use axum::body::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};
use serde_json::value::RawValue;
use socketioxide::handler::Value;

/// The key that marks an object as standing for an attachment.
const PLACEHOLDER: &str = "_placeholder";

/// How deep attachments may lie: each level is read again, and takes stack.
const MAX_DEPTH: usize = 32;

/// An event as it came: `["name",argument,…]` and its attachments.
pub(super) struct Incoming<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) args: Args<'a>,
}

/// Arguments, to be sent as those of another event or as an acknowledgement's.
pub(super) struct Args<'a>(Vec<Arg<'a>>);

enum Arg<'a> {
    Text(&'a RawValue),
    Binary(&'a Bytes),
    Array(Vec<Arg<'a>>),
    Object(Vec<(Cow<'a, str>, Arg<'a>)>),
}

impl<'a> Incoming<'a> {
    /// Reads an event. `None` when it is not JSON, has no name, or refers to an attachment it does not have
    /// or too deep inside.
    pub(super) fn read(value: &'a Value) -> Option<Self> {
        let Value::Str(text, attachments) = value else {
            return None;
        };
        let mut elements = serde_json::from_str::<Vec<&RawValue>>(text).ok()?.into_iter();
        let name = serde_json::from_str::<Text<'_>>(elements.next()?.get()).ok()?.0;
        let args = match attachments {
            None => elements.map(Arg::Text).collect(),
            Some(attachments) => elements.map(|element| Arg::read(element, attachments, 0)).collect::<Option<_>>()?,
        };
        Some(Self { name, args: Args(args) })
    }
}

impl Args<'_> {
    /// The first argument, when it is a string.
    pub(super) fn first_text(&self) -> Option<Cow<'_, str>> {
        match self.0.first()? {
            Arg::Text(raw) => serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0),
            _ => None,
        }
    }
}

impl<'a> Arg<'a> {
    fn read(raw: &'a RawValue, attachments: &'a VecDeque<Bytes>, depth: usize) -> Option<Self> {
        let text = raw.get();
        if !text.contains(PLACEHOLDER) {
            return Some(Self::Text(raw));
        }
        if depth == MAX_DEPTH {
            return None;
        }
        match text.as_bytes().first()? {
            b'{' => Self::read_object(text, attachments, depth),
            b'[' => {
                let elements = serde_json::from_str::<Vec<&RawValue>>(text).ok()?;
                let read = elements.into_iter().map(|element| Self::read(element, attachments, depth + 1));
                read.collect::<Option<_>>().map(Self::Array)
            }
            _ => Some(Self::Text(raw)),
        }
    }

    fn read_object(text: &'a str, attachments: &'a VecDeque<Bytes>, depth: usize) -> Option<Self> {
        let Entries(entries) = serde_json::from_str(text).ok()?;
        let value = |key| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.get());
        if value(PLACEHOLDER) == Some("true") {
            return attachments.get(value("num")?.parse().ok()?).map(Self::Binary);
        }
        let read = entries.into_iter().map(|(key, value)| Some((key, Self::read(value, attachments, depth + 1)?)));
        read.collect::<Option<_>>().map(Self::Object)
    }
}

impl Serialize for Args<'_> {
    /// As a tuple: socketioxide spreads a tuple's elements over the event's arguments.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for arg in &self.0 {
            tuple.serialize_element(arg)?;
        }
        tuple.end()
    }
}

impl Serialize for Arg<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(raw) => raw.serialize(serializer),
            Self::Binary(bytes) => serializer.serialize_bytes(bytes),
            Self::Array(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// A string, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object's entries in their order.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            entries.push((key, map.next_value::<&RawValue>()?));
        }
        Ok(Entries(entries))
    }
}
