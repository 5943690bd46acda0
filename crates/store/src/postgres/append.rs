//! A batch in one transaction: the fence, numbers for names, ids, COPY of the packets, the latest state, counters.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    pin::pin,
    sync::atomic::Ordering,
};

use deadpool_postgres::Object;
use godwit_pipeline::{EntityChange, EntityKey, EntityKind, EntityState, Name, Record, Verdict};
use tokio::time::timeout;
use tokio_postgres::{Error, Transaction, binary_copy::BinaryCopyInWriter, types::Type};
use xxhash_rust::xxh3::Xxh3;

use super::{DAY_US, KNOWN_NAMES, PostgresStore, lock, missing};
use crate::{
    Appended, Batch, Fence, Imported, StoreError,
    model::{KINDS, VERDICTS, content_hash},
};

/// Packets that can be followed at most: 8 MB of ids. They go after three hours too.
const KEPT_IN_LOG: i64 = 1_000_000;

/// Batches between two trimmings of the log.
const TRIM_EVERY: u64 = 64;

/// Numbers for names: those known before and those of this transaction.
type Names = HashMap<EntityKey, i32>;

/// What goes into a transaction.
pub(super) struct Write<'b> {
    records: Vec<&'b Record>,
    states: HashMap<EntityKey, EntityState>,
    fence: Option<&'b Fence>,
    /// Identity of a batch of the feed; an import knows its lines one by one.
    hash: Option<[u8; 16]>,
    import: Option<&'b Imported>,
    /// Leave out what is kept already, received at most so many microseconds earlier or later.
    tolerance_us: Option<i64>,
}

impl<'b> Write<'b> {
    /// Records of the archive: nobody follows them, and the latest state knew them long ago.
    pub(super) fn restored(records: &'b [Record]) -> Self {
        let records = records.iter().collect();
        Self { records, states: HashMap::new(), fence: None, hash: None, import: None, tolerance_us: None }
    }
}

/// What a transaction did, or why it did not.
enum Ended {
    Kept(Appended, Names),
    /// Nothing is kept.
    Failed(Error),
    /// The answer to COMMIT did not come.
    Uncertain(Error),
}

impl PostgresStore {
    pub(super) async fn append_batch(&self, batch: &Batch, tolerance_us: Option<i64>) -> Result<Appended, StoreError> {
        let mut hash = Xxh3::new();
        for record in &batch.records {
            hash.update(&record.received_at_us.to_be_bytes());
            hash.update(&record.raw);
        }
        let write = Write {
            records: batch.records.iter().collect(),
            states: merged(&batch.changes),
            fence: batch.fence.as_ref(),
            hash: Some(hash.digest128().to_be_bytes()),
            import: None,
            tolerance_us,
        };
        self.write(&write).await
    }

    pub(super) async fn append_import(&self, batch: &Imported) -> Result<Appended, StoreError> {
        let write = Write {
            records: Vec::new(),
            states: merged(batch.lines.iter().flat_map(|(_, changes, _)| changes)),
            fence: None,
            hash: None,
            import: Some(batch),
            tolerance_us: None,
        };
        self.write(&write).await
    }

    pub(super) async fn write(&self, write: &Write<'_>) -> Result<Appended, StoreError> {
        let records = write.records.iter().copied().chain(write.import.iter().flat_map(|import| import.lines.iter().map(|line| &line.0)));
        let days: BTreeSet<i64> = records.map(|record| record.received_at_us.div_euclid(DAY_US)).collect();
        for day in days {
            // Refused otherwise, the day's packets go into the default partition.
            if let Err(error @ (StoreError::Closed | StoreError::Unavailable { .. })) = self.prepare_day(day).await {
                return Err(error);
            }
        }
        let mut connection = self.connection(&self.write).await?;
        let ended = timeout(self.timeout, self.transact(&mut connection, write)).await;
        let error = match ended {
            Ok(Ended::Kept(appended, names)) => {
                self.settle(write, None);
                let mut known = lock(&self.names);
                if known.len() + names.len() > KNOWN_NAMES {
                    known.clear();
                }
                known.extend(names);
                return Ok(appended);
            }
            Ok(Ended::Failed(error)) => self.failed(&error),
            Ok(Ended::Uncertain(error)) => {
                self.settle(write, write.hash);
                self.failed(&error)
            }
            Err(_) => {
                self.settle(write, write.hash);
                self.timed_out()
            }
        };
        // Never back to the pool: an unfinished COPY would make it hang for the next one.
        drop(Object::take(connection));
        Err(error)
    }

