//! A batch in one transaction, in three flights: what goes out together is sent without waiting for answers between.
//!
//! 1. The lock, the fence; what is known of the names and entities in the batch.
//! 2. The beginning of COPY.
//! 3. The packets; the latest state, the aggregates, the log, which are made up while the server is busy with the
//!    packets; COMMIT.
//!
//! An error in a flight makes all that follow it fail, so the first error of a flight is the one that counts, and a
//! COMMIT behind an error is a ROLLBACK.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::atomic::Ordering,
};

use deadpool_postgres::Object;
use godwit_pipeline::{EntityChange, EntityKey, EntityState, Name, Record, Verdict};
use tokio::{join, time::timeout};
use tokio_postgres::{Client, Error};
use xxhash_rust::xxh3::Xxh3;

use super::{
    KNOWN_NAMES, PostgresStore, ask, copy, lock, missing,
    recent::{self, Writer},
    write,
};
use crate::{
    Appended, Batch, Fence, ImportCounts, Imported, StoreError,
    facts::{Facts, station},
    model::day_of,
    tally::{Tally, place_of},
};

/// Batches between two trimmings of the log.
const TRIM_EVERY: u64 = 64;

/// Numbers for names: those known before and those of this transaction.
pub(super) type Names = HashMap<EntityKey, i32>;

/// What goes into a transaction.
pub(super) struct Work<'b> {
    pub(super) records: Vec<&'b Record>,
    pub(super) facts: Vec<Facts>,
    changes: Vec<&'b EntityChange>,
    fence: Option<&'b Fence>,
    /// Identity of a batch of the feed; an import knows its lines one by one.
    hash: Option<[u8; 16]>,
    pub(super) import: Option<&'b Imported>,
    /// Leave out what is kept already, received at most so many microseconds earlier or later.
    tolerance_us: Option<i64>,
    /// Out of the archive: counted long ago, and nobody follows it.
    restored: bool,
}

/// What is known after the first flight.
struct Known {
    names: Names,
    /// Names that get their numbers with this batch.
    new_names: Vec<(i32, EntityKey)>,
    states: HashMap<EntityKey, EntityState>,
    /// Those that the batch changed.
    changed: BTreeSet<EntityKey>,
    /// Who wrote before this, and this transaction.
    writers: (Option<Writer>, Option<Writer>),
    /// Something as new as the batch is kept already.
    crowded: bool,
    ids: Vec<i64>,
}

impl PostgresStore {
    pub(super) async fn append_batch(&self, batch: &Batch, tolerance_us: Option<i64>) -> Result<Appended, StoreError> {
        let mut hash = Xxh3::new();
        for record in &batch.records {
            hash.update(&record.received_at_us.to_be_bytes());
            hash.update(&record.raw);
        }
        let mut work = Work {
            records: batch.records.iter().collect(),
            facts: batch.records.iter().map(Facts::of).collect(),
            changes: batch.changes.iter().collect(),
            fence: batch.fence.as_ref(),
            hash: Some(hash.digest128().to_be_bytes()),
            import: None,
            tolerance_us,
            restored: false,
        };
        self.write(&mut work).await
    }

    pub(super) async fn append_import(&self, batch: &Imported) -> Result<ImportCounts, StoreError> {
        let mut work = Work {
            records: batch.lines.iter().map(|line| &line.record).collect(),
            facts: batch.lines.iter().map(|line| Facts::of(&line.record)).collect(),
            changes: batch.lines.iter().flat_map(|line| &line.changes).collect(),
            fence: None,
            hash: None,
            import: Some(batch),
            tolerance_us: None,
            restored: false,
        };
        let appended = self.write(&mut work).await?;
        let mut counts = ImportCounts { already_there: appended.already_there, ..ImportCounts::default() };
        // What was there is left out of it by now.
        for record in work.records {
            match record.verdict {
                Verdict::Accepted | Verdict::Implausible(_) => counts.stored += 1,
                Verdict::Duplicate => counts.duplicates += 1,
                Verdict::Bad(_) => counts.bad += 1,
            }
        }
        Ok(counts)
    }

