//! The header: `SOURCE>DESTINATION,PATH:` (chapter 3; the APRS-IS form of it).

use crate::blocks::{BLOCK, bits, is_stop, pad};
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Outcome, Refused};
use crate::{Address, Field, MAX_PATH, Path};

/// Source, destination and path of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header<'a> {
    /// Callsign of the sender, as sent.
    pub source: Address<'a>,
    /// Destination address, as sent.
    pub destination: Address<'a>,
    /// The path after it.
    pub path: Path<'a>,
}

/// A header with where it ends and what is odd about it.
pub(crate) struct Scanned<'a> {
    pub(crate) header: Header<'a>,
    /// Offset of the first byte after the `:`.
    pub(crate) end: usize,
    pub(crate) oddity: Option<(Code, usize)>,
}

const CALL: u8 = 1;
const HEX: u8 = 2;
/// Upper-case letter or digit.
const AX25: u8 = 4;

/// Which bytes may stand in a callsign, which are hexadecimal digits, which AX.25 can carry.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || b == b'-' {
            table[byte] |= CALL;
        }
        if b.is_ascii_hexdigit() {
            table[byte] |= HEX;
        }
        if b.is_ascii_uppercase() || b.is_ascii_digit() {
            table[byte] |= AX25;
        }
        byte += 1;
    }
    table
};

/// Length of the callsign at the start of `bytes`.
#[inline]
fn call_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    for &byte in bytes {
        if CLASS[usize::from(byte)] & CALL == 0 {
            break;
        }
        len += 1;
    }
    len
}

/// 1 to 9 characters that do not start or end with a dash.
#[inline]
fn is_call(call: &[u8]) -> bool {
    matches!(call.len(), 1..=9) && call[0] != b'-' && call[call.len() - 1] != b'-'
}

/// True if AX.25 can carry the callsign: up to six upper-case letters and digits, SSID 0 to 15.
#[inline]
fn is_ax25(call: &[u8]) -> bool {
    let base = match call {
        [base @ .., b'-', b'1', b'0'..=b'5'] | [base @ .., b'-', b'0', b'0'..=b'9'] | [base @ .., b'-', b'0'..=b'9'] => base,
        base => base,
    };
    base.len() <= 6 && base.iter().fold(AX25, |all, &byte| all & CLASS[usize::from(byte)]) != 0
}

/// [`is_ax25`] of a source at the start of `window`: the usual sorts are told by all its bytes at once.
#[inline(always)]
fn is_ax25_source(window: &[u8; BLOCK], len: usize) -> bool {
    let word = u64::from_le_bytes(*window.first_chunk().unwrap_or(&[0; 8]));
    // Of what may stand in a callsign only lower-case letters have both bits.
    let lower = word & word << 1 & u64::from_ne_bytes([0x40; 8]);
    let differs = word ^ u64::from_ne_bytes([b'-'; 8]);
    let dash = differs.wrapping_sub(u64::from_ne_bytes([1; 8])) & !differs & u64::from_ne_bytes([0x80; 8]);
    let base = (dash.trailing_zeros() / 8) as usize;
    let is_usual = (len <= 6 && base >= len) || (base <= 6 && base + 2 == len && window[(len - 1) & (BLOCK - 1)].is_ascii_digit());
    (lower == 0 && is_usual) || is_ax25(&window[..len.min(BLOCK)])
}

/// Reads the header at the start of `line`.
#[inline(always)]
pub(crate) fn scan(line: &[u8]) -> Outcome<Scanned<'_>> {
    match plain(line) {
        Some(scanned) => Ok(scanned),
        None => careful(line, false),
    }
}

/// Reads the header of a packet inside a packet, whose source may be any one to nine printable characters (chapter 17).
pub(crate) fn scan_inner(line: &[u8]) -> Outcome<Scanned<'_>> {
    scan(line).or_else(|_| careful(line, true))
}

