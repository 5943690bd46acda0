//! What goes in and what comes out.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use godwit_pipeline::{EntityChange, EntityKey, Record};
use xxhash_rust::xxh3::Xxh3;

/// The kinds by stored number. Only ever append.
pub(crate) const KINDS: &[&str] = &[
    "unknown",
    "position",
    "mic_e",
    "object",
    "item",
    "message",
    "bulletin",
    "announcement",
    "ack",
    "reject",
    "telemetry",
    "telemetry_definition",
    "weather",
    "status",
    "query",
    "capabilities",
    "nmea",
    "user_defined",
    "third_party",
    "grid",
    "df",
    "raw_weather",
    "test",
];

/// The verdicts by stored number.
pub(crate) const VERDICTS: [&str; 4] = ["accepted", "duplicate", "implausible", "bad"];

/// Days since 1970 UTC.
pub(crate) fn day_of(at_us: i64) -> i32 {
    i32::try_from(at_us.div_euclid(86_400_000_000)).unwrap_or(i32::MAX)
}

/// Hours since 1970 UTC.
pub(crate) fn hour_of(at_us: i64) -> i32 {
    at_us.div_euclid(3_600_000_000).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Packets and what they changed.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In the order of arrival.
    pub records: Vec<Record>,
    /// For the latest state.
    pub changes: Vec<EntityChange>,
    /// The right to write, where several processes share a store. The embedded engine has one writer and needs none.
    pub fence: Option<Fence>,
}

/// A lease as it was taken: the database refuses a batch whose token is not the lease's latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The name of the lease.
    pub lease: String,
    /// Greater with each new holder.
    pub token: i64,
}

/// A line of an import.
#[derive(Debug, Clone)]
pub struct ImportedLine {
    /// The record.
    pub record: Record,
    /// What it changes of the latest state.
    pub changes: Vec<EntityChange>,
    /// The file gave its time.
    pub timed: bool,
    /// Which one of equal lines without a time in one file this is, from 1; always 1 for a line with a time. The same line,
    /// time and occurrence are kept once, whatever they are read from.
    pub occurrence: u32,
}

/// How far an import of a file got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPoint {
    /// The file's full name.
    pub source: String,
    /// Where to go on when what is before it is kept, bytes from the beginning.
    pub next_offset: u64,
    /// A hash of what is before that offset, by which the same file is recognized; empty if an earlier version kept this.
    pub fingerprint: Vec<u8>,
}

impl ImportPoint {
    /// Bytes at the beginning of a file, and before the offset, that are hashed.
    const LOOKED_AT: u64 = 4096;

    /// The point at this offset of a file, with a hash of the first and the last 4,096 bytes before it: a log that was
    /// rotated begins otherwise, one that was cut and written anew differs at one end at least.
    ///
    /// # Errors
    /// The file cannot be read, or is shorter.
    pub fn of(source: String, file: &File, next_offset: u64) -> io::Result<Self> {
        let length = next_offset.min(Self::LOOKED_AT);
        let mut hash = Xxh3::new();
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        for begin in [0, next_offset - length] {
            file.read_exact_at(&mut bytes, begin)?;
            hash.update(&bytes);
        }
        Ok(Self { source, next_offset, fingerprint: hash.digest128().to_be_bytes().to_vec() })
    }
}

/// Lines of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The lines, in the order of the file.
    pub lines: Vec<ImportedLine>,
    /// How far the import is when all of this is kept; `None` for what cannot be resumed.
    pub point: Option<ImportPoint>,
    /// Days that end before this time are kept although they are older than the retention.
    pub keep_before_us: i64,
}

/// What became of the lines of an import: each is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCounts {
    /// Packets kept that are neither duplicates nor bad.
    pub stored: u64,
    /// Duplicates, kept as such.
    pub duplicates: u64,
    /// Lines that are no packets, kept with the reason.
    pub bad: u64,
    /// Lines that an import had kept before, and repeats of a line with the same time.
    pub already_there: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Packets kept.
    pub stored: u64,
    /// Packets that another replica had kept.
    pub already_there: u64,
}

