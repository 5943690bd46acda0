//! NMEA sentences (chapter 6): RMC, GGA, GLL, VTG and WPL of any talker.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::position::RESOLUTION_M;
use crate::signal::number;
use crate::text::digits;
use crate::{Field, Position, PositionFormat, Text, Timestamp, TimestampForm, comment, symbol};

const KMH_PER_KNOT: f64 = 1.852;
/// Sentences read in one packet; more is text.
const SENTENCES: usize = 2;

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, info: &'a [u8]) -> Outcome {
    let mut rest = info;
    for _ in 0..SENTENCES {
        if rest.first() != Some(&b'$') {
            break;
        }
        rest = sentence(d, rest)?;
    }
    if d.packet.symbol.is_none() && d.packet.position.is_some() {
        d.packet.symbol = symbol::from_addresses(d.packet.destination.as_str(), d.packet.source.as_str());
        if d.packet.symbol.is_some() {
            d.flag(Code::SymbolDefault, &info[..0]);
        }
    }
    comment::decode(d, rest);
    Ok(())
}

/// True for an address field: five capital letters or digits, or `P` and a maker's code of three or more.
fn is_address(field: &[u8]) -> bool {
    let is_word = field.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_word && (field.len() == 5 || field.len() >= 4 && field[0] == b'P')
}

/// Reads one sentence and returns what follows it.
fn sentence<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8]) -> Outcome<&'a [u8]> {
    let end = text.iter().position(|byte| matches!(byte, b'*' | b'\r' | b'\n')).unwrap_or(text.len());
    let mut after = &text[end..];
    if let [b'*', a, b, rest @ ..] = after
        && let Some(sent) = std::str::from_utf8(&[*a, *b]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
    {
        let sum = text[1..end].iter().fold(0, |sum, byte| sum ^ byte);
        if sum != sent {
            return Err(d.refuse(Code::NmeaChecksum, after));
        }
        after = rest;
    } else if after.first() == Some(&b'*') {
        return Err(d.refuse(Code::NmeaForm, after));
    }
    d.mark(Field::Nmea, &text[..text.len() - after.len()]);
    let mut fields: [&[u8]; 20] = [&[]; 20];
    for (place, field) in fields.iter_mut().zip(text[1..end].split(|&byte| byte == b',')) {
        *place = field;
    }
    if !is_address(fields[0]) {
        return Err(d.refuse(Code::NmeaForm, text));
    }
    let kind = fields[0].get(fields[0].len().saturating_sub(3)..).unwrap_or_default();
    if fields[0].len() != 5 {
        return Ok(after);
    }
    match kind {
        b"RMC" => rmc(d, &fields),
        b"GGA" => gga(d, &fields),
        b"GLL" => {
            time_of_day(d, fields[5]);
            if fields[6].first() == Some(&b'V') {
                d.flag(Code::NmeaNofix, text);
            } else {
                place(d, &fields[1..5])?;
            }
            Ok(())
        }
        b"VTG" => {
            d.packet.course_deg = number(fields[1]).filter(|&degrees| degrees > 0.0 && degrees <= 360.0);
            d.packet.speed_kmh = number(fields[5]).filter(|&knots| knots >= 0.0).map(|knots| knots * KMH_PER_KNOT);
            Ok(())
        }
        b"WPL" => {
            d.packet.name = Some(Text(fields[5]));
            place(d, &fields[1..5])
        }
        _ => Ok(()),
    }?;
    Ok(after)
}

fn rmc<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, fields: &[&'a [u8]; 20]) -> Outcome {
    if let (Some(time), Some(date)) = (fields[1].get(..6).and_then(digits), fields[9].get(..6).and_then(digits)) {
        let pair = |value: u32, place: u32| u8::try_from(value / place % 100).unwrap_or(0);
        let year = u16::from(pair(date, 1));
        let stamp = Timestamp {
            text: fields[1],
            form: TimestampForm::Full,
            year: if year < 70 { 2000 + year } else { 1900 + year },
            month: pair(date, 100),
            day: pair(date, 10_000),
            hour: pair(time, 10_000),
            minute: pair(time, 100),
            second: pair(time, 1),
        };
        if stamp.hour < 24 && stamp.minute < 60 && stamp.second < 60 {
            d.packet.timestamp = Some(stamp);
        }
    }
    if fields[2] != b"A" {
        d.flag(Code::NmeaNofix, fields[2]);
        return Ok(());
    }
    place(d, &fields[3..7])?;
    let speed = number(fields[7]).filter(|&knots| (0.0..10_000.0).contains(&knots));
    d.packet.speed_kmh = speed.map(|knots| knots * KMH_PER_KNOT);
    // A receiver that stands still says 0, which is then no course.
    d.packet.course_deg = number(fields[8]).filter(|&degrees| (0.0..=360.0).contains(&degrees)).and_then(|degrees| match degrees {
        0.0 if speed.is_none_or(|knots| knots == 0.0) => None,
        0.0 => Some(360.0),
        other => Some(other),
    });
    Ok(())
}

fn gga<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, fields: &[&'a [u8]; 20]) -> Outcome {
    time_of_day(d, fields[1]);
    if matches!(fields[6], b"" | b"0") {
        d.flag(Code::NmeaNofix, fields[6]);
        return Ok(());
    }
    place(d, &fields[2..6])?;
    if fields[10] == b"M" || fields[10].is_empty() {
        d.packet.altitude_m = number(fields[9]).filter(|metres| (-10_000.0..=50_000.0).contains(metres));
    }
    Ok(())
}

