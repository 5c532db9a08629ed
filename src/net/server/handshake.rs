//! The reasons why a connection did not come to TLS, in words.

use std::io;

use rustls::{CertificateError, InvalidMessage, PeerIncompatible, PeerMisbehaved};

use crate::net::server::alert::{meant, received};

/// Reason why a TLS handshake failed.
///
/// Its text is a clause that begins in lower case: `the client's newest TLS version is TLS 1.1 …`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Nothing was sent: a probe of the port, or a connection that a browser keeps in reserve.
    #[error("nothing was sent")]
    Silent,
    /// The first bytes are of another protocol.
    #[error("the client speaks neither TLS nor HTTP")]
    NeitherTlsNorHttp,
    /// The client speaks TLS to a server in front of which TLS ends.
    #[error("the client speaks TLS, and this server plain HTTP: TLS is to end in front of it")]
    TlsInFront,
    /// The time was over before the handshake was.
    #[error("no TLS handshake in time")]
    TimedOut,
    /// The client has no version of TLS that the server has.
    #[error("the client's newest TLS version is {newest}, and this server speaks nothing older than TLS 1.2 (old-tls)")]
    OldTls {
        /// The newest version offered.
        newest: &'static str,
    },
    /// There are as many handshakes as there may be.
    #[error("there are as many handshakes as there may be, and the client's made room or found none")]
    TooMany,
    /// The client has no TLS 1.3, and the server nothing else.
    #[error("the client's newest TLS version is TLS 1.2, and this server speaks TLS 1.3 alone (old-tls)")]
    NoTls13,
    /// The client offers TLS 1.2 in the form of an SSL 2.0 hello.
    #[error("the client begins with an SSL 2.0 hello, which this server does not read")]
    Ssl2Hello,
    /// The client has no cipher suite that the server has.
    #[error(
        "the client offers no cipher suite that this server has: it must offer TLS 1.3, or ECDHE with AES-GCM or ChaCha20-Poly1305"
    )]
    NoSuite,
    /// The client has cipher suites that the server has, for certificates with another kind of key.
    #[error("the client offers no cipher suite for a certificate with this kind of key")]
    NoSuiteForKey,
    /// The connection ended before the client's hello.
    #[error("the client hung up in the middle of its ClientHello")]
    HungUpInHello,
    /// A record that looks like TLS but is malformed.
    #[error("the client sends what is no TLS")]
    Malformed,
    /// The connection ended once the certificate was sent.
    #[error("the client hung up, probably because it does not trust the certificate")]
    HungUp,
    /// The connection broke otherwise.
    #[error("the connection broke: {}", .0.kind())]
    Broken(#[source] io::Error),
    /// TLS failed.
    #[error("{}", failure(.0))]
    Tls(rustls::Error),
}

impl HandshakeError {
    /// The code of the cause, as in the pages on failures.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::TlsInFront => "tls-on-plain-url",
            Self::NeitherTlsNorHttp | Self::Malformed => "not-tls",
            Self::TooMany => "too-many",
            Self::TimedOut => "tls-timeout",
            Self::OldTls { .. } | Self::NoTls13 | Self::Ssl2Hello => "old-tls",
            Self::NoSuite | Self::NoSuiteForKey => "no-common-suite",
            Self::HungUpInHello | Self::HungUp | Self::Broken(_) => "closed",
            Self::Tls(rustls::Error::NoCertificatesPresented) => "client-certificate-required",
            Self::Tls(rustls::Error::InvalidCertificate(_)) => "client-certificate-refused",
            Self::Tls(rustls::Error::NoApplicationProtocol) => "no-alpn-overlap",
            Self::Tls(rustls::Error::AlertReceived(alert)) => meant(*alert),
            Self::Tls(rustls::Error::PeerIncompatible(reason)) => missing(reason),
            Self::Tls(rustls::Error::General(_)) => "unknown-server-name",
            Self::Tls(_) => "tls",
        }
    }

    /// The code if it has a page in docs/failures.
    #[must_use]
    pub fn cause(&self) -> Option<&'static str> {
        Some(self.code()).filter(|code| !PAGELESS.contains(code))
    }

    /// An error while the ClientHello is read.
    pub(super) fn hung_up_in_hello(error: &io::Error) -> Self {
        match error.kind() {
            kind if is_end(kind) => Self::HungUpInHello,
            kind => Self::Broken(kind.into()),
        }
    }
}

