//! The local CA as the server uses it: permitted names, certificates, revocation, and when to renew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use time::{Duration, OffsetDateTime};

use super::identifier::Identifier;
use super::orders::Order;
use super::problem::{Kind, Problem};
use crate::base::files;
use crate::base::hex::hex;
use crate::base::validity::Validity;
use crate::encoding::container;
use crate::issue::ca::log::Log;
use crate::issue::ca::{self, LocalCa, Paths, Reason, Revocable};
use crate::issue::generate::{self, CertificateSpec};
use crate::judge::inspect;
use crate::x509::csr::{Purpose, Request};
use crate::x509::name::SubjectAltName;

/// The local CA, read again when another run has changed it.
#[derive(Debug)]
pub(super) struct Authority {
    paths: Paths,
    lifetime: Duration,
    loaded: Mutex<Read<LocalCa>>,
    log: Mutex<Read<Index>>,
}

/// Something read from a file, with the time of the file's last change.
type Read<T> = Option<(Option<OffsetDateTime>, Arc<T>)>;

/// The log of the CA by serial number.
#[derive(Debug, Default)]
struct Index(HashMap<String, Entry>);

/// A certificate of the log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The requester; see [`holder`].
    pub(super) who: Option<String>,
    /// Its names, each with its kind.
    pub(super) names: Vec<String>,
    pub(super) is_revoked: bool,
    authority_key_id: Option<String>,
    validity: Validity,
}

/// The time in which a certificate is best renewed (RFC 9773 section 4.2).
pub(super) struct Window {
    pub(super) start: OffsetDateTime,
    pub(super) end: OffsetDateTime,
}

/// An account in the CA's log.
pub(super) fn holder(account: &str) -> String {
    format!("ACME account {account}")
}

impl Authority {
    pub(super) fn new(paths: Paths, lifetime: Duration) -> Self {
        Self { paths, lifetime, loaded: Mutex::default(), log: Mutex::default() }
    }

    /// The CA as it is now.
    pub(super) fn ca(&self) -> Result<Arc<LocalCa>, ca::Error> {
        read_again(&self.loaded, files::modified(&self.paths.intermediate), || LocalCa::load(&self.paths))
    }

    fn log(&self) -> Result<Arc<Index>, ca::Error> {
        read_again(&self.log, files::modified(&self.paths.log), || Index::read(&self.paths))
    }

    /// Refuses names that the CA may not sign for, each with its own problem.
    pub(super) fn check_names(&self, names: &[SubjectAltName], now: OffsetDateTime) -> Result<(), Problem> {
        let ca = self.ca().map_err(|error| Problem::internal(&error))?;
        let signer = ca.signer(Purpose::Server).map_err(|error| Problem::internal(&error))?;
        let refused = names.iter().filter_map(|name| {
            let error = signer.check_names(std::slice::from_ref(name), now).err()?;
            Some(Problem::new(Kind::RejectedIdentifier, error.to_string()).about(&Identifier::from(name)))
        });
        let mut refused: Vec<_> = refused.collect();
        match refused.len() {
            0 => Ok(()),
            1 => Err(refused.swap_remove(0)),
            _ => {
                let detail: Vec<_> = refused.iter().map(|problem| problem.detail.as_str()).collect();
                let problem = Problem::new(Kind::RejectedIdentifier, detail.join("; "));
                Err(Problem { subproblems: refused, ..problem })
            }
        }
    }

    /// Refuses times that are not within the lifetime that the server gives.
    pub(super) fn check_times(
        &self,
        not_before: Option<OffsetDateTime>,
        not_after: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        let latest = now + self.lifetime;
        let begin = not_before.unwrap_or(now);
        if begin > latest || not_after.is_some_and(|end| end > latest || end <= now || end <= begin) {
            let days = self.lifetime.whole_days();
            return Err(Problem::malformed(format!("certificates of this server end within {days} days from now")));
        }
        Ok(())
    }

    /// Issues the certificate of an order; returns its chain as PEM.
    pub(super) fn issue(&self, order: &Order, request: &Request, now: OffsetDateTime) -> Result<Arc<str>, Problem> {
        let ca = self.ca().map_err(|error| Problem::internal(&error))?;
        let spec = CertificateSpec {
            names: order.names.clone(),
            purpose: Some(Purpose::Server),
            not_before: order.not_before,
            not_after: Some(order.not_after.unwrap_or(now + self.lifetime)),
            ..CertificateSpec::default()
        };
        let signer = ca.signer(Purpose::Server).map_err(|error| Problem::internal(&error))?;
        let issued = generate::sign_request(&spec, request, None, signer, false, now)
            .map_err(|error| Problem::new(Kind::BadCsr, error.to_string()))?;
        let leaf = issued.chain.first().map(AsRef::as_ref).unwrap_or_default();
        ca.record(leaf, None, Some(&holder(&order.account)), now).map_err(|error| Problem::internal(&error))?;
        let mut pem = String::new();
        for der in &issued.chain {
            pem.push_str(&container::pem("CERTIFICATE", der).map_err(|error| Problem::internal(&error))?);
        }
        Ok(pem.into())
    }

