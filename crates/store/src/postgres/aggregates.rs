//! What is asked of the aggregates.

use godwit_pipeline::Name;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::{
    HeardDay, HeardLink, HeardSide, HourCounts, StoreError,
    model::{day_of, hour_of},
};

/// A count as the database has it.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl PostgresStore {
    pub(super) async fn read_hours(&self, from_us: i64, until_us: i64) -> Result<Vec<HourCounts>, StoreError> {
        let (first, last) = (hour_of(from_us), hour_of(until_us.saturating_sub(1)));
        let sql = "SELECT hour, accepted, duplicate, implausible, bad FROM hour WHERE hour BETWEEN $1 AND $2 ORDER BY hour";
        let rows = self.history(sql, &[(&first, Type::INT4), (&last, Type::INT4)]).await?;
        let read = |row: &tokio_postgres::Row| HourCounts {
            begins_us: i64::from(row.get::<_, i32>(0)) * 3_600_000_000,
            accepted: count(row.get(1)),
            duplicate: count(row.get(2)),
            implausible: count(row.get(3)),
            bad: count(row.get(4)),
        };
        Ok(rows.iter().map(read).collect())
    }

    pub(super) async fn read_heard_days(&self, from_us: i64, until_us: i64) -> Result<Vec<HeardDay>, StoreError> {
        let (first, last) = (day_of(from_us), day_of(until_us.saturating_sub(1)));
        let sql = "SELECT day, stations, objects, items FROM heard_day WHERE day BETWEEN $1 AND $2 ORDER BY day";
        let rows = self.history(sql, &[(&first, Type::INT4), (&last, Type::INT4)]).await?;
        let read = |row: &tokio_postgres::Row| HeardDay {
            day: i64::from(row.get::<_, i32>(0)),
            stations: count(row.get(1)),
            objects: count(row.get(2)),
            items: count(row.get(3)),
        };
        Ok(rows.iter().map(read).collect())
    }

    pub(super) async fn read_heard(
        &self,
        station: Name,
        side: HeardSide,
        since_us: i64,
        limit: usize,
    ) -> Result<Vec<HeardLink>, StoreError> {
        let (own, other) = match side {
            HeardSide::By => ("hearer", "heard"),
            HeardSide::Of => ("heard", "hearer"),
        };
        // Added up before names are looked up: only those that are answered need one.
        let sql = format!(
            "SELECT n.name, l.packets, l.longest_m, l.last_day FROM (
               SELECT {other} AS other, sum(packets) AS packets, max(longest_m) AS longest_m, max(day) AS last_day FROM heard_link
               WHERE {own} = (SELECT id FROM name WHERE kind = 0 AND name = $1) AND day >= $2 GROUP BY {other}) l
             JOIN name n ON n.id = l.other ORDER BY l.packets DESC, n.name LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = [(&station.as_bytes() as _, Type::BYTEA), (&day_of(since_us) as _, Type::INT4), (&limit as _, Type::INT8)];
        let read = |row: &tokio_postgres::Row| {
            Some(HeardLink {
                other: Name::new(row.get(0))?,
                packets: count(row.get(1)),
                longest_m: row.get::<_, Option<i32>>(2).and_then(|metres| u32::try_from(metres).ok()),
                last_day: i64::from(row.get::<_, i32>(3)),
            })
        };
        Ok(self.history(&sql, &params).await?.iter().filter_map(read).collect())
    }
}
