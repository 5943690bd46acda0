//! The comment (chapter 6 and the 1.2 notes): elements hidden in the text are taken out once each, the text around
//! them is kept byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::blocks::{BLOCK, bits_of};
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Trace};
use crate::text::digits;
use crate::{Field, Kind, Packet, PositionFormat, Symbol, Text, dao, extension, frequency, mic_e, object, signal, storm, telemetry};

/// Most pieces a comment can fall into: seven elements taken out leave eight.
const PIECES: usize = 8;
const METRES_PER_FOOT: f64 = 0.3048;

/// Free text, in up to eight pieces of the line: what is left after elements were taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comment<'a> {
    text: &'a [u8],
    /// Offsets into `text` of the parts taken out, in order.
    cuts: [(u16, u16); PIECES - 1],
    len: u8,
}

impl<'a> Comment<'a> {
    pub(crate) fn set(&mut self, text: &'a [u8]) {
        *self = Self { text, ..Self::default() };
    }

    /// True when there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces().next().is_none()
    }

    /// The pieces in order, none of them empty.
    pub fn pieces(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        let mut start = 0;
        let ends = self.cuts[..usize::from(self.len)].iter().copied();
        let last = u16::try_from(self.text.len()).unwrap_or(u16::MAX);
        ends.chain([(last, last)]).filter_map(move |(cut, next)| {
            let piece = self.text.get(usize::from(start)..usize::from(cut));
            start = next;
            piece.filter(|piece| !piece.is_empty())
        })
    }

    /// The bytes of all pieces, joined; borrowed when there is only one.
    #[must_use]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        let mut pieces = self.pieces();
        match (pieces.next(), pieces.next()) {
            (None, _) => Cow::Borrowed(&[]),
            (Some(only), None) => Cow::Borrowed(only),
            _ => Cow::Owned(self.pieces().flatten().copied().collect()),
        }
    }

    /// The text for people: UTF-8 if all of it is, else read as Windows-1252.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'a, str> {
        match self.bytes() {
            Cow::Borrowed(bytes) => Text(bytes).to_string_lossy(),
            Cow::Owned(bytes) => Cow::Owned(Text(&bytes).to_string_lossy().into_owned()),
        }
    }

    /// The text with nothing taken out.
    pub(crate) fn whole(&self) -> &'a [u8] {
        self.text
    }

    /// Takes `start..end` out of the text.
    fn cut(&mut self, start: usize, end: usize) {
        let at = usize::from(self.len);
        let (Ok(start), Ok(end)) = (u16::try_from(start), u16::try_from(end)) else {
            return;
        };
        if at == self.cuts.len() {
            return;
        }
        let mut place = at;
        while place > 0 && self.cuts[place - 1].0 > start {
            self.cuts[place] = self.cuts[place - 1];
            place -= 1;
        }
        self.cuts[place] = (start, end);
        self.len += 1;
    }

    /// True if any of these bytes were taken out already.
    fn is_cut(&self, range: &Range<usize>) -> bool {
        self.cuts[..usize::from(self.len)].iter().any(|&(start, end)| usize::from(start) < range.end && range.start < usize::from(end))
    }

    /// Offset of the first byte not cut out.
    fn first(&self) -> usize {
        let mut first = 0;
        for &(start, end) in &self.cuts[..usize::from(self.len)] {
            if start != first {
                break;
            }
            first = end;
        }
        usize::from(first)
    }
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

/// What one pass over the text finds; offsets of the first byte.
#[derive(Default)]
struct Found {
    altitude: Option<usize>,
    /// One that is not six characters.
    odd_altitude: Option<usize>,
    telemetry: Option<(usize, usize)>,
    dao: Option<usize>,
    daos: u8,
    lettered: Option<usize>,
    high: bool,
    control: bool,
}

/// True for the last byte of `/A=`, the first or last of what bars and exclamation marks enclose, the second of `PHG`,
/// `RNG` and `DFS`, and bytes that are not plain ASCII; for a few others too.
#[inline(always)]
fn is_interesting(before: u8, byte: u8) -> bool {
    // Masks that do not tell P from R, and H, N and F from a few others, so that two comparisons do for six.
    let lettered = ((before & 0xFD == b'P') | (before == b'D')) & (byte & 0xF1 == 0x40);
    // As a number with a sign, one more than any byte that is not plain ASCII is less than that.
    let plain = byte.wrapping_add(1) as i8 > 0x20;
    (byte == b'=') | (byte == b'!') | (byte == b'|') | lettered | !plain
}

