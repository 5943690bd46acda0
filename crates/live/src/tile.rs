//! A watched tile: its sequence number, the last deltas, and its snapshot, all encoded once and shared by whoever
//! watches. It exists from the first viewer until [`Tile::LINGER_US`] after the last.
//!
//! Sequence numbers are those of the whole live side ([`crate::world::World`] counts them), so a tile that is let go and
//! made again starts at a number that nobody can hold of it.
//!
//! Bound: [`Tile::LOG_STEPS`], [`Tile::LOG_BYTES`] and [`Tile::LINGER_US`] of deltas, [`Tile::CATCH_UPS`] of catch-ups, a
//! snapshot, and one answer over HTTP.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use bytes::Bytes;

use crate::TileAddress;

/// What changed in a tile in one tick.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) at_us: i64,
    /// When the packet that waited longest for this step was heard.
    pub(crate) heard_us: i64,
    pub(crate) changed: Box<[u32]>,
    pub(crate) removed: Box<[u32]>,
    /// The delta.
    pub(crate) frame: Bytes,
}

/// What a tile tells over HTTP: the `ETag` of its state and a whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileMessage {
    /// `W/"EPOCH-SEQ"`: what the body leads to.
    pub tag: Bytes,
    /// The message.
    pub body: Bytes,
}

#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) address: TileAddress,
    seq: AtomicU32,
    watched_until_us: AtomicI64,
    shared: Mutex<Shared>,
    /// Held while a snapshot is made: those who want it too wait instead of making it again.
    pub(crate) making: Mutex<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    log: VecDeque<Step>,
    log_bytes: usize,
    snapshot: Option<(u32, Bytes)>,
    /// What leads from an older number to the present one.
    catch_ups: Vec<(u32, Bytes)>,
    whole: Option<(u32, TileMessage)>,
}

/// What a viewer gets of a tile.
pub(crate) enum News {
    Nothing,
    /// So many deltas were pushed; when the longest waiting packet in them was heard.
    Deltas(i64),
    /// Missed more than it pays to send one by one.
    Behind,
    /// The log does not reach back that far.
    Gap,
}

impl Tile {
    pub(crate) const LOG_STEPS: usize = 256;
    pub(crate) const LOG_BYTES: usize = 262_144;
    /// How long a tile is kept after the last viewer left: who comes back within it resumes.
    pub(crate) const LINGER_US: i64 = 60_000_000;
    pub(crate) const CATCH_UPS: usize = 16;
    /// Deltas sent one by one to whoever missed some; more are made into one with the latest state of each entity.
    const ONE_BY_ONE: usize = 2;
    /// Deltas sent behind a kept snapshot; more, or more bytes than half of it, and it is made anew.
    const BEHIND_SNAPSHOT: usize = 16;

    pub(crate) fn new(address: TileAddress, seq: u32, now_us: i64) -> Self {
        Self {
            address,
            seq: AtomicU32::new(seq),
            watched_until_us: AtomicI64::new(now_us + Self::LINGER_US),
            shared: Mutex::default(),
            making: Mutex::default(),
        }
    }

    pub(crate) fn seq(&self) -> u32 {
        self.seq.load(Ordering::Acquire)
    }

    /// Somebody watches.
    pub(crate) fn watch(&self, now_us: i64) {
        self.watched_until_us.fetch_max(now_us + Self::LINGER_US, Ordering::Relaxed);
    }

