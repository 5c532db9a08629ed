//! Alerts of clients, in words and as codes.

use rustls::AlertDescription;

use crate::net::tls::alert_name;

/// The code of an alert that leaves no doubt about its cause.
pub(super) fn meant(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnknownCA => "unknown-issuer",
        AlertDescription::CertificateExpired => "expired",
        AlertDescription::CertificateRevoked => "revoked",
        AlertDescription::ProtocolVersion => "old-tls",
        AlertDescription::NoApplicationProtocol => "no-alpn-overlap",
        AlertDescription::UnrecognisedName => "unknown-server-name",
        _ => "refused-by-client",
    }
}

/// Explains an alert of a client (RFC 8446 section 6, RFC 5246 section 7.2).
pub(super) fn received(alert: AlertDescription) -> String {
    let meaning = match alert {
        AlertDescription::UnknownCA => "the client does not trust the CA that issued the certificate",
        // Browsers and Go say so of every certificate that they refuse, OpenSSL of another name.
        AlertDescription::CertificateUnknown | AlertDescription::BadCertificate => {
            "the client does not accept the certificate: it does not trust it, or it is for another name"
        }
        AlertDescription::CertificateExpired => "the client finds the certificate expired",
        AlertDescription::CertificateRevoked => "the client finds the certificate revoked",
        AlertDescription::UnsupportedCertificate => "the client does not take this kind of certificate or key",
        AlertDescription::AccessDenied => "the client takes the certificate, but access is denied",
        AlertDescription::ProtocolVersion => "the client speaks no TLS version that is spoken here",
        AlertDescription::HandshakeFailure => "the client and this server have no parameters of TLS in common",
        AlertDescription::InsufficientSecurity => "the client demands stronger parameters of TLS",
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => "the client closed the connection",
        AlertDescription::DecryptError => "the client finds a signature or a key exchange wrong",
        AlertDescription::BadRecordMac | AlertDescription::DecryptionFailed => {
            "the client cannot decrypt what it was sent: something between it and this server changes the bytes"
        }
        AlertDescription::IllegalParameter
        | AlertDescription::DecodeError
        | AlertDescription::UnexpectedMessage
        | AlertDescription::RecordOverflow
        | AlertDescription::DecompressionFailure
        | AlertDescription::MissingExtension
        | AlertDescription::UnsupportedExtension => "the client does not understand what it was sent",
        AlertDescription::InternalError => "the client failed within itself",
        AlertDescription::InappropriateFallback => "the client fell back to an older TLS version without need",
        AlertDescription::UnrecognisedName => "the client does not accept the server name",
        AlertDescription::BadCertificateStatusResponse => "the client does not accept the stapled OCSP response",
        AlertDescription::NoApplicationProtocol => "the client and this server have no protocol of ALPN in common",
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => "the client wants a certificate",
        AlertDescription::UnknownPSKIdentity => "the client does not know the session that is resumed",
        AlertDescription::EncryptedClientHelloRequired => "the client insists on Encrypted ClientHello",
        AlertDescription::CertificateUnobtainable | AlertDescription::BadCertificateHashValue => {
            "the client could not fetch the certificate"
        }
        AlertDescription::ExportRestriction => "the client insists on parameters fit for export",
        AlertDescription::NoRenegotiation => "the client does not negotiate again",
        _ => "the client ended the handshake",
    };
    // The name and the number are in every registry and search engine.
    format!("{meaning}: alert {}", alert_name(alert.into()))
}
