//! Counts that decide the exit status: unreadable items, and items that expire.

use std::time::Duration;

use secure_io::name::readable;
use secure_io::report::Time;
use secure_io::report::item::Item;
use secure_io::validity::{self, distance};
use secure_io::words::counted;
use time::OffsetDateTime;

use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Largest number of expiring or unreadable items that are named; the rest is counted.
const NAMED: usize = 100;

/// Counts so far.
#[derive(Clone)]
pub(super) struct Tally {
    within: Option<Duration>,
    now: OffsetDateTime,
    failed: usize,
    expiring: usize,
    /// The largest number of an item in its source.
    last: usize,
    named: Vec<String>,
    problems: Vec<String>,
}

/// A file and a line in it, as compilers write them.
fn place(item: &Item) -> String {
    let place = item.place();
    match place.line {
        Some(line) => format!("{}:{line}", place.source),
        None => place.source.clone(),
    }
}

impl Tally {
    pub(super) fn new(within: Option<&str>, now: OffsetDateTime) -> Result<Self, Failure> {
        let within = within.map(validity::parse_span).transpose()?;
        Ok(Self { within, now, failed: 0, expiring: 0, last: 0, named: Vec::new(), problems: Vec::new() })
    }

    /// One in which nothing is counted yet.
    pub(super) fn empty(&self) -> Self {
        Self {
            within: self.within,
            now: self.now,
            failed: 0,
            expiring: 0,
            last: 0,
            named: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Adds the counts of the next part.
    pub(super) fn add(&mut self, mut other: Self) {
        self.failed += other.failed;
        self.expiring += other.expiring;
        self.last = self.last.max(other.last);
        self.named.append(&mut other.named);
        self.named.truncate(NAMED);
        self.problems.append(&mut other.problems);
        self.problems.truncate(NAMED);
    }

    /// Counts an unreadable item that was reported already.
    pub(super) fn fail(&mut self) {
        self.failed += 1;
    }

    /// Fails for the numbers asked for that no source has an item of.
    pub(super) fn check_numbers(&mut self, asked: &[usize], out: &mut Output) {
        let last = self.last;
        for number in asked.iter().filter(|number| !(1..=last).contains(number)) {
            let there = counted(last, "item");
            let failure = Failure::message(format!("there is no item {number}: no source has more than {there}"));
            if let Failure::Error(report) = failure {
                out.error(&report);
            }
            self.failed += 1;
        }
    }

    /// Counts an item and its members.
    pub(super) fn count(&mut self, item: &Item) {
        self.last = self.last.max(item.place().index + 1);
        self.count_whole(item);
    }

    fn count_whole(&mut self, item: &Item) {
        match item {
            Item::Error(entry) => self.problem(item, &entry.content.message),
            Item::EncryptedPrivateKey(entry) => {
                entry.content.problem.iter().for_each(|problem| self.problem(item, problem));
            }
            Item::JavaKeystore(entry) => entry.content.problem.iter().for_each(|problem| self.problem(item, problem)),
            Item::Pkcs12(entry) => entry.content.problem.iter().for_each(|problem| self.problem(item, problem)),
            Item::Certificate(entry) => {
                let certificate = &entry.content;
                let name = certificate.subject_alt_names.first().filter(|_| certificate.subject.is_empty());
                self.end(item, name.unwrap_or(&certificate.subject), certificate.not_after);
            }
            Item::Crl(entry) => {
                if let Some(next_update) = entry.content.next_update {
                    self.end(item, &format!("the CRL of {}", entry.content.issuer), next_update);
                }
            }
            _ => {}
        }
        for inner in item.items() {
            self.count_whole(inner);
        }
    }

    fn problem(&mut self, item: &Item, message: &str) {
        self.failed += 1;
        if self.problems.len() < NAMED {
            self.problems.push(format!("{}: {message}", place(item)));
        }
    }

    fn end(&mut self, item: &Item, name: &str, time: Time) {
        let Some(within) = self.within else { return };
        let end = time.0;
        // Both ends count: the last second is notAfter itself.
        if end - self.now >= within {
            return;
        }
        self.expiring += 1;
        if self.named.len() < NAMED {
            let verb = if end < self.now { "expired" } else { "expires" };
            let day = time.day();
            let words = format!("{} {verb} on {day} ({})", readable(name), distance(end, self.now));
            self.named.push(format!("{}: {words}", place(item)));
        }
    }

    /// Names the unreadable and the expiring items, and returns the answer.
    pub(super) fn outcome(&self, out: &mut Output) -> Outcome {
        for problem in &self.problems {
            if let Failure::Error(report) = Failure::message(problem) {
                out.error(&report);
            }
        }
        for line in &self.named {
            out.warning(line);
        }
        if let Some(more) = self.expiring.checked_sub(self.named.len()).filter(|more| *more > 0) {
            out.warning(format!("and {more} more"));
        }
        match (self.failed, self.expiring) {
            (0, 0) => Outcome::Done,
            (0, _) => Outcome::No,
            _ => Outcome::Failed,
        }
    }
}
