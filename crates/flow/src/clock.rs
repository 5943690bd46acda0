//! The clock: the one place that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970 UTC. A clock set back makes times repeat; whoever orders by time must bear that. A clock
/// before 1970 (a small computer without a battery) reads as 0.
#[must_use]
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0)
}
