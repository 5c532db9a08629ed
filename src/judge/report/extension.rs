//! Values of extensions (RFC 5280 sections 4.2 and 5.2, and related standards).

use std::borrow::Cow;

use serde::Serialize;

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Extension {
    /// Dotted OID.
    pub oid: String,
    /// Its name, as RFC 5280 or whoever made it writes it; absent when it has none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// True if a client that does not understand the extension must refuse the certificate.
    pub critical: bool,
    /// Value of the extension; absent if the extension has no value, or is not understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ExtensionValue>,
    /// Its octets in hex, when they are not understood or not what they should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_hex: Option<String>,
    /// Reason why the value cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Value of an extension; the extension's name decides which variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ExtensionValue {
    /// basicConstraints.
    BasicConstraints(BasicConstraints),
    /// Names of bits, purposes, features or hosts: keyUsage, extKeyUsage, subjectAltName, issuerAltName, tlsFeature,
    /// netscapeCertType, certificateIssuer.
    Names(Vec<Cow<'static, str>>),
    /// subjectKeyIdentifier and cRLNumber in hex; comments, URLs, reasons, times.
    Text(String),
    /// inhibitAnyPolicy.
    Number(u32),
    /// authorityKeyIdentifier.
    AuthorityKeyId(AuthorityKeyId),
    /// nameConstraints.
    NameConstraints(NameConstraints),
    /// certificatePolicies.
    Policies(Vec<Policy>),
    /// policyMappings.
    PolicyMappings(Vec<PolicyMapping>),
    /// policyConstraints.
    PolicyConstraints(PolicyConstraints),
    /// cRLDistributionPoints, freshestCRL.
    DistributionPoints(Vec<DistributionPoint>),
    /// issuingDistributionPoint.
    IssuingDistributionPoint(IssuingDistributionPoint),
    /// authorityInfoAccess, subjectInfoAccess.
    Access(Vec<Access>),
    /// signedCertificateTimestampList.
    Timestamps(Vec<Sct>),
    /// privateKeyUsagePeriod.
    Period(Period),
    /// subjectDirectoryAttributes.
    Attributes(Vec<Attribute>),
    /// qcStatements.
    Statements(Vec<Statement>),
    /// Microsoft's certificateTemplate.
    Template(Template),
    /// Microsoft's caVersion.
    CaVersion(CaVersion),
}

/// basicConstraints: CA or not, and the path length allowed below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BasicConstraints {
    /// cA.
    pub ca: bool,
    /// pathLenConstraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_len: Option<u32>,
}

/// authorityKeyIdentifier: the issuer's key that signed the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuthorityKeyId {
    /// keyIdentifier, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// authorityCertIssuer: the names of the issuer's issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub issuer: Vec<String>,
    /// authorityCertSerialNumber, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// For which names a CA may issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NameConstraints {
    /// permittedSubtrees: of a kind that is here, only these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub permitted: Vec<String>,
    /// excludedSubtrees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub excluded: Vec<String>,
}

/// A policy under which it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Policy {
    /// Dotted OID.
    pub oid: String,
    /// Its name, when it has one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// URLs of the certification practice statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub cps: Vec<String>,
    /// Notices to whoever relies on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notices: Vec<String>,
    /// Qualifiers of other kinds: OID and hex.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub other_qualifiers: Vec<String>,
}

/// Two policies that are to be taken for one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyMapping {
    /// issuerDomainPolicy.
    pub issuer: String,
    /// subjectDomainPolicy.
    pub subject: String,
}

/// policyConstraints: policy rules for the certificates below, and after how many certificates they apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyConstraints {
    /// requireExplicitPolicy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_explicit_policy: Option<u32>,
    /// inhibitPolicyMapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inhibit_policy_mapping: Option<u32>,
}

/// A place that offers a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DistributionPoint {
    /// Names of the place with their kind; relative to the issuer: an RFC 4514 string.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub names: Vec<String>,
    /// Revocation reasons the CRL covers; all if absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub reasons: Vec<Cow<'static, str>>,
    /// Signer of the CRL, if other than the certificate's issuer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub crl_issuer: Vec<String>,
}

/// issuingDistributionPoint: the scope of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "RFC 5280 section 5.2.5 has them so")]
pub struct IssuingDistributionPoint {
    /// Names of the place that offers the CRL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub names: Vec<String>,
    /// onlyContainsUserCerts.
    pub only_user_certificates: bool,
    /// onlyContainsCACerts.
    pub only_ca_certificates: bool,
    /// onlyContainsAttributeCerts.
    pub only_attribute_certificates: bool,
    /// onlySomeReasons; all when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub only_reasons: Vec<Cow<'static, str>>,
    /// indirectCRL.
    pub indirect: bool,
}

/// An access description: a service or document about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Access {
    /// Access method: `OCSP`, `caIssuers`, or a dotted OID.
    pub method: Cow<'static, str>,
    /// Location, a name with its kind.
    pub location: String,
}

/// A log's promise to make a certificate public (RFC 6962 section 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sct {
    /// 1 (the encoded value plus one).
    pub version: u32,
    /// The log's key's SHA-256, in hex.
    pub log_id: String,
    /// Time of the log entry, RFC 3339 UTC, with milliseconds.
    pub timestamp: String,
    /// Signature algorithm, as in `ecdsa-sha256`.
    pub signature_algorithm: String,
    /// Its extensions in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<String>,
}

/// privateKeyUsagePeriod: the time in which the private key may sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Period {
    /// From, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Until, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// An attribute with its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attribute {
    /// Dotted OID.
    pub oid: String,
    /// Its name, when it has one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// Its values: text, times, or `#` and hex of the DER.
    pub values: Vec<String>,
}

/// A statement about a qualified certificate (RFC 3739, ETSI EN 319 412-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Statement {
    /// Dotted OID.
    pub oid: String,
    /// Its name, when it has one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// Further fields: texts, numbers and names of OIDs in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub info: Vec<String>,
}

/// From which template a Microsoft CA issued it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Template {
    /// The template's OID.
    pub template: String,
    /// Its major version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major_version: Option<u32>,
    /// Its minor version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor_version: Option<u32>,
}

/// Renewal counts of a Microsoft CA's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaVersion {
    /// The certificate's index.
    pub certificate: u32,
    /// The key's index.
    pub key: u32,
}
