//! Looking at 64 bytes at once: which of them are of a kind, as the bits of a number. The loops are written so that the
//! compiler turns them into vector instructions; the bits are then visited one by one, without a look at the bytes
//! between.

/// Bytes looked at together.
pub(crate) const BLOCK: usize = 64;

/// A bit for each of `PLACES` places, 64 at most, set where `is_wanted`, the first place lowest.
#[inline(always)]
pub(crate) fn bits<const PLACES: usize>(is_wanted: impl Fn(usize) -> bool) -> u64 {
    let mut marks = [0; PLACES];
    for (at, mark) in marks.iter_mut().enumerate() {
        *mark = u8::from(is_wanted(at));
    }
    let mut bits = 0;
    for (at, word) in marks.as_chunks::<8>().0.iter().enumerate() {
        // The factor moves the low bit of each byte into the highest byte, at the place of its byte.
        bits |= (u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (at * 8);
    }
    bits
}

/// A bit for each byte of `line` in `from..to`, of 64 at most, set where `is_wanted` of the byte before it and itself.
/// `from` is at least 1.
#[inline(always)]
pub(crate) fn bits_of(line: &[u8], from: usize, to: usize, is_wanted: impl Fn(u8, u8) -> bool) -> u64 {
    let len = line.len().min(to).saturating_sub(from);
    if len <= HALF {
        bits_within::<HALF, { HALF + 1 }>(line, from, len, is_wanted)
    } else {
        bits_within::<BLOCK, { BLOCK + 1 }>(line, from, len, is_wanted)
    }
}

/// Bytes looked at where there are no more: half the work.
const HALF: usize = BLOCK / 2;

/// [`bits_of`] `len` bytes, of `PLACES` at most; a window is one byte longer, for the byte before the first.
#[inline(always)]
fn bits_within<const PLACES: usize, const WINDOW: usize>(line: &[u8], from: usize, len: usize, is_wanted: impl Fn(u8, u8) -> bool) -> u64 {
    let rest = from.checked_sub(1).and_then(|before| line.get(before..)).unwrap_or_default();
    // Where the line ends within the window, its last bytes are looked at and those before not counted.
    let (window, skipped) = match (rest.first_chunk::<WINDOW>(), line.last_chunk::<WINDOW>()) {
        (Some(window), _) => (window, 0),
        (None, Some(window)) => (window, (from + PLACES).wrapping_sub(line.len()) & (BLOCK - 1)),
        (None, None) => return first(bits_of_short::<PLACES, WINDOW>(rest, is_wanted), len),
    };
    first(bits::<PLACES>(|at| is_wanted(window[at], window[at + 1])) >> skipped, len)
}

/// The lowest bits, as many as `len`.
#[inline(always)]
fn first(bits: u64, len: usize) -> u64 {
    if len >= BLOCK { bits } else { bits & ((1 << len) - 1) }
}

#[inline(never)]
fn bits_of_short<const PLACES: usize, const WINDOW: usize>(rest: &[u8], is_wanted: impl Fn(u8, u8) -> bool) -> u64 {
    let window: [u8; WINDOW] = pad(rest);
    bits::<PLACES>(|at| is_wanted(window[at], window[at + 1]))
}

/// The bytes of what is shorter than a window, and zeros.
#[inline]
pub(crate) fn pad<const WINDOW: usize>(bytes: &[u8]) -> [u8; WINDOW] {
    let mut padded = [0; WINDOW];
    if let Some(start) = padded.get_mut(..bytes.len()) {
        start.copy_from_slice(bytes);
    }
    padded
}

/// True for what cannot stand in a callsign, where letters, digits and dashes can.
#[inline(always)]
pub(crate) fn is_stop(byte: u8) -> bool {
    // The last letter and digit become the greatest number with a sign, so that one comparison does for two.
    let letter = (byte | 0x20).wrapping_add(0x7F - b'z') as i8 > 0x7F - 26;
    let digit = byte.wrapping_add(0x7F - b'9') as i8 > 0x7F - 10;
    !(letter | digit | (byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_no_letter_digit_or_dash_is_a_stop() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_stop(byte), !(byte.is_ascii_alphanumeric() || byte == b'-'), "{byte:#x}");
        }
    }

    #[test]
    fn the_first_place_is_the_lowest_bit() {
        assert_eq!(bits::<BLOCK>(|at| matches!(at, 0 | 9 | 63)), 1 | 1 << 9 | 1 << 63);
    }

    #[test]
    fn any_part_of_a_line_can_be_looked_at() {
        for len in [1, 2, 31, 32, 33, 34, 40, 63, 64, 65, 66, 100, 130] {
            let line: Vec<u8> = (0..len).map(|at| (at * 37 % 251) as u8).collect();
            for from in 1..=len {
                for to in [from, from + 1, from + 9, from + 32, from + 33, from + 63, from + 64, from + 65, len] {
                    let is_wanted = |before: u8, byte: u8| before.is_multiple_of(2) & byte.is_multiple_of(3);
                    let expected = (from..to.min(len).min(from + 64))
                        .filter(|&at| is_wanted(line[at - 1], line[at]))
                        .fold(0, |all, at| all | 1 << (at - from));
                    assert_eq!(bits_of(&line, from, to, is_wanted), expected, "{from}..{to} of {len}");
                }
            }
        }
    }
}
