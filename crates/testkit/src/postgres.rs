//! A private PostgreSQL with PostGIS: initdb once into a template folder, a copy of it for each server, a free loopback
//! port, no unix socket. It can be killed, stopped, paused and started again; dropping it removes everything.
//!
//! PostgreSQL refuses to run as root; then it runs as the user `postgres` by `setpriv`.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

/// A database of a running server that others start: tests then make their databases there.
pub const URL_VARIABLE: &str = "GODWIT_TEST_DATABASE_URL";

/// The database with PostGIS that test databases are copied from.
const TEMPLATE: &str = "with_postgis";

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// Settings for tests: small, and without the wait for a disk unless asked for.
#[derive(Debug, Clone, Copy)]
pub struct PostgresOptions {
    /// Waits for the disk at each commit, as in production. Without it `kill -9` loses nothing either: what was
    /// committed is with the kernel.
    pub fsync: bool,
    /// `shared_buffers`, MB.
    pub shared_buffers_mb: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { fsync: false, shared_buffers_mb: 64 }
    }
}

/// A PostgreSQL server of our own.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    folder: PathBuf,
    port: u16,
    more: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// PostgreSQL is not installed or does not start; the message says why.
    #[must_use]
    pub fn start(options: PostgresOptions) -> Self {
        Self::start_with(options, |_| Vec::new())
    }

    /// The same with more arguments on its command line, which may need its folder (for certificates, say).
    ///
    /// # Panics
    /// As [`Postgres::start`].
    #[must_use]
    pub fn start_with(options: PostgresOptions, more: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let template = template();
        let folder = private_folder("postgres");
        run(Command::new("cp").args(["-a", "--"]).arg(template.join("data")).arg(folder.join("data")));
        let more = more(&folder);
        let server = Self { options, folder, port: free_port(), more, child: Mutex::new(None) };
        server.start_again();
        server
    }

    /// Starts a streaming replica of a server: it can be asked, and follows what is written there.
    ///
    /// # Panics
    /// It cannot be made or does not start; the message says why.
    #[must_use]
    pub fn replica_of(primary: &Self) -> Self {
        let folder = private_folder("replica");
        run(as_server(&bin("pg_basebackup"))
            .args(["-R", "-X", "stream", "-c", "fast", "-d", &primary.url("postgres"), "-D"])
            .arg(folder.join("data")));
        let server = Self { options: primary.options, folder, port: free_port(), more: Vec::new(), child: Mutex::new(None) };
        server.start_again();
        server
    }

    /// The server that all tests of this process share; the last one to let go ends it.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start(PostgresOptions::default()));
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database with PostGIS and a name of its own; returns the name.
    ///
    /// # Panics
    /// The server does not do it.
    #[must_use]
    pub fn database(&self) -> String {
        let name = unique_name();
        psql(&self.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy"));
        name
    }

    /// Starts it again after [`Postgres::stop`] or [`Postgres::kill`], on the same port.
    ///
    /// # Panics
    /// It does not start within a minute.
    pub fn start_again(&self) {
        let started = Instant::now();
        let log = self.folder.join("log");
        loop {
            let fsync = if self.options.fsync { "on" } else { "off" };
            let mut child = as_server(&bin("postgres"))
                .arg("-D")
                .arg(self.folder.join("data"))
                .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""])
                .args(["-c", &format!("fsync={fsync}"), "-c", &format!("full_page_writes={fsync}")])
                .args(["-c", "max_wal_size=4GB", "-c", "timezone=UTC"])
                .args(["-c", &format!("shared_buffers={}MB", self.options.shared_buffers_mb), "-c", "max_connections=200"])
                .args(&self.more)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(&log).expect("a log file"))
                .spawn()
                .expect("postgres runs");
            // Ends early when backends of a killed server still hold its memory: then once more.
            while child.try_wait().expect("wait").is_none() {
                let ready = Command::new(bin("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status();
                if ready.is_ok_and(|status| status.success()) {
                    *self.child() = Some(child);
                    return;
                }
                assert!(started.elapsed() < START, "PostgreSQL does not start: {}", read(&log));
                sleep(Duration::from_millis(20));
            }
            assert!(started.elapsed() < START, "PostgreSQL does not start: {}", read(&log));
            sleep(Duration::from_millis(50));
        }
    }

    /// What it wrote since it was last started.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.folder.join("log"))
    }

    /// Ends it in order: sessions are told (57P01) and everything is on disk.
    pub fn stop(&self) {
        self.end("INT");
    }

    /// `kill -9`: what a power cut leaves, apart from what the disk had not yet.
    pub fn kill(&self) {
        self.end("KILL");
    }

    /// Stops answering, without closing a connection: `pause` until [`Postgres::resume`].
    pub fn pause(&self) {
        self.signal_all("STOP");
    }

    /// Goes on after a pause.
    pub fn resume(&self) {
        self.signal_all("CONT");
    }

    #[cfg(test)]
    pub(crate) fn folder_for_tests(&self) -> &Path {
        &self.folder
    }

    fn end(&self, how: &str) {
        if let Some(mut child) = self.child().take() {
            signal(child.id(), how);
            let _ = child.wait();
        }
    }

    /// The server and its backends, which are process groups of their own.
    fn signal_all(&self, name: &str) {
        let Some(server) = self.child().as_ref().map(Child::id) else {
            return;
        };
        signal(server, name);
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let parent = read(&process.path().join("stat")).rsplit(')').next().and_then(|rest| rest.split(' ').nth(2)?.parse().ok());
            if let (Some(pid), true) = (pid, parent == Some(server)) {
                signal(pid, name);
            }
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.end("QUIT");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A database for one test: on the server named by `GODWIT_TEST_DATABASE_URL`, else on [`Postgres::shared`].
#[derive(Debug)]
pub struct TestDatabase {
    /// The server, unless it is somebody else's.
    pub server: Option<Arc<Postgres>>,
    /// Where it is reached.
    pub url: String,
    name: String,
    maintenance_url: String,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// There is no server, or it does not let us make a database.
    #[must_use]
    pub fn create() -> Self {
        if let Ok(given) = std::env::var(URL_VARIABLE) {
            let name = unique_name();
            psql(&given, &format!("CREATE DATABASE {name}"));
            let (before, options) = given.split_once('?').map_or((given.as_str(), String::new()), |(url, rest)| (url, format!("?{rest}")));
            let base = before.rsplit_once('/').map_or(before, |(base, _)| base);
            return Self { server: None, url: format!("{base}/{name}{options}"), name, maintenance_url: given };
        }
        Self::on(&Postgres::shared())
    }

    /// Makes one on this server.
    #[must_use]
    pub fn on(server: &Arc<Postgres>) -> Self {
        let name = server.database();
        Self { url: server.url(&name), maintenance_url: server.url("postgres"), name, server: Some(server.clone()) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Our own server takes its databases with it.
        if self.server.is_none() {
            let _ = Command::new(bin("psql"))
                .args(["-qX", "-d", &self.maintenance_url, "-c", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)])
                .output();
        }
    }
}

/// Runs a statement by `psql`; returns what it prints, unaligned and without headings.
///
/// # Panics
/// It fails.
pub fn psql(url: &str, sql: &str) -> String {
    run(Command::new(bin("psql")).args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]))
}

