//! Packets an hour, entities heard a day, who heard whom: in the day's own file, so that they are exactly its packets
//! whatever breaks; in the main file once the day is dropped.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use godwit_packet::is_network_mark;

use godwit_pipeline::{EntityKind, Name};
use rusqlite::{Connection, Row, Transaction, params};

use super::{day, main_file};
use crate::{
    HeardLink, HeardSide, HourCounts, StoreError,
    model::hour_of,
    reach::{FARTHEST_M, Senders},
    tally::Tally,
};

/// Adds to the aggregates of a day.
pub(super) fn add(transaction: &Transaction<'_>, names: &mut HashMap<(u8, Name), i64>, tally: &Tally) -> rusqlite::Result<()> {
    let mut hour = transaction.prepare_cached(
        "INSERT INTO hour VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hour) DO UPDATE SET accepted = accepted + ?2,
         duplicate = duplicate + ?3, implausible = implausible + ?4, bad = bad + ?5",
    )?;
    for (number, [accepted, duplicate, implausible, bad]) in &tally.hours {
        hour.execute(params![number, accepted, duplicate, implausible, bad])?;
    }
    // max() of two is NULL if either is.
    let mut link = transaction.prepare_cached(
        "INSERT INTO heard_link VALUES (?1, ?2, ?3, ?4) ON CONFLICT (heard, hearer) DO UPDATE SET packets = packets + ?3,
         longest_m = coalesce(max(longest_m, ?4), longest_m, ?4)",
    )?;
    for ((_, heard, hearer), added) in &tally.links {
        let heard = day::name_id(transaction, names, EntityKind::Station as u8, *heard)?;
        let hearer = day::name_id(transaction, names, EntityKind::Station as u8, *hearer)?;
        link.execute(params![heard, hearer, added.packets, added.longest_m])?;
    }
    Ok(())
}

/// Takes the aggregates of a day that is about to be dropped into the main file, once.
pub(super) fn keep(main: &mut Connection, folder: &Path, day: i64) -> rusqlite::Result<()> {
    main.execute("ATTACH ?1 AS gone", [day::path(folder, day).to_string_lossy()])?;
    // On disk before the day's file goes.
    let kept = main.pragma_update(None, "synchronous", "FULL").and_then(|()| take_in(main, day));
    main.execute_batch("DETACH gone; PRAGMA synchronous = NORMAL")?;
    kept
}

fn take_in(main: &mut Connection, day: i64) -> rusqlite::Result<()> {
    let transaction = main.transaction()?;
    transaction.execute("DELETE FROM main.imported WHERE day = ?1", [day])?;
    let new = transaction.execute("INSERT OR IGNORE INTO moved SELECT value, ?1 FROM gone.counter WHERE key = 'born'", [day])?;
    if new == 1 {
        transaction.execute_batch(
            "INSERT OR IGNORE INTO main.name (name) SELECT name FROM gone.name
               WHERE kind = 0 AND id IN (SELECT heard FROM gone.heard_link UNION SELECT hearer FROM gone.heard_link);
             INSERT INTO main.hour AS h SELECT * FROM gone.hour WHERE true ON CONFLICT (hour) DO UPDATE SET
               accepted = h.accepted + excluded.accepted, duplicate = h.duplicate + excluded.duplicate,
               implausible = h.implausible + excluded.implausible, bad = h.bad + excluded.bad",
        )?;
        transaction.execute(
            "INSERT INTO main.heard_day AS d SELECT ?1, s, o, i FROM (SELECT
               coalesce(max(value) FILTER (WHERE key = 'stations'), 0) s, coalesce(max(value) FILTER (WHERE key = 'objects'), 0) o,
               coalesce(max(value) FILTER (WHERE key = 'items'), 0) i FROM gone.counter) WHERE s + o + i > 0
             ON CONFLICT (day) DO UPDATE SET stations = d.stations + excluded.stations, objects = d.objects + excluded.objects,
               items = d.items + excluded.items",
            [day],
        )?;
        transaction.execute(
            "INSERT INTO main.heard_link AS l
             SELECT ?1, a.id, b.id, packets, longest_m FROM gone.heard_link g
               CROSS JOIN gone.name x ON x.id = g.heard CROSS JOIN main.name a ON a.name = x.name
               CROSS JOIN gone.name y ON y.id = g.hearer CROSS JOIN main.name b ON b.name = y.name
             WHERE true ORDER BY a.id, b.id
             ON CONFLICT (day, heard, hearer) DO UPDATE SET packets = l.packets + excluded.packets,
               longest_m = coalesce(max(l.longest_m, excluded.longest_m), l.longest_m, excluded.longest_m)",
            [day],
        )?;
    }
    transaction.commit()
}

