//! Items (chapter 11): objects without a time, with a name of three to nine characters.

use crate::Field;
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{object, position};

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let window = &body[..body.len().min(10)];
    let is_mark = |byte: &u8| matches!(byte, b'!' | b'_');
    // Marks may stand in the first three characters of a name; a shorter name is taken only if nothing else fits.
    let follows = |at: &usize| position::is_complete(&body[at + 1..]);
    let long = window.get(3..).and_then(|rest| rest.iter().position(is_mark)).map(|at| at + 3);
    let short = || (1..3).find(|&at| window.get(at).is_some_and(is_mark) && follows(&at));
    let Some(end) = long.filter(follows).or_else(short).or(long) else {
        return Err(d.refuse(Code::ObjectForm, body));
    };
    if end < 3 {
        d.flag(Code::NameShort, &body[..end]);
    }
    object::name_text(d, &body[..end]);
    d.mark(Field::Alive, &body[end..=end]);
    d.packet.alive = Some(body[end] == b'!');
    let rest = position::coordinates(d, &body[end + 1..])?;
    position::after(d, rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{DiagnosticCode, Kind, parse};

    #[test]
    fn live_and_killed() {
        let gate = parse(b"OE9XXX>APRS:)GATE!4722.85N/00832.46Ej north").expect("good");
        assert_eq!((gate.kind, gate.alive, gate.name.expect("named").bytes()), (Kind::Item, Some(true), b"GATE".as_slice()));
        assert_eq!(gate.comment.to_string_lossy(), "north");
        let killed = parse(b"OE9XXX>APRS:)GATE_4722.85N/00832.46Ej").expect("good");
        assert_eq!((killed.alive, killed.position.is_some()), (Some(false), true));
        let compressed = parse(b"OE9XXX>APRS:)MOBIL!/0&RhTiV'>[L[").expect("good");
        assert_eq!(compressed.course_deg, Some(232.0));
    }

    #[test]
    fn weather_in_items_is_read() {
        let item = parse(b"OE9XXX>APRS:)WX 1!4722.85N/00832.46E_232/004g011t050").expect("good");
        assert!((item.weather.expect("weather").temperature_c.expect("sent") - 10.0).abs() < 1e-9);
    }

    #[test]
    fn marks_count_behind_the_third_character() {
        let gate = parse(b"OE9XXX>APRS:)A_BC!4722.85N/00832.46Ej").expect("good");
        assert_eq!(gate.name.expect("named"), "A_BC");
        let short = parse(b"OE9XXX>APRS:)O!4722.85N/00832.46Ej").expect("taken");
        assert!(short.name.expect("named") == "O" && short.diagnostics.has(DiagnosticCode::NameShort));
    }

    #[test]
    fn a_name_needs_its_mark() {
        assert!(parse(b"OE9XXX>APRS:)TOOLONGNAME!4722.85N/00832.46Ej").is_err());
        assert!(parse(b"OE9XXX>APRS:)").is_err());
    }
}
