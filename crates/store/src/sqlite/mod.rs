//! The embedded engine: a folder with `godwit.sqlite` (latest state) and a packet file for each UTC day, so that
//! dropping a day is deleting a file (docs/adr/0003). One thread writes; readers have connections of their own.
//!
//! A batch goes into the day's file first and then into the main file. If the program dies between the two, opening
//! applies the day's newer packets to the latest state again; following a packet twice changes nothing. If the main file
//! fails, the batch is sent again, and the day, which says what batch it was given last, is left as it is.

mod aggregates;
mod day;
mod days;
mod jobs;
mod log;
mod main_file;
mod writer;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use godwit_packet::is_network_mark;
use godwit_pipeline::{EntityKey, EntityState, Name};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Appended, Area, Batch, Counts, Followed, HeardDay, HeardLink, HeardSide, HourCounts, ImportCounts, ImportPoint, Imported, PacketPage,
    PacketQuery, Store, StoreError, StoredPacket, TrackPoint, WeatherPoint, reach,
};
use writer::{Job, Writer};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Batches that may wait for the writer; who appends waits when it is full.
const WAITING_BATCHES: usize = 16;

/// How much each day holds, shared by writer and readers.
type Days = Arc<Mutex<BTreeMap<i64, day::DayCounts>>>;

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    folder: PathBuf,
    days: Days,
    log: log::Log,
    jobs: mpsc::Sender<Job>,
    /// Files of days that were empty when this was opened.
    empty_days: Vec<PathBuf>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Held as long as the store is: one process a folder.
    _lock: File,
}

