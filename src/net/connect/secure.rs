//! TLS: the handshake, its failures, and the certificates.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription as Alert, PeerIncompatible};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::reach::Reached;
use super::run::{Found, Run};
use crate::judge::report::connect::LayerName;
use crate::judge::report::verdict::Code;
use crate::net::check::trust::Presented;
use crate::net::client::stream::Stream;
use crate::net::client::{Dialer, Undialed};
use crate::net::probe::first::First;
use crate::net::probe::{Endpoint, protocol};
use crate::net::tls::{self, Listening};

/// The time for which a server is watched that may close a connection by itself, or speak first.
const WATCHED: Duration = Duration::from_millis(120);

/// Inspection products and antivirus programs, by the names of their issuers.
const INSPECTORS: [&str; 22] = [
    "Zscaler",
    "Fortinet",
    "FortiGate",
    "Netskope",
    "Blue Coat",
    "Symantec Web",
    "Palo Alto",
    "Cisco Umbrella",
    "Sophos",
    "Kaspersky",
    "ESET SSL",
    "avast",
    "AVG Technologies",
    "Bitdefender",
    "Forcepoint",
    "McAfee Web",
    "Check Point",
    "Barracuda",
    "WatchGuard",
    "Charles Proxy",
    "mitmproxy",
    "Fiddler",
];

