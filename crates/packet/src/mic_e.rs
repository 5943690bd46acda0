//! Mic-E (chapter 10): latitude and message type in the destination, the rest in binary.

use crate::{
    Format, Kind, Packet, ParseError, Position, comment, position,
    units::{KMH_PER_KNOT, base91},
};

/// The message type of a Mic-E packet: what the sender set the switch to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub enum MicEMessage {
    OffDuty,
    EnRoute,
    InService,
    Returning,
    Committed,
    Special,
    Priority,
    /// Custom 0..=6.
    Custom(u8),
    /// All bits zero: also what defaults and damaged packets say.
    Emergency,
    /// Standard and custom bits mixed.
    Unknown,
}

impl MicEMessage {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OffDuty => "off_duty",
            Self::EnRoute => "en_route",
            Self::InService => "in_service",
            Self::Returning => "returning",
            Self::Committed => "committed",
            Self::Special => "special",
            Self::Priority => "priority",
            Self::Custom(n) => [
                "custom_0", "custom_1", "custom_2", "custom_3", "custom_4", "custom_5", "custom_6",
            ][usize::from(n.min(6))],
            Self::Emergency => "emergency",
            Self::Unknown => "unknown",
        }
    }
}

/// One character of the destination.
struct Digit {
    /// `None`: a blank, for ambiguity.
    value: Option<u8>,
    /// The message bit: `Some(true)` standard, `Some(false)` custom.
    bit: Option<bool>,
}

fn digit(byte: u8) -> Option<Digit> {
    Some(match byte {
        b'0'..=b'9' => Digit {
            value: Some(byte - b'0'),
            bit: None,
        },
        b'A'..=b'J' => Digit {
            value: Some(byte - b'A'),
            bit: Some(false),
        },
        b'K' => Digit {
            value: None,
            bit: Some(false),
        },
        b'L' => Digit {
            value: None,
            bit: None,
        },
        b'P'..=b'Y' => Digit {
            value: Some(byte - b'P'),
            bit: Some(true),
        },
        b'Z' => Digit {
            value: None,
            bit: Some(true),
        },
        _ => return None,
    })
}

/// `` ` ``, `'`, 0x1C, 0x1D.
pub(crate) fn report<'a>(
    packet: &mut Packet<'a>,
    data_type: u8,
    body: &'a [u8],
) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::MicE;
    let at = &packet.raw[packet.source.len() + 1..];
    let destination = packet
        .destination
        .split('-')
        .next()
        .unwrap_or_default()
        .as_bytes();
    let bad_destination = packet.bad("mic_e_destination", at);
    let Ok(six) = <[u8; 6]>::try_from(destination) else {
        return Err(bad_destination);
    };
    let Some(digits) = six
        .iter()
        .map(|byte| digit(*byte))
        .collect::<Option<Vec<_>>>()
        .and_then(|list| <[Digit; 6]>::try_from(list).ok())
    else {
        return Err(bad_destination);
    };
    // Custom digits (A-K) mean something in the first three places only.
    if digits[3..].iter().any(|digit| digit.bit == Some(false)) {
        return Err(bad_destination);
    }
    if body.len() < 8 {
        return Err(packet.bad("mic_e_short", body));
    }
    let (latitude, ambiguity) = latitude(&digits).ok_or(bad_destination)?;
    let south = digits[3].bit.is_none();
    let longitude = longitude(body, digits[4].bit.is_some(), ambiguity)
        .ok_or_else(|| packet.bad("mic_e_range", &body[..3]))?;
    let west = digits[5].bit.is_some();
    packet.symbol =
        position::symbol(packet, body[7], body[6], &body[6..7]).map_err(|error| ParseError {
            code: "mic_e_symbol",
            ..error
        })?;
    packet.position = Some(Position {
        latitude: if south { -latitude } else { latitude },
        longitude: if west { -longitude } else { longitude },
        ambiguity,
        resolution_m: 1852.0 * [0.01, 0.1, 1.0, 10.0, 60.0][usize::from(ambiguity)],
        format: Format::MicE,
    });
    speed_and_course(packet, body);
    packet.mic_e_message = Some(message(&digits));
    packet.messaging = Some(data_type == b'`');
    text(packet, &body[8..]);
    Ok(())
}

