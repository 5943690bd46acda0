//! A viewer: the tiles it watches and how far it has been told of each. It takes; nothing is queued for it.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::watch;

use crate::{Live, TileAddress, wire};

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

/// One connected page.
#[derive(Debug)]
pub struct Viewer {
    live: Arc<Live>,
    tick: watch::Receiver<u64>,
    tiles: Vec<(TileAddress, Option<u32>)>,
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

    pub(crate) fn new(live: Arc<Live>, tick: watch::Receiver<u64>) -> Self {
        Self { live, tick, tiles: Vec::new(), last_pulse_us: 0, fresh: false }
    }

    /// The first message.
    #[must_use]
    pub fn hello(&self, now_us: i64) -> Vec<u8> {
        let mut message = vec![wire::VERSION];
        message.extend_from_slice(&wire::hello(self.live.epoch(), now_us, Live::TICK_MS, env!("CARGO_PKG_VERSION")));
        message
    }

    /// Replaces the list of tiles.
    ///
    /// # Errors
    /// The text is not what docs/protocol.md allows; the list stays as it was.
    pub fn subscribe(&mut self, text: &str) -> Result<(), SubscribeError> {
        if text.len() > Self::MOST_BYTES {
            return Err(SubscribeError::Long);
        }
        let wish: Wish = serde_json::from_str(text).map_err(|error| SubscribeError::Form(error.to_string()))?;
        if wish.tiles.len() > Self::MOST_TILES {
            return Err(SubscribeError::Many);
        }
        let same_epoch = wish.epoch.is_some_and(|epoch| u64::from_str_radix(&epoch, 16) == Ok(self.live.epoch()));
        let mut tiles: Vec<(TileAddress, Option<u32>)> = Vec::with_capacity(wish.tiles.len());
        for tile in wish.tiles {
            let (level, x, y, seq) = match tile {
                WishedTile::New(level, x, y) => (level, x, y, None),
                WishedTile::Known(level, x, y, seq) => (level, x, y, Some(seq).filter(|_| same_epoch)),
            };
            let address = TileAddress::new(level, x, y).ok_or(SubscribeError::NoTile(level, x, y))?;
            if tiles.iter().any(|(known, _)| *known == address) {
                continue;
            }
            let told = self.tiles.iter().find(|(known, _)| *known == address).and_then(|(_, seq)| *seq);
            tiles.push((address, seq.or(told)));
        }
        self.tiles = tiles;
        self.fresh = true;
        Ok(())
    }

    /// Waits until there is something to tell: the pieces of one message.
    pub async fn next(&mut self, clock: impl Fn() -> i64) -> Vec<Bytes> {
        loop {
            if !std::mem::take(&mut self.fresh) && self.tick.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let message = self.news(clock());
            if message.len() > 1 {
                return message;
            }
        }
    }

    /// What there is to tell now: the version, and frames if any.
    pub fn news(&mut self, now_us: i64) -> Vec<Bytes> {
        let mut message = vec![Bytes::from_static(&[wire::VERSION])];
        for (address, told) in &mut self.tiles {
            let (seq, frames) = self.live.news(*address, *told, now_us);
            *told = Some(seq);
            message.extend(frames);
        }
        if now_us - self.last_pulse_us >= PULSE_US {
            self.last_pulse_us = now_us;
            let figures = self.live.figures();
            message.push(wire::pulse(now_us, figures.viewers, figures.entities, self.live.packets_per_minute()));
        }
        message
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.viewer_left();
    }
}