impl Run<'_> {
    /// Shakes hands, and judges the certificates; the dialer makes such connections from then on.
    pub(super) async fn secure(
        &mut self,
        address: &Address,
        reached: Reached,
    ) -> Result<(Dialer, Stream, First, Listening), Found> {
        let Reached { dialer, tcp, others } = reached;
        let identity = self.options.identity.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key()));
        let listening = tls::danger_speaking(&[b"http/1.1"], identity, self.options.key_log.clone())
            .map_err(|error| Found::new("client-certificate-refused", error.to_string()))?;
        let (name, host) = self.name(address)?;
        let dialer = Dialer { tls: Some((listening.clone(), name)), ..dialer };
        let (stream, first) = match dialer.over(tcp).await {
            Ok(connected) => connected,
            Err(failure) => return Err(self.no_handshake(&dialer, failure, &listening).await),
        };
        let shown = listening.shown();
        let chain: Vec<CertificateDer<'static>> = stream
            .tls()
            .and_then(|tls| tls.peer_certificates())
            .unwrap_or_default()
            .iter()
            .map(|der| der.clone().into_owned())
            .collect();
        let host = host.parse().ok();
        let presented = Presented::judge(&chain, host.as_ref(), shown.key_proven, self.options.known);
        if let Some(found) = judged(&presented, &dialer.authority) {
            if self.options.insecure {
                self.warn(Found { hint: Some("leave --insecure away to see it refused".to_owned()), ..found });
            } else if is_minded_by_some(&presented) {
                self.minded = Some(found);
            } else {
                return Err(found);
            }
        }
        self.passed(LayerName::Tls, stream.tls().map(described), Vec::new());
        if address.is_loopback() && self.options.proxy.is_none() {
            self.compare(&dialer, &others, chain.first()).await;
        }
        Ok((dialer, stream, first, listening))
    }

    /// The name to send, and the host to match.
    fn name(&self, address: &Address) -> Result<(ServerName<'static>, String), Found> {
        let bad = |error: &dyn std::error::Error| Found::new("bad-url", error.to_string());
        let endpoint = match &self.options.server_name {
            Some(name) => name.parse::<Endpoint>().map_err(|error| bad(&error))?,
            None => address.endpoint.clone(),
        };
        Ok((endpoint.server_name().map_err(|error| bad(&error))?, endpoint.host.to_string()))
    }

    /// Warns if another address of localhost leads to another server.
    async fn compare(
        &mut self,
        dialer: &Dialer,
        others: &[std::net::SocketAddr],
        leaf: Option<&CertificateDer<'static>>,
    ) {
        for other in others.iter().take(1) {
            let second = Dialer { address: *other, limit: Duration::from_millis(250), ..dialer.clone() };
            let Ok(tcp) = second.tcp().await else { continue };
            let what = match second.over(tcp).await {
                Ok((stream, _)) => {
                    let certificates = stream.tls().and_then(|tls| tls.peer_certificates());
                    if certificates.and_then(<[_]>::first) == leaf {
                        continue;
                    }
                    "another certificate"
                }
                Err(Undialed::Tls { .. }) => "no TLS that works",
                Err(_) => continue,
            };
            let message = format!("{} and {other} are different servers: the second shows {what}", dialer.address);
            let found =
                Found::new("other-server-on-address", message).sent(format!("ClientHello to {other}")).received(what);
            self.warn(found);
        }
    }

    /// The cause of a handshake that failed.
    async fn no_handshake(&self, dialer: &Dialer, failure: Undialed, listening: &Listening) -> Found {
        let sent = match &dialer.tls {
            Some((_, ServerName::DnsName(name))) => format!("ClientHello, TLS 1.3 and 1.2, for {}", name.as_ref()),
            _ => "ClientHello, TLS 1.3 and 1.2, without a server name".to_owned(),
        };
        let authority = &dialer.authority;
        let (error, first) = match failure {
            Undialed::TlsTimeout { first } => return self.unanswered(dialer, &first).await.sent(sent),
            Undialed::Tls { error, first } => (error, first),
            other => {
                return Found::new("tls-reset", format!("{authority} cannot be reached again: {other:?}")).sent(sent);
            }
        };
        if let Some(found) = not_tls(authority, &first) {
            return found.sent(sent);
        }
        let shown = listening.shown();
        let has_identity = self.options.identity.is_some();
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let received = inner.map_or_else(|| error.to_string(), words);
        let found = match inner {
            Some(rustls::Error::AlertReceived(alert)) => {
                self.alert(dialer, *alert, shown.client_certificate_requested, has_identity).await
            }
            Some(rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::ServerDoesNotSupportTls12Or13,
            )) => Found::new("old-tls", format!("{authority} speaks nothing newer than TLS 1.1")),
            Some(rustls::Error::PeerIncompatible(_)) => Found::new(
                "no-common-suite",
                format!("{authority} has no cipher suite or group that clients of today take"),
            ),
            Some(rustls::Error::NoApplicationProtocol) => Found::new(
                "no-alpn-overlap",
                format!("{authority} does not speak http/1.1, only another protocol of ALPN"),
            ),
            Some(_) => Found::new("tls-reset", format!("{authority} answers with TLS that makes no sense")),
            None if shown.client_certificate_requested => client_certificate(authority, has_identity),
            None => self.closed(dialer, &first).await,
        };
        Found { received: if found.received.is_empty() { received } else { found.received.clone() }, ..found }
            .sent(sent)
    }

    /// The cause behind an alert.
    async fn alert(&self, dialer: &Dialer, alert: Alert, is_requested: bool, has_identity: bool) -> Found {
        let authority = &dialer.authority;
        let unknown_name =
            || Found::new("unknown-server-name", format!("{authority} knows no host of the name that was sent"));
        match alert {
            Alert::ProtocolVersion => Found::new("old-tls", format!("{authority} speaks nothing newer than TLS 1.1")),
            Alert::UnrecognisedName => unknown_name(),
            Alert::NoApplicationProtocol => Found::new(
                "no-alpn-overlap",
                format!("{authority} does not speak http/1.1, only another protocol of ALPN"),
            ),
            Alert::CertificateRequired => client_certificate(authority, has_identity),
            _ if is_requested => client_certificate(authority, has_identity),
            _ if self.passes_without_name(dialer).await => unknown_name(),
            Alert::HandshakeFailure | Alert::InsufficientSecurity | Alert::InternalError | Alert::IllegalParameter => {
                if self.is_old(dialer).await {
                    return Found::new("old-tls", format!("{authority} speaks nothing newer than TLS 1.1"));
                }
                Found::new(
                    "no-common-suite",
                    format!("{authority} refuses every cipher suite of TLS 1.3 and 1.2 that clients of today offer"),
                )
            }
            _ => Found::new("tls-reset", format!("{authority} ends the handshake with an alert")),
        }
    }

    /// Decides whether the handshake succeeds without a server name.
    async fn passes_without_name(&self, dialer: &Dialer) -> bool {
        let Some((listening, ServerName::DnsName(_))) = &dialer.tls else { return false };
        let nameless = ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into());
        let tls = Some((listening.clone(), nameless));
        Dialer { tls, limit: Duration::from_secs(1).min(dialer.limit), ..dialer.clone() }.dial().await.is_ok()
    }

    /// Decides whether the server answers a hello of TLS 1.0.
    async fn is_old(&self, dialer: &Dialer) -> bool {
        if dialer.proxy.is_some() {
            return false;
        }
        let until = Instant::now() + Duration::from_secs(1).min(dialer.limit);
        timeout_at(until, crate::net::check::answers_old_tls(dialer.address, Duration::from_secs(1)))
            .await
            .unwrap_or(false)
    }

    /// The cause of a connection that was closed in the handshake.
    async fn closed(&self, dialer: &Dialer, first: &[u8]) -> Found {
        let authority = &dialer.authority;
        if !first.is_empty() {
            return Found::new("tls-reset", format!("{authority} closes the connection during the TLS handshake"));
        }
        if let Some(said) = watch(dialer).await {
            return match not_tls(authority, &said) {
                Some(found) => found,
                None => Found::new(
                    "closed-at-once",
                    format!("{authority} accepts connections and closes them at once, before a byte comes"),
                )
                .received("the connection is closed"),
            };
        }
        if let Some(found) = not_tls(authority, &ask_plain(dialer).await) {
            return found;
        }
        if self.is_old(dialer).await {
            return Found::new("old-tls", format!("{authority} speaks nothing newer than TLS 1.1"));
        }
        Found::new("tls-reset", format!("{authority} closes or resets the connection after the ClientHello"))
    }

    /// The cause of a hello that is not answered.
    async fn unanswered(&self, dialer: &Dialer, first: &[u8]) -> Found {
        let authority = &dialer.authority;
        if let Some(found) = not_tls(authority, first) {
            return found;
        }
        if let Some(found) = not_tls(authority, &ask_plain(dialer).await) {
            return found;
        }
        let seconds = self.options.timeout.as_secs_f32();
        Found::new(
            "tls-timeout",
            format!("{authority} accepts the connection, and does not answer the ClientHello within {seconds} s"),
        )
        .received("nothing")
    }
}