/// Reads a header with nothing odd about it, which nearly all are, by looking at separators alone. `None` leaves it to
/// [`careful`], which reads the same and more.
#[inline(always)]
fn plain(line: &[u8]) -> Option<Scanned<'_>> {
    let padded: [u8; BLOCK];
    let window = match line.first_chunk::<BLOCK>() {
        Some(window) => window,
        None => {
            padded = pad(line);
            &padded
        }
    };
    let mut stops = bits::<BLOCK>(|at| is_stop(window[at]));
    // A header that is longer than the window has no `:` in it.
    let mut next = || {
        let at = std::num::NonZeroU64::new(stops)?.trailing_zeros() as usize;
        stops &= stops - 1;
        Some(at)
    };
    // What `is_call` asks, of the bytes from the first to before the stop behind them.
    let is_call = |first: usize, end: usize| {
        end.wrapping_sub(first).wrapping_sub(1) < 9
            && window[first & (BLOCK - 1)] != b'-'
            && window[end.wrapping_sub(1) & (BLOCK - 1)] != b'-'
    };
    let source_end = next()?;
    let destination_end = next()?;
    if window[source_end] != b'>' || !is_call(0, source_end) || !is_call(source_end + 1, destination_end) {
        return None;
    }
    let (mut len, mut used, mut q) = (0_u8, 0_u8, None);
    let (mut at, mut separator) = (destination_end, window[destination_end]);
    while separator == b',' {
        let first = at + 1;
        at = next()?;
        if !is_call(first, at) {
            return None;
        }
        len += 1;
        if at - first == 6 && is_not_to_be_gated(&window[first & (BLOCK - 1)..]) {
            return None;
        }
        if at - first == 3 && window[first & (BLOCK - 1)] == b'q' {
            if q.is_some() || window[(at - 1) & (BLOCK - 1)] == b'Z' {
                return None;
            }
            q = Some((len - 1, (first - destination_end - 1) as u16));
        }
        separator = window[at];
        if separator == b'*' {
            let star = at;
            at = next()?;
            if at != star + 1 || q.is_some() {
                return None;
            }
            used = len;
            separator = window[at];
        }
    }
    if separator != b':' || usize::from(len) > MAX_PATH {
        return None;
    }
    let path = Path::new(line.get(destination_end + 1..at).unwrap_or_default(), len, used, q);
    let oddity = (!is_ax25_source(window, source_end)).then_some((Code::SsidNotAx25, 0));
    // Only bytes of callsigns and separators have been passed, so these are ASCII.
    let [source, destination] = [line.get(..source_end)?, line.get(source_end + 1..destination_end)?].map(Address::new);
    Some(Scanned { header: Header { source, destination, path }, end: at + 1, oddity })
}

/// Reads any header, and says what is odd or wrong about it.
#[cold]
fn careful(line: &[u8], any_source: bool) -> Outcome<Scanned<'_>> {
    let refuse = |code, offset| Refused { code, offset };
    let is_printable = |byte: &&u8| matches!(**byte, b' '..=b'~') && !matches!(**byte, b'>' | b':');
    let source_len = if any_source { line.iter().take(10).take_while(is_printable).count() } else { call_len(line) };
    let source = &line[..source_len];
    match line.get(source_len) {
        None => return Err(refuse(Code::HeaderFormat, source_len)),
        Some(b'>') if is_call(source) || any_source && matches!(source_len, 1..=9) => {}
        Some(_) if !line.contains(&b'>') => return Err(refuse(Code::HeaderFormat, source_len)),
        Some(_) => return Err(refuse(Code::HeaderSource, source_len.min(9))),
    }
    let mut at = source_len + 1;
    let dest_len = call_len(&line[at..]);
    let destination = &line[at..at + dest_len];
    let mut oddity = (!is_ax25(source)).then_some((Code::SsidNotAx25, 0));
    let mut end = at + dest_len;
    if line.get(end) == Some(&b'*') {
        oddity = Some((Code::PathStar, end));
        end += 1;
    }
    if !is_call(destination) || !matches!(line.get(end), Some(b',' | b':')) {
        let code = if end >= line.len() { Code::HeaderFormat } else { Code::HeaderDest };
        return Err(refuse(code, if is_call(destination) { end } else { at }));
    }
    at = end;
    let path = scan_path(line, &mut at, &mut oddity)?;
    // Only ASCII has been passed.
    let [source, destination] = [source, destination].map(Address::new);
    let path = Path::new(line.get(end + 1..at).unwrap_or_default(), path.len, path.used, path.q);
    let header = Header { source, destination, path };
    Ok(Scanned { header, end: at + 1, oddity })
}

