//! The thread that writes. Everything that changes a file goes through here, one job after the other.

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use godwit_pipeline::{EntityChange, Record, changes_of};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    DAY_US, Days,
    day::{self, Day},
    days, lock,
    log::Log,
    main_file,
};
use crate::{Appended, Batch, Imported, StoreError, model::content_hash};

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Append(Batch, Answer<Appended>),
    Import(Imported, Answer<Appended>),
    Retain(i64, Answer<usize>),
    /// Drops a day, or puts another file in its place, if it holds so many packets.
    Replace {
        day: i64,
        packets: u64,
        with: Option<PathBuf>,
        answer: Answer<bool>,
    },
    /// Keeps records of a day as they are, on purpose.
    Restore {
        day: i64,
        records: Vec<Record>,
        answer: Answer<()>,
    },
    Close(Answer<()>),
}

/// Days open for writing at a time: today, and a few around midnight or an import.
const OPEN_DAYS: usize = 4;

#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    main: Connection,
    days: Days,
    log: Log,
    open: BTreeMap<i64, Day>,
}

impl Writer {
    pub(super) fn open(folder: &Path, days: Days, log: Log) -> Result<Self, StoreError> {
        let main = super::open_for_writing(&main_file::path(folder), main_file::SCHEMA)?;
        let packets = folder.join("packets");
        let entries = fs::read_dir(&packets).map_err(|error| StoreError::folder(&packets, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(day) = day::day_of(&path) else {
                continue;
            };
            // Opened for writing once, so that a log left by a crash is taken in and an old layout brought up to date.
            let file = Day::open(folder, day)?;
            let counts = day::counts(&file.connection).map_err(|error| StoreError::sqlite(&path, &error))?;
            lock(&days).insert(day, counts);
        }
        Ok(Self { folder: folder.to_owned(), main, days, log, open: BTreeMap::new() })
    }

    /// Applies packets to the latest state that were kept when the program died before their state was.
    pub(super) fn repair(&mut self) -> Result<(), StoreError> {
        let main_path = main_file::path(&self.folder);
        let applied = main_file::applied_id(&self.main).map_err(|error| StoreError::sqlite(&main_path, &error))?;
        let days: Vec<i64> = lock(&self.days).keys().copied().filter(|day| (day + 1) * DAY_US > applied).collect();
        for day in days {
            let file = self.day(day)?;
            let records = file.records_after(applied).map_err(|error| StoreError::sqlite(&file.path, &error))?;
            let changes: Vec<EntityChange> = records.iter().flat_map(|(_, record)| changes_of(record)).collect();
            if let Some((last, _)) = records.last() {
                self.apply(&changes, Some(*last), None)?;
            }
        }
        Ok(())
    }

    /// Does a job; breaks after the last one.
    pub(super) fn work(&mut self, job: Job) -> ControlFlow<()> {
        // Whoever asked may be gone; the work is done all the same.
        match job {
            Job::Append(batch, answer) => drop(answer.send(self.append(&batch))),
            Job::Import(batch, answer) => drop(answer.send(self.import(&batch))),
            Job::Retain(day, answer) => drop(answer.send(self.retain(day))),
            Job::Replace { day, packets, with, answer } => drop(answer.send(self.replace(day, packets, with.as_deref()))),
            Job::Restore { day, records, answer } => drop(answer.send(self.restore(day, &records))),
            Job::Close(answer) => {
                drop(answer.send(self.close()));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn append(&mut self, batch: &Batch) -> Result<Appended, StoreError> {
        let mut by_day: BTreeMap<i64, Vec<&Record>> = BTreeMap::new();
        for record in &batch.records {
            by_day.entry(record.received_at_us.div_euclid(DAY_US)).or_default().push(record);
        }
        let mut last_id = None;
        for (day, records) in by_day {
            let file = self.day(day)?;
            let (ids, counts) = file
                .append(records.into_iter().map(|record| (record, None)), Some(false))
                .map_err(|error| StoreError::sqlite(&file.path, &error))?;
            last_id = last_id.max(Some(file.last_id));
            self.log.push(&ids);
            lock(&self.days).insert(day, counts);
        }
        self.apply(&batch.changes, last_id, None)?;
        Ok(Appended { stored: batch.records.len() as u64, already_there: 0 })
    }

    fn import(&mut self, batch: &Imported) -> Result<Appended, StoreError> {
        let mut appended = Appended::default();
        let mut by_day: BTreeMap<i64, Vec<(&Record, Option<u128>)>> = BTreeMap::new();
        for (record, _, timed) in &batch.lines {
            let hash = content_hash(record, *timed);
            if !timed && self.imported_before(hash)? {
                appended.already_there += 1;
                continue;
            }
            by_day.entry(record.received_at_us.div_euclid(DAY_US)).or_default().push((record, Some(hash)));
        }
        for (day, records) in by_day {
            // A day that only imports wrote, and that retention would drop, was asked for on purpose.
            let known = lock(&self.days).get(&day).copied();
            let old = (day + 1) * DAY_US <= batch.keep_before_us;
            let keep = known.map_or(old, |counts| counts.keep);
            let file = self.day(day)?;
            let offered = records.len();
            let (ids, counts) = file.append(records, Some(keep)).map_err(|error| StoreError::sqlite(&file.path, &error))?;
            appended.stored += ids.len() as u64;
            appended.already_there += (offered - ids.len()) as u64;
            self.log.push(&ids);
            lock(&self.days).insert(day, counts);
        }
        self.apply(batch.lines.iter().flat_map(|(_, changes, _)| changes), None, Some((&batch.source, batch.next_offset)))?;
        Ok(appended)
    }

    /// Whether a line without a time was imported on any day.
    fn imported_before(&mut self, hash: u128) -> Result<bool, StoreError> {
        let days: Vec<i64> = lock(&self.days).keys().copied().collect();
        for day in days {
            let file = self.day(day)?;
            if file.has_imported(hash).map_err(|error| StoreError::sqlite(&file.path, &error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn apply<'c>(
        &mut self,
        changes: impl IntoIterator<Item = &'c EntityChange>,
        applied: Option<i64>,
        import: Option<(&str, u64)>,
    ) -> Result<(), StoreError> {
        let path = main_file::path(&self.folder);
        let apply = || {
            let transaction = self.main.transaction()?;
            main_file::apply(&transaction, changes)?;
            if let Some(id) = applied {
                main_file::set_applied_id(&transaction, id)?;
            }
            if let Some((source, next_offset)) = import {
                main_file::set_import_progress(&transaction, source, next_offset)?;
            }
            transaction.commit()
        };
        apply().map_err(|error| StoreError::sqlite(&path, &error))
    }

    fn day(&mut self, day: i64) -> Result<&mut Day, StoreError> {
        if !self.open.contains_key(&day) {
            if self.open.len() >= OPEN_DAYS {
                self.open.pop_first();
            }
            let file = Day::open(&self.folder, day)?;
            self.open.insert(day, file);
        }
        self.open.get_mut(&day).ok_or(StoreError::Closed)
    }

    fn retain(&mut self, first: i64) -> Result<usize, StoreError> {
        let old: Vec<i64> = lock(&self.days).iter().filter(|(day, counts)| **day < first && !counts.keep).map(|(day, _)| *day).collect();
        for day in &old {
            self.open.remove(day);
            lock(&self.days).remove(day);
            days::remove_files(&day::path(&self.folder, *day))?;
        }
        Ok(old.len())
    }

    fn replace(&mut self, day: i64, packets: u64, with: Option<&Path>) -> Result<bool, StoreError> {
        if lock(&self.days).get(&day).is_none_or(|counts| counts.all() != packets) {
            return Ok(false);
        }
        let path = day::path(&self.folder, day);
        let failed = |error: rusqlite::Error| StoreError::sqlite(&path, &error);
        if let Some(new) = with {
            let file = self.day(day)?;
            let busy: i64 = file.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
            // Somebody reads the log: another time.
            if busy != 0 {
                return Ok(false);
            }
            self.open.remove(&day);
            days::put(new, &path)?;
            let counts = day::counts(&self.day(day)?.connection).map_err(failed)?;
            lock(&self.days).insert(day, counts);
        } else {
            self.open.remove(&day);
            lock(&self.days).remove(&day);
            days::remove_files(&path)?;
        }
        Ok(true)
    }

    fn restore(&mut self, day: i64, records: &[Record]) -> Result<(), StoreError> {
        let file = self.day(day)?;
        let kept = file.append(records.iter().map(|record| (record, None)), Some(true));
        let (.., counts) = kept.map_err(|error| StoreError::sqlite(&file.path, &error))?;
        lock(&self.days).insert(day, counts);
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.open.clear();
        let path = main_file::path(&self.folder);
        self.main.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|error| StoreError::sqlite(&path, &error))
    }
}
