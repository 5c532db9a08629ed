//! Problem documents (RFC 8555 section 6.7, RFC 7807).

use serde::{Serialize, Serializer};

use super::identifier::Identifier;

/// The kind of a problem: its type in the registry, with the status that it usually goes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The key belongs to no account.
    AccountDoesNotExist,
    /// The certificate has a replacement already (RFC 9773 section 7.4).
    AlreadyReplaced,
    /// The certificate is revoked already.
    AlreadyRevoked,
    /// The certification request cannot be signed.
    BadCsr,
    /// The nonce was used before, or is not this server's.
    BadNonce,
    /// The key is not accepted.
    BadPublicKey,
    /// The reason for a revocation is not accepted.
    BadRevocationReason,
    /// The signature's algorithm is not accepted.
    BadSignatureAlgorithm,
    /// The server could not connect to the host that is to be validated.
    Connection,
    /// An account needs an external account binding.
    ExternalAccountRequired,
    /// The host's answer to a challenge is not the one expected.
    IncorrectResponse,
    /// A contact is malformed.
    InvalidContact,
    /// The request is malformed.
    Malformed,
    /// The order is not ready for the request.
    OrderNotReady,
    /// There is more of something than there may be.
    RateLimited,
    /// The CA may not sign for a name.
    RejectedIdentifier,
    /// The server failed.
    ServerInternal,
    /// TLS with the host failed during validation.
    Tls,
    /// The client may not do this.
    Unauthorized,
    /// A contact is of an unknown kind.
    UnsupportedContact,
    /// A name is of a kind that is not certified.
    UnsupportedIdentifier,
}

impl Kind {
    /// The last part of the type's URN.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountDoesNotExist => "accountDoesNotExist",
            Self::AlreadyReplaced => "alreadyReplaced",
            Self::AlreadyRevoked => "alreadyRevoked",
            Self::BadCsr => "badCSR",
            Self::BadNonce => "badNonce",
            Self::BadPublicKey => "badPublicKey",
            Self::BadRevocationReason => "badRevocationReason",
            Self::BadSignatureAlgorithm => "badSignatureAlgorithm",
            Self::Connection => "connection",
            Self::ExternalAccountRequired => "externalAccountRequired",
            Self::IncorrectResponse => "incorrectResponse",
            Self::InvalidContact => "invalidContact",
            Self::Malformed => "malformed",
            Self::OrderNotReady => "orderNotReady",
            Self::RateLimited => "rateLimited",
            Self::RejectedIdentifier => "rejectedIdentifier",
            Self::ServerInternal => "serverInternal",
            Self::Tls => "tls",
            Self::Unauthorized => "unauthorized",
            Self::UnsupportedContact => "unsupportedContact",
            Self::UnsupportedIdentifier => "unsupportedIdentifier",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::ExternalAccountRequired | Self::IncorrectResponse | Self::OrderNotReady => 403,
            Self::AlreadyReplaced => 409,
            Self::RateLimited => 429,
            Self::ServerInternal => 500,
            _ => 400,
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:ietf:params:acme:error:{}", self.name()))
    }
}

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The problem in words.
    pub detail: String,
    /// The status of the answer that carries it.
    pub status: u16,
    /// The name that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Box<Identifier>>,
    /// The problems of single names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subproblems: Vec<Problem>,
    /// The algorithms that would be accepted.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub algorithms: &'static [&'static str],
    /// The URL of an existing object, for the field `Location`.
    #[serde(skip)]
    pub(super) location: Option<String>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            status: kind.status(),
            identifier: None,
            subproblems: Vec::new(),
            algorithms: &[],
            location: None,
        }
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, detail)
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unauthorized, detail)
    }

    /// A fault of the server's own, such as a disk that is full.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            detail.extend([": ", cause.to_string().as_str()]);
            source = cause.source();
        }
        Self::new(Kind::ServerInternal, detail)
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn about(self, identifier: &Identifier) -> Self {
        Self { identifier: Some(Box::new(identifier.clone())), ..self }
    }
}
