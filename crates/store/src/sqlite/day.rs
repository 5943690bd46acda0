//! A day's packets in a file of their own.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use godwit_pipeline::{EntityKey, EntityKind, Name, Record, Verdict};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{DAY_US, aggregates};
use crate::{
    PacketPage, PacketQuery, StoreError, StoredPacket,
    facts::Facts,
    model::{KINDS, VERDICTS},
    tally::{Place, Tally},
};

/// In order; the place is the version. Only ever append.
const SCHEMA: &[&str] = &[include_str!("../../migrations/sqlite/day.sql"), include_str!("../../migrations/sqlite/day2.sql")];

/// Names that are remembered with their numbers: few beside packets, but a flood of invented ones must not grow this for
/// ever.
const KNOWN_NAMES: usize = 500_000;

/// A record with what goes beside it.
pub(super) struct Line<'r> {
    pub(super) record: &'r Record,
    pub(super) facts: Facts,
    /// Of an import: kept only if it is new.
    pub(super) hash: Option<u128>,
}

/// What a batch adds to the aggregates of a day.
pub(super) struct Heard<'p> {
    /// Of whom there was a packet.
    pub(super) entities: BTreeSet<EntityKey>,
    /// Where a station is.
    pub(super) place: &'p dyn Fn(Name) -> Option<Place>,
}

/// What goes beside the lines of a day.
#[derive(Default)]
pub(super) struct Beside<'p> {
    /// What they add to the aggregates; absent for what was counted long ago.
    pub(super) heard: Option<Heard<'p>>,
    /// Whether retention leaves the day alone from now on.
    pub(super) keep: Option<bool>,
    /// The batch of the feed that they are.
    pub(super) batch: Option<BatchId>,
    /// The main file that has the hashes of imported lines without a time.
    pub(super) indexed_in: Option<i64>,
}

/// What a batch of the feed is recognized by when it is sent again: a hash of its packets and their times.
pub(super) type BatchId = i64;

/// What an append did.
pub(super) struct Kept {
    /// The ids of the lines that were kept.
    pub(super) ids: Vec<i64>,
    /// The highest id of the day.
    pub(super) last_id: i64,
    /// How much the day held before.
    pub(super) before: DayCounts,
    /// How much it holds now.
    pub(super) counts: DayCounts,
}

/// How much a day holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DayCounts {
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) implausible: u64,
    pub(super) bad: u64,
    /// Entities heard, by kind: stations, objects, items.
    pub(super) heard: [u64; 3],
    /// An import put it here on purpose; retention leaves it alone unless the feed wrote here too.
    pub(super) keep: bool,
}

impl DayCounts {
    /// Packets, whatever their verdict.
    pub(super) fn all(&self) -> u64 {
        self.accepted + self.duplicate + self.implausible + self.bad
    }
}

/// `packets/2026-11-23.sqlite`.
pub(super) fn path(folder: &Path, day: i64) -> PathBuf {
    let date = jiff::Timestamp::from_second(day * 86_400).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    folder.join("packets").join(format!("{date}.sqlite"))
}

/// The day of a file of this name.
pub(super) fn day_of(path: &Path) -> Option<i64> {
    let date = path.file_name()?.to_str()?.strip_suffix(".sqlite")?;
    let at = date.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(at.as_second() / 86_400)
}

/// A day's file, open for writing.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    names: HashMap<(u8, Name), i64>,
    /// Of whom it is known that they are counted as heard.
    heard: HashSet<EntityKey>,
}

impl Day {
    pub(super) fn open(folder: &Path, day: i64) -> Result<Self, StoreError> {
        let path = path(folder, day);
        let connection = super::open_for_writing(&path, SCHEMA)?;
        Ok(Self { path, connection, names: HashMap::new(), heard: HashSet::new() })
    }

    /// The highest id; 0 if there is no packet.
    pub(super) fn last_id(&self) -> rusqlite::Result<i64> {
        last_id(&self.connection)
    }

