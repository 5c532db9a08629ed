//! TLS to the servers behind the proxy that speak https. Their certificates are judged by the library's own verifier, so
//! that a refusal has the code and the words of `verify`.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, OtherError,
    SignatureScheme,
};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::judge::report::verdict::Code;
use crate::judge::verify::{self, Anchors, Host, Purpose, Request};
use crate::net::connect::Cause;
use crate::net::tls;

/// The trust anchors for servers that this program is a client of.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

impl Trust {
    /// Trusts servers whose certificates lead to one of these.
    ///
    /// # Errors
    ///
    /// [`tls::Error::Refused`] when rustls has no protocol version, which it has.
    pub fn new(anchors: Arc<Anchors>) -> Result<Self, tls::Error> {
        let judge = Judge { anchors, provider: tls::provider() };
        tls::judging(Arc::new(judge), &[b"http/1.1"]).map(Arc::new).map(Self)
    }

    /// Shakes hands with the server of this name over a connection.
    pub(in crate::net) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        stream: S,
    ) -> Result<TlsStream<S>, Distrust> {
        let Ok(server_name) = ServerName::try_from(name.to_owned()) else {
            return Err(Distrust::new("bad-url", format!("`{name}` is no name that a server can have")));
        };
        let connected = TlsConnector::from(Arc::clone(&self.0)).connect(server_name, stream).await;
        connected.map_err(|error| Distrust::of(&error))
    }
}

/// The reason why a server is not spoken to.
#[derive(Debug, Clone)]
pub(in crate::net) struct Distrust {
    /// The code that `verify` and `connect` have for it.
    pub(in crate::net) code: &'static str,
    /// The reason, as a clause.
    pub(in crate::net) reason: String,
    /// The fix.
    pub(in crate::net) fix: &'static str,
}

impl Distrust {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        let fix = match code {
            "unknown-issuer" | "self-signed" => {
                "trust the CA that issued it, or the certificate itself, for the servers behind this proxy"
            }
            "plain-http" => "name the server by http:// in place of https://",
            "client-certificate-required" => "let the server in for this proxy without one: the proxy has none to show",
            _ => Cause::of(code).fix,
        };
        Self { code, reason: reason.into(), fix }
    }

    fn of(error: &io::Error) -> Self {
        use rustls::Error as E;
        let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<E>()) else {
            return Self::new("tls-reset", format!("it ends the connection in the TLS handshake ({error})"));
        };
        match tls {
            E::InvalidCertificate(CertificateError::Other(OtherError(refused))) => {
                match refused.downcast_ref::<Refused>() {
                    Some(refused) => refused.0.clone(),
                    None => Self::new("malformed", format!("its certificate is refused: {refused}")),
                }
            }
            E::InvalidCertificate(CertificateError::BadSignature) => {
                Self::new("bad-signature", "it signs the handshake with another key than its certificate's")
            }
            E::InvalidMessage(InvalidMessage::InvalidContentType) => {
                Self::new("plain-http", "it speaks plain HTTP, not TLS")
            }
            E::PeerIncompatible(_) => Self::new(
                "no-common-suite",
                "it has no version, cipher suite or group of TLS that clients of today take",
            ),
            E::AlertReceived(AlertDescription::ProtocolVersion) => {
                Self::new("old-tls", "it speaks nothing newer than TLS 1.1")
            }
            E::AlertReceived(AlertDescription::UnrecognisedName) => {
                Self::new("unknown-server-name", "it knows no host of the name that was sent")
            }
            E::AlertReceived(AlertDescription::CertificateRequired) => {
                Self::new("client-certificate-required", "it demands a client certificate")
            }
            E::AlertReceived(AlertDescription::NoApplicationProtocol) | E::NoApplicationProtocol => {
                Self::new("no-alpn-overlap", "it does not speak http/1.1")
            }
            other => Self::new("tls-reset", format!("it ends the TLS handshake ({other})")),
        }
    }
}

/// A certificate that the verifier refuses, on its way through rustls.
#[derive(Debug)]
struct Refused(Distrust);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.reason)
    }
}

impl std::error::Error for Refused {}

/// Judges servers as `verify` does.
struct Judge {
    anchors: Arc<Anchors>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |distrust| {
            let other = OtherError(Arc::new(Refused(distrust)));
            rustls::Error::InvalidCertificate(CertificateError::Other(other))
        };
        let seconds = i64::try_from(now.as_secs()).ok().and_then(|now| OffsetDateTime::from_unix_timestamp(now).ok());
        let host = server_name.to_str().parse::<Host>().ok();
        // Without a time or a host, nothing could be said of the certificate.
        let (Some(at), Some(host)) = (seconds, host) else {
            return Err(refused(Distrust::new("host-mismatch", "its name cannot be compared with its certificate")));
        };
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        let verdict = verify::verify_presented(
            &chain,
            &Request {
                presented: &[],
                anchors: &self.anchors,
                crls: &[],
                host: Some(&host),
                purpose: Purpose::Server,
                at,
                key: None,
                strict: false,
            },
        );
        match verdict.error {
            None => Ok(ServerCertVerified::assertion()),
            Some(error) => {
                let is_alone = chain.len() == 1 && error.code == Code::UnknownIssuer;
                let more = if is_alone { "; if that is an intermediate, the server does not send it" } else { "" };
                let reason = format!("its certificate is refused: {}{more}", error.message);
                Err(refused(Distrust::new(error.code.name(), reason)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
