//! The revocations of a CA whose record lies on this machine: they hold without a CRL.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;

use super::certificate::Certificate;
use super::fault::Rejection;
use crate::encoding::asn1;
use crate::judge::report::verdict::Code;

/// A revocation, as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The octets of the serial number.
    pub serial: Vec<u8>,
    /// The issuer's key identifier, if the record has it.
    pub authority_key_id: Option<Vec<u8>>,
    /// The time and reason, in words.
    pub words: String,
}

/// Reads a record; the error says in words why it cannot be read whole.
type Read = dyn Fn() -> Result<Vec<Entry>, String> + Send + Sync;

/// The record of what was revoked below some roots. It is read when a path first ends in one of them.
pub struct Record {
    roots: HashSet<Vec<u8>>,
    read: Box<Read>,
    by_serial: OnceLock<Result<BySerial, String>>,
}

/// Entries by their serial numbers' octets, without leading zeros.
type BySerial = HashMap<Vec<u8>, Vec<Entry>>;

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { roots, read: _, by_serial } = self;
        f.debug_struct("Record").field("roots", &roots.len()).field("by_serial", by_serial).finish_non_exhaustive()
    }
}

impl Record {
    /// A record for paths that end in one of these roots, in DER.
    pub fn new(
        roots: impl IntoIterator<Item = Vec<u8>>,
        read: impl Fn() -> Result<Vec<Entry>, String> + Send + Sync + 'static,
    ) -> Self {
        Self { roots: roots.into_iter().collect(), read: Box::new(read), by_serial: OnceLock::new() }
    }

    /// Refuses a path below one of the roots if a certificate on it is revoked, or if the record cannot be read.
    pub(super) fn check(&self, path: &[&Certificate]) -> Result<(), Rejection> {
        if !path.last().is_some_and(|anchor| self.roots.contains(anchor.der())) {
            return Ok(());
        }
        let by_serial = self.by_serial.get_or_init(|| (self.read)().map(sorted)).as_ref().map_err(|reason| {
            let message = format!("the local CA's record of revoked certificates cannot be read: {reason}");
            Rejection::new(Code::RevocationUnknown, 0, message)
        })?;
        for (index, pair) in path.windows(2).enumerate() {
            let [certificate, issuer] = pair else { continue };
            let entries = by_serial.get(certificate.serial()).map(Vec::as_slice).unwrap_or_default();
            // An entry without the issuer's key holds for every issuer: too strict rather than too lax.
            let is_it = |entry: &&Entry| {
                entry.authority_key_id.as_deref().is_none_or(|id| issuer.key_id().is_none_or(|own| own == id))
            };
            if let Some(entry) = entries.iter().find(is_it) {
                let message = format!("the local CA revoked it {}", entry.words);
                return Err(Rejection::new(Code::Revoked, index, message));
            }
        }
        Ok(())
    }
}

fn sorted(entries: Vec<Entry>) -> BySerial {
    let mut by_serial = BySerial::new();
    for entry in entries {
        by_serial.entry(asn1::der::significant(&entry.serial).to_vec()).or_default().push(entry);
    }
    by_serial
}
