//! The bus within one process: a ring of the last batches. Owner: everybody who publishes or follows; bound: a number
//! of batches of at most 64 KiB each. When it is full the oldest leaves, and who had not taken it learns of a gap.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Bus, BusFigures, BusId, Event, GapReason, Message, PublishError, Subscription, parts};

#[derive(Debug)]
struct Shared {
    /// Names this bus: an id of another one (of an earlier run, say) is a gap.
    age: u64,
    keep: usize,
    /// The last batches, and the number of the newest; the first one has number 1.
    ring: Mutex<(u64, VecDeque<Arc<[Message]>>)>,
    newest: watch::Sender<u64>,
    published: AtomicU64,
    messages: AtomicU64,
    taken: AtomicU64,
    gaps: AtomicU64,
}

/// The bus.
#[derive(Debug, Clone)]
pub struct MemoryBus(Arc<Shared>);

impl MemoryBus {
    /// A bus that keeps the last `keep` batches (at least 1). `now_us` names it: ids of another one are not taken for
    /// its own.
    #[must_use]
    pub fn new(keep: usize, now_us: i64) -> Self {
        Self(Arc::new(Shared {
            age: u64::try_from(now_us).unwrap_or(0),
            keep: keep.max(1),
            ring: Mutex::new((0, VecDeque::new())),
            newest: watch::Sender::new(0),
            published: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
        }))
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, (u64, VecDeque<Arc<[Message]>>)> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bus for MemoryBus {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn publish(&self, batch: &[Message]) -> Result<(), PublishError> {
        let newest = {
            let mut ring = self.0.ring();
            for part in parts(batch) {
                ring.0 += 1;
                ring.1.push_back(part.into());
                if ring.1.len() > self.0.keep {
                    ring.1.pop_front();
                }
                self.0.published.fetch_add(1, Ordering::Relaxed);
            }
            ring.0
        };
        self.0.messages.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.0.newest.send_replace(newest);
        Ok(())
    }

    fn longest_publish(&self) -> Duration {
        Duration::ZERO
    }

    async fn subscribe(&self, after: Option<BusId>) -> Box<dyn Subscription> {
        let newest = self.0.newest.subscribe();
        let ring = self.0.ring();
        let oldest = ring.0 - ring.1.len() as u64;
        let after = match after {
            None => Some(oldest),
            Some(id) => Some(id.minor).filter(|minor| id.major == self.0.age && *minor <= ring.0),
        };
        drop(ring);
        Box::new(MemorySubscription { shared: self.0.clone(), newest, after })
    }

    fn figures(&self) -> BusFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BusFigures {
            published: read(&self.0.published),
            messages: read(&self.0.messages),
            taken: read(&self.0.taken),
            gaps: read(&self.0.gaps),
            ..BusFigures::default()
        }
    }
}

struct MemorySubscription {
    shared: Arc<Shared>,
    newest: watch::Receiver<u64>,
    /// The number of the last batch taken; `None` if that was none of this bus.
    after: Option<u64>,
}

impl MemorySubscription {
    fn take(&mut self) -> Option<Event> {
        let ring = self.shared.ring();
        let before_oldest = ring.0 - ring.1.len() as u64;
        let Some(after) = self.after.filter(|after| *after >= before_oldest) else {
            self.after = Some(before_oldest);
            self.shared.gaps.fetch_add(1, Ordering::Relaxed);
            return Some(Event::Gap(GapReason::Forgotten));
        };
        let batch = ring.1.get(usize::try_from(after - before_oldest).ok()?)?;
        let id = BusId { major: self.shared.age, minor: after + 1 };
        self.after = Some(id.minor);
        self.shared.taken.fetch_add(1, Ordering::Relaxed);
        Some(Event::Batch(id, batch.to_vec()))
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Event {
        loop {
            // Seen before looking: what comes after the look wakes us.
            self.newest.borrow_and_update();
            if let Some(event) = self.take() {
                return event;
            }
            // We hold the sender, so it does not close.
            let _ = self.newest.changed().await;
        }
    }
}
