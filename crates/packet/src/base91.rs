//! Base-91 digits (APRS 1.0.1 chapter 9): bytes `!` (0) to `{` (90).

/// The value of one base-91 byte.
pub(crate) fn digit(byte: u8) -> Option<u32> {
    let value = byte.wrapping_sub(33);
    (value < 91).then_some(u32::from(value))
}

/// The value of a run of at most four digits, most significant first.
pub(crate) fn number(bytes: &[u8]) -> Option<u32> {
    let mut value = 0;
    let mut bad = false;
    for &byte in bytes {
        let digit = byte.wrapping_sub(33);
        bad |= digit > 90;
        value = value * 91 + u32::from(digit);
    }
    (!bad).then_some(value)
}

/// Appends `value` as exactly `width` digits; what does not fit is cut at the top.
pub(crate) fn push(out: &mut Vec<u8>, value: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 91_u32.pow(place) % 91;
        out.push(33 + u8::try_from(digit).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways() {
        for value in [0, 1, 90, 91, 8280] {
            let mut out = Vec::new();
            push(&mut out, value, 2);
            assert_eq!(number(&out), Some(value));
        }
        assert_eq!(number(b"{{"), Some(8280));
        assert_eq!(number(b"| "), None);
    }
}