/// Whether the main file has the aggregates of this day's file: dropping it broke off.
pub(super) fn has_taken(main: &Connection, day: &Connection) -> rusqlite::Result<bool> {
    let born: i64 = day.query_row("SELECT value FROM counter WHERE key = 'born'", [], |row| row.get(0))?;
    main.prepare_cached("SELECT 1 FROM moved WHERE born = ?1")?.exists([born])
}

/// Forgets what the main file has of days before this one; how many rows.
pub(super) fn forget(main: &mut Connection, before_day: i64) -> rusqlite::Result<u64> {
    let transaction = main.transaction()?;
    let mut rows = transaction.execute("DELETE FROM hour WHERE hour < ?1 * 24", [before_day])?;
    rows += transaction.execute("DELETE FROM heard_day WHERE day < ?1", [before_day])?;
    rows += transaction.execute("DELETE FROM heard_link WHERE day < ?1", [before_day])?;
    transaction.execute("DELETE FROM moved WHERE day < ?1", [before_day])?;
    transaction.commit()?;
    Ok(rows as u64)
}

/// Forgets the aggregates in a day's file; how many rows.
pub(super) fn forget_in(day: &mut Connection) -> rusqlite::Result<u64> {
    let transaction = day.transaction()?;
    let mut rows = transaction.execute("DELETE FROM hour", [])?;
    rows += transaction.execute("DELETE FROM heard_link", [])?;
    rows += transaction.execute("UPDATE counter SET value = 0 WHERE key IN ('stations', 'objects', 'items') AND value > 0", [])?;
    // The packets stay: who is heard again on that day counts again.
    transaction.execute("UPDATE name SET heard = 0 WHERE heard = 1", [])?;
    transaction.commit()?;
    Ok(rows as u64)
}

fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
}

/// Packets an hour, of the main file and of these days.
pub(super) fn hours(folder: &Path, days: &[i64], from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError> {
    let mut found: std::collections::BTreeMap<i64, HourCounts> = std::collections::BTreeMap::new();
    let mut add = |connection: &Connection| {
        let mut select = connection.prepare("SELECT * FROM hour WHERE hour BETWEEN ?1 AND ?2")?;
        let mut rows = select.query([hour_of(from_us), hour_of(until_us.saturating_sub(1))])?;
        while let Some(row) = rows.next()? {
            let hour = found.entry(row.get(0)?).or_default();
            hour.accepted += unsigned(row, 1)?;
            hour.duplicate += unsigned(row, 2)?;
            hour.implausible += unsigned(row, 3)?;
            hour.bad += unsigned(row, 4)?;
        }
        Ok(())
    };
    main_file::read(folder, &mut add)?;
    for number in days {
        if let Some((path, connection)) = day::open(folder, *number)? {
            add(&connection).map_err(|error| StoreError::sqlite(&path, &error))?;
        }
    }
    Ok(found.into_iter().map(|(hour, counts)| HourCounts { begins_us: hour * 3_600_000_000, ..counts }).collect())
}

/// Entities heard on days that are dropped: stations, objects, items.
pub(super) fn heard_days(folder: &Path, first: i64, last: i64) -> Result<Vec<(i64, [u64; 3])>, StoreError> {
    main_file::read(folder, |connection| {
        let mut select = connection.prepare("SELECT * FROM heard_day WHERE day BETWEEN ?1 AND ?2")?;
        let rows = select.query_map([first, last], |row| Ok((row.get(0)?, [unsigned(row, 1)?, unsigned(row, 2)?, unsigned(row, 3)?])))?;
        rows.collect()
    })
}

/// Links of a station, of the main file since a day and of these days.
pub(super) fn heard(folder: &Path, days: &[i64], (station, side, since_day): (Name, HeardSide, i64)) -> Result<Vec<HeardLink>, StoreError> {
    let (own, other) = match side {
        HeardSide::By => ("hearer", "heard"),
        HeardSide::Of => ("heard", "hearer"),
    };
    let mut found: HashMap<Name, HeardLink> = HashMap::new();
    let mut add = |row: &Row<'_>, last_day: i64| {
        let Some(name) = Name::new(row.get_ref(0)?.as_blob()?) else {
            return Ok(());
        };
        // Earlier versions took marks of networks for stations.
        if is_network_mark(&name.to_string()) {
            return Ok(());
        }
        let link = found.entry(name).or_insert(HeardLink { other: name, packets: 0, longest_m: None, last_day });
        link.packets += unsigned(row, 1)?;
        link.longest_m = link.longest_m.max(row.get(2)?);
        link.last_day = link.last_day.max(last_day);
        Ok::<_, rusqlite::Error>(())
    };
    main_file::read(folder, |connection| {
        // From each day its own stretch; the planner would read all days.
        let sql = format!(
            "SELECT n.name, sum(l.packets), max(l.longest_m) FILTER (WHERE l.longest_m <= {FARTHEST_M}), max(l.day) FROM heard_day d
             CROSS JOIN heard_link l ON l.day = d.day AND l.{own} = (SELECT id FROM name WHERE name = ?1)
             CROSS JOIN name n ON n.id = l.{other} WHERE d.day >= ?2 GROUP BY l.{other}"
        );
        let mut select = connection.prepare(&sql)?;
        let mut rows = select.query(params![station.as_bytes(), since_day])?;
        while let Some(row) = rows.next()? {
            add(row, row.get(3)?)?;
        }
        Ok(())
    })?;
    let sql = format!(
        "SELECT n.name, l.packets, iif(l.longest_m <= {FARTHEST_M}, l.longest_m, NULL) FROM heard_link l CROSS JOIN name n ON n.id = l.{other}
         WHERE l.{own} = (SELECT id FROM name WHERE kind = 0 AND name = ?1)"
    );
    for number in days {
        let Some((path, connection)) = day::open(folder, *number)? else {
            continue;
        };
        let mut read = || {
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query([station.as_bytes()])?;
            while let Some(row) = rows.next()? {
                add(row, *number)?;
            }
            Ok(())
        };
        read().map_err(|error| StoreError::sqlite(&path, &error))?;
    }
    Ok(found.into_values().collect())
}

