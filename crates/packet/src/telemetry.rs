//! Telemetry (chapter 13): `T#` reports, base-91 groups in comments, the old Mic-E form, and definitions.

use crate::base91;
use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Kind, Packet, Text, comment};

/// One telemetry report, raw: equations are applied by whoever knows the definitions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Telemetry<'a> {
    /// Number of the report, if it is one.
    pub sequence: Option<u32>,
    /// The sequence as sent (`093`, `MIC`, two base-91 bytes); empty in the old Mic-E form.
    pub sequence_text: Text<'a>,
    /// The channels as sent; a channel left empty is absent.
    pub values: [Option<f64>; 5],
    /// How many channels were sent, empty ones included.
    pub channels: u8,
    /// Digital bits, B1 in the highest place; only if all eight were sent.
    pub bits: Option<u8>,
}

impl Telemetry<'_> {
    /// The channels sent.
    #[must_use]
    pub fn values(&self) -> &[Option<f64>] {
        &self.values[..usize::from(self.channels).min(5)]
    }

    /// Digital bit B1 to B8 (`number` 1 to 8).
    #[must_use]
    pub fn bit(&self, number: u8) -> Option<bool> {
        self.bits.filter(|_| (1..=8).contains(&number)).map(|bits| bits >> (8 - number) & 1 == 1)
    }
}

/// What a definition message says about the addressee's telemetry. Entries left out are absent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TelemetryDefinition<'a> {
    /// `PARM.`: names of 5 channels and 8 bits.
    Names(Vec<Text<'a>>),
    /// `UNIT.`: units of 5 channels, labels of 8 bits.
    Units(Vec<Text<'a>>),
    /// `EQNS.`: a, b, c of each channel; value = a·v² + b·v + c.
    Equations([[f64; 3]; 5]),
    /// `BITS.`: which state of each bit is true, and the project's name.
    Bits {
        /// B1 in the highest place.
        sense: u8,
        /// Name of the project.
        project: Text<'a>,
    },
}

pub(crate) fn is_definition(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|head| [b"PARM.", b"UNIT.", b"EQNS.", b"BITS."].iter().any(|word| head.eq_ignore_ascii_case(*word)))
}

/// Most entries of a list of names or units: five channels and eight bits.
const ENTRIES: usize = 13;
/// Coefficients of `EQNS.`: three for each of five channels.
const COEFFICIENTS: usize = 15;

/// Marks the word and the entries of a definition; `text` is one, see [`is_definition`].
pub(crate) fn mark_definition<T: Trace>(d: &mut Decoder<'_, '_, T>, text: &[u8]) {
    let (word, rest) = text.split_at(5);
    d.mark(Field::DefinitionText, word);
    let (field, most) = match word.to_ascii_uppercase().as_slice() {
        b"PARM." => (Field::ChannelName, ENTRIES),
        b"UNIT." => (Field::ChannelUnit, ENTRIES),
        b"EQNS." => (Field::Coefficient, COEFFICIENTS),
        _ if bits(rest).is_some() => {
            let (sense, after) = rest.split_at(8);
            d.mark(Field::BitSense, sense);
            if let Some(project) = after.strip_prefix(b",") {
                d.mark(Field::Separator, &after[..1]);
                d.mark(Field::Project, project);
            }
            return;
        }
        _ => return,
    };
    let mut at = 0;
    for part in rest.split(|&byte| byte == b',').take(most) {
        d.mark(field, part);
        at += part.len();
        d.mark(Field::Separator, rest.get(at..=at).unwrap_or_default());
        at += 1;
    }
}

/// Which entry of the packet's definition starts with these bytes of its line, from 0.
pub(crate) fn definition_entry(packet: &Packet<'_>, part: &[u8]) -> Option<usize> {
    let text = packet.message?.text.bytes();
    let before = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(text.get(..before)?.iter().filter(|&&byte| byte == b',').count())
}

