//! Mic-E (chapter 10; 1.2 Mic-E notes): latitude and message in the destination, the rest in nine bytes.

use crate::base91;
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::position::{self, RESOLUTION_M};
use crate::text::take;
use crate::{Field, Position, PositionFormat, Text, comment, grid, telemetry};

const KMH_PER_KNOT: f64 = 1.852;
/// Longitude 3, speed and course 3, symbol 2.
const BODY: usize = 8;
/// No balloon that carries a radio goes higher, metres.
const HIGHEST_M: f64 = 50_000.0;

/// The position comment of a Mic-E radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the specification's own")]
pub enum MicEMessage {
    OffDuty,
    EnRoute,
    InService,
    Returning,
    Committed,
    Special,
    Priority,
    /// Custom 0 to 6: what it means is the sender's.
    Custom(u8),
    /// Emergency.
    Emergency,
    /// The bits are of both kinds: not defined.
    Unknown,
}

impl MicEMessage {
    /// The stable name, snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OffDuty => "off_duty",
            Self::EnRoute => "en_route",
            Self::InService => "in_service",
            Self::Returning => "returning",
            Self::Committed => "committed",
            Self::Special => "special",
            Self::Priority => "priority",
            Self::Custom(0) => "custom_0",
            Self::Custom(1) => "custom_1",
            Self::Custom(2) => "custom_2",
            Self::Custom(3) => "custom_3",
            Self::Custom(4) => "custom_4",
            Self::Custom(5) => "custom_5",
            Self::Custom(_) => "custom_6",
            Self::Emergency => "emergency",
            Self::Unknown => "unknown",
        }
    }
}

/// What only Mic-E packets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MicE<'a> {
    /// Data type: `` ` ``, `'`, 0x1C or 0x1D. Says little about the age of the fix.
    pub data_type: u8,
    /// Type byte in front of the text, which names the family of the radio.
    pub type_byte: Option<u8>,
    /// Suffix of one or two bytes that names the radio.
    pub suffix: Text<'a>,
    /// Maidenhead locator in the text.
    pub locator: Option<Text<'a>>,
}

/// One byte of the destination: digit (10 is a blank), message bit (0, 1 custom, 2 standard), high half.
#[inline]
fn destination_byte(byte: u8) -> Option<(u8, u8)> {
    match byte {
        b'0'..=b'9' => Some((byte - b'0', 0)),
        b'A'..=b'J' => Some((byte - b'A', 1)),
        b'K' => Some((10, 1)),
        b'L' => Some((10, 0)),
        b'P'..=b'Y' => Some((byte - b'P', 2)),
        b'Z' => Some((10, 2)),
        _ => None,
    }
}

struct Destination {
    /// Hundredths of a minute after the degrees, blanks as zero.
    degrees: i32,
    hundredths: i32,
    ambiguity: u8,
    south: bool,
    west: bool,
    offset: bool,
    message: MicEMessage,
}

fn destination(text: &[u8]) -> Option<Destination> {
    let six: &[u8; 6] = match text {
        [head @ .., b'-', _] | [head @ .., b'-', _, _] => head.try_into().ok()?,
        head => head.try_into().ok()?,
    };
    let mut digits = [0_i32; 6];
    let mut marks = [0_u8; 6];
    let mut blanks = 0;
    for (at, &byte) in six.iter().enumerate() {
        let (digit, mark) = destination_byte(byte)?;
        marks[at] = mark;
        if digit == 10 {
            blanks += 1;
        } else if blanks > 0 {
            return None;
        } else {
            digits[at] = i32::from(digit);
        }
    }
    if blanks > 4 || marks[3..].contains(&1) {
        return None;
    }
    Some(Destination {
        degrees: digits[0] * 10 + digits[1],
        hundredths: digits[2] * 1000 + digits[3] * 100 + digits[4] * 10 + digits[5],
        ambiguity: blanks,
        south: marks[3] == 0,
        offset: marks[4] == 2,
        west: marks[5] == 2,
        message: message([marks[0], marks[1], marks[2]]),
    })
}

