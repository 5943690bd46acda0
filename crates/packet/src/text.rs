//! Text from the air: bytes, shown as UTF-8 if they are, else as Latin-1 (Windows-1252 for 0x80-0x9F), never with
//! question marks. The bytes stay at hand.

use std::{borrow::Cow, fmt};

/// Bytes meant as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(pub &'a [u8]);

/// Windows-1252 for 0x80..=0x9F; 0 where it has nothing.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl<'a> Text<'a> {
    /// The bytes as sent.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text: borrowed when the bytes are UTF-8.
    #[must_use]
    pub fn to_text(self) -> Cow<'a, str> {
        match std::str::from_utf8(self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.iter().copied().map(single_byte).collect()),
        }
    }

    /// Whether the bytes are UTF-8; if not, [`Text::to_text`] reads them as Latin-1.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        std::str::from_utf8(self.0).is_ok()
    }
}

pub(crate) fn single_byte(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