fn is_end(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

impl From<io::Error> for HandshakeError {
    /// An error once the ClientHello was read.
    fn from(error: io::Error) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(error) => Self::Tls(error),
            Err(error) if is_end(error.kind()) => Self::HungUp,
            Err(error) => Self::Broken(error),
        }
    }
}

/// Codes of failures that are no fault of either side, or that the client alone can explain.
const PAGELESS: [&str; 5] = ["silent", "too-many", "closed", "refused-by-client", "tls"];

/// The code of a client's missing capability.
fn missing(reason: &PeerIncompatible) -> &'static str {
    use PeerIncompatible as Why;
    match reason {
        Why::NoCipherSuitesInCommon => "no-common-suite",
        Why::NoKxGroupsInCommon | Why::NamedGroupsExtensionRequired => "no-common-group",
        Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled
        | Why::SupportedVersionsExtensionRequired
        | Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig => "old-tls",
        Why::ExtendedMasterSecretExtensionRequired => "no-extended-master-secret",
        _ => "tls",
    }
}

/// Explains a failure of TLS on a server's side.
fn failure(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::AlertReceived(alert) => received(*alert),
        Error::PeerIncompatible(reason) => incompatible(reason).to_owned(),
        Error::PeerMisbehaved(reason) => format!("the client breaks the TLS protocol: {}", misbehaved(reason)),
        Error::InvalidMessage(reason) => format!("the client sends a malformed TLS message: {}", malformed(reason)),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the client sends a TLS message out of turn".to_owned()
        }
        Error::InvalidEncryptedClientHello(_) => "the client's Encrypted ClientHello cannot be read".to_owned(),
        Error::DecryptError => "what the client sends cannot be decrypted".to_owned(),
        Error::PeerSentOversizedRecord => "the client sends a TLS record of more than 16,384 octets".to_owned(),
        Error::NoApplicationProtocol => {
            "the client offers by ALPN neither `h2` nor `http/1.1`, and this server speaks nothing else".to_owned()
        }
        Error::NoCertificatesPresented => {
            "the client sends no certificate, and this server demands one (client-certificate-required)".to_owned()
        }
        Error::InvalidCertificate(reason) => {
            let (code, reason) = refused(reason);
            format!("the client's certificate is refused: {reason} ({code})")
        }
        Error::General(_) => "no certificate can be shown for the name that the client sends".to_owned(),
        // These come of this side, if at all.
        _ => "TLS fails on this side".to_owned(),
    }
}

/// Explains why a client's certificate is refused. Returns `verify`'s code beside the reason.
fn refused(reason: &CertificateError) -> (&'static str, &'static str) {
    use CertificateError as Why;
    match reason {
        Why::Expired | Why::ExpiredContext { .. } => ("expired", "it, or a certificate above it, has expired"),
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            ("not-yet-valid", "it, or a certificate above it, is not valid yet")
        }
        Why::Revoked => ("revoked", "it, or a certificate above it, has been revoked"),
        Why::UnknownIssuer => ("unknown-issuer", "its issuer is none of the CAs whose clients are let in"),
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => {
            ("wrong-purpose", "its extKeyUsage does not allow it for clients (clientAuth)")
        }
        Why::BadSignature => ("bad-signature", "its signature is wrong"),
        Why::UnknownRevocationStatus => ("revocation-unknown", "no CRL says whether it has been revoked"),
        Why::ExpiredRevocationList | Why::ExpiredRevocationListContext { .. } => {
            ("revocation-unknown", "the CRL of its issuer is out of date")
        }
        Why::UnhandledCriticalExtension => {
            ("unknown-critical-extension", "it has a critical extension that is not known")
        }
        Why::BadEncoding => ("malformed", "it cannot be read"),
        Why::UnsupportedSignatureAlgorithmContext { .. }
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            ("weak-signature", "it is signed with an algorithm that is not accepted")
        }
        Why::Other(other) => match other.to_string() {
            reason if reason.contains("NameConstraint") => ("name-constraint", "its issuer may not sign for its names"),
            reason if reason.contains("CaUsedAsEndEntity") => ("ca-as-leaf", "it is a CA's certificate"),
            reason if reason.contains("EndEntityUsedAsCa") => ("not-a-ca", "its issuer is no CA"),
            reason if reason.contains("PathLen") => ("path-too-long", "its path is longer than its issuers allow"),
            _ => ("malformed", "it breaks a rule of RFC 5280"),
        },
        _ => ("malformed", "it is not accepted"),
    }
}

