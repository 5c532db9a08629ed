//! The grade by SSL Labs' "SSL Server Rating Guide", version 2009r of 16 May 2025.
//!
//! Where the guide leaves something open: TLS 1.3 scores as TLS 1.2 does; the strength of a curve is that of an RSA
//! key by NIST SP 800-57; RC4 caps at C where TLS 1.1 or newer has it.

use super::suite::Suite;
use super::version::Version;
use crate::judge::report::check::{Cap, Scores};

/// Six months, from which on HSTS counts: 180 days.
pub(super) const HSTS_ENOUGH: u64 = 180 * 24 * 60 * 60;

/// A grade, the worst first. T and M stand below all letters: such a server is not the one that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// The certificate is for another name.
    M,
    /// The certificate is not trusted.
    T,
    /// Fails.
    F,
    /// From 20.
    E,
    /// From 35.
    D,
    /// From 50.
    C,
    /// From 65.
    B,
    /// From 80, with a warning.
    AMinus,
    /// From 80.
    A,
    /// From 80, without a warning, and with HSTS.
    APlus,
}

impl Grade {
    /// All grades, the best first.
    pub const ALL: [Self; 10] =
        [Self::APlus, Self::A, Self::AMinus, Self::B, Self::C, Self::D, Self::E, Self::F, Self::T, Self::M];

    /// The grade of a name, as [`Self::name`] gives it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.name() == name)
    }

    /// The grade as the guide writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::M => "M",
            Self::T => "T",
            Self::F => "F",
            Self::E => "E",
            Self::D => "D",
            Self::C => "C",
            Self::B => "B",
            Self::AMinus => "A-",
            Self::A => "A",
            Self::APlus => "A+",
        }
    }

    const fn of_number(total: u32) -> Self {
        match total {
            80.. => Self::A,
            65.. => Self::B,
            50.. => Self::C,
            35.. => Self::D,
            20.. => Self::E,
            _ => Self::F,
        }
    }
}

/// The contents of Strict-Transport-Security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Hsts {
    /// HTTP could not be asked.
    #[default]
    Unknown,
    Absent,
    /// The header is malformed.
    Invalid,
    MaxAge(u64),
}

/// Faults of the certificate that the guide knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Trust {
    #[default]
    Fine,
    /// The certificate is for another name.
    OtherName,
    /// Expired, self-signed, from an unknown CA, or refused for another reason: its code.
    Refused(&'static str),
}

/// The scores and caps that make the grade.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of the guide")]
pub(super) struct Basis {
    /// The oldest first.
    pub(super) versions: Vec<Version>,
    pub(super) suites: Vec<(Version, Suite)>,
    /// The strength of the certificate's key, in bits of an RSA key.
    pub(super) key_bits: Option<u32>,
    pub(super) dh_bits: Option<u32>,
    /// The strength of the weakest group, in bits of an RSA key.
    pub(super) group_bits: Option<u32>,
    pub(super) compression: bool,
    /// RFC 5746; `None` for TLS 1.3 alone.
    pub(super) secure_renegotiation: Option<bool>,
    /// A client renegotiates without RFC 5746.
    pub(super) insecure_renegotiation: bool,
    /// A browser gets forward secrecy, and an AEAD.
    pub(super) modern_secrecy: bool,
    pub(super) modern_aead: bool,
    /// A browser that still has 3DES gets a block cipher of 64 bit.
    pub(super) small_blocks: bool,
    pub(super) trust: Trust,
    pub(super) is_md5: bool,
    pub(super) incomplete_chain: bool,
    pub(super) hsts: Hsts,
}

/// A grade with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graded {
    pub(super) grade: Grade,
    pub(super) ignoring_trust: Grade,
    pub(super) scores: Scores,
    /// The hardest first.
    pub(super) caps: Vec<Cap>,
}