    /// Whether this was the last batch that was appended to this day.
    pub(super) fn has_batch(&self, batch: BatchId) -> rusqlite::Result<bool> {
        let mut select = self.connection.prepare_cached("SELECT 1 FROM counter WHERE key = 'batch' AND value = ?1")?;
        select.exists([batch])
    }

    /// Keeps records of this day and what goes beside them in one transaction; those with an import hash only if it is
    /// new.
    pub(super) fn append(&mut self, lines: &[Line<'_>], beside: Beside<'_>) -> rusqlite::Result<Kept> {
        // Names of a transaction that fails must not stay known: their numbers were rolled back.
        let mut names = std::mem::take(&mut self.names);
        let mut counted = std::mem::take(&mut self.heard);
        let transaction = self.connection.transaction()?;
        let mut last_id = last_id(&transaction)?;
        let before = counts(&transaction)?;
        let mut counts = before;
        if let Some(main) = beside.indexed_in
            && lines.iter().any(|line| line.hash.is_some())
            && !has_imports(&transaction)?
        {
            set_counter(&transaction, "indexed", main)?;
        }
        let mut ids = Vec::with_capacity(lines.len());
        let mut kept = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some(hash) = line.hash {
                let new = transaction.prepare_cached("INSERT OR IGNORE INTO imported VALUES (?1)")?.execute([hash.to_be_bytes()])? == 1;
                if !new {
                    continue;
                }
            }
            let id = insert(&transaction, &mut names, line.record, last_id)?;
            last_id = last_id.max(id);
            ids.push(id);
            kept.push((line.record, &line.facts));
            match line.record.verdict {
                Verdict::Accepted => counts.accepted += 1,
                Verdict::Duplicate => counts.duplicate += 1,
                Verdict::Implausible(_) => counts.implausible += 1,
                Verdict::Bad(_) => counts.bad += 1,
            }
        }
        if let Some(heard) = beside.heard {
            let mut tally = Tally::default();
            tally.count(kept, heard.place);
            aggregates::add(&transaction, &mut names, &tally)?;
            for key in heard.entities.into_iter().filter(|key| !counted.contains(key)).collect::<Vec<_>>() {
                let id = name_id(&transaction, &mut names, key.kind as u8, key.name)?;
                let new = transaction.prepare_cached("UPDATE name SET heard = 1 WHERE id = ?1 AND heard = 0")?.execute([id])?;
                counts.heard[usize::from(key.kind as u8).min(2)] += new as u64;
                if counted.len() > KNOWN_NAMES {
                    counted.clear();
                }
                counted.insert(key);
            }
        }
        counts.keep = beside.keep.unwrap_or(counts.keep);
        set_counts(&transaction, counts)?;
        if let Some(batch) = beside.batch {
            set_counter(&transaction, "batch", batch)?;
        }
        transaction.commit()?;
        self.names = names;
        self.heard = counted;
        Ok(Kept { ids, last_id, before, counts })
    }

    /// Forgets the aggregates; how many rows.
    pub(super) fn forget_aggregates(&mut self) -> rusqlite::Result<u64> {
        self.heard.clear();
        aggregates::forget_in(&mut self.connection)
    }

    /// Whether an import kept this content in this day.
    pub(super) fn has_imported(&self, hash: u128) -> rusqlite::Result<bool> {
        self.connection.prepare_cached("SELECT 1 FROM imported WHERE hash = ?1")?.exists([hash.to_be_bytes()])
    }