    /// Keeps records of the archive. The latest state and the aggregates knew them long ago.
    pub(super) async fn append_restored(&self, records: &[Record]) -> Result<Appended, StoreError> {
        let mut work = Work {
            records: records.iter().collect(),
            facts: records.iter().map(Facts::of).collect(),
            changes: Vec::new(),
            fence: None,
            hash: None,
            import: None,
            tolerance_us: None,
            restored: true,
        };
        self.write(&mut work).await
    }

    async fn write(&self, work: &mut Work<'_>) -> Result<Appended, StoreError> {
        let days: BTreeSet<i32> = work.records.iter().map(|record| day_of(record.received_at_us)).collect();
        for day in days {
            // Refused otherwise, the day's packets go into the default partition.
            if let Err(error @ (StoreError::Closed | StoreError::Unavailable { .. })) = self.prepare_day(day).await {
                return Err(error);
            }
        }
        let connection = self.connection(&self.write).await?;
        let hash = work.hash;
        let error = match timeout(self.timeout, self.transact(&connection, work)).await {
            Ok(Ok((appended, names))) => {
                self.settle(hash, None);
                let mut known = lock(&self.names);
                if known.len() + names.len() > KNOWN_NAMES {
                    known.clear();
                }
                known.extend(names);
                return Ok(appended);
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.timed_out(),
        };
        // Whatever the error is, COMMIT may have been taken: a server that ends, or a pooler that lost its server, answers
        // a COMMIT that was taken with an error too.
        self.settle(hash, hash);
        // Never back to the pool: an unfinished transaction would make it hang for the next one.
        drop(Object::take(connection));
        if error.is_temporary() {
            self.end_stuck_writers().await;
        }
        Err(error)
    }

    /// Remembers the feed's batch that may be kept without our knowing. An import in between changes nothing about that.
    fn settle(&self, hash: Option<[u8; 16]>, uncertain: Option<[u8; 16]>) {
        if hash.is_some() {
            *lock(&self.uncertain) = uncertain;
        }
    }

    /// Keeps the batch; what that did, and the numbers of the names in it.
    async fn transact(&self, client: &Client, work: &mut Work<'_>) -> Result<(Appended, Names), Error> {
        let received = work.records.len() as u64;
        // The one named statement: COPY needs one. It ends before the transaction does.
        #[expect(clippy::disallowed_methods, reason = "closed before COMMIT is sent, see below")]
        let (begun, copy) = join!(biased; self.begin(client, work), client.prepare(copy::SQL));
        let (mut known, kept_before) = begun?;
        let copy = copy?;
        let stored = work.records.len() as u64;
        let appended = Appended { stored, already_there: received - stored };
        if kept_before {
            drop(copy);
            client.batch_execute("COMMIT").await?;
            return Ok((appended, Names::new()));
        }
        self.give_ids(client, work, &mut known).await?;
        let sink = client.copy_in(&copy).await?;
        // The server closes it when the packets are all there.
        drop(copy);
        let copying = copy::send(sink, work, &known.ids, &known.names).await?;
        self.update(client, work, &mut known, copying).await?;
        let (before, writer) = known.writers;
        let states = known.states;
        let left = known.changed.into_iter().filter_map(|key| Some((key, states.get(&key)?.clone())));
        self.recent.learn(before.as_ref(), writer, left);
        Ok((appended, known.names))
    }

    /// The first flight. True if this very batch was kept although its COMMIT was not answered.
    async fn begin(&self, client: &Client, work: &mut Work<'_>) -> Result<(Known, bool), Error> {
        // One writer at a time: ids stay unique and names have one number without any further lock. All that is asked
        // is found by an index; the planner, not knowing how much of it is in memory, might read whole tables, and would
        // first compile what it then takes to be expensive. A writer with a lease shows that by a lock that stops nobody.
        let by_lease = if work.fence.is_some() { "; SELECT pg_advisory_xact_lock_shared(7161140, 4)" } else { "" };
        let start = format!(
            "BEGIN; SET LOCAL statement_timeout = {}; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;
             SET LOCAL enable_mergejoin = off; SET LOCAL jit = off; SELECT pg_advisory_xact_lock(7161140, 1){by_lease}",
            self.timeout.as_millis().max(1)
        );
        let uncertain = *lock(&self.uncertain);
        let again = work.hash.filter(|hash| uncertain == Some(*hash));
        let (mut names, mut missing) = (Names::new(), Vec::new());
        {
            let known = lock(&self.names);
            for key in work.wanted() {
                match known.get(&key) {
                    Some(id) => drop(names.insert(key, *id)),
                    None => missing.push(key),
                }
            }
        }
        let wanted = self.stateful(work);
        let (writer, recent) = self.recent.of(&wanted);
        let numbers_of = |keys: &mut dyn Iterator<Item = &EntityKey>| keys.filter_map(|key| names.get(key).copied()).collect::<Vec<i32>>();
        let asked = numbers_of(&mut wanted.iter().filter(|key| !recent.contains_key(*key)));
        let first = work.records.iter().map(|record| record.received_at_us).min().unwrap_or(0);
        let (begun, fenced, kept, last_writer, new_lines, found, numbers, states, newest) = join!(biased;
            client.batch_execute(&start),
            ask::fence(client, work.fence),
            ask::kept_before(client, self.writer, again),
            recent::last_writer(client),
            ask::new_lines(client, work.import),
            ask::names(client, &missing),
            ask::numbers(client, missing.len()),
            ask::states(client, &asked),
            ask::newest_id(client, first),
        );
        begun?;
        fenced?;
        let kept_before = kept?;
        if let Some(new) = new_lines? {
            work.keep_only(&new);
        }
        if let Some(tolerance_us) = work.tolerance_us.filter(|_| !kept_before) {
            let records = std::mem::take(&mut work.records);
            work.records = missing::from(client, records, tolerance_us).await?;
            work.facts = work.records.iter().map(|record| Facts::of(record)).collect();
        }
        let last_writer = last_writer?;
        // Somebody else has written since.
        let outdated = if writer == last_writer { Vec::new() } else { numbers_of(&mut recent.keys()) };
        let mut known = Known {
            names,
            new_names: Vec::new(),
            states: if writer == last_writer { recent } else { HashMap::new() },
            changed: BTreeSet::new(),
            writers: (last_writer, None),
            crowded: newest?.is_some(),
            ids: Vec::new(),
        };
        for (id, key, state) in found? {
            known.names.insert(key, id);
            known.states.extend(state.map(|state| (key, state)));
        }
        missing.retain(|key| !known.names.contains_key(key));
        for (key, id) in missing.into_iter().zip(numbers?) {
            known.names.insert(key, id);
            known.new_names.push((id, key));
        }
        let states = states?.into_iter().chain(ask::states(client, &outdated).await?);
        known.states.extend(states.map(|state| (state.key, state)));
        Ok((known, kept_before))
    }

    /// A free id for each record: its time, or the next free microsecond of that second or after it.
    async fn give_ids(&self, client: &Client, work: &Work<'_>, known: &mut Known) -> Result<(), Error> {
        // By an id that is taken: the highest one known in the second after it.
        let mut taken: BTreeMap<i64, i64> = BTreeMap::new();
        loop {
            known.ids = assign(&work.records, &taken);
            // Nearly always nothing that is kept is as new as the batch: nothing to ask.
            let more = if known.crowded { ask::taken(client, &known.ids).await? } else { Vec::new() };
            if more.is_empty() {
                return Ok(());
            }
            taken.extend(more);
        }
    }

    /// The end of the packets, everything else, and COMMIT.
    async fn update(&self, client: &Client, work: &Work<'_>, known: &mut Known, copying: copy::Copying) -> Result<(), Error> {
        let before: HashMap<EntityKey, (i32, i32)> =
            known.states.iter().map(|(key, state)| (*key, (day_of(state.first_heard_us), day_of(state.last_heard_us)))).collect();
        // A known state of the future gives way to what is received now; what an import brings turns nothing back.
        let now_us = if work.import.is_some() { i64::MAX } else { jiff::Timestamp::now().as_microsecond() };
        let mut changed = BTreeSet::new();
        let mut tally = Tally::default();
        for change in &work.changes {
            let day = day_of(change.heard_at_us);
            // Who was heard first or last on this day is counted already.
            if before.get(&change.key).is_none_or(|(first, last)| *first != day && *last != day) {
                tally.heard.insert((day, change.key));
            }
            known.states.entry(change.key).and_modify(|state| state.apply_at(change, now_us)).or_insert_with(|| EntityState::new(change));
            changed.insert(change.key);
        }
        let place = |name: Name| match known.states.get(&station(name)) {
            Some(state) => place_of(state),
            None => self.places.get(name).flatten(),
        };
        if !work.restored {
            tally.count(work.records.iter().copied().zip(&work.facts), place);
        }
        for name in tally.links.keys().flat_map(|(_, heard, by)| [*heard, *by]) {
            // Known to be nowhere is known, too.
            if let Some(state) = known.states.get(&station(name)) {
                self.places.set(name, place_of(state));
            } else if self.places.get(name).is_none() {
                self.places.set(name, None);
            }
        }
        let states: Vec<(i32, &EntityState)> =
            changed.iter().filter_map(|key| Some((*known.names.get(key)?, known.states.get(key)?))).collect();
        let new_entities = changed.iter().filter(|key| !before.contains_key(*key)).count() as i64;
        let keep_before_us = work.import.map(|import| import.keep_before_us);
        let logged_ids: &[i64] = if work.restored { &[] } else { &known.ids };
        let trim = self.batches.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRIM_EVERY);
        let (copied, named, stated, hours, heard, links, days, logged, trimmed, noted, imported, committed) = join!(biased;
            copying.finish(),
            write::names(client, &known.new_names),
            write::states(client, &states),
            write::hours(client, &tally),
            write::heard(client, &tally, &known.names),
            write::links(client, &tally, &known.names),
            write::days(client, &work.records, keep_before_us),
            write::log(client, logged_ids, new_entities),
            write::trim(client, trim),
            write::last_batch(client, self.writer, work.hash),
            write::progress(client, work.import),
            client.batch_execute("COMMIT"),
        );
        let logged = logged.map(|writer| known.writers.1 = writer);
        for done in [copied, named, stated, hours, heard, links, days, logged, trimmed, noted, imported, committed] {
            done?;
        }
        known.changed = changed;
        Ok(())
    }

