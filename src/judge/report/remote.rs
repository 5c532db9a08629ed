//! Facts about a server, from one TLS connection.

use serde::Serialize;

use super::{Connection, Time};

/// Properties of the connection, and data that the server sent beside its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Remote {
    /// The address and port that answered.
    pub address: String,
    /// The server name that was sent (SNI); absent for an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Version, cipher suite and application protocol.
    #[serde(flatten)]
    pub connection: Connection,
    /// The group of the key exchange, as in `X25519MLKEM768`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<String>,
    /// True if the server asked for a client certificate.
    pub client_certificate_requested: bool,
    /// True if the server proved that it has the first certificate's key; absent if that cannot be checked here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_proven: Option<bool>,
    /// The stapled OCSP response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocsp: Option<Ocsp>,
}

/// A stapled OCSP response (RFC 6960), its signature unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ocsp {
    /// `good`, `revoked`, `unknown`; for a response without one its own status, as in `tryLater`; `malformed`.
    pub status: String,
    /// Time of the status, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub this_update: Option<Time>,
    /// Time by which a newer status is due, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Time>,
}

/// The layer at which a server could not be asked, and the code of the cause, as docs/failures has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cause {
    /// `address`, `dns`, `tcp` or `tls`.
    pub layer: &'static str,
    /// The code, as in `connect-timeout`, which never changes.
    pub code: &'static str,
}

impl Remote {
    /// One line: `TLSv1.3, TLS_AES_256_GCM_SHA384, X25519, h2; from 127.0.0.1:443`.
    #[must_use]
    pub fn text(&self) -> String {
        let Connection { tls_version, cipher_suite, alpn, .. } = &self.connection;
        let mut words = vec![tls_version.clone(), cipher_suite.clone()];
        words.extend(self.key_exchange.clone());
        words.extend(alpn.clone());
        words.push(format!("from {}", self.address));
        if self.client_certificate_requested {
            words.push("asks for a client certificate".to_owned());
        }
        if self.key_proven == Some(false) {
            words.push("does not have the certificate's key".to_owned());
        }
        words.extend(self.ocsp.as_ref().map(Ocsp::text));
        words.join(", ")
    }
}

impl Ocsp {
    fn text(&self) -> String {
        let until = self.next_update.map(Time::day);
        let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
        format!("stapled OCSP: {}{until}", self.status)
    }
}