/// Reads the header as AEA controllers print it inside third-party packets: `SOURCE>HOP>HOP>DESTINATION:`
/// (chapter 17).
pub(crate) fn scan_aea(line: &[u8]) -> Option<Scanned<'_>> {
    let end = memchr::memchr(b':', line)?;
    let text = std::str::from_utf8(&line[..end]).ok()?;
    let (source, rest) = text.split_once('>')?;
    let (hops, destination) = rest.rsplit_once('>')?;
    let len = hops.split('>').count();
    if len > MAX_PATH || !text.split('>').all(|call| is_call(call.as_bytes()) && call_len(call.as_bytes()) == call.len()) {
        return None;
    }
    let path = Path::new(hops.as_bytes(), u8::try_from(len).ok()?, 0, None);
    let [source, destination] = [source, destination].map(|call| Address::new(call.as_bytes()));
    Some(Scanned { header: Header { source, destination, path }, end: end + 1, oddity: None })
}

/// What one pass over the path finds.
struct ScannedPath {
    len: u8,
    used: u8,
    q: Option<(u8, u16)>,
}

/// Reads `,HOP,HOP*...` up to the `:`, which `at` is left on.
#[inline]
fn scan_path(line: &[u8], at: &mut usize, oddity: &mut Option<(Code, usize)>) -> Outcome<ScannedPath> {
    let refuse = |offset| Refused { code: Code::HeaderPath, offset };
    let start = *at + 1;
    let (mut len, mut used, mut q, mut no_gate) = (0_u8, 0_u8, None, None);
    while line.get(*at) == Some(&b',') {
        let first = *at + 1;
        let element_len = call_len(&line[first..]);
        let element = &line[first..first + element_len];
        if !is_call(element) {
            let address = q.is_some() && element_len == 32 && element.iter().all(|&b| CLASS[usize::from(b)] & HEX != 0);
            if !address {
                return Err(refuse(first));
            }
        }
        if usize::from(len) == MAX_PATH {
            return Err(refuse(first));
        }
        len += 1;
        if element_len == 6 && is_not_to_be_gated(element) {
            no_gate = Some(first);
        }
        *at = first + element_len;
        let is_q = element_len == 3 && element[0] == b'q';
        if is_q {
            if q.is_some() {
                *oddity = Some((Code::QSecond, first));
            } else {
                q = Some((len - 1, u16::try_from(first - start).unwrap_or(u16::MAX)));
                if element == b"qAZ" {
                    *oddity = Some((Code::QServerOnly, first));
                }
            }
        }
        if line.get(*at) == Some(&b'*') {
            if q.is_some() {
                *oddity = Some((Code::PathStar, *at));
            } else {
                used = len;
            }
            *at += 1;
        }
    }
    if line.get(*at) != Some(&b':') {
        return Err(if *at >= line.len() { Refused { code: Code::HeaderFormat, offset: *at } } else { refuse(*at) });
    }
    if let (Some(_), Some(first)) = (q, no_gate) {
        *oddity = Some((Code::NoGate, first));
    }
    Ok(ScannedPath { len, used, q })
}

/// True for `RFONLY` and `NOGATE`, by which a sender asks to stay on radio.
#[inline]
fn is_not_to_be_gated(element: &[u8]) -> bool {
    matches!(element, [b'R', b'F', b'O', b'N', b'L', b'Y', ..] | [b'N', b'O', b'G', b'A', b'T', b'E', ..])
}

