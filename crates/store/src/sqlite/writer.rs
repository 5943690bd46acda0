//! The thread that writes. Everything that changes a file goes through here, one job after the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use godwit_pipeline::{EntityChange, EntityKey, EntityState, Name, Record, changes_of};
use rusqlite::Connection;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::Xxh3;

use super::{
    DAY_US, Days, aggregates,
    day::{self, Beside, Day, Heard, Kept, Line},
    days, lock,
    log::Log,
    main_file,
};
use crate::{
    Appended, Batch, ImportCounts, ImportPoint, Imported, StoreError,
    facts::{Facts, station},
    model::content_hash,
    tally::{Place, place_of},
};

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Append(Batch, Answer<Appended>),
    Import(Imported, Answer<ImportCounts>),
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

/// Packets that repair reads at a time: with lines of 512 bytes about 8 MB.
const REPAIR_PAGE: usize = 10_000;

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
    /// The sender of the last batch may not know that it was kept, and the main file may lack it: an append failed, or
    /// the process has just begun.
    unanswered: bool,
    /// Which main file this is.
    born: i64,
    /// Days with imported lines that this main file may not know of, of an earlier version or main file: each is asked.
    unindexed: BTreeSet<i64>,
}

impl Writer {
    /// Also returns the files of days that have no byte in them.
    pub(super) fn open(folder: &Path, days: Days, log: Log) -> Result<(Self, Vec<PathBuf>), StoreError> {
        let main_path = main_file::path(folder);
        let main = super::open_for_writing(&main_path, main_file::SCHEMA)?;
        let born = main_file::born(&main).map_err(|error| StoreError::sqlite(&main_path, &error))?;
        let (mut unindexed, mut empty) = (BTreeSet::new(), Vec::new());
        let packets = folder.join("packets");
        let entries = fs::read_dir(&packets).map_err(|error| StoreError::folder(&packets, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(day) = day::day_of(&path) else {
                continue;
            };
            // Opening it would make a day without packets of it, and throw away a log beside it.
            if fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
                empty.push(path);
                continue;
            }
            // Opened for writing once, so that a log left by a crash is taken in and an old layout brought up to date.
            let file = Day::open(folder, day)?;
            let failed = |error: rusqlite::Error| StoreError::sqlite(&path, &error);
            if aggregates::has_taken(&main, &file.connection).map_err(failed)? {
                drop(file);
                days::remove_files(&path)?;
                continue;
            }
            if day::has_unindexed_imports(&file.connection, born).map_err(failed)? {
                unindexed.insert(day);
            }
            lock(&days).insert(day, day::counts(&file.connection).map_err(failed)?);
        }
        let (open, places) = (BTreeMap::new(), HashMap::new());
        Ok((Self { folder: folder.to_owned(), main, days, log, open, places, unanswered: true, born, unindexed }, empty))
    }

