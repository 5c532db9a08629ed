//! One certificate: account, order, challenges, request, chain (RFC 8555 section 7).
//!
//! Each step finds what an earlier run has left: the account by its key, the order by its URL, the key before a
//! certificate exists for it.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::session::{Fault, Problem, Session, read, retry_after};
use super::transport::Transport;
use super::{AcmeClient, Error, Event, schedule};
use crate::encoding::container;
use crate::issue::credentials::Credentials;
use crate::net::acme::server::{Identifier, Method};
use crate::x509::csr::{self, Purpose};
use crate::x509::key::{PrivateKey, sha256};
use crate::x509::name::{Subject, SubjectAltName};

/// The time for the CA to validate and to issue.
const PATIENCE: Duration = Duration::from_secs(90);

/// The wait between two looks, unless the CA asks for another, and the longest.
const LOOK: Duration = Duration::from_millis(500);
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// An order as the CA shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    #[serde(skip)]
    url: String,
    status: String,
    #[serde(default)]
    authorizations: Vec<String>,
    finalize: String,
    certificate: Option<String>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Authorization {
    identifier: Identifier,
    status: String,
    challenges: Vec<Challenge>,
}

#[derive(Debug, Deserialize)]
struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    #[serde(default)]
    token: String,
    error: Option<Problem>,
}

/// A challenge that is being answered; its answer ends with this value.
struct Answering<'a> {
    client: &'a AcmeClient,
    name: SubjectAltName,
    token: String,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        match &self.client.config.tokens {
            Some(tokens) => tokens.remove(&self.token),
            None => self.client.config.challenges.remove(&self.name),
        }
    }
}

impl AcmeClient {
    /// A session with the account of the kept key, which is made if the CA does not know it.
    pub(super) async fn account(&self) -> Result<Session, Error> {
        let config = &self.config;
        let key = config.folder.account_key()?;
        let transport = Transport { trust: config.trust.clone() };
        let opened = Session::open(transport, &config.directory, &key).await;
        let mut session = opened.map_err(|fault| self.directory(&fault))?;
        if let Some(account) = config.folder.account()? {
            session.sign_in(account);
            return Ok(session);
        }
        let mut wanted = json!({ "termsOfServiceAgreed": true });
        if let Some(email) = &config.email {
            wanted["contact"] = json!([format!("mailto:{email}")]);
        }
        if let Some((id, secret)) = &config.external {
            wanted["externalAccountBinding"] = session.binding(id, secret);
        }
        let url = session.directory.new_account.clone();
        let answer = session.post(&url, Some(&wanted)).await;
        let answer =
            answer.map_err(|fault| said("the CA gives no account", &fault, || Error::Account(fault.to_string())))?;
        let account = answer.field("location");
        let account = account.ok_or_else(|| Error::Account("its answer names no account".to_owned()))?;
        config.folder.keep_account(&account)?;
        session.sign_in(account);
        Ok(session)
    }

    fn directory(&self, fault: &Fault) -> Error {
        let reason = fault.to_string();
        let is_untrusted =
            ["unknown-issuer", "self-signed", "incomplete-chain"].iter().any(|code| reason.contains(code));
        Error::Directory { directory: self.config.directory.clone(), reason, is_untrusted }
    }

    /// Gets a certificate and keeps it; returns its last second.
    pub(super) async fn obtain(&self, session: &Session, held: Option<&[u8]>) -> Result<OffsetDateTime, Error> {
        let order = self.order(session, held).await?;
        let url = order.url.clone();
        let obtained = self.finish(session, order).await;
        if obtained.is_err() {
            // The next attempt begins a new one, unless this one can go on.
            match look(session, &url).await {
                Ok(now) if matches!(now.status.as_str(), "ready" | "processing" | "valid") => {}
                Err(Fault::Unreachable(_)) => {}
                Ok(_) | Err(Fault::Problem(_) | Fault::Broken(_)) => self.config.folder.forget_order()?,
            }
        }
        obtained
    }

