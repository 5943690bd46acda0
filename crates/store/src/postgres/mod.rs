//! The second engine: PostgreSQL 15 or newer with PostGIS 3, reached directly or through PgBouncer in
//! transaction-pooling mode.
//!
//! So nothing here outlives a transaction: no named statements (only `query_typed` and `execute_typed`), no LISTEN, no
//! session locks or settings; COPY only inside a transaction. A connection whose work did not finish is closed, never
//! used again: behind a pooler an interrupted COPY can leave it waiting for ever.

mod aggregates;
mod append;
mod ask;
mod connect;
mod copy;
mod days;
mod jobs;
mod lease;
mod migrate;
mod missing;
mod partitions;
mod places;
mod plans;
mod pools;
mod reads;
mod recent;
mod replica;
mod statements;
mod tls;
mod write;

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use async_trait::async_trait;
use godwit_pipeline::{EntityKey, EntityState, Name};

use crate::{
    Appended, Area, Batch, Counts, Followed, HeardDay, HeardLink, HeardSide, HourCounts, ImportCounts, ImportPoint, Imported, PacketPage,
    PacketQuery, Store, StoreError, StoredPacket, TrackPoint, WeatherPoint, model::day_of,
};

pub use lease::Lease;
pub use pools::PoolFigures;
pub use replica::ReplicaFigures;
pub use statements::StatementFigures;

/// Names remembered with their numbers; forgotten all at once when there are more.
const KNOWN_NAMES: usize = 500_000;

/// Where the database is and how much of it is used.
#[derive(Clone)]
pub struct PostgresConfig {
    /// `postgresql://user:password@host:port/database`.
    pub url: String,
    /// A replica for reading history, if there is one.
    pub read_url: Option<String>,
    /// How far behind the replica may be; further, and the primary is read.
    pub read_lag: Duration,
    /// Connections for writing at most.
    pub write_pool: usize,
    /// Connections for reading at most, of the primary and of the replica each.
    pub read_pool: usize,
    /// How long one statement, or the whole of a batch, may take.
    pub statement_timeout: Duration,
    /// Whether opening brings the schema up to date; otherwise an older one is refused.
    pub migrate: bool,
}

impl PostgresConfig {
    /// Two connections to write, eight to read, 30 s; no replica; brings the schema up to date.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            read_url: None,
            read_lag: Duration::from_secs(5),
            write_pool: 2,
            read_pool: 8,
            statement_timeout: Duration::from_secs(30),
            migrate: true,
        }
    }
}

/// URLs hold passwords: they are not shown.
impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresConfig").field("write_pool", &self.write_pool).field("read_pool", &self.read_pool).finish_non_exhaustive()
    }
}

/// The store in PostgreSQL. Several processes may have it open; who writes is agreed on by [`Lease`].
pub struct PostgresStore {
    /// Host, port and database, for messages.
    at: String,
    write: connect::Connections,
    read: connect::Connections,
    replica: Option<replica::Replica>,
    timeout: Duration,
    /// This writer's number in `last_batch`.
    writer: i64,
    names: Mutex<HashMap<EntityKey, i32>>,
    /// Days that have a partition.
    days: Mutex<HashSet<i32>>,
    places: places::Places,
    recent: recent::Recent,
    /// Batches written.
    batches: AtomicU64,
    /// The batch of the feed that failed last: it may be kept all the same.
    uncertain: Mutex<Option<[u8; 16]>>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("at", &self.at).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, brings the schema up to date, and prepares today and the two days after it.
    ///
    /// # Errors
    /// The database cannot be reached, refuses us, is too old, lacks PostGIS, or has a schema newer than this program.
    pub async fn open(config: &PostgresConfig) -> Result<Self, StoreError> {
        let (write, at) = connect::pool(&config.url, config.write_pool, config.statement_timeout)?;
        let (read, _) = connect::pool(&config.url, config.read_pool, config.statement_timeout)?;
        let replica = config.read_url.as_ref().map(|url| connect::pool(url, config.read_pool, config.statement_timeout)).transpose()?;
        let timeout = config.statement_timeout;
        let mut store = Self {
            at,
            write,
            read,
            replica: replica.map(|replica| replica::Replica::new(replica, config.read_lag)),
            timeout,
            writer: 0,
            names: Mutex::default(),
            days: Mutex::default(),
            places: places::Places::default(),
            recent: recent::Recent::default(),
            batches: AtomicU64::default(),
            uncertain: Mutex::default(),
        };
        store.migrate(config.migrate).await?;
        let rows = store.write_one("SELECT nextval('writer'), now_us()", &[]).await?;
        let (writer, now_us) = (rows[0].get(0), rows[0].get(1));
        store.writer = writer;
        store.write_one("DELETE FROM last_batch WHERE at < now() - interval '7 days'", &[]).await?;
        store.prepare_days(now_us, 3).await?;
        store.write.warm(&store).await?;
        store.read.warm(&store).await?;
        if let Some(replica) = &store.replica {
            // One that is away now may be there later.
            drop(replica.connections.warm(&store).await);
        }
        Ok(store)
    }

