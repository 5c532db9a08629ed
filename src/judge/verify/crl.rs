//! Certificate revocation lists (RFC 5280 section 5), as path validation relies on them.

mod entries;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use rustls::pki_types::CertificateRevocationListDer;
use self_cell::self_cell;

use self::entries::Entries;
pub(super) use self::entries::Listed;
use super::certificate::{Certificate, parts};
use super::deviation::Deviation;
use super::extension::is_place;
use super::signature;
use crate::encoding::asn1::{self, tag};
use crate::x509::crl;
use crate::x509::extension::{Extension, ExtensionValue, IssuingDistributionPoint, PointName, id};
use crate::x509::key::sha256;
use crate::x509::name::{Canonical, Name};

/// A CRL, parsed.
#[derive(Debug)]
pub struct Crl {
    cell: Cell,
    signers: RwLock<HashMap<[u8; 32], Result<(), signature::Fault>>>,
}

self_cell!(
    /// A CRL's octets with the values in them.
    struct Cell {
        owner: CertificateRevocationListDer<'static>,
        #[covariant]
        dependent: Reading,
    }

    impl {Debug}
);

/// Keys that are remembered for a CRL at most: its issuer's is one.
const SIGNERS: usize = 64;

/// A CRL as read, and the conclusions from that.
#[derive(Debug)]
struct Reading<'a> {
    crl: crl::Crl<'a>,
    revoked: Entries<'a>,
    /// cRLNumber.
    number: Option<&'a [u8]>,
    /// On a delta CRL, the number of the CRL that the changes count from (section 5.2.4); empty if unreadable.
    base_number: Option<&'a [u8]>,
    /// Reason why an absent entry proves nothing.
    unusable: Option<Cow<'static, str>>,
    deviations: Vec<Deviation>,
}

impl Crl {
    /// Reads a CRL's DER.
    ///
    /// # Errors
    ///
    /// The field that violates RFC 5280 section 5.1. A CRL that is readable but unusable is no error here:
    /// its entries still count as revoked.
    pub fn parse(der: impl Into<CertificateRevocationListDer<'static>>) -> Result<Self, asn1::Error> {
        Ok(Self { cell: Cell::try_new(der.into(), |der| Reading::of(der))?, signers: RwLock::default() })
    }

