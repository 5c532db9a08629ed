//! Tries to renegotiate TLS 1.2 as a client: a whole handshake of our own, because rustls never renegotiates, and one
//! more ClientHello inside it.
//!
//! The handshake is ECDHE with AES-GCM alone. The certificate is not looked at and no data is sent, so nothing here has
//! to be kept secret.

use std::io;

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{aead, digest, hmac};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::group::Group;
use super::hello::{Hello, Renegotiation};
use super::prober::Prober;
use super::suite::Suite;
use super::version::Version;
use crate::base::octets::Octets;

/// Suites with ECDHE and AES-GCM.
const SUITES: [u16; 4] = [0xc02b, 0xc02f, 0xc02c, 0xc030];

/// Groups whose keys are agreed on here.
const GROUPS: [Group; 3] = [Group(29), Group(23), Group(24)];

/// The longest flight that is read.
const LONGEST: usize = 128 * 1024;

const HANDSHAKE: u8 = 22;

/// The suites of a server in which a renegotiation can be tried.
pub(super) fn suites(offered: &[Suite]) -> Vec<Suite> {
    offered.iter().copied().filter(|suite| SUITES.contains(&suite.0)).collect()
}

/// Decides whether the server takes a second ClientHello of the client, with RFC 5746 if `is_secure`, else without; `None`
/// where no handshake came about.
pub(super) async fn is_accepted(prober: &Prober, hello: &Hello, is_secure: bool) -> Option<bool> {
    let hello = Hello {
        version: Version::Tls12,
        groups: GROUPS.to_vec(),
        extended_master_secret: false,
        renegotiation: if is_secure { Renegotiation::Scsv } else { Renegotiation::Unknown },
        ..hello.clone()
    };
    let (_permit, tcp, until) = prober.open().await?;
    let attempt = async {
        let mut session = Session::open(tcp, &hello).await.ok()?;
        let renegotiation =
            if is_secure { Renegotiation::Info(session.verify_data.clone()) } else { Renegotiation::Unknown };
        let again = Hello { renegotiation, ..hello }.octets();
        session.send(HANDSHAKE, again.get(5..)?).await.ok()?;
        // The ServerHello is encrypted, and the record's type is not.
        Some(matches!(session.record().await, Ok((HANDSHAKE, _))))
    };
    // A server that says nothing does not renegotiate.
    timeout_at(until, attempt).await.unwrap_or(Some(false))
}

/// A session of TLS 1.2 as far as a second hello needs it.
struct Session {
    tcp: TcpStream,
    key: aead::LessSafeKey,
    /// The part of the nonce that is not sent.
    salt: [u8; 4],
    sequence: u64,
    /// The client's, which RFC 5746 asks for.
    verify_data: Vec<u8>,
}

/// The server's first flight.
#[derive(Default)]
struct Flight {
    random: Vec<u8>,
    suite: u16,
    group: u16,
    point: Vec<u8>,
    asks_certificate: bool,
}

impl Session {
    async fn open(mut tcp: TcpStream, hello: &Hello) -> io::Result<Self> {
        let sent = hello.octets();
        tcp.write_all(&sent).await?;
        let mut transcript = sent.get(5..).unwrap_or_default().to_vec();
        let random = transcript.get(6..38).unwrap_or_default().to_vec();
        let flight = Flight::read(&mut tcp, &mut transcript).await?;
        let (share, premaster) = flight.agree().ok_or_else(unusable)?;
        let hash = if matches!(flight.suite, 0xc02b | 0xc02f) { &digest::SHA256 } else { &digest::SHA384 };
        let (algorithm, length) =
            if hash.output_len() == 32 { (&aead::AES_128_GCM, 16) } else { (&aead::AES_256_GCM, 32) };
        let prf = Prf(if hash.output_len() == 32 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA384 });
        let master = prf.expand(&premaster, "master secret", &[&random[..], &flight.random].concat(), 48);
        let keys = prf.expand(&master, "key expansion", &[&flight.random[..], &random].concat(), 2 * length + 8);
        let key = keys.get(..length).and_then(|key| aead::UnboundKey::new(algorithm, key).ok());
        let salt = keys.get(2 * length..2 * length + 4).and_then(|salt| salt.try_into().ok());
        let (key, salt) = key.zip(salt).ok_or_else(unusable)?;

