//! Positions, plain (chapters 6 and 8) and compressed (chapter 9), and what follows them: extension and comment.

use crate::{
    Comment, Kind, Packet, ParseError, Symbol, comment, time,
    units::{KM_PER_MILE, KMH_PER_KNOT, METRES_PER_FOOT, base91, digits},
    weather,
};

/// The form that a position was sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Plain,
    Compressed,
    MicE,
    Nmea,
    Grid,
}

impl Format {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compressed => "compressed",
            Self::MicE => "mic_e",
            Self::Nmea => "nmea",
            Self::Grid => "grid",
        }
    }
}

/// Where. An ambiguous position is the centre of the area that it may be in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Degrees north, -90..=90.
    pub latitude: f64,
    /// Degrees east, -180..=180.
    pub longitude: f64,
    /// Digits left out at the end, 0..=4 (chapter 6).
    pub ambiguity: u8,
    /// Metres that the form can tell apart.
    pub resolution_m: f64,
    /// The form.
    pub format: Format,
}

/// Metres of a whole minute of latitude.
const METRES_PER_MINUTE: f64 = 1852.0;

/// `!`, `=`, `/`, `@`: a position report.
pub(crate) fn report<'a>(
    packet: &mut Packet<'a>,
    data_type: u8,
    body: &'a [u8],
) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Position;
    packet.messaging = Some(matches!(data_type, b'=' | b'@'));
    let mut rest = body;
    if matches!(data_type, b'/' | b'@') {
        // Some senders leave the time out; a time starts with six digits and ends in a letter or slash.
        match time::take(rest) {
            Some((timestamp, after)) => {
                packet.timestamp = timestamp;
                if timestamp.is_none() {
                    packet.odd("time_bad", &rest[..7]);
                }
                rest = after;
            }
            None => packet.odd("time_missing", &rest[..0]),
        }
    }
    located(packet, rest)
}

/// A position with all that may follow it.
pub(crate) fn located<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Result<(), ParseError<'a>> {
    let compressed = bytes
        .first()
        .is_some_and(|byte| matches!(byte, b'/' | b'\\' | b'A'..=b'Z' | b'a'..=b'j'));
    let rest = if compressed {
        compressed_position(packet, bytes)?
    } else {
        plain_position(packet, bytes)?
    };
    if packet.symbol.is_some_and(|symbol| symbol.code == b'_') {
        return {
            weather::with_position(packet, rest);
            Ok(())
        };
    }
    let rest = if compressed {
        rest
    } else {
        extensions(packet, rest)
    };
    if weather::looks_like(rest) {
        weather::fields_behind(packet, rest);
        return Ok(());
    }
    comment::read(packet, rest);
    Ok(())
}

/// `DDMM.hhN` table `DDDMM.hhE` code: 19 bytes.
fn plain_position<'a>(
    packet: &mut Packet<'a>,
    bytes: &'a [u8],
) -> Result<&'a [u8], ParseError<'a>> {
    if bytes.len() < 19 {
        return Err(packet.bad("position_short", bytes));
    }
    let (latitude, north) = (&bytes[..7], bytes[7]);
    let (longitude, east) = (&bytes[9..17], bytes[17]);
    let south = match north {
        b'N' | b'n' => false,
        b'S' | b's' => true,
        _ => return Err(packet.bad("position_format", &bytes[7..8])),
    };
    let west = match east {
        b'E' | b'e' => false,
        b'W' | b'w' => true,
        _ => return Err(packet.bad("position_format", &bytes[17..18])),
    };
    if north.is_ascii_lowercase() || east.is_ascii_lowercase() {
        packet.odd("hemisphere_case", &bytes[7..8]);
    }
    let ambiguity =
        ambiguity(latitude).ok_or_else(|| packet.bad("position_ambiguity", latitude))?;
    let latitude_deg =
        degrees(latitude, 2, ambiguity).ok_or_else(|| packet.bad("position_format", latitude))?;
    let longitude_deg =
        degrees(longitude, 3, ambiguity).ok_or_else(|| packet.bad("position_format", longitude))?;
    if latitude_deg > 90.0 || longitude_deg > 180.0 {
        return Err(packet.bad("position_range", latitude));
    }
    packet.symbol = symbol(packet, bytes[8], bytes[18], &bytes[8..9])?;
    packet.position = Some(Position {
        latitude: if south { -latitude_deg } else { latitude_deg },
        longitude: if west { -longitude_deg } else { longitude_deg },
        ambiguity,
        resolution_m: METRES_PER_MINUTE * [0.01, 0.1, 1.0, 10.0, 60.0][usize::from(ambiguity)],
        format: Format::Plain,
    });
    Ok(&bytes[19..])
}

