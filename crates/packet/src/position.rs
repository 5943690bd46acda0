//! Positions in plain text (chapters 6 and 8), and what surrounds every position: time, symbol, extension, comment.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Position, PositionFormat, Symbol, Timestamp, comment, compressed, extension, storm, weather};

/// Bytes of a plain position: latitude 8, table 1, longitude 9, code 1.
const PLAIN_LEN: usize = 19;
/// Half the cell an ambiguity of 0 to 4 leaves, hundredths of a minute.
const HALF_CELL: [i32; 5] = [0, 5, 50, 500, 3000];
/// What is left of hundredths of a minute after cutting 0 to 4 digits.
const STEP: [i32; 5] = [1, 10, 100, 1000, 6000];
/// Metres of latitude one step of an ambiguity of 0 to 4 is.
pub(crate) const RESOLUTION_M: [f64; 5] = [18.52, 185.2, 1852.0, 18_520.0, 111_120.0];

/// Reads the body of `! = / @`.
#[inline]
pub(crate) fn report<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, data_type: u8, body: &'a [u8]) -> Outcome {
    d.packet.messaging = Some(matches!(data_type, b'=' | b'@'));
    let body = if matches!(data_type, b'/' | b'@') { time_before_position(d, body)? } else { body };
    let rest = coordinates(d, body)?;
    after(d, rest);
    Ok(())
}

/// Takes the timestamp in front of a position. A wrong one is flagged; one that is left out is forgiven.
#[inline]
pub(crate) fn time_before_position<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<&'a [u8]> {
    let Some((text, rest)) = crate::text::take(body, 7) else {
        return Err(d.refuse(Code::PosFormat, body));
    };
    if let Some(time) = Timestamp::seven(text) {
        d.mark(Field::Timestamp, text);
        d.packet.timestamp = Some(time);
        return Ok(rest);
    }
    // What follows a real but wrong time can look compressed by chance; a plain position hardly can.
    let is_plain = |part: &[u8]| part.first().is_some_and(u8::is_ascii_digit) && is_complete(part);
    if is_plain(body) || is_complete(body) && !is_complete(rest) && !is_plain(rest.get(1..).unwrap_or_default()) {
        d.flag(Code::TimeOdd, &body[..0]);
        return Ok(body);
    }
    if let Some(time) = Timestamp::eight(body).filter(|_| is_complete(&body[8..])) {
        d.mark(Field::Timestamp, &body[..8]);
        d.flag(Code::TimeOdd, &body[..8]);
        d.packet.timestamp = Some(time);
        return Ok(&body[8..]);
    }
    let len = if !is_plain(rest) && is_plain(body.get(8..).unwrap_or_default()) { 8 } else { 7 };
    d.mark(Field::Timestamp, &body[..len]);
    d.flag(Code::TimeBad, &body[..len]);
    Ok(&body[len..])
}

/// True if a whole valid position starts here; for places where one may or may not be.
pub(crate) fn is_complete(body: &[u8]) -> bool {
    match body.first() {
        Some(b'0'..=b'9') => body.len() >= PLAIN_LEN && (usual_values(body).is_some() || plain_values(body).is_ok()),
        Some(b'/' | b'\\' | b'A'..=b'Z' | b'a'..=b'j') => compressed::is_complete(body),
        _ => false,
    }
}

/// Reads a plain or compressed position with its symbol and returns what follows.
#[inline(always)]
pub(crate) fn coordinates<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<&'a [u8]> {
    match body.first() {
        Some(b'/' | b'\\' | b'A'..=b'Z' | b'a'..=b'j') => compressed::decode(d, body),
        _ => plain(d, body),
    }
}

/// What follows the symbol of any plain or compressed position.
#[inline]
pub(crate) fn after<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8]) {
    let is_weather = d.packet.symbol.is_some_and(|symbol| symbol.code == '_');
    let is_plain = d.packet.position.is_none_or(|position| position.format == PositionFormat::Plain);
    let rest = if is_weather {
        weather::behind_position(d, rest, is_plain)
    } else {
        let rest = extension::decode(d, rest, is_plain);
        weather::behind_other_symbol(d, rest)
    };
    comment::decode(d, rest);
    if T::ON {
        mark_kept(d);
    }
}

/// Marks what stays in the text but has a meaning of its own.
fn mark_kept<T: Trace>(d: &mut Decoder<'_, '_, T>) {
    let comment = d.packet.comment;
    if d.packet.outline().is_some()
        && let Some(text) = comment.pieces().next()
        && let Some(at) = storm::outline_start(text)
    {
        d.mark(Field::Outline, &text[at + 1..]);
    }
}

