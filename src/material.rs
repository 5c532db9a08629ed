//! What `gen-cert` makes: a key, a request and a certificate that belong together, from what a person asks for.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::cert::{self, Carried, Issuer, Template};
use crate::csr::{self, Purpose, Request};
use crate::inspect;
use crate::key::{self, Algorithm, PrivateKey};
use crate::name::{self, Subject, SubjectAltName};
use crate::validity::{self, Validity, rfc3339};

/// Why it could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The request.
    #[error(transparent)]
    Request(#[from] csr::Error),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// The lifetime.
    #[error(transparent)]
    Validity(#[from] validity::Error),
    /// A request that names nobody, to be signed by a CA.
    #[error("the request names no host, and a certificate without one is refused by every client")]
    NoNames,
    /// A request to be signed by its own key, and no key.
    #[error("a self-signed certificate needs the private key")]
    NoKey,
    /// No certificate of the CA's file has the CA's key.
    #[error("none of the {count} certificates there has the CA key's public key")]
    NoIssuer {
        /// How many there are.
        count: usize,
    },
}

/// What a person asks of a certificate.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The names; none means this machine's, or what the subject or request says.
    pub names: Vec<SubjectAltName>,
    /// The subject; by default the first name as its commonName.
    pub subject: Option<Subject>,
    /// What it is for; by default a server's.
    pub purpose: Option<Purpose>,
    /// First second; by default [`validity::BACKDATE`] before now.
    pub not_before: Option<OffsetDateTime>,
    /// Last second.
    pub not_after: Option<OffsetDateTime>,
    /// Lifetime, when `not_after` is not given; by default [`validity::DEFAULT_DAYS`].
    pub days: Option<u32>,
}

impl Order {
    fn validity(&self, now: OffsetDateTime) -> Result<Validity, validity::Error> {
        Validity::new(now, self.not_before, self.not_after, self.days)
    }

    /// The names asked for; else the host in the subject, if there is one, and this machine's.
    #[must_use]
    pub fn effective_names(&self) -> Vec<SubjectAltName> {
        if !self.names.is_empty() {
            return self.names.clone();
        }
        let mut names = name::loopback();
        if let Some(host) = self.subject.as_ref().and_then(host_in)
            && !names.contains(&host)
        {
            names.insert(0, host);
        }
        names
    }

    /// The subject asked for; else the first name that fits, as commonName.
    ///
    /// Under a CA it is empty for a certificate of IPv4 addresses alone: OpenSSL takes such a commonName for a DNS name
    /// where there is no dNSName, and the CA's name constraints would not permit it.
    #[must_use]
    pub fn effective_subject(&self, signer: Signer<'_>) -> Subject {
        let names = self.effective_names();
        let has_dns = names.iter().any(|name| matches!(name, SubjectAltName::Dns(_)));
        let is_misread = |name: &SubjectAltName| matches!(name, SubjectAltName::Ip(IpAddr::V4(_))) && !has_dns;
        let usable = |name: &&SubjectAltName| match (name, signer) {
            (SubjectAltName::Uri(_), _) => false,
            (name, Signer::Ca { .. }) => !is_misread(name),
            (_, Signer::Own) => true,
        };
        let subject = || {
            let subjects = names.iter().filter(usable).map(|name| Subject::common_name(&name.value()));
            subjects.into_iter().find(|subject| !subject.is_empty()).unwrap_or_else(Subject::empty)
        };
        named(self.subject.clone().unwrap_or_else(subject), signer)
    }
}

/// The subject, or a stand-in: who signs for themselves must have a name (RFC 5280 section 4.1.2.4).
fn named(subject: Subject, signer: Signer<'_>) -> Subject {
    match signer {
        Signer::Own if subject.is_empty() => Subject::common_name("self-signed certificate"),
        _ => subject,
    }
}

