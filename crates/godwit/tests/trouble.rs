//! What is wrong around the program ends or slows it with one sentence that says what and what to do: never a trace of
//! the stack, a half-started server or damaged data.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod stage;

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use godwit_testkit::{LedgerServer, PgBouncer, Postgres, PostgresOptions, Server, Step, good_login, psql, send};
use serde_json::Value;
use stage::{MINUTE, Replica, faketime, until};

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// `program` with these arguments before `godwit serve --listen ADDRESS ...`; no program: godwit itself.
fn serve(before: &[&str], address: &str, arguments: &[&str]) -> Command {
    let godwit = env!("CARGO_BIN_EXE_godwit");
    let words: Vec<&str> = before
        .iter()
        .copied()
        .chain([godwit, "serve", "--listen", address, "--metrics-listen", address])
        .chain(arguments.iter().copied())
        .collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_remove("GODWIT_CONFIG").env("GODWIT_LOG", "info").current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it and expects that it ends by itself with exit code 1; what it said, which is a sentence and a hint.
fn refused_by(before: &[&str], arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let address = free_address();
    let mut child = serve(before, &address, arguments).envs(environment.iter().copied()).spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("{arguments:?}: it goes on");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let (said, printed) = (String::from_utf8_lossy(&output.stderr).into_owned(), String::from_utf8_lossy(&output.stdout).into_owned());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(!printed.contains("ready"), "{arguments:?}: {printed}");
    // The log before it is another matter.
    let error = said.split_once("error: ").unwrap_or_else(|| panic!("{arguments:?}: {said}")).1.trim_end();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines.len() == 3 && lines[1].is_empty() && lines[2].starts_with("  hint: "), "{arguments:?}: {said}");
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{arguments:?}: {said}");
    error.to_owned()
}

fn refused(arguments: &[&str]) -> String {
    refused_by(&[], arguments, &[])
}

#[test]
fn a_database_that_will_not_have_us_ends_the_start() {
    let server = Postgres::start_with(PostgresOptions::default(), |folder| {
        let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(folder.join("hba"), rules).unwrap();
        ["-c".to_owned(), format!("hba_file={}", folder.join("hba").display())].to_vec()
    });
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (name, admin) = (server.database(), server.url("postgres"));
    psql(&admin, &format!("CREATE ROLE bird LOGIN PASSWORD 'right'; ALTER DATABASE {name} OWNER TO bird"));
    psql(&server.url(&name), "GRANT ALL ON SCHEMA public TO bird");
    let url = |user: &str, database: &str| server.url(database).replace("postgres@", &format!("{user}@"));
    let start = |url: &str| refused_by(&[], &["--data", data.to_str().unwrap()], &[("GODWIT_DATABASE_URL", url)]);

    let wrong = start("postgresql://127.0.0.1:notaport/x");
    assert!(wrong.contains("the database URL"), "{wrong}");
    let wrong = start(&url("bird:wrong", &name));
    assert!(wrong.contains("password") && !wrong.contains("bird:wrong"), "{wrong}");
    let wrong = start(&url("bird:right", "nowhere"));
    assert!(wrong.contains("nowhere"), "{wrong}");

    // PostgreSQL 14, as this database tells it.
    psql(
        &server.url(&name),
        &format!(
            "CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql RETURN '140012';
             ALTER DATABASE {name} SET search_path = public, pg_catalog"
        ),
    );
    let wrong = start(&url("bird:right", &name));
    assert!(wrong.contains("PostgreSQL 14; 15 or newer"), "{wrong}");
    psql(&server.url(&name), &format!("DROP FUNCTION public.current_setting(text); ALTER DATABASE {name} RESET search_path"));

    psql(&server.url(&name), "DROP EXTENSION postgis");
    let wrong = start(&url("bird:right", &name));
    assert!(wrong.contains("has no PostGIS"), "{wrong}");
    psql(&server.url(&name), "CREATE EXTENSION postgis");
    psql(
        &server.url(&name),
        "CREATE TABLE schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO schema_version VALUES (99); ALTER TABLE schema_version OWNER TO bird",
    );
    let wrong = start(&url("bird:right", &name));
    assert!(wrong.contains("schema version 99, newer"), "{wrong}");
    assert_eq!(psql(&server.url(&name), "SELECT count(*) FROM pg_tables WHERE tableowner = 'bird'"), "1", "nothing was made");

    // A pooler without a server behind it is no reason to end: the same may work in a moment.
    let bouncer = PgBouncer::start(&server, 2);
    server.stop();
    let address = free_address();
    let child = serve(&[], &address, &["--data", data.to_str().unwrap()]).env("GODWIT_DATABASE_URL", bouncer.url(&name)).spawn().unwrap();
    let replica = Replica { child, address, name: "r1".to_owned() };
    let (status, why) = until("it answers", MINUTE, || replica.get("/readyz"));
    assert!(status == 503 && why.contains("cannot be filled from the database"), "{status} {why}");
}

