//! The bus: what one replica received, all replicas learn.
//!
//! What travels is the raw line with its time (the raw line is the truth); everything else is derived from it again on
//! the other side. A bus keeps the last batches, so that a subscriber resumes by id. Nothing is queued for a
//! subscriber: it takes, and one that took too long learns of a [`Event::Gap`], as it does when the bus lost its
//! memory or the publisher could not publish. Then the store has what is missing.

mod memory;
mod redis;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use godwit_flow::BreakerReading;
use godwit_pipeline::{EntityChange, Outcome, Verdict, changes_again};

pub use memory::MemoryBus;
pub use redis::{RedisBus, RedisBusConfig};

use crate::LinkError;

/// One line that changed something: what another replica needs to make the same changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it was received, microseconds since 1970 UTC.
    pub received_at_us: i64,
    /// The line without its end; at most [`Message::MOST_BYTES`].
    pub raw: Arc<[u8]>,
    /// Whether its position may be shown: the pipeline accepted it (a copy only says that somebody was heard).
    pub fix_counts: bool,
}

impl Message {
    /// The longest line that travels; APRS-IS lines have at most 510 bytes.
    pub const MOST_BYTES: usize = 16_384;

    /// What of a line's outcome others must know; `None` if it changed nothing, or is longer than any line should be.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let record = &outcome.record;
        let fits = !outcome.changes.is_empty() && record.raw.len() <= Self::MOST_BYTES;
        fits.then(|| Self {
            received_at_us: record.received_at_us,
            raw: record.raw.clone(),
            fix_counts: record.verdict == Verdict::Accepted,
        })
    }

    /// The changes it stands for: those that the pipeline made of it.
    #[must_use]
    pub fn changes(&self) -> Vec<EntityChange> {
        changes_again(self.received_at_us, &self.raw, self.fix_counts)
    }
}

/// The name of a batch on its bus: later ones are greater. Means nothing on another bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusId {
    /// Milliseconds of Redis' clock; the age of a bus in memory.
    pub(crate) major: u64,
    pub(crate) minor: u64,
}

impl fmt::Display for BusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.major, self.minor)
    }
}

/// Why batches may be missing between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// The bus no longer has what comes next: the subscriber was away or slow for too long, or the bus lost its data.
    Forgotten,
    /// The publisher could not publish what came before, or is a new one that does not know whether its predecessor
    /// could.
    NotPublished,
    /// A batch cannot be read: written by a newer version, or damaged.
    Unreadable,
}

/// What a subscriber learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Messages in the order of arrival, and the id to resume after.
    Batch(BusId, Vec<Message>),
    /// Batches are missing here; what follows is the oldest that the bus has, or comes after what is missing. Batches
    /// that were seen before may come again.
    Gap(GapReason),
    /// The bus cannot be reached; the subscription keeps trying.
    Down(String),
    /// The bus answers again.
    Up,
}

/// Why a batch was not published. It may have been all the same, when the answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Redis.
    #[error("the batch did not reach the other replicas: {0}; they follow the store")]
    Redis(#[from] LinkError),
    /// Somebody else is publishing and waits for Redis.
    #[error("the batch did not reach the other replicas: the one before it still waits for Redis; they follow the store")]
    Busy,
}

/// What can be read about a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BusFigures {
    /// Batches published.
    pub published: u64,
    /// Messages in them.
    pub messages: u64,
    /// Batches that failed to be published.
    pub failed: u64,
    /// Batches that subscriptions of this process took.
    pub taken: u64,
    /// Gaps that they learned of.
    pub gaps: u64,
    /// Times that they lost the bus.
    pub lost: u64,
    /// The breaker before publishing, where there is one.
    pub breaker: Option<BreakerReading>,
}

/// The bus.
#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// `memory` or `redis`.
    fn kind(&self) -> &'static str;

    /// Tells all subscribers, in order. Takes at most [`Bus::longest_publish`], then says that it failed; nothing is
    /// kept to be tried again, for the store has it.
    ///
    /// # Errors
    /// The batch may not have reached the others. They learn of a gap before the next batch that does.
    async fn publish(&self, batch: &[Message]) -> Result<(), PublishError>;

    /// The longest that publishing takes.
    fn longest_publish(&self) -> Duration;

    /// Follows the bus after a batch, or (`None`) from the oldest that it has, so that what the store does not have yet
    /// is heard as well.
    async fn subscribe(&self, after: Option<BusId>) -> Box<dyn Subscription>;

    /// What went through.
    fn figures(&self) -> BusFigures;
}

/// One follower's place on a bus. It takes at its own pace; a bounded number of batches is read ahead.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for what comes next. Dropping the waiting loses nothing.
    async fn next(&mut self) -> Event;
}

/// Cuts a batch into parts that the bus keeps: its bound in bytes is the number of parts times [`PART_BYTES`].
fn parts(batch: &[Message]) -> impl Iterator<Item = &[Message]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|message| {
            bytes += message.raw.len() + wire::MESSAGE_OVERHEAD;
            bytes <= PART_BYTES
        });
        let (part, after) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// The most bytes of a part; a usual one (a quarter of a second of the whole network) has 2 to 5 kB.
pub const PART_BYTES: usize = 65_536;
