//! Events between JSON with attachments and [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md), in
//! which bytes stand where JSON has a placeholder.
//!
//! Both are passed on as they are read: no tree is built of them. Numbers keep their values, not their digits.

use std::collections::VecDeque;
use std::fmt;

use axum::body::Bytes;
use rmp::Marker;
use rmp::encode::{self, ByteBuf};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use socketioxide_core::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::net::server::args::{self, Entries};

/// The deepest nesting that is read; that of serde_json is the same.
const MAX_DEPTH: usize = 127;

/// The length of an array or a map up to which its head is put in its shortest form, for which its content moves.
const SHORTENED: usize = 4096;

/// Appends a value to MessagePack. Returns `None` if it is not JSON.
pub(super) fn append(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Str(text, attachments) => append_json(text, attachments.as_ref(), out),
        Value::Bytes(bytes) => {
            append_bytes(bytes, out);
            Some(())
        }
    }
}

/// Appends JSON, in which placeholders stand for attachments.
pub(super) fn append_json(json: &str, attachments: Option<&VecDeque<Bytes>>, out: &mut Vec<u8>) -> Option<()> {
    let attachments = attachments.filter(|attachments| !attachments.is_empty());
    let mut buffer = ByteBuf::from_vec(std::mem::take(out));
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let written =
        Json { out: &mut buffer, attachments }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    *out = buffer.into_vec();
    written.ok()
}

/// Appends a string.
pub(super) fn append_text(text: &str, out: &mut Vec<u8>) {
    with(out, |buffer| encode::write_str(buffer, text));
}

/// Appends the head of an array.
pub(super) fn append_array(length: u32, out: &mut Vec<u8>) {
    with(out, |buffer| encode::write_array_len(buffer, length));
}

/// Appends the head of a map.
pub(super) fn append_map(length: u32, out: &mut Vec<u8>) {
    with(out, |buffer| encode::write_map_len(buffer, length));
}

/// Appends an integer.
pub(super) fn append_integer(number: i64, out: &mut Vec<u8>) {
    with(out, |buffer| encode::write_sint(buffer, number));
}

fn append_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    with(out, |buffer| encode::write_bin(buffer, bytes));
}

fn with<T, E: fmt::Debug>(out: &mut Vec<u8>, write: impl FnOnce(&mut ByteBuf) -> Result<T, E>) {
    let mut buffer = ByteBuf::from_vec(std::mem::take(out));
    write(&mut buffer).expect("a vector takes all that is written to it");
    *out = buffer.into_vec();
}

/// Writes JSON as MessagePack while it is read.
struct Json<'a> {
    out: &'a mut ByteBuf,
    attachments: Option<&'a VecDeque<Bytes>>,
}

impl Json<'_> {
    fn again(&mut self) -> Json<'_> {
        Json { out: self.out, attachments: self.attachments }
    }

    /// Begins an array or a map, whose length is known at its end. Returns the place of its head.
    fn open(&mut self) -> usize {
        let start = self.out.as_slice().len();
        self.out.as_mut_vec().extend_from_slice(&[0; LONG_HEAD]);
        start
    }

    fn close(&mut self, start: usize, length: u32, is_map: bool) {
        let size = self.out.as_slice().len() - start - LONG_HEAD;
        let mut head = Vec::new();
        if size > SHORTENED {
            let marker = if is_map { Marker::Map32 } else { Marker::Array32 };
            head.push(marker.to_u8());
            head.extend_from_slice(&length.to_be_bytes());
        } else if is_map {
            append_map(length, &mut head);
        } else {
            append_array(length, &mut head);
        }
        self.out.as_mut_vec().splice(start..start + LONG_HEAD, head);
    }
}

/// The longest head of an array or a map.
const LONG_HEAD: usize = 5;

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.out.as_mut_vec().push(if value { Marker::True } else { Marker::False }.to_u8());
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        encode::write_sint(self.out, value).map(drop).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        encode::write_uint(self.out, value).map(drop).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        encode::write_f64(self.out, value).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        encode::write_str(self.out, value).map_err(E::custom)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.out.as_mut_vec().push(Marker::Null.to_u8());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let start = self.open();
        let mut length = 0;
        while seq.next_element_seed(self.again())?.is_some() {
            length += 1;
        }
        self.close(start, length, false);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if let Some(attachments) = self.attachments {
            return self.map_with_attachments(map, attachments);
        }
        let start = self.open();
        let mut length = 0;
        while map.next_key_seed(self.again())?.is_some() {
            map.next_value_seed(self.again())?;
            length += 1;
        }
        self.close(start, length, true);
        Ok(())
    }
}

