//! What is asked of the aggregates.

use std::collections::HashSet;

use godwit_packet::{NETWORK_MARKS, is_network_mark};
use godwit_pipeline::Name;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::{
    HeardDay, HeardLink, HeardSide, HourCounts, StoreError,
    model::{day_of, hour_of},
    reach::{self, FAR_M, FARTHEST_M, JUDGED_DAYS, NEAR_M, Senders},
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
        if is_network_mark(&station.to_string()) {
            return Ok(Vec::new());
        }
        let (own, other) = match side {
            HeardSide::By => ("hearer", "heard"),
            HeardSide::Of => ("heard", "hearer"),
        };
        // Added up before names are looked up. Earlier versions took marks of networks for stations.
        let sql = format!(
            "SELECT n.name, l.packets, l.longest_m, l.last_day FROM (
               SELECT {other} AS other, sum(packets) AS packets, max(longest_m) FILTER (WHERE longest_m <= {FARTHEST_M}) AS longest_m,
                 max(day) AS last_day FROM heard_link
               WHERE {own} = (SELECT id FROM name WHERE kind = 0 AND name = $1) AND day >= $2 GROUP BY {other}) l
             JOIN name n ON n.id = l.other WHERE upper(split_part(encode(n.name, 'escape'), '-', 1)) <> ALL ($4)
             ORDER BY l.packets DESC, n.name LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let marks = NETWORK_MARKS.as_slice();
        let params = [
            (&station.as_bytes() as _, Type::BYTEA),
            (&day_of(since_us) as _, Type::INT4),
            (&limit as _, Type::INT8),
            (&marks as _, Type::TEXT_ARRAY),
        ];
        let read = |row: &tokio_postgres::Row| {
            Some(HeardLink {
                other: Name::new(row.get(0))?,
                packets: count(row.get(1)),
                longest_m: row.get::<_, Option<i32>>(2).and_then(|metres| u32::try_from(metres).ok()),
                last_day: i64::from(row.get::<_, i32>(3)),
            })
        };
        let mut links: Vec<HeardLink> = self.history(&sql, &params).await?.iter().filter_map(read).collect();
        let hearers = reach::hearers_to_judge(&links, station, side);
        if !hearers.is_empty() {
            let gates = self.hf_gates(&hearers, day_of(since_us)).await?;
            reach::forget_distances_of(&mut links, station, side, &gates);
        }
        Ok(links)
    }

    /// Those of these stations that are HF gateways, judged by the days since this one and some before.
    async fn hf_gates(&self, hearers: &[Name], since_day: i32) -> Result<HashSet<Name>, StoreError> {
        let sql = format!(
            "SELECT n.name, count(*), count(*) FILTER (WHERE l.longest_m < {NEAR_M}), count(*) FILTER (WHERE l.longest_m > {FAR_M}) FROM (
               SELECT hearer, heard, max(longest_m) AS longest_m FROM heard_link
               WHERE hearer IN (SELECT id FROM name WHERE kind = 0 AND name = ANY ($1)) AND day >= $2 AND longest_m IS NOT NULL
               GROUP BY hearer, heard) l
             JOIN name n ON n.id = l.hearer GROUP BY n.name"
        );
        let names: Vec<&[u8]> = hearers.iter().map(Name::as_bytes).collect();
        let first = since_day.saturating_sub(JUDGED_DAYS);
        let rows = self.history(&sql, &[(&names as _, Type::BYTEA_ARRAY), (&first as _, Type::INT4)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let senders = Senders { placed: row.get(1), near: row.get(2), far: row.get(3) };
            Name::new(row.get(0)).filter(|_| senders.are_of_hf_gate())
        };
        Ok(rows.iter().filter_map(read).collect())
    }
}
