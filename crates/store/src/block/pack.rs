//! Writing and reading columns of small numbers.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use crate::packed::{put_varint, take_varint};

/// Nothing of ours inflates to more.
const MOST_BYTES: u64 = 256 << 20;

pub(super) fn varint(out: &mut Vec<u8>, value: u32) {
    put_varint(out, value.into());
}

pub(super) fn count(out: &mut Vec<u8>, things: usize) {
    varint(out, u32::try_from(things).unwrap_or(u32::MAX));
}

/// Small numbers of either sign: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
pub(super) fn zigzag(out: &mut Vec<u8>, value: i32) {
    varint(out, ((value << 1) ^ (value >> 31)) as u32);
}

pub(super) fn deflate(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(content.len() / 2), Compression::new(level));
    // Writing to memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

pub(super) fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(packed.len() * 3);
    DeflateDecoder::new(packed).take(MOST_BYTES).read_to_end(&mut content).ok()?;
    Some(content)
}

/// Reads what the functions above wrote; `None` at the first thing that is not there.
pub(super) struct Columns<'a>(pub(super) &'a [u8]);

impl<'a> Columns<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn varint(&mut self) -> Option<u32> {
        u32::try_from(take_varint(&mut self.0)?).ok()
    }

    pub(super) fn zigzag(&mut self) -> Option<i32> {
        let value = self.varint()?;
        Some((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    pub(super) fn varints(&mut self, count: usize) -> Option<Vec<u32>> {
        // Each takes a byte at least: a count that lies allocates nothing.
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| self.varint()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut out = Vec::new();
        let numbers = [0, 1, -1, 63, -64, 64, i32::MAX, i32::MIN];
        for number in numbers {
            zigzag(&mut out, number);
        }
        varint(&mut out, u32::MAX);
        let mut columns = Columns(&out);
        assert!(numbers.iter().all(|number| columns.zigzag() == Some(*number)));
        assert_eq!((columns.varint(), columns.varint()), (Some(u32::MAX), None));
        assert_eq!(Columns(&[1, 2]).varints(3), None);
        assert_eq!(inflate(&deflate(&out, 6)), Some(out));
    }
}
