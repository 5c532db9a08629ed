//! Properties that clients accept but a CA may not issue: warnings, and refusals under `--strict`.

use crate::encoding::asn1::TimeField;
use crate::judge::report::verdict::Code;
use crate::x509::certificate::Certificate;
use crate::x509::extension::{Extension, ExtensionValue, KeyPurpose, id};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deviation {
    AkiMissing,
    AkiWithoutKeyId,
    AkiIssuerSerial,
    AkiMismatch,
    SkiMissing,
    CaSubjectEmpty,
    CaWithoutKeyUsage,
    BasicConstraintsNotCritical,
    PathLenWithoutCa,
    SanNotCritical,
    SanCritical,
    CommonNameNotInSan,
    DnsUnderscore,
    WildcardOnPublicSuffix,
    ConstraintsNotCritical,
    ConstraintLeadingDot,
    PolicyConstraintsNotCritical,
    EkuCritical,
    EkuAny,
    EkuMixed,
    EkuOnRoot,
    SerialZero,
    SerialNegative,
    SerialTooLong,
    TimeForm,
    AnchorWithoutExtensions,
    LeafNotFirst,
    CrlNumberMissing,
    CrlNumberCritical,
}

impl Deviation {
    /// Describes the fault, with the section that forbids it.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::AkiMissing => "it has no authorityKeyIdentifier (RFC 5280 section 4.2.1.1)",
            Self::AkiWithoutKeyId => "its authorityKeyIdentifier has no keyIdentifier (RFC 5280 section 4.2.1.1)",
            Self::AkiIssuerSerial => {
                "its authorityKeyIdentifier names issuer and serial number, which stops working when its issuer is renewed (CA/Browser Forum 7.1.2.11.1)"
            }
            Self::AkiMismatch => {
                "its authorityKeyIdentifier is not its issuer's subjectKeyIdentifier (RFC 5280 section 4.2.1.1)"
            }
            Self::SkiMissing => "it is a CA and has no subjectKeyIdentifier (RFC 5280 section 4.2.1.2)",
            Self::CaSubjectEmpty => "it is a CA and has no subject (RFC 5280 section 4.1.2.6)",
            Self::CaWithoutKeyUsage => "it is a CA and has no keyUsage (RFC 5280 section 4.2.1.3)",
            Self::BasicConstraintsNotCritical => {
                "it is a CA and its basicConstraints are not critical (RFC 5280 section 4.2.1.9)"
            }
            Self::PathLenWithoutCa => "it has a pathLenConstraint and is no CA (RFC 5280 section 4.2.1.9)",
            Self::SanNotCritical => {
                "its subject is empty and its subjectAltName not critical (RFC 5280 section 4.2.1.6)"
            }
            Self::SanCritical => "it has a subject and its subjectAltName is critical (RFC 5280 section 4.2.1.6)",
            Self::CommonNameNotInSan => {
                "its commonName is a host's and not literally one of its subjectAltNames (CA/Browser Forum 7.1.4.3)"
            }
            Self::DnsUnderscore => "a dNSName of it has an underscore (RFC 5280 section 4.2.1.6, RFC 1034 section 3.5)",
            Self::WildcardOnPublicSuffix => "its wildcard covers a whole public suffix (CA/Browser Forum 3.2.2.6)",
            Self::ConstraintsNotCritical => "its nameConstraints are not critical (RFC 5280 section 4.2.1.10)",
            Self::ConstraintLeadingDot => {
                "its nameConstraints hold a dNSName with a leading dot, which is read as: the names below it alone (RFC 5280 section 4.2.1.10)"
            }
            Self::PolicyConstraintsNotCritical => "its policyConstraints are not critical (RFC 5280 section 4.2.1.11)",
            Self::EkuCritical => "its extKeyUsage is critical (CA/Browser Forum 7.1.2.7.6)",
            Self::EkuAny => "its extKeyUsage has anyExtendedKeyUsage (CA/Browser Forum 7.1.2.7.10)",
            Self::EkuMixed => "its extKeyUsage has other purposes beside serverAuth (CA/Browser Forum 7.1.2.7.10)",
            Self::EkuOnRoot => "it is a root and has an extKeyUsage (CA/Browser Forum 7.1.2.1.2)",
            Self::SerialZero => "its serial number is 0 (RFC 5280 section 4.1.2.2)",
            Self::SerialNegative => "its serial number is negative (RFC 5280 section 4.1.2.2)",
            Self::SerialTooLong => "its serial number is longer than 20 octets (RFC 5280 section 4.1.2.2)",
            Self::TimeForm => "it writes a time before 2050 as GeneralizedTime (RFC 5280 section 4.1.2.5)",
            Self::AnchorWithoutExtensions => {
                "it is of version 1 or 2, which has no extensions to say that it is a CA: it is taken for its name and key, since it is trusted (RFC 5280 section 6.1.1 d)"
            }
            Self::LeafNotFirst => {
                "certificates of CAs stand before it in its file, and servers and clients send the first as their own (RFC 8446 section 4.4.2)"
            }
            Self::CrlNumberMissing => "its CRL has no cRLNumber (RFC 5280 section 5.2.3)",
            Self::CrlNumberCritical => "its CRL's cRLNumber is critical (RFC 5280 section 5.2.3)",
        }
    }

    /// The code of a refusal under `--strict`.
    pub(super) const fn code(self) -> Code {
        match self {
            Self::CrlNumberMissing | Self::CrlNumberCritical => Code::CrlInvalid,
            Self::AnchorWithoutExtensions => Code::Version,
            Self::LeafNotFirst => Code::CaAsLeaf,
            Self::EkuCritical | Self::EkuAny | Self::EkuMixed | Self::EkuOnRoot => Code::WrongPurpose,
            _ => Code::Malformed,
        }
    }

    /// Decides whether the deviation concerns the issuing of a certificate rather than its use.
    pub(super) const fn is_about_issuance(self) -> bool {
        matches!(self, Self::SerialZero | Self::SerialNegative | Self::SerialTooLong | Self::TimeForm)
    }
}

