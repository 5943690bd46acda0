//! Objects (chapter 11): something with a name and a place, put on the map by a station. Area objects too.

use std::ops::Range;

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::position;
use crate::text::{digits, take};
use crate::{Field, Text, frequency, storm};

/// A shape around the object's position (symbol `\l`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AreaObject {
    /// 0 circle, 1 line down right, 2 ellipse, 3 triangle, 4 box, 5 filled circle, 6 line down left, 7 to 9 filled
    /// ellipse, triangle, box.
    pub shape: u8,
    /// 0 to 7 black, blue, green, cyan, red, violet, yellow, grey; 8 to 15 the same, dimmer.
    pub colour: u8,
    /// Extent to the south, degrees.
    pub latitude_offset: f64,
    /// Extent to the east (negative: west), degrees.
    pub longitude_offset: f64,
    /// Half width of the corridor along a line, miles.
    pub corridor_miles: Option<f64>,
}

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let (name, mark, rest) = name_and_mark(d, body)?;
    name_text(d, name);
    d.mark(Field::Alive, mark);
    d.packet.alive = Some(mark[0] == b'*');
    let place = time(d, rest)?;
    let rest = position::coordinates(d, place)?;
    let rest = frequency::from_name(d, d.packet.name.map_or(&[], Text::bytes), rest);
    position::after(d, rest);
    Ok(())
}

/// The nine bytes of the name and the live mark; a name cut short is taken if all else fits.
fn name_and_mark<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<(&'a [u8], &'a [u8], &'a [u8])> {
    if let Some((name, rest)) = take(body, 9)
        && let Some((mark @ [b'*' | b'_'], rest)) = take(rest, 1)
    {
        return Ok((name, mark, rest));
    }
    for at in 1..9.min(body.len()) {
        let (name, rest) = body.split_at(at);
        if let [b'*' | b'_', after @ ..] = rest
            && after.len() > 7
            && (position::is_complete(&after[7..]) || position::is_complete(after))
        {
            d.flag(Code::NameShort, name);
            return Ok((name, &rest[..1], after));
        }
    }
    Err(d.refuse(Code::ObjectForm, body.get(9..).unwrap_or(body)))
}

/// Sets the name without its padding; spaces in front and inside count.
pub(crate) fn name_text<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, name: &'a [u8]) {
    d.mark(Field::Name, name);
    let padding = name.iter().rev().take_while(|&&byte| byte == b' ').count();
    let text = &name[..name.len() - padding];
    if text.is_empty() || text.iter().any(|byte| !(0x20..0x7F).contains(byte)) {
        d.flag(Code::NameForm, name);
    }
    d.packet.name = Some(Text(text));
}

/// The time of an object; none at all is taken and flagged.
fn time<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8]) -> Outcome<&'a [u8]> {
    if rest.len() < 7 {
        return Err(d.refuse(Code::PosFormat, rest));
    }
    position::time_before_position(d, rest)
}

/// `Tyy/Cxx` behind the symbol `\l`.
pub(crate) fn area<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8]) -> Option<&'a [u8]> {
    let symbol = d.packet.symbol?;
    if symbol.code != 'l' || symbol.table != '\\' {
        return None;
    }
    let (form, after) = take(rest, 7)?;
    let shape = form[0].checked_sub(b'0').filter(|&shape| shape <= 9)?;
    let colour = match (form[3], form[4]) {
        (b'/', digit @ b'0'..=b'9') => digit - b'0',
        (b'1', digit @ b'0'..=b'5') => 10 + digit - b'0',
        _ => return None,
    };
    let south = f64::from(digits(&form[1..3])?);
    let east = f64::from(digits(&form[5..7])?);
    let area = AreaObject {
        shape,
        colour,
        latitude_offset: south * south / 100.0,
        longitude_offset: east * east / 100.0 * if shape == 6 { -1.0 } else { 1.0 },
        corridor_miles: None,
    };
    d.mark(Field::Area, form);
    d.packet.area = Some(area);
    Some(after)
}

/// The corridor `{nnn}` of an area that is a line, in the comment behind it; returns where it stands.
pub(crate) fn corridor(area: &mut AreaObject, comment: &[u8]) -> Option<Range<usize>> {
    let range = storm::signpost(comment).filter(|_| matches!(area.shape, 1 | 6))?;
    area.corridor_miles = Some(f64::from(digits(&comment[range.start + 1..range.end - 1])?));
    Some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Packet, parse};

    fn body(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>APRS:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    #[test]
    fn live_and_killed() {
        let camp = body(";CAMP 7   *231015z4722.85N/00832.46E;Open till 18h");
        assert_eq!((camp.kind, camp.alive), (Kind::Object, Some(true)));
        assert_eq!(camp.name.expect("named"), "CAMP 7");
        assert_eq!(camp.comment.to_string_lossy(), "Open till 18h");
        assert_eq!(body(";CAMP 7   _231015z4722.85N/00832.46E;").alive, Some(false));
        assert_eq!(body("; LEAD*_  *231015z4722.85N/00832.46E;").name.expect("named"), " LEAD*_");
    }

    #[test]
    fn short_names_and_missing_times_are_taken_and_flagged() {
        let short = body(";AB*231015z4722.85N/00832.46E;");
        assert!(short.name.expect("named") == "AB" && short.diagnostics.has(Code::NameShort) && short.position.is_some());
        let timeless = body(";NAME     *4722.85N/00832.46E;");
        assert!(timeless.timestamp.is_none() && timeless.diagnostics.has(Code::TimeOdd) && timeless.position.is_some());
        let month = body(";NAME     *112310154722.85N/00832.46E;");
        assert!(month.timestamp.is_some() && month.diagnostics.has(Code::TimeOdd));
    }

    #[test]
    fn a_broken_place_keeps_the_name_in_the_error() {
        let error = parse(b"OE9XXX>APRS:;NAME     *231015z04722.85N/00832.46E;").expect_err("refused");
        assert_eq!((error.kind, error.name), (Some(Kind::Object), Some(Text(b"NAME"))));
        assert_eq!(parse(b"OE9XXX>APRS:;NAME").expect_err("refused").code, Code::ObjectForm);
    }

    #[test]
    fn area_objects() {
        let area = body(";SEARCH1  *231015z5130.00N\\00007.50Wl703/405").area.expect("an area");
        assert_eq!((area.shape, area.colour), (7, 4));
        assert!((area.latitude_offset - 0.09).abs() < 1e-9 && (area.longitude_offset - 0.25).abs() < 1e-9);
        let line = body(";LINE     *231015z5130.00N\\00007.50Wl6031205{12}").area.expect("an area");
        assert_eq!((line.shape, line.colour, line.corridor_miles), (6, 12, Some(12.0)));
        assert!(line.longitude_offset < 0.0);
        assert_eq!(body(";NOAREA   *231015z5130.00N\\00007.50Wl7031905").area, None);
    }

    #[test]
    fn a_name_that_is_a_frequency() {
        let repeater = body(";145.600OE*231015z4722.85N/00832.46Er T123 -060 Club");
        let frequency = repeater.frequency.expect("has one");
        assert_eq!((frequency.mhz, frequency.offset_khz), (145.6, Some(-600)));
        assert_eq!(repeater.comment.to_string_lossy(), "Club");
    }
}
