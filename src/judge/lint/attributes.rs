//! Attributes of distinguished names.

use std::collections::HashSet;

use super::subject::Subject;
use super::{Messages, when};
use crate::encoding::asn1::{Value, decode_string, is_printable, is_string, oid, tag};
use crate::x509::extension::{ExtensionValue, PointName};
use crate::x509::name::{self, Attribute, DistinguishedName, Entry, GeneralNames, Name, escape_unprintable};

const COUNTRY: &[u8] = &[0x55, 4, 6];
const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 4, 11];
const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];

/// A name's attributes; empty for a malformed Name.
pub(super) fn all<'s, 'a>(name: &'s Name<'a>) -> &'s [Attribute<'a>] {
    name.read.as_ref().map(DistinguishedName::attributes).unwrap_or_default()
}

/// The subject's attributes.
fn of_subject<'s, 'a>(subject: &'s Subject<'a>) -> &'s [Attribute<'a>] {
    subject.subject.as_ref().map(all).unwrap_or_default()
}

fn name_of(attribute: &Attribute<'_>) -> String {
    oid::name_or_dotted(&attribute.kind.oid())
}

/// The subject's attributes as text, each with its name.
fn texts(subject: &Subject<'_>) -> Vec<(String, String)> {
    let text = |attribute: &Attribute<'_>| {
        let text = decode_string(attribute.value.tag, attribute.value.content)?.into_owned();
        Some((name_of(attribute), text))
    };
    of_subject(subject).iter().filter_map(text).collect()
}

fn each_text(subject: &Subject<'_>, is_wrong: impl Fn(&str) -> bool, words: &str) -> Messages {
    let found = texts(subject).into_iter().filter(|(_, text)| is_wrong(text));
    found.map(|(kind, text)| format!("the subject's {kind} {words}: `{}`", escape_unprintable(&text))).collect()
}

pub(super) fn whitespace(subject: &Subject<'_>) -> Messages {
    each_text(subject, |text| text.trim() != text || text.is_empty(), "is empty, or has white space at an end")
}

pub(super) fn html(subject: &Subject<'_>) -> Messages {
    let is_html = |text: &str| {
        let (_, behind) = text.split_once('<').unwrap_or_default();
        behind.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') && behind.contains('>')
    };
    each_text(subject, is_html, "has HTML in it")
}

pub(super) fn control(subject: &Subject<'_>) -> Messages {
    each_text(subject, |text| text.chars().any(char::is_control), "has control characters in it")
}

pub(super) fn placeholder(subject: &Subject<'_>) -> Messages {
    let is_nothing = |text: &str| !text.is_empty() && text.trim().chars().all(|c| ".-*_? ".contains(c));
    each_text(subject, |text| !text.trim().is_empty() && is_nothing(text), "says nothing")
}

pub(super) fn default_organization(subject: &Subject<'_>) -> Messages {
    each_text(
        subject,
        |text| matches!(text, "Internet Widgits Pty Ltd" | "Default Company Ltd" | "Default City"),
        "is what OpenSSL's configuration proposes",
    )
}

pub(super) fn duplicate(subject: &Subject<'_>) -> Messages {
    // These come several times in names that are as they should be.
    let may_repeat = |kind: &[u8]| kind == DOMAIN_COMPONENT || kind == ORGANIZATIONAL_UNIT;
    let mut seen = HashSet::new();
    let twice = of_subject(subject).iter().filter(|attribute| {
        let kind = attribute.kind.content;
        !may_repeat(kind) && !seen.insert(kind)
    });
    twice.map(|attribute| format!("the subject has {} twice", name_of(attribute))).collect()
}

pub(super) fn country(subject: &Subject<'_>) -> Messages {
    let countries = of_subject(subject).iter().filter(|attribute| attribute.kind.content == COUNTRY);
    let bad = countries.filter(|attribute| {
        let value = attribute.value;
        let is_code = value.content.len() == 2 && value.content.iter().all(u8::is_ascii_uppercase);
        !is_code || value.tag != tag::PRINTABLE_STRING
    });
    bad.map(|_| "the subject's country is not two capital letters in a PrintableString".to_owned()).collect()
}

pub(super) fn organizational_unit(subject: &Subject<'_>) -> Messages {
    when(of_subject(subject).iter().any(|attribute| attribute.kind.content == ORGANIZATIONAL_UNIT), || {
        "the subject has an organizationalUnitName, which public CAs stopped to use in 2022".to_owned()
    })
}

pub(super) fn too_long(subject: &Subject<'_>) -> Messages {
    let over = of_subject(subject).iter().filter_map(|attribute| {
        let limit = name::longest_value(attribute.kind.content)?;
        let length = decode_string(attribute.value.tag, attribute.value.content)?.chars().count();
        (length > limit)
            .then(|| format!("the subject's {} has {length} characters, more than {limit}", name_of(attribute)))
    });
    over.collect()
}

