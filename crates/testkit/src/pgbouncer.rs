//! A PgBouncer in transaction-pooling mode before a test database, with so few server connections that clients share.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::postgres::{Postgres, as_server, free_port, private_folder, read, signal};

/// A PgBouncer of our own.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    port: u16,
    child: Mutex<Option<Child>>,
}

impl PgBouncer {
    /// Starts one before a server, with so many server connections for each database.
    ///
    /// # Panics
    /// PgBouncer is not installed or does not start; the message says why.
    #[must_use]
    pub fn start(server: &Postgres, pool_size: u32) -> Self {
        let folder = private_folder("pgbouncer");
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {users}\npool_mode = transaction\ndefault_pool_size = {pool_size}\nmax_client_conn = 500\nserver_login_retry = 1\n",
            server.port(),
            users = folder.join("users").display(),
        );
        std::fs::write(folder.join("ini"), settings).expect("the settings");
        std::fs::write(folder.join("users"), "\"postgres\" \"\"\n").expect("the users");
        let bouncer = Self { folder, port, child: Mutex::new(None) };
        bouncer.start_again();
        bouncer
    }

    /// The URL of a database through it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts it again after a kill, on the same port.
    ///
    /// # Panics
    /// It does not start within 20 seconds.
    pub fn start_again(&self) {
        let log = self.folder.join("log");
        let mut child = as_server("/usr/sbin/pgbouncer")
            .arg(self.folder.join("ini"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log file"))
            .spawn()
            .expect("pgbouncer runs: scripts/need.sh postgres installs it");
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = child.try_wait().expect("wait").is_some();
            assert!(!ended && started.elapsed() < Duration::from_secs(20), "PgBouncer does not start: {}", read(&log));
            sleep(Duration::from_millis(10));
        }
        *self.child() = Some(child);
    }

    /// What it wrote since it was last started.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.folder.join("log"))
    }

    /// `kill -9`.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            signal(child.id(), "KILL");
            let _ = child.wait();
        }
    }

    /// Stops answering without closing a connection.
    pub fn pause(&self) {
        self.send("STOP");
    }

    /// Goes on after a pause.
    pub fn resume(&self) {
        self.send("CONT");
    }

    fn send(&self, name: &str) {
        if let Some(child) = self.child().as_ref() {
            signal(child.id(), name);
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{PostgresOptions, psql};

    #[test]
    fn a_server_survives_its_death_and_answers_through_pgbouncer() {
        let server = Postgres::start(PostgresOptions::default());
        let name = server.database();
        let bouncer = PgBouncer::start(&server, 2);
        psql(&bouncer.url(&name), "CREATE TABLE t AS SELECT postgis_lib_version() AS version");
        server.kill();
        server.start_again();
        bouncer.kill();
        bouncer.start_again();
        assert!(psql(&bouncer.url(&name), "SELECT version FROM t").starts_with('3'));
        server.pause();
        server.resume();
        server.stop();
        let folder = server.folder_for_tests().to_owned();
        drop(server);
        assert!(!folder.exists());
    }
}
