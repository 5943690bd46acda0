//! Waiting times between attempts: growing from the first to the longest, jittered so that many clients of a server
//! that comes back do not come back together.

use std::time::Duration;

/// How long to wait before the next attempt.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// Waits from `first`, doubling, to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, attempts: 0, random: fastrand::Rng::new() }
    }

    /// The next wait: between half and all of the doubled time.
    pub fn next_wait(&mut self) -> Duration {
        let full = self.first.saturating_mul(1 << self.attempts.min(20)).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        full.mul_f64(0.5 + self.random.f64() / 2.0).max(self.first.min(self.longest))
    }

    /// All is well again: the next wait is the first one.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_start_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(120));
        let waits: Vec<f64> = (0..12).map(|_| backoff.next_wait().as_secs_f64()).collect();
        for (attempt, wait) in waits.iter().enumerate() {
            let full = f64::from(1 << attempt.min(10)).min(120.0);
            assert!((full / 2.0..=full).contains(wait) || *wait >= 1.0 && full <= 2.0, "{attempt}: {wait}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(1));
    }
}
