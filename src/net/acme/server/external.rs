//! External account binding: only those who hold a key get an account (RFC 8555 section 7.3.4).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;
use zeroize::Zeroizing;

use super::jws::Message;
use super::problem::{Kind, Problem};
use crate::base::files::{self, Existing, NewFile};
use crate::base::octets::random;
use crate::net::acme::jwk::Jwk;

/// Fewest octets of a key: those of HMAC-SHA256's output (RFC 7518 section 3.2).
const SHORTEST: usize = 32;

/// Reason why keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A line that holds no key.
    #[error("line {line} of `{}` {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number from 1.
        line: usize,
        /// The fault.
        reason: &'static str,
    },
    /// The file holds no key.
    #[error("`{}` holds no key", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The keys that let a client in, by their identifiers.
pub struct Keys(HashMap<String, Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(keys) = self;
        f.debug_tuple("Keys").field(&keys.keys()).finish()
    }
}

impl Keys {
    /// Reads a file of lines with an identifier and a key in base64url; lines that begin with `#` are left out.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Line`], [`Error::Empty`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let octets = files::read(path)?;
        let text = String::from_utf8_lossy(&octets);
        let mut keys = HashMap::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |reason| Error::Line { path: path.to_owned(), line: index + 1, reason };
            let (id, key) = line.split_once(char::is_whitespace).ok_or_else(|| fault("has no key behind a name"))?;
            let key = BASE64URL.decode_to_vec(key.trim().trim_end_matches('='));
            let key = key.map(Zeroizing::new).map_err(|_base64| fault("has a key that is not base64url"))?;
            if key.len() < SHORTEST {
                return Err(fault("has a key of fewer than 32 octets"));
            }
            if keys.insert(id.to_owned(), key).is_some() {
                return Err(fault("has the name of another line"));
            }
        }
        if keys.is_empty() { Err(Error::Empty { path: path.to_owned() }) } else { Ok(Self(keys)) }
    }

    /// Writes a file with one new key, its owner's alone.
    ///
    /// # Errors
    ///
    /// [`Error::File`], when it exists already, too.
    pub fn create(path: &Path, id: &str) -> Result<(), Error> {
        let key = Zeroizing::new(BASE64URL.encode_to_string(random::<32>()));
        let text =
            format!("# Keys that let ACME clients in: a name and a key in base64url on each line\n{id} {}\n", *key);
        Ok(files::write_set(&[NewFile::secret(path, Zeroizing::new(text.into_bytes()))], Existing::Keep)?)
    }

    /// The names of the keys, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The first key by the order of names, with its name.
    #[must_use]
    pub fn first(&self) -> Option<(String, Zeroizing<Vec<u8>>)> {
        self.0.iter().min_by_key(|(name, _)| *name).map(|(name, key)| (name.clone(), key.clone()))
    }

    /// Checks that a binding is for this account's key and signed with one of the keys.
    pub(super) fn check(&self, binding: &Value, account: &Jwk, url: &str) -> Result<(), Problem> {
        let message = Message::within(binding)?;
        let id = message.kid().ok_or_else(|| Problem::malformed("the external account binding has no `kid`"))?;
        if message.url() != Some(url) || message.nonce().is_some() {
            return Err(Problem::malformed("the external account binding has another `url`, or a nonce"));
        }
        let is_signed = self.0.get(id).is_some_and(|secret| message.is_keyed_by(secret));
        if !is_signed {
            return Err(Problem::unauthorized("the external account binding is not signed with a key of this server"));
        }
        let bound: serde_json::Map<String, Value> = message.json()?;
        match Jwk::from_json(&bound) {
            Ok(bound) if bound == *account => Ok(()),
            _ => Err(Problem::malformed("the external account binding is for another account key")),
        }
    }

    /// The answer to a client without a binding.
    pub(super) fn demanded() -> Problem {
        Problem::new(
            Kind::ExternalAccountRequired,
            "this server has accounts only for those who hold one of its keys (external account binding)",
        )
    }
}
