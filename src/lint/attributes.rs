//! Attributes of distinguished names.

use std::collections::HashSet;

use super::subject::{Subject, oid as oid_of, values};
use super::{Messages, when};
use crate::asn1::{Value, decode_string, is_string, oid, tag};
use crate::name::{DistinguishedName, GeneralName, escape_unprintable};

const COUNTRY: &[u8] = &[0x55, 4, 6];
const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 4, 11];
const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];

/// The most characters that RFC 5280 appendix A.1 gives an attribute.
const LIMITS: [(&[u8], usize); 6] = [
    (&[0x55, 4, 3], 64),
    (&[0x55, 4, 5], 64),
    (&[0x55, 4, 7], 128),
    (&[0x55, 4, 8], 128),
    (&[0x55, 4, 10], 64),
    (&[0x55, 4, 11], 64),
];

/// A name's attributes, type and value.
pub(super) fn all(name: Value<'_>) -> Vec<(&[u8], Value<'_>)> {
    let pairs = values(name.reader()).into_iter().flat_map(|set| values(set.reader()));
    pairs.filter_map(attribute).collect()
}

fn attribute(pair: Value<'_>) -> Option<(&[u8], Value<'_>)> {
    match values(pair.reader())[..] {
        [kind, value] => Some((kind.content, value)),
        _ => None,
    }
}

/// The subject's attributes as text, each with its name.
fn texts(subject: &Subject<'_>) -> Vec<(String, String)> {
    let attributes = subject.subject.map(all).unwrap_or_default();
    let text = |(kind, value): (&[u8], Value<'_>)| {
        let text = decode_string(value.tag, value.content)?.into_owned();
        Some((oid::name_or_dotted(&oid::dotted(kind)), text))
    };
    attributes.into_iter().filter_map(text).collect()
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
    let attributes = subject.subject.map(all).unwrap_or_default();
    let twice = attributes.into_iter().filter(|(kind, _)| !may_repeat(kind) && !seen.insert(*kind));
    twice.map(|(kind, _)| format!("the subject has {} twice", oid::name_or_dotted(&oid::dotted(kind)))).collect()
}

pub(super) fn country(subject: &Subject<'_>) -> Messages {
    let countries = subject.subject.map(all).unwrap_or_default().into_iter().filter(|(kind, _)| *kind == COUNTRY);
    let bad = countries.filter(|(_, value)| {
        let is_code = value.content.len() == 2 && value.content.iter().all(u8::is_ascii_uppercase);
        !is_code || value.tag != tag::PRINTABLE_STRING
    });
    bad.map(|_| "the subject's country is not two capital letters in a PrintableString".to_owned()).collect()
}

pub(super) fn organizational_unit(subject: &Subject<'_>) -> Messages {
    let attributes = subject.subject.map(all).unwrap_or_default();
    when(attributes.iter().any(|(kind, _)| *kind == ORGANIZATIONAL_UNIT), || {
        "the subject has an organizationalUnitName, which public CAs stopped to use in 2022".to_owned()
    })
}

pub(super) fn too_long(subject: &Subject<'_>) -> Messages {
    let attributes = subject.subject.map(all).unwrap_or_default();
    let over = attributes.into_iter().filter_map(|(kind, value)| {
        let (_, limit) = LIMITS.iter().find(|(known, _)| *known == kind)?;
        let length = decode_string(value.tag, value.content)?.chars().count();
        (length > *limit).then(|| {
            let kind = oid::name_or_dotted(&oid::dotted(kind));
            format!("the subject's {kind} has {length} characters, more than {limit}")
        })
    });
    over.collect()
}

pub(super) fn string_type(subject: &Subject<'_>) -> Messages {
    let old = |tag| matches!(tag, tag::TELETEX_STRING | tag::BMP_STRING | tag::UNIVERSAL_STRING);
    each_value(subject, |value| old(value.tag), "is neither UTF8String nor PrintableString")
}