/// How many digits are blank at the end of `DDMM.hh`; `None` if blanks stand elsewhere.
fn ambiguity(latitude: &[u8]) -> Option<u8> {
    let significant = [latitude[2], latitude[3], latitude[5], latitude[6]];
    let blank = significant
        .iter()
        .rev()
        .take_while(|byte| **byte == b' ')
        .count();
    significant[..4 - blank]
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| u8::try_from(blank).unwrap_or(4))
}

/// `DDMM.hh` or `DDDMM.hh` to degrees: digits below the ambiguity count as their middle.
pub(crate) fn degrees(text: &[u8], width: usize, ambiguity: u8) -> Option<f64> {
    let whole = digits(&text[..width])?;
    if text[width + 2] != b'.' {
        return None;
    }
    let mut hundredths = 0_u32;
    let places = [
        text[width],
        text[width + 1],
        text[width + 3],
        text[width + 4],
    ];
    for (index, byte) in places.iter().enumerate() {
        let blanked = index + usize::from(ambiguity) >= 4;
        let digit = match byte {
            _ if blanked => 0,
            b'0'..=b'9' => u32::from(byte - b'0'),
            _ => return None,
        };
        hundredths = hundredths * 10 + digit;
    }
    let middle = [0.0, 5.0, 50.0, 500.0, 3000.0][usize::from(ambiguity)];
    (hundredths < 6000).then(|| f64::from(whole) + (f64::from(hundredths) + middle) / 6000.0)
}

pub(crate) fn symbol<'a>(
    packet: &Packet<'a>,
    table: u8,
    code: u8,
    at: &'a [u8],
) -> Result<Option<Symbol>, ParseError<'a>> {
    if !matches!(table, b'/' | b'\\' | b'0'..=b'9' | b'A'..=b'Z') {
        return Err(packet.bad("symbol_table", at));
    }
    if !(b'!'..=b'~').contains(&code) {
        return Err(packet.bad("symbol_code", at));
    }
    Ok(Some(Symbol { table, code }))
}

/// table YYYY XXXX code c s T: 13 bytes.
fn compressed_position<'a>(
    packet: &mut Packet<'a>,
    bytes: &'a [u8],
) -> Result<&'a [u8], ParseError<'a>> {
    if bytes.len() < 13 {
        return Err(packet.bad("compressed_short", bytes));
    }
    let number = |part: &[u8]| {
        part.iter()
            .try_fold(0_u32, |number, byte| Some(number * 91 + base91(*byte)?))
    };
    let y = number(&bytes[1..5]).ok_or_else(|| packet.bad("compressed_digit", &bytes[1..5]))?;
    let x = number(&bytes[5..9]).ok_or_else(|| packet.bad("compressed_digit", &bytes[5..9]))?;
    let latitude = 90.0 - f64::from(y) / 380_926.0;
    let longitude = -180.0 + f64::from(x) / 190_463.0;
    if latitude < -90.0 || longitude > 180.0 {
        return Err(packet.bad("position_range", &bytes[1..9]));
    }
    let table = match bytes[0] {
        digit @ b'a'..=b'j' => digit - b'a' + b'0',
        other => other,
    };
    packet.symbol = symbol(packet, table, bytes[9], &bytes[..1])?;
    packet.position = Some(Position {
        latitude,
        longitude,
        ambiguity: 0,
        resolution_m: 0.29,
        format: Format::Compressed,
    });
    let (c, s, t) = (bytes[10], bytes[11], bytes[12]);
    if c != b' ' && s != b' ' && t != b' ' {
        course_speed_or_more(packet, c, s, t);
    }
    Ok(&bytes[13..])
}

