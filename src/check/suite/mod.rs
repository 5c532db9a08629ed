//! Cipher suites, and the properties that their names state.
//!
//! tls-parser has such a table, but brings a second `syn`, `phf` and `rand` into the tree and knows no group of ML-KEM;
//! a suite's name states all that is judged here.

mod table;

use std::fmt;

use self::table::SUITES;
use super::version::Version;

/// A cipher suite by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::check) struct Suite(pub(in crate::check) u16);

/// The way in which a suite's keys are agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum KeyExchange {
    /// TLS 1.3: always an ephemeral group.
    Any,
    /// Ephemeral elliptic curves.
    Ecdhe,
    /// Ephemeral Diffie-Hellman.
    Dhe,
    /// The certificate's RSA key.
    Rsa,
    /// Anything else: static Diffie-Hellman, pre-shared keys, passwords, Kerberos.
    Other,
}

impl Suite {
    /// Suites that a version of the protocol may offer, those of everyday use first.
    ///
    /// Before TLS 1.2, no suite has an AEAD or another hash than SHA-1 and MD5 (RFC 5246 appendix A.5); TLS 1.3 has its own.
    pub(in crate::check) fn of_version(version: Version) -> Vec<Self> {
        let all = SUITES.iter().map(|(number, _)| Self(*number));
        let mut suites: Vec<_> = all.filter(|suite| suite.is_of(version)).collect();
        suites.sort_by_key(|suite| !suite.is_common());
        suites
    }

    fn is_of(self, version: Version) -> bool {
        match version {
            Version::Ssl2 => false,
            Version::Tls13 => self.is_tls13(),
            Version::Tls12 => !self.is_tls13() && self.0 != 0,
            Version::Ssl3 | Version::Tls10 | Version::Tls11 => {
                let name = self.name();
                !self.is_tls13()
                    && self.0 != 0
                    && !self.is_aead()
                    && !name.contains("SHA256")
                    && !name.contains("SHA384")
            }
        }
    }

    /// Decides whether servers of today have the suite, so that most are found with the first hello.
    fn is_common(self) -> bool {
        let name = self.name();
        let is_known = ["TLS_RSA_WITH", "TLS_DHE_RSA", "TLS_ECDHE_RSA", "TLS_ECDHE_ECDSA"];
        is_known.iter().any(|kind| name.starts_with(kind)) && !name.contains("SEED") && !name.contains("IDEA")
    }

    /// The name in IANA's registry.
    pub(in crate::check) fn name(self) -> &'static str {
        SUITES.iter().find(|(number, _)| *number == self.0).map_or("", |(_, name)| *name)
    }

    /// Decides whether the suite is one of TLS 1.3.
    pub(in crate::check) fn is_tls13(self) -> bool {
        let name = self.name();
        !name.is_empty() && !name.contains("_WITH_")
    }

    /// The key exchange.
    pub(in crate::check) fn key_exchange(self) -> KeyExchange {
        let name = self.name();
        if self.is_tls13() {
            KeyExchange::Any
        } else if name.starts_with("TLS_ECDHE_") || name.starts_with("TLS_ECDH_anon") {
            KeyExchange::Ecdhe
        } else if name.starts_with("TLS_DHE_") || name.starts_with("TLS_DH_anon") {
            KeyExchange::Dhe
        } else if name.starts_with("TLS_RSA_WITH") || name.starts_with("TLS_RSA_EXPORT") {
            KeyExchange::Rsa
        } else {
            KeyExchange::Other
        }
    }

    /// Decides whether the keys of a recorded session stay secret when the server's own key is lost.
    pub(in crate::check) fn has_forward_secrecy(self) -> bool {
        matches!(self.key_exchange(), KeyExchange::Any | KeyExchange::Ecdhe | KeyExchange::Dhe)
    }

    /// Decides whether encryption and integrity are one (GCM, CCM, ChaCha20-Poly1305).
    pub(in crate::check) fn is_aead(self) -> bool {
        let name = self.name();
        ["_GCM_", "_CCM", "POLY1305", "AEGIS"].iter().any(|mode| name.contains(mode))
    }

    /// Decides whether the server shows no certificate, so that anybody can stand in between.
    pub(in crate::check) fn is_anonymous(self) -> bool {
        let name = self.name();
        name.contains("_anon_") || name == "TLS_NULL_WITH_NULL_NULL"
    }

    /// Decides whether the suite was weakened for export (40 or 56 bit, keys of 512 or 1024 bit).
    pub(in crate::check) fn is_export(self) -> bool {
        self.name().contains("_EXPORT")
    }

    /// Decides whether nothing is encrypted.
    pub(in crate::check) fn is_null(self) -> bool {
        self.name().contains("_NULL") || matches!(self.0, 0xc0b4 | 0xc0b5)
    }

    /// Decides whether the cipher is RC4.
    pub(in crate::check) fn is_rc4(self) -> bool {
        self.name().contains("_RC4_")
    }

    /// Decides whether the cipher has blocks of 64 bit: DES, 3DES, IDEA, RC2.
    pub(in crate::check) fn has_small_blocks(self) -> bool {
        ["DES_", "DES40_", "IDEA_", "RC2_"].iter().any(|cipher| self.cipher().starts_with(cipher))
            || self.is_triple_des()
    }

    /// Decides whether the cipher is 3DES.
    pub(in crate::check) fn is_triple_des(self) -> bool {
        self.cipher().starts_with("3DES_")
    }

    /// Decides whether the cipher runs in CBC mode.
    pub(in crate::check) fn is_cbc(self) -> bool {
        self.name().contains("_CBC_")
    }

    /// The name behind `_WITH_`.
    fn cipher(self) -> &'static str {
        let name = self.name();
        name.split_once("_WITH_").map_or(name.trim_start_matches("TLS_"), |(_, cipher)| cipher)
    }

    /// The key length of the cipher in bit, 3DES as 112.
    pub(in crate::check) fn bits(self) -> u16 {
        const BITS: [(&str, u16); 16] = [
            ("NULL", 0),
            ("RC4_40", 40),
            ("RC4_56", 56),
            ("RC4_128", 128),
            ("RC2_CBC_40", 40),
            ("RC2_CBC_56", 56),
            ("DES40", 40),
            ("DES_CBC_40", 40),
            ("DES_CBC", 56),
            ("3DES", 112),
            ("IDEA", 128),
            ("SEED", 128),
            ("SM4", 128),
            ("CHACHA20", 256),
            ("AEGIS_256", 256),
            ("AEGIS_128L", 128),
        ];
        let cipher = self.cipher();
        if self.is_null() {
            return 0;
        }
        if self.is_export() && cipher.starts_with("DES_CBC") && !self.name().contains("EXPORT1024") {
            return 40;
        }
        let known = BITS.iter().find(|(name, _)| cipher.starts_with(name)).map(|(_, bits)| *bits);
        known.unwrap_or(if cipher.contains("256") && !cipher.contains("128_") { 256 } else { 128 })
    }
}

