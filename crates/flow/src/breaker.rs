//! A circuit breaker: calls to something that fails again and again are refused at once instead of waited for, until
//! one call let through on probation shows that it is well again.
//!
//! No I/O and no clock: whoever calls says what time it is. One small state behind a lock that is never held across
//! anything that waits, so one breaker may be shared by many tasks.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::Backoff;

/// When a breaker opens and how long it stays so.
#[derive(Debug, Clone, Copy)]
pub struct BreakerConfig {
    /// Failures in a row that open it; at least 1 (0 counts as 1).
    pub failures: u32,
    /// How long it stays open the first time; each failed probe doubles the wait (with jitter, see [`Backoff`]).
    pub first_wait: Duration,
    /// The longest it stays open before the next probe.
    pub longest_wait: Duration,
    /// A probe that has not said how it went after so long counts as failed: its task was dropped or hangs.
    pub probe_deadline: Duration,
}

impl Default for BreakerConfig {
    /// Three failures; half a second to 15 s; a probe may take 10 s.
    fn default() -> Self {
        Self {
            failures: 3,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(15),
            probe_deadline: Duration::from_secs(10),
        }
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are refused until the wait is over.
    Open,
    /// One probe is under way; all others are refused.
    HalfOpen,
}

impl BreakerState {
    /// The word used in metrics and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What can be read about a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerReading {
    /// Where it stands.
    pub state: BreakerState,
    /// Failures in a row, up to now.
    pub failures_in_row: u32,
    /// Calls that went well, since the start.
    pub succeeded: u64,
    /// Calls that failed, since the start; probes that never answered too.
    pub failed: u64,
    /// Calls that were refused, since the start.
    pub refused: u64,
    /// Times it opened from closed, since the start.
    pub opened: u64,
}

/// Leave to make one call; give it back to [`Breaker::report`].
///
/// One that is dropped instead is as if the call had never been asked for while the breaker is closed; a dropped probe
/// counts as failed after [`BreakerConfig::probe_deadline`].
#[derive(Debug)]
#[must_use = "report how the call went"]
pub struct Permit {
    generation: u64,
}

/// A call that must not be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When asking again may help.
    pub retry_in: Duration,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { deadline: Instant },
}

#[derive(Debug)]
struct Inner {
    state: State,
    backoff: Backoff,
    /// Moves on with each change of state: what a call reports counts only in the state that let it through.
    generation: u64,
    failures_in_row: u32,
    succeeded: u64,
    failed: u64,
    refused: u64,
    opened: u64,
}

