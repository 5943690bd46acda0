//! What senders put into comments: altitude (chapter 6), base-91 telemetry, !DAO! (1.2 datum), PHG and range
//! (chapter 7). Each is lifted out once; what is left is the comment, as slices of the line.

use std::fmt;

use crate::{
    Packet, Telemetry, Text, telemetry,
    units::{KM_PER_MILE, METRES_PER_FOOT, base91, digits},
};

/// A comment: the pieces of the line left when all that was understood is lifted out.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Comment<'a> {
    parts: [&'a [u8]; 6],
}

impl<'a> Comment<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut comment = Self::default();
        comment.parts[0] = text;
        comment
    }

    /// The pieces in order.
    pub fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.parts.into_iter().filter(|part| !part.is_empty())
    }

    /// Whether nothing is left but blanks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().all(|part| part.trim_ascii().is_empty())
    }

    /// The bytes, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.parts().flatten().copied().collect()
    }

    /// Cuts `length` bytes at `at` out of a piece.
    fn cut(&mut self, piece: usize, at: usize, length: usize) -> &'a [u8] {
        let part = self.parts[piece];
        let (before, after) = (&part[..at], &part[at + length..]);
        let last = self.parts.len() - 1;
        if self.parts[last].is_empty() {
            self.parts.copy_within(piece..last, piece + 1);
            self.parts[piece] = before;
            self.parts[piece + 1] = after;
        }
        &part[at..at + length]
    }

    /// The first place where `find` says there is something, as (piece, offset, length).
    fn find(
        &self,
        find: impl Fn(&[u8]) -> Option<(usize, usize)>,
    ) -> Option<(usize, usize, usize)> {
        self.parts
            .iter()
            .enumerate()
            .find_map(|(piece, part)| find(part).map(|(at, length)| (piece, at, length)))
    }
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Text(&self.to_bytes()))
    }
}

impl fmt::Debug for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.to_bytes().escape_ascii())
    }
}

/// Power, effective antenna height above average terrain, gain and directivity (chapter 7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phg {
    /// Watts.
    pub power_w: u32,
    /// Metres above average terrain.
    pub height_m: f64,
    /// dBi.
    pub gain_db: u8,
    /// Degrees; `None` omnidirectional.
    pub directivity_deg: Option<u16>,
}

/// What !DAO! said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dao {
    /// The datum letter, as capital: `W` is WGS 84.
    pub datum: u8,
}

/// Reads a comment in the fixed order: altitude, telemetry, DAO, late extensions, one leading delimiter.
pub(crate) fn read<'a>(packet: &mut Packet<'a>, text: &'a [u8]) {
    let end = text
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n' | 0 | 0xff))
        .map_or(0, |last| last + 1);
    let mut comment = Comment::new(&text[..end]);
    if let Some((piece, at, length)) = comment.find(find_altitude) {
        let altitude = comment.cut(piece, at, length);
        packet.altitude_m = feet(&altitude[3..]).map(|feet| feet * METRES_PER_FOOT);
    }
    if let Some((piece, at, length)) = comment.find(telemetry::find_base91) {
        let bars = comment.cut(piece, at, length);
        packet.telemetry = Telemetry::from_base91(&bars[1..length - 1]);
    }
    if let Some((piece, at, length)) = comment.find(find_dao) {
        let dao = comment.cut(piece, at, length);
        apply_dao(packet, dao);
    }
    if packet.phg.is_none() && packet.range_km.is_none() {
        let late = comment.find(|part| {
            (0..part.len().saturating_sub(6))
                .find_map(|at| is_extension(&part[at..]).map(|length| (at, length)))
        });
        if let Some((piece, at, length)) = late {
            let extension = comment.cut(piece, at, length);
            signal_extension(packet, extension);
            packet.odd("extension_late", extension);
        }
    }
    if let Some(first) = comment.parts.iter_mut().find(|part| !part.is_empty())
        && matches!(first.first(), Some(b'/' | b' '))
    {
        *first = &first[1..];
    }
    packet.comment = comment;
}

/// `/A=` and six characters: digits, or a minus and five digits.
fn find_altitude(text: &[u8]) -> Option<(usize, usize)> {
    memchr::memmem::find_iter(text, b"/A=")
        .find(|at| {
            text.get(at + 3..at + 9)
                .is_some_and(|value| feet(value).is_some())
        })
        .map(|at| (at, 9))
}

fn feet(value: &[u8]) -> Option<f64> {
    match value.strip_prefix(b"-") {
        Some(rest) => digits(rest).map(|number| -f64::from(number)),
        None => digits(value).map(f64::from),
    }
}

/// The last valid `!DAO!`.
fn find_dao(text: &[u8]) -> Option<(usize, usize)> {
    text.windows(5)
        .rposition(|window| {
            window[0] == b'!'
                && window[4] == b'!'
                && match (window[1], &window[2..4]) {
                    (b'A'..=b'Z' | b'a'..=b'z', b"  ") => true,
                    (b'A'..=b'Z', precise) => precise.iter().all(u8::is_ascii_digit),
                    (b'a'..=b'z', precise) => precise.iter().all(|byte| base91(*byte).is_some()),
                    _ => false,
                }
        })
        .map(|at| (at, 5))
}

