//! Strings by their type (X.680 section 41).

use std::borrow::Cow;

use super::tag;

/// Returns true if [`decode_string`] can read strings of this tag.
#[must_use]
pub const fn is_string(tag: u8) -> bool {
    matches!(
        tag,
        tag::UTF8_STRING
            | tag::NUMERIC_STRING
            | tag::PRINTABLE_STRING
            | tag::TELETEX_STRING
            | tag::IA5_STRING
            | tag::VISIBLE_STRING
            | tag::UNIVERSAL_STRING
            | tag::BMP_STRING
    )
}

/// Decides whether an octet may be in a PrintableString (X.680 section 41.4).
#[must_use]
pub const fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b' ' | b'\'' | b'(' | b')' | b'+' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?')
}

/// The text of a string; `None` for octets that its type forbids, and for types that are no strings.
///
/// TeletexString is read as Latin-1, its actual content in certificates.
#[must_use]
pub fn decode_string(tag: u8, octets: &[u8]) -> Option<Cow<'_, str>> {
    match tag {
        tag::UTF8_STRING => std::str::from_utf8(octets).ok().map(Cow::Borrowed),
        tag::BMP_STRING => {
            let (pairs, []) = octets.as_chunks::<2>() else { return None };
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
        }
        tag::UNIVERSAL_STRING => {
            let (fours, []) = octets.as_chunks::<4>() else { return None };
            let chars: Option<String> = fours.iter().map(|four| char::from_u32(u32::from_be_bytes(*four))).collect();
            chars.map(Cow::Owned)
        }
        tag if is_string(tag) => Some(latin_1(octets)),
        _ => None,
    }
}

fn latin_1(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if octets.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().map(|octet| char::from(*octet)).collect()),
    }
}
