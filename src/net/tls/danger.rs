//! A client that accepts any certificate in order to describe it. A caller that sends something over its connections
//! judges the certificates first.

use std::sync::{Arc, Mutex};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// Facts that a server revealed during a handshake, even a failed one.
#[derive(Debug, Default, Clone)]
pub struct Shown {
    /// The stapled OCSP response, in DER; empty if the server sent none.
    pub ocsp: Vec<u8>,
    /// True if the server asked for a client certificate.
    pub client_certificate_requested: bool,
    /// The subjects, in DER, of the CAs whose client certificates the server says it accepts.
    pub acceptable_issuers: Vec<Vec<u8>>,
    /// True if the server signed the handshake with the first certificate's key; `None` if that could not be checked.
    pub key_proven: Option<bool>,
}

/// Acceptable issuers that are recorded; a server may name hundreds.
const MOST_ISSUERS: usize = 16;

/// Records the server's certificates, and accepts them.
#[derive(Debug)]
pub(super) struct Recorder {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Shown>,
    /// The client certificate to send when the server asks for one.
    identity: Option<Arc<CertifiedKey>>,
}

impl Recorder {
    pub(super) fn new(provider: Arc<CryptoProvider>, identity: Option<Arc<CertifiedKey>>) -> Self {
        Self { provider, shown: Mutex::default(), identity }
    }

    pub(super) fn shown(&self) -> Shown {
        self.with(|shown| shown.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Shown) -> T) -> T {
        // Nothing panics while it is held.
        work(&mut self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn signature(&self, verified: &Result<HandshakeSignatureValid, Error>) -> HandshakeSignatureValid {
        let proven = match verified {
            Ok(_) => Some(true),
            Err(Error::InvalidCertificate(rustls::CertificateError::BadSignature)) => Some(false),
            // Certificates and algorithms that rustls does not take.
            Err(_) => None,
        };
        self.with(|shown| shown.key_proven = proven);
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.with(|shown| shown.ocsp = ocsp_response.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.signature(&verify_tls12_signature(message, certificate, signed, algorithms)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.signature(&verify_tls13_signature(message, certificate, signed, algorithms)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let old = [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy];
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        schemes.extend(old);
        schemes
    }
}

/// Records that a certificate was requested, and sends the one that was given, if any.
impl ResolvesClientCert for Recorder {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.with(|shown| {
            shown.client_certificate_requested = true;
            shown.acceptable_issuers = hints.iter().take(MOST_ISSUERS).map(|hint| hint.to_vec()).collect();
        });
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// A client's configuration that accepts every certificate, and the record of the server's certificates.
#[derive(Debug, Clone)]
pub struct Listening {
    /// For one connection.
    pub config: Arc<ClientConfig>,
    pub(super) recorder: Arc<Recorder>,
}

impl Listening {
    /// Returns the facts revealed so far.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.recorder.shown()
    }

    /// The same for another connection, which resumes the session of the last one and offers early data.
    #[must_use]
    pub fn with_early_data(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.enable_early_data = true;
        Arc::new(config)
    }
}
