//! A reader of a server's answer to a hello, as far as the answer comes in the clear.
//!
//! Each read checks its bounds: whatever octets come, the worst is that nothing is read out of them.

use super::group::Group;
use super::hello::extension;
use super::record::{ALERT, HANDSHAKE, next_message, next_record};
use super::suite::Suite;
use super::version::Version;
use crate::base::octets::Octets;

/// The random value of a ServerHello that is a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The part of a server's flight that came in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) hello: Option<ServerHello>,
    /// Certificates in DER, in the order sent.
    pub(super) chain: Vec<Vec<u8>>,
    /// A stapled OCSP response came.
    pub(super) is_stapled: bool,
    pub(super) key_exchange: Option<Params>,
    /// A client certificate is asked for.
    pub(super) asks_certificate: bool,
    /// The server's flight is complete: the client speaks next.
    pub(super) is_done: bool,
    /// The description of an alert that ends the connection.
    pub(super) alert: Option<u8>,
}

/// The contents of a ServerHello or HelloRetryRequest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) suite: Suite,
    pub(super) has_session_id: bool,
    pub(super) compression: u8,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
}

/// The group of a ServerKeyExchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Params {
    /// A finite field: the bits of its prime.
    Dh(u32),
    /// A named curve.
    Curve(Group),
}

impl ServerHello {
    /// Decides whether this is a HelloRetryRequest.
    pub(super) fn is_retry(&self) -> bool {
        self.random == RETRY
    }

    pub(super) fn extension(&self, number: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(known, _)| *known == number).map(|(_, content)| content.as_slice())
    }

    /// The group that a HelloRetryRequest, or a share, names.
    pub(super) fn group(&self) -> Option<Group> {
        Octets(self.extension(extension::KEY_SHARE)?).number16().map(Group)
    }

    /// The application protocol that was chosen.
    pub(super) fn alpn(&self) -> Option<String> {
        let mut list = Octets(self.extension(extension::ALPN)?);
        let protocol = Octets(list.vector(2)?).vector(1)?;
        Some(String::from_utf8_lossy(protocol).into_owned())
    }
}

impl Flight {
    /// Reads all that has come so far; an incomplete message is left out.
    pub(super) fn read(octets: &[u8]) -> Self {
        let mut flight = Self::default();
        let mut records = Octets(octets);
        let mut handshake = Vec::new();
        while let Some((kind, content)) = next_record(&mut records) {
            match kind {
                HANDSHAKE => handshake.extend_from_slice(content),
                // A warning (unrecognized_name, for one) does not end anything.
                ALERT => flight.alert = flight.alert.or(fatal(content)),
                // All that follows is encrypted.
                _ => break,
            }
        }
        let mut messages = Octets(&handshake);
        while let Some((kind, body)) = next_message(&mut messages) {
            flight.take(kind, body);
        }
        flight
    }

    fn take(&mut self, kind: u8, body: &[u8]) {
        match kind {
            2 => {
                self.hello = server_hello(body);
                self.is_done = self.hello.as_ref().is_some_and(|hello| hello.version >= Version::Tls13.number());
            }
            11 => self.chain = certificates(body).unwrap_or_default(),
            12 => {
                let exchange = self.hello.as_ref().map(|hello| hello.suite.key_exchange());
                self.key_exchange = exchange.and_then(|exchange| params(body, exchange));
            }
            13 => self.asks_certificate = true,
            14 => self.is_done = true,
            22 => self.is_stapled = true,
            _ => {}
        }
    }
}

/// The description of a fatal alert.
fn fatal(content: &[u8]) -> Option<u8> {
    if let [2, description] = content { Some(*description) } else { None }
}

/// Reads a ServerHello or HelloRetryRequest.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut fields = Octets(body);
    let legacy = fields.number16()?;
    let random = fields.take(32)?.try_into().ok()?;
    let has_session_id = !fields.vector(1)?.is_empty();
    let suite = Suite(fields.number16()?);
    let compression = fields.number8()?;
    let mut extensions = Vec::new();
    let mut list = Octets(fields.vector(2).unwrap_or_default());
    while let Some((number, content)) = list.number16().zip(list.vector(2)) {
        extensions.push((number, content.to_vec()));
    }
    let hello = ServerHello { version: legacy, random, suite, has_session_id, compression, extensions };
    let selected = hello.extension(extension::SUPPORTED_VERSIONS).and_then(|content| Octets(content).number16());
    Some(ServerHello { version: selected.unwrap_or(legacy), ..hello })
}

fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Octets(Octets(body).vector(3)?);
    let mut chain = Vec::new();
    while let Some(certificate) = list.vector(3) {
        chain.push(certificate.to_vec());
    }
    Some(chain)
}

fn params(body: &[u8], exchange: super::suite::KeyExchange) -> Option<Params> {
    use super::suite::KeyExchange;
    let mut fields = Octets(body);
    match exchange {
        // named_curve is the one kind that RFC 8422 has left.
        KeyExchange::Ecdhe => {
            (fields.number8()? == 3).then(|| fields.number16().map(|group| Params::Curve(Group(group))))?
        }
        KeyExchange::Dhe => {
            let prime = fields.vector(2)?;
            let zeros = prime.iter().take_while(|octet| **octet == 0).count();
            let first = prime.get(zeros)?;
            let octets = u32::try_from(prime.len() - zeros).ok()?;
            Some(Params::Dh(octets * 8 - first.leading_zeros()))
        }
        _ => None,
    }
}

/// Decides whether octets are a SERVER-HELLO or an error message of SSL 2.0.
pub(super) fn is_ssl2(octets: &[u8]) -> bool {
    matches!(octets, [high, _, 4, _, _, 0, 2, ..] if high & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use super::super::record::message;
    use super::*;

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        super::super::record::record(Version::Tls12.number(), kind, content)
    }

    fn hello(random: [u8; 32], suite: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        message(2, &body)
    }

    #[test]
    fn a_hello_retry_request_names_suite_and_group() {
        let extensions = [0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0x11, 0xec];
        let flight = Flight::read(&record(22, &hello(RETRY, 0x1302, &extensions)));
        let hello = flight.hello.unwrap();
        assert!(hello.is_retry() && flight.is_done);
        assert_eq!((hello.version, hello.suite, hello.group()), (0x0304, Suite(0x1302), Some(Group(0x11ec))));
    }

    #[test]
    fn messages_may_lie_across_records() {
        let mut dh = vec![0, 129, 0];
        dh.extend([0xff; 128]);
        let all = [hello([7; 32], 0x0033, &[]), message(12, &dh), message(13, &[]), message(14, &[])].concat();
        let flight = Flight::read(&[record(22, &all[..50]), record(22, &all[50..])].concat());
        assert_eq!(flight.key_exchange, Some(Params::Dh(1024)));
        assert!(flight.is_done && flight.asks_certificate);
    }

    #[test]
    fn a_warning_is_no_refusal() {
        assert_eq!(Flight::read(&record(21, &[1, 112])).alert, None);
        assert_eq!(Flight::read(&record(21, &[2, 40])).alert, Some(40));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(octets: Vec<u8>, kind: u8, body: Vec<u8>) {
            let _ = Flight::read(&octets);
            let _ = Flight::read(&record(22, &message(kind % 24, &body[..body.len().min(9_000)])));
            let hello = hello([1; 32], 0x0033, &[]);
            let _ = Flight::read(&record(22, &[hello, message(12, &body[..body.len().min(9_000)])].concat()));
            let _ = is_ssl2(&octets);
        }
    }
}
