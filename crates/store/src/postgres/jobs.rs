//! The table of jobs in the database. Each call is one statement, so one round trip and one transaction.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::{Row, types::Type};

use super::{PostgresStore, lease::micros};
use crate::{JobClaim, JobPlan, JobState, JobTable, StoreError};

#[async_trait]
impl JobTable for PostgresStore {
    async fn announce_jobs(&self, plans: &[JobPlan]) -> Result<(), StoreError> {
        let names: Vec<&str> = plans.iter().map(|plan| plan.name).collect();
        let priorities: Vec<i16> = plans.iter().map(|plan| plan.priority).collect();
        let first: Vec<i64> = plans.iter().map(|plan| micros(plan.first_in)).collect();
        let every: Vec<i64> = plans.iter().map(|plan| micros(plan.every)).collect();
        let sql = "INSERT INTO job AS j (name, priority, next_run_us)
                   SELECT name, priority, now_us() + first FROM unnest($1, $2, $3) AS p (name, priority, first) ORDER BY name
                   ON CONFLICT (name) DO UPDATE SET priority = excluded.priority, lease_until_us = least(j.lease_until_us, now_us() + $5),
                     next_run_us = least(j.next_run_us,
                       now_us() + (SELECT every FROM unnest($1, $4) AS e (name, every) WHERE e.name = j.name))";
        let params = [
            (&names as _, Type::TEXT_ARRAY),
            (&priorities as _, Type::INT2_ARRAY),
            (&first as _, Type::INT8_ARRAY),
            (&every as _, Type::INT8_ARRAY),
            (&micros(JobPlan::LONGEST_LEASE) as _, Type::INT8),
        ];
        self.write_one(sql, &params).await.map(drop)
    }

    async fn claim_job(&self, holder: &str, names: &[&str], lease: Duration) -> Result<Option<JobClaim>, StoreError> {
        let sql = "UPDATE job SET holder = $1, token = token + 1, last_run_us = now_us(), lease_until_us = now_us() + $3
                   WHERE name = (SELECT name FROM job WHERE name = ANY ($2) AND next_run_us <= now_us() AND lease_until_us <= now_us()
                                 ORDER BY priority DESC, next_run_us, name LIMIT 1 FOR UPDATE SKIP LOCKED)
                   RETURNING name, token, failures";
        let params = [(&holder as _, Type::TEXT), (&names as _, Type::TEXT_ARRAY), (&micros(lease) as _, Type::INT8)];
        let rows = self.write_one(sql, &params).await?;
        Ok(rows.first().map(|row| JobClaim {
            name: row.get(0),
            token: row.get(1),
            failures: u32::try_from(row.get::<_, i32>(2)).unwrap_or(0),
        }))
    }

    async fn renew_job(&self, claim: &JobClaim, lease: Duration) -> Result<bool, StoreError> {
        let sql = "UPDATE job SET lease_until_us = now_us() + $3 WHERE name = $1 AND token = $2 RETURNING name";
        let params = [(&claim.name as _, Type::TEXT), (&claim.token as _, Type::INT8), (&micros(lease) as _, Type::INT8)];
        Ok(!self.write_one(sql, &params).await?.is_empty())
    }

    async fn finish_job(&self, claim: &JobClaim, ok: bool, result: &str, next_in: Duration) -> Result<bool, StoreError> {
        let sql = "UPDATE job SET lease_until_us = 0, holder = NULL, next_run_us = now_us() + $5, last_ok = $3, last_result = $4,
                     last_duration_us = now_us() - last_run_us, last_ok_us = CASE WHEN $3 THEN now_us() ELSE last_ok_us END,
                     failures = CASE WHEN $3 THEN 0 ELSE failures + 1 END, runs = runs + 1
                   WHERE name = $1 AND token = $2 AND lease_until_us > 0 RETURNING name";
        let params = [
            (&claim.name as _, Type::TEXT),
            (&claim.token as _, Type::INT8),
            (&ok as _, Type::BOOL),
            (&result as _, Type::TEXT),
            (&micros(next_in) as _, Type::INT8),
        ];
        Ok(!self.write_one(sql, &params).await?.is_empty())
    }

    async fn jobs(&self) -> Result<Vec<JobState>, StoreError> {
        let sql = "SELECT name, priority, next_run_us, CASE WHEN lease_until_us > now_us() THEN holder END, last_run_us,
                     last_duration_us, last_ok, last_result, last_ok_us, failures, runs FROM job ORDER BY name";
        Ok(self.write_one(sql, &[]).await?.iter().map(state).collect())
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO kept VALUES ($1, now_us(), $2) ON CONFLICT (name) DO UPDATE SET at_us = now_us(), bytes = $2";
        self.write_one(sql, &[(&name, Type::TEXT), (&bytes, Type::BYTEA)]).await.map(drop)
    }

    async fn kept(&self, name: &str, after_us: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let sql = "SELECT at_us, bytes FROM kept WHERE name = $1 AND at_us > $2";
        let rows = self.read(sql, &[(&name, Type::TEXT), (&after_us, Type::INT8)]).await?;
        Ok(rows.first().map(|row| (row.get(0), row.get(1))))
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn state(row: &Row) -> JobState {
    JobState {
        name: row.get(0),
        priority: row.get(1),
        next_run_us: row.get(2),
        running_at: row.get(3),
        last_run_us: row.get(4),
        last_duration_us: row.get(5),
        last_ok: row.get(6),
        last_result: row.get(7),
        last_ok_us: row.get(8),
        failures: u32::try_from(row.get::<_, i32>(9)).unwrap_or(0),
        runs: unsigned(row.get(10)),
    }
}