    /// Whose latest state a batch needs: those that change, and both ends of links whose place is not known.
    fn stateful(&self, work: &Work<'_>) -> BTreeSet<EntityKey> {
        let ends = work.facts.iter().filter_map(|facts| facts.heard).flat_map(|(heard, by)| [heard, by]);
        let unknown = ends.filter(|name| self.places.get(*name).is_none()).map(station);
        unknown.chain(work.changes.iter().map(|change| change.key)).collect()
    }
}

impl Work<'_> {
    /// All that needs a number.
    fn wanted(&self) -> BTreeSet<EntityKey> {
        let about = self.records.iter().flat_map(|record| [record.entity, record.sender.map(station)]).flatten();
        let ends = self.facts.iter().filter_map(|facts| facts.heard).flat_map(|(heard, by)| [station(heard), station(by)]);
        about.chain(ends).chain(self.changes.iter().map(|change| change.key)).collect()
    }

    /// Leaves out the lines that were imported before.
    fn keep_only(&mut self, new: &[bool]) {
        let mut at = new.iter();
        self.records.retain(|_| at.next().is_some_and(|new| *new));
        let mut at = new.iter();
        self.facts.retain(|_| at.next().is_some_and(|new| *new));
    }
}

fn assign(records: &[&Record], taken: &BTreeMap<i64, i64>) -> Vec<i64> {
    let mut used = BTreeSet::new();
    let mut ids = Vec::with_capacity(records.len());
    for record in records {
        let mut id = record.received_at_us;
        while used.contains(&id) || taken.contains_key(&id) {
            let highest_used = used.range(id..id.saturating_add(1_000_000)).next_back().copied().unwrap_or(id);
            id = taken.get(&id).copied().unwrap_or(id).max(highest_used) + 1;
        }
        used.insert(id);
        ids.push(id);
    }
    ids
}