    /// Keeps what of a batch is not kept yet, and the latest state it stands for: for packets that another replica, or an
    /// unanswered attempt, may have kept already. A packet is the same if its bytes are and it was received at most
    /// `tolerance_us` earlier or later; each one kept stands for one of the batch. Looked up and kept in one transaction
    /// that no other writer can come between.
    ///
    /// # Errors
    /// As [`Store::append`]; it may be tried again, with other packets beside it too.
    pub async fn append_missing(&self, batch: &Batch, tolerance_us: i64) -> Result<Appended, StoreError> {
        self.append_batch(batch, Some(tolerance_us)).await
    }

    /// Makes the partitions of this many days from this time on; returns how many were missing.
    ///
    /// # Errors
    /// The database does not do it.
    pub async fn prepare_days(&self, from_us: i64, days: u16) -> Result<usize, StoreError> {
        let first = day_of(from_us);
        let mut made = 0;
        for day in first..first + i32::from(days) {
            made += usize::from(self.prepare_day(day).await?);
        }
        Ok(made)
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn engine(&self) -> &'static str {
        "postgresql"
    }

    async fn append(&self, batch: Batch) -> Result<Appended, StoreError> {
        self.append_batch(&batch, None).await
    }

    async fn append_imported(&self, batch: Imported) -> Result<ImportCounts, StoreError> {
        self.append_import(&batch).await
    }

    async fn import_progress(&self, source: &str) -> Result<Option<ImportPoint>, StoreError> {
        self.read_import_progress(source).await
    }

    async fn entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
        self.read_entities(since_us).await
    }

    async fn entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
        self.read_entity(key).await
    }

    async fn in_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
        self.read_area(area, since_us, limit).await
    }

    async fn track(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<TrackPoint>, StoreError> {
        self.read_track(key, since_us, until_us, limit).await
    }

    async fn weather(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<WeatherPoint>, StoreError> {
        self.read_weather(key, since_us, until_us, limit).await
    }

    async fn packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError> {
        self.read_packet(id).await
    }

    async fn scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
        self.read_scan(after_id, until_us, limit).await
    }

    async fn follow(&self, after: Option<i64>, limit: usize) -> Result<Followed, StoreError> {
        self.read_follow(after, limit).await
    }

    async fn packets(&self, query: PacketQuery) -> Result<PacketPage, StoreError> {
        self.read_packets(&query).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read_counts().await
    }

    async fn hours(&self, from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError> {
        self.read_hours(from_us, until_us).await
    }

    async fn heard_days(&self, from_us: i64, until_us: i64) -> Result<Vec<HeardDay>, StoreError> {
        self.read_heard_days(from_us, until_us).await
    }

    async fn heard(&self, station: Name, side: HeardSide, since_us: i64, limit: usize) -> Result<Vec<HeardLink>, StoreError> {
        self.read_heard(station, side, since_us, limit).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.write.close();
        self.read.close();
        if let Some(replica) = &self.replica {
            replica.connections.close();
        }
        Ok(())
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