/// A row: the grade that is left, the rule, and whether it applies.
type Rule = (Grade, &'static str, fn(&Basis) -> bool);

/// The rules of the guide that lower a grade, in its order; trust stands apart.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    (Grade::F, "the certificate is signed with MD5 (2009e)", |basis| basis.is_md5),
    (Grade::F, "SSL 2.0 is offered (2009c)", |basis| basis.has(Version::Ssl2)),
    (Grade::F, "SSL 3.0 is the best version (2009i)", |basis| basis.best() == Some(Version::Ssl3)),
    (Grade::F, "a suite of less than 112 bit is offered (2009l)", |basis| basis.any(|_, suite| suite.bits() < 112)),
    (Grade::F, "a suite without authentication is offered (2009)", |basis| basis.any(|_, suite| suite.is_anonymous())),
    (Grade::F, "an export suite is offered (2009)", |basis| basis.any(|_, suite| suite.is_export())),
    (Grade::F, "all suites have RC4 (2009k)", |basis| !basis.suites.is_empty() && !basis.any(|_, suite| !suite.is_rc4())),
    (Grade::F, "clients renegotiate without RFC 5746 (2009c)", |basis| basis.insecure_renegotiation),
    (Grade::F, "the key or the Diffie-Hellman prime has less than 1024 bit (2009e)", |basis| basis.weakest_key() < 1024),
    (Grade::C, "neither TLS 1.2 nor TLS 1.3 is offered (2009j)", |basis| basis.best() < Some(Version::Tls12)),
    (Grade::C, "TLS compression is offered: CRIME (2009j)", |basis| basis.compression),
    (Grade::C, "RC4 is offered with TLS 1.1 or newer (2009j)", |basis| basis.any(|version, suite| version >= Version::Tls11 && suite.is_rc4())),
    (Grade::C, "browsers that have 3DES get it with TLS 1.1 or newer: SWEET32 (2009l)", |basis| basis.small_blocks),
    (Grade::C, "SSL 3.0 with CBC is offered: POODLE (2009g)", |basis| basis.any(|version, suite| version == Version::Ssl3 && suite.is_cbc())),
    (Grade::B, "SSL 3.0 is offered (2009h)", |basis| basis.has(Version::Ssl3)),
    (Grade::B, "TLS 1.0 is offered (2009q)", |basis| basis.has(Version::Tls10)),
    (Grade::B, "TLS 1.1 is offered (2009q)", |basis| basis.has(Version::Tls11)),
    (Grade::B, "RC4 is offered (2009i)", |basis| basis.any(|_, suite| suite.is_rc4())),
    (Grade::B, "the key or the Diffie-Hellman prime has less than 2048 bit (2009e, 2009j)", |basis| (1024..2048).contains(&basis.weakest_key())),
    (Grade::B, "the chain is incomplete (2009i)", |basis| basis.incomplete_chain),
    (Grade::B, "browsers get no forward secrecy (2009p)", |basis| !basis.modern_secrecy),
    (Grade::B, "browsers get no AEAD suite (2009p)", |basis| !basis.modern_aead),
    (Grade::AMinus, "TLS 1.3 is not offered (2009r)", |basis| !basis.has(Version::Tls13)),
    (Grade::AMinus, "secure renegotiation (RFC 5746) is missing (2009e)", |basis| basis.secure_renegotiation == Some(false)),
    (Grade::AMinus, "HSTS is switched off (max-age=0) or cannot be read (2009r)", |basis| matches!(basis.hsts, Hsts::Invalid | Hsts::MaxAge(0))),
    (Grade::A, "HSTS is absent or shorter than 6 months (2009e)", |basis| !matches!(basis.hsts, Hsts::MaxAge(HSTS_ENOUGH.. | 0) | Hsts::Invalid)),
];

impl Basis {
    fn has(&self, version: Version) -> bool {
        self.versions.contains(&version)
    }

    fn best(&self) -> Option<Version> {
        self.versions.iter().copied().max()
    }

    fn any(&self, holds: impl Fn(Version, Suite) -> bool) -> bool {
        self.suites.iter().any(|(version, suite)| holds(*version, *suite))
    }

    /// The bits of the certificate's key, or of the Diffie-Hellman prime if that is smaller.
    fn weakest_key(&self) -> u32 {
        self.key_bits.into_iter().chain(self.dh_bits).min().unwrap_or(u32::MAX)
    }

    /// Grades a server.
    pub(super) fn grade(&self) -> Graded {
        let scores = self.scores();
        let mut caps: Vec<(Grade, Cap)> = self.trust_cap().into_iter().collect();
        for (grade, rule, applies) in RULES {
            if applies(self) {
                let cap = Cap { grade: grade.name().to_owned(), rule: (*rule).to_owned(), is_trust: false };
                caps.push((*grade, cap));
            }
        }
        caps.sort_by_key(|(grade, _)| *grade);
        let best = Grade::of_number(scores.total);
        let start = if best == Grade::A { Grade::APlus } else { best };
        let lowest = |is_counted: fn(&Cap) -> bool| {
            caps.iter()
                .filter(|(_, cap)| is_counted(cap))
                .map(|(grade, _)| *grade)
                .chain([start])
                .min()
                .unwrap_or(start)
        };
        let (grade, ignoring_trust) = (lowest(|_| true), lowest(|cap| !cap.is_trust));
        Graded { grade, ignoring_trust, scores, caps: caps.into_iter().map(|(_, cap)| cap).collect() }
    }

