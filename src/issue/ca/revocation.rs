//! Certificates revoked, and the CRLs that say so (RFC 5280 section 5).

use std::collections::{HashMap, HashSet};

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::log::{self, Event, Log, Revoked};
use super::{Error, LocalCa};
use crate::base::files;
use crate::base::validity::{BACKDATE, rfc3339};
use crate::issue::cert;
use crate::judge::inspect;
use crate::x509::key::PrivateKey;
use crate::x509::name::Subject;
use crate::x509::signed::{self, Unsigned};

/// Default validity of a CRL: thirty days, as long as a forgotten cron job may stay unnoticed.
pub const CRL_DAYS: u32 = 30;

/// Reason for a revocation (RFC 5280 section 5.3.1), without those for CAs and directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Reason {
    /// No reason is given.
    #[default]
    Unspecified,
    /// Somebody else has its key.
    KeyCompromise,
    /// Its subject is another now.
    AffiliationChanged,
    /// There is a newer one.
    Superseded,
    /// It is needed no more.
    CessationOfOperation,
    /// The subject may no longer do what the certificate allows.
    PrivilegeWithdrawn,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// Its name in RFC 5280.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// As a reasonCode, which is to be absent rather than `unspecified`.
    const fn code(self) -> Option<RevocationReason> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(RevocationReason::KeyCompromise),
            Self::AffiliationChanged => Some(RevocationReason::AffiliationChanged),
            Self::Superseded => Some(RevocationReason::Superseded),
            Self::CessationOfOperation => Some(RevocationReason::CessationOfOperation),
            Self::PrivilegeWithdrawn => Some(RevocationReason::PrivilegeWithdrawn),
        }
    }
}

/// A certificate revoked.
#[derive(Debug)]
pub struct Revocation {
    /// Entry in the log.
    pub revoked: Revoked,
    /// True if the certificate was already revoked; its entry is unchanged then.
    pub again: bool,
}

/// A certificate to be revoked.
#[derive(Debug, Clone)]
pub enum ToRevoke {
    /// The certificate itself, DER, whether the log knows it or not.
    Certificate(Vec<u8>),
    /// The serial number, in hex, of a certificate that the log knows.
    Serial(String),
}

/// Finds certificates among those that a local CA has issued.
struct Finder<'a> {
    /// By serial number, without leading zeros.
    by_serial: HashMap<&'a str, &'a log::Issued>,
    by_fingerprint: HashSet<&'a str>,
    subject: Subject,
    key: &'a PrivateKey,
    key_id: Option<String>,
}

impl<'a> Finder<'a> {
    fn new(ca: &'a LocalCa, known: &'a Log) -> Result<Self, Error> {
        let [intermediate] = &ca.intermediate;
        let mut by_serial = HashMap::new();
        for issued in known.issued() {
            by_serial.entry(issued.serial.trim_start_matches('0')).or_insert(issued);
        }
        Ok(Self {
            by_serial,
            by_fingerprint: known.issued().map(|issued| issued.sha256_fingerprint.as_str()).collect(),
            subject: Subject::from_der(inspect::parse(intermediate)?.subject().as_raw())?,
            key: &ca.key,
            key_id: ca.key_id()?,
        })
    }

    /// The serial number and the authority key identifier of a certificate, in hex.
    fn find(&self, certificate: &ToRevoke) -> Result<(String, Option<String>), Error> {
        match certificate {
            ToRevoke::Certificate(der) => {
                let report = inspect::certificate(der)?;
                if cert::is_issued_by(der, &self.subject, self.key.spki()) {
                    return Ok((report.serial, report.authority_key_id));
                }
                Err(if self.by_fingerprint.contains(report.sha256_fingerprint.as_str()) {
                    Error::Former { serial: report.serial }
                } else {
                    Error::NotIssued { what: format!("the certificate of {}", report.subject) }
                })
            }
            ToRevoke::Serial(serial) => {
                let digits: String = serial.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
                let issued = self.by_serial.get(digits.trim_start_matches("0x").trim_start_matches('0'));
                let not_issued = || Error::NotIssued { what: format!("a certificate with the serial number {serial}") };
                let issued = issued.ok_or_else(not_issued)?;
                if issued.authority_key_id != self.key_id {
                    return Err(Error::Former { serial: issued.serial.clone() });
                }
                Ok((issued.serial.clone(), issued.authority_key_id.clone()))
            }
        }
    }
}

/// A CRL as made.
#[derive(Debug)]
pub struct Crl {
    /// The intermediate's, in DER.
    pub der: Vec<u8>,
    /// Its cRLNumber.
    pub number: u64,
    /// Number of certificates listed.
    pub revoked: usize,
    /// Time by which the next CRL is due.
    pub next_update: OffsetDateTime,
}

