//! Log of a local CA, one line of JSON per event; the file is only ever appended to.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Error;
use super::reason::Reason;
use crate::base::files;
use crate::judge::report::{self, Time};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A certificate was issued.
    Issued(Issued),
    /// A certificate was revoked.
    Revoked(Revoked),
    /// A CRL was made.
    Crl {
        /// Time of the event.
        at: Time,
        /// Its cRLNumber.
        number: u64,
    },
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Time of the event.
    pub at: Time,
    /// Its serial number, in hex.
    pub serial: String,
    /// Its subject, as an RFC 4514 string.
    pub subject: String,
    /// Its names, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
    /// SHA-256 over its DER, in hex.
    pub sha256_fingerprint: String,
    /// The issuer's key identifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    /// The file written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The user who requested the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// A certificate that was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Time of the event.
    pub at: Time,
    /// Its serial number, in hex.
    pub serial: String,
    /// Reason for the revocation.
    pub reason: Reason,
    /// The issuer's key identifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    /// The user who revoked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

impl Event {
    pub(super) fn issued(
        certificate: &report::Certificate,
        file: Option<&Path>,
        who: Option<&str>,
        now: OffsetDateTime,
    ) -> Self {
        Self::Issued(Issued {
            at: now.into(),
            serial: certificate.serial.clone(),
            subject: certificate.subject.clone(),
            subject_alt_names: certificate.subject_alt_names.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            sha256_fingerprint: certificate.sha256_fingerprint.clone(),
            authority_key_id: certificate.authority_key_id.clone(),
            file: file.map(|file| file.to_string_lossy().into_owned()),
            who: who.map(str::to_owned),
        })
    }
}

/// The log, read.
#[derive(Debug, Default)]
pub struct Log {
    /// Events, oldest first.
    pub events: Vec<Event>,
    /// Numbers of the unreadable lines, counted from 1.
    pub unreadable: Vec<usize>,
}

impl Log {
    /// Reads a log; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut log = Self::default();
        if !files::exists(path) {
            return Ok(log);
        }
        let bytes = files::read(path)?;
        let lines = bytes.split(|octet| *octet == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        for (index, line) in lines {
            match serde_json::from_slice(line) {
                Ok(event) => log.events.push(event),
                Err(_) => log.unreadable.push(index + 1),
            }
        }
        Ok(log)
    }

    /// Reads a log that must be whole, because a line that is left out may be a revocation.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::DamagedLog`].
    pub fn read_whole(path: &Path) -> Result<Self, Error> {
        let log = Self::read(path)?;
        if log.unreadable.is_empty() {
            Ok(log)
        } else {
            Err(Error::DamagedLog { path: path.to_owned(), lines: log.unreadable })
        }
    }

    /// Lists the issued certificates, oldest first.
    #[must_use]
    pub fn issued(&self) -> impl DoubleEndedIterator<Item = &Issued> {
        self.events.iter().filter_map(|event| match event {
            Event::Issued(issued) => Some(issued),
            _ => None,
        })
    }

    /// Lists the revoked certificates, oldest first, each once.
    #[must_use]
    pub fn revoked(&self) -> Vec<&Revoked> {
        let mut seen = BTreeSet::new();
        let revoked = self.events.iter().filter_map(|event| match event {
            Event::Revoked(revoked) => Some(revoked),
            _ => None,
        });
        revoked.filter(|revoked| seen.insert(&revoked.serial)).collect()
    }

    /// The number of the next CRL: always greater than the last.
    #[must_use]
    pub fn next_crl_number(&self) -> u64 {
        let numbers = self.events.iter().filter_map(|event| match event {
            Event::Crl { number, .. } => Some(*number),
            _ => None,
        });
        numbers.max().unwrap_or(0).saturating_add(1)
    }
}

/// Adds events, all of them in one write. The caller holds the lock.
pub(super) fn append(path: &Path, events: &[Event]) -> Result<(), Error> {
    let lines = events.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(Error::Log)?;
    Ok(files::append_lines(path, &lines)?)
}
