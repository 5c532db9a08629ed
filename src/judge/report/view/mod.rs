//! Items as lines for people, short or full, in words and tones, without regard to the terminal.

mod extension;
mod finding;
mod full;
mod short;

use time::OffsetDateTime;

use super::Time;
use super::item::Item;
use super::relation::{Chain, Relations};
use crate::base::validity::distance;
use crate::x509::name::readable;

/// Meaning of a span, rendered as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it comes.
    #[default]
    Plain,
    /// The part to read first.
    Strong,
    /// A detail for reference.
    Dim,
    /// All is well.
    Good,
    /// Soon to be looked at.
    Warning,
    /// Wrong, or over.
    Bad,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its text. It may hold characters that disturb a terminal: the printer escapes them.
    pub text: String,
    /// Meaning of the span.
    pub tone: Tone,
}

/// A line: a label, and the text after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Depth of nesting.
    pub depth: usize,
    /// Label of the line; empty if the line continues the one above, `None` if the line has no label column.
    pub label: Option<String>,
    /// Text of the line.
    pub spans: Vec<Span>,
    /// True if the line begins an item.
    pub is_heading: bool,
    /// The item's place in the container that it is in, for the line it begins with.
    pub number: Option<usize>,
}

impl Line {
    fn new(depth: usize, label: impl Into<String>) -> Self {
        Self { depth, label: Some(label.into()), ..Self::default() }
    }

    fn toned(mut self, text: impl Into<String>, tone: Tone) -> Self {
        self.spans.push(Span { text: text.into(), tone });
        self
    }

    fn plain(self, text: impl Into<String>) -> Self {
        self.toned(text, Tone::Plain)
    }
}

/// Amount of detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The essentials at a glance.
    Short,
    /// Everything.
    Full,
}

/// Renders an item and the items within it, and calls `sink` with each line as it is made, because a CRL may have
/// millions; advances `position`, the item's index into the relations.
pub fn lines(
    item: &Item,
    detail: Detail,
    (relations, position): (&Relations, &mut usize),
    now: OffsetDateTime,
    sink: &mut dyn FnMut(&Line),
) {
    View { detail, relations, position, now, depth: 0, number: None, sink }.item(item, None);
}

/// Renders the line about the chain that a source's certificates form.
#[must_use]
pub fn chain(chain: &Chain) -> Line {
    let numbers: Vec<String> = chain.numbers.iter().map(|number| format!("#{number}")).collect();
    let path = numbers.join(" ← ");
    let line = Line::new(0, "chain");
    let line = if chain.is_in_order {
        line.toned(format!("in order, {path}"), Tone::Good)
    } else {
        line.toned(format!("out of order: servers have to send {path}"), Tone::Bad)
    };
    match &chain.above {
        Some(issuer) => line.plain(format!("; its issuer {} is not in it", readable(issuer))),
        None => line.plain("; the last is the root"),
    }
}

struct View<'a> {
    detail: Detail,
    relations: &'a Relations,
    position: &'a mut usize,
    now: OffsetDateTime,
    depth: usize,
    /// The item's place in its container, until its first line is made.
    number: Option<usize>,
    sink: &'a mut dyn FnMut(&Line),
}

impl View<'_> {
    /// `number` is its place in the container it is in.
    fn item(&mut self, item: &Item, number: Option<usize>) {
        self.number = number;
        match self.detail {
            Detail::Short => self.short(item),
            Detail::Full => self.full(item),
        }
        *self.position += 1;
        self.depth += 1;
        for (index, item) in item.items().iter().enumerate() {
            self.item(item, Some(index + 1));
        }
        self.depth -= 1;
    }

    /// A line about the item.
    fn say(&mut self, label: &str, text: impl Into<String>) {
        self.push(label, text, Tone::Plain);
    }

    /// The same, when there is something to say.
    fn say_some(&mut self, label: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.say(label, text);
        }
    }

    fn push(&mut self, label: &str, text: impl Into<String>, tone: Tone) {
        self.line(&Line::new(self.depth + 1, label).toned(text, tone));
    }

    /// One line for each, the label before the first.
    fn list<T: Into<String>>(&mut self, label: &str, texts: impl IntoIterator<Item = T>, tone: Tone) {
        let mut label = label;
        for text in texts {
            self.push(label, text, tone);
            label = "";
        }
    }

    /// Renders the first line of an item.
    fn heading(&mut self, kind: &str, text: impl Into<String>) {
        self.toned_heading(kind, text, Tone::Strong);
    }

    fn toned_heading(&mut self, kind: &str, text: impl Into<String>, tone: Tone) {
        let (number, line) = (self.number.take(), Line::new(self.depth, kind).toned(text, tone));
        self.line(&Line { is_heading: true, number, ..line });
    }

    fn line(&mut self, line: &Line) {
        (self.sink)(line);
    }

    /// An end of a validity: its day, how far it is, and how bad that is.
    fn end(&self, Time(end): Time) -> (String, Tone) {
        let tone = match (end - self.now).whole_days() {
            _ if end < self.now => Tone::Bad,
            0..14 => Tone::Bad,
            14..30 => Tone::Warning,
            _ => Tone::Good,
        };
        (distance(end, self.now), tone)
    }

    fn is_future(&self, time: Time) -> bool {
        time.0 > self.now
    }
}

/// `a, b and c`.
fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
