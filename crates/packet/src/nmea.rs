//! Raw GPS sentences (chapter 5, NMEA 0183): RMC, GGA and GLL give a position; others are kept as they are.

use crate::{Comment, Format, Kind, Packet, ParseError, Position, units::KMH_PER_KNOT};

/// `$` talker, type, fields, perhaps `*` and a checksum, then a comment.
pub(crate) fn report<'a>(packet: &mut Packet<'a>, body: &'a [u8]) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Nmea;
    let star = memchr::memchr(b'*', body);
    let sentence = &body[..star.unwrap_or(body.len())];
    if let Some(star) = star {
        let sum = body
            .get(star + 1..star + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if sum != Some(sentence.iter().fold(0, |sum, byte| sum ^ byte)) {
            return Err(packet.bad("nmea_checksum", &body[star..]));
        }
        packet.comment = Comment::new(&body[star + 3..]);
    }
    let mut fields = [&b""[..]; 16];
    for (slot, field) in fields.iter_mut().zip(sentence.split(|byte| *byte == b',')) {
        *slot = field;
    }
    let (at, fixed) = match fields[0].get(2..) {
        Some(b"RMC") => (3, fields[2] == b"A"),
        Some(b"GGA") => (2, fields[6] != b"0" && !fields[6].is_empty()),
        Some(b"GLL") => (1, fields[6] != b"V"),
        _ => return Ok(()),
    };
    if !fixed {
        packet.odd("nmea_no_fix", sentence);
        return Ok(());
    }
    let latitude = coordinate(fields[at], fields[at + 1], 90.0)
        .ok_or_else(|| packet.bad("position_format", fields[at]))?;
    let longitude = coordinate(fields[at + 2], fields[at + 3], 180.0)
        .ok_or_else(|| packet.bad("position_format", fields[at + 2]))?;
    packet.position = Some(Position {
        latitude,
        longitude,
        ambiguity: 0,
        resolution_m: 1.852,
        format: Format::Nmea,
    });
    match fields[0].get(2..) {
        Some(b"RMC") => {
            packet.speed_kmh = number(fields[7]).map(|knots| (knots * KMH_PER_KNOT) as f32);
            packet.course_deg = number(fields[8])
                .map(f64::round)
                .filter(|course| (1.0..=360.0).contains(course))
                .map(|course| course as u16);
        }
        Some(b"GGA") => packet.altitude_m = number(fields[9]).filter(|_| fields[10] == b"M"),
        _ => {}
    }
    Ok(())
}

fn number(text: &[u8]) -> Option<f64> {
    let plain = text.len() <= 15
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if plain {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}

/// `ddmm.mmm` and a hemisphere to degrees.
fn coordinate(text: &[u8], hemisphere: &[u8], most: f64) -> Option<f64> {
    let value = number(text).filter(|value| *value >= 0.0)?;
    let degrees = (value / 100.0).floor();
    let minutes = value - degrees * 100.0;
    let total = degrees + minutes / 60.0;
    if minutes >= 60.0 || total > most {
        return None;
    }
    match (hemisphere, most > 100.0) {
        (b"N", false) | (b"E", true) => Some(total),
        (b"S", false) | (b"W", true) => Some(-total),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn sentences_with_and_without_a_fix() {
        let packet =
            parse(b"A1B>GPSMV:$GPRMC,101530,A,6012.330,N,02456.304,E,027.0,232.0,231126,,*1F")
                .expect("packet");
        let position = packet.position.expect("position");
        assert!(
            (position.latitude - 60.2055).abs() < 1e-6
                && (position.longitude - 24.9384).abs() < 1e-6
        );
        assert_eq!(
            (packet.course_deg, packet.speed_kmh),
            (Some(232), Some(50.004))
        );
        let packet =
            parse(b"A1B>GPSMV:$GPGGA,101530,4722.850,N,00832.460,E,1,08,0.9,431.0,M,47.9,M,,*4C")
                .expect("packet");
        assert_eq!(packet.altitude_m, Some(431.0));
        let lost = parse(b"A1B>GPSMV:$GPRMC,101530,V,6012.330,N,02456.304,E,027.0,232.0,231126,,")
            .expect("packet");
        assert!(lost.position.is_none() && lost.diagnostics.contains("nmea_no_fix"));
        assert_eq!(
            parse(b"A1B>GPSMV:$GPRMC,101530,A,6012.330,N,02456.304,E,027.0,232.0,231126,,*00")
                .expect_err("sum")
                .code(),
            "nmea_checksum"
        );
    }
}
