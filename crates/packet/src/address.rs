//! Source and destination of a packet (chapter 3).

use std::fmt;

/// A source or destination, as sent: one to nine ASCII letters, digits and dashes, mostly a callsign with an SSID.
/// Kept as bytes; text when asked for.
///
/// ```
/// let packet = godwit_packet::parse(b"OE9XXX-9>APRS:>on air").unwrap();
/// assert_eq!((packet.source.as_str(), packet.source.as_bytes()), ("OE9XXX-9", b"OE9XXX-9".as_slice()));
/// assert_eq!(packet.destination, "APRS");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address<'a>(&'a [u8]);

impl<'a> Address<'a> {
    /// Only ASCII ever gets here.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes as sent.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The same as text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Address<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Address<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}
