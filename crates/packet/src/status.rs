//! Status (chapter 16): free text, with a time, a locator and symbol, or beam and power.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Text, Timestamp, TimestampForm, grid, position};

/// A status text and what it starts or ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status<'a> {
    /// The text, without time, locator, beam and power.
    pub text: Text<'a>,
    /// Beam heading, degrees.
    pub beam_deg: Option<u16>,
    /// Effective radiated power, watts.
    pub power_w: Option<u32>,
}

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let mut rest = body;
    if let Some(time) = Timestamp::seven(body) {
        if time.form == TimestampForm::DayHourMinuteLocal {
            d.flag(Code::StatusOdd, &body[..7]);
        }
        d.mark(Field::Timestamp, &body[..7]);
        d.packet.timestamp = Some(time);
        rest = &body[7..];
    } else if let Some(time) = body.get(..7).filter(|time| time[6] == b'z' && time[..6].iter().all(u8::is_ascii_digit)) {
        d.mark(Field::Timestamp, time);
        d.flag(Code::TimeBad, time);
        rest = &body[7..];
    } else if let Some(len) = locator(body) {
        d.mark(Field::Locator, &body[..len]);
        d.mark(Field::SymbolTable, &body[len..=len]);
        d.mark(Field::SymbolCode, &body[len + 1..len + 2]);
        d.packet.position = Some(grid::centre(&body[..len]));
        position::symbol(d, &body[len..=len], &body[len + 1..len + 2]);
        rest = &body[len + 2..];
        if let Some(after) = rest.strip_prefix(b" ") {
            d.mark(Field::Separator, &rest[..1]);
            rest = after;
        }
    }
    let mut status = Status { text: Text(rest), beam_deg: None, power_w: None };
    if let [text @ .., b'^', heading @ (b'0'..=b'9' | b'A'..=b'Z'), power @ b'0'..=b'K'] = rest {
        let tens = if heading.is_ascii_digit() { heading - b'0' } else { heading - b'A' + 10 };
        let step = u32::from(power - b'0');
        status = Status { text: Text(text), beam_deg: Some(u16::from(tens) * 10), power_w: Some(10 * step * step) };
        d.mark(Field::BeamPower, &rest[text.len()..]);
    }
    d.mark(Field::Status, status.text.bytes());
    if !status.text.is_utf8() {
        d.flag(Code::EncodingFallback, status.text.bytes());
    }
    d.packet.status = Some(status);
    Ok(())
}

/// Length of a locator behind which a valid symbol stands, and then nothing or a blank. Behind all six characters and a
/// plain symbol the blank may be missing, as APRSIS32 leaves it out (`IO84gn/-DX: ...`).
fn locator(body: &[u8]) -> Option<usize> {
    let len = grid::locator_len(body)?;
    let [table, code, rest @ ..] = body.get(len..)? else { return None };
    if !position::is_table(*table) || !(0x21..0x7F).contains(code) {
        return None;
    }
    let is_apart = matches!(rest.first(), None | Some(b' ')) || (len == 6 && (matches!(table, b'/' | b'\\') || rest.starts_with(b"DX:")));
    is_apart.then_some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn body(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX>APRS:>{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    #[test]
    fn locator_beam_and_power() {
        let packet = body("JN47GL/- ^B7");
        let position = packet.position.expect("has one");
        assert!((position.latitude - 47.479_167).abs() < 1e-6);
        assert_eq!(packet.symbol.map(|s| (s.table, s.code)), Some(('/', '-')));
        let status = packet.status.expect("has one");
        assert_eq!((status.beam_deg, status.power_w), (Some(110), Some(490)));
        let glued = body("IO84gn/-DX: GD8BUE-2 39.5 miles");
        assert!(glued.position.is_some() && glued.status.expect("one").text == "DX: GD8BUE-2 39.5 miles");
        assert_eq!(body("QRV^K0").status.expect("one").power_w, Some(0));
    }

    #[test]
    fn plain_text_and_times() {
        assert_eq!(body("Net at 20:00").status.expect("one").text, "Net at 20:00");
        let timed = body("231015zOn air");
        assert!(timed.timestamp.is_some() && timed.status.expect("one").text == "On air");
        assert!(body("101530h v0.2.7 CPU:1.0").timestamp.is_some());
        let bad = body("999999zOn air");
        assert!(bad.timestamp.is_none() && bad.diagnostics.has(Code::TimeBad) && bad.status.expect("one").text == "On air");
        for text in ["EN93SL my mail", "JN55VD Powered by", "AB12CDEFGH"] {
            assert!(body(text).position.is_none() && body(text).status.expect("one").text == text, "{text}");
        }
        let text = body("IO91 is my square");
        assert!(text.position.is_none() && text.status.expect("one").text == "IO91 is my square");
    }
}
