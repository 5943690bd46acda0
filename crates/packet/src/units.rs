//! Conversions from what is on the air (APRS 1.0.1: knots, mph, feet, °F, 1/100 inch, miles) to what the API speaks.

pub(crate) const KMH_PER_KNOT: f64 = 1.852;
pub(crate) const MS_PER_MPH: f64 = 0.447_04;
pub(crate) const MS_PER_KNOT: f64 = 1.852 / 3.6;
pub(crate) const METRES_PER_FOOT: f64 = 0.3048;
pub(crate) const KM_PER_MILE: f64 = 1.609_344;
pub(crate) const MM_PER_HUNDREDTH_INCH: f64 = 0.254;
pub(crate) const MM_PER_INCH: f64 = 25.4;

pub(crate) fn celsius(fahrenheit: f64) -> f64 {
    (fahrenheit - 32.0) / 1.8
}

/// The value of a base-91 digit (`!` to `{`), chapter 9.
pub(crate) fn base91(byte: u8) -> Option<u32> {
    (b'!'..=b'{')
        .contains(&byte)
        .then(|| u32::from(byte - b'!'))
}

/// The number in these ASCII digits; `None` for none, for anything else in them, or for more than nine.
pub(crate) fn digits(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    bytes.iter().try_fold(0_u32, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    })
}
