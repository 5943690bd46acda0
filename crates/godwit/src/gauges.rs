//! What is measured of the wiring itself: how full its queues are, how long storing takes.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// What a queue says: things in it, things it has room for, things that found none.
type Reading = (usize, usize, u64);

/// The queues that are there.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<Mutex<Vec<(&'static str, Reader)>>>);

type Reader = Box<dyn Fn() -> Option<Reading> + Send>;

impl Queues {
    /// Shows a queue by this name, as long as it says something.
    pub(crate) fn show(&self, name: &'static str, read: impl Fn() -> Option<Reading> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, Box::new(read)));
    }

    /// Shows a channel without keeping it open. `dropped` counts what found no room.
    pub(crate) fn show_channel<T: Send + 'static>(
        &self,
        name: &'static str,
        sender: &mpsc::Sender<T>,
        dropped: impl Fn() -> u64 + Send + 'static,
    ) {
        let sender = sender.downgrade();
        self.show(name, move || {
            let sender = sender.upgrade()?;
            Some((sender.max_capacity() - sender.capacity(), sender.max_capacity(), dropped()))
        });
    }

    pub(crate) fn json(&self) -> Value {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = queues.iter().filter_map(|(name, read)| {
            let (depth, capacity, dropped) = read()?;
            Some(((*name).to_owned(), json!({ "depth": depth, "capacity": capacity, "dropped": dropped })))
        });
        Value::Object(rows.collect::<Map<_, _>>())
    }
}

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queues")
    }
}

/// Upper ends of the buckets, milliseconds; one more holds what is longer.
const BOUNDS_MS: [u32; 14] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000];

/// Batches and how long the store took for them.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    batches: AtomicU64,
    packets: AtomicU64,
    failed: AtomicU64,
    sum_us: AtomicU64,
    trouble: Mutex<Option<String>>,
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
}

impl Stored {
    /// Counts an attempt to store a batch of so many packets.
    pub(crate) fn count(&self, packets: usize, took: Duration, well: bool) {
        if !well {
            self.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.packets.fetch_add(packets as u64, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
        let bucket = BOUNDS_MS.partition_point(|bound| u64::from(*bound) * 1000 < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what is wrong with storing, if anything; whether that is something else than before.
    pub(crate) fn note(&self, trouble: Option<String>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != trouble;
        *known = trouble;
        changed
    }

    pub(crate) fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut all = 0;
        let buckets: Vec<Value> = (0..self.buckets.len())
            .map(|at| {
                all += read(&self.buckets[at]);
                json!({ "le": BOUNDS_MS.get(at), "count": all })
            })
            .collect();
        json!({
            "batches": read(&self.batches), "packets": read(&self.packets), "failed": read(&self.failed),
            "trouble": *self.trouble.lock().unwrap_or_else(PoisonError::into_inner),
            "append_ms": { "buckets": buckets, "sum": read(&self.sum_us) as f64 / 1000.0, "count": all }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_counted_in_the_bucket_that_ends_at_or_after_their_time() {
        let stored = Stored::default();
        for us in [1000, 1001, 60_000_000] {
            stored.count(10, Duration::from_micros(us), true);
        }
        stored.count(10, Duration::from_secs(1), false);
        let json = stored.json();
        assert_eq!((&json["batches"], &json["packets"], &json["failed"]), (&3.into(), &30.into(), &1.into()));
        let counts: Vec<u64> =
            json["append_ms"]["buckets"].as_array().expect("a list").iter().filter_map(|b| b["count"].as_u64()).collect();
        assert_eq!((counts[0], counts[1], counts[13], counts[14]), (1, 2, 2, 3));
    }

    #[tokio::test]
    async fn a_channel_is_shown_while_somebody_has_it() {
        let queues = Queues::default();
        let (sender, _receiver) = mpsc::channel::<u8>(4);
        queues.show_channel("some", &sender, || 7);
        sender.send(1).await.expect("room");
        assert_eq!(queues.json(), json!({ "some": { "depth": 1, "capacity": 4, "dropped": 7 } }));
        drop(sender);
        assert_eq!(queues.json(), json!({}));
    }
}
