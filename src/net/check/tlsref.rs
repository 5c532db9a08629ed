//! The verdict by TLSRef's "Server Side TLS" 6.0 of 6 April 2026 (formerly Mozilla's): modern, intermediate, or
//! neither.
//!
//! Versions, suites, groups, the certificate's key, signature and lifetime count. HSTS and stapling, which the
//! guideline recommends as well, do not: the first pins every port of a developer's host, the second ended with OCSP.

use std::fmt::Display;

use super::group::Group;
use super::suite::Suite;
use super::trust::Key;
use super::version::Version;
use crate::base::words::first_few;
use crate::judge::report;
use crate::judge::report::check::TlsRef;
use crate::x509::key::Hash;

const TLS13: [u16; 3] = [0x1301, 0x1302, 0x1303];
const TLS12: [u16; 6] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
const GROUPS: [u16; 4] = [0x11ec, 29, 23, 24];

/// Days that a certificate may last.
const MODERN_DAYS: i64 = 90;
const INTERMEDIATE_DAYS: i64 = 366;

/// The facts that the verdict rests on.
#[derive(Debug, Clone, Default)]
pub(super) struct Basis<'a> {
    pub(super) versions: &'a [Version],
    pub(super) suites: &'a [(Version, Suite)],
    pub(super) groups: &'a [Group],
    pub(super) certificate: Option<&'a report::Certificate>,
    /// Its key and signature.
    pub(super) key: Option<Key>,
    /// Its lifetime.
    pub(super) days: Option<i64>,
}

impl Basis<'_> {
    pub(super) fn judge(&self) -> TlsRef {
        let not_modern = self.not_modern();
        let not_intermediate = self.not_intermediate();
        let profile = match (not_modern.is_empty(), not_intermediate.is_empty()) {
            (true, _) => "modern",
            (false, true) => "intermediate",
            (false, false) => "neither",
        };
        TlsRef { profile: profile.to_owned(), not_modern, not_intermediate }
    }

    fn not_modern(&self) -> Vec<String> {
        let mut reasons = self.common(&[Version::Tls13], &TLS13, MODERN_DAYS);
        if let Some(certificate) = self.certificate.filter(|_| !self.has_key(|key| key.is_usual_curve)) {
            reasons.push(format!("the key is {}, not ECDSA with P-256 or P-384", certificate.public_key));
        }
        reasons
    }

    fn not_intermediate(&self) -> Vec<String> {
        let suites = [TLS12.as_slice(), &TLS13].concat();
        let mut reasons = self.common(&[Version::Tls12, Version::Tls13], &suites, INTERMEDIATE_DAYS);
        let is_good = |key: Key| key.is_usual_curve || key.rsa_bits.is_some_and(|bits| bits >= 2048);
        if let Some(certificate) = self.certificate.filter(|_| !self.has_key(is_good)) {
            reasons.push(format!(
                "the key is {}, neither RSA of 2048 bit nor ECDSA with P-256 or P-384",
                certificate.public_key
            ));
        }
        reasons
    }

    fn has_key(&self, is_so: impl Fn(Key) -> bool) -> bool {
        self.key.is_some_and(is_so)
    }

    fn common(&self, versions: &[Version], suites: &[u16], most_days: i64) -> Vec<String> {
        let mut reasons = Vec::new();
        for version in self.versions.iter().filter(|version| !versions.contains(version)) {
            reasons.push(format!("{version} is offered"));
        }
        if !self.versions.contains(&Version::Tls13) {
            reasons.push("TLS 1.3 is not offered".to_owned());
        }
        // The suites of a version that is too many have no reason of their own.
        let counted = self.suites.iter().filter(|(version, _)| versions.contains(version)).map(|(_, suite)| *suite);
        let mut other: Vec<_> = counted.filter(|suite| !suites.contains(&suite.0)).collect();
        other.sort_unstable();
        other.dedup();
        reasons.extend(listed("suites beyond the profile", &other));
        let other: Vec<_> = self.groups.iter().copied().filter(|group| !GROUPS.contains(&group.0)).collect();
        reasons.extend(listed("groups beyond the profile", &other));
        let is_weak = |key: Key| matches!(key.signature.hash(), Some(Hash::Md5 | Hash::Sha1));
        if let Some(certificate) = self.certificate.filter(|_| self.has_key(is_weak)) {
            reasons.push(format!("the certificate is signed with {}", certificate.signature_algorithm));
        }
        if let Some(days) = self.days.filter(|days| *days > most_days) {
            reasons.push(format!("the certificate lasts {days} days, more than {most_days}"));
        }
        reasons
    }
}

/// The first of a list that is not empty.
fn listed<T: Display>(what: &str, all: &[T]) -> Option<String> {
    (!all.is_empty()).then(|| format!("{what}: {}", first_few(all, 3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_verdicts() {
        let tls13 = [(Version::Tls13, Suite(0x1301))];
        let both = [(Version::Tls12, Suite(0xc02f)), (Version::Tls13, Suite(0x1301))];
        let old = [(Version::Tls12, Suite(0x002f)), (Version::Tls13, Suite(0x1301))];
        let groups = [Group(29)];
        let judge = |versions: &[Version], suites: &[(Version, Suite)], days| {
            Basis { versions, suites, groups: &groups, certificate: None, key: None, days: Some(days) }.judge()
        };
        assert_eq!(judge(&[Version::Tls13], &tls13, 90).profile, "modern");
        assert_eq!(judge(&[Version::Tls13], &tls13, 91).profile, "intermediate");
        assert_eq!(judge(&[Version::Tls12, Version::Tls13], &both, 366).profile, "intermediate");
        assert_eq!(judge(&[Version::Tls12, Version::Tls13], &both, 367).profile, "neither");
        let verdict = judge(&[Version::Tls12, Version::Tls13], &old, 90);
        assert_eq!(verdict.not_intermediate, ["suites beyond the profile: TLS_RSA_WITH_AES_128_CBC_SHA"]);
        assert_eq!(judge(&[Version::Tls12], &both[..1], 90).not_intermediate, ["TLS 1.3 is not offered"]);
    }
}
