//! A viewer: the tiles it watches and how far it has been told of each. It takes; nothing is queued for it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::watch;

use crate::{Live, TileAddress, tile::Tile, wire};

/// Why a viewer's wish cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// Over 8 KiB.
    #[error("the text is over 8192 bytes")]
    Long,
    /// Not the JSON of docs/protocol.md.
    #[error("not a list of tiles: {0}")]
    Form(String),
    /// More than 64 tiles.
    #[error("more than 64 tiles")]
    Many,
    /// A tile that does not exist.
    #[error("there is no tile {0}/{1}/{2}")]
    NoTile(u8, u16, u16),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    tiles: Vec<WishedTile>,
    epoch: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WishedTile {
    New(u8, u16, u16),
    Known(u8, u16, u16, u32),
}

/// What is told at once: pieces shared with other viewers, to be written one after the other.
#[derive(Debug, Default)]
pub struct Message {
    /// The version, and frames.
    pub pieces: Vec<Bytes>,
    /// When the packet was heard that waited longest for this message; `None` after a snapshot or a return.
    heard_us: Option<i64>,
}

impl Message {
    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.len() <= 1
    }
}

/// One connected page.
#[derive(Debug)]
pub struct Viewer {
    live: Arc<Live>,
    tick: watch::Receiver<u64>,
    tiles: Box<[(Arc<Tile>, Option<u32>)]>,
    last_pulse_us: i64,
    /// Tiles were wished for since the last message.
    fresh: bool,
}

/// How often a viewer is told how much there is.
const PULSE_US: i64 = 5_000_000;

impl Viewer {
    /// Most tiles of a viewer.
    pub const MOST_TILES: usize = 64;
    /// Longest text from a viewer.
    pub const MOST_BYTES: usize = 8192;

    pub(crate) fn new(live: Arc<Live>) -> Self {
        let tick = live.ticks(0);
        Self { live, tick, tiles: Box::default(), last_pulse_us: 0, fresh: false }
    }

    /// The first message.
    #[must_use]
    pub fn hello(&self, now_us: i64) -> Message {
        let hello = wire::hello(self.live.epoch(), now_us, Live::TICK_MS, env!("CARGO_PKG_VERSION"));
        Message { pieces: vec![Bytes::from_static(&[wire::VERSION]), hello], heard_us: None }
    }

    /// The last message: please go elsewhere after this delay.
    #[must_use]
    pub fn leave(delay_ms: u32) -> Message {
        Message { pieces: vec![Bytes::from_static(&[wire::VERSION]), wire::leave(delay_ms)], heard_us: None }
    }

    /// Replaces the list of tiles.
    ///
    /// # Errors
    /// The text is not what docs/protocol.md allows; the list stays as it was.
    pub fn subscribe(&mut self, text: &str, now_us: i64) -> Result<(), SubscribeError> {
        if text.len() > Self::MOST_BYTES {
            return Err(SubscribeError::Long);
        }
        let wish: Wish = serde_json::from_str(text).map_err(|error| SubscribeError::Form(error.to_string()))?;
        if wish.tiles.len() > Self::MOST_TILES {
            return Err(SubscribeError::Many);
        }
        let same_epoch = wish.epoch.is_some_and(|epoch| u64::from_str_radix(&epoch, 16) == Ok(self.live.epoch()));
        let mut wanted: BTreeMap<TileAddress, Option<u32>> = BTreeMap::new();
        for tile in wish.tiles {
            let (level, x, y, seq) = match tile {
                WishedTile::New(level, x, y) => (level, x, y, None),
                WishedTile::Known(level, x, y, seq) => (level, x, y, Some(seq).filter(|_| same_epoch)),
            };
            let address = TileAddress::new(level, x, y).ok_or(SubscribeError::NoTile(level, x, y))?;
            wanted.entry(address).or_insert(seq);
        }
        for (tile, told) in &self.tiles {
            if let Some(seq) = wanted.get_mut(&tile.address) {
                *seq = seq.or(*told);
            }
        }
        let addresses: Vec<TileAddress> = wanted.keys().copied().collect();
        self.tiles = self.live.watch(&addresses, now_us).into_iter().zip(wanted.into_values()).collect();
        self.tick = self.live.ticks(addresses.iter().map(|address| address.level).max().unwrap_or(0));
        self.fresh = true;
        Ok(())
    }

    /// Waits until there is something to tell.
    pub async fn next(&mut self, clock: impl Fn() -> i64) -> Message {
        loop {
            if !self.fresh && self.tick.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let message = self.news(clock());
            if !message.is_empty() {
                return message;
            }
        }
    }

    /// What there is to tell now.
    pub fn news(&mut self, now_us: i64) -> Message {
        let mut pieces = Vec::new();
        let mut oldest_us = i64::MAX;
        for (tile, told) in &mut self.tiles {
            // The usual case, a tile that did not move, costs one look.
            if *told == Some(tile.seq()) {
                continue;
            }
            if pieces.is_empty() {
                pieces.push(Bytes::from_static(&[wire::VERSION]));
            }
            let (seq, heard_us) = self.live.news(tile, *told, now_us, &mut pieces);
            *told = Some(seq);
            oldest_us = oldest_us.min(heard_us.unwrap_or(i64::MAX));
        }
        if now_us - self.last_pulse_us >= PULSE_US {
            self.last_pulse_us = now_us;
            self.tiles.iter().for_each(|(tile, _)| tile.watch(now_us));
            if pieces.is_empty() {
                pieces.push(Bytes::from_static(&[wire::VERSION]));
            }
            pieces.push(self.live.pulse(now_us));
        }
        // Whoever comes back waited for its own reasons.
        let heard_us = (oldest_us < i64::MAX && !self.fresh).then_some(oldest_us);
        self.fresh = false;
        Message { pieces, heard_us }
    }

    /// A message was written to the viewer's socket.
    pub fn written(&self, message: &Message, now_us: i64) {
        if let Some(heard_us) = message.heard_us {
            self.live.note_latency(now_us - heard_us);
        }
    }

    /// The viewer is closed because it does not read.
    pub fn closed_slow(&self) {
        self.live.note_closed_slow();
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.viewer_left();
    }
}