/// Explains a client's missing capability.
fn incompatible(reason: &PeerIncompatible) -> &'static str {
    use PeerIncompatible as Why;
    match reason {
        Why::NoCipherSuitesInCommon => "the client offers no cipher suite that this server has",
        Why::NoKxGroupsInCommon => "the client offers no group for the key exchange that this server has",
        Why::NamedGroupsExtensionRequired => "the client names no group for the key exchange",
        Why::KeyShareExtensionRequired => "the client offers TLS 1.3 without a key share",
        Why::NoSignatureSchemesInCommon => "the client can check no signature that the certificate's key makes",
        Why::SignatureAlgorithmsExtensionRequired => "the client does not say which signatures it can check",
        Why::NoCertificateRequestSignatureSchemesInCommon => "the client can make no signature that is accepted here",
        Why::EcPointsExtensionRequired | Why::NoEcPointFormatsInCommon | Why::UncompressedEcPointsRequired => {
            "the client does not take points of curves as they are written here"
        }
        Why::ExtendedMasterSecretExtensionRequired => "the client lacks the extended master secret of TLS 1.2",
        Why::NullCompressionRequired => "the client insists on compression within TLS",
        Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled
        | Why::Tls13RequiredForQuic
        | Why::SupportedVersionsExtensionRequired
        | Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig => {
            "the client offers no TLS version that this server speaks: 1.2 and 1.3"
        }
        Why::IncorrectCertificateTypeExtension | Why::UnsolicitedCertificateTypeExtension => {
            "the client wants another kind of certificate than X.509"
        }
        Why::ServerSentHelloRetryRequestWithUnknownExtension | Why::ServerRejectedEncryptedClientHello(_) => {
            "the client offers an extension of TLS that is not known here"
        }
        _ => "the client offers nothing of TLS that this server has",
    }
}

/// Explains a client's breach of the protocol.
fn misbehaved(reason: &PeerMisbehaved) -> &'static str {
    use PeerMisbehaved as Why;
    match reason {
        Why::ServerNameMustContainOneHostName | Why::DuplicateServerNameTypes => "it sends no server name, or several",
        Why::ServerNameDifferedOnRetry => "it sends another server name on its second try",
        Why::CipherSuiteDifferedOnRetry | Why::HandshakeHashVariedAfterRetry => {
            "it offers other cipher suites on its second try"
        }
        Why::RefusedToFollowHelloRetryRequest | Why::MissingPskExtensionInSecondClientHello => {
            "it does not follow the server's request for a second try"
        }
        Why::DuplicateClientHelloExtensions | Why::OfferedDuplicateCertificateCompressions => {
            "it sends an extension twice"
        }
        Why::OfferedDuplicateKeyShares => "it sends two key shares of one group",
        Why::MissingKeyShare | Why::WrongGroupForKeyShare | Why::InvalidKeyShare => "its key share is missing or wrong",
        Why::IncorrectBinder
        | Why::MissingBinderInPskExtension
        | Why::PskExtensionMustBeLast
        | Why::PskExtensionWithMismatchedIdsAndBinders
        | Why::MissingPskModesExtension => "it resumes a session in a wrong way",
        Why::ResumptionAttemptedWithVariedEms
        | Why::ResumptionOfferedWithVariedCipherSuite
        | Why::ResumptionOfferedWithVariedEms
        | Why::ResumptionOfferedWithIncompatibleCipherSuite => "it resumes a session with other parameters",
        Why::EarlyDataAttemptedInSecondClientHello
        | Why::EarlyDataExtensionWithoutResumption
        | Why::EarlyDataOfferedWithVariedCipherSuite
        | Why::OfferedEarlyDataWithOldProtocolVersion
        | Why::RejectedEarlyDataInterleavedWithHandshakeMessage
        | Why::TooMuchEarlyDataReceived => "it sends early data where it may not",
        Why::OfferedEmptyApplicationProtocol => "it offers an ALPN protocol without a name",
        Why::SignedHandshakeWithUnadvertisedSigScheme | Why::SignedKxWithWrongAlgorithm => {
            "it signs with an algorithm that was not offered"
        }
        Why::IllegalMiddleboxChangeCipherSpec => "it changes the cipher out of turn",
        Why::KeyEpochWithPendingFragment | Why::MessageInterleavedWithHandshakeMessage => {
            "it sends something else in the middle of a message"
        }
        Why::TooManyEmptyFragments
        | Why::TooManyKeyUpdateRequests
        | Why::TooManyRenegotiationRequests
        | Why::TooManyWarningAlertsReceived => "it sends too many messages that mean nothing",
        Why::AttemptedDowngradeToTls12WhenTls13IsSupported => "something makes it fall back to TLS 1.2",
        _ => "it sends what it may not",
    }
}

