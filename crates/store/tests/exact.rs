//! A batch is kept once, whatever fails on the way. Each append is made to fail, or its writer is killed, at one step
//! after the other; the batch is sent again, and packets, counts, hours, links and latest states are compared with those
//! of a store in which nothing failed.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use godwit_pipeline::{EntityState, Name};
use godwit_store::{
    Batch, Counts, DayState, Days, HeardDay, HeardLink, HeardSide, HourCounts, PacketQuery, PostgresConfig, PostgresStore, SqliteStore,
    Store, StoreError, StoredPacket,
};
use godwit_testkit::{TestDatabase, psql};
use rusqlite::Connection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};

use common::{DAY, NOON, S, batch};

/// Just before midnight UTC: a batch around it goes into two days.
const MIDNIGHT: i64 = NOON + DAY / 2;

/// Batches of a story: within a day, over midnight, and after it. Each has links, copies, bad lines, an object.
fn story() -> [Batch; 3] {
    [MIDNIGHT - 60 * S, MIDNIGHT - 2 * S, MIDNIGHT + 60 * S].map(|at_us| {
        let lines: [&[u8]; 6] = [
            b"A1B>APRS,WIDE1-1,qAR,GATE:!4722.85N/00832.46E-",
            b"A1B>APRS,WIDE1-1,qAR,GATE2:!4722.85N/00832.46E-",
            b"GATE>APRS,TCPIP*,qAC,T2:!4722.85N/00932.46E-",
            b"X1Y>APRS,qAR,GATE:;CAMP     *231200z4722.85N/00832.46E;tents",
            b"nonsense",
            b"X1Y>APRS,qAR,GATE:>status",
        ];
        let lines: Vec<(i64, &[u8])> = (0..).zip(lines).map(|(second, line)| (at_us + second * S, line)).collect();
        batch(&lines)
    })
}

