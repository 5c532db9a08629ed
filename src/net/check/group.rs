//! Groups of the key exchange: elliptic curves, finite fields, and ML-KEM with and without a curve.

use std::fmt;

/// A group by its number in IANA's registry "TLS Supported Groups".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::net::check) struct Group(pub(in crate::net::check) u16);

/// Number, name, and the bits of an RSA key of the same strength (NIST SP 800-57 part 1, table 2).
#[rustfmt::skip]
const GROUPS: &[(u16, &str, u32)] = &[
    (0x11ec, "X25519MLKEM768", 7680), (0x11eb, "SecP256r1MLKEM768", 7680), (0x11ed, "SecP384r1MLKEM1024", 15360),
    (0x0200, "MLKEM512", 3072), (0x0201, "MLKEM768", 7680), (0x0202, "MLKEM1024", 15360),
    (0x6399, "X25519Kyber768Draft00", 7680),
    (29, "X25519", 3072), (23, "secp256r1", 3072), (30, "X448", 7680), (24, "secp384r1", 7680), (25, "secp521r1", 15360),
    (256, "ffdhe2048", 2048), (257, "ffdhe3072", 3072), (258, "ffdhe4096", 4096), (259, "ffdhe6144", 6144), (260, "ffdhe8192", 8192),
    (26, "brainpoolP256r1", 3072), (27, "brainpoolP384r1", 7680), (28, "brainpoolP512r1", 15360),
    (31, "brainpoolP256r1tls13", 3072), (32, "brainpoolP384r1tls13", 7680), (33, "brainpoolP512r1tls13", 15360),
    (41, "curveSM2", 3072),
    (1, "sect163k1", 1024), (2, "sect163r1", 1024), (3, "sect163r2", 1024), (4, "sect193r1", 1536), (5, "sect193r2", 1536),
    (6, "sect233k1", 2048), (7, "sect233r1", 2048), (8, "sect239k1", 2048), (9, "sect283k1", 3072), (10, "sect283r1", 3072),
    (11, "sect409k1", 7680), (12, "sect409r1", 7680), (13, "sect571k1", 15360), (14, "sect571r1", 15360),
    (15, "secp160k1", 1024), (16, "secp160r1", 1024), (17, "secp160r2", 1024), (18, "secp192k1", 1536), (19, "secp192r1", 1536),
    (20, "secp224k1", 2048), (21, "secp224r1", 2048), (22, "secp256k1", 3072),
];

impl Group {
    /// X25519, P-256 and P-384, which browsers, Node and rustls have in common.
    pub(in crate::net::check) const COMMON: [Self; 3] = [Self(29), Self(23), Self(24)];

    /// All known groups, those of everyday use first.
    pub(in crate::net::check) fn all() -> Vec<Self> {
        GROUPS.iter().map(|(number, ..)| Self(*number)).collect()
    }

    /// Groups that TLS 1.2 can name in a ServerKeyExchange: elliptic curves (RFC 8422).
    pub(in crate::net::check) fn curves() -> Vec<Self> {
        GROUPS.iter().map(|(number, ..)| Self(*number)).filter(|group| group.0 < 256).collect()
    }

    /// The name in IANA's registry; empty for one that is unknown.
    pub(in crate::net::check) fn name(self) -> &'static str {
        GROUPS.iter().find(|(number, ..)| *number == self.0).map_or("", |(_, name, _)| *name)
    }

    /// The bits of an RSA key of the same strength; `None` for a group that is unknown.
    pub(in crate::net::check) fn rsa_bits(self) -> Option<u32> {
        GROUPS.iter().find(|(number, ..)| *number == self.0).map(|(.., bits)| *bits)
    }

    /// Decides whether a quantum computer does not break the group.
    pub(in crate::net::check) fn is_post_quantum(self) -> bool {
        self.name().contains("MLKEM")
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "" => write!(f, "0x{:04X}", self.0),
            name => f.write_str(name),
        }
    }
}