fn message(bits: [u8; 3]) -> MicEMessage {
    let index = bits.iter().fold(0, |index, &bit| index << 1 | u8::from(bit == 0));
    if index == 7 {
        return MicEMessage::Emergency;
    }
    match (bits.contains(&1), bits.contains(&2)) {
        (true, true) => MicEMessage::Unknown,
        (true, false) => MicEMessage::Custom(index),
        _ => match index {
            0 => MicEMessage::OffDuty,
            1 => MicEMessage::EnRoute,
            2 => MicEMessage::InService,
            3 => MicEMessage::Returning,
            4 => MicEMessage::Committed,
            5 => MicEMessage::Special,
            _ => MicEMessage::Priority,
        },
    }
}

/// Reads the body behind the data type.
pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, data_type: u8, body: &'a [u8]) -> Outcome {
    let address = d.packet.destination.as_bytes();
    let Some(latitude) = destination(address) else {
        return Err(d.refuse(Code::MiceDest, address));
    };
    let whole = take(body, BODY).filter(|(fixed, _)| is_symbol(fixed[6], fixed[7]));
    let Some((fixed, text)) = whole.or_else(|| mangled(body)) else {
        let code = if body.len() < BODY { Code::MiceInfo } else { Code::MiceSymbol };
        return Err(d.refuse(code, body.get(6..).unwrap_or(body)));
    };
    let Some((degrees, hundredths)) = longitude(fixed, latitude.offset) else {
        return Err(d.refuse(Code::MiceInfo, fixed));
    };
    let (moving, symbol) = fixed[3..].split_at(fixed.len() - 5);
    let level = latitude.ambiguity;
    let place = position::centre(latitude.degrees, latitude.hundredths, level, 90).zip(position::centre(degrees, hundredths, level, 180));
    let Some((north, east)) = place else {
        return Err(d.refuse(Code::PosRange, fixed));
    };
    d.mark(Field::MicELongitude, &fixed[..3]);
    d.mark(Field::MicESpeedCourse, moving);
    d.mark(Field::SymbolCode, &symbol[..1]);
    d.mark(Field::SymbolTable, &symbol[1..]);
    if north == 0 && east == 0 {
        d.flag(Code::PosNull, &fixed[..3]);
    } else {
        let sign = |negative, value: i32| f64::from(if negative { -value } else { value }) / 6000.0;
        d.packet.position = Some(Position {
            latitude: sign(latitude.south, north),
            longitude: sign(latitude.west, east),
            ambiguity: level,
            resolution_m: RESOLUTION_M[usize::from(level)],
            format: PositionFormat::MicE,
        });
    }
    position::symbol(d, &symbol[1..], &symbol[..1]);
    d.packet.mic_e_message = Some(latitude.message);
    match moving {
        &[sp, dc, se] => speed_and_course(d, moving, [sp, dc, se])?,
        _ => d.flag(Code::MiceMangled, moving),
    }
    let mic_e = MicE { data_type, type_byte: None, suffix: Text(&[]), locator: None };
    self::text(d, mic_e, text);
    Ok(())
}

fn is_symbol(code: u8, table: u8) -> bool {
    position::is_table(table) && (0x21..0x7F).contains(&code)
}

/// A packet that lost control characters on the way: a gateway made blanks of the two bytes behind the one of the speed,
/// another joined the blanks, so that the symbol follows one byte early. Latitude and longitude are whole; speed and
/// course are not known.
fn mangled(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (fixed, text) = take(body, BODY - 1)?;
    let [_, _, _, _, b' ', code, table] = *fixed else { return None };
    (is_symbol(code, table) && code != b'|').then_some((fixed, text))
}

/// Degrees, and hundredths of a minute, of the first three bytes.
fn longitude(fixed: &[u8], offset: bool) -> Option<(i32, i32)> {
    let [d, m, h] = [fixed[0], fixed[1], fixed[2]].map(|byte| i32::from(byte) - 28);
    if !(10..=99).contains(&d) || !(10..=69).contains(&m) || !(0..=99).contains(&h) {
        return None;
    }
    let d = if offset { d + 100 } else { d };
    let degrees = match d {
        180..=189 => d - 80,
        190..=199 => d - 190,
        _ => d,
    };
    let minutes = if m >= 60 { m - 60 } else { m };
    Some((degrees, minutes * 100 + h))
}

