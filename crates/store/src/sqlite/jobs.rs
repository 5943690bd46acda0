//! The table of jobs in `jobs.sqlite`, by this machine's clock. Opened for each call: there are a few a minute.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteStore;
use crate::{JobClaim, JobPlan, JobState, JobTable, StoreError};

const SCHEMA: &[&str] = &[include_str!("../../migrations/sqlite/jobs.sql")];

/// Microseconds since 1970 UTC.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// Opens the file and asks it.
pub(super) fn with<T>(folder: &Path, ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let path = folder.join("jobs.sqlite");
    let mut connection = super::open_for_writing(&path, SCHEMA)?;
    let failed = |error: rusqlite::Error| StoreError::sqlite(&path, &error);
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    ask(&mut connection).map_err(failed)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2)
}

#[async_trait]
impl JobTable for SqliteStore {
    async fn announce_jobs(&self, plans: &[JobPlan]) -> Result<(), StoreError> {
        let plans = plans.to_vec();
        self.read(move |folder| {
            with(folder, |connection| {
                let transaction = connection.transaction()?;
                for plan in &plans {
                    let sql = format!(
                        "INSERT INTO job (name, priority, next_run_us) VALUES (?1, ?2, {NOW} + ?3)
                         ON CONFLICT (name) DO UPDATE SET priority = ?2, next_run_us = min(next_run_us, {NOW} + ?4),
                           lease_until_us = min(lease_until_us, {NOW} + ?5)"
                    );
                    let most = micros(JobPlan::LONGEST_LEASE);
                    transaction.execute(&sql, params![plan.name, plan.priority, micros(plan.first_in), micros(plan.every), most])?;
                }
                transaction.commit()
            })
        })
        .await
    }

    async fn claim_job(&self, holder: &str, names: &[&str], lease: Duration) -> Result<Option<JobClaim>, StoreError> {
        let holder = holder.to_owned();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.read(move |folder| {
            with(folder, |connection| {
                let places = (0..names.len()).map(|at| format!("?{}", at + 3)).collect::<Vec<_>>().join(",");
                let sql = format!(
                    "UPDATE job SET holder = ?1, token = token + 1, last_run_us = {NOW}, lease_until_us = {NOW} + ?2
                     WHERE name = (SELECT name FROM job WHERE name IN ({places}) AND next_run_us <= {NOW} AND lease_until_us <= {NOW}
                                   ORDER BY priority DESC, next_run_us, name LIMIT 1)
                     RETURNING name, token, failures"
                );
                let lease = micros(lease);
                let params: Vec<&dyn rusqlite::ToSql> = [&holder as &dyn rusqlite::ToSql, &lease]
                    .into_iter()
                    .chain(names.iter().map(|name| name as &dyn rusqlite::ToSql))
                    .collect();
                let claim = |row: &Row<'_>| Ok(JobClaim { name: row.get(0)?, token: row.get(1)?, failures: row.get(2)? });
                connection.query_row(&sql, &params[..], claim).optional()
            })
        })
        .await
    }

    async fn renew_job(&self, claim: &JobClaim, lease: Duration) -> Result<bool, StoreError> {
        let claim = claim.clone();
        self.read(move |folder| {
            with(folder, |connection| {
                let sql = format!("UPDATE job SET lease_until_us = {NOW} + ?3 WHERE name = ?1 AND token = ?2");
                Ok(connection.execute(&sql, params![claim.name, claim.token, micros(lease)])? == 1)
            })
        })
        .await
    }

    async fn finish_job(&self, claim: &JobClaim, ok: bool, result: &str, next_in: Duration) -> Result<bool, StoreError> {
        let (claim, result) = (claim.clone(), result.to_owned());
        self.read(move |folder| {
            with(folder, |connection| {
                let sql = format!(
                    "UPDATE job SET lease_until_us = 0, holder = NULL, next_run_us = {NOW} + ?5, last_ok = ?3, last_result = ?4,
                       last_duration_us = {NOW} - last_run_us, last_ok_us = CASE WHEN ?3 THEN {NOW} ELSE last_ok_us END,
                       failures = CASE WHEN ?3 THEN 0 ELSE failures + 1 END, runs = runs + 1
                     WHERE name = ?1 AND token = ?2 AND lease_until_us > 0"
                );
                Ok(connection.execute(&sql, params![claim.name, claim.token, ok, result, micros(next_in)])? == 1)
            })
        })
        .await
    }

    async fn jobs(&self) -> Result<Vec<JobState>, StoreError> {
        self.read(|folder| {
            with(folder, |connection| {
                let sql = format!(
                    "SELECT name, priority, next_run_us, CASE WHEN lease_until_us > {NOW} THEN holder END, last_run_us,
                       last_duration_us, last_ok, last_result, last_ok_us, failures, runs FROM job ORDER BY name"
                );
                let mut select = connection.prepare(&sql)?;
                let rows = select.query_map([], state)?;
                rows.collect()
            })
        })
        .await
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        self.read(move |folder| {
            with(folder, |connection| {
                let sql = format!("INSERT INTO kept VALUES (?1, {NOW}, ?2) ON CONFLICT (name) DO UPDATE SET at_us = {NOW}, bytes = ?2");
                connection.execute(&sql, params![name, bytes]).map(drop)
            })
        })
        .await
    }

    async fn kept(&self, name: &str, after_us: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let name = name.to_owned();
        self.read(move |folder| {
            with(folder, |connection| {
                let sql = "SELECT at_us, bytes FROM kept WHERE name = ?1 AND at_us > ?2";
                connection.query_row(sql, params![name, after_us], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
        })
        .await
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<JobState> {
    Ok(JobState {
        name: row.get(0)?,
        priority: row.get(1)?,
        next_run_us: row.get(2)?,
        running_at: row.get(3)?,
        last_run_us: row.get(4)?,
        last_duration_us: row.get(5)?,
        last_ok: row.get(6)?,
        last_result: row.get(7)?,
        last_ok_us: row.get(8)?,
        failures: row.get(9)?,
        runs: u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0),
    })
}