/// Which of the first 64 bytes of `line[from..to]` are interesting. A function of its own, so that nothing else has to
/// make room for it.
#[inline(never)]
fn interesting(line: &[u8], from: usize, to: usize) -> u64 {
    bits_of(line, from, to, is_interesting)
}

/// Looks for elements in `line[start..end]`, of which `bits` are the first [`interesting`] ones; a DAO must end before
/// `dao_end`. Offsets found are into that part.
#[inline(always)]
fn find(line: &[u8], start: usize, end: usize, dao_end: usize, mut bits: u64) -> Found {
    let text = &line[start..end];
    let mut found = Found::default();
    let mut bar = None;
    let mut base = 0;
    loop {
        while bits != 0 {
            let at = base + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            match text[at] {
                b'=' if at >= 2 && text[at - 2..].starts_with(b"/A") => {
                    if altitude(&text[at - 2..]).is_none() {
                        found.odd_altitude = Some(at - 2);
                    } else if found.altitude.is_none() {
                        found.altitude = Some(at - 2);
                    }
                }
                b'|' => {
                    if let Some(first) = bar
                        && telemetry::is_base91(&text[first + 1..at])
                    {
                        found.telemetry = Some((first, at + 1));
                    }
                    bar = Some(at);
                }
                b'!' if at >= 4 && at < dao_end && dao::is_dao(&text[at - 4..=at]) => {
                    found.dao = Some(at - 4);
                    found.daos = found.daos.saturating_add(1);
                }
                b'H' | b'N' | b'F' if found.lettered.is_none() && at >= 1 && is_lettered(&text[at - 1..]) => found.lettered = Some(at - 1),
                0..=0x1F | 0x7F => found.control = true,
                0x80.. => found.high = true,
                _ => {}
            }
        }
        base += BLOCK;
        if base >= text.len() {
            return found;
        }
        bits = interesting(line, start + base, end);
    }
}

/// Where the last DAO is that ends before `dao_end`.
#[cold]
fn find_dao(line: &[u8], start: usize, end: usize, dao_end: usize) -> Option<usize> {
    find(line, start, end, dao_end, interesting(line, start, end)).dao
}

#[inline(always)]
fn is_lettered(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'H', b'G', rest @ ..] | [b'R', b'N', b'G', rest @ ..] | [b'D', b'F', b'S', rest @ ..]
        if rest.len() >= 4 && rest[..4].iter().all(u8::is_ascii_digit))
}

/// Feet of `/A=dddddd` or `/A=-ddddd` at the start of `bytes`.
pub(crate) fn altitude(bytes: &[u8]) -> Option<f64> {
    let &[b'/', b'A', b'=', first, ref rest @ ..] = bytes else {
        return None;
    };
    let rest = rest.get(..5)?;
    let feet = f64::from(digits(rest)?);
    match first {
        b'-' => Some(-feet),
        b'0'..=b'9' => Some(f64::from(first - b'0') * 100_000.0 + feet),
        _ => None,
    }
}

/// Keeps bytes as comment without looking for elements.
pub(crate) fn keep<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) {
    d.packet.comment.set(text);
    d.mark(Field::Text, text);
}

/// Reads the text of a position, object or item: takes out the elements and keeps the rest.
#[inline]
pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) {
    if !text.is_empty() {
        decode_some(d, text);
    }
}

fn decode_some<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mut text: &'a [u8]) {
    while let [rest @ .., 0 | 0xFF | b'\r' | b'\n'] = text {
        d.mark(Field::Padding, &text[rest.len()..]);
        text = rest;
    }
    let at = d.offset(text);
    let bits = interesting(d.line, at, at + text.len());
    // Most comments are short and plain.
    if bits != 0 || text.len() > BLOCK || frequency::is_possible(text) || signal::is_altered(text) || has_more(d.packet, text) {
        return elements(d, text, bits);
    }
    d.packet.comment.set(text);
    if let Some(b' ' | b'/') = text.first() {
        d.mark(Field::Separator, &text[..1]);
        d.packet.comment.cut(0, 1);
    }
}

