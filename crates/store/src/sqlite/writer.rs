//! The thread that writes. Everything that changes a file goes through here, one job after the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use godwit_pipeline::{EntityChange, EntityKey, EntityState, Name, Record, changes_of};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    DAY_US, Days, aggregates,
    day::{self, Day, Heard, Line},
    days, lock,
    log::Log,
    main_file,
};
use crate::{
    Appended, Batch, Imported, StoreError,
    facts::{Facts, station},
    model::content_hash,
    tally::{Place, place_of},
};

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Append(Batch, Answer<Appended>),
    Import(Imported, Answer<Appended>),
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
    /// Forgets aggregates of days before this one.
    Forget(i64, Answer<u64>),
    Close(Answer<()>),
}

/// Days open for writing at a time: today, and a few around midnight or an import.
const OPEN_DAYS: usize = 4;

/// Places of stations that are remembered.
const KNOWN_PLACES: usize = 200_000;

/// Lines by day.
type ByDay<'b> = BTreeMap<i64, Vec<Line<'b>>>;

/// Days since 1970 UTC.
fn day_number(at_us: i64) -> i64 {
    at_us.div_euclid(DAY_US)
}

#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    main: Connection,
    days: Days,
    log: Log,
    open: BTreeMap<i64, Day>,
    /// Where the ends of links were last: the same igates are heard of in every batch.
    places: HashMap<Name, Option<Place>>,
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
            let failed = |error: rusqlite::Error| StoreError::sqlite(&path, &error);
            if aggregates::has_taken(&main, &file.connection).map_err(failed)? {
                drop(file);
                days::remove_files(&path)?;
                continue;
            }
            lock(&days).insert(day, day::counts(&file.connection).map_err(failed)?);
        }
        Ok(Self { folder: folder.to_owned(), main, days, log, open: BTreeMap::new(), places: HashMap::new() })
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
                let states = self.changed(&changes, i64::MAX)?;
                self.put(&states, Some(*last), None)?;
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
            Job::Replace { day, packets, with, answer } => drop(answer.send(self.replace(day, packets, with.as_deref()))),
            Job::Restore { day, records, answer } => drop(answer.send(self.restore(day, &records))),
            Job::Forget(before_day, answer) => drop(answer.send(self.forget(before_day))),
            Job::Close(answer) => {
                drop(answer.send(self.close()));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn append(&mut self, batch: &Batch) -> Result<Appended, StoreError> {
        let mut by_day = ByDay::new();
        for record in &batch.records {
            let line = Line { record, facts: Facts::of(record), hash: None };
            by_day.entry(day_number(record.received_at_us)).or_default().push(line);
        }
        let states = self.changed(&batch.changes, jiff::Timestamp::now().as_microsecond())?;
        self.find_places(by_day.values().flatten(), &states)?;
        let mut heard = heard_by_day(&batch.changes);
        let mut last_id = None;
        for (day, lines) in by_day {
            let (.., last) = self.keep(day, &lines, heard.remove(&day), Some(false), &states)?;
            last_id = last_id.max(Some(last));
        }
        self.put(&states, last_id, None)?;
        Ok(Appended { stored: batch.records.len() as u64, already_there: 0 })
    }

    fn import(&mut self, batch: &Imported) -> Result<Appended, StoreError> {
        let mut appended = Appended::default();
        let mut by_day = ByDay::new();
        for (record, _, timed) in &batch.lines {
            let hash = content_hash(record, *timed);
            if !timed && self.imported_before(hash)? {
                appended.already_there += 1;
                continue;
            }
            let line = Line { record, facts: Facts::of(record), hash: Some(hash) };
            by_day.entry(day_number(record.received_at_us)).or_default().push(line);
        }
        let changes = || batch.lines.iter().flat_map(|(_, changes, _)| changes);
        // What was received at any time turns nothing back.
        let states = self.changed(changes(), i64::MAX)?;
        self.find_places(by_day.values().flatten(), &states)?;
        // Whoever a line that is there already told of was counted with it.
        let mut heard = heard_by_day(changes());
        for (day, lines) in by_day {
            // A day that only imports wrote, and that retention would drop, was asked for on purpose.
            let known = lock(&self.days).get(&day).copied();
            let old = (day + 1) * DAY_US <= batch.keep_before_us;
            let keep = known.map_or(old, |counts| counts.keep);
            let (kept, _) = self.keep(day, &lines, heard.remove(&day), Some(keep), &states)?;
            appended.stored += kept as u64;
            appended.already_there += (lines.len() - kept) as u64;
        }
        self.put(&states, None, Some((&batch.source, batch.next_offset)))?;
        Ok(appended)
    }

    /// Keeps lines of a day; returns how many of them, and the last id of the day.
    fn keep(
        &mut self,
        day: i64,
        lines: &[Line<'_>],
        entities: Option<BTreeSet<EntityKey>>,
        keep: Option<bool>,
        states: &HashMap<EntityKey, EntityState>,
    ) -> Result<(usize, i64), StoreError> {
        // Taken out, for the file is borrowed from the writer too.
        let places = std::mem::take(&mut self.places);
        let place = |name| states.get(&station(name)).map_or_else(|| places.get(&name).copied().flatten(), place_of);
        let heard = Heard { entities: entities.unwrap_or_default(), place: &place };
        let kept = self.day(day).and_then(|file| {
            let kept = file.append(lines, Some(heard), keep).map_err(|error| StoreError::sqlite(&file.path, &error));
            kept.map(|(ids, counts)| (ids, counts, file.last_id))
        });
        self.places = places;
        let (ids, counts, last_id) = kept?;
        self.log.push(&ids);
        lock(&self.days).insert(day, counts);
        Ok((ids.len(), last_id))
    }

    /// Learns where the ends of links are, unless they are among these states.
    fn find_places<'l>(
        &mut self,
        lines: impl IntoIterator<Item = &'l Line<'l>>,
        states: &HashMap<EntityKey, EntityState>,
    ) -> Result<(), StoreError> {
        if self.places.len() > KNOWN_PLACES {
            self.places.clear();
        }
        for name in lines.into_iter().filter_map(|line| line.facts.heard).flat_map(|(heard, by)| [heard, by]) {
            if self.places.contains_key(&name) || states.contains_key(&station(name)) {
                continue;
            }
            let state = main_file::stored(&self.main, station(name));
            let state = state.map_err(|error| StoreError::sqlite(&main_file::path(&self.folder), &error))?;
            self.places.insert(name, state.as_ref().and_then(place_of));
        }
        Ok(())
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

    /// The latest states of those that change, with the changes applied at this time: a known state of the future gives way.
    fn changed<'c>(
        &self,
        changes: impl IntoIterator<Item = &'c EntityChange>,
        now_us: i64,
    ) -> Result<HashMap<EntityKey, EntityState>, StoreError> {
        main_file::changed(&self.main, changes, now_us).map_err(|error| StoreError::sqlite(&main_file::path(&self.folder), &error))
    }

    /// Keeps states, up to which packet they are, and how far an import got.
    fn put(
        &mut self,
        states: &HashMap<EntityKey, EntityState>,
        applied: Option<i64>,
        import: Option<(&str, u64)>,
    ) -> Result<(), StoreError> {
        let path = main_file::path(&self.folder);
        let mut put = || {
            let transaction = self.main.transaction()?;
            main_file::put(&transaction, states.values())?;
            if let Some(id) = applied {
                main_file::set_applied_id(&transaction, id)?;
            }
            if let Some((source, next_offset)) = import {
                main_file::set_import_progress(&transaction, source, next_offset)?;
            }
            transaction.commit()
        };
        put().map_err(|error| StoreError::sqlite(&path, &error))?;
        for state in states.values() {
            if let Some(known) = self.places.get_mut(&state.key.name).filter(|_| state.key == station(state.key.name)) {
                *known = place_of(state);
            }
        }
        Ok(())
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
            self.remove(day)?;
        }
        Ok(true)
    }

    /// Removes a day but for its aggregates.
    fn remove(&mut self, day: i64) -> Result<(), StoreError> {
        self.open.remove(&day);
        let main = main_file::path(&self.folder);
        aggregates::keep(&mut self.main, &self.folder, day).map_err(|error| StoreError::sqlite(&main, &error))?;
        lock(&self.days).remove(&day);
        days::remove_files(&day::path(&self.folder, day))
    }

    fn forget(&mut self, before_day: i64) -> Result<u64, StoreError> {
        let main = main_file::path(&self.folder);
        let mut rows = aggregates::forget(&mut self.main, before_day).map_err(|error| StoreError::sqlite(&main, &error))?;
        let old: Vec<i64> = lock(&self.days).range(..before_day).map(|(day, _)| *day).collect();
        for day in old {
            let file = self.day(day)?;
            rows += file.forget_aggregates().map_err(|error| StoreError::sqlite(&file.path, &error))?;
            let counts = day::counts(&file.connection).map_err(|error| StoreError::sqlite(&file.path, &error))?;
            lock(&self.days).insert(day, counts);
        }
        Ok(rows)
    }

    fn restore(&mut self, day: i64, records: &[Record]) -> Result<(), StoreError> {
        // Counted when they came for the first time.
        let lines: Vec<Line<'_>> = records.iter().map(|record| Line { record, facts: Facts::default(), hash: None }).collect();
        let file = self.day(day)?;
        let kept = file.append(&lines, None, Some(true));
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

/// Whom changes tell of, by day.
fn heard_by_day<'c>(changes: impl IntoIterator<Item = &'c EntityChange>) -> BTreeMap<i64, BTreeSet<EntityKey>> {
    let mut heard = BTreeMap::<i64, BTreeSet<EntityKey>>::new();
    for change in changes {
        heard.entry(day_number(change.heard_at_us)).or_default().insert(change.key);
    }
    heard
}
