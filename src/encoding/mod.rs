//! Octets in and out, without their meaning: DER, PEM, PKCS#7, PKCS#12, encrypted keys.

pub mod asn1;
pub mod container;
