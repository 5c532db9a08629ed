//! Makes certificates, requests and CRLs a value at a time, so that anything can be wrong with them.

use std::sync::LazyLock;

use secure_io::key::{Algorithm, PrivateKey};

use crate::Item;
pub(crate) use crate::tlv::tlv;

pub(crate) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

/// An INTEGER of these octets, as they are.
pub(crate) fn int(octets: &[u8]) -> Vec<u8> {
    tlv(2, octets)
}

pub(crate) fn bits(unused: u8, octets: &[u8]) -> Vec<u8> {
    tlv(3, &[&[unused], octets].concat())
}

/// An OBJECT IDENTIFIER from its dots.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().expect("arcs are numbers")).collect();
    let mut content = vec![u8::try_from(arcs[0] * 40 + arcs[1]).expect("it fits")];
    for arc in &arcs[2..] {
        let groups: Vec<u8> = (0..5).rev().map(|group| (arc >> (7 * group) & 0x7f) as u8).collect();
        let first = groups.iter().position(|group| *group != 0).unwrap_or(4);
        let last = groups.len() - 1;
        content.extend(groups[first..last].iter().map(|group| group | 0x80).chain([groups[last]]));
    }
    tlv(6, &content)
}

pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const PRINTABLE: u8 = 0x13;

/// One attribute of a name.
pub(crate) fn rdn(kind: &str, tag: u8, text: &[u8]) -> Vec<u8> {
    set(&[&seq(&[&oid(kind), &tlv(tag, text)])])
}

pub(crate) fn name(attributes: &[(&str, u8, &str)]) -> Vec<u8> {
    tlv(0x30, &attributes.iter().flat_map(|(kind, tag, text)| rdn(kind, *tag, text.as_bytes())).collect::<Vec<u8>>())
}

pub(crate) const CN: &str = "2.5.4.3";
pub(crate) const C: &str = "2.5.4.6";
pub(crate) const O: &str = "2.5.4.10";
pub(crate) const OU: &str = "2.5.4.11";

pub(crate) fn common_name(text: &str) -> Vec<u8> {
    name(&[(CN, UTF8, text)])
}

pub(crate) fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

pub(crate) fn generalized(text: &str) -> Vec<u8> {
    tlv(0x18, text.as_bytes())
}

pub(crate) fn dns(text: &str) -> Vec<u8> {
    tlv(0x82, text.as_bytes())
}

pub(crate) fn ip(octets: &[u8]) -> Vec<u8> {
    tlv(0x87, octets)
}

pub(crate) fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, text.as_bytes())
}

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(Algorithm::EcdsaP256).expect("a key"));
static CA_KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(Algorithm::EcdsaP256).expect("a key"));

pub(crate) fn spki() -> Vec<u8> {
    KEY.spki().to_vec()
}

pub(crate) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub(crate) const RSA: &str = "1.2.840.113549.1.1.1";
pub(crate) const NULL: &[u8] = &[5, 0];

pub(crate) fn algorithm(kind: &str, parameters: &[u8]) -> Vec<u8> {
    seq(&[&oid(kind), parameters])
}

/// An RSA key's subjectPublicKeyInfo.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = seq(&[&int(modulus), &int(exponent)]);
    seq(&[&algorithm(RSA, NULL), &bits(0, &key)])
}

/// A modulus of this many bits, unremarkable except that its factors are unknown.
pub(crate) fn modulus(bits: usize) -> Vec<u8> {
    let length = bits.div_ceil(8);
    // The digits of a hash, and an end that makes it divisible by no small prime (found by trying).
    let mut octets: Vec<u8> = (0u8..=255).cycle().take(length).map(|i| secure_io::key::sha256(&[i])[0]).collect();
    let top = 1u8 << ((bits - 1) % 8);
    octets[0] = octets[0] & (top - 1) | top;
    let has_small_factor = |octets: &[u8]| {
        (2..752u32).any(|d| octets.iter().fold(0, |rest, octet| (rest << 8 | u32::from(*octet)) % d) == 0)
    };
    let last = length - 1;
    octets[last] |= 1;
    while has_small_factor(&octets) {
        let low = u16::from_be_bytes([octets[last - 1], octets[last]]).wrapping_add(2).to_be_bytes();
        octets[last - 1..].copy_from_slice(&low);
    }
    if octets[0] & 0x80 != 0 { [&[0], &octets[..]].concat() } else { octets }
}