/// All that a store says.
#[derive(Debug, PartialEq)]
struct Truth {
    packets: Vec<StoredPacket>,
    counts: Counts,
    days: Vec<DayState>,
    hours: Vec<HourCounts>,
    heard: Vec<HeardDay>,
    links: Vec<(&'static str, Vec<HeardLink>)>,
    states: BTreeMap<String, EntityState>,
}

async fn truth(store: &dyn Days) -> Truth {
    let query = PacketQuery { since_us: 0, until_us: i64::MAX, about: None, duplicates: true, limit: 1000, before_id: None };
    let mut links = Vec::new();
    for name in ["GATE", "GATE2", "A1B", "X1Y"] {
        for side in [HeardSide::By, HeardSide::Of] {
            links.push((name, store.heard(Name::new(name.as_bytes()).unwrap(), side, 0, 100).await.unwrap()));
        }
    }
    let states = store.entities(0).await.unwrap();
    Truth {
        packets: store.packets(query).await.unwrap().packets,
        counts: store.counts().await.unwrap(),
        days: store.days().await.unwrap(),
        hours: store.hours(0, i64::MAX).await.unwrap(),
        heard: store.heard_days(0, i64::MAX).await.unwrap(),
        links,
        states: states.into_iter().map(|state| (format!("{:?}", state.key), state)).collect(),
    }
}

/// What the story makes of a store in which nothing fails, up to and with this batch.
async fn expected(batches: usize) -> Truth {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    for batch in story().into_iter().take(batches) {
        store.append(batch).await.unwrap();
    }
    truth(&store).await
}

fn day_file(folder: &Path, at_us: i64) -> PathBuf {
    let date = if at_us < MIDNIGHT { "2026-11-23" } else { "2026-11-24" };
    folder.join("packets").join(format!("{date}.sqlite"))
}

/// The steps of an append, as writes that can be made to fail: a table of one of the files.
fn steps(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let (main, before, after) = (folder.join("godwit.sqlite"), day_file(folder, MIDNIGHT - 1), day_file(folder, MIDNIGHT));
    let of_day = ["packet", "hour", "heard_link", "counter"];
    let of_days = [before, after].into_iter().flat_map(|file| of_day.map(|table| (file.clone(), table)));
    of_days.chain(["entity", "meta"].map(|table| (main.clone(), table))).collect()
}

/// Makes writes to a table fail from now on, or no longer.
fn set_failing(file: &Path, table: &str, failing: bool) {
    let connection = Connection::open(file).unwrap();
    for (name, event) in [("on_insert", "INSERT"), ("on_update", "UPDATE")] {
        let sql = if failing {
            format!("CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(FAIL, 'on purpose'); END")
        } else {
            format!("DROP TRIGGER {name}")
        };
        connection.execute_batch(&sql).unwrap();
    }
}

/// A store in a new folder with both days in it, as the first batch and the one after midnight leave it.
async fn begun(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(folder).unwrap();
    let [before, _, after] = story();
    store.append(before).await.unwrap();
    store.append(after).await.unwrap();
    store
}

#[tokio::test]
async fn a_step_that_fails_keeps_nothing_twice_when_the_batch_is_sent_again() {
    let (whole, over_midnight) = (expected(3).await, || story()[1].clone());
    let steps_of = steps(Path::new(""));
    for number in 0..steps_of.len() {
        let folder = tempfile::tempdir().unwrap();
        let store = begun(folder.path()).await;
        let (file, table) = &steps(folder.path())[number];
        set_failing(file, table, true);
        for _ in 0..2 {
            let failed = store.append(over_midnight()).await.unwrap_err();
            assert!(failed.to_string().contains("on purpose") && failed.to_string().contains(file.to_str().unwrap()), "{failed}");
        }
        set_failing(file, table, false);
        store.append(over_midnight()).await.unwrap();
        let found = truth(&store).await;
        assert_eq!(found, whole, "{table} of {}", file.display());
        // And after it was opened again.
        store.close().await.unwrap();
        drop(store);
        let store = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(truth(&store).await, whole, "{table} of {}", file.display());
    }
}

#[tokio::test]
async fn another_batch_after_one_that_failed_in_the_main_file_finds_its_states_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let [first, second, third] = story();
    store.append(first).await.unwrap();
    let main = folder.path().join("godwit.sqlite");
    set_failing(&main, "entity", true);
    store.append(second).await.unwrap_err();
    set_failing(&main, "entity", false);
    // The sender gave up on the second.
    store.append(third).await.unwrap();
    assert_eq!(truth(&store).await, expected(3).await);
}

#[tokio::test]
async fn equal_batches_that_were_answered_are_two_batches() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    for _ in 0..3 {
        store.append(story()[0].clone()).await.unwrap();
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.stored + counts.duplicates + counts.bad, 18);
}

/// The variable that makes this test program the writer that is killed.
const WRITER: &str = "GODWIT_TEST_WRITER";

/// The writer: appends the batch over midnight to the store in this folder.
#[tokio::test]
async fn the_writer_that_is_killed() {
    let Some(folder) = std::env::var_os(WRITER) else { return };
    let store = SqliteStore::open(Path::new(&folder)).unwrap();
    store.append(story()[1].clone()).await.unwrap();
}