#[derive(Debug, PartialEq)]
struct PlainValues {
    /// Latitude and longitude, hundredths of a minute, sign applied.
    latitude: i32,
    longitude: i32,
    ambiguity: u8,
    lower_case: bool,
}

#[inline(always)]
fn plain<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<&'a [u8]> {
    if body.len() < PLAIN_LEN {
        return Err(d.refuse(Code::PosFormat, body));
    }
    let values = match usual_values(body) {
        Some(values) => values,
        None => plain_values(body).map_err(|(code, at)| d.refuse(code, &body[at..]))?,
    };
    d.mark(Field::Latitude, &body[..8]);
    d.mark(Field::SymbolTable, &body[8..9]);
    d.mark(Field::Longitude, &body[9..18]);
    d.mark(Field::SymbolCode, &body[18..19]);
    if values.lower_case {
        d.flag(Code::HemisphereCase, &body[7..18]);
    }
    symbol(d, &body[8..9], &body[18..19]);
    if values.latitude == 0 && values.longitude == 0 {
        d.flag(Code::PosNull, &body[..18]);
    } else {
        d.packet.position = Some(Position {
            latitude: f64::from(values.latitude) / 6000.0,
            longitude: f64::from(values.longitude) / 6000.0,
            ambiguity: values.ambiguity,
            resolution_m: RESOLUTION_M[usize::from(values.ambiguity)],
            format: PositionFormat::Plain,
        });
    }
    Ok(&body[PLAIN_LEN..])
}

/// Sets the symbol. A reserved code is taken and flagged; one that is not printable leaves the packet without symbol.
#[inline]
pub(crate) fn symbol<T: Trace>(d: &mut Decoder<'_, '_, T>, table: &[u8], code: &[u8]) {
    if !(0x21..=0x7B).contains(&code[0]) && code[0] != b'}' {
        d.flag(Code::SymbolReserved, code);
        if !(0x21..=0x7E).contains(&code[0]) {
            return;
        }
    }
    d.packet.symbol = Some(Symbol { table: char::from(table[0]), code: char::from(code[0]) });
}

/// True for `/ \ 0-9 A-Z`.
#[inline]
pub(crate) fn is_table(table: u8) -> bool {
    matches!(table, b'/' | b'\\' | b'0'..=b'9' | b'A'..=b'Z')
}

/// The value of four minute digits (two each side of the point), of which the last `blanks` are left out: their places
/// may hold blanks and, with `or_digits`, digits that do not count.
#[inline]
fn minutes(digits: [u8; 4], blanks: u8, or_digits: bool) -> Option<i32> {
    let mut value = 0;
    for (at, byte) in digits.into_iter().enumerate() {
        let is_digit = byte.is_ascii_digit();
        let is_left_out = at + usize::from(blanks) >= 4;
        if !(is_digit && (!is_left_out || or_digits) || byte == b' ' && is_left_out) {
            return None;
        }
        value = value * 10 + if is_digit && !is_left_out { i32::from(byte - b'0') } else { 0 };
    }
    Some(value)
}

/// Degrees of two or three digits.
#[inline]
fn degrees(bytes: &[u8]) -> Option<i32> {
    let mut value = 0;
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i32::from(digit);
    }
    Some(value)
}

/// The centre of the area that hundredths of a minute cut at `level` leave, with the limit of the degrees applied.
#[inline]
pub(crate) fn centre(degrees: i32, hundredths: i32, level: u8, limit: i32) -> Option<i32> {
    let level = usize::from(level);
    let cut = hundredths - hundredths % STEP[level];
    let value = degrees * 6000 + cut + HALF_CELL[level];
    (hundredths < 6000 && value <= limit * 6000).then_some(value)
}

/// `DDMM.hh` and a letter, all digits there: the hundredths of a minute and the letter.
#[inline(always)]
fn exact(text: [u8; 8]) -> Option<(i32, u8)> {
    let word = u64::from_le_bytes(text);
    // Digits become 0 to 9 and the point 0; what the second number adds sets the highest bit of all else.
    let low = (word ^ u64::from_le_bytes(*b"0000.00\0")) & 0x00FF_FFFF_FFFF_FFFF;
    let beyond = low | low.wrapping_add(0x0076_767F_7676_7676);
    if beyond & 0x0080_8080_8080_8080 != 0 {
        return None;
    }
    // Every byte becomes ten times itself and the next one, which no byte is too small for.
    let pairs = low.wrapping_mul(10).wrapping_add(low >> 8);
    let pair = |at: u32| (pairs >> (8 * at) & 0xFF) as i32;
    let hundredths = pair(2) * 100 + pair(5);
    (hundredths < 6000).then_some((pair(0) * 6000 + hundredths, text[7]))
}

