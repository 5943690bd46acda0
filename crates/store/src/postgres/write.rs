//! What a batch writes in its second flight: everything but the packets. Nothing to write costs nothing.
//!
//! Long lists are taken apart by `unnest` in the SELECT list, side by side: in FROM each list goes through a store of its
//! own, 2 µs a row of seven columns against 0.5.

use std::collections::BTreeMap;

use godwit_pipeline::{EntityKey, EntityState, Record};
use tokio_postgres::{Client, Error, types::Type};

use super::{append::Names, connect::Param, recent::Writer};
use crate::{
    Imported,
    cell::{cell, millionths},
    facts::station,
    model::{VERDICTS, day_of},
    packed,
    tally::{Tally, place_of},
};

/// Packets that can be followed at most: 8 MB of ids. They go after three hours too.
const KEPT_IN_LOG: i64 = 1_000_000;

async fn execute(client: &Client, sql: &str, params: &[Param<'_>]) -> Result<(), Error> {
    client.query_typed(sql, params).await.map(drop)
}

pub(super) async fn names(client: &Client, new: &[(i32, EntityKey)]) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<i32> = new.iter().map(|(id, _)| *id).collect();
    let kinds: Vec<i16> = new.iter().map(|(_, key)| key.kind as i16).collect();
    let words: Vec<&[u8]> = new.iter().map(|(_, key)| key.name.as_bytes()).collect();
    let sql = "INSERT INTO name (id, kind, name) OVERRIDING SYSTEM VALUE SELECT unnest($1), unnest($2), unnest($3)";
    execute(client, sql, &[(&ids, Type::INT4_ARRAY), (&kinds, Type::INT2_ARRAY), (&words, Type::BYTEA_ARRAY)]).await
}

pub(super) async fn states(client: &Client, states: &[(i32, &EntityState)]) -> Result<(), Error> {
    if states.is_empty() {
        return Ok(());
    }
    let ids: Vec<i32> = states.iter().map(|(id, _)| *id).collect();
    let places = || states.iter().map(|(_, state)| place_of(state));
    let latitudes: Vec<Option<i32>> = places().map(|place| place.map(|(latitude, _)| millionths(latitude))).collect();
    let longitudes: Vec<Option<i32>> = places().map(|place| place.map(|(_, longitude)| millionths(longitude))).collect();
    let cells: Vec<Option<i32>> =
        latitudes.iter().zip(&longitudes).map(|(latitude, longitude)| Some(cell((*latitude)?, (*longitude)?))).collect();
    let last: Vec<i64> = states.iter().map(|(_, state)| state.last_heard_us).collect();
    let alive: Vec<bool> = states.iter().map(|(_, state)| state.alive).collect();
    let packed: Vec<Vec<u8>> = states.iter().map(|(_, state)| packed::pack(state)).collect();
    let sql = "INSERT INTO entity (id, latitude, longitude, cell, last_heard_us, alive, state)
         SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7)
         ON CONFLICT (id) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude, cell = excluded.cell,
           last_heard_us = excluded.last_heard_us, alive = excluded.alive, state = excluded.state";
    let params = [
        (&ids as _, Type::INT4_ARRAY),
        (&latitudes as _, Type::INT4_ARRAY),
        (&longitudes as _, Type::INT4_ARRAY),
        (&cells as _, Type::INT4_ARRAY),
        (&last as _, Type::INT8_ARRAY),
        (&alive as _, Type::BOOL_ARRAY),
        (&packed as _, Type::BYTEA_ARRAY),
    ];
    execute(client, sql, &params).await
}

/// Five lists as parameters: numbers, and how much of each verdict.
fn verdicts<'p>(numbers: &'p Vec<i32>, counts: &'p [Vec<i64>; 4]) -> Vec<Param<'p>> {
    let counts = counts.iter().map(|count| (count as _, Type::INT8_ARRAY));
    std::iter::once((numbers as _, Type::INT4_ARRAY)).chain(counts).collect()
}

pub(super) async fn hours(client: &Client, tally: &Tally) -> Result<(), Error> {
    let hours: Vec<i32> = tally.hours.keys().copied().collect();
    let counts = [0, 1, 2, 3].map(|at| tally.hours.values().map(|counts| counts[at]).collect());
    let sql = "INSERT INTO hour AS h SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT (hour) DO UPDATE SET
         accepted = h.accepted + excluded.accepted, duplicate = h.duplicate + excluded.duplicate,
         implausible = h.implausible + excluded.implausible, bad = h.bad + excluded.bad";
    execute(client, sql, &verdicts(&hours, &counts)).await
}

/// Adds to the counters of the days. `keep_before_us`: an import, and which days it keeps on purpose.
pub(super) async fn days(client: &Client, records: &[&Record], keep_before_us: Option<i64>) -> Result<(), Error> {
    let mut days: BTreeMap<i32, [i64; 4]> = BTreeMap::new();
    for record in records {
        let verdict = VERDICTS.iter().position(|verdict| *verdict == record.verdict.as_str()).unwrap_or(0);
        days.entry(day_of(record.received_at_us)).or_default()[verdict] += 1;
    }
    let numbers: Vec<i32> = days.keys().copied().collect();
    let counts = [0, 1, 2, 3].map(|at| days.values().map(|counts| counts[at]).collect());
    let keep_below = keep_before_us.map_or(i32::MIN, day_of);
    let live = keep_before_us.is_none();
    let sql = "INSERT INTO day AS d SELECT n.*, n.day < $6 FROM unnest($1, $2, $3, $4, $5) n (day, accepted, duplicate, implausible, bad)
         ON CONFLICT (day) DO UPDATE SET
         accepted = d.accepted + excluded.accepted, duplicate = d.duplicate + excluded.duplicate,
         implausible = d.implausible + excluded.implausible, bad = d.bad + excluded.bad, keep = d.keep AND NOT $7";
    let mut params = verdicts(&numbers, &counts);
    params.extend([(&keep_below as _, Type::INT4), (&live as _, Type::BOOL)]);
    execute(client, sql, &params).await
}