pub(super) fn string_type(subject: &Subject<'_>) -> Messages {
    let old = |tag| matches!(tag, tag::TELETEX_STRING | tag::BMP_STRING | tag::UNIVERSAL_STRING);
    each_value(subject, |value| old(value.tag), "is neither UTF8String nor PrintableString")
}

pub(super) fn string_content(subject: &Subject<'_>) -> Messages {
    let is_wrong = |value: &Value<'_>| match value.tag {
        tag::PRINTABLE_STRING => !value.content.iter().copied().all(is_printable),
        tag::NUMERIC_STRING => !value.content.iter().all(|octet| octet.is_ascii_digit() || *octet == b' '),
        tag::IA5_STRING | tag::VISIBLE_STRING => !value.content.is_ascii(),
        tag if is_string(tag) => decode_string(tag, value.content).is_none(),
        _ => false,
    };
    each_value(subject, is_wrong, "has characters that its string type does not have")
}

fn each_value(subject: &Subject<'_>, is_wrong: impl Fn(&Value<'_>) -> bool, words: &str) -> Messages {
    let of = |whose: &str, name: Option<&Name<'_>>| -> Messages {
        let found = name.map(all).unwrap_or_default().iter().filter(|attribute| is_wrong(&attribute.value));
        found.map(|attribute| format!("the {whose}'s {} {words}", name_of(attribute))).collect()
    };
    // A self-issued certificate says everything twice.
    let issuer = subject.issuer.as_ref().filter(|_| !subject.is_self_issued());
    [of("subject", subject.subject.as_ref()), of("issuer", issuer)].concat()
}

/// For a malformed name verifiers can decide neither its owner nor whether it is permitted.
pub(super) fn malformed(subject: &Subject<'_>) -> Messages {
    let own = [("subject", &subject.subject), ("issuer", &subject.issuer)];
    let own = own.into_iter().filter_map(|(whose, name)| {
        let error = name.as_ref()?.read.as_ref().err()?;
        Some(format!("the {whose} is no name: {error}"))
    });
    let general = general_names(subject).into_iter().filter_map(|(field, entry)| {
        let error = entry.name.as_ref().err()?;
        Some(format!("a name in {field} cannot be read: {error}"))
    });
    own.chain(general).collect()
}

/// The GeneralNames in extensions, but for name constraints, each with its extension.
fn general_names<'s, 'a>(subject: &'s Subject<'a>) -> Vec<(&'static str, &'s Entry<'a>)> {
    fn entries<'s, 'a>(names: Option<&'s GeneralNames<'a>>) -> impl Iterator<Item = &'s Entry<'a>> {
        names.into_iter().flat_map(|names| &names.0)
    }
    fn point<'s, 'a>(name: Option<&'s PointName<'a>>) -> Option<&'s GeneralNames<'a>> {
        if let Some(PointName::Full(names)) = name { Some(names) } else { None }
    }
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for extension in subject.extensions().iter().filter(|extension| seen.insert(extension.id)) {
        let Ok(value) = &extension.value else { continue };
        let (field, names): (_, Vec<_>) = match value {
            ExtensionValue::SubjectAltName(names) => ("subjectAltName", entries(Some(names)).collect()),
            ExtensionValue::IssuerAltName(names) => ("issuerAltName", entries(Some(names)).collect()),
            ExtensionValue::AuthorityKeyId(id) => ("authorityKeyIdentifier", entries(id.issuer.as_ref()).collect()),
            ExtensionValue::AuthorityInfoAccess(access) => {
                ("authorityInfoAccess", access.0.iter().map(|access| &access.location).collect())
            }
            ExtensionValue::CrlDistributionPoints(points) => {
                let both = points.iter().flat_map(|one| [point(one.name.as_ref()), one.crl_issuer.as_ref()]);
                ("cRLDistributionPoints", both.flat_map(entries).collect())
            }
            ExtensionValue::IssuingDistributionPoint(one) => {
                ("issuingDistributionPoint", entries(point(one.name.as_ref())).collect())
            }
            _ => continue,
        };
        all.extend(names.into_iter().map(|name| (field, name)));
    }
    all
}

pub(super) fn empty_issuer(subject: &Subject<'_>) -> Messages {
    when(subject.issuer.as_ref().is_some_and(Name::is_empty), || "the issuer's name is empty".to_owned())
}

pub(super) fn empty_ca_subject(subject: &Subject<'_>) -> Messages {
    when(subject.subject.as_ref().is_some_and(Name::is_empty), || "it is a CA without a name".to_owned())
}