/// The breaker.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    inner: Mutex<Inner>,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        let inner = Inner {
            state: State::Closed,
            backoff: Backoff::new(config.first_wait, config.longest_wait),
            generation: 0,
            failures_in_row: 0,
            succeeded: 0,
            failed: 0,
            refused: 0,
            opened: 0,
        };
        Self { config, inner: Mutex::new(inner) }
    }

    /// Asks whether a call may be made now.
    ///
    /// # Errors
    /// The breaker is open, or its one probe is under way.
    pub fn ask(&self, now: Instant) -> Result<Permit, Refused> {
        let mut inner = self.lock();
        inner.overdue(now);
        let retry_in = match inner.state {
            State::Closed => return Ok(Permit { generation: inner.generation }),
            State::Open { until } if until <= now => {
                inner.change(State::HalfOpen { deadline: now + self.config.probe_deadline });
                return Ok(Permit { generation: inner.generation });
            }
            State::Open { until } => until - now,
            State::HalfOpen { deadline } => deadline - now,
        };
        inner.refused += 1;
        Err(Refused { retry_in })
    }

    /// Says how a call went. A call that was let through in an earlier state (it hung while the breaker opened) is
    /// counted and changes nothing else.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is for one call")]
    pub fn report(&self, permit: Permit, well: bool, now: Instant) {
        let mut inner = self.lock();
        inner.overdue(now);
        if well {
            inner.succeeded += 1;
        } else {
            inner.failed += 1;
        }
        if permit.generation != inner.generation {
            return;
        }
        match (&inner.state, well) {
            (State::Closed, true) => inner.failures_in_row = 0,
            (State::Closed, false) => {
                inner.failures_in_row = inner.failures_in_row.saturating_add(1);
                if inner.failures_in_row >= self.config.failures.max(1) {
                    inner.opened += 1;
                    inner.open(now);
                }
            }
            (State::HalfOpen { .. }, true) => {
                inner.failures_in_row = 0;
                inner.backoff.reset();
                inner.change(State::Closed);
            }
            (State::HalfOpen { .. }, false) => {
                inner.failures_in_row = inner.failures_in_row.saturating_add(1);
                inner.open(now);
            }
            // Opening moved the generation on, so no permit is of an open breaker.
            (State::Open { .. }, _) => {}
        }
    }

    /// Where it stands and what it counted.
    #[must_use]
    pub fn read(&self) -> BreakerReading {
        let inner = self.lock();
        BreakerReading {
            state: match inner.state {
                State::Closed => BreakerState::Closed,
                State::Open { .. } => BreakerState::Open,
                State::HalfOpen { .. } => BreakerState::HalfOpen,
            },
            failures_in_row: inner.failures_in_row,
            succeeded: inner.succeeded,
            failed: inner.failed,
            refused: inner.refused,
            opened: inner.opened,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }

    fn open(&mut self, now: Instant) {
        let until = now + self.backoff.next_wait();
        self.change(State::Open { until });
    }

    /// A probe past its deadline failed when the deadline passed.
    fn overdue(&mut self, now: Instant) {
        if let State::HalfOpen { deadline } = self.state
            && deadline <= now
        {
            self.failed += 1;
            self.failures_in_row = self.failures_in_row.saturating_add(1);
            self.open(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(failures: u32) -> BreakerConfig {
        BreakerConfig {
            failures,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_millis(1600),
            probe_deadline: Duration::from_millis(500),
        }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn opens_after_failures_in_a_row_and_closes_after_one_probe() {
        let (breaker, start) = (Breaker::new(config(2)), Instant::now());
        for well in [false, true, false] {
            breaker.report(breaker.ask(start).expect("closed"), well, start);
        }
        assert_eq!(breaker.read().state, BreakerState::Closed, "a success between them starts the row anew");
        breaker.report(breaker.ask(start).expect("closed"), false, start);
        assert_eq!((breaker.read().state, breaker.read().opened), (BreakerState::Open, 1));
        let Refused { retry_in } = breaker.ask(start).expect_err("open");
        assert!(retry_in > Duration::ZERO && retry_in <= ms(100));

        let probe = breaker.ask(start + retry_in).expect("the wait is over");
        assert_eq!(breaker.read().state, BreakerState::HalfOpen);
        breaker.ask(start + retry_in).expect_err("one probe at a time");
        breaker.report(probe, true, start + retry_in);
        assert_eq!((breaker.read().state, breaker.read().failures_in_row), (BreakerState::Closed, 0));
        assert_eq!((breaker.read().succeeded, breaker.read().failed, breaker.read().refused), (2, 3, 2));
    }

    #[test]
    fn a_probe_that_never_answers_makes_room_for_another_and_its_late_answer_changes_nothing() {
        let (breaker, start) = (Breaker::new(config(1)), Instant::now());
        breaker.report(breaker.ask(start).expect("closed"), false, start);
        let lost = breaker.ask(start + ms(100)).expect("probe");
        let later = start + ms(100) + ms(500);
        breaker.ask(later).expect_err("the lost probe failed, so it is open again");
        let second = breaker.ask(later + ms(200)).expect("second probe");
        breaker.report(lost, true, later + ms(201));
        assert_eq!(breaker.read().state, BreakerState::HalfOpen, "only its own probe decides");
        breaker.report(second, true, later + ms(202));
        assert_eq!(breaker.read().state, BreakerState::Closed);
    }

    /// What a random caller does.
    #[derive(Debug, Clone)]
    enum Act {
        Ask,
        Report(usize, bool),
        Drop(usize),
        Wait(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => Just(Act::Ask),
            3 => (any::<usize>(), any::<bool>()).prop_map(|(which, well)| Act::Report(which, well)),
            1 => any::<usize>().prop_map(Act::Drop),
            2 => (0_u64..900).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_callers_do(failures in 0_u32..5, acts in proptest::collection::vec(act(), 0..200)) {
            let (breaker, start) = (Breaker::new(config(failures)), Instant::now());
            let (mut now, mut open_permits, mut asked, mut refused, mut reported) = (start, Vec::new(), 0_u64, 0_u64, 0_u64);
            for act in acts {
                let before = breaker.read();
                match act {
                    Act::Ask => {
                        asked += 1;
                        match breaker.ask(now) {
                            Ok(permit) => {
                                prop_assert_ne!(breaker.read().state, BreakerState::Open);
                                open_permits.push(permit);
                            }
                            Err(Refused { retry_in }) => {
                                refused += 1;
                                prop_assert_ne!(breaker.read().state, BreakerState::Closed);
                                prop_assert!(retry_in > Duration::ZERO && retry_in <= ms(1600), "{:?}", retry_in);
                                // Exactly one of those who ask when the time has come is let through.
                                if breaker.read().state == BreakerState::Open {
                                    now += retry_in;
                                    let probe = breaker.ask(now);
                                    prop_assert!(probe.is_ok());
                                    prop_assert!(breaker.ask(now).is_err());
                                    asked += 2;
                                    refused += 1;
                                    open_permits.extend(probe);
                                }
                            }
                        }
                    }
                    Act::Report(which, well) if !open_permits.is_empty() => {
                        let permit = open_permits.swap_remove(which % open_permits.len());
                        reported += 1;
                        breaker.report(permit, well, now);
                        if before.state == BreakerState::Closed {
                            let opened = breaker.read().state == BreakerState::Open;
                            prop_assert_eq!(opened, breaker.read().failures_in_row >= failures.max(1));
                            prop_assert_eq!(opened, breaker.read().opened == before.opened + 1);
                        }
                    }
                    Act::Drop(which) if !open_permits.is_empty() => drop(open_permits.swap_remove(which % open_permits.len())),
                    Act::Report(..) | Act::Drop(_) => {}
                    Act::Wait(time) => now += ms(time),
                }
            }
            let read = breaker.read();
            prop_assert_eq!(read.refused, refused);
            prop_assert!(read.succeeded + read.failed >= reported);
            prop_assert!(read.succeeded + read.failed + read.refused <= asked + reported);
            // It never locks up: after the longest probe and the longest wait somebody is let through, and one good
            // call closes it.
            now += ms(500) + ms(1600);
            let permit = breaker.ask(now);
            prop_assert!(permit.is_ok());
            breaker.report(permit.expect("checked"), true, now);
            prop_assert_eq!(breaker.read().state, BreakerState::Closed);
        }
    }
}
