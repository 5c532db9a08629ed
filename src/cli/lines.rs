//! Lines of a report on a terminal: coloured, wrapped at its width, free of control characters.

use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style as Ansi};
use secure_io::name::escape_unprintable;
use secure_io::report::view::{Line, Tone};
use unicode_width::UnicodeWidthStr;

/// Widths and indents of the output.
pub(crate) struct Style {
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Columns of the labels.
    pub(crate) label_width: usize,
}

/// Text is not squeezed into less.
const MIN_TEXT: usize = 24;

/// Text without styles, wrapped between words: lines go on below where their value began, or a little further in.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    text.split_inclusive('\n')
        .map(|line| if line.width() > width { wrapped_line(line, width) } else { line.to_owned() })
        .collect()
}

fn wrapped_line(line: &str, width: usize) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let label = line.get(indent..).and_then(|rest| rest.find("  ").map(|end| rest.get(..end).unwrap_or_default()));
    let value = label.map(|label| {
        let rest = line.get(indent + label.len()..).unwrap_or_default();
        indent + label.width() + rest.len() - rest.trim_start_matches(' ').len()
    });
    let hang = value.filter(|hang| hang + MIN_TEXT <= width).unwrap_or(indent + 2);
    let (mut out, mut column) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let columns = word.trim_end().width();
        if column + columns > width && column > hang {
            out.truncate(out.trim_end_matches(' ').len());
            let _ = write!(out, "\n{:hang$}", "");
            column = hang;
        }
        out.push_str(word);
        column += word.width();
    }
    out
}

fn ansi(tone: Tone) -> Ansi {
    match tone {
        Tone::Plain => Ansi::new(),
        Tone::Strong => Ansi::new().effects(Effects::BOLD),
        Tone::Dim => Ansi::new().effects(Effects::DIMMED),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
    }
}

/// The name of a source, above its items.
pub(crate) fn heading(name: &str) -> String {
    let style = Ansi::new().effects(Effects::BOLD | Effects::UNDERLINE);
    format!("{style}{}{style:#}", escape_unprintable(name))
}

/// Renders the lines of one item.
pub(crate) struct ItemLines {
    /// Stands in front of the first line; empty from then on.
    number: String,
    /// Columns in front of each line.
    margin: usize,
    style: Style,
}

impl ItemLines {
    pub(crate) fn new(number: Option<usize>, style: Style) -> Self {
        let number = number.map_or_else(String::new, |number| format!("#{number}"));
        // A number of three digits moves all lines of its item.
        let margin = MARGIN.max(number.len() + 1);
        Self { number, margin, style }
    }

    pub(crate) fn add(&mut self, line: &Line, out: &mut String) {
        render_line(out, line, (&self.number, self.margin), &self.style);
        self.number.clear();
    }
}

/// Columns in front of an item, for its number.
const MARGIN: usize = 4;

fn render_line(out: &mut String, line: &Line, (number, margin): (&str, usize), style: &Style) {
    let is_heading = line.is_heading;
    let indent = margin + 2 * line.depth.saturating_sub(usize::from(!is_heading && line.depth > 0));
    let _ = match line.number {
        Some(number) => write!(out, "{number:>width$} ", width = indent - 1),
        None => write!(out, "{number:<indent$}"),
    };
    let mut start = indent;
    if let Some(label) = &line.label {
        let label = escape_unprintable(label);
        let dim = ansi(if is_heading { Tone::Plain } else { Tone::Dim });
        let columns = if is_heading { label.width() } else { style.label_width.max(label.width()) };
        let pad = columns - label.width() + 2;
        let _ = write!(out, "{dim}{label}{dim:#}{:pad$}", "");
        start += columns + 2;
    }
    let hang = if is_heading || line.label.is_none() { indent + 2 } else { start };
    let mut cursor = Cursor { column: start, hang, width: style.width.max(hang + MIN_TEXT) };
    for span in &line.spans {
        let tone = ansi(span.tone);
        let _ = write!(out, "{tone}");
        cursor.words(out, &escape_unprintable(&span.text));
        let _ = write!(out, "{tone:#}");
    }
    out.push('\n');
}

/// Position of the next word.
struct Cursor {
    column: usize,
    hang: usize,
    width: usize,
}

impl Cursor {
    fn words(&mut self, out: &mut String, text: &str) {
        for word in text.split_inclusive([' ', ',']) {
            let columns = word.trim_end().width();
            if self.column + columns > self.width && self.column > self.hang {
                self.next_line(out);
            }
            self.word(out, word);
        }
    }

    fn next_line(&mut self, out: &mut String) {
        out.truncate(out.trim_end_matches(' ').len());
        let _ = write!(out, "\n{:hang$}", "", hang = self.hang);
        self.column = self.hang;
    }

    /// A word too long for a line goes on in the next.
    fn word(&mut self, out: &mut String, word: &str) {
        for c in word.chars() {
            let columns = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            if self.column + columns > self.width && c != ' ' {
                self.next_line(out);
            }
            out.push(c);
            self.column += columns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    /// The names that a CA may sign for once ran over the terminal's edge.
    #[test]
    fn a_long_line_goes_on_below_its_value() {
        let text =
            "Made it\n  may sign for      localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8\n";
        assert_eq!(
            wrapped(text, 60),
            "Made it\n  may sign for      localhost, test, internal, local,\n                    home.arpa, 127.0.0.0/8, 10.0.0.0/8\n"
        );
        assert_eq!(wrapped(text, usize::MAX), text);
        assert_eq!(wrapped("a sentence of words\n", 10), "a sentence\n  of words\n");
        assert_eq!(wrapped("/a/path/that/is/too/long/to/fit\n", 10), "/a/path/that/is/too/long/to/fit\n");
    }
}
