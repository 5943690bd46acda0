//! A Redis server of our own: real, private, and broken on purpose.
//!
//! It keeps its data (every command is on disk before it is answered), so that "restarted with its data" and
//! "restarted without" are both real. It ends with the test, even when the test itself is killed.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::Authority;

/// How long a server may take to answer after its start, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    address: SocketAddr,
    arguments: Vec<String>,
    mode: Mode,
    running: Option<Running>,
}

/// What a server is apart from a plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// Answers over TLS alone, for these: it can only be asked by a client that speaks it.
    Tls,
    /// Watches others; keeps nothing itself.
    Sentinel,
}

#[derive(Debug)]
struct Running {
    server: Child,
    /// Reads from us; when we are gone it kills the server.
    watchman: Child,
}

impl Redis {
    /// Starts a server on a free port of this machine.
    ///
    /// # Panics
    /// There is no `redis-server` (see `scripts/need.sh redis`), or it does not answer.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// The same with more arguments on its command line, which may need its folder (for certificates, say).
    ///
    /// # Panics
    /// As [`Redis::start`].
    #[must_use]
    pub fn start_with(more: impl FnOnce(&Path) -> Vec<String>) -> Self {
        Self::start_as(Mode::Plain, more)
    }

    /// A server that speaks TLS alone, with a certificate of this authority for these names (as [`Authority::issue`]).
    ///
    /// # Panics
    /// As [`Redis::start`].
    #[must_use]
    pub fn start_tls(authority: &Authority, names: &str) -> Self {
        Self::start_as(Mode::Tls, |folder| {
            let (certificate, key) = authority.issue(folder, names);
            let file = |path: PathBuf| path.display().to_string();
            let (certificate, key, authority) = (file(certificate), file(key), file(authority.certificate()));
            ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority, "--tls-auth-clients", "no"]
                .map(str::to_owned)
                .to_vec()
        })
    }

    fn start_as(mode: Mode, more: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let arguments = more(folder.path());
        let mut redis = Self { folder, address: free_port(), arguments, mode, running: None };
        // A port that was free a moment ago may be taken by now.
        for _ in 0..5 {
            if redis.launch() {
                return redis;
            }
            redis.address = free_port();
        }
        panic!("redis-server does not start: {}", redis.log());
    }

    /// The address for a test that only uses a server and never breaks it: `GODWIT_TEST_REDIS_URL` if it is set, else a
    /// server of our own, which lives as long as the second value.
    ///
    /// # Panics
    /// As [`Redis::start`].
    #[must_use]
    pub fn given_or_own() -> (String, Option<Self>) {
        match std::env::var("GODWIT_TEST_REDIS_URL") {
            Ok(url) if !url.is_empty() => (url, None),
            _ => {
                let own = Self::start();
                (own.url(), Some(own))
            }
        }
    }

    /// `redis://127.0.0.1:PORT/`; of a server with TLS `rediss://localhost:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        match self.mode {
            Mode::Tls => format!("rediss://localhost:{}/", self.address.port()),
            _ => format!("redis://{}/", self.address),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks the server to end and waits until it has.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        running.signal("TERM");
        running.dismiss_watchman();
        let began = Instant::now();
        while running.server.try_wait().expect("waiting").is_none() {
            assert!(began.elapsed() < PATIENCE, "redis-server does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill();
        }
    }

    /// Starts it again after [`Redis::stop`] or [`Redis::kill`], on the same port with the data it had.
    ///
    /// # Panics
    /// It does not answer.
    pub fn start_again(&mut self) {
        self.kill();
        assert!(self.launch(), "redis-server does not start again: {}", self.log());
    }

    /// Removes its data; it must not be running.
    ///
    /// # Panics
    /// It runs, or the files cannot be removed.
    pub fn forget(&mut self) {
        assert!(self.running.is_none(), "stop it first");
        let _ = fs::remove_dir_all(self.folder().join("appendonlydir"));
        let _ = fs::remove_file(self.folder().join("dump.rdb"));
        assert!(!self.folder().join("appendonlydir").exists(), "the data is still there");
    }

    /// Stops its time: connections stay open, nothing is answered.
    pub fn pause(&self) {
        self.running.iter().for_each(|running| running.signal("STOP"));
    }

    /// Lets its time go on after [`Redis::pause`].
    pub fn resume(&self) {
        self.running.iter().for_each(|running| running.signal("CONT"));
    }

    /// Sends a command of plain words and returns the beginning of its answer as Redis wrote it (RESP).
    ///
    /// # Errors
    /// The server does not answer within a second.
    pub fn command(&self, words: &[&str]) -> std::io::Result<String> {
        ask(self.address, words)
    }

    /// Starts the server; false if it ended at once.
    fn launch(&mut self) -> bool {
        let binary = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let port = self.address.port().to_string();
        let folder = self.folder().display().to_string();
        let mut command = Command::new(&binary);
        if self.mode == Mode::Sentinel {
            command.args([&format!("{folder}/sentinel.conf"), "--sentinel"]);
        } else {
            command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        }
        if self.mode == Mode::Tls {
            command.args(["--port", "0", "--tls-port", &port]);
        } else {
            command.args(["--port", &port]);
        }
        let server = command
            .args(["--bind", "127.0.0.1", "--dir", &folder, "--daemonize", "no", "--loglevel", "notice", "--logfile", "redis.log"])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{binary} cannot be started ({error}): run scripts/need.sh redis"));
        let watchman = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$0\"", &server.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let mut running = Running { server, watchman };
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if running.server.try_wait().expect("waiting").is_some() {
                running.dismiss_watchman();
                return false;
            }
            let answers = match self.mode {
                // It accepts when it is ready.
                Mode::Tls => TcpStream::connect(self.address).is_ok(),
                _ => ask(self.address, &["PING"]).is_ok_and(|answer| answer.starts_with("+PONG")),
            };
            if answers {
                self.running = Some(running);
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        running.kill();
        panic!("redis-server does not answer: {}", self.log());
    }

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("redis.log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([&format!("-{name}"), &self.server.id().to_string()]).status();
    }

    fn kill(&mut self) {
        let _ = self.server.kill();
        self.dismiss_watchman();
        let _ = self.server.wait();
    }

    /// Before the server's number may be given to another process.
    fn dismiss_watchman(&mut self) {
        let _ = self.watchman.kill();
        let _ = self.watchman.wait();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

fn ask(address: SocketAddr, words: &[&str]) -> std::io::Result<String> {
    let second = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, second)?;
    stream.set_read_timeout(Some(second))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// A primary, a replica and three sentinels that know them by the name `main`.
#[derive(Debug)]
pub struct Sentinel {
    /// Primary and replica at the start.
    pub servers: Vec<Redis>,
    /// The sentinels.
    pub sentinels: Vec<Redis>,
}

impl Sentinel {
    /// Starts them; they act when the primary does not answer for half a second.
    ///
    /// # Panics
    /// As [`Redis::start`], or they do not find each other.
    #[must_use]
    pub fn start() -> Self {
        let primary = Redis::start();
        let (host, port) = (primary.address.ip().to_string(), primary.address.port().to_string());
        let replica = Redis::start_with(|_| ["--replicaof", &host, &port].map(str::to_owned).to_vec());
        let watch = format!(
            "sentinel monitor main {host} {port} 2\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n"
        );
        let sentinels: Vec<Redis> = (0..3)
            .map(|_| {
                Redis::start_as(Mode::Sentinel, |folder| {
                    fs::write(folder.join("sentinel.conf"), &watch).expect("the settings");
                    Vec::new()
                })
            })
            .collect();
        let all = Self { servers: vec![primary, replica], sentinels };
        let knows = |sentinel: &Redis| {
            let answer = sentinel.command(&["SENTINEL", "MASTER", "main"]).unwrap_or_default();
            let number = |field: &str| answer.lines().skip_while(|line| *line != field).nth(2).map(str::to_owned);
            number("num-slaves").as_deref() == Some("1") && number("num-other-sentinels").as_deref() == Some("2")
        };
        wait_for("sentinels that know each other", || all.sentinels.iter().all(knows));
        all
    }

    /// `redis+sentinel://HOST:PORT,HOST:PORT,HOST:PORT/main`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/main", hosts(&self.sentinels))
    }
}

/// Three servers that share the slots of a cluster.
#[derive(Debug)]
pub struct RedisCluster {
    /// The servers.
    pub servers: Vec<Redis>,
}

impl RedisCluster {
    /// Starts it.
    ///
    /// # Panics
    /// As [`Redis::start`], or it does not become whole.
    #[must_use]
    pub fn start() -> Self {
        // Ports of their own among each other: the usual ones, 10,000 above, may not exist.
        let between: Vec<String> = (0..3).map(|_| free_port().port().to_string()).collect();
        let settings =
            |port: &String| ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", port].map(str::to_owned);
        let servers: Vec<Redis> = between.iter().map(|port| Redis::start_with(|_| settings(port).to_vec())).collect();
        for (at, server) in servers.iter().enumerate() {
            let (from, to) = (at * 16_384 / 3, (at + 1) * 16_384 / 3 - 1);
            server.command(&["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]).expect("slots");
            let (host, port) = (servers[0].address.ip().to_string(), servers[0].address.port().to_string());
            server.command(&["CLUSTER", "MEET", &host, &port, &between[0]]).expect("a meeting");
        }
        let whole = |server: &Redis| {
            let info = server.command(&["CLUSTER", "INFO"]).unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        wait_for("a whole cluster", || servers.iter().all(whole));
        Self { servers }
    }

    /// `redis+cluster://HOST:PORT,HOST:PORT,HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", hosts(&self.servers))
    }
}

fn hosts(servers: &[Redis]) -> String {
    servers.iter().map(|server| server.address.to_string()).collect::<Vec<_>>().join(",")
}

fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "there are no {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_data_until_told_to_forget_and_can_be_broken() {
        let mut redis = Redis::start();
        assert_eq!(redis.command(&["SET", "bird", "godwit"]).expect("answer"), "+OK\r\n");
        redis.kill();
        redis.command(&["PING"]).expect_err("it is dead");
        redis.start_again();
        assert_eq!(redis.command(&["GET", "bird"]).expect("answer"), "$6\r\ngodwit\r\n");
        redis.pause();
        redis.command(&["PING"]).expect_err("it is frozen");
        redis.resume();
        redis.stop();
        redis.forget();
        redis.start_again();
        assert_eq!(redis.command(&["GET", "bird"]).expect("answer"), "$-1\r\n");
    }
}