    fn reading(&self) -> &Reading<'_> {
        self.cell.borrow_dependent()
    }

    /// The CRL as it was read.
    #[must_use]
    pub fn read(&self) -> &crl::Crl<'_> {
        &self.reading().crl
    }

    /// The normalised issuer; `None` if it is not a Name, and then equal to no other name.
    pub(super) fn canonical_issuer(&self) -> Option<&Canonical> {
        self.issuer().canonical()
    }

    /// Checks the signature with a key, once for each key: a CRL may be long, and the requests of a batch many.
    pub(super) fn check_signature(&self, spki: &[u8]) -> Result<(), signature::Fault> {
        let key = sha256(spki);
        // Nothing is left half done under the lock, so that a poisoned one is as good.
        if let Some(known) = self.signers.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let checked = signature::verify(parts(&self.read().signed), spki);
        let mut signers = self.signers.write().unwrap_or_else(PoisonError::into_inner);
        if signers.len() >= SIGNERS {
            signers.clear();
        }
        signers.insert(key, checked.clone());
        checked
    }

    pub(super) fn issuer(&self) -> &Name<'_> {
        &self.read().issuer
    }

    pub(super) fn issuer_text(&self) -> String {
        self.issuer().text()
    }

    /// First second, and the one at which a newer one was promised.
    pub(super) fn times(&self) -> (i64, Option<i64>) {
        let crl = self.read();
        (crl.this_update.at.unix_timestamp(), crl.next_update.map(|time| time.at.unix_timestamp()))
    }

    pub(super) fn unusable(&self) -> Option<&str> {
        self.reading().unusable.as_deref()
    }

    /// The issuingDistributionPoint: the certificates that the CRL is about.
    pub(super) fn scope(&self) -> Option<&IssuingDistributionPoint<'_>> {
        self.read().extensions.issuing_distribution_point()
    }

    /// Returns true if the CRL also lists certificates of other issuers.
    pub(super) fn is_indirect(&self) -> bool {
        self.scope().is_some_and(|scope| scope.is_indirect)
    }

    /// The distribution point it was made for.
    pub(super) fn point(&self) -> Option<&PointName<'_>> {
        self.scope()?.name.as_ref()
    }

    pub(super) fn deviations(&self) -> &[Deviation] {
        &self.reading().deviations
    }

    /// Returns true if the CRL's issuer is the certificate's issuer.
    pub(super) fn is_from_issuer_of(&self, certificate: &Certificate) -> bool {
        self.canonical_issuer().is_some_and(|issuer| Some(issuer) == certificate.canonical_issuer())
    }

    /// Returns the entry for a certificate, if one exists.
    pub(super) fn listed(&self, certificate: &Certificate) -> Option<Listed> {
        let is_indirect = self.is_indirect();
        self.reading().revoked.find(certificate.serial(), |named| match named {
            // Others than indirect CRLs list the certificates of one issuer, whatever their entries say.
            _ if !is_indirect => true,
            None => self.is_from_issuer_of(certificate),
            Some(issuers) => certificate.canonical_issuer().is_some_and(|issuer| issuers.contains(issuer)),
        })
    }

    pub(super) fn is_delta(&self) -> bool {
        self.reading().base_number.is_some()
    }

    /// Returns true if this delta CRL is based on the other CRL (sections 5.2.4 and 6.3.3 c).
    pub(super) fn continues(&self, complete: &Self) -> bool {
        let (Some(base), Some(own), Some(other)) =
            (self.reading().base_number, self.reading().number, complete.reading().number)
        else {
            return false;
        };
        let is_at_most = |a: &[u8], b: &[u8]| {
            let (a, b) = (digits(a), digits(b));
            (a.len(), a) <= (b.len(), b)
        };
        let octets = |crl: &'_ Self, id| crl.read().extensions.first(id).map(|extension| extension.octets.to_vec());
        let is_same = |id| octets(self, id) == octets(complete, id);
        !complete.is_delta()
            && self.canonical_issuer().is_some_and(|issuer| Some(issuer) == complete.canonical_issuer())
            && is_same(id::AUTHORITY_KEY_ID)
            && is_same(id::ISSUING_DISTRIBUTION_POINT)
            && is_at_most(base, other)
            && !is_at_most(own, other)
    }
}