impl LocalCa {
    /// Revokes certificates that it has issued: all of them, or none.
    ///
    /// # Errors
    ///
    /// [`Error::NotIssued`], [`Error::Former`], [`Error::File`].
    pub fn revoke(
        &self,
        certificates: &[ToRevoke],
        reason: Reason,
        who: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Vec<Revocation>, Error> {
        let _lock = files::lock(&self.paths.lock)?;
        let known = Log::read(&self.paths.log)?;
        let finder = Finder::new(self, &known)?;
        let mut revoked: HashMap<String, Revoked> =
            known.revoked().into_iter().map(|revoked| (revoked.serial.clone(), revoked.clone())).collect();
        let (mut revocations, mut events) = (Vec::new(), Vec::new());
        for certificate in certificates {
            let (serial, authority_key_id) = finder.find(certificate)?;
            if let Some(before) = revoked.get(&serial) {
                revocations.push(Revocation { revoked: before.clone(), again: true });
                continue;
            }
            let now_revoked = Revoked {
                at: rfc3339(now),
                serial: serial.clone(),
                reason,
                authority_key_id,
                who: who.map(str::to_owned),
            };
            events.push(Event::Revoked(now_revoked.clone()));
            revoked.insert(serial, now_revoked.clone());
            revocations.push(Revocation { revoked: now_revoked, again: false });
        }
        log::append_all(&self.paths.log, &events)?;
        Ok(revocations)
    }

    /// Makes a CRL from the log's revocations, with a number greater than any before.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Crl`].
    pub fn crl(&self, days: u32, now: OffsetDateTime) -> Result<Crl, Error> {
        let _lock = files::lock(&self.paths.lock)?;
        let known = Log::read(&self.paths.log)?;
        let key_id = self.key_id()?;
        let ours = known.revoked().into_iter().filter(|revoked| revoked.authority_key_id == key_id);
        let entries: Vec<_> = ours.filter_map(entry).collect();
        let (number, revoked) = (known.next_crl_number(), entries.len());
        let next_update = now.saturating_add(time::Duration::days(i64::from(days)));
        let [intermediate] = &self.intermediate;
        let der = sign(intermediate, &self.key, number, entries, now, next_update)?;
        log::append(&self.paths.log, &Event::Crl { at: rfc3339(now), number })?;
        Ok(Crl { der, number, revoked, next_update })
    }

    /// The intermediate's key identifier, in the form that its certificates carry.
    fn key_id(&self) -> Result<Option<String>, Error> {
        let [intermediate] = &self.intermediate;
        Ok(inspect::certificate(intermediate)?.subject_key_id)
    }
}

/// The root's CRL, which lists nothing and lasts as long as the root: its key may be gone a moment later, and clients
/// that check the whole path want one.
pub(super) fn root_crl(root: &[u8], key: &PrivateKey, now: OffsetDateTime) -> Result<Vec<u8>, Error> {
    let end = cert::validity_of(&inspect::parse(root)?).not_after;
    // Of two under one root's key, the later has the greater number.
    let number = u64::try_from(now.unix_timestamp()).unwrap_or(1);
    sign(root, key, number, Vec::new(), now, end)
}

fn entry(revoked: &Revoked) -> Option<RevokedCertParams> {
    Some(RevokedCertParams {
        serial_number: octets(&revoked.serial)?.into(),
        revocation_time: OffsetDateTime::parse(&revoked.at, &Rfc3339).ok()?,
        reason_code: revoked.reason.code(),
        invalidity_date: None,
    })
}

/// Octets from their hex.
fn octets(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// The place of the issuer in a TBSCertList (RFC 5280 section 5.1).
const ISSUER: usize = 2;

fn sign(
    issuer: &[u8],
    key: &PrivateKey,
    number: u64,
    revoked_certs: Vec<RevokedCertParams>,
    now: OffsetDateTime,
    next_update: OffsetDateTime,
) -> Result<Vec<u8>, Error> {
    let certificate = inspect::parse(issuer)?;
    let identifier = inspect::certificate(issuer)?.subject_key_id.and_then(|identifier| octets(&identifier));
    let params = CertificateRevocationListParams {
        // For clocks that are behind, as with certificates.
        this_update: now - BACKDATE,
        next_update,
        crl_number: number.to_be_bytes().to_vec().into(),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::PreSpecified(identifier.unwrap_or_default()),
    };
    let issuer_params = rcgen::CertificateParams::default();
    let rcgen_issuer = rcgen::Issuer::from_params(&issuer_params, Unsigned(key));
    let unsigned = params.signed_by(&rcgen_issuer).map_err(signed::Error::from)?;
    Ok(signed::sign(unsigned.der(), key, &[(ISSUER, certificate.subject().as_raw())])?)
}
