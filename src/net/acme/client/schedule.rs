//! The time of the next renewal: the CA's own suggestion (ARI, RFC 9773), or two thirds of the certificate's life; and
//! waits that grow after failures.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::session::{Session, read, retry_after};

use crate::base::octets::random;
use crate::judge::inspect;

/// The longest wait until the next look: clocks are set, and machines sleep.
const LOOK: Duration = Duration::from_hours(1);

/// The wait after the first failure; it doubles with each further one. Let's Encrypt allows five failures an hour.
const FIRST_WAIT: Duration = Duration::from_mins(1);

/// The same when the CA did not answer: a CA that is starting loses nothing by an attempt.
const FIRST_WAIT_FOR_ANSWER: Duration = Duration::from_secs(2);

/// The longest wait after failures.
const LONGEST_WAIT: Duration = Duration::from_hours(6);

/// The time for the next question when the CA gives none.
const ASK_AGAIN: time::Duration = time::Duration::hours(6);

/// The CA's suggestion (RFC 9773 section 4.2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    suggested_window: Window,
}

#[derive(Deserialize)]
struct Window {
    start: String,
    end: String,
}

/// The time of the next renewal, as far as known.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// The time chosen in the CA's window.
    suggested: Option<OffsetDateTime>,
    /// The time from which the CA is asked again.
    ask_from: Option<OffsetDateTime>,
    /// The part of the wait that is random, from 0 to 1; drawn once for each certificate.
    jitter: Option<f64>,
    failures: u32,
    /// The failures at which the CA did not answer.
    silences: u32,
}

impl Schedule {
    /// Returns true if it is time to ask the CA for its window.
    pub(super) fn asks_for_window(&self, now: OffsetDateTime) -> bool {
        self.ask_from.is_none_or(|from| now >= from)
    }

    /// Asks the CA when to renew, if it is time to ask. A CA that does not answer is asked later.
    pub(super) async fn ask(&mut self, session: Option<&Session>, held: &[u8], now: OffsetDateTime) {
        if !self.asks_for_window(now) {
            return;
        }
        self.ask_from = Some(now + ASK_AGAIN);
        let Some((session, id)) = session.zip(identifier(held)) else { return };
        let Some(url) = &session.directory.renewal_info else { return };
        let Ok(answer) = session.get(&format!("{url}/{id}")).await else { return };
        let Ok(Info { suggested_window: Window { start, end } }) = read(&answer) else { return };
        let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
        let (Some(start), Some(end)) = (time(&start), time(&end)) else { return };
        let again = retry_after(&answer).and_then(|again| time::Duration::try_from(again).ok()).unwrap_or(ASK_AGAIN);
        self.ask_from = Some(now + again.clamp(time::Duration::MINUTE, time::Duration::DAY));
        // The point that was chosen stays as long as it is within the window (section 4.2).
        if end > start && self.suggested.is_none_or(|chosen| chosen < start || chosen > end) {
            self.suggested = Some(start + (end - start) * uniform());
        }
    }

    fn due(&mut self, held: &[u8]) -> Option<OffsetDateTime> {
        if let Some(suggested) = self.suggested {
            return Some(suggested);
        }
        let validity = inspect::parse(held).ok()?.validity();
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

    /// Forgets the times of the last certificate.
    pub(super) fn forget(&mut self) {
        (self.suggested, self.ask_from, self.jitter) = (None, None, None);
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.silences) = (0, 0);
    }

    /// The wait after another failure, four fifths of it at least. One is passing if the CA did not answer.
    pub(super) fn failed(&mut self, is_passing: bool) -> Duration {
        let (first, failures) =
            if is_passing { (FIRST_WAIT_FOR_ANSWER, &mut self.silences) } else { (FIRST_WAIT, &mut self.failures) };
        let wait = first.saturating_mul(1 << (*failures).min(16)).min(LONGEST_WAIT);
        *failures += 1;
        wait.mul_f64(0.8 + 0.2 * uniform())
    }
}

/// The name of a certificate in ARI (RFC 9773 section 4.1).
pub(super) fn identifier(held: &[u8]) -> Option<String> {
    let certificate = inspect::parse(held).ok()?;
    let issuer = certificate.extensions().authority_key_id()?.key_id?;
    let text = |octets: &[u8]| BASE64URL.encode_to_string(octets);
    Some(format!("{}.{}", text(issuer), text(certificate.serial.content)))
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
            let wait = schedule.failed(false);
            assert!(wait > last && wait <= LONGEST_WAIT);
            last = wait;
        }
        for _ in 0..40 {
            assert!(schedule.failed(false) <= LONGEST_WAIT && schedule.failed(true) <= LONGEST_WAIT);
        }
        schedule.succeeded();
        assert!(schedule.failed(false) <= FIRST_WAIT && schedule.failed(true) <= FIRST_WAIT_FOR_ANSWER);
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_part_at_a_time_of_its_own() {
        let (_, chain) = crate::issue::generate::self_signed(
            &crate::issue::generate::CertificateSpec::default(),
            crate::base::validity::now(),
        )
        .unwrap();
        let life = time::Duration::days(365);
        let begin = inspect::parse(&chain[0]).unwrap().validity().not_before;
        let mut schedule = Schedule::default();
        let due = schedule.due(&chain[0]).unwrap();
        assert_eq!(schedule.due(&chain[0]), Some(due), "the time stays");
        assert!(due > begin + life * 0.5 && due < begin + life * 0.67);
        assert!(!schedule.is_due(&chain[0], begin) && schedule.is_due(&chain[0], begin + life));
        assert_eq!(schedule.wait(&chain[0], begin), LOOK);
    }

    /// The example of RFC 9773 section 4.1.
    #[test]
    fn a_certificate_is_named_as_the_rfc_has_it() {
        let pem = b"-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
";
        let der = crate::encoding::container::certificates(pem).unwrap().swap_remove(0);
        assert_eq!(identifier(&der).as_deref(), Some("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"));
    }
}