fn speed_and_course<T: Trace>(d: &mut Decoder<'_, '_, T>, bytes: &[u8], raw: [u8; 3]) -> Outcome {
    let [sp, dc, se] = raw.map(|byte| i32::from(byte) - 28);
    if [sp, dc, se].iter().any(|value| !(0..=99).contains(value)) {
        return Err(d.refuse(Code::MiceInfo, bytes));
    }
    let speed = sp * 10 + dc / 10;
    let course = dc % 10 * 100 + se;
    let speed = if speed >= 800 { speed - 800 } else { speed };
    let course = if course >= 400 { course - 400 } else { course };
    d.packet.speed_kmh = Some(f64::from(speed) * KMH_PER_KNOT);
    match course {
        1..=360 => d.packet.course_deg = Some(f64::from(course)),
        0 => {}
        _ => d.flag(Code::CourseRange, bytes),
    }
    Ok(())
}

/// Type byte, altitude, old telemetry, locator and suffix around the comment.
fn text<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mut mic_e: MicE<'a>, mut text: &'a [u8]) {
    while let [rest @ .., 0xFF | b'\r' | b'\n' | 0] = text {
        d.mark(Field::Padding, &text[rest.len()..]);
        text = rest;
    }
    // Just so many digits, so that words such as `Cafe` stay words.
    let hex = |rest: &[u8], len: usize| {
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        rest.iter().take(len + 1).take_while(|byte| is_hex(byte)).count() == len && rest[..len].iter().any(u8::is_ascii_digit)
    };
    let has_altitude = text.iter().take(5).any(|&byte| byte == b'}');
    match *text {
        [b'`', ref rest @ ..] if hex(rest, 4) && !has_altitude => {
            let value = |at: usize| hex_byte(&rest[at..at + 2]);
            telemetry::old_mic_e(d, [value(0), None, value(2), None, None]);
            d.mark(Field::TelemetryHex, &text[..5]);
            text = &text[5..];
        }
        [b'\'', ref rest @ ..] if hex(rest, 10) && !has_altitude => {
            let value = |at: usize| hex_byte(&rest[at..at + 2]);
            telemetry::old_mic_e(d, [value(0), value(2), value(4), value(6), value(8)]);
            d.mark(Field::TelemetryHex, &text[..11]);
            text = &text[11..];
        }
        [0x1D, a, b, c, e, f, ..] if !has_altitude => {
            telemetry::old_mic_e(d, [Some(a), Some(b), Some(c), Some(e), Some(f)]);
            d.mark(Field::TelemetryHex, &text[..6]);
            text = &text[6..];
        }
        [byte @ (b' ' | b'>' | b']' | b'`' | b'\''), ref rest @ ..] => {
            mic_e.type_byte = Some(byte);
            d.mark(Field::MicEType, &text[..1]);
            text = rest;
        }
        _ => {}
    }
    text = suffix(d, &mut mic_e, text);
    d.packet.messaging = match mic_e.type_byte {
        Some(b'`' | b'>' | b']') => Some(true),
        Some(b'\'') => Some(false),
        _ => None,
    };
    text = altitude(d, text);
    if let Some(len) = grid::locator_len(text)
        && text[len..].starts_with(b"/G")
        && matches!(text.get(len + 2), None | Some(b' '))
    {
        mic_e.locator = Some(Text(&text[..len]));
        d.mark(Field::Locator, &text[..len + 2]);
        text = &text[len + 2..];
    }
    d.packet.mic_e = Some(mic_e);
    if let [b'!', body @ ..] = text
        && position::is_complete(body)
    {
        d.flag(Code::PosSecond, text);
        // Chapter 10 lets it override; a receiver with a fix of its own knows better, one without does not.
        if d.packet.position.is_none()
            && let Ok(rest) = position::coordinates(d, body)
        {
            return position::after(d, rest);
        }
    }
    comment::decode(d, text);
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Takes off the suffix that names the radio, and blanks behind it; only with a type byte that has suffixes.
fn suffix<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mic_e: &mut MicE<'a>, text: &'a [u8]) -> &'a [u8] {
    let mut end = text.len();
    let mut len = suffix_len(mic_e.type_byte, text);
    if len == 0 && matches!(mic_e.type_byte, Some(b'>' | b']' | b'`' | b'\'')) {
        end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
        if let Some(b'`' | b'\'') = mic_e.type_byte
            && text[..end].ends_with(b"_")
        {
            // A VX-8, whose suffix ends with a blank: there are more of them, or a gateway cut it.
            len = 1 + usize::from(end < text.len());
            end = end - 1 + len;
        } else if end < text.len() {
            len = suffix_len(mic_e.type_byte, &text[..end]);
        }
    }
    if len == 0 {
        return text;
    }
    let suffix = &text[end - len..end];
    d.mark(Field::MicESuffix, suffix);
    d.mark(Field::Padding, &text[end..]);
    mic_e.suffix = Text(suffix);
    &text[..end - len]
}