/// Lists the deviations that a certificate carries in itself: those of its extensions, in their order, then the others.
pub(super) fn of(certificate: &Certificate<'_>) -> Vec<Deviation> {
    let extensions = certificate.extensions();
    let mut all = Vec::new();
    for extension in extensions.iter() {
        let has_subject = !certificate.subject.is_empty();
        all.extend(present(&of_extension(extension, has_subject)));
    }
    let is_ca = certificate.is_ca();
    let is_self_issued = certificate.subject.value.content == certificate.issuer.value.content;
    let serial = certificate.serial.content;
    let times = [certificate.not_before, certificate.not_after];
    all.extend(present(&[
        (is_ca && extensions.key_usage().is_none(), Deviation::CaWithoutKeyUsage),
        (times.iter().any(TimeField::is_early_generalized), Deviation::TimeForm),
        (serial.iter().all(|octet| *octet == 0), Deviation::SerialZero),
        (serial.first().is_some_and(|first| first & 0x80 != 0), Deviation::SerialNegative),
        (serial.len() > 20, Deviation::SerialTooLong),
        (extensions.authority_key_id().is_none() && !is_self_issued, Deviation::AkiMissing),
        (is_ca && extensions.subject_key_id().is_none(), Deviation::SkiMissing),
        (is_ca && certificate.subject.is_empty(), Deviation::CaSubjectEmpty),
    ]));
    all
}

fn of_extension(extension: &Extension<'_>, has_subject: bool) -> Vec<(bool, Deviation)> {
    let is_critical = extension.is_critical();
    match &extension.value {
        Ok(ExtensionValue::BasicConstraints(constraints)) => vec![
            (constraints.ca && !is_critical, Deviation::BasicConstraintsNotCritical),
            (!constraints.ca && constraints.path_len.is_some(), Deviation::PathLenWithoutCa),
        ],
        Ok(ExtensionValue::SubjectAltName(names)) => vec![
            (names.dns().any(|name| name.contains(&b'_')), Deviation::DnsUnderscore),
            (!has_subject && !is_critical, Deviation::SanNotCritical),
            (has_subject && is_critical, Deviation::SanCritical),
        ],
        Ok(ExtensionValue::NameConstraints(constraints)) => vec![
            (constraints.has_leading_dot(), Deviation::ConstraintLeadingDot),
            // Clients such as Go refuse a critical one that speaks of directoryName, so the local CA's is not.
            (!is_critical && !constraints.excludes_subjects_alone(), Deviation::ConstraintsNotCritical),
        ],
        Ok(ExtensionValue::ExtKeyUsage(usage)) => vec![
            (is_critical, Deviation::EkuCritical),
            (usage.has(KeyPurpose::Any), Deviation::EkuAny),
            (usage.has_other() && usage.has(KeyPurpose::Server), Deviation::EkuMixed),
        ],
        Ok(ExtensionValue::AuthorityKeyId(id)) => vec![
            (id.issuer.is_some() || id.serial.is_some(), Deviation::AkiIssuerSerial),
            (id.key_id.is_none(), Deviation::AkiWithoutKeyId),
        ],
        _ => vec![(extension.id == id::POLICY_CONSTRAINTS && !is_critical, Deviation::PolicyConstraintsNotCritical)],
    }
}

fn present(notes: &[(bool, Deviation)]) -> impl Iterator<Item = Deviation> {
    notes.iter().filter(|(is_so, _)| *is_so).map(|(_, deviation)| *deviation)
}