    /// Applies packets to the latest state that were kept when the program died, or the main file failed, before their
    /// state was. Page by page, each in a transaction of its own: a day does not fit into memory.
    pub(super) fn repair(&mut self) -> Result<(), StoreError> {
        let main_path = main_file::path(&self.folder);
        let mut applied = main_file::applied_id(&self.main).map_err(|error| StoreError::sqlite(&main_path, &error))?;
        let days: Vec<i64> = lock(&self.days).keys().copied().filter(|day| (day + 1) * DAY_US > applied).collect();
        for day in days {
            loop {
                let file = self.day(day)?;
                let records = file.records_after(applied, REPAIR_PAGE).map_err(|error| StoreError::sqlite(&file.path, &error))?;
                let Some((last, _)) = records.last() else { break };
                applied = *last;
                let changes: Vec<EntityChange> = records.iter().flat_map(|(_, record)| changes_of(record)).collect();
                let states = self.changed(&changes, i64::MAX)?;
                self.put(&states, Some(applied), None)?;
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

    /// Keeps a batch: each day's packets in a transaction of the day's file, then the latest state in one of the main
    /// file. What fails in between is made good when the same batch is sent again (the days that have it are left as
    /// they are), when another one is, or at the next opening.
    fn append(&mut self, batch: &Batch) -> Result<Appended, StoreError> {
        let id = batch_id(batch);
        let again = std::mem::replace(&mut self.unanswered, true);
        if again {
            self.repair()?;
        }
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
            let last = match if again { self.last_id_with(day, id)? } else { None } {
                Some(last) => last,
                None => {
                    let beside = Beside { keep: Some(false), batch: Some(id), ..Beside::default() };
                    self.keep(day, &lines, heard.remove(&day), &beside, &states)?.last_id
                }
            };
            last_id = last_id.max(Some(last));
        }
        self.put(&states, last_id, None)?;
        self.unanswered = false;
        Ok(Appended { stored: batch.records.len() as u64, already_there: 0 })
    }

    /// The highest id of a day whose file has this batch; `None` if it has not.
    fn last_id_with(&mut self, day: i64, batch: day::BatchId) -> Result<Option<i64>, StoreError> {
        if !day::path(&self.folder, day).exists() {
            return Ok(None);
        }
        let file = self.day(day)?;
        let found = || {
            if !file.has_batch(batch)? {
                return Ok(None);
            }
            Ok(Some((file.last_id()?, day::counts(&file.connection)?)))
        };
        let found = found().map_err(|error| StoreError::sqlite(&file.path, &error))?;
        Ok(found.map(|(last_id, counts)| {
            lock(&self.days).insert(day, counts);
            last_id
        }))
    }

    fn import(&mut self, batch: &Imported) -> Result<ImportCounts, StoreError> {
        let mut counts = ImportCounts::default();
        let mut by_day = ByDay::new();
        let hashes: Vec<u128> = batch.lines.iter().map(content_hash).collect();
        let untimed: Vec<u128> = batch.lines.iter().zip(&hashes).filter(|(line, _)| !line.timed).map(|(_, hash)| *hash).collect();
        let there = self.imported_before(&untimed)?;
        let mut new = Vec::new();
        for (line, hash) in batch.lines.iter().zip(hashes) {
            if there.contains(&hash) {
                counts.already_there += 1;
                continue;
            }
            let (record, day) = (&line.record, day_number(line.record.received_at_us));
            if !line.timed {
                new.push((hash, day));
            }
            by_day.entry(day).or_default().push(Line { record, facts: Facts::of(record), hash: Some(hash) });
        }
        self.will_import(&new)?;
        let changes = || batch.lines.iter().flat_map(|line| &line.changes);
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
            let beside = Beside { keep: Some(keep), indexed_in: Some(self.born), ..Beside::default() };
            let kept = self.keep(day, &lines, heard.remove(&day), &beside, &states)?;
            let (before, after) = (kept.before, kept.counts);
            counts.stored += after.accepted + after.implausible - before.accepted - before.implausible;
            counts.duplicates += after.duplicate - before.duplicate;
            counts.bad += after.bad - before.bad;
            counts.already_there += (lines.len() - kept.ids.len()) as u64;
        }
        self.put(&states, None, batch.point.as_ref())?;
        Ok(counts)
    }

    /// Keeps lines of a day.
    fn keep(
        &mut self,
        day: i64,
        lines: &[Line<'_>],
        entities: Option<BTreeSet<EntityKey>>,
        beside: &Beside<'_>,
        states: &HashMap<EntityKey, EntityState>,
    ) -> Result<Kept, StoreError> {
        // Taken out, for the file is borrowed from the writer too.
        let places = std::mem::take(&mut self.places);
        let place = |name| states.get(&station(name)).map_or_else(|| places.get(&name).copied().flatten(), place_of);
        let heard = Heard { entities: entities.unwrap_or_default(), place: &place };
        let beside = Beside { heard: Some(heard), ..*beside };
        let kept = self.day(day).and_then(|file| file.append(lines, beside).map_err(|error| StoreError::sqlite(&file.path, &error)));
        self.places = places;
        let kept = kept?;
        self.log.push(&kept.ids);
        lock(&self.days).insert(day, kept.counts);
        Ok(kept)
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

    /// Those of the lines without a time that were imported on any day. Each day is opened once at most, and only if it
    /// may have one of them.
    fn imported_before(&mut self, hashes: &[u128]) -> Result<HashSet<u128>, StoreError> {
        let mut asked = BTreeMap::<i64, Vec<u128>>::new();
        if hashes.is_empty() {
            return Ok(HashSet::new());
        }
        for hash in hashes {
            let day = main_file::imported_day(&self.main, *hash);
            let day = day.map_err(|error| StoreError::sqlite(&main_file::path(&self.folder), &error))?;
            if let Some(day) = day.filter(|day| !self.unindexed.contains(day)) {
                asked.entry(day).or_default().push(*hash);
            }
        }
        asked.extend(self.unindexed.iter().map(|day| (*day, hashes.to_vec())));
        let mut there = HashSet::new();
        for (day, hashes) in asked {
            if !lock(&self.days).contains_key(&day) {
                continue;
            }
            let file = self.day(day)?;
            for hash in hashes {
                if file.has_imported(hash).map_err(|error| StoreError::sqlite(&file.path, &error))? {
                    there.insert(hash);
                }
            }
        }
        Ok(there)
    }

    /// Says to which days lines without a time are about to go. Before they do: a line that no day has is harmless here.
    fn will_import(&mut self, lines: &[(u128, i64)]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let path = main_file::path(&self.folder);
        let mut put = || {
            let transaction = self.main.transaction()?;
            lines.iter().try_for_each(|(hash, day)| main_file::set_imported_day(&transaction, *hash, *day))?;
            transaction.commit()
        };
        put().map_err(|error| StoreError::sqlite(&path, &error))
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
        import: Option<&ImportPoint>,
    ) -> Result<(), StoreError> {
        let path = main_file::path(&self.folder);
        let mut put = || {
            let transaction = self.main.transaction()?;
            main_file::put(&transaction, states.values())?;
            if let Some(id) = applied {
                main_file::set_applied_id(&transaction, id)?;
            }
            if let Some(point) = import {
                main_file::set_import_progress(&transaction, point)?;
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
        self.unindexed.remove(&day);
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
        let kept = file
            .append(&lines, Beside { keep: Some(true), ..Beside::default() })
            .map_err(|error| StoreError::sqlite(&file.path, &error))?;
        lock(&self.days).insert(day, kept.counts);
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.open.clear();
        let path = main_file::path(&self.folder);
        self.main.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|error| StoreError::sqlite(&path, &error))
    }
}

/// A hash of the packets of a batch and their times.
fn batch_id(batch: &Batch) -> day::BatchId {
    let mut hash = Xxh3::new();
    for record in &batch.records {
        hash.update(&record.received_at_us.to_be_bytes());
        hash.update(&(record.raw.len() as u64).to_be_bytes());
        hash.update(&record.raw);
    }
    hash.digest().cast_signed()
}

/// Whom changes tell of, by day.
fn heard_by_day<'c>(changes: impl IntoIterator<Item = &'c EntityChange>) -> BTreeMap<i64, BTreeSet<EntityKey>> {
    let mut heard = BTreeMap::<i64, BTreeSet<EntityKey>>::new();
    for change in changes {
        heard.entry(day_number(change.heard_at_us)).or_default().insert(change.key);
    }
    heard
}
