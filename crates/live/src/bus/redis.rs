//! The bus between replicas: one Redis stream with a batch per entry.
//!
//! Bound in Redis: about [`RedisBusConfig::keep_batches`] entries of at most 64 KiB (usual ones have 2 to 5 kB); the
//! oldest are trimmed as new ones are added. Redis is never needed for correctness: what did not get through is in the
//! store, and the first batch that gets through again says that something is missing before it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use godwit_flow::{Backoff, BreakerConfig};
use redis::{
    RedisError, RedisResult, Value,
    aio::MultiplexedConnection,
    cmd, pipe,
    streams::{StreamId, StreamRangeReply, StreamReadReply},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use super::{Bus, BusFigures, BusId, Event, GapReason, Message, PublishError, Subscription, parts, wire};
use crate::{RedisAddress, RedisLink};

/// The field of an entry that holds the batch. An entry without it only marks a place.
const FIELD: &str = "b";

/// Batches that a subscription reads at a time: with 64 KiB each, 1 MiB.
const READ_AHEAD: usize = 16;

/// How long Redis may keep a reader waiting before it answers that there is nothing.
const BLOCK: Duration = Duration::from_secs(1);

/// How long after that a connection counts as dead.
const GRACE: Duration = Duration::from_secs(3);

/// How a bus on Redis behaves.
#[derive(Debug, Clone)]
pub struct RedisBusConfig {
    /// The stream's key; replicas with the same key hear each other.
    pub key: String,
    /// Batches kept for those who were away; four a second, usually.
    pub keep_batches: usize,
    /// How long publishing may wait for Redis; it takes at most twice that (once for the batch before it).
    pub deadline: Duration,
    /// When publishing is given up for a while.
    pub breaker: BreakerConfig,
    /// The first and the longest wait of a subscription between two attempts to connect.
    pub reconnect: (Duration, Duration),
}

impl Default for RedisBusConfig {
    /// The key `godwit:bus:1`, ten minutes of batches, half a second, waits from 100 ms to 5 s.
    fn default() -> Self {
        Self {
            key: "godwit:bus:1".to_owned(),
            keep_batches: 2400,
            deadline: Duration::from_millis(500),
            breaker: BreakerConfig {
                first_wait: Duration::from_millis(500),
                longest_wait: Duration::from_secs(5),
                ..BreakerConfig::default()
            },
            reconnect: (Duration::from_millis(100), Duration::from_secs(5)),
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    published: AtomicU64,
    messages: AtomicU64,
    failed: AtomicU64,
    taken: AtomicU64,
    gaps: AtomicU64,
    lost: AtomicU64,
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// The bus.
#[derive(Debug)]
pub struct RedisBus {
    config: RedisBusConfig,
    link: RedisLink,
    /// Publishing is one at a time, else batches would overtake each other.
    turn: Mutex<()>,
    /// Something was not published (or we are new and do not know): the next batch says so.
    missed: AtomicBool,
    counters: Arc<Counters>,
}

impl RedisBus {
    /// A bus; nothing is connected yet.
    #[must_use]
    pub fn new(address: RedisAddress, config: RedisBusConfig) -> Self {
        let link = RedisLink::new(address, config.key.clone(), config.deadline, config.breaker);
        Self { config, link, turn: Mutex::new(()), missed: AtomicBool::new(true), counters: Arc::default() }
    }

    async fn add(&self, batch: &[Message]) -> Result<usize, PublishError> {
        let _turn = timeout(self.config.deadline, self.turn.lock()).await.map_err(|_| PublishError::Busy)?;
        // Cleared before, not after: who gives up its turn meanwhile sets it again, and that must stay.
        let after_failure = self.missed.swap(false, Ordering::Relaxed);
        let mut pipeline = pipe();
        let mut entries = 0;
        for part in parts(batch) {
            let bytes = wire::encode(part, after_failure && entries == 0);
            pipeline.cmd("XADD").arg(&self.config.key).arg("MAXLEN").arg("~").arg(self.config.keep_batches);
            pipeline.arg("*").arg(FIELD).arg(bytes).ignore();
            entries += 1;
        }
        self.link.call(|mut connection| async move { pipeline.query_async::<()>(&mut connection).await }).await?;
        Ok(entries)
    }
}

/// Sets a flag when dropped: publishing that failed, or was given up midway.
struct Missed<'a>(Option<&'a AtomicBool>);

impl Drop for Missed<'_> {
    fn drop(&mut self) {
        if let Some(missed) = self.0 {
            missed.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn kind(&self) -> &'static str {
        "redis"
    }

    async fn publish(&self, batch: &[Message]) -> Result<(), PublishError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut missed = Missed(Some(&self.missed));
        let added = self.add(batch).await;
        match added {
            Ok(entries) => {
                missed.0 = None;
                count(&self.counters.published, entries);
                count(&self.counters.messages, batch.len());
                Ok(())
            }
            Err(error) => {
                count(&self.counters.failed, 1);
                Err(error)
            }
        }
    }

    fn longest_publish(&self) -> Duration {
        self.config.deadline * 2
    }

    async fn subscribe(&self, after: Option<BusId>) -> Box<dyn Subscription> {
        let mut subscription = RedisSubscription {
            address: self.link.address().clone(),
            key: self.config.key.clone(),
            deadline: self.config.deadline.max(Duration::from_secs(1)),
            counters: self.counters.clone(),
            connection: None,
            place: after.map(|id| Place { id, taken: true }),
            ready: VecDeque::new(),
            backoff: Backoff::new(self.config.reconnect.0, self.config.reconnect.1),
            retry_at: None,
            down: false,
        };
        // From now on nothing passes by unnoticed: either the place is fixed, or the first event says that it is not.
        if after.is_none()
            && let Err(error) = subscription.settle().await
        {
            let down = subscription.lost(&error);
            subscription.ready.extend(down);
            subscription.gap(GapReason::Forgotten);
        }
        Box::new(subscription)
    }

    fn figures(&self) -> BusFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BusFigures {
            published: read(&self.counters.published),
            messages: read(&self.counters.messages),
            failed: read(&self.counters.failed),
            taken: read(&self.counters.taken),
            gaps: read(&self.counters.gaps),
            lost: read(&self.counters.lost),
            breaker: Some(self.link.breaker()),
        }
    }
}

/// Where a subscription stands. The entry itself must still be there: then nothing after it was trimmed.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: BusId,
    /// Whether that entry was taken, or is the next to take.
    taken: bool,
}