/// A number's octets without the zeros at their front.
fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl<'a> Reading<'a> {
    fn of(der: &'a [u8]) -> Result<Self, asn1::Error> {
        let crl = crl::Crl::parse(der)?;
        if crl.inner_algorithm.value.content != crl.signed.algorithm.value.content {
            return Err(asn1::Error::new("signature", "is another than signatureAlgorithm"));
        }
        let is_v2 = crl.version.and_then(|version| version.small()) == Some(1);
        if crl.encoded_extensions.is_some() && !is_v2 {
            return Err(asn1::Error::new("crlExtensions", "are in a CRL that is not of version 2"));
        }
        let mut revoked = Entries::read(&crl)?;
        let unusable = revoked.unusable.take();
        let mut reading = Self { crl, revoked, number: None, base_number: None, unusable, deviations: Vec::new() };
        reading.extensions()?;
        reading.check();
        Ok(reading)
    }

    fn extensions(&mut self) -> Result<(), asn1::Error> {
        let mut seen = Vec::new();
        let entries = std::mem::take(&mut self.crl.extensions.entries);
        for entry in &entries {
            let extension = entry.as_ref().map_err(|unreadable| unreadable.error.clone())?;
            if seen.contains(&extension.id) {
                self.unusable = Some("it has an extension twice".into());
            }
            seen.push(extension.id);
            if let Err(error) = self.extension(extension) {
                self.unusable = Some(format!("its extensions cannot be read: {error}").into());
            }
        }
        self.crl.extensions.entries = entries;
        if self.number.is_none() {
            self.deviations.push(Deviation::CrlNumberMissing);
        }
        Ok(())
    }

    fn extension(&mut self, extension: &Extension<'a>) -> Result<(), asn1::Error> {
        let check_der = |tag, field| asn1::der::check(asn1::only(extension.octets, tag, field)?, field);
        match &extension.value {
            Ok(ExtensionValue::CrlNumber(number)) => {
                check_der(tag::INTEGER, "cRLNumber")?;
                self.number = Some(number);
                if extension.is_critical() {
                    self.deviations.push(Deviation::CrlNumberCritical);
                }
            }
            Ok(ExtensionValue::DeltaCrlIndicator(number)) => {
                self.base_number = Some(number);
                check_der(tag::INTEGER, "deltaCRLIndicator")?;
            }
            Ok(ExtensionValue::IssuingDistributionPoint(point)) => {
                check_der(tag::SEQUENCE, POINT)?;
                self.issuing_point(point)?;
            }
            Ok(ExtensionValue::AuthorityKeyId(_)) => check_der(tag::SEQUENCE, "authorityKeyIdentifier")?,
            Err(error) => {
                if extension.id == id::DELTA_CRL_INDICATOR {
                    // Even one that cannot be read makes it a delta CRL.
                    self.base_number = Some(extension.octets);
                }
                let is_read = matches!(
                    extension.id,
                    id::CRL_NUMBER | id::DELTA_CRL_INDICATOR | id::ISSUING_DISTRIBUTION_POINT | id::AUTHORITY_KEY_ID
                );
                if is_read {
                    return Err(error.clone());
                }
                self.refuse_critical(extension);
            }
            Ok(_) => self.refuse_critical(extension),
        }
        Ok(())
    }

    fn refuse_critical(&mut self, extension: &Extension<'_>) {
        if extension.is_critical() {
            self.unusable = Some("it has a critical extension that is not understood".into());
        }
    }

    /// issuingDistributionPoint (section 5.2.5).
    fn issuing_point(&mut self, point: &IssuingDistributionPoint<'_>) -> Result<(), asn1::Error> {
        if let Some(PointName::Full(names)) = &point.name {
            names.check()?;
        }
        if point.name.as_ref().is_some_and(|name| !is_place(name)) {
            let reason = "its distribution point has a name that is neither a URI nor a directory's";
            self.unusable = Some(reason.into());
        }
        if point.has_odd_flag {
            return Err(asn1::Error::new(POINT, "has a BOOLEAN that is neither 00 nor ff"));
        }
        if point.only_reasons.is_some_and(|reasons| !reasons.is_der) {
            return Err(asn1::Error::new("reasons", "are no BIT STRING"));
        }
        if point.only_attribute_certificates {
            self.unusable = Some("it is for attribute certificates alone".into());
        }
        Ok(())
    }

    /// Finds further faults that make the CRL unusable.
    fn check(&mut self) {
        let crl = &self.crl;
        let is_indirect = crl.extensions.issuing_distribution_point().is_some_and(|point| point.is_indirect);
        if self.revoked.name_issuers() && !is_indirect {
            let reason = "an entry of it names its issuer, though it does not say that it is an indirect CRL";
            self.unusable = Some(reason.into());
        }
        if let Err(error) = &crl.issuer.read {
            self.unusable = Some(format!("its issuer is no name: {error}").into());
        }
        // The entries were looked at one by one.
        let fields = [crl.version, Some(crl.signed.algorithm.value), Some(crl.issuer.value), crl.encoded_extensions];
        let checked = fields.into_iter().flatten().try_for_each(|field| asn1::der::check(field, "it"));
        let mut headers = [crl.signed.whole, crl.signed.content].into_iter().chain(crl.revoked);
        let deviation = headers.find_map(asn1::der::deviation);
        let unusable = self.unusable.take();
        self.unusable = unusable
            .or_else(|| checked.err().map(|error| error.to_string().into()))
            .or_else(|| deviation.map(|deviation| format!("it is not DER: {deviation}").into()));
    }
}

