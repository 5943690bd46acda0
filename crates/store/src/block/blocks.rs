//! The maker of time blocks: reads each block's packets once, whoever asks, and remembers what fits into its memory.
//! One block is read at a time; those who wait are bounded. It never touches the live side.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    BLOCK_S, Facts, GONE_S, HOUR_BLOCKS, LATE_S, State,
    answer::{Tile, encode},
    cache::Cache,
    facts::{Entity, Event, Gather},
    state::Placed,
};
use crate::{Store, StoreError};

const SECOND_US: i64 = 1_000_000;

/// Blocks whose facts make a state.
const FOLDED: i64 = GONE_S / BLOCK_S;

/// Packets read at a time.
const PORTION: usize = 10_000;

/// How long what is not closed is good: while the block goes on, and after its end.
const OPEN_US: i64 = 10 * SECOND_US;
const LATE_US: i64 = 60 * SECOND_US;

/// Answers made at a time, and who may wait for one; more are refused.
const MAKERS: usize = 8;
const MOST_WAITING: usize = 256;

/// Blocks that are made ahead: a day.
const WARM_BLOCKS: i64 = 144;

/// What is asked of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A key frame and the moves of the block.
    Whole,
    /// The moves of the block.
    Moves,
    /// The moves of the six blocks from this one on, thinned.
    Hour,
}

/// An answer: bytes of docs/protocol.md.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body.
    pub bytes: Bytes,
    /// A hash of the body, 16 hexadecimal digits.
    pub tag: String,
    /// It never changes again.
    pub closed: bool,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlocksRange {
    /// The block of the oldest packet that is kept; the open one if there is none.
    pub oldest: i64,
    /// When that packet was received, microseconds since 1970 UTC; now if there is none.
    pub oldest_us: i64,
    /// The block that goes on now.
    pub open: i64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// No such tile or part, or a time to come.
    #[error("there is no such block")]
    Nothing,
    /// Too many wait already.
    #[error("too many blocks are being made")]
    Busy,
    /// The packets cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockFigures {
    /// Blocks whose packets were read.
    pub blocks_read: u64,
    /// How long that took in all, ms.
    pub reading_ms: u64,
    /// Answers encoded.
    pub answers_made: u64,
    /// Answers that were there.
    pub answers_remembered: u64,
    /// Refused because too many waited.
    pub refused: u64,
    /// Bytes in memory, estimated.
    pub bytes: usize,
}

#[derive(Debug, Clone)]
struct Made<T> {
    value: T,
    made_us: i64,
    closed: bool,
}

impl<T> Made<T> {
    fn good(&self, block: i64, now_us: i64) -> bool {
        let ended = now_us >= (block + 1) * BLOCK_S * SECOND_US;
        // What was made before the block was closed may lack something: it must not be taken for closed.
        self.closed || (!closed(block, now_us) && now_us - self.made_us < if ended { LATE_US } else { OPEN_US })
    }
}

#[derive(Debug)]
struct Kept {
    packed: Cache<i64, Made<Bytes>>,
    facts: Cache<i64, Made<Arc<Facts>>>,
    states: Cache<i64, Arc<State>>,
    answers: Cache<(Tile, i64, Part), Made<Answer>>,
    oldest: Option<(i64, i64)>,
}

/// Makes and remembers time blocks.
pub struct Blocks {
    store: Arc<dyn Store>,
    now_us: fn() -> i64,
    kept: Mutex<Kept>,
    reading: tokio::sync::Mutex<()>,
    folding: tokio::sync::Mutex<()>,
    /// An answer is made by one task; others that want it wait at the same place.
    makers: [tokio::sync::Mutex<()>; MAKERS],
    hasher: RandomState,
    waiting: AtomicUsize,
    blocks_read: AtomicU64,
    reading_us: AtomicU64,
    answers_made: AtomicU64,
    answers_remembered: AtomicU64,
    refused: AtomicU64,
}

impl Blocks {
    /// A maker over a store that remembers about so many bytes. `now_us` is the clock, microseconds since 1970 UTC.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, now_us: fn() -> i64, memory_bytes: usize) -> Self {
        let part = memory_bytes / 8;
        let kept = Kept {
            packed: Cache::new(5 * part),
            facts: Cache::new(part),
            states: Cache::new(part),
            answers: Cache::new(part),
            oldest: None,
        };
        Self {
            store,
            now_us,
            kept: Mutex::new(kept),
            reading: tokio::sync::Mutex::default(),
            folding: tokio::sync::Mutex::default(),
            makers: Default::default(),
            hasher: RandomState::new(),
            waiting: AtomicUsize::new(0),
            blocks_read: AtomicU64::new(0),
            reading_us: AtomicU64::new(0),
            answers_made: AtomicU64::new(0),
            answers_remembered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// What may be asked for.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn range(&self) -> Result<BlocksRange, StoreError> {
        let now_us = (self.now_us)();
        let open = now_us.div_euclid(BLOCK_S * SECOND_US);
        let oldest_us = self.oldest_us(now_us).await?.min(now_us);
        let oldest = oldest_us.div_euclid(BLOCK_S * SECOND_US);
        Ok(BlocksRange { oldest, oldest_us, open })
    }