    /// Remembers whether the feed's last batch may be kept without our knowing. An import in between changes nothing
    /// about that.
    fn settle(&self, write: &Write<'_>, uncertain: Option<[u8; 16]>) {
        if write.hash.is_some() {
            *lock(&self.uncertain) = uncertain;
        }
    }

    async fn transact(&self, connection: &mut Object, write: &Write<'_>) -> Ended {
        let transaction = match connection.build_transaction().start().await {
            Ok(transaction) => transaction,
            Err(error) => return Ended::Failed(error),
        };
        match self.fill(&transaction, write).await {
            Err(error) => Ended::Failed(error),
            Ok((appended, names)) => match transaction.commit().await {
                Ok(()) => Ended::Kept(appended, names),
                Err(error) if error.as_db_error().is_some() => Ended::Failed(error),
                Err(error) => Ended::Uncertain(error),
            },
        }
    }

    async fn fill(&self, transaction: &Transaction<'_>, write: &Write<'_>) -> Result<(Appended, Names), Error> {
        // One writer at a time: ids stay unique and names have one number without any further lock.
        let start = format!("SET LOCAL statement_timeout = {}; SELECT pg_advisory_xact_lock(7161140, 1)", self.timeout.as_millis().max(1));
        transaction.batch_execute(&start).await?;
        if let Some(fence) = write.fence {
            let params = [(&fence.lease as _, Type::TEXT), (&fence.token as _, Type::INT8)];
            transaction.query_typed("SELECT check_fence($1, $2)", &params).await?;
        }
        let uncertain = *lock(&self.uncertain);
        if let Some(hash) = write.hash.filter(|hash| uncertain == Some(*hash)) {
            let params = [(&self.writer as _, Type::INT8), (&&hash[..] as _, Type::BYTEA)];
            if !transaction.query_typed("SELECT 1 FROM last_batch WHERE writer = $1 AND batch = $2", &params).await?.is_empty() {
                return Ok((Appended { stored: write.records.len() as u64, already_there: 0 }, Names::new()));
            }
        }
        let mut appended = Appended::default();
        let mut records = write.records.clone();
        if let Some(tolerance_us) = write.tolerance_us {
            records = missing::from(transaction, records, tolerance_us).await?;
            appended.already_there = (write.records.len() - records.len()) as u64;
        }
        if let Some(import) = write.import {
            records = new_lines(transaction, import).await?;
            appended.already_there = (import.lines.len() - records.len()) as u64;
            let next = i64::try_from(import.next_offset).unwrap_or(i64::MAX);
            let sql = "INSERT INTO import VALUES ($1, $2) ON CONFLICT (source) DO UPDATE SET next_offset = $2";
            transaction.execute_typed(sql, &[(&import.source, Type::TEXT), (&next, Type::INT8)]).await?;
        }
        appended.stored = records.len() as u64;
        let names = self.names_of(transaction, &records, &write.states).await?;
        let ids = copy(transaction, &records, &names).await?;
        if write.hash.is_some() || write.import.is_some() {
            self.log(transaction, &ids).await?;
        }
        let entities = upsert(transaction, &write.states, &names).await?;
        count(transaction, &records, entities, write.import).await?;
        if let Some(hash) = write.hash {
            let sql = "INSERT INTO last_batch VALUES ($1, $2, now()) ON CONFLICT (writer) DO UPDATE SET batch = $2, at = now()";
            transaction.execute_typed(sql, &[(&self.writer, Type::INT8), (&&hash[..], Type::BYTEA)]).await?;
        }
        Ok((appended, names))
    }