impl<'a> Json<'a> {
    /// Writes a map that may stand for an attachment, whose entries may come in any order.
    fn map_with_attachments<'de, A: MapAccess<'de>>(
        mut self,
        map: A,
        attachments: &'a VecDeque<Bytes>,
    ) -> Result<(), A::Error> {
        let entries = Entries::read(map)?;
        if let Some(number) = args::placeholder(&entries) {
            let bytes = attachments.get(number).ok_or_else(|| A::Error::custom("no such attachment"))?;
            return encode::write_bin(self.out, bytes).map_err(A::Error::custom);
        }
        let start = self.open();
        let length = u32::try_from(entries.0.len()).map_err(A::Error::custom)?;
        for (key, value) in entries.0 {
            encode::write_str(self.out, &key).map_err(A::Error::custom)?;
            let mut inner = serde_json::Deserializer::from_str(RawValue::get(value));
            self.again().deserialize(&mut inner).map_err(A::Error::custom)?;
        }
        self.close(start, length, true);
        Ok(())
    }
}

/// MessagePack that is read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns true at the end.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a value as JSON, and its bytes as attachments. Returns `None` if it is not MessagePack, or nested too deep.
    pub(super) fn value(&mut self) -> Option<Value> {
        let (mut json, mut attachments) = (String::new(), VecDeque::new());
        self.append(&mut json, &mut attachments, 0)?;
        Some(Value::Str(json.into(), (!attachments.is_empty()).then_some(attachments)))
    }

    fn append(&mut self, json: &mut String, attachments: &mut VecDeque<Bytes>, depth: usize) -> Option<()> {
        match Marker::from_u8(self.byte()?) {
            Marker::Null | Marker::Reserved => json.push_str("null"),
            Marker::True => json.push_str("true"),
            Marker::False => json.push_str("false"),
            Marker::FixPos(number) => json.push_str(itoa::Buffer::new().format(number)),
            Marker::FixNeg(number) => json.push_str(itoa::Buffer::new().format(number)),
            Marker::U8 => integer(json, u8::from_be_bytes(self.array()?)),
            Marker::U16 => integer(json, u16::from_be_bytes(self.array()?)),
            Marker::U32 => integer(json, u32::from_be_bytes(self.array()?)),
            Marker::U64 => integer(json, u64::from_be_bytes(self.array()?)),
            Marker::I8 => integer(json, i8::from_be_bytes(self.array()?)),
            Marker::I16 => integer(json, i16::from_be_bytes(self.array()?)),
            Marker::I32 => integer(json, i32::from_be_bytes(self.array()?)),
            Marker::I64 => integer(json, i64::from_be_bytes(self.array()?)),
            Marker::F32 => float(json, f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => float(json, f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => self.text(json, length.into())?,
            Marker::Str8 => self.sized::<1>().and_then(|length| self.text(json, length))?,
            Marker::Str16 => self.sized::<2>().and_then(|length| self.text(json, length))?,
            Marker::Str32 => self.sized::<4>().and_then(|length| self.text(json, length))?,
            Marker::Bin8 => self.sized::<1>().and_then(|length| self.attachment(json, attachments, length))?,
            Marker::Bin16 => self.sized::<2>().and_then(|length| self.attachment(json, attachments, length))?,
            Marker::Bin32 => self.sized::<4>().and_then(|length| self.attachment(json, attachments, length))?,
            Marker::FixArray(length) => self.list(json, attachments, length.into(), depth)?,
            Marker::Array16 => self.sized::<2>().and_then(|length| self.list(json, attachments, length, depth))?,
            Marker::Array32 => self.sized::<4>().and_then(|length| self.list(json, attachments, length, depth))?,
            Marker::FixMap(length) => self.map(json, attachments, length.into(), depth)?,
            Marker::Map16 => self.sized::<2>().and_then(|length| self.map(json, attachments, length, depth))?,
            Marker::Map32 => self.sized::<4>().and_then(|length| self.map(json, attachments, length, depth))?,
            Marker::FixExt1 => self.extension(json, 1)?,
            Marker::FixExt2 => self.extension(json, 2)?,
            Marker::FixExt4 => self.extension(json, 4)?,
            Marker::FixExt8 => self.extension(json, 8)?,
            Marker::FixExt16 => self.extension(json, 16)?,
            Marker::Ext8 => self.sized::<1>().and_then(|length| self.extension(json, length))?,
            Marker::Ext16 => self.sized::<2>().and_then(|length| self.extension(json, length))?,
            Marker::Ext32 => self.sized::<4>().and_then(|length| self.extension(json, length))?,
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Reads a length of so many bytes.
    fn sized<const N: usize>(&mut self) -> Option<usize> {
        Some(self.array::<N>()?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn text(&mut self, json: &mut String, length: usize) -> Option<()> {
        // JavaScript may send halves of surrogate pairs, which are no UTF-8.
        let text = String::from_utf8_lossy(self.take(length)?);
        json.push_str(&serde_json::to_string(&*text).ok()?);
        Some(())
    }

    fn attachment(&mut self, json: &mut String, attachments: &mut VecDeque<Bytes>, length: usize) -> Option<()> {
        let bytes = Bytes::copy_from_slice(self.take(length)?);
        json.push_str("{\"_placeholder\":true,\"num\":");
        integer(json, attachments.len());
        json.push('}');
        attachments.push_back(bytes);
        Some(())
    }

    fn list(
        &mut self,
        json: &mut String,
        attachments: &mut VecDeque<Bytes>,
        length: usize,
        depth: usize,
    ) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        json.push('[');
        for index in 0..length {
            if index > 0 {
                json.push(',');
            }
            self.append(json, attachments, depth + 1)?;
        }
        json.push(']');
        Some(())
    }

    fn map(&mut self, json: &mut String, attachments: &mut VecDeque<Bytes>, length: usize, depth: usize) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        json.push('{');
        for index in 0..length {
            if index > 0 {
                json.push(',');
            }
            let start = json.len();
            self.append(json, attachments, MAX_DEPTH)?;
            match json.get(start..) {
                Some(key) if key.starts_with('"') => {}
                // JavaScript's keys are strings.
                Some(key) if !key.starts_with(['{', '[']) => {
                    let key = format!("\"{key}\"");
                    json.replace_range(start.., &key);
                }
                _ => return None,
            }
            json.push(':');
            self.append(json, attachments, depth + 1)?;
        }
        json.push('}');
        Some(())
    }

    /// Reads a type of the application's; of those, times are known.
    fn extension(&mut self, json: &mut String, length: usize) -> Option<()> {
        let kind = i8::from_be_bytes(self.array()?);
        match timestamp(kind, self.take(length)?) {
            Some(time) => json.push_str(&time),
            None => json.push_str("null"),
        }
        Some(())
    }
}

fn integer(json: &mut String, number: impl itoa::Integer) {
    json.push_str(itoa::Buffer::new().format(number));
}

/// Writes a number; those that JSON lacks are written as JavaScript writes them.
fn float(json: &mut String, number: f64) {
    match serde_json::Number::from_f64(number) {
        Some(number) => json.push_str(&number.to_string()),
        None => json.push_str("null"),
    }
}

/// A time, which JavaScript writes into JSON as text: [the type -1 of
/// MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type), or milliseconds, as in
/// notepack.io before its version 3.
fn timestamp(kind: i8, bytes: &[u8]) -> Option<String> {
    let (seconds, nanoseconds) = match (kind, bytes.len()) {
        (-1, 4) => (i64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
        (-1, 8) => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            (i64::try_from(both & 0x3_ffff_ffff).ok()?, i128::from(both >> 34))
        }
        (-1, 12) => {
            let (nanoseconds, seconds) = bytes.split_first_chunk()?;
            (i64::from_be_bytes(seconds.try_into().ok()?), i128::from(u32::from_be_bytes(*nanoseconds)))
        }
        (0, 8) => {
            let milliseconds = i64::from_be_bytes(bytes.try_into().ok()?);
            (milliseconds.div_euclid(1000), i128::from(milliseconds.rem_euclid(1000)) * 1_000_000)
        }
        _ => return None,
    };
    let since = i128::from(seconds) * 1_000_000_000 + nanoseconds;
    let form = format_description!("\"[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z\"");
    OffsetDateTime::from_unix_timestamp_nanos(since).ok()?.format(form).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(json: &str, attachments: &[&'static [u8]]) -> Vec<u8> {
        let attachments: VecDeque<_> = attachments.iter().copied().map(Bytes::from_static).collect();
        let mut out = Vec::new();
        append_json(json, Some(&attachments), &mut out).unwrap();
        out
    }

    fn read(bytes: &[u8]) -> Option<Value> {
        let mut reader = Reader::new(bytes);
        reader.value().filter(|_| reader.is_done())
    }

    /// Node's nodes read what this server writes, and the other way round: the shortest heads, as notepack.io has them.
    #[test]
    fn events_are_written_as_notepack_writes_them() {
        assert_eq!(packed(r#"["a",1,-1,300,true,null]"#, &[]), b"\x96\xa1a\x01\xff\xcd\x01\x2c\xc3\xc0");
        assert_eq!(packed(r#"[{"_placeholder":true,"num":0}]"#, &[b"xyz"]), b"\x91\xc4\x03xyz");
        assert_eq!(packed(r#"[{"num":1,"_placeholder":true},{"a":{}}]"#, &[b"", b"x"]), b"\x92\xc4\x01x\x81\xa1a\x80");
        assert_eq!(packed("[1.5]", &[]), b"\x91\xcb\x3f\xf8\0\0\0\0\0\0");
    }

    #[test]
    fn events_come_back_as_they_went() {
        let long = format!("[\"{}\",{}]", "x".repeat(70_000), vec!["[7]"; 20_000].join(","));
        for json in [
            r#"["a",1,-7,4294967296,-4294967296,1.25,"ü\n\"",{"z":1,"a":[{},[]]},true,false,null]"#,
            r#"["a",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]"#,
            &long,
        ] {
            let value = read(&packed(json, &[b"1", b"22"])).unwrap();
            let Value::Str(text, _) = value else { panic!("text is expected") };
            assert_eq!(text, json);
        }
        let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
        assert!(matches!(read(&packed(&deep, &[])), Some(Value::Str(text, None)) if *text == *deep));
    }

    #[test]
    fn dates_and_undefined_are_what_javascript_makes_of_them() {
        for (bytes, json) in [
            (&b"\xd6\xff\0\0\0\x01"[..], r#""1970-01-01T00:00:01.000Z""#),
            (b"\xd7\xff\x77\x35\x94\x00\0\0\0\x01", r#""1970-01-01T00:00:01.500Z""#),
            (b"\xc7\x0c\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", r#""1969-12-31T23:59:59.000Z""#),
            (b"\xd7\0\0\0\0\0\0\0\x05\xdc", r#""1970-01-01T00:00:01.500Z""#),
            (b"\xd4\0\0", "null"),
            (b"\xcb\x7f\xf0\0\0\0\0\0\0", "null"),
            (b"\x81\x05\xa1x", r#"{"5":"x"}"#),
            (b"\xa2\xed\xa0", r#""\u{fffd}\u{fffd}""#),
        ] {
            let json = json.replace("\\u{fffd}", "\u{fffd}");
            assert!(matches!(read(bytes), Some(Value::Str(text, _)) if *text == *json), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_beyond_the_end_or_too_deep_is_read() {
        for bytes in [&b""[..], b"\xa5abc", b"\xdd\xff\xff\xff\xff\x01", b"\xc4\x05abc", b"\x81\x90\x01", b"\xcb\0"] {
            assert!(read(bytes).is_none(), "{bytes:?}");
        }
        assert!(read(&[0x91; 1000]).is_none());
        assert!(append_json("[1,", None, &mut Vec::new()).is_none());
        assert!(append_json("[1] 2", None, &mut Vec::new()).is_none());
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            if let Some(Value::Str(text, attachments)) = read(&bytes) {
                serde_json::from_str::<&RawValue>(&text).unwrap();
                append_json(&text, attachments.as_ref(), &mut Vec::new());
            }
        }
    }
}