    /// The answer for a tile and a block.
    ///
    /// # Errors
    /// There is no such tile, part or time; too many wait; the store cannot be read.
    pub async fn answer(&self, (level, x, y): (u8, u16, u16), block: u32, part: Part) -> Result<Answer, BlockError> {
        let tile = Tile::new(level, x, y).ok_or(BlockError::Nothing)?;
        let block = i64::from(block);
        let now_us = (self.now_us)();
        let wrong = match part {
            Part::Whole => false,
            Part::Moves => level == 0,
            Part::Hour => level == 0 || block % HOUR_BLOCKS != 0,
        };
        if wrong || block * BLOCK_S * SECOND_US > now_us {
            return Err(BlockError::Nothing);
        }
        let key = (tile, block, part);
        if let Some(answer) = self.remembered(key, now_us) {
            return Ok(answer);
        }
        let _waiting = Waiting::enter(&self.waiting).ok_or_else(|| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            BlockError::Busy
        })?;
        let place = usize::try_from(self.hasher.hash_one(key)).unwrap_or(0) % MAKERS;
        let _maker = match self.makers.get(place) {
            Some(maker) => maker.lock().await,
            None => return Err(BlockError::Nothing),
        };
        if let Some(answer) = self.remembered(key, now_us) {
            return Ok(answer);
        }
        self.make(key, now_us).await
    }

    /// Reads one block of the last day that is closed and not there, newest first, if there is room without pushing
    /// others out. How long it took, or `None` if there is nothing to do.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn warm_one(&self) -> Result<Option<Duration>, StoreError> {
        let now_us = (self.now_us)();
        let last = (now_us / SECOND_US - LATE_S).div_euclid(BLOCK_S) - 1;
        let oldest = self.range().await?.oldest;
        let missing = {
            let kept = self.kept();
            let missing = (last - WARM_BLOCKS..=last).rev().filter(|block| *block >= oldest).find(|block| !kept.packed.has(*block));
            missing.filter(|_| !kept.packed.full())
        };
        let Some(block) = missing else { return Ok(None) };
        let began = Instant::now();
        self.facts(block, now_us).await?;
        Ok(Some(began.elapsed()))
    }

    /// What was done since the start.
    #[must_use]
    pub fn figures(&self) -> BlockFigures {
        let kept = self.kept();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BlockFigures {
            blocks_read: read(&self.blocks_read),
            reading_ms: read(&self.reading_us) / 1000,
            answers_made: read(&self.answers_made),
            answers_remembered: read(&self.answers_remembered),
            refused: read(&self.refused),
            bytes: kept.packed.bytes() + kept.facts.bytes() + kept.states.bytes() + kept.answers.bytes(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, key: (Tile, i64, Part), now_us: i64) -> Option<Answer> {
        let last = key.1 + if key.2 == Part::Hour { HOUR_BLOCKS - 1 } else { 0 };
        let made = self.kept().answers.get(key).filter(|made| made.good(last, now_us))?;
        self.answers_remembered.fetch_add(1, Ordering::Relaxed);
        Some(made.value)
    }

    async fn make(&self, key: (Tile, i64, Part), now_us: i64) -> Result<Answer, BlockError> {
        let (tile, block, part) = key;
        let hour = part == Part::Hour;
        let state = self.state(block, now_us).await?;
        let mut span = Vec::new();
        for part in 0..if hour { HOUR_BLOCKS } else { 1 } {
            if (block + part) * BLOCK_S * SECOND_US <= now_us {
                span.push(self.facts(block + part, now_us).await?);
            }
        }
        let last = block + if hour { HOUR_BLOCKS - 1 } else { 0 };
        let made = spawn_blocking(move || {
            let facts: Vec<&Facts> = span.iter().map(|facts| &**facts).collect();
            let bytes = Bytes::from(encode(&state, &facts, tile, part == Part::Whole, hour));
            Answer { tag: format!("{:016x}", xxh3_64(&bytes)), bytes, closed: closed(last, now_us) }
        });
        let answer = made.await.map_err(|_| StoreError::Closed)?;
        self.answers_made.fetch_add(1, Ordering::Relaxed);
        let bytes = answer.bytes.len() + 200;
        self.kept().answers.put(key, Made { value: answer.clone(), made_us: now_us, closed: answer.closed }, bytes);
        Ok(answer)
    }

    /// Who was where at the start of a block, from the nearest state that is remembered. One is folded at a time: the tiles
    /// of a view all ask for the same.
    async fn state(&self, block: i64, now_us: i64) -> Result<Arc<State>, StoreError> {
        let remembered = || {
            let mut kept = self.kept();
            (block - FOLDED + 1..=block).rev().find_map(|earlier| kept.states.get(earlier))
        };
        if let Some(state) = remembered().filter(|state| state.block == block) {
            return Ok(state);
        }
        let _folding = self.folding.lock().await;
        let mut state = remembered().unwrap_or_else(|| Arc::new(State::empty(block - FOLDED)));
        while state.block < block {
            let facts = self.facts(state.block, now_us).await?;
            state = spawn_blocking(move || Arc::new(state.after(&facts))).await.map_err(|_| StoreError::Closed)?;
        }
        if closed(block - 1, now_us) {
            let bytes = state.placed.len() * size_of::<Placed>();
            self.kept().states.put(block, state.clone(), bytes);
        }
        Ok(state)
    }

    async fn facts(&self, block: i64, now_us: i64) -> Result<Arc<Facts>, StoreError> {
        if let Some(facts) = self.known(block, now_us).await {
            return Ok(facts);
        }
        let _reading = self.reading.lock().await;
        if let Some(facts) = self.known(block, now_us).await {
            return Ok(facts);
        }
        // What is read later than this may hold more, never less.
        let now_us = (self.now_us)();
        let (start_us, end_us) = (block * BLOCK_S * SECOND_US, (block + 1) * BLOCK_S * SECOND_US);
        let covered_s = u16::try_from(((now_us - start_us) / SECOND_US).clamp(0, BLOCK_S)).unwrap_or(0);
        let began = Instant::now();
        let mut gather = Gather::new(block);
        if end_us > self.oldest_us(now_us).await? {
            let mut packets = self.store.scan(start_us - 1, end_us, PORTION).await?;
            // The next portion is fetched while one is read.
            while let Some(last) = packets.last() {
                let next = self.store.scan(last.id, end_us, PORTION);
                let taken = spawn_blocking(move || {
                    packets.iter().for_each(|packet| gather.take(packet));
                    gather
                });
                let (next, taken) = tokio::join!(next, taken);
                (packets, gather) = (next?, taken.map_err(|_| StoreError::Closed)?);
            }
            self.blocks_read.fetch_add(1, Ordering::Relaxed);
        }
        let finished = spawn_blocking(move || {
            let facts = gather.finish(covered_s);
            let packed = Bytes::from(facts.pack());
            (Arc::new(facts), packed)
        });
        let (facts, packed) = finished.await.map_err(|_| StoreError::Closed)?;
        self.reading_us.fetch_add(u64::try_from(began.elapsed().as_micros()).unwrap_or(0), Ordering::Relaxed);
        let mut kept = self.kept();
        let (made_us, closed) = (now_us, closed(block, now_us));
        let bytes = packed.len() + 100;
        kept.packed.put(block, Made { value: packed, made_us, closed }, bytes);
        kept.facts.put(block, Made { value: facts.clone(), made_us, closed }, memory_of(&facts));
        Ok(facts)
    }

    async fn known(&self, block: i64, now_us: i64) -> Option<Arc<Facts>> {
        let (ready, packed) = {
            let mut kept = self.kept();
            let ready = kept.facts.get(block).filter(|made| made.good(block, now_us));
            (ready, kept.packed.get(block).filter(|made| made.good(block, now_us)))
        };
        if let Some(ready) = ready {
            return Some(ready.value);
        }
        let Made { value, made_us, closed } = packed?;
        let facts = Arc::new(spawn_blocking(move || Facts::unpack(&value)).await.ok()??);
        self.kept().facts.put(block, Made { value: facts.clone(), made_us, closed }, memory_of(&facts));
        Some(facts)
    }

    /// When the oldest packet was received; now if there is none. Asked once a minute.
    async fn oldest_us(&self, now_us: i64) -> Result<i64, StoreError> {
        if let Some((asked_us, oldest_us)) = self.kept().oldest
            && now_us - asked_us < LATE_US
        {
            return Ok(oldest_us);
        }
        let oldest_us = self.store.scan(0, i64::MAX, 1).await?.first().map_or(now_us, |packet| packet.received_at_us);
        self.kept().oldest = Some((now_us, oldest_us));
        Ok(oldest_us)
    }
}

/// Whether a block never changes again.
fn closed(block: i64, now_us: i64) -> bool {
    now_us >= ((block + 1) * BLOCK_S + LATE_S) * SECOND_US
}

fn memory_of(facts: &Facts) -> usize {
    let events: usize = facts.entities.iter().map(|entity| facts.events(entity).len()).sum();
    facts.entities.len() * size_of::<Entity>() + events * size_of::<Event>()
}

/// One who waits.
struct Waiting<'c>(&'c AtomicUsize);

impl<'c> Waiting<'c> {
    fn enter(count: &'c AtomicUsize) -> Option<Self> {
        let entered = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| (waiting < MOST_WAITING).then_some(waiting + 1));
        entered.ok().map(|_| Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