/// `HHMMSS` without date, unless a date is known already.
fn time_of_day<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, field: &'a [u8]) {
    let Some(value) = field.get(..6).and_then(digits).filter(|_| d.packet.timestamp.is_none()) else {
        return;
    };
    let pair = |place: u32| u8::try_from(value / place % 100).unwrap_or(u8::MAX);
    let (hour, minute, second) = (pair(10_000), pair(100), pair(1));
    if hour < 24 && minute < 60 && second < 60 {
        let form = TimestampForm::HourMinuteSecond;
        d.packet.timestamp = Some(Timestamp { text: field, form, year: 0, month: 0, day: 0, hour, minute, second });
    }
}

/// Latitude, its hemisphere, longitude, its hemisphere.
fn place<T: Trace>(d: &mut Decoder<'_, '_, T>, fields: &[&[u8]]) -> Outcome {
    let refuse = |d: &Decoder<'_, '_, T>| d.refuse(Code::NmeaForm, fields[0]);
    let south = match fields[1] {
        b"N" => false,
        b"S" => true,
        _ => return Err(refuse(d)),
    };
    let west = match fields[3] {
        b"E" => false,
        b"W" => true,
        _ => return Err(refuse(d)),
    };
    let (Some((latitude, places)), Some((longitude, _))) = (degrees(fields[0]), degrees(fields[2])) else {
        return Err(refuse(d));
    };
    if latitude > 90.0 || longitude > 180.0 {
        return Err(d.refuse(Code::PosRange, fields[0]));
    }
    if latitude == 0.0 && longitude == 0.0 {
        d.flag(Code::PosNull, fields[0]);
        return Ok(());
    }
    if d.packet.position.is_none() {
        d.packet.position = Some(Position {
            latitude: if south { -latitude } else { latitude },
            longitude: if west { -longitude } else { longitude },
            ambiguity: 0,
            resolution_m: RESOLUTION_M[2] / 10_f64.powi(places),
            format: PositionFormat::Nmea,
        });
    }
    Ok(())
}

/// `(d)ddmm.mmm` as degrees, and how many decimals the minutes have.
fn degrees(text: &[u8]) -> Option<(f64, i32)> {
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    if !(3..=5).contains(&point) || text.len() > 14 {
        return None;
    }
    let whole = digits(&text[..point])?;
    let decimals = text.get(point + 1..).unwrap_or_default();
    let fraction = if decimals.is_empty() { 0 } else { digits(decimals)? };
    let places = i32::try_from(decimals.len()).ok()?;
    let minutes = f64::from(whole % 100) + f64::from(fraction) / 10_f64.powi(places);
    (minutes < 60.0).then(|| (f64::from(whole / 100) + minutes / 60.0, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Packet, parse};

    fn read(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>GPSMV:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    #[test]
    fn rmc_and_gga() {
        let rmc = read("$GPRMC,101530,A,6012.330,N,02456.304,E,027.0,232.0,231126,,*1F");
        let position = rmc.position.expect("has one");
        assert_eq!(((position.latitude * 1e6).round(), (position.longitude * 1e6).round()), (60_205_500.0, 24_938_400.0));
        assert_eq!((rmc.kind, rmc.course_deg, rmc.speed_kmh), (Kind::Nmea, Some(232.0), Some(27.0 * 1.852)));
        // 2026-11-23 10:15:30 UTC, whenever received.
        assert_eq!(rmc.timestamp.and_then(|time| time.resolve(0)), Some(1_795_428_930_000_000));
        assert_eq!(rmc.symbol.map(|s| (s.table, s.code)), Some(('/', '>')));
        let gga = read("$GPGGA,101530,4722.850,N,00832.460,E,1,08,0.9,431.0,M,47.9,M,,*4C");
        assert_eq!((gga.altitude_m, gga.position.map(|p| (p.latitude * 1e6).round())), (Some(431.0), Some(47_380_833.0)));
    }

    #[test]
    fn no_fix_is_no_position_and_a_wrong_checksum_is_refused() {
        let none = read("$GPRMC,101530,V,6012.330,N,02456.304,E,027.0,232.0,231126,,");
        assert!(none.position.is_none() && none.diagnostics.has(Code::NmeaNofix));
        assert_eq!(
            parse(b"OE9XXX>APRS:$GPRMC,101530,A,6012.330,N,02456.304,E,027.0,232.0,231126,,*00").expect_err("bad").code,
            Code::NmeaChecksum
        );
        assert_eq!(parse(b"OE9XXX>APRS:$3tXJkPA").expect_err("no sentence").code, Code::NmeaForm);
        let cut = b"OE9XXX>APRS:$GPRMC,14,A,6012.330,N,02456.304,E,027.0,232.0,120, W * 0";
        assert_eq!(parse(cut).expect_err("cut").code, Code::NmeaForm);
        assert!(read("$GPGGA,101530,4722.850,N,00832.460,E,0,08,0.9,431.0,M,47.9,M,,").position.is_none());
    }

    #[test]
    fn waypoints_and_other_talkers() {
        let waypoint = read("$GPWPL,4722.850,N,00832.460,E,CAMP");
        assert_eq!(waypoint.name.expect("named"), "CAMP");
        assert!(read("$GNRMC,101530,A,6012.330,S,02456.304,W,0.0,0.0,231126,,").position.expect("one").latitude < 0.0);
        assert_eq!(read("$PMGNST,02.12,3").kind, Kind::Nmea);
        assert!(waypoint.diagnostics.has(Code::SymbolDefault));
        let bare = parse(b"OE9XXX>APRS:$GPWPL,4722.850,N,00832.460,E,CAMP").expect("good");
        assert!(bare.symbol.is_none() && !bare.diagnostics.has(Code::SymbolDefault), "none was taken from the addresses");
        let gll = read("$GPGLL,2554.459,N,08020.187,W,154027.281,A");
        assert!(gll.position.is_some() && gll.timestamp.is_some_and(|time| (time.hour, time.second) == (15, 27)));
    }
}