impl<'a> Packet<'a> {
    /// The definition this packet gives for the telemetry of its addressee.
    #[must_use]
    pub fn telemetry_definition(&self) -> Option<TelemetryDefinition<'a>> {
        if self.kind != Kind::TelemetryDefinition {
            return None;
        }
        let text = self.message?.text.bytes();
        let (word, rest) = text.split_at_checked(5)?;
        let list = || rest.split(|&byte| byte == b',').map(|part| Text(part.trim_ascii()));
        Some(match word.to_ascii_uppercase().as_slice() {
            b"PARM." => TelemetryDefinition::Names(list().take(ENTRIES).collect()),
            b"UNIT." => TelemetryDefinition::Units(list().take(ENTRIES).collect()),
            b"EQNS." => {
                let mut equations = [[0.0, 1.0, 0.0]; 5];
                // Places left empty at the end were not sent; between others an empty one is zero.
                let sent = list().collect::<Vec<_>>();
                let len = sent.iter().rposition(|number| !number.is_empty()).map_or(0, |last| last + 1);
                for (place, number) in equations.as_flattened_mut().iter_mut().zip(&sent[..len]) {
                    *place = if number.is_empty() { 0.0 } else { decimal(number.bytes())? };
                }
                TelemetryDefinition::Equations(equations)
            }
            _ => {
                let sense = bits(rest)?;
                let project = rest.get(9..).filter(|_| rest[8] == b',').unwrap_or_default();
                TelemetryDefinition::Bits { sense, project: Text(project) }
            }
        })
    }
}

/// A decimal number, of any size a float holds.
fn decimal(bytes: &[u8]) -> Option<f64> {
    if bytes.len() <= 4
        && let Some(value) = crate::text::digits(bytes)
    {
        return Some(f64::from(value));
    }
    let plain = bytes.len() <= 24 && bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
    plain.then(|| std::str::from_utf8(bytes).ok()?.parse().ok())?
}

/// Eight of `0` and `1` at the start of `bytes`, the first in the highest place.
fn bits(bytes: &[u8]) -> Option<u8> {
    bytes.get(..8)?.iter().try_fold(0_u8, |value, byte| match byte {
        b'0' => Some(value << 1),
        b'1' => Some(value << 1 | 1),
        _ => None,
    })
}

/// A whole `T#` report; `info` starts with the `T`.
pub(crate) fn report<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, info: &'a [u8]) -> Outcome {
    d.mark(Field::DataType, &info[..2]);
    let body = &info[2..];
    let comma = memchr::memchr(b',', body);
    let mut sequence = &body[..comma.unwrap_or(body.len())];
    let mut rest = comma.map_or(&[][..], |at| &body[at + 1..]);
    if body.starts_with(b"MIC") && sequence.len() > 3 {
        // After MIC the comma may be missing.
        (sequence, rest) = body.split_at(3);
    }
    let mut telemetry = Telemetry { sequence_text: Text(sequence.trim_ascii()), ..Telemetry::default() };
    telemetry.sequence = crate::text::digits(telemetry.sequence_text.bytes());
    if sequence.is_empty() || rest.is_empty() {
        return Err(d.refuse(Code::TelemSequence, body));
    }
    if !telemetry.sequence_text.bytes().iter().all(u8::is_ascii_alphanumeric) {
        return Err(d.refuse(Code::TelemSequence, sequence));
    }
    if telemetry.sequence.is_none() && sequence != b"MIC" {
        d.flag(Code::TelemSequence, sequence);
    }
    d.mark(Field::TelemetrySequence, sequence);
    rest = channels(d, rest, &mut telemetry);
    if telemetry.values.iter().all(Option::is_none) {
        return Err(d.refuse(Code::TelemValue, body));
    }
    if telemetry.channels == 5 && !rest.is_empty() {
        telemetry.bits = bits(rest);
        if telemetry.bits.is_some() {
            d.mark(Field::TelemetryBits, &rest[..8]);
            rest = &rest[8..];
        } else {
            d.flag(Code::TelemBits, rest);
        }
    }
    d.packet.telemetry = Some(telemetry);
    comment::keep(d, rest);
    Ok(())
}

/// Reads up to five values and returns what follows the fifth comma, or what is no value.
fn channels<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mut rest: &'a [u8], telemetry: &mut Telemetry<'a>) -> &'a [u8] {
    while telemetry.channels < 5 {
        let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
        let part = &rest[..end];
        let text = part.trim_ascii();
        let value = decimal(text);
        if value.is_none() && !text.is_empty() {
            d.flag(Code::TelemValue, part);
            return rest;
        }
        if text.len() != part.len() || value.is_some_and(|value| !(0.0..=255.0).contains(&value) || value.fract() != 0.0) {
            d.flag(Code::TelemValue, part);
        }
        d.mark(Field::TelemetryValue, part);
        telemetry.values[usize::from(telemetry.channels)] = value;
        telemetry.channels += 1;
        if end == rest.len() {
            return &[];
        }
        rest = &rest[end + 1..];
    }
    rest
}

/// True if the bytes between two bars are a base-91 group: a sequence, one to five values, bits after five.
#[inline]
pub(crate) fn is_base91(inner: &[u8]) -> bool {
    matches!(inner.len(), 4 | 6 | 8 | 10 | 12 | 14) && inner.iter().all(|&byte| base91::digit(byte).is_some())
}

