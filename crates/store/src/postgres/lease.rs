//! Who may write, agreed on in the database and by its clock.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::{Fence, StoreError};

/// A right that one holder has at a time, for a while. Each new holder gets a greater token; a batch that carries an
/// older one ([`crate::Batch::fence`]) is refused by the database, however late it comes.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Takes the lease if it is free, expired or already this holder's; `None` if somebody else has it.
    ///
    /// # Errors
    /// The database cannot be asked.
    async fn try_acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>, StoreError>;

    /// Keeps it for `ttl` from now; false if somebody else has had it since.
    ///
    /// # Errors
    /// The database cannot be asked.
    async fn renew(&self, fence: &Fence, ttl: Duration) -> Result<bool, StoreError>;

    /// Gives it back; batches with this token are refused from now on. False if it was not ours any more.
    ///
    /// # Errors
    /// The database cannot be asked.
    async fn release(&self, fence: &Fence) -> Result<bool, StoreError>;
}

#[async_trait]
impl Lease for PostgresStore {
    async fn try_acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Fence>, StoreError> {
        if !self.may_be_acquired(name, holder).await {
            return Ok(None);
        }
        let sql = "INSERT INTO lease AS l VALUES ($1, $2, 1, now_us() + $3)
                   ON CONFLICT (name) DO UPDATE SET holder = $2, token = l.token + 1, expires_us = now_us() + $3
                   WHERE l.holder = $2 OR l.expires_us <= now_us() RETURNING token";
        let rows = self.write_one(sql, &[(&name, Type::TEXT), (&holder, Type::TEXT), (&micros(ttl), Type::INT8)]).await?;
        Ok(rows.first().map(|row| Fence { lease: name.to_owned(), token: row.get(0) }))
    }

    async fn renew(&self, fence: &Fence, ttl: Duration) -> Result<bool, StoreError> {
        // Even after it expired: as long as the token stands nobody else has written.
        let sql = "UPDATE lease SET expires_us = now_us() + $3 WHERE name = $1 AND token = $2 RETURNING token";
        let params = [(&fence.lease as _, Type::TEXT), (&fence.token as _, Type::INT8), (&micros(ttl) as _, Type::INT8)];
        Ok(!self.write_one(sql, &params).await?.is_empty())
    }

    async fn release(&self, fence: &Fence) -> Result<bool, StoreError> {
        let sql = "UPDATE lease SET expires_us = 0, token = token + 1 WHERE name = $1 AND token = $2 RETURNING token";
        Ok(!self.write_one(sql, &[(&fence.lease, Type::TEXT), (&fence.token, Type::INT8)]).await?.is_empty())
    }
}

/// Sessions of this database that hold an advisory lock of ours.
const HOLDERS: &str = "pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid()
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.classid = 7161140";

/// A process that does not run any more, or a machine that went away without a word, keeps its transaction open and the
/// locks in it: the server waits for the rest of a COPY for hours. So those who wait end its session, each by one rule
/// that the living never meet. What they may not do fails by itself.
impl PostgresStore {
    /// Whether the lease is free, expired or this holder's, without waiting for its row. Of an expired one, those who
    /// still write by it are ended: the row would stay locked.
    async fn may_be_acquired(&self, name: &str, holder: &str) -> bool {
        let sql = format!(
            "SELECT lease.holder = $2 OR lease.expires_us <= now_us(),
               (SELECT count(pg_terminate_backend(l.pid)) FROM {HOLDERS} AND l.objid = 4 AND lease.expires_us <= now_us())
             FROM lease WHERE lease.name = $1"
        );
        let asked = self.write_one(&sql, &[(&name, Type::TEXT), (&holder, Type::TEXT)]).await;
        // If it cannot be asked so, taking it says why.
        asked.map_or(true, |rows| rows.first().is_none_or(|row| row.get(0)))
    }

    /// Who waited in vain to write ends those who have been writing for longer than a batch may take and let the server
    /// wait.
    pub(super) async fn end_stuck_writers(&self) {
        let sql = format!(
            "SELECT pg_terminate_backend(l.pid) FROM {HOLDERS} AND l.objid = 1 AND l.pid IN
             (SELECT pid FROM pg_stat_activity
              WHERE wait_event_type = 'Client' AND xact_start < now() - $1 * interval '2 microseconds')"
        );
        drop(self.write_one(&sql, &[(&(micros(self.timeout) as f64), Type::FLOAT8)]).await);
    }
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2)
}
