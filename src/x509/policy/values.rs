//! The extensions about policies as they are encoded (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11).
//!
//! Paths are decided, certificates linted and policies printed by these.

use crate::encoding::asn1::{self, Error, Value, tag};

/// A PolicyInformation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyInformation<'a> {
    /// The content octets of the policy's identifier.
    pub(crate) id: &'a [u8],
    /// The list of its qualifiers.
    pub(crate) qualifiers: Option<Value<'a>>,
}

impl<'a> PolicyInformation<'a> {
    fn read(value: Value<'a>) -> Result<Self, Error> {
        let mut fields = value.reader();
        let id = fields.tagged(tag::OID, "policyIdentifier")?.content;
        let qualifiers = fields.optional(tag::SEQUENCE, "policyQualifiers")?;
        fields.finish("PolicyInformation")?;
        Ok(Self { id, qualifiers })
    }
}

/// The policies of certificatePolicies, each as far as it can be read; one error if they are no list.
pub(crate) fn policies(octets: &[u8]) -> impl Iterator<Item = Result<PolicyInformation<'_>, Error>> {
    items(octets, "certificatePolicies", "PolicyInformation").map(|policy| PolicyInformation::read(policy?))
}

/// The pairs of policyMappings, issuerDomainPolicy first, as the content octets of their identifiers; one error if they
/// are no list.
pub(crate) fn mappings(octets: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8]), Error>> {
    items(octets, "policyMappings", "a policy mapping").map(|pair| {
        let mut fields = pair?.reader();
        let issuer = fields.tagged(tag::OID, "issuerDomainPolicy")?.content;
        let subject = fields.tagged(tag::OID, "subjectDomainPolicy")?.content;
        fields.finish("a policy mapping")?;
        Ok((issuer, subject))
    })
}

/// policyConstraints: numbers of certificates, as they are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyConstraints<'a> {
    /// requireExplicitPolicy.
    pub(crate) require_explicit_policy: Option<Value<'a>>,
    /// inhibitPolicyMapping.
    pub(crate) inhibit_policy_mapping: Option<Value<'a>>,
}

/// Reads policyConstraints.
pub(crate) fn constraints(octets: &[u8]) -> Result<PolicyConstraints<'_>, Error> {
    let mut fields = asn1::only(octets, tag::SEQUENCE, "policyConstraints")?.reader();
    let constraints = PolicyConstraints {
        require_explicit_policy: fields.optional(tag::context(0), "requireExplicitPolicy")?,
        inhibit_policy_mapping: fields.optional(tag::context(1), "inhibitPolicyMapping")?,
    };
    fields.finish("policyConstraints")?;
    Ok(constraints)
}

/// The values of a list.
fn items<'a>(
    octets: &'a [u8],
    list: &'static str,
    item: &'static str,
) -> impl Iterator<Item = Result<Value<'a>, Error>> {
    let items = asn1::only(octets, tag::SEQUENCE, list).and_then(|list| list.each(tag::SEQUENCE, item));
    let (items, error) = match items {
        Ok(items) => (items, None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    items.into_iter().map(Ok).chain(error)
}
