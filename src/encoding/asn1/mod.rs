//! BER and DER, read one value at a time without copying; deviations from DER do not stop the reader.
//!
//! Our own structures are encoded by the der crate or by `write`. Input from others is read here, because this reader
//! names the faulty field and accepts the deviations that other programs accept (lengths in more octets than needed,
//! times with offsets).

pub mod der;
pub mod oid;
mod string;
mod time;
pub(crate) mod write;

use std::borrow::Cow;

use crate::base::words::counted;

pub use self::string::{decode_string, is_printable, is_string};
pub use self::time::{TimeField, time};

/// Universal tags, constructed where the standards have them so.
#[expect(missing_docs, reason = "X.680's names")]
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const NUMERIC_STRING: u8 = 0x12;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const TELETEX_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const VISIBLE_STRING: u8 = 0x1a;
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// `[number]`, primitive.
    #[must_use]
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed.
    #[must_use]
    pub const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// Field that is malformed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Error {
    /// The field, by the standard's name.
    pub field: &'static str,
    /// The fault.
    pub reason: Cow<'static, str>,
}

impl Error {
    /// An error about a field.
    pub fn new(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field, reason: reason.into() }
    }
}

/// One value: its tag, its content, and both with the length between them as they were encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// The identifier octet; the first one of those that have more.
    pub tag: u8,
    /// The content octets.
    pub content: &'a [u8],
    /// All octets.
    pub raw: &'a [u8],
}

/// Reads values one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the front.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// Returns the octets that were not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns true if all octets were read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next value.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, of any tag.
    ///
    /// # Errors
    ///
    /// If the input is empty or truncated.
    pub fn value(&mut self, field: &'static str) -> Result<Value<'a>, Error> {
        let (header, length) = header(self.rest).map_err(|reason| Error::new(field, reason))?;
        let end = header.checked_add(length).filter(|end| *end <= self.rest.len());
        let Some((raw, rest)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            let there = self.rest.len().saturating_sub(header);
            return Err(Error::new(field, format!("is cut short: {} of {length}", counted(there, "octet"))));
        };
        self.rest = rest;
        let tag = raw.first().copied().unwrap_or_default();
        Ok(Value { tag, content: raw.get(header..).unwrap_or_default(), raw })
    }

    /// The next value, which must have this tag.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value); also for another tag.
    pub fn tagged(&mut self, tag: u8, field: &'static str) -> Result<Value<'a>, Error> {
        match self.peek() {
            None => Err(Error::new(field, "is missing")),
            Some(found) if found == tag => self.value(field),
            Some(found) => Err(Error::new(field, format!("has the tag {found:#04x} instead of {tag:#04x}"))),
        }
    }

    /// The next value if its tag is this one.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub fn optional(&mut self, tag: u8, field: &'static str) -> Result<Option<Value<'a>>, Error> {
        if self.peek() == Some(tag) { self.value(field).map(Some) } else { Ok(None) }
    }

    /// Checks that all was read.
    ///
    /// # Errors
    ///
    /// When something is left.
    pub fn finish(&self, field: &'static str) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            1 => Err(Error::new(field, "is followed by an octet that does not belong there")),
            count => Err(Error::new(field, format!("is followed by {count} octets that do not belong there"))),
        }
    }
}

/// The length of a header, and of the content that it announces.
pub(crate) fn header(octets: &[u8]) -> Result<(usize, usize), &'static str> {
    const CUT: &str = "is cut short";
    let first = octets.first().ok_or("is missing")?;
    let mut at: usize = 1;
    if first & 0x1f == 0x1f {
        // A tag number over 30 goes on while the top bit is set.
        while octets.get(at).ok_or(CUT)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    let length = *octets.get(at).ok_or(CUT)?;
    at += 1;
    match length {
        0..0x80 => Ok((at, usize::from(length))),
        0x80 => Err("has an indefinite length, which DER does not have"),
        _ => {
            let count = usize::from(length & 0x7f);
            let octets = octets.get(at..at + count).ok_or(CUT)?;
            let significant = octets.iter().skip_while(|octet| **octet == 0);
            if significant.clone().count() > 4 {
                return Err("has a length beyond all measure");
            }
            Ok((at + count, significant.fold(0, |length, octet| length << 8 | usize::from(*octet))))
        }
    }
}

