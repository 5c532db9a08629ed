//! ClientHellos of every version, written octet by octet: rustls can neither offer old versions nor name a single
//! suite.
//!
//! Nothing here is secret: the random values come from the caller, and no handshake is ever completed with these
//! hellos.

use super::group::Group;
use super::record::{HANDSHAKE, message, record};
use super::suite::Suite;
use super::version::Version;

/// Numbers of the extensions that are written and read.
pub(super) mod extension {
    pub(in crate::net::check) const SERVER_NAME: u16 = 0;
    pub(in crate::net::check) const STATUS_REQUEST: u16 = 5;
    pub(in crate::net::check) const SUPPORTED_GROUPS: u16 = 10;
    pub(in crate::net::check) const EC_POINT_FORMATS: u16 = 11;
    pub(in crate::net::check) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(in crate::net::check) const ALPN: u16 = 16;
    pub(in crate::net::check) const PADDING: u16 = 21;
    pub(in crate::net::check) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(in crate::net::check) const SESSION_TICKET: u16 = 35;
    pub(in crate::net::check) const SUPPORTED_VERSIONS: u16 = 43;
    pub(in crate::net::check) const KEY_SHARE: u16 = 51;
    pub(in crate::net::check) const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// A suite, group, version and extension that nobody knows (RFC 8701).
const GREASE: u16 = 0x6a6a;

/// Signature schemes, the old ones included: EdDSA, ECDSA, RSA-PSS, PKCS#1, down to SHA-1 and MD5.
const SIGNATURES: [u16; 20] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0301, 0x0303, 0x0201, 0x0203, 0x0202, 0x0101,
];

/// A ClientHello to be sent.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    /// The newest version offered; TLS 1.3 is offered alone.
    pub(super) version: Version,
    pub(super) suites: Vec<Suite>,
    pub(super) groups: Vec<Group>,
    pub(super) server_name: Option<String>,
    pub(super) alpn: Vec<&'static str>,
    /// DEFLATE is offered (RFC 3749).
    pub(super) compression: bool,
    /// Octets of padding (RFC 7685).
    pub(super) padding: usize,
    /// Values that no server knows are offered as well, as browsers do.
    pub(super) grease: bool,
    pub(super) random: [u8; 32],
    /// Extended master secret is offered (RFC 7627).
    pub(super) extended_master_secret: bool,
    pub(super) renegotiation: Renegotiation,
}

/// The part of a hello that is about renegotiation (RFC 5746), below TLS 1.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Renegotiation {
    /// The client knows secure renegotiation: the hello has the SCSV.
    Scsv,
    /// The client does not know it.
    Unknown,
    /// The client renegotiates; its verify_data of the handshake before.
    Info(Vec<u8>),
}

impl Hello {
    /// A hello of a version that offers all its suites and all groups.
    pub(super) fn of(version: Version, server_name: Option<&str>) -> Self {
        Self {
            version,
            suites: Suite::of_version(version),
            groups: if version == Version::Tls13 { Group::all() } else { Group::curves() },
            server_name: server_name.map(str::to_owned),
            alpn: Vec::new(),
            compression: false,
            padding: 0,
            grease: false,
            random: [0; 32],
            extended_master_secret: true,
            renegotiation: Renegotiation::Scsv,
        }
    }

    /// The hello in one record, or in two if the hello is long.
    pub(super) fn octets(&self) -> Vec<u8> {
        if self.version == Version::Ssl2 {
            return self.ssl2();
        }
        // The record's version is the oldest one for the sake of servers that look at it (RFC 8446 section 5.1).
        let version = if self.version == Version::Ssl3 { 0x0300 } else { 0x0301 };
        self.message().chunks(1 << 14).flat_map(|fragment| record(version, HANDSHAKE, fragment)).collect()
    }

    /// The hello as a handshake message; SSL 2.0 has none.
    pub(super) fn message(&self) -> Vec<u8> {
        message(1, &self.body())
    }