fn start_writer(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_writer_that_is_killed"]).env(WRITER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The files that a process has open.
fn opened_by(process: &Child) -> Vec<PathBuf> {
    let links = std::fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap();
    links.flatten().filter_map(|link| std::fs::read_link(link.path()).ok()).collect()
}

/// Packets that a day's file has.
fn packets_in(file: &Path) -> i64 {
    Connection::open(file).unwrap().query_row("SELECT count(*) FROM packet", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_writer_that_is_killed_between_two_files_leaves_what_the_next_one_makes_whole() {
    let whole = expected(3).await;
    // Held: the file that the writer waits for when it is killed; what it has written by then.
    for (held, written) in [(Some(0), (6, 6)), (Some(1), (8, 6)), (Some(2), (8, 10)), (None, (8, 10))] {
        let folder = tempfile::tempdir().unwrap();
        let store = begun(folder.path()).await;
        store.close().await.unwrap();
        drop(store);
        let (before, after) = (day_file(folder.path(), MIDNIGHT - 1), day_file(folder.path(), MIDNIGHT));
        let files = [before.clone(), after.clone(), folder.path().join("godwit.sqlite")];
        // Opening writes nothing, so the writer gets as far as the file that is held.
        let holder = held.map(|at: usize| Connection::open(&files[at]).unwrap());
        if let Some(holder) = &holder {
            holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        }
        let mut writer = start_writer(folder.path());
        let began = Instant::now();
        if held == Some(0) {
            // Nothing is written before it: that it is on its way is seen by its open files.
            let name = before.to_str().unwrap();
            while !opened_by(&writer).iter().any(|file| file.to_str().is_some_and(|file| file.starts_with(name))) {
                assert!(began.elapsed() < Duration::from_secs(30));
                std::thread::yield_now();
            }
        } else {
            while (packets_in(&before), packets_in(&after)) != written {
                assert!(began.elapsed() < Duration::from_secs(30), "{held:?}: {} {}", packets_in(&before), packets_in(&after));
                std::thread::yield_now();
            }
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        drop(holder);
        assert_eq!((packets_in(&before), packets_in(&after)), written, "{held:?}");
        // Each file is whole by itself, and the same batch adds what is missing.
        let store = SqliteStore::open(folder.path()).unwrap();
        let counts = store.counts().await.unwrap();
        assert_eq!(i64::try_from(counts.stored + counts.duplicates + counts.bad).unwrap(), written.0 + written.1);
        store.append(story()[1].clone()).await.unwrap();
        assert_eq!(truth(&store).await, whole, "{held:?}");
    }
}

/// What a proxy before PostgreSQL does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Passes on this many messages of the client after the start, then cuts both connections.
    CutAfter(usize),
    /// Passes on everything, but cuts instead of the answer to COMMIT.
    NoAnswer,
    /// Answers COMMIT with the error of a pooler that lost its server, after the server took it.
    PoolerError,
}

/// A proxy before PostgreSQL that does its fault once, to the next connection that sends BEGIN.
struct Proxy {
    url: String,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Proxy {
    async fn start(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = database.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let url = database.url.replace(&server, &format!("127.0.0.1:{port}"));
        let fault = Arc::<Mutex<Option<Fault>>>::default();
        let shared = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, shared.clone()));
            }
        });
        Self { url, fault }
    }

    fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Whether the fault was done.
    fn is_done(&self) -> bool {
        self.fault.lock().unwrap().is_none()
    }
}

/// A message with a type in front; `None` when the connection ends.
async fn message(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message[1..5].try_into().unwrap()) as usize;
    message.resize(1 + length, 0);
    from.read_exact(&mut message[5..]).await.ok()?;
    Some(message)
}

fn is(message: &[u8], statement: &str) -> bool {
    message[0] == b'Q' && message[5..].starts_with(statement.as_bytes())
}

