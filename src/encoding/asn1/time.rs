//! UTCTime and GeneralizedTime, as lenient as OpenSSL is.

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use super::{Error, Reader, Value, tag};

/// A time, with the octets that it was read from.
#[derive(Debug, Clone, Copy)]
pub struct TimeField<'a> {
    /// Its field, by the standard's name.
    pub field: &'static str,
    /// The UTCTime or GeneralizedTime.
    pub value: Value<'a>,
    /// The time.
    pub at: OffsetDateTime,
    /// True if it is written with seconds, in UTC, with a Z.
    pub is_strict: bool,
}

impl<'a> TimeField<'a> {
    /// Reads a time.
    ///
    /// # Errors
    ///
    /// If the value is not a time.
    pub fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, Error> {
        let value = reader.value(field)?;
        let (at, is_strict) = time(value, field)?;
        Ok(Self { field, value, at, is_strict })
    }

    /// Reads a time if one is next.
    ///
    /// # Errors
    ///
    /// If the next value has the tag of a time and is not one.
    pub fn read_optional(reader: &mut Reader<'a>, field: &'static str) -> Result<Option<Self>, Error> {
        let is_next = matches!(reader.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME));
        if is_next { Self::read(reader, field).map(Some) } else { Ok(None) }
    }

    /// Decides whether a GeneralizedTime stands for a year that UTCTime is for (RFC 5280 section 4.1.2.5).
    #[must_use]
    pub fn is_early_generalized(&self) -> bool {
        self.value.tag == tag::GENERALIZED_TIME && (1950..2050).contains(&self.at.year())
    }
}

/// Reads a time; the second value is true for the form of RFC 5280 section 4.1.2.5: with seconds, in UTC, with a Z.
///
/// # Errors
///
/// If the value is not a time.
pub fn time(value: Value<'_>, field: &'static str) -> Result<(OffsetDateTime, bool), Error> {
    let error = || Error::new(field, "is no time");
    let mut digits = Digits(value.content);
    let year = match value.tag {
        tag::UTC_TIME => {
            let year = digits.two().ok_or_else(error)?;
            i32::from(year) + if year < 50 { 2000 } else { 1900 }
        }
        tag::GENERALIZED_TIME => {
            i32::from(digits.two().ok_or_else(error)?) * 100 + i32::from(digits.two().ok_or_else(error)?)
        }
        _ => return Err(Error::new(field, format!("has the tag {:#04x}, which is none of a time", value.tag))),
    };
    let read = || -> Option<(OffsetDateTime, bool)> {
        let date = Date::from_calendar_date(year, Month::try_from(digits.two()?).ok()?, digits.two()?).ok()?;
        let hour = digits.two()?;
        let minute = digits.two();
        let second = minute.and_then(|_| digits.two());
        let has_fraction = digits.fraction();
        let time = Time::from_hms(hour, minute.unwrap_or(0), second.unwrap_or(0)).ok()?;
        let (offset, has_z) = digits.offset()?;
        // In UTC the year 0 or 10000 may come out, which nothing can print.
        let local = OffsetDateTime::new_in_offset(date, time, offset);
        let utc = local.checked_to_offset(UtcOffset::UTC).filter(|utc| (0..=9999).contains(&utc.year()))?;
        Some((utc, has_z && second.is_some() && !has_fraction))
    };
    let mut read = read;
    read().ok_or_else(error)
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn two(&mut self) -> Option<u8> {
        let (&[tens, ones], rest) = self.0.split_first_chunk::<2>()?;
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        both.then(|| {
            self.0 = rest;
            (tens - b'0') * 10 + (ones - b'0')
        })
    }

    fn fraction(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix(b".").or_else(|| self.0.strip_prefix(b",")) else { return false };
        let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
        self.0 = rest.get(digits..).unwrap_or_default();
        true
    }

    /// The offset, and true if the offset is a Z. A missing offset means UTC.
    fn offset(&mut self) -> Option<(UtcOffset, bool)> {
        let (sign, rest) = match self.0 {
            b"" => return Some((UtcOffset::UTC, false)),
            b"Z" => return Some((UtcOffset::UTC, true)),
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return None,
        };
        self.0 = rest;
        let (hours, minutes) = (i8::try_from(self.two()?).ok()?, i8::try_from(self.two()?).ok()?);
        let offset = UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?;
        self.0.is_empty().then_some((offset, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::validity::rfc3339;

    fn read(tag: u8, text: &str) -> Option<(String, bool)> {
        let value = Value { tag, content: text.as_bytes(), raw: &[] };
        time(value, "it").ok().map(|(time, is_strict)| (rfc3339(time), is_strict))
    }

    #[test]
    fn times_are_read_as_openssl_reads_them() {
        let time = |text: &str, is_strict| Some((text.to_owned(), is_strict));
        assert_eq!(read(tag::UTC_TIME, "491231235959Z"), time("2049-12-31T23:59:59Z", true));
        assert_eq!(read(tag::UTC_TIME, "500101000000Z"), time("1950-01-01T00:00:00Z", true));
        assert_eq!(read(tag::UTC_TIME, "0001010000Z"), time("2000-01-01T00:00:00Z", false));
        assert_eq!(read(tag::UTC_TIME, "000101000000+0130"), time("1999-12-31T22:30:00Z", false));
        assert_eq!(read(tag::GENERALIZED_TIME, "99991231235959Z"), time("9999-12-31T23:59:59Z", true));
        assert_eq!(read(tag::GENERALIZED_TIME, "20500101000000"), time("2050-01-01T00:00:00Z", false));
        assert_eq!(read(tag::GENERALIZED_TIME, "20500101000000.5Z"), time("2050-01-01T00:00:00Z", false));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "Z", "20500101", "20501301000000Z", "20500101000000ZZ", "99991231235959-0100"] {
            assert_eq!(read(tag::GENERALIZED_TIME, text), None, "{text}");
        }
        assert_eq!(read(tag::BOOLEAN, "20500101000000Z"), None);
    }
}
