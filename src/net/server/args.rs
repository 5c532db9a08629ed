//! Events and their arguments, passed on as they came.
//!
//! JSON is checked, for others will parse it, but neither taken apart nor written again: numbers keep their digits,
//! objects their order.

use std::borrow::Cow;
use std::collections::VecDeque;

use axum::body::Bytes;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use socketioxide_core::{Str, Value};

/// The key of an object that stands for an attachment.
const PLACEHOLDER: &str = "_placeholder";

/// The depth at which attachments may lie: each level is read again, and takes stack.
const MAX_DEPTH: usize = 32;

/// An event as it came: `["name",argument,…]` and its attachments.
pub(super) struct Event<'a> {
    pub(super) name: Cow<'a, str>,
    /// The first argument, when it is a string.
    pub(super) subject: Option<Cow<'a, str>>,
    text: &'a Str,
    /// The arguments after the name.
    tail: &'a str,
    attachments: &'a Option<VecDeque<Bytes>>,
}

impl<'a> Event<'a> {
    /// Reads an event. `None` when it is not JSON, has no name, or refers to an attachment it does not have or too deep
    /// inside.
    pub(super) fn read(value: &'a Value) -> Option<Self> {
        let Value::Str(text, attachments) = value else { return None };
        let Elements { name, first } = serde_json::from_str(text).ok()?;
        if let Some(attachments) = attachments
            && !is_complete(text, attachments.len(), 0)
        {
            return None;
        }
        // Nothing but a bracket and spaces comes before it.
        let (_, tail) = text.split_once(name.get())?;
        Some(Self { name: string(name)?, subject: first.and_then(string), text, tail, attachments })
    }

    /// The same event.
    pub(super) fn again(&self) -> Value {
        Value::Str(self.text.clone(), self.attachments.clone())
    }

    /// An event with the same arguments, under a name that needs no escapes.
    pub(super) fn renamed(&self, name: &str) -> Value {
        Value::Str(format!("[\"{name}\"{}", self.tail).into(), self.attachments.clone())
    }

    /// The arguments alone, as an acknowledgement has them.
    pub(super) fn arguments(&self) -> Value {
        let tail = self.tail.trim_start();
        Value::Str(format!("[{}", tail.strip_prefix(',').unwrap_or(tail)).into(), self.attachments.clone())
    }
}

/// An event with one argument, given as JSON, under a name that needs no escapes.
pub(super) fn event(name: &str, argument: &str) -> Value {
    Value::Str(format!("[\"{name}\",{argument}]").into(), None)
}

/// An acknowledgement with one argument, given as JSON.
pub(super) fn acknowledgement(argument: &str) -> Value {
    Value::Str(format!("[{argument}]").into(), None)
}

/// Checks that JSON refers only to attachments that are there.
fn is_complete(json: &str, attachments: usize, depth: usize) -> bool {
    // The key may be written with escapes.
    if !json.contains(PLACEHOLDER) && !json.contains("\\u") {
        return true;
    }
    let is_inner_complete = |inner: &RawValue| is_complete(inner.get(), attachments, depth + 1);
    match json.as_bytes() {
        [b'{' | b'[', ..] if depth == MAX_DEPTH => false,
        [b'{', ..] => serde_json::from_str(json).is_ok_and(|entries: Entries<'_>| {
            if entries.is_placeholder() {
                return placeholder(&entries).is_some_and(|at| at < attachments);
            }
            entries.0.iter().all(|(_, value)| is_inner_complete(value))
        }),
        [b'[', ..] => serde_json::from_str::<Vec<&RawValue>>(json)
            .is_ok_and(|elements| elements.into_iter().all(is_inner_complete)),
        _ => true,
    }
}

/// The number of the attachment that an object stands for.
pub(super) fn placeholder(entries: &Entries<'_>) -> Option<usize> {
    entries.value("num").filter(|_| entries.is_placeholder())?.parse().ok()
}