/// Length of the suffix at the very end of the text.
fn suffix_len(type_byte: Option<u8>, text: &[u8]) -> usize {
    match (type_byte, text) {
        (Some(b'>'), [.., b'=' | b'^' | b'&']) | (Some(b']'), [.., b'=']) => 1,
        (Some(b'`' | b'\''), [.., maker, version]) if is_suffix(*maker, *version) => 2,
        _ => 0,
    }
}

/// The shapes of two-byte suffixes: a maker's byte of punctuation and a version.
fn is_suffix(maker: u8, version: u8) -> bool {
    match maker {
        b'_' => matches!(version, b' ' | b'"' | b'#' | b'$' | b'%' | b'(' | b')' | b'0'..=b'9'),
        b'(' => matches!(version, b'5' | b'8'),
        b'|' => matches!(version, b'3' | b'4'),
        b'^' => version.is_ascii_alphabetic(),
        b'*' => matches!(version, b'v' | b'9'),
        b':' => matches!(version, b'2' | b'4' | b'8'),
        b'[' => version == b'1',
        b' ' => version == b'X',
        _ => false,
    }
}

/// Metres in `xxx}`: base-91, above 10,000 m below the sea.
fn altitude_of(form: &[u8]) -> Option<f64> {
    Some(f64::from(base91::number(form.strip_suffix(b"}").filter(|digits| digits.len() == 3)?)?) - 10_000.0)
}

/// Takes the altitude off the front of the text.
fn altitude<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) -> &'a [u8] {
    let Some((form, rest)) = take(text, 4) else { return text };
    let Some(metres) = altitude_of(form) else { return text };
    d.mark(Field::MicEAltitude, form);
    if metres <= HIGHEST_M {
        d.packet.altitude_m = Some(metres);
    } else {
        d.flag(Code::AltRange, form);
    }
    rest
}