struct RedisSubscription {
    address: RedisAddress,
    key: String,
    deadline: Duration,
    counters: Arc<Counters>,
    /// Taken out while it is used: a reader that is dropped midway leaves a connection that still waits for an answer.
    connection: Option<MultiplexedConnection>,
    place: Option<Place>,
    /// At most [`READ_AHEAD`] batches and a gap before each.
    ready: VecDeque<Event>,
    backoff: Backoff,
    retry_at: Option<Instant>,
    down: bool,
}

#[async_trait]
impl Subscription for RedisSubscription {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            if let Some(at) = self.retry_at {
                sleep_until(at).await;
                self.retry_at = None;
            }
            match self.read().await {
                Ok(()) => {
                    self.backoff.reset();
                    if std::mem::take(&mut self.down) {
                        self.ready.push_front(Event::Up);
                    }
                }
                Err(error) => {
                    if let Some(event) = self.lost(&error) {
                        return event;
                    }
                }
            }
        }
    }
}

impl RedisSubscription {
    /// Notes a failure; what to tell if it is the first.
    fn lost(&mut self, error: &RedisError) -> Option<Event> {
        self.connection = None;
        self.retry_at = Some(Instant::now() + self.backoff.next_wait());
        (!std::mem::replace(&mut self.down, true)).then(|| {
            count(&self.counters.lost, 1);
            Event::Down(format!("{}: {error}", self.address))
        })
    }

    fn gap(&mut self, reason: GapReason) {
        count(&self.counters.gaps, 1);
        self.ready.push_back(Event::Gap(reason));
    }

    async fn connect(&mut self) -> RedisResult<MultiplexedConnection> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.address.connect(&self.key, self.deadline, BLOCK + GRACE).await,
        }
    }

    /// Fixes the place at the oldest entry. A stream without entries gets one that holds no batch, so that there is
    /// always an entry whose absence shows that something was lost.
    async fn settle(&mut self) -> RedisResult<()> {
        let mut connection = self.connect().await?;
        let oldest: StreamRangeReply =
            cmd("XRANGE").arg(&self.key).arg("-").arg("+").arg("COUNT").arg(1).query_async(&mut connection).await?;
        let place = match oldest.ids.first() {
            Some(entry) => Place { id: read_id(&entry.id)?, taken: false },
            None => {
                let id: String = cmd("XADD").arg(&self.key).arg("*").arg("mark").arg("").query_async(&mut connection).await?;
                Place { id: read_id(&id)?, taken: true }
            }
        };
        self.place = Some(place);
        self.connection = Some(connection);
        Ok(())
    }

    /// Reads what comes next, waiting for it at most [`BLOCK`].
    async fn read(&mut self) -> RedisResult<()> {
        let Some(place) = self.place else {
            return self.settle().await;
        };
        let mut connection = self.connect().await?;
        let after = if place.taken { place.id } else { before(place.id) };
        let mut pipeline = pipe();
        pipeline.cmd("XREAD").arg("COUNT").arg(READ_AHEAD).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        pipeline.arg("STREAMS").arg(&self.key).arg(after.to_string());
        // Asked after reading: trimming takes the oldest, so if our own entry is still there, none after it is missing
        // from what was read.
        pipeline.cmd("XRANGE").arg(&self.key).arg(place.id.to_string()).arg(place.id.to_string());
        let (read, own): (Option<StreamReadReply>, StreamRangeReply) = pipeline.query_async(&mut connection).await?;
        self.connection = Some(connection);
        if own.ids.is_empty() {
            self.place = None;
            self.gap(GapReason::Forgotten);
            return Ok(());
        }
        for entry in read.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
            self.take(&entry)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: &StreamId) -> RedisResult<()> {
        let id = read_id(&entry.id)?;
        self.place = Some(Place { id, taken: true });
        let Some(Value::BulkString(bytes)) = entry.map.get(FIELD) else {
            return Ok(());
        };
        match wire::decode(bytes) {
            Ok(batch) => {
                if batch.after_failure {
                    self.gap(GapReason::NotPublished);
                }
                count(&self.counters.taken, 1);
                self.ready.push_back(Event::Batch(id, batch.messages));
            }
            Err(error) => {
                tracing::warn!(%error, %id, "a batch on the bus cannot be read; the store is followed instead");
                self.gap(GapReason::Unreadable);
            }
        }
        Ok(())
    }
}

fn read_id(text: &str) -> RedisResult<BusId> {
    text.split_once('-')
        .and_then(|(major, minor)| Some(BusId { major: major.parse().ok()?, minor: minor.parse().ok()? }))
        .ok_or_else(|| RedisError::from((redis::ErrorKind::UnexpectedReturnType, "not the id of a stream's entry", text.to_owned())))
}

/// The greatest id below this one.
fn before(id: BusId) -> BusId {
    match id.minor.checked_sub(1) {
        Some(minor) => BusId { minor, ..id },
        None => BusId { major: id.major.saturating_sub(1), minor: u64::MAX },
    }
}