/// Reads `|ss11...|`, bars included, as found by [`is_base91`].
pub(crate) fn base91<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, group: &'a [u8]) {
    d.mark(Field::TelemetryBase91, group);
    let inner = &group[1..group.len() - 1];
    let mut telemetry = Telemetry { sequence: base91::number(&inner[..2]), sequence_text: Text(&inner[..2]), ..Telemetry::default() };
    for (at, pair) in inner[2..].chunks_exact(2).enumerate() {
        let value = base91::number(pair).unwrap_or(0);
        if let Some(place) = telemetry.values.get_mut(at) {
            *place = Some(f64::from(value));
            telemetry.channels += 1;
        } else {
            // In this form B1 is the lowest bit.
            telemetry.bits = u8::try_from(value & 0xFF).ok().map(u8::reverse_bits);
        }
    }
    d.packet.telemetry = Some(telemetry);
}

/// Old Mic-E telemetry: bytes given as values of the channels named.
pub(crate) fn old_mic_e<T: Trace>(d: &mut Decoder<'_, '_, T>, values: [Option<u8>; 5]) {
    d.packet.telemetry = Some(Telemetry { values: values.map(|value| value.map(f64::from)), channels: 5, ..Telemetry::default() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn body(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-11>APRS:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    #[test]
    fn reports() {
        let packet = body("T#093,5,-12.6,,255,0,10110000Balloon");
        let telemetry = packet.telemetry.expect("has one");
        assert_eq!(telemetry.sequence, Some(93));
        assert_eq!(telemetry.values(), [Some(5.0), Some(-12.6), None, Some(255.0), Some(0.0)]);
        assert_eq!(telemetry.bits, Some(0b1011_0000));
        assert_eq!((telemetry.bit(1), telemetry.bit(2)), (Some(true), Some(false)));
        assert_eq!(packet.comment.to_string_lossy(), "Balloon");
        let mic = body("T#MIC199,000,255,073,123,01101001").telemetry.expect("has one");
        assert_eq!((mic.sequence, mic.sequence_text, mic.values[0]), (None, Text(b"MIC"), Some(199.0)));
        assert_eq!(body("T#1,1,2,3,4,5,0101").telemetry.expect("has one").bits, None);
        assert_eq!(body("T#1,99999999999").telemetry.expect("has one").values(), [Some(99_999_999_999.0)]);
        assert!(parse(b"OE9XXX>APRS:T#hello").is_err());
        assert_eq!(parse(b"OE9XXX>APRS:T#190 187,097").expect_err("two numbers").code, Code::TelemSequence);
        assert_eq!(body("Telemetry is fun").kind, Kind::Unknown);
    }

    #[test]
    fn base_91() {
        let packet = body("!4722.85N/00832.46E>up|\"#!&0P!'|");
        let telemetry = packet.telemetry.expect("has one");
        assert_eq!((telemetry.sequence, telemetry.values()), (Some(93), [Some(5.0), Some(1412.0), Some(6.0)].as_slice()));
        let bits = body("!4722.85N/00832.46E>|!!!!!!!!!!!!!\"|").telemetry.expect("has one");
        assert_eq!((bits.bit(1), bits.bit(8)), (Some(true), Some(false)));
    }

    #[test]
    fn definitions() {
        let packet = body(":OE9XXX-11:EQNS.0,0.01,0,0,1,-40");
        let Some(TelemetryDefinition::Equations(equations)) = packet.telemetry_definition() else { panic!("no equations") };
        assert_eq!(equations[..3], [[0.0, 0.01, 0.0], [0.0, 1.0, -40.0], [0.0, 1.0, 0.0]]);
        let packet = body(":OE9XXX-11:EQNS.0,10,,0,,,,  ");
        let Some(TelemetryDefinition::Equations(equations)) = packet.telemetry_definition() else { panic!("no equations") };
        assert_eq!(equations[..3], [[0.0, 10.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]);
        let bits = body(":OE9XXX-11:BITS.10110000,Balloon").telemetry_definition();
        assert_eq!(bits, Some(TelemetryDefinition::Bits { sense: 0b1011_0000, project: Text(b"Balloon") }));
        let Some(TelemetryDefinition::Names(names)) = body(":OE9XXX-11:PARM.Volt,Temp").telemetry_definition() else { panic!("no names") };
        assert_eq!(names, [Text(b"Volt"), Text(b"Temp")]);
    }
}
