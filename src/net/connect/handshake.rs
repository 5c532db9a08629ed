//! Handshakes that fail, and the causes behind them.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription as Alert, PeerIncompatible};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::run::{Found, Run};
use crate::net::check::glance;
use crate::net::client::{Dialer, Undialed};
use crate::net::probe::protocol;
use crate::net::tls::{Listening, Shown, alert_name};
use crate::x509::name::{escape_unprintable, rfc4514_der};

/// The time for which a server is watched that may close a connection by itself, or speak first.
const WATCHED: Duration = Duration::from_millis(120);

/// The same for a server that takes its time to close one.
const LONGEST_WATCHED: Duration = Duration::from_secs(5);

/// The time that a second look may take, which is for the cause alone.
const LOOK: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// The cause of a handshake that failed, so long after it began.
    pub(super) async fn no_handshake(
        &self,
        dialer: &Dialer,
        failure: Undialed,
        listening: &Listening,
        took: Duration,
    ) -> Found {
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
            Some(rustls::Error::AlertReceived(alert)) => self.alert(dialer, *alert, &shown, has_identity).await,
            Some(rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::ServerDoesNotSupportTls12Or13,
            )) => old_tls(authority),
            Some(rustls::Error::PeerIncompatible(_)) => no_common_suite(dialer).await,
            Some(rustls::Error::NoApplicationProtocol) => Found::new(
                "no-alpn-overlap",
                format!("{authority} does not speak http/1.1, only another protocol of ALPN"),
            ),
            Some(_) => Found::new("tls-reset", format!("{authority} answers with TLS that makes no sense")),
            None if shown.client_certificate_requested => client_certificate(authority, has_identity, &shown),
            None => self.closed(dialer, &first, error.kind() == std::io::ErrorKind::ConnectionReset, took).await,
        };
        Found { received: if found.received.is_empty() { received } else { found.received.clone() }, ..found }
            .sent(sent)
    }

    /// The cause behind an alert.
    async fn alert(&self, dialer: &Dialer, alert: Alert, shown: &Shown, has_identity: bool) -> Found {
        let authority = &dialer.authority;
        match alert {
            Alert::ProtocolVersion => old_tls(authority),
            Alert::UnrecognisedName => unknown_name(dialer),
            Alert::NoApplicationProtocol => Found::new(
                "no-alpn-overlap",
                format!("{authority} does not speak http/1.1, only another protocol of ALPN"),
            ),
            Alert::CertificateRequired => client_certificate(authority, has_identity, shown),
            _ if shown.client_certificate_requested => client_certificate(authority, has_identity, shown),
            _ if passes_without_name(dialer).await => unknown_name(dialer),
            Alert::HandshakeFailure | Alert::InsufficientSecurity | Alert::InternalError | Alert::IllegalParameter => {
                no_common_suite(dialer).await
            }
            _ => Found::new("tls-reset", format!("{authority} ends the handshake with an alert")),
        }
    }

    /// The cause of a connection that was closed in the handshake, or reset.
    async fn closed(&self, dialer: &Dialer, first: &[u8], is_reset: bool, took: Duration) -> Found {
        let authority = &dialer.authority;
        if !first.is_empty() {
            return Found::new("tls-reset", format!("{authority} closes the connection during the TLS handshake"));
        }
        // A forwarder that connects in vain closes after a while, whether something was said or not.
        let watched = if took < WATCHED { WATCHED } else { (took * 2).min(LONGEST_WATCHED) };
        if let Some(said) = watch(dialer, watched).await {
            return not_tls(authority, &said).unwrap_or_else(|| closed_at_once(authority));
        }
        if let Some(found) = not_tls(authority, &ask_plain(dialer).await) {
            return found;
        }
        if is_old(dialer).await {
            return no_common_suite(dialer).await;
        }
        // A middlebox that minds the name resets; a server that does not know it closes.
        let passes = passes_without_name(dialer).await;
        if passes && !is_reset {
            return unknown_name(dialer);
        }
        let how = if is_reset { "resets" } else { "closes" };
        let found = Found::new("tls-reset", format!("{authority} {how} the connection after the ClientHello"));
        if passes {
            return found.hint(
                "without the server name the handshake succeeds: a middlebox or firewall on the way minds the name, or the \
                 server does. Try another with --server-name, and another network",
            );
        }
        found
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

fn old_tls(authority: &str) -> Found {
    Found::new("old-tls", format!("{authority} speaks nothing newer than TLS 1.1"))
}

fn unknown_name(dialer: &Dialer) -> Found {
    const CODE: &str = "unknown-server-name";
    let authority = &dialer.authority;
    if let Some(name) = server_name(dialer) {
        return Found::new(CODE, format!("{authority} knows no host of the name {name}, which was sent"));
    }
    let message = format!("{authority} refuses clients that send no server name, and none is sent for an address");
    let hint = "connect by a name that the server knows, or send one with --server-name NAME; to answer clients that send \
                none, the server needs a default certificate (HAProxy: without strict-sni)";
    Found::new(CODE, message).hint(hint)
}

pub(super) fn closed_at_once(authority: &str) -> Found {
    Found::new(
        "closed-at-once",
        format!("{authority} accepts connections and closes them at once, before a byte comes"),
    )
    .received("the connection is closed")
}

/// The cause of a server that wants, or refuses, a client certificate.
pub(super) fn client_certificate(authority: &str, has_identity: bool, shown: &Shown) -> Found {
    // The name of a certificate may be empty, where the server is told to accept a leaf.
    let issuers = shown.acceptable_issuers.iter().map(|der| rfc4514_der(der)).filter(|name| !name.is_empty());
    let issuers: Vec<_> = issuers.collect();
    let issuers =
        if issuers.is_empty() { String::new() } else { format!("; it accepts those of {}", issuers.join(" and ")) };
    if has_identity {
        let message = format!("{authority} refuses the client certificate that was sent{issuers}");
        Found::new("client-certificate-refused", message)
    } else {
        let message = format!("{authority} demands a client certificate, and none was sent{issuers}");
        Found::new("client-certificate-required", message)
    }
}

/// The cause of a server that takes no suite of today, or no version, with the clients that connect all the same.
async fn no_common_suite(dialer: &Dialer) -> Found {
    const CODE: &str = "no-common-suite";
    let authority = &dialer.authority;
    let refused = || {
        format!(
            "{authority} refuses every cipher suite of TLS 1.3 and 1.2 that is offered: it may have no certificate for \
             the name"
        )
    };
    if dialer.proxy.is_some() {
        return Found::new(CODE, refused());
    }
    let taken = glance::taken(dialer.address, server_name(dialer), LOOK.min(dialer.limit)).await;
    let found = match (taken.odd_curves(), taken.suites()) {
        (Some(curves), _) => {
            let message = format!(
                "{authority} has neither X25519 nor P-256 nor P-384, which clients of today offer, but {}",
                curves.join(", ")
            );
            let hint = "allow the curves of today. nginx: ssl_ecdh_curve X25519:prime256v1:secp384r1; Node: \
                        ecdhCurve: 'auto'; HAProxy: ssl-default-bind-curves X25519:P-256:P-384";
            Found::new(CODE, message).hint(hint)
        }
        (None, suites) if suites.is_empty() && is_old(dialer).await => return old_tls(authority),
        (None, suites) if suites.is_empty() => Found::new(CODE, refused()),
        (None, suites) => {
            let message = format!(
                "{authority} speaks TLS 1.2 and takes only {}: no suite with ECDHE and an AEAD",
                suites.join(", ")
            );
            Found::new(CODE, message)
        }
    };
    Found { clients: Some(taken.clients()), ..found }
}

/// The name that is sent.
pub(super) fn server_name(dialer: &Dialer) -> Option<&str> {
    match &dialer.tls {
        Some((_, ServerName::DnsName(name))) => Some(name.as_ref()),
        _ => None,
    }
}

/// Decides whether the handshake succeeds without a server name.
async fn passes_without_name(dialer: &Dialer) -> bool {
    let Some((listening, ServerName::DnsName(_))) = &dialer.tls else { return false };
    let nameless = ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into());
    let tls = Some((listening.clone(), nameless));
    Dialer { tls, limit: LOOK.min(dialer.limit), ..dialer.clone() }.dial().await.is_ok()
}

