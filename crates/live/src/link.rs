//! A connection to Redis that is never waited for longer than a stated time: made when first needed, shared by those
//! who call at once, thrown away when a call fails, and left alone by a [`Breaker`] while Redis is away.

use std::{
    fmt,
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

use godwit_flow::{Breaker, BreakerConfig, BreakerReading};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo as _, RedisResult, TlsCertificates, aio::MultiplexedConnection,
};
use tokio::{sync::Mutex, time::timeout};

/// Why an address of Redis cannot be used. None of these shows the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Sentinel or cluster.
    #[error(
        "{0} addresses of Redis are not supported: godwit talks to one server\n\n  hint: give the address that always leads to the primary (a service name, HAProxy or a floating address), such as redis://redis:6379/0; everything goes on while that moves"
    )]
    Several(&'static str),
    /// Certificates are always checked.
    #[error(
        "the address of Redis asks not to check its certificate (#insecure)\n\n  hint: leave that out and name the authority's certificate instead"
    )]
    Insecure,
    /// Not an address.
    #[error(
        "the address of Redis cannot be read: {0}\n\n  hint: redis://HOST:PORT/DB, rediss://USER:PASSWORD@HOST:PORT for TLS, or unix:///path/to/socket"
    )]
    Form(String),
    /// The certificate of the authority.
    #[error(
        "the certificate {0} cannot be used: {1}\n\n  hint: it must be a PEM file with the authority that signed the certificate of Redis"
    )]
    Authority(String, String),
}

/// Where Redis is: read, checked, not yet connected. Its text form leaves out the password.
#[derive(Clone)]
pub struct RedisAddress {
    client: Client,
    shown: String,
}

impl RedisAddress {
    /// Reads an address: `redis://`, `rediss://` (TLS, checked against the system's authorities or `authority`, a PEM
    /// file) or `unix://`.
    ///
    /// # Errors
    /// It names several servers, asks not to check certificates, or cannot be read.
    pub fn parse(url: &str, authority: Option<&Path>) -> Result<Self, AddressError> {
        let url = url.trim();
        let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        if scheme.contains("sentinel") || url.contains("sentinelServiceName") {
            return Err(AddressError::Several("sentinel"));
        }
        if scheme.contains("cluster") || url.contains(',') {
            return Err(AddressError::Several("cluster"));
        }
        if url.to_ascii_lowercase().ends_with("#insecure") {
            return Err(AddressError::Insecure);
        }
        let form = |error: redis::RedisError| AddressError::Form(error.to_string());
        let info = url.into_connection_info().map_err(form)?;
        let shown = match info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("redis://{host}:{port}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("rediss://{host}:{port}"),
            ConnectionAddr::Unix(path) => format!("unix://{}", path.display()),
            _ => return Err(AddressError::Form("this kind of address is not known".to_owned())),
        };
        let client = if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // The first provider stays; ours is the only one in the tree.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let unusable = |path: &Path, why: String| AddressError::Authority(path.display().to_string(), why);
            let root_cert = match authority {
                Some(path) => Some(std::fs::read(path).map_err(|error| unusable(path, error.to_string()))?),
                None => None,
            };
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
                .map_err(|error| authority.map_or_else(|| form(error.clone()), |path| unusable(path, error.to_string())))?
        } else {
            Client::open(info).map_err(form)?
        };
        Ok(Self { client, shown })
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self, connecting: Duration, answering: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(connecting)).set_response_timeout(Some(answering));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({})", self.shown)
    }
}

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
    deadline: Duration,
    breaker: Breaker,
    /// The connection with its number, so that a late failure throws away only the connection it had.
    connection: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl RedisLink {
    /// A link whose calls take at most `deadline` each, connecting included.
    #[must_use]
    pub fn new(address: RedisAddress, deadline: Duration, breaker: BreakerConfig) -> Self {
        Self { address, deadline, breaker: Breaker::new(breaker), connection: Mutex::new((0, None)) }
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
        let connection = self.address.connect(self.deadline * 2, self.deadline * 2).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused_with_a_sentence_that_hides_the_password() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379"),
            ("redis://:secret@cache", "redis://cache:6379"),
            ("rediss://user:secret@cache.example:6380/0", "rediss://cache.example:6380"),
            ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ] {
            let address = RedisAddress::parse(url, None).expect(url);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"));
        }
        for (url, said) in [
            ("redis+sentinel://:secret@a:26379/main", "sentinel addresses"),
            ("redis://a:1,b:2", "cluster addresses"),
            ("redis+cluster://:secret@a", "cluster addresses"),
            ("rediss://:secret@a#insecure", "not to check"),
            ("http://:secret@a", "cannot be read"),
            ("cache:6379", "cannot be read"),
            ("redis://a:notaport", "cannot be read"),
            ("redis://a/notadatabase", "cannot be read"),
            ("", "cannot be read"),
        ] {
            let error = RedisAddress::parse(url, None).expect_err(url).to_string();
            assert!(error.contains(said) && error.contains("hint:") && !error.contains("secret"), "{url}: {error}");
        }
        let missing = RedisAddress::parse("rediss://a", Some(Path::new("/nowhere/ca.pem"))).expect_err("no file");
        assert!(missing.to_string().contains("/nowhere/ca.pem"), "{missing}");
    }
}
