//! The extensions that decide about a path (RFC 5280 section 4.2.1).

use super::certificate::{Fault, Span, span};
use super::deviation::Deviation;
use super::revocation::point;
use crate::encoding::asn1::{self, Reader, Value, oid, tag};
use crate::judge::report::verdict::Code;
use crate::x509::constraints::NameConstraints;
use crate::x509::name::GeneralName;
use crate::x509::policy;

/// Values of a certificate's extensions that path validation needs.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// cA and pathLenConstraint.
    pub(super) basic_constraints: Option<(bool, Option<u32>)>,
    /// The bits set, the first being 0.
    pub(super) key_usage: Option<u16>,
    pub(super) ext_key_usage: Option<ExtKeyUsage>,
    /// The content of the GeneralNames.
    pub(super) subject_alt_name: Option<Span>,
    /// The value of the nameConstraints.
    pub(super) name_constraints: Option<Span>,
    /// The extensions about policies: the last arc of each one's type, and its value.
    pub(super) policies: Vec<(u8, Span)>,
    /// True if a policy extension, which webpki does not read, is critical.
    pub(super) has_critical_policies: bool,
    pub(super) subject_key_id: Option<Span>,
    pub(super) authority_key_id: Option<Span>,
    /// The content of the cRLDistributionPoints.
    pub(super) distribution_points: Option<Span>,
}

/// The purposes of an extKeyUsage.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ExtKeyUsage {
    pub(super) server: bool,
    pub(super) client: bool,
    pub(super) any: bool,
}

pub(super) const DIGITAL_SIGNATURE: u16 = 0;
pub(super) const KEY_CERT_SIGN: u16 = 5;
pub(super) const CRL_SIGN: u16 = 6;

impl Extensions {
    pub(super) fn is_ca(&self) -> bool {
        matches!(self.basic_constraints, Some((true, _)))
    }

    /// Decides whether policies matter: policyConstraints, policyMappings or inhibitAnyPolicy is there.
    pub(super) fn has_policy_rules(&self) -> bool {
        self.policies.iter().any(|(number, _)| *number != 32)
    }

    /// Returns true if keyUsage is absent or has this bit.
    pub(super) fn may(&self, bit: u16) -> bool {
        self.key_usage.is_none_or(|bits| bits >> bit & 1 == 1)
    }
}

/// Reads all extensions: their values, their deviations, and the first fault that keeps the certificate off every path.
pub(super) fn read(
    der: &[u8],
    extensions: Option<Value<'_>>,
    is_subject_empty: bool,
) -> (Extensions, Vec<Deviation>, Option<Fault>) {
    let mut reading =
        Reading { der, is_subject_empty, extensions: Extensions::default(), deviations: Vec::new(), seen: Vec::new() };
    let fault = extensions.and_then(|extensions| reading.all(extensions).err());
    let fault = fault.or_else(|| reading.contradiction());
    (reading.extensions, reading.deviations, fault)
}

struct Reading<'a> {
    der: &'a [u8],
    is_subject_empty: bool,
    extensions: Extensions,
    deviations: Vec<Deviation>,
    seen: Vec<&'a [u8]>,
}

/// Result of reading an extension: `None` if it is malformed.
type Read = Option<()>;

impl<'a> Reading<'a> {
    fn all(&mut self, extensions: Value<'a>) -> Result<(), Fault> {
        let malformed = |error: asn1::Error| Fault::new(Code::Malformed, error.to_string());
        let list = asn1::only(extensions.content, tag::SEQUENCE, "extensions").map_err(malformed)?;
        let mut list = list.reader();
        let mut first = None;
        while !list.is_empty() {
            let extension = list.tagged(tag::SEQUENCE, "an extension").map_err(malformed)?;
            let fault = Extension::read(extension).map_err(malformed).and_then(|extension| self.one(&extension));
            first = first.or(fault.err());
        }
        first.map_or(Ok(()), Err)
    }

    fn one(&mut self, extension: &Extension<'a>) -> Result<(), Fault> {
        let name = || oid::name_or_dotted(&oid::dotted(extension.id));
        if self.seen.contains(&extension.id) {
            let message = format!("its extension {} stands there twice (RFC 5280 section 4.2)", name());
            return Err(Fault::new(Code::Malformed, message));
        }
        self.seen.push(extension.id);
        check_der(extension)
            .map_err(|error| Fault::new(Code::Malformed, format!("its extension {}: {error}", name())))?;
        let Some(read) = self.known(extension) else {
            return if extension.is_critical {
                let message = format!("its extension {} is critical and not understood (RFC 5280 section 4.2)", name());
                Err(Fault::new(Code::UnknownCriticalExtension, message))
            } else {
                Ok(())
            };
        };
        read.ok_or_else(|| Fault::new(Code::Malformed, format!("its extension {} is malformed", name())))
    }

