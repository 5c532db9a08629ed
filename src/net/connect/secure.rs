//! TLS: the handshake, its failures, and the certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::time::Instant;

use super::address::Address;
use super::causes::Cause;
use super::handshake::shakes_hands;
use super::reach::Reached;
use super::run::{Found, Run};
use crate::judge::report::connect::LayerName;
use crate::judge::report::verdict::Code;
use crate::net::check::trust::Presented;
use crate::net::client::stream::Stream;
use crate::net::client::{Dialer, Undialed};
use crate::net::probe::first::First;
use crate::net::probe::{Endpoint, EndpointHost};
use crate::net::tls::{self, Listening};

/// Time in which another address of localhost takes a connection; it has four times that to shake hands.
const GLANCE: Duration = Duration::from_millis(250);

/// Clients built on OpenSSL, which look at less than others.
const OPENSSL: [&str; 3] = ["node", "curl", "openssl"];

impl Run<'_> {
    /// Shakes hands, and judges the certificates; the dialer makes such connections from then on.
    pub(super) async fn secure(
        &mut self,
        address: &Address,
        reached: Reached,
        others: &[SocketAddr],
    ) -> Result<(Dialer, Stream, First, Listening), Found> {
        let Reached { dialer, tcp, .. } = reached;
        let identity = self.options.identity.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key()));
        let listening = tls::danger_speaking(&[b"http/1.1"], identity, self.options.key_log.clone())
            .map_err(|error| Found::new("client-certificate-refused", error.to_string()))?;
        let (name, host) = self.name(address)?;
        let dialer = Dialer { tls: Some((listening.clone(), name)), ..dialer };
        let began = Instant::now();
        let (stream, first) = match dialer.over(tcp).await {
            Ok(connected) => connected,
            Err(failure) => {
                let found = self.no_handshake(&dialer, failure, &listening, began.elapsed()).await;
                self.compare_failed(&dialer, others).await;
                return Err(found);
            }
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
        self.compare(&dialer, others, chain.first()).await;
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

    /// Other addresses of localhost: those of its name, and the other loopback address, which browsers try as well.
    pub(super) fn others(&self, address: &Address, dialer: &Dialer, mut others: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let EndpointHost::Name(name) = &address.endpoint.host else { return Vec::new() };
        let is_given = self.options.resolve.iter().any(|one| one.0 == *name);
        if !address.is_loopback() || self.options.proxy.is_some() || is_given {
            return Vec::new();
        }
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let other = SocketAddr::new(ip, address.endpoint.port);
            if other != dialer.address && !others.contains(&other) {
                others.push(other);
            }
        }
        others
    }

    /// Warns if the handshake that failed succeeds on another address of localhost.
    async fn compare_failed(&mut self, dialer: &Dialer, others: &[SocketAddr]) {
        for other in others.iter().take(1) {
            if shakes_hands(dialer, *other).await {
                let message =
                    format!("{} and {other} are different servers: the second one speaks TLS", dialer.address);
                let found = Found::new("other-server-on-address", message).sent(format!("ClientHello to {other}"));
                self.warn(found.received("a ServerHello"));
            }
        }
    }

    /// Warns if another address of localhost leads to another server.
    async fn compare(&mut self, dialer: &Dialer, others: &[SocketAddr], leaf: Option<&CertificateDer<'static>>) {
        for other in others.iter().take(1) {
            let second = Dialer { address: *other, limit: GLANCE, ..dialer.clone() };
            let Ok(tcp) = second.tcp().await else { continue };
            let patient = Dialer { limit: GLANCE * 4, ..second };
            let what = match patient.over(tcp).await {
                Ok((stream, _)) => {
                    let certificates = stream.tls().and_then(|tls| tls.peer_certificates());
                    if certificates.and_then(<[_]>::first) == leaf {
                        continue;
                    }
                    "another certificate"
                }
                Err(Undialed::Tls { .. }) => "no TLS that works",
                Err(Undialed::TlsTimeout { .. }) => "nothing: it hangs, or is not of TLS",
                Err(_) => continue,
            };
            let message = format!("{} and {other} are different servers: the second shows {what}", dialer.address);
            let found =
                Found::new("other-server-on-address", message).sent(format!("ClientHello to {other}")).received(what);
            self.warn(found);
        }
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
        match (reason.code, presented.inspector()) {
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
    let clients = is_minded_by_some(presented).then(|| match presented.refusal().map(|reason| reason.code) {
        _ if !presented.is_rooted => (Vec::new(), Vec::new()),
        Some(Code::CaAsLeaf) => (vec!["browsers", "node", "curl", "openssl", "python"], vec!["rustls", "java"]),
        _ => (OPENSSL.to_vec(), vec!["browsers", "rustls", "python"]),
    });
    let clients = clients.map(|(accepted, refused)| match accepted.as_slice() {
        [] => (accepted, vec!["browsers", "node", "python", "curl"]),
        _ => (accepted, refused),
    });
    let hint = (clients.is_some() && !presented.is_rooted)
        .then(|| format!("{}; it is not trusted either: name it with --trust FILE", Cause::of(found.code).fix));
    Some(
        Found { certificate: leaf, clients, hint, ..found }
            .sent(format!("ClientHello for {authority}"))
            .received(received),
    )
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
