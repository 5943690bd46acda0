//! Partitions of days.

use deadpool_postgres::Object;
use tokio::time::timeout;
use tokio_postgres::{Error, types::Type};

use super::{PostgresStore, lock};
use crate::StoreError;

impl PostgresStore {
    /// Makes the partition of a day unless it is known to be there; in a transaction of its own that waits for locks
    /// only so long.
    pub(super) async fn prepare_day(&self, day: i32) -> Result<bool, StoreError> {
        if lock(&self.days).contains(&day) {
            return Ok(false);
        }
        let mut connection = self.connection(&self.write).await?;
        let work = async {
            let transaction = connection.build_transaction().start().await?;
            transaction.batch_execute("SET LOCAL lock_timeout = '3s'").await?;
            let rows = transaction.query_typed("SELECT prepare_day($1)", &[(&day, Type::INT4)]).await?;
            transaction.commit().await?;
            Ok::<bool, Error>(rows.first().is_some_and(|row| row.get(0)))
        };
        let error = match timeout(self.timeout, work).await {
            Ok(Ok(made)) => {
                let mut days = lock(&self.days);
                if days.len() > 10_000 {
                    days.clear();
                }
                days.insert(day);
                return Ok(made);
            }
            // Others hold the tables: next time. The default partition takes the packets until then.
            Ok(Err(error)) if error.code().is_some_and(|code| code.code() == "55P03") => None,
            Ok(Err(error)) => Some(self.failed(&error)),
            Err(_) => Some(self.timed_out()),
        };
        drop(Object::take(connection));
        error.map_or(Ok(false), Err)
    }
}
