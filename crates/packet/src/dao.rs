//! The `!DAO!` element (1.2 datum note): the datum, and more digits of latitude and longitude.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Trace};
use crate::{Field, PositionFormat};

/// What the two digits of a DAO are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DaoPrecision {
    /// Blanks: the datum only.
    DatumOnly,
    /// One more decimal digit each: thousandths of a minute.
    Digit,
    /// One base-91 digit each: a 91st of a hundredth of a minute.
    Base91,
}

/// Datum and added precision of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dao {
    /// Datum letter, upper case; `W` is WGS84. Other datums are named, not converted.
    pub datum: char,
    /// How precise.
    pub precision: DaoPrecision,
}

/// True if five bytes are `!DAO!`.
#[inline]
pub(crate) fn is_dao(bytes: &[u8]) -> bool {
    let &[b'!', datum, a, o, b'!'] = bytes else {
        return false;
    };
    match datum {
        b'A'..=b'Z' => (a.is_ascii_digit() && o.is_ascii_digit()) || (a == b' ' && o == b' '),
        b'a'..=b'z' => (matches!(a, b'!'..=b'{') && matches!(o, b'!'..=b'{')) || (a == b' ' && o == b' '),
        _ => false,
    }
}

/// Applies five bytes found by [`is_dao`]. Compressed and ambiguous positions keep their place.
pub(crate) fn apply<T: Trace>(d: &mut Decoder<'_, '_, T>, bytes: &[u8]) {
    d.mark(Field::Dao, bytes);
    let (datum, a, o) = (bytes[1], bytes[2], bytes[3]);
    let precision = match datum {
        _ if a == b' ' => DaoPrecision::DatumOnly,
        b'A'..=b'Z' => DaoPrecision::Digit,
        _ => DaoPrecision::Base91,
    };
    d.packet.dao = Some(Dao { datum: char::from(datum.to_ascii_uppercase()), precision });
    // Minutes each step adds, and metres it is.
    let (zero, step, resolution_m) = match precision {
        DaoPrecision::DatumOnly => return,
        DaoPrecision::Digit => (b'0', 0.001, 1.852),
        DaoPrecision::Base91 => (b'!', 0.01 / 91.0, 0.1852),
    };
    let Some(position) = &mut d.packet.position else {
        return;
    };
    // Compressed and NMEA positions have these digits already.
    if matches!(position.format, PositionFormat::Compressed | PositionFormat::Nmea) || position.ambiguity > 0 {
        d.flag(Code::DaoIgnored, bytes);
        return;
    }
    let away = |value: f64, digit: u8, limit: f64| {
        let moved = value.abs() + f64::from(digit - zero) * step / 60.0;
        moved.min(limit).copysign(value)
    };
    position.latitude = away(position.latitude, a, 90.0);
    position.longitude = away(position.longitude, o, 180.0);
    position.resolution_m = resolution_m;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn minutes(text: &str) -> (f64, f64) {
        let line = format!("OE9XXX-9>APRS:!4722.85S/00832.46E>{text}");
        let position = parse(line.as_bytes()).expect(text).position.expect(text);
        ((position.latitude.abs() - 47.0) * 60.0 - 22.85, (position.longitude - 8.0) * 60.0 - 32.46)
    }

    fn near(text: &str, expected: (f64, f64)) {
        let got = minutes(text);
        assert!((got.0 - expected.0).abs() < 1e-6 && (got.1 - expected.1).abs() < 1e-6, "{text}: {got:?}");
    }

    #[test]
    fn digits_and_base_91_move_away_from_zero() {
        near("!W47!", (0.004, 0.007));
        near("!w5k!", (20.0 / 9100.0, 74.0 / 9100.0));
        near("!W  !", (0.0, 0.0));
        near("!W00! and !W99!", (0.009, 0.009));
    }

    #[test]
    fn marks_that_only_look_alike_are_text() {
        for text in ["!SN!", "!EMERGENCY!", "!Wab!", "!123!"] {
            near(text, (0.0, 0.0));
        }
    }

    #[test]
    fn compressed_and_ambiguous_positions_do_not_move() {
        let compressed = parse(b"OE9XXX-9>APRS:=/0&RhTiV'>  !!W99!").expect("good");
        assert!(compressed.diagnostics.has(Code::DaoIgnored) && compressed.dao.is_some());
        let ambiguous = parse(b"OE9XXX-9>APRS:!4722.  N/00832.  E>!W99!").expect("good");
        assert_eq!(ambiguous.position.map(|p| (p.latitude * 6000.0).round()), Some(284_250.0));
    }
}
