//! Items as text: source by source, with their relations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secure_io::inspect::{Facts, Inspected, Related};
use secure_io::name::escape_unprintable;
use secure_io::report::item::Item;
use secure_io::report::relation::Relations;
use secure_io::report::view::{self, Detail};
use time::OffsetDateTime;

use crate::cli::failure::Failure;
use crate::cli::lines::{self, ItemLines, Style};
use crate::cli::output::Output;

/// Number of items held back until all are read, so that their relations can be shown. Further items are shown as they
/// come, without relations.
const HELD: usize = 2_000;

/// Octets of text gathered before a write.
const BUFFER: usize = 64 << 10;

/// The form of the text.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) detail: Detail,
    pub(super) now: OffsetDateTime,
    /// Columns of the terminal.
    pub(super) width: usize,
    /// True if nothing is printed, because only a question about the items is to be answered.
    pub(super) is_silent: bool,
}

impl Form {
    fn style(self) -> Style {
        Style { width: self.width, label_width: if self.detail == Detail::Full { 16 } else { 12 } }
    }

    /// Adds an item's lines. After each, `take` may take the text away, because a CRL may have millions.
    fn item(
        self,
        inspected: &Inspected,
        (is_numbered, relations, position): (bool, &Relations, &mut usize),
        text: &mut String,
        take: &mut dyn FnMut(&mut String),
    ) {
        let number = is_numbered.then_some(inspected.item.place().index + 1);
        let mut lines = ItemLines::new(number, self.style());
        view::lines(&inspected.item, self.detail, (relations, position), self.now, &mut |line| {
            lines.add(line, text);
            take(text);
        });
    }
}

/// The making of text on any thread, once so many items have come that they are shown without relations.
pub(super) struct Streaming {
    form: Form,
    is_on: AtomicBool,
}

impl Streaming {
    /// Returns true if these items may be shown by themselves; a CRL is shown in pieces, in its turn.
    pub(super) fn is_on(&self, items: &[Inspected]) -> bool {
        self.is_on.load(Ordering::Relaxed) && !items.iter().any(|inspected| matches!(inspected.item, Item::Crl(_)))
    }

    /// Adds the text of an item.
    pub(super) fn add(&self, inspected: &Inspected, text: &mut String) {
        if !self.form.is_silent {
            self.form.item(inspected, (true, &Relations::default(), &mut 0), text, &mut |_| {});
        }
    }
}

/// Shows items.
pub(super) struct TextSink {
    form: Form,
    held: Vec<Inspected>,
    facts: Vec<Facts>,
    streaming: Arc<Streaming>,
    /// The source that was shown last.
    source: Option<String>,
}

impl TextSink {
    pub(super) fn new(form: Form) -> Self {
        let streaming = Arc::new(Streaming { form, is_on: AtomicBool::new(false) });
        Self { form, held: Vec::new(), facts: Vec::new(), streaming, source: None }
    }

    pub(super) fn streaming(&self) -> Arc<Streaming> {
        Arc::clone(&self.streaming)
    }

    fn is_streaming(&self) -> bool {
        self.streaming.is_on.load(Ordering::Relaxed)
    }

    pub(super) fn take(&mut self, inspected: Inspected, out: &mut Output) -> Result<(), Failure> {
        if self.is_streaming() {
            return self.show(&inspected, (true, &Relations::default(), &mut 0), out);
        }
        self.facts.extend(inspected.facts());
        self.held.push(inspected.without_contents());
        if self.held.len() <= HELD {
            return Ok(());
        }
        self.streaming.is_on.store(true, Ordering::Relaxed);
        self.facts.clear();
        let held = std::mem::take(&mut self.held);
        held.iter().try_for_each(|inspected| self.show(inspected, (true, &Relations::default(), &mut 0), out))
    }

    /// Text of items of one source.
    pub(super) fn text(&mut self, source: &str, text: &str, out: &mut Output) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.heading(source, out)?;
        out.styled(text)
    }

    pub(super) fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        if self.is_streaming() {
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
            let is_numbered = !(is_first && is_last && inspected.item.place().index == 0);
            self.show(inspected, (is_numbered, &relations, &mut position), out)?;
            if let Some(chain) = related.chain(source).filter(|_| is_last && !self.form.is_silent) {
                let mut text = String::new();
                ItemLines::new(None, self.form.style()).add(&view::chain(&chain), &mut text);
                out.styled(&text)?;
            }
        }
        Ok(())
    }

    fn show(
        &mut self,
        inspected: &Inspected,
        relations: (bool, &Relations, &mut usize),
        out: &mut Output,
    ) -> Result<(), Failure> {
        if self.form.is_silent {
            return Ok(());
        }
        let place = inspected.item.place();
        if self.heading(&place.source, out)?
            && let Some(connection) = &place.connection
        {
            out.styled(&format!("  {}\n", escape_unprintable(&connection.text())))?;
        }
        let (mut text, mut written) = (String::new(), Ok(()));
        self.form.item(inspected, relations, &mut text, &mut |text| {
            if text.len() > BUFFER {
                written = std::mem::replace(&mut written, Ok(())).and_then(|()| out.styled(text));
                text.clear();
            }
        });
        written.and_then(|()| out.styled(&text))
    }

    /// Names a source above its first item; returns true if it did.
    fn heading(&mut self, source: &str, out: &mut Output) -> Result<bool, Failure> {
        if self.source.as_deref() == Some(source) {
            return Ok(false);
        }
        let blank = if self.source.is_some() { "\n" } else { "" };
        let name = if source == "-" { "standard input" } else { source };
        out.styled(&format!("{blank}{}\n", lines::heading(name)))?;
        self.source = Some(source.to_owned());
        Ok(true)
    }
}
