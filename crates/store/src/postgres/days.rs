//! Days as partitions: dropped whole, thinned by filling a smaller table beside and putting it in its place.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::Object;
use godwit_pipeline::Record;
use tokio::time::timeout;
use tokio_postgres::{Error, Row, types::Type};

use super::{PostgresStore, connect::Param, lock};
use crate::{DayState, Days, StoreError, Thin, TimeEvidence};

/// How long thinning may read a day.
const LONG: Duration = Duration::from_secs(3600);

/// Bytes of latest states that are laid in order at most.
const MOST_ORDERED: i64 = 256 << 20;

#[async_trait]
impl Days for PostgresStore {
    async fn days(&self) -> Result<Vec<DayState>, StoreError> {
        let sql = "SELECT d.day, accepted + duplicate + implausible + bad, keep, without_bad, thinned_s, a.rows
                   FROM day d LEFT JOIN archived a USING (day) ORDER BY d.day";
        Ok(self.write_one(sql, &[]).await?.iter().map(state).collect())
    }

    async fn time_evidence(&self) -> Result<TimeEvidence, StoreError> {
        let sql =
            "SELECT array(SELECT day FROM day WHERE NOT keep AND accepted + duplicate + implausible + bad > 0 ORDER BY day), now_us()";
        let rows = self.write_one(sql, &[]).await?;
        let days = rows[0].get::<_, Vec<i32>>(0).into_iter().map(i64::from).collect();
        Ok(TimeEvidence { database_us: Some(rows[0].get(1)), days })
    }

    async fn prepare_ahead(&self, days: u16) -> Result<usize, StoreError> {
        let rows = self.write_one("SELECT now_us()", &[]).await?;
        self.prepare_days(rows[0].get(0), days.saturating_add(1)).await
    }

    async fn drop_day(&self, day: i64, packets: u64) -> Result<bool, StoreError> {
        let params = [(&number(day) as _, Type::INT4), (&count(packets) as _, Type::INT8)];
        let dropped = self.long("SELECT drop_day($1, $2)", &params, self.timeout).await;
        // Also when there was no answer: the day may be gone all the same.
        lock(&self.days).remove(&number(day));
        Ok(dropped?[0].get(0))
    }

    async fn thin_day(&self, day: i64, packets: u64, thin: Thin) -> Result<Option<u64>, StoreError> {
        let every_s = match thin {
            Thin::WithoutBad => 0,
            Thin::Tracks(every_s) => i32::try_from(every_s.max(1)).unwrap_or(i32::MAX),
        };
        let which = number(day);
        let params: [Param<'_>; 2] = [(&which as _, Type::INT4), (&every_s as _, Type::INT4)];
        self.long("SELECT thin_beside($1, $2)", &params, LONG).await?;
        let count = count(packets);
        let params: [Param<'_>; 3] = [(&which as _, Type::INT4), (&count as _, Type::INT8), (&every_s as _, Type::INT4)];
        let rows = self.long("SELECT thin_day($1, $2, $3)", &params, self.timeout).await?;
        let left = rows[0].get::<_, Option<i64>>(0).and_then(|left| u64::try_from(left).ok());
        if left.is_some() {
            self.write_one("UPDATE day SET packed = false WHERE day = $1", &[(&which, Type::INT4)]).await?;
        }
        Ok(left)
    }

    async fn restore(&self, day: i64, records: Vec<Record>) -> Result<(), StoreError> {
        self.append_restored(&records).await?;
        self.write_one("UPDATE day SET keep = true, packed = false WHERE day = $1", &[(&number(day), Type::INT4)]).await.map(drop)
    }

    async fn forget_aggregates(&self, before_day: i64) -> Result<u64, StoreError> {
        let sql = "WITH a AS (DELETE FROM hour WHERE hour < $1 * 24 RETURNING 1), b AS (DELETE FROM heard_day WHERE day < $1 RETURNING 1),
                     c AS (DELETE FROM heard_entity WHERE day < $1 RETURNING 1), d AS (DELETE FROM heard_link WHERE day < $1 RETURNING 1)
                   SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c) + (SELECT count(*) FROM d)";
        let rows = self.long(sql, &[(&number(before_day), Type::INT4)], LONG).await?;
        Ok(u64::try_from(rows[0].get::<_, i64>(0)).unwrap_or(0))
    }

    async fn pack_days(&self, before_day: i64) -> Result<usize, StoreError> {
        let sql = "SELECT day, day_table(day) FROM day WHERE NOT packed AND day < $1 ORDER BY day";
        let days = self.write_one(sql, &[(&number(before_day), Type::INT4)]).await?;
        for row in &days {
            self.pack(row.get(1)).await?;
            self.write_one("UPDATE day SET packed = true WHERE day = $1", &[(&row.get::<_, i32>(0), Type::INT4)]).await?;
        }
        // Last, and once a day: it may fail while somebody reads all states, such as pg_dump.
        if !days.is_empty() {
            self.order_states().await?;
        }
        Ok(days.len())
    }

    async fn set_archived(&self, day: i64, packets: u64, checksum: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO archived VALUES ($1, $2, $3, now_us())
                   ON CONFLICT (day) DO UPDATE SET rows = excluded.rows, checksum = excluded.checksum, at_us = excluded.at_us";
        let params = [(&number(day) as _, Type::INT4), (&count(packets) as _, Type::INT8), (&checksum as _, Type::TEXT)];
        self.write_one(sql, &params).await.map(drop)
    }
}

impl PostgresStore {
    /// Lays the latest states of neighbours side by side, unless most are: those of a city are then on a few pages instead
    /// of one each. Everybody waits meanwhile, 0.1 s for 10 MB, so a large table is left as it is.
    async fn order_states(&self) -> Result<(), StoreError> {
        let sql = "SELECT FROM pg_class c LEFT JOIN pg_stats s ON s.schemaname = c.relnamespace::regnamespace::text
                     AND s.tablename = c.relname AND s.attname = 'cell'
                   WHERE c.oid = 'entity'::regclass AND pg_relation_size(c.oid) < $1 AND coalesce(s.correlation, 0) < 0.9";
        if !self.write_one(sql, &[(&MOST_ORDERED, Type::INT8)]).await?.is_empty() {
            self.long("CLUSTER entity USING entity_cell", &[], self.timeout).await?;
            self.long("ANALYZE entity", &[], self.timeout).await?;
        }
        Ok(())
    }

