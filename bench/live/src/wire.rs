//! What the viewers read: WebSocket frames, and of the messages in them as much as is counted.

use std::{collections::HashMap, io::Read as _};

/// Bytes of a connection that did not make a whole frame yet.
#[derive(Debug, Default)]
pub struct Incoming(Vec<u8>);

impl Incoming {
    /// Takes bytes and calls for each whole message.
    pub fn take(&mut self, bytes: &[u8], mut message: impl FnMut(&[u8])) {
        if self.0.is_empty() {
            let used = messages(bytes, &mut message);
            self.0.extend_from_slice(&bytes[used..]);
        } else {
            self.0.extend_from_slice(bytes);
            let used = messages(&self.0, &mut message);
            self.0.drain(..used);
            if self.0.is_empty() {
                self.0 = Vec::new();
            }
        }
    }
}

/// Calls for each whole binary message; returns how many bytes these were.
fn messages(bytes: &[u8], message: &mut impl FnMut(&[u8])) -> usize {
    let mut at = 0;
    while let Some((start, end)) = frame(&bytes[at..]) {
        if bytes[at] == 0x82 {
            message(&bytes[at + start..at + end]);
        }
        at += end;
    }
    at
}

/// Where the payload of the first frame starts and ends.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes {
        [_, 127, a, b, c, d, e, f, g, h, ..] => (10, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok()?),
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, length @ ..126, ..] => (2, usize::from(length)),
        _ => return None,
    };
    (bytes.len() >= start + length).then_some((start, start + length))
}

/// The next varint, and what is behind it.
fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return (value, &bytes[at + 1..]);
        }
    }
    panic!("a number without an end");
}

/// The frames of a message: kind and body.
pub fn frames(message: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = &message[1..];
    std::iter::from_fn(move || {
        let (&kind, after) = rest.split_first()?;
        let (length, after) = varint(after);
        let (body, next) = after.split_at(length);
        rest = next;
        Some((kind, body))
    })
}

/// The kind of snapshots, and those of deltas.
pub const SNAPSHOT: u8 = 2;
const DELTA: u8 = 3;
const PACKED_DELTA: u8 = 7;

/// How many entities a snapshot holds.
pub fn entities(snapshot: &[u8]) -> usize {
    let mut content = Vec::new();
    match snapshot[9] {
        0 => content.extend_from_slice(&snapshot[10..]),
        _ => drop(flate2::read::DeflateDecoder::new(&snapshot[10..]).read_to_end(&mut content).expect("DEFLATE")),
    }
    varint(&content[5..]).0
}

/// Deltas of tiles that were seen, by what they begin with: a tile and two numbers. All viewers get the same ones, and
/// unpacking each for each of them would measure the viewers.
#[derive(Debug, Default)]
pub struct Deltas(HashMap<[u8; 13], Seen>);

#[derive(Debug, Default)]
struct Seen {
    updates: usize,
    /// Bytes that packing saved.
    saved: usize,
    names: Vec<Box<[u8]>>,
}

impl Deltas {
    /// How many entities the deltas of a message tell of.
    pub fn updates(&mut self, message: &[u8]) -> usize {
        frames(message).filter_map(|(kind, body)| Some(self.seen(kind, body)?.updates)).sum()
    }

    /// Bytes that the packing of deltas saved in a message.
    pub fn saved(&mut self, message: &[u8]) -> usize {
        frames(message).filter_map(|(kind, body)| Some(self.seen(kind, body)?.saved)).sum()
    }

    /// Calls for the name of each entity that the deltas of a message tell of.
    pub fn names(&mut self, message: &[u8], mut each: impl FnMut(&[u8])) {
        for (kind, body) in frames(message) {
            if let Some(seen) = self.seen(kind, body) {
                seen.names.iter().for_each(|name| each(name));
            }
        }
    }

    fn seen(&mut self, kind: u8, body: &[u8]) -> Option<&Seen> {
        let (head, batch) = match kind {
            DELTA | PACKED_DELTA => body.split_first_chunk::<13>()?,
            _ => return None,
        };
        if self.0.len() > 4096 {
            self.0.clear();
        }
        Some(self.0.entry(*head).or_insert_with(|| {
            if kind == DELTA {
                return Seen::of(batch);
            }
            let mut content = Vec::new();
            flate2::read::DeflateDecoder::new(batch).read_to_end(&mut content).expect("DEFLATE");
            Seen { saved: content.len().saturating_sub(batch.len()), ..Seen::of(&content) }
        }))
    }
}

impl Seen {
    fn of(batch: &[u8]) -> Self {
        let stride = usize::from(batch[4]);
        let (updates, mut rest) = varint(&batch[5..]);
        for _ in 0..updates {
            rest = varint(rest).1;
        }
        let (lengths, mut left) = rest[stride * updates..].split_at(updates);
        let mut names = Vec::with_capacity(updates);
        for length in lengths {
            let (name, next) = left.split_at(usize::from(*length));
            names.push(name.into());
            left = next;
        }
        Self { updates, saved: 0, names }
    }
}
