//! The time of the next renewal: the CA's own suggestion (ARI, RFC 9773), or two thirds of the certificate's life; and
//! waits that grow after failures.

use std::time::Duration;

use instant_acme::{Account, CertificateIdentifier};
use time::OffsetDateTime;

use crate::base::octets::random;
use crate::issue::cert;
use crate::judge::inspect;

/// The longest wait until the next look: clocks are set, and machines sleep.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// The wait after the first failure; it doubles with each further one. Let's Encrypt allows five failures an hour.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// The longest wait after failures.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

/// The time for the next question when the CA gives none.
const ASK_AGAIN: time::Duration = time::Duration::hours(6);

/// When to renew, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// The time chosen in the CA's window.
    suggested: Option<OffsetDateTime>,
    /// The time from which the CA is asked again.
    ask_from: Option<OffsetDateTime>,
    /// The part of the wait that is random, from 0 to 1; drawn once for each certificate.
    jitter: Option<f64>,
    failures: u32,
}

impl Schedule {
    /// Returns true if it is time to ask the CA for its window.
    pub(super) fn asks_for_window(&self, now: OffsetDateTime) -> bool {
        self.ask_from.is_none_or(|from| now >= from)
    }

    /// Asks the CA when to renew, if it is time to ask. A CA that does not answer is asked later.
    pub(super) async fn ask(&mut self, account: Option<&Account>, held: &[u8], now: OffsetDateTime) {
        if !self.asks_for_window(now) {
            return;
        }
        self.ask_from = Some(now + ASK_AGAIN);
        let (Some(account), Some(id)) = (account, identifier(held)) else { return };
        let Ok((info, again)) = account.renewal_info(&id).await else { return };
        let again = time::Duration::try_from(again).unwrap_or(ASK_AGAIN);
        self.ask_from = Some(now + again.clamp(time::Duration::MINUTE, time::Duration::DAY));
        let window = info.suggested_window;
        // The point that was chosen stays as long as it is within the window (section 4.2).
        let fits = |time: &OffsetDateTime| (window.start..=window.end).contains(time);
        if self.suggested.as_ref().is_none_or(|time| !fits(time)) {
            self.suggested = Some(window.start + (window.end - window.start) * uniform());
        }
    }

    fn due(&mut self, held: &[u8]) -> Option<OffsetDateTime> {
        if let Some(suggested) = self.suggested {
            return Some(suggested);
        }
        let validity = cert::validity_of(&inspect::parse(held).ok()?);
        let life = validity.not_after - validity.not_before;
        // Spread over a tenth of its life, so that many machines do not come at once.
        let jitter = *self.jitter.get_or_insert_with(uniform);
        Some(validity.not_before + life * (2.0 / 3.0) - life * 0.1 * jitter)
    }

    pub(super) fn is_due(&mut self, held: &[u8], now: OffsetDateTime) -> bool {
        self.due(held).is_none_or(|due| now >= due)
    }

    /// The wait until the next look.
    pub(super) fn wait(&mut self, held: &[u8], now: OffsetDateTime) -> Duration {
        let next = self.due(held).into_iter().chain(self.ask_from).min();
        let wait = next.map_or(LOOK, |next| Duration::try_from(next - now).unwrap_or_default());
        wait.clamp(Duration::from_secs(1), LOOK)
    }

    /// Forgets what was known of the last certificate.
    pub(super) fn forget(&mut self) {
        (self.suggested, self.ask_from, self.jitter) = (None, None, None);
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The wait after another failure, four fifths of it at least.
    pub(super) fn failed(&mut self) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(16)).min(LONGEST_WAIT);
        self.failures += 1;
        wait.mul_f64(0.8 + 0.2 * uniform())
    }
}

/// The name of a certificate in ARI (RFC 9773 section 4.1).
pub(super) fn identifier(held: &[u8]) -> Option<CertificateIdentifier<'static>> {
    CertificateIdentifier::try_from(&rustls::pki_types::CertificateDer::from(held))
        .ok()
        .map(CertificateIdentifier::into_owned)
}

/// A random number from 0 to 1.
fn uniform() -> f64 {
    f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_after_failures_and_begin_again() {
        let mut schedule = Schedule::default();
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            let wait = schedule.failed();
            assert!(wait > last && wait <= LONGEST_WAIT);
            last = wait;
        }
        for _ in 0..40 {
            assert!(schedule.failed() <= LONGEST_WAIT);
        }
        schedule.succeeded();
        assert!(schedule.failed() <= FIRST_WAIT);
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_part_at_a_time_of_its_own() {
        let (_, chain) = crate::issue::generate::self_signed(
            &crate::issue::generate::CertificateSpec::default(),
            crate::base::validity::now(),
        )
        .unwrap();
        let life = time::Duration::days(365);
        let begin = cert::validity_of(&inspect::parse(&chain[0]).unwrap()).not_before;
        let mut schedule = Schedule::default();
        let due = schedule.due(&chain[0]).unwrap();
        assert_eq!(schedule.due(&chain[0]), Some(due), "the time stays");
        assert!(due > begin + life * 0.5 && due < begin + life * 0.67);
        assert!(!schedule.is_due(&chain[0], begin) && schedule.is_due(&chain[0], begin + life));
        assert_eq!(schedule.wait(&chain[0], begin), LOOK);
    }
}
