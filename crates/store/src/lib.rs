//! Kept: packets as they arrived, and the latest state of every entity.
//!
//! [`Store`] is what the product asks of history; [`SqliteStore`] answers it from a folder, [`PostgresStore`] from a
//! database. Invariant: a store never stands between a viewer and the live map, and SQL lives only here.

#[cfg(feature = "archive")]
pub mod archive;
mod backup;
mod block;
mod cell;
mod days;
mod error;
mod facts;
mod jobs;
mod model;
mod packed;
mod points;
mod postgres;
mod reach;
mod spool;
mod sqlite;
mod tally;

use async_trait::async_trait;
use godwit_pipeline::{EntityKey, EntityState, Name};

pub use backup::{BackedUp, BackupError, backup};
pub use block::{Answer, BLOCK_S, BlockError, BlockFigures, Blocks, BlocksRange, Part};
pub use days::{DayState, Days, Thin, TimeEvidence, day_name, day_number};
pub use error::StoreError;
pub use jobs::{JobClaim, JobPlan, JobState, JobTable};
pub use model::{
    Appended, Area, Batch, Counts, Fence, Followed, HeardDay, HeardLink, HeardSide, HourCounts, ImportCounts, ImportPoint, Imported,
    ImportedLine, PacketPage, PacketQuery, StoredPacket,
};
pub use points::{TrackPoint, WeatherPoint};
pub use postgres::{Lease, PoolFigures, PostgresConfig, PostgresStore, ReplicaFigures, StatementFigures};
pub use spool::{Spool, SpoolError, SpoolFrame, SpoolFrames, Waiting, spool_records};
pub use sqlite::SqliteStore;

/// What the product asks of history. All answers are bounded.
#[async_trait]
pub trait Store: Send + Sync {
    /// `sqlite` or `postgresql`.
    fn engine(&self) -> &'static str;

    /// Keeps a batch; durable when it returns. A batch that failed may be in part, or wholly, kept: sending it again,
    /// before any other one, keeps what is missing and nothing twice.
    ///
    /// # Errors
    /// The batch could not be kept, or it is not known whether it was.
    async fn append(&self, batch: Batch) -> Result<Appended, StoreError>;

    /// Keeps a batch of an import, leaving out lines that were imported before.
    ///
    /// # Errors
    /// As [`Store::append`].
    async fn append_imported(&self, batch: Imported) -> Result<ImportCounts, StoreError>;

    /// How far the last import of this file got; `None` if none is known.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn import_progress(&self, source: &str) -> Result<Option<ImportPoint>, StoreError>;

    /// The states of all entities heard since a time.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError>;

    /// The state of one entity, however long ago it was heard.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError>;

    /// The living entities whose latest position is in an area and that were heard since a time, in no order, at most
    /// `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn in_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError>;

    /// Where an entity said it was from `since_us` on and before `until_us`, oldest first, at most `limit` points.
    /// Implausible positions are among them, marked; copies and Maidenhead squares are not.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn track(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<TrackPoint>, StoreError>;

    /// The weather that an entity sent from `since_us` on and before `until_us`, oldest first, at most `limit` reports.
    /// Copies are left out.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn weather(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<WeatherPoint>, StoreError>;

    /// The packet with this id.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError>;

    /// All packets, whatever their verdict, with ids above `after_id` and received before `until_us`; by id, oldest
    /// first, at most `limit`. Going on from the last id reads everything once.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError>;

    /// Packets in the order in which they were *committed*, after a position of an earlier answer, at most `limit`:
    /// also those of a batch that was kept late and is older than what is known. `None` answers where now is. Only the
    /// last hours can be followed; [`Followed::gap`] says when that was not enough.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn follow(&self, after: Option<i64>, limit: usize) -> Result<Followed, StoreError>;

    /// Packets, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn packets(&self, query: PacketQuery) -> Result<PacketPage, StoreError>;

    /// How much is kept; known without scanning.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Packets of each hour that overlaps `from_us` to `until_us` (which is not part of it), oldest first; hours without
    /// packets are left out. Kept for longer than the packets themselves, and known without scanning.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn hours(&self, from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError>;

    /// How many entities were heard on each day that overlaps `from_us` to `until_us` (which is not part of it), oldest
    /// first; days on which nothing was heard are left out. Known without scanning.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn heard_days(&self, from_us: i64, until_us: i64) -> Result<Vec<HeardDay>, StoreError>;

    /// Whom a station heard on radio with nothing in between, or who heard it, since the day of `since_us`: most packets
    /// first, then by callsign, at most `limit`. Kept by day and for longer than packets are.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn heard(&self, station: Name, side: HeardSide, since_us: i64, limit: usize) -> Result<Vec<HeardLink>, StoreError>;

    /// Ends writing; what was appended is on disk.
    ///
    /// # Errors
    /// The last checkpoint failed; nothing is lost.
    async fn close(&self) -> Result<(), StoreError>;
}
