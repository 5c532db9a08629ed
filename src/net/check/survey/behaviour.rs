//! A server's answers to hellos that differ in one thing.

use std::collections::BTreeMap;

use super::enumerate::Offer;
use crate::net::check::group::Group;
use crate::net::check::hello::{Hello, extension};
use crate::net::check::http;
use crate::net::check::prober::{Answer, Prober};
use crate::net::check::renegotiation;
use crate::net::check::suite::Suite;
use crate::net::check::version::Version;

/// Octets of padding that make a hello as long as one with a share of ML-KEM, which comes in two segments of TCP.
const PADDING: usize = 1_700;

/// A server name that no server has: `.invalid` is reserved for such (RFC 2606).
const UNKNOWN_NAME: &str = "no-such-host.invalid";

/// Suites of TLS 1.2 that Chrome offers, in its order.
const MODERN: [u16; 12] =
    [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035];

/// 3DES, as browsers offered it last.
const TRIPLE_DES: [u16; 4] = [0xc008, 0xc012, 0x0016, 0x000a];

/// Facts found; `None` where a question could not be asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// RFC 5746, below TLS 1.3.
    pub(crate) secure_renegotiation: Option<bool>,
    /// A client renegotiates as often as it likes.
    pub(crate) client_renegotiation: Option<bool>,
    /// A client renegotiates without RFC 5746.
    pub(crate) insecure_renegotiation: Option<bool>,
    /// DEFLATE was agreed to.
    pub(crate) compression: Option<bool>,
    /// A session ID or ticket was given, below TLS 1.3.
    pub(crate) session_id: Option<bool>,
    pub(crate) session_ticket: Option<bool>,
    pub(crate) extended_master_secret: Option<bool>,
    /// A status was stapled to the clear certificates.
    pub(crate) stapled: Option<bool>,
    /// The protocol chosen for `http/1.1` alone, and for `h2` before `http/1.1`, below TLS 1.3.
    pub(crate) alpn: Option<Alpn>,
    /// The answer to a hello with values that nobody knows.
    pub(crate) grease: Option<Answer>,
    /// The answer to a long hello.
    pub(crate) large: Option<Answer>,
    /// The answer to a hello without a name, and with one that is unknown.
    pub(crate) without_name: Option<Answer>,
    pub(crate) unknown_name: Option<Answer>,
    /// The suite that a browser gets.
    pub(crate) modern: Option<Suite>,
    /// 3DES is chosen for a browser that offers it last.
    pub(crate) triple_des: bool,
    /// The answer to a request of plain HTTP.
    pub(crate) plaintext: Vec<u8>,
}

/// The protocol chosen by ALPN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alpn {
    pub(crate) http1: Option<String>,
    pub(crate) both: Option<String>,
}

impl Behaviour {
    pub(super) async fn observe(
        prober: &Prober,
        server_name: Option<&str>,
        versions: &BTreeMap<Version, Offer>,
    ) -> Self {
        let newest = |limit| {
            let offered = versions.iter().rev().find(|(version, offer)| **version <= limit && offer.is_offered);
            offered.filter(|(version, _)| **version != Version::Ssl2)
        };
        let hello = |(version, offer): (&Version, &Offer)| Hello {
            suites: offer.suites.clone(),
            ..Hello::of(*version, server_name)
        };
        let mut seen = Self::default();
        if let Some(best) = newest(Version::Tls13) {
            seen.ask_about(prober, &hello(best)).await;
        }
        if let Some(clear) = newest(Version::Tls12) {
            seen.ask_in_clear(prober, &hello(clear)).await;
        }
        if let Some(offer) = versions.get(&Version::Tls12).filter(|offer| offer.is_offered) {
            seen.ask_for_renegotiation(prober, offer, server_name).await;
        }
        let request = http::request(server_name.unwrap_or("localhost"));
        seen.plaintext = prober.say(request.as_bytes()).await;
        seen
    }

