//! Looking at 64 bytes at once: which of them are of a kind, as the bits of a number. The loops are written so that the
//! compiler turns them into vector instructions; the bits are then visited one by one, without a look at the bytes
//! between.

/// Bytes looked at together.
pub(crate) const BLOCK: usize = 64;

/// A bit for each of 64 bytes, set where `is_wanted`, the first byte in the lowest place.
#[inline(always)]
fn bits(bytes: &[u8; BLOCK], is_wanted: impl Fn(u8) -> bool) -> u64 {
    let mut marks = [0; BLOCK];
    for (mark, &byte) in marks.iter_mut().zip(bytes) {
        *mark = u8::from(is_wanted(byte));
    }
    let mut bits = 0;
    for (at, word) in marks.as_chunks::<8>().0.iter().enumerate() {
        // The factor moves the low bit of each byte into the highest byte, at the place of its byte.
        bits |= (u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (at * 8);
    }
    bits
}

/// [`bits`] of the bytes of `line` in `from..to`, of 64 at most.
#[inline(always)]
pub(crate) fn bits_of(line: &[u8], from: usize, to: usize, is_wanted: impl Fn(u8) -> bool) -> u64 {
    let (found, len) = match line.get(from..).unwrap_or_default().first_chunk() {
        Some(whole) => (bits(whole, is_wanted), to.saturating_sub(from)),
        None => (bits_at_end(line, from, is_wanted), line.len().min(to).saturating_sub(from)),
    };
    if len >= BLOCK { found } else { found & ((1 << len) - 1) }
}

/// [`bits`] from `from`, where fewer than 64 bytes are left: the last 64 are looked at and those before not counted.
#[inline(always)]
fn bits_at_end(line: &[u8], from: usize, is_wanted: impl Fn(u8) -> bool) -> u64 {
    if let Some(last) = line.last_chunk::<BLOCK>() {
        let before = from + BLOCK - line.len();
        return if before < BLOCK { bits(last, is_wanted) >> before } else { 0 };
    }
    let rest = line.get(from..).unwrap_or_default();
    let mut padded = [0; BLOCK];
    padded[..rest.len()].copy_from_slice(rest);
    bits(&padded, is_wanted)
}

/// True for what cannot stand in a callsign, where letters, digits and dashes can.
#[inline(always)]
fn is_stop(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    !(letter | digit | (byte == b'-'))
}

/// Finds the bytes that cannot stand in a callsign, one after the other.
pub(crate) struct Stops<'a> {
    line: &'a [u8],
    base: usize,
    bits: u64,
}

impl<'a> Stops<'a> {
    #[inline(always)]
    pub(crate) fn new(line: &'a [u8]) -> Self {
        Self { line, base: 0, bits: bits_of(line, 0, line.len(), is_stop) }
    }

    /// Offset of the next one.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            (self.base, self.bits) = Self::further(self.line, self.base)?;
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }

    /// The next 64 bytes behind `base` that have any.
    #[cold]
    fn further(line: &[u8], mut base: usize) -> Option<(usize, u64)> {
        loop {
            base += BLOCK;
            if base >= line.len() {
                return None;
            }
            let bits = bits_of(line, base, line.len(), is_stop);
            if bits != 0 {
                return Some((base, bits));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(line: &[u8]) -> Vec<usize> {
        let mut stops = Stops::new(line);
        std::iter::from_fn(|| stops.next()).collect()
    }

    #[test]
    fn every_byte_that_is_no_letter_digit_or_dash_is_a_stop() {
        for byte in 0..=u8::MAX {
            let line = [b'A', byte, b'z', b'-', b'0'];
            let is_call = byte.is_ascii_alphanumeric() || byte == b'-';
            assert_eq!(stops(&line), if is_call { vec![] } else { vec![1] }, "{byte:#x}");
        }
    }

    #[test]
    fn any_part_of_a_line_can_be_looked_at() {
        for len in [0, 1, 40, 63, 64, 65, 100, 130] {
            let line: Vec<u8> = (0..len).map(|at| (at * 37 % 251) as u8).collect();
            for from in 0..=len {
                for to in [from, from + 1, from + 9, from + 63, from + 64, from + 65, len] {
                    let found = bits_of(&line, from, to, |byte| byte.is_multiple_of(3));
                    let expected = (from..to.min(len).min(from + 64))
                        .filter(|&at| line[at].is_multiple_of(3))
                        .fold(0, |all, at| all | 1 << (at - from));
                    assert_eq!(found, expected, "{from}..{to} of {len}");
                }
            }
        }
    }

    #[test]
    fn stops_are_found_in_order_across_blocks() {
        for len in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
            let mut line = vec![b'X'; len];
            let wanted: Vec<usize> = (0..len).filter(|at| at % 13 == 5 || at % 64 >= 62).collect();
            wanted.iter().for_each(|&at| line[at] = b',');
            assert_eq!(stops(&line), wanted, "{len}");
        }
    }
}
