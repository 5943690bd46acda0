//! What is asked. Every answer has a bound; every statement is one round trip.

use std::collections::HashMap;

use godwit_pipeline::{EntityKey, EntityState, Name};
use tokio_postgres::{Row, types::Type};

use super::{PostgresStore, connect::Param, copy};
use crate::{
    Area, Counts, Followed, ImportPoint, PacketPage, PacketQuery, StoreError, StoredPacket, TrackPoint, WeatherPoint, cell,
    model::{KINDS, VERDICTS},
    packed,
    points::Motion,
};

/// Parameters: kind, name, from, until, how many.
const TRACK: &str = "SELECT id, latitude, longitude, altitude_m, speed_tenth_kmh, course_deg FROM packet
  WHERE entity = (SELECT id FROM name WHERE kind = $1 AND name = $2) AND id >= $3 AND id < $4 AND latitude IS NOT NULL
  ORDER BY id LIMIT $5";

/// Parameters as [`TRACK`].
const WEATHER: &str = "SELECT id, weather FROM packet
  WHERE entity = (SELECT id FROM name WHERE kind = $1 AND name = $2) AND id >= $3 AND id < $4 AND weather IS NOT NULL
  ORDER BY id LIMIT $5";

/// All states in one value: no row costs more than its bytes. Parameters: south, west, north, east, heard since, how
/// many; and perhaps the cells.
fn in_area(across: bool, cells: bool) -> String {
    let between = if across { "(longitude >= $2 OR longitude <= $4)" } else { "longitude BETWEEN $2 AND $4" };
    let cells = if cells { "cell = ANY ($7) AND" } else { "" };
    format!(
        "SELECT string_agg(state, ''::bytea) FROM (SELECT state FROM entity
         WHERE {cells} latitude BETWEEN $1 AND $3 AND {between} AND last_heard_us >= $5 AND alive LIMIT $6) found"
    )
}

/// Cells that are looked up one by one at most; for larger areas reading all states is faster.
const CELLS: usize = 1500;

const PACKET: &str = "p.id, s.name, p.kind, p.verdict, p.reason, p.raw";

/// Whose packet it is: mostly the entity's itself.
const SENDER: &str = "LEFT JOIN name s ON s.id = coalesce(p.sender, p.entity)";

