//! What the database spends its time on, as its extension pg_stat_statements tells where it is loaded.

use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::StoreError;

/// A kind of statement, numbers and names in it taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFigures {
    /// Its text, in one line, at most 300 characters.
    pub statement: String,
    /// How often it ran.
    pub calls: u64,
    /// All its time in the database, milliseconds.
    pub total_ms: f64,
    /// Its mean time, milliseconds.
    pub mean_ms: f64,
    /// Its longest time, milliseconds.
    pub longest_ms: f64,
    /// Rows that it answered with or changed, in all.
    pub rows: u64,
}

impl PostgresStore {
    /// The statements of this user in this database that took most time since its figures were last reset, most first;
    /// `None` if pg_stat_statements is not there.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn slowest_statements(&self, limit: usize) -> Result<Option<Vec<StatementFigures>>, StoreError> {
        // Made by CREATE EXTENSION, and loaded at the server's start: its settings are known then only.
        let there = "SELECT to_regclass('pg_stat_statements') IS NOT NULL AND EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max')";
        if !self.read(there, &[]).await?[0].get::<_, bool>(0) {
            return Ok(None);
        }
        let sql = r"SELECT left(regexp_replace(query, '\s+', ' ', 'g'), 300), calls, total_exec_time, mean_exec_time, max_exec_time, rows
                    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND userid = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY total_exec_time DESC LIMIT $1";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let count = |value: i64| u64::try_from(value).unwrap_or(0);
        let read = |row: &tokio_postgres::Row| StatementFigures {
            statement: row.get(0),
            calls: count(row.get(1)),
            total_ms: row.get(2),
            mean_ms: row.get(3),
            longest_ms: row.get(4),
            rows: count(row.get(5)),
        };
        Ok(Some(self.read(sql, &[(&limit, Type::INT8)]).await?.iter().map(read).collect()))
    }
}
