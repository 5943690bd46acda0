//! The last minute of a warm standby. Owner: its intake. Bound: a time and a number; the oldest leave first.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use godwit_pipeline::Outcome;

/// How far back a takeover looks.
const SPAN: Duration = Duration::from_secs(60);

/// Packets at most: a minute of 3,000 a second.
const MOST: usize = 180_000;

/// What was received and what it means. Its age is told by a clock that nobody sets.
#[derive(Debug, Default)]
pub(crate) struct Ring(VecDeque<(Instant, Outcome)>);

impl Ring {
    pub(crate) fn push(&mut self, now: Instant, outcome: Outcome) {
        while self.0.front().is_some_and(|(at, _)| now - *at > SPAN) || self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((now, outcome));
    }

    /// Takes all of it out, oldest first.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Outcome> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(_, outcome)| outcome)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the oldest was received, microseconds since 1970 UTC.
    pub(crate) fn since_us(&self) -> Option<i64> {
        self.0.front().map(|(_, oldest)| oldest.record.received_at_us)
    }
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;

    use super::*;

    #[test]
    fn a_minute_stays_also_when_the_clock_is_set() {
        let (mut ring, mut pipeline, start) = (Ring::default(), Pipeline::default(), Instant::now());
        for second in 0..100_u32 {
            // Received at a time that jumps by hours, back and forth.
            let at_us = i64::from(second % 3) * 3_600_000_000;
            let outcome = pipeline.accept(at_us, format!("A1B>APRS:>at {second}").as_bytes());
            ring.push(start + Duration::from_secs(second.into()), outcome);
        }
        assert_eq!((ring.len(), ring.since_us()), (61, Some(0)));
        assert_eq!(&*ring.take().next().expect("the oldest").record.raw, b"A1B>APRS:>at 39");
        assert_eq!((ring.len(), ring.since_us()), (0, None));
    }
}
