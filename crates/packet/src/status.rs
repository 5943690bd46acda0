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

/// Length of a locator that a valid symbol and then nothing or a blank follow.
fn locator(body: &[u8]) -> Option<usize> {
    let len = grid::locator_len(body)?;
    let fits = |len: usize| match body.get(len..)? {
        [table, code, rest @ ..] => {
            (position::is_table(*table) && (0x21..0x7F).contains(code) && matches!(rest.first(), None | Some(b' '))).then_some(len)
        }
        _ => None,
    };
    fits(len).or_else(|| fits(4))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(body("QRV^K0").status.expect("one").power_w, Some(0));
    }

    #[test]
    fn plain_text_and_times() {
        assert_eq!(body("Net at 20:00").status.expect("one").text, "Net at 20:00");
        let timed = body("231015zOn air");
        assert!(timed.timestamp.is_some() && timed.status.expect("one").text == "On air");
        assert!(body("101530h v0.2.7 CPU:1.0").timestamp.is_some());
        let text = body("IO91 is my square");
        assert!(text.position.is_none() && text.status.expect("one").text == "IO91 is my square");
    }
}