impl PostgresStore {
    pub(super) async fn read_area(&self, area: Area, since_us: i64, limit: usize) -> Result<Vec<EntityState>, StoreError> {
        let question = AreaQuestion::new(area, since_us, limit);
        let rows = self.history(&question.sql(), &question.params()).await?;
        let mut bytes = rows.first().and_then(|row| row.get::<_, Option<&[u8]>>(0)).unwrap_or_default();
        let mut states = Vec::with_capacity(bytes.len() / 150);
        while let Some(state) = packed::unpack(&mut bytes) {
            states.push(state);
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
        let rows = self.history(TRACK, &track_params(&(key.kind as i16, key.name.as_bytes(), since_us, until_us, bound(limit)))).await?;
        let mut doubted = Vec::new();
        let mut points = Vec::with_capacity(rows.len());
        for row in &rows {
            let motion =
                Motion { latitude: row.get(1), longitude: row.get(2), altitude_m: row.get(3), speed: row.get(4), course_deg: row.get(5) };
            let point = motion.point(row.get(0), "accepted", None);
            if motion.course_deg == Some(copy::DOUBTED) {
                doubted.push(point.id);
            }
            points.push(point);
        }
        if !doubted.is_empty() {
            self.doubt(&mut points, &doubted).await?;
        }
        Ok(points)
    }

    /// Says of points why they are implausible, and what the packets say about the course.
    async fn doubt(&self, points: &mut [TrackPoint], ids: &[i64]) -> Result<(), StoreError> {
        let sql = format!("SELECT {PACKET} FROM packet p {SENDER} WHERE p.id = ANY ($1)");
        for row in self.history(&sql, &[(&ids, Type::INT8_ARRAY)]).await? {
            let packet = stored(&row);
            let at = points.binary_search_by_key(&packet.id, |point| point.id);
            if let (Ok(at), Some(point)) = (at, TrackPoint::read(&packet)) {
                points[at] = point;
            }
        }
        Ok(())
    }

    pub(super) async fn read_weather(
        &self,
        key: EntityKey,
        since_us: i64,
        until_us: i64,
        limit: usize,
    ) -> Result<Vec<WeatherPoint>, StoreError> {
        let rows = self.history(WEATHER, &track_params(&(key.kind as i16, key.name.as_bytes(), since_us, until_us, bound(limit)))).await?;
        Ok(rows.iter().map(|row| WeatherPoint::unpack(row.get(0), row.get(1))).collect())
    }

    pub(super) async fn read_packet(&self, id: i64) -> Result<Option<StoredPacket>, StoreError> {
        let sql = format!("SELECT {PACKET} FROM packet p {SENDER} WHERE p.id = $1");
        Ok(self.history(&sql, &[(&id, Type::INT8)]).await?.first().map(stored))
    }

    pub(super) async fn read_scan(&self, after_id: i64, until_us: i64, limit: usize) -> Result<Vec<StoredPacket>, StoreError> {
        let sql = format!(
            "SELECT {PACKET} FROM (SELECT * FROM packet p WHERE p.id > $1 AND p.id < $2 ORDER BY p.id LIMIT $3) p
             {SENDER} ORDER BY p.id"
        );
        let rows = self.history(&sql, &[(&after_id, Type::INT8), (&until_us, Type::INT8), (&bound(limit), Type::INT8)]).await?;
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
        let sql = format!("SELECT {PACKET} FROM packet p {SENDER} WHERE p.id = ANY ($1)");
        let rows = self.read(&sql, &[(&wanted, Type::INT8_ARRAY)]).await?;
        let mut found: HashMap<i64, StoredPacket> = rows.iter().map(stored).map(|packet| (packet.id, packet)).collect();
        followed.packets = wanted.iter().filter_map(|id| found.remove(id)).collect();
        Ok(followed)
    }

    pub(super) async fn read_entities(&self, since_us: i64) -> Result<Vec<EntityState>, StoreError> {
        let rows = self.read("SELECT state FROM entity WHERE last_heard_us >= $1", &[(&since_us, Type::INT8)]).await?;
        Ok(rows.iter().filter_map(state).collect())
    }

    pub(super) async fn read_entity(&self, key: EntityKey) -> Result<Option<EntityState>, StoreError> {
        let (kind, name) = (key.kind as i16, key.name);
        let params = [(&kind as _, Type::INT2), (&name.as_bytes() as _, Type::BYTEA)];
        let sql = "SELECT e.state FROM entity e JOIN name n USING (id) WHERE n.kind = $1 AND n.name = $2";
        Ok(self.read(sql, &params).await?.first().and_then(state))
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
                 {SENDER} ORDER BY p.id DESC LIMIT $3"
            );
            let names = [(&kinds as _, Type::INT2_ARRAY), (&words as _, Type::BYTEA_ARRAY)];
            self.history(&sql, &times.into_iter().chain(names).collect::<Vec<_>>()).await?
        } else {
            let sql = format!(
                "SELECT {PACKET} FROM (SELECT * FROM packet p WHERE p.id >= $1 AND p.id < $2 {duplicates} ORDER BY p.id DESC LIMIT $3) p
                 {SENDER} ORDER BY p.id DESC"
            );
            self.history(&sql, &times).await?
        };
        let mut page = PacketPage { packets: rows.iter().map(stored).collect(), next: None };
        if page.packets.len() > query.limit {
            page.packets.truncate(query.limit);
            page.next = page.packets.last().map(|packet| packet.id);
        }
        Ok(page)
    }

    pub(super) async fn read_import_progress(&self, source: &str) -> Result<Option<ImportPoint>, StoreError> {
        let sql = "SELECT next_offset, fingerprint FROM import WHERE source = $1";
        let rows = self.read(sql, &[(&source, Type::TEXT)]).await?;
        Ok(rows.first().map(|row| ImportPoint {
            source: source.to_owned(),
            next_offset: u64::try_from(row.get::<_, i64>(0)).unwrap_or(0),
            fingerprint: row.get::<_, Option<Vec<u8>>>(1).unwrap_or_default(),
        }))
    }

    pub(super) async fn read_counts(&self) -> Result<Counts, StoreError> {
        let sql = "SELECT coalesce(sum(accepted + implausible), 0)::int8, coalesce(sum(duplicate), 0)::int8, coalesce(sum(bad), 0)::int8,
                   (SELECT value FROM counter WHERE key = 'entities') FROM day";
        let rows = self.history(sql, &[]).await?;
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

/// An area in the steps and cells of the database.
struct AreaQuestion {
    edges: [i32; 4],
    cells: Option<Vec<i32>>,
    since_us: i64,
    limit: i64,
}

impl AreaQuestion {
    fn new(area: Area, since_us: i64, limit: usize) -> Self {
        let edges = cell::edges(&area);
        Self { edges, cells: cells(edges), since_us, limit: bound(limit) }
    }

    fn sql(&self) -> String {
        in_area(self.edges[1] > self.edges[3], self.cells.is_some())
    }

    fn params(&self) -> Vec<Param<'_>> {
        let mut params: Vec<Param<'_>> = self.edges.iter().map(|edge| -> Param<'_> { (edge, Type::INT4) }).collect();
        params.extend([(&self.since_us as _, Type::INT8), (&self.limit as _, Type::INT8)]);
        params.extend(self.cells.as_ref().map(|cells| -> Param<'_> { (cells, Type::INT4_ARRAY) }));
        params
    }
}

/// The cells that an area touches, unless they are too many.
fn cells(edges: [i32; 4]) -> Option<Vec<i32>> {
    let cells: Vec<i32> = cell::runs(edges).flat_map(|(first, last)| first..=last).take(CELLS + 1).collect();
    (cells.len() <= CELLS).then_some(cells)
}

fn state(row: &Row) -> Option<EntityState> {
    packed::unpack(&mut row.get::<_, &[u8]>(0))
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