/// Where an altitude stands later in the text, as some trackers send it. Only one that is possible: chance hits are not.
pub(crate) fn late_altitude(text: &[u8]) -> Option<(usize, f64)> {
    let mut from = 0;
    while let Some(brace) = memchr::memchr(b'}', text.get(from..)?).map(|at| from + at) {
        let found = brace.checked_sub(3).and_then(|start| Some((start, altitude_of(&text[start..=brace])?)));
        if let Some((start, metres)) = found
            && (-500.0..=HIGHEST_M).contains(&metres)
        {
            return Some((start, metres));
        }
        from = brace + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Packet, parse};

    fn read(line: &[u8]) -> Packet<'static> {
        parse(Box::leak(line.to_vec().into_boxed_slice())).expect("good")
    }

    /// A packet with these six destination characters and information bytes.
    fn made(destination: &str, info: &[u8]) -> Packet<'static> {
        read(&[b"OE9XXX-9>", destination.as_bytes(), b":", info].concat())
    }

    #[test]
    fn a_car_with_an_ftm_510() {
        let packet = read(b"OE9XXX-9>TW2RX5,WIDE1-1,qAR,OE9XYZ:`~<JrIK>/`\"8Z}Test_5");
        let position = packet.position.expect("has one");
        assert_eq!(((position.latitude * 1e6).round(), (position.longitude * 1e6).round()), (47_380_833.0, 8_541_000.0));
        assert_eq!((packet.kind, packet.mic_e_message, packet.messaging), (Kind::MicE, Some(MicEMessage::EnRoute), Some(true)));
        assert_eq!((packet.speed_kmh, packet.course_deg, packet.altitude_m), (Some(64.0 * 1.852), Some(147.0), Some(431.0)));
        assert_eq!(packet.symbol.map(|s| (s.table, s.code)), Some(('/', '>')));
        assert_eq!((packet.comment.to_string_lossy().as_ref(), packet.mic_e.expect("has").suffix), ("Test", Text(b"_5")));
    }

    #[test]
    fn altitude_of_the_specification() {
        assert_eq!(made("TW2RX5", b"`~<JrIK>/\"4T}").altitude_m, Some(61.0));
        let late = made("TW2RX5", b"`~<JrIK>/>hi \"4T}there {UIV32N}");
        assert_eq!((late.altitude_m, late.comment.to_string_lossy().as_ref()), (Some(61.0), "hi there {UIV32N}"));
        assert!(late.diagnostics.has(Code::AltLate));
        let beyond = made("TW2RX5", b"`~<JrIK>/]b4&}");
        assert!(beyond.altitude_m.is_none() && beyond.diagnostics.has(Code::AltRange));
    }

    #[test]
    fn longitudes_by_degree_byte() {
        for (offset, byte, degrees) in [
            (true, 118, 0),
            (true, 127, 9),
            (false, 38, 10),
            (false, 127, 99),
            (true, 108, 100),
            (true, 117, 109),
            (true, 38, 110),
            (true, 107, 179),
        ] {
            let destination = if offset { "TW2RX5" } else { "TW2R05" };
            let info = [b'`', byte, b'X', 28, b'r', b'I', b'K', b'>', b'/'];
            let position = made(destination, &info).position.expect("has one");
            assert_eq!(position.longitude, f64::from(degrees), "{byte}");
        }
    }

    #[test]
    fn speeds_and_courses_by_both_codings() {
        for (sp, dc, se, knots, course) in [
            (108, 28, 28, 0, None),
            (28, 28, 28, 0, None),
            (28, 32, 29, 0, Some(1)),
            (28 + 19, 28 + 93, 28 + 60, 199, Some(360)),
            (28 + 20, 28 + 3, 28 + 60, 200, Some(360)),
            (28 + 79, 28 + 97, 28 + 60, 799, Some(360)),
        ] {
            let packet = made("TW2RX5", &[b'`', b'~', b'<', b'J', sp, dc, se, b'>', b'/']);
            assert_eq!((packet.speed_kmh, packet.course_deg), (Some(f64::from(knots) * 1.852), course.map(f64::from)));
        }
    }

    #[test]
    fn messages_and_hemispheres() {
        use MicEMessage::{Custom, Emergency, OffDuty, Priority, Unknown};
        for (destination, message) in [
            ("TWRRX5", OffDuty),
            ("472RX5", Emergency),
            ("47RRX5", Priority),
            ("EHCRX5", Custom(0)),
            ("47CRX5", Custom(6)),
            ("TWCRX5", Unknown),
        ] {
            assert_eq!(made(destination, b"`~<JrIK>/").mic_e_message, Some(message), "{destination}");
        }
        let position = made("4722XU", b"`~<JrIK>/").position.expect("has one");
        assert!(position.latitude < 0.0 && position.longitude < 0.0);
    }

    #[test]
    fn ambiguity_cuts_both() {
        let position = made("TW2RZL", b"`~<JrIK>/").position.expect("has one");
        assert_eq!(
            (position.ambiguity, (position.latitude * 6000.0).round(), (position.longitude * 6000.0).round()),
            (2, 284_250.0, 51_250.0)
        );
    }

    #[test]
    fn radios_are_taken_out_of_the_comment() {
        for (text, comment, suffix) in [
            (">Hello=", "Hello", "="),
            (">Hello^", "Hello", "^"),
            ("]Hello=", "Hello", "="),
            ("]Hello", "Hello", ""),
            (">Kiev", "Kiev", ""),
            ("`Hello_ ", "Hello", "_ "),
            ("'Hello|3", "Hello", "|3"),
            ("]Hello=  ", "Hello", "="),
            (">Hello^ ", "Hello", "^"),
            ("`Hello_\"  ", "Hello", "_\""),
            ("`Hello_   ", "Hello", "_ "),
            ("`Hello_", "Hello", "_"),
            ("'Hello|3 ", "Hello", "|3"),
            (">Hello_ ", "Hello_ ", ""),
            ("`Hello  ", "Hello  ", ""),
            ("]   ", "  ", ""),
            ("'|\"#!&0P!'||3", "", "|3"),
            ("Hello", "Hello", ""),
        ] {
            let packet = made("TW2RX5", &[b"`~<JrIK>/", text.as_bytes()].concat());
            assert_eq!(
                (packet.comment.to_string_lossy().as_ref(), packet.mic_e.expect("has").suffix),
                (comment, Text(suffix.as_bytes())),
                "{text}"
            );
        }
    }

    #[test]
    fn old_telemetry_and_locator() {
        let two = made("TW2RX5", b"`~<JrIK>/`7F00").telemetry.expect("has one");
        assert_eq!((two.values[0], two.values[1], two.values[2]), (Some(127.0), None, Some(0.0)));
        let five = made("TW2RX5", b"`~<JrIK>/'0102030405").telemetry.expect("has one");
        assert_eq!(five.values, [1.0, 2.0, 3.0, 4.0, 5.0].map(Some));
        for word in ["Cafe", "BEAD", "12345"] {
            let packet = made("TW2RX5", &[b"`~<JrIK>/`", word.as_bytes()].concat());
            assert!(packet.telemetry.is_none() && packet.comment.to_string_lossy() == word, "{word}");
        }
        let locator = made("TW2RX5", b"`~<JrIK>/JN47GL/G hello");
        assert_eq!((locator.mic_e.expect("has").locator, locator.comment.to_string_lossy().as_ref()), (Some(Text(b"JN47GL")), "hello"));
    }

    #[test]
    fn damaged_packets_are_refused_with_the_reason() {
        let code = |line: &[u8]| parse(line).expect_err("refused").code;
        assert_eq!(code(b"OE9XXX>TTRW5:`~<JrIK>/"), Code::MiceDest);
        assert_eq!(code(b"OE9XXX>TW2MX5:`~<JrIK>/"), Code::MiceDest);
        assert_eq!(code(b"OE9XXX>TZ2RX5:`~<JrIK>/"), Code::MiceDest);
        assert_eq!(code(b"OE9XXX>TW2RX5:`~<JrIK>"), Code::MiceInfo);
        assert_eq!(code(b"OE9XXX>TW2RX5:`~<JrIK>]"), Code::MiceSymbol);
        assert_eq!(code(b"OE9XXX>TW2RX5:`~\x1aJrIK>/"), Code::MiceInfo);
        assert_eq!(code(b"OE9XXX>TW2RX5:`~<Jr\x83K>/"), Code::MiceInfo);
        assert_eq!(code(b"OE9XXX>tw2rx5:`~<JrIK>/"), Code::MiceDest);
    }

    #[test]
    fn lost_control_characters_leave_the_position() {
        let packet = made("S4PWYS", b"`vX_l >/]\"4-}hi=");
        let position = packet.position.expect("has one");
        assert!(packet.diagnostics.has(Code::MiceMangled) && position.latitude > 34.0);
        assert_eq!((packet.speed_kmh, packet.course_deg), (None, None));
        assert_eq!(packet.symbol.map(|s| (s.table, s.code)), Some(('/', '>')));
        assert_eq!(packet.comment.to_string_lossy(), "hi");
    }

    #[test]
    fn a_plain_position_in_the_text_counts_only_when_the_other_is_null() {
        let info = [b'`', 118, 88, 28, b'r', b'I', b'K', b'>', b'/'];
        let text = b"!4722.85N/00832.46E> hi";
        let null = made("PPPPPP", &[&[b'`', 118, 88, 28, b'r', b'I', b'K', b'>', b'/'], text.as_slice()].concat());
        assert!(null.diagnostics.has(Code::PosSecond));
        assert_eq!(null.position.map(|position| (position.latitude * 1e4).round()), Some(473_808.0));
        let other = made("TW2RX5", &[&info, text.as_slice()].concat());
        assert!(other.diagnostics.has(Code::PosSecond) && other.position.is_some_and(|p| p.format == PositionFormat::MicE));
    }

    #[test]
    fn noise_of_a_tm_d710_is_skipped() {
        let packet = made("TW2RX5", b"4P\0\x0f4T\0\x0f4X\0\x0f4\\\0`~<JrIK>/]hi=");
        assert!(packet.kind == Kind::MicE && packet.diagnostics.has(Code::TypeNoise));
        assert_eq!(packet.comment.to_string_lossy(), "hi");
    }
}