/// The same for a report: empty if it fails.
#[must_use]
pub fn try_psql(url: &str, sql: &str) -> String {
    let output = Command::new(bin("psql")).args(["-qXAt", "-d", url, "-c", sql]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim_end().to_owned()).unwrap_or_default()
}

/// A client that froze in the middle of what it does: its session lives until the server or dropping it ends it.
#[derive(Debug)]
pub struct Frozen(Child);

impl Frozen {
    /// Runs these statements, the last of which is a COPY from the client, and does nothing more.
    ///
    /// # Panics
    /// The server does not wait for it within ten seconds.
    #[must_use]
    pub fn after(url: &str, sql: &str) -> Self {
        use std::io::Write;
        let url_with_name = format!("{url}{}application_name=frozen", if url.contains('?') { '&' } else { '?' });
        let mut child = Command::new(bin("psql"))
            .args(["-qX", "-d", &url_with_name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql runs");
        // Its input stays open with the child.
        let sent = child.stdin.as_mut().map(|stdin| writeln!(stdin, "{sql}").and_then(|()| stdin.flush()));
        sent.expect("stdin").expect("psql reads");
        let started = Instant::now();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'frozen' AND wait_event = 'ClientRead'
                     AND state = 'active'";
        while psql(url, waits) != "1" {
            assert!(started.elapsed() < Duration::from_secs(10), "the server does not wait: {sql}");
            sleep(Duration::from_millis(20));
        }
        Self(child)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The newest installed version's folder of programs, or `GODWIT_TEST_POSTGRES_BIN`.
fn bin(program: &str) -> String {
    let newest = || {
        let mut versions: Vec<u32> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        versions.sort_unstable();
        versions.last().map(|version| format!("/usr/lib/postgresql/{version}/bin"))
    };
    let folder = std::env::var("GODWIT_TEST_POSTGRES_BIN").ok().or_else(newest);
    let folder = folder.expect("PostgreSQL is not installed: run scripts/need.sh postgres");
    format!("{folder}/{program}")
}

/// A cluster after initdb, with a PostGIS database; made once for all test programs of this build folder.
fn template() -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/postgres-template");
    let parent = kept.parent().expect("a parent");
    std::fs::create_dir_all(parent).expect("the build folder");
    let lock = std::fs::File::create(parent.join("postgres-template.lock")).expect("a lock");
    lock.lock().expect("a lock");
    if !kept.join("data/PG_VERSION").exists() {
        let folder = private_folder("initdb");
        let data = folder.join("data");
        run(as_server(&bin("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data));
        single_user(&data, "postgres", &format!("CREATE DATABASE {TEMPLATE}"));
        single_user(&data, TEMPLATE, "CREATE EXTENSION postgis");
        let _ = std::fs::remove_dir_all(&kept);
        run(Command::new("cp").args(["-a", "--"]).arg(&folder).arg(&kept));
        let _ = std::fs::remove_dir_all(&folder);
    }
    kept
}

fn single_user(data: &Path, database: &str, sql: &str) {
    use std::io::Write;
    let mut child = as_server(&bin("postgres"))
        .args(["--single", "-F", "-D"])
        .arg(data)
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres runs");
    child.stdin.take().expect("stdin").write_all(format!("{sql}\n").as_bytes()).expect("stdin");
    assert!(child.wait().expect("wait").success(), "postgres --single: {sql}");
}

/// A command as a user that PostgreSQL and PgBouncer agree to run as.
pub(crate) fn as_server(program: &str) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]).current_dir("/");
    command
}

fn root() -> bool {
    read(Path::new("/proc/self/status")).lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// A new folder that the server's user owns.
pub(crate) fn private_folder(what: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("godwit-{what}-{}", unique_name()));
    std::fs::create_dir(&folder).expect("a temporary folder");
    if root() {
        run(Command::new("chown").arg("postgres:postgres").arg(&folder));
    }
    folder
}

pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

pub(crate) fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).stderr(Stdio::null()).status();
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