/// Decides whether the server answers a hello of TLS 1.1 or older.
async fn is_old(dialer: &Dialer) -> bool {
    if dialer.proxy.is_some() {
        return false;
    }
    let looking = glance::answers_old_tls(dialer.address, server_name(dialer), LOOK);
    timeout_at(Instant::now() + LOOK.min(dialer.limit), looking).await.unwrap_or(false)
}

/// Decides whether another address has a server with which the handshake succeeds.
pub(super) async fn shakes_hands(dialer: &Dialer, address: SocketAddr) -> bool {
    Dialer { address, limit: LOOK.min(dialer.limit), ..dialer.clone() }.dial().await.is_ok()
}

/// Returns the server's own first octets, empty if the server closes the connection; `None` if it waits.
pub(super) async fn watch(dialer: &Dialer, span: Duration) -> Option<Vec<u8>> {
    let watched = async {
        let mut read = vec![0; 256];
        let length = match dialer.tcp().await {
            Ok(mut tcp) => tcp.read(&mut read).await.unwrap_or(0),
            Err(failure) if is_reset(&failure) => 0,
            Err(_) => return None,
        };
        read.truncate(length);
        Some(read)
    };
    timeout_at(Instant::now() + span, watched).await.ok().flatten()
}

/// Decides whether a connection was made, and reset before it could be used.
pub(super) fn is_reset(failure: &Undialed) -> bool {
    matches!(failure, Undialed::Tcp(error) if error.kind() == std::io::ErrorKind::ConnectionReset)
}

/// Decides whether a server closes connections by itself, before anything was said.
pub(super) async fn closes_at_once(dialer: &Dialer) -> bool {
    watch(dialer, WATCHED).await.is_some_and(|said| said.is_empty())
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
pub(super) fn not_tls(authority: &str, first: &[u8]) -> Option<Found> {
    let name = protocol(first)?;
    let banner = String::from_utf8_lossy(first.get(..first.len().min(80)).unwrap_or_default());
    let banner = escape_unprintable(banner.lines().next().unwrap_or_default());
    let found = match name {
        "plain HTTP" => Found::new("plain-http", format!("{authority} speaks plain HTTP, not TLS")),
        name => Found::new("not-tls", format!("{authority} does not speak TLS but {name}: it begins with `{banner}`")),
    };
    Some(found.received(banner))
}

fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => format!("alert {}", alert_name((*alert).into())),
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