    /// The records newer than this id, oldest first, at most `limit`: for repair.
    pub(super) fn records_after(&self, id: i64, limit: usize) -> rusqlite::Result<Vec<(i64, Record)>> {
        let mut select = self.connection.prepare_cached(&format!("{SELECT} WHERE packet.id > ?1 ORDER BY packet.id LIMIT ?2"))?;
        let rows = select.query_map(params![id, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let packet = stored(row)?;
            let verdict = match packet.verdict {
                "accepted" => Verdict::Accepted,
                "implausible" => Verdict::Implausible("stored"),
                "duplicate" => Verdict::Duplicate,
                _ => Verdict::Bad("stored"),
            };
            let entity = match (
                row.get::<_, Option<u8>>(6)?.and_then(EntityKind::from_number),
                row.get_ref(7)?.as_blob_or_null()?.and_then(Name::new),
            ) {
                (Some(kind), Some(name)) => Some(EntityKey { kind, name }),
                _ => None,
            };
            let record = Record {
                received_at_us: packet.received_at_us,
                raw: packet.raw,
                sender: packet.sender,
                entity,
                kind: packet.kind,
                position: None,
                verdict,
            };
            Ok((packet.id, record))
        })?;
        rows.collect()
    }
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<DayCounts> {
    let mut counts = DayCounts::default();
    let mut select = connection.prepare_cached("SELECT key, value FROM counter")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let value = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        match row.get_ref(0)?.as_str()? {
            "accepted" => counts.accepted = value,
            "duplicate" => counts.duplicate = value,
            "implausible" => counts.implausible = value,
            "bad" => counts.bad = value,
            "stations" => counts.heard[0] = value,
            "objects" => counts.heard[1] = value,
            "items" => counts.heard[2] = value,
            "keep" => counts.keep = value == 1,
            _ => {}
        }
    }
    Ok(counts)
}

fn last_id(connection: &Connection) -> rusqlite::Result<i64> {
    let mut select = connection.prepare_cached("SELECT max(id) FROM packet")?;
    select.query_row([], |row| row.get::<_, Option<i64>>(0)).map(|id| id.unwrap_or(0))
}

fn set_counts(transaction: &Transaction<'_>, counts: DayCounts) -> rusqlite::Result<()> {
    let values = [
        ("accepted", counts.accepted),
        ("duplicate", counts.duplicate),
        ("implausible", counts.implausible),
        ("bad", counts.bad),
        ("stations", counts.heard[0]),
        ("objects", counts.heard[1]),
        ("items", counts.heard[2]),
        ("keep", u64::from(counts.keep)),
    ];
    values.into_iter().try_for_each(|(key, value)| set_counter(transaction, key, i64::try_from(value).unwrap_or(i64::MAX)))
}

fn set_counter(transaction: &Transaction<'_>, key: &str, value: i64) -> rusqlite::Result<()> {
    let mut set = transaction.prepare_cached("INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?;
    set.execute(params![key, value]).map(drop)
}

/// Whether an import wrote here.
fn has_imports(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM imported LIMIT 1")?.exists([])
}

/// Whether an import wrote lines here that this main file may not know of.
pub(super) fn has_unindexed_imports(connection: &Connection, main: i64) -> rusqlite::Result<bool> {
    let indexed = connection.prepare_cached("SELECT 1 FROM counter WHERE key = 'indexed' AND value = ?1")?.exists([main])?;
    Ok(!indexed && has_imports(connection)?)
}

/// Inserts a packet under its time, or the next free microsecond.
fn insert(transaction: &Transaction<'_>, names: &mut HashMap<(u8, Name), i64>, record: &Record, last_id: i64) -> rusqlite::Result<i64> {
    let at = record.received_at_us;
    let mut id = at;
    if at <= last_id {
        // Not newer than all others: look for room. Lines of one second may come in tens of thousands.
        let taken = transaction.prepare_cached("SELECT 1 FROM packet WHERE id = ?1")?.exists([at])?;
        if taken {
            let highest: Option<i64> = transaction
                .prepare_cached("SELECT max(id) FROM packet WHERE id >= ?1 AND id < ?1 + 1000000")?
                .query_row([at], |row| row.get(0))?;
            id = highest.map_or(at, |highest| highest + 1);
            while transaction.prepare_cached("SELECT 1 FROM packet WHERE id = ?1")?.exists([id])? {
                id += 1;
            }
        }
    }
    let entity = record.entity.map(|key| name_id(transaction, names, key.kind as u8, key.name)).transpose()?;
    let sender = record.sender.map(|name| name_id(transaction, names, EntityKind::Station as u8, name)).transpose()?;
    let scaled = |degrees: f64| (degrees * 1e6).round() as i64;
    let kind = KINDS.iter().position(|kind| *kind == record.kind).unwrap_or(0);
    let verdict = VERDICTS.iter().position(|verdict| *verdict == record.verdict.as_str()).unwrap_or(0);
    transaction.prepare_cached("INSERT INTO packet VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(params![
        id,
        entity,
        sender,
        kind as i64,
        verdict as i64,
        record.verdict.reason(),
        record.position.map(|(latitude, _)| scaled(latitude)),
        record.position.map(|(_, longitude)| scaled(longitude)),
        &record.raw[..],
    ])?;
    Ok(id)
}

