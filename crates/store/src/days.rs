//! Whole days: how much they hold, and what becomes of them when they are old. What is done to a day is done to all of
//! it at once, and costs its files or its partition, not its packets; only thinning reads it.

use async_trait::async_trait;
use godwit_pipeline::Record;

use crate::{Store, StoreError};

/// A day of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayState {
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    /// Packets in it, whatever their verdict.
    pub packets: u64,
    /// An import or a restore put it here on purpose: retention leaves it alone.
    pub keep: bool,
    /// Lines that are no packets were taken out.
    pub without_bad: bool,
    /// Only one position for each entity and so many seconds is left; 0: everything is there.
    pub thinned_s: u32,
    /// How many packets the archive has of it.
    pub archived: Option<u64>,
}

/// What a store knows of the time of day, independently of the local clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeEvidence {
    /// The clock of the database server, microseconds since 1970 UTC; `None` for the embedded engine, which has none.
    pub database_us: Option<i64>,
    /// The days that hold packets and that no import or restore put there on purpose, oldest first; days since 1970-01-01
    /// UTC.
    pub days: Vec<i64>,
}

/// What thinning leaves of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thin {
    /// All but lines that are no packets.
    WithoutBad,
    /// Of each entity the first accepted position in each stretch of so many seconds; nothing else.
    Tracks(u32),
}

/// A store whose days can be looked after. A change names how many packets it expects: when more have come since, nothing
/// is done, and it says so.
#[async_trait]
pub trait Days: Store {
    /// All days, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn days(&self) -> Result<Vec<DayState>, StoreError>;

    /// The clock of the database and the days that hold packets: what the local clock is compared with. Cheap: no packet
    /// is read.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn time_evidence(&self) -> Result<TimeEvidence, StoreError>;

    /// Makes room for today (by the store's clock) and so many days after it where that has to be made ahead; returns how
    /// many were missing.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn prepare_ahead(&self, days: u16) -> Result<usize, StoreError>;

    /// Drops a day; false if it holds another number of packets than this.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn drop_day(&self, day: i64, packets: u64) -> Result<bool, StoreError>;

    /// Takes out of a day all but what `thin` says; returns how many packets are left, `None` if it did not hold this
    /// number of packets.
    ///
    /// # Errors
    /// The store cannot be written; the day is as it was.
    async fn thin_day(&self, day: i64, packets: u64, thin: Thin) -> Result<Option<u64>, StoreError>;

    /// Keeps records of one day (of the archive) as they were; the latest state is not touched. The day is kept on
    /// purpose from now on.
    ///
    /// # Errors
    /// The store cannot be written; nothing of these is kept then.
    async fn restore(&self, day: i64, records: Vec<Record>) -> Result<(), StoreError>;

    /// Forgets aggregates (packets an hour, stations a day, who heard whom) of days before this one; returns how many rows.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn forget_aggregates(&self, before_day: i64) -> Result<u64, StoreError>;

    /// Makes the indexes of days before this one as small as they can be, where that is not done yet: packets come in the
    /// order of time, and leave a third of an index by station empty. Beside readers and writers. Lays the latest states of
    /// neighbours side by side, for which all wait a moment. Returns how many days.
    /// An engine without need for it has nothing to do.
    ///
    /// # Errors
    /// The store cannot be written; a day that broke off is done another time.
    async fn pack_days(&self, _before_day: i64) -> Result<usize, StoreError> {
        Ok(0)
    }

    /// Remembers that the archive has a day: how many packets and the checksum of the file.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn set_archived(&self, day: i64, packets: u64, checksum: &str) -> Result<(), StoreError>;
}

/// `2026-11-23`.
#[must_use]
pub fn day_name(day: i64) -> String {
    jiff::Timestamp::from_second(day.saturating_mul(86_400)).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// Days since 1970 of `2026-11-23`; `None` if it is no date.
#[must_use]
pub fn day_number(name: &str) -> Option<i64> {
    let date = name.parse::<jiff::civil::Date>().ok()?;
    // The parser takes times too; a day is a day.
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    (day_name(at.as_second() / 86_400) == name).then_some(at.as_second() / 86_400)
}
