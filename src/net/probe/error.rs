//! Reasons why a server could not be asked, each with its layer and its code.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{NoEndpoint, Starttls};
use crate::judge::report::remote::Cause;

/// Reason why a server could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host's name has no address.
    #[error("no address is known for `{host}`")]
    Unresolved {
        /// The host.
        host: String,
        /// Error from the operating system.
        source: io::Error,
    },
    /// The system's resolver says nothing.
    #[error("the system's resolver did not answer for `{host}` within {} s", limit.as_secs_f32())]
    ResolverTimedOut {
        /// The host.
        host: String,
        /// The time allowed.
        limit: Duration,
    },
    /// The system's resolver has no answer for now, as where the server that it asks is down.
    #[error("the system's resolver does not answer for `{host}`")]
    ResolverSilent {
        /// The host.
        host: String,
        /// Error from the operating system.
        source: io::Error,
    },
    /// Nothing listens there.
    #[error("nothing listens on {endpoint}{}", all_of(tried))]
    Refused {
        /// The server.
        endpoint: String,
        /// The addresses that refused.
        tried: Vec<SocketAddr>,
        /// The other loopback address, if something listens there.
        elsewhere: Option<SocketAddr>,
    },
    /// The server cannot be reached.
    #[error("cannot connect to {endpoint}")]
    Unreachable {
        /// The server.
        endpoint: String,
        /// Error from the operating system.
        source: io::Error,
    },
    /// No address answers to a connection's first packet.
    #[error("no connection to {endpoint} within {} s: nothing answers there, not even with a refusal", limit.as_secs_f32())]
    ConnectTimedOut {
        /// The server.
        endpoint: String,
        /// The time allowed.
        limit: Duration,
    },
    /// The server accepts the connection and does not answer the ClientHello.
    #[error("{endpoint} accepts the connection and did not answer the ClientHello within {} s", limit.as_secs_f32())]
    HelloTimedOut {
        /// The server.
        endpoint: String,
        /// The time allowed.
        limit: Duration,
    },
    /// The server speaks something else.
    #[error("{endpoint} speaks {protocol}, not TLS")]
    NotTls {
        /// The server.
        endpoint: String,
        /// Protocol of the server, as far as its first octets show.
        protocol: &'static str,
    },
    /// The server refuses to begin TLS, or answers something else.
    #[error("{endpoint} does not begin TLS by STARTTLS of {protocol}: {answer}")]
    NoStarttls {
        /// The server.
        endpoint: String,
        /// The protocol of the request to begin TLS.
        protocol: Starttls,
        /// The server's words.
        answer: String,
        /// The protocol by which the words are known, if it is another one.
        speaks: Option<Starttls>,
    },
    /// The server says nothing in the protocol in which TLS is to begin.
    #[error("{endpoint} accepts the connection and says nothing in {protocol} within {} s", limit.as_secs_f32())]
    StarttlsTimedOut {
        /// The server.
        endpoint: String,
        /// The protocol of the request to begin TLS.
        protocol: Starttls,
        /// The time allowed.
        limit: Duration,
    },
    /// The server closes each connection by itself.
    #[error("{endpoint} accepts connections and closes them at once, before a word is said")]
    ClosedAtOnce {
        /// The server.
        endpoint: String,
    },
    /// The server ends the connection.
    #[error("{endpoint} closes the connection during the TLS handshake")]
    Closed {
        /// The server.
        endpoint: String,
    },
    /// The server speaks only versions of TLS that no client accepts any more.
    #[error("{endpoint} speaks no TLS 1.2 or 1.3, and clients of today nothing older")]
    OldTls {
        /// The server.
        endpoint: String,
    },
    /// The server knows no host of the name that was sent.
    #[error("{endpoint} knows no host of the name that was sent")]
    UnknownName {
        /// The server.
        endpoint: String,
    },
    /// The server demands a client certificate.
    #[error("{endpoint} demands a client certificate and refuses clients without one")]
    CertificateRequired {
        /// The server.
        endpoint: String,
    },
    /// The server speaks none of the application protocols that are offered.
    #[error("{endpoint} speaks neither h2 nor http/1.1")]
    NoProtocolInCommon {
        /// The server.
        endpoint: String,
    },
    /// The server refuses every offer.
    #[error("{endpoint} and this program have no cipher suite, group or signature in common")]
    NothingInCommon {
        /// The server.
        endpoint: String,
    },
    /// The handshake fails otherwise.
    #[error("the TLS handshake with {endpoint} fails")]
    Handshake {
        /// The server.
        endpoint: String,
        /// Error from rustls.
        source: io::Error,
    },
    /// The name to send is invalid.
    #[error(transparent)]
    Name(#[from] NoEndpoint),
    /// No configuration or no runtime.
    #[error("cannot prepare a connection")]
    Setup {
        /// Cause of the failure.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The addresses that were tried, if more than one was.
fn all_of(tried: &[SocketAddr]) -> String {
    let mut addresses: Vec<_> = tried.iter().map(|address| address.ip().to_string()).collect();
    addresses.sort_unstable();
    match &addresses[..] {
        [] | [_] => String::new(),
        [others @ .., last] => format!(", neither on {} nor on {last}", others.join(", ")),
    }
}

impl Error {
    /// The layer that failed, and the code of the cause.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        let (layer, code) = match self {
            Self::Name(_) => ("address", "bad-url"),
            Self::Unresolved { .. } => ("dns", "name-not-found"),
            Self::ResolverTimedOut { .. } | Self::ResolverSilent { .. } => ("dns", "dns-timeout"),
            Self::Refused { .. } => ("tcp", "refused"),
            Self::Unreachable { .. } | Self::Setup { .. } => ("tcp", "unreachable"),
            Self::ConnectTimedOut { .. } => ("tcp", "connect-timeout"),
            Self::ClosedAtOnce { .. } => ("tls", "closed-at-once"),
            Self::HelloTimedOut { .. } | Self::StarttlsTimedOut { .. } => ("tls", "tls-timeout"),
            Self::NotTls { protocol, .. } if matches!(protocol.as_bytes(), b"plain HTTP") => ("tls", "plain-http"),
            Self::NotTls { .. } | Self::NoStarttls { .. } => ("tls", "not-tls"),
            Self::OldTls { .. } => ("tls", "old-tls"),
            Self::NothingInCommon { .. } => ("tls", "no-common-suite"),
            Self::CertificateRequired { .. } => ("tls", "client-certificate-required"),
            Self::UnknownName { .. } => ("tls", "unknown-server-name"),
            Self::NoProtocolInCommon { .. } => ("tls", "no-alpn-overlap"),
            Self::Closed { .. } | Self::Handshake { .. } => ("tls", "tls-reset"),
        };
        Cause { layer, code }
    }
}
