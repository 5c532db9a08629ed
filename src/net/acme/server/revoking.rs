//! Revocation (RFC 8555 section 7.6), and the time to renew (RFC 9773).

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, Content};
use super::authority::holder;
use super::problem::{Kind, Problem};
use super::routes::Signed;
use super::{Event, State};
use crate::base::validity::rfc3339;
use crate::issue::ca::Reason;
use crate::judge::inspect;

/// Seconds after which a client is to ask for the time to renew again: six hours (RFC 9773 section 4.3.1).
const LOOK_AGAIN: u32 = 6 * 60 * 60;

#[derive(Deserialize)]
struct Revoke {
    certificate: String,
    reason: Option<u8>,
}

impl State {
    pub(super) fn revoke(&self, signed: &Signed<'_>) -> Result<Answer, Problem> {
        let Revoke { certificate, reason } = signed.message.json()?;
        let der = BASE64URL.decode_to_vec(certificate);
        let der = der.map_err(|error| Problem::malformed(format!("`certificate` is not base64url: {error}")))?;
        let reason = reason_of(reason.unwrap_or(0))?;
        let entry = self.authority.entry(&der)?;
        let entry = entry.ok_or_else(|| Problem::malformed("this CA did not issue the certificate"))?;
        let parsed = inspect::parse(&der).map_err(|error| Problem::malformed(error.to_string()))?;
        let (is_allowed, who) = if let Some(key) = signed.key() {
            (key.spki() == parsed.key.as_raw(), "ACME, by the certificate's key".to_owned())
        } else {
            let account = signed.account()?;
            let is_its = entry.who == Some(holder(&account.id)) || self.holds(&account.id, &entry.names);
            (is_its, holder(&account.id))
        };
        if !is_allowed {
            return Err(Problem::unauthorized(
                "only the account that has ordered the certificate, one that holds its names, and its key revoke it",
            )
            .with_status(403));
        }
        self.authority.revoke(&der, reason, &who, (self.clock)())?;
        (self.observer)(&Event::Revoked { names: entry.names, from: signed.call.from });
        Ok(Answer::new(200, Content::Nothing))
    }

    /// Decides whether an account has shown that all names are its own, not long ago.
    fn holds(&self, account: &str, names: &[String]) -> bool {
        let held = self.orders().held_by(account, (self.clock)());
        !names.is_empty() && names.iter().all(|name| held.contains(name))
    }

    pub(super) fn renewal_info(&self, id: &str) -> Result<Answer, Problem> {
        let now = (self.clock)();
        let window = self.authority.window(&self.authority.named(id)?, now)?;
        let window = json!({ "start": rfc3339(window.start), "end": rfc3339(window.end) });
        Ok(Answer::json(json!({ "suggestedWindow": window })).retry_after(LOOK_AGAIN))
    }
}

/// A reason by its code (RFC 5280 section 5.3.1).
fn reason_of(code: u8) -> Result<Reason, Problem> {
    Ok(match code {
        0 => Reason::Unspecified,
        1 => Reason::KeyCompromise,
        3 => Reason::AffiliationChanged,
        4 => Reason::Superseded,
        5 => Reason::CessationOfOperation,
        9 => Reason::PrivilegeWithdrawn,
        code => {
            let detail =
                format!("{code} is no reason for which an end-entity certificate is revoked: 0, 1, 3, 4, 5 or 9");
            return Err(Problem::new(Kind::BadRevocationReason, detail));
        }
    })
}