    /// Builds the indexes of a table anew, full to the brim. Statement by statement: it cannot be done in a transaction.
    async fn pack(&self, table: &str) -> Result<(), StoreError> {
        let sql = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = to_regclass($1)";
        let indexes = self.write_one(sql, &[(&table, Type::TEXT)]).await?;
        let mut statements = Vec::new();
        for row in &indexes {
            let (index, valid): (&str, bool) = (row.get(0), row.get(1));
            // One that is not valid was left by a time before this that broke off.
            statements.push(if valid {
                format!("ALTER INDEX {index} SET (fillfactor = 100)")
            } else {
                format!("DROP INDEX CONCURRENTLY {index}")
            });
        }
        if !statements.is_empty() {
            statements.push(format!("REINDEX TABLE CONCURRENTLY {table}"));
        }
        let connection = self.connection(&self.write).await?;
        for statement in statements {
            let error = match timeout(LONG, connection.batch_execute(&statement)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => self.failed(&error),
                Err(_) => self.timed_out(),
            };
            drop(Object::take(connection));
            return Err(error);
        }
        Ok(())
    }

    /// One statement that may take longer than others, but waits for the locks of others only a moment.
    async fn long(&self, sql: &str, params: &[Param<'_>], limit: Duration) -> Result<Vec<Row>, StoreError> {
        let mut connection = self.connection(&self.write).await?;
        let settings = format!("SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = '3s'", limit.as_millis());
        let work = async {
            let transaction = connection.build_transaction().start().await?;
            transaction.batch_execute(&settings).await?;
            let rows = transaction.query_typed(sql, params).await?;
            transaction.commit().await?;
            Ok::<_, Error>(rows)
        };
        let error = match timeout(limit + Duration::from_secs(5), work).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.timed_out(),
        };
        drop(Object::take(connection));
        Err(error)
    }
}

fn number(day: i64) -> i32 {
    i32::try_from(day).unwrap_or(i32::MAX)
}

fn count(packets: u64) -> i64 {
    i64::try_from(packets).unwrap_or(i64::MAX)
}

fn state(row: &Row) -> DayState {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    DayState {
        day: row.get::<_, i32>(0).into(),
        packets: unsigned(row.get(1)),
        keep: row.get(2),
        without_bad: row.get(3),
        thinned_s: u32::try_from(row.get::<_, i32>(4)).unwrap_or(0),
        archived: row.get::<_, Option<i64>>(5).map(unsigned),
    }
}
