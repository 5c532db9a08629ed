//! Lifetimes and times.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::context::Context;
use super::subject::Subject;
use super::{Messages, when};
use crate::base::validity::{APPLE_LIMIT_DAYS, distance, rfc3339};
use crate::base::words::counted;
use crate::x509::name::escape_unprintable;

/// Longest validity of a public CA's server certificate by its notBefore (ballot SC-081v3), the newest first.
const LIMITS: [(OffsetDateTime, i64); 4] = [
    (datetime!(2029-03-15 0:00 UTC), 47),
    (datetime!(2027-03-15 0:00 UTC), 100),
    (datetime!(2026-03-15 0:00 UTC), 200),
    (datetime!(2020-09-01 0:00 UTC), 398),
];

/// A public CA's limit before those.
const OLD_LIMIT_DAYS: i64 = 825;

fn ends(subject: &Subject<'_>) -> Option<(OffsetDateTime, OffsetDateTime)> {
    match subject.times[..] {
        [begin, end] => Some((begin.at, end.at)),
        _ => None,
    }
}

/// Both ends count.
fn lifetime((begin, end): (OffsetDateTime, OffsetDateTime)) -> Duration {
    end - begin + Duration::SECOND
}

fn days(span: Duration) -> String {
    let (days, rest) = (span.whole_days(), span - Duration::days(span.whole_days()));
    let days = counted(days, "day");
    if rest.is_zero() { days } else { format!("{days} and {}", counted(rest.whole_seconds(), "second")) }
}

fn limit(begin: OffsetDateTime) -> i64 {
    LIMITS.iter().find(|(from, _)| begin >= *from).map_or(OLD_LIMIT_DAYS, |(_, days)| *days)
}

pub(super) fn too_long(subject: &Subject<'_>) -> Messages {
    let Some(ends) = ends(subject) else { return Vec::new() };
    let (life, limit) = (lifetime(ends), limit(ends.0));
    when(life > Duration::days(limit), || {
        format!("it is valid for {}, and {limit} is the most for one that begins {}", days(life), rfc3339(ends.0))
    })
}

pub(super) fn at_limit(subject: &Subject<'_>) -> Messages {
    let Some(ends) = ends(subject) else { return Vec::new() };
    let (life, limit) = (lifetime(ends), limit(ends.0));
    when(life > Duration::days(limit - 1) && life <= Duration::days(limit), || {
        format!("it is valid for {}, which is within a day of the limit of {limit}", days(life))
    })
}

pub(super) fn apple_825(subject: &Subject<'_>) -> Messages {
    let Some(ends) = ends(subject) else { return Vec::new() };
    let life = lifetime(ends);
    when(life > Duration::days(APPLE_LIMIT_DAYS), || {
        format!("it is valid for {}, and Apple's platforms take {APPLE_LIMIT_DAYS} at most", days(life))
    })
}

pub(super) fn order(subject: &Subject<'_>) -> Messages {
    when(ends(subject).is_some_and(|(begin, end)| begin > end), || "it ends before it begins".to_owned())
}

pub(super) fn outlives_issuer(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let (Some((_, end)), Some(issuer)) = (ends(subject), context.issuer) else { return Vec::new() };
    when(end > issuer.not_after, || {
        format!("it ends {}, after its issuer's {}", rfc3339(end), rfc3339(issuer.not_after))
    })
}

pub(super) fn encoding(subject: &Subject<'_>) -> Messages {
    let wrong = subject.times.iter().filter_map(|time| {
        if !time.is_strict {
            let written = escape_unprintable(&String::from_utf8_lossy(time.value.content));
            return Some(format!("{} is written as {written}, not in UTC with seconds and a Z", time.field));
        }
        let is_early = time.is_early_generalized();
        is_early.then(|| format!("{} is a GeneralizedTime, which is for 2050 and later", time.field))
    });
    wrong.collect()
}

pub(super) fn expired(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let Some((_, end)) = ends(subject) else { return Vec::new() };
    when(end < context.now, || format!("it expired {}", distance(end, context.now)))
}

pub(super) fn not_yet_valid(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let Some((begin, end)) = ends(subject) else { return Vec::new() };
    when(begin > context.now && begin <= end, || format!("it is valid only {}", distance(begin, context.now)))
}

/// Below 30 days, or below a third of its life if that is less than 90 days.
pub(super) fn expires_soon(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let Some(ends) = ends(subject) else { return Vec::new() };
    let soon = Duration::days(30).min(lifetime(ends) / 3);
    let left = ends.1 - context.now;
    when(!left.is_negative() && left < soon, || format!("it expires {}", distance(ends.1, context.now)))
}

pub(super) fn crl_stale(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    expired(subject, context).into_iter().map(|_| "nextUpdate is over: verifiers refuse it".to_owned()).collect()
}

pub(super) fn crl_endless(subject: &Subject<'_>) -> Messages {
    when(ends(subject).is_none(), || "it has no nextUpdate".to_owned())
}
