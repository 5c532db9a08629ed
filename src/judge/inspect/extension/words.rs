//! Extensions and attributes that are texts, numbers and names of things, in whatever structure.

use std::borrow::Cow;

use super::Decoded;
use crate::base::hex::hex;
use crate::base::validity::rfc3339;
use crate::encoding::asn1::{self, Error, Reader, Value, oid, tag};
use crate::judge::report::extension::{Attribute, ExtensionValue, Statement};
use crate::x509::name::escape_unprintable;

/// Largest depth of structures that are flattened into words.
const DEPTH: usize = 8;

/// A string of any type.
pub(super) fn text(octets: &[u8]) -> Decoded {
    let mut reader = Reader::new(octets);
    let value = reader.value("the text")?;
    reader.finish("the text")?;
    let text = asn1::decode_string(value.tag, value.content).ok_or_else(|| Error::new("the text", "is no string"))?;
    Ok(ExtensionValue::Text(escape_unprintable(&text)))
}

/// The texts in a structure.
pub(super) fn texts(octets: &[u8]) -> Decoded {
    let mut words = Vec::new();
    collect(asn1::only(octets, tag::SEQUENCE, "the value")?, DEPTH, &mut words)?;
    Ok(ExtensionValue::Names(words.into_iter().map(Cow::Owned).collect()))
}

/// subjectDirectoryAttributes (RFC 5280 section 4.2.1.8).
pub(super) fn attributes(octets: &[u8]) -> Decoded {
    let list = asn1::only(octets, tag::SEQUENCE, "subjectDirectoryAttributes")?.each(tag::SEQUENCE, "an attribute")?;
    list.iter().map(|value| attribute(*value)).collect::<Result<_, _>>().map(ExtensionValue::Attributes)
}

/// An attribute: `SEQUENCE { type, SET OF value }`.
pub(in crate::judge::inspect) fn attribute(value: Value<'_>) -> Result<Attribute, Error> {
    let mut reader = value.reader();
    let oid = reader.tagged(tag::OID, "an attribute's type")?.oid();
    let mut values = reader.tagged(tag::SET, "an attribute's values")?.reader();
    let mut attribute = Attribute { name: oid::name(&oid).map(Cow::Borrowed), oid, values: Vec::new() };
    while !values.is_empty() {
        attribute.values.push(attribute_value(values.value("an attribute's value")?));
    }
    Ok(attribute)
}

/// An attribute's value: the text, time or name it is, else `#` and hex.
fn attribute_value(value: Value<'_>) -> String {
    word(value).unwrap_or_else(|| format!("#{}", hex(value.raw)))
}

/// qcStatements (RFC 3739 section 3.2.6), with the values of statements flattened.
pub(super) fn statements(octets: &[u8]) -> Decoded {
    let statement = |value: &Value<'_>| {
        let mut reader = value.reader();
        let oid = reader.tagged(tag::OID, "statementId")?.oid();
        let mut info = Vec::new();
        while !reader.is_empty() {
            collect(reader.value("statementInfo")?, DEPTH, &mut info)?;
        }
        Ok(Statement { name: oid::name(&oid).map(Cow::Borrowed), oid, info })
    };
    let list = asn1::only(octets, tag::SEQUENCE, "qcStatements")?.each(tag::SEQUENCE, "a statement")?;
    list.iter().map(statement).collect::<Result<_, _>>().map(ExtensionValue::Statements)
}

/// The words in a value and in those within it, in their order.
fn collect(value: Value<'_>, depth: usize, words: &mut Vec<String>) -> Result<(), Error> {
    if value.tag & 0x20 == 0 {
        words.push(attribute_value(value));
        return Ok(());
    }
    if depth == 0 {
        return Err(Error::new("the value", "is nested beyond all measure"));
    }
    let mut reader = value.reader();
    while !reader.is_empty() {
        collect(reader.value("a value")?, depth - 1, words)?;
    }
    Ok(())
}

fn word(value: Value<'_>) -> Option<String> {
    match value.tag {
        tag::OID => Some(oid::name_or_dotted(&value.oid())),
        tag::INTEGER | tag::ENUMERATED => Some(number(value)),
        tag::BOOLEAN => Some(if value.content == [0] { "false" } else { "true" }.to_owned()),
        tag::UTC_TIME | tag::GENERALIZED_TIME => asn1::time(value, "the time").ok().map(|(time, _)| rfc3339(time)),
        _ => asn1::decode_string(value.tag, value.content).map(|text| escape_unprintable(&text)),
    }
}

/// A number; in hex when it has more than 32 bits.
pub(super) fn number(value: Value<'_>) -> String {
    value.small().map_or_else(|| format!("0x{}", hex(value.content)), |number| number.to_string())
}

/// A string's text, else `#` and hex.
pub(super) fn text_of(value: Value<'_>) -> String {
    asn1::decode_string(value.tag, value.content)
        .map_or_else(|| format!("#{}", hex(value.raw)), |text| escape_unprintable(&text))
}
