//! Connections, their pools, and what their errors mean.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime};
use tokio::time::timeout;
use tokio_postgres::{
    Config, Error, Row,
    config::Host,
    types::{ToSql, Type},
};

use super::{
    PostgresStore,
    pools::Waits,
    tls::{self, Tls},
};
use crate::StoreError;

/// A parameter with its type: what an unnamed statement needs.
pub(super) type Param<'p> = (&'p (dyn ToSql + Sync), Type);

/// JSON as text.
pub(super) struct Json(pub(super) String);

impl<'r> tokio_postgres::types::FromSql<'r> for Json {
    fn from_sql(_: &Type, bytes: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8(bytes.to_vec())?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}

/// How long making a connection, or waiting for a free one, may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A pool, how its connections are made, and how long they are waited for.
pub(super) struct Connections {
    pool: Pool,
    tls: Tls,
    pub(super) waits: Waits,
}

impl std::ops::Deref for Connections {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}

/// A pool for this URL, and what it is called in messages.
pub(super) fn pool(url: &str, size: usize, wait: Duration) -> Result<(Connections, String), StoreError> {
    let refused = |why: String| StoreError::Refused { at: "the database URL".to_owned(), why };
    let (url, ssl_mode, tls) = tls::from_url(url).map_err(refused)?;
    let mut config: Config = url.parse().map_err(|error: Error| refused(describe(&error)))?;
    config.ssl_mode(ssl_mode);
    let at = name(&config);
    config.connect_timeout(CONNECT);
    if config.get_application_name().is_none() {
        config.application_name("godwit");
    }
    let manager = Manager::from_config(config, tls.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager)
        .max_size(size.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(CONNECT))
        // The one used last: its server process knows the tables, and what it has read is near.
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(|error| StoreError::Refused { at: at.clone(), why: error.to_string() })?;
    Ok((Connections { pool, tls, waits: Waits::default() }, at))
}

fn name(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "?".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}/{}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

impl PostgresStore {
    pub(super) async fn connection(&self, pool: &Connections) -> Result<Object, StoreError> {
        let (began, status) = (Instant::now(), pool.status());
        let taken = pool.get().await;
        pool.waits.note(status.available == 0 && status.size >= status.max_size, began.elapsed());
        taken.map_err(|error| match error {
            PoolError::Backend(error) => self.failed(&error),
            PoolError::Closed => StoreError::Closed,
            other => self.unavailable(other.to_string()),
        })
    }

    /// One statement that reads.
    pub(super) async fn read(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.note_plan(sql, params).await?;
        self.primary(sql, params).await
    }

    /// The same without telling its plan. Asked again once when an idle connection turns out to be dead.
    pub(super) async fn primary(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        match self.one(&self.read, sql, params).await {
            Err(Failed::Gone(_)) => self.one(&self.read, sql, params).await.map_err(Failed::into_inner),
            other => other.map_err(Failed::into_inner),
        }
    }

    /// One statement that reads, once.
    pub(super) async fn read_one(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.one(&self.read, sql, params).await.map_err(Failed::into_inner)
    }

    /// One statement that writes.
    pub(super) async fn write_one(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.one(&self.write, sql, params).await.map_err(Failed::into_inner)
    }

    pub(super) async fn one(&self, pool: &Connections, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failed> {
        let connection = self.connection(pool).await.map_err(Failed::Other)?;
        match timeout(self.timeout, connection.query_typed(sql, params)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) if error.as_db_error().is_none() => {
                drop(Object::take(connection));
                Err(Failed::Gone(self.failed(&error)))
            }
            Ok(Err(error)) => Err(Failed::Other(self.failed(&error))),
            Err(_) => {
                // Cancelled on the server, for it would go on until it has an answer for nobody.
                let (cancel, tls) = (connection.cancel_token(), pool.tls.clone());
                drop(Object::take(connection));
                tokio::spawn(async move { timeout(CONNECT, cancel.cancel_query(tls)).await });
                Err(Failed::Other(self.timed_out()))
            }
        }
    }

    pub(super) fn timed_out(&self) -> StoreError {
        self.unavailable(format!("no answer within {} s", self.timeout.as_secs()))
    }

    pub(super) fn unavailable(&self, why: String) -> StoreError {
        StoreError::Unavailable { at: self.at.clone(), why }
    }

    /// What an error means: try again, or something is wrong.
    pub(super) fn failed(&self, error: &Error) -> StoreError {
        let (at, why) = (self.at.clone(), describe(error));
        let Some(said) = error.as_db_error() else {
            if let Some(why) = tls::trouble(error) {
                return StoreError::Tls { at, why };
            }
            let refused = error.source().is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_none()) || why.contains("password");
            return if refused && !error.is_closed() { StoreError::Refused { at, why } } else { StoreError::Unavailable { at, why } };
        };
        let code = said.code().code();
        // PgBouncer hands on what the server said in words, under a code of its own (08P01).
        let in_words = code == "08P01" && ["does not exist", "authentication failed", "no such"].iter().any(|said| why.contains(said));
        match code {
            "GW001" => StoreError::Fenced(why),
            "3D000" | "42501" => StoreError::Refused { at, why },
            _ if code.starts_with("28") || in_words => StoreError::Refused { at, why },
            // Stopping or starting (57P..), cancelled, no room or connections left, lost a race for a lock, read-only.
            "57014" | "55P03" | "25006" => StoreError::Unavailable { at, why },
            _ if ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class)) => StoreError::Unavailable { at, why },
            _ => StoreError::Database { at, why },
        }
    }
}

pub(super) enum Failed {
    /// The connection ended.
    Gone(StoreError),
    Other(StoreError),
}

impl Failed {
    fn into_inner(self) -> StoreError {
        match self {
            Self::Gone(error) | Self::Other(error) => error,
        }
    }
}

/// The innermost words: "db error" alone helps nobody.
fn describe(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