/// An extension: identifier, `critical` if it is there, value.
pub(crate) type Extension = (&'static str, Option<u8>, Vec<u8>);

pub(crate) const CRITICAL: Option<u8> = Some(0xff);
pub(crate) const SKI: &str = "2.5.29.14";
pub(crate) const KU: &str = "2.5.29.15";
pub(crate) const SAN: &str = "2.5.29.17";
pub(crate) const BC: &str = "2.5.29.19";
pub(crate) const NC: &str = "2.5.29.30";
pub(crate) const CRL_POINTS: &str = "2.5.29.31";
pub(crate) const POLICIES: &str = "2.5.29.32";
pub(crate) const AKI: &str = "2.5.29.35";
pub(crate) const EKU: &str = "2.5.29.37";
pub(crate) const AIA: &str = "1.3.6.1.5.5.7.1.1";
pub(crate) const SCTS: &str = "1.3.6.1.4.1.11129.2.4.2";
pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

const CA_KEY_ID: &[u8] = b"the key identifier 1";

pub(crate) fn aki(id: &[u8]) -> Vec<u8> {
    seq(&[&tlv(0x80, id)])
}

pub(crate) fn eku(purposes: &[&str]) -> Vec<u8> {
    tlv(0x30, &purposes.iter().flat_map(|purpose| oid(purpose)).collect::<Vec<u8>>())
}

/// A certificate to be changed and built.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) inner_algorithm: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) validity: [Vec<u8>; 2],
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) unique_id: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
    /// Written as they are in place of the extensions.
    pub(crate) raw_extensions: Option<Vec<u8>>,
    /// Behind the signature, within the certificate.
    pub(crate) tail: Vec<u8>,
    pub(crate) is_self_signed: bool,
}

/// A leaf as a private CA issues it, in which nothing is found.
pub(crate) fn private() -> Certificate {
    let ecdsa = algorithm(ECDSA_SHA256, &[]);
    Certificate {
        version: tlv(0xa0, &int(&[2])),
        serial: b"\x11 random octets".to_vec(),
        inner_algorithm: ecdsa.clone(),
        algorithm: ecdsa,
        issuer: name(&[(CN, UTF8, "A CA")]),
        validity: [utc("260501000000Z"), utc("260901235959Z")],
        subject: Vec::from([0x30, 0]),
        spki: spki(),
        unique_id: Vec::new(),
        extensions: vec![
            (AKI, None, aki(CA_KEY_ID)),
            (SKI, None, tlv(4, b"the key identifier 2")),
            (KU, CRITICAL, bits(7, &[0x80])),
            (EKU, None, eku(&[SERVER_AUTH])),
            (SAN, CRITICAL, seq(&[&dns("www.secure-io.dev")])),
            (BC, CRITICAL, seq(&[])),
        ],
        raw_extensions: None,
        tail: Vec::new(),
        is_self_signed: false,
    }
}

/// A leaf as a public CA issues it, in which nothing is found.
pub(crate) fn public() -> Certificate {
    let location = |method: &str, place: &str| seq(&[&oid(method), &uri(place)]);
    let sct = [&[0, 49, 0][..], &[7; 32], &[0, 0, 1, 0x9a, 0, 0, 0, 0], &[0, 0], &[4, 3, 0, 2, 0, 0]].concat();
    let scts = [&[0, 102], &sct[..], &sct[..]].concat();
    private()
        .without(SKI)
        .with(POLICIES, None, seq(&[&seq(&[&oid("2.23.140.1.2.1")])]))
        .with(AIA, None, seq(&[&location("1.3.6.1.5.5.7.48.2", "http://ca.secure-io.dev/ca.der")]))
        .with(CRL_POINTS, None, crl_points("http://ca.secure-io.dev/ca.crl"))
        .with(SCTS, None, tlv(4, &scts))
}

pub(crate) fn crl_points(place: &str) -> Vec<u8> {
    seq(&[&seq(&[&tlv(0xa0, &tlv(0xa0, &uri(place)))])])
}

/// An intermediate CA, in which nothing is found.
pub(crate) fn ca() -> Certificate {
    let ca = private().without(EKU).without(SAN);
    let ca = ca.with(KU, CRITICAL, bits(1, &[0x06])).with(BC, CRITICAL, seq(&[&[1, 1, 0xff]]));
    Certificate { subject: common_name("Another CA"), ..ca }
}

