//! The audit of a running server: facts by hellos of our own, two verdicts, findings with their fixes.
//!
//! The prober asks what a server speaks (`survey`), rustls makes whole connections where it can (`session`), the
//! library's verifier and lint judge the certificates (`trust`). What is wrong is found by a table of checks
//! ([`RULES`]); the grades (`grade`, `tlsref`) rest on the same facts.

mod engine;
mod flight;
#[cfg(feature = "serve")]
pub(in crate::net) mod glance;
mod grade;
mod group;
mod hello;
mod http;
#[cfg(feature = "serve")]
mod http2;
pub(in crate::net) mod limiter;
mod page;
mod prober;
mod record;
mod renegotiation;
mod rules;
mod session;
mod software;
mod suite;
mod survey;
mod tlsref;
pub(in crate::net) mod trust;
mod unreachable;
mod version;
mod web;
mod websocket;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use self::engine::Engine;
pub use self::grade::Grade;
use self::grade::{Hsts, Trust};
use self::http::Response;
use self::prober::{Opening, Prober};
use self::rules::{Audit, Plain};
pub use self::rules::{Needs, RULES, Rule};
use self::session::{Place, Session};
use self::survey::Facts;
pub use self::trust::Known;
use self::trust::Presented;
pub use self::unreachable::UNREACHABLE;
use self::version::Version;
use self::web::Web;
use self::websocket::WebSocket;
use crate::judge::report::check::{Finding, Protocol, SocketIo, Target};
use crate::judge::report::verdict::Code;
use crate::judge::verify::Host;
use crate::net::probe::{self, Endpoint, NoEndpoint, Starttls};
use crate::x509::key::Hash;

/// The longest that one connection is waited for, unless less is asked for.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Settings of an audit.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The server name to send in place of the endpoint's host.
    pub server_name: Option<String>,
    /// Limit on connecting.
    pub timeout: Duration,
    /// The port of plain HTTP, which should redirect; by default 80 for a server on 443, else none.
    pub http_port: Option<u16>,
    /// The protocol in whose words TLS is begun; HTTP is not looked at then.
    pub starttls: Option<Starttls>,
    /// The origin of a page that is meant to use the server, as a browser sends it.
    pub origin: Option<String>,
    /// An idle connection is watched until the heartbeat is due.
    pub idle: bool,
    /// The trust anchors.
    pub known: Known<'a>,
}

/// Audits a server.
///
/// A server that cannot be reached, or speaks something else, is a target with that finding and without a grade.
pub async fn audit(
    named: &str,
    endpoint: &Endpoint,
    options: &Options<'_>,
    is_wanted: impl Fn(&str) -> bool,
) -> Target {
    let started = Instant::now();
    let mut target = Target { target: named.to_owned(), ..Target::default() };
    Box::pin(look(&mut target, endpoint, options, &is_wanted)).await;
    target.findings.retain(|finding| is_wanted(&finding.id));
    target.seconds = (started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
    target
}

/// The complaint about an argument that names no server.
#[must_use]
pub fn not_a_server(named: &str, error: &NoEndpoint) -> Target {
    Target { target: named.to_owned(), findings: vec![unreachable::name(error)], ..Target::default() }
}

/// The finding about a server that does not begin TLS; it may be silent for as long as all of the check.
async fn begins(
    protocol: Starttls,
    connecting: impl Future<Output = io::Result<TcpStream>>,
    limit: Duration,
) -> Result<(), Finding> {
    match timeout(limit, connecting).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(unreachable::starttls(protocol, &error)),
        Err(_) => Err(unreachable::no_words(protocol, limit)),
    }
}