/// Returns the server's own first octets, empty if the server closes the connection; `None` if it waits.
async fn watch(dialer: &Dialer) -> Option<Vec<u8>> {
    let watched = async {
        let mut tcp = dialer.tcp().await.ok()?;
        let mut read = vec![0; 256];
        let length = tcp.read(&mut read).await.unwrap_or(0);
        read.truncate(length);
        Some(read)
    };
    timeout_at(Instant::now() + WATCHED, watched).await.ok().flatten()
}

/// Returns the answer to a plain request.
async fn ask_plain(dialer: &Dialer) -> Vec<u8> {
    let asked = async {
        let mut tcp: TcpStream = dialer.tcp().await.ok()?;
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", dialer.authority);
        tcp.write_all(request.as_bytes()).await.ok()?;
        let mut read = vec![0; 256];
        let length = tcp.read(&mut read).await.ok()?;
        read.truncate(length);
        Some(read)
    };
    timeout_at(Instant::now() + Duration::from_millis(500), asked).await.ok().flatten().unwrap_or_default()
}

/// The cause if octets are not TLS's.
fn not_tls(authority: &str, first: &[u8]) -> Option<Found> {
    let name = protocol(first)?;
    let banner = String::from_utf8_lossy(first.get(..first.len().min(80)).unwrap_or_default());
    let banner = crate::x509::name::escape_unprintable(banner.lines().next().unwrap_or_default());
    let found = match name {
        "plain HTTP" => Found::new("plain-http", format!("{authority} speaks plain HTTP, not TLS")),
        name => Found::new("not-tls", format!("{authority} does not speak TLS but {name}: it begins with `{banner}`")),
    };
    Some(found.received(banner))
}

pub(super) fn client_certificate(authority: &str, has_identity: bool) -> Found {
    if has_identity {
        Found::new("client-certificate-refused", format!("{authority} refuses the client certificate that was sent"))
    } else {
        Found::new(
            "client-certificate-required",
            format!("{authority} demands a client certificate, and none was sent"),
        )
    }
}

/// The cause for which the certificates are refused.
fn judged(presented: &Presented, authority: &str) -> Option<Found> {
    let subjects: Vec<_> = presented.links.iter().map(|link| link.subject.as_str()).collect();
    let received = format!("Certificate: {}", subjects.join(", then "));
    let leaf = presented.leaf.as_ref().map(|leaf| leaf.subject.clone());
    let issuers = || presented.links.iter().map(|link| link.issuer.as_str());
    let found = if let Some(missing) = &presented.missing {
        Found::new("incomplete-chain", format!("{authority} does not send the intermediate `{missing}`"))
    } else {
        let reason = presented.refusal()?;
        let is_alone = matches!(presented.links.as_slice(), [link] if link.subject != link.issuer);
        let inspector = INSPECTORS.iter().find(|name| issuers().any(|issuer| issuer.contains(*name)));
        match (reason.code, inspector) {
            (Code::UnknownIssuer | Code::SelfSigned, Some(product)) => Found::new(
                "intercepted",
                format!("the certificate of {authority} is issued by {product}, which inspects connections"),
            ),
            (Code::UnknownIssuer, None) if is_alone => Found::new(
                "incomplete-chain",
                format!(
                    "the certificate of {authority} comes alone, and its issuer `{}` is not known here: it is an \
                     intermediate that is not sent, or a root that is not trusted",
                    issuers().next().unwrap_or_default()
                ),
            ),
            (code, _) => {
                Found::new(code.name(), format!("the certificate of {authority} is refused: {}", reason.message))
            }
        }
    };
    Some(Found { certificate: leaf, ..found }.sent(format!("ClientHello for {authority}")).received(received))
}

/// Decides whether clients differ about a fault, and Node, curl or browsers connect all the same.
fn is_minded_by_some(presented: &Presented) -> bool {
    let has_no_names = presented.leaf.as_ref().is_some_and(|leaf| leaf.subject_alt_names.is_empty());
    match presented.refusal().map(|reason| reason.code) {
        Some(Code::CaAsLeaf | Code::Version) => true,
        Some(Code::HostMismatch) => has_no_names,
        _ => false,
    }
}

fn described(tls: &rustls::ClientConnection) -> String {
    let described = tls::describe(
        tls.protocol_version().unwrap_or(rustls::ProtocolVersion::Unknown(0)),
        tls.negotiated_cipher_suite().map_or(rustls::CipherSuite::Unknown(0), |suite| suite.suite()),
        None,
    );
    format!("{}, {}", described.tls_version, described.cipher_suite)
}

fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => format!("alert {alert:?}"),
        other => other.to_string(),
    }
}

/// The alert of an error, if the peer sent one.
pub(super) fn is_about_client_certificate(alert: Alert) -> bool {
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnknownCA
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
            | Alert::HandshakeFailure
    )
}
