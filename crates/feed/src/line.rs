//! Cutting a byte stream into lines: at CR and LF only, nothing decoded, memory bounded by the longest line allowed.

/// Cuts a stream into lines. A longer line than allowed is skipped to its end and counted; empty lines are ignored.
/// Owner: one connection. Bound: `limit` bytes.
#[derive(Debug)]
pub struct LineReader {
    limit: usize,
    partial: Vec<u8>,
    skipping: bool,
    oversize: u64,
}

impl LineReader {
    /// The network's longest line is 512 bytes with CR and LF (aprs-is.net): 510 of content.
    pub const APRS_IS_LIMIT: usize = 510;

    /// Lines of at most `limit` bytes, line end not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), skipping: false, oversize: 0 }
    }

    /// Takes bytes in; calls `line` for each line they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) {
            let head = &bytes[..end];
            bytes = &bytes[end + 1..];
            if self.skipping {
                self.skipping = false;
            } else if self.partial.len() + head.len() > self.limit {
                self.oversize += 1;
            } else if self.partial.is_empty() {
                if !head.is_empty() {
                    line(head);
                }
            } else {
                self.partial.extend_from_slice(head);
                line(&self.partial);
            }
            self.partial.clear();
        }
        if self.skipping {
            return;
        }
        if self.partial.len() + bytes.len() > self.limit {
            self.oversize += 1;
            self.skipping = true;
            self.partial.clear();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    /// Lines skipped because they were too long.
    #[must_use]
    pub fn oversize(&self) -> u64 {
        self.oversize
    }

    /// Bytes held of a line that has not ended; what is left of it when a connection ends is cut off and discarded.
    #[must_use]
    pub fn held(&self) -> usize {
        self.partial.len()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.partial.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(reader: &mut LineReader, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for chunk in chunks {
            reader.push(chunk, |line| lines.push(line.to_vec()));
        }
        lines
    }

    #[test]
    fn line_ends_of_every_kind() {
        let mut reader = LineReader::new(10);
        assert_eq!(lines(&mut reader, &[b"a\r\nb\nc\rd\r\r\n\n", b"e", b"f\0\xff\r\ngh"]), [&b"a"[..], b"b", b"c", b"d", b"ef\0\xff"]);
        assert_eq!(reader.held(), 2);
    }

    #[test]
    fn what_is_too_long_is_skipped_and_its_neighbours_live() {
        let mut reader = LineReader::new(4);
        assert_eq!(lines(&mut reader, &[b"good\n12345\nfine\n", b"123", b"456", b"789\nok\n"]), [&b"good"[..], b"fine", b"ok"]);
        assert_eq!(reader.oversize(), 2);
        for _ in 0..256 {
            reader.push(&[b'x'; 65_536], |_| panic!("no line"));
        }
        assert!(reader.capacity() <= 64);
        assert_eq!(lines(&mut reader, &[b"\nyes\n"]), [b"yes"]);
    }

    proptest! {
        #[test]
        fn chunking_does_not_matter(text in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..300), cuts in proptest::collection::vec(0..300_usize, 0..8)) {
            let mut whole = LineReader::new(20);
            let expected = lines(&mut whole, &[&text]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let mut cut = LineReader::new(20);
            prop_assert_eq!(lines(&mut cut, &chunks), expected);
            prop_assert_eq!(cut.oversize(), whole.oversize());
            prop_assert!(cut.held() <= 20);
        }
    }
}
