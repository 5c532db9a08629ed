//! Renegotiates TLS 1.2 as a client: whole handshakes of our own, because rustls never renegotiates.
//!
//! The handshakes are ECDHE with AES-GCM alone. The certificate is not looked at and no data is sent, so nothing here has
//! to be kept secret.

use std::io;

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{aead, digest, hmac};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::flight::server_hello;
use super::group::Group;
use super::hello::{Hello, Renegotiation};
use super::prober::Prober;
use super::record::{CHANGE_CIPHER_SPEC, HANDSHAKE, message, next_message, record};
use super::suite::Suite;
use super::version::Version;
use crate::base::octets::{self, Octets};

/// Suites with ECDHE and AES-GCM.
const SUITES: [u16; 4] = [0xc02b, 0xc02f, 0xc02c, 0xc030];

/// Groups whose keys are agreed on here.
const GROUPS: [Group; 3] = [Group(29), Group(23), Group(24)];

const TLS12: u16 = Version::Tls12.number();

/// The longest flight that is read.
const LONGEST: usize = 128 * 1024;

/// The suites of a server in which a renegotiation can be tried.
pub(super) fn suites(offered: &[Suite]) -> Vec<Suite> {
    offered.iter().copied().filter(|suite| SUITES.contains(&suite.0)).collect()
}

/// Renegotiations that are tried: Node ends a connection at the fourth within ten minutes.
const ROUNDS: usize = 4;

/// Decides whether the server renegotiates with RFC 5746 as often as the client likes; `None` where no handshake came
/// about.
pub(super) async fn is_unlimited(prober: &Prober, hello: &Hello) -> Option<bool> {
    rounds(prober, hello, true, ROUNDS).await.map(|done| done == ROUNDS)
}

/// Decides whether the server renegotiates with a client that does not know RFC 5746.
pub(super) async fn is_insecure(prober: &Prober, hello: &Hello) -> Option<bool> {
    rounds(prober, hello, false, 1).await.map(|done| done == 1)
}

/// Counts the renegotiations that succeed, up to so many.
async fn rounds(prober: &Prober, hello: &Hello, is_secure: bool, most: usize) -> Option<usize> {
    let hello = Hello {
        version: Version::Tls12,
        groups: GROUPS.to_vec(),
        extended_master_secret: false,
        renegotiation: if is_secure { Renegotiation::Scsv } else { Renegotiation::Unknown },
        ..hello.clone()
    };
    let (_permit, tcp) = prober.open().await?;
    let mut session = Session { tcp, sending: None, receiving: None };
    let mut verify_data = timeout_at(prober.until(), session.handshake(hello.clone())).await.ok()?.ok()?;
    for done in 0..most {
        let renegotiation = if is_secure { Renegotiation::Info(verify_data) } else { Renegotiation::Unknown };
        let again = session.handshake(Hello { renegotiation, ..hello.clone() });
        // A server that says nothing does not renegotiate.
        let Ok(Ok(next)) = timeout_at(prober.until(), again).await else { return Some(done) };
        verify_data = next;
    }
    Some(most)
}

/// A connection of TLS 1.2, encrypted once there was a handshake.
struct Session {
    tcp: TcpStream,
    sending: Option<Keys>,
    receiving: Option<Keys>,
}

/// Keys of one direction (RFC 5288 section 3).
struct Keys {
    key: aead::LessSafeKey,
    /// The part of the nonce that is not sent.
    salt: [u8; 4],
    sequence: u64,
}

/// The parameters that the server's first flight offers.
#[derive(Default)]
struct ServerOffer {
    random: [u8; 32],
    suite: u16,
    group: u16,
    point: Vec<u8>,
    asks_certificate: bool,
}

impl Session {
    /// Shakes hands, inside the session if there is one; returns the client's verify_data, which RFC 5746 asks for.
    async fn handshake(&mut self, hello: Hello) -> io::Result<Vec<u8>> {
        let random: [u8; 32] = octets::random();
        let mut transcript = Hello { random, ..hello }.message();
        self.send(HANDSHAKE, &transcript.clone()).await?;
        let offer = ServerOffer::read(self, &mut transcript).await?;
        let (share, premaster) = offer.agree().ok_or_else(unusable)?;
        let is_short = matches!(offer.suite, 0xc02b | 0xc02f);
        let (hash, prf) = if is_short {
            (&digest::SHA256, Prf(hmac::HMAC_SHA256))
        } else {
            (&digest::SHA384, Prf(hmac::HMAC_SHA384))
        };
        let master = prf.expand(&premaster, "master secret", &[&random[..], &offer.random].concat(), 48);
        let length = if is_short { 16 } else { 32 };
        let keys = prf.expand(&master, "key expansion", &[&offer.random[..], &random].concat(), 2 * length + 8);
        let (keys, salts) = keys.split_at(2 * length);
        let (ours, theirs) = keys.split_at(length);

        let certificate = if offer.asks_certificate { message(11, &[0, 0, 0]) } else { Vec::new() };
        let octets = u8::try_from(share.len()).map_err(io::Error::other)?;
        let exchange = message(16, &[&[octets][..], &share].concat());
        for part in [certificate, exchange].into_iter().filter(|part| !part.is_empty()) {
            transcript.extend(&part);
            self.send(HANDSHAKE, &part).await?;
        }
        let so_far = digest::digest(hash, &transcript);
        let verify_data = prf.expand(&master, "client finished", so_far.as_ref(), 12);
        self.send(CHANGE_CIPHER_SPEC, &[1]).await?;
        self.sending = Some(Keys::new(ours, salts.get(..4)).ok_or_else(unusable)?);
        self.send(HANDSHAKE, &message(20, &verify_data)).await?;
        // A ticket comes before the change of ciphers.
        while self.record().await?.0 == HANDSHAKE {}
        self.receiving = Some(Keys::new(theirs, salts.get(4..)).ok_or_else(unusable)?);
        let (kind, finished) = self.record().await?;
        if kind == HANDSHAKE && finished.first() == Some(&20) { Ok(verify_data) } else { Err(unusable()) }
    }

