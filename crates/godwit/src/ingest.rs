//! From the feed's queue through the pipeline to the live side and the store.
//!
//! Changes go live at once; records gather into a batch that is stored after at most [`BATCH_AGE`] or [`BATCH_SIZE`].
//! What is in the batch when the program is killed is lost; nothing else.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_feed::Received;
use godwit_flow::Reader;
use godwit_live::Live;
use godwit_pipeline::{Pipeline, Verdict};
use godwit_store::{Batch, Store};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

/// Records in a batch at most.
const BATCH_SIZE: usize = 1000;

/// How long a record waits for its batch at most.
const BATCH_AGE: Duration = Duration::from_millis(250);

/// What went through since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    received: AtomicU64,
    stored: AtomicU64,
    duplicates: AtomicU64,
    bad: AtomicU64,
}

impl Counters {
    pub(crate) fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({ "received": read(&self.received), "stored": read(&self.stored), "duplicates": read(&self.duplicates), "bad": read(&self.bad) })
    }

    fn count(&self, verdict: Verdict) {
        self.received.fetch_add(1, Ordering::Relaxed);
        match verdict {
            Verdict::Duplicate => self.duplicates.fetch_add(1, Ordering::Relaxed),
            Verdict::Bad(_) => self.bad.fetch_add(1, Ordering::Relaxed),
            Verdict::Accepted | Verdict::Implausible(_) => 0,
        };
    }
}

/// Takes lines until the feed has ended and the queue is empty; the last batch is stored before it returns.
pub(crate) async fn ingest(mut lines: Reader<Received>, live: Arc<Live>, store: Arc<dyn Store>, counters: Arc<Counters>) {
    let mut pipeline = Pipeline::default();
    let mut rate = Rate::default();
    let mut ended = false;
    while !ended {
        let mut batch = Batch::default();
        let mut due = None;
        while batch.records.len() < BATCH_SIZE {
            let line = match due {
                None => lines.take().await,
                Some(at) => tokio::select! {
                    biased;
                    line = lines.take() => line,
                    () = sleep_until(at) => break,
                },
            };
            let Some(received) = line else {
                ended = true;
                break;
            };
            due = due.or_else(|| Some(Instant::now() + BATCH_AGE));
            let outcome = pipeline.accept(received.received_at_us, &received.line);
            counters.count(outcome.record.verdict);
            if let Some(per_minute) = rate.count(received.received_at_us) {
                live.set_packets_per_minute(per_minute);
            }
            live.apply(&outcome.changes);
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
        if !batch.records.is_empty() {
            keep(&*store, batch, &counters).await;
        }
    }
}

/// Stores a batch, trying again while the store cannot: the queue fills, then the socket waits. Nothing is dropped.
async fn keep(store: &dyn Store, batch: Batch, counters: &Counters) {
    let good = batch.records.iter().filter(|record| matches!(record.verdict, Verdict::Accepted | Verdict::Implausible(_))).count();
    let mut tries = 0_u32;
    loop {
        match store.append(batch.clone()).await {
            Ok(_) => break,
            // While the program ends it does not wait for a broken disk for ever.
            Err(error) if tries >= 8 => {
                tracing::error!(%error, packets = batch.records.len(), "packets could not be stored and are lost");
                return;
            }
            Err(error) => {
                tracing::error!(%error, tries, "packets could not be stored; trying again");
                tries += 1;
                sleep(Duration::from_millis(500 << tries.min(5))).await;
            }
        }
    }
    counters.stored.fetch_add(good as u64, Ordering::Relaxed);
}

/// Packets of the last minute, in steps of five seconds.
#[derive(Debug, Default)]
struct Rate {
    step: i64,
    now: u32,
    past: VecDeque<u32>,
}

impl Rate {
    const STEP_US: i64 = 5_000_000;
    const STEPS: usize = 12;

    /// Counts a packet; at the end of a step tells how many came in a minute.
    fn count(&mut self, at_us: i64) -> Option<u32> {
        let step = at_us / Self::STEP_US;
        let ended = self.step != 0 && step != self.step;
        if ended {
            self.past.push_back(std::mem::take(&mut self.now));
            if self.past.len() > Self::STEPS {
                self.past.pop_front();
            }
        }
        self.step = step;
        self.now += 1;
        let steps = u32::try_from(self.past.len()).unwrap_or(1);
        ended.then(|| self.past.iter().sum::<u32>() * 12 / steps.max(1))
    }
}