fn latitude(digits: &[Digit; 6]) -> Option<(f64, u8)> {
    let blank = digits
        .iter()
        .rev()
        .take_while(|digit| digit.value.is_none())
        .count();
    if blank > 4
        || digits[..6 - blank]
            .iter()
            .any(|digit| digit.value.is_none())
    {
        return None;
    }
    let value = |index: usize| f64::from(digits[index].value.unwrap_or(0));
    let minutes = value(2) * 10.0
        + value(3)
        + value(4) / 10.0
        + value(5) / 100.0
        + [0.0, 0.05, 0.5, 5.0, 30.0][blank];
    let degrees = value(0) * 10.0 + value(1);
    (minutes < 60.0 && degrees + minutes / 60.0 <= 90.0)
        .then(|| (degrees + minutes / 60.0, u8::try_from(blank).unwrap_or(4)))
}

fn longitude(body: &[u8], offset: bool, ambiguity: u8) -> Option<f64> {
    let field = |index: usize| {
        body[index]
            .checked_sub(28)
            .filter(|value| *value < 100)
            .map(u16::from)
    };
    let mut degrees = field(0)? + if offset { 100 } else { 0 };
    match degrees {
        180..=189 => degrees -= 80,
        190..=199 => degrees -= 190,
        _ => {}
    }
    let minutes = field(1)? % 60;
    if degrees > 179 || field(1)? > 69 {
        return None;
    }
    let hundredths = f64::from(minutes) * 100.0 + f64::from(field(2)?);
    let unit = [1.0, 10.0, 100.0, 1000.0, 6000.0][usize::from(ambiguity)];
    let centre = if ambiguity == 0 {
        hundredths
    } else {
        (hundredths / unit).floor() * unit + unit / 2.0
    };
    Some(f64::from(degrees) + centre / 6000.0)
}

fn speed_and_course<'a>(packet: &mut Packet<'a>, body: &'a [u8]) {
    let field = |index: usize| {
        body[index]
            .checked_sub(28)
            .filter(|value| *value < 100)
            .map(u16::from)
    };
    let (Some(tens), Some(mixed), Some(units)) = (field(3), field(4), field(5)) else {
        packet.odd("mic_e_range", &body[3..6]);
        return;
    };
    let mut knots = tens * 10 + mixed / 10;
    if knots >= 800 {
        knots -= 800;
    }
    let mut course = mixed % 10 * 100 + units;
    if course >= 400 {
        course -= 400;
    }
    packet.speed_kmh = Some((f64::from(knots) * KMH_PER_KNOT) as f32);
    if course > 360 {
        packet.odd("course_range", &body[4..6]);
    }
    packet.course_deg = Some(course).filter(|course| (1..=360).contains(course));
}

fn message(digits: &[Digit; 6]) -> MicEMessage {
    let bits = [digits[0].bit, digits[1].bit, digits[2].bit];
    let number = bits
        .iter()
        .fold(0_u8, |number, bit| number * 2 + u8::from(bit.is_some()));
    if number == 0 {
        return MicEMessage::Emergency;
    }
    let standard = bits.contains(&Some(true));
    match (standard, bits.contains(&Some(false))) {
        (true, true) => MicEMessage::Unknown,
        (false, _) => MicEMessage::Custom(7 - number),
        (true, false) => {
            use MicEMessage::{
                Committed, EnRoute, InService, OffDuty, Priority, Returning, Special,
            };
            [
                OffDuty, EnRoute, InService, Returning, Committed, Special, Priority,
            ][usize::from(7 - number)]
        }
    }
}