    fn trust_cap(&self) -> Option<(Grade, Cap)> {
        let (grade, rule) = match self.trust {
            Trust::Fine => return None,
            Trust::OtherName => (Grade::M, "the certificate is for another name (host-mismatch)".to_owned()),
            Trust::Refused(code) => (Grade::T, format!("the certificate is not trusted ({code})")),
        };
        Some((grade, Cap { grade: grade.name().to_owned(), rule, is_trust: true }))
    }

    fn scores(&self) -> Scores {
        let protocol = mean(self.versions.iter().map(|version| match version {
            Version::Ssl2 => 0,
            Version::Ssl3 => 80,
            Version::Tls10 => 90,
            Version::Tls11 => 95,
            Version::Tls12 | Version::Tls13 => 100,
        }));
        let cipher = mean(self.suites.iter().map(|(_, suite)| match suite.bits() {
            // The guide's table counts the bits of the key.
            112 if suite.is_triple_des() => 80,
            0 => 0,
            1..128 => 20,
            128..256 => 80,
            _ => 100,
        }));
        let key_exchange = self.key_exchange();
        let is_zero = [protocol, key_exchange, cipher].contains(&0);
        let total = if is_zero { 0 } else { (30 * protocol + 30 * key_exchange + 40 * cipher + 50) / 100 };
        Scores { protocol, key_exchange, cipher, total }
    }

    fn key_exchange(&self) -> u32 {
        if self.any(|_, suite| suite.is_anonymous()) {
            return 0;
        }
        let all = [self.key_bits, self.dh_bits, self.group_bits].into_iter().flatten().min();
        let score = match all {
            Some(..512) => 20,
            Some(..1024) => 40,
            Some(..2048) => 80,
            Some(..4096) => 90,
            _ => 100,
        };
        if self.any(|_, suite| suite.is_export()) { score.min(40) } else { score }
    }
}

