//! The revoked certificates on a CRL (RFC 5280 section 5.3).

use std::borrow::Cow;

use crate::encoding::asn1::{self, Reader, Value};
use crate::x509::crl::{Crl, Entry};
use crate::x509::extension::{ExtensionValue, id};
use crate::x509::name::{Canonical, GeneralName, GeneralNames};

/// Status of a certificate listed in a CRL; the more serious status comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Listed {
    /// It is no longer on the list that this one is a delta of (`removeFromCRL`).
    Removed,
    /// It is revoked, and may be taken from the list again (`certificateHold`).
    OnHold,
    Revoked,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Entries<'a> {
    /// By their serial numbers.
    sorted: Vec<Revoked<'a>>,
    /// Names from the entries' certificateIssuer extensions.
    issuers: Vec<Vec<Canonical>>,
    /// Reason why an absent entry proves nothing.
    pub(super) unusable: Option<Cow<'static, str>>,
}

#[derive(Debug)]
struct Revoked<'a> {
    /// The octets of the number, without those that do not change it.
    serial: &'a [u8],
    /// A place among the issuers, for another's certificate than the CRL issuer's.
    issuer: Option<usize>,
    listed: Listed,
}

impl<'a> Entries<'a> {
    pub(super) fn read(crl: &Crl<'a>) -> Result<Self, asn1::Error> {
        let mut entries = Self::default();
        for entry in crl.entries() {
            entries.add(&entry?)?;
        }
        entries.sorted.sort_by(|a, b| a.serial.cmp(b.serial).then(a.issuer.cmp(&b.issuer)));
        let is_twice = |pair: &[Revoked<'_>]| matches!(pair, [a, b] if a.serial == b.serial && a.issuer == b.issuer);
        if entries.sorted.windows(2).any(is_twice) {
            entries.unusable = Some("it lists a certificate twice".into());
        }
        Ok(entries)
    }

    fn add(&mut self, entry: &Entry<'a>) -> Result<(), asn1::Error> {
        if let Err(error) = asn1::der::check(entry.value, "an entry of it") {
            self.unusable = Some(error.to_string().into());
        }
        let mut listed = Listed::Revoked;
        for extension in entry.extensions().entries {
            let extension = extension.map_err(|unreadable| unreadable.error)?;
            let octets = extension.octets;
            let checked = only_value(octets).and_then(|value| asn1::der::check(value, "an extension of an entry"));
            if let (Err(error), [0x55, 0x1d, _]) = (checked, extension.id) {
                self.unusable = Some(error.to_string().into());
            }
            match &extension.value {
                Ok(ExtensionValue::ReasonCode(Some(6))) => listed = Listed::OnHold,
                Ok(ExtensionValue::ReasonCode(Some(8))) => listed = Listed::Removed,
                Ok(ExtensionValue::ReasonCode(_)) => listed = Listed::Revoked,
                Ok(ExtensionValue::CertificateIssuer(names)) => self.add_issuer(Some(names)),
                Err(error) if extension.id == id::REASON_CODE => {
                    self.unusable = Some(format!("an entry of it cannot be read: {error}").into());
                }
                Err(_) if extension.id == id::CERTIFICATE_ISSUER => self.add_issuer(None),
                _ if extension.is_critical() => {
                    let reason = "an entry of it has a critical extension that is not understood";
                    self.unusable = Some(reason.into());
                }
                _ => {}
            }
        }
        // An entry that names no issuer has that of the one before it.
        let issuer = self.issuers.len().checked_sub(1);
        let serial = asn1::der::significant(entry.serial.content);
        self.sorted.push(Revoked { serial, issuer, listed });
        Ok(())
    }

    /// Adds the names in a certificateIssuer (section 5.3.3).
    fn add_issuer(&mut self, names: Option<&GeneralNames<'_>>) {
        let names = names.filter(|names| names.check().is_ok());
        let issuers: Vec<_> = names.into_iter().flat_map(GeneralNames::iter).filter_map(directory).collect();
        if issuers.is_empty() {
            self.unusable = Some("an entry of it has a certificateIssuer without a name that can be read".into());
        }
        self.issuers.push(issuers);
    }

    /// Returns true if an entry is about a certificate of an issuer other than the CRL's.
    pub(super) fn name_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Finds the status of a serial number among the entries of one issuer (`None`: the CRL's own).
    pub(super) fn find(&self, serial: &[u8], is_issuer: impl Fn(Option<&[Canonical]>) -> bool) -> Option<Listed> {
        let first = self.sorted.partition_point(|entry| entry.serial < serial);
        let same = self.sorted.iter().skip(first).take_while(|entry| entry.serial == serial);
        let issuer = |entry: &Revoked<'_>| entry.issuer.and_then(|place| self.issuers.get(place)).map(Vec::as_slice);
        same.filter(|entry| is_issuer(issuer(entry))).map(|entry| entry.listed).max()
    }
}

/// The one value in an extension.
fn only_value(value: &[u8]) -> Result<Value<'_>, asn1::Error> {
    let mut reader = Reader::new(value);
    let inner = reader.value("an extension of an entry")?;
    reader.finish("an extension of an entry").map(|()| inner)
}

fn directory(name: &GeneralName<'_>) -> Option<Canonical> {
    match name {
        GeneralName::Directory(name) => Some(Canonical::of_name(name)),
        _ => None,
    }
}
