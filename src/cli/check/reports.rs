//! The report in files: a page, SARIF, JUnit's XML.

use std::path::{Path, PathBuf};

use secure_io::check::{RULES, UNREACHABLE};
use secure_io::files::{self, Existing, NewFile};
use secure_io::report::check::{Check, html, junit, sarif};
use secure_io::report::finding::Severity;
use secure_io::validity;

use crate::cli::failure::Failure;

/// Files that the report is written to.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Reports {
    /// Write the report as one page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as SARIF 2.1.0, which code hosts show
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write the report as JUnit's XML, which CI systems count
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Words by which a report of an earlier run is known.
const MARKS: [&str; 3] =
    ["<title>secure-io check</title>", "\"name\": \"secure-io\"", "<testsuites name=\"secure-io check\""];

impl Reports {
    /// Refuses files in the way before a server is asked. Reports of earlier runs are replaced.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let named = [&self.html, &self.sarif, &self.junit].into_iter().flatten();
        for path in named.filter(|path| !is_replaceable(path, &MARKS)) {
            files::check_set([path.as_path()], Existing::Keep)
                .map_err(|error| Failure::new(error.into()).hint("name another file, or remove this one"))?;
        }
        Ok(())
    }

    /// Writes the requested reports; a JUnit test fails if its finding is of this severity or worse.
    pub(super) fn write(&self, check: &Check, from: Severity, wants: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let mut set = Vec::new();
        if let Some(path) = &self.html {
            let made = validity::now()
                .truncate_to_second()
                .format(&time::format_description::well_known::Rfc3339)
                .unwrap_or_default();
            set.push(NewFile::public(path, html::page(check, &made).map_err(|error| Failure::new(error.into()))?));
        }
        if let Some(path) = &self.sarif {
            let rules =
                RULES.iter().map(|rule| sarif::Known { id: rule.id, title: rule.title, severity: rule.severity });
            let other = UNREACHABLE.iter().map(|(id, title)| sarif::Known { id, title, severity: Severity::Error });
            let known: Vec<_> = rules.chain(other).collect();
            let text = serde_json::to_string_pretty(&sarif::document(check, &known));
            set.push(NewFile::public(path, text.map_err(|error| Failure::new(error.into()))? + "\n"));
        }
        if let Some(path) = &self.junit {
            let ids: Vec<_> = RULES.iter().map(|rule| rule.id).filter(|id| wants(id)).collect();
            set.push(NewFile::public(path, junit::document(check, &ids, from)));
        }
        Ok(files::write_set(&set, Existing::Replace)?)
    }
}

/// Decides whether nothing is lost when a file is written: it is not there, or an earlier run wrote it.
pub(super) fn is_replaceable(path: &Path, marks: &[&str]) -> bool {
    if files::is_stdio(path) || !files::exists(path) {
        return true;
    }
    let is_ours =
        |text: &[u8]| marks.iter().any(|mark| text.windows(mark.len()).any(|window| window == mark.as_bytes()));
    files::read(path).is_ok_and(|text| text.is_empty() || is_ours(&text))
}
