//! What a batch asks in its first flight. Nothing to ask costs nothing.

use std::collections::HashSet;

use godwit_pipeline::{EntityKey, EntityKind, EntityState, Name};
use tokio_postgres::{Client, Error, types::Type};

use crate::{
    Fence, Imported,
    model::{content_hash, day_of},
    packed,
};

pub(super) fn key_of(kind: i16, name: &[u8]) -> Option<EntityKey> {
    Some(EntityKey { kind: EntityKind::from_number(u8::try_from(kind).ok()?)?, name: Name::new(name)? })
}

/// Refuses (GW001) who has not the lease any more.
pub(super) async fn fence(client: &Client, fence: Option<&Fence>) -> Result<(), Error> {
    let Some(fence) = fence else {
        return Ok(());
    };
    let params = [(&fence.lease as _, Type::TEXT), (&fence.token as _, Type::INT8)];
    client.query_typed("SELECT check_fence($1, $2)", &params).await.map(drop)
}

/// Whether this batch was kept.
pub(super) async fn kept_before(client: &Client, writer: i64, hash: Option<[u8; 16]>) -> Result<bool, Error> {
    let Some(hash) = hash else {
        return Ok(false);
    };
    let params = [(&writer as _, Type::INT8), (&&hash[..] as _, Type::BYTEA)];
    Ok(!client.query_typed("SELECT 1 FROM last_batch WHERE writer = $1 AND batch = $2", &params).await?.is_empty())
}

/// Which lines of an import are new; they count as imported from now on.
pub(super) async fn new_lines(client: &Client, import: Option<&Imported>) -> Result<Option<Vec<bool>>, Error> {
    let Some(import) = import else {
        return Ok(None);
    };
    let hashes: Vec<[u8; 16]> = import.lines.iter().map(|line| content_hash(line).to_be_bytes()).collect();
    let slices: Vec<&[u8]> = hashes.iter().map(|hash| &hash[..]).collect();
    let days: Vec<i32> = import.lines.iter().map(|line| day_of(line.record.received_at_us)).collect();
    let sql = "INSERT INTO imported SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING RETURNING hash";
    let rows = client.query_typed(sql, &[(&slices, Type::BYTEA_ARRAY), (&days, Type::INT4_ARRAY)]).await?;
    let mut new: HashSet<&[u8]> = rows.iter().map(|row| row.get(0)).collect();
    Ok(Some(hashes.iter().map(|hash| new.remove(&hash[..])).collect()))
}

/// The numbers of these names, with the latest states.
pub(super) async fn names(client: &Client, keys: &[EntityKey]) -> Result<Vec<(i32, EntityKey, Option<EntityState>)>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<i16> = keys.iter().map(|key| key.kind as i16).collect();
    let words: Vec<&[u8]> = keys.iter().map(|key| key.name.as_bytes()).collect();
    let sql = "SELECT n.id, n.kind, n.name, e.state FROM unnest($1, $2) w (kind, name) JOIN name n USING (kind, name)
               LEFT JOIN entity e ON e.id = n.id";
    let rows = client.query_typed(sql, &[(&kinds, Type::INT2_ARRAY), (&words, Type::BYTEA_ARRAY)]).await?;
    let read = |row: &tokio_postgres::Row| {
        let state = row.get::<_, Option<&[u8]>>(3).and_then(|mut bytes| packed::unpack(&mut bytes));
        Some((row.get(0), key_of(row.get(1), row.get(2))?, state))
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// New numbers for names.
pub(super) async fn numbers(client: &Client, count: usize) -> Result<Vec<i32>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let sql = "SELECT nextval('name_id_seq')::int4 FROM generate_series(1, $1)";
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    Ok(client.query_typed(sql, &[(&count, Type::INT4)]).await?.iter().map(|row| row.get(0)).collect())
}

/// The latest states of these.
pub(super) async fn states(client: &Client, ids: &[i32]) -> Result<Vec<EntityState>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = client.query_typed("SELECT state FROM entity WHERE id = ANY ($1)", &[(&ids, Type::INT4_ARRAY)]).await?;
    Ok(rows.iter().filter_map(|row| packed::unpack(&mut row.get::<_, &[u8]>(0))).collect())
}

/// The highest id that is not below this one: one look at the end of an index.
pub(super) async fn newest_id(client: &Client, first: i64) -> Result<Option<i64>, Error> {
    let rows = client.query_typed("SELECT max(id) FROM packet WHERE id >= $1", &[(&first, Type::INT8)]).await?;
    Ok(rows[0].get(0))
}

/// Those of the ids that are taken, each with the highest one of the second after it.
pub(super) async fn taken(client: &Client, ids: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
    let sql = "SELECT wanted, (SELECT max(p.id) FROM packet p WHERE p.id >= wanted AND p.id < wanted + 1000000)
               FROM unnest($1) wanted WHERE EXISTS (SELECT 1 FROM packet p WHERE p.id = wanted)";
    Ok(client.query_typed(sql, &[(&ids, Type::INT8_ARRAY)]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