impl fmt::Display for Suite {
    /// The name; the number of a suite without one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "" => write!(f, "0x{:04X}", self.0),
            name => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Suite {
        SUITES.iter().find(|(_, known)| *known == name).map(|(number, _)| Suite(*number)).unwrap()
    }

    #[test]
    fn names_say_what_suites_are() {
        for (name, bits, fs, aead) in [
            ("TLS_AES_128_GCM_SHA256", 128, true, true),
            ("TLS_CHACHA20_POLY1305_SHA256", 256, true, true),
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256, true, true),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 128, true, false),
            ("TLS_DHE_RSA_WITH_AES_256_CCM_8", 256, true, true),
            ("TLS_RSA_WITH_AES_256_CBC_SHA256", 256, false, false),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 112, false, false),
            ("TLS_RSA_WITH_RC4_128_MD5", 128, false, false),
            ("TLS_RSA_WITH_DES_CBC_SHA", 56, false, false),
            ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", 40, false, false),
            ("TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA", 56, false, false),
            ("TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", 40, true, false),
            ("TLS_RSA_WITH_NULL_SHA256", 0, false, false),
            ("TLS_RSA_WITH_ARIA_256_CBC_SHA384", 256, false, false),
            ("TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256", 128, false, false),
            ("TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384", 256, false, true),
        ] {
            let suite = named(name);
            assert_eq!((suite.bits(), suite.has_forward_secrecy(), suite.is_aead()), (bits, fs, aead), "{name}");
        }
    }

    #[test]
    fn defects_are_known_by_name() {
        assert!(named("TLS_DH_anon_WITH_AES_128_CBC_SHA").is_anonymous());
        assert!(named("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5").is_export());
        assert!(named("TLS_RSA_WITH_IDEA_CBC_SHA").has_small_blocks());
        assert!(named("TLS_RSA_WITH_DES_CBC_SHA").has_small_blocks());
        assert!(!named("TLS_RSA_WITH_AES_128_CBC_SHA").has_small_blocks());
        assert!(named("TLS_ECDHE_RSA_WITH_RC4_128_SHA").is_rc4());
        assert_eq!(Suite(0xfafa).to_string(), "0xFAFA");
    }

    #[test]
    fn old_versions_have_no_new_suites() {
        for suite in Suite::of_version(Version::Tls10) {
            assert!(!suite.is_aead() && !suite.name().ends_with("SHA256"), "{suite}");
        }
        assert_eq!(Suite::of_version(Version::Tls13).len(), 11);
        assert!(Suite::of_version(Version::Tls12).len() > 300);
    }
}
