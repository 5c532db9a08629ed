//! A large CRL.

use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SigningKey, date_time_ymd};

/// The DER of a CRL with so many entries.
pub(crate) fn crl(entries: usize, issuer: &Issuer<'_, impl SigningKey>) -> Vec<u8> {
    let revoked = (0..entries as u64).map(|number| RevokedCertParams {
        serial_number: (number << 20 | 0x5_5555).into(),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let crl = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2100, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    crl.signed_by(issuer).expect("a CRL").der().to_vec()
}