pub(super) async fn heard(client: &Client, tally: &Tally, names: &Names) -> Result<(), Error> {
    let rows: Vec<(i32, i32)> = tally.heard.iter().filter_map(|(day, key)| Some((*day, *names.get(key)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let days: Vec<i32> = rows.iter().map(|(day, _)| *day).collect();
    let ids: Vec<i32> = rows.iter().map(|(_, id)| *id).collect();
    let sql = "WITH new AS (INSERT INTO heard_entity SELECT unnest($1), unnest($2) ON CONFLICT DO NOTHING RETURNING day, entity),
           counted AS (SELECT day, count(*) FILTER (WHERE kind = 0) stations, count(*) FILTER (WHERE kind = 1) objects,
                         count(*) FILTER (WHERE kind = 2) items
                       FROM new JOIN name ON name.id = new.entity GROUP BY day)
         INSERT INTO heard_day AS d SELECT * FROM counted ON CONFLICT (day) DO UPDATE SET
           stations = d.stations + excluded.stations, objects = d.objects + excluded.objects, items = d.items + excluded.items";
    execute(client, sql, &[(&days, Type::INT4_ARRAY), (&ids, Type::INT4_ARRAY)]).await
}

pub(super) async fn links(client: &Client, tally: &Tally, names: &Names) -> Result<(), Error> {
    if tally.links.is_empty() {
        return Ok(());
    }
    let id = |name| names.get(&station(name)).copied();
    let rows: Vec<(i32, i32, i32, i32, Option<i32>)> = tally
        .links
        .iter()
        .filter_map(|((day, heard, by), link)| Some((id(*heard)?, *day, id(*by)?, link.packets, link.longest_m)))
        .collect();
    let heard: Vec<i32> = rows.iter().map(|row| row.0).collect();
    let days: Vec<i32> = rows.iter().map(|row| row.1).collect();
    let hearers: Vec<i32> = rows.iter().map(|row| row.2).collect();
    let packets: Vec<i32> = rows.iter().map(|row| row.3).collect();
    let longest: Vec<Option<i32>> = rows.iter().map(|row| row.4).collect();
    let sql = "INSERT INTO heard_link AS l SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)
         ON CONFLICT (heard, day, hearer) DO UPDATE SET
           packets = l.packets + excluded.packets, longest_m = greatest(l.longest_m, excluded.longest_m)";
    let lists = [&heard, &days, &hearers, &packets].map(|list| (list as _, Type::INT4_ARRAY));
    let params: Vec<Param<'_>> = lists.into_iter().chain([(&longest as _, Type::INT4_ARRAY)]).collect();
    execute(client, sql, &params).await
}

/// Notes what is appended for those who follow, and counts new entities. Returns this transaction's number, unless
/// nothing is appended.
pub(super) async fn log(client: &Client, ids: &[i64], entities: i64) -> Result<Option<Writer>, Error> {
    let count = i64::try_from(ids.len()).unwrap_or(0);
    let sql = "WITH grown AS (UPDATE counter SET value = value + CASE key WHEN 'appended' THEN $1 ELSE $2 END
                              WHERE key IN ('appended', 'entities') RETURNING key, value)
               INSERT INTO appended (position, ids) SELECT value, $3 FROM grown WHERE key = 'appended' AND $1 > 0
               RETURNING pg_current_xact_id()::xid::text";
    let rows = client.query_typed(sql, &[(&count, Type::INT8), (&entities, Type::INT8), (&ids, Type::INT8_ARRAY)]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Forgets what is too old to be followed.
pub(super) async fn trim(client: &Client, now: bool) -> Result<(), Error> {
    if !now {
        return Ok(());
    }
    let sql = "DELETE FROM appended WHERE at < now() - interval '3 hours'
               OR position < (SELECT value FROM counter WHERE key = 'appended') - $1";
    execute(client, sql, &[(&KEPT_IN_LOG, Type::INT8)]).await
}

pub(super) async fn last_batch(client: &Client, writer: i64, hash: Option<[u8; 16]>) -> Result<(), Error> {
    let Some(hash) = hash else {
        return Ok(());
    };
    let sql = "INSERT INTO last_batch VALUES ($1, $2, now()) ON CONFLICT (writer) DO UPDATE SET batch = $2, at = now()";
    execute(client, sql, &[(&writer, Type::INT8), (&&hash[..], Type::BYTEA)]).await
}

/// How far an import got.
pub(super) async fn progress(client: &Client, import: Option<&Imported>) -> Result<(), Error> {
    let Some(point) = import.and_then(|import| import.point.as_ref()) else {
        return Ok(());
    };
    let next = i64::try_from(point.next_offset).unwrap_or(i64::MAX);
    let sql = "INSERT INTO import VALUES ($1, $2, $3) ON CONFLICT (source) DO UPDATE SET next_offset = $2, fingerprint = $3";
    execute(client, sql, &[(&point.source, Type::TEXT), (&next, Type::INT8), (&point.fingerprint, Type::BYTEA)]).await
}