    fn body(&self) -> Vec<u8> {
        let legacy = self.version.number().min(Version::Tls12.number());
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend(self.random);
        // A middlebox takes a hello of TLS 1.3 with a session ID for a resumption (RFC 8446 appendix D.4).
        let session_id: &[u8] = if self.version == Version::Tls13 { &self.random } else { &[] };
        push_vector8(&mut body, session_id);
        let mut suites: Vec<u16> = self.suites.iter().map(|suite| suite.0).collect();
        if self.grease {
            suites.insert(0, GREASE);
        }
        if self.version != Version::Tls13 && self.renegotiation == Renegotiation::Scsv {
            suites.push(RENEGOTIATION_SCSV);
        }
        push_vector16(&mut body, &numbers(&suites));
        push_vector8(&mut body, if self.compression { &[1, 0] } else { &[0] });
        if self.version != Version::Ssl3 {
            push_vector16(&mut body, &self.extensions());
        }
        body
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if self.grease {
            push_extension(&mut all, GREASE, &[]);
        }
        if let Some(name) = &self.server_name {
            let mut entry = vec![0];
            push_vector16(&mut entry, name.as_bytes());
            push_extension(&mut all, extension::SERVER_NAME, &vector16(&entry));
        }
        push_extension(&mut all, extension::STATUS_REQUEST, &[1, 0, 0, 0, 0]);
        let mut groups: Vec<u16> = self.groups.iter().map(|group| group.0).collect();
        if self.grease {
            groups.insert(0, GREASE);
        }
        if !groups.is_empty() {
            push_extension(&mut all, extension::SUPPORTED_GROUPS, &vector16(&numbers(&groups)));
            push_extension(&mut all, extension::EC_POINT_FORMATS, &[1, 0]);
        }
        if self.version >= Version::Tls12 {
            push_extension(&mut all, extension::SIGNATURE_ALGORITHMS, &vector16(&numbers(&SIGNATURES)));
        }
        if !self.alpn.is_empty() {
            let mut protocols = Vec::new();
            self.alpn.iter().for_each(|protocol| push_vector8(&mut protocols, protocol.as_bytes()));
            push_extension(&mut all, extension::ALPN, &vector16(&protocols));
        }
        if self.version == Version::Tls13 {
            let mut versions = vec![Version::Tls13.number()];
            if self.grease {
                versions.insert(0, GREASE);
            }
            let mut list = Vec::new();
            push_vector8(&mut list, &numbers(&versions));
            push_extension(&mut all, extension::SUPPORTED_VERSIONS, &list);
            // Without a share the server has to name the group that it wants in a HelloRetryRequest, and nobody computes.
            push_extension(&mut all, extension::KEY_SHARE, &[0, 0]);
        } else {
            push_extension(&mut all, extension::SESSION_TICKET, &[]);
            if self.extended_master_secret {
                push_extension(&mut all, extension::EXTENDED_MASTER_SECRET, &[]);
            }
            if let Renegotiation::Info(verify_data) = &self.renegotiation {
                let mut content = Vec::new();
                push_vector8(&mut content, verify_data);
                push_extension(&mut all, extension::RENEGOTIATION_INFO, &content);
            }
        }
        if self.padding > 0 {
            push_extension(&mut all, extension::PADDING, &vec![0; self.padding]);
        }
        all
    }

    /// A CLIENT-HELLO of SSL 2.0 with its seven cipher kinds.
    fn ssl2(&self) -> Vec<u8> {
        const KINDS: [[u8; 3]; 7] =
            [[1, 0, 0x80], [2, 0, 0x80], [3, 0, 0x80], [4, 0, 0x80], [5, 0, 0x80], [6, 0, 0x40], [7, 0, 0xc0]];
        let challenge = self.random.get(..16).unwrap_or_default();
        let mut body = vec![1, 0, 2];
        body.extend(21_u16.to_be_bytes());
        body.extend(0_u16.to_be_bytes());
        body.extend(16_u16.to_be_bytes());
        body.extend(KINDS.concat());
        body.extend(challenge);
        // The two-octet header has its highest bit set, and counts what follows.
        [vec![0x80, u8::try_from(body.len()).unwrap_or_default()], body].concat()
    }
}

fn numbers(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn push_vector8(out: &mut Vec<u8>, content: &[u8]) {
    out.push(u8::try_from(content.len()).unwrap_or(u8::MAX));
    out.extend(content);
}

fn push_vector16(out: &mut Vec<u8>, content: &[u8]) {
    out.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(content);
}

fn vector16(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_vector16(&mut out, content);
    out
}

fn push_extension(out: &mut Vec<u8>, number: u16, content: &[u8]) {
    out.extend(number.to_be_bytes());
    push_vector16(out, content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree() {
        for version in Version::ALL {
            let octets = Hello { padding: 1_700, ..Hello::of(version, Some("app.test")) }.octets();
            if version == Version::Ssl2 {
                assert_eq!(usize::from(octets[1]), octets.len() - 2);
                continue;
            }
            assert_eq!(usize::from(u16::from_be_bytes([octets[3], octets[4]])), octets.len() - 5, "{version}");
            assert_eq!(usize::from(u16::from_be_bytes([octets[7], octets[8]])), octets.len() - 9, "{version}");
        }
    }

    /// rustls reads these hellos.
    #[test]
    fn a_server_reads_it() {
        let mut acceptor = rustls::server::Acceptor::default();
        let hello = Hello { grease: true, alpn: vec!["http/1.1"], ..Hello::of(Version::Tls13, Some("app.test")) };
        acceptor.read_tls(&mut hello.octets().as_slice()).unwrap();
        let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap().unwrap();
        assert_eq!(accepted.client_hello().server_name(), Some("app.test"));
        assert_eq!(accepted.client_hello().alpn().unwrap().collect::<Vec<_>>(), [b"http/1.1"]);
    }
}