const POINT: &str = "issuingDistributionPoint";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::write::tlv;

    fn name(common_name: &str) -> Vec<u8> {
        tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&[6, 3, 0x55, 4, 3], &tlv(0x0c, &[common_name.as_bytes()])])])])
    }

    fn extension(number: u8, value: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&[6, 3, 0x55, 0x1d, number], &tlv(4, &[value])])
    }

    fn entry(serial: u8, extensions: &[Vec<u8>]) -> Vec<u8> {
        let extensions = if extensions.is_empty() { vec![] } else { tlv(0x30, &[&extensions.concat()]) };
        tlv(0x30, &[&[2, 1, serial], &tlv(0x17, &[b"260101000000Z"]), &extensions])
    }

    fn reason(number: u8) -> Vec<u8> {
        extension(21, &[10, 1, number])
    }

    fn of(issuer: &str) -> Vec<u8> {
        extension(29, &tlv(0x30, &[&tlv(0xa4, &[&name(issuer)])]))
    }

    const INDIRECT: &[u8] = &[0x30, 3, 0x84, 1, 0xff];

    /// A CRL without a valid signature.
    fn crl(issuer: &str, extensions: &[Vec<u8>], entries: &[Vec<u8>]) -> Crl {
        let algorithm = tlv(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
        let entries = if entries.is_empty() { vec![] } else { tlv(0x30, &[&entries.concat()]) };
        let extensions = tlv(0xa0, &[&tlv(0x30, &[&extensions.concat()])]);
        let time = tlv(0x17, &[b"260101000000Z"]);
        let signed = tlv(0x30, &[&[2, 1, 1], &algorithm, &name(issuer), &time, &time, &entries, &extensions]);
        Crl::parse(tlv(0x30, &[&signed, &algorithm, &[3, 2, 0, 0]])).unwrap()
    }

    fn certificate(issuer: &str, serial: u8) -> Certificate {
        let mut above = rcgen::CertificateParams::default();
        above.distinguished_name = rcgen::DistinguishedName::new();
        above.distinguished_name.push(rcgen::DnType::CommonName, issuer);
        let mut params = rcgen::CertificateParams::default();
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[serial]));
        let key = rcgen::KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &rcgen::Issuer::from_params(&above, &key)).unwrap().der().to_vec();
        Certificate::parse(der).unwrap()
    }

    #[test]
    fn entries_are_about_the_issuer_that_they_name_or_inherit() {
        let entries = [entry(1, &[]), entry(2, &[of("B")]), entry(3, &[]), entry(4, &[of("C")])];
        let indirect = crl("A", &[extension(28, INDIRECT)], &entries);
        for (issuer, serials) in [("A", &[1][..]), ("B", &[2, 3]), ("C", &[4]), ("D", &[])] {
            let listed = (1..=5).filter(|serial| indirect.listed(&certificate(issuer, *serial)).is_some());
            assert_eq!(listed.collect::<Vec<_>>(), serials, "{issuer}");
        }
        assert_eq!(indirect.unusable(), None);
        let direct = crl("A", &[], &entries);
        assert!(direct.listed(&certificate("A", 3)).is_some(), "whatever it is for, it is revoked");
        assert!(direct.unusable().is_some());
    }

    #[test]
    fn of_two_entries_the_graver_counts() {
        let crl = crl(
            "A",
            &[],
            &[
                entry(1, &[reason(6)]),
                entry(1, &[reason(8)]),
                entry(2, &[]),
                entry(2, &[reason(6)]),
                entry(3, &[reason(8)]),
            ],
        );
        assert!(crl.unusable().is_some());
        let listed = [1, 2, 3].map(|serial| crl.listed(&certificate("A", serial)));
        assert_eq!(listed, [Some(Listed::OnHold), Some(Listed::Revoked), Some(Listed::Removed)]);
    }

    #[test]
    fn a_delta_crl_continues_the_complete_ones_between_its_numbers() {
        let complete = |issuer, number: &[u8], more: &[Vec<u8>]| {
            crl(issuer, &[&[extension(20, &tlv(2, &[number]))], more].concat(), &[])
        };
        let indicator = extension(27, &[2, 1, 3]);
        let delta = complete("A", &[1, 0], std::slice::from_ref(&indicator));
        for (number, continues) in [(&[2][..], false), (&[3], true), (&[0, 0xff], true), (&[1, 0], false)] {
            assert_eq!(delta.continues(&complete("A", number, &[])), continues, "{number:?}");
        }
        let key_id = extension(35, &[0x30, 3, 0x80, 1, 1]);
        for other in [
            complete("B", &[5], &[]),
            complete("A", &[5], &[key_id]),
            complete("A", &[5], &[extension(28, INDIRECT)]),
            complete("A", &[5], &[indicator]),
            crl("A", &[], &[]),
        ] {
            assert!(!delta.continues(&other), "{other:?}");
        }
    }
}
