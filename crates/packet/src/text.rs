//! Text from the air: bytes kept exactly, shown as UTF-8 if they are, else as Windows-1252.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Bytes that are meant as text. Nothing is ever replaced: [`Text::bytes`] is what was sent.
///
/// Since APRS 1.2 text is UTF-8; older stations send Latin-1 or Windows-1252, which is how bytes that are no valid
/// UTF-8 are shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text<'a>(pub(crate) &'a [u8]);

impl<'a> Text<'a> {
    /// Takes bytes as text.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes as sent.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// True when there is nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The text for people: borrowed when it is UTF-8, else read as Windows-1252.
    #[must_use]
    pub fn to_string_lossy(self) -> Cow<'a, str> {
        match std::str::from_utf8(self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.iter().map(|&byte| windows_1252(byte)).collect()),
        }
    }

    /// True when the bytes are valid UTF-8 (ASCII included).
    #[must_use]
    pub fn is_utf8(self) -> bool {
        std::str::from_utf8(self.0).is_ok()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return f.pad(text);
        }
        self.0.iter().try_for_each(|&byte| f.write_char(windows_1252(byte)))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// The characters of 0x80-0x9F; the five unassigned places stay control characters so that nothing is lost.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// One byte of Windows-1252 as a character; every byte has its own.
pub(crate) fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// A run of ASCII digits as a number; `None` if empty, not all digits, or over nine digits.
pub(crate) fn digits(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    let mut value = 0;
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(value)
}

/// Splits `bytes` into its first `n` bytes and the rest, if it has that many.
pub(crate) fn take(bytes: &[u8], n: usize) -> Option<(&[u8], &[u8])> {
    (bytes.len() >= n).then(|| bytes.split_at(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_shown_as_it_is_and_all_else_as_windows_1252() {
        assert_eq!(Text(b"plain").to_string_lossy(), "plain");
        assert_eq!(Text("Zürich".as_bytes()).to_string_lossy(), "Zürich");
        assert_eq!(Text(b"Z\xFCrich 5\x80").to_string_lossy(), "Zürich 5€");
        assert_eq!(Text(b"Z\xFCrich").to_string(), "Zürich");
    }

    #[test]
    fn every_single_byte_has_its_own_character() {
        let seen: std::collections::BTreeSet<char> = (0..=255).map(windows_1252).collect();
        assert_eq!(seen.len(), 256);
    }

    #[test]
    fn digits_need_to_be_digits_only() {
        assert_eq!(digits(b"007"), Some(7));
        assert_eq!(digits(b""), None);
        assert_eq!(digits(b"1a"), None);
        assert_eq!(digits(b"1234567890"), None);
    }
}
