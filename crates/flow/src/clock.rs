//! The clock: the one place that reads it.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// How far the local clock may be from the reference before [`now_us`] goes by the reference: 15 s, in microseconds.
pub const CLOCK_TOLERANCE_US: i64 = 15_000_000;

/// There is no reference.
const NONE: i64 = i64::MIN;

/// What steady time is added to, to be the reference's time.
static REFERENCE_US: AtomicI64 = AtomicI64::new(NONE);

/// Microseconds since 1970 UTC by the local clock, whatever a reference says. A clock before 1970 (a small computer without
/// a battery) reads as 0.
#[must_use]
pub fn local_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0)
}

/// Microseconds of steady time since this was first asked: nobody can set it, and it never goes back.
#[must_use]
pub fn steady_us() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    i64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds since 1970 UTC. Without a reference this is the local clock: set back, it makes times repeat, and whoever
/// orders by time must bear that. With one (see [`follow_reference`]) a local clock that is more than
/// [`CLOCK_TOLERANCE_US`] away from it is not used; the reference goes on by steady time.
#[must_use]
pub fn now_us() -> i64 {
    let local_us = local_us();
    match reference_us() {
        Some(reference_us) if local_us.abs_diff(reference_us) > CLOCK_TOLERANCE_US.unsigned_abs() => reference_us,
        _ => local_us,
    }
}

/// The time of the reference now, microseconds since 1970 UTC; `None` without one.
#[must_use]
pub fn reference_us() -> Option<i64> {
    let offset_us = REFERENCE_US.load(Ordering::Relaxed);
    (offset_us != NONE).then(|| offset_us.saturating_add(steady_us()))
}

/// Makes this, microseconds since 1970 UTC now, the time of the whole process: several replicas go by the clock of the
/// database that they share.
pub fn follow_reference(us: i64) {
    REFERENCE_US.store(us.saturating_sub(steady_us()), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_clock_that_is_far_from_the_reference_is_not_used() {
        let about = |us: i64, wanted: i64| (us - wanted).abs() < 5_000_000;
        assert!(reference_us().is_none() && about(now_us(), local_us()));
        for day in [400, -400] {
            let reference_us = local_us() + day * 86_400_000_000;
            follow_reference(reference_us);
            assert!(about(now_us(), reference_us), "{day}");
        }
        // Within the tolerance the local clock is as good, and it is the finer one.
        follow_reference(local_us() - 10_000_000);
        assert!(about(now_us(), local_us()) && now_us() > reference_us().expect("followed") + 5_000_000);
        let before = steady_us();
        assert!(steady_us() >= before && before >= 0);
    }
}
