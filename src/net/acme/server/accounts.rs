//! Accounts (RFC 8555 section 7.1.2). They survive a restart, because clients keep their account's URL.
//!
//! A file of JSON, a line per change, is appended to; the last line about an account counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::base::files::{self, Existing, NewFile};
use crate::base::octets::random;
use crate::net::acme::jwk::Jwk;

/// The most accounts: enough for every machine of a household or team, few enough to hold in memory.
const MOST: usize = 10_000;

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Valid,
    Deactivated,
}

/// An account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) key: Jwk,
    pub(super) contact: Vec<String>,
    pub(super) status: Status,
    /// The external account binding of the account, as the client sent it.
    pub(super) external: Option<Value>,
}

/// Reason why accounts cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A line that is no account.
    #[error("line {line} of `{}` is no account", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number from 1.
        line: usize,
        /// The fault, if it is one of JSON.
        source: Option<serde_json::Error>,
    },
    /// There are as many as there may be.
    #[error("there are {MOST} accounts, as many as there may be")]
    Full,
    /// An account cannot be written as JSON.
    #[error("cannot write the account")]
    Write(#[from] serde_json::Error),
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    key: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contact: Vec<String>,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_account_binding: Option<Value>,
}

/// All accounts.
#[derive(Debug)]
pub(super) struct Accounts {
    path: PathBuf,
    by_id: HashMap<String, Arc<Account>>,
    /// Their identifiers by thumbprint.
    by_key: HashMap<String, String>,
}

impl Accounts {
    /// Reads the accounts; a file that does not exist has none.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Line`].
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let mut all = Self { path: path.to_owned(), by_id: HashMap::new(), by_key: HashMap::new() };
        if !files::exists(path) {
            return Ok(all);
        }
        let octets = files::read(path)?;
        let mut lines = 0;
        for (index, line) in octets.split(|octet| *octet == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let fault = |source| Error::Line { path: path.to_owned(), line: index + 1, source };
            let Line { id, key, contact, status, external_account_binding: external } =
                serde_json::from_slice(line).map_err(|error| fault(Some(error)))?;
            let key = Jwk::from_json(&key).map_err(|_key| fault(None))?;
            all.keep(Account { id, key, contact, status, external });
            lines += 1;
        }
        if lines > 2 * all.by_id.len() + 100 {
            all.rewrite()?;
        }
        Ok(all)
    }

    /// The account of this identifier.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Account>> {
        self.by_id.get(id).map(Arc::clone)
    }

    /// The account with this key.
    pub(super) fn with_key(&self, key: &Jwk) -> Option<Arc<Account>> {
        self.find(self.by_key.get(&key.thumbprint())?)
    }

    /// A new account, once it is on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Full`], [`Error::File`].
    pub(super) fn add(
        &mut self,
        key: Jwk,
        contact: Vec<String>,
        external: Option<Value>,
    ) -> Result<Arc<Account>, Error> {
        if self.by_id.len() >= MOST {
            return Err(Error::Full);
        }
        let id = BASE64URL.encode_to_string(random::<12>());
        self.change(Account { id, key, contact, status: Status::Valid, external })
    }

    /// Keeps the present state of an account, once that state is on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub(super) fn change(&mut self, account: Account) -> Result<Arc<Account>, Error> {
        files::append_lines(&self.path, &[line(&account)?])?;
        Ok(self.keep(account))
    }

    fn keep(&mut self, account: Account) -> Arc<Account> {
        if let Some(before) = self.by_id.get(&account.id) {
            self.by_key.remove(&before.key.thumbprint());
        }
        self.by_key.insert(account.key.thumbprint(), account.id.clone());
        let account = Arc::new(account);
        self.by_id.insert(account.id.clone(), Arc::clone(&account));
        account
    }

    /// Writes the file without the lines that no longer count.
    fn rewrite(&self) -> Result<(), Error> {
        let lines = self.by_id.values().map(|account| line(account)).collect::<Result<Vec<_>, _>>()?;
        let content = lines.join("\n") + "\n";
        let file = NewFile::secret(&self.path, Zeroizing::new(content.into_bytes()));
        Ok(files::write_set(&[file], Existing::Replace)?)
    }
}

fn line(account: &Account) -> Result<String, Error> {
    let line = Line {
        id: account.id.clone(),
        key: serde_json::from_str(&account.key.canonical())?,
        contact: account.contact.clone(),
        status: account.status,
        external_account_binding: account.external.clone(),
    };
    Ok(serde_json::to_string(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(x: &str) -> Jwk {
        let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
        Jwk::from_json(&serde_json::from_str(&json).unwrap()).unwrap()
    }

    /// Keys of RFC 8032's test vectors.
    const FIRST: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const SECOND: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    #[test]
    fn accounts_survive_a_restart_as_they_were_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.jsonl");
        let mut accounts = Accounts::load(&path).unwrap();
        let made = accounts.add(key(FIRST), vec!["mailto:a@b.test".to_owned()], None).unwrap();
        accounts.change(Account { key: key(SECOND), ..Account::clone(&made) }).unwrap();
        let mut again = Accounts::load(&path).unwrap();
        assert!(again.with_key(&key(FIRST)).is_none(), "the key was changed");
        let found = again.with_key(&key(SECOND)).unwrap();
        assert_eq!((&found.id, &found.contact), (&made.id, &made.contact));
        for _ in 0..110 {
            again.change(Account { status: Status::Deactivated, ..Account::clone(&found) }).unwrap();
        }
        let compacted = Accounts::load(&path).unwrap();
        assert_eq!(compacted.find(&made.id).unwrap().status, Status::Deactivated);
        assert_eq!(files::read(&path).unwrap().split(|octet| *octet == b'\n').count(), 2, "one line is left");
    }
}