/// Reads one value that must be all there is.
///
/// # Errors
///
/// If the value has another tag, is truncated, or is not the last.
pub fn only<'a>(octets: &'a [u8], tag: u8, field: &'static str) -> Result<Value<'a>, Error> {
    let mut reader = Reader::new(octets);
    let value = reader.tagged(tag, field)?;
    reader.finish(field)?;
    Ok(value)
}

impl<'a> Value<'a> {
    /// Reads the values inside.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The values inside, all of one tag.
    ///
    /// # Errors
    ///
    /// As [`Reader::tagged`].
    pub fn each(&self, tag: u8, field: &'static str) -> Result<Vec<Value<'a>>, Error> {
        let (mut reader, mut values) = (self.reader(), Vec::new());
        while !reader.is_empty() {
            values.push(reader.tagged(tag, field)?);
        }
        Ok(values)
    }

    /// A small INTEGER or ENUMERATED; `None` for a negative one and one over 32 bits.
    #[must_use]
    pub fn small(&self) -> Option<u32> {
        let (first, _) = self.content.split_first()?;
        if first & 0x80 != 0 {
            return None;
        }
        let significant = self.content.iter().skip_while(|octet| **octet == 0);
        let fits = significant.clone().count() <= 4;
        fits.then(|| significant.fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    /// A BIT STRING's octets, without the count of unused bits; `None` when that is no count.
    #[must_use]
    pub fn bits(&self) -> Option<&'a [u8]> {
        let (unused, octets) = self.content.split_first()?;
        (*unused < 8 && (*unused == 0 || !octets.is_empty())).then_some(octets)
    }

    /// The numbers of the bits set in a BIT STRING of named bits, the first bit being 0.
    #[must_use]
    pub fn named_bits(&self) -> Option<Vec<usize>> {
        let octets = self.bits()?;
        let is_set = |bit: &usize| octets.get(bit / 8).is_some_and(|octet| octet >> (7 - bit % 8) & 1 == 1);
        Some((0..octets.len().min(8) * 8).filter(is_set).collect())
    }

    /// An OBJECT IDENTIFIER in dots.
    #[must_use]
    pub fn oid(&self) -> String {
        oid::dotted(self.content)
    }
}

/// The octets that hex stands for; `None` for anything but pairs of digits.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Bits of a positive INTEGER's octets, the sign octet and leading zeros not counted.
#[must_use]
pub fn bit_length(octets: &[u8]) -> u32 {
    let mut significant = octets.iter().skip_while(|octet| **octet == 0);
    let first = significant.next().map_or(0, |octet| 8 - octet.leading_zeros());
    first.saturating_add(u32::try_from(significant.count()).unwrap_or(u32::MAX).saturating_mul(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_of_all_forms_are_read() {
        for der in [&[4, 1, 7][..], &[4, 0x81, 1, 7], &[4, 0x84, 0, 0, 0, 1, 7], &[0x9f, 0x85, 1, 1, 7]] {
            assert_eq!(Reader::new(der).value("it").unwrap().content, [7]);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let reason = |der: &[u8]| Reader::new(der).value("it").unwrap_err().to_string();
        assert_eq!(reason(&[]), "it is missing");
        assert_eq!(reason(&[4]), "it is cut short");
        assert_eq!(reason(&[4, 3, 1]), "it is cut short: 1 octet of 3");
        assert_eq!(reason(&[4, 0x80, 0, 0]), "it has an indefinite length, which DER does not have");
        assert_eq!(reason(&[4, 0x85, 1, 0, 0, 0, 0]), "it has a length beyond all measure");
        let wrong = Reader::new(&[4, 0]).tagged(tag::SEQUENCE, "it").unwrap_err();
        assert_eq!(wrong.to_string(), "it has the tag 0x04 instead of 0x30");
        let more = only(&[4, 0, 1, 2], tag::OCTET_STRING, "it").unwrap_err();
        assert_eq!(more.to_string(), "it is followed by 2 octets that do not belong there");
    }

    proptest! {
        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&octets);
            while let Ok(value) = reader.value("it") {
                let _ = (value.small(), value.bits(), value.named_bits(), value.oid(), time(value, "it"));
                let _ = decode_string(value.tag, value.content);
            }
        }
    }
}
