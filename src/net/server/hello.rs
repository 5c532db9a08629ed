//! The first message of a TLS client, read before the server chooses a certificate.
//!
//! rustls answers a client without TLS 1.2 as if it lacked an extension or a group, because such a client does lack
//! them. The offered versions are read here, so that such a client gets `protocol_version` (RFC 5246 appendix E.1).

use std::convert::Infallible;

use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handshake::HandshakeError;
use crate::base::octets::Octets;

/// The first byte of a TLS connection: a handshake record,
/// [RFC 8446 section 5.1](https://www.rfc-editor.org/rfc/rfc8446#section-5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 0x16;

/// So much is read at once; rustls takes as much at once.
const READ: usize = 4096;

/// So much is kept to read versions from. A ClientHello with post-quantum key shares has some 2,000 octets.
const KEPT: usize = 16 * 1024;

/// The record and the alert `protocol_version`, fatal, but for the minor version (RFC 8446 section 6).
const ALERT: [u8; 7] = [0x15, 3, 0, 0, 2, 2, 70];

/// Reads a ClientHello.
///
/// # Errors
///
/// The reason why the hello is missing or cannot be answered. The client has been sent an alert then.
pub(super) async fn read(tcp: &mut TcpStream) -> Result<Accepted, HandshakeError> {
    let mut acceptor = Acceptor::default();
    let mut kept = Vec::new();
    let mut chunk = [0; READ];
    loop {
        let count = tcp.read(&mut chunk).await.map_err(|error| HandshakeError::hung_up_in_hello(&error))?;
        let mut octets = chunk.get(..count).unwrap_or_default();
        if octets.is_empty() {
            return Err(HandshakeError::HungUpInHello);
        }
        kept.extend(octets.iter().take(KEPT.saturating_sub(kept.len())));
        while !octets.is_empty() {
            acceptor.read_tls(&mut octets).map_err(|_| HandshakeError::Malformed)?;
        }
        let accepted = acceptor.accept();
        if let (Ok(Some(_)) | Err(_), Some(newest)) = (&accepted, newest(&kept).and_then(Version::too_old)) {
            refuse(tcp, newest).await;
            return Err(HandshakeError::OldTls { newest: newest.name() });
        }
        match accepted {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut record = Vec::new();
                if alert.write_all(&mut record).is_ok() {
                    send(tcp, &record).await;
                }
                return Err(HandshakeError::Tls(error));
            }
        }
    }
}

/// Answers a client that begins as SSL 2.0 had it (RFC 5246 appendix E.2), and perhaps offers SSL 3.0 or TLS 1.0.
///
/// # Errors
///
/// Always: no current client needs renegotiation.
pub(super) async fn read_ssl2(tcp: &mut TcpStream) -> Result<Infallible, HandshakeError> {
    let mut head = [0; 5];
    tcp.read_exact(&mut head).await.map_err(|error| HandshakeError::hung_up_in_hello(&error))?;
    let [_, _, 1, major, minor] = head else { return Err(HandshakeError::NeitherTlsNorHttp) };
    let newest = Version(u16::from_be_bytes([major, minor]));
    if !newest.is_known() {
        return Err(HandshakeError::NeitherTlsNorHttp);
    }
    refuse(tcp, newest).await;
    Err(match newest.too_old() {
        Some(newest) => HandshakeError::OldTls { newest: newest.name() },
        None => HandshakeError::Ssl2Hello,
    })
}

async fn refuse(tcp: &mut TcpStream, newest: Version) {
    let mut alert = ALERT;
    alert[2] = match newest {
        Version(version @ 0x0300..=0x0303) => version.to_be_bytes()[1],
        _ => 0,
    };
    send(tcp, &alert).await;
}

/// Sends a last record; a client that has gone is no error.
async fn send(tcp: &mut TcpStream, record: &[u8]) {
    if tcp.write_all(record).await.is_ok() {
        tcp.shutdown().await.ok();
    }
}

/// A version of TLS or SSL by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u16);

impl Version {
    const TLS_1_2: Self = Self(0x0303);

