//! `godwit.sqlite`: the latest state of every entity, and how far imports got.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use godwit_pipeline::{EntityChange, EntityKey, EntityKind, EntityState, Name, fix_of};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::{Area, ImportPoint, StoreError, cell, tally::place_of};

/// In order; the place is the version. Only ever append.
pub(super) const SCHEMA: &[&str] = &[
    include_str!("../../migrations/sqlite/main.sql"),
    include_str!("../../migrations/sqlite/main2.sql"),
    include_str!("../../migrations/sqlite/main3.sql"),
    include_str!("../../migrations/sqlite/main4.sql"),
];

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("godwit.sqlite")
}

/// The cell of what an earlier version kept (main3.sql).
const OF_BEFORE: i32 = -1;

const COLUMNS: &str = "kind, name, owner, alive, first_heard_us, last_heard_us, raw, positioned_us, position_raw";

/// A row with what its raw lines say, read anew.
fn state(row: &Row<'_>) -> rusqlite::Result<Option<EntityState>> {
    let kind = EntityKind::from_number(row.get(0)?);
    let (Some(kind), Some(name)) = (kind, Name::new(row.get_ref(1)?.as_blob()?)) else {
        return Ok(None);
    };
    let key = EntityKey { kind, name };
    let raw: Arc<[u8]> = row.get_ref(6)?.as_blob()?.into();
    let position_raw = row.get_ref(8)?.as_blob_or_null()?.map_or_else(|| raw.clone(), Into::into);
    let position = row.get::<_, Option<i64>>(7)?.and_then(|at_us| Some((at_us, fix_of(&position_raw, &key)?, position_raw)));
    Ok(Some(EntityState {
        key,
        owner: row.get_ref(2)?.as_blob_or_null()?.and_then(Name::new),
        alive: row.get(3)?,
        first_heard_us: row.get(4)?,
        last_heard_us: row.get(5)?,
        raw,
        position,
    }))
}

/// The latest states of those that change, with the changes applied at this time.
pub(super) fn changed<'c>(
    connection: &Connection,
    changes: impl IntoIterator<Item = &'c EntityChange>,
    now_us: i64,
) -> rusqlite::Result<HashMap<EntityKey, EntityState>> {
    let mut states: HashMap<EntityKey, EntityState> = HashMap::new();
    for change in changes {
        if let Some(known) = states.get_mut(&change.key) {
            known.apply_at(change, now_us);
            continue;
        }
        let mut next = stored(connection, change.key)?.unwrap_or_else(|| EntityState::new(change));
        next.apply_at(change, now_us);
        states.insert(change.key, next);
    }
    Ok(states)
}

/// The state that is kept of an entity.
pub(super) fn stored(connection: &Connection, key: EntityKey) -> rusqlite::Result<Option<EntityState>> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM entity WHERE kind = ?1 AND name = ?2"))?;
    Ok(select.query_row(params![key.kind as u8, key.name.as_bytes()], state).optional()?.flatten())
}

/// Keeps states: one row an entity and batch.
pub(super) fn put<'s>(transaction: &Transaction<'_>, states: impl IntoIterator<Item = &'s EntityState>) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(&format!(
        "INSERT INTO entity ({COLUMNS}, cell) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (kind, name) DO UPDATE SET
         owner = ?3, alive = ?4, first_heard_us = ?5, last_heard_us = ?6, raw = ?7, positioned_us = ?8, position_raw = ?9, cell = ?10"
    ))?;
    for state in states {
        let position_raw = state.position.as_ref().filter(|(.., raw)| raw[..] != state.raw[..]).map(|(.., raw)| &raw[..]);
        upsert.execute(params![
            state.key.kind as u8,
            state.key.name.as_bytes(),
            state.owner.as_ref().map(Name::as_bytes),
            state.alive,
            state.first_heard_us,
            state.last_heard_us,
            &state.raw[..],
            state.position.as_ref().map(|(at_us, ..)| at_us),
            position_raw,
            place_of(state).map(|(latitude, longitude)| cell::cell(cell::millionths(latitude), cell::millionths(longitude))),
        ])?;
    }
    Ok(())
}

pub(super) fn applied_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'applied_id'", [], |row| row.get(0)).optional().map(|id| id.unwrap_or(0))
}

pub(super) fn set_applied_id(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO meta VALUES ('applied_id', ?1) ON CONFLICT (key) DO UPDATE SET value = max(value, ?1)")?
        .execute([id])?;
    Ok(())
}

pub(super) fn set_import_progress(transaction: &Transaction<'_>, point: &ImportPoint) -> rusqlite::Result<()> {
    let next_offset = i64::try_from(point.next_offset).unwrap_or(i64::MAX);
    let sql = "INSERT INTO import VALUES (?1, ?2, ?3) ON CONFLICT (source) DO UPDATE SET next_offset = ?2, fingerprint = ?3";
    transaction.execute(sql, params![point.source, next_offset, point.fingerprint])?;
    Ok(())
}

