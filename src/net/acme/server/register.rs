//! Accounts made, changed, given another key, and left (RFC 8555 section 7.3).

use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{self, Account, Status};
use super::answer::Answer;
use super::external::Keys;
use super::jws::{Message, Signer, brief};
use super::problem::{Kind, Problem};
use super::routes::{Call, Signed};
use super::{Event, State};

/// The most contacts of an account.
const MOST_CONTACTS: usize = 10;

/// The orders in one part of an account's list.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewAccount {
    #[serde(default)]
    contact: Vec<String>,
    #[serde(default)]
    only_return_existing: bool,
    external_account_binding: Option<Value>,
}

#[derive(Deserialize)]
struct Update {
    contact: Option<Vec<String>>,
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyChange {
    account: String,
    old_key: serde_json::Map<String, Value>,
}

impl From<accounts::Error> for Problem {
    fn from(error: accounts::Error) -> Self {
        match error {
            accounts::Error::Full => Self::new(Kind::RateLimited, error.to_string()),
            error => Self::internal(&error),
        }
    }
}

impl State {
    pub(super) fn new_account(&self, signed: &Signed<'_>) -> Result<Answer, Problem> {
        let call = signed.call;
        let Some(key) = signed.key() else {
            return Err(Problem::malformed("a new account is asked for with its key (`jwk`), not with a `kid`"));
        };
        let asked: NewAccount = signed.message.json()?;
        if let Some(account) = self.accounts().with_key(key) {
            if account.status != Status::Valid {
                return Err(Problem::unauthorized("the account of this key is deactivated"));
            }
            return Ok(shown(call, &account));
        }
        if asked.only_return_existing {
            return Err(Problem::new(Kind::AccountDoesNotExist, "no account has this key"));
        }
        check_contacts(&asked.contact)?;
        if let Some(keys) = &self.keys {
            let binding = asked.external_account_binding.as_ref().ok_or_else(Keys::demanded)?;
            keys.check(binding, key, &call.own_url())?;
        }
        // One that the server does not ask for is not checked, and so is not kept.
        let external = asked.external_account_binding.filter(|_| self.keys.is_some());
        let account = {
            let mut accounts = self.accounts();
            // Another request of the same client may have come first.
            match accounts.with_key(key) {
                Some(account) => return Ok(shown(call, &account)),
                None => accounts.add(key.clone(), asked.contact, external)?,
            }
        };
        (self.observer)(&Event::Registered {
            account: account.id.clone(),
            contact: account.contact.clone(),
            from: call.from,
        });
        Ok(shown(call, &account).with_status(201))
    }

    /// Shows or changes an account.
    pub(super) fn account(&self, signed: &Signed<'_>, id: &str) -> Result<Answer, Problem> {
        let account = own(signed, id)?;
        if signed.message.payload().is_empty() {
            return Ok(shown(signed.call, account));
        }
        let Update { contact, status } = signed.message.json()?;
        let mut changed = account.clone();
        match status.as_deref() {
            None | Some("valid") => {}
            Some("deactivated") => changed.status = Status::Deactivated,
            Some(other) => {
                return Err(Problem::malformed(format!("an account cannot be given the status `{}`", brief(other))));
            }
        }
        if let Some(contact) = contact {
            check_contacts(&contact)?;
            changed.contact = contact;
        }
        let changed = self.accounts().change(changed)?;
        Ok(shown(signed.call, &changed))
    }

    /// Lists an account's orders, in parts.
    pub(super) fn list_orders(&self, signed: &Signed<'_>, id: &str) -> Result<Answer, Problem> {
        let (account, call) = (own(signed, id)?, signed.call);
        let all = self.orders().of_account(&account.id, (self.clock)());
        let cursor = call.query.as_deref().and_then(|query| query.strip_prefix("cursor="));
        let begin = cursor.map_or(Ok(0), str::parse::<usize>);
        let begin = begin.map_err(|_number| Problem::malformed("`cursor` is not a number"))?;
        let urls: Vec<_> =
            all.iter().skip(begin).take(PAGE).map(|order| call.url(&format!("/acme/order/{order}"))).collect();
        let answer = Answer::json(json!({ "orders": urls }));
        let next = begin.saturating_add(PAGE);
        if next >= all.len() {
            return Ok(answer);
        }
        Ok(answer.linked(call.url(&format!("/acme/account/{id}/orders?cursor={next}")), "next"))
    }

    /// Gives an account another key (RFC 8555 section 7.3.5).
    pub(super) fn change_key(&self, signed: &Signed<'_>) -> Result<Answer, Problem> {
        let (account, call) = (signed.account()?, signed.call);
        let inner = Message::within(&signed.message.json()?)?;
        let Signer::Key(new) = inner.signer()? else {
            return Err(Problem::malformed("the inner JWS holds the new key (`jwk`)"));
        };
        inner.verify(&new)?;
        if inner.url() != signed.message.url() || inner.nonce().is_some() {
            return Err(Problem::malformed("the inner JWS has the outer one's `url`, and no nonce"));
        }
        let change: KeyChange = inner.json()?;
        let old = crate::net::acme::jwk::Jwk::from_json(&change.old_key);
        if !old.is_ok_and(|old| old == account.key) {
            return Err(Problem::malformed("`oldKey` is not the account's key"));
        }
        if change.account.rsplit('/').next() != Some(account.id.as_str()) {
            return Err(Problem::malformed("`account` is another account"));
        }
        let mut accounts = self.accounts();
        if let Some(other) = accounts.with_key(&new) {
            let problem = Problem::malformed("the new key is that of an account already").with_status(409);
            return Err(Problem { location: Some(url(call, &other)), ..problem });
        }
        let changed = accounts.change(Account { key: new, ..Account::clone(account) })?;
        drop(accounts);
        Ok(shown(call, &changed))
    }
}

/// The account that has signed, if the URL is its own.
fn own<'a>(signed: &'a Signed<'_>, id: &str) -> Result<&'a Account, Problem> {
    let account = signed.account()?;
    if account.id == id { Ok(account) } else { Err(Problem::unauthorized("the URL is another account's")) }
}

fn url(call: &Call, account: &Account) -> String {
    call.url(&format!("/acme/account/{}", account.id))
}

fn shown(call: &Call, account: &Account) -> Answer {
    let url = url(call, account);
    let mut json = json!({
        "status": account.status,
        "contact": account.contact,
        "termsOfServiceAgreed": true,
        "orders": format!("{url}/orders"),
    });
    if let (Some(external), Some(json)) = (&account.external, json.as_object_mut()) {
        json.insert("externalAccountBinding".to_owned(), external.clone());
    }
    Answer::json(json).at(url)
}

fn check_contacts(contacts: &[String]) -> Result<(), Problem> {
    if contacts.len() > MOST_CONTACTS {
        return Err(Problem::new(Kind::InvalidContact, format!("an account has {MOST_CONTACTS} contacts at most")));
    }
    for contact in contacts {
        let Some(address) = contact.strip_prefix("mailto:") else {
            let detail = format!("`{}` is no mailto: URL, and no other kind is supported", brief(contact));
            return Err(Problem::new(Kind::UnsupportedContact, detail));
        };
        let is_one = address.split('@').filter(|part| !part.is_empty()).count() == 2
            && address.len() <= 254
            && !address.contains(|c: char| c.is_whitespace() || c.is_control() || "?,;<>".contains(c));
        if !is_one {
            let detail = format!("`{}` is not one email address", brief(contact));
            return Err(Problem::new(Kind::InvalidContact, detail));
        }
    }
    Ok(())
}