/// The CA itself: self-signed.
pub(crate) fn root() -> Vec<u8> {
    let root = ca().with(SKI, None, tlv(4, CA_KEY_ID));
    let name = root.issuer.clone();
    let validity = [utc("260101000000Z"), utc("351231235959Z")];
    Certificate { subject: name, validity, spki: CA_KEY.spki().to_vec(), ..root }.der()
}

/// A leaf that is signed by itself, in which nothing is found.
pub(crate) fn self_signed() -> Certificate {
    let name = common_name("www.secure-io.dev");
    let leaf = private().without(AKI).with(SAN, None, seq(&[&dns("www.secure-io.dev")]));
    Certificate { subject: name.clone(), issuer: name, is_self_signed: true, ..leaf }
}

impl Certificate {
    /// Puts an extension in the place of its kind, or at the end.
    pub(crate) fn with(mut self, kind: &'static str, critical: Option<u8>, value: Vec<u8>) -> Self {
        match self.extensions.iter_mut().find(|(known, ..)| *known == kind) {
            Some(extension) => *extension = (kind, critical, value),
            None => self.extensions.push((kind, critical, value)),
        }
        self
    }

    pub(crate) fn without(mut self, kind: &str) -> Self {
        self.extensions.retain(|(known, ..)| *known != kind);
        self
    }

    /// With these entries as subjectAltName.
    pub(crate) fn names(self, names: &[Vec<u8>]) -> Self {
        let critical = if self.subject == [0x30, 0] { CRITICAL } else { None };
        self.with(SAN, critical, tlv(0x30, &names.concat()))
    }

    pub(crate) fn key_usage(self, unused: u8, octets: &[u8]) -> Self {
        self.with(KU, CRITICAL, bits(unused, octets))
    }

    pub(crate) fn purposes(self, purposes: &[&str]) -> Self {
        self.with(EKU, None, eku(purposes))
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let extensions = self.raw_extensions.clone().unwrap_or_else(|| match &self.extensions[..] {
            [] => Vec::new(),
            list => tlv(0xa3, &tlv(0x30, &list.iter().flat_map(extension).collect::<Vec<u8>>())),
        });
        let content = seq(&[
            &self.version,
            &int(&self.serial),
            &self.inner_algorithm,
            &self.issuer,
            &seq(&[&self.validity[0], &self.validity[1]]),
            &self.subject,
            &self.spki,
            &self.unique_id,
            &extensions,
        ]);
        let key = if self.is_self_signed { &KEY } else { &CA_KEY };
        let signature = bits(0, &key.sign(&content).expect("it is signed"));
        seq(&[&content, &self.algorithm, &signature, &self.tail])
    }

    pub(crate) fn item(&self) -> Item {
        Item::Certificate(self.der())
    }
}

fn extension((kind, critical, value): &Extension) -> Vec<u8> {
    let critical = critical.map(|octet| tlv(1, &[octet])).unwrap_or_default();
    seq(&[&oid(kind), &critical, &tlv(4, value)])
}

/// A request for a host, signed by its own key, in which nothing is found.
pub(crate) fn request(is_damaged: bool) -> Item {
    let names = extension(&(SAN, None, seq(&[&dns("www.secure-io.dev")])));
    let attribute = seq(&[&oid("1.2.840.113549.1.9.14"), &set(&[&seq(&[&names])])]);
    let content = seq(&[&int(&[0]), &common_name("www.secure-io.dev"), &spki(), &tlv(0xa0, &attribute)]);
    let key = if is_damaged { &CA_KEY } else { &KEY };
    let signature = bits(0, &key.sign(&content).expect("it is signed"));
    Item::Request(seq(&[&content, &algorithm(ECDSA_SHA256, &[]), &signature]))
}

/// A CRL with this nextUpdate and these extensions.
pub(crate) fn crl(next_update: &[u8], extensions: &[Extension]) -> Item {
    let ecdsa = algorithm(ECDSA_SHA256, &[]);
    let extensions = tlv(0xa0, &tlv(0x30, &extensions.iter().flat_map(extension).collect::<Vec<u8>>()));
    let content =
        seq(&[&int(&[1]), &ecdsa, &name(&[(CN, UTF8, "A CA")]), &utc("260501000000Z"), next_update, &extensions]);
    let signature = bits(0, &CA_KEY.sign(&content).expect("it is signed"));
    Item::Crl(seq(&[&content, &ecdsa, &signature]))
}

/// The extensions of a CRL in which nothing is found.
pub(crate) fn crl_extensions() -> Vec<Extension> {
    vec![(AKI, None, aki(CA_KEY_ID)), ("2.5.29.20", None, int(&[1]))]
}