/// Tells the trace where the parts of a good header are.
pub(crate) fn mark(line: &[u8], end: usize, mut note: impl FnMut(Field, usize, usize)) {
    let mut start = 0;
    let mut field = Field::Source;
    for (at, &byte) in line[..end].iter().enumerate() {
        if !matches!(byte, b'>' | b',' | b':') {
            continue;
        }
        let element = &line[start..at];
        let is_q = field == Field::Hop && element.len() == 3 && element[0] == b'q';
        // In an AEA header what `>` follows is a hop, and the last one is the destination.
        let is_aea_hop = field == Field::Destination && byte == b'>';
        let noted = if is_q {
            Field::QConstruct
        } else if is_aea_hop {
            Field::Hop
        } else {
            field
        };
        note(noted, start, at);
        note(Field::Separator, at, at + 1);
        start = at + 1;
        field = match field {
            Field::Source => Field::Destination,
            _ if is_q => Field::Server,
            _ if is_aea_hop => Field::Destination,
            Field::Destination => Field::Hop,
            other => other,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn code(line: &[u8]) -> Code {
        parse(line).expect_err("must be refused").code
    }

    #[test]
    fn callsigns_legal_on_aprs_is_are_taken() {
        for source in ["OE9XXX-15", "Lachens", "EL-4K3M", "ER-WP4CIE", "DW1234", "OE9XXX-L1", "A"] {
            let line = format!("{source}>OGNINRE,qAS,X:>on");
            let packet = parse(line.as_bytes()).expect(source);
            assert_eq!((packet.source.as_str(), packet.destination.as_str()), (source, "OGNINRE"));
        }
        let odd = parse(b"Lachens>APRS:>x").expect("taken");
        assert!(odd.diagnostics.has(Code::SsidNotAx25));
        assert!(parse(b"OE9XXX-15>APRS:>x").expect("taken").diagnostics.is_empty());
    }

    #[test]
    fn the_quick_way_gives_what_the_careful_way_gives() {
        let same = |line: &[u8]| {
            if let Some(quick) = plain(line) {
                let careful = careful(line, false).expect("taken by both");
                assert_eq!(
                    (quick.header, quick.end, quick.oddity),
                    (careful.header, careful.end, careful.oddity),
                    "{}",
                    line.escape_ascii()
                );
            }
        };
        for source in
            ["A", "OE9XXX", "OE9XXXX", "OE9XXX-9", "OE9XX-15", "OE9XXX-16", "OE9-X-9", "oe9xxx-9", "OE9XXX-00", "ABCDEFG-1", "ABCDEFGHI"]
        {
            let line = format!("{source}>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ-10:!x");
            for at in 0..line.len() {
                for byte in 0..=u8::MAX {
                    let mut line = line.clone().into_bytes();
                    line[at] = byte;
                    same(&line);
                    line.resize(80, b'x');
                    same(&line);
                }
            }
        }
        assert!(plain(b"OE9XXX-9>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ-10:!x").is_some());
    }

    #[test]
    fn broken_headers_are_refused_with_the_place() {
        assert_eq!(code(b"OE9XXX"), Code::HeaderFormat);
        assert_eq!(code(b"OE9XXX>APRS"), Code::HeaderFormat);
        assert_eq!(code(b"OE9XXX>APRS,WIDE1-1"), Code::HeaderFormat);
        assert_eq!(code(b">APRS:x"), Code::HeaderSource);
        assert_eq!(code(b"OE_9>APRS:x"), Code::HeaderSource);
        assert_eq!(code(b"OE9XXXXXX-9>APRS:x"), Code::HeaderSource);
        assert_eq!(code(b"OE9XXX->APRS:x"), Code::HeaderSource);
        assert_eq!(code(b"OE9XXX>:x"), Code::HeaderDest);
        assert_eq!(code(b"OE9XXX>AP RS:x"), Code::HeaderDest);
        assert_eq!(code(b"OE9XXX>APRS,,WIDE1-1:x"), Code::HeaderPath);
        assert_eq!(code(b"OE9XXX>APRS,WI*DE:x"), Code::HeaderPath);
        assert_eq!(parse(b"OE9XXX>APRS,OE9$:x").expect_err("bad path").offset, 15);
    }

    #[test]
    fn the_path_has_a_bound() {
        let many = |n: usize| format!("OE9XXX>APRS{}:>x", ",WIDE1-1".repeat(n));
        assert_eq!(parse(many(24).as_bytes()).expect("24 are taken").path.len(), 24);
        assert_eq!(code(many(25).as_bytes()), Code::HeaderPath);
    }

    #[test]
    fn only_the_first_colon_ends_the_header() {
        assert_eq!(parse(b"OE9XXX>APRS:>a:b").expect("good").info, b">a:b");
    }

    #[test]
    fn a_packet_that_should_have_stayed_on_radio_is_flagged() {
        for alias in ["RFONLY", "NOGATE"] {
            let gated = format!("OE9XXX>APRS,OE9A*,{alias},qAR,OE9G:>x");
            assert!(parse(gated.as_bytes()).expect("taken").diagnostics.has(Code::NoGate));
            let on_radio = format!("OE9XXX>APRS,OE9A*,{alias}:>x");
            assert!(parse(on_radio.as_bytes()).expect("good").diagnostics.is_empty());
        }
    }

    #[test]
    fn an_ipv6_address_is_an_element_only_after_the_q_construct() {
        assert!(parse(b"OE9XXX>APRS,qAS,20010DB8000000000000000000000001:>x").is_ok());
        assert_eq!(code(b"OE9XXX>APRS,20010DB8000000000000000000000001:>x"), Code::HeaderPath);
    }
}