    async fn finish(&self, session: &Session, mut order: Order) -> Result<OffsetDateTime, Error> {
        if order.status == "pending" {
            let answering = self.answer(session, &order).await?;
            order = self.wait(session, order, &["pending"]).await?;
            drop(answering);
        }
        let key = self.config.folder.next_key()?;
        if order.status == "ready" {
            let request = csr::generate(&key, &Subject::empty(), &self.config.names, Purpose::Server)?;
            let payload = json!({ "csr": BASE64URL.encode_to_string(&request) });
            session.post(&order.finalize, Some(&payload)).await.map_err(|fault| self.refused(&fault))?;
        }
        order = self.wait(session, order, &["pending", "ready", "processing"]).await?;
        let missing = || Error::Protocol { doing: "the CA issues no certificate", problem: "it shows none".to_owned() };
        let url = order.certificate.as_deref().ok_or_else(missing)?;
        let answer = session.post(url, None).await;
        let answer = answer.map_err(|fault| protocol("the CA does not hand out the certificate", &fault))?;
        self.keep(&String::from_utf8_lossy(&answer.body), key)
    }

    fn keep(&self, chain: &str, key: PrivateKey) -> Result<OffsetDateTime, Error> {
        let unreadable = |error: container::Error| Error::Protocol {
            doing: "the CA's certificate cannot be read",
            problem: error.to_string(),
        };
        let ders = container::certificates(chain.as_bytes()).map_err(unreadable)?;
        let credentials = match Credentials::new(ders, key) {
            Ok(credentials) => credentials,
            Err(error) => {
                self.config.folder.forget_order()?;
                return Err(error.into());
            }
        };
        let not_after = credentials.report()?.not_after.0;
        self.config.folder.keep(chain, credentials.key())?;
        Ok(not_after)
    }

    /// The order under way, if the CA still has it; else a new one.
    async fn order(&self, session: &Session, held: Option<&[u8]>) -> Result<Order, Error> {
        let folder = &self.config.folder;
        if let Some(url) = folder.order()? {
            match look(session, &url).await {
                Ok(order) if order.status != "invalid" => return Ok(order),
                Ok(_) | Err(Fault::Problem(_)) => folder.forget_order()?,
                Err(fault) => return Err(self.directory(&fault)),
            }
        }
        let identifiers: Vec<_> = self.config.names.iter().map(Identifier::from).collect();
        let mut wanted = json!({ "identifiers": identifiers });
        // A CA without ARI may refuse to hear of a replacement.
        let replaced = held.and_then(schedule::identifier).filter(|_| session.directory.renewal_info.is_some());
        if let Some(id) = &replaced {
            wanted["replaces"] = json!(id);
        }
        let url = &session.directory.new_order;
        let mut answer = session.post(url, Some(&wanted)).await;
        if answer.is_err()
            && replaced.is_some()
            && let Some(wanted) = wanted.as_object_mut()
        {
            // Another order may have replaced it already.
            wanted.remove("replaces");
            answer = session.post(url, Some(&Value::Object(wanted.clone()))).await;
        }
        let answer = answer.map_err(|fault| self.refused(&fault))?;
        let mut order: Order = read(&answer).map_err(|fault| self.refused(&fault))?;
        let missing = || Error::Protocol { doing: "the order cannot be followed", problem: "it has no URL".to_owned() };
        order.url = answer.field("location").ok_or_else(missing)?;
        folder.keep_order(&order.url)?;
        Ok(order)
    }

    fn refused(&self, fault: &Fault) -> Error {
        if let Fault::Problem(problem) = fault
            && problem.kind.ends_with(":accountDoesNotExist")
        {
            // The next attempt registers the key again; a file that cannot be removed is told of then.
            let _ = self.config.folder.forget_account();
        }
        let names: Vec<String> = self.config.names.iter().map(SubjectAltName::value).collect();
        let doing = format!("the order for {} is not done", names.join(", "));
        said(&doing, fault, || Error::Order { names, problem: fault.to_string() })
    }

