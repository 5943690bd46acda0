//! Files of packets: one a line, with or without a time in front. Read line by line with bounded memory.
//!
//! A time is RFC 3339 (`2026-11-23T10:15:00Z`, a blank for the `T` and a missing zone allowed: UTC) or seconds since
//! 1970 (perhaps with a fraction), then blanks, tabs or a colon and a blank. Nothing else is taken for a time: a packet
//! begins with a callsign and `>`.

use std::io::{self, BufRead};

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Where reading goes on when this line is taken, bytes from the start: where the next line begins. Of a last line
    /// without a line end it is where that line begins: it may still grow.
    pub next_offset: u64,
    /// The time in front, microseconds since 1970 UTC.
    pub received_at_us: Option<i64>,
    /// The packet's bytes.
    pub line: Vec<u8>,
}

/// Reads the lines of a file. Bound: one line of [`FileReader::LIMIT`] bytes; longer ones are skipped and counted.
#[derive(Debug)]
pub struct FileReader<R> {
    source: R,
    offset: u64,
    oversize: u64,
    passed_over: u64,
}

impl<R: BufRead> FileReader<R> {
    /// The longest line taken: a packet with a time in front and room to spare.
    pub const LIMIT: usize = 4096;

    /// Reads from a source that stands at `offset` of its file.
    pub fn new(source: R, offset: u64) -> Self {
        Self { source, offset, oversize: 0, passed_over: 0 }
    }

    /// Lines skipped because they were too long.
    #[must_use]
    pub fn oversize(&self) -> u64 {
        self.oversize
    }

    /// Empty lines and comments that were passed over.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// How far it has read, bytes from the start of the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next packet; `None` at the end. Empty lines and `#` comments are passed over. A last line without a line
    /// end counts.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<FileLine>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let begin = self.offset;
            let mut skipping = false;
            let mut ended = false;
            while !ended {
                let chunk = self.source.fill_buf()?;
                if chunk.is_empty() {
                    break;
                }
                let end = memchr::memchr(b'\n', chunk);
                let used = end.map_or(chunk.len(), |end| end + 1);
                ended = end.is_some();
                if !skipping {
                    line.extend_from_slice(&chunk[..end.unwrap_or(used)]);
                    skipping = line.len() > Self::LIMIT;
                }
                self.source.consume(used);
                self.offset += used as u64;
            }
            if line.is_empty() && !ended {
                return Ok(None);
            }
            if skipping {
                self.oversize += 1;
                continue;
            }
            while line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.is_empty() || line[0] == b'#' {
                self.passed_over += 1;
                continue;
            }
            let (received_at_us, start) = take_time(&line);
            line.drain(..start);
            let next_offset = if ended { self.offset } else { begin };
            return Ok(Some(FileLine { next_offset, received_at_us, line }));
        }
    }
}

/// The time in front of a line and where the packet begins; `(None, 0)` when there is none.
fn take_time(line: &[u8]) -> (Option<i64>, usize) {
    let head = line.get(..40.min(line.len())).unwrap_or_default();
    // A time is all ASCII and has no `>`; a callsign is followed by one.
    let stop = head.iter().position(|byte| !(byte.is_ascii_digit() || b"-:.TtZz+ ,".contains(byte))).unwrap_or(head.len());
    let text = std::str::from_utf8(&head[..stop]).unwrap_or_default();
    let separator = |at: usize| -> Option<usize> {
        let rest = &line[at..];
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let packet = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
        (packet > 0).then(|| line.len() - rest.len() + packet)
    };
    // The longest reading first: date, time, fraction, zone.
    for end in (10..=text.len()).rev().filter(|end| text.is_char_boundary(*end)) {
        let Some(start) = separator(end) else {
            continue;
        };
        if let Some(time) = parse_time(&text[..end]) {
            return (Some(time), start);
        }
    }
    (None, 0)
}

fn parse_time(text: &str) -> Option<i64> {
    if !text.contains('-') && !text.contains(':') {
        // Seconds since 1970: nine to eleven digits, perhaps with a fraction.
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if !(9..=11).contains(&whole.len()) || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        return whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros);
    }
    let text = text.replacen(',', ".", 1);
    let zoned = text.ends_with(['Z', 'z']) || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
    let stamp = if zoned {
        text.parse::<jiff::Timestamp>().ok()?
    } else {
        let civil = text.parse::<jiff::civil::DateTime>().ok().filter(|_| text.len() >= 19)?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
    };
    Some(stamp.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<FileLine> {
        let mut reader = FileReader::new(io::BufReader::with_capacity(7, text), 0);
        std::iter::from_fn(|| reader.next_line().expect("memory")).collect()
    }

    #[test]
    fn times_in_front() {
        const AT: i64 = 1_795_428_900_000_000;
        for (text, at) in [
            ("2026-11-23T10:15:00Z", AT),
            ("2026-11-23 10:15:00Z", AT),
            ("2026-11-23T10:15:00.250Z", AT + 250_000),
            ("2026-11-23T11:15:00+01:00", AT),
            ("2026-11-23 10:15:00", AT),
            ("2026-11-23 10:15:00,5", AT + 500_000),
            ("1795428900", AT),
            ("1795428900.75", AT + 750_000),
            ("2026-11-23 10:15:00:", AT),
        ] {
            for separator in [" ", "\t", "  "] {
                let lines = read(format!("{text}{separator}A1B>APRS:>hi there\r\n").as_bytes());
                assert_eq!((lines[0].received_at_us, &lines[0].line[..]), (Some(at), &b"A1B>APRS:>hi there"[..]), "{text}");
            }
        }
    }

    #[test]
    fn packets_are_not_taken_for_times() {
        for line in ["2E0ABC>APRS:>2026-11-23 10:15:00", "9A1234567>APRS:>x", "1795428900>APRS:>x", "4X1 A>B:c", "12345 A1B>APRS:>x"] {
            assert_eq!(read(line.as_bytes())[0].received_at_us, None, "{line}");
            assert_eq!(read(line.as_bytes())[0].line, line.as_bytes());
        }
    }

    #[test]
    fn comments_blanks_and_long_lines_are_passed_over_and_offsets_resume() {
        let mut text = b"# comment\n\r\nA1B>APRS:>one\n".to_vec();
        text.extend(vec![b'x'; 10_000]);
        text.extend(b"\nA1B>APRS:>t\xe9\0o\nA1B>APRS:>three");
        let lines = read(&text);
        assert_eq!(
            lines.iter().map(|line| line.line.clone()).collect::<Vec<_>>(),
            [&b"A1B>APRS:>one"[..], b"A1B>APRS:>t\xe9\0o", b"A1B>APRS:>three"]
        );
        let from = usize::try_from(lines[0].next_offset).expect("small");
        assert_eq!(read(&text[from..]).len(), 2);
        assert_eq!(lines[1].next_offset, lines[2].next_offset, "the last line has no end yet");
        let mut reader = FileReader::new(&text[..], 0);
        while reader.next_line().expect("memory").is_some() {}
        assert_eq!((reader.oversize(), reader.passed_over(), reader.offset()), (1, 2, text.len() as u64));
    }
}