    /// Reads the extension if it is one that counts; the outer `None` for all others.
    fn known(&mut self, extension: &Extension<'a>) -> Option<Read> {
        const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
        if extension.id == AUTHORITY_INFO_ACCESS && !extension.is_critical {
            return Some(access(extension.value));
        }
        let [0x55, 0x1d, number] = extension.id else { return None };
        Some(match number {
            15 => self.key_usage(extension),
            17 => self.subject_alt_name(extension),
            18 if !extension.is_critical => issuer_alt_name(extension.value),
            19 => self.basic_constraints(extension),
            30 => self.name_constraints(extension),
            31 => self.distribution_points(extension),
            37 => self.ext_key_usage(extension),
            32 | 33 | 36 | 54 => self.policies(*number, extension),
            14 if !extension.is_critical => self.subject_key_id(extension),
            35 if !extension.is_critical => self.authority_key_id(extension),
            _ => return None,
        })
    }

    fn key_usage(&mut self, extension: &Extension<'a>) -> Read {
        let bits = asn1::only(extension.value, tag::BIT_STRING, "").ok()?.named_bits()?;
        // A keyUsage without a bit set is forbidden, and would allow nothing.
        (!bits.is_empty()).then_some(())?;
        let bits = bits.into_iter().filter(|bit| *bit < 16).fold(0_u16, |bits, bit| bits | 1 << bit);
        self.extensions.key_usage = Some(bits);
        Some(())
    }

    fn basic_constraints(&mut self, extension: &Extension<'a>) -> Read {
        let mut fields = asn1::only(extension.value, tag::SEQUENCE, "").ok()?.reader();
        let is_ca = match fields.optional(tag::BOOLEAN, "").ok()? {
            None => false,
            Some(value) => match value.content {
                [0xff] => true,
                [0] => false,
                _ => return None,
            },
        };
        let path_len = match fields.optional(tag::INTEGER, "").ok()? {
            Some(value) => Some(value.small()?),
            None => None,
        };
        fields.finish("").ok()?;
        if is_ca && !extension.is_critical {
            self.deviations.push(Deviation::BasicConstraintsNotCritical);
        }
        if !is_ca && path_len.is_some() {
            self.deviations.push(Deviation::PathLenWithoutCa);
        }
        self.extensions.basic_constraints = Some((is_ca, path_len));
        Some(())
    }

    fn subject_alt_name(&mut self, extension: &Extension<'a>) -> Read {
        let names = asn1::only(extension.value, tag::SEQUENCE, "").ok()?;
        let has_underscore = |name: &GeneralName<'_>| matches!(name, GeneralName::Dns(name) if name.contains(&b'_'));
        if GeneralName::read_all(names.content).ok()?.iter().any(has_underscore) {
            self.deviations.push(Deviation::DnsUnderscore);
        }
        match (self.is_subject_empty, extension.is_critical) {
            (true, false) => self.deviations.push(Deviation::SanNotCritical),
            (false, true) => self.deviations.push(Deviation::SanCritical),
            _ => {}
        }
        self.extensions.subject_alt_name = Some(span(self.der, names.content));
        Some(())
    }

    fn name_constraints(&mut self, extension: &Extension<'a>) -> Read {
        // An empty list of subtrees, which the ASN.1 does not allow.
        let outer = asn1::only(extension.value, tag::SEQUENCE, "").ok()?;
        let mut fields = outer.reader();
        while !fields.is_empty() {
            (!fields.value("").ok()?.content.is_empty()).then_some(())?;
        }
        let constraints = NameConstraints::parse(extension.value).ok().filter(|constraints| !constraints.is_empty())?;
        if constraints.has_leading_dot() {
            self.deviations.push(Deviation::ConstraintLeadingDot);
        }
        // Clients such as Go refuse a critical one that speaks of directoryName, so the local CA's is not.
        if !extension.is_critical && !constraints.excludes_subjects_alone() {
            self.deviations.push(Deviation::ConstraintsNotCritical);
        }
        self.extensions.name_constraints = Some(span(self.der, extension.value));
        Some(())
    }

    fn distribution_points(&mut self, extension: &Extension<'a>) -> Read {
        let points = asn1::only(extension.value, tag::SEQUENCE, "").ok()?;
        point::check(points).ok()?;
        self.extensions.distribution_points = Some(span(self.der, points.content));
        Some(())
    }

