//! Voice frequency with tone, offset and range at the start of a comment (1.2 frequency note).

use crate::Field;
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Trace};
use crate::text::digits;

/// How a receiver is opened.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Tone {
    /// CTCSS tone sent, Hz.
    Ctcss(f64),
    /// CTCSS tone sent and needed to hear, Hz.
    ToneSquelch(f64),
    /// Digital code, the octal digits read as a number.
    Dcs(u16),
    /// 1750 Hz burst.
    Burst,
    /// No tone.
    Off,
}

/// A voice frequency and how to use it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Frequency {
    /// MHz.
    pub mhz: f64,
    /// Tone, if named.
    pub tone: Option<Tone>,
    /// Narrow-band FM (a lower-case tone letter).
    pub narrow: bool,
    /// Transmit offset, kHz, signed.
    pub offset_khz: Option<i32>,
    /// Nominal range, km.
    pub range_km: Option<f64>,
    /// Other receive frequency (cross band), MHz.
    pub receive_mhz: Option<f64>,
}

/// The 50 standard CTCSS tones, tenths of hertz.
const CTCSS: [u16; 50] = [
    670, 693, 719, 744, 770, 797, 825, 854, 885, 915, 948, 974, 1000, 1035, 1072, 1109, 1148, 1188, 1230, 1273, 1318, 1365, 1413, 1462,
    1514, 1567, 1598, 1622, 1655, 1679, 1713, 1738, 1773, 1799, 1835, 1862, 1899, 1928, 1966, 1995, 2035, 2065, 2107, 2181, 2257, 2291,
    2336, 2418, 2503, 2541,
];
/// Hundreds of MHz for the letters A to O.
const MICROWAVE: [u32; 15] = [12, 23, 24, 34, 56, 57, 58, 101, 102, 103, 104, 105, 240, 241, 242];

/// The tone whose whole hertz are `hertz`; one the table lacks is given as sent.
fn ctcss(hertz: u16) -> f64 {
    CTCSS.iter().find(|&&tenths| tenths / 10 == hertz).map_or(f64::from(hertz), |&tenths| f64::from(tenths) / 10.0)
}

/// `FFF.FFF` or `FFF.FF` at the start of `bytes`: kilohertz tens are kept; returns MHz and length.
fn megahertz(bytes: &[u8]) -> Option<(f64, usize)> {
    let &[first, b, c, b'.', ref rest @ ..] = bytes else {
        return None;
    };
    let hundreds = match first {
        b'0'..=b'9' => u32::from(first - b'0'),
        b'A'..=b'O' => MICROWAVE[usize::from(first - b'A')],
        _ => return None,
    };
    let whole = hundreds * 100 + digits(&[b, c])?;
    let places = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match places {
        2 => digits(&rest[..2])? * 10,
        3 => digits(&rest[..3])?,
        _ => return None,
    };
    Some((f64::from(whole * 1000 + fraction) / 1000.0, 4 + places))
}

/// True if a frequency may stand at the start of `text`.
#[inline(always)]
pub(crate) fn is_possible(text: &[u8]) -> bool {
    matches!(text, [_, _, _, b'.', ..] | [b' ' | b'/', _, _, _, b'.', ..])
}

/// Takes a frequency off the start of `text`; returns how many bytes it took.
#[inline]
pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) -> usize {
    let lead = usize::from(matches!(text.first(), Some(b' ' | b'/')));
    match text.get(lead..) {
        Some(start @ [b'0'..=b'9' | b'A'..=b'O', _, _, b'.', ..]) => {
            let taken = in_comment(d, start);
            if taken == 0 { 0 } else { lead + taken }
        }
        _ => 0,
    }
}