/// Explains the fault of a message.
fn malformed(reason: &InvalidMessage) -> &'static str {
    use InvalidMessage as Why;
    match reason {
        Why::MessageTooShort | Why::MissingData(_) => "it is cut short",
        Why::TrailingData(_) => "something follows its end",
        Why::MessageTooLarge | Why::HandshakePayloadTooLarge | Why::CertificatePayloadTooLarge => "it is too long",
        Why::InvalidContentType => "its record is of no known type",
        Why::UnknownProtocolVersion => "its record is of no known TLS version",
        Why::InvalidServerName => "its server name is no host name",
        Why::DuplicateExtension(_) => "an extension is in it twice",
        Why::PreSharedKeyIsNotFinalExtension => "something follows the extension that must be the last",
        Why::NoSignatureSchemes | Why::IllegalEmptyList(_) | Why::IllegalEmptyValue | Why::InvalidEmptyPayload => {
            "a list in it is empty"
        }
        Why::UnsupportedCompression => "it is compressed",
        Why::MissingKeyExchange | Why::UnsupportedKeyExchangeAlgorithm(_) | Why::UnsupportedCurveType => {
            "its key exchange cannot be read"
        }
        Why::InvalidCcs | Why::InvalidKeyUpdate | Why::UnexpectedMessage(_) => "it comes out of turn",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ContentType, HandshakeType};

    use rustls::AlertDescription;

    use super::*;

    /// Fails where something reads like an identifier of Rust's.
    #[track_caller]
    fn is_in_words(error: rustls::Error) {
        let debug = format!("{error:?}");
        let text = HandshakeError::Tls(error).to_string();
        let is_identifier = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.chars().zip(word.chars().skip(1)).any(|(one, next)| one.is_lowercase() && next.is_uppercase())
        };
        let known = ["ClientHello", "SessionTicket"];
        let odd: Vec<_> = text.split_whitespace().filter(|word| is_identifier(word) && !known.contains(word)).collect();
        // The number of an alert, or a code of docs/failures, stands in brackets.
        let bracket = text.split_once('(').and_then(|(_, rest)| rest.split(')').next());
        let is_code = bracket.is_none_or(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        assert!(odd.is_empty() && !text.contains('{') && is_code || text.contains(": alert "), "{debug}: {text}");
        assert!(text.starts_with(|c: char| c.is_lowercase() || c == 'T'), "{debug}: {text}");
    }

    /// The log had the number alone.
    #[test]
    fn alerts_are_named() {
        for (number, text, code) in [
            (
                48,
                "the client does not trust the CA that issued the certificate: alert unknown_ca, 48",
                Some("unknown-issuer"),
            ),
            (45, "the client finds the certificate expired: alert certificate_expired, 45", Some("expired")),
            (42, "or it is for another name: alert bad_certificate, 42", None),
            (99, "the client ended the handshake: alert 99", None),
        ] {
            let error = HandshakeError::Tls(rustls::Error::AlertReceived(AlertDescription::from(number)));
            assert!(error.to_string().ends_with(text), "{error}");
            assert_eq!(error.cause(), code, "{error}");
        }
    }

    /// The log named rustls' own identifiers: `the client cannot do it (NoKxGroupsInCommon)`.
    #[test]
    fn no_reason_is_an_identifier() {
        for number in 0..=u8::MAX {
            is_in_words(rustls::Error::AlertReceived(number.into()));
        }
        for reason in [
            PeerIncompatible::EcPointsExtensionRequired,
            PeerIncompatible::ExtendedMasterSecretExtensionRequired,
            PeerIncompatible::IncorrectCertificateTypeExtension,
            PeerIncompatible::KeyShareExtensionRequired,
            PeerIncompatible::NamedGroupsExtensionRequired,
            PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
            PeerIncompatible::NoCipherSuitesInCommon,
            PeerIncompatible::NoEcPointFormatsInCommon,
            PeerIncompatible::NoKxGroupsInCommon,
            PeerIncompatible::NoSignatureSchemesInCommon,
            PeerIncompatible::NullCompressionRequired,
            PeerIncompatible::ServerDoesNotSupportTls12Or13,
            PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension,
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            PeerIncompatible::SignatureAlgorithmsExtensionRequired,
            PeerIncompatible::SupportedVersionsExtensionRequired,
            PeerIncompatible::Tls12NotOffered,
            PeerIncompatible::Tls12NotOfferedOrEnabled,
            PeerIncompatible::Tls13RequiredForQuic,
            PeerIncompatible::UncompressedEcPointsRequired,
            PeerIncompatible::UnsolicitedCertificateTypeExtension,
            PeerIncompatible::ServerRejectedEncryptedClientHello(None),
        ] {
            is_in_words(reason.into());
        }
        for error in [
            rustls::Error::InappropriateMessage { expect_types: Vec::new(), got_type: ContentType::Alert },
            rustls::Error::InappropriateHandshakeMessage {
                expect_types: Vec::new(),
                got_type: HandshakeType::Finished,
            },
            rustls::Error::InvalidMessage(InvalidMessage::MessageTooShort),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidDhParams),
            rustls::Error::InvalidMessage(InvalidMessage::MissingData("ServerNamePayload")),
            rustls::Error::InvalidMessage(InvalidMessage::UnexpectedMessage("ChangeCipherSpec")),
            rustls::Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare),
            rustls::Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedEchExtension),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::UnsupportedNameType,
            rustls::Error::DecryptError,
            rustls::Error::EncryptError,
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
            rustls::Error::General("no server certificate chain resolved".to_owned()),
            rustls::Error::FailedToGetCurrentTime,
            rustls::Error::FailedToGetRandomBytes,
            rustls::Error::HandshakeNotComplete,
            rustls::Error::PeerSentOversizedRecord,
            rustls::Error::NoApplicationProtocol,
            rustls::Error::BadMaxFragmentSize,
        ] {
            is_in_words(error);
        }
    }

    /// The log names the code of a page, which says the same to both sides.
    #[test]
    fn each_cause_has_a_page() {
        let reasons = [
            PeerIncompatible::NoCipherSuitesInCommon,
            PeerIncompatible::NoKxGroupsInCommon,
            PeerIncompatible::Tls12NotOffered,
            PeerIncompatible::ExtendedMasterSecretExtensionRequired,
        ];
        let of_tls = reasons.into_iter().map(|reason| HandshakeError::Tls(reason.into()));
        let all = [
            HandshakeError::NeitherTlsNorHttp,
            HandshakeError::TlsInFront,
            HandshakeError::TimedOut,
            HandshakeError::OldTls { newest: "TLS 1.1" },
            HandshakeError::NoSuite,
            HandshakeError::Tls(rustls::Error::NoCertificatesPresented),
            HandshakeError::Tls(rustls::Error::InvalidCertificate(CertificateError::Expired)),
            HandshakeError::Tls(rustls::Error::NoApplicationProtocol),
            HandshakeError::Tls(rustls::Error::General("no server certificate chain resolved".to_owned())),
        ];
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/failures");
        for error in all.into_iter().chain(of_tls) {
            let code = error.cause().unwrap_or_else(|| panic!("{error}"));
            crate::base::files::read(&folder.join(format!("{code}.md"))).unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(HandshakeError::HungUp.cause(), None);
    }

    #[test]
    fn an_end_before_and_after_the_certificate_are_told_apart() {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(HandshakeError::from(ended()).to_string().contains("does not trust"));
        assert!(!HandshakeError::hung_up_in_hello(&ended()).to_string().contains("trust"));
    }
}
