//! One certificate: account, order, challenges, request, chain (RFC 8555 section 7).
//!
//! Each step finds what an earlier run has left: the account by its key, the order by its URL, the key before a
//! certificate exists for it.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error as AcmeError, ExternalAccountKey,
    Identifier, Key, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::{problem_words, words};
use super::transport::Transport;
use super::{AcmeClient, Error, Event, schedule};
use crate::encoding::container;
use crate::issue::credentials::Credentials;
use crate::net::acme::server::Method;
use crate::x509::csr::{self, Purpose};
use crate::x509::key::PrivateKey;
use crate::x509::name::{Subject, SubjectAltName};

/// The most bad nonces in a row that are borne: of a server that refuses half of them, one in a million attempts fails.
/// The library makes three requests of each attempt.
const NONCES: u32 = 20;

/// How long the CA may take to validate, and to issue.
const POLL: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(90));

/// Repeats an operation for as long as the CA refuses its nonces (RFC 8555 section 6.5).
macro_rules! with_nonces {
    ($operation:expr) => {{
        let mut refused = 0;
        loop {
            match $operation.await {
                Err(AcmeError::Api(problem)) if is_bad_nonce(&problem) => {
                    refused += 1;
                    if refused == NONCES {
                        return Err(Error::Nonces { count: refused });
                    }
                }
                result => break result,
            }
        }
    }};
}

fn is_bad_nonce(problem: &instant_acme::Problem) -> bool {
    problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(":badNonce"))
}

/// A challenge that is being answered; its answer ends with this value.
struct Answering<'a> {
    client: &'a AcmeClient,
    name: SubjectAltName,
    method: Method,
    token: String,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        match (self.method, &self.client.config.tokens) {
            (Method::Http01, Some(tokens)) => tokens.remove(&self.token),
            _ => self.client.config.challenges.remove(&self.name),
        }
    }
}

impl AcmeClient {
    /// The account: the one that was kept, else the one of the kept key, else a new one.
    pub(super) async fn account(&self) -> Result<Account, Error> {
        let config = &self.config;
        let transport = Transport { tls: Arc::clone(&config.tls), resolve: config.resolve.clone().into() };
        let builder = || Account::builder_with_http(Box::new(transport.clone()));
        if let Some(kept) = config.folder.account()?
            && let Ok(credentials) = serde_json::from_slice::<AccountCredentials>(&kept)
        {
            return builder().from_credentials(credentials).await.map_err(|error| self.directory(&error));
        }
        let contact = config.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let (account, credentials) = if let Some((id, secret)) = &config.external {
            let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
            let external = ExternalAccountKey::new(id.clone(), secret);
            with_nonces!(builder().create(&new, config.directory.clone(), Some(&external)))
        } else {
            let key = config.folder.account_key()?;
            let parts = || {
                let der = PrivatePkcs8KeyDer::from(key.pkcs8().to_vec());
                Key::from_pkcs8_der(der.clone_key()).map(|key| (key, PrivateKeyDer::Pkcs8(der)))
            };
            with_nonces!(async { builder().create_from_key(parts()?, config.directory.clone()).await })
        }
        .map_err(|error| match error {
            AcmeError::Api(problem) => Error::Account(problem_words(&problem)),
            error => self.directory(&error),
        })?;
        if !contact.is_empty() && config.external.is_none() {
            let updated = with_nonces!(account.update_contacts(&contact));
            updated.map_err(|error| Error::Account(words(&error)))?;
        }
        let json = serde_json::to_vec(&credentials).map_err(|error| Error::Account(error.to_string()))?;
        config.folder.keep_account(json)?;
        Ok(account)
    }

    fn directory(&self, error: &AcmeError) -> Error {
        let reason = words(error);
        let is_untrusted = reason.contains("UnknownIssuer");
        Error::Directory { directory: self.config.directory.clone(), reason, is_untrusted }
    }

    /// Gets a certificate and keeps it; returns its last second.
    pub(super) async fn obtain(&self, account: &Account, held: Option<&CertificateDer<'_>>) -> Result<String, Error> {
        let mut order = self.order(account, held).await?;
        let obtained = self.finish(&mut order).await;
        if obtained.is_err() {
            // The next attempt begins a new one, unless this one can go on.
            let state = with_nonces!(order.refresh()).map(|state| state.status);
            if !matches!(state, Ok(OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid)) {
                self.config.folder.forget_order()?;
            }
        }
        obtained
    }

    async fn finish(&self, order: &mut Order) -> Result<String, Error> {
        let fault = |doing| move |error: AcmeError| Error::Protocol { doing, problem: words(&error) };
        if order.state().status == OrderStatus::Pending {
            let _answering = self.answer(order).await?;
            self.wait_until_ready(order).await?;
        }
        let key = self.config.folder.next_key()?;
        if order.state().status == OrderStatus::Ready {
            let request = csr::generate(&key, &Subject::empty(), &self.config.names, Purpose::Server)?;
            with_nonces!(order.finalize_csr(&request)).map_err(|error| self.refused(&error))?;
        }
        // It looks at the order first, so that one that another run has finalized is seen as it is.
        let chain = with_nonces!(order.poll_certificate(&POLL)).map_err(fault("the CA issues no certificate"))?;
        self.keep(&chain, key)
    }

    fn keep(&self, chain: &str, key: PrivateKey) -> Result<String, Error> {
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
        let not_after = credentials.report()?.not_after;
        self.config.folder.keep(chain, credentials.key())?;
        Ok(not_after)
    }