/// The cs bytes: altitude, range, or course and speed, by the T byte (chapter 9).
fn course_speed_or_more(packet: &mut Packet<'_>, c: u8, s: u8, t: u8) {
    let (Some(high), Some(low)) = (base91(c), base91(s)) else {
        return;
    };
    let origin = t.wrapping_sub(33) & 0x3f;
    if origin & 0b11000 == 0b10000 {
        packet.altitude_m = Some(1.002_f64.powf(f64::from(high * 91 + low)) * METRES_PER_FOOT);
    } else if c == b'{' {
        packet.range_km = Some(2.0 * 1.08_f64.powf(f64::from(low)) * KM_PER_MILE);
    } else {
        let course = u16::try_from(high * 4).unwrap_or(0);
        packet.course_deg = Some(if course == 0 { 360 } else { course });
        packet.speed_kmh = Some(((1.08_f64.powf(f64::from(low)) - 1.0) * KMH_PER_KNOT) as f32);
    }
}

/// Data extensions right after a plain position (chapter 7): course and speed, then PHG, RNG or DFS.
pub(crate) fn extensions<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> &'a [u8] {
    let mut rest = bytes;
    if let Some((course, speed)) = course_and_speed(rest) {
        packet.course_deg = course.filter(|course| (1..=360).contains(course));
        packet.speed_kmh = speed.map(|knots| (f64::from(knots) * KMH_PER_KNOT) as f32);
        if course.is_some_and(|course| course > 360) {
            packet.odd("course_range", &rest[..3]);
        }
        rest = &rest[7..];
    }
    comment::signal_extension(packet, rest).unwrap_or(rest)
}

/// `CCC/SSS`: three digits, dots or blanks each.
pub(crate) fn course_and_speed(bytes: &[u8]) -> Option<(Option<u16>, Option<u16>)> {
    let field = |part: &[u8]| -> Option<Option<u16>> {
        if part == b"..." || part == b"   " {
            return Some(None);
        }
        digits(part)
            .and_then(|number| u16::try_from(number).ok())
            .map(Some)
    };
    if bytes.len() < 7 || bytes[3] != b'/' {
        return None;
    }
    Some((field(&bytes[..3])?, field(&bytes[4..7])?))
}

/// `[GRID]comment` (chapter 5, obsolete).
pub(crate) fn grid<'a>(packet: &mut Packet<'a>, body: &'a [u8]) {
    packet.kind = Kind::Grid;
    let end = memchr::memchr(b']', body).unwrap_or(0);
    packet.position = locator(&body[..end]);
    packet.comment = Comment::new(if packet.position.is_some() {
        &body[end + 1..]
    } else {
        body
    });
}

/// The centre of a Maidenhead square of 4 or 6 characters.
pub(crate) fn locator(text: &[u8]) -> Option<Position> {
    let letter = |byte: u8, last: u8| {
        let byte = byte.to_ascii_uppercase();
        (b'A'..=last)
            .contains(&byte)
            .then(|| f64::from(byte - b'A'))
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| f64::from(byte - b'0'));
    let (mut longitude, mut latitude) = match text.len() {
        4 | 6 => (
            letter(text[0], b'R')? * 20.0 + digit(text[2])? * 2.0,
            letter(text[1], b'R')? * 10.0 + digit(text[3])?,
        ),
        _ => return None,
    };
    let resolution_m = if text.len() == 6 {
        longitude += (letter(text[4], b'X')? + 0.5) / 12.0;
        latitude += (letter(text[5], b'X')? + 0.5) / 24.0;
        4600.0
    } else {
        longitude += 1.0;
        latitude += 0.5;
        111_000.0
    };
    Some(Position {
        latitude: latitude - 90.0,
        longitude: longitude - 180.0,
        ambiguity: 0,
        resolution_m,
        format: Format::Grid,
    })
}

/// Text of no known data type: a `!` position within the first 40 bytes counts (chapter 5, X1J headers).
pub(crate) fn anywhere(packet: &mut Packet<'_>) {
    let info = packet.info;
    if let Some(at) = memchr::memchr(b'!', &info[..info.len().min(40)]) {
        let mut attempt = packet.clone();
        if located(&mut attempt, &info[at + 1..]).is_ok() {
            attempt.kind = Kind::Position;
            attempt.messaging = Some(false);
            attempt.odd("position_late", &info[..at]);
            *packet = attempt;
            return;
        }
    }
    packet.comment = Comment::new(info);
}