    fn ext_key_usage(&mut self, extension: &Extension<'a>) -> Read {
        const KEY_PURPOSES: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3];
        const ANY: &[u8] = &[0x55, 0x1d, 37, 0];
        let purposes = asn1::only(extension.value, tag::SEQUENCE, "").ok()?.each(tag::OID, "").ok()?;
        (!purposes.is_empty()).then_some(())?;
        let mut usage = ExtKeyUsage::default();
        let mut has_other = false;
        for purpose in purposes {
            match purpose.content.strip_prefix(KEY_PURPOSES) {
                Some([1]) => usage.server = true,
                Some([2]) => usage.client = true,
                _ if purpose.content == ANY => usage.any = true,
                _ => has_other = true,
            }
        }
        let notes = [
            (extension.is_critical, Deviation::EkuCritical),
            (usage.any, Deviation::EkuAny),
            (has_other && usage.server, Deviation::EkuMixed),
        ];
        self.deviations.extend(notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, deviation)| deviation));
        self.extensions.ext_key_usage = Some(usage);
        Some(())
    }

    /// Checks that policy extensions can be read; `policy::check` applies them.
    fn policies(&mut self, number: u8, extension: &Extension<'a>) -> Read {
        policy::check_extension(number, extension.value).ok()?;
        if number == 36 && !extension.is_critical {
            self.deviations.push(Deviation::PolicyConstraintsNotCritical);
        }
        self.extensions.policies.push((number, span(self.der, extension.value)));
        self.extensions.has_critical_policies |= extension.is_critical;
        Some(())
    }

    fn subject_key_id(&mut self, extension: &Extension<'a>) -> Read {
        let id = asn1::only(extension.value, tag::OCTET_STRING, "").ok()?;
        self.extensions.subject_key_id = Some(span(self.der, id.content));
        Some(())
    }

    fn authority_key_id(&mut self, extension: &Extension<'a>) -> Read {
        let mut fields = asn1::only(extension.value, tag::SEQUENCE, "").ok()?.reader();
        let id = fields.optional(tag::context(0), "").ok()?;
        let issuer = fields.optional(tag::constructed(1), "").ok()?;
        let serial = fields.optional(tag::context(2), "").ok()?;
        fields.finish("").ok()?;
        if let Some(issuer) = issuer {
            GeneralName::read_all(issuer.content).ok()?;
        }
        if let Some(serial) = serial {
            let content = asn1::der::significant(serial.content);
            (!content.is_empty() && content.len() == serial.content.len()).then_some(())?;
        }
        if issuer.is_some() || serial.is_some() {
            self.deviations.push(Deviation::AkiIssuerSerial);
        }
        if id.is_none() {
            self.deviations.push(Deviation::AkiWithoutKeyId);
        }
        self.extensions.authority_key_id = Some(span(self.der, id.map_or(&[], |id| id.content)));
        Some(())
    }

    /// Finds extensions that contradict each other (RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.10).
    fn contradiction(&mut self) -> Option<Fault> {
        let extensions = &self.extensions;
        if extensions.is_ca() {
            if extensions.key_usage.is_none() {
                self.deviations.push(Deviation::CaWithoutKeyUsage);
            }
            return None;
        }
        let message = if extensions.key_usage.is_some() && extensions.may(KEY_CERT_SIGN) {
            "its keyUsage has keyCertSign, though its basicConstraints do not say that it is a CA (RFC 5280 section 4.2.1.3)"
        } else if extensions.name_constraints.is_some() {
            "it has name constraints, though it is no CA (RFC 5280 section 4.2.1.10)"
        } else {
            return None;
        };
        Some(Fault::new(Code::Malformed, message))
    }
}

/// Checks that the value of an extension under id-ce or id-pe is DER. Private extensions may have any content.
fn check_der(extension: &Extension<'_>) -> Result<(), asn1::Error> {
    if !matches!(extension.id, [0x55, 0x1d, _] | [0x2b, 6, 1, 5, 5, 7, 1, _]) {
        return Ok(());
    }
    let mut reader = Reader::new(extension.value);
    asn1::der::check(reader.value("its value")?, "its value")?;
    reader.finish("its value")
}

struct Extension<'a> {
    id: &'a [u8],
    is_critical: bool,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(extension: Value<'a>) -> Result<Self, asn1::Error> {
        let mut fields = extension.reader();
        let id = fields.tagged(tag::OID, "an extension's type")?.content;
        let critical = fields.optional(tag::BOOLEAN, "an extension's critical")?;
        // FALSE is the default and so not encoded in DER, which webpki minds as little as we.
        let is_critical = match critical.map_or(&[0][..], |critical| critical.content) {
            [0] => false,
            [0xff] => true,
            _ => return Err(asn1::Error::new("an extension's critical", "is no DER BOOLEAN")),
        };
        let value = fields.tagged(tag::OCTET_STRING, "an extension's value")?.content;
        fields.finish("an extension")?;
        Ok(Self { id, is_critical, value })
    }
}

/// Checks an issuerAltName (section 4.2.1.7), which says nothing about a path.
fn issuer_alt_name(value: &[u8]) -> Read {
    GeneralName::read_all(asn1::only(value, tag::SEQUENCE, "").ok()?.content).ok().map(|_| ())
}

/// Checks an authorityInfoAccess (section 4.2.2.1): pairs of a method and a name, at least one.
fn access(value: &[u8]) -> Read {
    let descriptions = asn1::only(value, tag::SEQUENCE, "").ok()?.each(tag::SEQUENCE, "").ok()?;
    (!descriptions.is_empty()).then_some(())?;
    for description in descriptions {
        let mut fields = description.reader();
        fields.tagged(tag::OID, "").ok()?;
        GeneralName::read(fields.value("").ok()?).ok()?;
        fields.finish("").ok()?;
    }
    Some(())
}
