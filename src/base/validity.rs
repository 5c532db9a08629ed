//! notBefore, notAfter, and the spans people write ("90d", "-1d").
//!
//! The time of day comes in as an argument everywhere, so that tests can hold it still; [`now`] is the one reader of
//! the clock.
//!
//! ```
//! use secure_io::validity::{self, Validity};
//!
//! let now = validity::parse_time("2026-01-02T03:04:05Z", validity::now())?;
//! let begin = validity::parse_time("-1d", now)?;
//! let validity = Validity::new(now, Some(begin), None, Some(90))?;
//! assert_eq!(validity::rfc3339(validity.not_after), "2026-04-01T03:04:04Z");
//! assert_eq!(validity::distance(validity.not_after, now), "in 89 days");
//! # Ok::<(), validity::Error>(())
//! ```

use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::base::words::counted;

/// Distance of notBefore before now, for clocks that are behind: one hour, as public CAs do.
pub const BACKDATE: Duration = Duration::from_hours(1);

/// Default lifetime of a certificate: 365 days.
///
/// The limits that browsers set for certificates under public roots (200 days in 2026, less later) do not hold for
/// private ones; only Apple's 825 days do.
pub const DEFAULT_DAYS: u32 = 365;

/// The longest lifetime that Apple's platforms accept, under a CA the user installed as well: 825 days.
///
/// RFC 5280 section 4.1.2.5 sets no limit; <https://support.apple.com/en-us/103769> does.
pub const APPLE_LIMIT_DAYS: i64 = 825;

/// The longest time before its end from which a certificate is due for renewal.
///
/// A month leaves time for a person on holiday; [`Validity::renewal_margin`] is shorter for certificates that live for
/// less than three.
pub const RENEW_BEFORE: time::Duration = time::Duration::days(30);

const DAY: Duration = Duration::from_hours(24);

/// Reason why a validity is impossible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Neither RFC 3339 nor a span.
    #[error("`{input}` is neither a time (2026-01-02T03:04:05Z) nor a span (90d, -1d, 12h)")]
    Unreadable {
        /// Input as typed.
        input: String,
    },
    /// Outside the years 1 to 9999, which is all that X.509 can hold.
    #[error("`{input}` is outside the years 1 to 9999")]
    OutOfRange {
        /// Input as typed.
        input: String,
    },
    /// The lifetime would end before its beginning.
    #[error("the certificate would end ({}) before it begins ({})", rfc3339(*not_after), rfc3339(*not_before))]
    EndsBeforeItBegins {
        /// First second.
        not_before: OffsetDateTime,
        /// Last second.
        not_after: OffsetDateTime,
    },
    /// A length of no days.
    #[error("a certificate needs a lifetime of at least one day, or `--not-after`")]
    NoDays,
    /// The issuer's certificate begins later.
    #[error("the issuer's certificate begins only at {}", rfc3339(*issuer_not_before))]
    IssuerBeginsLater {
        /// Its notBefore.
        issuer_not_before: OffsetDateTime,
    },
    /// The issuer has nothing left to give.
    #[error("the issuer's certificate ends at {}", rfc3339(*issuer_not_after))]
    IssuerExpired {
        /// Its notAfter.
        issuer_not_after: OffsetDateTime,
    },
}

/// The time of day.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A certificate's first and last second, both inclusive (RFC 5280 section 4.1.2.5), in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: OffsetDateTime,
    /// Last second.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Works out both ends: `not_before` is [`BACKDATE`] before now unless given, `not_after` the last second of
    /// `days` (else [`DEFAULT_DAYS`]) counted from there.
    ///
    /// # Errors
    ///
    /// [`Error::NoDays`], [`Error::EndsBeforeItBegins`], [`Error::OutOfRange`].
    pub fn new(
        now: OffsetDateTime,
        not_before: Option<OffsetDateTime>,
        not_after: Option<OffsetDateTime>,
        days: Option<u32>,
    ) -> Result<Self, Error> {
        let days = days.unwrap_or(DEFAULT_DAYS);
        if days == 0 {
            return Err(Error::NoDays);
        }
        let out_of_range = || Error::OutOfRange { input: format!("{days} days from now") };
        let not_before = whole_seconds(not_before.unwrap_or(now - BACKDATE));
        let not_after = match not_after {
            Some(time) => whole_seconds(time),
            // Both ends count: N days last N x 86,400 seconds, the last of them included.
            None => not_before
                .checked_add(time::Duration::days(i64::from(days)) - time::Duration::SECOND)
                .ok_or_else(out_of_range)?,
        };
        if not_after < not_before {
            return Err(Error::EndsBeforeItBegins { not_before, not_after });
        }
        Ok(Self { not_before, not_after })
    }

    /// Cuts both ends to the issuer's; says whether the end was cut.
    ///
    /// # Errors
    ///
    /// [`Error::IssuerExpired`], [`Error::IssuerBeginsLater`] when nothing would be left.
    pub fn within(self, issuer: Self) -> Result<(Self, bool), Error> {
        if issuer.not_before > self.not_after {
            return Err(Error::IssuerBeginsLater { issuer_not_before: issuer.not_before });
        }
        let not_before = self.not_before.max(issuer.not_before);
        let not_after = self.not_after.min(issuer.not_after);
        if not_after < not_before {
            return Err(Error::IssuerExpired { issuer_not_after: issuer.not_after });
        }
        Ok((Self { not_before, not_after }, not_after < self.not_after))
    }

    /// Returns the lifetime, both ends included.
    #[must_use]
    pub fn lifetime(self) -> time::Duration {
        self.not_after - self.not_before + time::Duration::SECOND
    }

    /// Returns the time before its end from which a certificate is due for renewal: [`RENEW_BEFORE`] or a third of the
    /// lifetime, whichever is shorter.
    #[must_use]
    pub fn renewal_margin(self) -> time::Duration {
        RENEW_BEFORE.min(self.lifetime() / 3)
    }

    /// Returns the time left; negative after notAfter.
    #[must_use]
    pub fn remaining(self, now: OffsetDateTime) -> time::Duration {
        self.not_after - now
    }
}

fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(UtcOffset::UTC).replace_nanosecond(0).unwrap_or(time)
}

/// Reads a point in time: RFC 3339, or a span from now, which may be in the past (`-1d`).
///
/// # Errors
///
/// [`Error::Unreadable`], [`Error::OutOfRange`].
pub fn parse_time(input: &str, now: OffsetDateTime) -> Result<OffsetDateTime, Error> {
    let text = input.trim();
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return match time.checked_to_utc() {
            Some(utc) if utc.year() >= 1 => Ok(whole_seconds(utc.into())),
            _ => Err(Error::OutOfRange { input: input.to_owned() }),
        };
    }
    let (negative, span) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let span = time::Duration::try_from(parse_span(span).map_err(|_| Error::Unreadable { input: input.to_owned() })?);
    let time = span.ok().and_then(|span| if negative { now.checked_sub(span) } else { now.checked_add(span) });
    match time {
        Some(time) if time.year() >= 1 => Ok(whole_seconds(time)),
        _ => Err(Error::OutOfRange { input: input.to_owned() }),
    }
}

/// Reads a length of time: `30d`, `12h`, `1h 30m`.
///
/// # Errors
///
/// [`Error::Unreadable`].
pub fn parse_span(input: &str) -> Result<Duration, Error> {
    match humantime::parse_duration(input.trim()) {
        Ok(span) if span <= DAY * 3_652_059 => Ok(span),
        Ok(_) => Err(Error::OutOfRange { input: input.to_owned() }),
        Err(_) => Err(Error::Unreadable { input: input.to_owned() }),
    }
}

/// Prints a time as in `2026-01-02T03:04:05Z`.
#[must_use]
pub fn rfc3339(time: OffsetDateTime) -> String {
    let time = whole_seconds(time);
    // It has four digits for the year, as have the times in certificates.
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// Says a distance in time in one or two words, rounded, as in `in 12 days` or `3 hours ago`.
#[must_use]
pub fn distance(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let seconds = (time - now).whole_seconds();
    let rounded = |seconds: u64, unit: u64| (seconds + unit / 2) / unit;
    let (count, unit) = match seconds.unsigned_abs() {
        s if s >= 2 * 86_400 => (rounded(s, 86_400), "day"),
        s if s >= 2 * 3_600 => (rounded(s, 3_600), "hour"),
        s if s >= 120 => (rounded(s, 60), "minute"),
        s => (s, "second"),
    };
    let span = counted(count, unit);
    if seconds < 0 { format!("{span} ago") } else { format!("in {span}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    #[test]
    fn days_count_both_ends_and_include_the_backdate() {
        let validity = Validity::new(NOW, None, None, Some(825)).unwrap();
        assert_eq!(rfc3339(validity.not_before), "2026-01-02T02:04:05Z");
        assert_eq!(validity.lifetime(), time::Duration::days(825));
    }

    #[test]
    fn times_are_rfc_3339_or_spans() {
        let day = |input| parse_time(input, NOW).map(rfc3339);
        assert_eq!(day("2020-02-29T12:00:00+02:00").unwrap(), "2020-02-29T10:00:00Z");
        assert_eq!(day("-1d").unwrap(), "2026-01-01T03:04:05Z");
        assert_eq!(day("90d").unwrap(), "2026-04-02T03:04:05Z");
        assert!(matches!(day("tomorrow"), Err(Error::Unreadable { .. })));
        assert!(matches!(day("9000y"), Err(Error::OutOfRange { .. })));
        assert!(matches!(day("-9000y"), Err(Error::OutOfRange { .. })));
        assert!(day("99999999999999d").is_err());
    }

    #[test]
    fn the_past_is_allowed_but_not_an_end_before_the_beginning() {
        let at = |input| Some(parse_time(input, NOW).unwrap());
        assert!(Validity::new(NOW, at("-30d"), at("-1d"), None).is_ok());
        assert!(matches!(Validity::new(NOW, None, at("-1d"), None), Err(Error::EndsBeforeItBegins { .. })));
        assert_eq!(Validity::new(NOW, None, None, Some(0)), Err(Error::NoDays));
        assert!(matches!(Validity::new(NOW, None, None, Some(u32::MAX)), Err(Error::OutOfRange { .. })));
    }

    #[test]
    fn a_leaf_is_cut_to_its_issuer() {
        let issuer = Validity::new(NOW, None, None, Some(10)).unwrap();
        let (cut, was_cut) = Validity::new(NOW, None, None, Some(20)).unwrap().within(issuer).unwrap();
        assert!(was_cut);
        assert_eq!(cut.not_after, issuer.not_after);
        let late = Validity::new(NOW + time::Duration::days(30), None, None, None).unwrap();
        assert!(matches!(late.within(issuer), Err(Error::IssuerExpired { .. })));
        let early = Validity::new(NOW - time::Duration::days(30), None, None, Some(20)).unwrap();
        assert!(matches!(early.within(issuer), Err(Error::IssuerBeginsLater { .. })));
    }

    #[test]
    fn distances_are_in_words() {
        let after = |seconds| distance(NOW + time::Duration::seconds(seconds), NOW);
        assert_eq!(after(86_400 * 12 + 5), "in 12 days");
        assert_eq!(after(86_400 * 365 - 3_600), "in 365 days");
        assert_eq!(after(-3 * 3_600), "3 hours ago");
        assert_eq!(after(1), "in 1 second");
    }
}