/// Which file this is.
pub(super) fn born(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'born'", [], |row| row.get(0))
}

/// The day to which an import wrote this content, perhaps.
pub(super) fn imported_day(connection: &Connection, hash: u128) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT day FROM imported WHERE hash = ?1")?;
    select.query_row([hash.to_be_bytes()], |row| row.get(0)).optional()
}

/// Says to which day an import is about to write this content.
pub(super) fn set_imported_day(transaction: &Transaction<'_>, hash: u128, day: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO imported VALUES (?1, ?2) ON CONFLICT (hash) DO UPDATE SET day = ?2";
    transaction.prepare_cached(sql)?.execute(params![hash.to_be_bytes(), day]).map(drop)
}

pub(super) fn read<T>(folder: &Path, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let path = path(folder);
    let connection = super::open_for_reading(&path)?;
    read(&connection).map_err(|error| StoreError::sqlite(&path, &error))
}

pub(super) fn import_progress(folder: &Path, source: &str) -> Result<Option<ImportPoint>, StoreError> {
    read(folder, |connection| {
        let sql = "SELECT next_offset, fingerprint FROM import WHERE source = ?1";
        let point = |row: &Row<'_>| {
            Ok(ImportPoint {
                source: source.to_owned(),
                next_offset: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                fingerprint: row.get_ref(1)?.as_blob_or_null()?.unwrap_or_default().to_vec(),
            })
        };
        connection.query_row(sql, [source], point).optional()
    })
}

pub(super) fn entities(folder: &Path, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
    read(folder, |connection| {
        let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM entity WHERE last_heard_us >= ?1"))?;
        let rows = select.query_map([since_us], state)?;
        rows.filter_map(Result::transpose).collect()
    })
}

/// Of one run of cells. Parameters: the first and the last cell, heard since.
fn in_cells() -> String {
    format!("SELECT {COLUMNS} FROM entity WHERE cell BETWEEN ?1 AND ?2 AND last_heard_us >= ?3 AND alive")
}

/// The living entities in an area that were heard since.
pub(super) fn in_area(folder: &Path, area: &Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
    read(folder, |connection| {
        let mut select = connection.prepare(&in_cells())?;
        let inside = |state: &EntityState| place_of(state).is_some_and(|(latitude, longitude)| area.contains(latitude, longitude));
        let mut found = Vec::new();
        for (first, last) in cell::runs(cell::edges(area)).chain([(OF_BEFORE, OF_BEFORE)]) {
            let states = select.query_map(params![first, last, since_us], state)?.filter_map(Result::transpose);
            for state in states.filter(|state| state.as_ref().map_or(true, inside)).take(limit - found.len()) {
                found.push(state?);
            }
        }
        Ok(found)
    })
}

pub(super) fn entity(folder: &Path, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
    read(folder, |connection| stored(connection, key))
}

pub(super) fn entity_count(folder: &Path) -> Result<u64, StoreError> {
    read(folder, |connection| connection.query_row("SELECT count(*) FROM entity", [], |row| row.get::<_, i64>(0)))
        .map(|count| u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZURICH: Area = Area { south: 47.0, west: 8.0, north: 48.0, east: 9.0 };

    #[test]
    fn what_an_earlier_version_kept_is_found_in_its_area() {
        let folder = tempfile::tempdir().expect("folder");
        let old = crate::sqlite::open_for_writing(&path(folder.path()), &SCHEMA[..2]).expect("old file");
        for (name, raw) in
            [("A1B", "A1B>APRS:!4725.00N/00830.00E-"), ("F1J", "F1J>APRS:!1725.00S/17830.00E-"), ("N0P", "N0P>APRS:>no place")]
        {
            old.execute(
                "INSERT INTO entity VALUES (0, ?1, NULL, TRUE, 1, 1, ?2, ?3, NULL)",
                params![name.as_bytes(), raw.as_bytes(), raw.contains('!').then_some(1)],
            )
            .expect("row");
        }
        drop(old);
        crate::sqlite::open_for_writing(&path(folder.path()), SCHEMA).expect("file");
        let found = in_area(folder.path(), &ZURICH, 0, 10).expect("answer");
        assert_eq!(found.iter().map(|state| state.key.name.as_bytes()).collect::<Vec<_>>(), [b"A1B"]);
    }

    #[test]
    fn an_area_is_found_by_its_cells() {
        let folder = tempfile::tempdir().expect("folder");
        let connection = crate::sqlite::open_for_writing(&path(folder.path()), SCHEMA).expect("file");
        let plan: String =
            connection.query_row(&format!("EXPLAIN QUERY PLAN {}", in_cells()), params![1, 2, 3], |row| row.get(3)).expect("plan");
        assert!(plan.contains("USING INDEX entity_cell"), "{plan}");
    }
}
