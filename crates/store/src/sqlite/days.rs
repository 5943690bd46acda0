//! Days as files: dropped by removing them, thinned by writing a smaller one beside and putting it in its place.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use godwit_pipeline::Record;
use rusqlite::{Connection, params};

use super::{SqliteStore, day, jobs, lock, open_for_reading, writer::Job};
use crate::{DayState, Days, StoreError, Thin, TimeEvidence};

#[async_trait]
impl Days for SqliteStore {
    async fn days(&self) -> Result<Vec<DayState>, StoreError> {
        let known: Vec<(i64, day::DayCounts)> = lock(&self.days).iter().map(|(day, counts)| (*day, *counts)).collect();
        self.read(move |folder| {
            let archived: HashMap<i64, i64> = jobs::with(folder, |connection| {
                let mut select = connection.prepare("SELECT day, rows FROM archived")?;
                let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })?;
            known.into_iter().map(|(number, counts)| state(folder, number, counts, &archived)).collect()
        })
        .await
    }

    async fn time_evidence(&self) -> Result<TimeEvidence, StoreError> {
        let days = lock(&self.days).iter().filter(|(_, counts)| counts.all() > 0 && !counts.keep).map(|(day, _)| *day).collect();
        Ok(TimeEvidence { database_us: None, days })
    }

    async fn prepare_ahead(&self, _: u16) -> Result<usize, StoreError> {
        // A day's file is made by its first packet.
        Ok(0)
    }

    async fn drop_day(&self, day: i64, packets: u64) -> Result<bool, StoreError> {
        self.ask(|answer| Job::Replace { day, packets, with: None, answer }).await
    }

    async fn thin_day(&self, day: i64, packets: u64, thin: Thin) -> Result<Option<u64>, StoreError> {
        // Beside the writer: it only puts the new file in place.
        let (file, left) = self.read(move |folder| thinned(&day::path(folder, day), thin)).await?;
        let done = self.ask(|answer| Job::Replace { day, packets, with: Some(file.clone()), answer }).await;
        if !matches!(done, Ok(true)) {
            let _ = fs::remove_file(&file);
        }
        Ok(done?.then_some(left))
    }

    async fn restore(&self, day: i64, records: Vec<Record>) -> Result<(), StoreError> {
        self.ask(|answer| Job::Restore { day, records, answer }).await
    }

    async fn forget_aggregates(&self, before_day: i64) -> Result<u64, StoreError> {
        self.ask(|answer| Job::Forget(before_day, answer)).await
    }

    async fn set_archived(&self, day: i64, packets: u64, checksum: &str) -> Result<(), StoreError> {
        let checksum = checksum.to_owned();
        self.read(move |folder| {
            jobs::with(folder, |connection| {
                let sql = "INSERT INTO archived VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
                           ON CONFLICT (day) DO UPDATE SET rows = excluded.rows, checksum = excluded.checksum, at_us = excluded.at_us";
                connection.execute(sql, params![day, i64::try_from(packets).unwrap_or(i64::MAX), checksum]).map(drop)
            })
        })
        .await
    }
}

fn state(folder: &Path, number: i64, counts: day::DayCounts, archived: &HashMap<i64, i64>) -> Result<DayState, StoreError> {
    let path = day::path(folder, number);
    let flag = |connection: &Connection, key: &str| {
        let sql = "SELECT coalesce(max(value), 0) FROM counter WHERE key = ?1";
        connection.query_row(sql, [key], |row| row.get::<_, i64>(0))
    };
    let (mut without_bad, mut thinned_s) = (0, 0);
    // Retention may have dropped the day since it was listed.
    if path.exists() {
        let connection = open_for_reading(&path)?;
        let mut read = || {
            (without_bad, thinned_s) = (flag(&connection, "without_bad")?, flag(&connection, "thinned_s")?);
            Ok(())
        };
        read().map_err(|error| StoreError::sqlite(&path, &error))?;
    }
    Ok(DayState {
        day: number,
        packets: counts.all(),
        keep: counts.keep,
        without_bad: without_bad == 1,
        thinned_s: u32::try_from(thinned_s).unwrap_or(0),
        archived: archived.get(&number).and_then(|rows| u64::try_from(*rows).ok()),
    })
}