pub(super) fn name_id(transaction: &Transaction<'_>, names: &mut HashMap<(u8, Name), i64>, kind: u8, name: Name) -> rusqlite::Result<i64> {
    if let Some(id) = names.get(&(kind, name)) {
        return Ok(*id);
    }
    let known = transaction
        .prepare_cached("SELECT id FROM name WHERE kind = ?1 AND name = ?2")?
        .query_row(params![kind, name.as_bytes()], |row| row.get(0))
        .optional()?;
    let id = match known {
        Some(id) => id,
        None => {
            transaction.prepare_cached("INSERT INTO name (kind, name) VALUES (?1, ?2)")?.execute(params![kind, name.as_bytes()])?;
            transaction.last_insert_rowid()
        }
    };
    if names.len() > KNOWN_NAMES {
        names.clear();
    }
    names.insert((kind, name), id);
    Ok(id)
}

const SELECT: &str = "SELECT packet.id, sender.name, packet.kind, packet.verdict, packet.reason, packet.raw, entity.kind, entity.name
  FROM packet LEFT JOIN name sender ON sender.id = packet.sender LEFT JOIN name entity ON entity.id = packet.entity";

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredPacket> {
    let id = row.get(0)?;
    Ok(StoredPacket {
        id,
        received_at_us: id,
        sender: row.get_ref(1)?.as_blob_or_null()?.and_then(Name::new),
        kind: KINDS.get(usize::from(row.get::<_, u8>(2)?)).copied().unwrap_or("unknown"),
        verdict: VERDICTS.get(usize::from(row.get::<_, u8>(3)?)).copied().unwrap_or("bad"),
        reason: row.get(4)?,
        raw: row.get_ref(5)?.as_blob()?.into(),
    })
}

/// Opens a day for reading; `None` if there is none (any more: retention may have dropped it since it was listed).
pub(super) fn open(folder: &Path, day: i64) -> Result<Option<(PathBuf, Connection)>, StoreError> {
    let path = path(folder, day);
    if !path.exists() {
        return Ok(None);
    }
    let connection = super::open_for_reading(&path)?;
    Ok(Some((path, connection)))
}

/// The packet with this id. It may be in the day before: making a time unique can push it over midnight.
pub(super) fn packet(folder: &Path, id: i64) -> Result<Option<StoredPacket>, StoreError> {
    let day = id.div_euclid(DAY_US);
    for day in [day, day - 1] {
        if let Some((path, connection)) = open(folder, day)? {
            let found = connection.query_row(&format!("{SELECT} WHERE packet.id = ?1"), [id], stored).optional();
            if let Some(packet) = found.map_err(|error| StoreError::sqlite(&path, &error))? {
                return Ok(Some(packet));
            }
        }
    }
    Ok(None)
}