/// True if the symbol, or a Mic-E altitude that is still missing, gives characters a meaning that they lack elsewhere.
#[inline]
fn has_more(packet: &Packet<'_>, text: &[u8]) -> bool {
    packet.symbol.is_some_and(has_elements) || packet.mic_e.is_some() && packet.altitude_m.is_none() && text.contains(&b'}')
}

/// True for storms, signposts and areas.
#[inline]
fn has_elements(symbol: Symbol) -> bool {
    matches!(symbol.code, '@' | 'm' | 'l')
}

fn elements<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8], bits: u64) {
    let mut comment = Comment { text, ..Comment::default() };
    let at = d.offset(text);
    let mut found = find(d.line, at, at + text.len(), text.len(), bits);
    if let Some(at) = found.altitude {
        let part = &text[at..at + 9];
        let feet = altitude(part).unwrap_or(0.0);
        // In Mic-E the base-91 altitude comes first; all else gives way to this explicit one.
        let mic_e = d.packet.position.is_some_and(|position| position.format == PositionFormat::MicE);
        if !(mic_e && d.packet.altitude_m.is_some()) {
            d.packet.altitude_m = Some(feet * METRES_PER_FOOT);
        }
        d.mark(Field::Altitude, part);
        comment.cut(at, at + 9);
    }
    if let Some(at) = found.odd_altitude {
        d.flag(Code::AltForm, &text[at..at + 3]);
    }
    if let Some((start, end)) = found.telemetry {
        telemetry::base91(d, &text[start..end]);
        comment.cut(start, end);
        // Telemetry bytes can look like a DAO; look again beside them.
        if found.dao.is_some_and(|dao| dao < end && dao + 5 > start) {
            let behind = find_dao(d.line, at + end, at + text.len(), text.len()).map(|dao| dao + end);
            found.dao = behind.or_else(|| find_dao(d.line, at, at + text.len(), start));
        }
    }
    // Without a position there is nothing to make more precise, and what looks so is text.
    if let Some(at) = found.dao.filter(|_| d.packet.kind != Kind::Weather) {
        if found.daos > 1 {
            d.flag(Code::DaoMany, &text[at..at + 5]);
        }
        dao::apply(d, &text[at..at + 5]);
        comment.cut(at, at + 5);
    }
    if d.packet.symbol.is_some_and(has_elements) {
        by_symbol(d, &mut comment);
    }
    if d.packet.mic_e.is_some() && d.packet.altitude_m.is_none() {
        late_altitude(d, &mut comment);
    }
    let first = comment.first();
    let taken = frequency::decode(d, &text[first..]);
    if taken > 0 {
        comment.cut(first, first + taken);
    }
    if let Some(at) = found.lettered
        && at >= first + taken
        && !is_known(d.packet, text[at])
        && let Some(len) = extension::lettered(d, &text[at..])
    {
        d.flag(Code::ExtLate, &text[at..at + len]);
        comment.cut(at, at + len);
    }
    let first = comment.first();
    if let Some(b' ' | b'/') = text.get(first) {
        d.mark(Field::Separator, &text[first..=first]);
        comment.cut(first, first + 1);
    }
    if found.high && !Text(text).is_utf8() {
        d.flag(Code::EncodingFallback, text);
    }
    if found.control {
        d.flag(Code::ControlBytes, text);
    }
    if signal::is_altered(text) {
        d.flag(Code::AlteredByGateway, text);
    }
    d.packet.comment = comment;
}

/// True if the extension that starts with this letter was read already; the first one counts.
fn is_known(packet: &Packet<'_>, letter: u8) -> bool {
    match letter {
        b'P' => packet.phg.is_some(),
        b'R' => packet.range_km.is_some(),
        _ => packet.dfs.is_some(),
    }
}