    async fn send(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let octets = match &mut self.sending {
            None => record(TLS12, kind, content),
            Some(keys) => record(TLS12, kind, &keys.seal(kind, content).ok_or_else(unusable)?),
        };
        self.tcp.write_all(&octets).await
    }

    /// The next record; an alert is an error.
    async fn record(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let (kind, content) = read_record(&mut self.tcp).await?;
        let content = match &mut self.receiving {
            None => content,
            Some(keys) => keys.open(kind, &content).ok_or_else(unusable)?,
        };
        if matches!(kind, HANDSHAKE | CHANGE_CIPHER_SPEC) { Ok((kind, content)) } else { Err(unusable()) }
    }
}

impl Keys {
    fn new(key: &[u8], salt: Option<&[u8]>) -> Option<Self> {
        let algorithm = if key.len() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).ok()?);
        Some(Self { key, salt: salt?.try_into().ok()?, sequence: 0 })
    }

    /// The nonce, and the data that is authenticated beside the content.
    fn around(&mut self, kind: u8, explicit: &[u8], length: usize) -> Option<(aead::Nonce, aead::Aad<Vec<u8>>)> {
        let nonce = [&self.salt[..], explicit].concat().try_into().ok()?;
        let length = u16::try_from(length).ok()?.to_be_bytes();
        let beside = [&self.sequence.to_be_bytes()[..], &[kind, 3, 3], &length].concat();
        self.sequence += 1;
        Some((aead::Nonce::assume_unique_for_key(nonce), aead::Aad::from(beside)))
    }

    fn seal(&mut self, kind: u8, content: &[u8]) -> Option<Vec<u8>> {
        let explicit = self.sequence.to_be_bytes();
        let (nonce, beside) = self.around(kind, &explicit, content.len())?;
        let mut sealed = content.to_vec();
        self.key.seal_in_place_append_tag(nonce, beside, &mut sealed).ok()?;
        Some([&explicit[..], &sealed].concat())
    }

    fn open(&mut self, kind: u8, content: &[u8]) -> Option<Vec<u8>> {
        let (explicit, sealed) = content.split_at_checked(8)?;
        let length = sealed.len().checked_sub(self.key.algorithm().tag_len())?;
        let (nonce, beside) = self.around(kind, explicit, length)?;
        let mut opened = sealed.to_vec();
        self.key.open_in_place(nonce, beside, &mut opened).ok().map(|content| content.to_vec())
    }
}

impl ServerOffer {
    /// Reads up to ServerHelloDone, and appends the messages to the transcript.
    async fn read(session: &mut Session, transcript: &mut Vec<u8>) -> io::Result<Self> {
        let (mut offer, mut octets) = (Self::default(), Vec::new());
        loop {
            let (kind, content) = session.record().await?;
            octets.extend(content);
            if kind != HANDSHAKE || octets.len() > LONGEST {
                return Err(unusable());
            }
            let mut rest = Octets(&octets);
            while let Some((kind, body)) = next_message(&mut rest) {
                let (is_read, length) = (offer.take(kind, body), octets.len() - rest.0.len());
                transcript.extend(octets.drain(..length));
                rest = Octets(&octets);
                match (kind, is_read) {
                    (_, None) => return Err(unusable()),
                    (14, _) => return Ok(offer),
                    _ => {}
                }
            }
        }
    }

    fn take(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        match kind {
            2 => {
                let hello = server_hello(body).filter(|hello| hello.version == TLS12)?;
                self.random = hello.random;
                self.suite = hello.suite.0;
            }
            12 => {
                let mut fields = Octets(body);
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

    #[test]
    fn what_one_side_seals_the_other_opens() {
        let keys = || Keys::new(&[7; 32], Some(&[1, 2, 3, 4])).unwrap();
        let (mut ours, mut theirs) = (keys(), keys());
        for text in [&b"one"[..], b"two", b""] {
            let sealed = ours.seal(HANDSHAKE, text).unwrap();
            assert_eq!(theirs.open(HANDSHAKE, &sealed).as_deref(), Some(text));
        }
        assert_eq!(theirs.open(HANDSHAKE, b"short"), None);
    }

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
}