    /// The entry of a certificate in the CA's log; nothing if the CA did not issue it.
    pub(super) fn entry(&self, der: &[u8]) -> Result<Option<Entry>, Problem> {
        let malformed = |error| Problem::malformed(format!("`certificate`: {error}"));
        let report = inspect::certificate(der).map_err(malformed)?;
        let log = self.log().map_err(|error| Problem::internal(&error))?;
        let found = log.0.get(&report.serial).filter(|entry| entry.authority_key_id == report.authority_key_id);
        Ok(found.filter(|_| ca::has_issued(&self.paths, der)).cloned())
    }

    /// Writes down that a certificate is revoked, as `ca revoke` does.
    pub(super) fn revoke(&self, der: &[u8], reason: Reason, who: &str, now: OffsetDateTime) -> Result<(), Problem> {
        let ca = self.ca().map_err(|error| Problem::internal(&error))?;
        match ca.revoke(&[Revocable::Certificate(der.to_vec())], reason, Some(who), now) {
            Ok(revoked) if revoked.iter().any(|revocation| revocation.again) => {
                Err(Problem::new(Kind::AlreadyRevoked, "the certificate is revoked already"))
            }
            Ok(_) => Ok(()),
            Err(error @ (ca::Error::NotIssued { .. } | ca::Error::Former { .. })) => {
                Err(Problem::malformed(error.to_string()))
            }
            Err(error) => Err(Problem::internal(&error)),
        }
    }

    /// The entry that a renewal information's path names (RFC 9773 section 4.1).
    pub(super) fn named(&self, id: &str) -> Result<Entry, Problem> {
        let unknown = || Problem::malformed("this CA did not issue that certificate").with_status(404);
        let octets = |text: &str| BASE64URL.decode_to_vec(text).map(|octets| hex(&octets));
        let (issuer, serial) = id.split_once('.').ok_or_else(unknown)?;
        let (Ok(issuer), Ok(serial)) = (octets(issuer), octets(serial)) else {
            return Err(Problem::malformed("a certificate is named by two values in base64url with a dot between"));
        };
        let log = self.log().map_err(|error| Problem::internal(&error))?;
        let found = log.0.get(&serial).filter(|entry| entry.authority_key_id.as_ref() == Some(&issuer));
        found.cloned().ok_or_else(unknown)
    }

    /// The time to renew: in the last third of its life, and at once if revoked or its issuer was replaced.
    pub(super) fn window(&self, entry: &Entry, now: OffsetDateTime) -> Result<Window, Problem> {
        let ca = self.ca().map_err(|error| Problem::internal(&error))?;
        let issuer = inspect::certificate(ca.server.certificate()).map_err(|error| Problem::internal(&error))?;
        if entry.is_revoked || issuer.subject_key_id != entry.authority_key_id {
            return Ok(Window { start: now - Duration::hours(1), end: now });
        }
        let Validity { not_before: begin, not_after: end } = entry.validity;
        let start = begin + (end - begin) * 2 / 3;
        Ok(Window { start, end: start + (end - begin) / 12 })
    }
}

impl Index {
    fn read(paths: &Paths) -> Result<Self, ca::Error> {
        let log = Log::read(&paths.log)?;
        let mut all = HashMap::new();
        for issued in log.issued() {
            let entry = Entry {
                who: issued.who.clone(),
                names: issued.subject_alt_names.clone(),
                is_revoked: false,
                authority_key_id: issued.authority_key_id.clone(),
                validity: Validity { not_before: issued.not_before.0, not_after: issued.not_after.0 },
            };
            all.insert(issued.serial.clone(), entry);
        }
        for revoked in log.revoked() {
            if let Some(entry) = all.get_mut(&revoked.serial) {
                entry.is_revoked = true;
            }
        }
        Ok(Self(all))
    }
}

/// Returns the entries read last, unless the file was changed since.
fn read_again<T, E>(
    kept: &Mutex<Read<T>>,
    modified: Option<OffsetDateTime>,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<Arc<T>, E> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((when, value)) = &*kept
        && *when == modified
    {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(read()?);
    *kept = Some((modified, Arc::clone(&value)));
    Ok(value)
}
