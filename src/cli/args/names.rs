//! Subject, names and purpose of a certificate or request.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use secure_io::csr::Purpose;
use secure_io::generate::CertificateSpec;
use secure_io::name::{self, SubjectAltName};

use crate::cli::failure::Failure;

/// Subject and names of a certificate or request.
#[derive(clap::Args)]
#[command(next_help_heading = "Names")]
pub(crate) struct NameArgs {
    /// Hosts: names, wildcards, addresses, emails, URIs [default: localhost 127.0.0.1 ::1]
    #[arg(value_name = "HOST", help_heading = None::<&str>)]
    hosts: Vec<String>,
    /// Subject as RFC 4514 writes it, `CN=app.test,O=Example` [default: the first host as CN]
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Purpose of the certificate [default: server]
    #[arg(long, value_name = "PURPOSE", value_parser = purpose_parser())]
    purpose: Option<Purpose>,
}

impl NameArgs {
    /// Decides whether neither hosts nor subject nor purpose were given.
    pub(crate) fn is_default(&self) -> bool {
        self.hosts.is_empty() && self.subject.is_none() && self.purpose.is_none()
    }

    /// The names, checked.
    pub(crate) fn spec(&self) -> Result<CertificateSpec, Failure> {
        Ok(CertificateSpec {
            names: name::parse_all(self.hosts.iter().map(String::as_str))?,
            subject: self.subject.as_deref().map(str::parse).transpose()?,
            purpose: self.purpose,
            ..CertificateSpec::default()
        })
    }
}

fn purpose_parser() -> impl TypedValueParser<Value = Purpose> {
    PossibleValuesParser::new(Purpose::ALL.map(Purpose::name))
        .map(|name| Purpose::ALL.into_iter().find(|purpose| purpose.name() == name).unwrap_or_default())
}

/// Warnings about names.
pub(crate) fn name_warnings(names: &[SubjectAltName]) -> Vec<String> {
    names.iter().filter_map(SubjectAltName::warning).map(|warning| warning.to_string()).collect()
}
