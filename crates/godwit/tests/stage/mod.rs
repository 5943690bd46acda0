//! Real replicas before real servers, and the ledger of what was sent to them.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use godwit_testkit::{LedgerServer, PgBouncer, Postgres, PostgresOptions, Redis, psql};
use serde_json::Value;

/// A running `godwit serve`.
pub(crate) struct Replica {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) name: String,
}

impl Replica {
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it in order; its exit code.
    pub(crate) fn end(&mut self) -> i32 {
        self.signal("TERM");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Status and body of a GET; `None` if it does not answer.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let (status, _, body) = self.answer(path)?;
        Some((status, body))
    }

    /// Status, head and body.
    pub(crate) fn answer(&self, path: &str) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((status, head.to_owned(), body.to_owned()))
    }

    /// `cluster` of the status.
    pub(crate) fn cluster(&self) -> Option<Value> {
        let (_, body) = self.get("/api/v1/status")?;
        Some(serde_json::from_str::<Value>(&body).ok()?["cluster"].clone())
    }

    pub(crate) fn leads(&self) -> bool {
        self.cluster().is_some_and(|cluster| cluster["role"] == "leading")
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub(crate) fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    until_or(|| what.to_owned(), limit, look)
}

/// The same, with words that are found when it did not become so.
fn until_or<T>(what: impl Fn() -> String, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {}", what());
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The servers and the replicas.
pub(crate) struct Stage {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) ledger: LedgerServer,
    pub(crate) redis: Redis,
    pub(crate) bouncer: PgBouncer,
    pub(crate) postgres: Arc<Postgres>,
    pub(crate) database: String,
    pub(crate) folder: PathBuf,
    pub(crate) more: Vec<String>,
    /// Removed when dropped, unless the test failed.
    _kept: Option<tempfile::TempDir>,
}

impl Stage {
    /// The servers; no replica yet. `more` are arguments of every replica.
    pub(crate) async fn set(more: &[&str]) -> Self {
        let postgres = Arc::new(Postgres::start(PostgresOptions::default()));
        let database = postgres.database();
        let bouncer = PgBouncer::start(&postgres, 12);
        let folder = tempfile::tempdir().unwrap();
        Self {
            replicas: Vec::new(),
            ledger: LedgerServer::start().await,
            redis: Redis::start(),
            bouncer,
            database,
            postgres,
            folder: folder.path().to_owned(),
            more: more.iter().map(|&word| word.to_owned()).collect(),
            _kept: Some(folder),
        }
    }

    /// Starts a replica and does not wait.
    pub(crate) fn launch(&self, number: usize) -> Replica {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (address, name) = (format!("127.0.0.1:{port}"), format!("r{number}"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join(format!("{name}.log"))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_godwit"))
            .args(["serve", "--listen", &address, "--replica", &name, "--callsign", &format!("N0CALL-{number}")])
            .args(["--data", self.folder.join(&name).to_str().unwrap(), "--aprs-is", &self.ledger.address.to_string()])
            .args(&self.more)
            .env("GODWIT_DATABASE_URL", self.bouncer.url(&self.database))
            .env("GODWIT_LOG", std::env::var("GODWIT_TEST_LOG").unwrap_or_else(|_| "info".to_owned()))
            .env_remove("GODWIT_CONFIG")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Replica { child, address, name }
    }

    /// Starts replicas and waits until they are ready and one of them ingests.
    pub(crate) fn start(&mut self, count: usize) {
        for _ in 0..count {
            self.replicas.push(self.launch(self.replicas.len() + 1));
        }
        self.all_ready();
    }

    /// Starts a replica anew, in its folder.
    pub(crate) fn restart(&mut self, at: usize) {
        let replica = self.launch(at + 1);
        self.replicas[at] = replica;
    }

    /// Waits until all are ready, one ingests, and the others hold their connections.
    pub(crate) fn all_ready(&self) {
        let said = || {
            let replicas = self.replicas.iter().map(|replica| {
                let log = std::fs::read_to_string(self.folder.join(format!("{}.log", replica.name))).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(6).collect();
                format!("{}: {:?}\n  {}", replica.name, replica.get("/readyz"), last.join("\n  "))
            });
            format!("all replicas are ready; {} clients\n{}", self.ledger.clients(), replicas.collect::<Vec<_>>().join("\n"))
        };
        until_or(said, MINUTE, || {
            let ready = self.replicas.iter().all(|replica| replica.get("/readyz").is_some_and(|(status, _)| status == 200));
            (ready && self.leader().is_some() && self.ledger.clients() >= self.replicas.len()).then_some(())
        });
    }

    pub(crate) fn leader(&self) -> Option<usize> {
        self.replicas.iter().position(Replica::leads)
    }

    /// Rows, and different lines.
    pub(crate) fn stored(&self) -> (u64, u64) {
        let counted = psql(&self.postgres.url(&self.database), "SELECT count(*), count(DISTINCT raw) FROM packet");
        let (rows, lines) = counted.split_once('|').unwrap();
        (rows.parse().unwrap(), lines.parse().unwrap())
    }

    /// Lets the traffic rest and waits until everything sent is stored, with `spools` also until no spool holds anything
    /// that might be stored again; says what is missing or there twice.
    pub(crate) fn accounted(&self, after: &str, spools: bool) {
        self.ledger.pace(0);
        std::thread::sleep(Duration::from_millis(100));
        let sent = self.ledger.sent();
        let began = Instant::now();
        let limit = Duration::from_secs(100);
        loop {
            let (rows, lines) = self.stored();
            let spooled: u64 = if spools { self.replicas.iter().map(spooled).sum() } else { 0 };
            if rows == sent && lines == sent && spooled == 0 {
                return;
            }
            if rows > lines || began.elapsed() > limit {
                let sql = format!(
                    "SELECT string_agg(n::text, ' ') FROM (SELECT n FROM generate_series(0, {sent} - 1) n WHERE n NOT IN
                     (SELECT substring(convert_from(raw, 'UTF8') FROM '>([0-9]+)$')::bigint FROM packet) LIMIT 20) m"
                );
                let missing = psql(&self.postgres.url(&self.database), &sql);
                let sql = "SELECT string_agg(raw || ' ' || ids, '; ') FROM (SELECT convert_from(raw, 'UTF8') AS raw, string_agg(id::text, ',') AS ids
                     FROM packet GROUP BY 1 HAVING count(*) > 1 LIMIT 20) d";
                let double = psql(&self.postgres.url(&self.database), sql);
                let kept = std::env::temp_dir().join(format!("godwit-stage-{}", std::process::id()));
                let _ = Command::new("cp").arg("-r").arg(&self.folder).arg(&kept).status();
                panic!(
                    "{after}: {sent} sent, {rows} rows of {lines} lines, {spooled} in spools; missing: {missing}; twice: {double}; logs in {}",
                    kept.display()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Packets in a replica's spool; 1 if it does not say.
fn spooled(replica: &Replica) -> u64 {
    replica.cluster().and_then(|cluster| cluster["spool"]["packets"].as_u64()).unwrap_or(1)
}
