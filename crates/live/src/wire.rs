//! The bytes of docs/protocol.md.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::DeflateEncoder};
use godwit_pipeline::{BeaconInterval, EntityState, Fix, Name};

use crate::address::TileAddress;

/// The version byte that every message begins with.
pub const VERSION: u8 = 1;

/// Bytes of the fixed columns for each entity.
const STRIDE: u8 = 15;

const HELLO: u8 = 1;
const SNAPSHOT: u8 = 2;
const DELTA: u8 = 3;
const DENSITY: u8 = 4;
const PULSE: u8 = 5;
const LEAVE: u8 = 6;
const PACKED_DELTA: u8 = 7;

/// Deltas whose batch has so many bytes are packed, once for all viewers (docs/adr/0010). Shorter ones get little smaller.
const PACKED_FROM: usize = 512;

fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn frame(kind: u8, body: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(body.len() + 6);
    out.push(kind);
    varint(&mut out, u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(body);
    out.into()
}

fn address(out: &mut Vec<u8>, tile: TileAddress) {
    out.push(tile.level);
    out.extend_from_slice(&tile.x.to_le_bytes());
    out.extend_from_slice(&tile.y.to_le_bytes());
}

/// Hello: who speaks, the epoch and the time.
#[must_use]
pub fn hello(epoch: u64, now_us: i64, tick_ms: u16, version: &str) -> Bytes {
    let mut body = epoch.to_le_bytes().to_vec();
    body.extend_from_slice(&(now_us / 1000).to_le_bytes());
    body.extend_from_slice(&tick_ms.to_le_bytes());
    body.extend_from_slice(version.as_bytes());
    frame(HELLO, &body)
}

/// Pulse: the time and how much there is.
#[must_use]
pub fn pulse(now_us: i64, viewers: u32, entities: u32, packets_per_minute: u32) -> Bytes {
    let mut body = (now_us / 1000).to_le_bytes().to_vec();
    for number in [viewers, entities, packets_per_minute] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    frame(PULSE, &body)
}

/// Leave: please reconnect after this delay.
#[must_use]
pub fn leave(delay_ms: u32) -> Bytes {
    frame(LEAVE, &delay_ms.to_le_bytes())
}

/// A snapshot of a tile, packed.
#[must_use]
pub fn snapshot(tile: TileAddress, seq: u32, batch: &Batch) -> Bytes {
    packed(SNAPSHOT, tile, seq, batch.parts())
}

fn packed<'p>(kind: u8, tile: TileAddress, seq: u32, parts: impl Iterator<Item = &'p [u8]> + Clone) -> Bytes {
    let size = parts.clone().map(<[u8]>::len).sum::<usize>();
    let mut body = Vec::with_capacity(size / 2 + 16);
    address(&mut body, tile);
    body.extend_from_slice(&seq.to_le_bytes());
    // A few hundred bytes do not get smaller by packing.
    if size > 200 {
        body.push(1);
        body = deflate(body, parts);
    } else {
        body.push(0);
        parts.for_each(|part| body.extend_from_slice(part));
    }
    frame(kind, &body)
}

/// Puts the parts behind the head, under raw DEFLATE, each in a block of its own.
fn deflate<'p>(head: Vec<u8>, parts: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(head, Compression::new(6));
    for (number, part) in parts.enumerate() {
        // Writing to memory does not fail.
        let _ = if number == 0 { Ok(()) } else { encoder.flush() };
        let _ = encoder.write_all(part);
    }
    encoder.finish().unwrap_or_default()
}

/// What changed in a tile between two of its sequence numbers.
#[must_use]
pub fn delta(tile: TileAddress, from_seq: u32, to_seq: u32, batch: &Batch) -> Bytes {
    let mut body = Vec::with_capacity(batch.bytes.len() + 16);
    address(&mut body, tile);
    body.extend_from_slice(&from_seq.to_le_bytes());
    body.extend_from_slice(&to_seq.to_le_bytes());
    if batch.bytes.len() >= PACKED_FROM {
        return frame(PACKED_DELTA, &deflate(body, batch.parts()));
    }
    body.extend_from_slice(&batch.bytes);
    frame(DELTA, &body)
}

/// The density of the whole world.
#[must_use]
pub fn density(seq: u32, now_us: i64, grid: u16, cells: &[u32]) -> Bytes {
    let mut content = u32::try_from(now_us / 1_000_000).unwrap_or(0).to_le_bytes().to_vec();
    content.extend_from_slice(&grid.to_le_bytes());
    varint(&mut content, u32::try_from(cells.iter().filter(|entities| **entities > 0).count()).unwrap_or(0));
    let mut before = 0;
    for (cell, entities) in (0_u32..).zip(cells).filter(|(_, entities)| **entities > 0) {
        varint(&mut content, cell - before);
        varint(&mut content, *entities);
        before = cell;
    }
    packed(DENSITY, TileAddress { level: 0, x: 0, y: 0 }, seq, std::iter::once(&content[..]))
}

/// What a batch says of one entity, in the units of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Names the entity within the epoch.
    pub id: u32,
    /// Position within the tile, 65,536ths of its width, from the west.
    pub x: u16,
    /// The same from the north.
    pub y: u16,
    /// Last heard, seconds since 1970.
    pub heard_s: u32,
    /// Symbol table as sent.
    pub symbol_table: u8,
    /// Symbol code as sent.
    pub symbol_code: u8,
    /// Steps of 2°; 255 unknown.
    pub course: u8,
    /// [`Fix::flags`].
    pub flags: u8,
    /// 0.1 km/h; 65535 unknown.
    pub speed: u16,
    /// Radio range, 0.1 km; 0 unknown.
    pub range: u16,
    /// Usual beacon interval, 30 s; 0 unknown, 255 longer.
    pub interval: u8,
    /// Its name.
    pub name: Name,
}