/// Those of these stations that are HF gateways, judged by the main file since a day and by these days.
pub(super) fn hf_gates(folder: &Path, days: &[i64], hearers: &[Name], since_day: i64) -> Result<HashSet<Name>, StoreError> {
    // By hearer and who was heard.
    let mut longest: HashMap<(Name, Name), i32> = HashMap::new();
    let mut read = |connection: &Connection, sql: &str, since: Option<i64>| {
        let mut select = connection.prepare(sql)?;
        for hearer in hearers {
            let mut rows = match since {
                Some(day) => select.query(params![hearer.as_bytes(), day])?,
                None => select.query([hearer.as_bytes()])?,
            };
            while let Some(row) = rows.next()? {
                if let Some(heard) = Name::new(row.get_ref(0)?.as_blob()?) {
                    let metres = longest.entry((*hearer, heard)).or_default();
                    *metres = (*metres).max(row.get(1)?);
                }
            }
        }
        Ok(())
    };
    main_file::read(folder, |connection| {
        let sql = "SELECT n.name, max(l.longest_m) FROM heard_day d
             CROSS JOIN heard_link l ON l.day = d.day AND l.hearer = (SELECT id FROM name WHERE name = ?1)
             CROSS JOIN name n ON n.id = l.heard WHERE d.day >= ?2 AND l.longest_m IS NOT NULL GROUP BY l.heard";
        read(connection, sql, Some(since_day))
    })?;
    let sql = "SELECT n.name, l.longest_m FROM heard_link l CROSS JOIN name n ON n.id = l.heard
         WHERE l.hearer = (SELECT id FROM name WHERE kind = 0 AND name = ?1) AND l.longest_m IS NOT NULL";
    for number in days {
        if let Some((path, connection)) = day::open(folder, *number)? {
            read(&connection, sql, None).map_err(|error| StoreError::sqlite(&path, &error))?;
        }
    }
    let mut senders: HashMap<Name, Senders> = HashMap::new();
    for ((hearer, _), metres) in longest {
        senders.entry(hearer).or_default().add(metres);
    }
    Ok(senders.into_iter().filter(|(_, senders)| senders.are_of_hf_gate()).map(|(hearer, _)| hearer).collect())
}