/// The usual position: every digit there, upper case, in range. All else is left to [`plain_values`].
#[inline(always)]
fn usual_values(body: &[u8]) -> Option<PlainValues> {
    let (latitude, north) = exact(*body.first_chunk()?)?;
    let (minutes, east) = exact(*body.get(10..)?.first_chunk()?)?;
    let hundreds = body[9].wrapping_sub(b'0');
    let longitude = i32::from(hundreds) * 600_000 + minutes;
    if hundreds > 1 || latitude > 90 * 6000 || longitude > 180 * 6000 || !is_table(body[8]) {
        return None;
    }
    let latitude = match north {
        b'N' => latitude,
        b'S' => -latitude,
        _ => return None,
    };
    let longitude = match east {
        b'E' => longitude,
        b'W' => -longitude,
        _ => return None,
    };
    Some(PlainValues { latitude, longitude, ambiguity: 0, lower_case: false })
}

/// Reads the 19 bytes of a plain position; an error says why and at which byte.
#[cold]
fn plain_values(body: &[u8]) -> Result<PlainValues, (Code, usize)> {
    let &[a, b, m1, m2, p1, h1, h2, ns, table, x, y, z, n1, n2, p2, i1, i2, ew, _, ..] = body else {
        return Err((Code::PosFormat, 0));
    };
    let south = match ns {
        b'N' | b'n' => false,
        b'S' | b's' => true,
        _ => return Err((Code::PosFormat, 7)),
    };
    let west = match ew {
        b'E' | b'e' => false,
        b'W' | b'w' => true,
        _ => return Err((Code::PosFormat, 17)),
    };
    if p1 != b'.' || p2 != b'.' {
        return Err((Code::PosFormat, if p1 == b'.' { 14 } else { 4 }));
    }
    if !is_table(table) {
        return Err((Code::SymbolTable, 8));
    }
    let latitude_degrees = degrees(&[a, b]).ok_or((Code::PosFormat, 0))?;
    let longitude_degrees = degrees(&[x, y, z]).ok_or((Code::PosFormat, 9))?;
    // The latitude gives the level; what the longitude has in those places does not count, blank or not.
    let places = [m1, m2, h1, h2];
    let level = places.iter().rev().take_while(|&&byte| byte == b' ').count() as u8;
    let refused = |places: [u8; 4], at| {
        let ambiguous = places.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ');
        (if ambiguous { Code::PosAmbiguity } else { Code::PosFormat }, at)
    };
    let latitude = minutes(places, level, false).ok_or_else(|| refused(places, 2))?;
    let places = [n1, n2, i1, i2];
    let longitude = minutes(places, level, true).ok_or_else(|| refused(places, 12))?;
    let sign = |negative, value: i32| if negative { -value } else { value };
    let latitude = centre(latitude_degrees, latitude, level, 90).ok_or((Code::PosRange, 0))?;
    let longitude = centre(longitude_degrees, longitude, level, 180).ok_or((Code::PosRange, 9))?;
    Ok(PlainValues {
        latitude: sign(south, latitude),
        longitude: sign(west, longitude),
        ambiguity: level,
        lower_case: (ns | ew) & 0x20 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Packet, ParseError, parse};

    fn body(info: &str) -> Result<Packet<'static>, ParseError<'static>> {
        parse(Box::leak(format!("OE9XXX-9>APRS:{info}").into_bytes().into_boxed_slice()))
    }

    fn place(info: &str) -> (f64, f64, u8) {
        let position = body(info).expect(info).position.expect(info);
        ((position.latitude * 1e6).round() / 1e6, (position.longitude * 1e6).round() / 1e6, position.ambiguity)
    }

    fn refusal(info: &str) -> Code {
        body(info).expect_err(info).code
    }

    #[test]
    fn all_hemispheres_poles_and_date_line() {
        assert_eq!(place("!4722.85N/00832.46E>"), (47.380833, 8.541, 0));
        assert_eq!(place("=4722.85S/00832.46W>"), (-47.380833, -8.541, 0));
        assert_eq!(place("!9000.00N/18000.00W>"), (90.0, -180.0, 0));
        assert_eq!(place("!9000.00S/18000.00E>"), (-90.0, 180.0, 0));
        assert_eq!(place("!4722.85n/00832.46e>").0, 47.380833);
        assert!(body("!4722.85n/00832.46e>").expect("taken").diagnostics.has(Code::HemisphereCase));
    }

    #[test]
    fn ambiguity_is_an_area_and_its_centre_is_given() {
        assert_eq!(place("!5132.47N/00007.50W-"), (51.541167, -0.125, 0));
        assert_eq!(place("!5132.4 N/00007.5 W-"), (51.540833, -0.125833, 1));
        assert_eq!(place("!5132.  N/00007.  W-"), (51.541667, -0.125, 2));
        assert_eq!(place("!513 .  N/0000 .  W-"), (51.583333, -0.083333, 3));
        assert_eq!(place("!51  .  N/000  .  W-"), (51.5, -0.5, 4));
        for longitude in ["00007.59W", "00007. 5W", "00007.5 W"] {
            assert_eq!(place(&format!("!5132.  N/{longitude}-")), (51.541667, -0.125, 2));
        }
        assert_eq!(body("!5132.  N/00007.  W-").expect("good").position.expect("has one").resolution_m, 1852.0);
    }

    #[test]
    fn the_quick_way_gives_what_the_careful_way_gives() {
        for info in ["4722.85N/00832.46E>", "9000.00S/18000.00W>", "0000.01N\\09959.99E-", "5959.99NA17959.99W#"] {
            let quick = usual_values(info.as_bytes()).expect(info);
            assert_eq!(Ok(quick), plain_values(info.as_bytes()), "{info}");
        }
        // One byte at a time made wrong or merely unusual: never read by one and refused by the other.
        for at in 0..PLAIN_LEN {
            for byte in 0..=u8::MAX {
                let mut body = *b"4722.85N/00832.46E>";
                body[at] = byte;
                if let Some(quick) = usual_values(&body) {
                    assert_eq!(Ok(quick), plain_values(&body), "{byte:#x} at {at}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_position_is_refused_with_the_reason() {
        assert_eq!(refusal("!51 2.4 N/00007.5 W-"), Code::PosAmbiguity);
        assert_eq!(refusal("!5132.47N/00007.  W-"), Code::PosAmbiguity);
        assert_eq!(refusal("!5132.  N/0000 .  W-"), Code::PosAmbiguity);
        assert_eq!(refusal("!5160.00N/00007.50W-"), Code::PosRange);
        assert_eq!(refusal("!9000.01N/00007.50W-"), Code::PosRange);
        assert_eq!(refusal("!5132.47N/18000.01W-"), Code::PosRange);
        assert_eq!(refusal("!5132,47N/00007.50W-"), Code::PosFormat);
        assert_eq!(refusal("!5132.47N/7716.33W-xxxxx"), Code::PosFormat);
        assert_eq!(refusal("!05132.47N/00007.50W-"), Code::PosFormat);
        assert_eq!(refusal("!5132.47N$00007.50W-"), Code::SymbolTable);
        assert_eq!(refusal("!5132.47N/00007.50"), Code::PosFormat);
        let error = body("!5132.47N/00007.50X-").expect_err("refused");
        assert_eq!((error.offset, error.kind), (32, Some(Kind::Position)));
        assert_eq!(error.header.expect("good header").source, "OE9XXX-9");
    }

    #[test]
    fn a_symbol_that_cannot_be_shown_is_none() {
        let packet = body("!4722.85N/00832.46E Club").expect("taken");
        assert!(packet.symbol.is_none() && packet.position.is_some() && packet.diagnostics.has(Code::SymbolReserved));
        assert!(body("!4722.85N/00832.46E|Club").expect("taken").symbol.is_some());
    }

    #[test]
    fn the_null_position_is_none() {
        let packet = body("!0000.00N\\00000.00W.").expect("taken");
        assert_eq!(packet.position, None);
        assert!(packet.diagnostics.has(Code::PosNull));
    }

    #[test]
    fn times_missing_or_wrong_do_not_lose_the_place() {
        let good = body("@231015z4722.85N/00832.46E>").expect("good");
        assert_eq!((good.timestamp.expect("has one").hour, good.messaging), (10, Some(true)));
        let bad = body("/999999z4722.85N/00832.46E>").expect("taken");
        assert!(bad.timestamp.is_none() && bad.diagnostics.has(Code::TimeBad) && bad.position.is_some());
        for shifted in ["/G104633h4722.85N/00832.46E>", "/S84341h4722.85N/00832.46E>"] {
            assert_eq!(
                body(shifted).ok().and_then(|packet| packet.position).map(|p| (p.latitude * 1e4).round()),
                Some(473_808.0),
                "{shifted}"
            );
        }
        let missing = body("/4722.85N/00832.46E>hello").expect("taken");
        assert!(missing.diagnostics.has(Code::TimeOdd));
        assert_eq!(place("/4722.85N/00832.46E>hello").0, 47.380833);
    }

    #[test]
    fn a_position_behind_text_is_found_within_forty_bytes() {
        let packet = body("TheNet X-1J4 (RELAY)!4722.85N/00832.46E#hi").expect("taken");
        assert!(packet.kind == Kind::Position && packet.diagnostics.has(Code::TypeLate));
        assert_eq!(packet.comment.to_string_lossy(), "hi");
        assert_eq!(body("see you! bye").expect("text").kind, Kind::Unknown);
    }
}