fn in_comment<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) -> usize {
    let Some((mhz, mut len)) = megahertz(text) else {
        return 0;
    };
    // The note has `FFF.FFFMHz` and `FFF.FF MHz`, which are equally long.
    if text.get(len) == Some(&b' ') {
        len += 1;
    }
    let Some(unit) = text.get(len..len + 3).filter(|unit| unit.eq_ignore_ascii_case(b"MHz")) else {
        return 0;
    };
    len += 3;
    if unit != b"MHz" || len != 10 {
        d.flag(Code::FreqForm, &text[..len]);
    }
    d.mark(Field::Frequency, &text[..len]);
    let mut frequency = Frequency { mhz, tone: None, narrow: false, offset_khz: None, range_km: None, receive_mhz: None };
    len += fields(d, &text[len..], &mut frequency);
    d.packet.frequency = Some(frequency);
    len
}

/// The frequency of a name with four or five decimals, if it is a channel in steps of 6.25 kHz (`441.0375`); other digits
/// tell repeaters of one frequency apart.
fn narrow_channel(name: &[u8], (mhz, len): (f64, usize)) -> (f64, usize) {
    let more = name[len..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match more {
        1 => digits(&name[4..len + 1]).map(|value| value * 10),
        2 => digits(&name[4..len + 2]),
        _ => None,
    };
    match fraction.filter(|hundredths_of_khz| len == 7 && hundredths_of_khz % 625 == 0) {
        Some(hundredths_of_khz) => (mhz.floor() + f64::from(hundredths_of_khz) / 100_000.0, len + more),
        None => (mhz, len),
    }
}

/// An object whose name starts with a frequency has its tone fields at the start of the comment.
pub(crate) fn from_name<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, name: &[u8], comment: &'a [u8]) -> &'a [u8] {
    let Some((mhz, len)) = megahertz(name).map(|found| narrow_channel(name, found)) else {
        return comment;
    };
    if name.len() - len > 3 || !(28.0..1300.0).contains(&mhz) && !matches!(name[0], b'A'..=b'O') {
        return comment;
    }
    let mut frequency = Frequency { mhz, tone: None, narrow: false, offset_khz: None, range_km: None, receive_mhz: None };
    let len = fields(d, comment, &mut frequency);
    d.packet.frequency = Some(frequency);
    &comment[len..]
}

/// Reads tone, offset and range fields, each after one blank; returns the length taken.
fn fields<T: Trace>(d: &mut Decoder<'_, '_, T>, text: &[u8], frequency: &mut Frequency) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let lead = usize::from(rest.first() == Some(&b' '));
        let Some(field) = rest.get(lead..) else {
            return at;
        };
        let Some((kind, len)) = one_field(field, frequency) else {
            return at;
        };
        d.mark(kind, &field[..len]);
        at += lead + len;
    }
}

