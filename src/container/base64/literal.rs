//! String literals of source code that are joined: `"MII…\n" +`, `b"…"`, `"…" & vbCrLf & _`, adjacent literals of C.

use super::Characters;

/// The names that stand between two literals and add nothing to the base64 in them: prefixes of literals, line ends of
/// Visual Basic, PHP, Java and C#, and the functions that join.
const WORDS: [&str; 28] = [
    "b",
    "r",
    "u",
    "l",
    "f",
    "br",
    "rb",
    "u8",
    "vbcrlf",
    "vblf",
    "vbcr",
    "vbnewline",
    "chr",
    "chrw",
    "10",
    "13",
    "php_eol",
    "environment",
    "newline",
    "system",
    "lineseparator",
    "os",
    "eol",
    "linesep",
    "std",
    "endl",
    "crlf",
    "lf",
];

/// Operators, brackets and separators between two literals, and their line ends.
const SYMBOLS: &[u8] = b"+.&_,;:()[]{}<>|@$-";

/// The characters within the literals of a text that begins within one and whose quotes are of one kind; `None` when
/// something stands between them that may be part of the value, such as the name of a constant.
pub(super) fn contents(text: &[u8], quote: u8) -> Option<Vec<u8>> {
    let mut contents = Vec::with_capacity(text.len());
    let mut is_within = true;
    let mut word = String::new();
    for character in Characters::new(text, quote != b'`') {
        if character == quote {
            is_within = !is_within;
            end_word(&mut word)?;
        } else if is_within {
            contents.push(character);
        } else if character.is_ascii_alphanumeric() || character == b'_' && !word.is_empty() {
            word.push(char::from(character.to_ascii_lowercase()));
        } else {
            end_word(&mut word)?;
            (character.is_ascii_whitespace() || SYMBOLS.contains(&character)).then_some(())?;
        }
    }
    Some(contents)
}

fn end_word(word: &mut String) -> Option<()> {
    let is_known = word.is_empty() || WORDS.contains(&word.as_str());
    word.clear();
    is_known.then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::decode;

    /// Each is how a language writes a string over several lines; `+` between them was once read as a digit.
    #[test]
    fn joined_literals_of_many_languages_are_read() {
        for text in [
            "\\n\" +\n    \"Zm9v\\n\" +\n    \"YmE=\\n\" +\n    \"",
            "\\n' +\n  'Zm9v\\n' +\n  'YmE=\\n' +\n  '",
            "\\n\" .\n\"Zm9v\\n\" .\n\"YmE=\\n\" . \"",
            "\\n\" . PHP_EOL . \n\"Zm9v\" . PHP_EOL\n . \"YmE=\" . PHP_EOL . \"",
            "\" & vbCrLf & _\n    \"Zm9v\" & vbCrLf & _\n \"YmE=\" & Chr(13) & Chr(10) & _\n \"",
            "\\n\"\nb\"Zm9v\\n\"\nb\"YmE=\\n\"\nb\"",
            "\\n\\\nZm9v\\n\\\nYmE=\\n\\\n",
            "\\n\"\n  L\"Zm9v\\n\"\n  u8\"YmE=\\r\\n\"\n  R\"",
            "\",\n  \"Zm9v\",\n  \"YmE=\",\n  \"",
            "`n\" +\n\"Zm9v`n\" +\n\"YmE=`r`n\" +\n\"",
            "` +\n`Zm9v` +\n`YmE=` + `",
            "\" + Environment.NewLine + \"Zm9v\" + System.lineSeparator() + \"YmE=\" + \"",
            "\\\\n\\\" +\\n\\\"Zm9v\\\\n\\\" + \\\"YmE=\\\\n\\\" + \\\"",
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(&b"fooba"[..]), "{text:?}");
        }
    }

    /// A constant between literals is part of the value, which is then not known.
    #[test]
    fn a_value_that_is_not_all_in_literals_is_not_made_up() {
        assert_eq!(super::contents(b"\\n\" + REST + \"YmE=\\n\" + \"", b'"'), None);
    }
}
