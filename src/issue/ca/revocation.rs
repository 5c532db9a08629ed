//! Certificates revoked, and the CRLs that say so (RFC 5280 section 5).

use std::collections::HashMap;
use std::path::Path;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams};
use time::OffsetDateTime;

use super::log::{self, Event, Log, Revoked};
use super::reason::Reason;
use super::{Error, Issuing, LocalCa, Paths, roots};
use crate::base::files;
use crate::base::validity::BACKDATE;
use crate::encoding::asn1::unhex;
use crate::issue::cert;
use crate::judge::inspect;
use crate::judge::report::text::certificate_names;
use crate::judge::verify::record::{self, Record};
use crate::x509::key::PrivateKey;
use crate::x509::name::Subject;
use crate::x509::signed::{self, Unsigned};

/// Default validity of a CRL: thirty days, as long as a forgotten cron job may stay unnoticed.
pub const CRL_DAYS: u32 = 30;

/// A certificate revoked.
#[derive(Debug)]
pub struct Revocation {
    /// Entry in the log.
    pub revoked: Revoked,
    /// True if the certificate was already revoked; its entry is unchanged then.
    pub again: bool,
}

/// A CRL as made.
#[derive(Debug)]
pub struct Crl {
    /// That of the intermediate for servers, in DER.
    pub der: Vec<u8>,
    /// That of the intermediate for clients, in DER.
    pub client: Option<Vec<u8>>,
    /// Its cRLNumber.
    pub number: u64,
    /// Number of certificates listed.
    pub revoked: usize,
    /// Time by which the next CRL is due.
    pub next_update: OffsetDateTime,
}

/// A certificate to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocable {
    /// A certificate by its DER, whether or not the log has the number.
    Certificate(Vec<u8>),
    /// By its serial number in hex, which the log must know.
    Serial(String),
}

