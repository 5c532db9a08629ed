//! Certificates that answer the ACME challenge TLS-ALPN-01 (RFC 8737) on a server's own port.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
#[cfg(feature = "serve")]
use rustls::server::ClientHello;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, sign};

use super::{Error, Profile, certified, server_config};
use crate::x509::name::SubjectAltName;

/// The protocol that a validating CA asks for, and nobody else.
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// Arcs of the OID of the extension acmeIdentifier.
const ACME_IDENTIFIER: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 31];

/// OID of the extension acmeIdentifier (RFC 8737 section 3).
#[cfg(feature = "serve")]
pub(crate) const ACME_IDENTIFIER_OID: &str = "1.3.6.1.5.5.7.1.31";

/// The challenges that are under way, by the server name that the CA sends.
///
/// They are answered before a client is asked for a certificate, and never with the server's own.
#[derive(Debug, Default)]
pub struct Challenges(Mutex<HashMap<String, Arc<ServerConfig>>>);

impl Challenges {
    /// Answers a challenge from now on, with a certificate for the name that holds the digest of the key authorization.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the certificate cannot be made.
    pub fn insert(&self, name: &SubjectAltName, digest: &[u8; 32]) -> Result<(), Error> {
        let (chain, key) = certificate(name, digest).map_err(|error| {
            Error::Refused(rustls::Error::General(format!("no certificate for the challenge: {error}")))
        })?;
        let shown: sign::CertifiedKey = certified(chain, key)?;
        let mut config = server_config(Arc::new(SingleCertAndKey::from(shown)), &Profile::default())?;
        config.alpn_protocols = vec![ACME_TLS.to_vec()];
        // The connection carries nothing, and none resumes it.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        self.map().insert(sent_name(name), Arc::new(config));
        Ok(())
    }

    /// Ends a challenge.
    pub fn remove(&self, name: &SubjectAltName) {
        self.map().remove(&sent_name(name));
    }

    /// Returns true if a client asks for the protocol of challenges.
    #[cfg(feature = "serve")]
    pub(crate) fn is_asked(hello: &ClientHello<'_>) -> bool {
        hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_TLS))
    }

    /// The configuration that answers the challenge of a server name.
    #[cfg(feature = "serve")]
    pub(crate) fn find(&self, server_name: &str) -> Option<Arc<ServerConfig>> {
        self.map().get(&server_name.to_ascii_lowercase()).map(Arc::clone)
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ServerConfig>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn certificate(
    name: &SubjectAltName,
    digest: &[u8; 32],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = match name {
        SubjectAltName::Ip(address) => vec![SanType::IpAddress(*address)],
        name => vec![SanType::DnsName(name.value().try_into()?)],
    };
    // An OCTET STRING of 32 octets.
    let value = [&[0x04, 0x20][..], digest].concat();
    let mut extension = CustomExtension::from_oid_content(&ACME_IDENTIFIER, value);
    extension.set_criticality(true);
    params.custom_extensions = vec![extension];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![certificate.der().clone()], key))
}

/// The server name that is sent for a host: an address as a name of reverse DNS (RFC 8738 section 6).
pub(crate) fn sent_name(name: &SubjectAltName) -> String {
    use std::net::IpAddr;
    match name {
        SubjectAltName::Ip(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        SubjectAltName::Ip(IpAddr::V6(address)) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            let nibbles: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
        name => name.value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sent_as_names_of_reverse_dns() {
        let sent = |name: &str| sent_name(&name.parse().unwrap());
        assert_eq!(sent("192.168.1.7"), "7.1.168.192.in-addr.arpa");
        assert_eq!(sent("fd00::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa");
    }

    #[cfg(feature = "serve")]
    #[test]
    fn a_challenge_is_answered_until_it_is_over() {
        let (challenges, name) = (Challenges::default(), "app.test".parse().unwrap());
        challenges.insert(&name, &[7; 32]).unwrap();
        assert_eq!(challenges.find("App.test").unwrap().alpn_protocols, [ACME_TLS]);
        challenges.remove(&name);
        assert!(challenges.find("app.test").is_none());
    }
}
