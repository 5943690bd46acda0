//! What every stage needs to move and to wait: bounded queues, stopping, waiting times, a circuit breaker,
//! the clock.
//!
//! Invariant: everything here has a size, a deadline or a state. What has none does not enter.

mod backoff;
mod breaker;
mod clock;
#[cfg(feature = "faults")]
mod faults;
mod health;
mod queue;
mod repeated;
mod stop;
mod tasks;

pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerConfig, BreakerReading, BreakerState, Permit, Refused};
pub use clock::{CLOCK_TOLERANCE_US, follow_reference, local_us, now_us, reference_us, steady_us};
pub use health::{Condition, Health, Part};
pub use queue::{Gauge, Queue, Reader, queue};
pub use repeated::Repeated;
pub use stop::{Stop, Stopper};
pub use tasks::{Failure, Tasks, panic_message};