    /// Renegotiates as a client. Where that is refused, it is refused without RFC 5746 as well.
    async fn ask_for_renegotiation(&mut self, prober: &Prober, offer: &Offer, server_name: Option<&str>) {
        let suites = renegotiation::suites(&offer.suites);
        if suites.is_empty() {
            return;
        }
        let hello = Hello { suites, ..Hello::of(Version::Tls12, server_name) };
        if self.secure_renegotiation == Some(true) {
            self.client_renegotiation = renegotiation::is_unlimited(prober, &hello).await;
        }
        if self.secure_renegotiation == Some(false) || self.client_renegotiation == Some(true) {
            self.insecure_renegotiation = renegotiation::is_insecure(prober, &hello).await;
        }
    }

    /// Asks the questions that suit every version.
    async fn ask_about(&mut self, prober: &Prober, hello: &Hello) {
        let unnamed = Hello { server_name: None, ..hello.clone() };
        let misnamed = Hello { server_name: Some(UNKNOWN_NAME.to_owned()), ..hello.clone() };
        let large = Hello { padding: PADDING, ..hello.clone() };
        let grease = Hello { grease: true, ..hello.clone() };
        let (without_name, unknown_name, large, grease) =
            tokio::join!(prober.ask(&unnamed), prober.ask(&misnamed), prober.ask(&large), prober.ask(&grease));
        self.without_name = Some(without_name);
        self.unknown_name = Some(unknown_name);
        self.large = Some(large).filter(|_| hello.version != Version::Ssl3);
        self.grease = Some(grease).filter(|_| hello.version != Version::Ssl3);
    }

    /// Asks the questions that are answered in the clear below TLS 1.3.
    async fn ask_in_clear(&mut self, prober: &Prober, hello: &Hello) {
        let suites = |numbers: &[&[u16]]| numbers.concat().into_iter().map(Suite).collect::<Vec<_>>();
        let groups = Group::COMMON.to_vec();
        let modern = Hello { suites: suites(&[&MODERN]), groups, ..hello.clone() };
        let triple = Hello { suites: suites(&[&MODERN, &TRIPLE_DES]), ..modern.clone() };
        let alpn = |protocols: &[&'static str]| Hello { alpn: protocols.to_vec(), ..hello.clone() };
        let (http1, both) = (alpn(&["http/1.1"]), alpn(&["h2", "http/1.1"]));
        let deflate = Hello { compression: true, ..hello.clone() };
        let (plain, deflate, http1, both, modern, triple) = tokio::join!(
            prober.ask(hello),
            prober.ask(&deflate),
            prober.ask(&http1),
            prober.ask(&both),
            prober.ask(&modern),
            prober.ask(&triple),
        );
        let has = |number| plain.hello().map(|(_, hello)| hello.extension(number).is_some());
        self.secure_renegotiation = has(extension::RENEGOTIATION_INFO);
        self.session_ticket = has(extension::SESSION_TICKET);
        self.extended_master_secret = has(extension::EXTENDED_MASTER_SECRET);
        self.session_id = plain.hello().map(|(_, hello)| hello.has_session_id);
        self.compression = deflate.hello().map(|(_, hello)| hello.compression != 0);
        // nginx fetches the status when it is first asked for: by now it has it.
        let stapled = |answer: &Answer| answer.hello().map(|(flight, _)| flight.is_stapled);
        self.stapled = stapled(&triple).or_else(|| stapled(&deflate));
        let is_read = |answer: &Answer| matches!(answer, Answer::Hello(..) | Answer::Alert(120));
        let protocol = |answer: &Answer| answer.hello().and_then(|(_, hello)| hello.alpn());
        self.alpn =
            (is_read(&http1) && is_read(&both)).then(|| Alpn { http1: protocol(&http1), both: protocol(&both) });
        let suite = |answer: &Answer| answer.hello().map(|(_, hello)| hello.suite);
        self.modern = suite(&modern);
        self.triple_des = hello.version >= Version::Tls11 && suite(&triple).is_some_and(Suite::is_triple_des);
    }
}