/// The host that a subject's commonName is, when it is one: `localhost`, an address, or a name with a dot.
fn host_in(subject: &Subject) -> Option<SubjectAltName> {
    let name: SubjectAltName = subject.last_common_name()?.parse().ok()?;
    let is_host = match &name {
        SubjectAltName::Dns(name) => name == "localhost" || name.contains('.'),
        SubjectAltName::Ip(_) => true,
        _ => false,
    };
    is_host.then_some(name)
}

/// Who signs a certificate.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// Its own key.
    Own,
    /// A CA, by its certificates (the issuer's and perhaps those above it) and key.
    Ca {
        /// The issuer's certificate is the one with the key's public key.
        certificates: &'a [CertificateDer<'static>],
        /// The issuer's key.
        key: &'a PrivateKey,
    },
}

/// A certificate with those above it, but the root: what a server sends.
pub type Chain = Vec<CertificateDer<'static>>;

impl Signer<'_> {
    /// The issuer's certificate and those above it in its file, roots left out.
    fn chain(&self) -> Result<(Option<&CertificateDer<'static>>, Chain), Error> {
        let Self::Ca { certificates, key } = self else {
            return Ok((None, Vec::new()));
        };
        let has_key = |der: &&CertificateDer<'_>| {
            inspect::parse(der).is_ok_and(|certificate| certificate.public_key().raw == key.spki())
        };
        let issuer = certificates.iter().find(has_key).ok_or(Error::NoIssuer { count: certificates.len() })?;
        let mut chain = Vec::new();
        let mut next = Some(issuer);
        while let Some(der) = next.filter(|der| !is_self_issued(der) && !chain.contains(*der)) {
            chain.push(der.clone());
            next = certificates.iter().find(|above| issued(above, der));
        }
        Ok((Some(issuer), chain))
    }
}

fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    inspect::parse(der).is_ok_and(|certificate| certificate.subject().as_raw() == certificate.issuer().as_raw())
}

fn issued(above: &CertificateDer<'_>, below: &CertificateDer<'_>) -> bool {
    let Ok(above) = inspect::parse(above) else { return false };
    let subject = Subject::from_der(above.subject().as_raw());
    subject.is_ok_and(|subject| cert::is_issued_by(below, &subject, above.public_key().raw))
}

/// A certificate as made, with what a person should know about it.
#[derive(Debug)]
pub struct Issued {
    /// Leaf first, without the root.
    pub chain: Chain,
    /// What was done that was not asked for in so many words.
    pub notes: Vec<String>,
    /// What some clients will not like.
    pub warnings: Vec<String>,
}

/// Makes a request and a certificate for a key.
///
/// # Errors
///
/// [`Error`] as its variants say.
pub fn make(
    order: &Order,
    key: &PrivateKey,
    signer: Signer<'_>,
    now: OffsetDateTime,
) -> Result<(Vec<u8>, Issued), Error> {
    let (names, subject) = (order.effective_names(), order.effective_subject(signer));
    let purpose = order.purpose.unwrap_or_default();
    let request = csr::generate(key, &subject, &names, purpose)?;
    let template = |validity| Ok(Template::end_entity(subject.clone(), key.spki(), names.clone(), purpose, validity));
    let mut issued = issue(order, key, &subject, &names, signer, now, template)?;
    issued.warnings.extend(warnings(&names, purpose, &key.public_key()));
    Ok((request, issued))
}

