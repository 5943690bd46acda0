//! Kept: packets as they arrived, and the latest state of every entity.
//!
//! [`Store`] is what the product asks of history; [`SqliteStore`] answers it from a folder, [`PostgresStore`] from a
//! database. Invariant: a store never stands between a viewer and the live map, and SQL lives only here.

mod backup;
mod error;
mod jobs;
mod model;
mod postgres;
mod sqlite;

use async_trait::async_trait;
use godwit_pipeline::{EntityKey, EntityState};

pub use backup::{BackedUp, BackupError, backup};
pub use error::StoreError;
pub use jobs::{JobClaim, JobPlan, JobState, JobTable};
pub use model::{Appended, Batch, Content, Counts, Fence, Imported, PacketPage, PacketQuery, StoredPacket};
pub use postgres::{Area, Lease, PostgresConfig, PostgresStore, TrackPoint};
pub use sqlite::SqliteStore;

/// What the product asks of history. All answers are bounded.
#[async_trait]
pub trait Store: Send + Sync {
    /// `sqlite` or `postgresql`.
    fn engine(&self) -> &'static str;

    /// Keeps a batch; durable when it returns.
    ///
    /// # Errors
    /// Nothing of the batch is kept then, or the store repairs itself at the next opening.
    async fn append(&self, batch: Batch) -> Result<Appended, StoreError>;

    /// Keeps a batch of an import, leaving out lines that were imported before.
    ///
    /// # Errors
    /// As [`Store::append`].
    async fn append_imported(&self, batch: Imported) -> Result<Appended, StoreError>;

    /// How far the import of this source got, in bytes.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn import_progress(&self, source: &str) -> Result<u64, StoreError>;

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

    /// Packets, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn packets(&self, query: PacketQuery) -> Result<PacketPage, StoreError>;

    /// Time and bytes of what was received since, newest first, at most 200,000: by this a standby that takes over knows
    /// what is kept already.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn recent_content(&self, since_us: i64) -> Result<Vec<Content>, StoreError>;

    /// How much is kept; known without scanning.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Drops the days that ended before this time (and were not kept on purpose); returns how many. O(1) a day.
    ///
    /// # Errors
    /// A day's file could not be removed.
    async fn retain_since(&self, since_us: i64) -> Result<usize, StoreError>;

    /// Ends writing; what was appended is on disk.
    ///
    /// # Errors
    /// The last checkpoint failed; nothing is lost.
    async fn close(&self) -> Result<(), StoreError>;
}
