//! The schema: versioned files, only ever forward, all in one transaction under a lock, so that several replicas may
//! start at once.

use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::StoreError;

/// In order; the place is the version. Only ever append.
const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/postgres/V0001__packets.sql"),
    include_str!("../../migrations/postgres/V0002__log.sql"),
    include_str!("../../migrations/postgres/V0003__packed_state_and_aggregates.sql"),
    include_str!("../../migrations/postgres/V0004__jobs.sql"),
    include_str!("../../migrations/postgres/V0005__packed_days.sql"),
    include_str!("../../migrations/postgres/V0006__import_fingerprint.sql"),
];

/// The oldest version that this engine is tested with.
const OLDEST: i32 = 150_000;

impl PostgresStore {
    pub(super) async fn migrate(&self, allowed: bool) -> Result<(), StoreError> {
        let server = self.write_one("SELECT current_setting('server_version_num')::int4", &[]).await?;
        let version: i32 = server[0].get(0);
        if version < OLDEST {
            return Err(StoreError::TooOld { at: self.at.clone(), found: version / 10_000 });
        }
        let mut connection = self.connection(&self.write).await?;
        let failed = |error| self.failed(&error);
        let transaction = connection.transaction().await.map_err(failed)?;
        transaction
            .batch_execute(
                "SELECT pg_advisory_xact_lock(7161140, 3);
                 CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
            )
            .await
            .map_err(failed)?;
        let rows = transaction.query_typed("SELECT coalesce(max(version), 0) FROM schema_version", &[]).await.map_err(failed)?;
        let found = usize::try_from(rows[0].get::<_, i32>(0)).unwrap_or(0);
        if found > MIGRATIONS.len() {
            return Err(StoreError::NewerSchema { at: self.at.clone(), found, known: MIGRATIONS.len() });
        }
        if found < MIGRATIONS.len() && !allowed {
            return Err(StoreError::OlderSchema { at: self.at.clone(), found, known: MIGRATIONS.len() });
        }
        if found == 0 {
            let made = transaction.batch_execute("CREATE EXTENSION IF NOT EXISTS postgis").await;
            made.map_err(|error| match error.as_db_error() {
                Some(said) => StoreError::NoPostgis { at: self.at.clone(), why: said.message().to_owned() },
                None => self.failed(&error),
            })?;
        }
        for (number, sql) in MIGRATIONS.iter().enumerate().skip(found) {
            transaction.batch_execute(sql).await.map_err(failed)?;
            let version = i32::try_from(number + 1).unwrap_or(i32::MAX);
            transaction
                .execute_typed("INSERT INTO schema_version (version) VALUES ($1)", &[(&version, Type::INT4)])
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}