    fn is_known(self) -> bool {
        matches!(self.0, 0x0002 | 0x0300..=0x0304)
    }

    fn too_old(self) -> Option<Self> {
        (self < Self::TLS_1_2).then_some(self)
    }

    fn name(self) -> &'static str {
        match self.0 {
            0x0300 => "SSL 3.0",
            0x0301 => "TLS 1.0",
            0x0302 => "TLS 1.1",
            0x0303 => "TLS 1.2",
            0x0304 => "TLS 1.3",
            _ => "SSL 2.0",
        }
    }
}

/// The extension `supported_versions` (RFC 8446 section 4.2.1).
const SUPPORTED_VERSIONS: u16 = 43;

/// The newest version that a ClientHello offers; `None` for a cut or malformed one.
fn newest(records: &[u8]) -> Option<Version> {
    let hello = handshake_octets(records);
    let mut fields = Octets(&hello);
    if fields.take(1)? != [1] {
        return None;
    }
    fields.take(3)?;
    let legacy = Version(fields.number16()?);
    fields.take(32)?;
    let mut offered = || -> Option<Version> {
        fields.vector(1)?;
        fields.vector(2)?;
        fields.vector(1)?;
        let mut extensions = Octets(fields.vector(2)?);
        loop {
            let (kind, mut content) = (extensions.number16()?, Octets(extensions.vector(2)?));
            if kind == SUPPORTED_VERSIONS {
                let versions = content.vector(1)?.as_chunks().0;
                // Among them are numbers that mean nothing (RFC 8701).
                return versions
                    .iter()
                    .map(|octets| Version(u16::from_be_bytes(*octets)))
                    .filter(|v| v.is_known())
                    .max();
            }
        }
    };
    Some(offered().unwrap_or(legacy))
}

/// The contents of handshake records, one after the other.
fn handshake_octets(records: &[u8]) -> Vec<u8> {
    let (mut octets, mut fields) = (Vec::new(), Octets(records));
    while let (Some([HANDSHAKE_RECORD, _, _]), Some(length)) = (fields.take(3), fields.number16()) {
        let length = usize::from(length).min(fields.0.len());
        octets.extend_from_slice(fields.take(length).unwrap_or_default());
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello in records of at most `size` octets.
    fn hello(legacy: u16, versions: Option<&[u16]>, size: usize) -> Vec<u8> {
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        let mut extensions = vec![0, 23, 0, 0];
        if let Some(versions) = versions {
            let list: Vec<u8> = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
            let length = u8::try_from(list.len()).unwrap();
            extensions.extend([0, 43, 0, length + 1, length]);
            extensions.extend(list);
        }
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let mut message = vec![1, 0];
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[HANDSHAKE_RECORD, 3, 1], &length[..], part].concat()
        };
        message.chunks(size).flat_map(record).collect()
    }

    #[test]
    fn the_newest_version_offered_is_found() {
        for (legacy, versions, expected) in [
            (0x0300, None, "SSL 3.0"),
            (0x0301, None, "TLS 1.0"),
            (0x0302, None, "TLS 1.1"),
            (0x0303, None, "TLS 1.2"),
            (0x0303, Some(&[0x7a7a, 0x0304, 0x0303][..]), "TLS 1.3"),
            (0x0303, Some(&[0x0302, 0x0301]), "TLS 1.1"),
            (0x0301, Some(&[0x0304]), "TLS 1.3"),
        ] {
            for size in [3, 50, 1000] {
                let hello = hello(legacy, versions, size);
                assert_eq!(newest(&hello).map(Version::name), Some(expected), "{legacy:x} {versions:x?} {size}");
            }
        }
    }

    #[test]
    fn what_is_cut_or_no_hello_has_no_version() {
        let whole = hello(0x0303, Some(&[0x0304]), 1000);
        assert_eq!(newest(&whole[..11]), None, "the random is not there");
        assert_eq!(newest(b""), None);
        assert_eq!(newest(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"), None);
        for end in 0..whole.len() {
            let _ = newest(&whole[..end]);
        }
    }
}
