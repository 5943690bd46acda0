//! Text from the air, from files and from other programs, before people see it in a terminal or a log.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Characters that no terminal draws and that could steer it: controls, and marks that change the direction of what follows.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

/// A text in which these are escaped (`\u{202e}`).
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for a text of several lines.
pub(crate) fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n')
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| steers(c) && !kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) && !kept(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A log that has one line a record: each write is a record. What it has of further lines (hints) is put behind the first,
/// and what steers terminals is escaped, except the colours of ours.
pub(crate) struct OneLine<W> {
    pub(crate) out: W,
    /// Records have colours: escape characters stay. (Those of texts in a record are escaped before by `tracing`.)
    pub(crate) colours: bool,
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut line = String::with_capacity(text.len());
        for part in text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&escaped(part, |c| self.colours && c == '\u{1b}'));
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(record: &str, colours: bool) -> String {
        let mut log = OneLine { out: Vec::new(), colours };
        log.write_all(record.as_bytes()).expect("memory");
        String::from_utf8(log.out).expect("text")
    }

    #[test]
    fn a_record_is_a_line() {
        assert_eq!(line("WARN it failed\n\n  hint: try again\n", false), "WARN it failed hint: try again\n");
        assert_eq!(line("WARN one\r\nINFO forged\n", false), "WARN one INFO forged\n");
        assert_eq!(line("INFO \u{1b}[31mred\u{7} \u{202e}txt.exe\n", false), "INFO \\u{1b}[31mred\\u{7} \\u{202e}txt.exe\n");
        assert_eq!(line("\u{1b}[32mINFO\u{1b}[0m a\tb\u{9b}c\n", true), "\u{1b}[32mINFO\u{1b}[0m a\\tb\\u{9b}c\n");
    }

    #[test]
    fn what_turns_the_direction_is_made_visible() {
        assert_eq!(shown("plain é 日本 \u{5d0}"), "plain é 日本 \u{5d0}");
        for mark in "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{1b}\n".chars() {
            assert!(shown(&format!("a{mark}b")).is_ascii(), "{mark:?}");
        }
        assert_eq!(shown_lines("error: \u{1b}x\n  hint: y"), "error: \\u{1b}x\n  hint: y");
    }
}