impl Row {
    /// The row of an entity whose position is `fix`, which lies at `place` within the tile.
    #[must_use]
    pub fn new(id: u32, state: &EntityState, fix: &Fix, place: (u16, u16), interval: BeaconInterval) -> Self {
        Self {
            id,
            x: place.0,
            y: place.1,
            heard_s: u32::try_from(state.last_heard_us / 1_000_000).unwrap_or(0),
            symbol_table: fix.symbol_table,
            symbol_code: fix.symbol_code,
            course: fix.course_deg.map_or(255, |course| u8::try_from(course / 2).unwrap_or(255)),
            flags: fix.flags(state.key.kind),
            speed: fix.speed_kmh.map_or(u16::MAX, |speed| (speed * 10.0).round().clamp(0.0, 65_534.0) as u16),
            range: fix.range_km.map_or(0, |range| (range * 10.0).round().clamp(0.0, 65_535.0) as u16),
            interval: interval.seconds().map_or(0, |seconds| u8::try_from(seconds.div_ceil(30)).unwrap_or(u8::MAX)),
            name: state.key.name,
        }
    }
}

/// The bytes of a batch, and where columns of one nature end: ids, positions, ages, small numbers, names.
///
/// A block of DEFLATE has one code for all that is in it, which suits none of them. Blocks cut there make a snapshot 6 to
/// 9 % smaller, if there are enough entities to pay for the code of each.
pub struct Batch {
    bytes: Vec<u8>,
    cuts: Vec<usize>,
}

impl Batch {
    /// With fewer entities than this one block is best.
    const CUT_FROM: usize = 20;
    /// With so many, each nature is worth a block of its own.
    const CUT_FINE_FROM: usize = 400;

    fn parts(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let ends = self.cuts.iter().copied().chain([self.bytes.len()]);
        ends.clone().zip([0].into_iter().chain(ends)).map(|(end, begin)| &self.bytes[begin..end])
    }
}

/// A batch: entities of a tile by ascending id, then the ids of removed ones, ascending.
#[must_use]
pub fn batch(base_us: i64, rows: &[Row], removed: &[u32]) -> Batch {
    let mut out = Vec::with_capacity(rows.len() * (usize::from(STRIDE) + 13) + removed.len() * 3 + 16);
    let base_s = u32::try_from(base_us / 1_000_000).unwrap_or(0);
    out.extend_from_slice(&base_s.to_le_bytes());
    out.push(STRIDE);
    differences(&mut out, rows.len(), rows.iter().map(|row| row.id));
    let ids = out.len();
    out.extend(rows.iter().flat_map(|row| row.x.to_le_bytes()));
    out.extend(rows.iter().flat_map(|row| row.y.to_le_bytes()));
    let positions = out.len();
    out.extend(rows.iter().flat_map(|row| age(base_s.saturating_sub(row.heard_s)).to_le_bytes()));
    let ages = out.len();
    out.extend(rows.iter().map(|row| row.symbol_table));
    out.extend(rows.iter().map(|row| row.symbol_code));
    out.extend(rows.iter().map(|row| row.course));
    out.extend(rows.iter().map(|row| row.flags));
    out.extend(rows.iter().flat_map(|row| row.speed.to_le_bytes()));
    out.extend(rows.iter().flat_map(|row| row.range.to_le_bytes()));
    out.extend(rows.iter().map(|row| row.interval));
    out.extend(rows.iter().map(|row| u8::try_from(row.name.as_bytes().len()).unwrap_or(0)));
    let numbers = out.len();
    for row in rows {
        out.extend_from_slice(row.name.as_bytes());
    }
    differences(&mut out, removed.len(), removed.iter().copied());
    let cuts = if rows.len() < Batch::CUT_FROM {
        Vec::new()
    } else if rows.len() < Batch::CUT_FINE_FROM {
        vec![positions, numbers]
    } else {
        vec![ids, positions, ages, numbers]
    };
    Batch { bytes: out, cuts }
}

/// How long ago, in steps of 2 s, to five binary digits: what nobody tells apart any more costs no bytes. Rounded up, by a
/// sixteenth at most, so that what is told later is never older.
fn age(seconds: u32) -> u16 {
    let steps = seconds / 2;
    let beyond = (u32::BITS - steps.leading_zeros()).saturating_sub(5);
    u16::try_from(steps.div_ceil(1 << beyond) << beyond).unwrap_or(u16::MAX)
}

/// A count and ascending ids, each as the difference to the one before.
fn differences(out: &mut Vec<u8>, count: usize, ids: impl Iterator<Item = u32>) {
    varint(out, u32::try_from(count).unwrap_or(0));
    let mut before = 0;
    for id in ids {
        varint(out, id.saturating_sub(before));
        before = id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_five_digits_and_are_never_too_young() {
        let steps = |seconds| u32::from(age(seconds));
        assert_eq!([0, 1, 2, 63, 64, 66, 3600, 131_070, 131_072, u32::MAX].map(steps), [0, 0, 1, 31, 32, 34, 1856, 65_535, 65_535, 65_535]);
        for seconds in 0..131_000 {
            let (exact, told) = (seconds / 2, steps(seconds));
            assert!(told >= exact && (told - exact) * 16 <= exact, "{seconds} s: {told} steps");
        }
    }
}
