//! A tile: who is in it, its sequence number, the last deltas, and its snapshot once somebody asked.
//! Bound: [`Tile::LOG_DELTAS`] and [`Tile::LOG_BYTES`] of deltas; a tile that nobody watches keeps none.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

#[derive(Debug, Default)]
pub(crate) struct Tile {
    pub(crate) members: BTreeSet<u32>,
    /// Changed or added since the last tick.
    pub(crate) changed: BTreeSet<u32>,
    /// Gone since the last tick.
    pub(crate) removed: BTreeSet<u32>,
    pub(crate) seq: u32,
    /// Deltas are logged until this time; watching prolongs it, so that a viewer may come back and resume.
    pub(crate) watched_until_us: i64,
    log: VecDeque<(u32, Bytes)>,
    log_bytes: usize,
    pub(crate) snapshot: Option<(u32, Bytes)>,
}

/// What a viewer gets of a tile.
pub(crate) enum News {
    Nothing,
    Deltas(Vec<Bytes>),
    /// The log does not reach back that far.
    Gap,
}

impl Tile {
    const LOG_DELTAS: usize = 256;
    const LOG_BYTES: usize = 262_144;

    /// Notes a delta from the sequence number before to `self.seq`.
    pub(crate) fn log(&mut self, delta: Bytes) {
        self.log_bytes += delta.len();
        self.log.push_back((self.seq, delta));
        while self.log.len() > Self::LOG_DELTAS || self.log_bytes > Self::LOG_BYTES {
            let Some((_, oldest)) = self.log.pop_front() else {
                break;
            };
            self.log_bytes -= oldest.len();
        }
    }

    pub(crate) fn forget(&mut self) {
        self.log.clear();
        self.log_bytes = 0;
        self.snapshot = None;
    }

    pub(crate) fn since(&self, seq: u32) -> News {
        if seq == self.seq {
            return News::Nothing;
        }
        let missed: Vec<Bytes> = self.log.iter().filter(|(to, _)| *to > seq).map(|(_, delta)| delta.clone()).collect();
        // Every step is logged with its own number, so a full log has as many entries as numbers were missed.
        if seq < self.seq && missed.len() == usize::try_from(self.seq - seq).unwrap_or(usize::MAX) {
            News::Deltas(missed)
        } else {
            News::Gap
        }
    }
}
