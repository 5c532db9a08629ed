//! The header by which a balancer names the client at the start of a connection: the [PROXY
//! protocol](https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt), versions 1 and 2.
//!
//! Exactly the header is read, however small the pieces are that it comes in; what follows belongs to TLS. Read by hand,
//! for no crate checks the checksum, and a header without one is a handful of fields.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::base::octets::Octets;

/// The reason why a balancer's connection cannot be served.
///
/// Its text is a clause that begins in lower case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// A machine that is not trusted sends a header, or nobody is asked for one.
    #[error("the connection begins with a PROXY header, which is not believed")]
    NotBelieved,
    /// The connection begins with something else.
    #[error("the connection does not begin with a PROXY header, which a trusted proxy has to send")]
    Missing,
    /// The octets begin like a header, and are malformed.
    #[error("the PROXY header is malformed: {0}")]
    Malformed(&'static str),
    /// The checksum in the header is another than that of the header.
    #[error("the checksum of the PROXY header is wrong")]
    Checksum,
    /// The header was not complete in time.
    #[error("the PROXY header did not come in time")]
    TimedOut,
    /// The connection ended before the header did.
    #[error("the connection ended within the PROXY header")]
    Cut(#[source] io::Error),
}

use ProxyHeaderError as Error;

/// The beginning of version 2.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The beginning of version 1.
const PROXY: &[u8] = b"PROXY ";

/// The longest header of version 1, its CR LF included.
const LONGEST_LINE: usize = 107;

/// The longest rest of a header of version 2 that is read. With all that Amazon's balancers add it is below 300 octets.
const LONGEST_REST: usize = 4096;

/// Returns true for octets that begin a header.
pub(super) fn is_begun(octets: &[u8]) -> bool {
    octets.starts_with(PROXY) || octets.starts_with(&SIGNATURE)
}

/// Reads the header. Returns the client's address, or `None` where the balancer speaks for itself, as in health checks.
///
/// # Errors
///
/// See [`ProxyHeaderError`]; the connection is to be closed then.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut start = [0; SIGNATURE.len()];
    let mut length = 0;
    // An octet at a time, so that nothing is taken that belongs to another protocol's start.
    while length < start.len() {
        let Some(next) = start.get_mut(length) else { break };
        *next = stream.read_u8().await.map_err(|error| if length == 0 { Error::Missing } else { Error::Cut(error) })?;
        length += 1;
        let read = start.get(..length).unwrap_or_default();
        if read == PROXY {
            return read_line(stream).await;
        }
        if !SIGNATURE.starts_with(read) && !PROXY.starts_with(read) {
            return Err(Error::Missing);
        }
    }
    read_binary(stream).await
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut line = Vec::with_capacity(LONGEST_LINE);
    while !line.ends_with(b"\r\n") {
        if line.len() + PROXY.len() >= LONGEST_LINE {
            return Err(Error::Malformed("its line does not end"));
        }
        line.push(stream.read_u8().await.map_err(Error::Cut)?);
    }
    let line = str::from_utf8(&line).ok().and_then(|line| line.strip_suffix("\r\n"));
    parse_line(line.ok_or(Error::Malformed("its line is no text"))?)
}

/// Reads the rest after `PROXY `.
fn parse_line(line: &str) -> Result<Option<SocketAddr>, Error> {
    let mut parts = line.split(' ');
    let family = parts.next().unwrap_or_default();
    if family == "UNKNOWN" {
        return Ok(None);
    }
    let mut address = || {
        let address: IpAddr = parts.next()?.parse().ok()?;
        (address.is_ipv4() == (family == "TCP4")).then_some(address)
    };
    let (source, destination) = (address(), address());
    let mut port = || {
        let text = parts.next().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        text.parse::<u16>().ok().filter(|_| text == "0" || !text.starts_with('0'))
    };
    let (source_port, destination_port) = (port(), port());
    match (family, source, destination, source_port, destination_port, parts.next()) {
        ("TCP4" | "TCP6", Some(source), Some(_), Some(port), Some(_), None) => {
            Ok(Some(SocketAddr::new(source.to_canonical(), port)))
        }
        ("TCP4" | "TCP6", ..) => Err(Error::Malformed("its addresses or ports cannot be read")),
        _ => Err(Error::Malformed("its protocol is none of TCP4, TCP6 and UNKNOWN")),
    }
}

async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.map_err(Error::Cut)?;
    let [command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Err(Error::Malformed("it is too long"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await.map_err(Error::Cut)?;
    let whole = [&SIGNATURE[..], &head, &rest].concat();
    let source = parse_addresses(command, family, &rest)?;
    check(&whole, rest.len() - source.1)?;
    Ok(source.0)
}

/// Reads the addresses. Returns the client's beside the number of octets that they take.
fn parse_addresses(command: u8, family: u8, rest: &[u8]) -> Result<(Option<SocketAddr>, usize), Error> {
    let is_proxied = match command {
        0x20 => false,
        0x21 => true,
        _ => return Err(Error::Malformed("its version or command is not known")),
    };
    let length = match family {
        // UNIX sockets have paths.
        0x31 | 0x32 => 216,
        0x11 | 0x12 => 12,
        0x21 | 0x22 => 36,
        0x00 => 0,
        _ if is_proxied => return Err(Error::Malformed("its address family is not known")),
        _ => 0,
    };
    let Some(addresses) = rest.get(..length) else {
        // What a balancer says of itself has no meaning.
        return if is_proxied { Err(Error::Malformed("its addresses are cut")) } else { Ok((None, rest.len())) };
    };
    let source = match (is_proxied, family, addresses) {
        (true, 0x11, [a, b, c, d, _, _, _, _, high, low, ..]) => {
            Some(SocketAddr::from((Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*high, *low]))))
        }
        (true, 0x21, addresses) => addresses.first_chunk::<16>().zip(addresses.get(32..34)).map(|(address, port)| {
            let port = port.iter().fold(0, |port, octet| port << 8 | u16::from(*octet));
            SocketAddr::new(IpAddr::from(Ipv6Addr::from(*address)).to_canonical(), port)
        }),
        // A datagram or a path is no client of ours.
        _ => None,
    };
    Ok((source, length))
}

