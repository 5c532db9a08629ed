//! The rules that make one encoding of each value DER (X.690 sections 8, 10 and 11).

use super::{Error, Reader, Value, oid, tag};

/// Deepest nesting that is checked: what RFC 5280 defines ends at half of that.
const DEPTH: usize = 32;

/// Names the rule that the encoding of a value breaks; the values inside are not looked at.
#[must_use]
pub fn deviation(value: Value<'_>) -> Option<&'static str> {
    wrong_length(value).or_else(|| wrong_content(value))
}

/// Checks that a value and all values inside are DER, except for the order of a SET, which does not change a meaning.
///
/// # Errors
///
/// The first rule that is broken, or nesting beyond `DEPTH`.
pub fn check(value: Value<'_>, field: &'static str) -> Result<(), Error> {
    check_to(value, field, DEPTH)
}

fn check_to(value: Value<'_>, field: &'static str, depth: usize) -> Result<(), Error> {
    if let Some(deviation) = deviation(value) {
        return Err(Error::new(field, format!("is not DER: {deviation}")));
    }
    if value.tag & CONSTRUCTED == 0 {
        return Ok(());
    }
    let depth = depth.checked_sub(1).ok_or_else(|| Error::new(field, "is nested too deeply"))?;
    check_all(value.reader(), field, depth)
}

fn check_all(mut reader: Reader<'_>, field: &'static str, depth: usize) -> Result<(), Error> {
    while !reader.is_empty() {
        check_to(reader.value(field)?, field, depth)?;
    }
    Ok(())
}

const CONSTRUCTED: u8 = 0x20;

fn wrong_length(value: Value<'_>) -> Option<&'static str> {
    let length = value.content.len();
    let octets = if length < 0x80 { 1 } else { 1 + (usize::BITS - length.leading_zeros()).div_ceil(8) as usize };
    let is_short_tag = value.tag & 0x1f != 0x1f;
    let header = value.raw.len() - length;
    (is_short_tag && header != 1 + octets).then_some("a length is written in more octets than it needs")
}

fn wrong_content(value: Value<'_>) -> Option<&'static str> {
    match (value.tag, value.content) {
        (tag::BOOLEAN, [0x00 | 0xff]) => None,
        (tag::BOOLEAN, _) => Some("a BOOLEAN is neither 00 nor ff"),
        (tag::INTEGER | tag::ENUMERATED, []) => Some("an INTEGER is empty"),
        (tag::INTEGER | tag::ENUMERATED, octets) if significant(octets).len() != octets.len() => {
            Some("an INTEGER has octets that it does not need")
        }
        (tag::NULL, [_, ..]) => Some("a NULL has content"),
        (tag::OID, octets) if !oid::is_well_formed(octets) => Some("an OBJECT IDENTIFIER is malformed"),
        (tag::BIT_STRING, [] | [8..=255, ..] | [1..=7]) => Some("a BIT STRING does not say how many bits it has"),
        (tag::BIT_STRING, [unused @ 1..=7, .., last]) if last.trailing_zeros() < u32::from(*unused) => {
            Some("a BIT STRING has unused bits that are set")
        }
        // The universal types in pieces; 28 and 2b are EXTERNAL and EMBEDDED PDV, which have parts.
        (0x21..=0x27 | 0x29 | 0x2a | 0x2c..=0x2f | 0x32..=0x3e, _) => Some("a value is in pieces"),
        _ => None,
    }
}

/// An INTEGER's octets without the leading ones that do not change the number.
///
/// Two INTEGERs are the same number exactly when these are equal.
#[must_use]
pub fn significant(mut octets: &[u8]) -> &[u8] {
    while let Some(([first, second], _)) = octets.split_first_chunk::<2>() {
        if !matches!((first, second), (0x00, 0..=0x7f) | (0xff, 0x80..=0xff)) {
            break;
        }
        octets = octets.get(1..).unwrap_or_default();
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(octets: &[u8]) -> Option<String> {
        let value = Reader::new(octets).value("it").unwrap();
        check(value, "it").err().map(|error| error.to_string())
    }

    #[test]
    fn each_rule_of_der_is_checked_at_any_depth() {
        for (octets, rule) in [
            (&[2, 2, 0, 0x42][..], "an INTEGER has octets that it does not need"),
            (&[2, 2, 0xff, 0x80], "an INTEGER has octets that it does not need"),
            (&[2, 0], "an INTEGER is empty"),
            (&[10, 2, 0, 1], "an INTEGER has octets that it does not need"),
            (&[6, 0], "an OBJECT IDENTIFIER is malformed"),
            (&[6, 3, 0x55, 0x80, 3], "an OBJECT IDENTIFIER is malformed"),
            (&[6, 2, 0x55, 0x84], "an OBJECT IDENTIFIER is malformed"),
            (&[1, 1, 1], "a BOOLEAN is neither 00 nor ff"),
            (&[5, 1, 0], "a NULL has content"),
            (&[3, 0], "a BIT STRING does not say how many bits it has"),
            (&[3, 1, 3], "a BIT STRING does not say how many bits it has"),
            (&[3, 2, 9, 0], "a BIT STRING does not say how many bits it has"),
            (&[3, 2, 3, 0x84], "a BIT STRING has unused bits that are set"),
            (&[4, 0x81, 1, 7], "a length is written in more octets than it needs"),
            (&[0x24, 3, 4, 1, 7], "a value is in pieces"),
        ] {
            let expected = Some(format!("it is not DER: {rule}"));
            assert_eq!(said(octets), expected, "{octets:x?}");
            let length = u8::try_from(octets.len()).unwrap();
            let wrapped = [&[0x30, length + 2, 0xa0, length], octets].concat();
            assert_eq!(said(&wrapped), expected, "{octets:x?} within");
        }
        for octets in [&[2, 2, 0, 0x80][..], &[2, 1, 0], &[2, 1, 0xff], &[2, 2, 0xff, 0x7f], &[1, 1, 0xff], &[3, 1, 0]]
        {
            assert_eq!(said(octets), None, "{octets:x?}");
        }
        let deep = (0..40)
            .fold(vec![5, 0], |inner: Vec<u8>, _| [&[0x30, u8::try_from(inner.len()).unwrap()], &inner[..]].concat());
        assert_eq!(said(&deep).as_deref(), Some("it is nested too deeply"));
    }

    #[test]
    fn numbers_are_the_same_however_they_are_padded() {
        for (padded, bare) in [
            (&[0, 0, 0x42][..], &[0x42][..]),
            (&[0, 0, 0x82], &[0, 0x82]),
            (&[0xff, 0xff, 0x82], &[0x82]),
            (&[0xff, 0x42], &[0xff, 0x42]),
            (&[0, 0], &[0]),
            (&[0xff, 0xff], &[0xff]),
            (&[], &[]),
        ] {
            assert_eq!(significant(padded), bare);
        }
    }
}
