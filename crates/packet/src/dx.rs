//! DX spots: lines of a DX cluster sent as they are (`DX de CALL: kHz CALL text hhmmZ`), read on request.

use crate::{Kind, Packet, Text};

/// One station heard by another, as DX clusters announce it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DxSpot<'a> {
    /// Who heard it.
    pub spotter: &'a str,
    /// Where, kHz.
    pub frequency_khz: f64,
    /// Who was heard.
    pub spotted: &'a str,
    /// Remarks, without the time.
    pub text: Text<'a>,
    /// Hour and minute, UTC.
    pub time: Option<(u8, u8)>,
}

fn read(line: &[u8]) -> Option<DxSpot<'_>> {
    let text = std::str::from_utf8(line).ok()?.strip_prefix("DX de ")?;
    let (spotter, rest) = text.split_once(':')?;
    let rest = rest.trim_start();
    let (frequency, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start();
    let (spotted, remark) = rest.split_once(' ').unwrap_or((rest, ""));
    let frequency_khz: f64 = frequency.parse().ok().filter(|khz: &f64| khz.is_finite() && *khz > 0.0)?;
    if spotter.is_empty() || spotted.is_empty() {
        return None;
    }
    let remark = remark.trim();
    let (text, time) = match remark.len().checked_sub(5).and_then(|at| Some((remark.get(..at)?, clock(remark.get(at..)?)?))) {
        Some((text, time)) => (text.trim_end(), Some(time)),
        None => (remark, None),
    };
    Some(DxSpot { spotter, frequency_khz, spotted, text: Text::new(text.as_bytes()), time })
}

/// `hhmmZ`.
fn clock(text: &str) -> Option<(u8, u8)> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (hour, minute) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

impl<'a> Packet<'a> {
    /// The DX spot this line is, if it is one. Its kind is [`Kind::Unknown`], for APRS has no data type for it.
    #[must_use]
    pub fn dx_spot(&self) -> Option<DxSpot<'a>> {
        (self.kind == Kind::Unknown).then(|| read(self.info)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn a_spot() {
        let packet = parse(b"OE9XXX>APRS:DX de OE9AA: 14025.0 ZL1AA up 2 1015Z").expect("good");
        let spot = packet.dx_spot().expect("a spot");
        assert_eq!((spot.spotter, spot.frequency_khz, spot.spotted), ("OE9AA", 14_025.0, "ZL1AA"));
        assert_eq!((spot.text, spot.time), (Text::new(b"up 2"), Some((10, 15))));
    }

    #[test]
    fn a_spot_without_a_time_and_what_is_none() {
        let read = |info: &str| parse(Box::leak(format!("OE9XXX>APRS:{info}").into_boxed_str()).as_bytes()).expect("good").dx_spot();
        let spot = read("DX de OE9AA:   7005.5  ZL1AA       ").expect("a spot");
        assert!(spot.time.is_none() && spot.text.is_empty());
        assert_eq!(read("DX de OE9AA: 7005.5 ZL1AA 9999Z").expect("a spot").text, Text::new(b"9999Z"));
        for none in ["DX de OE9AA ZL1AA", "DX de OE9AA: up ZL1AA", "DX de : 7005 ZL1AA", "DX de OE9AA: inf ZL1AA"] {
            assert!(read(none).is_none(), "{none}");
        }
    }
}