/// Writes what is left of a day into a new file; returns it with the number of packets in it. The day is read and
/// written twice: once with all rows, once without the room that they took.
fn thinned(path: &Path, thin: Thin) -> Result<(PathBuf, u64), StoreError> {
    let part = |end: &str| PathBuf::from(format!("{}.{end}", path.display()));
    let (whole, small) = (part("whole"), part("small"));
    for file in [&whole, &small] {
        remove(file)?;
    }
    let made = make(path, &whole, &small, thin);
    for end in ["", "-journal"] {
        remove(&PathBuf::from(format!("{}{end}", whole.display())))?;
    }
    if made.is_err() {
        remove(&small)?;
    }
    Ok((small, made.map_err(|error| StoreError::sqlite(path, &error))?))
}

fn make(path: &Path, whole: &Path, small: &Path, thin: Thin) -> rusqlite::Result<u64> {
    let into = |connection: &Connection, to: &Path| connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]);
    let source = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    into(&source, whole)?;
    let connection = Connection::open(whole)?;
    // A copy that nobody else knows: what breaks off is thrown away.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384; BEGIN")?;
    match thin {
        Thin::WithoutBad => connection.execute("DELETE FROM packet WHERE verdict = 3", [])?,
        Thin::Tracks(every_s) => connection.execute(
            "DELETE FROM packet WHERE id NOT IN (
               SELECT min(id) FROM packet WHERE verdict = 0 AND latitude IS NOT NULL AND entity IS NOT NULL
               GROUP BY entity, id / (?1 * 1000000))",
            [every_s.max(1)],
        )?,
    };
    let flag = match thin {
        Thin::WithoutBad => ("without_bad", 1),
        Thin::Tracks(every_s) => ("thinned_s", every_s.max(1)),
    };
    connection.execute("INSERT OR REPLACE INTO counter VALUES (?1, ?2)", flag)?;
    for (number, verdict) in crate::model::VERDICTS.iter().enumerate() {
        let sql = "INSERT OR REPLACE INTO counter SELECT ?1, count(*) FROM packet WHERE verdict = ?2";
        connection.execute(sql, params![verdict, i64::try_from(number).unwrap_or(0)])?;
    }
    connection.execute_batch(
        "DELETE FROM name WHERE heard = 0 AND id NOT IN (SELECT entity FROM packet WHERE entity IS NOT NULL
           UNION SELECT sender FROM packet WHERE sender IS NOT NULL UNION SELECT heard FROM heard_link UNION SELECT hearer FROM heard_link);
         COMMIT",
    )?;
    into(&connection, small)?;
    let left = connection.query_row("SELECT count(*) FROM packet", [], |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(left).unwrap_or(0))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::folder(path, &error)),
        _ => Ok(()),
    }
}

/// Puts a new file in the place of a day's, whose log is empty.
pub(super) fn put(new: &Path, path: &Path) -> Result<(), StoreError> {
    let moved = || {
        fs::File::open(new)?.sync_all()?;
        // A log beside the new file would be taken for its own.
        for end in ["-wal", "-shm"] {
            match fs::remove_file(format!("{}{end}", path.display())) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(new, path)
    };
    moved().map_err(|error| StoreError::folder(path, &error))
}

/// Removes a day's files.
pub(super) fn remove_files(path: &Path) -> Result<(), StoreError> {
    // The file itself first: without it the day is gone, and what else is left of it means nothing.
    ["", "-wal", "-shm"].iter().try_for_each(|end| remove(&PathBuf::from(format!("{}{end}", path.display()))))
}
