//! A client that signs requests itself, so that each part of one can be wrong.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::authority::Authority;

pub(crate) struct Signer {
    pub(crate) key: EcdsaKeyPair,
    /// The account's URL, once there is one.
    pub(crate) kid: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    head: String,
    pub(crate) text: String,
}

impl Answer {
    fn of(output: &str) -> Self {
        let (head, text) = output.split_once("\r\n\r\n").unwrap_or((output, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("no status in {output}")),
            head: head.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Fails unless it is a problem of this kind, with a new nonce.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, kind: &str, words: &str) {
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:ietf:params:acme:error:{kind}"), "{}", self.text);
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert!(problem["detail"].as_str().unwrap().contains(words), "`{words}` is not in {}", self.text);
        assert!(self.header("replay-nonce").is_some(), "the client can try again");
    }
}

impl Signer {
    /// A key without an account.
    pub(crate) fn new() -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), kid: None }
    }

    /// A key with an account.
    #[track_caller]
    pub(crate) fn registered(authority: &Authority) -> Self {
        let mut signer = Self::new();
        let answer = signer.post(authority, "/acme/new-account", &json!({ "termsOfServiceAgreed": true }));
        assert_eq!(answer.status, 201, "{}", answer.text);
        signer.kid = Some(answer.header("location").unwrap().to_owned());
        signer
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL.encode_to_string(x), "y": BASE64URL.encode_to_string(y) })
    }

    /// A good header.
    pub(crate) fn header(&self, authority: &Authority, url: &str) -> Value {
        let mut header = json!({ "alg": "ES256", "url": url, "nonce": nonce(authority) });
        match &self.kid {
            Some(kid) => header["kid"] = json!(kid),
            None => header["jwk"] = self.jwk(),
        }
        header
    }

    pub(crate) fn sign(&self, header: &Value, payload: &str) -> Value {
        let (protected, payload) =
            (BASE64URL.encode_to_string(header.to_string()), BASE64URL.encode_to_string(payload));
        let signature = self.key.sign(&SystemRandom::new(), format!("{protected}.{payload}").as_bytes()).unwrap();
        json!({ "protected": protected, "payload": payload, "signature": BASE64URL.encode_to_string(signature) })
    }

    /// Posts a good request.
    #[track_caller]
    pub(crate) fn post(&self, authority: &Authority, path: &str, payload: &Value) -> Answer {
        self.post_text(authority, &url(authority, path), &payload.to_string())
    }

    /// Looks at a URL by POST-as-GET.
    #[track_caller]
    pub(crate) fn get(&self, authority: &Authority, url: &str) -> Answer {
        self.post_text(authority, url, "")
    }

    #[track_caller]
    fn post_text(&self, authority: &Authority, url: &str, payload: &str) -> Answer {
        send(authority, url, &self.sign(&self.header(authority, url), payload).to_string())
    }
}

/// A binding of a key's account, signed with a shared key (RFC 8555 section 7.3.4).
pub(crate) fn binding(signer: &Signer, url: &str, id: &str, secret: &str) -> Value {
    let header = json!({ "alg": "HS256", "kid": id, "url": url });
    let protected = BASE64URL.encode_to_string(header.to_string());
    let payload = BASE64URL.encode_to_string(signer.jwk().to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64URL.decode_to_vec(secret).unwrap());
    let signature = hmac::sign(&key, format!("{protected}.{payload}").as_bytes());
    json!({ "protected": protected, "payload": payload, "signature": BASE64URL.encode_to_string(signature) })
}

pub(crate) fn url(authority: &Authority, path: &str) -> String {
    format!("{}{path}", authority.server.url())
}

pub(crate) fn nonce(authority: &Authority) -> String {
    let answer = curl(authority, &["--head"], &url(authority, "/acme/new-nonce"), "");
    answer.header("replay-nonce").unwrap().to_owned()
}

/// Posts a body as it is.
#[track_caller]
pub(crate) fn send(authority: &Authority, url: &str, body: &str) -> Answer {
    let kind = "Content-Type: application/jose+json";
    curl(authority, &["--request", "POST", "--header", kind, "--data-binary", "@-"], url, body)
}

#[track_caller]
pub(crate) fn curl(authority: &Authority, flags: &[&str], url: &str, body: &str) -> Answer {
    let mut command = authority.sandbox.command("curl");
    command.args(["--silent", "--show-error", "--include", "--http1.1", "--header", "Expect:"]);
    command.args(["--cacert", &authority.root()]).args(flags).arg(url);
    Answer::of(&authority.sandbox.finish(&format!("curl {url}"), &mut command, body.as_bytes()).success().stdout_text())
}
