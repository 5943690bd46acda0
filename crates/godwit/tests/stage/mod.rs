//! Real replicas before real servers, and the ledger of what was sent to them.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use godwit_testkit::{LedgerServer, PgBouncer, Postgres, PostgresOptions, Redis, psql, try_psql};
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
        answer(&self.address, path)
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

/// Status and body of a GET at an address; `None` if it does not answer.
pub(crate) fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let (status, _, body) = answer(address, path)?;
    Some((status, body))
}

fn answer(address: &str, path: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((status, head.to_owned(), body.to_owned()))
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program: what cargo built for the tests, or beside an example.
pub(crate) fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_godwit")
        .map_or_else(|| std::env::current_exe().unwrap().parent().and_then(std::path::Path::parent).unwrap().join("godwit"), PathBuf::from)
}

/// The library that lets a program believe in another time.
pub(crate) fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let library = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|library| library.exists());
    library.expect("faketime is not installed: run scripts/need.sh faketime")
}

/// Waits until something is so.
pub(crate) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
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
    /// Variables of the replicas that are started from now on.
    pub(crate) environment: Vec<(String, String)>,
    /// What was done when: the beginning of the report.
    diary: RefCell<Vec<String>>,
    /// Removed when dropped; a failed test copies it first.
    _removed: tempfile::TempDir,
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
            environment: Vec::new(),
            diary: RefCell::default(),
            _removed: folder,
        }
    }

    /// Notes what happens now, for the report of a failure.
    pub(crate) fn note(&self, what: &str) {
        self.diary.borrow_mut().push(format!("{} sent {:>7}  {what}", utc(SystemTime::now()), self.ledger.sent()));
    }

    /// Starts a replica and does not wait.
    pub(crate) fn launch(&self, number: usize) -> Replica {
        self.launch_at(number, None)
    }

    /// The same under another clock, as faketime writes it: `+400d`.
    pub(crate) fn launch_at(&self, number: usize, clock: Option<&str>) -> Replica {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (address, name) = (format!("127.0.0.1:{port}"), format!("r{number}"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(program());
        if let Some(clock) = clock {
            command.env("LD_PRELOAD", faketime()).env("FAKETIME", clock).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let child = command
            .args(["serve", "--listen", &address, "--metrics-listen", &address])
            .args(["--replica", &name, "--callsign", &format!("N0CALL-{number}")])
            .args(["--data", self.folder.join(&name).to_str().unwrap(), "--aprs-is", &self.ledger.address.to_string()])
            .args(&self.more)
            .env("GODWIT_DATABASE_URL", self.bouncer.url(&self.database))
            .env("GODWIT_LOG", std::env::var("GODWIT_TEST_LOG").unwrap_or_else(|_| "info".to_owned()))
            .env_remove("GODWIT_CONFIG")
            .envs(self.environment.iter().cloned())
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
        until("all replicas are ready and listen", MINUTE, || {
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
            assert!(rows <= lines && began.elapsed() < limit, "{after}: {sent} sent, {rows} rows of {lines} lines, {spooled} in spools");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Packets in a replica's spool; 1 if it does not say.
fn spooled(replica: &Replica) -> u64 {
    replica.cluster().and_then(|cluster| cluster["spool"]["packets"].as_u64()).unwrap_or(1)
}

/// Lines of a replica's log that the report shows; the whole of it is copied.
const LAST_LINES: usize = 60;

impl Stage {
    /// What a failure leaves: the diary, what is missing or there twice, what every process said, all files.
    fn report(&self) -> String {
        let kept = std::env::temp_dir().join(format!("godwit-stage-{}", std::process::id()));
        let _ = Command::new("cp").arg("-r").arg(&self.folder).arg(&kept).status();
        let mut report = format!("{}\n\n{}\n", self.diary.borrow().join("\n"), self.unaccounted());
        for replica in &self.replicas {
            let log = std::fs::read_to_string(self.folder.join(format!("{}.log", replica.name))).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(LAST_LINES).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            report += &format!("\n=== {} {:?}\n{}\n", replica.name, replica.get("/api/v1/status"), last.join("\n"));
        }
        for (server, log) in [("PostgreSQL", self.postgres.log()), ("PgBouncer", self.bouncer.log()), ("Redis", self.redis.log())] {
            let _ = std::fs::write(kept.join(format!("{server}.log")), log);
        }
        let _ = std::fs::write(kept.join("report.txt"), &report);
        format!("{report}\nall of it, logs and spools: {}\n", kept.display())
    }

    /// The numbers that are missing, with the times they were sent, and those that are there twice, with the times they
    /// were received; empty if the database does not answer.
    fn unaccounted(&self) -> String {
        let url = self.postgres.url(&self.database);
        let number = "substring(convert_from(raw, 'UTF8') FROM '>([0-9]+)$')::bigint";
        let missing = try_psql(
            &url,
            &format!(
                "SELECT n FROM generate_series(0, {} - 1) n WHERE n NOT IN (SELECT {number} FROM packet) LIMIT 1000",
                self.ledger.sent()
            ),
        );
        let now = (Instant::now(), SystemTime::now());
        let missing = missing.lines().map(|n| {
            let sent = n.parse().ok().and_then(|n| self.ledger.sent_at(n)).map(|at| utc(now.1 - now.0.duration_since(at)));
            format!("{n} ({})", sent.unwrap_or_default())
        });
        let twice = format!("SELECT {number}, string_agg(id::text, ' ') FROM packet GROUP BY 1 HAVING count(*) > 1 LIMIT 1000");
        format!("missing: {}\ntwice, with their times: {}", missing.collect::<Vec<_>>().join(", "), try_psql(&url, &twice))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.report());
        }
    }
}

/// The time of day, as the replicas' logs have it.
fn utc(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, since.subsec_millis())
}