fn one_field(field: &[u8], frequency: &mut Frequency) -> Option<(Field, usize)> {
    if let Some((mhz, len)) = megahertz(field) {
        let receives = field.get(len..len + 2) == Some(b"rx") && frequency.receive_mhz.is_none();
        return receives.then(|| {
            frequency.receive_mhz = Some(mhz);
            (Field::Frequency, len + 2)
        });
    }
    let head = field.get(..4)?;
    let number = digits(&head[1..]).and_then(|value| u16::try_from(value).ok());
    // `T88.5` and `-0600kHz` are written another way and stay text.
    let ends = field.get(4).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b','));
    let tone = match (head[0], number) {
        (b'T' | b't' | b'C' | b'c', Some(0)) if ends => Tone::Off,
        (b'T' | b't', Some(hertz)) if ends => Tone::Ctcss(ctcss(hertz)),
        (b'C' | b'c', Some(hertz)) if ends => Tone::ToneSquelch(ctcss(hertz)),
        (b'D' | b'd', Some(code)) if ends && head[1..].iter().all(|byte| *byte < b'8') => Tone::Dcs(code),
        (b'T' | b't' | b'C' | b'c', None) if ends && head[1..].eq_ignore_ascii_case(b"off") => Tone::Off,
        (b'1' | b'l', Some(750)) if ends => Tone::Burst,
        (sign @ (b'+' | b'-'), Some(tens)) if ends && frequency.offset_khz.is_none() => {
            let khz = i32::from(tens) * 10;
            frequency.offset_khz = Some(if sign == b'-' { -khz } else { khz });
            return Some((Field::Offset, 4));
        }
        (b'R', None) if ends && frequency.range_km.is_none() => {
            let range = f64::from(digits(&head[1..3])?);
            frequency.range_km = match head[3] {
                b'm' => Some(range * 1.609_344),
                b'k' => Some(range),
                _ => return None,
            };
            return Some((Field::FrequencyRange, 4));
        }
        _ => return None,
    };
    if frequency.tone.is_some() {
        return None;
    }
    frequency.tone = Some(tone);
    frequency.narrow = head[0].is_ascii_lowercase();
    Some((Field::Tone, 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn body(comment: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>APRS:!4722.85N/00832.46Er{comment}").into_bytes().into_boxed_slice())).expect(comment)
    }

    #[test]
    fn a_repeater_with_everything() {
        let packet = body("145.600MHz T123 -060 R25k Club");
        let frequency = packet.frequency.expect("has one");
        assert_eq!((frequency.mhz, frequency.tone), (145.6, Some(Tone::Ctcss(123.0))));
        assert_eq!((frequency.offset_khz, frequency.range_km), (Some(-600), Some(25.0)));
        assert_eq!(packet.comment.to_string_lossy(), "Club");
    }

    #[test]
    fn tones_and_bands() {
        let frequency = |text| body(text).frequency.expect(text);
        assert_eq!(frequency("146.52 MHz t079").tone, Some(Tone::Ctcss(79.7)));
        assert!(frequency("146.52 MHz t079").narrow);
        for (text, odd) in [("146.520MHz", false), ("146.52 MHz", false), ("146.520mhz", true), ("146.520 MHz", true), ("146.52MHz", true)]
        {
            assert_eq!((frequency(text).mhz, body(text).diagnostics.has(Code::FreqForm)), (146.52, odd), "{text}");
        }
        assert_eq!(frequency(" A96.000MHz").mhz, 1296.0);
        assert_eq!(frequency("446.000MHz D023").tone, Some(Tone::Dcs(23)));
        assert_eq!(frequency("446.000MHz C107").tone, Some(Tone::ToneSquelch(107.2)));
        assert_eq!(frequency("446.000MHz Toff +500").offset_khz, Some(5000));
        assert_eq!(frequency("446.000MHz T000").tone, Some(Tone::Off));
        assert_eq!(frequency("145.000MHz l750").tone, Some(Tone::Burst));
        assert_eq!(frequency("145.000MHz 438.200rx").receive_mhz, Some(438.2));
    }

    #[test]
    fn names_of_narrow_channels() {
        for (name, mhz) in [
            ("441.0375 ", 441.0375),
            ("446.00625", 446.006_25),
            ("927.7625R", 927.7625),
            ("441.037OE", 441.037),
            ("146.52-MD", 146.52),
            ("146.7602 ", 146.76),
            ("446.00111", 446.001),
        ] {
            let line = format!("OE9XXX>APRS:;{name}*111111z4722.85N/00832.46ErT107");
            let packet = parse(line.as_bytes()).expect(name);
            assert_eq!(packet.frequency.map(|frequency| frequency.mhz), Some(mhz), "{name}");
        }
    }

    #[test]
    fn loose_writing_is_text() {
        for (text, kept) in [("T186.2 R25m", "T186.2 R25m"), ("-600kHz Shift", "-600kHz Shift"), ("T131,8 Red", "T131,8 Red")] {
            assert_eq!(body(&format!("146.520MHz {text}")).comment.to_string_lossy(), kept);
        }
        for text in ["146.52 PL100", "call 146.520MHz", "T88.5"] {
            assert_eq!((body(text).frequency, body(text).comment.to_string_lossy().as_ref()), (None, text));
        }
        assert_eq!(body("146.520MHz T88.5").comment.to_string_lossy(), "T88.5");
    }
}