/// The text: type byte, altitude, device suffix, then a comment like any other.
fn text<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n' | 0xff))
        .map_or(0, |last| last + 1);
    let mut rest = &bytes[..end];
    let type_byte = rest
        .first()
        .copied()
        .filter(|byte| matches!(byte, b' ' | b'>' | b']' | b'`' | b'\''));
    if type_byte.is_some() {
        rest = &rest[1..];
    }
    if rest.len() >= 4
        && rest[3] == b'}'
        && let Some(value) = rest[..3]
            .iter()
            .try_fold(0_u32, |number, byte| Some(number * 91 + base91(*byte)?))
    {
        let metres = f64::from(value) - 10_000.0;
        packet.altitude_m = Some(metres).filter(|metres| (-10_000.0..=50_000.0).contains(metres));
        rest = &rest[4..];
    }
    // Device suffixes (1.2 addendum, mic-e-types): two bytes after ` or ', one after > or ].
    let suffix = match type_byte {
        Some(b'`' | b'\'') if rest.len() >= 2 && is_suffix(&rest[rest.len() - 2..]) => 2,
        Some(b'>' | b']') if matches!(rest.last(), Some(b'=' | b'^' | b'&')) => 1,
        _ => 0,
    };
    rest = &rest[..rest.len() - suffix];
    if type_byte == Some(b'\'') {
        packet.messaging = Some(false);
    } else if type_byte.is_some_and(|byte| byte != b' ') {
        packet.messaging = Some(true);
    }
    let (mic_e_altitude, had) = (packet.altitude_m, packet.altitude_m.is_some());
    comment::read(packet, rest);
    if had {
        packet.altitude_m = mic_e_altitude;
    }
}

fn is_suffix(pair: &[u8]) -> bool {
    match pair[0] {
        b'_' => matches!(
            pair[1],
            b' ' | b'"' | b'#' | b'$' | b'%' | b'(' | b')' | b'0'..=b'9'
        ),
        b'(' => matches!(pair[1], b'5' | b'8'),
        b'|' => matches!(pair[1], b'3' | b'4'),
        b'*' => matches!(pair[1], b'v' | b'9'),
        b':' => matches!(pair[1], b'2' | b'4' | b'8'),
        b'^' => pair[1] == b'v',
        b'[' => pair[1] == b'1',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{MicEMessage, parse};

    #[test]
    fn a_modern_radio() {
        let packet =
            parse(b"OE9XXX-9>TW2RX5,WIDE1-1,qAR,OE9XYZ:`~<JrIK>/`\"8Z}Test_5").expect("packet");
        let position = packet.position.expect("position");
        assert!(
            (position.latitude - 47.380_833).abs() < 1e-5
                && (position.longitude - 8.541).abs() < 1e-5,
            "{position:?}"
        );
        assert_eq!(
            packet.speed_kmh.map(|speed| (speed / 1.852).round()),
            Some(64.0)
        );
        assert_eq!(
            (packet.course_deg, packet.mic_e_message),
            (Some(147), Some(MicEMessage::EnRoute))
        );
        assert_eq!(
            (packet.altitude_m, packet.messaging),
            (Some(431.0), Some(true))
        );
        assert_eq!(packet.comment.to_string(), "Test");
    }

    #[test]
    fn longitudes_with_their_odd_offsets() {
        for (byte, offset, degrees) in [
            (118_u8, 'P', 0.0),
            (127, 'P', 9.0),
            (38, '0', 10.0),
            (127, '0', 99.0),
            (108, 'P', 100.0),
            (117, 'P', 109.0),
            (38, 'P', 110.0),
            (107, 'P', 179.0),
        ] {
            let mut line = format!("A1B>TW2R{offset}0:`").into_bytes();
            line.extend([byte, 28 + 60, 28, 28, 28, 28, b'>', b'/']);
            let position = parse(&line).expect("packet").position.expect("position");
            assert!(
                (position.longitude - degrees).abs() < 1e-6,
                "{byte} {offset}: {}",
                position.longitude
            );
        }
    }

    #[test]
    fn broken_ones_are_refused() {
        for (line, code) in [
            ("A1B>TTRW5:`~<JrIK>/", "mic_e_destination"),
            ("A1B>TW2RX5:`~<JrI", "mic_e_short"),
            ("A1B>TW2RX5:`~<JrIK>x", "mic_e_symbol"),
            ("A1B>TW2AX5:`~<JrIK>/", "mic_e_destination"),
        ] {
            assert_eq!(
                parse(line.as_bytes()).expect_err(line).code(),
                code,
                "{line}"
            );
        }
    }
}
