//! Files that lines share, each read once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use super::Error;
use crate::base::files;
use crate::encoding::asn1;
use crate::encoding::container;
use crate::judge::verify::record::Record;
use crate::judge::verify::{Anchors, Certificate, Crl};

type Certificates = Vec<Arc<Certificate>>;
type Crls = Result<Vec<Arc<Crl>>, asn1::Error>;

/// Parsed files and PEM texts, by the line's text.
#[derive(Debug, Default)]
pub(super) struct Cache {
    certificates: Store<String, Certificates>,
    crls: Store<String, Crls>,
    anchors: Store<Vec<String>, Anchors>,
}

/// Entries of each kind at most: a batch without anything in common must not fill the memory.
const ENTRIES: usize = 1024;

#[derive(Debug)]
struct Store<K, V>(RwLock<HashMap<K, Arc<V>>>);

impl<K, V> Default for Store<K, V> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<K: Hash + Eq + Clone, V> Store<K, V> {
    fn get(&self, key: &K, make: impl FnOnce() -> Result<V, Error>) -> Result<Arc<V>, Error> {
        // Nothing is left half done under the lock, so that a poisoned one is as good.
        if let Some(found) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(make()?);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ENTRIES {
            all.clear();
        }
        all.insert(key.clone(), Arc::clone(&made));
        Ok(made)
    }
}

impl Cache {
    /// The certificates in a PEM text or file; those that are malformed are passed over.
    pub(super) fn certificates(&self, source: &String, key: &'static str) -> Result<Arc<Certificates>, Error> {
        self.certificates.get(source, || {
            let ders = with_bytes(source, container::certificates)?;
            let ders = ders.map_err(|source| Error::Content { key, source })?;
            Ok(ders.into_iter().filter_map(|der| Certificate::parse(der).ok()).map(Arc::new).collect())
        })
    }

    /// The CRLs in a PEM text or file. One that is malformed must not be passed over: without any CRL nothing is asked.
    pub(super) fn crls(&self, source: &String) -> Result<Arc<Crls>, Error> {
        self.crls.get(source, || {
            let ders = with_bytes(source, container::crls)?;
            let ders = ders.map_err(|source| Error::Content { key: "crls", source })?;
            Ok(ders.into_iter().map(|der| Crl::parse(der).map(Arc::new)).collect())
        })
    }

    pub(super) fn anchors(&self, sources: &Vec<String>, record: Option<&Arc<Record>>) -> Result<Arc<Anchors>, Error> {
        self.anchors.get(sources, || {
            let mut all = Vec::new();
            for source in sources {
                all.extend(self.certificates(source, "trust")?.iter().cloned());
            }
            Ok(Anchors::new(all).with_record(record.cloned()))
        })
    }
}

/// Returns true if a text is PEM rather than a file name.
pub(super) fn is_inline(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

fn with_bytes<T>(source: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
    if is_inline(source) { Ok(read(source.as_bytes())) } else { Ok(read(&files::read(source.as_ref())?)) }
}