fn string(json: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(json.get()).ok().map(|Text(text)| text)
}

/// A string, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The parts of an event's elements that are needed.
struct Elements<'a> {
    name: &'a RawValue,
    first: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let name = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let first = seq.next_element()?;
        while let Some(IgnoredAny) = seq.next_element()? {}
        Ok(Elements { name, first })
    }
}

/// An object's entries in their order.
pub(super) struct Entries<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Entries<'de> {
    pub(super) fn read<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Self(entries))
    }

    /// The value of a key; of entries with the same key, the last one counts.
    fn value(&self, key: &str) -> Option<&'de str> {
        self.0.iter().rfind(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    fn is_placeholder(&self) -> bool {
        self.value(PLACEHOLDER) == Some("true")
    }
}

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

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Entries::read(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, attachments: usize) -> Value {
        let bytes = (0..attachments).map(|_| Bytes::from_static(b"x")).collect();
        Value::Str(text.to_owned().into(), (attachments > 0).then_some(bytes))
    }

    fn text(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    #[test]
    fn arguments_are_passed_on_untouched() {
        for (sent, renamed, arguments) in [
            (r#"["a",1.0,{"b":2,"a":1}]"#, r#"["new",1.0,{"b":2,"a":1}]"#, r#"[1.0,{"b":2,"a":1}]"#),
            (r#"["a"]"#, r#"["new"]"#, "[]"),
            (r#"["a","a"]"#, r#"["new","a"]"#, r#"["a"]"#),
            (" [ \"a\" , 1 ] ", "[\"new\" , 1 ] ", "[ 1 ] "),
            ("[ \"a\" ]", "[\"new\" ]", "[]"),
        ] {
            let value = value(sent, 0);
            let event = Event::read(&value).unwrap();
            assert_eq!(event.name, "a");
            assert_eq!(text(&event.again()), sent);
            assert_eq!(text(&event.renamed("new")), renamed);
            assert_eq!(text(&event.arguments()), arguments);
        }
    }

    #[test]
    fn names_and_subjects_may_have_escapes() {
        let value = value(r#"["\u0061b","r\noom",5]"#, 0);
        let event = Event::read(&value).unwrap();
        assert_eq!((&*event.name, event.subject.as_deref()), ("ab", Some("r\noom")));
    }

    #[test]
    fn what_others_could_not_parse_is_refused() {
        for sent in ["", "{}", "[]", "[1]", "[\"a\"", "[\"a\",]", "[\"a\"]]", "[\"a\"] 1", "[\"a\",{1:2}]", "\"a\""] {
            assert!(Event::read(&value(sent, 0)).is_none(), "{sent}");
        }
    }

    #[test]
    fn attachments_must_be_there() {
        let deep = |depth| format!("{}{}{}", "[".repeat(depth), r#"{"_placeholder":true,"num":0}"#, "]".repeat(depth));
        for (argument, is_good) in [
            (r#"{"_placeholder":true,"num":0}"#, true),
            (r#"{"num":1,"_placeholder":true}"#, true),
            (r#"[{"a":{"_placeholder":true,"num":1}},"_placeholder"]"#, true),
            (r#"{"_placeholder":false,"num":9}"#, true),
            (r#"{"_placeholder":true,"num":2}"#, false),
            (r#"{"_placeholder":true,"num":-1}"#, false),
            (r#"{"_placeholder":true,"num":"0"}"#, false),
            (r#"{"_placeholder":true}"#, false),
            (r#"{"_placeholder":false,"_placeholder":true,"num":2}"#, false),
            (r#"{"_placeholder":true,"num":0,"num":2}"#, false),
            (r#"{"\u005fplaceholder":true,"num":2}"#, false),
            (&deep(30), true),
            (&deep(100_000), false),
        ] {
            let value = value(&format!("[\"a\",{argument}]"), 2);
            assert_eq!(Event::read(&value).is_some(), is_good, "{argument:.60}");
        }
    }
}