pub(super) fn string_content(subject: &Subject<'_>) -> Messages {
    let is_wrong = |value: &Value<'_>| match value.tag {
        tag::PRINTABLE_STRING => !value.content.iter().all(|octet| is_printable(*octet)),
        tag::NUMERIC_STRING => !value.content.iter().all(|octet| octet.is_ascii_digit() || *octet == b' '),
        tag::IA5_STRING | tag::VISIBLE_STRING => !value.content.is_ascii(),
        tag if is_string(tag) => decode_string(tag, value.content).is_none(),
        _ => false,
    };
    each_value(subject, is_wrong, "has characters that its string type does not have")
}

/// X.680 section 41.4.
fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&octet)
}

fn each_value(subject: &Subject<'_>, is_wrong: impl Fn(&Value<'_>) -> bool, words: &str) -> Messages {
    let of = |whose: &str, name: Option<Value<'_>>| -> Messages {
        let found = name.map(all).unwrap_or_default().into_iter().filter(|(_, value)| is_wrong(value));
        found.map(|(kind, _)| format!("the {whose}'s {} {words}", oid::name_or_dotted(&oid::dotted(kind)))).collect()
    };
    // A self-issued certificate says everything twice.
    let issuer = subject.issuer.filter(|_| !subject.is_self_issued());
    [of("subject", subject.subject), of("issuer", issuer)].concat()
}

/// Of what is no name verifiers cannot say whose it is, nor whether it is permitted.
pub(super) fn malformed(subject: &Subject<'_>) -> Messages {
    let own = [("subject", subject.subject), ("issuer", subject.issuer)];
    let own = own.into_iter().filter_map(|(whose, name)| {
        let error = DistinguishedName::read(name?.raw).err()?;
        Some(format!("the {whose} is no name: {error}"))
    });
    let general = general_names(subject).into_iter().filter_map(|(field, name)| {
        let error = GeneralName::read(name).err()?;
        Some(format!("a name in {field} cannot be read: {error}"))
    });
    own.chain(general).collect()
}

/// The GeneralNames in extensions, but for name constraints, each with its extension.
fn general_names<'a>(subject: &Subject<'a>) -> Vec<(&'static str, Value<'a>)> {
    let inside = |value: Value<'a>, kind: u8| values(value.reader()).into_iter().filter(move |field| field.tag == kind);
    let list = |oid| subject.sequence(oid).map(|list| values(list.reader())).unwrap_or_default();
    let mut names: Vec<_> = subject.names.iter().map(|name| ("subjectAltName", *name)).collect();
    names.extend(list(oid_of::ISSUER_ALT_NAME).into_iter().map(|name| ("issuerAltName", name)));
    let issuers = subject.authority_key_id().into_iter().filter(|field| field.tag == tag::constructed(1));
    names.extend(issuers.flat_map(|issuer| values(issuer.reader())).map(|name| ("authorityKeyIdentifier", name)));
    let places = list(oid_of::AIA).into_iter().filter_map(|access| values(access.reader()).get(1).copied());
    names.extend(places.map(|name| ("authorityInfoAccess", name)));
    for (field, points) in [
        ("cRLDistributionPoints", list(oid_of::CRL_POINTS)),
        ("issuingDistributionPoint", subject.sequence(oid_of::ISSUING_POINT).into_iter().collect()),
    ] {
        for point in points {
            let full = inside(point, tag::constructed(0)).flat_map(|name| inside(name, tag::constructed(0)));
            let lists = full.chain(inside(point, tag::constructed(2)));
            names.extend(lists.flat_map(|list| values(list.reader())).map(|name| (field, name)));
        }
    }
    names
}

pub(super) fn empty_issuer(subject: &Subject<'_>) -> Messages {
    when(subject.issuer.is_some_and(|name| name.content.is_empty()), || "the issuer's name is empty".to_owned())
}

pub(super) fn empty_ca_subject(subject: &Subject<'_>) -> Messages {
    when(subject.subject.is_some_and(|name| name.content.is_empty()), || "it is a CA without a name".to_owned())
}
