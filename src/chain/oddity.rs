//! What a CA may not issue though clients accept it: warnings, and refusals under `--strict`.

use crate::report::verdict::Code;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
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

impl Oddity {
    /// What is wrong, with the section that says so.
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

    /// Decides whether it is about how a certificate was issued, not about what it may do.
    pub(super) const fn is_about_issuance(self) -> bool {
        matches!(self, Self::SerialZero | Self::SerialNegative | Self::SerialTooLong | Self::TimeForm)
    }
}
