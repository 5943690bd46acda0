//! What is asked. Every answer has a bound; every statement is one round trip.

use std::{collections::HashMap, sync::Arc};

use godwit_pipeline::{EntityKey, EntityState, Name, fix_of};
use tokio_postgres::{Row, types::Type};

use super::{PostgresStore, append::key_of, connect::Param};
use crate::{
    Area, Content, Counts, Followed, PacketPage, PacketQuery, StoreError, StoredPacket, TrackPoint, WeatherPoint,
    model::{KINDS, RECENT_CONTENT, VERDICTS},
};

const STATE: &str = "SELECT n.kind, n.name, e.owner, e.alive, e.first_heard_us, e.last_heard_us, e.raw, e.positioned_us, e.position_raw
  FROM entity e JOIN name n ON n.id = e.id";

/// Parameters: kind, name, from, until, how many.
const TRACK: &str = "SELECT id, latitude, longitude FROM packet
  WHERE entity = (SELECT id FROM name WHERE kind = $1 AND name = $2) AND id >= $3 AND id < $4 AND latitude IS NOT NULL
  ORDER BY id LIMIT $5";

/// Parameters: west, south, east, north, heard since, how many.
const IN_BOX: &str = "WHERE e.geom && ST_MakeEnvelope($1, $2, $3, $4, 4326) AND e.last_heard_us >= $5 AND e.alive LIMIT $6";

const PACKET: &str = "p.id, s.name, p.kind, p.verdict, p.reason, p.raw";