    pub(crate) fn watched_until_us(&self) -> i64 {
        self.watched_until_us.load(Ordering::Relaxed)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on by a step.
    pub(crate) fn log(&self, step: Step) {
        let mut shared = self.shared();
        shared.catch_ups.clear();
        shared.whole = None;
        let (to, old_us) = (step.to, step.at_us - Self::LINGER_US);
        shared.log_bytes += step.frame.len();
        shared.log.push_back(step);
        while shared.log.len() > Self::LOG_STEPS
            || shared.log_bytes > Self::LOG_BYTES
            || shared.log.front().is_some_and(|oldest| oldest.at_us < old_us)
        {
            let Some(oldest) = shared.log.pop_front() else {
                break;
            };
            shared.log_bytes -= oldest.frame.len();
        }
        self.seq.store(to, Ordering::Release);
    }

    /// Bytes of deltas kept.
    pub(crate) fn log_bytes(&self) -> usize {
        self.shared().log_bytes
    }

    /// Replaces all that is told of the tile (the density, which has no deltas).
    pub(crate) fn replace(&self, seq: u32, snapshot: Bytes) {
        let mut shared = self.shared();
        shared.whole = None;
        shared.snapshot = Some((seq, snapshot));
        self.seq.store(seq, Ordering::Release);
    }

    /// What there is beyond `known`: pushes the deltas if they are few, and returns the number they lead to.
    pub(crate) fn since(&self, known: u32, out: &mut Vec<Bytes>) -> (u32, News) {
        let shared = self.shared();
        let seq = self.seq();
        if known == seq {
            return (seq, News::Nothing);
        }
        let Some(first) = shared.position(known) else {
            return (seq, News::Gap);
        };
        if shared.log.len() - first > Self::ONE_BY_ONE {
            return (seq, News::Behind);
        }
        out.extend(shared.log.range(first..).map(|step| step.frame.clone()));
        (seq, News::Deltas(shared.heard_us(first)))
    }

    /// The ids that were touched after `known`, ascending, and when the longest waiting packet was heard.
    pub(crate) fn touched_since(&self, known: u32) -> Option<(BTreeSet<u32>, i64)> {
        let shared = self.shared();
        let first = shared.position(known)?;
        let ids = shared.log.range(first..).flat_map(|step| step.changed.iter().chain(&step.removed)).copied().collect();
        Some((ids, shared.heard_us(first)))
    }

    /// A catch-up made before.
    pub(crate) fn catch_up(&self, known: u32) -> Option<(u32, Bytes, i64)> {
        let shared = self.shared();
        let (_, frame) = shared.catch_ups.iter().find(|(from, _)| *from == known)?;
        Some((self.seq(), frame.clone(), shared.heard_us(shared.position(known)?)))
    }

    /// Keeps a catch-up for whoever missed the same, unless the tile has moved on.
    pub(crate) fn keep_catch_up(&self, from: u32, to: u32, frame: &Bytes) {
        let mut shared = self.shared();
        if self.seq() == to && shared.catch_ups.len() < Self::CATCH_UPS {
            shared.catch_ups.push((from, frame.clone()));
        }
    }

    /// The kept snapshot with the deltas since, if these are few; pushes them and returns the number they lead to.
    pub(crate) fn snapshot(&self, out: &mut Vec<Bytes>) -> Option<u32> {
        let shared = self.shared();
        let (at, bytes) = shared.snapshot.as_ref()?;
        let seq = self.seq();
        let first = if *at == seq { shared.log.len() } else { shared.position(*at)? };
        let behind: usize = shared.log.range(first..).map(|step| step.frame.len()).sum();
        if shared.log.len() - first > Self::BEHIND_SNAPSHOT || behind > bytes.len() / 2 + 256 {
            return None;
        }
        out.push(bytes.clone());
        out.extend(shared.log.range(first..).map(|step| step.frame.clone()));
        Some(seq)
    }

    pub(crate) fn keep_snapshot(&self, seq: u32, bytes: Bytes) {
        self.shared().snapshot = Some((seq, bytes));
    }

    /// The whole tile for HTTP, if it was made since the last change.
    pub(crate) fn whole(&self) -> Option<TileMessage> {
        let shared = self.shared();
        let (at, message) = shared.whole.as_ref()?;
        (*at == self.seq()).then(|| message.clone())
    }

    pub(crate) fn keep_whole(&self, seq: u32, message: &TileMessage) {
        self.shared().whole = Some((seq, message.clone()));
    }
}

impl Shared {
    /// Where the log goes on after a number.
    fn position(&self, known: u32) -> Option<usize> {
        self.log.binary_search_by_key(&known, |step| step.from).ok()
    }

    fn heard_us(&self, first: usize) -> i64 {
        self.log.range(first..).map(|step| step.heard_us).min().unwrap_or(i64::MAX)
    }
}