/// Signs a request: with the key it is for, or as a CA.
///
/// # Errors
///
/// [`Error::NoNames`] when a CA is to sign for nobody, [`Error`] otherwise as its variants say.
pub fn sign_request(
    order: &Order,
    request: &Request,
    key: Option<&PrivateKey>,
    signer: Signer<'_>,
    allow_ca: bool,
    now: OffsetDateTime,
) -> Result<Issued, Error> {
    if let Some(key) = key {
        cert::check_key(&request.spki, key)?;
    }
    let asked = order.subject.clone().unwrap_or_else(|| request.subject.clone());
    let subject = if order.subject.is_some() { asked.clone() } else { without_refused_emails(&asked, signer, now)? };
    let dropped = asked.emails().into_iter().filter(|_| subject != asked);
    let mut notes: Vec<_> =
        dropped.map(|email| format!("the CA may not sign for `{email}`: left out of the subject")).collect();
    let request = &Request { subject: named(subject, signer), ..request.clone() };
    let carried = Carried::from_request(request, allow_ca)?;
    notes.extend(carried.notes.iter().cloned());
    let names = names_for(order, request, &carried, signer, &mut notes)?;
    let all_names = if names.is_empty() { carried.subject_alt_names() } else { names.clone() };
    if !carried.extensions.is_empty() {
        notes.push(format!("carried over from the request: {}", carried.names().join(", ")));
    }
    let purpose = order.purpose;
    let is_ca = carried.ca.is_some();
    let template = |validity| Ok(carried.template(request, names, purpose, validity));
    let signing_key = match (signer, key) {
        (Signer::Ca { key, .. }, _) | (Signer::Own, Some(key)) => key,
        (Signer::Own, None) => return Err(Error::NoKey),
    };
    let mut issued = issue(order, signing_key, &request.subject, &all_names, signer, now, template)?;
    notes.append(&mut issued.notes);
    issued.notes = notes;
    if !is_ca {
        issued.warnings.extend(warnings(&all_names, purpose.unwrap_or_default(), &key::public_key(&request.spki)));
    }
    Ok(issued)
}

/// A request's subject without the emailAddresses that OpenSSL asks everybody for, where the CA may not sign for them:
/// no client looks at them, and all would refuse the certificate.
fn without_refused_emails(subject: &Subject, signer: Signer<'_>, now: OffsetDateTime) -> Result<Subject, Error> {
    let (Some(certificate), Signer::Ca { key, .. }) = (signer.chain()?.0.cloned(), signer) else {
        return Ok(subject.clone());
    };
    let issuer = Issuer::from_certificate(&certificate, key, now)?;
    let emails: Vec<_> = subject.emails().into_iter().map(SubjectAltName::Email).collect();
    Ok(if issuer.check_names(&emails).is_ok() { subject.clone() } else { subject.without_emails() })
}