/// The mean of the best and the worst.
fn mean(scores: impl Iterator<Item = u32> + Clone) -> u32 {
    let (best, worst) = (scores.clone().max().unwrap_or(0), scores.min().unwrap_or(0));
    u32::midpoint(best, worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TLS 1.2 and 1.3 with AEAD suites, RSA 2048, HSTS for a year.
    fn good() -> Basis {
        Basis {
            versions: vec![Version::Tls12, Version::Tls13],
            suites: vec![
                (Version::Tls12, Suite(0xc02f)),
                (Version::Tls12, Suite(0xc030)),
                (Version::Tls13, Suite(0x1301)),
                (Version::Tls13, Suite(0x1302)),
            ],
            key_bits: Some(2048),
            group_bits: Some(3072),
            secure_renegotiation: Some(true),
            modern_secrecy: true,
            modern_aead: true,
            hsts: Hsts::MaxAge(31_536_000),
            ..Basis::default()
        }
    }

    fn with(change: impl FnOnce(&mut Basis)) -> Graded {
        let mut basis = good();
        change(&mut basis);
        basis.grade()
    }

    fn add(basis: &mut Basis, version: Version, suite: u16) {
        if !basis.versions.contains(&version) {
            basis.versions.push(version);
            basis.versions.sort_unstable();
        }
        basis.suites.push((version, Suite(suite)));
    }

    #[test]
    fn the_arithmetic_of_a_good_server() {
        let graded = good().grade();
        assert_eq!(graded.scores, Scores { protocol: 100, key_exchange: 90, cipher: 90, total: 93 });
        assert_eq!((graded.grade, graded.ignoring_trust), (Grade::APlus, Grade::APlus));
        assert!(graded.caps.is_empty());
    }

    macro_rules! rules {
        ($($name:ident: $grade:ident, $rule:literal, $change:expr;)*) => {
            $(#[test]
            fn $name() {
                let graded = with($change);
                assert_eq!(graded.ignoring_trust, Grade::$grade, "{graded:?}");
                assert!(graded.caps.iter().any(|cap| cap.rule.contains($rule) && !cap.is_trust), "{graded:?}");
            })*

            /// Each rule of the table has its test.
            #[test]
            fn each_rule_is_tested() {
                let tested = [$($rule),*];
                for (_, rule, _) in RULES {
                    assert!(tested.iter().any(|part| rule.contains(part)), "{rule}");
                }
            }
        };
    }

    rules! {
        md5_fails: F, "signed with MD5", |basis| basis.is_md5 = true;
        ssl2_fails: F, "SSL 2.0 is offered", |basis| basis.versions.insert(0, Version::Ssl2);
        ssl3_alone_fails: F, "SSL 3.0 is the best", |basis| {
            basis.versions = vec![Version::Ssl3];
            basis.suites = vec![(Version::Ssl3, Suite(0x0005))];
        };
        des_fails: F, "less than 112 bit", |basis| add(basis, Version::Tls12, 0x0009);
        anonymous_fails: F, "without authentication", |basis| add(basis, Version::Tls12, 0x0034);
        export_fails: F, "export suite", |basis| add(basis, Version::Tls10, 0x0003);
        insecure_renegotiation_fails: F, "clients renegotiate", |basis| basis.insecure_renegotiation = true;
        only_rc4_fails: F, "all suites have RC4", |basis| basis.suites = vec![(Version::Tls12, Suite(0x0005))];
        small_key_fails: F, "less than 1024 bit", |basis| basis.key_bits = Some(768);
        small_prime_fails: F, "less than 1024 bit", |basis| basis.dh_bits = Some(512);
        old_versions_are_c: C, "neither TLS 1.2 nor TLS 1.3", |basis| {
            basis.versions = vec![Version::Tls10, Version::Tls11];
            basis.suites = vec![(Version::Tls11, Suite(0xc013)), (Version::Tls10, Suite(0xc013))];
        };
        compression_is_c: C, "compression", |basis| basis.compression = true;
        rc4_with_tls12_is_c: C, "RC4 is offered with TLS 1.1", |basis| add(basis, Version::Tls12, 0x0005);
        sweet32_is_c: C, "SWEET32", |basis| basis.small_blocks = true;
        poodle_is_c: C, "POODLE", |basis| add(basis, Version::Ssl3, 0x002f);
        ssl3_is_b: B, "SSL 3.0 is offered", |basis| add(basis, Version::Ssl3, 0x0005);
        tls10_is_b: B, "TLS 1.0 is offered", |basis| add(basis, Version::Tls10, 0xc013);
        tls11_is_b: B, "TLS 1.1 is offered", |basis| add(basis, Version::Tls11, 0xc013);
        rc4_with_tls10_is_b: B, "RC4 is offered (2009i)", |basis| add(basis, Version::Tls10, 0x0005);
        key_of_1024_is_b: B, "less than 2048 bit", |basis| basis.key_bits = Some(1024);
        prime_of_1024_is_b: B, "less than 2048 bit", |basis| basis.dh_bits = Some(1024);
        incomplete_chain_is_b: B, "incomplete", |basis| basis.incomplete_chain = true;
        no_secrecy_is_b: B, "forward secrecy", |basis| basis.modern_secrecy = false;
        no_aead_is_b: B, "AEAD", |basis| basis.modern_aead = false;
        no_tls13_is_a_minus: AMinus, "TLS 1.3 is not offered", |basis| basis.versions = vec![Version::Tls12];
        no_rfc5746_is_a_minus: AMinus, "renegotiation", |basis| basis.secure_renegotiation = Some(false);
        hsts_off_is_a_minus: AMinus, "switched off", |basis| basis.hsts = Hsts::MaxAge(0);
        hsts_unreadable_is_a_minus: AMinus, "cannot be read", |basis| basis.hsts = Hsts::Invalid;
        no_hsts_is_a: A, "absent or shorter", |basis| basis.hsts = Hsts::Absent;
        short_hsts_is_a: A, "absent or shorter", |basis| basis.hsts = Hsts::MaxAge(86_400);
    }

    #[test]
    fn tls13_alone_is_not_capped() {
        let graded = with(|basis| {
            basis.versions = vec![Version::Tls13];
            basis.suites.retain(|(version, _)| *version == Version::Tls13);
            basis.secure_renegotiation = None;
        });
        assert_eq!(graded.grade, Grade::APlus);
    }

    #[test]
    fn trust_stands_apart() {
        let graded = with(|basis| basis.trust = Trust::Refused("expired"));
        assert_eq!((graded.grade, graded.ignoring_trust), (Grade::T, Grade::APlus));
        let graded = with(|basis| basis.trust = Trust::OtherName);
        assert_eq!((graded.grade, graded.ignoring_trust), (Grade::M, Grade::APlus));
    }

    #[test]
    fn a_zero_makes_the_total_zero() {
        let graded = with(|basis| add(basis, Version::Tls12, 0x003b));
        assert_eq!((graded.scores.cipher, graded.scores.total), (50, 77));
        let graded = with(|basis| basis.suites = vec![(Version::Tls12, Suite(0x003b))]);
        assert_eq!((graded.scores.cipher, graded.scores.total, graded.grade), (0, 0, Grade::F));
    }

    #[test]
    fn three_scores_follow_the_tables() {
        let graded = with(|basis| {
            add(basis, Version::Tls10, 0x000a);
            basis.key_bits = Some(4096);
            basis.group_bits = Some(7680);
        });
        assert_eq!(graded.scores, Scores { protocol: 95, key_exchange: 100, cipher: 90, total: 95 });
    }
}
