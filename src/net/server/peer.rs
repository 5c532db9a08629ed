//! The client of a connection or a request, as far as believed.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::HeaderValue;
use rustls::{CipherSuite, NamedGroup, ProtocolVersion, ServerConnection};

use crate::judge::report;
use crate::net::server::forwarded::Forwarded;
use crate::net::server::identity::Identity;
use crate::net::server::places::{Over, Place};
use crate::net::tls;

/// The other end: the client, or the client that a trusted proxy names.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// The client's address; port 0 if unknown behind a proxy.
    pub(super) address: SocketAddr,
    /// The address as fields of HTTP name it, written once and not for each request.
    pub(super) field: HeaderValue,
    /// The trusted proxy that the client came through.
    pub(super) through: Option<SocketAddr>,
    /// The TLS of the connection to this server.
    pub(super) tls: Option<TlsParameters>,
    /// True if the client itself came by https or wss.
    pub(super) is_secure: bool,
    pub(super) http2: bool,
    /// The host that was asked for.
    pub(super) host: Option<Arc<str>>,
    /// The certificate that the client has shown to this server.
    pub(super) identity: Option<Arc<Identity>>,
    /// The place that it has among the connections, as long as this is held.
    pub(super) place: Option<Arc<Place>>,
    /// The limit that its connection is over.
    pub(super) over: Option<Over>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TlsParameters {
    version: ProtocolVersion,
    cipher_suite: CipherSuite,
    group: Option<NamedGroup>,
}

/// An address without its port, as X-Forwarded-For has it.
fn field(address: SocketAddr) -> HeaderValue {
    let text = address.ip().to_canonical().to_string();
    HeaderValue::try_from(text).unwrap_or_else(|_not_ascii| HeaderValue::from_static("unknown"))
}

impl TlsParameters {
    pub(super) fn of(tls: &ServerConnection) -> Self {
        Self {
            version: tls.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
            cipher_suite: tls.negotiated_cipher_suite().map_or(CipherSuite::Unknown(0), |suite| suite.suite()),
            group: tls.negotiated_key_exchange_group().map(rustls::crypto::SupportedKxGroup::name),
        }
    }
}

impl Peer {
    /// The client of a connection.
    pub(super) fn new(address: SocketAddr, through: Option<SocketAddr>, tls: Option<&ServerConnection>) -> Self {
        Self {
            address,
            field: field(address),
            through,
            is_secure: tls.is_some(),
            http2: tls.is_some_and(|tls| tls.alpn_protocol() == Some(b"h2")),
            tls: tls.map(TlsParameters::of),
            host: None,
            place: None,
            over: None,
            identity: tls.and_then(Identity::of).map(Arc::new),
        }
    }

    /// The client of a request that was forwarded over this connection.
    pub(super) fn forwarding(mut self, forwarded: &Forwarded) -> Self {
        if forwarded.client.is_some() || forwarded.is_secure.is_some() {
            self.through.get_or_insert(self.address);
        }
        if let Some(client) = forwarded.client {
            (self.address, self.field) = (client, field(client));
        }
        self.is_secure = forwarded.is_secure.unwrap_or(self.is_secure);
        self
    }

    /// The name of the TLS version.
    pub(super) fn version(&self) -> Option<String> {
        Some(self.report()?.tls_version)
    }

    /// The TLS of the connection to this server, in the registries' names.
    pub(super) fn report(&self) -> Option<report::Connection> {
        let TlsParameters { version, cipher_suite, group } = self.tls?;
        let mut connection = tls::describe(version, cipher_suite, Some(if self.http2 { "h2" } else { "http/1.1" }));
        connection.key_exchange = group.map(tls::group_name);
        Some(connection)
    }
}