/// The names to put in beside what is carried over; none when the request has its own and no others are given.
fn names_for(
    order: &Order,
    request: &Request,
    carried: &Carried,
    signer: Signer<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<SubjectAltName>, Error> {
    if !order.names.is_empty() {
        if carried.has_names() {
            notes.push("the names given take the place of those in the request".to_owned());
        }
        return Ok(order.names.clone());
    }
    if carried.has_names() || carried.ca.is_some() {
        return Ok(Vec::new());
    }
    // What the person meant: OpenSSL's requests name the host in the subject, where no client looks any more.
    if let Some(host) = host_in(&request.subject) {
        notes.push(format!("the request has no subjectAltName: `{}` put in from its subject", host.value()));
        return Ok(vec![host]);
    }
    match signer {
        Signer::Ca { .. } => Err(Error::NoNames),
        Signer::Own => {
            notes.push("the request names no host: localhost, 127.0.0.1 and ::1 put in".to_owned());
            Ok(name::loopback())
        }
    }
}

/// Issues what `template` says, within what the signer may sign.
fn issue(
    order: &Order,
    key: &PrivateKey,
    subject: &Subject,
    names: &[SubjectAltName],
    signer: Signer<'_>,
    now: OffsetDateTime,
    template: impl FnOnce(Validity) -> Result<Template, Error>,
) -> Result<Issued, Error> {
    let (issuer_certificate, above) = signer.chain()?;
    let issuer = match (issuer_certificate, signer) {
        (Some(certificate), Signer::Ca { key, .. }) => Issuer::from_certificate(certificate, key, now)?,
        _ => Issuer::own(key, subject)?,
    };
    issuer.check_names(names)?;
    issuer.check_subject(subject, names)?;
    let (validity, was_cut) = issuer.limit(order.validity(now)?)?;
    let template = template(validity)?;
    if template.ca.is_some() {
        cert::check_path_len(&issuer)?;
    }
    let leaf = cert::issue(&template, &issuer)?;
    let mut warnings = Vec::new();
    if let Some(certificate) = issuer_certificate {
        warnings.extend(check_purposes(certificate, &leaf)?);
    }
    let mut issued = Issued { chain: [vec![leaf], above].concat(), notes: Vec::new(), warnings };
    if was_cut {
        let end = rfc3339(validity.not_after);
        issued.notes.push(format!("shortened to {end}, where the issuer's certificate ends"));
    }
    if template.ca.is_none() && validity.lifetime() > time::Duration::days(validity::APPLE_LIMIT_DAYS) {
        let days = validity.lifetime().whole_days();
        let limit = validity::APPLE_LIMIT_DAYS;
        issued.warnings.push(format!("a lifetime of {days} days: Apple's platforms refuse more than {limit}"));
    }
    Ok(issued)
}

/// Refuses a certificate that no client takes for anything, since its issuer's extKeyUsage has none of its purposes; warns
/// of those that it has not.
fn check_purposes(issuer: &[u8], leaf: &[u8]) -> Result<Option<String>, cert::Error> {
    const ANY: &str = "anyExtendedKeyUsage";
    let permitted = inspect::certificate(issuer)?.extended_key_usage;
    let purposes = inspect::certificate(leaf)?.extended_key_usage;
    let is_permitted = |purpose: &str| purpose == ANY || permitted.iter().any(|other| other == purpose);
    let refused: Vec<_> = purposes.iter().filter(|purpose| !is_permitted(purpose)).map(AsRef::as_ref).collect();
    if permitted.is_empty() || refused.is_empty() || permitted.iter().any(|purpose| purpose == ANY) {
        return Ok(None);
    }
    if refused.len() == purposes.len() {
        return Err(cert::Error::PurposeNotPermitted { purposes: refused.join(", "), permitted: permitted.join(", ") });
    }
    Ok(Some(format!("clients will not take it for {}: the CA's extKeyUsage does not permit that", refused.join(", "))))
}

fn warnings(names: &[SubjectAltName], purpose: Purpose, key: &crate::report::PublicKey) -> Vec<String> {
    let mut warnings: Vec<String> = names.iter().filter_map(SubjectAltName::warning).map(|warning| warning.0).collect();
    let who = match (key.algorithm.as_str(), key.curve.as_deref()) {
        ("Ed25519", _) => Some("no browser accepts"),
        (_, Some("P-521")) => Some("Chromium does not accept"),
        _ => None,
    };
    if let Some(who) = who.filter(|_| purpose != Purpose::Client) {
        warnings.push(format!("{who} a server's certificate with a key of the kind {key}"));
    }
    warnings
}

/// Why a certificate that exists does not do, as far as [`why_renew`] looks.
#[must_use]
pub fn why_renew(
    chain: &[CertificateDer<'static>],
    key: &PrivateKey,
    order: &Order,
    signer: Signer<'_>,
    renew_before: Option<time::Duration>,
    now: OffsetDateTime,
) -> Option<String> {
    let Some(leaf) = chain.first() else {
        return Some("there is none".to_owned());
    };
    let Ok(parsed) = inspect::parse(leaf) else {
        return Some("it cannot be read".to_owned());
    };
    let Ok(report) = inspect::certificate(leaf) else {
        return Some("it cannot be read".to_owned());
    };
    if parsed.public_key().raw != key.spki() {
        return Some("it is for another key".to_owned());
    }
    let mut names: Vec<String> = order.effective_names().iter().map(ToString::to_string).collect();
    let mut present = report.subject_alt_names.clone();
    names.sort();
    present.sort();
    if names != present {
        return Some("it is for other names".to_owned());
    }
    if order.subject.as_ref().is_some_and(|subject| subject.as_der() != parsed.subject().as_raw()) {
        return Some("it has another subject".to_owned());
    }
    let purposes: &[&str] = match order.purpose.unwrap_or_default() {
        Purpose::Server => &["serverAuth"],
        Purpose::Client => &["clientAuth"],
        Purpose::Both => &["serverAuth", "clientAuth"],
    };
    if report.extended_key_usage != purposes {
        return Some("it is for another purpose".to_owned());
    }
    let same_issuer = match signer.chain() {
        Ok((Some(issuer), _)) => issued(issuer, leaf),
        Ok((None, _)) => report.self_signed,
        Err(_) => false,
    };
    if !same_issuer {
        return Some("it has another issuer".to_owned());
    }
    let validity = cert::validity_of(&parsed);
    if now < validity.not_before {
        return Some("it is not yet valid".to_owned());
    }
    let month = time::Duration::days(30);
    let wanted = renew_before.unwrap_or_else(|| month.min(validity.lifetime() / 3));
    (validity.remaining(now) <= wanted).then(|| format!("it expires {}", validity::distance(validity.not_after, now)))
}

/// A fresh self-signed certificate with its key, for the names of this machine.
///
/// # Errors
///
/// [`Error`] as its variants say.
pub fn self_signed(order: &Order, now: OffsetDateTime) -> Result<(PrivateKey, Chain), Error> {
    let key = PrivateKey::generate(Algorithm::default())?;
    let (_, issued) = make(order, &key, Signer::Own, now)?;
    Ok((key, issued.chain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csr::Extension;

    fn now() -> OffsetDateTime {
        time::macros::datetime!(2026-01-02 03:04:05 UTC)
    }

    fn key() -> PrivateKey {
        PrivateKey::generate(Algorithm::EcdsaP256).unwrap()
    }

    fn order(names: &[&str]) -> Order {
        Order { names: name::parse_all(names.iter().copied()).unwrap(), ..Order::default() }
    }

    /// A CA whose certificate is not self-signed, under a root; both certificates in its file.
    fn ca(subject: &str, days: u32) -> (PrivateKey, Vec<CertificateDer<'static>>) {
        let (root_key, key) = (key(), key());
        let validity = Validity::new(now(), None, None, Some(days)).unwrap();
        let name: Subject = "CN=root,DC=example,DC=com".parse().unwrap();
        let root_issuer = Issuer::own(&root_key, &name).unwrap();
        let root = cert::issue(&Template::ca(name, root_key.spki(), None, validity), &root_issuer).unwrap();
        let mut template = Template::ca(subject.parse().unwrap(), key.spki(), Some(0), validity);
        template.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![
                rcgen::GeneralSubtree::DnsName("test".into()),
                rcgen::GeneralSubtree::IpAddress(rcgen::CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0])),
            ],
            excluded_subtrees: vec![],
        });
        let issuer = Issuer::from_certificate(&root, &root_key, now()).unwrap();
        let certificate = cert::issue(&template, &issuer).unwrap();
        (key, vec![root, certificate])
    }

    #[test]
    fn by_default_a_certificate_is_what_browsers_accept() {
        let key = key();
        let (_, issued) = make(&Order::default(), &key, Signer::Own, now()).unwrap();
        assert!(issued.warnings.is_empty() && issued.notes.is_empty());
        let report = inspect::certificate(&issued.chain[0]).unwrap();
        assert_eq!(report.version, 3);
        assert_eq!(report.subject, "CN=localhost");
        assert_eq!(report.subject_alt_names, ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
        assert_eq!(report.key_usage, ["digitalSignature"]);
        assert_eq!(report.extended_key_usage, ["serverAuth"]);
        assert_eq!(report.subject_key_id, report.authority_key_id);
        assert_eq!(report.serial.len(), 40);
        assert_eq!(
            (report.not_before.as_str(), report.not_after.as_str()),
            ("2026-01-02T02:04:05Z", "2027-01-02T02:04:04Z")
        );
        assert!(report.self_signed && !report.is_ca);
        let parsed = inspect::parse(&issued.chain[0]).unwrap();
        assert!(parsed.basic_constraints().unwrap().unwrap().critical);
    }

    /// rcgen's serial is a hash of the key: the same key twice, and Firefox refuses the second certificate.
    #[test]
    fn the_same_key_twice_gets_different_serials() {
        let key = key();
        let serial = || {
            inspect::certificate(&make(&Order::default(), &key, Signer::Own, now()).unwrap().1.chain[0]).unwrap().serial
        };
        assert_ne!(serial(), serial());
    }

    /// rcgen drops one of two attributes of a kind, and then no verifier finds the issuer.
    #[test]
    fn the_issuers_name_is_its_subject_byte_for_byte() {
        let (ca_key, certificates) = ca("CN=ca+UID=1,OU=B,OU=A,DC=example,DC=com", 365);
        let signer = Signer::Ca { certificates: &certificates, key: &ca_key };
        let (_, issued) = make(&order(&["a.test"]), &key(), signer, now()).unwrap();
        let (leaf, issuer) = (inspect::parse(&issued.chain[0]).unwrap(), inspect::parse(&certificates[1]).unwrap());
        assert_eq!(leaf.issuer().as_raw(), issuer.subject().as_raw());
        assert_eq!(issued.chain.len(), 2, "the chain is the leaf and the intermediate, without the root");
        assert_eq!(issued.chain[1], certificates[1]);
        let report = inspect::certificate(&issued.chain[0]).unwrap();
        assert_eq!(report.authority_key_id, inspect::certificate(&certificates[1]).unwrap().subject_key_id);
        assert!(issued_by(&issued.chain[0], &certificates[1]));
    }

    fn issued_by(below: &CertificateDer<'_>, above: &CertificateDer<'_>) -> bool {
        issued(above, below)
    }

    #[test]
    fn a_leaf_never_outlives_its_issuer() {
        let (ca_key, certificates) = ca("CN=ca", 10);
        let signer = Signer::Ca { certificates: &certificates, key: &ca_key };
        let (_, issued) = make(&order(&["a.test"]), &key(), signer, now()).unwrap();
        assert_eq!(issued.notes.len(), 1);
        let end = |der: &CertificateDer<'_>| inspect::certificate(der).unwrap().not_after;
        assert_eq!(end(&issued.chain[0]), end(&certificates[1]));
        let late = now() + time::Duration::days(11);
        assert!(matches!(
            make(&order(&["a.test"]), &key(), signer, late),
            Err(Error::Certificate(cert::Error::IssuerTime { .. }))
        ));
    }

    #[test]
    fn name_constraints_are_kept_before_signing() {
        let (ca_key, certificates) = ca("CN=ca", 365);
        let signer = Signer::Ca { certificates: &certificates, key: &ca_key };
        let allowed = |host: &str| make(&order(&[host]), &key(), signer, now()).is_ok();
        assert!(allowed("a.test") && allowed("*.a.test") && allowed("10.1.2.3") && allowed("me@example.com"));
        assert!(!allowed("example.com") && !allowed("atest") && !allowed("11.0.0.1"));
        let bank = Order { subject: Some("CN=bank.com".parse().unwrap()), ..order(&["10.1.2.3"]) };
        assert!(make(&bank, &key(), signer, now()).is_err(), "OpenSSL takes the commonName for a dNSName");
        // The permitted addresses are all IPv4, and constraints are by kind: no IPv6 address is in one.
        assert!(!allowed("::1"));
    }

    #[test]
    fn only_a_ca_signs() {
        let leaf_key = key();
        let (_, leaf) = make(&Order::default(), &leaf_key, Signer::Own, now()).unwrap();
        let signer = Signer::Ca { certificates: &leaf.chain, key: &leaf_key };
        let error = make(&Order::default(), &key(), signer, now()).unwrap_err();
        assert!(matches!(error, Error::Certificate(cert::Error::NotACa { .. })), "{error}");
        let other = key();
        let signer = Signer::Ca { certificates: &leaf.chain, key: &other };
        assert!(matches!(make(&Order::default(), &key(), signer, now()), Err(Error::NoIssuer { count: 1 })));
    }

    fn request(subject: &str, extensions: &[(&str, &[u8])]) -> (PrivateKey, Request) {
        let key = key();
        let subject = if subject.is_empty() { Subject::empty() } else { subject.parse().unwrap() };
        let extensions = extensions
            .iter()
            .map(|(oid, value)| Extension { oid: (*oid).to_owned(), critical: false, value: value.to_vec() })
            .collect();
        let request = Request { subject, spki: key.spki().to_vec(), extensions };
        (key, request)
    }

    fn sign(
        subject: &str,
        extensions: &[(&str, &[u8])],
        allow_ca: bool,
    ) -> Result<(crate::report::Certificate, Issued), Error> {
        let (key, request) = request(subject, extensions);
        let issued = sign_request(&Order::default(), &request, Some(&key), Signer::Own, allow_ca, now())?;
        Ok((inspect::certificate(&issued.chain[0]).unwrap(), issued))
    }

    /// The three OpenSSL commands leave the host in the subject alone, and browsers refuse the result.
    #[test]
    fn a_request_without_names_gets_those_that_were_meant() {
        let names = |subject: &str| sign(subject, &[], false).unwrap().0.subject_alt_names;
        assert_eq!(names("CN=a.test,O=x"), ["DNS:a.test"]);
        assert_eq!(names("CN=My Company"), ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
        assert_eq!(names(""), ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
    }

    #[test]
    fn what_a_request_asks_for_is_carried_over() {
        let san = [0x30, 8, 0x82, 6, b'a', b'.', b't', b'e', b's', b't'];
        let eku = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
        let must_staple = [0x30, 3, 2, 1, 5];
        let key_encipherment = [3, 2, 5, 0xa0];
        let asked: [(&str, &[u8]); 5] = [
            ("2.5.29.17", &san),
            ("2.5.29.37", &eku),
            ("1.3.6.1.5.5.7.1.24", &must_staple),
            ("2.5.29.15", &key_encipherment),
            ("2.5.29.14", &[4, 1, 0]),
        ];
        let (report, issued) = sign("CN=x", &asked, false).unwrap();
        assert_eq!(report.subject_alt_names, ["DNS:a.test"]);
        assert_eq!(report.extended_key_usage, ["clientAuth"]);
        assert_eq!(report.key_usage, ["digitalSignature"], "an EC key cannot be encrypted to");
        let parsed = inspect::parse(&issued.chain[0]).unwrap();
        let oids: Vec<_> = parsed.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
        assert!(oids.contains(&"1.3.6.1.5.5.7.1.24".to_owned()), "{oids:?}");
        assert_eq!(oids.iter().filter(|oid| *oid == "2.5.29.14").count(), 1, "one subjectKeyIdentifier, ours");
    }

    #[test]
    fn a_request_for_a_ca_is_refused_unless_asked_for() {
        let ca_true = [0x30, 6, 1, 1, 0xff, 2, 1, 3];
        let key_cert_sign = [3, 2, 2, 0x04];
        for asked in [("2.5.29.19", &ca_true[..]), ("2.5.29.15", &key_cert_sign), ("2.5.29.30", &[0x30, 0])] {
            let error = sign("CN=x", &[asked], false).unwrap_err();
            assert!(matches!(error, Error::Certificate(cert::Error::AsksForCa { .. })), "{error}");
        }
        let (report, _) = sign("CN=x", &[("2.5.29.19", &ca_true)], true).unwrap();
        assert!(report.is_ca);
        assert_eq!(report.path_len, Some(3));
        assert_eq!(report.key_usage, ["keyCertSign", "cRLSign"]);
        for contradiction in [("2.5.29.15", &key_cert_sign[..]), ("2.5.29.17", &[0x30, 0])] {
            assert!(sign("CN=x", &[contradiction], true).is_err());
        }
        let twice = sign("CN=x", &[("2.5.29.19", &[0x30, 0]), ("2.5.29.19", &[0x30, 0])], false);
        assert!(matches!(twice, Err(Error::Certificate(cert::Error::DuplicateExtension { .. }))));
    }

    #[test]
    fn a_certificate_that_still_fits_is_not_renewed() {
        let key = key();
        let wanted = order(&["a.test", "::1"]);
        let (_, made) = make(&wanted, &key, Signer::Own, now()).unwrap();
        let why = |order: &Order, key: &PrivateKey, after: i64| {
            why_renew(&made.chain, key, order, Signer::Own, None, now() + time::Duration::days(after))
        };
        assert_eq!(why(&order(&["::1", "a.test"]), &key, 0), None, "in another order they are the same names");
        let named = Order { subject: Some("CN=b".parse().unwrap()), ..wanted.clone() };
        assert_eq!(why(&named, &key, 0), Some("it has another subject".to_owned()));
        assert_eq!(why(&wanted, &key, 330), None);
        assert_eq!(why(&wanted, &key, 336), Some("it expires in 29 days".to_owned()));
        assert_eq!(why(&order(&["b.test"]), &key, 0), Some("it is for other names".to_owned()));
        assert_eq!(why(&wanted, &super::tests::key(), 0), Some("it is for another key".to_owned()));
        let client = Order { purpose: Some(Purpose::Client), ..wanted.clone() };
        assert_eq!(why(&client, &key, 0), Some("it is for another purpose".to_owned()));
        let (ca_key, certificates) = ca("CN=ca", 365);
        let signer = Signer::Ca { certificates: &certificates, key: &ca_key };
        let other = why_renew(&made.chain, &key, &wanted, signer, None, now());
        assert_eq!(other, Some("it has another issuer".to_owned()));
    }

    /// openssl and curl refused certificates of IPv4 addresses alone under the local CA; Java those without an issuer.
    #[test]
    fn subjects_are_left_out_where_they_are_misread_and_put_in_where_they_must_be() {
        let (ca_key, certificates) = ca("CN=ca", 365);
        let signer = Signer::Ca { certificates: &certificates, key: &ca_key };
        let subject = |names: &[&str], signer| {
            let (_, issued) = make(&order(names), &key(), signer, now()).unwrap();
            inspect::certificate(&issued.chain[0]).unwrap().subject
        };
        assert_eq!(subject(&["10.1.2.3"], signer), "");
        assert_eq!(subject(&["10.1.2.3", "a.test"], signer), "CN=10.1.2.3");
        assert_eq!(subject(&["10.1.2.3"], Signer::Own), "CN=10.1.2.3");
        assert_eq!(subject(&["spiffe://td/app"], Signer::Own), "CN=self-signed certificate");
        let (report, _) = sign("", &[], false).unwrap();
        assert_eq!(report.issuer, "CN=self-signed certificate");
    }

    #[test]
    fn a_subject_that_is_a_host_is_among_the_names() {
        let order = Order { subject: Some("CN=app.test,O=x".parse().unwrap()), ..Order::default() };
        let names: Vec<_> = order.effective_names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["DNS:app.test", "DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
        let order = Order { subject: Some("CN=Somebody".parse().unwrap()), ..Order::default() };
        assert_eq!(order.effective_names(), name::loopback());
    }
}