    /// Notes what is appended for those who follow, and forgets what is old.
    async fn log(&self, transaction: &Transaction<'_>, ids: &[i64]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(ids.len()).unwrap_or(0);
        let sql = "WITH grown AS (UPDATE counter SET value = value + $1 WHERE key = 'appended' RETURNING value)
                   INSERT INTO appended (position, ids) SELECT value, $2 FROM grown";
        transaction.execute_typed(sql, &[(&count, Type::INT8), (&ids, Type::INT8_ARRAY)]).await?;
        if self.batches.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRIM_EVERY) {
            let sql = "DELETE FROM appended WHERE at < now() - interval '3 hours'
                       OR position < (SELECT value FROM counter WHERE key = 'appended') - $1";
            transaction.execute_typed(sql, &[(&KEPT_IN_LOG, Type::INT8)]).await?;
        }
        Ok(())
    }

    /// The numbers of all names in a batch; new ones are given to those that have none.
    async fn names_of(
        &self,
        transaction: &Transaction<'_>,
        records: &[&Record],
        states: &HashMap<EntityKey, EntityState>,
    ) -> Result<Names, Error> {
        let wanted: BTreeSet<EntityKey> =
            records.iter().flat_map(|record| [record.entity, record.sender.map(station)]).flatten().chain(states.keys().copied()).collect();
        let mut names = Names::with_capacity(wanted.len());
        {
            let known = lock(&self.names);
            names.extend(wanted.iter().filter_map(|key| Some((*key, *known.get(key)?))));
        }
        let missing: Vec<&EntityKey> = wanted.iter().filter(|key| !names.contains_key(*key)).collect();
        if missing.is_empty() {
            return Ok(names);
        }
        let kinds: Vec<i16> = missing.iter().map(|key| key.kind as i16).collect();
        let words: Vec<&[u8]> = missing.iter().map(|key| key.name.as_bytes()).collect();
        let sql = "WITH wanted AS (SELECT * FROM unnest($1, $2) AS w (kind, name)),
             known AS (SELECT id, kind, name FROM name JOIN wanted USING (kind, name)),
             new AS (INSERT INTO name (kind, name) SELECT kind, name FROM wanted
                     WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.kind = wanted.kind AND known.name = wanted.name)
                     RETURNING id, kind, name)
             SELECT id, kind, name FROM known UNION ALL SELECT id, kind, name FROM new";
        let rows = transaction.query_typed(sql, &[(&kinds, Type::INT2_ARRAY), (&words, Type::BYTEA_ARRAY)]).await?;
        names.extend(rows.iter().filter_map(|row| Some((key_of(row.get(1), row.get(2))?, row.get(0)))));
        Ok(names)
    }

    /// Makes the partition of a day unless it is known to be there; in a transaction of its own that waits for locks
    /// only so long.
    pub(super) async fn prepare_day(&self, day: i64) -> Result<bool, StoreError> {
        let Ok(number) = i32::try_from(day) else {
            return Ok(false);
        };
        if lock(&self.days).contains(&day) {
            return Ok(false);
        }
        let mut connection = self.connection(&self.write).await?;
        let work = async {
            let transaction = connection.build_transaction().start().await?;
            transaction.batch_execute("SET LOCAL lock_timeout = '3s'").await?;
            let rows = transaction.query_typed("SELECT prepare_day($1)", &[(&number, Type::INT4)]).await?;
            transaction.commit().await?;
            Ok::<bool, Error>(rows.first().is_some_and(|row| row.get(0)))
        };
        let error = match timeout(self.timeout, work).await {
            Ok(Ok(made)) => {
                let mut days = lock(&self.days);
                if days.len() > 10_000 {
                    days.clear();
                }
                days.insert(day);
                return Ok(made);
            }
            // Others hold the tables: next time. The default partition takes the packets until then.
            Ok(Err(error)) if error.code().is_some_and(|code| code.code() == "55P03") => None,
            Ok(Err(error)) => Some(self.failed(&error)),
            Err(_) => Some(self.timed_out()),
        };
        drop(Object::take(connection));
        error.map_or(Ok(false), Err)
    }
}

fn station(name: Name) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name }
}

pub(super) fn key_of(kind: i16, name: &[u8]) -> Option<EntityKey> {
    Some(EntityKey { kind: EntityKind::from_number(u8::try_from(kind).ok()?)?, name: Name::new(name)? })
}

/// The states that the changes come to on their own; the database joins them with what it has by the same rule.
fn merged<'c>(changes: impl IntoIterator<Item = &'c EntityChange>) -> HashMap<EntityKey, EntityState> {
    let mut states: HashMap<EntityKey, EntityState> = HashMap::new();
    for change in changes {
        states.entry(change.key).and_modify(|state| state.apply(change)).or_insert_with(|| EntityState::new(change));
    }
    states
}

