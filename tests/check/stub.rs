//! A server that answers ClientHellos with whatever defect it is told to have, and completes no handshake.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A server's defects.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a defect of its own")]
pub(crate) struct Stub {
    /// Versions by number, SSL 3.0 to TLS 1.2.
    pub(crate) versions: Vec<u16>,
    /// Suites, in the server's order.
    pub(crate) suites: Vec<u16>,
    /// SSL 2.0 is answered.
    pub(crate) ssl2: bool,
    /// DEFLATE is chosen if it is offered.
    pub(crate) deflate: bool,
    /// RFC 5746 and RFC 7627 are known.
    pub(crate) extensions: bool,
    /// Octets of the Diffie-Hellman prime.
    pub(crate) prime: usize,
    /// Longer hellos end the connection.
    pub(crate) longest: usize,
    /// Hellos with values that nobody knows are refused.
    pub(crate) refuses_grease: bool,
    /// A request in the clear gets this answer.
    pub(crate) plaintext: &'static str,
}

impl Default for Stub {
    fn default() -> Self {
        Self {
            versions: vec![0x0303],
            suites: vec![0xc02f],
            ssl2: false,
            deflate: false,
            extensions: true,
            prime: 256,
            longest: usize::MAX,
            refuses_grease: false,
            plaintext: "",
        }
    }
}

impl Stub {
    /// Serves until the test ends; returns the port.
    pub(crate) fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = key.cert.der().to_vec();
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (stub, certificate) = (self.clone(), certificate.clone());
                thread::spawn(move || stub.answer(tcp, &certificate));
            }
        });
        port
    }

    /// Answers one hello; whatever goes wrong ends the connection.
    fn answer(&self, mut tcp: TcpStream, certificate: &[u8]) -> Option<()> {
        let mut first = [0; 5];
        tcp.read_exact(&mut first).ok()?;
        match first {
            [0x80, ..] if self.ssl2 => {
                let hello = [0x80, 30, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 16, 1, 0, 0x80];
                tcp.write_all(&[hello.as_slice(), &[7; 16]].concat()).ok()
            }
            [22, ..] => {
                let mut hello = vec![0; usize::from(u16::from_be_bytes([first[3], first[4]]))];
                tcp.read_exact(&mut hello).ok()?;
                let flight = self.flight(&hello, certificate);
                tcp.write_all(&flight?).ok()?;
                // The client closes.
                let _ = tcp.read(&mut [0; 64]);
                Some(())
            }
            [b'G', ..] => tcp.write_all(self.plaintext.as_bytes()).ok(),
            _ => None,
        }
    }

    /// The records of an answer; `None` ends the connection without one.
    fn flight(&self, hello: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
        if hello.len() > self.longest {
            return None;
        }
        let version = u16::from_be_bytes([hello[4], hello[5]]);
        let rest = &hello[39 + usize::from(hello[38])..];
        let (suites, rest) = rest[2..].split_at(usize::from(u16::from_be_bytes([rest[0], rest[1]])));
        let offered: Vec<u16> = suites.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let compression = &rest[1..=usize::from(rest[0])];
        let extensions = rest.get(1 + compression.len() + 2..).unwrap_or_default();
        if self.refuses_grease && offered.contains(&0x6a6a) {
            return Some(alert(40));
        }
        if !self.versions.contains(&version) || has_extension(extensions, 43) {
            return Some(alert(70));
        }
        let Some(suite) = self.suites.iter().copied().find(|suite| offered.contains(suite)) else {
            return Some(alert(40));
        };
        let method = u8::from(self.deflate && compression.contains(&1));
        let mut body = version.to_be_bytes().to_vec();
        body.extend([9; 32]);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(method);
        if self.extensions && version > 0x0300 {
            body.extend([0, 9, 0xff, 1, 0, 1, 0, 0, 23, 0, 0]);
        }
        let chain = [length24(certificate.len() + 3), length24(certificate.len()), certificate.to_vec()].concat();
        let messages = [message(2, &body), message(11, &chain), self.key_exchange(suite), message(14, &[])].concat();
        Some(record(22, &messages))
    }

    fn key_exchange(&self, suite: u16) -> Vec<u8> {
        match suite {
            // DHE_RSA and DH_anon: prime, generator, public value.
            0x0011..=0x001a | 0x0033 | 0x0034 | 0x0039 | 0x009e => {
                let length = u16::try_from(self.prime).expect("a short prime").to_be_bytes();
                let prime = [length.as_slice(), &vec![0xff; self.prime]].concat();
                message(12, &[prime.as_slice(), &[0, 1, 2], &prime].concat())
            }
            // ECDHE: a named curve, X25519.
            0xc000.. => message(12, &[3, 0, 29, 32]),
            _ => Vec::new(),
        }
    }
}

fn has_extension(mut list: &[u8], number: u16) -> bool {
    while let [a, b, c, d, rest @ ..] = list {
        if u16::from_be_bytes([*a, *b]) == number {
            return true;
        }
        list = rest.get(usize::from(u16::from_be_bytes([*c, *d]))..).unwrap_or_default();
    }
    false
}

fn length24(length: usize) -> Vec<u8> {
    u32::try_from(length).expect("a short message").to_be_bytes()[1..].to_vec()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], length24(body.len()), body.to_vec()].concat()
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short record").to_be_bytes();
    [[kind, 3, 1].as_slice(), &length, content].concat()
}

fn alert(description: u8) -> Vec<u8> {
    record(21, &[2, description])
}
