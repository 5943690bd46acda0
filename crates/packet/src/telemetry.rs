//! Telemetry: `T#` reports (chapter 13), base-91 in comments, and the definitions that come as messages.

use crate::{Comment, Kind, Packet, ParseError, units::base91};

/// One set of telemetry values, as sent (equations belong to the definitions).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Telemetry {
    /// Sequence number; `None` for `MIC`.
    pub sequence: Option<u32>,
    /// Up to five values; `None` where nothing was sent.
    pub values: [Option<f64>; 5],
    /// Eight bits, first sent first; `None` if not sent.
    pub bits: Option<[bool; 8]>,
}

/// What a telemetry definition defines (chapter 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// `PARM.`: names.
    Names,
    /// `UNIT.`: units and labels.
    Units,
    /// `EQNS.`: coefficients.
    Equations,
    /// `BITS.`: sense of the bits, and the project's title.
    BitSense,
}

impl Definition {
    /// Which definition a message's text is.
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        match text.get(..5)? {
            b"PARM." => Some(Self::Names),
            b"UNIT." => Some(Self::Units),
            b"EQNS." => Some(Self::Equations),
            b"BITS." => Some(Self::BitSense),
            _ => None,
        }
    }
}

/// `T#` sequence `,` values `,` bits and comment.
pub(crate) fn report<'a>(packet: &mut Packet<'a>, body: &'a [u8]) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Telemetry;
    let mut telemetry = Telemetry::default();
    let mut rest = if let Some(rest) = body.strip_prefix(b"MIC") {
        rest.strip_prefix(b",").unwrap_or(rest)
    } else {
        let end = body
            .iter()
            .position(|byte| *byte == b',')
            .ok_or_else(|| packet.bad("telemetry_form", body))?;
        telemetry.sequence = std::str::from_utf8(&body[..end])
            .ok()
            .and_then(|text| text.trim().parse().ok());
        &body[end + 1..]
    };
    let mut any = false;
    for slot in &mut telemetry.values {
        let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
        let text = rest[..end].trim_ascii();
        match number(text) {
            Some(value) => {
                *slot = Some(value);
                any = true;
            }
            None if text.is_empty() => {}
            None => packet.odd("telemetry_value", &rest[..end]),
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
    }
    if !any {
        return Err(packet.bad("telemetry_form", body));
    }
    if !rest.is_empty() {
        match rest.split_first_chunk::<8>() {
            Some((bits, comment)) if bits.iter().all(|bit| matches!(bit, b'0' | b'1')) => {
                telemetry.bits = Some(bits.map(|bit| bit == b'1'));
                packet.comment = Comment::new(comment);
            }
            _ => {
                packet.odd("telemetry_bits", rest);
                packet.comment = Comment::new(rest);
            }
        }
    }
    packet.telemetry = Some(telemetry);
    Ok(())
}

fn number(text: &[u8]) -> Option<f64> {
    let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    if text.len() > 20 || !text.iter().all(plain) {
        return None;
    }
    std::str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
}

/// The last `|ss11..|`: 4 to 14 base-91 digits, an even number, between bars.
pub(crate) fn find_base91(text: &[u8]) -> Option<(usize, usize)> {
    let close = memchr::memrchr(b'|', text)?;
    let open = memchr::memrchr(b'|', &text[..close])?;
    let inner = &text[open + 1..close];
    let good = matches!(inner.len(), 4 | 6 | 8 | 10 | 12 | 14)
        && inner.iter().all(|byte| base91(*byte).is_some());
    good.then_some((open, inner.len() + 2))
}

impl Telemetry {
    /// The digits between the bars.
    pub(crate) fn from_base91(digits: &[u8]) -> Option<Self> {
        let mut pairs = digits
            .chunks_exact(2)
            .map(|pair| Some(base91(pair[0])? * 91 + base91(pair[1])?));
        let mut telemetry = Self {
            sequence: Some(pairs.next()??),
            ..Self::default()
        };
        for slot in &mut telemetry.values {
            let Some(value) = pairs.next() else {
                return Some(telemetry);
            };
            *slot = Some(f64::from(value?));
        }
        if let Some(Some(bits)) = pairs.next() {
            telemetry.bits = Some(std::array::from_fn(|bit| bits >> bit & 1 == 1));
        }
        Some(telemetry)
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn reports_as_they_are_sent() {
        let packet = parse(b"A1B>APRS:T#093,5,-12.6,,255,0,10110000Balloon").expect("packet");
        let telemetry = packet.telemetry.expect("telemetry");
        assert_eq!(telemetry.sequence, Some(93));
        assert_eq!(
            telemetry.values,
            [Some(5.0), Some(-12.6), None, Some(255.0), Some(0.0)]
        );
        assert_eq!(
            telemetry.bits,
            Some([true, false, true, true, false, false, false, false])
        );
        assert_eq!(packet.comment.to_string(), "Balloon");
        let short = parse(b"A1B>APRS:T#MIC199,000")
            .expect("packet")
            .telemetry
            .expect("telemetry");
        assert_eq!(
            (short.sequence, short.values[0], short.values[2], short.bits),
            (None, Some(199.0), None, None)
        );
        assert_eq!(
            parse(b"A1B>APRS:T#").expect_err("empty").code(),
            "telemetry_form"
        );
        assert_eq!(
            parse(b"A1B>APRS:T#1,,,").expect_err("no values").code(),
            "telemetry_form"
        );
    }

    #[test]
    fn base_91_in_a_comment() {
        let packet = parse(br##"A1B>APRS:!4722.85N/00832.46E-hi|"#!&0P!'|"##).expect("packet");
        let telemetry = packet.telemetry.expect("telemetry");
        assert_eq!(
            (
                telemetry.sequence,
                telemetry.values[0],
                telemetry.values[1],
                telemetry.values[2]
            ),
            (Some(93), Some(5.0), Some(1412.0), Some(6.0))
        );
        assert_eq!(packet.comment.to_string(), "hi");
    }
}