/// Takes out what only some symbols have: storm data, the text of a signpost, the corridor of a line.
#[cold]
fn by_symbol<T: Trace>(d: &mut Decoder<'_, '_, T>, comment: &mut Comment<'_>) {
    let text = comment.whole();
    let found = if d.packet.storm_in(text).is_some() {
        storm::storm(text).map(|(_, range)| (Field::Storm, range))
    } else if d.packet.signpost_in(text).is_some() {
        storm::signpost(text).map(|range| (Field::Signpost, range))
    } else if let Some(area) = &mut d.packet.area {
        object::corridor(area, text).map(|range| (Field::Area, range))
    } else {
        None
    };
    if let Some((field, range)) = found.filter(|(_, range)| !comment.is_cut(range)) {
        d.mark(field, &text[range.clone()]);
        comment.cut(range.start, range.end);
    }
}

/// Takes out a Mic-E altitude that does not stand in front.
fn late_altitude<T: Trace>(d: &mut Decoder<'_, '_, T>, comment: &mut Comment<'_>) {
    let text = comment.whole();
    let Some((at, metres)) = mic_e::late_altitude(text).filter(|&(at, _)| !comment.is_cut(&(at..at + 4))) else { return };
    let part = &text[at..at + 4];
    d.packet.altitude_m = Some(metres);
    d.mark(Field::MicEAltitude, part);
    d.flag(Code::AltLate, part);
    comment.cut(at, at + 4);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn body(comment: &[u8]) -> Packet<'static> {
        let line = [b"OE9XXX-9>APRS:!4722.85N/00832.46E>".as_slice(), comment].concat();
        parse(Box::leak(line.into_boxed_slice())).expect("good")
    }

    fn altitude_of(comment: &[u8]) -> Option<f64> {
        body(comment).altitude_m.map(|metres| (metres * 10.0).round() / 10.0)
    }

    #[test]
    fn altitude_is_six_characters_anywhere() {
        assert_eq!(altitude_of(b"/A=001414"), Some(431.0));
        assert_eq!(altitude_of(b"up/A=-00167down"), Some(-50.9));
        assert_eq!(altitude_of(b"/A=000100/A=000200"), Some(30.5));
        for text in [b"/A=12345".as_slice(), b"/A=", b"/A=1234.5", b"/A==00123"] {
            assert_eq!((altitude_of(text), body(text).comment.is_empty()), (None, false));
            assert!(body(text).diagnostics.has(Code::AltForm));
        }
        assert_eq!(body(b"up/A=-00167down").comment.to_string_lossy(), "updown");
    }

    #[test]
    fn elements_are_taken_out_in_any_order_and_the_rest_is_kept() {
        for text in ["/A=001414!W47!|\"#!&0P!'|end", "|\"#!&0P!'|!W47!end/A=001414", "!W47!/A=001414end|\"#!&0P!'|"] {
            let packet = body(text.as_bytes());
            assert_eq!(packet.comment.to_string_lossy(), "end", "{text}");
            assert!(packet.altitude_m.is_some() && packet.dao.is_some() && packet.telemetry.is_some(), "{text}");
        }
    }

    #[test]
    fn every_byte_of_text_survives() {
        assert_eq!(body(b"\xFCber \x80 100\xB0").comment.bytes().as_ref(), b"\xFCber \x80 100\xB0");
        assert_eq!(body(b"\xFCber").comment.to_string_lossy(), "über");
        assert!(body(b"\xFCber").diagnostics.has(Code::EncodingFallback));
        assert!(!body("über".as_bytes()).diagnostics.has(Code::EncodingFallback));
        assert!(body(b"a\x07b").diagnostics.has(Code::ControlBytes));
    }

    #[test]
    fn weather_without_a_position_has_no_dao() {
        let packet = parse(b"OE9XXX>APRS:_11231015c232s004g011t047 abc!w8'!").expect("good");
        assert_eq!((packet.dao, packet.comment.to_string_lossy().as_ref()), (None, "abc!w8'!"));
    }

    #[test]
    fn one_delimiter_is_dropped() {
        assert_eq!(body(b" /two").comment.to_string_lossy(), "/two");
        assert_eq!(body(b"/hi").comment.to_string_lossy(), "hi");
        assert_eq!(body(b"a|b|c|d").comment.to_string_lossy(), "a|b|c|d");
    }
}