#[cfg(test)]
mod tests {
    use crate::{Format, parse};

    fn near(value: Option<f64>, expected: f64) {
        assert!(
            (value.expect("value") - expected).abs() < 2e-5,
            "{value:?} is not {expected}"
        );
    }

    #[test]
    fn plain() {
        let packet = parse(
            b"OE9XXX-9>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ:!4722.85N/00832.46E>147/064/A=001414Hello",
        )
        .expect("packet");
        let position = packet.position.expect("position");
        near(Some(position.latitude), 47.380_833);
        near(Some(position.longitude), 8.541);
        assert_eq!(
            (packet.course_deg, packet.messaging),
            (Some(147), Some(false))
        );
        assert!((packet.speed_kmh.expect("speed") - 118.528).abs() < 0.01);
        near(packet.altitude_m, 430.987_2);
        assert_eq!(packet.comment.to_string(), "Hello");
    }

    #[test]
    fn ambiguity_is_an_area_and_its_centre_is_given() {
        for (text, ambiguity, latitude) in [
            ("4722.8 N/00832.4 E-", 1, 47.0 + 22.85 / 60.0),
            ("4722.  N/00832.  E-", 2, 47.0 + 22.5 / 60.0),
            ("472 .  N/0083 .  E-", 3, 47.0 + 25.0 / 60.0),
            ("47  .  N/008  .  E-", 4, 47.5),
        ] {
            let line = format!("A1B>APRS:!{text}");
            let position = parse(line.as_bytes())
                .expect("packet")
                .position
                .expect("position");
            assert_eq!(position.ambiguity, ambiguity);
            near(Some(position.latitude), latitude);
        }
        assert_eq!(
            parse(b"A1B>APRS:!47 2.85N/00832.46E-")
                .expect_err("hole")
                .code(),
            "position_ambiguity"
        );
    }

    #[test]
    fn compressed() {
        let packet = parse(b"A1B>APRS:!/5L!!<*e7>7P[").expect("the example of chapter 9");
        let position = packet.position.expect("position");
        near(Some(position.latitude), 49.5);
        near(Some(position.longitude), -72.75);
        assert_eq!(
            (packet.course_deg, position.format),
            (Some(88), Format::Compressed)
        );
        assert!((packet.speed_kmh.expect("speed") - 36.2 * 1.852).abs() < 0.1);
        let packet = parse(b"A1B>APRS:=/0&RhTiV'>MqS").expect("altitude");
        near(packet.altitude_m.map(f64::round), 1066.0);
        let packet = parse(b"A1B>APRS:=/0&RhTiV'#{?!").expect("range");
        assert!((packet.range_km.expect("range") / 1.609_344 - 20.1).abs() < 0.1);
        assert_eq!(
            parse(b"A1B>APRS:=/0&RhTiV'>").expect_err("short").code(),
            "compressed_short"
        );
    }

    #[test]
    fn what_is_broken_is_refused_where_it_breaks() {
        for (line, code, offset) in [
            ("A1B>APRS:!4722.85X/00832.46E-", "position_format", 17),
            ("A1B>APRS:!4762.85N/00832.46E-", "position_format", 10),
            ("A1B>APRS:!9122.85N/00832.46E-", "position_range", 10),
            ("A1B>APRS:!4722.85N$00832.46E-", "symbol_table", 18),
            ("A1B>APRS:!4722.85N/0083", "position_short", 10),
        ] {
            let error = parse(line.as_bytes()).expect_err(line);
            assert_eq!(
                (error.code(), error.offset(), error.source()),
                (code, offset, Some("A1B")),
                "{line}"
            );
        }
    }

    #[test]
    fn a_time_may_be_missing_and_an_old_header_before_the_position() {
        let packet = parse(b"A1B>APRS:/4722.85N/00832.46E-").expect("packet");
        assert!(packet.timestamp.is_none() && packet.diagnostics.contains("time_missing"));
        let packet = parse(b"A1B>ID:TheNet X1J4 (NODE)!4722.85N/00832.46E#").expect("packet");
        assert!(packet.position.is_some() && packet.diagnostics.contains("position_late"));
        assert!(
            parse(b"A1B>ID:A1B/R just text!")
                .expect("text")
                .position
                .is_none()
        );
    }
}
