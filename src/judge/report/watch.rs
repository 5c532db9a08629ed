//! What `check --watch` says about certificates in many places.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::remote::Cause;

/// The report of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Watch {
    /// The certificates, in the order of the list.
    pub certificates: Vec<Watched>,
    /// Places that could not be read.
    pub failures: Vec<Unread>,
    /// What is other than it was at the last run; empty at the first.
    pub changes: Vec<Change>,
    /// The exit status: 0, 1 when something expires, 2 when a place cannot be read.
    pub exit: u8,
}

/// A certificate at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Watched {
    /// The server or the file.
    pub place: String,
    /// Its number there, from 0.
    pub index: usize,
    /// Its subject, or its first name if it has none.
    pub subject: String,
    /// Last second of its validity, RFC 3339 UTC.
    pub not_after: String,
    /// The same as seconds since 1970.
    pub not_after_seconds: i64,
    /// Whole days until then; negative when it has expired.
    pub days: i64,
    /// It expires within the span that was asked for, or has expired.
    pub expires: bool,
    /// SHA-256 over its DER, in hex.
    pub sha256_fingerprint: String,
}

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unread {
    /// The server or the file.
    pub place: String,
    /// The layer and the code, for a server.
    #[serde(flatten)]
    pub cause: Option<Cause>,
    /// For people: the words may change.
    pub message: String,
}

/// Something that is other than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The server or the file.
    pub place: String,
    /// `new`, `replaced` or `gone`.
    pub kind: String,
    /// The certificate that was there, its SHA-256 fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The certificate that is there now, its SHA-256 fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Watch {
    /// Notes what is other than at the last run. A place that could not be read is not taken for empty.
    pub fn compare(&mut self, before: &[Watched]) {
        let key = |watched: &Watched| (watched.place.clone(), watched.index);
        let is_unread = |place: &str| self.failures.iter().any(|unread| unread.place == place);
        let mut changes = Vec::new();
        for now in &self.certificates {
            let old = before.iter().find(|old| key(old) == key(now));
            let kind = match old {
                Some(old) if old.sha256_fingerprint == now.sha256_fingerprint => continue,
                Some(_) => "replaced",
                None => "new",
            };
            changes.push(Change {
                place: now.place.clone(),
                kind: kind.to_owned(),
                before: old.map(|old| old.sha256_fingerprint.clone()),
                after: Some(now.sha256_fingerprint.clone()),
            });
        }
        for old in before.iter().filter(|old| !is_unread(&old.place)) {
            if self.certificates.iter().all(|now| key(now) != key(old)) {
                changes.push(Change {
                    place: old.place.clone(),
                    kind: "gone".to_owned(),
                    before: Some(old.sha256_fingerprint.clone()),
                    after: None,
                });
            }
        }
        self.changes = changes;
    }

    /// The report in Prometheus' text format, for the textfile collector; `now` in seconds since 1970.
    #[must_use]
    pub fn metrics(&self, now: i64) -> String {
        let mut text = String::from(
            "# HELP secure_io_certificate_not_after_seconds Last second of the certificate's validity, since 1970.\n\
             # TYPE secure_io_certificate_not_after_seconds gauge\n",
        );
        for watched in &self.certificates {
            let _ = writeln!(
                text,
                "secure_io_certificate_not_after_seconds{{{}}} {}",
                labels(watched),
                watched.not_after_seconds
            );
        }
        text.push_str(
            "# HELP secure_io_certificate_expires 1 if the certificate expires within the span that was asked for.\n\
             # TYPE secure_io_certificate_expires gauge\n",
        );
        for watched in &self.certificates {
            let _ =
                writeln!(text, "secure_io_certificate_expires{{{}}} {}", labels(watched), u8::from(watched.expires));
        }
        text.push_str(
            "# HELP secure_io_watch_success 1 if the place could be read.\n# TYPE secure_io_watch_success gauge\n",
        );
        let mut places: Vec<_> = self.certificates.iter().map(|watched| (watched.place.as_str(), 1)).collect();
        places.extend(self.failures.iter().map(|unread| (unread.place.as_str(), 0)));
        places.sort_unstable();
        places.dedup_by_key(|(place, _)| *place);
        for (place, success) in places {
            let _ = writeln!(text, "secure_io_watch_success{{place=\"{}\"}} {success}", escaped(place));
        }
        let _ = writeln!(
            text,
            "# HELP secure_io_watch_changes Certificates that are other than at the run before.\n\
             # TYPE secure_io_watch_changes gauge\nsecure_io_watch_changes {}\n\
             # HELP secure_io_watch_last_run_seconds Time of this run, since 1970.\n\
             # TYPE secure_io_watch_last_run_seconds gauge\nsecure_io_watch_last_run_seconds {now}",
            self.changes.len()
        );
        text
    }
}

fn labels(watched: &Watched) -> String {
    format!(
        "place=\"{}\",index=\"{}\",subject=\"{}\",sha256=\"{}\"",
        escaped(&watched.place),
        watched.index,
        escaped(&watched.subject),
        watched.sha256_fingerprint
    )
}

/// A label's value: backslash, quote and line feed are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(place: &str, fingerprint: &str) -> Watched {
        Watched {
            place: place.to_owned(),
            index: 0,
            subject: "CN=\"a\\".to_owned(),
            not_after: String::new(),
            not_after_seconds: 7,
            days: 0,
            expires: true,
            sha256_fingerprint: fingerprint.to_owned(),
        }
    }

    #[test]
    fn changes_are_found_and_places_that_cannot_be_read_are_not_gone() {
        let mut now =
            Watch { certificates: vec![watched("a", "1"), watched("b", "3"), watched("c", "4")], ..Watch::default() };
        now.failures.push(Unread { place: "e".to_owned(), cause: None, message: String::new() });
        now.compare(&[watched("a", "1"), watched("b", "2"), watched("d", "5"), watched("e", "6")]);
        let kinds: Vec<_> = now.changes.iter().map(|change| (change.place.as_str(), change.kind.as_str())).collect();
        assert_eq!(kinds, [("b", "replaced"), ("c", "new"), ("d", "gone")]);
    }

    #[test]
    fn labels_are_escaped() {
        let watch = Watch { certificates: vec![watched("a\n", "1")], ..Watch::default() };
        let line = "secure_io_certificate_not_after_seconds{place=\"a\\n\",index=\"0\",subject=\"CN=\\\"a\\\\\",sha256=\"1\"} 7\n";
        assert!(watch.metrics(9).contains(line), "{}", watch.metrics(9));
    }
}
