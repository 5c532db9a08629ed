//! A client that takes whatever a server shows, to tell what that is. Nothing is sent over its connections.

use std::sync::{Arc, Mutex};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// What a server showed during a handshake, whatever came of that.
#[derive(Debug, Default, Clone)]
pub struct Shown {
    /// The stapled OCSP response, in DER; empty when there is none.
    pub ocsp: Vec<u8>,
    /// Whether it asked for a client certificate.
    pub client_certificate_requested: bool,
    /// Whether it signed the handshake with the first certificate's key; `None` when that could not be checked.
    pub key_proven: Option<bool>,
}

/// Writes down what the server shows, and accepts it.
#[derive(Debug)]
pub(super) struct Recorder {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Shown>,
}

impl Recorder {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, shown: Mutex::default() }
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

/// Notes that a certificate was asked for, and has none.
impl ResolvesClientCert for Recorder {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.with(|shown| shown.client_certificate_requested = true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// A client's configuration that accepts every certificate, and what the server shows to it.
#[derive(Debug, Clone)]
pub struct Listening {
    /// For one connection.
    pub config: Arc<ClientConfig>,
    pub(super) recorder: Arc<Recorder>,
}

impl Listening {
    /// What the server has shown so far.
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
