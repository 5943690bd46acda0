//! What a line means to us.
//!
//! In: when a line arrived and its bytes. Out: an [`Outcome`]: the [`Record`] that the store keeps, with a
//! [`Verdict`], and the [`EntityChange`]s that the store's latest state and the live world follow.
//!
//! Invariant: no socket, no clock, no task, no database. Time and bytes are arguments, so a day of traffic runs in
//! seconds in a test. The only state is bounded: the duplicate window, and where stations were.

mod distance;
mod duplicate;
mod entity;
mod interval;
mod pipeline;
mod record;
mod whereabouts;

pub use distance::{EARTH_KM, distance_km};
pub use duplicate::DuplicateWindow;
pub use entity::{EntityChange, EntityKey, EntityKind, EntityState, Fix, Name};
pub use interval::BeaconInterval;
pub use pipeline::{Outcome, Pipeline, TOO_FAST, changes_again, changes_of, fix_of, sentence};
pub use record::{Record, Verdict};
