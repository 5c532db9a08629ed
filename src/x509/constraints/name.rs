//! Names that constraints are held against.

use std::borrow::Cow;
use std::net::IpAddr;

use super::email;
use crate::base::hex::hex;
use crate::encoding::asn1::{self, tag};
use crate::x509::name::{self, Canonical, Entry, GeneralName, GeneralNames, Subject, SubjectAltName, ip_address};

pub(super) const OTHER_NAME: u8 = tag::constructed(0);

/// id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9 (RFC 9598 section 3).
pub(super) const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

/// emailAddress, 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

/// A name that constraints are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name<'a> {
    /// dNSName.
    Dns(&'a [u8]),
    /// iPAddress.
    Ip(Cow<'a, [u8]>),
    /// rfc822Name, or the emailAddress of a subject.
    Email(&'a [u8]),
    /// uniformResourceIdentifier.
    Uri(&'a [u8]),
    /// directoryName or subject, with its RFC 4514 text.
    Directory(Canonical, String),
    /// SmtpUTF8Mailbox, an otherName: the DER of its UTF8String.
    InternationalEmail(&'a [u8]),
    /// Of a kind that is not compared: its tag, and an otherName's type.
    Other(u8, &'a [u8]),
}

impl<'a> Name<'a> {
    /// All names of a certificate that constraints are held against, from its subject and its subjectAltName: the
    /// subject, the emailAddresses in the subject where the subjectAltName has no rfc822Name, and the subjectAltName's
    /// entries.
    ///
    /// # Errors
    ///
    /// If a name is malformed for its kind.
    pub fn all(
        subject: &name::Name<'a>,
        subject_alt_name: Option<&GeneralNames<'a>>,
    ) -> Result<Vec<Self>, asn1::Error> {
        let entries = subject_alt_name.iter().flat_map(|names| &names.0);
        let mut names = entries.map(Self::of_general_name).collect::<Result<Vec<_>, _>>()?;
        let has_email = names.iter().any(|name| matches!(name, Self::Email(_)));
        let directory = subject.read.as_ref().map_err(Clone::clone)?;
        if !has_email {
            let emails = directory.attributes().iter().filter(|attribute| attribute.kind.content == EMAIL_ADDRESS);
            names.extend(emails.map(|attribute| Self::Email(attribute.value.content)));
        }
        if !directory.attributes().is_empty() {
            names.push(Self::Directory(Canonical::of_name(directory), directory.to_string()));
        }
        Ok(names)
    }

    fn of_general_name(entry: &Entry<'a>) -> Result<Self, asn1::Error> {
        Ok(match entry.name.as_ref().map_err(Clone::clone)? {
            GeneralName::Dns(octets) => Self::Dns(octets),
            GeneralName::Ip(octets) => Self::Ip((*octets).into()),
            GeneralName::Email(octets) => Self::Email(octets),
            GeneralName::Uri(octets) => Self::Uri(octets),
            GeneralName::Directory(directory) => Self::Directory(Canonical::of_name(directory), directory.to_string()),
            GeneralName::Other { kind, value } if *kind == SMTP_UTF8_MAILBOX => Self::InternationalEmail(value),
            GeneralName::Other { kind, .. } => Self::Other(entry.value.tag, kind),
            GeneralName::X400Address(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
                Self::Other(entry.value.tag, &[])
            }
        })
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => {
                name::escape_unprintable(&String::from_utf8_lossy(name))
            }
            Self::InternationalEmail(value) => match email::international(value) {
                Some(mailbox) => name::escape_unprintable(mailbox),
                None => "an SmtpUTF8Mailbox".to_owned(),
            },
            Self::Ip(octets) => ip_text(octets),
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
}

impl From<&Subject> for Name<'_> {
    fn from(subject: &Subject) -> Self {
        Self::Directory(Canonical::of(subject.as_der()).unwrap_or_default(), subject.to_string())
    }
}

impl<'a> From<&'a SubjectAltName> for Name<'a> {
    fn from(name: &'a SubjectAltName) -> Self {
        match name {
            SubjectAltName::Dns(name) => Self::Dns(name.as_bytes()),
            SubjectAltName::Email(name) => Self::Email(name.as_bytes()),
            SubjectAltName::Uri(name) => Self::Uri(name.as_bytes()),
            SubjectAltName::Ip(IpAddr::V4(v4)) => Self::Ip(v4.octets().to_vec().into()),
            SubjectAltName::Ip(IpAddr::V6(v6)) => Self::Ip(v6.octets().to_vec().into()),
        }
    }
}

fn ip_text(octets: &[u8]) -> String {
    ip_address(octets).map_or_else(|| hex(octets), |address| address.to_string())
}

/// A name of a kind that is not compared.
pub(super) fn other_text(tag: u8, kind: &[u8]) -> String {
    match tag {
        OTHER_NAME => format!("otherName of the type {}", asn1::oid::name_or_dotted(&asn1::oid::dotted(kind))),
        _ => format!("a name of the kind [{}]", tag & 0x1f),
    }
}
