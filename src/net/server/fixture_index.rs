//! The index of a test PKI: the certificate of each server name, and a correct client's verdict on it.

use std::fmt::Write;

use askama::Template;

use crate::judge::report::fixtures::{Expected, Fixture};
use crate::x509::name::escape_unprintable;

/// The page's style sheet, served at `/fixtures.css`.
pub(super) const CSS: &str = include_str!("../../../templates/fixtures/index.css");

#[derive(Template)]
#[template(path = "fixtures/index.html")]
struct Index<'a> {
    expected: &'a Expected,
    port: String,
}

/// The index as HTML, its links to the port that was asked.
///
/// # Errors
///
/// If the template fails.
pub(super) fn html(expected: &Expected, authority: Option<&str>) -> Result<String, askama::Error> {
    let port = authority.and_then(|authority| authority.rsplit_once(':')).map_or("", |(_, port)| port);
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    Index { expected, port: if is_port { format!(":{port}") } else { String::new() } }.render()
}

/// The index as text: a line for each, its parts apart by tabs. Whoever made the tree may have put control characters
/// into it, which a terminal would obey: they are escaped.
pub(super) fn text(expected: &Expected) -> String {
    let mut text = String::new();
    for fixture in &expected.fixtures {
        let [server_name, why] = [&fixture.server_name, &fixture.why].map(|part| escape_unprintable(part));
        let _ = writeln!(text, "{server_name}\t{}\t{why}", verdict(fixture));
    }
    text
}

/// Describes a correct client's verdict.
fn verdict(fixture: &Fixture) -> String {
    match (fixture.valid, fixture.code) {
        (true, _) => "accept".to_owned(),
        (false, Some(code)) => format!("refuse: {code}"),
        (false, None) => "refuse".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::report::fixtures::Purpose;
    use crate::judge::report::verdict::Code;

    fn expected() -> Expected {
        let fixture = Fixture {
            name: "expired".to_owned(),
            defect: Some("expired".to_owned()),
            badssl: None,
            server_name: "expired.localhost".to_owned(),
            host: "expired.localhost".to_owned(),
            purpose: Purpose::Server,
            chain: "expired/chain.pem".to_owned(),
            key: "expired/key.pem".to_owned(),
            trust: "root.pem".to_owned(),
            crls: Vec::new(),
            others: Vec::new(),
            not_before: time::macros::datetime!(2026-01-01 00:00 UTC).into(),
            not_after: time::macros::datetime!(2026-02-01 00:00 UTC).into(),
            valid: false,
            code: Some(Code::Expired),
            why: "it ended <yesterday>".to_owned(),
            differs: Vec::new(),
            clients: std::collections::BTreeMap::new(),
        };
        Expected {
            format: 1,
            test_only: true,
            at: time::macros::datetime!(2026-03-01 00:00 UTC).into(),
            fixtures: vec![fixture],
        }
    }

    #[test]
    fn each_fixture_is_linked_on_the_port_that_was_asked() {
        let html = html(&expected(), Some("localhost:3443")).unwrap();
        assert!(html.contains("href=\"https://expired.localhost:3443/\""), "{html}");
        assert!(html.contains("refuse: expired"));
        assert!(!html.contains("<yesterday>"), "text is escaped");
        assert!(super::html(&expected(), Some("localhost")).unwrap().contains("href=\"https://expired.localhost/\""));
    }

    /// `curl` prints raw octets: a stranger's tree could clear the screen, or fake a line.
    #[test]
    fn what_a_terminal_obeys_is_escaped_in_lines() {
        let mut expected = expected();
        for fixture in &mut expected.fixtures {
            fixture.server_name = "a\u{1b}[2Jb\tc.test".to_owned();
            fixture.why = "it ended\r\nevil.test\taccept\u{9b}31m\u{202e}\u{7f}".to_owned();
        }
        let text = text(&expected);
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert_eq!(text.matches('\t').count(), 2, "{text:?}");
        let is_plain = |c: char| c == '\n' || c == '\t' || !crate::x509::name::is_unprintable(c);
        assert!(text.chars().all(is_plain), "{text:?}");
    }

    #[test]
    fn programs_get_lines() {
        assert_eq!(text(&expected()), "expired.localhost\trefuse: expired\tit ended <yesterday>\n");
    }
}
