//! A failure that repeats: a line in the log at the first, then one a while with a count.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Decides which of many equal failures are worth a line in the log. Bounded: a time and a count.
#[derive(Debug)]
pub struct Repeated {
    every: Duration,
    state: Mutex<(Option<Instant>, u64)>,
}

impl Repeated {
    /// At most one line in this time.
    #[must_use]
    pub const fn new(every: Duration) -> Self {
        Self { every, state: Mutex::new((None, 0)) }
    }

    /// Counts a failure. `Some`: write a line now, and say that so many failures since the last line had none.
    pub fn failed(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < self.every) {
            *unsaid += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_are_one_line_a_while_with_their_count() {
        let repeated = Repeated::new(Duration::from_secs(60));
        let began = Instant::now();
        assert_eq!(repeated.failed(began), Some(0));
        for ms in 1..600 {
            assert_eq!(repeated.failed(began + Duration::from_millis(ms * 100)), None);
        }
        assert_eq!(repeated.failed(began + Duration::from_secs(60)), Some(599));
        assert_eq!(repeated.failed(began + Duration::from_secs(61)), None);
        assert_eq!(repeated.failed(began + Duration::from_secs(600)), Some(1));
    }
}
