//! PostgreSQL as the program holds it: opened when it answers, which may be after the start; reads go through a
//! breaker, so that a visitor is told at once that the archive is away instead of waiting for it.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use godwit_flow::{Backoff, Breaker, BreakerConfig, BreakerReading, Stop};
use godwit_pipeline::{EntityKey, EntityState, Name};
use godwit_store::{
    Appended, Area, Batch, Counts, Fence, Followed, HeardDay, HeardLink, HeardSide, HourCounts, ImportCounts, ImportPoint, Imported, Lease,
    PacketPage, PacketQuery, PoolFigures, PostgresConfig, PostgresStore, ReplicaFigures, Store, StoreError, StoredPacket, TrackPoint,
    WeatherPoint,
};
use tokio::{sync::watch, time::sleep};

use crate::config::Settings;

/// Receive times of one packet on two replicas differ by at most this: clocks and networks.
pub(crate) const TOLERANCE_US: i64 = 15_000_000;

/// The connections.
struct Opened {
    store: PostgresStore,
    /// Its own connection with short patience: the lease must not wait behind a batch.
    lease: PostgresStore,
}

/// The database.
pub(crate) struct Database {
    config: PostgresConfig,
    lease_patience: Duration,
    opened: OnceLock<Opened>,
    is_open: watch::Sender<bool>,
    reads: Breaker,
    trouble: Mutex<Trouble>,
}

/// What went wrong last, until it goes well again.
#[derive(Default)]
struct Trouble {
    writing: Option<String>,
    reading: Option<String>,
}

/// What the settings say about the database; `None` if they ask for the embedded store.
pub(crate) fn config(settings: &Settings) -> Option<PostgresConfig> {
    let whole = |name| usize::try_from(settings.whole(name)).unwrap_or(1);
    Some(PostgresConfig {
        read_url: settings.get("database-read-url").map(str::to_owned),
        read_lag: Duration::from_secs(settings.whole("database-read-lag-seconds").max(1)),
        write_pool: whole("database-write-pool"),
        read_pool: whole("database-read-pool"),
        statement_timeout: Duration::from_secs(settings.whole("database-timeout-seconds").max(1)),
        migrate: settings.on("auto-migrate"),
        ..PostgresConfig::new(settings.get("database-url")?)
    })
}

/// When calls to the database or to Redis are given up for a while.
pub(crate) fn breaker(settings: &Settings) -> BreakerConfig {
    BreakerConfig {
        failures: u32::try_from(settings.whole("breaker-failures")).unwrap_or(3),
        longest_wait: Duration::from_secs(settings.whole("breaker-wait-seconds").max(1)),
        ..BreakerConfig::default()
    }
}

impl Database {
    /// Nothing is connected yet.
    pub(crate) fn new(config: PostgresConfig, breaker: BreakerConfig, lease: Duration) -> Self {
        Self {
            config,
            lease_patience: lease.max(Duration::from_secs(2)),
            opened: OnceLock::new(),
            is_open: watch::Sender::new(false),
            reads: Breaker::new(breaker),
            trouble: Mutex::default(),
        }
    }

    /// Opens it. One caller at a time.
    pub(crate) async fn open(&self) -> Result<(), StoreError> {
        let opened = async {
            let store = PostgresStore::open(&self.config).await?;
            let lease = PostgresConfig {
                write_pool: 1,
                read_pool: 1,
                read_url: None,
                statement_timeout: self.lease_patience,
                migrate: false,
                ..self.config.clone()
            };
            Ok(Opened { store, lease: PostgresStore::open(&lease).await? })
        };
        let opened = opened.await.inspect_err(|error| self.note().writing = Some(one_line(error)))?;
        self.note().writing = None;
        let _ = self.opened.set(opened);
        self.is_open.send_replace(true);
        Ok(())
    }

