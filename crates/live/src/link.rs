//! A connection to Redis that is never waited for longer than a stated time: made when first needed, shared by those
//! who call at once, thrown away when a call fails, and left alone by a [`Breaker`] while Redis is away.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use godwit_flow::{Breaker, BreakerConfig, BreakerReading};
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::{sync::Mutex, time::timeout};

use crate::RedisAddress;

/// Why a call to Redis came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The breaker is open.
    #[error("{address} failed repeatedly and is asked again in {} ms", retry_in.as_millis())]
    Resting {
        /// Which Redis.
        address: String,
        /// When the next call may go through.
        retry_in: Duration,
    },
    /// No answer in time. What was asked may have happened.
    #[error("{address} did not answer within {} ms", deadline.as_millis())]
    Late {
        /// Which Redis.
        address: String,
        /// The time that was waited.
        deadline: Duration,
    },
    /// It cannot be reached, or answered with an error.
    #[error("{address}: {why}")]
    Failed {
        /// Which Redis.
        address: String,
        /// What the connection or the server said.
        why: String,
    },
}

/// The connection.
#[derive(Debug)]
pub struct RedisLink {
    address: RedisAddress,
    key: String,
    deadline: Duration,
    breaker: Breaker,
    /// The connection with its number, so that a late failure throws away only the connection it had.
    connection: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl RedisLink {
    /// A link whose calls take at most `deadline` each, connecting included. They use this key, or others of its slot
    /// (in a cluster it says which server is asked).
    #[must_use]
    pub fn new(address: RedisAddress, key: String, deadline: Duration, breaker: BreakerConfig) -> Self {
        Self { address, key, deadline, breaker: Breaker::new(breaker), connection: Mutex::new((0, None)) }
    }

    /// Makes one call.
    ///
    /// # Errors
    /// The breaker is open, the time is over, or Redis cannot be reached or answers with an error.
    pub async fn call<T, F>(&self, with: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, LinkError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let address = || self.address.to_string();
        let permit =
            self.breaker.ask(Instant::now()).map_err(|refused| LinkError::Resting { address: address(), retry_in: refused.retry_in })?;
        let mut used = None;
        let outcome = timeout(self.deadline, async {
            let (number, connection) = self.connected().await?;
            used = Some(number);
            with(connection).await
        })
        .await;
        self.breaker.report(permit, matches!(outcome, Ok(Ok(_))), Instant::now());
        let error = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => LinkError::Failed { address: address(), why: error.to_string() },
            Err(_) => LinkError::Late { address: address(), deadline: self.deadline },
        };
        if let Some(number) = used {
            self.forget(number).await;
        }
        Err(error)
    }

    /// Where the breaker stands and what it counted.
    #[must_use]
    pub fn breaker(&self) -> BreakerReading {
        self.breaker.read()
    }

    /// Where Redis is.
    #[must_use]
    pub fn address(&self) -> &RedisAddress {
        &self.address
    }

    async fn connected(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let mut held = self.connection.lock().await;
        if let (number, Some(connection)) = &*held {
            return Ok((*number, connection.clone()));
        }
        // Ours is the deadline that ends a call; the connection's own only cleans up after it.
        let connection = self.address.connect(&self.key, self.deadline * 2, self.deadline * 2).await?;
        *held = (held.0 + 1, Some(connection.clone()));
        Ok((held.0, connection))
    }

    /// Any failure costs the connection: after a fail-over it leads to a server that no longer takes writes, and
    /// after a late answer it is full of them.
    async fn forget(&self, number: u64) {
        let mut held = self.connection.lock().await;
        if held.0 == number {
            held.1 = None;
        }
    }
}