async fn look(target: &mut Target, endpoint: &Endpoint, options: &Options<'_>, is_wanted: &dyn Fn(&str) -> bool) {
    let asked = probe::Options { server_name: options.server_name.clone(), timeout: options.timeout, starttls: None };
    let address = match probe::connect(endpoint, &asked).await {
        Ok((_, address)) => address,
        Err(error) => return target.findings.push(unreachable::probe(&error)),
    };
    let named = options.server_name.as_deref().map(str::parse::<Endpoint>);
    let named = match named {
        Some(Ok(named)) => named,
        Some(Err(error)) => return target.findings.push(unreachable::name(&error)),
        None => endpoint.clone(),
    };
    let Ok(server_name) = named.server_name() else { return };
    target.address = Some(address.to_string());
    let limit = options.timeout.min(ANSWER_LIMIT);
    let opening = options.starttls.map(|protocol| Opening { protocol, host: bare(endpoint) });
    // A fifth of the time is for what comes after the hellos.
    let prober = Prober::new(address, limit, Instant::now() + options.timeout * 4 / 5).opened_by(opening.clone());
    if let Some(Opening { protocol, .. }) = &opening
        && let Err(finding) = begins(*protocol, prober::connect(address, opening.as_ref()), options.timeout).await
    {
        return target.findings.push(finding);
    }
    let sni = if let ServerName::DnsName(name) = &server_name { Some(name.as_ref().to_owned()) } else { None };
    target.server_name.clone_from(&sni);
    let facts = Facts::gather(&prober, sni.as_deref()).await;
    if facts.offered().next().is_none() {
        return target.findings.push(unreachable::handshake(&facts, &prober, sni.is_some()).await);
    }
    let host = options.server_name.clone().unwrap_or_else(|| bare(endpoint));
    let authority = match endpoint.port {
        443 => endpoint.host.to_string(),
        _ => endpoint.to_string(),
    };
    let place = Place {
        address,
        server_name: &server_name,
        authority: &authority,
        limit,
        opening: opening.as_ref(),
        is_http2: false,
    };
    let session = if facts.has_modern() { Some(Box::pin(place.visit()).await) } else { None };
    let web = match &session {
        Some(session) if session.speaks_http() || session.is_silent => {
            let place = Place { is_http2: session.is_http2_only(), ..place };
            Some(Box::pin(Web::observe(&place, session, options.origin.as_deref(), options.idle)).await)
        }
        _ => None,
    };
    let plain = if opening.is_none() { plain(address, endpoint, options, limit).await } else { None };
    let presented = presented(&facts, session.as_ref(), &host, options.known);
    let audit = Audit {
        host: &host,
        authority: &authority,
        facts: &facts,
        session: session.as_ref(),
        presented: presented.as_ref(),
        plain: plain.as_ref(),
        web: web.as_ref(),
    };
    target.findings = audit.findings(is_wanted);
    target.server = server(&audit);
    describe(target, &facts, session.as_ref());
    judge(target, &audit);
    target.socket_io = web.as_ref().and_then(|web| socket_io(&web.engine));
    target.not_tested = not_tested(&facts, session.as_ref(), opening.is_some());
}

fn socket_io(engine: &Engine) -> Option<SocketIo> {
    if !engine.is_there() {
        return None;
    }
    let open = engine.opened();
    let by_websocket = engine.direct.as_ref().is_some_and(WebSocket::is_session);
    let transports = [("polling", engine.open.is_some()), ("websocket", by_websocket)];
    Some(SocketIo {
        path: http::PATH.to_owned(),
        engine_io: [(3, engine.speaks_three), (4, open.is_some())]
            .into_iter()
            .filter_map(|(version, is_spoken)| is_spoken.then_some(version))
            .collect(),
        transports: transports.into_iter().filter(|(_, opens)| *opens).map(|(name, _)| name.to_owned()).collect(),
        upgrade: engine.upgrade.as_ref().map(WebSocket::is_open),
        ping_interval: open.as_ref().and_then(|open| open.ping_interval),
        ping_timeout: open.as_ref().and_then(|open| open.ping_timeout),
    })
}

/// The host without the brackets of a URL.
fn bare(endpoint: &Endpoint) -> String {
    endpoint.host.to_string().trim_matches(['[', ']']).to_owned()
}

fn server(audit: &Audit<'_>) -> Option<String> {
    let (_, response) = audit.session?.head()?;
    let said = response.value("server").filter(|server| !server.is_empty()).map(str::to_owned);
    said.or_else(|| audit.software().map(|software| software.name().to_owned()))
}

/// Asks the port of plain HTTP.
async fn plain(address: SocketAddr, endpoint: &Endpoint, options: &Options<'_>, limit: Duration) -> Option<Plain> {
    let port = options.http_port.or((endpoint.port == 443).then_some(80))?;
    let prober = Prober::new(SocketAddr::new(address.ip(), port), limit, Instant::now() + limit);
    let authority = if port == 80 { endpoint.host.to_string() } else { format!("{}:{port}", endpoint.host) };
    let response = Response::read(&prober.say(http::request(&authority).as_bytes()).await)?;
    let forwarded = http::Request::get("/").field("X-Forwarded-Proto", "https").octets(&authority);
    let forwarded = Response::read(&prober.say(&forwarded).await);
    Some(Plain { port, response, forwarded })
}

fn presented(facts: &Facts, session: Option<&Session>, host: &str, known: Known<'_>) -> Option<Presented> {
    let by_session = session.map(|session| session.chain.clone()).filter(|chain| !chain.is_empty());
    let clear = || {
        let chain = facts.clear_chain()?;
        Some(chain.iter().map(|der| CertificateDer::from(der.clone())).collect())
    };
    let chain: Vec<_> = by_session.or_else(clear)?;
    let host = host.parse::<Host>().ok();
    Some(Presented::judge(&chain, host.as_ref(), session.and_then(|session| session.key_proven), known))
}