/// A store with some packets in it.
fn filled(data: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_godwit"))
        .args(["import", "-", "--retention-days", "0", "--data", data.to_str().unwrap()])
        .env_remove("GODWIT_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let lines: String =
                (0..2000).map(|i| format!("2026-11-22T10:00:{:02}Z A{}B>APRS,qAR,G1:>number {i}\n", i % 60, i % 50)).collect();
            child.stdin.take().unwrap().write_all(lines.as_bytes())?;
            child.wait_with_output()
        })
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_data_folder_that_cannot_be_used_ends_the_start_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    let start = || refused(&["--data", data.to_str().unwrap(), "--retention-days", "0"]);

    // Another process has it.
    let address = free_address();
    let mut child = serve(&[], &address, &["--data", data.to_str().unwrap(), "--retention-days", "0"]).spawn().unwrap();
    let replica = |child| Replica { child, address: address.clone(), name: "r1".to_owned() };
    let line = first_line(&mut child);
    assert!(line.contains("is ready on"), "{line}");
    let mut first = replica(child);
    let wrong = start();
    assert!(wrong.contains("is in use by another godwit"), "{wrong}");
    assert_eq!(first.get("/readyz").unwrap().0, 200, "the first goes on");
    assert_eq!(first.end(), 0);

    // Written by a newer version.
    let main = data.join("godwit.sqlite");
    let known: i64 = sqlite(&main, |connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0)));
    sqlite(&main, |connection| connection.pragma_update(None, "user_version", 99));
    let wrong = start();
    assert!(wrong.contains("layout version 99, newer"), "{wrong}");
    sqlite(&main, |connection| connection.pragma_update(None, "user_version", known));

    // Damaged: the beginning of the main file, of a day; cut short.
    let day = data.join("packets/2026-11-22.sqlite");
    for (file, damage) in [(&main, 0), (&day, 0), (&main, 1), (&day, 1)] {
        let good = fs::read(file).unwrap();
        let mut bad = good.clone();
        if damage == 0 {
            bad[..1000].fill(0x55);
        } else {
            bad.truncate(5000);
        }
        fs::write(file, &bad).unwrap();
        let wrong = start();
        assert!(wrong.contains("is damaged or not a godwit file") && wrong.contains(file.to_str().unwrap()), "{wrong}");
        assert_eq!(fs::read(file).unwrap(), bad, "it was left as it is");
        fs::write(file, &good).unwrap();
    }

    // May be read and not written; we may be root, who may do everything.
    let somebody = |folder: &str| {
        let root = is_root();
        let before: &[&str] = if root { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
        refused_by(before, &["--data", folder], &[])
    };
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let mode = |mode: &str, path: &Path| assert!(Command::new("chmod").arg(mode).arg(path).status().unwrap().success());
    mode("755", folder.path());
    mode("555", &closed);
    for wanted in [closed.clone(), closed.join("below")] {
        let wrong = somebody(wanted.to_str().unwrap());
        assert!(wrong.contains("the data folder") && wrong.contains("cannot be used") && wrong.contains("--data"), "{wrong}");
    }
    let wrong = refused(&["--data", "/proc/nowhere"]);
    assert!(wrong.contains("/proc/nowhere"), "{wrong}");

    // After all that, everything is there.
    let mut child = serve(&[], &address, &["--data", data.to_str().unwrap(), "--retention-days", "0"]).spawn().unwrap();
    let line = first_line(&mut child);
    assert!(line.contains("is ready on"), "{line}");
    let mut last = replica(child);
    let page: Value = serde_json::from_str(&last.get("/api/v1/packets?limit=10000&until=2026-11-23T00:00:00Z").unwrap().1).unwrap();
    assert_eq!(page["packets"].as_array().unwrap().len(), 2000);
    assert_eq!(last.end(), 0);
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn sqlite<T>(file: &Path, with: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> T {
    with(&rusqlite::Connection::open(file).unwrap()).unwrap()
}

fn first_line(child: &mut Child) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    let stdout = child.stdout.as_mut().unwrap();
    while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// The program with a disk of so many megabytes of its own at this folder, in a namespace that nobody else sees. What is
/// on it at the end is copied to `....kept`.
fn on_a_disk(megabytes: u32, folder: &Path, address: &str, arguments: &[&str]) -> Replica {
    let script = format!(
        "mount -t tmpfs -o size={megabytes}m tmpfs {0} || exit 99
         setpriv --pdeathsig KILL \"$@\" & program=$!
         trap 'kill -TERM $program' TERM
         wait $program; code=$?; [ $code -le 128 ] || {{ wait $program; code=$?; }}
         cp -a {0} {0}.kept; exit $code",
        folder.display()
    );
    let before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    let arguments = [&["--data", folder.to_str().unwrap()], arguments].concat();
    let mut command = serve(&before, address, &arguments);
    let child = command.stdout(Stdio::null()).stderr(fs::File::create(folder.with_extension("log")).unwrap()).spawn().unwrap();
    Replica { child, address: address.to_owned(), name: "r1".to_owned() }
}

fn status(replica: &Replica) -> Option<Value> {
    serde_json::from_str(&replica.get("/api/v1/status")?.1).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_storing_and_nothing_else_until_there_is_room() {
    let ledger = LedgerServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let address = free_address();
    let operators = address.clone();
    let feed = ["--callsign", "N0CALL-1", "--aprs-is", &ledger.address.to_string()];
    let mut replica = on_a_disk(24, &data, &address, &feed);
    // The program's own view of its disk.
    let inside = Path::new("/proc").join(replica.child.id().to_string()).join("root").join(data.strip_prefix("/").unwrap());
    let stored = |replica: &Replica| status(replica)?["packets"]["stored"].as_u64();
    until("it listens", MINUTE, || (ledger.clients() == 1).then_some(()));
    ledger.pace(500);
    let ballast = inside.join("ballast");
    let log = || fs::read_to_string(data.with_extension("log")).unwrap_or_default();
    for round in 0..3 {
        let before = stored(&replica).unwrap();
        until("it stores", MINUTE, || stored(&replica).filter(|stored| *stored > before + 500));
        let mut file = fs::File::create(&ballast).unwrap();
        let filled = std::io::copy(&mut std::io::repeat(0), &mut file).unwrap_err();
        assert_eq!(filled.kind(), std::io::ErrorKind::StorageFull);
        drop(file);
        let trouble = until("it says so", MINUTE, || disk(&operators)?.as_str().map(str::to_owned));
        assert!(trouble.contains(data.to_str().unwrap()) && trouble.contains("make room"), "{trouble}");
        let received = status(&replica).unwrap()["packets"]["received"].as_u64().unwrap();
        until("the live map goes on", MINUTE, || status(&replica)?["packets"]["received"].as_u64().filter(|now| *now > received + 200));
        if round == 0 {
            until("and counts what is lost", MINUTE * 2, || {
                status(&replica)?["packets"]["refused"].as_u64().filter(|refused| *refused > 0)
            });
        }
        assert_eq!(replica.get("/readyz").unwrap().0, 200);
        fs::remove_file(&ballast).unwrap();
        until("it is well again", MINUTE, || disk(&operators)?.is_null().then_some(()));
    }
    ledger.pace(0);
    until("all is received", MINUTE, || status(&replica)?["packets"]["received"].as_u64().filter(|received| *received == ledger.sent()));
    let waiting = || status(&replica)?["queues"]["keeper"]["depth"].as_u64();
    until("what waited is stored", MINUTE, || waiting().filter(|depth| *depth == 0));
    let refused = status(&replica).unwrap()["packets"]["refused"].as_u64().unwrap();
    assert_eq!(replica.end(), 0, "{}", log());
    assert!(!log().contains("panicked") && log().contains("packets are stored again"), "{}", log());
    // Everything that was not refused is there once, and the counts say so too.
    let (mut rows, mut different, mut hours) = (0, 0, 0);
    for day in fs::read_dir(data.with_extension("kept").join("packets")).unwrap().flatten().map(|entry| entry.path()) {
        if day.extension().is_some_and(|extension| extension == "sqlite") {
            let count = |sql: &str| {
                let count = sqlite(&day, |connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)));
                u64::try_from(count).unwrap()
            };
            rows += count("SELECT count(*) FROM packet");
            different += count("SELECT count(DISTINCT raw) FROM packet");
            hours += count("SELECT sum(accepted + duplicate + implausible + bad) FROM hour");
            assert_eq!(count("SELECT sum(value) FROM counter WHERE key IN ('accepted', 'duplicate', 'implausible', 'bad')"), {
                count("SELECT count(*) FROM packet")
            });
        }
    }
    assert_eq!((rows, different, hours), (ledger.sent() - refused, rows, rows), "{refused} refused");
    let mut child = serve(&[], &address, &["--data", data.with_extension("kept").to_str().unwrap()]).spawn().unwrap();
    assert!(first_line(&mut child).contains("is ready on"));
    let _replica = Replica { child, address, name: "r1".to_owned() };
}

/// What the operators' status says about the disk: null if nothing is wrong.
fn disk(operators: &str) -> Option<Value> {
    let mut stream = std::net::TcpStream::connect(operators).ok()?;
    write!(stream, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    Some(status["health"]["disk"]["trouble"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_cannot_be_written_is_said_and_what_is_lost_at_the_end_is_no_success() {
    let ledger = LedgerServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (data, address) = (folder.path().join("data"), free_address());
    let operators = address.clone();
    filled(&data);
    fs::write(data.join("packets/2026-11-20.sqlite"), b"").unwrap();
    let feed = ["--callsign", "N0CALL-1", "--aprs-is", &ledger.address.to_string(), "--data", data.to_str().unwrap()];
    let mut command = serve(&[], &address, &[&feed[..], &["--retention-days", "0"]].concat());
    command.stdout(Stdio::null()).stderr(fs::File::create(folder.path().join("log")).unwrap());
    let mut replica = Replica { child: command.spawn().unwrap(), address, name: "r1".to_owned() };
    let stored = |replica: &Replica| status(replica)?["packets"]["stored"].as_u64();
    until("it listens", MINUTE, || (ledger.clients() == 1).then_some(()));
    let trouble = || disk(&operators)?.as_str().map(str::to_owned);
    let empty = until("the empty day is said", MINUTE, trouble);
    assert!(empty.contains("2026-11-20.sqlite: 0 bytes") && empty.contains("restore the file from a backup"), "{empty}");
    ledger.pace(200);
    until("it stores", MINUTE, || stored(&replica).filter(|stored| *stored > 200));
    // The file of today refuses, as a damaged one does.
    let days = fs::read_dir(data.join("packets")).unwrap().flatten().map(|entry| entry.path());
    let today = days.filter(|path| path.extension().is_some_and(|end| end == "sqlite")).max().unwrap();
    sqlite(&today, |connection| {
        connection.execute_batch("CREATE TRIGGER broken BEFORE INSERT ON packet BEGIN SELECT RAISE(FAIL, 'broken on purpose'); END")
    });
    let said = until("the broken day is said", MINUTE, || trouble().filter(|trouble| trouble != &empty));
    assert!(said.contains(today.to_str().unwrap()) && said.contains("broken on purpose"), "{said}");
    assert_eq!(status(&replica).unwrap()["packets"]["refused"], 0);
    ledger.pace(0);
    until("all is received", MINUTE, || status(&replica)?["packets"]["received"].as_u64().filter(|received| *received == ledger.sent()));
    let lost = ledger.sent() - stored(&replica).unwrap();
    assert!(lost > 0);
    assert_eq!(replica.end(), 1);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains(&format!("error: {lost} packets could not be stored before the end and are lost")), "{log}");
    assert_eq!(log.matches("packets could not be stored and wait in memory").count(), 1, "{log}");
}

#[test]
fn a_full_disk_under_the_spool_loses_what_has_no_room_and_says_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let address = free_address();
    // Nobody answers there: everything goes to the spool, which may be larger than its disk.
    let url = ["--database-url", "postgresql://godwit@127.0.0.1:1/godwit", "--lease-seconds", "1", "--database-timeout-seconds", "1"];
    let replica = on_a_disk(2, &data, &address, &[&url[..], &["--demo", "--rate", "2000", "--spool-mb", "100"]].concat());
    let refused = |replica: &Replica| status(replica)?["packets"]["refused"].as_u64();
    until("it refuses", MINUTE, || refused(&replica).filter(|refused| *refused > 0));
    let status = status(&replica).unwrap();
    let trouble = status["cluster"]["spool"]["trouble"].as_str().unwrap_or_default();
    assert!(trouble.contains("No space left") || trouble.contains("no space left"), "{status}");
    assert!(status["cluster"]["spool"]["packets"].as_u64().unwrap() > 100, "{status}");
    let received = status["packets"]["received"].as_u64().unwrap();
    until("the live map goes on", MINUTE, || {
        let (_, body) = replica.get("/api/v1/status")?;
        let now: Value = serde_json::from_str(&body).ok()?;
        now["packets"]["received"].as_u64().filter(|now| *now > received)
    });
    let log = fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("packets are lost until this ends") && !log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forth_and_back_loses_nothing() {
    let library = faketime();
    let ledger = LedgerServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (data, offset, address) = (folder.path().join("data"), folder.path().join("offset"), free_address());
    let set = |text: &str| fs::write(&offset, text).unwrap();
    set("+0");
    let feed = ["--callsign", "N0CALL-1", "--aprs-is", &ledger.address.to_string(), "--data", data.to_str().unwrap()];
    let mut command = serve(&[], &address, &feed);
    command.stdout(Stdio::null()).stderr(fs::File::create(folder.path().join("log")).unwrap());
    command.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_CACHE_DURATION", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut replica = Replica { child: command.spawn().unwrap(), address, name: "r1".to_owned() };
    let received = |replica: &Replica| status(replica)?["packets"]["received"].as_u64();
    until("it listens", MINUTE, || (ledger.clients() == 1).then_some(()));
    ledger.pace(300);
    // Over a midnight and back again; then some seconds back, which lets times repeat.
    for step in ["+0", "+30h", "-30h", "-31s", "+0"] {
        set(step);
        let before = received(&replica).unwrap();
        until(step, MINUTE, || received(&replica).filter(|received| *received > before + 900));
        assert_eq!(replica.get("/readyz").unwrap().0, 200, "{step}");
        let (_, stations) = replica.get("/api/v1/stations?bbox=-180,-85,180,85&limit=1000").unwrap();
        assert!(!serde_json::from_str::<Value>(&stations).unwrap()["stations"].as_array().unwrap().is_empty(), "{step}");
    }
    ledger.pace(0);
    until("all is received", MINUTE, || received(&replica).filter(|received| *received == ledger.sent()));
    assert_eq!(replica.end(), 0);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    // All of it is there, each once, under whatever time.
    let (mut rows, mut days) = (0, 0);
    for day in fs::read_dir(data.join("packets")).unwrap().flatten().map(|entry| entry.path()) {
        if day.extension().is_some_and(|extension| extension == "sqlite") {
            let count = |sql: &str| sqlite(&day, |connection| connection.query_row(sql, [], |row| row.get::<_, i64>(0)));
            rows += count("SELECT count(*) FROM packet");
            days += 1;
            assert_eq!(count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
        }
    }
    assert_eq!(u64::try_from(rows).unwrap(), ledger.sent());
    assert!(days >= 3, "{days}");
    let mut child = serve(&[], &replica.address, &["--data", data.to_str().unwrap()]).spawn().unwrap();
    assert!(first_line(&mut child).contains("is ready on"));
    let _last = Replica { child, address: replica.address.clone(), name: "r1".to_owned() };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_does_not_hide_a_dead_server_and_one_set_forth_closes_none() {
    let library = faketime();
    let beats = (0..30).flat_map(|_| [send("# still here\r\n"), Step::Wait(Duration::from_millis(300))]);
    let script: Vec<Step> = good_login().into_iter().chain(beats).chain([Step::Hang]).collect();
    let server = Server::start(vec![script]).await;
    let folder = tempfile::tempdir().unwrap();
    let (data, offset, address) = (folder.path().join("data"), folder.path().join("offset"), free_address());
    let set = |text: &str| fs::write(&offset, text).unwrap();
    set("+0");
    let aprs_is = server.address.to_string();
    let feed =
        ["--callsign", "N0CALL-1", "--aprs-is", &aprs_is, "--filter", "t/p", "--silence-seconds", "5", "--data", data.to_str().unwrap()];
    let mut command = serve(&[], &address, &feed);
    command.stdout(Stdio::null()).stderr(fs::File::create(folder.path().join("log")).unwrap());
    command.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_CACHE_DURATION", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut replica = Replica { child: command.spawn().unwrap(), address, name: "r1".to_owned() };
    let feed = |replica: &Replica| Some(status(replica)?["feed"].clone());
    until("logged in", MINUTE, || (feed(&replica)?["state"] == "unverified").then_some(()));
    let open_block = |replica: &Replica| serde_json::from_str::<Value>(&replica.get("/history/v1/range")?.1).ok()?["open_block"].as_i64();
    let block = open_block(&replica).unwrap();
    set("+3h");
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    // The open time block says what the program takes for the time; keepalives come for nine seconds.
    until("the clock is seen to be ahead", MINUTE, || (open_block(&replica)? > block + 10).then_some(()));
    assert_eq!(feed(&replica).unwrap()["reconnects"], 0, "{}", log());
    set("-1h");
    until("the silence is noticed", MINUTE, || feed(&replica)?["reconnects"].as_u64().filter(|count| *count > 0));
    assert!(log().contains("the server sent nothing for 5 s"), "{}", log());
    assert_eq!(replica.end(), 0);
}