    /// Goes on trying until it is open.
    pub(crate) async fn open_when_it_answers(self: Arc<Self>, stop: Stop) {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(3));
        while self.opened.get().is_none() {
            if stop.or(sleep(backoff.next_wait())).await.is_none() {
                return;
            }
            match self.open().await {
                Ok(()) => tracing::info!("the database answers"),
                Err(error) if error.is_temporary() => tracing::debug!(%error, "the database is not there yet"),
                Err(error) => tracing::error!("{error}"),
            }
        }
    }

    /// Waits until it is open.
    pub(crate) async fn opened(&self) {
        let mut open = self.is_open.subscribe();
        // We hold the sender.
        let _ = open.wait_for(|open| *open).await;
    }

    fn note(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a statement, or the whole of a batch, may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.config.statement_timeout
    }

    /// What is wrong with it, if anything.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.note();
        trouble.writing.clone().or_else(|| trouble.reading.clone())
    }

    /// The breaker before reads.
    pub(crate) fn reads(&self) -> BreakerReading {
        self.reads.read()
    }

    /// Its pools and its replica; empty as long as it is not open.
    pub(crate) fn figures(&self) -> (Vec<PoolFigures>, Option<ReplicaFigures>) {
        self.opened.get().map(|opened| (opened.store.pools(), opened.store.replica())).unwrap_or_default()
    }

    fn parts(&self) -> Result<&Opened, StoreError> {
        self.opened.get().ok_or_else(|| StoreError::Unavailable {
            at: "that was configured".to_owned(),
            why: self.trouble().unwrap_or_else(|| "it has not answered yet".to_owned()),
        })
    }

    pub(crate) fn lease(&self) -> Result<&dyn Lease, StoreError> {
        Ok(&self.parts()?.lease)
    }

    /// The store itself, for what has its own way with failures.
    pub(crate) fn store(&self) -> Result<&PostgresStore, StoreError> {
        Ok(&self.parts()?.store)
    }

    /// Keeps a batch; `compare`: leaves out what is kept already.
    pub(crate) async fn keep(&self, mut batch: Batch, fence: Option<Fence>, compare: bool) -> Result<Appended, StoreError> {
        batch.fence = fence;
        let store = self.store()?;
        let kept = if compare { store.append_missing(&batch, TOLERANCE_US).await } else { store.append(batch).await };
        self.note().writing = kept.as_ref().err().filter(|error| !matches!(error, StoreError::Fenced(_))).map(one_line);
        kept
    }

    async fn read<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let permit = self.reads.ask(Instant::now()).map_err(|refused| StoreError::Unavailable {
            at: "that was configured".to_owned(),
            why: format!("it failed repeatedly and is asked again in {} ms", refused.retry_in.as_millis()),
        })?;
        let answer = answer.await;
        self.note().reading = answer.as_ref().err().map(one_line);
        self.reads.report(permit, !answer.as_ref().is_err_and(StoreError::is_temporary), Instant::now());
        answer
    }
}

/// An error's first line: hints are for people who can change something now.
fn one_line(error: &StoreError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[async_trait]
impl Store for Database {
    fn engine(&self) -> &'static str {
        "postgresql"
    }

    async fn append(&self, batch: Batch) -> Result<Appended, StoreError> {
        self.store()?.append(batch).await
    }

    async fn append_imported(&self, batch: Imported) -> Result<ImportCounts, StoreError> {
        self.store()?.append_imported(batch).await
    }

    async fn import_progress(&self, source: &str) -> Result<Option<ImportPoint>, StoreError> {
        self.read(self.store()?.import_progress(source)).await
    }

    async fn entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
        self.read(self.store()?.entities(since_us)).await
    }

    async fn entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
        self.read(self.store()?.entity(key)).await
    }

    async fn in_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
        self.read(self.store()?.in_area(area, since_us, limit)).await
    }

    async fn track(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<TrackPoint>, StoreError> {
        self.read(self.store()?.track(key, since_us, until_us, limit)).await
    }

    async fn weather(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<WeatherPoint>, StoreError> {
        self.read(self.store()?.weather(key, since_us, until_us, limit)).await
    }

    async fn packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError> {
        self.read(self.store()?.packet(id)).await
    }

    async fn scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
        self.read(self.store()?.scan(after_id, until_us, limit)).await
    }

    async fn follow(&self, after: Option<i64>, limit: usize) -> Result<Followed, StoreError> {
        self.read(self.store()?.follow(after, limit)).await
    }

    async fn packets(&self, query: PacketQuery) -> Result<PacketPage, StoreError> {
        self.read(self.store()?.packets(query)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(self.store()?.counts()).await
    }

    async fn hours(&self, from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError> {
        self.read(self.store()?.hours(from_us, until_us)).await
    }

    async fn heard_days(&self, from_us: i64, until_us: i64) -> Result<Vec<HeardDay>, StoreError> {
        self.read(self.store()?.heard_days(from_us, until_us)).await
    }

    async fn heard(&self, station: Name, side: HeardSide, since_us: i64, limit: usize) -> Result<Vec<HeardLink>, StoreError> {
        self.read(self.store()?.heard(station, side, since_us, limit)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        if let Some(opened) = self.opened.get() {
            opened.lease.close().await?;
            opened.store.close().await?;
        }
        Ok(())
    }
}
