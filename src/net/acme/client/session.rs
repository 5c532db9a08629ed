//! Signed requests to a CA (RFC 8555 section 6): one key, a nonce for each request, and problems as the CA words them.
//!
//! Of the libraries, instant-acme comes closest. It gives up after three bad nonces, makes the account's key itself where
//! an external account is bound, so that a client killed meanwhile has a second account, and the half of the protocol
//! that it has is here already, on the server's side.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::http::Method;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::transport::{Answer, Transport};
use crate::net::acme::jwk::Jwk;
use crate::x509::key::PrivateKey;

/// The most bad nonces in a row that are borne: of a CA that refuses half of them, one request in a million fails.
const NONCES: u32 = 20;

/// The CA's URLs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    pub(super) renewal_info: Option<String>,
}

/// A problem document (RFC 7807).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    subproblems: Vec<Problem>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.detail.is_empty() { "no reason is given" } else { &self.detail })?;
        for one in self.subproblems.iter().filter(|one| !self.detail.contains(&one.detail)) {
            write!(f, "; {}", one.detail)?;
        }
        write!(f, " ({})", self.kind.rsplit(':').next().unwrap_or_default())
    }
}

/// Reason why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The CA says no.
    #[error("{0}")]
    Problem(Problem),
    /// The answer is none of ACME's.
    #[error("{0}")]
    Broken(String),
    /// No answer came.
    #[error("{0}")]
    Unreachable(String),
}

impl Fault {
    fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A key with the CA's directory, and perhaps with its account.
pub(super) struct Session {
    transport: Transport,
    pub(super) directory: Directory,
    key: EcdsaKeyPair,
    jwk: Jwk,
    /// The account's URL.
    account: Option<String>,
    nonce: Mutex<Option<String>>,
}

impl Session {
    /// Reads the directory.
    pub(super) async fn open(transport: Transport, directory: &str, key: &PrivateKey) -> Result<Self, Fault> {
        let answer = transport.send(Method::GET, directory, None).await.map_err(Fault::Unreachable)?;
        let directory = read(&answer)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.pkcs8());
        let key = pair.map_err(|error| Fault::broken(&error))?;
        let jwk = jwk(&key).map_err(|error| Fault::broken(&error))?;
        Ok(Self { transport, directory, key, jwk, account: None, nonce: Mutex::default() })
    }

    /// Signs as this account from now on.
    pub(super) fn sign_in(&mut self, account: String) {
        self.account = Some(account);
    }

    /// The text that answers a challenge (RFC 8555 section 8.1).
    pub(super) fn authorization(&self, token: &str) -> String {
        format!("{token}.{}", self.jwk.thumbprint())
    }

    /// The key as an external account's key binds it (RFC 8555 section 7.3.4).
    pub(super) fn binding(&self, id: &str, secret: &[u8]) -> Value {
        let header = json!({ "alg": "HS256", "kid": id, "url": self.directory.new_account });
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        jws(&header, &self.jwk.canonical(), |signed| hmac::sign(&key, signed).as_ref().to_vec())
    }

    /// Asks without a signature.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, Fault> {
        let answer = self.transport.send(Method::GET, url, None).await.map_err(Fault::Unreachable)?;
        if answer.is_good() { Ok(answer) } else { Err(fault(&answer)) }
    }

    /// Posts a payload, or looks at a URL by POST-as-GET; again with another nonce for as long as it is the nonce that is
    /// refused (RFC 8555 section 6.5).
    pub(super) async fn post(&self, url: &str, payload: Option<&Value>) -> Result<Answer, Fault> {
        let payload = payload.map(Value::to_string).unwrap_or_default();
        let mut refused = 0;
        loop {
            let body = self.sign(url, &payload).await?;
            let answer = self.transport.send(Method::POST, url, Some(body)).await.map_err(Fault::Unreachable)?;
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = answer.field("replay-nonce");
            if answer.is_good() {
                return Ok(answer);
            }
            refused += 1;
            match fault(&answer) {
                Fault::Problem(problem) if problem.kind.ends_with(":badNonce") && refused < NONCES => {}
                fault => return Err(fault),
            }
        }
    }

    async fn sign(&self, url: &str, payload: &str) -> Result<String, Fault> {
        let kept = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).take();
        let nonce = if let Some(nonce) = kept {
            nonce
        } else {
            let sent = self.transport.send(Method::HEAD, &self.directory.new_nonce, None).await;
            let nonce = sent.map_err(Fault::Unreachable)?.field("replay-nonce");
            nonce.ok_or_else(|| Fault::Broken("the CA gives no nonce".to_owned()))?
        };
        let mut header = json!({ "alg": "ES256", "url": url, "nonce": nonce });
        match &self.account {
            Some(account) => header["kid"] = json!(account),
            None => {
                header["jwk"] = serde_json::from_str(&self.jwk.canonical()).map_err(|error| Fault::broken(&error))?;
            }
        }
        let mut signature = None;
        let message = jws(&header, payload, |signed| {
            let made = self.key.sign(&SystemRandom::new(), signed).map(|signature| signature.as_ref().to_vec());
            signature = Some(made.is_ok());
            made.unwrap_or_default()
        });
        match signature {
            Some(true) => Ok(message.to_string()),
            _ => Err(Fault::Broken("the request cannot be signed".to_owned())),
        }
    }
}

/// A message in JSON, signed by `sign`.
fn jws(header: &Value, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Value {
    let protected = BASE64URL.encode_to_string(header.to_string());
    let payload = BASE64URL.encode_to_string(payload);
    let signature = BASE64URL.encode_to_string(sign(format!("{protected}.{payload}").as_bytes()));
    json!({ "protected": protected, "payload": payload, "signature": signature })
}

fn jwk(key: &EcdsaKeyPair) -> Result<Jwk, crate::net::acme::jwk::Error> {
    let (x, y) = key.public_key().as_ref().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
    let text = |octets: &[u8]| Value::String(BASE64URL.encode_to_string(octets));
    let members = [("kty", "EC".into()), ("crv", "P-256".into()), ("x", text(x)), ("y", text(y))];
    Jwk::from_json(&members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Reads an answer's JSON.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Fault> {
    if !answer.is_good() {
        return Err(fault(answer));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Fault::Broken(format!("the CA's answer cannot be read: {error}")))
}

fn fault(answer: &Answer) -> Fault {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => Fault::Problem(problem),
        Err(_) => Fault::Broken(format!("the CA answers with the status {}", answer.status)),
    }
}

/// The wait that an answer asks for, as far as it is a number of seconds.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.field("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}
