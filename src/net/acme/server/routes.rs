//! The server's URLs, and the checks that every signed request passes first (RFC 8555 sections 6.2 to 6.5 and 7.1).

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};

use super::State;
use super::accounts::{Account, Status};
use super::answer::{Answer, Content};
use super::jws::{Message, Signer, brief};
use super::problem::{Kind, Problem};
use crate::encoding::container;
use crate::net::acme::jwk::Jwk;

/// A request.
pub(super) struct Call {
    pub(super) method: Method,
    /// The server as the client calls it, as in `https://localhost:8555`.
    pub(super) base: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
    /// The client's address.
    pub(super) from: IpAddr,
}

impl Call {
    /// A URL of the server.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The URL that was asked for.
    pub(super) fn own_url(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{}{query}", self.base, self.path)
    }
}

/// A signed request: its message, and who has signed it.
pub(super) struct Signed<'a> {
    pub(super) call: &'a Call,
    pub(super) message: Message,
    by: By,
}

enum By {
    Key(Jwk),
    Account(Arc<Account>),
}

impl Signed<'_> {
    /// The account that has signed.
    pub(super) fn account(&self) -> Result<&Arc<Account>, Problem> {
        match &self.by {
            By::Account(account) => Ok(account),
            By::Key(_) => Err(Problem::malformed("this request names its account (`kid`), not a key (`jwk`)")),
        }
    }

    /// The key that has signed, where it stands in the request itself.
    pub(super) fn key(&self) -> Option<&Jwk> {
        match &self.by {
            By::Key(key) => Some(key),
            By::Account(_) => None,
        }
    }

    /// Refuses a payload: this URL is only looked at.
    fn only_looks(&self) -> Result<(), Problem> {
        if self.message.payload().is_empty() {
            return Ok(());
        }
        Err(Problem::malformed("this URL takes no payload (POST-as-GET)"))
    }
}

impl State {
    pub(super) fn route(&self, call: &Call) -> Answer {
        let answer = self.find(call).unwrap_or_else(Answer::from);
        answer.linked(call.url("/directory"), "index")
    }

    fn find(&self, call: &Call) -> Result<Answer, Problem> {
        let parts: Vec<_> = call.path.split('/').skip(1).collect();
        match (&call.method, &*parts) {
            (&Method::GET | &Method::HEAD, ["directory"]) => Ok(Answer::json(self.directory(call))),
            (&Method::GET | &Method::HEAD, [""]) => Ok(Answer::new(200, Content::Text(welcome(call)))),
            (&Method::GET | &Method::HEAD, ["root.pem"]) => self.root(),
            (&Method::GET | &Method::HEAD, ["acme", "renewal-info", id]) => self.renewal_info(id),
            (&Method::HEAD, ["acme", "new-nonce"]) => Ok(Answer::new(200, Content::Nothing)),
            (&Method::GET, ["acme", "new-nonce"]) => Ok(Answer::new(204, Content::Nothing)),
            (&Method::POST, ["acme", rest @ ..]) => self.signed(call, rest),
            (_, ["acme", ..] | ["directory"]) => {
                Err(Problem::malformed("all but the directory is asked for by signed POST").with_status(405))
            }
            _ => Err(not_found()),
        }
    }

    fn signed(&self, call: &Call, path: &[&str]) -> Result<Answer, Problem> {
        let signed = self.verify(call, matches!(path, ["new-account" | "revoke-cert"]))?;
        match *path {
            ["new-account"] => self.new_account(&signed),
            ["new-order"] => self.new_order(&signed),
            ["revoke-cert"] => self.revoke(&signed),
            ["key-change"] => self.change_key(&signed),
            ["account", id] => self.account(&signed, id),
            ["account", id, "orders"] => signed.only_looks().and_then(|()| self.list_orders(&signed, id)),
            ["order", id] => signed.only_looks().and_then(|()| self.order(&signed, id)),
            ["order", id, "finalize"] => self.finalize(&signed, id),
            ["authz", id, index] => self.authorization(&signed, id, index),
            ["challenge", id, index, method] => self.challenge(&signed, id, index, method),
            ["certificate", id] => signed.only_looks().and_then(|()| self.certificate(&signed, id)),
            _ => Err(not_found()),
        }
    }

    /// Checks a signed request: its URL, its nonce, its signature, and the state of its account.
    fn verify<'a>(&self, call: &'a Call, takes_key: bool) -> Result<Signed<'a>, Problem> {
        let kind = call.content_type.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/jose+json") {
            return Err(Problem::malformed("the content type is not application/jose+json").with_status(415));
        }
        let message = Message::read(&call.body)?;
        match message.url() {
            Some(url) if url == call.own_url() => {}
            Some(url) => {
                let (signed, asked) = (brief(url), call.own_url());
                return Err(Problem::unauthorized(format!(
                    "the request is signed for `{signed}`, and sent to `{asked}`"
                )));
            }
            None => return Err(Problem::malformed("the JWS's header has no `url`")),
        }
        let is_fresh = message.nonce().is_some_and(|nonce| self.nonces.spend(nonce));
        if !is_fresh {
            return Err(Problem::new(Kind::BadNonce, "the nonce was used before, or is not one of this server's"));
        }
        let by = match message.signer()? {
            Signer::Key(key) if takes_key => {
                message.verify(&key)?;
                By::Key(key)
            }
            Signer::Key(_) => {
                return Err(Problem::malformed("this request names its account (`kid`), not a key (`jwk`)"));
            }
            Signer::Account(url) => {
                let account = self.account_at(&url)?;
                message.verify(&account.key)?;
                if account.status != Status::Valid {
                    return Err(Problem::unauthorized("the account is deactivated"));
                }
                By::Account(account)
            }
        };
        Ok(Signed { call, message, by })
    }

    /// The account of a URL; the server may have had another name when it was made.
    fn account_at(&self, url: &str) -> Result<Arc<Account>, Problem> {
        let id = url.rsplit_once("/acme/account/").map(|(_, id)| id);
        let found = id.and_then(|id| self.accounts().find(id));
        found.ok_or_else(|| Problem::new(Kind::AccountDoesNotExist, format!("there is no account `{}`", brief(url))))
    }

    fn directory(&self, call: &Call) -> Value {
        json!({
            "newNonce": call.url("/acme/new-nonce"),
            "newAccount": call.url("/acme/new-account"),
            "newOrder": call.url("/acme/new-order"),
            "revokeCert": call.url("/acme/revoke-cert"),
            "keyChange": call.url("/acme/key-change"),
            "renewalInfo": call.url("/acme/renewal-info"),
            "meta": { "externalAccountRequired": self.keys.is_some() },
        })
    }

    /// The root's certificate, for those who are to trust it.
    fn root(&self) -> Result<Answer, Problem> {
        let ca = self.authority.ca().map_err(|error| Problem::internal(&error))?;
        let pem = container::pem("CERTIFICATE", &ca.root).map_err(|error| Problem::internal(&error))?;
        Ok(Answer::new(200, Content::Pem(pem.to_string())))
    }
}

pub(super) fn not_found() -> Problem {
    Problem::malformed("nothing is at this URL").with_status(404)
}

fn welcome(call: &Call) -> String {
    let (directory, root) = (call.url("/directory"), call.url("/root.pem"));
    format!("An ACME server of secure-io.\n\nDirectory: {directory}\nRoot to trust: {root}\n")
}