/// The lines of an import that were not imported before.
async fn new_lines<'b>(transaction: &Transaction<'_>, import: &'b Imported) -> Result<Vec<&'b Record>, Error> {
    let hashes: Vec<[u8; 16]> = import.lines.iter().map(|(record, _, timed)| content_hash(record, *timed).to_be_bytes()).collect();
    let slices: Vec<&[u8]> = hashes.iter().map(|hash| &hash[..]).collect();
    let days: Vec<i32> =
        import.lines.iter().map(|line| i32::try_from(line.0.received_at_us.div_euclid(DAY_US)).unwrap_or(i32::MAX)).collect();
    let sql = "INSERT INTO imported SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING RETURNING hash";
    let rows = transaction.query_typed(sql, &[(&slices, Type::BYTEA_ARRAY), (&days, Type::INT4_ARRAY)]).await?;
    let mut new: HashSet<&[u8]> = rows.iter().map(|row| row.get(0)).collect();
    Ok(import.lines.iter().zip(&hashes).filter(|(_, hash)| new.remove(&hash[..])).map(|(line, _)| &line.0).collect())
}

/// A free id for each record: its time, or the next free microsecond of that second or after it.
async fn ids(transaction: &Transaction<'_>, records: &[&Record]) -> Result<Vec<i64>, Error> {
    let first = records.iter().map(|record| record.received_at_us).min().unwrap_or(0);
    // Nearly always nothing that is kept is as new as the batch: one look at the end of an index.
    let rows = transaction.query_typed("SELECT max(id) FROM packet WHERE id >= $1", &[(&first, Type::INT8)]).await?;
    let newest: Option<i64> = rows[0].get(0);
    // By an id that is taken: the highest one known in the second after it.
    let mut taken: BTreeMap<i64, i64> = BTreeMap::new();
    loop {
        let ids = assign(records, &taken);
        if newest.is_none() {
            return Ok(ids);
        }
        let sql = "SELECT wanted, (SELECT max(p.id) FROM packet p WHERE p.id >= wanted AND p.id < wanted + 1000000)
                   FROM unnest($1) wanted WHERE EXISTS (SELECT 1 FROM packet p WHERE p.id = wanted)";
        let rows = transaction.query_typed(sql, &[(&ids, Type::INT8_ARRAY)]).await?;
        if rows.is_empty() {
            return Ok(ids);
        }
        taken.extend(rows.iter().map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))));
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

async fn copy(transaction: &Transaction<'_>, records: &[&Record], names: &Names) -> Result<Vec<i64>, Error> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids(transaction, records).await?;
    let sql = "COPY packet (id, entity, sender, latitude, longitude, kind, verdict, raw, reason) FROM STDIN BINARY";
    let types = [Type::INT8, Type::INT4, Type::INT4, Type::INT4, Type::INT4, Type::INT2, Type::INT2, Type::BYTEA, Type::TEXT];
    let sink = transaction.copy_in(sql).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let place = |list: &[&str], word| list.iter().position(|known| *known == word).and_then(|at| i16::try_from(at).ok()).unwrap_or(0);
    let scaled = |degrees: f64| (degrees * 1e6).round() as i32;
    for (record, id) in records.iter().zip(&ids) {
        let entity = record.entity.and_then(|key| names.get(&key).copied());
        let sender = record.sender.and_then(|name| names.get(&station(name)).copied());
        // Copies and implausible positions are no points of a track.
        let position = record.position.filter(|_| record.verdict == Verdict::Accepted);
        let latitude = position.map(|(latitude, _)| scaled(latitude));
        let longitude = position.map(|(_, longitude)| scaled(longitude));
        let (kind, verdict) = (place(KINDS, record.kind), place(&VERDICTS, record.verdict.as_str()));
        let (raw, reason) = (&record.raw[..], record.verdict.reason());
        writer.as_mut().write(&[id, &entity, &sender, &latitude, &longitude, &kind, &verdict, &raw, &reason]).await?;
    }
    writer.finish().await?;
    Ok(ids)
}

