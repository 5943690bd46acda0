//! How long packets take from our socket to a viewer's: counted in buckets, never kept one by one.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Upper ends of the buckets, milliseconds; one more holds what is longer.
pub const BOUNDS_MS: [u32; 24] =
    [5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000];

const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// Counts of a time: [`BOUNDS_MS`] and one for what is longer.
pub type Counts = [u64; BUCKETS];

/// The latest minute or two.
const WINDOW_US: i64 = 60_000_000;

/// What is counted since the start, and what it was a minute and two minutes ago.
#[derive(Debug)]
pub(crate) struct Latency {
    counts: [AtomicU64; BUCKETS],
    past: Mutex<(i64, Counts, Counts)>,
}

/// What the histogram says.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyReading {
    /// Messages since the start, by bucket.
    pub counts: Counts,
    /// Median of the last one to two minutes, milliseconds; `None` when nothing was sent.
    pub p50_ms: Option<f64>,
    /// 99 % of the last one to two minutes were quicker, milliseconds.
    pub p99_ms: Option<f64>,
}

impl Latency {
    pub(crate) fn new(now_us: i64) -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], past: Mutex::new((now_us, [0; BUCKETS], [0; BUCKETS])) }
    }

    pub(crate) fn note(&self, latency_us: i64) {
        let ms = u32::try_from(latency_us.max(0) / 1000).unwrap_or(u32::MAX);
        self.counts[BOUNDS_MS.partition_point(|bound| *bound < ms)].fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> Counts {
        std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed))
    }

    /// Moves the window; called at least once a minute.
    pub(crate) fn turn(&self, now_us: i64) {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins a new minute.
        if now_us.abs_diff(past.0) >= WINDOW_US.unsigned_abs() {
            *past = (now_us, self.counts(), past.1);
        }
    }

    pub(crate) fn read(&self) -> LatencyReading {
        let counts = self.counts();
        let before = self.past.lock().unwrap_or_else(PoisonError::into_inner).2;
        let recent = std::array::from_fn(|at| counts[at].saturating_sub(before[at]));
        LatencyReading { counts, p50_ms: quantile(&recent, 0.5), p99_ms: quantile(&recent, 0.99) }
    }
}

/// Within a bucket it is taken for even; beyond the last bound it is the last bound.
fn quantile(counts: &Counts, part: f64) -> Option<f64> {
    let wanted = counts.iter().sum::<u64>() as f64 * part;
    let mut below = 0.0;
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = *count as f64;
        if below + count >= wanted {
            let low = if at == 0 { 0.0 } else { f64::from(BOUNDS_MS[at - 1]) };
            let high = BOUNDS_MS.get(at).map_or(low, |bound| f64::from(*bound));
            return Some(low + (high - low) * (wanted - below) / count);
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_last_minutes_and_counts_of_all() {
        let latency = Latency::new(0);
        assert_eq!(latency.read().p99_ms, None);
        for ms in 1..=1000 {
            latency.note(ms * 1000);
        }
        latency.note(-5);
        latency.note(100_000_000);
        let read = latency.read();
        assert_eq!(read.counts.iter().sum::<u64>(), 1002);
        assert!((read.p50_ms.expect("some") - 500.0).abs() < 5.0 && (read.p99_ms.expect("some") - 990.0).abs() < 5.0, "{read:?}");
        for minute in 1..=3 {
            latency.turn(minute * WINDOW_US);
        }
        assert_eq!(latency.read().p50_ms, None, "long ago");
        latency.note(7_000);
        assert!(latency.read().p50_ms.is_some_and(|ms| (5.0..=10.0).contains(&ms)));
    }
}
