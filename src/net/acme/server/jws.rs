//! Signed requests: JWS in its flattened form (RFC 7515 section 7.2.2, RFC 8555 section 6.2).

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::{Kind, Problem};
use crate::net::acme::jwk::{ALGORITHMS, Jwk, Unverified};

/// Nothing but these members: a request with an unprotected header or with several signatures is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flattened {
    protected: String,
    payload: String,
    signature: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    nonce: Option<String>,
    url: Option<String>,
    jwk: Option<Map<String, Value>>,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A message that was read; its signature counts once it is verified.
pub(super) struct Message {
    header: Header,
    /// The signed octets: protected header and payload.
    signed: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The key that a message names.
pub(super) enum Signer {
    /// The key itself.
    Key(Jwk),
    /// An account by its URL.
    Account(String),
}

impl Message {
    /// Reads a message from JSON.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of the kind `malformed`.
    pub(super) fn read(json: &[u8]) -> Result<Self, Problem> {
        let fault = |error: serde_json::Error| Problem::malformed(format!("the body is no JWS in JSON: {error}"));
        Self::from_parts(&serde_json::from_slice(json).map_err(fault)?)
    }

    /// Reads a message that stands in another one.
    ///
    /// # Errors
    ///
    /// As [`Message::read`].
    pub(super) fn within(json: &Value) -> Result<Self, Problem> {
        let fault = |error: serde_json::Error| Problem::malformed(format!("the inner JWS cannot be read: {error}"));
        Self::from_parts(&Flattened::deserialize(json).map_err(fault)?)
    }

    fn from_parts(parts: &Flattened) -> Result<Self, Problem> {
        let octets = |name: &str, text: &str| {
            let decoded = BASE64URL.decode_to_vec(text);
            decoded.map_err(|error| Problem::malformed(format!("`{name}` of the JWS is not base64url: {error}")))
        };
        let header = octets("protected", &parts.protected)?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| Problem::malformed(format!("the JWS's protected header cannot be read: {error}")))?;
        if header.crit.is_some() {
            return Err(Problem::malformed("the JWS's header has `crit`, and no extension is supported"));
        }
        Ok(Self {
            header,
            payload: octets("payload", &parts.payload)?,
            signature: octets("signature", &parts.signature)?,
            signed: format!("{}.{}", parts.protected, parts.payload),
        })
    }

    /// The nonce in its header.
    pub(super) fn nonce(&self) -> Option<&str> {
        self.header.nonce.as_deref()
    }

    /// The URL in its header.
    pub(super) fn url(&self) -> Option<&str> {
        self.header.url.as_deref()
    }

    /// The name of the key in its header.
    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The key that is to have signed it.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of the kind `malformed` or `badPublicKey`.
    pub(super) fn signer(&self) -> Result<Signer, Problem> {
        match (&self.header.jwk, &self.header.kid) {
            (Some(key), None) => match Jwk::from_json(key) {
                Ok(key) => Ok(Signer::Key(key)),
                Err(error) => Err(Problem {
                    algorithms: &ALGORITHMS,
                    ..Problem::new(Kind::BadPublicKey, format!("the key in `jwk` is not accepted: {error}"))
                }),
            },
            (None, Some(account)) => Ok(Signer::Account(account.clone())),
            _ => Err(Problem::malformed("the JWS's header needs either `jwk` or `kid`")),
        }
    }

    /// Checks the signature.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of the kind `badSignatureAlgorithm` or `malformed`.
    pub(super) fn verify(&self, key: &Jwk) -> Result<(), Problem> {
        let algorithm = &self.header.alg;
        key.verify(algorithm, self.signed.as_bytes(), &self.signature).map_err(|fault| match fault {
            Unverified::Unsupported => Problem {
                algorithms: &ALGORITHMS,
                ..Problem::new(
                    Kind::BadSignatureAlgorithm,
                    format!("the algorithm `{}` is not accepted, but {}", brief(algorithm), ALGORITHMS.join(", ")),
                )
            },
            Unverified::OtherKey => Problem::malformed(format!("`alg` is {algorithm}, and the key is of another kind")),
            Unverified::Wrong => Problem::malformed("the JWS's signature is not that of the key"),
        })
    }

    /// Checks a signature with a shared key (RFC 8555 section 7.3.4); false if it is another's, or no HMAC.
    pub(super) fn is_keyed_by(&self, secret: &[u8]) -> bool {
        let algorithm = match self.header.alg.as_str() {
            "HS256" => hmac::HMAC_SHA256,
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => return false,
        };
        let key = hmac::Key::new(algorithm, secret);
        hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// The payload, empty in a POST-as-GET.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as JSON.
    ///
    /// # Errors
    ///
    /// A [`Problem`] of the kind `malformed`.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.payload)
            .map_err(|error| Problem::malformed(format!("the payload cannot be read: {error}")))
    }
}

/// A client's text, short enough for a message.
pub(super) fn brief(text: &str) -> String {
    crate::x509::name::escape_unprintable(&text.chars().take(100).collect::<String>())
}