        let mut clear = if flight.asks_certificate { message(11, &[0, 0, 0]) } else { Vec::new() };
        let length = u8::try_from(share.len()).map_err(io::Error::other)?;
        clear.extend(message(16, &[&[length][..], &share].concat()));
        transcript.extend(&clear);
        let so_far = digest::digest(hash, &transcript);
        let verify_data = prf.expand(&master, "client finished", so_far.as_ref(), 12);
        tcp.write_all(&[record(HANDSHAKE, &clear), record(20, &[1])].concat()).await?;
        let mut session =
            Self { tcp, key: aead::LessSafeKey::new(key), salt, sequence: 0, verify_data: verify_data.clone() };
        session.send(HANDSHAKE, &message(20, &verify_data)).await?;
        // Tickets come in the clear, then the change of ciphers, then Finished.
        while session.record().await?.0 == HANDSHAKE {}
        let (kind, _) = session.record().await?;
        if kind == HANDSHAKE { Ok(session) } else { Err(unusable()) }
    }

    /// Sends an encrypted record (RFC 5288 section 3).
    async fn send(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let explicit = self.sequence.to_be_bytes();
        let mut nonce = [0; aead::NONCE_LEN];
        nonce.iter_mut().zip(self.salt.iter().chain(&explicit)).for_each(|(octet, from)| *octet = *from);
        let length = u16::try_from(content.len()).map_err(io::Error::other)?.to_be_bytes();
        let header = [&explicit[..], &[kind, 3, 3], &length].concat();
        let mut sealed = content.to_vec();
        self.key
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(header.as_slice()),
                &mut sealed,
            )
            .map_err(io::Error::other)?;
        self.sequence += 1;
        self.tcp.write_all(&record(kind, &[&explicit[..], &sealed].concat())).await
    }

    async fn record(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let (kind, content) = read_record(&mut self.tcp).await?;
        if kind == 21 { Err(unusable()) } else { Ok((kind, content)) }
    }
}

impl Flight {
    /// Reads up to ServerHelloDone, and appends the messages to the transcript.
    async fn read(tcp: &mut TcpStream, transcript: &mut Vec<u8>) -> io::Result<Self> {
        let (mut flight, mut octets) = (Self::default(), Vec::new());
        loop {
            let (kind, content) = read_record(tcp).await?;
            octets.extend(content);
            if kind != HANDSHAKE || octets.len() > LONGEST {
                return Err(unusable());
            }
            while let Some((kind, body, length)) = next_message(&octets) {
                let is_read = flight.take(kind, body);
                transcript.extend(octets.drain(..length));
                match (kind, is_read) {
                    (_, None) => return Err(unusable()),
                    (14, _) => return Ok(flight),
                    _ => {}
                }
            }
        }
    }

    fn take(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        let mut fields = Octets(body);
        match kind {
            2 => {
                fields.number16().filter(|version| *version == Version::Tls12.number())?;
                self.random = fields.take(32)?.to_vec();
                fields.vector(1)?;
                self.suite = fields.number16()?;
            }
            12 => {
                // named_curve is the one kind that RFC 8422 has left.
                fields.number8().filter(|kind| *kind == 3)?;
                self.group = fields.number16()?;
                self.point = fields.vector(1)?.to_vec();
            }
            13 => self.asks_certificate = true,
            _ => {}
        }
        Some(())
    }

    /// The client's share, and the secret that both sides have.
    fn agree(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let algorithm = match self.group {
            29 => &agreement::X25519,
            23 => &agreement::ECDH_P256,
            24 => &agreement::ECDH_P384,
            _ => return None,
        };
        let private = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).ok()?;
        let share = private.compute_public_key().ok()?.as_ref().to_vec();
        let theirs = UnparsedPublicKey::new(algorithm, &self.point);
        let secret = agree_ephemeral(private, theirs, (), |secret| Ok(secret.to_vec())).ok()?;
        Some((share, secret))
    }
}

/// The pseudorandom function of TLS 1.2 (RFC 5246 section 5).
struct Prf(hmac::Algorithm);

impl Prf {
    fn expand(&self, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
        let key = hmac::Key::new(self.0, secret);
        let seed = [label.as_bytes(), seed].concat();
        let (mut out, mut a) = (Vec::new(), seed.clone());
        while out.len() < length {
            a = hmac::sign(&key, &a).as_ref().to_vec();
            out.extend(hmac::sign(&key, &[&a[..], &seed].concat()).as_ref());
        }
        out.truncate(length);
        out
    }
}

fn unusable() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    [&[kind][..], length.get(1..).unwrap_or_default(), body].concat()
}

/// The first whole message: its type, its body, and its length with the head.
fn next_message(octets: &[u8]) -> Option<(u8, &[u8], usize)> {
    let mut reader = Octets(octets);
    let (kind, body) = (reader.number8()?, reader.vector(3)?);
    Some((kind, body, 4 + body.len()))
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or_default().to_be_bytes();
    [&[kind, 3, 3][..], &length, content].concat()
}

async fn read_record(tcp: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = tcp.read_u8().await?;
    tcp.read_u16().await?;
    let mut content = vec![0; usize::from(tcp.read_u16().await?)];
    tcp.read_exact(&mut content).await?;
    Ok((kind, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector for SHA-256 that the TLS working group's list has.
    #[test]
    fn the_pseudorandom_function_gives_the_known_octets() {
        let hex = |text: &str| hex_simd::decode_to_vec(text).unwrap();
        let out = Prf(hmac::HMAC_SHA256).expand(
            &hex("9bbe436ba940f017b17652849a71db35"),
            "test label",
            &hex("a0ba9f936cda311827a6f796ffd5198c"),
            100,
        );
        assert!(out.starts_with(&hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a")));
    }

    #[test]
    fn messages_are_taken_when_they_are_whole() {
        let all = [message(2, &[1, 2, 3]), message(14, &[])].concat();
        assert_eq!(next_message(&all), Some((2, &[1, 2, 3][..], 7)));
        assert_eq!(next_message(&all[..6]), None);
        assert_eq!(next_message(&all[7..]), Some((14, &[][..], 4)));
    }
}