/// All packets of several days (oldest day first) above an id and before a time, by id.
pub(super) fn scan(folder: &Path, days: &[i64], after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
    let mut packets = Vec::new();
    for day in days.iter().filter(|day| **day * DAY_US < until_us && (**day + 1) * DAY_US >= after_id) {
        let left = limit - packets.len();
        let Some((path, connection)) = open(folder, *day)?.filter(|_| left > 0) else {
            continue;
        };
        let read = || {
            let sql = format!("{SELECT} WHERE packet.id > ?1 AND packet.id < ?2 ORDER BY packet.id LIMIT ?3");
            let left = i64::try_from(left).unwrap_or(i64::MAX);
            connection.prepare(&sql)?.query_map([after_id, until_us, left], stored)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        packets.extend(read().map_err(|error| StoreError::sqlite(&path, &error))?);
    }
    Ok(packets)
}

/// What `read` makes of the packets about an entity that are no copies, oldest first, at most `limit`.
pub(super) fn series<P>(
    folder: &Path,
    days: &[i64],
    (key, since_us, until_us, limit): (EntityKey, i64, i64, usize),
    read: impl Fn(&StoredPacket) -> Option<P>,
) -> Result<Vec<P>, StoreError> {
    let mut points = Vec::new();
    for day in days.iter().filter(|day| **day * DAY_US < until_us && (**day + 1) * DAY_US > since_us) {
        let Some((path, connection)) = open(folder, *day)?.filter(|_| points.len() < limit) else {
            continue;
        };
        let mut go = || {
            let sql = format!(
                "{SELECT} WHERE packet.entity = (SELECT id FROM name WHERE kind = ?1 AND name = ?2)
                 AND packet.id >= ?3 AND packet.id < ?4 AND packet.verdict IN (0, 2) ORDER BY packet.id"
            );
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query(params![key.kind as u8, key.name.as_bytes(), since_us, until_us])?;
            while let Some(row) = rows.next()?
                && points.len() < limit
            {
                points.extend(read(&stored(row)?));
            }
            Ok(())
        };
        go().map_err(|error| StoreError::sqlite(&path, &error))?;
    }
    Ok(points)
}

/// Packets of several days (newest day first), newest first.
pub(super) fn packets(folder: &Path, days: &[i64], query: &PacketQuery) -> Result<PacketPage, StoreError> {
    let until = query.before_id.unwrap_or(i64::MAX).min(query.until_us);
    let mut page = PacketPage::default();
    for day in days.iter().filter(|day| **day * DAY_US < until && (**day + 1) * DAY_US > query.since_us) {
        let path = path(folder, *day);
        // Retention may have dropped the day since it was listed.
        if !path.exists() {
            continue;
        }
        let connection = super::open_for_reading(&path)?;
        let left = query.limit + 1 - page.packets.len();
        let found = packets_of(&connection, query, until, left).map_err(|error| StoreError::sqlite(&path, &error))?;
        page.packets.extend(found);
        if page.packets.len() > query.limit {
            page.packets.truncate(query.limit);
            page.next = page.packets.last().map(|packet| packet.id);
            break;
        }
    }
    Ok(page)
}

fn packets_of(connection: &Connection, query: &PacketQuery, until: i64, limit: usize) -> rusqlite::Result<Vec<StoredPacket>> {
    let mut entities = Vec::new();
    if let Some(about) = &query.about {
        let mut select = connection.prepare("SELECT id FROM name WHERE kind = ?1 AND name = ?2")?;
        for key in about {
            entities.extend(select.query_row(params![key.kind as u8, key.name.as_bytes()], |row| row.get::<_, i64>(0)).optional()?);
        }
        if entities.is_empty() {
            return Ok(Vec::new());
        }
    }
    // The list holds numbers from our own table only.
    let about = if entities.is_empty() {
        String::new()
    } else {
        format!("AND packet.entity IN ({})", entities.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
    };
    let duplicates = if query.duplicates { "" } else { "AND packet.verdict <> 1" };
    let sql = format!("{SELECT} WHERE packet.id >= ?1 AND packet.id < ?2 {about} {duplicates} ORDER BY packet.id DESC LIMIT ?3");
    let mut select = connection.prepare(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![query.since_us, until, limit], stored)?;
    rows.collect()
}
