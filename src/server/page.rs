//! The demo page at `/`.

use crate::report;

pub(crate) const CSS: &str = "";
pub(crate) const JS: &str = "";
pub(crate) const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

/// What the page shows before its script runs.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) certificate: &'a report::Certificate,
    pub(crate) connection: &'a report::Connection,
    pub(crate) client_js: bool,
}

/// Renders the page as HTML.
#[expect(clippy::unnecessary_wraps, reason = "a template will do this")]
pub(crate) fn render(page: &Page<'_>) -> Result<String, askama::Error> {
    let Page {
        certificate,
        connection,
        client_js,
    } = page;
    let (version, subject) = (&connection.tls_version, &certificate.subject);
    Ok(format!(
        "<!doctype html><title>secure-io</title><p>{version} {subject} {client_js}"
    ))
}