    /// Answers a challenge for each name that is not validated yet, and says so to the CA.
    async fn answer(&self, session: &Session, order: &Order) -> Result<Vec<Answering<'_>>, Error> {
        let (method, able) = match &self.config.tokens {
            Some(_) => (Method::Http01, "http-01"),
            None => (Method::TlsAlpn01, "tls-alpn-01"),
        };
        let mut answering = Vec::new();
        for url in &order.authorizations {
            let answer = session.post(url, None).await;
            let authorization: Authorization = answer
                .and_then(|answer| read(&answer))
                .map_err(|fault| protocol("the CA does not show an authorization", &fault))?;
            if authorization.status != "pending" {
                continue;
            }
            let shown = authorization.identifier.value.clone();
            let Some(challenge) = authorization.challenges.iter().find(|challenge| challenge.kind == able) else {
                let offered = authorization.challenges.into_iter().map(|challenge| challenge.kind).collect();
                return Err(Error::NoChallenge { name: shown, offered, able });
            };
            let name = match shown.parse() {
                Ok(address) if authorization.identifier.kind == "ip" => SubjectAltName::Ip(address),
                _ => SubjectAltName::Dns(shown),
            };
            let text = session.authorization(&challenge.token);
            match &self.config.tokens {
                Some(tokens) => tokens.insert(&challenge.token, &text),
                None => self.config.challenges.insert(&name, &sha256(text.as_bytes()))?,
            }
            (self.observer)(&Event::Validating { name: name.value(), method });
            answering.push(Answering { client: self, name: name.clone(), token: challenge.token.clone() });
            let begun = session.post(&challenge.url, Some(&json!({}))).await;
            let refused = |fault: &Fault| Error::Challenge { name: name.value(), method, problem: fault.to_string() };
            begun.map_err(|fault| said("the challenge is not begun", &fault, || refused(&fault)))?;
        }
        Ok(answering)
    }

    /// Waits while an order has one of these states; an order that becomes invalid is an error with the CA's reason.
    async fn wait(&self, session: &Session, order: Order, states: &[&str]) -> Result<Order, Error> {
        let (until, url) = (Instant::now() + PATIENCE, order.url);
        let doing = "the CA does not finish the order";
        loop {
            let answer = session.post(&url, None).await.map_err(|fault| protocol(doing, &fault))?;
            let mut order: Order = read(&answer).map_err(|fault| protocol(doing, &fault))?;
            order.url.clone_from(&url);
            if order.status == "invalid" {
                return Err(self.failed(session, &order).await);
            }
            if !states.contains(&order.status.as_str()) {
                return Ok(order);
            }
            if Instant::now() > until {
                let problem = format!("it is {} after {} s", order.status, PATIENCE.as_secs());
                return Err(Error::Protocol { doing, problem });
            }
            sleep(retry_after(&answer).unwrap_or(LOOK).clamp(LOOK / 2, LONGEST_LOOK)).await;
        }
    }

    /// The reason why an order is invalid: the challenge's, which says more than the order's.
    async fn failed(&self, session: &Session, order: &Order) -> Error {
        for url in &order.authorizations {
            let answer = session.post(url, None).await;
            let Ok(authorization) = answer.and_then(|answer| read::<Authorization>(&answer)) else { continue };
            let name = authorization.identifier.value;
            for Challenge { kind, error, .. } in authorization.challenges {
                let method = Method::ALL.into_iter().find(|known| known.name() == kind);
                if let (Some(method), Some(problem)) = (method, error) {
                    return Error::Challenge { name, method, problem: problem.to_string() };
                }
            }
        }
        let problem = order.error.as_ref().map_or_else(|| "no reason is given".to_owned(), Problem::to_string);
        Error::Order { names: self.config.names.iter().map(SubjectAltName::value).collect(), problem }
    }
}

async fn look(session: &Session, url: &str) -> Result<Order, Fault> {
    let mut order: Order = read(&session.post(url, None).await?)?;
    url.clone_into(&mut order.url);
    Ok(order)
}

fn protocol(doing: &'static str, fault: &Fault) -> Error {
    said(doing, fault, || Error::Protocol { doing, problem: fault.to_string() })
}

/// The error of a fault, which is `answered` unless no answer came.
fn said(doing: &str, fault: &Fault, answered: impl FnOnce() -> Error) -> Error {
    match fault {
        Fault::Unreachable(problem) => Error::Unreachable { doing: doing.to_owned(), problem: problem.clone() },
        Fault::Problem(_) | Fault::Broken(_) => answered(),
    }
}
