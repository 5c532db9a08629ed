//! Items as text: source by source, with their relations.

use secure_io::inspect::{Facts, Inspected, Related};
use secure_io::name::escape_unprintable;
use secure_io::report::relation::Relations;
use secure_io::report::view::{self, Detail, Line};
use time::OffsetDateTime;

use crate::cli::failure::Failure;
use crate::cli::lines::{self, Style};
use crate::cli::output::Output;

/// Number of items held back until all are read, so that their relations can be shown. Further items are shown as they
/// come, without relations.
const HELD: usize = 2_000;

/// Shows items.
pub(super) struct TextSink {
    detail: Detail,
    now: OffsetDateTime,
    width: usize,
    /// True if nothing is printed, because only a question about the items is to be answered.
    is_silent: bool,
    held: Vec<Inspected>,
    facts: Vec<Facts>,
    is_streaming: bool,
    /// The source that was shown last, and true if it had an item.
    source: Option<String>,
}

impl TextSink {
    pub(super) fn new(detail: Detail, now: OffsetDateTime, width: usize, is_silent: bool) -> Self {
        Self { detail, now, width, is_silent, held: Vec::new(), facts: Vec::new(), is_streaming: false, source: None }
    }

    pub(super) fn take(&mut self, inspected: Inspected, out: &mut Output) -> Result<(), Failure> {
        if self.is_streaming {
            return self.show(&inspected, true, (&Relations::default(), &mut 0), out);
        }
        self.facts.extend(inspected.facts());
        self.held.push(inspected.without_contents());
        if self.held.len() <= HELD {
            return Ok(());
        }
        self.is_streaming = true;
        self.facts.clear();
        let held = std::mem::take(&mut self.held);
        held.iter().try_for_each(|inspected| self.show(inspected, true, (&Relations::default(), &mut 0), out))
    }

    pub(super) fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        if self.is_streaming {
            out.note(format!("of more than {HELD} items it is not said which belong together"));
            return Ok(());
        }
        let (held, facts) = (std::mem::take(&mut self.held), std::mem::take(&mut self.facts));
        let related = Related::new(&facts);
        let (relations, mut position) = (related.relations(), 0);
        for (index, inspected) in held.iter().enumerate() {
            let source = &inspected.item.place().source;
            let is_same = |other: Option<&Inspected>| other.is_some_and(|other| other.item.place().source == *source);
            let is_last = !is_same(held.get(index + 1));
            let is_first = !index.checked_sub(1).is_some_and(|before| is_same(held.get(before)));
            self.show(
                inspected,
                !(is_first && is_last && inspected.item.place().index == 0),
                (&relations, &mut position),
                out,
            )?;
            if let Some(chain) = related.chain(source).filter(|_| is_last && !self.is_silent) {
                self.print(&[view::chain(&chain)], None, out)?;
            }
        }
        Ok(())
    }

    fn show(
        &mut self,
        inspected: &Inspected,
        is_numbered: bool,
        (relations, position): (&Relations, &mut usize),
        out: &mut Output,
    ) -> Result<(), Failure> {
        if self.is_silent {
            return Ok(());
        }
        let place = inspected.item.place();
        if self.source.as_ref() != Some(&place.source) {
            let blank = if self.source.is_some() { "\n" } else { "" };
            let name = if place.source == "-" { "standard input" } else { &place.source };
            out.styled(&format!("{blank}{}\n", lines::heading(name)))?;
            self.source = Some(place.source.clone());
            if let Some(connection) = &place.connection {
                out.styled(&format!("  {}\n", escape_unprintable(&connection.text())))?;
            }
        }
        let shown = view::lines(&inspected.item, self.detail, (relations, position), self.now);
        self.print(&shown, is_numbered.then_some(place.index + 1), out)
    }

    fn print(&self, shown: &[Line], number: Option<usize>, out: &mut Output) -> Result<(), Failure> {
        let label_width = if self.detail == Detail::Full { 16 } else { 12 };
        out.styled(&lines::render(shown, number, &Style { width: self.width, label_width }))
    }
}
