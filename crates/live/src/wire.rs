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
pub fn snapshot(tile: TileAddress, seq: u32, batch: &[u8]) -> Bytes {
    packed(SNAPSHOT, tile, seq, batch)
}

fn packed(kind: u8, tile: TileAddress, seq: u32, content: &[u8]) -> Bytes {
    let mut body = Vec::with_capacity(content.len() / 2 + 16);
    address(&mut body, tile);
    body.extend_from_slice(&seq.to_le_bytes());
    // A few hundred bytes do not get smaller by packing.
    if content.len() > 200 {
        body.push(1);
        body = deflate(body, content);
    } else {
        body.push(0);
        body.extend_from_slice(content);
    }
    frame(kind, &body)
}

/// Puts the content behind the head, under raw DEFLATE.
fn deflate(head: Vec<u8>, content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(head, Compression::new(4));
    // Writing to memory does not fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

/// What changed in a tile between two of its sequence numbers.
#[must_use]
pub fn delta(tile: TileAddress, from_seq: u32, to_seq: u32, batch: &[u8]) -> Bytes {
    let mut body = Vec::with_capacity(batch.len() + 16);
    address(&mut body, tile);
    body.extend_from_slice(&from_seq.to_le_bytes());
    body.extend_from_slice(&to_seq.to_le_bytes());
    if batch.len() >= PACKED_FROM {
        return frame(PACKED_DELTA, &deflate(body, batch));
    }
    body.extend_from_slice(batch);
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
    packed(DENSITY, TileAddress { level: 0, x: 0, y: 0 }, seq, &content)
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

/// A batch: entities of a tile by ascending id, then the ids of removed ones, ascending.
#[must_use]
pub fn batch(base_us: i64, rows: &[Row], removed: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * (usize::from(STRIDE) + 13) + removed.len() * 3 + 16);
    let base_s = u32::try_from(base_us / 1_000_000).unwrap_or(0);
    out.extend_from_slice(&base_s.to_le_bytes());
    out.push(STRIDE);
    differences(&mut out, rows.len(), rows.iter().map(|row| row.id));
    out.extend(rows.iter().flat_map(|row| row.x.to_le_bytes()));
    out.extend(rows.iter().flat_map(|row| row.y.to_le_bytes()));
    out.extend(rows.iter().flat_map(|row| u16::try_from(base_s.saturating_sub(row.heard_s) / 2).unwrap_or(u16::MAX).to_le_bytes()));
    out.extend(rows.iter().map(|row| row.symbol_table));
    out.extend(rows.iter().map(|row| row.symbol_code));
    out.extend(rows.iter().map(|row| row.course));
    out.extend(rows.iter().map(|row| row.flags));
    out.extend(rows.iter().flat_map(|row| row.speed.to_le_bytes()));
    out.extend(rows.iter().flat_map(|row| row.range.to_le_bytes()));
    out.extend(rows.iter().map(|row| row.interval));
    out.extend(rows.iter().map(|row| u8::try_from(row.name.as_bytes().len()).unwrap_or(0)));
    for row in rows {
        out.extend_from_slice(row.name.as_bytes());
    }
    differences(&mut out, removed.len(), removed.iter().copied());
    out
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