impl SqliteStore {
    /// Opens the store in a folder, making what is missing and bringing an older layout up to date.
    ///
    /// # Errors
    /// The folder cannot be used, is in use, or holds files that are damaged or of a newer version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let packets = folder.join("packets");
        fs::create_dir_all(&packets).map_err(|error| StoreError::folder(folder, &error))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(|error| StoreError::folder(folder, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => {
                return Err(StoreError::folder(&lock_path, &error));
            }
        }
        let days = Days::default();
        let log = log::Log::new();
        let (mut writer, empty_days) = Writer::open(folder, days.clone(), log.clone())?;
        writer.repair()?;
        // Made here, where nobody else can be making it.
        jobs::with(folder, |_| Ok(()))?;
        let (jobs, mut waiting) = mpsc::channel(WAITING_BATCHES);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    if writer.work(job).is_break() {
                        break;
                    }
                }
            })
            .map_err(|error| StoreError::folder(folder, &error))?;
        Ok(Self { folder: folder.to_owned(), days, log, jobs, empty_days, thread: Mutex::new(Some(thread)), _lock: lock })
    }

    /// Files of days that had no byte in them when the store was opened: a crash just after the file was made leaves one,
    /// and so does a damaged file system. They are left as they are; the days count as days without packets.
    #[must_use]
    pub fn empty_days(&self) -> &[PathBuf] {
        &self.empty_days
    }

    /// The days that hold something, oldest first.
    fn days(&self) -> Vec<i64> {
        lock(&self.days).keys().copied().collect()
    }

    /// The days that hold something of this time, oldest first.
    fn days_between(&self, from_us: i64, until_us: i64) -> Vec<i64> {
        let (first, last) = (from_us.div_euclid(DAY_US), until_us.saturating_sub(1).div_euclid(DAY_US));
        if first > last {
            return Vec::new();
        }
        lock(&self.days).range(first..=last).map(|(day, _)| *day).collect()
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    async fn read<T: Send + 'static>(&self, read: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || read(&folder)).await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "sqlite"
    }

    async fn append(&self, batch: Batch) -> Result<Appended, StoreError> {
        self.ask(|answer| Job::Append(batch, answer)).await
    }

    async fn append_imported(&self, batch: Imported) -> Result<ImportCounts, StoreError> {
        self.ask(|answer| Job::Import(batch, answer)).await
    }

    async fn import_progress(&self, source: &str) -> Result<Option<ImportPoint>, StoreError> {
        let source = source.to_owned();
        self.read(move |folder| main_file::import_progress(folder, &source)).await
    }

    async fn entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
        self.read(move |folder| main_file::entities(folder, since_us)).await
    }

    async fn entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
        self.read(move |folder| main_file::entity(folder, key)).await
    }

    async fn in_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
        self.read(move |folder| main_file::in_area(folder, &area, since_us, limit)).await
    }

    async fn track(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<TrackPoint>, StoreError> {
        let days = self.days();
        self.read(move |folder| day::series(folder, &days, (key, since_us, until_us, limit), TrackPoint::read)).await
    }

    async fn weather(&self, key: EntityKey, since_us: i64, until_us: i64, limit: usize) -> Result<Vec<WeatherPoint>, StoreError> {
        let days = self.days();
        self.read(move |folder| day::series(folder, &days, (key, since_us, until_us, limit), WeatherPoint::read)).await
    }

    async fn packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError> {
        self.read(move |folder| day::packet(folder, id)).await
    }

    async fn scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
        let days = self.days();
        self.read(move |folder| day::scan(folder, &days, after_id, until_us, limit)).await
    }

    async fn follow(&self, after: Option<i64>, limit: usize) -> Result<Followed, StoreError> {
        let (ids, position, gap) = self.log.after(after, limit);
        let packets = self.read(move |folder| ids.into_iter().filter_map(|id| day::packet(folder, id).transpose()).collect()).await?;
        Ok(Followed { packets, position, gap })
    }

    async fn packets(&self, query: PacketQuery) -> Result<PacketPage, StoreError> {
        let days: Vec<i64> = self.days().into_iter().rev().collect();
        self.read(move |folder| day::packets(folder, &days, &query)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = lock(&self.days).values().fold(Counts::default(), |sum, day| Counts {
            stored: sum.stored + day.accepted + day.implausible,
            duplicates: sum.duplicates + day.duplicate,
            bad: sum.bad + day.bad,
            entities: 0,
        });
        counts.entities = self.read(main_file::entity_count).await?;
        Ok(counts)
    }

    async fn hours(&self, from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError> {
        let days = self.days_between(from_us, until_us);
        self.read(move |folder| aggregates::hours(folder, &days, from_us, until_us)).await
    }

    async fn heard_days(&self, from_us: i64, until_us: i64) -> Result<Vec<HeardDay>, StoreError> {
        let days = self.days_between(from_us, until_us);
        let (first, last) = (from_us.div_euclid(DAY_US), until_us.saturating_sub(1).div_euclid(DAY_US));
        let dropped = self.read(move |folder| aggregates::heard_days(folder, first, last)).await?;
        let mut found: BTreeMap<i64, [u64; 3]> = dropped.into_iter().collect();
        for (day, counts) in lock(&self.days).iter().filter(|(day, _)| days.contains(day)) {
            let sum = found.entry(*day).or_default();
            counts.heard.iter().zip(sum).for_each(|(more, sum)| *sum += more);
        }
        found.retain(|_, heard| heard.iter().any(|count| *count > 0));
        Ok(found.into_iter().map(|(day, [stations, objects, items])| HeardDay { day, stations, objects, items }).collect())
    }

    async fn heard(&self, station: Name, side: HeardSide, since_us: i64, limit: usize) -> Result<Vec<HeardLink>, StoreError> {
        if is_network_mark(&station.to_string()) {
            return Ok(Vec::new());
        }
        let judged_us = since_us.saturating_sub(i64::from(reach::JUDGED_DAYS) * DAY_US);
        let (days, judged) = (self.days_between(since_us, i64::MAX), self.days_between(judged_us, i64::MAX));
        self.read(move |folder| {
            let mut links = aggregates::heard(folder, &days, (station, side, since_us.div_euclid(DAY_US)))?;
            links.sort_unstable_by(|a, b| b.packets.cmp(&a.packets).then(a.other.cmp(&b.other)));
            links.truncate(limit);
            let hearers = reach::hearers_to_judge(&links, station, side);
            if !hearers.is_empty() {
                let gates = aggregates::hf_gates(folder, &judged, &hearers, judged_us.div_euclid(DAY_US))?;
                reach::forget_distances_of(&mut links, station, side, &gates);
            }
            Ok(links)
        })
        .await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.ask(Job::Close).await?;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        Ok(())
    }
}

fn lock(days: &Days) -> std::sync::MutexGuard<'_, BTreeMap<i64, day::DayCounts>> {
    days.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a file for writing, bringing it up to the last of these schemas: `user_version` is how many it has. WAL, and
/// NORMAL: a power cut may lose the last commits, never the file.
fn open_for_writing(path: &Path, schemas: &[&str]) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::sqlite(path, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = i64::try_from(schemas.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == 0 {
        connection.execute_batch("PRAGMA page_size = 8192").map_err(failed)?;
    }
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 33554432; PRAGMA cache_size = -16384")
        .map_err(failed)?;
    if found < known {
        let transaction = connection.transaction().map_err(failed)?;
        for schema in &schemas[usize::try_from(found).unwrap_or(0)..] {
            transaction.execute_batch(schema).map_err(failed)?;
        }
        transaction.pragma_update(None, "user_version", known).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Opens a file for reading.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::sqlite(path, &error))?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(|error| StoreError::sqlite(path, &error))?;
    Ok(connection)
}