    /// The order under way, if the CA still has it; else a new one.
    async fn order(&self, account: &Account, held: Option<&CertificateDer<'_>>) -> Result<Order, Error> {
        let folder = &self.config.folder;
        if let Some(url) = folder.order()? {
            match with_nonces!(account.order(url.clone())) {
                Ok(mut order) if order.state().status != OrderStatus::Invalid => return Ok(order),
                Ok(_) | Err(AcmeError::Api(_)) => folder.forget_order()?,
                Err(error) => return Err(self.directory(&error)),
            }
        }
        let identifiers: Vec<_> = self.config.names.iter().map(identifier).collect();
        let replaced = held.and_then(|held| schedule::identifier(held));
        let mut ordered = match replaced {
            Some(id) => {
                let order = NewOrder::new(&identifiers).replaces(id);
                with_nonces!(account.new_order(&order))
            }
            None => with_nonces!(account.new_order(&NewOrder::new(&identifiers))),
        };
        if ordered.is_err() && held.is_some() {
            // A CA without ARI, or one that knows of another replacement.
            ordered = with_nonces!(account.new_order(&NewOrder::new(&identifiers)));
        }
        let order = ordered.map_err(|error| self.refused(&error))?;
        folder.keep_order(order.url())?;
        Ok(order)
    }

    fn refused(&self, error: &AcmeError) -> Error {
        let names = self.config.names.iter().map(SubjectAltName::value).collect();
        Error::Order { names, problem: words(error) }
    }

    /// Answers a challenge for each name that is not validated yet, and says so to the CA.
    async fn answer(&self, order: &mut Order) -> Result<Vec<Answering<'_>>, Error> {
        let (kind, method, able) = match &self.config.tokens {
            Some(_) => (ChallengeType::Http01, Method::Http01, "http-01"),
            None => (ChallengeType::TlsAlpn01, Method::TlsAlpn01, "tls-alpn-01"),
        };
        let mut answering = Vec::new();
        let mut index = 0;
        loop {
            // From the beginning, because the library's stream ends with an error: what it has is not asked for again.
            let mut authorizations = order.authorizations();
            for _ in 0..index {
                let _known = authorizations.next().await;
            }
            let next = match authorizations.next().await {
                None => break,
                Some(next) => next,
            };
            let mut authorization = match next {
                Ok(authorization) => authorization,
                Err(AcmeError::Api(problem)) if is_bad_nonce(&problem) => continue,
                Err(error) => return Err(protocol("the CA does not show an authorization", &error)),
            };
            index += 1;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let offered = authorization.challenges.iter().map(|challenge| challenge_name(&challenge.r#type)).collect();
            let shown = authorization.identifier().to_string();
            let Some(mut challenge) = authorization.challenge(kind.clone()) else {
                return Err(Error::NoChallenge { name: shown, offered, able });
            };
            let name = match challenge.identifier().identifier {
                Identifier::Ip(address) => SubjectAltName::Ip(*address),
                _ => SubjectAltName::Dns(shown),
            };
            let authorization = challenge.key_authorization();
            let token = challenge.token.clone();
            match &self.config.tokens {
                Some(tokens) => tokens.insert(&token, authorization.as_str()),
                None => {
                    let digest = crate::x509::key::sha256(authorization.as_str().as_bytes());
                    self.config.challenges.insert(&name, &digest)?;
                }
            }
            (self.observer)(&Event::Validating { name: name.value(), method });
            answering.push(Answering { client: self, name: name.clone(), method, token });
            with_nonces!(challenge.set_ready()).map_err(|error| Error::Challenge {
                name: name.value(),
                method,
                problem: words(&error),
            })?;
        }
        Ok(answering)
    }

    /// Waits until the CA has validated all names, or says why it has not.
    async fn wait_until_ready(&self, order: &mut Order) -> Result<(), Error> {
        let problem = match with_nonces!(order.poll_ready(&POLL)) {
            Ok(OrderStatus::Ready | OrderStatus::Valid | OrderStatus::Processing) => return Ok(()),
            Ok(_) => "the order is invalid".to_owned(),
            Err(error) => words(&error),
        };
        // The challenge says more than the order.
        Err(self
            .failed_challenge(order)
            .await
            .unwrap_or(Error::Protocol { doing: "the CA validates nothing", problem }))
    }

    async fn failed_challenge(&self, order: &mut Order) -> Option<Error> {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            for _ in 0..NONCES {
                match authorization.refresh().await {
                    Err(AcmeError::Api(problem)) if is_bad_nonce(&problem) => {}
                    _ => break,
                }
            }
            let failed = authorization.challenges.iter().find_map(|challenge| {
                let problem = challenge.error.as_ref()?;
                let method = Method::ALL.into_iter().find(|known| known.name() == challenge_name(&challenge.r#type))?;
                Some((method, problem_words(problem)))
            });
            if let Some((method, problem)) = failed {
                return Some(Error::Challenge { name: authorization.identifier().to_string(), method, problem });
            }
        }
        None
    }
}

fn protocol(doing: &'static str, error: &AcmeError) -> Error {
    Error::Protocol { doing, problem: words(error) }
}

fn identifier(name: &SubjectAltName) -> Identifier {
    match name {
        SubjectAltName::Ip(address) => Identifier::Ip(*address),
        name => Identifier::Dns(name.value()),
    }
}

fn challenge_name(kind: &ChallengeType) -> String {
    match kind {
        ChallengeType::Http01 => "http-01".to_owned(),
        ChallengeType::Dns01 => "dns-01".to_owned(),
        ChallengeType::TlsAlpn01 => "tls-alpn-01".to_owned(),
        ChallengeType::DeviceAttest01 => "device-attest-01".to_owned(),
        ChallengeType::Unknown(name) => name.clone(),
        _ => "another".to_owned(),
    }
}