impl PostgresStore {
    /// How the database would answer [`crate::Store::track`], as `EXPLAIN (FORMAT JSON)`: for operators and tests.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn explain_track(&self, key: EntityKey, since_us: i64, until_us: i64) -> Result<String, StoreError> {
        self.explain(TRACK, &track_params(&(key.kind as i16, key.name.as_bytes(), since_us, until_us, 1000))).await
    }

    /// How the database would answer [`crate::Store::in_area`], as [`PostgresStore::explain_track`].
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn explain_box(&self, area: Area, since_us: i64) -> Result<String, StoreError> {
        self.explain(&format!("{STATE} {IN_BOX}"), &box_params(&area, &since_us, &1000)).await
    }

    async fn explain(&self, sql: &str, params: &[Param<'_>]) -> Result<String, StoreError> {
        let rows = self.read(&format!("EXPLAIN (FORMAT JSON) {sql}"), params).await?;
        Ok(rows.first().and_then(|row| row.try_get::<_, super::connect::Json>(0).ok()).map(|json| json.0).unwrap_or_default())
    }

    pub(super) async fn read_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
        let halves = if area.west <= area.east { vec![(area.west, area.east)] } else { vec![(area.west, 180.0), (-180.0, area.east)] };
        let mut states = Vec::new();
        for (west, east) in halves {
            let left = bound(limit) - bound(states.len());
            let half = Area { west, east, ..area };
            states.extend(self.read(&format!("{STATE} {IN_BOX}"), &box_params(&half, &since_us, &left)).await?.iter().filter_map(state));
        }
        Ok(states)
    }

    pub(super) async fn read_track(
        &self,
        key: EntityKey,
        since_us: i64,
        until_us: i64,
        limit: usize,
    ) -> Result<Vec<TrackPoint>, StoreError> {
        let packets = self.read_series(key, since_us, until_us).await?;
        Ok(packets.iter().filter_map(TrackPoint::read).take(limit).collect())
    }

    pub(super) async fn read_weather(
        &self,
        key: EntityKey,
        since_us: i64,
        until_us: i64,
        limit: usize,
    ) -> Result<Vec<WeatherPoint>, StoreError> {
        let packets = self.read_series(key, since_us, until_us).await?;
        Ok(packets.iter().filter_map(WeatherPoint::read).take(limit).collect())
    }

    async fn read_series(&self, key: EntityKey, since_us: i64, until_us: i64) -> Result<Vec<StoredPacket>, StoreError> {
        let sql = format!(
            "SELECT {PACKET} FROM packet p LEFT JOIN name s ON s.id = p.sender
             WHERE p.entity = (SELECT id FROM name WHERE kind = $1 AND name = $2) AND p.id >= $3 AND p.id < $4 AND p.verdict IN (0, 2)
             ORDER BY p.id LIMIT $5"
        );
        let rows = self.read(&sql, &track_params(&(key.kind as i16, key.name.as_bytes(), since_us, until_us, 100_000))).await?;
        Ok(rows.iter().map(stored).collect())
    }

    pub(super) async fn read_packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError> {
        let sql = format!("SELECT {PACKET} FROM packet p LEFT JOIN name s ON s.id = p.sender WHERE p.id = $1");
        Ok(self.read(&sql, &[(&id, Type::INT8)]).await?.first().map(stored))
    }

    pub(super) async fn read_scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
        let sql = format!(
            "SELECT {PACKET} FROM (SELECT * FROM packet p WHERE p.id > $1 AND p.id < $2 ORDER BY p.id LIMIT $3) p
             LEFT JOIN name s ON s.id = p.sender ORDER BY p.id"
        );
        let rows = self.read(&sql, &[(&after_id, Type::INT8), (&until_us, Type::INT8), (&bound(limit), Type::INT8)]).await?;
        Ok(rows.iter().map(stored).collect())
    }

    pub(super) async fn read_follow(&self, after: Option<i64>, limit: usize) -> Result<Followed, StoreError> {
        const END: &str = "SELECT value FROM counter WHERE key = 'appended'";
        let end = |rows: &[Row]| rows.first().map_or(0, |row| row.get::<_, i64>(0));
        let Some(after) = after else {
            return Ok(Followed { position: end(&self.read(END, &[]).await?), ..Followed::default() });
        };
        // Batches are small beside what may be asked for; one that is cut short is read again next time.
        let sql = "SELECT position, ids FROM appended WHERE position > $1 ORDER BY position LIMIT 16";
        let mut rows = self.read(sql, &[(&after, Type::INT8)]).await?;
        let mut followed = Followed { position: after, ..Followed::default() };
        if rows.is_empty() {
            // All caught up, or all of it forgotten, or a position of another database; or a batch came just now.
            let end = end(&self.read(END, &[]).await?);
            if end != after {
                rows = self.read(sql, &[(&after, Type::INT8)]).await?;
            }
            if rows.is_empty() {
                return Ok(Followed { position: end, gap: end != after, ..followed });
            }
        }
        let mut wanted: Vec<i64> = Vec::new();
        for row in &rows {
            let (until, ids): (i64, Vec<i64>) = (row.get(0), row.get(1));
            let begin = until - ids.len() as i64;
            if wanted.is_empty() && followed.position < begin {
                followed.gap = true;
                followed.position = begin;
            }
            let skipped = usize::try_from(followed.position - begin).unwrap_or(0);
            let taken = &ids[skipped.min(ids.len())..];
            let taken = &taken[..taken.len().min(limit - wanted.len())];
            wanted.extend(taken);
            followed.position += taken.len() as i64;
        }
        let sql = format!("SELECT {PACKET} FROM packet p LEFT JOIN name s ON s.id = p.sender WHERE p.id = ANY ($1)");
        let rows = self.read(&sql, &[(&wanted, Type::INT8_ARRAY)]).await?;
        let mut found: HashMap<i64, StoredPacket> = rows.iter().map(stored).map(|packet| (packet.id, packet)).collect();
        followed.packets = wanted.iter().filter_map(|id| found.remove(id)).collect();
        Ok(followed)
    }

    pub(super) async fn read_entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
        let rows = self.read(&format!("{STATE} WHERE e.last_heard_us >= $1"), &[(&since_us, Type::INT8)]).await?;
        Ok(rows.iter().filter_map(state).collect())
    }

    pub(super) async fn read_entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
        let (kind, name) = (key.kind as i16, key.name);
        let params = [(&kind as _, Type::INT2), (&name.as_bytes() as _, Type::BYTEA)];
        let rows = self.read(&format!("{STATE} WHERE n.kind = $1 AND n.name = $2"), &params).await?;
        Ok(rows.first().and_then(state))
    }

    pub(super) async fn read_packets(&self, query: &PacketQuery) -> Result<PacketPage, StoreError> {
        let until = query.before_id.unwrap_or(i64::MAX).min(query.until_us);
        let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
        let duplicates = if query.duplicates { "" } else { "AND p.verdict <> 1" };
        let times = [(&query.since_us as _, Type::INT8), (&until as _, Type::INT8), (&limit as _, Type::INT8)];
        let rows = if let Some(about) = &query.about {
            let kinds: Vec<i16> = about.iter().map(|key| key.kind as i16).collect();
            let words: Vec<&[u8]> = about.iter().map(|key| key.name.as_bytes()).collect();
            // The newest of each entity from its own stretch of the index, then the newest of all.
            let sql = format!(
                "SELECT {PACKET} FROM unnest($4, $5) w (kind, name) JOIN name n USING (kind, name)
                 CROSS JOIN LATERAL (SELECT * FROM packet p WHERE p.entity = n.id AND p.id >= $1 AND p.id < $2 {duplicates}
                                     ORDER BY p.id DESC LIMIT $3) p
                 LEFT JOIN name s ON s.id = p.sender ORDER BY p.id DESC LIMIT $3"
            );
            let names = [(&kinds as _, Type::INT2_ARRAY), (&words as _, Type::BYTEA_ARRAY)];
            self.read(&sql, &times.into_iter().chain(names).collect::<Vec<_>>()).await?
        } else {
            let sql = format!(
                "SELECT {PACKET} FROM (SELECT * FROM packet p WHERE p.id >= $1 AND p.id < $2 {duplicates} ORDER BY p.id DESC LIMIT $3) p
                 LEFT JOIN name s ON s.id = p.sender ORDER BY p.id DESC"
            );
            self.read(&sql, &times).await?
        };
        let mut page = PacketPage { packets: rows.iter().map(stored).collect(), next: None };
        if page.packets.len() > query.limit {
            page.packets.truncate(query.limit);
            page.next = page.packets.last().map(|packet| packet.id);
        }
        Ok(page)
    }

    pub(super) async fn read_recent_content(&self, since_us: i64) -> Result<Vec<Content>, StoreError> {
        let limit = i64::try_from(RECENT_CONTENT).unwrap_or(i64::MAX);
        let sql = "SELECT id, raw FROM packet WHERE id >= $1 ORDER BY id DESC LIMIT $2";
        // From where it is written: a replica may be behind.
        let rows = self.write_one(sql, &[(&since_us, Type::INT8), (&limit, Type::INT8)]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<_, &[u8]>(1).into())).collect())
    }

    pub(super) async fn read_import_progress(&self, source: &str) -> Result<u64, StoreError> {
        let rows = self.read("SELECT next_offset FROM import WHERE source = $1", &[(&source, Type::TEXT)]).await?;
        Ok(rows.first().and_then(|row| u64::try_from(row.get::<_, i64>(0)).ok()).unwrap_or(0))
    }

    pub(super) async fn read_counts(&self) -> Result<Counts, StoreError> {
        let sql = "SELECT coalesce(sum(accepted + implausible), 0)::int8, coalesce(sum(duplicate), 0)::int8, coalesce(sum(bad), 0)::int8,
                   (SELECT value FROM counter WHERE key = 'entities') FROM day";
        let rows = self.read(sql, &[]).await?;
        let number = |at: usize| u64::try_from(rows[0].get::<_, i64>(at)).unwrap_or(0);
        Ok(Counts { stored: number(0), duplicates: number(1), bad: number(2), entities: number(3) })
    }
}