impl LocalCa {
    /// Revokes issued certificates: all of them or, if one cannot be revoked, no certificate at all.
    ///
    /// # Errors
    ///
    /// [`Error::NotIssued`], [`Error::Former`], [`Error::File`].
    pub fn revoke(
        &self,
        certificates: &[Revocable],
        reason: Reason,
        who: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Vec<Revocation>, Error> {
        let _lock = files::lock(&self.paths.lock)?;
        let known = Log::read(&self.paths.log)?;
        let mut revoked: HashMap<String, Revoked> =
            known.revoked().into_iter().map(|revoked| (revoked.serial.clone(), revoked.clone())).collect();
        let issued: HashMap<_, _> =
            known.issued().map(|issued| (issued.serial.trim_start_matches('0'), issued)).collect();
        let (mut all, mut events) = (Vec::new(), Vec::new());
        for certificate in certificates {
            let (serial, authority_key_id) = match certificate {
                Revocable::Certificate(der) => self.identify(der, &known)?,
                Revocable::Serial(serial) => self.find(serial, &issued)?,
            };
            if let Some(before) = revoked.get(&serial) {
                all.push(Revocation { revoked: before.clone(), again: true });
                continue;
            }
            let new = Revoked {
                at: now.into(),
                serial: serial.clone(),
                reason,
                authority_key_id,
                who: who.map(str::to_owned),
            };
            events.push(Event::Revoked(new.clone()));
            revoked.insert(serial, new.clone());
            all.push(Revocation { revoked: new, again: false });
        }
        log::append(&self.paths.log, &events)?;
        Ok(all)
    }

    /// The serial number of a certificate that one of the intermediates signed, and that intermediate's key identifier.
    fn identify(&self, der: &[u8], known: &Log) -> Result<(String, Option<String>), Error> {
        let report = inspect::certificate(der)?;
        let mut issued = false;
        for issuing in self.issuing() {
            let issuer = inspect::parse(issuing.certificate())?;
            let subject = Subject::from_der(issuer.subject.as_raw())?;
            issued |= cert::is_issued_by(der, &subject, issuing.key.spki());
        }
        if issued {
            return Ok((report.serial, report.authority_key_id));
        }
        let is_it = |issued: &&log::Issued| issued.sha256_fingerprint == report.sha256_fingerprint;
        Err(match known.issued().find(is_it) {
            Some(_) => Error::Former { serial: report.serial },
            None => Error::NotIssued { what: format!("the certificate of {}", certificate_names(&report)) },
        })
    }

    /// The serial number of a certificate that the log knows, and its issuer's key identifier.
    fn find(&self, serial: &str, issued: &HashMap<&str, &log::Issued>) -> Result<(String, Option<String>), Error> {
        let digits: String = serial.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        let digits = digits.trim_start_matches("0x").trim_start_matches('0');
        let not_issued = || Error::NotIssued { what: format!("a certificate with the serial number {serial}") };
        let issued = issued.get(digits).ok_or_else(not_issued)?;
        if !self.key_ids()?.contains(&issued.authority_key_id) {
            return Err(Error::Former { serial: issued.serial.clone() });
        }
        Ok((issued.serial.clone(), issued.authority_key_id.clone()))
    }

    /// Makes the CRLs of the log's revocations, one for each intermediate that issues, with a number greater than any
    /// before.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Crl`], [`Error::DamagedLog`], [`Error::NotHex`].
    pub fn crl(&self, days: u32, now: OffsetDateTime) -> Result<Crl, Error> {
        let _lock = files::lock(&self.paths.lock)?;
        let known = Log::read_whole(&self.paths.log)?;
        let (number, mut revoked) = (known.next_crl_number(), 0);
        let next_update = now.saturating_add(time::Duration::days(i64::from(days)));
        let mut crl = |issuing: &Issuing| -> Result<Vec<u8>, Error> {
            let key_id = issuing.key_id()?;
            let ours = known.revoked().into_iter().filter(|revoked| revoked.authority_key_id == key_id);
            let entries = ours.map(|revoked| entry(revoked, &self.paths.log)).collect::<Result<Vec<_>, _>>()?;
            revoked += entries.len();
            sign(issuing.certificate(), &issuing.key, number, entries, now, next_update)
        };
        let (der, client) = (crl(&self.server)?, self.client.as_ref().map(crl).transpose()?);
        log::append(&self.paths.log, &[Event::Crl { at: now.into(), number }])?;
        Ok(Crl { der, client, number, revoked, next_update })
    }

    /// The key identifiers of the intermediates that issue, in the form that their certificates carry.
    fn key_ids(&self) -> Result<Vec<Option<String>>, Error> {
        self.issuing().map(Issuing::key_id).collect()
    }
}

/// A local CA's record of revocations, for paths that end in its present root or a former one.
///
/// # Errors
///
/// [`Error::File`], [`Error::Container`] when its root cannot be read.
pub fn record(paths: &Paths) -> Result<Record, Error> {
    let roots: Vec<_> = roots(paths)?.into_iter().map(|(_, root)| root.to_vec()).collect();
    let log = paths.log.clone();
    Ok(Record::new(roots, move || {
        let known = Log::read_whole(&log).map_err(|error| error.to_string())?;
        let entries = known.revoked().into_iter().map(|revoked| recorded(revoked, &log));
        entries.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }))
}

fn recorded(revoked: &Revoked, log: &Path) -> Result<record::Entry, Error> {
    Ok(record::Entry {
        serial: octets(&revoked.serial, log)?,
        authority_key_id: revoked.authority_key_id.as_deref().map(|id| octets(id, log)).transpose()?,
        words: format!("on {} ({})", revoked.at.day(), revoked.reason.name()),
    })
}

/// A CRL that lists nothing and lasts as long as its issuer: the issuer's key may be gone a moment later, and clients
/// that check the whole path want one.
pub(super) fn empty_crl(issuer: &[u8], key: &PrivateKey, now: OffsetDateTime) -> Result<Vec<u8>, Error> {
    let end = inspect::parse(issuer)?.not_after.at;
    // Of two under one root's key, the later has the greater number.
    let number = u64::try_from(now.unix_timestamp()).unwrap_or(1);
    sign(issuer, key, number, Vec::new(), now, end)
}

fn entry(revoked: &Revoked, log: &Path) -> Result<RevokedCertParams, Error> {
    Ok(RevokedCertParams {
        serial_number: octets(&revoked.serial, log)?.into(),
        revocation_time: revoked.at.0,
        reason_code: revoked.reason.code(),
        invalidity_date: None,
    })
}

/// Octets from their hex in the log.
fn octets(hex: &str, log: &Path) -> Result<Vec<u8>, Error> {
    unhex(hex).ok_or_else(|| Error::NotHex { path: log.to_owned(), text: hex.to_owned() })
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
    let identifier = certificate.extensions().subject_key_id().map(<[u8]>::to_vec);
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
    Ok(signed::sign(unsigned.der(), key, &[(ISSUER, certificate.subject.as_raw())])?)
}
