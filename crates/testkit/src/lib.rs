//! Tests only: an APRS-IS server that misbehaves on demand, and real engines to break ([`Postgres`], [`PgBouncer`], [`Redis`]).
//!
//! A [`Server`] plays one script for each connection, in order; the last script is played again for all that follow.

mod certificates;
pub mod ledger;
mod pgbouncer;
mod postgres;
mod redis;

pub use certificates::Authority;
pub use ledger::LedgerServer;
pub use pgbouncer::PgBouncer;
pub use postgres::{Frozen, Postgres, PostgresOptions, TestDatabase, URL_VARIABLE, psql, try_psql};
pub use redis::{Redis, RedisCluster, Sentinel};

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// What the server does next.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes so many times.
    Repeat(Vec<u8>, usize),
    /// Does nothing for so long.
    Wait(Duration),
    /// Reads the login line and remembers it.
    Login,
    /// Closes the connection with a reset instead of an end.
    Reset,
    /// Keeps the connection open and does nothing more.
    Hang,
}

/// Sends text.
#[must_use]
pub fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// Banner, login and its answer, as a good server does it.
#[must_use]
pub fn good_login() -> Vec<Step> {
    vec![send("# testkit 1.0\r\n"), Step::Login, send("# logresp N0CALL-1 unverified, server TEST\r\n")]
}

/// What happened to the server so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Login lines.
    pub logins: Vec<String>,
    /// When connections were made.
    pub connected: Vec<Instant>,
    /// Connections open now.
    pub open: usize,
    /// Most connections open at a time.
    pub most_open: usize,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a free port of this machine.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let script = scripts[number.min(scripts.len() - 1)].clone();
                number += 1;
                let seen = shared.clone();
                tokio::spawn(async move {
                    {
                        let mut seen = lock(&seen);
                        seen.connected.push(Instant::now());
                        seen.open += 1;
                        seen.most_open = seen.most_open.max(seen.open);
                    }
                    let _ = play(stream, script, &seen).await;
                    lock(&seen).open -= 1;
                });
            }
        });
        Self { address, seen, task }
    }

    /// What happened so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn play(mut stream: TcpStream, script: Vec<Step>, seen: &Mutex<Seen>) -> std::io::Result<()> {
    for step in script {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::Repeat(bytes, times) => {
                for _ in 0..times {
                    stream.write_all(&bytes).await?;
                }
            }
            Step::Wait(time) => sleep(time).await,
            Step::Login => {
                let mut line = String::new();
                let read = timeout(Duration::from_secs(20), BufReader::new(&mut stream).read_line(&mut line)).await;
                if matches!(read, Ok(Ok(length)) if length > 0) {
                    lock(seen).logins.push(line);
                }
            }
            Step::Reset => {
                stream.set_zero_linger()?;
                return Ok(());
            }
            Step::Hang => {
                let mut buffer = [0; 1024];
                while stream.read(&mut buffer).await? > 0 {}
            }
        }
    }
    stream.shutdown().await
}
