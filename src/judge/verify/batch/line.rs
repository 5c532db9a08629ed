//! A line of a batch.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Error;
use crate::judge::verify::{Host, Purpose};

/// The request, as written.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) id: Option<serde_json::Value>,
    pub(super) leaf: String,
    pub(super) untrusted: Vec<String>,
    pub(super) trust: Option<Vec<String>>,
    pub(super) crls: Vec<String>,
    pub(super) strict: Option<bool>,
    host: Option<String>,
    purpose: Option<String>,
    at: Option<serde_json::Value>,
}

const KEYS: [&str; 9] = ["id", "leaf", "untrusted", "trust", "crls", "host", "purpose", "at", "strict"];

impl Line {
    pub(super) fn host(&self) -> Result<Option<Host>, Error> {
        let wrong = |error: crate::judge::verify::NoHost| Error::Value { key: "host", reason: error.to_string() };
        self.host.as_deref().map(|host| host.parse().map_err(wrong)).transpose()
    }

    pub(super) fn purpose(&self) -> Result<Option<Purpose>, Error> {
        Ok(match self.purpose.as_deref() {
            None => None,
            Some("server") => Some(Purpose::Server),
            Some("client") => Some(Purpose::Client),
            Some("any") => Some(Purpose::Any),
            Some(other) => {
                let reason = format!("`{other}` is none of server, client and any");
                return Err(Error::Value { key: "purpose", reason });
            }
        })
    }

    /// RFC 3339, or seconds since 1970.
    pub(super) fn at(&self) -> Result<Option<OffsetDateTime>, Error> {
        let Some(at) = &self.at else { return Ok(None) };
        let time = match at {
            serde_json::Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok(),
            number => number.as_i64().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
        };
        let wrong = || Error::Value { key: "at", reason: format!("{at} is no RFC 3339 time") };
        time.ok_or_else(wrong).map(Some)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Request;
        impl<'de> Visitor<'de> for Request {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `leaf`")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Line, M::Error> {
                let mut line = Line::default();
                let mut has_leaf = false;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "id" => line.id = map.next_value()?,
                        "leaf" => {
                            line.leaf = map.next_value()?;
                            has_leaf = true;
                        }
                        "untrusted" => line.untrusted = map.next_value::<Option<Texts>>()?.unwrap_or_default().0,
                        "trust" => line.trust = map.next_value::<Option<Texts>>()?.map(|texts| texts.0),
                        "crls" => line.crls = map.next_value::<Option<Texts>>()?.unwrap_or_default().0,
                        "host" => line.host = map.next_value()?,
                        "purpose" => line.purpose = map.next_value()?,
                        "at" => line.at = map.next_value::<Option<serde_json::Value>>()?,
                        "strict" => line.strict = map.next_value()?,
                        // Others are the caller's own; a slip of the pen must not make a check disappear.
                        other => match likely(other) {
                            Some(meant) => {
                                return Err(de::Error::custom(format!(
                                    "unknown key `{other}`: `{meant}` may be meant"
                                )));
                            }
                            None => drop(map.next_value::<IgnoredAny>()?),
                        },
                    }
                }
                if has_leaf { Ok(line) } else { Err(de::Error::missing_field("leaf")) }
            }
        }
        deserializer.deserialize_map(Request)
    }
}

/// The key that one is a slip of.
fn likely(key: &str) -> Option<&'static str> {
    let folded = key.to_ascii_lowercase();
    KEYS.into_iter()
        .find(|known| folded == *known || known.len() > 2 && strsim::damerau_levenshtein(&folded, known) == 1)
}

/// One text, or a list of them.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("PEM or a file's name, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Texts, S::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
