//! The only place that builds rustls configurations, and that describes a connection's TLS parameters.
//!
//! ```
//! use secure_io::credentials::Credentials;
//! use secure_io::tls::{ByName, Profile};
//! use secure_io::{generate::CertificateSpec, validity};
//!
//! let credentials = Credentials::self_signed(&CertificateSpec::default(), validity::now())?;
//! let (chain, key) = credentials.into_parts();
//! let modern = Profile { is_modern: true, ..Profile::default() };
//! let by_name = ByName::with_profile(chain, key, &modern)?;
//! assert!(by_name.is_modern());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alert;
mod by_name;
mod challenges;
mod clients;
mod danger;
mod small_rsa;

use std::sync::Arc;

use rustls::client::Resumption;
#[cfg(feature = "serve")]
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CipherSuite, ClientConfig, InconsistentKeys, KeyLog, ProtocolVersion, ServerConfig, SupportedProtocolVersion,
};

pub(crate) use self::alert::alert_name;
pub use self::by_name::{Answer, ByName, Issuer};
pub use self::challenges::Challenges;
#[cfg(feature = "serve")]
pub(crate) use self::challenges::{ACME_IDENTIFIER_OID, ACME_TLS, sent_name};
pub use self::clients::{Clients, ClientsError};
pub use self::danger::{Listening, Shown};
use crate::judge::report;

/// The protocols a server offers by ALPN, in its order of preference.
///
/// A browser opens a WebSocket over `http/1.1`. See [RFC 7301](https://www.rfc-editor.org/rfc/rfc7301#section-3.2).
const SERVER_ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reason why a TLS configuration cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The private key is not the end-entity certificate's.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// rustls refuses the certificate or the key.
    #[error(transparent)]
    Refused(rustls::Error),
}

/// The demands that a server makes on its clients' TLS.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// True for TLS 1.3 alone; false, the default, allows 1.2 as well.
    pub is_modern: bool,
    /// The clients that are let in by their certificates; by default nobody is asked for one.
    pub clients: Option<Clients>,
}

/// Builds a server's configuration: TLS 1.3 and, unless the profile is modern, 1.2; ALPN `h2` and `http/1.1`.
///
/// # Errors
///
/// [`Error::Refused`] if rustls were built without a protocol version.
fn server_config(resolver: Arc<dyn ResolvesServerCert>, profile: &Profile) -> Result<ServerConfig, Error> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = SERVER_GROUPS.to_vec();
    let versions = if profile.is_modern { VERSIONS.get(..1).unwrap_or(&VERSIONS) } else { &VERSIONS };
    let builder = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions);
    let builder = builder.map_err(Error::Refused)?;
    let builder = match &profile.clients {
        Some(clients) => builder.with_client_cert_verifier(clients.verifier()),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = SERVER_ALPN.map(<[u8]>::to_vec).to_vec();
    if profile.clients.is_some() {
        // A resumed session skips the verifier (RFC 8446 section 2.2), so that a revoked client would stay for a day.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// The groups of the key exchange in a server's order of preference, post-quantum first, as TLSRef 6.0 has them.
static SERVER_GROUPS: [&dyn SupportedKxGroup; 4] =
    [kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

/// A chain with a key that belongs to it: the end-entity certificate followed by its intermediates.
///
/// Its validity is not checked.
fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, Error> {
    let key = provider().key_provider.load_private_key(key).map_err(Error::Refused)?;
    let certified = CertifiedKey::new(chain, key);
    certified.end_entity_cert().map_err(Error::Refused)?;
    // The certificate's other failings are its clients' to judge: rustls itself would refuse those of version 1, which
    // `openssl x509 -req` makes.
    if let Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) = certified.keys_match() {
        return Err(Error::KeyMismatch);
    }
    Ok(certified)
}

/// Builds a client's configuration that accepts any certificate, to examine the certificates that servers show.
///
/// # Errors
///
/// [`Error::Refused`] if rustls were built without a protocol version.
pub fn danger_listening(alpn: &[&[u8]]) -> Result<Listening, Error> {
    listening(alpn, None)
}

/// Builds the same for a client that goes on to speak: with a client certificate, a log of the connections' secrets, and
/// no resumption, so that each connection shows the certificates again.
///
/// The caller has to judge the certificates before it sends anything that is not for everyone.
///
/// # Errors
///
/// [`Error::KeyMismatch`] and [`Error::Refused`] for the client certificate.
pub fn danger_speaking(
    alpn: &[&[u8]],
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    key_log: Option<Arc<dyn KeyLog>>,
) -> Result<Listening, Error> {
    let identity = identity.map(|(chain, key)| certified(chain, key)).transpose()?;
    let mut listening = listening(alpn, identity.map(Arc::new))?;
    let mut config = ClientConfig::clone(&listening.config);
    config.resumption = Resumption::disabled();
    if let Some(key_log) = key_log {
        config.key_log = key_log;
    }
    listening.config = Arc::new(config);
    Ok(listening)
}

fn listening(alpn: &[&[u8]], identity: Option<Arc<CertifiedKey>>) -> Result<Listening, Error> {
    let provider = provider();
    let recorder = Arc::new(danger::Recorder::new(Arc::clone(&provider), identity));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(Error::Refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as _)
        .with_client_cert_resolver(Arc::clone(&recorder) as _);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Listening { config: Arc::new(config), recorder })
}

/// Builds a client's configuration whose servers this verifier judges. Each connection shows the certificates again.
///
/// # Errors
///
/// [`Error::Refused`] when rustls has no protocol version, which it has.
#[cfg(feature = "serve")]
pub(crate) fn judging(verifier: Arc<dyn ServerCertVerifier>, alpn: &[&[u8]]) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .map_err(Error::Refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The one crypto provider, passed explicitly so that nothing is installed for the whole process.
pub(in crate::net) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Describes a connection by the names that OpenSSL and the RFCs use.
pub(crate) fn describe(version: ProtocolVersion, suite: CipherSuite, alpn: Option<&str>) -> report::Connection {
    report::Connection {
        tls_version: version_name(version),
        cipher_suite: suite_name(suite),
        key_exchange: None,
        alpn: alpn.map(str::to_owned),
    }
}

fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    }
}

/// rustls writes `TLS13_…` for the suites that IANA's registry calls `TLS_…`.
fn suite_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

/// The group's name in IANA's registry.
pub(crate) fn group_name(group: rustls::NamedGroup) -> String {
    format!("{group:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    fn key(pair: &rcgen::KeyPair) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(pair.serialize_der()).unwrap()
    }

    #[test]
    fn another_key_is_a_mismatch() {
        let (pair, other) = (pair(), pair());
        let error = certified(vec![pair.cert.der().clone()], key(&other.signing_key)).unwrap_err();
        assert!(matches!(error, Error::KeyMismatch), "{error:?}");
    }

    #[test]
    fn an_empty_chain_is_refused() {
        let error = certified(Vec::new(), key(&pair().signing_key)).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    }

    #[test]
    fn connections_are_named_as_the_registries_do() {
        let connection = describe(ProtocolVersion::TLSv1_3, CipherSuite::TLS13_AES_256_GCM_SHA384, Some("h2"));
        assert_eq!(connection.tls_version, "TLSv1.3");
        assert_eq!(connection.cipher_suite, "TLS_AES_256_GCM_SHA384");
        assert_eq!(connection.alpn.as_deref(), Some("h2"));
        let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
        assert_eq!(suite_name(suite), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    }
}