fn describe(target: &mut Target, facts: &Facts, session: Option<&Session>) {
    target.protocols = facts
        .versions
        .iter()
        .map(|(version, offer)| Protocol {
            version: version.name().to_owned(),
            status: match () {
                () if offer.is_offered => "offered",
                () if offer.refusal.is_refusal() => "refused",
                () => "unknown",
            }
            .to_owned(),
            suites: offer.suites.iter().map(ToString::to_string).collect(),
            order: offer.order.map(|order| order.name().to_owned()),
        })
        .collect();
    target.groups = facts.groups.iter().map(ToString::to_string).collect();
    target.dh_bits = facts.dh_bits();
    let clear = facts.behaviour.alpn.as_ref().and_then(|alpn| alpn.both.clone());
    target.alpn = session.and_then(|session| session.alpn_both.clone()).or(clear);
    target.resumption = session.and_then(|session| session.is_resumed);
    let by_session = session.filter(|session| session.failure.is_none()).map(|session| !session.ocsp.is_empty());
    target.stapled = match (by_session, facts.behaviour.stapled) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(false) || other.unwrap_or(false)),
    };
}

/// Puts the two verdicts into the report.
fn judge(target: &mut Target, audit: &Audit<'_>) {
    let presented = audit.presented;
    target.chain = presented.map(|presented| presented.links.clone()).unwrap_or_default();
    let graded = basis(audit).grade();
    target.grade = Some(graded.grade.name().to_owned());
    target.grade_ignoring_trust = Some(graded.ignoring_trust.name().to_owned());
    target.scores = Some(graded.scores);
    target.caps = graded.caps;
    let (versions, suites): (Vec<_>, Vec<_>) = (audit.facts.offered().collect(), audit.facts.suites().collect());
    let basis = tlsref::Basis {
        versions: &versions,
        suites: &suites,
        groups: &audit.facts.groups,
        certificate: presented.and_then(|presented| presented.leaf.as_ref()),
        key: presented.and_then(|presented| presented.key),
        days: presented.and_then(|presented| presented.days),
    };
    target.tlsref = Some(basis.judge());
}

fn basis(audit: &Audit<'_>) -> grade::Basis {
    let (facts, presented) = (audit.facts, audit.presented);
    let is_tls13 = facts.offers(Version::Tls13);
    let modern = |is_good: fn(suite::Suite) -> bool| {
        let by_hello = || facts.behaviour.modern.map(is_good);
        is_tls13 || by_hello().unwrap_or_else(|| facts.suites().any(|(_, suite)| is_good(suite)))
    };
    grade::Basis {
        versions: facts.offered().collect(),
        suites: facts.suites().collect(),
        key_bits: presented.and_then(Presented::key_bits),
        dh_bits: facts.dh_bits(),
        group_bits: facts.groups.iter().filter_map(|group| group.rsa_bits()).min(),
        compression: facts.behaviour.compression == Some(true),
        secure_renegotiation: facts.behaviour.secure_renegotiation,
        insecure_renegotiation: facts.behaviour.insecure_renegotiation == Some(true),
        modern_secrecy: modern(suite::Suite::has_forward_secrecy),
        modern_aead: modern(suite::Suite::is_aead),
        small_blocks: !is_tls13 && facts.behaviour.triple_des,
        trust: trust_of(presented),
        is_md5: presented.is_some_and(is_md5),
        incomplete_chain: presented.is_some_and(|presented| presented.missing.is_some()),
        hsts: audit.session.and_then(Session::head).map_or(Hsts::Unknown, |(_, response)| response.hsts()),
    }
}

fn is_md5(presented: &Presented) -> bool {
    presented.key.is_some_and(|key| key.signature.hash() == Some(Hash::Md5))
}

fn trust_of(presented: Option<&Presented>) -> Trust {
    let Some(presented) = presented else { return Trust::Refused("no certificate was seen") };
    match presented.refusal().map(|reason| reason.code) {
        _ if presented.is_of_other_name() => Trust::OtherName,
        Some(Code::WeakKey | Code::WeakSignature) if presented.is_self_made() => {
            Trust::Refused(Code::SelfSigned.name())
        }
        // The size of the key has caps of its own, and so has MD5.
        None | Some(Code::WeakKey) => Trust::Fine,
        Some(Code::WeakSignature) if is_md5(presented) => Trust::Fine,
        Some(code) => Trust::Refused(code.name()),
    }
}

fn not_tested(facts: &Facts, session: Option<&Session>, begins_in_clear: bool) -> Vec<String> {
    let mut all: Vec<_> = facts.unknown().map(|(version, answer)| format!("{version}: {}", answer.words())).collect();
    match session {
        None => all.push(
            "HTTP, resumption, early data: the server has neither TLS 1.3 nor a TLS 1.2 suite with ECDHE and an AEAD"
                .to_owned(),
        ),
        Some(Session { failure: Some(failure), .. }) => {
            all.push(format!("HTTP, resumption, early data: the handshake fails ({failure})"));
        }
        Some(_) if begins_in_clear => {}
        Some(Session { response: None, no_response, .. }) => {
            all.push(format!("HTTP: {}", no_response.as_deref().unwrap_or("no answer")));
        }
        Some(_) => {}
    }
    all
}