/// Which packets are asked for.
#[derive(Debug, Clone)]
pub struct PacketQuery {
    /// Received at or after, microseconds since 1970 UTC.
    pub since_us: i64,
    /// Received before.
    pub until_us: i64,
    /// About any of these.
    pub about: Option<Vec<EntityKey>>,
    /// Duplicates too.
    pub duplicates: bool,
    /// At most so many.
    pub limit: usize,
    /// Older than this packet: how to go on from a page.
    pub before_id: Option<i64>,
}

/// A packet as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPacket {
    /// Ordered by time, unique; below 2^53.
    pub id: i64,
    /// When it was received, microseconds since 1970 UTC.
    pub received_at_us: i64,
    /// The callsign that sent it, if the header could be read.
    pub sender: Option<godwit_pipeline::Name>,
    /// The kind, in the words of `godwit_packet::Kind::as_str`.
    pub kind: &'static str,
    /// `accepted`, `duplicate`, `implausible` or `bad`.
    pub verdict: &'static str,
    /// Why, for the last two.
    pub reason: Option<String>,
    /// The bytes.
    pub raw: Arc<[u8]>,
}

/// Packets, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PacketPage {
    /// The packets.
    pub packets: Vec<StoredPacket>,
    /// `before_id` of the next page, if there is one.
    pub next: Option<i64>,
}

/// A box on the map, degrees. `west` greater than `east` crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Southern edge.
    pub south: f64,
    /// Western edge.
    pub west: f64,
    /// Northern edge.
    pub north: f64,
    /// Eastern edge.
    pub east: f64,
}

impl Area {
    /// Whether a place is in it.
    #[must_use]
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        let across = self.west > self.east;
        let between =
            if across { longitude >= self.west || longitude <= self.east } else { longitude >= self.west && longitude <= self.east };
        between && (self.south..=self.north).contains(&latitude)
    }
}

/// Packets in the order in which they were committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// The packets, with those that are duplicates or bad.
    pub packets: Vec<StoredPacket>,
    /// Where to go on.
    pub position: i64,
    /// There were packets before these that cannot be followed any more: whoever wants them reads them from the store.
    pub gap: bool,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets that decode, duplicates not counted.
    pub stored: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Lines that are no packets.
    pub bad: u64,
    /// Entities known.
    pub entities: u64,
}

/// Packets received in an hour, by verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourCounts {
    /// When it began, microseconds since 1970 UTC.
    pub begins_us: i64,
    /// Decoded, new.
    pub accepted: u64,
    /// Copies.
    pub duplicate: u64,
    /// Decoded, with a position that is not shown.
    pub implausible: u64,
    /// No packets.
    pub bad: u64,
}

/// How many different entities were heard on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeardDay {
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    /// Stations.
    pub stations: u64,
    /// Objects.
    pub objects: u64,
    /// Items.
    pub items: u64,
}

/// Which end of a radio link a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeardSide {
    /// It listened: whom it heard.
    By,
    /// It sent: who heard it.
    Of,
}

/// A station at the other end of a radio link with nothing in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardLink {
    /// Its callsign.
    pub other: godwit_pipeline::Name,
    /// Packets, copies among them.
    pub packets: u64,
    /// The longest way of them, metres, as far as both places were known.
    pub longest_m: Option<u32>,
    /// The last day with one, days since 1970-01-01 UTC.
    pub last_day: i64,
}

/// What an imported line is known by: its bytes, with its time if the file gave one, else with its occurrence.
pub(crate) fn content_hash(line: &ImportedLine) -> u128 {
    let mut hash = Xxh3::new();
    if line.timed {
        hash.update(&line.record.received_at_us.to_be_bytes());
    }
    hash.update(&line.record.raw);
    if line.occurrence > 1 {
        hash.update(&line.occurrence.to_be_bytes());
    }
    hash.digest128()
}
