//! Direction-finder reports (chapters 7 and 8): `BBB/NRQ` behind course and speed, and the Agrelo form `%BBB/Q`.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::text::{digits, take};
use crate::{Field, comment};

/// A bearing to a signal and how good it is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DirectionFinding {
    /// Degrees from true north, 0 to 360.
    pub bearing_deg: u16,
    /// Share of hits, 1 to 8 eighths; 9 is a bearing taken by hand; `None` is meaningless or not sent.
    pub hits: Option<u8>,
    /// Range of validity, km.
    pub range_km: Option<f64>,
    /// The bearing is better than this, degrees; `None` is useless.
    pub error_deg: Option<u16>,
}

/// Degrees of error for quality 1 to 9.
const ERROR_DEG: [u16; 9] = [240, 120, 64, 32, 16, 8, 4, 2, 1];

fn error_deg(quality: u8) -> Option<u16> {
    ERROR_DEG.get(usize::from(quality.checked_sub(b'1')?)).copied()
}

/// `/BBB/NRQ` behind course and speed of a direction-finder symbol; returns what follows.
pub(crate) fn bearing<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8]) -> &'a [u8] {
    if d.packet.symbol.is_none_or(|symbol| (symbol.table, symbol.code) != ('/', '\\')) {
        return rest;
    }
    let Some((form @ [b'/', _, _, _, b'/', n, r, q], after)) = take(rest, 8) else {
        return rest;
    };
    let (Some(bearing), true) = (digits(&form[1..4]).filter(|&degrees| degrees <= 360), [n, r, q].iter().all(|b| b.is_ascii_digit()))
    else {
        return rest;
    };
    d.mark(Field::BearingQuality, form);
    d.packet.df = Some(DirectionFinding {
        bearing_deg: u16::try_from(bearing).unwrap_or(0),
        hits: (*n > b'0').then(|| n - b'0'),
        range_km: (*n > b'0').then(|| f64::from(1_u16 << (r - b'0')) * 1.609_344),
        error_deg: error_deg(*q),
    });
    after
}

/// `BBB/Q` of an Agrelo finder; it has no position.
pub(crate) fn agrelo<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    if let Some((form @ [_, _, _, b'/', quality @ b'0'..=b'9'], after)) = take(body, 5)
        && let Some(bearing) = digits(&form[..3]).filter(|&degrees| degrees <= 360)
    {
        d.mark(Field::BearingQuality, form);
        let bearing_deg = u16::try_from(bearing).unwrap_or(0);
        d.packet.df = Some(DirectionFinding { bearing_deg, hits: None, range_km: None, error_deg: error_deg(*quality) });
        comment::keep(d, after);
        return Ok(());
    }
    Err(d.refuse(Code::DfForm, body))
}

#[cfg(test)]
mod tests {
    use crate::{Kind, parse};

    #[test]
    fn bearings() {
        let packet = parse(b"OE9XXX>APRS:!4722.85N/00832.46E\\088/036/270/729 heard").expect("good");
        let df = packet.df.expect("has one");
        assert_eq!((df.bearing_deg, df.hits, df.error_deg), (270, Some(7), Some(1)));
        assert!((df.range_km.expect("sent") - 4.0 * 1.609_344).abs() < 1e-9);
        assert_eq!(packet.comment.to_string_lossy(), "heard");
        let agrelo = parse(b"OE9XXX>APRS:%181/8").expect("good");
        assert_eq!((agrelo.kind, agrelo.df.expect("has one").bearing_deg), (Kind::Df, 181));
        let talk = parse(b"OE9XXX>APRS:% at home").expect_err("no bearing");
        assert_eq!((talk.code, talk.kind), (crate::DiagnosticCode::DfForm, Some(Kind::Df)));
    }
}