/// The type of the field that holds the checksum.
const CRC32C: u8 = 3;

/// Verifies the checksum, if the header has one (section 2.2.3): that of all octets with the checksum's own as zeros.
fn check(whole: &[u8], fields_length: usize) -> Result<(), Error> {
    let start = whole.len() - fields_length;
    let mut fields = Octets(whole.get(start..).unwrap_or_default());
    while !fields.0.is_empty() {
        let cut = Error::Malformed("its fields are cut");
        let Some(&[kind]) = fields.take(1) else { return Err(cut) };
        let Some(value) = fields.vector(2) else { return Err(cut) };
        if kind != CRC32C {
            continue;
        }
        let Ok(stated) = <[u8; 4]>::try_from(value) else { return Err(Error::Malformed("its checksum is cut")) };
        let at = whole.len() - fields.0.len() - stated.len();
        let octets = whole.iter().enumerate().map(
            |(index, octet)| {
                if (at..at + stated.len()).contains(&index) { 0 } else { *octet }
            },
        );
        if crc32c(octets) != u32::from_be_bytes(stated) {
            return Err(Error::Checksum);
        }
    }
    Ok(())
}

/// The checksum of [RFC 3720 appendix B.4](https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4).
fn crc32c(octets: impl Iterator<Item = u8>) -> u32 {
    !octets.fold(u32::MAX, |sum, octet| {
        (0..8).fold(sum ^ u32::from(octet), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn client(header: &[u8]) -> Result<Option<String>, String> {
        let mut rest = [header, b"rest"].concat();
        let mut stream = &rest[..];
        let read = read(&mut stream).await;
        if read.is_ok() {
            assert_eq!(stream, b"rest", "what follows is not touched");
        }
        rest.clear();
        read.map(|client| client.map(|client| client.to_string())).map_err(|error| error.to_string())
    }

    fn version2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    const ADDRESSES: [u8; 12] = [203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 0x01, 0xbb];

    #[tokio::test]
    async fn version_1_names_the_client() {
        for (header, expected) in [
            ("PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n", Some("203.0.113.7:5555")),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 5555 443\r\n", Some("[2001:db8::7]:5555")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        ] {
            assert_eq!(client(header.as_bytes()).await, Ok(expected.map(str::to_owned)), "{header}");
        }
        for bad in [
            "PROXY TCP4 203.0.113.7 10.0.0.1 5555\r\n",
            "PROXY TCP4 203.0.113.7 10.0.0.1 5555 443 1\r\n",
            "PROXY TCP4 2001:db8::7 2001:db8::1 5555 443\r\n",
            "PROXY TCP4 203.0.113.7 10.0.0.1 65536 443\r\n",
            "PROXY TCP4 203.0.113.7 10.0.0.1 +5 443\r\n",
            "PROXY TCP4 203.0.113.7  10.0.0.1 5 443\r\n",
            "PROXY TCP5 203.0.113.7 10.0.0.1 5555 443\r\n",
            "PROXY tcp4 203.0.113.7 10.0.0.1 5555 443\r\n",
            &format!("PROXY TCP4 {}", "1".repeat(200)),
            "GET / HTTP/1.1\r\n",
            "PROXX TCP4",
            "\x16\x03\x01",
        ] {
            assert!(client(bad.as_bytes()).await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn version_2_names_the_client() {
        let six = [&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..], &[0; 16], &[0, 80, 1, 0xbb]].concat();
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(client(&version2(0x21, 0x11, &ADDRESSES)).await, some("203.0.113.7:5555"));
        assert_eq!(client(&version2(0x21, 0x21, &six)).await, some("[2001:db8::7]:80"));
        assert_eq!(client(&version2(0x20, 0x00, &[])).await, Ok(None), "a health check");
        assert_eq!(client(&version2(0x20, 0x11, &ADDRESSES)).await, Ok(None));
        assert_eq!(client(&version2(0x21, 0x00, &[])).await, Ok(None));
        assert_eq!(client(&version2(0x21, 0x31, &[b'/'; 216])).await, Ok(None));
        for bad in [
            version2(0x11, 0x11, &ADDRESSES),
            version2(0x22, 0x11, &ADDRESSES),
            version2(0x21, 0x41, &ADDRESSES),
            version2(0x21, 0x11, &ADDRESSES[..11]),
            version2(0x21, 0x11, &[&ADDRESSES[..], &[4, 0]].concat()),
            version2(0x21, 0x11, &[0; LONGEST_REST + 1]),
        ] {
            assert!(client(&bad).await.is_err(), "{bad:x?}");
        }
    }

    #[tokio::test]
    async fn a_checksum_that_is_there_must_be_right() {
        assert_eq!(crc32c(b"123456789".iter().copied()).to_be_bytes(), [0xe3, 0x06, 0x92, 0x83]);
        let with = |sum: [u8; 4]| version2(0x21, 0x11, &[&ADDRESSES[..], &[4, 0, 1, 0, CRC32C, 0, 4], &sum].concat());
        let sum = crc32c(with([0; 4]).into_iter());
        assert_eq!(client(&with(sum.to_be_bytes())).await, Ok(Some("203.0.113.7:5555".to_owned())));
        let wrong = client(&with((sum ^ 1).to_be_bytes())).await.unwrap_err();
        assert!(wrong.contains("checksum"), "{wrong}");
    }
}
