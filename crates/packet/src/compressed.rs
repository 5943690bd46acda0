//! Compressed positions (chapter 9): base-91 latitude and longitude, and two bytes of course and speed, altitude or
//! range.

use crate::base91;
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::position;
use crate::{Field, Position, PositionFormat};

/// Bytes of a compressed position: table 1, latitude 4, longitude 4, code 1, cs 2, type 1.
const LEN: usize = 13;
const KMH_PER_KNOT: f64 = 1.852;
const RESOLUTION_M: f64 = 0.291;

/// Powers of 1.08, for speed and range.
const POWERS: [f64; 91] = {
    let mut table = [1.0; 91];
    let mut exponent = 1;
    while exponent < 91 {
        table[exponent] = table[exponent - 1] * 1.08;
        exponent += 1;
    }
    table
};

/// True if 13 bytes of a valid compressed position start here.
pub(crate) fn is_complete(body: &[u8]) -> bool {
    body.len() >= LEN && base91::number(&body[1..5]).is_some() && base91::number(&body[5..9]).is_some() && is_tail(&body[9..LEN])
}

/// True for a printable symbol code and three bytes that are base-91 or blank (or anything behind a blank course byte).
fn is_tail(tail: &[u8]) -> bool {
    let [0x21..0x7F, cst @ ..] = tail else { return false };
    cst.first() == Some(&b' ') || cst.iter().all(|&byte| byte == b' ' || base91::digit(byte).is_some())
}

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<&'a [u8]> {
    if body.len() < LEN {
        return Err(d.refuse(Code::CompShort, body));
    }
    let (Some(y), Some(x)) = (base91::number(&body[1..5]), base91::number(&body[5..9])) else {
        return Err(d.refuse(Code::PosFormat, &body[1..9]));
    };
    if !is_tail(&body[9..LEN]) {
        return Err(d.refuse(Code::PosFormat, &body[9..LEN]));
    }
    let latitude = 90.0 - f64::from(y) / 380_926.0;
    let longitude = -180.0 + f64::from(x) / 190_463.0;
    if latitude < -90.0 || longitude > 180.0 {
        return Err(d.refuse(Code::PosRange, &body[1..9]));
    }
    d.mark(Field::SymbolTable, &body[..1]);
    d.mark(Field::Latitude, &body[1..5]);
    d.mark(Field::Longitude, &body[5..9]);
    d.mark(Field::SymbolCode, &body[9..10]);
    let table = match body[0] {
        letter @ b'a'..=b'j' => letter - b'a' + b'0',
        other => other,
    };
    position::symbol(d, &[table], &body[9..10]);
    if latitude.abs() < 1e-5 && longitude.abs() < 1e-5 {
        d.flag(Code::PosNull, &body[1..9]);
    } else {
        let format = PositionFormat::Compressed;
        d.packet.position = Some(Position { latitude, longitude, ambiguity: 0, resolution_m: RESOLUTION_M, format });
    }
    course_speed_altitude_range(d, &body[10..13]);
    Ok(&body[LEN..])
}

/// The three bytes after the symbol code. With a weather symbol they are wind, in the same form.
fn course_speed_altitude_range<T: Trace>(d: &mut Decoder<'_, '_, T>, cst: &[u8]) {
    // A blank anywhere says that there is nothing more.
    let (Some(c), Some(s), Some(kind)) = (base91::digit(cst[0]), base91::digit(cst[1]), base91::digit(cst[2])) else {
        d.mark(Field::Padding, cst);
        return;
    };
    d.mark(Field::CompressedCs, &cst[..2]);
    d.mark(Field::CompressedType, &cst[2..3]);
    if kind > 63 {
        d.flag(Code::CompTBits, &cst[2..3]);
    }
    if kind & 0x18 == 0x10 {
        d.packet.altitude_m = Some(1.002_f64.powi(i32::try_from(c * 91 + s).unwrap_or(0)) * 0.3048);
        return;
    }
    let power = POWERS[usize::try_from(s).unwrap_or(0)];
    if c == 90 {
        d.packet.range_km = Some(2.0 * power * 1.609_344);
        return;
    }
    d.packet.course_deg = Some(if c == 0 { 360.0 } else { f64::from(c) * 4.0 });
    d.packet.speed_kmh = Some((power - 1.0) * KMH_PER_KNOT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn body(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>APRS:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    fn near(value: Option<f64>, expected: f64, by: f64) {
        assert!((value.expect("has a value") - expected).abs() < by, "{value:?} is not {expected}");
    }

    #[test]
    fn course_and_speed() {
        let packet = body("=/0&RhTiV'>[L[");
        near(packet.position.map(|p| p.latitude), 60.205_50, 1e-5);
        near(packet.position.map(|p| p.longitude), 24.938_40, 1e-5);
        near(packet.course_deg, 232.0, 1e-9);
        near(packet.speed_kmh, 26.4 * 1.852, 0.1);
        assert_eq!(packet.symbol.map(|s| (s.table, s.code)), Some(('/', '>')));
    }

    #[test]
    fn altitude_range_or_nothing() {
        let altitude = body("=/0&RhTiV'>MqS");
        near(altitude.altitude_m, 1066.0, 0.5);
        assert_eq!((altitude.course_deg, altitude.speed_kmh), (None, None));
        near(body("=/0&RhTiV'#{?!").range_km, 20.1 * 1.609_344, 0.1);
        let nothing = body("=/0&RhTiV'-  !");
        assert_eq!((nothing.course_deg, nothing.altitude_m, nothing.range_km), (None, None, None));
        assert!(body("=/0&RhTiV'>{qS").altitude_m.is_some(), "GGA comes before range");
    }

    #[test]
    fn course_byte_zero_is_north() {
        near(body("=/0&RhTiV'>!L[").course_deg, 360.0, 1e-9);
        near(body("=/0&RhTiV'>zL[").course_deg, 356.0, 1e-9);
    }

    #[test]
    fn overlay_letters_stand_for_digits_and_length_is_thirteen() {
        assert_eq!(body("=d0&RhTiV'#  !").symbol.map(|s| s.table), Some('3'));
        assert_eq!(parse(b"OE9XXX>APRS:=/0&RhTiV'> !").expect_err("12 bytes").code, Code::CompShort);
        assert_eq!(parse(b"OE9XXX>APRS:=/0&R TiV'>  !").expect_err("blank inside").code, Code::PosFormat);
        assert_eq!(parse(b"OE9XXX>APRS:=/0&RhTiV'b\xa0\xfcS").expect_err("no base 91").code, Code::PosFormat);
        assert_eq!(parse(b"OE9XXX>APRS:=/0&RhTiV'\x0e  !").expect_err("no symbol").code, Code::PosFormat);
        assert!(body("=/0&RhTiV'>[L\x7a").diagnostics.has(Code::CompTBits));
    }
}