fn apply_dao<'a>(packet: &mut Packet<'a>, dao: &'a [u8]) {
    packet.dao = Some(Dao {
        datum: dao[1].to_ascii_uppercase(),
    });
    if &dao[2..4] == b"  " {
        return;
    }
    let Some(position) = packet.position.as_mut() else {
        return;
    };
    if position.format == crate::Format::Compressed || position.ambiguity > 0 {
        packet.odd("dao_ignored", dao);
        return;
    }
    // Minutes added away from zero: a further decimal digit, or a 91st of a hundredth.
    let (minutes, resolution_m): (fn(u8) -> f64, f64) = if dao[1].is_ascii_uppercase() {
        (|byte| f64::from(byte - b'0') / 1000.0, 1.852)
    } else {
        (|byte| f64::from(byte - b'!') / 9100.0, 0.2)
    };
    position.latitude += (minutes(dao[2]) / 60.0).copysign(position.latitude);
    position.longitude += (minutes(dao[3]) / 60.0).copysign(position.longitude);
    position.resolution_m = resolution_m;
}

/// The length of a PHG, RNG or DFS extension at the front.
fn is_extension(bytes: &[u8]) -> Option<usize> {
    let (name, value) = (bytes.get(..3)?, bytes.get(3..7)?);
    match name {
        b"PHG" => {
            let good = value[0].is_ascii_digit()
                && (b'0'..=b'~').contains(&value[1])
                && value[2].is_ascii_digit()
                && value[3].is_ascii_digit();
            let rated = bytes.get(8) == Some(&b'/') && bytes[7].is_ascii_alphanumeric();
            good.then_some(if rated { 9 } else { 7 })
        }
        b"RNG" | b"DFS" => value.iter().all(u8::is_ascii_digit).then_some(7),
        _ => None,
    }
}

/// Takes a PHG, RNG or DFS extension off the front.
pub(crate) fn signal_extension<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let length = is_extension(bytes)?;
    let value = &bytes[3..7];
    let digit = |at: usize| u32::from(value[at] - b'0');
    match &bytes[..3] {
        b"PHG" => {
            packet.phg = Some(Phg {
                power_w: digit(0) * digit(0),
                height_m: 10.0 * 2_f64.powf(f64::from(digit(1))) * METRES_PER_FOOT,
                gain_db: value[2] - b'0',
                directivity_deg: match value[3] - b'0' {
                    eighth @ 1..=8 => Some(u16::from(eighth) * 45),
                    _ => None,
                },
            });
        }
        b"RNG" => packet.range_km = digits(value).map(|miles| f64::from(miles) * KM_PER_MILE),
        _ => {}
    }
    Some(&bytes[length..])
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn comment(text: &str) -> (String, Option<f64>) {
        let line = format!("A1B>APRS:!4722.85N/00832.46E-{text}");
        let packet = parse(line.as_bytes()).expect("packet");
        (packet.comment.to_string(), packet.altitude_m)
    }

    #[test]
    fn altitude_is_lifted_out_wherever_it_stands() {
        assert_eq!(
            comment("/A=001414 hi"),
            ("hi".into(), Some(1414.0 * 0.3048))
        );
        assert_eq!(
            comment("up /A=-00167 there"),
            ("up  there".into(), Some(-167.0 * 0.3048))
        );
        for text in ["/A=12345", "/A=1234.5", "/A="] {
            assert_eq!(comment(text), (text[1..].into(), None));
        }
    }

    #[test]
    fn dao_moves_the_point_away_from_zero() {
        let packet = parse(b"A1B>APRS:!4722.85S/00832.46W-!W47!x").expect("packet");
        let position = packet.position.expect("position");
        assert!((position.latitude + (47.0 + 22.854 / 60.0)).abs() < 1e-9);
        assert!((position.longitude + (8.0 + 32.467 / 60.0)).abs() < 1e-9);
        assert_eq!(packet.comment.to_string(), "x");
        let packet = parse(b"A1B>APRS:!4722.85N/00832.46E-!w5k!").expect("packet");
        assert!(
            (packet.position.expect("position").latitude - (47.0 + (22.85 + 20.0 / 9100.0) / 60.0))
                .abs()
                < 1e-9
        );
        assert!(
            parse(b"A1B>APRS:!4722.85N/00832.46E-!SN!")
                .expect("packet")
                .dao
                .is_none()
        );
    }

    #[test]
    fn power_height_gain_at_the_front_and_late() {
        let phg = parse(b"A1B>APRS:!4722.85N/00832.46E#PHG5132/x")
            .expect("packet")
            .phg
            .expect("PHG");
        assert_eq!(
            (phg.power_w, phg.gain_db, phg.directivity_deg),
            (25, 3, Some(90))
        );
        assert!((phg.height_m - 20.0 * 0.3048).abs() < 1e-9);
        let late = parse(b"A1B>APRS:!4722.85N/00832.46E#digi PHG7360").expect("packet");
        assert_eq!(late.phg.expect("PHG").power_w, 49);
        assert!(late.diagnostics.contains("extension_late"));
        let both = parse(b"A1B>APRS:!4722.85N/00832.46E#000/000PHG2360").expect("packet");
        assert_eq!(
            (
                both.phg.expect("PHG").power_w,
                both.course_deg,
                both.speed_kmh
            ),
            (4, None, Some(0.0))
        );
    }

    #[test]
    fn latin_1_is_shown_not_replaced() {
        let packet = parse(b"A1B>APRS:!4722.85N/00832.46E-Z\xfcrich \x80").expect("packet");
        assert_eq!(packet.comment.to_string(), "Zürich €");
    }
}