/// Joins states with those kept, by the rule of `EntityState::apply`; returns how many are new.
async fn upsert(transaction: &Transaction<'_>, states: &HashMap<EntityKey, EntityState>, names: &Names) -> Result<i64, Error> {
    if states.is_empty() {
        return Ok(0);
    }
    let mut rows: Vec<(i32, &EntityState)> = states.values().filter_map(|state| Some((*names.get(&state.key)?, state))).collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    let ids: Vec<i32> = rows.iter().map(|(id, _)| *id).collect();
    let alive: Vec<bool> = rows.iter().map(|(_, state)| state.alive).collect();
    let owners: Vec<Option<&[u8]>> = rows.iter().map(|(_, state)| state.owner.as_ref().map(Name::as_bytes)).collect();
    let first: Vec<i64> = rows.iter().map(|(_, state)| state.first_heard_us).collect();
    let last: Vec<i64> = rows.iter().map(|(_, state)| state.last_heard_us).collect();
    let raws: Vec<&[u8]> = rows.iter().map(|(_, state)| &state.raw[..]).collect();
    let positions = || rows.iter().map(|(_, state)| state.position.as_ref());
    let positioned: Vec<Option<i64>> = positions().map(|position| position.map(|(at_us, ..)| *at_us)).collect();
    let position_raws: Vec<Option<&[u8]>> = positions().map(|position| position.map(|(.., raw)| &raw[..])).collect();
    let latitudes: Vec<Option<f64>> = positions().map(|position| position.map(|(_, fix, _)| fix.latitude)).collect();
    let longitudes: Vec<Option<f64>> = positions().map(|position| position.map(|(_, fix, _)| fix.longitude)).collect();
    let sql = "INSERT INTO entity AS e (id, alive, owner, first_heard_us, last_heard_us, raw, positioned_us, position_raw, geom)
         SELECT id, alive, owner, first, last, raw, positioned, position_raw, ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           AS n (id, alive, owner, first, last, raw, positioned, position_raw, latitude, longitude)
         ON CONFLICT (id) DO UPDATE SET
           first_heard_us = least(e.first_heard_us, excluded.first_heard_us),
           last_heard_us = greatest(e.last_heard_us, excluded.last_heard_us),
           alive = CASE WHEN excluded.last_heard_us >= e.last_heard_us THEN excluded.alive ELSE e.alive END,
           owner = CASE WHEN excluded.last_heard_us >= e.last_heard_us THEN excluded.owner ELSE e.owner END,
           raw = CASE WHEN excluded.last_heard_us >= e.last_heard_us THEN excluded.raw ELSE e.raw END,
           positioned_us = greatest(e.positioned_us, excluded.positioned_us),
           position_raw = CASE WHEN excluded.positioned_us >= coalesce(e.positioned_us, excluded.positioned_us)
             THEN excluded.position_raw ELSE e.position_raw END,
           geom = CASE WHEN excluded.positioned_us >= coalesce(e.positioned_us, excluded.positioned_us)
             THEN excluded.geom ELSE e.geom END
         RETURNING (xmax = 0)";
    let params = [
        (&ids as _, Type::INT4_ARRAY),
        (&alive as _, Type::BOOL_ARRAY),
        (&owners as _, Type::BYTEA_ARRAY),
        (&first as _, Type::INT8_ARRAY),
        (&last as _, Type::INT8_ARRAY),
        (&raws as _, Type::BYTEA_ARRAY),
        (&positioned as _, Type::INT8_ARRAY),
        (&position_raws as _, Type::BYTEA_ARRAY),
        (&latitudes as _, Type::FLOAT8_ARRAY),
        (&longitudes as _, Type::FLOAT8_ARRAY),
    ];
    let rows = transaction.query_typed(sql, &params).await?;
    Ok(i64::try_from(rows.iter().filter(|row| row.get(0)).count()).unwrap_or(0))
}

/// Adds to the counters of the days and of the entities.
async fn count(transaction: &Transaction<'_>, records: &[&Record], entities: i64, import: Option<&Imported>) -> Result<(), Error> {
    let mut days: BTreeMap<i32, [i64; 4]> = BTreeMap::new();
    for record in records {
        let day = i32::try_from(record.received_at_us.div_euclid(DAY_US)).unwrap_or(i32::MAX);
        let verdict = VERDICTS.iter().position(|verdict| *verdict == record.verdict.as_str()).unwrap_or(0);
        days.entry(day).or_default()[verdict] += 1;
    }
    let live = import.is_none();
    for (day, counts) in days {
        let old = import.is_some_and(|import| (i64::from(day) + 1) * DAY_US <= import.keep_before_us);
        let sql = "INSERT INTO day AS d VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day) DO UPDATE SET
             accepted = d.accepted + $2, duplicate = d.duplicate + $3, implausible = d.implausible + $4, bad = d.bad + $5,
             keep = d.keep AND NOT $7";
        let number = |at: usize| (&counts[at] as _, Type::INT8);
        let params =
            [(&day as _, Type::INT4), number(0), number(1), number(2), number(3), (&old as _, Type::BOOL), (&live as _, Type::BOOL)];
        transaction.execute_typed(sql, &params).await?;
    }
    if entities > 0 {
        let sql = "UPDATE counter SET value = value + $1 WHERE key = 'entities'";
        transaction.execute_typed(sql, &[(&entities, Type::INT8)]).await?;
    }
    Ok(())
}
