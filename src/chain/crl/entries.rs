//! The revoked certificates on a CRL (RFC 5280 section 5.3).

use std::borrow::Cow;

use super::super::certificate::{Span, span};
use super::each_extension;
use crate::asn1::{self, Reader, Value, tag};
use crate::name::{Canonical, GeneralName};

/// What a CRL says of a certificate that it lists; what counts for more comes last.
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
pub(super) struct Entries {
    /// By their serial numbers.
    sorted: Vec<Entry>,
    /// What the entries' certificateIssuer extensions say.
    issuers: Vec<Vec<Canonical>>,
    /// Why nothing can be concluded from what is not among them.
    pub(super) unusable: Option<Cow<'static, str>>,
}

#[derive(Debug)]
struct Entry {
    serial: Span,
    /// A place among the issuers, for another's certificate than the CRL issuer's.
    issuer: Option<usize>,
    listed: Listed,
}

impl Entries {
    pub(super) fn read(der: &[u8], list: Value<'_>) -> Result<Self, asn1::Error> {
        let mut entries = Self::default();
        let mut list = list.reader();
        while !list.is_empty() {
            entries.add(der, list.tagged(tag::SEQUENCE, "a revoked certificate")?)?;
        }
        let serial = |entry: &Entry| der.get(entry.serial.clone()).unwrap_or_default();
        entries.sorted.sort_by(|a, b| serial(a).cmp(serial(b)).then(a.issuer.cmp(&b.issuer)));
        let is_twice = |pair: &[Entry]| matches!(pair, [a, b] if serial(a) == serial(b) && a.issuer == b.issuer);
        if entries.sorted.windows(2).any(is_twice) {
            entries.unusable = Some("it lists a certificate twice".into());
        }
        Ok(entries)
    }

    fn add(&mut self, der: &[u8], entry: Value<'_>) -> Result<(), asn1::Error> {
        let mut fields = entry.reader();
        let serial = fields.tagged(tag::INTEGER, "a revoked certificate's serial number")?;
        fields.value("revocationDate")?;
        if let Err(error) = asn1::der::check(entry, "an entry of it") {
            self.unusable = Some(error.to_string().into());
        }
        let mut listed = Listed::Revoked;
        if let Some(extensions) = fields.optional(tag::SEQUENCE, "crlEntryExtensions")? {
            for (id, is_critical, value) in each_extension(extensions)? {
                let checked = only_value(value).and_then(|value| asn1::der::check(value, "an extension of an entry"));
                if let (Err(error), [0x55, 0x1d, _]) = (checked, id) {
                    self.unusable = Some(error.to_string().into());
                }
                match id {
                    [0x55, 0x1d, 21] => match reason(value) {
                        Ok(reason) => listed = reason,
                        Err(error) => self.unusable = Some(format!("an entry of it cannot be read: {error}").into()),
                    },
                    [0x55, 0x1d, 29] => self.add_issuer(value),
                    _ if is_critical => {
                        let reason = "an entry of it has a critical extension that is not understood";
                        self.unusable = Some(reason.into());
                    }
                    _ => {}
                }
            }
        }
        fields.finish("a revoked certificate")?;
        // An entry that names no issuer has that of the one before it.
        let issuer = self.issuers.len().checked_sub(1);
        let serial = asn1::der::significant(serial.content);
        self.sorted.push(Entry { serial: span(der, serial), issuer, listed });
        Ok(())
    }

    /// Reads the names in a certificateIssuer (section 5.3.3).
    fn add_issuer(&mut self, value: &[u8]) {
        let names = asn1::only(value, tag::SEQUENCE, "certificateIssuer");
        let issuers: Vec<_> = match names.and_then(|names| GeneralName::read_all(names.content)) {
            Ok(names) => names.iter().filter_map(directory).collect(),
            Err(_) => Vec::new(),
        };
        if issuers.is_empty() {
            self.unusable = Some("an entry of it has a certificateIssuer without a name that can be read".into());
        }
        self.issuers.push(issuers);
    }

    /// Whether an entry is about another's certificate than the CRL issuer's.
    pub(super) fn name_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// What is said of a serial number, by those entries whose issuer (`None`: the CRL's) is the right one.
    pub(super) fn find(
        &self,
        der: &[u8],
        serial: &[u8],
        is_issuer: impl Fn(Option<&[Canonical]>) -> bool,
    ) -> Option<Listed> {
        let of = |entry: &Entry| der.get(entry.serial.clone()).unwrap_or_default();
        let first = self.sorted.partition_point(|entry| of(entry) < serial);
        let same = self.sorted.iter().skip(first).take_while(|entry| of(entry) == serial);
        let issuer = |entry: &Entry| entry.issuer.and_then(|place| self.issuers.get(place)).map(Vec::as_slice);
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

fn reason(value: &[u8]) -> Result<Listed, asn1::Error> {
    Ok(match asn1::only(value, tag::ENUMERATED, "reasonCode")?.small() {
        Some(6) => Listed::OnHold,
        Some(8) => Listed::Removed,
        _ => Listed::Revoked,
    })
}