async fn pass(client: TcpStream, server: TcpStream, fault: Arc<Mutex<Option<Fault>>>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    // The start has no type in front.
    let mut head = [0; 4];
    let Ok(_) = from_client.read_exact(&mut head).await else { return };
    let mut start = vec![0; u32::from_be_bytes(head) as usize - 4];
    from_client.read_exact(&mut start).await.unwrap();
    if start.starts_with(&80_877_103_u32.to_be_bytes()) {
        // No TLS here; then the start.
        to_client.write_all(b"N").await.unwrap();
        from_client.read_exact(&mut head).await.unwrap();
        start = vec![0; u32::from_be_bytes(head) as usize - 4];
        from_client.read_exact(&mut start).await.unwrap();
    }
    to_server.write_all(&[&head[..], &start].concat()).await.unwrap();
    let committing = Arc::new(AtomicBool::new(false));
    let (committed, shared) = (committing.clone(), fault.clone());
    let mut answers = tokio::spawn(async move {
        while let Some(message) = message(&mut from_server).await {
            // The server took it.
            let is_taken = message[0] == b'C' && message[5..].starts_with(b"COMMIT") && committed.load(Ordering::SeqCst);
            let fault = *shared.lock().unwrap();
            if is_taken && fault == Some(Fault::NoAnswer) {
                *shared.lock().unwrap() = None;
                return;
            }
            if is_taken && fault == Some(Fault::PoolerError) {
                *shared.lock().unwrap() = None;
                let text = b"SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0\0";
                let length = u32::try_from(text.len() + 4).unwrap().to_be_bytes();
                let _ = to_client.write_all(&[b"E", &length[..], text].concat()).await;
                return;
            }
            if to_client.write_all(&message).await.is_err() {
                return;
            }
        }
    });
    let questions = async {
        let mut since_begin = None;
        while let Some(message) = message(&mut from_client).await {
            if is(&message, "BEGIN; SET LOCAL statement_timeout") {
                since_begin = Some(0);
            }
            if let Some(count) = &mut since_begin {
                let cut = *fault.lock().unwrap() == Some(Fault::CutAfter(*count));
                if cut {
                    *fault.lock().unwrap() = None;
                    return;
                }
                *count += 1;
            }
            if is(&message, "COMMIT") {
                committing.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&message).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = questions => {} _ = &mut answers => {} }
    answers.abort();
}

/// In an order that does not depend on the engine.
fn comparable(mut truth: Truth) -> Truth {
    truth.packets.sort_by_key(|packet| packet.id);
    for (_, links) in &mut truth.links {
        links.sort_by_key(|link| link.other);
    }
    truth
}

/// Makes a database as it was when it was new: a tenth of the time of making one.
fn empty(database: &TestDatabase) {
    psql(
        &database.url,
        "TRUNCATE packet, entity, name, day, hour, heard_entity, heard_day, heard_link, appended, last_batch RESTART IDENTITY;
         UPDATE counter SET value = 0",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_anywhere_in_a_batch_keeps_nothing_twice() {
    let whole = comparable(expected(3).await);
    let database = TestDatabase::create();
    let proxy = Proxy::start(&database).await;
    // The keeper sends a batch again as it is, or out of its spool.
    let both = [Fault::NoAnswer, Fault::PoolerError].into_iter().flat_map(|fault| [(fault, false), (fault, true)]);
    let cuts = (0..1000).map(|message| (Fault::CutAfter(message), message % 2 == 0));
    let mut cut = 0;
    // The schema.
    PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap();
    for (fault, spooled) in both.chain(cuts) {
        empty(&database);
        let store = PostgresStore::open(&PostgresConfig::new(&proxy.url)).await.unwrap();
        let [first, second, third] = story();
        store.append(first).await.unwrap();
        store.append(third).await.unwrap();
        proxy.set(Some(fault));
        let failed = store.append(second.clone()).await;
        if !proxy.is_done() {
            // A batch has no more messages than this.
            assert!(matches!(fault, Fault::CutAfter(_)) && failed.is_ok(), "{fault:?}: {failed:?}");
            break;
        }
        cut += 1;
        let failed = failed.expect_err("it was cut");
        assert!(!matches!(failed, StoreError::Fenced(_)), "{failed}");
        if matches!(fault, Fault::NoAnswer | Fault::PoolerError) {
            assert_eq!(psql(&database.url, "SELECT count(*) FROM packet"), "18", "the server took it");
        }
        let again = if spooled { store.append_missing(&second, 15 * S).await } else { store.append(second).await };
        again.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(comparable(truth(&store).await), whole, "{fault:?}");
    }
    assert!(cut > 14, "{cut} faults");
}

#[tokio::test]
async fn both_engines_come_to_the_same_truth() {
    let database = TestDatabase::create();
    let store = PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap();
    for batch in story() {
        Store::append(&store, batch).await.unwrap();
    }
    assert_eq!(comparable(truth(&store).await), comparable(expected(3).await));
}
