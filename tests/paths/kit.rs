//! Makes the certificates of the cases.

use der::asn1::Any;
use der::{Decode, Encode};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName, DnType,
    DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SanType, SerialNumber, SigningKey,
};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) use crate::tlv::tlv;

/// When all cases are judged, unless they say otherwise.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// A certificate with its key, and what it was made from.
pub(crate) struct Made {
    pub(crate) der: Vec<u8>,
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
}

impl Made {
    /// Signs as this one.
    pub(crate) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key")
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if !common_name.is_empty() {
        name.push(DnType::CommonName, common_name);
    }
    name
}

/// The same text as another string type.
pub(crate) fn printable(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, DnValue::PrintableString(common_name.try_into().expect("printable")));
    name
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name);
    params.serial_number = Some(SerialNumber::from_slice(&[7, 1, 2, 3, 4, 5, 6, 7, 8]));
    params.not_before = datetime!(2026-01-01 0:00 UTC);
    params.not_after = datetime!(2027-01-01 0:00 UTC);
    params.key_identifier_method = KeyIdMethod::Sha256;
    params
}

pub(crate) fn ca(common_name: &str) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn leaf(host: &str) -> CertificateParams {
    let mut params = params(host);
    params.is_ca = IsCa::ExplicitNoCa;
    params.subject_alt_names = vec![san(host)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub(crate) fn san(name: &str) -> SanType {
    name.parse().map_or_else(|_| SanType::DnsName(name.try_into().expect("ASCII")), SanType::IpAddress)
}

pub(crate) fn root(params: CertificateParams) -> Made {
    let key = key();
    let der = params.self_signed(&key).expect("a root").der().to_vec();
    Made { der, params, key }
}

pub(crate) fn issue(parent: &Made, params: CertificateParams) -> Made {
    issue_with(parent, params, key())
}

pub(crate) fn issue_with(parent: &Made, mut params: CertificateParams, key: KeyPair) -> Made {
    // Cases that are about the AKI bring their own.
    let has_own = params.custom_extensions.iter().any(|extension| extension.oid_components().eq([2, 5, 29, 35]));
    params.use_authority_key_identifier_extension = !has_own && params.not_before != NO_AKI;
    if params.not_before == NO_AKI {
        params.not_before = datetime!(2026-01-01 0:00 UTC);
    }
    let der = params.signed_by(&key, &parent.issuer()).expect("a certificate").der().to_vec();
    Made { der, params, key }
}

/// As notBefore: leave the authorityKeyIdentifier out.
pub(crate) const NO_AKI: OffsetDateTime = datetime!(1999-09-09 9:09 UTC);

pub(crate) fn extension(oid: &[u64], is_critical: bool, value: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
    extension.set_criticality(is_critical);
    extension
}

/// A CRL of this issuer, with these serial numbers on it.
pub(crate) fn crl(issuer: &Made, revoked: &[&Made], from: OffsetDateTime, to: OffsetDateTime) -> Vec<u8> {
    crl_numbered(issuer, 1, &revoked.iter().map(|made| (*made, None)).collect::<Vec<_>>(), from, to)
}

pub(crate) fn crl_numbered(
    issuer: &Made,
    number: u64,
    revoked: &[(&Made, Option<RevocationReason>)],
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Vec<u8> {
    let entry = |(made, reason): &(&Made, Option<RevocationReason>)| RevokedCertParams {
        serial_number: made.params.serial_number.clone().expect("cases have one"),
        revocation_time: from,
        reason_code: *reason,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: from,
        next_update: to,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&issuer.issuer()).expect("a CRL").der().to_vec()
}

/// A CRL with further critical extensions, by the last number of their types, and signed anew.
pub(crate) fn extended(issuer: &Made, crl: &[u8], extensions: &[(u8, &[u8])]) -> Vec<u8> {
    let fields = |der: &[u8]| Vec::<Any>::from_der(der).expect("a SEQUENCE");
    let [signed, algorithm, _] = &fields(crl)[..] else { panic!("a CRL has three fields") };
    let mut signed = fields(&signed.to_der().expect("DER"));
    let mut list = fields(signed.pop().expect("crlExtensions").value());
    list.extend(extensions.iter().map(|(number, value)| {
        let content = [&[6, 3, 0x55, 0x1d, *number, 1, 1, 0xff][..], &tlv(4, value)].concat();
        Any::from_der(&tlv(0x30, &content)).expect("an extension")
    }));
    signed.push(Any::from_der(&tlv(0xa0, &list.to_der().expect("DER"))).expect("crlExtensions"));
    let signed = signed.to_der().expect("DER");
    let signature = [&[0][..], &issuer.key.sign(&signed).expect("a signature")].concat();
    tlv(0x30, &[signed, algorithm.to_der().expect("DER"), tlv(3, &signature)].concat())
}

/// A certificate or CRL with another field in the place of one that is signed, signed again.
pub(crate) fn altered(issuer: &Made, der: &[u8], place: usize, field: &[u8]) -> Vec<u8> {
    let fields = values(der);
    let [signed, algorithm, _] = fields[..] else { panic!("three fields") };
    let mut parts = values(signed);
    parts[place] = field;
    let signed = tlv(0x30, &parts.concat());
    let signature = [&[0][..], &issuer.key.sign(&signed).expect("a signature")].concat();
    tlv(0x30, &[&signed[..], algorithm, &tlv(3, &signature)].concat())
}

/// A CRL without entries, with these revokedCertificates, and signed again.
pub(crate) fn with_entries(issuer: &Made, crl: &[u8], entries: &[u8]) -> Vec<u8> {
    // Behind nextUpdate; the extensions are the last field.
    let extensions = values(values(crl)[0]).pop().expect("crlExtensions").to_vec();
    altered(issuer, crl, 5, &[entries, &extensions].concat())
}

/// The values in one, each with its header.
fn values(der: &[u8]) -> Vec<&[u8]> {
    use secure_io::asn1::Reader;
    let outer = Reader::new(der).value("it").expect("DER");
    let mut reader = outer.reader();
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(reader.value("it").expect("DER").raw);
    }
    values
}
