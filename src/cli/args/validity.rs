//! Lifetimes of certificates.

use secure_io::generate::CertificateSpec;
use secure_io::validity;
use time::OffsetDateTime;

use crate::cli::failure::Failure;

/// Validity of a certificate.
#[derive(clap::Args)]
#[command(next_help_heading = "Validity")]
pub(crate) struct ValidityArgs {
    /// Lifetime in days [default: 365]
    #[arg(long, value_name = "N", value_parser = days, conflicts_with = "not_after")]
    days: Option<u32>,
    /// First second: RFC 3339, or a span from now such as -1d [default: an hour ago]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    not_before: Option<String>,
    /// Last second: RFC 3339, or a span from now such as 90d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    not_after: Option<String>,
}

impl ValidityArgs {
    /// Copies the arguments into an order.
    pub(crate) fn apply(&self, spec: CertificateSpec, now: OffsetDateTime) -> Result<CertificateSpec, Failure> {
        let time = |text: &Option<String>| text.as_deref().map(|text| validity::parse_time(text, now)).transpose();
        let (not_before, not_after) = (time(&self.not_before)?, time(&self.not_after)?);
        Ok(CertificateSpec { days: self.days, not_before, not_after, ..spec })
    }
}

/// Days, as in `30` or `30d`, or another span of whole days.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    const DAY: u64 = 24 * 60 * 60;
    if let Ok(days) = text.parse() {
        return Ok(days);
    }
    let span = validity::parse_span(text).map_err(|_| "days are a number, as in 30".to_owned())?;
    match u32::try_from(span.as_secs() / DAY) {
        Ok(days) if span.as_secs().is_multiple_of(DAY) => Ok(days),
        _ => Err("days are a number, as in 30".to_owned()),
    }
}
