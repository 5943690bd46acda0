//! Maidenhead locators: the obsolete beacon `[` (chapter 5), and locators in status texts.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::position::RESOLUTION_M;
use crate::{Field, Position, PositionFormat, comment};

/// Metres of latitude of a six-character square: 2.5 minutes.
const SIX_M: f64 = 4630.0;

/// Length (4 or 6) of the locator at the start of `bytes`, letters of any case.
pub(crate) fn locator_len(bytes: &[u8]) -> Option<usize> {
    let field = |byte: &u8| matches!(byte.to_ascii_uppercase(), b'A'..=b'R');
    let sub = |byte: &u8| matches!(byte.to_ascii_uppercase(), b'A'..=b'X');
    let four = bytes.get(..4)?;
    if !(four[..2].iter().all(field) && four[2..].iter().all(u8::is_ascii_digit)) {
        return None;
    }
    Some(if bytes.get(4..6).is_some_and(|two| two.iter().all(sub)) { 6 } else { 4 })
}

/// The centre of the square of a valid locator of four or six characters.
pub(crate) fn centre(locator: &[u8]) -> Position {
    let value = |at: usize, zero: u8| f64::from(locator[at].to_ascii_uppercase().saturating_sub(zero));
    let mut longitude = -180.0 + 20.0 * value(0, b'A') + 2.0 * value(2, b'0');
    let mut latitude = -90.0 + 10.0 * value(1, b'A') + value(3, b'0');
    let resolution_m = if locator.len() == 6 {
        longitude += (value(4, b'A') + 0.5) * 5.0 / 60.0;
        latitude += (value(5, b'A') + 0.5) * 2.5 / 60.0;
        SIX_M
    } else {
        longitude += 1.0;
        latitude += 0.5;
        RESOLUTION_M[4]
    };
    Position { latitude, longitude, ambiguity: 0, resolution_m, format: PositionFormat::Grid }
}

/// The body of `[`: `JN47GL]comment`.
pub(crate) fn beacon<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let Some(len) = locator_len(body) else {
        return Err(d.refuse(Code::PosFormat, body));
    };
    d.mark(Field::Locator, &body[..len]);
    d.packet.position = Some(centre(&body[..len]));
    let mut rest = &body[len..];
    if let Some(after) = rest.strip_prefix(b"]") {
        d.mark(Field::Separator, &rest[..1]);
        rest = after;
    }
    comment::decode(d, rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn centres() {
        let six = parse(b"OE9XXX>APRS:[JN47GL]hello").expect("good");
        let position = six.position.expect("has one");
        assert!((position.latitude - 47.479_167).abs() < 1e-6 && (position.longitude - 8.541_667).abs() < 1e-6);
        assert_eq!(six.comment.to_string_lossy(), "hello");
        let four = parse(b"OE9XXX>APRS:[IO91]").expect("good").position.expect("has one");
        assert_eq!((four.latitude, four.longitude), (51.5, -1.0));
        assert!(parse(b"OE9XXX>APRS:[12AB]").is_err());
    }
}