/// A count as a parameter.
fn bound(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The parameters of [`TRACK`]: kind, name, from, until, how many.
fn track_params<'p>((kind, name, since_us, until_us, limit): &'p (i16, &[u8], i64, i64, i64)) -> [Param<'p>; 5] {
    [(kind as _, Type::INT2), (name as _, Type::BYTEA), (since_us as _, Type::INT8), (until_us as _, Type::INT8), (limit as _, Type::INT8)]
}

/// The parameters of [`IN_BOX`].
fn box_params<'p>(area: &'p Area, since_us: &'p i64, limit: &'p i64) -> [Param<'p>; 6] {
    let degrees = |value: &'p f64| -> Param<'p> { (value, Type::FLOAT8) };
    let [west, south, east, north] = [&area.west, &area.south, &area.east, &area.north].map(degrees);
    [west, south, east, north, (since_us, Type::INT8), (limit, Type::INT8)]
}

/// A row with what its raw lines say, read anew.
fn state(row: &Row) -> Option<EntityState> {
    let key = key_of(row.get(0), row.get(1))?;
    let raw: Arc<[u8]> = row.get::<_, &[u8]>(6).into();
    let position_raw: Arc<[u8]> = row.get::<_, Option<&[u8]>>(8).map_or_else(|| raw.clone(), Into::into);
    let position = row.get::<_, Option<i64>>(7).and_then(|at_us| Some((at_us, fix_of(&position_raw, &key)?, position_raw)));
    Some(EntityState {
        key,
        owner: row.get::<_, Option<&[u8]>>(2).and_then(Name::new),
        alive: row.get(3),
        first_heard_us: row.get(4),
        last_heard_us: row.get(5),
        raw,
        position,
    })
}

fn stored(row: &Row) -> StoredPacket {
    let word = |list: &[&'static str], at: usize, other| {
        usize::try_from(row.get::<_, i16>(at)).ok().and_then(|number| list.get(number).copied()).unwrap_or(other)
    };
    let id = row.get(0);
    StoredPacket {
        id,
        received_at_us: id,
        sender: row.get::<_, Option<&[u8]>>(1).and_then(Name::new),
        kind: word(KINDS, 2, "unknown"),
        verdict: word(&VERDICTS, 3, "bad"),
        reason: row.get(4),
        raw: row.get::<_, &[u8]>(5).into(),
    }
}
